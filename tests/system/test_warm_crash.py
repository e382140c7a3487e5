#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of either daemon of a warm pair at any moment: no wrong entry in a kernel afterwards.

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
ROUNDS = 5
STEP = 2000
OWN = 50  # flows that are the standby's own
OWN_FIRST = 400000
WARM = "\t\tStandbyTable Warm\n\t\tWarmAge 0\n"
IGNORED = ("timeout", "labels")


class Warm(Pair):
    """Two nodes, the first of which carries traffic; flows are numbered from `first` up to `last`."""

    def __init__(self, lab, name):
        print(f"seed {SEED}: CTSYNC_SEED={SEED} tests/system/test_warm_crash.py {name}")
        super().__init__(lab, mode_options=WARM)
        self.rng = random.Random(SEED)
        self.first = self.last = 0
        self.streams = 0
        self.one.promote()
        wait_for(lambda: self.one.status()["in_sync"], 20, "the active node is in step")
        load(self.b, "create", OWN, "--first", str(OWN_FIRST))

    def spawn(self, verb, first, count, rate):
        self.streams += 1
        return self.a.spawn(built("flowload"), verb, str(count), "--first", str(first), "--rate",
                            str(rate), name=f"stream-{self.streams}")

    def stream(self):
        """Flows come while the oldest half of those before go."""
        going = (self.last - self.first) // 2
        streams = [self.spawn("create", self.last, STEP, 4000)]
        if going:
            streams.append(self.spawn("delete", self.first, going, 2000))
        self.first += going
        self.last += STEP
        return streams

    def moment(self, streams):
        """Some point of the stream, in flows of the standby's kernel, whatever the speed here."""
        before = self.b.count()
        count = self.rng.randrange(STEP // 2)
        wait_for(lambda: abs(self.b.count() - before) >= count
                 or not any(s.alive() for s in streams), 30, "the moment", 0.001)

    def end(self, streams):
        wait_for(lambda: not any(s.alive() for s in streams), 30, "the streams end")

    def lose(self, count):
        """So many flows end now."""
        load(self.a, "delete", count, "--first", str(self.first))
        self.first += count

    def right(self, what):
        """Each kernel has what there is, and nothing else, and each node claims its own."""
        flows = self.last - self.first

        def all_there():
            return (self.a.count() == flows + OWN and self.b.count() == flows + OWN
                    and self.one.local_count() == flows and self.two.local_count() == OWN)
        try:
            wait_for(all_there, 60, what, 0.1)
        finally:
            print(f"  {what}: {flows} + {OWN} flows; kernels {self.a.count()}, {self.b.count()}; "
                  f"own {self.one.local_count()}, {self.two.local_count()}")
        same_flows(self.b.flows(ignore=IGNORED), self.a.flows(ignore=IGNORED), "the kernels")


def crash(name, pick):
    with Lab(name) as lab:
        pair = Warm(lab, name)
        for n in range(ROUNDS):
            nodes = pick(pair)
            streams = pair.stream()
            pair.moment(streams)
            for node in nodes:
                node.kill()
            pair.end(streams)
            if pair.rng.randrange(2):
                pair.lose(STEP // 4)
            for node in nodes:
                node.start()
            if pair.rng.randrange(3) == 0:  # and again, before anything is clear
                time.sleep(pair.rng.random())
                nodes[0].kill()
                pair.lose(STEP // 8)
                nodes[0].start()
            pair.right(f"round {n}")


def test_standby_killed():
    crash("wcs", lambda pair: [pair.two])


def test_active_killed():
    crash("wca", lambda pair: [pair.one])


def test_either_or_both_killed():
    crash("wcb", lambda pair: pair.rng.choice([[pair.one], [pair.two], [pair.two, pair.one]]))


def test_all_ends_while_it_is_dead():
    with Lab("wce") as lab:
        pair = Warm(lab, "all_ends")
        pair.end(pair.stream())
        pair.right("before")
        pair.two.kill()
        pair.lose(STEP - 1)
        pair.two.start()
        pair.right("after")
        equal(pair.two.stats()["former_ended"], STEP - 1, "flows that no peer told any more")


def test_the_record_is_of_this_boot_and_ours():
    with Lab("wcr") as lab:
        pair = Warm(lab, "record")
        pair.end(pair.stream())
        pair.right("before")
        path = pair.two.lock + ".record"
        equal(os.stat(path).st_mode & 0o777, 0o600, "mode of the record")
        pair.two.kill()
        os.chmod(path, 0o666)  # as if another had made it
        pair.two.start()
        wait_for(lambda: "the next process cannot tell" in open(pair.two.process.log).read(), 10,
                 "a warning")
        equal(pair.two.stats()["former_found"], 0, "flows that were believed")
        pair.two.kill()
        with open(path, "r+b") as f:
            f.seek(24)
            f.write(b"another boot")
        os.chmod(path, 0o600)
        pair.two.start()
        equal(pair.two.stats()["former_found"], 0, "flows of another boot")


def test_a_takeover_has_all_of_it():
    with Lab("wct") as lab:
        pair = Warm(lab, "takeover")
        pair.end(pair.stream())
        pair.right("before")
        pair.two.kill()
        pair.one.kill()  # and its node with it
        pair.two.start()
        equal(pair.two.status()["local_flows"], OWN, "its own flows")
        pair.two.promote()
        wait_for(lambda: pair.two.local_count() == STEP + OWN, 20, "all are its own")
        equal(pair.b.count(), STEP + OWN, "flows in its kernel")
        pair.two.kill()
        pair.two.start()
        wait_for(lambda: pair.two.local_count() == STEP + OWN, 20, "and stay so")


if __name__ == "__main__":
    run_cases(globals())
