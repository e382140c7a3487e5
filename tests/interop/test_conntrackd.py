#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside Debian's conntrackd 1.4.7: what either tells, the other holds and commits."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import SETTLED, TCP, add_flows, change_flows, delete_flows, flow, zoo  # noqa: E402
from matrix import Cell, CellPair, moved  # noqa: E402
from netns import TOP, Lab, wait_for  # noqa: E402
from peers import Pair  # noqa: E402

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


def everything(name, active, backup, **options):
    """Every kind of flow is born, changes and ends on the active node, then is committed."""
    flows = zoo()
    with Lab(name) as lab:
        pair = Pair(lab, active, backup, **options)
        add_flows(pair.a, flows.values())
        pair.settle()
        equal(pair.two.remote_count(), len(flows), "flows on the backup")
        change_flows(pair.a, [{**flows[n], **change} for n, change in CHANGED.items()])
        delete_flows(pair.a, [flows[n] for n in GONE])
        pair.settle()
        equal(pair.two.remote_count(), len(flows) - len(GONE), "flows after deletions")
        # what has ended may come again, as another flow
        add_flows(pair.a, [{**flows[n], "mark": 1} for n in GONE])
        pair.settle()
        pair.commit()
        pair.commit()  # over what is there


def test_ctsyncd_active():
    everything("ia", "ctsyncd", "conntrackd")


def test_conntrackd_active():
    everything("ib", "conntrackd", "ctsyncd")


def test_ctsyncd_active_v6_link_windows():
    everything("ic", "ctsyncd", "conntrackd", v6_link=True, windows=True)


def test_conntrackd_active_v6_link_windows():
    everything("id", "conntrackd", "ctsyncd", v6_link=True, windows=True)


def test_ctsyncd_active_loss():
    everything("ie", "ctsyncd", "conntrackd", loss=5)


def test_conntrackd_active_loss():
    everything("if", "conntrackd", "ctsyncd", loss=5)


# Numbers of version 1. Linux 6.16 and later have no flows of DCCP, so that nobody says 20 and 21.
FLOW_ATTRIBUTES = {n for n in range(33) if n not in (20, 21)}
EXPECT_ATTRIBUTES = set(range(21))


def attributes_said(path, side):
    """(numbers in messages of flows, of expectations) that one side said, from a recording."""
    said = set(), set()
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at + 4 <= len(data):
        who, length = data[at], int.from_bytes(data[at + 2:at + 4], "big")
        datagram, at = data[at + 4:at + 4 + length], at + 4 + length
        while who == side and len(datagram) >= 8:
            kind, size = datagram[0] & 15, int.from_bytes(datagram[2:4], "big")
            payload, datagram = datagram[8:size], datagram[max(size, 8):]
            while kind <= 5 and len(payload) >= 4:
                size = int.from_bytes(payload[:2], "big")
                said[kind > 2].add(int.from_bytes(payload[2:4], "big"))
                payload = payload[(size + 3) & ~3:]
    return said


def test_every_attribute_crosses():
    """All that the protocol has a word for is said by either, and arrives in the other's kernel."""
    for active, backup in (("ctsyncd", "conntrackd"), ("conntrackd", "ctsyncd")):
        with Lab("at") as lab:
            # IPv6: with window tracking.
            pair = CellPair(lab, Cell("FTFW", "UDP", 6, active, backup, 0))
            path = lab.path("recording")
            recorder = pair.a.spawn(sys.executable, os.path.join(TOP, "tests/lib/wire_record.py"),
                                    "sync0", "3780", path)
            wait_for(lambda: os.path.exists(path), 10, "the recorder")  # noqa: B023
            v6 = ("2001:db8:1::1", "2001:db8:2::1")
            tcp = {"tcp": "ESTABLISHED", "status": SETTLED, "timeout": 900}
            master = flow(TCP, *v6, 3005, 21, helper="ftp", **tcp)
            related = [master, flow(TCP, *reversed(v6), 20, 3050, master=master, **tcp)]
            add_flows(pair.a, related)
            add_flows(pair.b, moved(related))
            pair.check_life()
            pair.check_commit()
            recorder.stop()
            for side, node in ((1, pair.one), (2, pair.two)):
                flows, expects = attributes_said(path, side)
                print(f"    {node.kind} said attributes {sorted(flows)} of flows and "
                      f"{sorted(expects)} of expectations", flush=True)
                equal(flows, FLOW_ATTRIBUTES, f"attributes of flows that {node.kind} said")
                equal(expects, EXPECT_ATTRIBUTES, f"of expectations that {node.kind} said")


if __name__ == "__main__":
    run_cases(globals())
