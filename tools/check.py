#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds ctsync and runs its tests; ./check calls this after the set-up.

    ./check                   everything
    ./check unit sim          some kinds: build unit sim golden tidy fuzz system interop demo
    ./check test_commit       the programs whose names contain that word
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
Logs are in build/check-logs.
"""

import argparse
import contextlib
import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, "build", "check-logs")
ASAN, CLANG, RELEASE = (os.path.join(TOP, "build", b) for b in
                        ("check-asan", "check-clang", "release"))
KINDS = ["build", "tidy", "unit", "golden", "fuzz", "sim", "system", "interop", "demo"]
LIMIT_S = {"sim": 600, "system": 600, "interop": 600}
LIMIT_DEFAULT_S = 300
SKIPPED = 77
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Interrupted(BaseException):
    """The user, or the machinery that runs this, wants an end; the text names the signal."""


def interrupted(sig, _frame):
    # A second signal must not stop the cleaning up.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(signal.Signals(sig).name)


class Test:
    """A program to run: kind, name, argv, folder to run in, more environment."""

    def __init__(self, kind, name, argv, cwd=TOP, env=None):
        self.kind, self.name, self.argv, self.cwd = kind, name, argv, cwd
        self.env = env or {}

    def title(self):
        return f"{self.kind}/{self.name}"


class Runner:
    """Runs programs one after the other and keeps the score."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.child = None

    def run(self, test):
        """Runs a test, prints its line, counts it; True unless it failed."""
        log = os.path.join(LOGS, f"{test.kind}-{test.name}.log".replace("/", "-"))
        begin = time.monotonic()
        status, pid = self.execute(test, log)
        passed, failed, skipped = score(log, status)
        notes = sanitizer_reports(log) + clean_up_after(pid)
        if isinstance(status, str):
            notes.append(status)
        if notes and not failed:
            failed = 1
        self.passed, self.failed = self.passed + passed, self.failed + failed
        self.skipped += skipped
        counts = f"{passed} passed" + (f", {failed} failed" if failed else "")
        counts += f", {skipped} skipped" if skipped else ""
        print(f"{'FAILED' if failed else 'ok':<7}{test.title():<42} {counts:<24} "
              f"{time.monotonic() - begin:6.1f} s", flush=True)
        if failed:
            show(log, notes)
        return not failed

    def execute(self, test, log):
        """(exit status, or a sentence that says why there is none; the process id)"""
        limit = LIMIT_S.get(test.kind, LIMIT_DEFAULT_S)
        with open(log, "wb") as out:
            try:
                # A session of its own: Ctrl-C reaches this program only, which then ends the test.
                self.child = subprocess.Popen(
                    test.argv, cwd=test.cwd, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, env={**os.environ, **sanitizer_env(log), **test.env},
                    start_new_session=True,
                    preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
            except OSError as e:
                return f"cannot be run: {e}", None
            try:
                status = self.child.wait(limit)
            except subprocess.TimeoutExpired:
                status = f"ended by the time limit of {limit} s"
                self.stop_child()
        pid, self.child = self.child.pid, None
        return status, pid

    def stop_child(self):
        """SIGTERM, with time to clean up; then whatever is left of its session is killed."""
        if not self.child:
            return
        pid = self.child.pid
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        self.child.wait()


    def abandon(self):
        """Ends the running test and removes what it made."""
        pid = self.child.pid if self.child else None
        self.stop_child()
        clean_up_after(pid)


def sanitizer_env(log):
    return {"ASAN_OPTIONS": f"log_path={log}.asan:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": f"log_path={log}.ubsan:print_stacktrace=1",
            "LSAN_OPTIONS": f"log_path={log}.lsan"}


def sanitizer_reports(log):
    """Sentences, one for each report; the reports' text is appended to the log."""
    notes = []
    for path in sorted(glob.glob(glob.escape(log) + ".*san.*")):
        with open(path, errors="replace") as report, open(log, "a") as out:
            out.write(f"\n--- {os.path.basename(path)}\n{report.read()}")
        os.unlink(path)
        notes.append(f"a sanitizer reported ({os.path.basename(path)})")
    return notes


def score(log, status):
    """(passed, failed, skipped) of a program that ended with that status."""
    with open(log, errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    last = re.search(r"(?:^|: )(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$",
                     lines[-1] if lines else "")
    if status == SKIPPED:
        return 0, 0, 1
    if not last:
        return (1, 0, 0) if status == 0 else (0, 1, 0)
    passed, failed, skipped = (int(n or 0) for n in last.groups())
    if status != 0 or passed + skipped == 0:
        failed = max(failed, 1)
    return passed, failed, skipped


def clean_up_after(pid):
    """Removes what the test with that process id left behind; sentences that say what."""
    notes = []
    if pid is None:
        return notes
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name in re.findall(rf"^ctsync-\S*-{pid}-\S+", listed, re.M):
        for left in subprocess.run(["ip", "netns", "pids", name], capture_output=True,
                                   text=True).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(left), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", name])
        notes.append(f"it left the namespace {name} behind")
    for path in glob.glob(f"/tmp/ctsync-*-{pid}-*"):
        shutil.rmtree(path, ignore_errors=True)
        notes.append(f"it left {path} behind")
    return notes


def show(log, notes):
    with open(log, errors="replace") as f:
        end = f.readlines()[-40:]
    print(f"    the end of {os.path.relpath(log, TOP)}:")
    for line in end + [f"{note}\n" for note in notes]:
        print(f"    | {line.rstrip()}")
    sys.stdout.flush()


def build_tests():
    """The builds, as tests: whether each compiles without a warning."""
    def build(name, folder, targets, *args):
        return Test("build", name, ["tools/build.sh", folder, *targets, "--",
                                    "--enable-conntrackd-command", *args])

    everything = ["check", "TESTS="]  # compiles the tests, too, and runs none
    return [
        build("gcc-sanitizers", "check-asan", everything,
              "--enable-werror", "--enable-sanitizers", "CC=gcc"),
        build("clang", "check-clang", everything,
              "--enable-werror", "--enable-sanitizers", "--enable-fuzzers", "CC=clang"),
        build("release", "release", ["all"], "CFLAGS=-O2 -g"),
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
                                                       os.path.join(TOP, path)), ASAN, env))
    return tests


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
    return [Test(kind, os.path.basename(p), interpreter(p), env=env) for p in sorted(paths)]


def interpreter(path):
    """argv that runs a program, also one without its execute bit (an unpacked archive's)."""
    if path.endswith(".py"):
        return [sys.executable, path]
    return ["sh", path] if path.endswith(".sh") else [path]


def all_tests():
    demo = Test("demo", "failover", [sys.executable, "examples/demo/failover.py"],
                env={"CTSYNC_BUILD": ASAN})
    tests = make_tests() + fuzz_tests() + script_tests("system") + script_tests("interop") + [demo]
    return sorted(tests, key=lambda t: KINDS.index(t.kind))


def wanted(test, words):
    return not words or any(w == test.kind or w in test.name for w in words)


def run_all(runner, words):
    builds = build_tests()
    if words and not any(wanted(t, words) for t in builds) and "fuzz" not in words:
        builds = [b for b in builds if b.name != "clang"]
    built = all([runner.run(b) for b in builds])
    tests = [t for t in all_tests() if wanted(t, words)]
    if not built:
        print("Not everything was built: the tests below may be fewer, or old.")
    for test in tests:
        runner.run(test)
    if words and not tests and "build" not in words:
        print(f"check: no test is called {' or '.join(words)}", file=sys.stderr)
        runner.failed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="kinds, or parts of names")
    parser.add_argument("--list", action="store_true", help="name the tests, after a build")
    args = parser.parse_args()
    if args.list:
        print("\n".join(t.title() for t in build_tests() + all_tests()))
        return 0
    shutil.rmtree(LOGS, ignore_errors=True)
    os.makedirs(LOGS)
    runner = Runner()

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
