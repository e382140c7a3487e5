#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dedicated links of every kind: two ctsyncd over two cables, and what happens when one is pulled."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Failed, Lab, built, wait_for  # noqa: E402
from pair import load  # noqa: E402
from syncnode import SyncNode, link_conf, sync_conf  # noqa: E402

SETTLE_S = 40
CABLES = ("sync0", "sync1")


def address(family, cable, number):
    return f"fd00:{cable}::{number}" if family == 6 else f"10.9.{cable}.{number}"


class Cables:
    """Two nodes, two cables between them, and a link of one kind over each."""

    def __init__(self, lab, kind, family, default=0, start=True, count=2):
        self.lab, self.kind, self.spaces = lab, kind, (lab.ns("a"), lab.ns("b"))
        bits = 64 if family == 6 else 24
        for space in self.spaces:
            # an interface that goes down keeps its addresses, as IPv4's does
            space.sysctl(ipv6__conf__all__keep_addr_on_down=1,
                         ipv6__conf__default__keep_addr_on_down=1,
                         ipv6__conf__default__accept_dad=0)
            space.track(CABLES)
        for i, cable in enumerate(CABLES[:count]):
            lab.veth(self.spaces[0], cable, self.spaces[1], cable,
                     [f"{address(family, i, 1)}/{bits}"], [f"{address(family, i, 2)}/{bits}"])
        self.nodes = [
            SyncNode(lab, space, "ctsyncd", sync_conf(links=[
                link_conf(kind, address(family, i, n), address(family, i, 3 - n), cable,
                          port=3780 + i, default=i == default)
                for i, cable in enumerate(CABLES[:count])]))
            for n, space in enumerate(self.spaces, 1)]
        if start:
            for node in self.nodes:
                node.start()

    def in_step(self):
        s = [node.status() for node in self.nodes]
        return (s[0]["in_sync"] and s[1]["in_sync"]
                and s[0]["local_flows"] == self.spaces[0].count()
                and s[0]["remote_flows"] == s[1]["local_flows"]
                and s[1]["remote_flows"] == s[0]["local_flows"])

    def settle(self):
        try:
            wait_for(self.in_step, SETTLE_S, "both nodes in step", 0.1)
        except Failed as e:
            logs = "\n".join(node.process.log_text() for node in self.nodes)
            raise Failed(f"{e}\n{[node.status() for node in self.nodes]}\n{logs}") from None

    def same_tables(self, what):
        self.settle()
        same_flows(self.nodes[1].remote_flows(), self.nodes[0].local_flows(), what)

    def told(self, number, text, times=1):
        """The node's log has said so at least that often."""
        wait_for(lambda: self.nodes[number].process.log_text().count(text) >= times, SETTLE_S,
                 f"node {number} says {times} times: {text}")

    def one_peer_each(self):
        for node in self.nodes:
            equal(len(node.status()["peers"]), 1, f"peers of {node.name}")
            equal(node.stats()["peer_restarts"], 0, "restarts noticed")
            equal(node.stats()["addr_guesses_wrong"], 0, "peers taken for others")


def fail_over(kind, family):
    """Both ways of losing a link, while flows come, change and go."""
    with Lab("fo") as lab:
        c = Cables(lab, kind, family)
        c.settle()
        a, b = c.spaces
        flows = a.spawn(built("flowload"), "create", "6000", "--rate", "3000", name="load1")
        wait_for(lambda: c.nodes[1].remote_count() > 500, SETTLE_S, "flows on the other node")
        a.ip("link set sync0 down")  # and b loses its carrier
        for number in (0, 1):
            c.told(number, "sync link sync1 is the one in use")
        flows.popen.wait(60)
        c.same_tables("after an interface was shut")
        equal(c.nodes[1].remote_count(), 6000, "flows replicated")
        a.ip("link set sync0 up")
        c.told(0, "sync link sync0 is up")
        c.told(1, "sync link sync0 is up")
        if kind == "TCP":
            c.told(0, "sync0: connected", 2)
            c.told(1, "sync0: connected", 2)
        changes = a.spawn(built("flowload"), "update", "6000", "--rate", "3000", "--mark", "7",
                          name="load2")
        wait_for(lambda: any("mark=7" in line for line in c.nodes[1].remote()), SETTLE_S,
                 "changed flows on the other node")
        b.ip("link set sync1 down")  # a loses its carrier
        for number in (0, 1):
            c.told(number, "sync link sync0 is the one in use")
        changes.popen.wait(60)
        c.same_tables("after a carrier was lost")
        equal(sum("mark=7" in line for line in c.nodes[1].remote()), 6000, "flows changed")
        load(a, "delete", 6000)
        c.same_tables("at the end")
        c.one_peer_each()


def test_fail_over_multicast_ipv4():
    fail_over("Multicast", 4)


def test_fail_over_multicast_ipv6():
    fail_over("Multicast", 6)


def test_fail_over_udp_ipv4():
    fail_over("UDP", 4)


def test_fail_over_udp_ipv6():
    fail_over("UDP", 6)


def test_fail_over_tcp_ipv4():
    fail_over("TCP", 4)


def test_fail_over_tcp_ipv6():
    fail_over("TCP", 6)


def test_the_default_is_used_first_and_nobody_goes_back():
    with Lab("df") as lab:
        c = Cables(lab, "UDP", 4, default=1)
        c.settle()
        for node in c.nodes:
            equal(node.status()["in_sync"], True, "in sync")
            equal("is the one in use" in node.process.log_text(), False, "a change of the link")
        sent = int(c.spaces[0].run("cat", "/sys/class/net/sync0/statistics/tx_packets").stdout)
        load(c.spaces[0], "create", 3000)
        c.same_tables("over the default link")
        now = int(c.spaces[0].run("cat", "/sys/class/net/sync0/statistics/tx_packets").stdout)
        if now - sent > 20:  # neighbour discovery and the like
            raise Failed(f"{now - sent} packets by the link that is not used")
        c.spaces[0].ip("link set sync1 down")
        c.told(1, "sync link sync0 is the one in use")
        c.spaces[0].ip("link set sync1 up")
        c.told(0, "sync link sync1 is up")
        load(c.spaces[0], "update", 3000, "--mark", "3")
        c.same_tables("afterwards")
        equal(c.nodes[0].process.log_text().count("is the one in use"), 1, "changes of the link")


def test_without_any_link_changes_wait():
    for kind in ("Multicast", "TCP"):
        with Lab("no") as lab:
            c = Cables(lab, kind, 4)
            a, _ = c.spaces
            load(a, "create", 200)
            c.settle()
            a.ip("link set sync0 down", "link set sync1 down")
            c.told(0, "no sync link is usable")
            sent = c.nodes[0].stats()["sent_datagrams"]
            load(a, "delete", 200)
            load(a, "create", 300, "--first", "1000")
            wait_for(lambda: c.nodes[0].local_count() == 300, SETTLE_S, "the changes noticed")
            equal(c.nodes[0].stats()["sent_datagrams"], sent, "datagrams sent meanwhile")
            a.ip("link set sync1 up")
            c.told(1, "sync link sync1 is the one in use")
            c.same_tables(f"{kind}: when a link is back")
            c.one_peer_each()


def test_a_link_that_is_down_at_the_start():
    """It does not stop the start, and is used when the other one fails."""
    for kind, family in (("TCP", 6), ("UDP", 6), ("Multicast", 4)):
        with Lab("ds") as lab:
            c = Cables(lab, kind, family, start=False)
            c.spaces[0].sysctl(ipv6__conf__sync0__keep_addr_on_down=0,
                               ipv6__conf__all__keep_addr_on_down=0)
            c.spaces[0].ip("link set sync0 down")
            for node in c.nodes:
                node.start()
            c.settle()
            c.spaces[0].ip("link set sync0 up")
            if family == 6:
                c.spaces[0].ip("addr add fd00:0::1/64 dev sync0")
            c.told(0, "sync link sync0 is up")
            if kind == "TCP":
                c.told(0, "sync link sync0: connected")
                c.told(1, "sync link sync0: connected")
            c.spaces[1].ip("link set sync1 down")
            c.told(0, "sync link sync0 is the one in use")
            load(c.spaces[0], "create", 100)
            c.same_tables(f"{kind}: over the one that was down")


def test_tcp_peers_come_and_go():
    with Lab("tp") as lab:
        c = Cables(lab, "TCP", 4, count=1, start=False)
        one, two = c.nodes
        one.start()
        c.told(0, "no connection to 10.9.0.2: Connection refused")
        load(c.spaces[0], "create", 500)
        two.start()
        c.settle()
        two.kill()
        c.told(0, "the connection to 10.9.0.2 has ended")
        load(c.spaces[0], "update", 500, "--mark", "1")
        two.start()
        c.same_tables("after the peer was started again")
        equal(two.remote_count(), 500, "flows")
        stats = one.stats()
        equal(stats["link_out_of_step"], 0, "streams out of step")
        equal(stats["link_connects"] >= 2 and stats["link_accepts"] >= 2, True, "connections")


def test_strangers_are_refused():
    """What is not the peer's counts and has no effect, by TCP and by UDP."""
    with Lab("st") as lab:
        for kind in ("TCP", "UDP"):
            c = Cables(lab, kind, 4, count=1) if kind == "TCP" else c  # noqa: F821
            if kind == "UDP":
                for node in c.nodes:
                    node.stop()
                    node.reconfigure(open(node.conf, encoding="ascii").read()
                                     .replace("TCP", "UDP"))
                    node.start()
            c.settle()
            before = c.nodes[0].stats()
            c.spaces[1].ip("addr replace 10.9.0.9/24 dev sync0")
            proto = "SOCK_STREAM" if kind == "TCP" else "SOCK_DGRAM"
            c.spaces[1].run(
                sys.executable, "-c",
                f"import socket; s = socket.socket(socket.AF_INET, socket.{proto}); "
                "s.bind(('10.9.0.9', 0)); s.connect(('10.9.0.1', 3780)); "
                "s.send(bytes.fromhex('1a02001000000001' + 16 * '0'))")
            wait_for(lambda: c.nodes[0].stats()["link_wrong_source"] == 1, SETTLE_S,  # noqa: B023
                     "a stranger counted")
            c.told(0, "somebody else than 10.9.0.2 was refused")
            equal(c.nodes[0].stats()["resyncs_received"], before["resyncs_received"],
                  "requests taken")
            equal(len(c.nodes[0].status()["peers"]), 1, "peers")
            c.settle()


def test_link_local_addresses():
    for kind in ("UDP", "TCP"):
        with Lab("ll") as lab:
            c = Cables(lab, kind, 6, start=False, count=1)
            for n, node in enumerate(c.nodes, 1):
                c.spaces[n - 1].ip(f"addr add fe80::{n}/64 dev sync0 nodad")
                node.reconfigure(re.sub(r"fd00:0::(\d)", r"fe80::\1",
                                        open(node.conf, encoding="ascii").read()))
                node.start()
            load(c.spaces[0], "create", 1000)
            c.same_tables(f"{kind} over link-local addresses")


def test_what_is_wrong_with_a_link_is_told_by_line():
    with Lab("wl") as lab:
        space = lab.ns("a")
        lab.veth(space, "sync0", lab.ns("b"), "sync0", ["10.9.0.1/24", "fd00:0::1/64"])
        for kind, own, peer, interface, told in (
                ("UDP", "10.9.0.77", "10.9.0.2", "sync0",
                 "IPv4_address 10.9.0.77 is not an address of this node"),
                ("TCP", "10.9.0.77", "10.9.0.2", "sync0",
                 "IPv4_address 10.9.0.77 is not an address of this node"),
                ("TCP", "fd00:0::77", "fd00:0::2", "sync0",
                 "IPv6_address fd00:0::77 is not an address of this node"),
                ("TCP", "10.9.0.1", "10.9.0.2", "nosuch0", "there is no interface 'nosuch0'")):
            node = SyncNode(lab, space, "ctsyncd", sync_conf(links=[
                link_conf("UDP" if kind == "UDP" else "TCP", "10.9.0.1", "10.9.0.2", "sync0",
                          port=3779),
                link_conf(kind, own, peer, interface)]))
            done = space.run(node.program, "-C", node.conf, check=False)
            equal(done.returncode, 1, "exit status")
            found = re.findall(rf"{node.conf}:(\d+): {told.replace('fd00:0:', 'fd00:')}",
                               done.stderr)
            if len(found) != 1:
                raise Failed(f"not told: {told} in:\n{done.stderr}")
            line = open(node.conf, encoding="ascii").read().split("\n")[int(found[0]) - 1]
            if kind not in line and interface not in line:
                raise Failed(f"{told}: told of line {found[0]}: {line}")


run_cases(globals())
