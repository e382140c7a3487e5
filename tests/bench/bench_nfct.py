#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our libnetfilter_conntrack beside Debian's 1.0.9, in one run.

The same program (tests/bench/nfct) runs with the one library and the other in turn: it parses,
builds and prints a mixture of messages (TCP over IPv4 and IPv6, source NAT, UDP), and dumps the
kernel's table of a network namespace through a handle. Prints a JSON line for each library and one
of ratios, medians over the runs. doc/PERFORMANCE.md says what each figure is.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench import sanitized  # noqa: E402
from bench_host import cpus, generate, note, raise_limit  # noqa: E402
from bench_table import divide, medians  # noqa: E402
from netns import TOP, Failed, Lab, build_dir  # noqa: E402

LIBRARIES = ("debian", "ctsync")
# (figure, at most this ratio of ours to Debian's): parse and build 1.3 times as fast.
EXPECTED = [("parse_ns", 1 / 1.3), ("build_ns", 1 / 1.3), ("print_ns", 1.0), ("object_bytes", 1.0),
            ("expect_bytes", 1.0)]
TABLE = ["parse_ns", "build_ns", "print_ns", "dump_wall_ns", "dump_cpu_ns", "dump_user_ns",
         "object_bytes", "expect_bytes"]


def debian_library():
    """The folder with Debian's library, as tools/setup.sh unpacked it."""
    done = subprocess.run([os.path.join(TOP, "tools", "setup.sh"), "print-env"],
                          capture_output=True, text=True, check=True)
    paths = dict(line.split("=", 1) for line in done.stdout.splitlines())
    path = paths["DEBIAN_NFCT_LIB"]
    if not os.path.exists(path):
        raise Failed(f"Debian's library is not there ({path}); tools/setup.sh check brings it")
    return os.path.dirname(path)


class Bench:
    """The program and the two libraries."""

    def __init__(self, lab):
        self.lab = lab
        self.program = os.path.join(build_dir(), "tests", "bench", ".libs", "nfct")
        self.folder = {"ctsync": os.path.join(build_dir(), "src", "nfct", ".libs"),
                       "debian": debian_library()}
        for kind in LIBRARIES:
            self.check(kind)

    def words(self, kind, *words):
        return ["env", f"LD_LIBRARY_PATH={self.folder[kind]}", self.program, *words]

    def check(self, kind):
        """The loader must take the library that is meant, or the comparison says nothing."""
        env = {**os.environ, "LD_LIBRARY_PATH": self.folder[kind]}
        shown = subprocess.run(["ldd", self.program], capture_output=True, text=True, env=env,
                               check=True).stdout
        if f"{self.folder[kind]}/libnetfilter_conntrack.so.3" not in shown:
            raise Failed(f"{self.program} does not run on {self.folder[kind]}")

    def codec(self, kind, flows):
        done = subprocess.run(self.words(kind, "codec", str(flows)), capture_output=True,
                              text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise Failed(f"{kind}: {done.stderr}")
        return json.loads(done.stdout)

    def dump(self, kind, space, flows):
        done = space.run(*self.words(kind, "dump"), deadline_s=300)
        found = json.loads(done.stdout)
        if found.pop("dumped") != flows:
            raise Failed(f"{kind}: not all of {flows} flows were dumped")
        return found


def measure(lab, args):
    """{library: figures}"""
    bench, space = Bench(lab), lab.ns("dump")
    raise_limit(lab, args.flows)
    generate(space, "create", args.flows, "--batch", "64")
    runs = {kind: [] for kind in LIBRARIES}
    for i in range(args.runs):
        for kind in LIBRARIES if i % 2 == 0 else reversed(LIBRARIES):
            figures = {**bench.codec(kind, args.flows), **bench.dump(kind, space, args.flows)}
            runs[kind].append({k: float(v) for k, v in figures.items()})
    return {kind: medians(found) for kind, found in runs.items()}


def print_table(found, ratio):
    """The rows of doc/PERFORMANCE.md."""
    bounds = {key: f"<= {bound:.3g}" for key, bound in EXPECTED}
    print("| figure | Debian's 1.0.9 | ours | ratio | expected |")
    print("|---|---:|---:|---:|---|")
    for key in TABLE:
        shown = "" if ratio[key] is None else f"{ratio[key]:.3g}"
        print(f"| {key} | {found['debian'][key]:.4g} | {found['ctsync'][key]:.4g} | {shown} | "
              f"{bounds.get(key, '')} |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, default=200000, help="flows [%(default)s]")
    parser.add_argument("--runs", type=int, default=5,
                        help="runs, alternating; figures are their medians [%(default)s]")
    parser.add_argument("--table", action="store_true",
                        help="print the rows of doc/PERFORMANCE.md, too")
    args = parser.parse_args()
    if args.flows < 1 or args.runs < 1:
        parser.error("a number is too small")
    return args


def main():
    args = arguments()
    os.sched_setaffinity(0, {cpus()[0]})
    if sanitized():
        note("this build has sanitizers in it: its figures say nothing about speed")
    try:
        with Lab("bn") as lab:
            found = measure(lab, args)
    except (Failed, subprocess.SubprocessError) as e:
        note(e)
        return 1
    ratio = {k: divide(v, found["debian"][k]) for k, v in found["ctsync"].items()}
    common = {"flows": args.flows, "runs": args.runs}
    for kind, figures in found.items():
        print(json.dumps({"what": f"nfct-{kind}", **common, **figures}))
    print(json.dumps({"what": "nfct-ratio", **common, **ratio}))
    for key, bound in EXPECTED:
        if ratio[key] > bound:
            note(f"expected of {key}: <= {bound:.3g} of Debian's, is {ratio[key]}")
    if args.table:
        print_table(found, ratio)
    return 0


if __name__ == "__main__":
    sys.exit(main())
