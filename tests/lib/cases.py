# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the cases of a test program in Python and prints what ./check reads.

    def test_events_arrive():
        with Lab("events") as lab:
            ...
            equal(a.count(), 3, "flows")

    if __name__ == "__main__":
        run_cases(globals())

A case fails by an exception (netns.Failed for what was expected and did not happen); it is skipped
by raising Skipped. An argument on the command line is a part of the names of the cases to run.
"""

import sys
import time
import traceback

from netns import Failed

SKIPPED_STATUS = 77


class Skipped(Exception):
    """This machine cannot run the case; the text says why."""


def equal(found, expected, what):
    if found != expected:
        raise Failed(f"{what}: found {found!r}, expected {expected!r}")


def same_flows(found, expected, what, shown=5):
    """Compares two sets of flows and names the first few that only one of them has."""
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        lines = [f"{what}: {len(missing)} missing, {len(extra)} too many of {len(expected)}"]
        lines += [f"  missing  {' '.join(f)}" for f in missing[:shown]]
        lines += [f"  too many {' '.join(f)}" for f in extra[:shown]]
        raise Failed("\n".join(lines))


def run_case(name, case):
    """1 passed, 0 failed, None skipped; prints the case's line."""
    begin = time.monotonic()
    result, why = 1, ""
    try:
        case()
    except Skipped as e:
        result, why = None, f": {e}"
    except Failed as e:
        result, why = 0, f": {e}"
    except Exception as e:
        result, why = 0, f": {type(e).__name__}: {e}\n{traceback.format_exc()}"
    word = {1: "ok", 0: "FAILED", None: "skipped"}[result]
    print(f"{word:<8}{name} ({time.monotonic() - begin:.1f} s){why}", flush=True)
    return result


def run_cases(names):
    """Runs the functions called test_* in order of definition and ends the program."""
    words = sys.argv[1:]
    cases = [(n, f) for n, f in names.items() if n.startswith("test_") and callable(f)]
    results = [run_case(n, f) for n, f in cases if not words or any(w in n for w in words)]
    passed, failed, skipped = results.count(1), results.count(0), results.count(None)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    if skipped and not passed and not failed:
        sys.exit(SKIPPED_STATUS)
    sys.exit(0 if passed and not failed else 1)
