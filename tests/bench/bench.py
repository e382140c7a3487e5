#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside Debian's conntrackd 1.4.7 and beside the kernel's floor, in one run.

Two network namespaces joined by a veth are a pair: the active node, in whose kernel a generator
creates, updates and deletes flows over ctnetlink, and the backup, which replicates them (FTFW over
IPv4 multicast). Prints a JSON line for the floor (bare libmnl programs), one for each daemon, and
one of ratios ctsyncd / conntrackd. doc/PERFORMANCE.md says what each figure is.

Pinned: the active daemon to the first processor; the backup, the generator and this program to the
second (with more than two, the generator and this program to the third). The floor's receiver
stands where the active daemon does. Daemons and floors run in real time (SCHED_RR 99, which is
conntrackd's default), the generator does not. For figures worth quoting: an idle machine, --runs 5.

Groups of figures (--only):
{groups}
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time

import bench_delay
import bench_floor
import bench_load
import bench_takeover
import bench_tax
from bench_host import cpus, note
from bench_table import DAEMONS, expectations, medians, print_table, ratios
from netns import Failed, Lab, built

# In this order.
GROUPS = {
    "load": bench_load.load,
    "ipv6": bench_load.ipv6,
    "latency": bench_load.latency,
    "commit": bench_load.commit,
    "takeover": bench_takeover.takeover,
    "warm": bench_takeover.warm,
    "warm-kernel": bench_takeover.to_warm_kernel,
    "tax": bench_tax.tax,
    "tax-unheard": bench_tax.tax_unheard,
    "overload": bench_tax.overload,
    "delay": bench_delay.delay,
    "growth": bench_load.growth,
}
FLOOR_GROUPS = {
    "load": bench_floor.load,
    "commit": bench_floor.commit,
    "takeover": bench_floor.takeover,
    "tax": bench_floor.tax,
}
# What only ctsyncd has, or what would only show how long conntrackd can take.
OURS = ("warm", "warm-kernel", "tax-unheard", "delay", "growth")


def calm(lab):
    """Ends the processes and empties the tables now: a namespace's end would do it behind the back
    of the next measurement."""
    for process in lab.processes:
        with contextlib.suppress(OSError):
            process.kill(with_children=True)
    for space in lab.spaces.values():
        space.flush()


def measure_group(name, what, measure):
    begin = time.monotonic()
    with Lab("bench") as lab:
        figures = measure(lab)
        calm(lab)
    note(f"{name} of {what}: {time.monotonic() - begin:.0f} s")
    return figures


def merge(figures, more):
    """more's figures, and the sums of what both lost."""
    losses = [f.get("losses", {}) for f in (figures, more)]
    names = sorted({n for found in losses for n in found})
    figures |= more
    figures["losses"] = {n: sum(found.get(n, 0) for found in losses) for n in names}
    return figures


def measure_daemon(kind, args):
    figures = {}
    for name in args.only:
        if kind == "ctsyncd" or name not in OURS:
            merge(figures, measure_group(name, kind, lambda lab: GROUPS[name](lab, kind, args)))
    return figures


def measure_floor(args):
    figures = {}
    for name in args.only:
        if name in FLOOR_GROUPS:
            figures |= measure_group(name, "the floor",
                                     lambda lab: FLOOR_GROUPS[name](lab, args))
    return figures


def measure(args):
    """({daemon: figures}, floor's figures), medians over the runs."""
    kinds = {"both": list(DAEMONS), "none": []}.get(args.daemon, [args.daemon])
    runs, floors = {kind: [] for kind in kinds}, []
    for i in range(args.runs):
        floors.append(measure_floor(args))
        for kind in kinds if i % 2 == 0 else reversed(kinds):
            runs[kind].append(measure_daemon(kind, args))
    return {kind: medians(found) for kind, found in runs.items()}, medians(floors)


def sanitized():
    """Whether the build under test is slowed down by sanitizers."""
    with contextlib.suppress(OSError), open(built("flowload"), "rb") as f:
        return b"__asan_init" in f.read()
    return False


def arguments():
    groups = "\n".join(f"  {name:<12}{' '.join(f.__doc__.split())}" for name, f in GROUPS.items())
    parser = argparse.ArgumentParser(description=__doc__.format(groups=groups),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    number = {"type": int}
    parser.add_argument("--only", default=",".join(GROUPS), metavar="GROUP,...",
                        help="the groups of figures to measure [all]")
    parser.add_argument("--daemon", choices=[*DAEMONS, "both", "none"], default="both",
                        help="what runs beside the floor [%(default)s]")
    parser.add_argument("--runs", default=1, **number,
                        help="runs, alternating; figures are their medians [%(default)s]")
    parser.add_argument("--flows", default=200000, **number, help="flows [%(default)s]")
    parser.add_argument("--large", default=1000000, **number,
                        help="flows of takeover and warm [%(default)s]")
    parser.add_argument("--growth", default=4000000, **number,
                        help="flows of growth [%(default)s]")
    parser.add_argument("--base", default=100000, **number,
                        help="flows that growth's are compared with [%(default)s]")
    parser.add_argument("--rate", default=40000, **number,
                        help="flows a second of the load; 0: as fast as can be [%(default)s]")
    parser.add_argument("--batch", default=4, **number,
                        help="flows that the generator hands the kernel at once [%(default)s]")
    parser.add_argument("--samples", default=1000, **number,
                        help="samples of each latency [%(default)s]")
    parser.add_argument("--events", default=100000, **number,
                        help="events a second of latency under load [%(default)s]")
    parser.add_argument("--repeats", default=3, **number,
                        help="times that tax is measured in a run [%(default)s]")
    parser.add_argument("--kinds", default=",".join(bench_tax.KINDS), metavar="KIND,...",
                        help="kinds of connections of which tax is measured [all]")
    parser.add_argument("--overload", default=60, **number,
                        help="seconds that overload lasts [%(default)s]")
    parser.add_argument("--mix", default=4000, **number,
                        help="connections of delay [%(default)s]")
    parser.add_argument("--table", action="store_true",
                        help="print the rows of doc/PERFORMANCE.md, too")
    args = parser.parse_args()
    args.only = args.only.split(",")
    if set(args.only) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(set(args.only) - set(GROUPS)))}")
    args.kinds = args.kinds.split(",")
    if set(args.kinds) - set(bench_tax.KINDS):
        parser.error(f"kinds of connections are {', '.join(bench_tax.KINDS)}")
    if args.rate < 0 or min(args.flows, args.runs, args.samples, args.large, args.base,
                            args.batch, args.events, args.overload, args.mix,
                            args.repeats) < 1:
        parser.error("a number is too small")
    if args.growth < 2 * args.base:
        parser.error("--growth is less than twice --base")
    return args


def main():
    args = arguments()
    os.sched_setaffinity(0, {cpus()[2]})
    if sanitized():
        note("this build has sanitizers in it: its figures say nothing about speed")
    try:
        found, floor = measure(args)
    except (Failed, subprocess.SubprocessError) as e:
        note(e)
        return 1
    common = {k: getattr(args, k) for k in ("flows", "large", "rate", "batch", "runs")}
    print(json.dumps({"what": "floor", **common, **floor}))
    for kind, figures in found.items():
        print(json.dumps({"what": kind, **common, **figures}))
    if len(found) == 2:
        print(json.dumps({"what": "ratio", **common, **ratios(found, floor)}))
    for key, text, value, met in expectations(found, floor):
        if not met:
            note(f"expected of {key}: {text}, is {value:.4g}")
    if args.table:
        print_table(found, floor)
    return 1 if any(figures.get("losses") for figures in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
