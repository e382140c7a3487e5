#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory after a burst: what held the flows is the kernel's again, on either node."""

import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

SEED = int(os.environ.get("CTSYNC_SEED", time.time_ns() % 1000000))
BASE, BURST = 40000, 100000
BACK = 1.2  # times what it was


def resident_kb(node):
    """Of the tables' address space. (What a sanitizer takes is none of it.)"""
    process = json.loads(node.ctl("stats", "process", "--json").stdout)
    size_kb = (process["tables_reserved_bytes"] + 4095) // 4096 * 4
    size = found = 0
    with open(f"/proc/{node.process.pid}/smaps", encoding="ascii") as maps:
        for line in maps:
            words = line.split()
            if words[0] == "Size:":
                size = int(words[1])
            elif words[0] == "Rss:":
                resident = int(words[1])
            # Left out of core dumps; the kernel may have joined it with a neighbour that is, too.
            elif words[0] == "VmFlags:" and size_kb <= size < 2 * size_kb and "dd" in words[1:]:
                found += resident
    if not found:
        raise Failed(f"no mapping of {size_kb} KiB")
    return found


class Burst:
    """A pair in step, with BASE flows, and what each daemon has resident then."""

    def __init__(self, lab):
        self.pair = Pair(lab)
        self.nodes = (self.pair.one, self.pair.two)
        load(self.pair.a, "create", BASE)
        self.pair.settle()
        self.before = [resident_kb(n) for n in self.nodes]

    def grow(self):
        load(self.pair.a, "create", BURST, "--first", str(BASE))
        self.pair.settle(60)
        for node, before in zip(self.nodes, self.before):
            most = resident_kb(node)
            print(f"{node.name}: {before} KiB, {most} KiB with {BURST} flows more")
            if most < before + BURST * 50 // 1024:
                raise Failed(f"{node.name}: {most} KiB with a burst, {before} without")

    def wait_until_back(self, times):
        for node, before in zip(self.nodes, self.before):
            wait_for(lambda n=node, b=before: resident_kb(n) <= times * b, 60,
                     f"{node.name} is back at {times:.1f} times {before} KiB", 0.2)
            print(f"{node.name}: {resident_kb(node)} KiB, {before} KiB before")
            if not node.stats()["memory_released_bytes"]:
                raise Failed(f"{node.name} has given nothing back")

    def tables_are_right(self):
        ignore = ("timeout", "labels", "reply")
        kernel = self.pair.a.flows(ignore=ignore)
        same_flows(self.pair.one.local_flows(ignore), kernel, "the local table")
        same_flows(self.pair.two.remote_flows(ignore), kernel, "the standby's table")


def test_it_is_back_when_the_flows_are_gone():
    with Lab("mem") as lab:
        burst = Burst(lab)
        for _ in range(2):
            burst.grow()
            load(burst.pair.a, "delete", BURST, "--first", str(BASE))
            burst.pair.settle()
            burst.wait_until_back(BACK)
        equal(burst.pair.two.remote_count(), BASE, "flows on the standby")
        burst.tables_are_right()


def test_what_stays_moves_together():
    """One in twenty of the burst stays, spread over all of its memory."""
    print(f"seed {SEED}: CTSYNC_SEED={SEED} tests/system/test_memory.py stays")
    with Lab("thin") as lab:
        burst = Burst(lab)
        burst.grow()
        stay = random.Random(SEED).randrange(20)
        for rest in range(20):
            if rest != stay:
                load(burst.pair.a, "delete", BURST // 20, "--first", str(BASE + rest),
                     "--stride", "20")
        burst.pair.settle()
        equal(burst.pair.a.count(), BASE + BURST // 20, "flows")
        burst.wait_until_back(BACK * (BASE + BURST // 20) / BASE)
        for node in burst.nodes:
            if not node.stats()["memory_moved"]:
                raise Failed(f"{node.name} has moved nothing")
        burst.tables_are_right()
        # Each entry is where it is looked for: all of them change, and go.
        load(burst.pair.a, "update", BURST // 20, "--first", str(BASE + stay), "--stride", "20",
             "--mark", "77")
        burst.pair.settle()
        burst.tables_are_right()
        load(burst.pair.a, "delete", BURST // 20, "--first", str(BASE + stay), "--stride", "20")
        burst.pair.settle()
        burst.wait_until_back(BACK)
        burst.tables_are_right()


if __name__ == "__main__":
    run_cases(globals())
