#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The firewalls of examples/demo, warm, under the real keepalived: one dies in the middle of transfers,
the other finds its kernel prepared, or half prepared, or prepared by a daemon that was killed."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "..", "examples", "demo")]
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from failover import Demo  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402

FLOWS = 4000
SLOW = 200  # writes a second
SETTLE_S = 30


class WarmDemo(Demo):
    """rate: WarmRate; 0: the default."""

    def __init__(self, lab, rate=0):
        super().__init__(lab, "ctsyncd", FLOWS)
        self.rate = rate

    def mode_options(self, kind):
        rate = f"\t\tWarmRate {self.rate}\n" if self.rate else ""
        return f"\t\tPurgeTimeout 2\n\t\tStandbyTable Warm\n{rate}"

    def begin(self):
        self.build()
        self.start()
        self.open_connections()
        self.add_flows()

    def written(self):
        """What fw2's promotions wrote, from its log, the last one last."""
        return [int(n) for n in re.findall(r"promote done: (\d+) written",
                                           self.fw2.node.process.log_text())]

    def end(self):
        """fw1 dies; every connection has to go on, and fw2's kernel to be whole at once."""
        before = self.fw1.space.count()
        self.fail_over()
        verdicts = self.judge()
        equal({name: why for name, why in verdicts.items() if why}, {}, "what is wrong with connections")
        if self.facts["in_kernel"] < before - 2:  # half-open ones, which are not written
            raise Failed(f"{self.facts['in_kernel']} flows in fw2's kernel after the promotion, "
                         f"{before} were in fw1's")
        return self.written()[-1]


def test_settled_before_it_dies():
    """All is in the standby's kernel; the promotion writes next to nothing."""
    with Lab("wf") as lab:
        demo = WarmDemo(lab)
        demo.begin()
        demo.await_replication()
        demo.await_traffic(400_000)
        written = demo.end()
        if written > FLOWS // 10:
            raise Failed(f"the promotion wrote {written} flows")


def test_half_way():
    """It dies while the standby is warming up: the promotion writes the rest."""
    with Lab("wh") as lab:
        demo = WarmDemo(lab, rate=SLOW)
        demo.begin()
        wait_for(lambda: demo.fw2.node.remote_count() >= demo.fw1.space.count(), SETTLE_S, "all is told")
        wait_for(lambda: demo.fw2.space.count() > SLOW, SETTLE_S, "some of it is written")
        written = demo.end()
        if written < FLOWS // 4:
            raise Failed(f"the promotion wrote {written} flows: it was warm already")


def test_after_the_standbys_daemon_was_killed():
    """What the killed one has written is known to the next, and the roles change as if nothing was."""
    with Lab("wk") as lab:
        demo = WarmDemo(lab)
        demo.begin()
        demo.await_replication()
        demo.fw2.node.kill()
        count = demo.fw2.space.count()
        demo.fw1.space.run("conntrack", "-D", "-p", "tcp", "--dport", "443", check=False)
        demo.fw2.node.start()
        demo.await_replication()
        wait_for(lambda: demo.fw2.space.count() <= demo.fw1.space.count(), SETTLE_S,
                 f"the ends of what was deleted meanwhile; {count} were there")
        equal(demo.fw2.node.local_count(), 0, "flows that the standby calls its own")
        demo.await_traffic(400_000)
        demo.end()


def test_the_dead_one_comes_back():
    """With what its kernel had then: it is told what is so now, and takes over in its turn."""
    with Lab("wb") as lab:
        demo = WarmDemo(lab)
        demo.begin()
        demo.await_replication()
        demo.await_traffic(400_000)
        demo.fail_over()
        fw1, fw2 = demo.fw1, demo.fw2
        for port in fw1.ports:
            demo.switch.ip(f"link set {port} up")
        fw1.space.ip("link set sync up")
        fw1.node.start()
        wait_for(lambda: fw1.node.status()["in_sync"], SETTLE_S, "it is in sync")
        fw1.start_keepalived()  # whose priority is the higher one
        wait_for(lambda: fw1.node.status()["role"] == "primary", SETTLE_S, "it is the active node again")
        wait_for(fw1.has_addresses, SETTLE_S, "it has the addresses")
        wait_for(lambda: fw2.node.status()["role"] == "backup", SETTLE_S, "the other one stands by")

        def warm():
            s = fw2.node.status()
            return (s["local_flows"] == 0 and s["warm_behind_ms"] == 0 and
                    s["warm_flows"] + s["warm_unsettled"] == s["remote_flows"] == fw1.space.count())
        wait_for(warm, SETTLE_S, "and is warm")
        verdicts = demo.judge()
        equal({name: why for name, why in verdicts.items() if why}, {}, "what is wrong with connections")


if __name__ == "__main__":
    run_cases(globals())
