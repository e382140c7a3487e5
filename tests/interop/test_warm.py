#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A warm standby beside Debian's conntrackd 1.4.7: in its kernel before it is asked to take over."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import (ASSURED, SETTLED, TCP, add_flows, allow_labels, change_flows, delete_flows, flow,  # noqa: E402
                  same_tables, zoo)
from netns import Failed, Lab, TimedOut, wait_for  # noqa: E402
from peers import (HALF_OPEN, carried_view, committed_table, load, same_timeouts,  # noqa: E402
                   table_of)
from syncnode import SyncNode, sync_conf  # noqa: E402

SETTLE_S = 30
PURGE_S = 2
PURGE = f"\t\tPurgeTimeout {PURGE_S}\n"
WARM = PURGE + "\t\tStandbyTable Warm\n"
ESTABLISHED = 3
FLOWS = 3000
GONE = ("tcp4", "tcp6 CLOSE", "udp4 unreplied", "icmp", "icmpv6", "sctp6", "esp4", "tcp6 snat",
        "udp4 snat", "zone", "labels", "master")
CHANGED = {
    "tcp6": {"tcp": "CLOSE_WAIT", "mark": 7},
    "mark": {"mark": 0x77},
    "sctp4": {"sctp": ("SHUTDOWN_SENT", 11, 22)},
    "tcp4 both": {"tcp": "TIME_WAIT"},
    "zone, same tuple": {"mark": 9},
    "sequence adjustment": {"seqadj": (2000, 6, 8)},
    "udp6": {"labels": [1, 64]},
    "helper": {"mark": 3},
}


def is_settled(fields):
    """Of a flow of the owner's kernel: it is written before anyone takes over."""
    state = fields.get("protoinfo.1.1")
    return state not in HALF_OPEN and (bool(fields["status"] & ASSURED) or state == ESTABLISHED)


class WarmPair:
    """Node a is the active one, b the standby; each ctsyncd of them is told to keep warm."""

    def __init__(self, lab, kinds, mode="FTFW", loss=0, options="", warm=WARM):
        """options: more lines for a conntrackd's mode; warm: those of a ctsyncd."""
        self.a, self.b = lab.ns("a"), lab.ns("b")
        lab.veth(self.a, "sync", self.b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        self.nodes = []
        for number, (space, kind) in enumerate(zip((self.a, self.b), kinds), 1):
            space.track()
            allow_labels(space)
            if loss:
                space.lose("sync", loss)
            conf = sync_conf(f"10.9.0.{number}", mode=mode,
                             mode_options=PURGE + options if kind == "conntrackd" else warm)
            self.nodes.append(SyncNode(lab, space, kind, conf).start())
        self.one, self.two = self.nodes
        lab.show = lambda: "\n".join(n.process.log_text()[-2000:] for n in self.nodes)

    @staticmethod
    def expected(owner, holder, all_of_it=False):
        """What the holder's kernel is to have of the owner's, and the owner's timeouts."""
        table, timeouts = table_of(owner.space)
        if not all_of_it:
            table = {key: fields for key, fields in table.items() if is_settled(fields)}
        return committed_table(table, holder.kind, False, owner.kind), timeouts

    def is_warm(self, owner, holder, what, all_of_it=False):
        """Waits until the holder's kernel has what is settled in the owner's, and nothing else."""
        def as_expected():
            return self.expected(owner, holder, all_of_it)[0] == table_of(holder.space)[0]
        try:
            wait_for(as_expected, SETTLE_S, what, 0.2)
        except TimedOut:
            same_tables(table_of(holder.space)[0], self.expected(owner, holder, all_of_it)[0],
                        f"{what}: the kernel of {holder.name}")
        same_timeouts(table_of(holder.space)[1], self.expected(owner, holder)[1])

    def holds_all(self, owner, holder, what):
        def views():
            ignore = ("timeout", "labels", "reply")
            return (carried_view(holder.remote_flows(ignore), owner.kind),
                    carried_view(owner.space.flows(ignore=ignore), owner.kind))
        wait_for(lambda: len(set(map(frozenset, views()))) == 1, SETTLE_S, what, 0.2)


def says_how_warm(node, what):
    """Waits until nothing is left to be written; returns (warm, of)."""
    def done():
        s = node.status()
        return s["warm_behind_ms"] == 0 and s["warm_flows"] + s["warm_unsettled"] == s["remote_flows"]
    wait_for(done, SETTLE_S, what, 0.1)
    status = node.status()
    equal(status["standby_table"], "warm", "what it says to be")
    return status["warm_flows"], status["remote_flows"]


def promote(node):
    report = json.loads(node.ctl("promote", "--json").stdout)
    equal(report["outcome"], "done", f"the outcome of {node.name}'s promotion")
    return report


def stays_warm(mode="FTFW", loss=0, options=""):
    """conntrackd is active: births, changes, ends; then the roles change twice."""
    flows = zoo()
    with Lab("wm") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"), mode, loss, options)
        add_flows(pair.a, flows.values())
        pair.holds_all(pair.one, pair.two, "births")
        pair.is_warm(pair.one, pair.two, "births")
        change_flows(pair.a, [{**flows[n], **change} for n, change in CHANGED.items()])
        delete_flows(pair.a, [flows[n] for n in GONE])
        pair.is_warm(pair.one, pair.two, "changes and ends")
        add_flows(pair.a, [{**flows[n], "mark": 1} for n in GONE])
        pair.is_warm(pair.one, pair.two, "births again")
        warm, of = says_how_warm(pair.two, "all is written")
        equal(of, len(flows), "flows of the peer")
        equal(warm, pair.b.count(), "of them in the kernel, as it says")
        equal(pair.two.local_count(), 0, "flows that it calls its own")

        report = promote(pair.two)
        pair.is_warm(pair.one, pair.two, "the promotion", all_of_it=True)
        equal(report["written"], pair.b.count() - warm, "flows that were not there yet")
        wait_for(lambda: pair.two.local_count() == pair.b.count(), SETTLE_S, "all are its own")
        pair.one.demote()
        wait_for(lambda: pair.a.count() == 0, SETTLE_S, "the purge of the former active node")
        pair.holds_all(pair.two, pair.one, "the former active node holds them")

        count = pair.b.count()
        pair.one.promote()
        wait_for(lambda: pair.a.count() == count, SETTLE_S, "its commit")
        pair.two.demote()
        # What was its own, and its peer has now, stays where it is, settled or not.
        pair.is_warm(pair.one, pair.two, "after the way back", all_of_it=True)
        wait_for(lambda: pair.two.local_count() == 0, SETTLE_S, "nothing is its own any more")
        pair.a.flush()
        wait_for(lambda: pair.b.count() == 0, SETTLE_S, "the ends of all")


def test_conntrackd_active():
    stays_warm()


def test_conntrackd_active_loss():
    stays_warm(loss=5)


def test_conntrackd_active_notrack():
    stays_warm(mode="NOTRACK")


def test_conntrackd_tells_no_timeouts():
    """With its CommitTimeout: what is written lives long enough to be of use."""
    with Lab("wt") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"), options="\t\tCommitTimeout 180\n")
        load(pair.a, "create", FLOWS)
        wait_for(lambda: pair.b.count() == FLOWS, SETTLE_S, "all of it in the standby's kernel")
        least = min(table_of(pair.b)[1].values())
        equal(least >= 20, True, f"the least timeout, {least} s, is enough for a takeover")


def test_ctsyncd_active():
    """A warm node is active, conntrackd the standby: nothing on the wire is otherwise."""
    flows = zoo()
    with Lab("wa") as lab:
        pair = WarmPair(lab, ("ctsyncd", "conntrackd"))
        promote(pair.one)
        add_flows(pair.a, flows.values())
        pair.holds_all(pair.one, pair.two, "births")
        change_flows(pair.a, [{**flows[n], **change} for n, change in CHANGED.items()])
        delete_flows(pair.a, [flows[n] for n in GONE])
        pair.holds_all(pair.one, pair.two, "changes and ends")
        equal(pair.b.count(), 0, "flows in the kernel of a conntrackd that stands by")
        pair.two.commit()
        pair.is_warm(pair.one, pair.two, "its commit", all_of_it=True)


def test_a_peer_that_died_leaves_no_wrong_entry():
    """Flows end while conntrackd is dead: the standby's kernel forgets them like its table."""
    with Lab("wd") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"))
        load(pair.a, "create", FLOWS)
        wait_for(lambda: pair.b.count() == FLOWS, SETTLE_S, "all of it in the standby's kernel")
        pair.one.kill()
        load(pair.a, "delete", 500)
        equal(pair.b.count(), FLOWS, "flows in the standby's kernel meanwhile")
        pair.one.start()
        # Its protocol has no end of a table: what a resync does not name is dropped after a while.
        pair.two.request_resync()
        wait_for(lambda: pair.b.count() == FLOWS - 500, 90, "the ends of 500", 0.2)
        pair.is_warm(pair.one, pair.two, "the others")


def test_a_reload_changes_the_rate():
    """At the first one it would take a minute."""
    slow = WARM + f"\t\tWarmRate {FLOWS // 60}\n"
    with Lab("wr") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"), warm=slow)
        load(pair.a, "create", FLOWS)
        wait_for(lambda: pair.b.count() > 0, SETTLE_S, "some of it in the standby's kernel")
        equal(pair.b.count() < FLOWS // 2, True, "the others are still to be written")
        pair.two.reconfigure(sync_conf("10.9.0.2", mode_options=WARM))
        pair.two.process.kill(signal.SIGHUP)
        wait_for(lambda: pair.b.count() == FLOWS, SETTLE_S, "all of it")
        log = pair.two.process.log_text()
        equal("WarmRate is in force" in log, True, "the log says so")
        equal("needs a restart" in log, False, "and nothing needs more")


def test_the_commands_of_conntrackd():
    """What primary-backup.sh calls, as it calls it, on a warm standby."""
    with Lab("wc") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"))
        load(pair.a, "create", FLOWS)
        wait_for(lambda: pair.b.count() == FLOWS, SETTLE_S, "all of it in the standby's kernel")
        report = json.loads(pair.two.ctl("commit", "--json").stdout)
        equal((report["written"], report["refused"]), (0, 0), "the commit's writes")
        pair.two.ctl("flush")
        pair.two.ctl("resync-kernel")
        pair.two.ctl("bulk")
        equal(pair.two.local_count(), FLOWS, "flows of its own")
        pair.one.demote()
        wait_for(lambda: pair.a.count() == 0, SETTLE_S, "the purge of the former active node")
        wait_for(lambda: pair.one.remote_count() == FLOWS, SETTLE_S, "it holds them")
        equal(pair.b.count(), FLOWS, "flows in the new active node's kernel")
        load(pair.b, "delete", 100)
        pair.one.promote()
        wait_for(lambda: pair.a.count() == FLOWS - 100, SETTLE_S, "the way back")
        for verb in ("purge-later", "resync-peers"):
            pair.two.ctl(verb)
        # What was its own is purged or becomes the peer's; either way it is all there again.
        pair.is_warm(pair.one, pair.two, "the standby, after its purge")
        wait_for(lambda: pair.two.local_count() == 0, SETTLE_S, "nothing is its own any more")
        pair.a.flush()
        wait_for(lambda: pair.b.count() == 0, SETTLE_S, "the ends of all")


def test_cold_stays_cold():
    """A conntrackd.conf as it was: nothing is written before a takeover."""
    with Lab("wo") as lab:
        pair = WarmPair(lab, ("conntrackd", "ctsyncd"), warm=PURGE)
        load(pair.a, "create", FLOWS)
        wait_for(lambda: pair.two.remote_count() == FLOWS, SETTLE_S, "all is told")
        add_flows(pair.a, [flow(TCP, "10.8.0.1", "10.8.0.2", 1, 2, tcp="ESTABLISHED",
                                status=SETTLED, timeout=900)])
        wait_for(lambda: pair.two.remote_count() == FLOWS + 1, SETTLE_S, "and one more")
        equal(pair.b.count(), 0, "flows in the standby's kernel")
        status = pair.two.status()
        equal((status["standby_table"], status["warm_flows"]), ("cold", 0), "what it says")
        equal(promote(pair.two)["written"], FLOWS + 1, "what the promotion wrote")
        if pair.b.count() != FLOWS + 1:
            raise Failed("not all of it is in the kernel")


if __name__ == "__main__":
    run_cases(globals())
