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
SCALE = os.path.join(HERE, "..", "bench", "scale.py")
PHASES = ("create", "update", "delete")
NODES = ("active", "backup")
SMALL = ("--flows", "2000", "--large", "4000", "--growth", "4000", "--base", "1000", "--samples",
         "50", "--overload", "1", "--events", "20000", "--repeats", "1", "--mix",
         "100", "--table")
# The groups of a run, of both daemons and of ctsyncd alone. Runs, which mostly wait for daemons to
# come to rest, are made side by side.
BOTH = ("load,commit", "ipv6", "latency", "takeover")
OURS = ("tax,tax-unheard,overload", "warm,warm-kernel", "growth", "delay")
FIGURES = [
    *(f"{node}_{phase}_cpu_us" for node in NODES for phase in PHASES),
    *(f"{node}_memory{what}" for node in NODES for what in ("_bytes", "6_bytes", "_left")),
    *(f"link_{phase}_{what}" for phase in PHASES
      for what in ("payload_bytes", "frame_bytes", "datagrams", "flows_per_datagram")),
    "commit_per_s", "commit_s", "commit_known", "latency_wire_p50_us", "latency_wire_p99_us",
    "latency_samples", "loaded_wire_p50_us", "loaded_wire_p99_us", "loaded_events_per_s",
    "bulk_s", "commit_large_per_s", "commit_large_known", "promotion_cold_ms",
]
OUR_FIGURES = [
    "promotion_warm_ms", "promotion_warm_written", "taken_over_s",
    *(f"warm_kernel_age{age}_kernel_{p}_us" for age in (0, 1) for p in ("p50", "p99")),
    *(f"tax{kind}{listener}" for kind in ("", "_answered", "_tcp")
      for listener in ("", "_without_new")),
    "tax_without_per_s", "tax_listening_per_s", "overload_events_per_s", "overload_active_share",
    "overload_recovery_s", "growth_active", "growth_backup",
    *(f"delay{ms}_{what}" for ms in (0, 500, 2000)
      for what in ("events", "messages", "bytes", "datagrams", "active_cpu_us", "backup_cpu_us")),
]
FLOOR = [*(f"receive_{phase}_cpu_us" for phase in PHASES), "dump_per_s",
         *(f"{prefix}create_{what}" for prefix in ("", "large_")
           for what in ("per_s", "cpu_us", "listened_per_s"))]
SCALE_FIGURES = ["bulk_s", "active_memory_bytes", "backup_memory_bytes", "growth_active",
                 "growth_backup", "promotion_cold_s", "commit_per_s", "backup_memory_left"]
NFCT_FIGURES = ["parse_ns", "build_ns", "print_ns", "dump_wall_ns", "dump_cpu_ns",
                "object_bytes", "expect_bytes"]
# Without a load of its own, this much memory is pages that were there: no figure to ask for.
MAY_BE_ZERO = [f"{node}_memory{what}" for node in NODES for what in ("_bytes", "6_bytes")]


def start(script, *options):
    env = dict(os.environ)
    if env.get("CTSYNC_RELEASE"):
        env["CTSYNC_BUILD"] = env["CTSYNC_RELEASE"]
    return subprocess.Popen([sys.executable, "-B", script, *options], text=True, env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: LIBC.prctl(
                                PR_SET_PDEATHSIG, signal.SIGTERM))  # it cleans up on that one


def finish(run):
    """The JSON lines that a run of the benchmark prints, by their "what"."""
    out, err = run.communicate(timeout=280)
    if run.returncode != 0:
        raise Failed(f"status {run.returncode}: {out}{err}")
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {line["what"]: line for line in lines}


def side_by_side(*commands):
    """Runs each (script, option...); their lines, as if all groups had been measured in one run."""
    runs = [start(*command) for command in commands]
    lines = {}
    try:
        for found in map(finish, runs):
            for what, line in found.items():
                losses = {**lines.get(what, {}).get("losses", {}), **line.get("losses", {})}
                lines[what] = {**lines.get(what, {}), **line, "losses": losses}
    finally:
        for run in runs:  # those that are left when one has failed
            run.terminate()
            run.wait()
    return lines


def check_figures(line, names):
    missing = [n for n in names if not isinstance(line.get(n), float)]
    equal(missing, [], f"figures missing of {line['what']}")
    empty = [n for n in names if line[n] <= 0 and n not in MAY_BE_ZERO]
    equal(empty, [], f"figures of {line['what']} that cannot be")


def test_every_figure_is_printed_and_nothing_is_lost():
    lines = side_by_side(*((BENCH, *SMALL, "--only", groups) for groups in BOTH))
    equal(sorted(lines), ["conntrackd", "ctsyncd", "floor", "ratio"], "lines")
    check_figures(lines["floor"], FLOOR)
    for daemon in ("conntrackd", "ctsyncd"):
        check_figures(lines[daemon], FIGURES)
        equal(lines[daemon]["losses"], {}, f"losses of {daemon}")
        equal(lines[daemon]["latency_missed"], 0.0, f"flows that {daemon} did not send in time")
    equal([n for n in FIGURES if n not in MAY_BE_ZERO and n != "latency_samples" and
           not isinstance(lines["ratio"].get(n), float)], [], "ratios missing")
    for name in ("commit_per_s_of_floor", "commit_of_unheard_floor", "commit_large_per_s_of_floor"):
        equal(isinstance(lines["ratio"].get(name), float), True, name)


def test_figures_of_ours_alone_and_the_scale_test_with_few_flows():
    lines = side_by_side(
        (SCALE, "--flows", "20000", "--base", "2000"),
        *((BENCH, *SMALL, "--only", groups, "--daemon", "ctsyncd") for groups in OURS))
    equal(sorted(lines), ["ctsyncd", "floor", "scale"], "lines")
    check_figures(lines["ctsyncd"], OUR_FIGURES)
    check_figures(lines["floor"], [f"tax{kind}{listener}" for kind in ("", "_answered", "_tcp")
                                   for listener in ("", "_new", "_update", "_destroy",
                                                    "_without_new")])
    equal((lines["ctsyncd"]["losses"], lines["ctsyncd"]["overload_wrong"]), ({}, 0.0),
          "losses, and flows that were wrong after the overload")
    check_figures(lines["scale"], SCALE_FIGURES)
    equal(lines["scale"]["losses"], {}, "losses")


def test_every_row_of_the_table_is_a_figure():
    sys.path.insert(0, os.path.dirname(BENCH))
    import bench_table
    known = {*FIGURES, *OUR_FIGURES, "commit_cpu_us", "commit_large_cpu_us", "overload_overruns",
             "overload_wrong"}
    equal([row for row in bench_table.ROWS if row not in known], [], "rows")
    equal([e[0] for e in bench_table.EXPECTED if e[0] not in bench_table.ROWS], [],
          "expected of figures that have no row")


def test_limit_of_the_host_is_raised_and_put_back():
    limit = "/proc/sys/net/netfilter/nf_conntrack_max"
    with open(limit) as f:
        before = f.read()
    sys.path.insert(0, os.path.dirname(BENCH))
    import bench_host
    from netns import Lab
    buckets = bench_host.read_number(bench_host.BUCKETS)
    with Lab("bench") as lab:
        bench_host.raise_limit(lab, int(before))
        with open(limit) as f:
            equal(int(f.read()), 2 * int(before), "the limit meanwhile")
    with open(limit) as f:
        equal(f.read(), before, "the limit afterwards")
    equal(bench_host.read_number(bench_host.BUCKETS), buckets, "buckets afterwards")


def test_the_library_is_measured_beside_debians():
    lines = side_by_side((BENCH_NFCT, "--flows", "2000", "--runs", "1", "--table"))
    equal(sorted(lines), ["nfct-ctsync", "nfct-debian", "nfct-ratio"], "lines")
    for line in lines.values():
        check_figures(line, NFCT_FIGURES)


if __name__ == "__main__":
    run_cases(globals())
