#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside Debian's conntrackd 1.4.7: what either tells, the other holds and commits."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import add_flows, change_flows, delete_flows, zoo  # noqa: E402
from netns import Lab  # noqa: E402
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


if __name__ == "__main__":
    run_cases(globals())
