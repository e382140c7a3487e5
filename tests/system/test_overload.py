#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""More than a daemon has time for: what is lost is counted, and in the end nothing is wrong."""

import contextlib
import json
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Failed, Lab, built  # noqa: E402
from pair import Pair, load  # noqa: E402

SECONDS = os.environ.get("CTSYNC_OVERLOAD_S", "5")
STANDING, WINDOW = 5000, 2000
IGNORE = ("timeout", "labels")


@contextlib.contextmanager
def starved(node):
    """The daemon has a twentieth of the time, whatever else this machine does."""
    ended = threading.Event()

    def stop_and_go():
        while not ended.is_set():
            node.process.kill(signal.SIGSTOP)
            ended.wait(0.19)
            node.process.kill(signal.SIGCONT)
            ended.wait(0.01)

    thread = threading.Thread(target=stop_and_go)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        node.process.kill(signal.SIGCONT)


def churn(space):
    """Births, changes and ends as fast as the kernel takes them; WINDOW flows are left."""
    done = space.run(built("flowload"), "churn", str(WINDOW), "--seconds", SECONDS, "--batch", "16",
                     "--first", "1000000", deadline_s=120)
    equal(json.loads(done.stdout)["refused"], 0, "changes refused by the kernel")


def all_true(pair):
    pair.settle(60)
    equal(pair.a.count(), STANDING + WINDOW, "flows in the kernel")
    kernel = pair.a.flows(ignore=IGNORE)
    same_flows(pair.one.local_flows(IGNORE), kernel, "the active node's table")
    same_flows(pair.two.remote_flows(IGNORE), kernel, "what its peer holds")


def test_events_that_nobody_has_time_for():
    with Lab("ov") as lab:
        pair = Pair(lab, general="\tNetlinkBufferSizeMaxGrowth 2097152\n")
        load(pair.a, "create", STANDING)
        pair.settle()
        with starved(pair.one):
            churn(pair.a)
        lost = pair.one.stats()["kernel_overruns"]
        if not lost:
            raise Failed("no event was lost: the daemon had time for all")
        all_true(pair)
        if pair.one.stats()["kernel_dumps"] < 2:
            raise Failed(f"{lost} losses, and no dump has made them good")


def test_a_standby_that_has_no_time_to_listen():
    with Lab("os") as lab:
        pair = Pair(lab, start=False)
        for node in (pair.one, pair.two):
            with open(node.conf) as f:
                node.reconfigure(f.read().replace("RcvSocketBuffer 4194304",
                                                  "RcvSocketBuffer 65536"))
            node.start()
        load(pair.a, "create", STANDING)
        pair.settle()
        with starved(pair.two):
            churn(pair.a)
        if not pair.two.stats()["lost"]:
            raise Failed("no message was lost: the daemon had time for all")
        all_true(pair)


if __name__ == "__main__":
    run_cases(globals())
