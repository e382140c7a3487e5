#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""PollSecs: no events are heard, the kernel's table is looked at again and again."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from ctnl import add_flows, delete_flows, zoo  # noqa: E402
from netns import Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402
from syncnode import SyncNode, stats_conf  # noqa: E402

POLL = "\tPollSecs 1\n"
IGNORE = ("timeout", "reply", "labels", "status", "state")


def polls(node, count):
    """Waits for so many more dumps."""
    seen = node.stats()["kernel_dumps"] + count
    wait_for(lambda: node.stats()["kernel_dumps"] >= seen, 5 * count + 10, "polls", 0.1)


def sockets_that_hear_events(node):
    """The kernel's list of netlink sockets: groups of NETLINK_NETFILTER ones of that process."""
    text = node.space.run("cat", "/proc/net/netlink").stdout
    rows = [line.split() for line in text.splitlines()[1:]]
    return [row for row in rows if row[1] == "12" and int(row[3], 16)]


def test_flows_come_and_go():
    with Lab("pf") as lab:
        pair = Pair(lab, general=POLL)
        equal(sockets_that_hear_events(pair.one), [], "sockets that hear events")
        flows = zoo()
        add_flows(pair.a, flows.values())
        load(pair.a, "create", 1000)
        pair.settle()
        same_flows(pair.one.local_flows(IGNORE), pair.a.flows(ignore=IGNORE), "local table")
        delete_flows(pair.a, [flows[name] for name in ("udp4", "zone", "icmpv6")])
        load(pair.a, "delete", 500)
        wait_for(lambda: pair.two.remote_count() == pair.a.count(), 20, "they go on the peer, too")
        pair.a.run("conntrack", "-U", "-f", "ipv4", "-p", "tcp", "--sport", "3000", "-m", "9")
        wait_for(lambda: any("mark=9" in line for line in pair.two.remote()), 20,
                 "a change is seen")
        stats = pair.one.stats()
        equal((stats["kernel_new"], stats["kernel_update"], stats["kernel_destroy"],
               stats["event_messages"]), (0, 0, 0, 0), "events")


def test_nothing_is_said_of_what_stays_as_it_is():
    """conntrackd announces all flows at each poll, and zoned ones as ended and born again."""
    with Lab("pn") as lab:
        pair = Pair(lab, general=POLL)
        add_flows(pair.a, zoo().values())
        pair.settle()
        polls(pair.one, 2)
        before = pair.one.stats()
        polls(pair.one, 4)
        after = pair.one.stats()
        for name in ("sent_flows", "kernel_swept"):
            equal(after[name], before[name], name)


def test_commit_and_taking_over():
    with Lab("pc") as lab:
        pair = Pair(lab, general=POLL)
        load(pair.a, "create", 1000)
        pair.settle()
        pair.two.promote()
        equal(pair.b.count(), 1000, "flows in the kernel")
        polls(pair.two, 2)
        equal(pair.two.local_count(), 1000, "flows of its own")


def test_an_empty_table_is_looked_at():
    with Lab("pe") as lab:
        pair = Pair(lab, general=POLL)
        polls(pair.one, 3)
        load(pair.a, "create", 1)
        wait_for(lambda: pair.two.remote_count() == 1, 20, "the first flow")


def test_statistics():
    with Lab("ps") as lab:
        a = lab.ns("a")
        a.track()
        n = SyncNode(lab, a, "ctsyncd", stats_conf(POLL, "\tLogFile @TMP@/stats.log\n")).start()
        load(a, "create", 300)
        wait_for(lambda: n.local_count() == 300, 20, "flows found")
        load(a, "delete", 200)
        wait_for(lambda: n.local_count() == 100, 20, "ends found")
        with open(lab.path("stats.log"), encoding="utf-8") as f:
            equal(len(f.read().splitlines()), 200, "lines")


if __name__ == "__main__":
    run_cases(globals())
