# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs test programs, several at a time, and keeps the score; tools/check.py says which.

A program runs in a lane. Those of BUSY keep a processor at work and run one after the other; those
of WAITING, in namespaces of their own, mostly wait for daemons' timers, and run some at a time beside
it. Those of ALONE run one by one when all others have ended. A line is printed as each ends, followed
by what failed in it and the end of its log if it failed.
"""

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
BUSY, WAITING, ALONE = "busy", "waiting", "alone"
LIMIT_S = 600
SKIPPED = 77
POLL_S = 0.02
END_LINES = 40
REASON_LINES = 5
# A case that failed, as programs in Python and sh, the simulation and tidy say it, or CUnit.
FAILURE = re.compile(r"^FAILED|: FAILED$|^Suite .* had failures:$")
VERDICT = re.compile(r"^(ok|skipped) |^\d+ passed")
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
    """A program to run: kind, name, argv, folder to run in, more environment, lane.

    nice: how far it steps back for others. then: called when it has ended, with whether it passed;
    gives the tests that can run now.
    """

    def __init__(self, kind, name, argv, cwd=TOP, env=None, lane=BUSY, nice=0, then=None):
        self.kind, self.name, self.argv, self.cwd = kind, name, argv, cwd
        self.env, self.lane, self.nice, self.then = env or {}, lane, nice, then

    def title(self):
        return f"{self.kind}/{self.name}"


class Run:
    """A test that runs, or has ended: its process, its log, its times."""

    def __init__(self, test):
        self.test, self.begin, self.process = test, time.monotonic(), None
        self.took_s = self.cpu_s = 0.0
        self.status = None  # its exit status, or a sentence that says why there is none
        self.log = os.path.join(LOGS, test.title().replace("/", "-") + ".log")

        def prepare():
            os.nice(test.nice)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        with open(self.log, "wb") as out:
            try:
                # A session of its own: Ctrl-C reaches this program only, which then ends the test.
                self.process = subprocess.Popen(
                    test.argv, cwd=test.cwd, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **sanitizer_env(self.log), **test.env},
                    start_new_session=True, preexec_fn=prepare)
            except OSError as e:
                self.status = f"cannot be run: {e}"

    def has_ended(self):
        """Whether it has; one that takes too long is ended."""
        if self.process and self.status is None:
            pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu_s = used.ru_utime + used.ru_stime
            elif time.monotonic() - self.begin > LIMIT_S:
                self.stop()
                self.status = f"ended by the time limit of {LIMIT_S} s"
        self.took_s = time.monotonic() - self.begin
        return self.status is not None

    def stop(self):
        """SIGTERM, with time to clean up; then whatever is left of its session is killed."""
        if not self.process:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def clean_up(self):
        """Removes what it left behind; sentences that say what."""
        return clean_up_after(self.process.pid) if self.process else []


class Runner:
    """Runs tests in their lanes and keeps the score."""

    def __init__(self, jobs):
        """jobs: how many of WAITING run at a time."""
        self.widths = {BUSY: 1, WAITING: jobs}
        self.passed = self.failed = self.skipped = 0
        self.to_run, self.running = [], []

    def run(self, tests):
        """Runs them, and what each says that can run then."""
        self.to_run += tests
        while self.to_run or self.running:
            while test := self.next_test():
                self.to_run.remove(test)
                self.running.append(Run(test))
            ended = [r for r in self.running if r.has_ended()]
            for run in ended:
                has_passed = self.count(run)
                self.running.remove(run)
                if run.test.then:
                    self.to_run += run.test.then(has_passed)
            if not ended:
                time.sleep(POLL_S)

    def next_test(self):
        """The first that has room in its lane now; None: there is none."""
        lanes = [r.test.lane for r in self.running]
        for test in self.to_run:
            if test.lane != ALONE and lanes.count(test.lane) < self.widths[test.lane] \
                    and ALONE not in lanes:
                return test
        alone = not lanes and all(t.lane == ALONE for t in self.to_run)
        return self.to_run[0] if alone and self.to_run else None

    def count(self, run):
        """Prints the line of a test that has ended and counts it; True unless it failed."""
        passed, failed, skipped = score(run.log, run.status)
        notes = sanitizer_reports(run.log) + run.clean_up()
        if isinstance(run.status, str):
            notes.append(run.status)
        if notes and not failed:
            failed = 1
        self.passed, self.failed = self.passed + passed, self.failed + failed
        self.skipped += skipped
        counts = f"{passed} passed" + (f", {failed} failed" if failed else "")
        counts += f", {skipped} skipped" if skipped else ""
        print(f"{'FAILED' if failed else 'ok':<7}{run.test.title():<36} {counts:<24} "
              f"{run.took_s:6.1f} s {run.cpu_s:6.1f} s of CPU", flush=True)
        if failed:
            show(run.log, notes)
        return not failed

    def abandon(self):
        """Ends the running tests and removes what they made."""
        for run in self.running:
            if run.process:
                run.process.terminate()
        for run in self.running:
            run.stop()
            run.clean_up()


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


def failures(lines):
    """Those lines of a log that name what failed, each with the few behind it that say why."""
    named, left = [], 0
    for line in lines:
        if FAILURE.search(line):
            left = 1 + REASON_LINES
        elif VERDICT.match(line):
            left = 0
        if left and line:
            named.append(line)
            left -= 1
    return named


def show(log, notes):
    """The failures first: whoever reads may be shown the first lines alone."""
    with open(log, errors="replace") as f:
        lines = [line.rstrip() for line in f]
    named = failures(lines)[:END_LINES]
    for what, some in (("what failed in", named + notes), ("the end of", lines[-END_LINES:])):
        if some:
            print(f"    {what} {os.path.relpath(log, TOP)}:")
        for line in some:
            print(f"    | {line}")
    sys.stdout.flush()
