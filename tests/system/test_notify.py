#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The notify hook for keepalived, and what it is good for when the daemon was not there."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import TOP, Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

HOOK = os.path.join(TOP, "examples", "keepalived", "notify.sh")
ROLES = {"MASTER": "primary", "BACKUP": "backup", "FAULT": "fault", "STOP": "backup"}
NO_DAEMON = 3


class Hook:
    """keepalived's part, for one node."""

    def __init__(self, lab, node):
        self.node, self.state = node, lab.path(f"{node.name}.state")

    def call(self, *words, status=0):
        env = {**os.environ, "CTSYNCCTL": self.node.ctl_program, "CTSYNC_SOCKET": self.node.socket,
               "CTSYNC_STATE": self.state}
        done = self.node.space.run(HOOK, *words, check=False, env=env)
        equal(done.returncode, status, f"status of notify.sh {words}: {done.stderr}")

    def tell(self, state, status=0):
        self.call("INSTANCE", "VI_1", state, "100", status=status)

    def kept(self):
        with open(self.state) as f:
            return f.read().strip()


def restart(node):
    node.kill()
    node.start()
    equal(node.status()["role"], "backup", "the role that a new daemon begins with")


def test_each_state_is_told_and_kept():
    with Lab("nt") as lab:
        node = Pair(lab).one
        hook = Hook(lab, node)
        hook.call("again")  # nothing was told yet
        equal((node.status()["role"], os.path.exists(hook.state)), ("backup", False), "at first")
        for state, role in ROLES.items():
            hook.tell(state)
            equal((node.status()["role"], hook.kept()), (role, state), f"after {state}")
        hook.tell("DELETED", status=2)
        hook.call(status=2)
        equal(hook.kept(), "STOP", "kept of what is no state")
        os.unlink(hook.state)
        os.mkdir(hook.state)  # cannot be kept
        hook.tell("MASTER")
        equal(node.status()["role"], "primary", "told all the same")


def test_what_a_dead_daemon_missed_is_told_to_the_next():
    with Lab("nd") as lab:
        node = Pair(lab).one
        hook = Hook(lab, node)
        node.kill()
        hook.tell("MASTER", status=NO_DAEMON)
        node.start()
        hook.call("again")
        equal(node.status()["role"], "primary", "role")


def test_a_cold_node_that_was_active_before_its_restart_purges_when_demoted():
    """Or it would keep, and tell as its own, what ends on the node that took over."""
    with Lab("np") as lab:
        pair = Pair(lab, general="", mode_options="\t\tStandbyTable Cold\n\t\tPurgeTimeout 1\n")
        hooks = [Hook(lab, node) for node in (pair.one, pair.two)]
        hooks[0].tell("MASTER")
        load(pair.a, "create", 500)
        pair.settle()
        restart(pair.one)
        hooks[0].call("again")
        equal(pair.one.status()["role"], "primary", "the role after that")
        pair.settle()
        hooks[0].tell("BACKUP")
        hooks[1].tell("MASTER")
        equal(pair.b.count(), 500, "flows that have been taken over")
        load(pair.b, "delete", 500)
        wait_for(lambda: pair.a.count() == 0, 30, "the purge")
        wait_for(lambda: pair.two.remote_count() == 0, 30, "nothing is told as the old node's own")


if __name__ == "__main__":
    run_cases(globals())
