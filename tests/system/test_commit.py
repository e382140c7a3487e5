#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Commit, promote, demote: a large table goes into the kernel while events arrive."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from ctnl import add_flows, carried_zoo, zoo  # noqa: E402
from netns import Failed, Lab, built, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

FLOWS = int(os.environ.get("CTSYNC_COMMIT_FLOWS", "200000"))


def test_commit_while_events_arrive():
    with Lab("co") as lab:
        pair = Pair(lab)
        load(pair.a, "create", FLOWS)
        pair.settle(120)
        # A stream of other flows runs through the standby while it commits.
        stream = pair.b.spawn(built("flowload"), "create", "20000", "--first", str(FLOWS),
                              "--rate", "10000", "--batch", "16", name="stream")
        report = json.loads(pair.two.ctl("commit", "--json", deadline_s=300).stdout)
        equal((report["written"], report["refused"]), (FLOWS, 0), "written and refused")
        wait_for(lambda: not stream.alive(), 60, "the stream of events ends")
        wait_for(lambda: pair.two.local_count() == FLOWS + 20000, 60, "all of it heard", 0.2)
        equal(pair.b.count(), FLOWS + 20000, "flows in the standby's kernel")
        ignore = ("timeout", "labels")
        same_flows(pair.two.local_flows(ignore), pair.b.flows(ignore=ignore), "local table")
        equal(pair.two.stats()["kernel_overruns"], 0, "events lost")


def test_promote_is_idempotent_and_takes_over():
    with Lab("pr") as lab:
        pair = Pair(lab)
        flows = carried_zoo()
        add_flows(pair.a, flows.values())
        load(pair.a, "create", 1000)
        pair.settle()
        count = 1000 + len(flows)
        pair.one.kill()
        report = json.loads(pair.two.ctl("promote", "--json").stdout)
        equal((report["written"], report["refused"]), (count, 0), "first promotion")
        same_flows(pair.b.flows(), pair.a.flows(), "the new active node's kernel")
        report = json.loads(pair.two.ctl("promote", "--json").stdout)
        equal((report["written"], report["refused"]), (0, 0), "second promotion")
        equal(pair.two.status()["role"], "primary", "role")
        equal(pair.two.remote_count(), 0, "flows still held for the dead peer")
        pair.one.start()
        wait_for(lambda: pair.one.remote_count() == count, 20,
                 "the failed node, back again, is sent the table")


def test_commit_updates_what_exists():
    """An entry that is there already is updated in place: same id, new state."""
    with Lab("up") as lab:
        pair = Pair(lab)
        flows = zoo()
        there = [flows["udp4"], flows["tcp4 snat"]]
        # b's own first: a commit leaves alone what its kernel has told of later.
        add_flows(pair.b, there)
        add_flows(pair.a, [*there, flows["mark"]])
        pair.settle()
        before = sorted(line.split("id=")[1] for line in pair.b.conntrack("-o", "id"))
        pair.a.run("conntrack", "-U", "-f", "ipv4", "-p", "udp", "-m", "3")
        wait_for(lambda: any("mark=3" in line for line in pair.two.remote()), 10, "the update")
        begin = time.monotonic()
        report = json.loads(pair.two.ctl("commit", "--json").stdout)
        waited_ms = 1000 * (time.monotonic() - begin)
        equal((report["written"], report["refused"]), (3, 0), "written and refused")
        equal(0 < report["took_ms"] <= waited_ms, True,
              f"a time that can be: {report['took_ms']} of {waited_ms} ms")
        after = {line.split("id=")[1] for line in pair.b.conntrack("-o", "id")}
        if not set(before) <= after:
            raise Failed(f"entries were made anew: ids {before} became {sorted(after)}")
        if not any("udp" in line and "mark=3" in line for line in pair.b.conntrack()):
            raise Failed("the existing entry was not updated")


def test_demote_purges_later_and_promote_cancels_that():
    with Lab("de") as lab:
        pair = Pair(lab, options="\tPurgeTimeout 2\n")
        load(pair.a, "create", 500)
        pair.settle()
        pair.one.kill()
        pair.two.ctl("promote")
        equal(pair.b.count(), 500, "flows after the promotion")
        pair.two.ctl("demote")
        status = pair.two.status()
        equal((status["role"], status["purge_scheduled"]), ("backup", True), "after demotion")
        pair.two.ctl("promote")
        equal(pair.two.status()["purge_scheduled"], False, "purge scheduled after promotion")
        equal(pair.b.count(), 500, "flows after the second promotion")
        pair.two.ctl("fault")
        equal(pair.two.status()["role"], "fault", "role")
        wait_for(lambda: pair.b.count() == 0, 20, "the purge")
        wait_for(lambda: pair.two.local_count() == 0, 10, "an empty local table")


def test_flush_leaves_the_kernel_alone():
    with Lab("fl") as lab:
        pair = Pair(lab)
        load(pair.a, "create", 300)
        pair.settle()
        pair.one.ctl("flush")
        equal(pair.a.count(), 300, "flows in the kernel")
        equal(pair.two.remote_count(), 300, "flows on the peer")
        pair.one.ctl("resync")
        equal(pair.one.local_count(), 300, "flows after a resync")
        pair.two.ctl("flush")
        equal(pair.two.remote_count(), 0, "flows on the peer after its own flush")
        pair.one.ctl("bulk")
        wait_for(lambda: pair.two.remote_count() == 300, 10, "a bulk brings them back")


if __name__ == "__main__":
    run_cases(globals())
