#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of either daemon at any moment, a link that goes down, then both are in step again.

The moments are drawn from a seed: CTSYNC_SEED repeats a run.
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Lab, built, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

SEED = int(os.environ.get("CTSYNC_SEED", time.time_ns() % 1000000))
ROUNDS = 6


def in_step(pair):
    pair.settle(60)
    ignore = ("timeout", "labels", "reply")
    same_flows(pair.two.remote_flows(ignore), pair.a.flows(ignore=ignore), "the standby's table")
    same_flows(pair.one.local_flows(ignore), pair.a.flows(ignore=ignore), "the local table")


def crash(lab_name, pick):
    print(f"seed {SEED}: CTSYNC_SEED={SEED} tests/system/test_crash.py {lab_name}")
    rng = random.Random(SEED)
    with Lab(lab_name) as lab:
        pair = Pair(lab)
        first = 0
        for _ in range(ROUNDS):
            node = pick(pair, rng)
            stream = pair.a.spawn(built("flowload"), "create", "3000", "--first", str(first),
                                  "--rate", "6000", name=f"stream-{first}")
            # The moment of the kill, in flows heard: a condition, whatever the machine's speed.
            moment = first + rng.randrange(3000)
            wait_for(lambda: pair.a.count() >= moment or not stream.alive(), 30, "the moment",
                     0.001)
            node.kill()
            wait_for(lambda: not stream.alive(), 30, "the stream ends")
            first += 3000
            load(pair.a, "delete", 500, "--first", str(first - 3000))
            node.start()
            in_step(pair)


def test_active_killed():
    crash("active_killed", lambda pair, rng: pair.one)


def test_standby_killed():
    crash("standby_killed", lambda pair, rng: pair.two)


def test_either_killed():
    crash("either_killed", lambda pair, rng: rng.choice([pair.one, pair.two]))


def test_link_down_and_up():
    with Lab("ln") as lab:
        pair = Pair(lab)
        load(pair.a, "create", 1000)
        pair.settle()
        pair.b.ip("link set sync down")
        load(pair.a, "create", 2000, "--first", "1000")
        load(pair.a, "delete", 500)
        wait_for(lambda: pair.one.local_count() == 2500, 10, "heard on the active node")
        wait_for(lambda: pair.two.status()["peers"][0]["sync"] == "silent", 20, "silence noticed")
        pair.b.ip("link set sync up")
        in_step(pair)
        equal(pair.two.remote_count(), 2500, "flows on the standby")


if __name__ == "__main__":
    run_cases(globals())
