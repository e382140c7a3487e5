#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics: ctsyncd and conntrackd 1.4.7 in one namespace tell the same of the flows that end."""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import SETTLED, add_flows, delete_flows, flow, zoo  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from syncnode import SyncNode, stats_conf  # noqa: E402

SETTLE_S = 20
LINE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\t(\S.*)")
BEFORE = flow(6, "10.1.0.1", "10.2.0.9", 9, 9, tcp="ESTABLISHED", status=SETTLED)
EXCHANGE = """
import socket
one, two = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
one.bind(("127.0.0.1", 998))
two.bind(("127.0.0.1", 999))
one.sendto(b"x" * 10, ("127.0.0.1", 999))
two.sendto(b"y" * 20, ("127.0.0.1", 998))
two.recv(100), one.recv(100)
"""


class Both:
    """Both daemons in one namespace, started when a flow was there already."""

    def __init__(self, lab, general="", stats="\tLogFile @TMP@/@NAME@.stats\n", syslog="off",
                 kinds=("conntrackd", "ctsyncd"), wrap=None, **sysctls):
        self.lab, self.space = lab, lab.ns("a")
        self.space.track()
        self.space.sysctl(netfilter__nf_conntrack_events=1, **sysctls)
        add_flows(self.space, [BEFORE])
        self.nodes = [SyncNode(lab, self.space, kind, stats_conf(general, stats, syslog))
                      for kind in kinds]
        for node in self.nodes:
            if wrap:
                wrap(node)
            node.start()

    def entries(self, node):
        """What its log says, the date apart, which has to be one."""
        with open(self.lab.path(f"{node.name}.stats")) as f:
            lines = f.read().splitlines()
        found = [LINE.fullmatch(line) for line in lines]
        if not all(found):
            raise Failed(f"{node.name}: a line of another form: {lines[found.index(None)]}")
        return [m.group(1) for m in found]

    def compare(self, count):
        wait_for(lambda: all(len(self.entries(n)) >= count for n in self.nodes), SETTLE_S,
                 f"{count} lines: {[len(self.entries(n)) for n in self.nodes]}")
        theirs, ours = (self.entries(n) for n in self.nodes)
        for a, b in zip(theirs, ours):
            equal(b, a, "a line of ctsyncd's")
        equal(len(ours), len(theirs), "lines")
        equal(len(ours), count, "lines")

    def live(self, flows):
        """Flows that are born, heard of, and deleted, and some traffic."""
        add_flows(self.space, flows)
        self.space.run("python3", "-c", EXCHANGE)
        delete_flows(self.space, [BEFORE, *flows])
        self.space.run("conntrack", "-D", "-p", "udp", "--sport", "998")


def test_a_line_for_every_kind_of_flow():
    with Lab("sk") as lab:
        both = Both(lab, netfilter__nf_conntrack_acct=0)
        flows = list(zoo().values())
        both.live(flows)
        both.compare(len(flows) + 2)
        stats = both.nodes[1].stats()
        equal(stats["stats_lines"], len(flows) + 2, "lines counted")
        equal(stats["ended_packets"], 0, "packets without accounting")


def test_traffic_and_times():
    with Lab("st") as lab:
        both = Both(lab, netfilter__nf_conntrack_acct=1, netfilter__nf_conntrack_timestamp=1)
        flows = list(zoo().values())
        both.live(flows)
        both.compare(len(flows) + 2)
        if not any(" packets=1 bytes=38 " in line and "delta-time=" in line
                   for line in both.entries(both.nodes[1])):
            raise Failed("no line has what the flow carried and how long it was there")
        said = re.search(r"traffic processed:\s+(\d+) Bytes\s+(\d+) Pckts",
                         both.nodes[0].ctl("-s").stdout)
        stats = both.nodes[1].stats()
        equal((stats["ended_bytes"], stats["ended_packets"]), tuple(map(int, said.groups())),
              "bytes and packets of ended flows")


def test_the_filter_decides():
    accept = """	Filter From Userspace {
		Protocol Accept { TCP }
		Address Ignore { IPv4_address 10.2.0.9 }
		State Accept { ESTABLISHED for TCP }
	}
"""
    with Lab("sf") as lab:
        both = Both(lab, accept)
        flows = zoo()
        both.live(list(flows.values()))
        wanted = [f for f in flows.values() if f["proto"] == 6 and f["tcp"] == "ESTABLISHED"]
        both.compare(len(wanted))


def test_polling():
    """Both tell of flows that a look at the table finds gone, as they last saw them."""
    with Lab("sl") as lab:
        both = Both(lab, "\tPollSecs 1\n")
        # Without zones: in other ones than 0 conntrackd finds each flow gone at each poll.
        flows = [f for f in zoo().values() if not any("zone" in key for key in f)]
        add_flows(both.space, flows)
        wait_for(lambda: both.nodes[1].local_count() == len(flows) + 1 and len(
            both.nodes[0].local()) == len(flows) + 1, SETTLE_S, "flows found")
        delete_flows(both.space, [BEFORE, *flows])
        wait_for(lambda: all(len(both.entries(n)) >= len(flows) + 1 for n in both.nodes), SETTLE_S,
                 "ends found")
        theirs, ours = (sorted(both.entries(n)) for n in both.nodes)
        equal(ours, theirs, "lines")


def entries_in_syslog(lab, syslog, kinds):
    """[(priority, entry)] of each daemon's end of a flow; each finds another /dev/log."""
    listeners = {}

    def wrap(node):
        listeners[node.name] = log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        lab.defer(log.close)
        log.bind(lab.path(f"{node.name}.devlog"))
        log.settimeout(SETTLE_S)
        node.program = lab.write(f"{node.name}.sh", f"""#!/bin/sh
exec unshare -m sh -c '
mount -t tmpfs none /dev &&
mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && chmod 666 /dev/null /dev/urandom &&
ln -s {lab.path(node.name + ".devlog")} /dev/log &&
exec "$0" "$@"' {node.program} "$@"
""", mode=0o755)

    both = Both(lab, stats="\tSyslog local3\n", syslog=syslog, kinds=kinds, wrap=wrap)
    delete_flows(both.space, [BEFORE])
    found = []
    for node in both.nodes:
        while b"10.2.0.9" not in (line := listeners[node.name].recv(4096)):
            pass
        text = line.decode().rstrip("\0\n")
        match = re.fullmatch(r"<(\d+)>[^:]+:\d\d:\d\d [^:]+\[\d+\]: (.*)", text)
        if not match:
            raise Failed(f"{node.name} wrote to syslog: {text}")
        found.append((int(match.group(1)), match.group(2)))
    return found


def test_syslog():
    with Lab("sy") as lab:
        theirs, ours = entries_in_syslog(lab, "local3", ("conntrackd", "ctsyncd"))
        equal(ours[1], theirs[1], "the entry")
        equal(theirs[0], 19 << 3 | 3, "conntrackd's priority: local3.err")
        equal(ours[0], 19 << 3 | 6, "ctsyncd's: local3.info")


def test_syslog_of_stats_alone():
    """conntrackd then writes nothing."""
    with Lab("sz") as lab:
        (ours,) = entries_in_syslog(lab, "off", ("ctsyncd",))
        equal(ours[0], 19 << 3 | 6, "local3.info")


if __name__ == "__main__":
    run_cases(globals())
