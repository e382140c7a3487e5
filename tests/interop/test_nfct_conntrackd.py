#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An active-backup pair of Debian's conntrackd, both on our library: all as it is on Debian's."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from clients import FIXES, Side, all_shown, debian_library, our_library, same_text  # noqa: E402
from ctnl import add_flows, change_flows, delete_flows, same_tables, zoo  # noqa: E402
from netns import Failed, Lab  # noqa: E402
from peers import Pair, table_of  # noqa: E402
from test_conntrackd import CHANGED, GONE  # noqa: E402

SHOWN = (("-i",), ("-e",), ("-i", "-x"), ("-e", "-x"), ("-i", "ct"), ("-i", "exp"), ("-e", "exp"))
STATISTICS = (("-s",), ("-s", "cache"), ("-s", "network"), ("-s", "runtime"), ("-s", "link"),
              ("-s", "queue"), ("-s", "ct"), ("-s", "expect"))


class Run:
    """The life of all kinds of flows on a pair that runs on one library, and what it showed."""

    def __init__(self, lab, library, windows=False):
        self.lab, self.library, self.sides = lab, library, []
        self.texts, self.tables = {}, {}
        pair = Pair(lab, "conntrackd", "conntrackd", windows=windows, env_of=self.environment)
        self.live(pair)
        for node, side in zip(pair.nodes, self.sides):
            equal(node.stop(), 0, f"exit status of {node.name}")
            # The daemon's, and of each run that asked it for something.
            side.check_run(node.name, "conntrackd")
            log = node.process.log_text()
            if "ERROR" in log or "WARNING" in log or "Sanitizer" in log:
                raise Failed(f"{node.name} says\n{log}")

    def environment(self, space):
        side = Side(self.lab, space, self.library)
        self.sides.append(side)
        return side.environment(f"conntrackd-{space.short}")

    def live(self, pair):
        flows = zoo()
        add_flows(pair.a, flows.values())
        pair.settle()
        equal(pair.two.remote_count(), len(flows), "flows on the backup")
        self.show(pair, "born")
        change_flows(pair.a, [{**flows[n], **change} for n, change in CHANGED.items()])
        delete_flows(pair.a, [flows[n] for n in GONE])
        pair.settle()
        add_flows(pair.a, [{**flows[n], "mark": 1} for n in GONE])
        pair.settle()
        pair.commit()
        self.keep(pair, "a commit")
        pair.commit()
        self.keep(pair, "another over it")
        self.show(pair, "committed")
        # The backup becomes the active node: it takes its kernel's table for its own.
        pair.two.promote()
        self.keep(pair, "a promotion")
        self.show(pair, "promoted")
        pair.one.demote()
        pair.settle(pair.two, pair.one)

    def keep(self, pair, what):
        self.tables[what] = table_of(pair.two.space)[0]
        if len(self.tables[what]) < 40:
            raise Failed(f"only {len(self.tables[what])} flows after {what}")

    def show(self, pair, when):
        for node in pair.nodes:
            for options in SHOWN:
                text = node.ctl(*options, check=False).stdout
                self.texts[f"{when}: {node.space.short} {' '.join(options)}"] = re.sub(
                    r"active since \d+s", "active since Ns", text)
            for options in STATISTICS:
                text = node.ctl(*options, check=False).stdout
                # Names and order are all that the network and time leave the same.
                self.texts[f"{when}: {node.space.short} {' '.join(options)}"] = re.sub(
                    r"\d+", "N", re.sub(r" +", " ", text))


def same_run(name, **options):
    runs = []
    for letter, library in ("o", our_library()), ("d", debian_library()):
        with Lab(name + letter) as lab:
            runs.append(Run(lab, library, **options))
    ours, debian = runs
    for what, table in ours.tables.items():
        same_tables(table, debian.tables[what], f"the backup's kernel after {what}")
    for what, text in ours.texts.items():
        same_text(f"conntrackd, {what}", text, debian.texts[what], identities=True, ordered=False)
    return ours


def test_pair():
    ours = same_run("ka")
    all_shown(*(f for f in FIXES if f.name.startswith("XML: states")))
    for node, option in ("a", "-i"), ("b", "-e"):
        if "10.1.0.1" not in ours.texts[f"born: {node} {option}"]:
            raise Failed(f"conntrackd {option} shows no flows")


def test_pair_windows():
    same_run("kb", windows=True)


if __name__ == "__main__":
    run_cases(globals())
