#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SyncDelay: what dies young is never told, to a ctsyncd or to a conntrackd; what stays is."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import SETTLED, TCP, add_flows, change_flows, delete_flows, flow  # noqa: E402
from netns import Lab, wait_for  # noqa: E402
from peers import Pair  # noqa: E402

# Time enough for births, changes and ends to be over before the first flow is told of.
HELD, NEVER = "\t\tSyncDelay 10000\n", "\t\tSyncDelay 60000\n"


def connections(first, count):
    return [flow(TCP, "192.0.2.1", "198.51.100.1", first + i, 443, tcp="ESTABLISHED",
                 status=SETTLED, timeout=900) for i in range(count)]


def errors_of_conntrackd(node):
    return {name: int(n) for name, n in
            re.findall(r"(Malformed msgs|Packets lost|wrong version|Error send|Error recv):\s+(\d+)",
                       node.ctl("-s", "network").stdout)}


def delayed(backup):
    with Lab("sd") as lab:
        pair = Pair(lab, "ctsyncd", backup, ours=HELD)
        one = pair.one

        def short_lived():
            return one.stats()["short_lived"]
        short, closing, long = connections(1000, 30), connections(2000, 20), connections(3000, 50)
        wait_for(lambda: one.status()["in_sync"], 20, "the nodes in step", 0.1)
        add_flows(pair.a, short + closing + long)
        wait_for(lambda: one.local_count() == 100, 20, "the births")
        change_flows(pair.a, [{**f, "mark": 5} for f in long])
        change_flows(pair.a, [{**f, "tcp": "TIME_WAIT"} for f in closing])
        delete_flows(pair.a, short)
        wait_for(lambda: one.local_count() == 70, 20, "the ends")
        equal((one.stats()["sent_flows"], short_lived()), (0, 30), "messages, flows never told")
        wait_for(lambda: short_lived() == 50, 40, "what has closed is let go")
        wait_for(lambda: pair.two.remote_count() == 50, 20, "what stays is told")
        equal(one.stats()["sent_flows"], 50, "messages: one for each that stays")
        # What is known is told of at once, its end too; so is a closed one that ends: not at all.
        sent = one.stats()["sent_flows"]
        delete_flows(pair.a, closing + long[:10])
        pair.settle()
        equal((pair.two.remote_count(), one.stats()["sent_flows"] - sent), (40, 10),
              "flows that are left, messages of their ends")
        add_flows(pair.a, connections(4000, 100))
        pair.settle()
        if backup == "conntrackd":
            found = errors_of_conntrackd(pair.two)
            equal((len(found) > 0, sum(found.values())), (True, 0), f"conntrackd's errors {found}")
        pair.commit()


def test_beside_ctsyncd():
    delayed("ctsyncd")


def test_beside_conntrackd():
    delayed("conntrackd")


def test_a_bulk_names_what_is_held():
    """So a standby that comes, or asks, is complete."""
    with Lab("sb") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd", ours=NEVER)
        flows = connections(1000, 50)
        wait_for(lambda: pair.one.status()["in_sync"], 20, "the nodes in step", 0.1)
        add_flows(pair.a, flows)
        wait_for(lambda: pair.one.local_count() == 50, 20, "the births")
        equal((pair.one.stats()["sent_flows"], pair.two.remote_count()), (0, 0), "told before")
        pair.two.request_resync()
        pair.settle()
        equal(pair.two.remote_count(), 50, "told by the bulk")


if __name__ == "__main__":
    run_cases(globals())
