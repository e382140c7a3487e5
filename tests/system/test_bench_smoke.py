#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark runs, prints every figure, and nothing is lost in it; no figure is judged here."""

import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import LIBC, PR_SET_PDEATHSIG, Failed  # noqa: E402

BENCH = os.path.join(HERE, "..", "bench", "bench.py")
BENCH_NFCT = os.path.join(HERE, "..", "bench", "bench_nfct.py")
PHASES = ("create", "update", "delete")
FIGURES = [
    *(f"{node}_{phase}_cpu_us" for node in ("active", "backup") for phase in PHASES),
    "active_memory_bytes", "backup_memory_bytes",
    *(f"link_{phase}_{what}" for phase in PHASES
      for what in ("payload_bytes", "frame_bytes", "datagrams", "flows_per_datagram")),
    "commit_per_s", "commit_s", "latency_wire_p50_us", "latency_wire_p99_us", "latency_samples",
]
FLOOR = [*(f"receive_{phase}_cpu_us" for phase in PHASES), "create_per_s",
         "create_listened_per_s", "dump_per_s"]
NFCT_FIGURES = ["parse_ns", "build_ns", "print_ns", "dump_wall_ns", "dump_cpu_ns",
                "object_bytes", "expect_bytes"]
# Without a load of its own, this much memory is pages that were there: no figure to ask for.
MAY_BE_ZERO = ("active_memory_bytes", "backup_memory_bytes")


def bench(*options, script=BENCH):
    """The JSON lines that a run of the benchmark prints, by their "what"."""
    env = dict(os.environ)
    if env.get("CTSYNC_RELEASE"):
        env["CTSYNC_BUILD"] = env["CTSYNC_RELEASE"]
    done = subprocess.run([sys.executable, "-B", script, *options], capture_output=True, text=True,
                          env=env, timeout=280, preexec_fn=lambda: LIBC.prctl(
                              PR_SET_PDEATHSIG, signal.SIGTERM))  # it cleans up on that one
    if done.returncode != 0:
        raise Failed(f"status {done.returncode}: {done.stdout}{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["what"]: line for line in lines}


def check_figures(line, names):
    missing = [n for n in names if not isinstance(line.get(n), float)]
    equal(missing, [], f"figures missing of {line['what']}")
    empty = [n for n in names if line[n] <= 0 and n not in MAY_BE_ZERO]
    equal(empty, [], f"figures of {line['what']} that cannot be")


def test_every_figure_is_printed_and_nothing_is_lost():
    lines = bench("--flows", "2000", "--samples", "50", "--table")
    equal(sorted(lines), ["conntrackd", "ctsyncd", "floor", "ratio"], "lines")
    check_figures(lines["floor"], FLOOR)
    for daemon in ("conntrackd", "ctsyncd"):
        check_figures(lines[daemon], FIGURES)
        equal(lines[daemon]["losses"], {}, f"losses of {daemon}")
        equal(lines[daemon]["latency_missed"], 0.0, f"flows that {daemon} did not send in time")
    equal([n for n in FIGURES if n not in MAY_BE_ZERO and n != "latency_samples" and
           not isinstance(lines["ratio"].get(n), float)], [], "ratios missing")
    equal(isinstance(lines["ratio"].get("commit_of_floor"), float), True, "the commit's share")


def test_limit_of_the_host_is_raised_and_put_back():
    limit = "/proc/sys/net/netfilter/nf_conntrack_max"
    with open(limit) as f:
        before = f.read()
    sys.path.insert(0, os.path.dirname(BENCH))
    import bench as module
    from netns import Lab
    with Lab("bench") as lab:
        module.raise_limit(lab, int(before))
        with open(limit) as f:
            equal(int(f.read()), 2 * int(before), "the limit meanwhile")
    with open(limit) as f:
        equal(f.read(), before, "the limit afterwards")


def test_the_library_is_measured_beside_debians():
    lines = bench("--flows", "2000", "--runs", "1", "--table", script=BENCH_NFCT)
    equal(sorted(lines), ["nfct-ctsync", "nfct-debian", "nfct-ratio"], "lines")
    for line in lines.values():
        check_figures(line, NFCT_FIGURES)


if __name__ == "__main__":
    run_cases(globals())
