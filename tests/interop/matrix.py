# SPDX-License-Identifier: GPL-2.0-or-later
"""A cell of the interop matrix: two nodes on two cables, one of them conntrackd, and what is
checked of them.

Both daemons get their configuration from the same function: it knows a node's number and the
cell, and not which program it is for.
"""

import json
import time
from typing import NamedTuple

from cases import equal, same_flows
from ctnl import (SETTLED, TCP, UDP, add_expects, add_flows, allow_labels, change_flows,
                  delete_expects, delete_flows, expect_table, expectation, flow, same_tables, zoo)
from netns import TimedOut, built, wait_for
from peers import carried_view, committed_table, same_timeouts, table_of
from syncnode import SyncNode, link_conf, sync_conf

SETTLE_S = 25
CABLES = ("sync0", "sync1")
# Of ALARM. A restarted conntrackd begins with lower numbers, and is not listened to for some seconds.
REFRESH_S, CACHE_S = 1, 12
STREAM, STREAM_RATE = 300, 600
MODE_OPTIONS = {
    "FTFW": "",
    "NOTRACK": "",
    "ALARM": f"\t\tRefreshTime {REFRESH_S}\n\t\tCacheTimeout {CACHE_S}\n",
}
GONE = ("tcp4", "udp4 unreplied", "icmp", "icmpv6", "sctp6", "esp4", "tcp6 snat", "zone", "labels",
        "master")
CHANGED = {
    "tcp6": {"tcp": "CLOSE_WAIT", "mark": 7},
    "mark": {"mark": 0x77},
    "sctp4": {"sctp": ("SHUTDOWN_SENT", 11, 22)},
    "tcp4 both": {"tcp": "TIME_WAIT"},
    "zone, same tuple": {"mark": 9},
    "sequence adjustment": {"seqadj": (2000, 6, 8)},
    "udp6": {"labels": [1, 64]},
    "helper": {"mark": 3},
}


def expect_zoo():
    """{name: expectation}; a helper bounds how many a master has: each has a master of its own."""
    v4, v6 = ("10.1.0.7", "10.2.0.7"), ("2001:db8:1::7", "2001:db8:2::7")

    def ftp(ends, port, **more):
        return flow(TCP, *ends, port, 21, tcp="ESTABLISHED", status=SETTLED, timeout=3000,
                    helper="ftp", **more)

    def sip(ends, port):
        return flow(UDP, *ends, port, 5060, status=SETTLED, timeout=3001, helper="sip")

    return {
        "active": expectation(ftp(v4, 4000), 4500),
        "passive": expectation(ftp(v4, 4001), 4501, src=v4[0], dst=v4[1]),
        "permanent": expectation(ftp(v4, 4002), 4502, flags=1),
        "active6": expectation(ftp(v6, 4000), 4500),
        "nat": expectation(ftp(v4, 4003, snat=("192.0.2.1", 4103)), 4104, dst="192.0.2.1",
                           nat=(v4[0], 4503, 1), fn="nat-follow-master"),
        "class": expectation(sip(v4, 4004), 4600, cls=1),
        "class6": expectation(sip(v6, 4004), 4600, cls=1),
    }


def masters(expects):
    return [e["master"] for e in expects]


class Cell(NamedTuple):
    mode: str
    channel: str
    family: int
    active: str
    backup: str
    loss: int  # percent, of what each node receives

    def title(self):
        return (f"{self.mode:<8}{self.channel:<10}IPv{self.family}  {self.active:<11}"
                f"{f'{self.loss}% lost' if self.loss else 'clean':<8}")


def address(cell, cable, number):
    return f"fd00:{cable}::{number}" if cell.family == 6 else f"10.9.{cable}.{number}"


def configuration(cell, number):
    """The text of conntrackd.conf for node 1 or 2, whichever daemon reads it."""
    # Window tracking in half of the cells: it changes what the link carries.
    windows = "\t\tTCPWindowTracking On\n" if cell.family == 6 else ""
    return sync_conf(
        mode=cell.mode, mode_options=MODE_OPTIONS[cell.mode], hash_limit=65536,
        sync=f"\tOptions {{\n{windows}\t\tExpectationSync On\n\t}}\n",
        links=[link_conf(cell.channel, address(cell, i, number), address(cell, i, 3 - number), cable,
                         port=3780 + i, default=i == 0) for i, cable in enumerate(CABLES)])


def moved(things):
    """The same flows or expectations of other hosts: for the other node's kernel."""
    text = json.dumps(list(things))
    for old, new in (("10.1.0.", "10.1.8."), ("2001:db8:1::", "2001:db8:11::"),
                     ("192.0.2.1\"", "192.0.2.8\""), ("2001:db8:9::1\"", "2001:db8:9::8\"")):
        text = text.replace(old, new)
    return json.loads(text)


def expect_view(lines):
    """Expectations as conntrack(8) or a daemon prints them: comparable, without times and flags."""
    view = set()
    for line in lines:
        words = line.split("[active since")[0].split()
        if words and words[0].isdigit():
            words = words[1:]
        view.add(" ".join(w for w in words if "=" in w))
    return view


def committed_expects(table, kind):
    """What a node of that kind makes of its peer's expectations."""
    wanted = {}
    for key, fields in table.items():
        fields = dict(fields)
        if kind == "conntrackd":
            # Its library leaves out class, NAT and function.
            fields["class"] = 0
            fields = {p: v for p, v in fields.items() if p != "function" and not p.startswith("nat.")}
        wanted[key] = fields
    return wanted


class CellPair:
    """The two nodes of a cell: one is the active node, two the backup."""

    def __init__(self, lab, cell):
        self.lab, self.cell = lab, cell
        self.a, self.b = lab.ns("a"), lab.ns("b")
        bits = 64 if cell.family == 6 else 24
        for space in (self.a, self.b):
            # An interface that goes down keeps its IPv6 addresses, as it keeps those of IPv4.
            space.sysctl(ipv6__conf__all__keep_addr_on_down=1,
                         ipv6__conf__default__keep_addr_on_down=1)
            space.track(CABLES)
            allow_labels(space)
            if cell.loss:
                lose(space, cell.loss)
        for i, cable in enumerate(CABLES):
            lab.veth(self.a, cable, self.b, cable, [f"{address(cell, i, 1)}/{bits}"],
                     [f"{address(cell, i, 2)}/{bits}"])
        self.one, self.two = self.nodes = [
            SyncNode(lab, space, kind, configuration(cell, number))
            for number, (space, kind) in enumerate(((self.a, cell.active), (self.b, cell.backup)), 1)]
        for node in self.nodes:
            node.start()

    def kernel_views(self, node):
        flows = carried_view(node.space.flows(ignore=("timeout", "labels", "reply")), node.kind)
        return flows, expect_view(self.raw_expects(node.space))

    @staticmethod
    def raw_expects(space):
        return [line for family in ("ipv4", "ipv6")
                for line in space.run("conntrack", "-L", "expect", "-f", family).stdout.splitlines()]

    def held_views(self, node, sender):
        flows = carried_view(node.remote_flows(("timeout", "labels", "reply")), sender.kind)
        return flows, expect_view(node.remote_expects())

    def settle(self, owner, holder, what):
        """Waits until the holder has what is the owner's own."""
        try:
            wait_for(lambda: self.kernel_views(owner) == self.held_views(holder, owner), SETTLE_S, what,
                     0.25)
        except TimedOut:
            for found, expected, kind in zip(self.held_views(holder, owner), self.kernel_views(owner),
                                             ("flows", "expectations")):
                same_flows({tuple(f.split()) if isinstance(f, str) else f for f in found},
                           {tuple(f.split()) if isinstance(f, str) else f for f in expected},
                           f"{what}: {kind} of {owner.name} that {holder.name} holds")

    def both_settle(self, what):
        self.settle(self.one, self.two, what)
        self.settle(self.two, self.one, what)

    # ---- the checks, in this order ----

    def check_life(self):
        """Flows and expectations are born, change, end and come again on the active node."""
        flows, expects = zoo(), expect_zoo()
        add_flows(self.a, [*flows.values(), *masters(expects.values())])
        add_expects(self.a, expects.values())
        self.settle(self.one, self.two, "births")
        again = [expects["passive"], expects["class6"]]
        change_flows(self.a, [{**flows[n], **change} for n, change in CHANGED.items()])
        delete_flows(self.a, [flows[n] for n in GONE])
        delete_expects(self.a, again)
        self.settle(self.one, self.two, "changes and ends")
        add_flows(self.a, [{**flows[n], "mark": 1} for n in GONE])
        add_expects(self.a, again)
        self.settle(self.one, self.two, "births again")
        # The backup has flows of its own, which go the other way.
        mine = moved(expects.values())
        add_flows(self.b, [*moved(flows.values()), *masters(mine)])
        add_expects(self.b, mine)
        self.both_settle("both ways")

    def check_restart(self, node):
        """Killed, a flow is born meanwhile, and started again."""
        node.kill()
        add_flows(node.space, [flow(TCP, "10.6.0.1", f"10.7.0.{self.nodes.index(node)}", 1, 2,
                                    tcp="ESTABLISHED", status=SETTLED, timeout=900)])
        node.start()
        if {n.kind for n in self.nodes} == {"conntrackd"}:
            # Neither asks for anything when it starts; a ctsyncd does, and is told by one.
            for one in self.nodes:
                one.request_resync()
        self.both_settle(f"after the restart of {node.name}")

    def check_fail_over(self):
        """The first cable is pulled while flows come."""
        stream = self.a.spawn(built("flowload"), "create", str(STREAM), "--rate", str(STREAM_RATE),
                              name="stream")
        wait_for(lambda: self.a.count() > 120, SETTLE_S, "the stream has begun")
        self.b.ip(f"link set {CABLES[0]} down")  # and a loses its carrier
        wait_for(lambda: not stream.alive(), SETTLE_S, "the stream ends")
        equal(stream.popen.returncode, 0, "status of flowload")
        self.both_settle("on the other link")
        # There again for who starts anew; nobody goes back to it for that alone.
        self.b.ip(f"link set {CABLES[0]} up")

    def check_commit(self):
        """Each node writes what it holds of the other: its kernel has both tables then."""
        before = [(table_of(n.space), expect_table(n.space)) for n in self.nodes]
        windows = self.cell.family == 6
        for node, sender, own, others in ((self.two, self.one.kind, before[1], before[0]),
                                          (self.one, self.two.kind, before[0], before[1])):
            node.commit()
            (found, found_timeouts), expects = table_of(node.space), expect_table(node.space)
            wanted = committed_table(others[0][0], node.kind, windows, sender)
            wanted_expects = committed_expects(others[1], node.kind)
            if node is self.one:
                # Who says its table (in ALARM always, else when a peer restarted) says what it has
                # committed, too: a node may have got its own flows back, and commit them as well.
                found = {key: fields for key, fields in found.items() if key in wanted}
                expects = {key: fields for key, fields in expects.items() if key in wanted_expects}
            else:
                wanted = {**own[0][0], **wanted}
                wanted_expects = {**own[1], **wanted_expects}
            same_tables(found, wanted, f"the kernel of {node.name} after a commit")
            same_timeouts(found_timeouts, others[0][1])
            same_tables(expects, wanted_expects,
                        f"expectations in the kernel of {node.name} after a commit")


def lose(space, percent):
    """Drops that share of the sync traffic that comes in, of either kind of socket."""
    names = ", ".join(CABLES)
    space.nft(f"table inet loss {{ chain incoming {{ type filter hook prerouting priority -400; "
              f"iifname {{ {names} }} meta l4proto {{ udp, tcp }} "
              f"numgen random mod 1000 < {percent * 10} counter drop; }}; }}")


CHECKS = ("settle", "fail-over", "restart active", "restart backup", "commit")


def impossible(cell, check):
    """Why conntrackd makes a check of a cell impossible; "" if it does not."""
    if cell.mode == "NOTRACK" and cell.loss and cell.channel != "TCP":
        return "conntrackd repairs no loss in this mode (ctsyncd: tests/unit/test_core_modes.c)"
    return ""


def run_checks(pair):
    """Yields (name of the check, seconds) as each has passed."""
    steps = (pair.check_life, pair.check_fail_over, lambda: pair.check_restart(pair.one),
             lambda: pair.check_restart(pair.two), pair.check_commit)
    for name, step in zip(CHECKS, steps):
        if impossible(pair.cell, name):
            continue
        begin = time.monotonic()
        step()
        yield name, time.monotonic() - begin
