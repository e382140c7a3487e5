#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside conntrackd 1.4.7 in every mode, over every kind of link: a line of a table each.

    test_matrix.py [--jobs N] [--pair ACTIVE BACKUP] [WORD ...]

Words are parts of cells' titles ("ALARM", "UDP IPv6"...): all of them have to be there. --pair runs
the cells with other daemons than one of each, as the reference: --pair conntrackd conntrackd.
"""

import argparse
import os
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from matrix import CHECKS, Cell, CellPair, impossible, run_checks  # noqa: E402
from netns import Failed, Lab  # noqa: E402

MODES = ("FTFW", "ALARM", "NOTRACK")
CHANNELS = ("Multicast", "UDP", "TCP")
JOBS = 6  # cells wait more than they work
LOSS = 5


def all_cells(pairs):
    return [Cell(mode, channel, family, active, backup, loss)
            for mode in MODES for channel in CHANNELS for family in (4, 6)
            for active, backup in pairs for loss in (0, LOSS)]


class Worker:
    """A cell in a process of its own, which writes a line per check that passed into a pipe."""

    def __init__(self, number, cell):
        self.cell, self.begin = cell, time.monotonic()
        self.passed, self.trouble = {}, ""
        read_end, write_end = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                os.close(read_end)
                status = work(number, cell, os.fdopen(write_end, "w", buffering=1))
            finally:
                os._exit(status)
        os.close(write_end)
        self.pipe = read_end

    def finish(self):
        """After its end: takes what it told."""
        with os.fdopen(self.pipe) as told:
            for line in told:
                word, _, rest = line.rstrip("\n").partition("=")
                if word == "trouble":
                    self.trouble += rest + "\n"
                else:
                    self.passed[word] = float(rest)
        self.took_s = time.monotonic() - self.begin


def work(number, cell, out):
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)
    try:
        # The namespaces are called after the program that ./check started.
        with Lab(f"mx{number}", owner=os.getppid()) as lab:
            pair = CellPair(lab, cell)
            try:
                for name, took_s in run_checks(pair):
                    print(f"{name}={took_s:.1f}", file=out)
            except Failed as e:
                print(str(e), file=Troubles(out))
                lab.show_logs(out=Troubles(out))
                return 1
    except Exception:
        print(traceback.format_exc(), file=Troubles(out))
        return 1
    return 0


class Troubles:
    """A file whose lines are marked as what went wrong."""

    def __init__(self, out):
        self.out = out

    def write(self, text):
        for line in text.splitlines():
            self.out.write(f"trouble={line}\n")


def line_of(worker):
    """The cell's line of the table; the first check that did not pass is the one that failed."""
    words, failed = [], False
    for name in CHECKS:
        if name in worker.passed:
            words.append(f"ok {worker.passed[name]:.1f} s")
        elif impossible(worker.cell, name):
            words.append("-")
        elif not failed:
            words.append("FAILED")
            failed = True
        else:
            words.append("not run")
    return f"{worker.cell.title()} " + "".join(f"{w:<16}" for w in words).rstrip()


def run_all(cells, jobs):
    """Runs the cells, some at a time; prints their lines in the order of the cells."""
    waiting, running, done, printed = list(enumerate(cells)), {}, {}, 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                worker = Worker(*waiting.pop(0))
                running[worker.pid] = worker
            pid, _ = os.wait()
            if pid in running:
                worker = running.pop(pid)
                worker.finish()
                done[worker.cell] = worker
            while printed < len(cells) and cells[printed] in done:
                print(line_of(done[cells[printed]]), flush=True)
                printed += 1
    finally:
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)
    return [done[cell] for cell in cells]


def print_heading():
    heading = f"{'mode':<8}{'link':<16}{'active':<11}{'link is':<8} "
    print(heading + "".join(f"{name:<16}" for name in CHECKS).rstrip(), flush=True)


def print_reasons(workers, ruled_out):
    reasons = {}
    for cell in [w.cell for w in workers] + ruled_out:
        for name in CHECKS:
            if impossible(cell, name):
                reasons.setdefault(impossible(cell, name), {}).setdefault(cell, []).append(name)
    for reason, where in reasons.items():
        print(f"Not checked: {reason}:")
        for cell, names in where.items():
            which = "everything" if len(names) == len(CHECKS) else ", ".join(names)
            print(f"  {cell.title().rstrip()}: {which}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--pair", nargs=2, choices=("ctsyncd", "conntrackd"))
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    pairs = [tuple(args.pair)] if args.pair else [("ctsyncd", "conntrackd"), ("conntrackd", "ctsyncd")]
    cells = [c for c in all_cells(pairs) if all(w in c.title() for w in args.words)]
    ruled_out = [c for c in cells if all(impossible(c, name) for name in CHECKS)]
    print_heading()
    workers = run_all([c for c in cells if c not in ruled_out], args.jobs)
    for worker in workers:
        if worker.trouble:
            print(f"\n--- {worker.cell.title().rstrip()}\n{worker.trouble}")
    print_reasons(workers, ruled_out)
    failed = [w for w in workers if any(n not in w.passed and not impossible(w.cell, n) for n in CHECKS)]
    print(f"{len(workers) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not workers else 0


if __name__ == "__main__":
    sys.exit(main())
