# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes that run ctsyncd and the link between them."""

from netns import built, wait_for
from syncnode import SyncNode, sync_conf

SETTLE_S = 30


class Pair:
    def __init__(self, lab, hash_limit=1048576, general="", options="", start=True,
                 mode_options=""):
        self.lab, self.a, self.b = lab, lab.ns("a"), lab.ns("b")
        lab.veth(self.a, "sync", self.b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        for space in (self.a, self.b):
            space.track()
        self.one, self.two = (
            SyncNode(lab, space, "ctsyncd",
                     sync_conf(address, hash_limit=hash_limit, general=general, sync=options,
                               mode_options=mode_options))
            for space, address in ((self.a, "10.9.0.1"), (self.b, "10.9.0.2")))
        if start:
            self.one.start()
            self.two.start()

    def settle(self, deadline_s=SETTLE_S):
        """Waits until each holds the other's table and says that it is in sync."""
        def in_step():
            s1, s2 = self.one.status(), self.two.status()
            return (s1["in_sync"] and s2["in_sync"] and s1["local_flows"] == self.a.count()
                    and s2["local_flows"] == self.b.count()
                    and s1["remote_flows"] == s2["local_flows"]
                    and s2["remote_flows"] == s1["local_flows"])
        wait_for(in_step, deadline_s, "both nodes in step", 0.1)


def load(space, verb, count, *more):
    """Creates, updates or deletes `count` numbered flows in a namespace's kernel."""
    space.run(built("flowload"), verb, str(count), *more, deadline_s=300)
