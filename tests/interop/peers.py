# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes on one sync link, either of them ctsyncd or conntrackd, and what the link can carry.

Tables are compared to the attribute. What version 1 of the protocol or a committing daemon
changes is written down here, as a change of what is expected, and nowhere else.
"""

import contextlib
import glob
import os

from cases import equal, same_flows
from ctnl import GRE, SCTP, TCP, UDPLITE, allow_labels, kernel_table, same_tables
from netns import TOP, Failed, TimedOut, built, wait_for
from syncnode import SyncNode, sync_conf

SETTLE_S = 20
# How far the timeouts of a flow may be apart on two nodes: from the time the cases take.
TIMEOUT_SLACK_S = 40
WINDOWS = "\tOptions {\n\t\tTCPWindowTracking On\n\t}\n"
KEYLESS = (GRE, UDPLITE)
KEYLESS_NAMES = ("gre", "udplite")
HALF_OPEN = (1, 2)  # SYN_SENT, SYN_RECV
SCALES = ("protoinfo.1.2", "protoinfo.1.3")
TCP_FLAGS = ("protoinfo.1.4", "protoinfo.1.5")
WINDOW_SCALE, BE_LIBERAL = 0x100, 0x800  # as the kernel reports flags: the mask behind is 0
MASK_IN_DUMP = 0xff


def debian_nfct():
    """(Debian's libnetfilter_conntrack, the folder of its headers) as tools/setup.sh unpacked them."""
    root = os.environ.get("CTSYNC_PKGS") or os.path.join(TOP, "build", "pkgs", "root")
    libs = glob.glob(os.path.join(root, "usr/lib/*-linux-gnu/libnetfilter_conntrack.so.3"))
    return (libs or [os.path.join(root, "usr/lib/libnetfilter_conntrack.so.3")])[0], \
        os.path.join(root, "usr/include")


def carried_view(flows, sender="conntrackd"):
    """Flows as netns.parse_flow gives them, without what a sender of that kind does not tell."""
    def carried(f):
        words = [w for w in f[1:] if not w.startswith(("zone-orig=", "zone-reply="))]
        if f[0] in KEYLESS_NAMES and sender == "conntrackd":
            words = [w for w in words if w.split("=")[0] not in
                     ("sport", "dport", "srckey", "dstkey")]
        return (f[0], *words)
    return {carried(f) for f in flows}


def committed(fields, kind, windows, sender):
    """What a node of that kind makes of a flow of its peer's kernel; None: it writes none.

    sender: the peer's kind. conntrackd tells no GRE keys and no ports of UDPLITE.
    """
    proto = fields["orig.2.1"]
    wanted = {p: v for p, v in fields.items() if p not in ("orig.3", "reply.3")}
    if proto in KEYLESS and sender == "conntrackd":
        for side in ("orig", "reply"):
            wanted[f"{side}.2.2"] = wanted[f"{side}.2.3"] = 0
    if proto == SCTP and kind == "conntrackd" and not windows:
        # Its flag for liberal windows lands in a byte of the verification tag.
        wanted["protoinfo.3.2"] = wanted["protoinfo.3.2"] & ~0xff | 8
    if proto == TCP:
        if kind == "ctsyncd" and wanted["protoinfo.1.1"] in HALF_OPEN:
            return None
        # conntrackd gives the scales without the flag that makes the kernel take them.
        scaled = windows and kind == "ctsyncd" and any(wanted[p] for p in SCALES)
        flags = (WINDOW_SCALE if scaled else 0) | (0 if windows else BE_LIBERAL)
        wanted.update({p: flags for p in TCP_FLAGS})
        if not scaled:
            wanted.update({p: 0 for p in SCALES})
    return wanted


def committed_table(table, kind, windows, sender):
    """{identity: attributes} of the committing node's kernel, from its peer's kernel_table()."""
    result = {}
    for fields in table.values():
        wanted = committed(fields, kind, windows, sender)
        if wanted:
            key = [str(wanted.get("zone", 0))]
            key += [str(v) for p, v in wanted.items() if p.startswith("orig.")]
            result["/".join(key)] = wanted
    return result


def table_of(space):
    """The kernel's table and, apart from it, the timeouts."""
    table = kernel_table(space, ignore=("counters_orig", "counters_reply", "use", "id",
                                        "timestamp"))
    timeouts = {key: fields.pop("timeout") for key, fields in table.items()}
    for fields in table.values():
        for path in TCP_FLAGS:
            if path in fields:
                fields[path] &= ~MASK_IN_DUMP
    return table, timeouts


def same_timeouts(found, expected):
    for key in found.keys() & expected.keys():
        if abs(found[key] - expected[key]) > TIMEOUT_SLACK_S:
            raise Failed(f"{key}: timeout {found[key]}, on the other node {expected[key]}")


def load(space, verb, count, *more):
    space.run(built("flowload"), verb, str(count), *more)


class Pair:
    """Nodes a and b of the given kinds; loss in percent, of what each of them receives."""

    def __init__(self, lab, kind_a, kind_b, v6_link=False, loss=0, windows=False, options="",
                 ours="", env_of=None):
        """options: lines of the Mode section; ours: more, for ctsyncd alone. env_of(space): more
        environment for the node there."""
        self.lab, self.windows, self.ours, self.env_of = lab, windows, ours, env_of
        addresses = ("fd00:9::1", "fd00:9::2") if v6_link else ("10.9.0.1", "10.9.0.2")
        prefix = "/64" if v6_link else "/24"
        self.switch = lab.ns("switch")
        lab.bridge(self.switch, "lan")
        sync = WINDOWS if windows else ""
        self.nodes = []
        for name, kind, address in zip("ab", (kind_a, kind_b), addresses):
            self.add(name, kind, address, prefix, loss, sync, options)
        self.one, self.two = self.nodes
        self.a, self.b = self.one.space, self.two.space
        # conntrackd asks nobody for anything when it starts: both sides hear all from the start.
        for node in self.nodes:
            node.start()
        lab.show = self.show

    def add(self, name, kind, address, prefix="/24", loss=0, sync="", options=""):
        """One more node on the link, not started."""
        space = self.lab.ns(name)
        self.lab.plug(space, "sync", self.switch, "lan", [address + prefix])
        space.track()
        allow_labels(space)
        if loss:
            space.lose("sync", loss)
        if kind == "ctsyncd":
            options += self.ours
        node = SyncNode(self.lab, space, kind, sync_conf(address, sync=sync, mode_options=options),
                        env=self.env_of(space) if self.env_of else None)
        self.nodes.append(node)
        return node

    def show(self):
        return "\n".join(n.process.log_text()[-2000:] for n in self.nodes)

    def settle(self, owner=None, holder=None, deadline_s=SETTLE_S):
        """Waits until the holder has what the owner's kernel has, then compares both."""
        owner, holder = owner or self.one, holder or self.two
        ignore = ("timeout", "labels")
        if holder.kind == "conntrackd":
            ignore += ("reply",)  # conntrackd prints none of what it holds for others

        def pair_of_sets():
            return (carried_view(holder.remote_flows(ignore), owner.kind),
                    carried_view(owner.space.flows(ignore=ignore), owner.kind))

        def same_sets():
            return len({frozenset(s) for s in pair_of_sets()}) == 1

        # Until the handshake is over conntrackd notices no loss; ctsyncd then says it all again.
        def in_step():
            return all(n.status()["in_sync"] for n in (owner, holder) if n.kind == "ctsyncd")

        # Tables are read when they may be equal: to read them takes longer than to count.
        def same_counts():
            return in_step() and holder.remote_count() == owner.space.count()
        try:
            with contextlib.suppress(TimedOut):
                wait_for(same_counts, deadline_s / 2, "as many flows", 0.1)
            wait_for(lambda: in_step() and same_sets(), deadline_s / 2, "the same flows", 0.1)
        except TimedOut:
            same_flows(*pair_of_sets(), f"flows of {owner.name} that {holder.name} holds")
        same_flows(*pair_of_sets(), f"flows of {owner.name} that {holder.name} holds")
        equal(owner.local_count(), owner.space.count(), f"flows {owner.name} knows of its kernel")

    def commit(self, owner=None, holder=None):
        """The holder writes what it holds; its kernel's table is then the owner's."""
        owner, holder = owner or self.one, holder or self.two
        holder.commit()
        self.same_kernels(owner, holder)

    def same_kernels(self, owner, holder):
        table, timeouts = table_of(owner.space)
        wanted = committed_table(table, holder.kind, self.windows, owner.kind)
        found, found_timeouts = table_of(holder.space)
        same_tables(found, wanted, f"the kernel of {holder.name}")
        same_timeouts(found_timeouts, timeouts)
