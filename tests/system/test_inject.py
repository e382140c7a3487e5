#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""DisableExternalCache: what the peer tells goes into the kernel at once."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from ctnl import (SETTLED, add_expects, add_flows, carried_zoo, expect_table, expectation,  # noqa: E402
                  flow)
from netns import Lab, wait_for  # noqa: E402
from pair import load  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402

FLOWS = 2000
OFF = "\t\tDisableExternalCache on\n"


class Injecting:
    """A pair of nodes without external caches."""

    def __init__(self, lab, kinds=("ctsyncd", "ctsyncd"), sync="", mode="FTFW"):
        self.lab, self.a, self.b = lab, lab.ns("a"), lab.ns("b")
        lab.veth(self.a, "sync", self.b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        for space in (self.a, self.b):
            space.track()
        self.one, self.two = (
            SyncNode(lab, space, kind, sync_conf(address, mode=mode, mode_options=OFF, sync=sync))
            for space, kind, address in ((self.a, kinds[0], "10.9.0.1"),
                                         (self.b, kinds[1], "10.9.0.2")))
        self.one.start()
        self.two.start()

    def follows(self, count, what):
        wait_for(lambda: self.a.count() == count and self.b.count() == count, 30, what)


def flows_follow(kinds, mode="FTFW"):
    with Lab("inj") as lab:
        pair = Injecting(lab, kinds, mode=mode)
        wait_for(lambda: pair.one.status()["peers"] if kinds[0] == "ctsyncd" else True, 20, "peers")
        flows = carried_zoo()
        load(pair.a, "create", 200)
        add_flows(pair.a, flows.values())
        count = 200 + len(flows)
        pair.follows(count, "all of it in the other kernel")
        ignore = ("timeout", "labels", "flags")
        wait_for(lambda: same(pair, ignore), 10, "the same flows")
        load(pair.a, "update", 200)
        wait_for(lambda: same(pair, ignore), 10, "the same changes")
        load(pair.a, "delete", 150)
        pair.follows(count - 150, "the ends of 150")
        pair.a.flush()
        pair.follows(0, "the ends of all")
        return pair


def same(pair, ignore):
    return pair.a.flows(ignore=ignore) == pair.b.flows(ignore=ignore)


def test_flows_follow():
    flows_follow(("ctsyncd", "ctsyncd"))


def test_flows_follow_in_notrack_mode():
    flows_follow(("ctsyncd", "ctsyncd"), "NOTRACK")


def test_conntrackd_tells():
    flows_follow(("conntrackd", "ctsyncd"))


def test_conntrackd_is_told():
    flows_follow(("ctsyncd", "conntrackd"))


def test_expectations_follow():
    with Lab("ije") as lab:
        pair = Injecting(lab, sync="\tOptions {\n\t\tExpectationSync on\n\t}\n")
        masters = [flow(6, "10.1.0.1", "10.2.0.1", 1000 + n, 21, tcp="ESTABLISHED",
                        status=SETTLED, helper="ftp") for n in range(20)]
        add_flows(pair.a, masters)
        add_expects(pair.a, [expectation(m, 40000 + n) for n, m in enumerate(masters)])
        wait_for(lambda: len(expect_table(pair.b)) == 20, 20, "the expectations")
        pair.a.run("conntrack", "-D", "-p", "tcp", "--sport", "1003")
        wait_for(lambda: len(expect_table(pair.b)) == 19, 20, "one has gone with its master")
        pair.one.ctl("purge", "expectations")
        equal(len(expect_table(pair.a)), 0, "expectations after their purge")
        equal(pair.a.count(), 19, "flows after it")


def test_the_scripts_commands_take_over():
    with Lab("ijs") as lab:
        pair = Injecting(lab)
        load(pair.a, "create", str(FLOWS))
        pair.follows(FLOWS, "all of it in the other kernel")
        equal(pair.two.local_count(), 0, "flows of the standby's own")
        report = json.loads(pair.two.ctl("commit", "--json").stdout)
        equal((report["written"], report["refused"]), (0, 0), "the commit")
        pair.two.ctl("flush")
        pair.two.ctl("resync-kernel")
        pair.two.ctl("bulk")
        pair.one.ctl("resync-peers")
        equal(pair.two.local_count(), FLOWS, "flows of the new active node's own")
        wait_for(lambda: pair.one.remote_count() == FLOWS, 20, "they are told")
        # what the former active one still has may end as it likes
        pair.a.flush()
        wait_for(lambda: pair.one.local_count() == 0, 20, "the ends are heard")
        load(pair.b, "create", "1", "--first", str(FLOWS))
        wait_for(lambda: pair.one.remote_count() == FLOWS + 1, 20, "and what came behind them")
        equal(pair.b.count(), FLOWS + 1, "flows in the new active node's kernel")


def test_promote_and_back():
    with Lab("ijp") as lab:
        pair = Injecting(lab)
        load(pair.a, "create", str(FLOWS))
        pair.follows(FLOWS, "all of it in the other kernel")
        for up, down, space in ((pair.two, pair.one, pair.b), (pair.one, pair.two, pair.a)) * 2:
            down.ctl("demote")
            report = json.loads(up.ctl("promote", "--json").stdout)
            equal((report["written"], report["refused"]), (0, 0), "the promotion")
            wait_for(lambda up=up: up.local_count() == FLOWS, 20, "all are its own")
            wait_for(lambda down=down: down.remote_count() == FLOWS, 20, "and are told")
            equal(space.count(), FLOWS, "flows in its kernel")


def test_what_changed_here_stays():
    with Lab("ijo") as lab:
        pair = Injecting(lab)
        load(pair.a, "create", "100")
        pair.follows(100, "all of it in the other kernel")
        # not by our own hand: as packets would do it
        load(pair.b, "update", "10")
        wait_for(lambda: pair.two.local_count() == 10, 20, "ten are its own")
        pair.a.flush()
        wait_for(lambda: pair.b.count() == 10, 20, "the others have ended")
        wait_for(lambda: pair.two.remote_count() == 0, 20, "all ends are heard")
        equal(pair.b.count(), 10, "flows that changed here")
        equal(pair.two.stats()["inject_kept"], 10, "ends that were not carried out")


def test_a_restarted_standby_goes_on():
    with Lab("ijr") as lab:
        pair = Injecting(lab)
        load(pair.a, "create", str(FLOWS))
        pair.follows(FLOWS, "all of it in the other kernel")
        pair.two.kill()
        load(pair.a, "update", "500")
        pair.two.start()
        wait_for(lambda: pair.two.remote_count() == FLOWS and pair.two.local_count() == 0, 20,
                 "they are the peer's")
        wait_for(lambda: pair.one.remote_count() == 0, 20, "and nobody claims them")
        same_flows(pair.b.flows(ignore=("timeout", "labels", "flags")),
                   pair.a.flows(ignore=("timeout", "labels", "flags")), "the kernels")
        equal(pair.a.count(), FLOWS, "flows in the active node's kernel")


if __name__ == "__main__":
    run_cases(globals())
