#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside Debian's conntrackd 1.4.7 on one sync link, either as the active node."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

import flowset  # noqa: E402
from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Failed, Lab, built, wait_for  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402

SETTLE_S = 20
# conntrackd prints no reply tuple of what it holds for others, and no labels; timeouts run.
IGNORE = ("timeout", "reply", "labels", "status")


class Pair:
    """Two nodes and a sync link; loss in percent, in both directions."""

    def __init__(self, lab, active, backup, v6_link=False, loss=0, options=""):
        addresses = ("fd00:9::1", "fd00:9::2") if v6_link else ("10.9.0.1", "10.9.0.2")
        prefix = "/64" if v6_link else "/24"
        self.a, self.b = lab.ns("a"), lab.ns("b")
        lab.veth(self.a, "sync", self.b, "sync", [addresses[0] + prefix], [addresses[1] + prefix])
        for space in (self.a, self.b):
            space.track()
            if loss:
                space.lose("sync", loss)
        self.active = SyncNode(lab, self.a, active, sync_conf(addresses[0], sync=options)).start()
        self.backup = SyncNode(lab, self.b, backup, sync_conf(addresses[1], sync=options)).start()
        lab.show = self.show

    def settle(self):
        """Waits until the backup holds what the active node's kernel has, then compares."""
        def same():
            return self.backup.remote_flows(IGNORE) == self.active.local_flows(IGNORE)
        try:
            wait_for(same, SETTLE_S, "same flows on both sides", 0.2)
        except Failed:
            same_flows(self.backup.remote_flows(IGNORE), self.active.local_flows(IGNORE),
                       "flows on the backup")
        equal(len(self.active.local()), self.a.count(), "flows the active node knows of its kernel")

    def show(self):
        return "\n".join(n.process.log_text()[-2000:] for n in (self.active, self.backup))


def kernel_flows(space):
    # The committing side makes TCP flows liberal and drops what the kernel decides by itself.
    return space.flows(ignore=("timeout",))


def run_direction(name, active, backup, v6_link=False, loss=0):
    with Lab(name) as lab:
        pair = Pair(lab, active, backup, v6_link, loss)
        flowset.make(pair.a, None)
        pair.settle()
        equal(len(pair.backup.remote()), len(flowset.KINDS), "flows on the backup")
        gone = ["tcp marked", "udp", "icmp", "tcp v6 snat", "tcp zone"]
        flowset.delete(pair.a, gone)
        pair.settle()
        equal(len(pair.backup.remote()), len(flowset.KINDS) - len(gone), "flows after deletions")
        pair.a.run("conntrack", "-U", "-s", "192.0.2.1", "-p", "tcp", "--sport", "1001",
                   "-m", "77", "-f", "ipv4")
        wait_for(lambda: any("mark=77" in line for line in pair.backup.remote()), SETTLE_S,
                 "an update of a mark arrives")
        pair.settle()
        pair.backup.commit()
        wait_for(lambda: pair.b.count() == pair.a.count(), SETTLE_S, "the backup's kernel has all")
        same_flows(kernel_flows(pair.b), kernel_flows(pair.a), "the backup's kernel")


def test_ctsyncd_active():
    run_direction("ia", "ctsyncd", "conntrackd")


def test_conntrackd_active():
    run_direction("ib", "conntrackd", "ctsyncd")


def test_ctsyncd_active_v6_link():
    run_direction("ic", "ctsyncd", "conntrackd", v6_link=True)


def test_conntrackd_active_v6_link():
    run_direction("id", "conntrackd", "ctsyncd", v6_link=True)


def load(space, verb, count, *more):
    space.run(built("flowload"), verb, str(count), *more)


def run_loss(name, active, backup):
    """5 % of the sync datagrams are lost in both directions; what is lost is asked for again."""
    with Lab(name) as lab:
        pair = Pair(lab, active, backup, loss=5)
        load(pair.a, "create", 5000, "--rate", "5000")
        load(pair.a, "update", 3000, "--rate", "5000", "--mark", "5")
        load(pair.a, "delete", 1000, "--first", "2000", "--rate", "5000")
        flowset.make(pair.a, None)
        pair.settle()
        equal(len(pair.backup.remote()), 4000 + len(flowset.KINDS), "flows on the backup")
        ours = pair.active if active == "ctsyncd" else pair.backup
        stats = ours.stats()
        if not stats["nacks_sent"] + stats["nacks_received"]:
            raise Failed("nothing was lost: the case shows nothing")


def test_loss_ctsyncd_active():
    run_loss("la", "ctsyncd", "conntrackd")


def test_loss_conntrackd_active():
    run_loss("lb", "conntrackd", "ctsyncd")


def test_bulk_both_ways():
    """Either side starts when the other holds flows already, and asks for them."""
    for active, backup in (("ctsyncd", "conntrackd"), ("conntrackd", "ctsyncd")):
        with Lab("bk") as lab:
            pair = Pair(lab, active, backup)
            load(pair.a, "create", 2000)
            pair.settle()
            pair.backup.stop()
            pair.backup.start()
            if backup == "conntrackd":
                pair.backup.request_resync()
            wait_for(lambda: pair.backup.remote_count() == 2000, SETTLE_S,
                     f"a restarted {backup} has the table of its peer")


def test_errors_counted_by_conntrackd():
    """Nothing that ctsyncd sends is malformed to conntrackd."""
    with Lab("er") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd")
        flowset.make(pair.a, None)
        pair.settle()
        pair.active.ctl("bulk")
        pair.settle()
        text = pair.backup.ctl("-s", "network").stdout
        for line in text.splitlines():
            name, _, value = line.partition(":")
            if value.strip().isdigit() and "recv" not in name:
                equal(int(value), 0, f"conntrackd counts {name.strip()}")


if __name__ == "__main__":
    run_cases(globals())
