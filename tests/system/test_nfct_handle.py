#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's handles on this kernel: each case of nfct_handle in a namespace of its own."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, run_cases  # noqa: E402
from netns import Failed, Lab, built  # noqa: E402

PROGRAM = built("tests/system/nfct_handle")


def run(name):
    with Lab("nh") as lab:
        space = lab.ns("a")
        if name == "counters_are_reset":
            space.track()
            space.sysctl(netfilter__nf_conntrack_acct=1)
        done = space.run(PROGRAM, name, check=False, deadline_s=120)
        said = (done.stdout + done.stderr).strip()
        if done.returncode == 77:
            raise Skipped(said)
        if done.returncode != 0:
            raise Failed(f"status {done.returncode}: {said[-3000:]}")


def case_of(name):
    return lambda: run(name)


def main():
    listed = subprocess.run([PROGRAM, "--list"], check=True, capture_output=True, text=True)
    run_cases({f"test_{name}": case_of(name) for name in listed.stdout.split()})


if __name__ == "__main__":
    main()
