#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A warm standby's promotion: only the difference is written, and the rest becomes its own."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Lab, built, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

FLOWS = int(os.environ.get("CTSYNC_TAKEOVER_FLOWS", "50000"))
CHANGED = FLOWS // 100
WARM = "\t\tStandbyTable Warm\n\t\tWarmAge 1\n"
SLOW = "\t\tStandbyTable Warm\n\t\tWarmAge 3600\n"
# A dump tells what is left of a timeout, and a flow's id is its kernel's own.
IGNORED = ("timeout", "labels")


# One end of a TCP connection sends to the other as many bytes as each line of stdin says.
STREAM = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 5000))
near = socket.create_connection(("127.0.0.1", 5000))
far = listener.accept()[0]
for line in sys.stdin:
    left = int(line)
    while left > 0:
        near.sendall(bytes(min(left, 20000)))
        got = 0
        while got < min(left, 20000):
            got += len(far.recv(65536))
        left -= got
    print("done", flush=True)
"""


class Stream:
    def __init__(self, space):
        self.process = space.spawn(sys.executable, "-c", STREAM, name="stream",
                                   stdin=subprocess.PIPE)
        self.rounds = 0

    def send(self, count, what):
        self.process.popen.stdin.write(b"%d\n" % count)
        self.process.popen.stdin.flush()
        self.rounds += 1
        wait_for(lambda: self.process.log_text().count("done") == self.rounds, 30, what)


class WarmPair(Pair):
    def __init__(self, lab, options=WARM, general=""):
        super().__init__(lab, mode_options=options + general)
        self.one.promote()

    def held(self, count):
        wait_for(lambda: self.two.remote_count() == count, 60, "all is told", 0.1)

    def warm(self, count):
        self.held(count)
        wait_for(lambda: self.b.count() == count, 60, "the standby's kernel is warm", 0.1)

    def promote(self):
        return json.loads(self.two.ctl("promote", "--json", deadline_s=120).stdout)

    def all_ours(self, count):
        def ours():
            status = self.two.status()
            return (status["local_flows"], status["remote_flows"], status["in_sync"]) == \
                (count, 0, status["in_sync"]) and status["kernel_synced"]
        wait_for(ours, 60, "all is the new active node's own", 0.1)
        same_flows(self.two.local_flows(IGNORED), self.b.flows(ignore=IGNORED), "local table")


def test_only_the_difference_is_written():
    with Lab("tk") as lab:
        pair = WarmPair(lab)
        load(pair.a, "create", FLOWS)
        pair.warm(FLOWS)
        # The last second of the active node's life: the standby is not to write it by itself.
        before = pair.two.stats()["inject_created"]
        load(pair.a, "create", CHANGED, "--first", str(FLOWS))
        pair.held(FLOWS + CHANGED)
        pair.one.kill()
        report = pair.promote()
        equal(report["refused"], 0, "refused")
        stats = pair.two.stats()
        created = stats["inject_created"] - before
        equal(created, CHANGED, "created behind what was there")
        if report["written"] > CHANGED:
            raise AssertionError(f"{report['written']} written, {CHANGED} were missing")
        equal(pair.b.count(), FLOWS + CHANGED, "flows in the kernel when it is done")
        pair.all_ours(FLOWS + CHANGED)
        equal(pair.two.stats()["taken"], FLOWS + CHANGED, "moved, not made anew")
        equal(pair.promote()["written"], 0, "second promotion")
        pair.one.start()
        wait_for(lambda: pair.one.remote_count() == FLOWS + CHANGED, 60,
                 "the failed node, back again, is sent the table")


def test_cold_difference_leaves_births_unheard():
    """All of it is missing: births of others meanwhile are found by the dump behind it."""
    with Lab("tb") as lab:
        pair = WarmPair(lab, SLOW)
        load(pair.a, "create", FLOWS)
        pair.held(FLOWS)
        pair.one.kill()
        stream = pair.b.spawn(built("flowload"), "create", "5000", "--first", str(2 * FLOWS),
                              "--rate", "10000", "--batch", "4", name="stream")
        report = pair.promote()
        equal((report["written"], report["refused"]), (FLOWS, 0), "written and refused")
        equal(pair.two.stats()["kernel_deafened"], 1, "times NEW events were done without")
        wait_for(lambda: not stream.alive(), 60, "the stream ends")
        wait_for(lambda: pair.two.local_count() == FLOWS + 5000, 60, "all of it is known", 0.1)
        pair.all_ours(FLOWS + 5000)
        # and births are heard again, without a dump
        dumps = pair.two.stats()["kernel_dumps"]
        load(pair.b, "create", 1, "--first", str(3 * FLOWS))
        wait_for(lambda: pair.two.local_count() == FLOWS + 5001, 20, "a birth is heard")
        equal(pair.two.stats()["kernel_dumps"], dumps, "dumps since")


def test_there_and_back():
    """Each promotion finds its kernel warm, and each demotion leaves it so."""
    with Lab("tt") as lab:
        pair = WarmPair(lab, WARM.replace("WarmAge 1", "WarmAge 0"))
        load(pair.a, "create", 5000)
        pair.warm(5000)
        born_here = pair.one
        for turn in range(4):
            down, up, space = ((pair.one, pair.two, pair.b) if turn % 2 == 0 else
                               (pair.two, pair.one, pair.a))
            down.ctl("demote")
            report = json.loads(up.ctl("promote", "--json").stdout)
            equal((report["written"], report["refused"]), (0, 0), f"turn {turn}")
            equal(space.count(), 5000, "flows in the kernel")
            wait_for(lambda u=up: u.local_count() == 5000, 30, "they are the active node's", 0.1)
            wait_for(lambda d=down: d.remote_count() == 5000, 30, "the other one is told", 0.1)
            if turn == 0:
                wait_for(lambda: born_here.stats()["inject_updated"] >= 5000, 30,
                         "its windows are done without", 0.1)


def test_a_purge_hands_over_what_is_there():
    """Nothing of it is written, so that a promotion has nothing to wait for."""
    with Lab("tp") as lab:
        pair = WarmPair(lab, WARM, "\t\tPurgeTimeout 5\n")
        load(pair.a, "create", 5000)
        load(pair.a, "create", 1000, "--proto", "udp", "--first", "5000", "--timeout", "300")
        pair.warm(6000)
        pair.one.ctl("demote")
        pair.promote()
        wait_for(lambda: pair.one.remote_count() == 6000, 30, "it is told what it had", 0.1)
        wait_for(lambda: pair.one.local_count() == 0, 30, "it is its peer's now", 0.1)
        report = json.loads(pair.one.ctl("promote", "--json").stdout)
        equal((report["written"], report["refused"]), (0, 0), "promoted behind the purge")
        stats = pair.one.stats()
        equal(stats["inject_created"], 0, "created")
        equal(stats["inject_yielded"], 6000, "handed over")
        equal(stats["inject_updated"], 5000, "TCP without windows, once, and nothing else")
        equal(pair.a.count(), 6000, "flows in the kernel")


def test_a_connection_may_come_back():
    """What went through the other node meanwhile is not out of the window."""
    with Lab("tw") as lab:
        pair = WarmPair(lab)
        stream = Stream(pair.a)
        stream.send(100000, "the connection is there")
        pair.warm(1)
        pair.one.ctl("demote")
        pair.promote()
        wait_for(lambda: pair.one.remote_count() == 1, 30, "it is told what it had", 0.1)
        wait_for(lambda: pair.one.stats()["inject_updated"] >= 1, 30, "and has prepared it", 0.1)
        pair.a.nft("table inet elsewhere { "
                   "chain i { type filter hook prerouting priority -350; iifname lo notrack; }; "
                   "chain o { type filter hook output priority -350; oifname lo notrack; }; }")
        stream.send(20000000, "packets that this kernel does not see")
        pair.a.run("nft", "delete", "table", "inet", "elsewhere")
        pair.two.ctl("demote")
        pair.one.promote()
        pair.a.nft("table inet strict { chain i { type filter hook input priority 10; "
                   "ct state invalid drop; }; }")
        stream.send(1000, "the connection goes on")


if __name__ == "__main__":
    run_cases(globals())
