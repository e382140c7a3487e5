#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds ctsync and runs its tests; ./check calls this after the set-up.

    ./check                   everything
    ./check unit sim          some kinds: build unit sim golden tidy fuzz system interop demo
    ./check test_commit       the programs whose names contain that word
    ./check --jobs 1          no two tests of daemons at a time [as many as there are processors]
    ./check --list            what there is

Where tests come from:
  unit sim golden tidy fuzz   the build's TESTS, by their folder, under ASan and UBSan (gcc); the
                              libFuzzer programs of the clang build replay tests/fuzz/corpus/NAME
  system interop              tests/KIND/test_*.py and test_*.sh, with the sanitized programs
                              (CTSYNC_BUILD; the release build is CTSYNC_RELEASE)
  demo                        examples/demo/failover.py, with the sanitized programs too

A program's last line "N passed, N failed[, N skipped]" (after an optional "module: ") is counted as
that many; another counts as one by its exit status (77: skipped). It fails, too, when a sanitizer
reported anything in any of its processes, or when it left a namespace or temporary folder behind.
Lines come as programs end: what runs beside what is in tools/runner.py. Logs are in build/check-logs.
"""

import argparse
import glob
import os
import shutil
import signal
import subprocess
import sys

from runner import (ALONE, BUSY, LOGS, TOP, WAITING, Interrupted, Runner, Test, interrupted)

ASAN, CLANG, RELEASE = (os.path.join(TOP, "build", b) for b in
                        ("check-asan", "check-clang", "release"))
KINDS = ["build", "tidy", "unit", "golden", "fuzz", "sim", "system", "interop", "demo"]
LANES = {"system": WAITING, "interop": WAITING, "demo": WAITING}
# They measure, change what is the host's, or starve a daemon of time, which no other program may take
# in its place; or no one else may listen to events: the kernel counts listeners over all namespaces.
ALONES = ("test_bench_smoke.py", "test_kernel.py", "test_overload.py")
# What takes longest begins first, so that the others fill up the rest.
LONGEST = ("test_faults.py", "test_matrix.py", "test_warm.py", "test_warm_crash.py")


def build_tests():
    """The builds, as tests: whether each compiles without a warning."""
    def build(name, folder, targets, *args, **more):
        return Test("build", name, ["tools/build.sh", folder, *targets, "--",
                                    "--enable-conntrackd-command", *args], **more)

    everything = ["check", "TESTS="]  # compiles the tests, too, and runs none
    return [
        build("gcc-sanitizers", "check-asan", everything,
              "--enable-werror", "--enable-sanitizers", "CC=gcc"),
        build("release", "release", ["all"], "CFLAGS=-O2 -g"),
        # Next to nothing waits for it.
        build("clang", "check-clang", everything, "--enable-werror", "--enable-sanitizers",
              "--enable-fuzzers", "CC=clang", nice=10),
    ]


def make_tests():
    """The programs and scripts in the build's TESTS, by folder."""
    if not os.path.exists(os.path.join(ASAN, "Makefile")):
        return []
    out = subprocess.run(["make", "-s", "--no-print-directory", "--eval",
                          "print-tests:;@echo $(TESTS)", "print-tests"],
                         cwd=ASAN, capture_output=True, text=True).stdout
    tests = []
    env = {"srcdir": TOP, "top_srcdir": TOP, "builddir": ASAN, "top_builddir": ASAN,
           "abs_srcdir": TOP, "abs_top_srcdir": TOP, "abs_builddir": ASAN, "abs_top_builddir": ASAN}
    for path in out.split():
        parts = path.split("/")
        kind = parts[1] if len(parts) > 2 and parts[1] in KINDS else "unit"
        made = os.path.join(ASAN, path)
        tests.append(Test(kind, parts[-1], interpreter(made if os.path.exists(made) else
                                                       os.path.join(TOP, path)), ASAN, env,
                          LANES.get(kind, BUSY)))
    return sorted(tests, key=lambda t: KINDS.index(t.kind))


def fuzz_tests():
    """Each libFuzzer program over its corpus: tests/fuzz/fuzz_NAME, tests/fuzz/corpus/NAME."""
    tests = []
    for path in sorted(glob.glob(os.path.join(CLANG, "tests", "fuzz", "fuzz_*"))):
        name = os.path.basename(path)
        corpus = os.path.join(TOP, "tests", "fuzz", "corpus", name[len("fuzz_"):])
        if os.access(path, os.X_OK) and os.path.isfile(path) and "." not in name:
            tests.append(Test("fuzz", name, [path, "-runs=0", corpus]))
    return tests


def script_tests(kind):
    env = {"CTSYNC_BUILD": ASAN, "CTSYNC_RELEASE": RELEASE}
    paths = glob.glob(os.path.join(TOP, "tests", kind, "test_*.py"))
    paths += glob.glob(os.path.join(TOP, "tests", kind, "test_*.sh"))
    names = sorted(map(os.path.basename, paths), key=lambda n: (n not in LONGEST, n))
    return [Test(kind, n, interpreter(os.path.join(TOP, "tests", kind, n)), env=env,
                 lane=ALONE if n in ALONES else LANES[kind]) for n in names]


def interpreter(path):
    """argv that runs a program, also one without its execute bit (an unpacked archive's)."""
    if path.endswith(".py"):
        return [sys.executable, path]
    return ["sh", path] if path.endswith(".sh") else [path]


def demo_tests():
    return [Test("demo", "failover", [sys.executable, "examples/demo/failover.py"],
                 env={"CTSYNC_BUILD": ASAN}, lane=LANES["demo"])]


# What can be run when a build has ended, by the build's name.
TESTS_OF = {
    "gcc-sanitizers": make_tests,
    "release": lambda: script_tests("interop") + script_tests("system") + demo_tests(),
    "clang": fuzz_tests,
}


def wanted(test, words):
    return not words or any(w == test.kind or w in test.name for w in words)


def run_all(runner, words):
    gcc, release, clang = builds = build_tests()
    found = []

    def then(build, is_built, *builds_next):
        if not is_built:
            print("Not everything was built: tests may be fewer, or old.")
        tests = [t for t in TESTS_OF[build.name]() if wanted(t, words)]
        found.extend(tests)
        return [*tests, *builds_next]

    with_clang = not words or "fuzz" in words or any(wanted(b, words) for b in builds)
    gcc.then = lambda is_built: then(gcc, is_built)
    release.then = lambda is_built: then(release, is_built, *([clang] if with_clang else []))
    clang.then = lambda is_built: then(clang, is_built)
    runner.run([gcc, release])
    if words and not found and "build" not in words:
        print(f"check: no test is called {' or '.join(words)}", file=sys.stderr)
        runner.failed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="kinds, or parts of names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help="tests that mostly wait, at a time [%(default)s]")
    parser.add_argument("--list", action="store_true", help="name the tests, after a build")
    args = parser.parse_args()
    if args.list:
        tests = build_tests() + [t for of in TESTS_OF.values() for t in of()]
        print("\n".join(t.title() for t in sorted(tests, key=lambda t: KINDS.index(t.kind))))
        return 0
    shutil.rmtree(LOGS, ignore_errors=True)
    os.makedirs(LOGS)
    runner = Runner(max(args.jobs, 1))
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, interrupted)
    try:
        run_all(runner, args.words)
    except Interrupted as e:
        runner.abandon()
        print(f"check: ended by {e}", file=sys.stderr)
        return 1
    print(f"{runner.passed} passed, {runner.failed} failed" +
          (f", {runner.skipped} skipped" if runner.skipped else ""))
    return 0 if runner.failed == 0 and runner.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
