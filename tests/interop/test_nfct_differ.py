#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our libnetfilter_conntrack and Debian's in one process, the same random operations on both.

What differs is either a named defect of Debian's, each of which has to be seen, or a failure. A
failure tells its episode; CTSYNC_SEED=N repeats the run.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, run_cases  # noqa: E402
from netns import Failed, build_dir, built  # noqa: E402
from peers import debian_nfct  # noqa: E402

EPISODES = 12000
OURS = "src/nfct/.libs/libnetfilter_conntrack.so.3"


def differ(ours, theirs, *args):
    run = subprocess.run([built("tests/interop/nfct_differ"), ours, theirs, *args], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500,
                         errors="replace")
    print(run.stdout, end="", flush=True)
    return run


def libraries():
    lib, _ = debian_nfct()
    if not os.path.isfile(lib):
        raise Skipped("Debian's library is not unpacked; run tools/setup.sh check")
    return os.path.join(build_dir(), OURS), lib


def test_ours_is_debians():
    run = differ(*libraries(), "--episodes", str(EPISODES))
    if run.returncode != 0:
        raise Failed(f"exit status {run.returncode}: see above")


def test_one_library_is_itself():
    """Nothing may differ, and no defect may be excused."""
    ours, _ = libraries()
    run = differ(ours, ours, "--episodes", "2000")
    if run.returncode != 0 or not re.search(r"\b0 differences", run.stdout):
        raise Failed("ours differs from itself: see above")


if __name__ == "__main__":
    run_cases(globals())
