#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Expectations: heard, dumped, replicated, and committed with class, NAT and function."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases  # noqa: E402
from ctnl import (SETTLED, add_expects, add_flows, delete_expects, delete_flows,  # noqa: E402
                  expect_table, expectation, flow, same_tables)
from netns import Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

SYNC = "\tOptions {{\n\t\tExpectationSync {}\n\t}}\n"
V4, V6 = ("10.1.0.1", "10.2.0.1"), ("2001:db8:1::1", "2001:db8:2::1")
FTP = {"tcp": "ESTABLISHED", "status": SETTLED, "helper": "ftp"}
SIP = 4  # classes
CLIENT = """
import socket, sys
s = socket.create_connection(("10.72.0.1", 21))
s.recv(100)  # the helper looks at what follows a whole line
s.sendall(b"USER one\\r\\n")
s.recv(100)
s.sendall(b"PORT 10,71,0,1,156,65\\r\\n")
print(s.recv(100).decode(), end="", flush=True)
sys.stdin.read()
"""
SERVER = """
import socket
s = socket.create_server(("10.72.0.1", 21))
print("ready", flush=True)
c, _ = s.accept()
c.sendall(b"220 ready\\r\\n")
while c.recv(100):
    c.sendall(b"200 fine\\r\\n")
"""


def masters():
    return [flow(6, *V4, 1000, 21, **FTP), flow(6, *V4, 1001, 21, **FTP),
            flow(6, *V4, 1002, 21, snat=("192.0.2.1", 4000), **FTP),
            flow(6, *V6, 1003, 21, **FTP), flow(6, *V4, 1004, 21, **FTP),
            flow(17, *V4, 1005, 5060, status=SETTLED, helper="sip")]


def expectations(of):
    """Of FTP one each, for the helper allows no more; of SIP one of each of its classes."""
    plain, named, mapped, v6, permanent, sip = of
    return [expectation(plain, 40000), expectation(permanent, 40001, flags=1),
            expectation(named, 40002, fn="nat-follow-master"),
            expectation(mapped, 40003, dst="192.0.2.1", nat=("10.1.0.1", 40003, 1),
                        fn="nat-follow-master"),
            expectation(v6, 40004), *(expectation(sip, 40010 + n, cls=n) for n in range(SIP))]


def pair_of(lab, sync="On", **more):
    subprocess.run(["modprobe", "-q", "nf_conntrack_ftp"], check=False, stderr=subprocess.DEVNULL)
    pair = Pair(lab, options=SYNC.format(sync), **more)
    for space in (pair.a, pair.b):
        space.sysctl(netfilter__nf_conntrack_events=1)
    return pair


def counts(node):
    figures = json.loads(node.ctl("stats", "expect", "--json").stdout)
    return figures["local"]["entries"], figures["remote"]["entries"]


def settle(pair, count):
    pair.settle()
    wait_for(lambda: counts(pair.one) == (count, 0) and counts(pair.two) == (0, count), 20,
             f"{count} expectations on both: {counts(pair.one)} {counts(pair.two)}")


def filled(lab, **more):
    pair = pair_of(lab, **more)
    of = masters()
    add_flows(pair.a, of)
    wanted = expectations(of)
    add_expects(pair.a, wanted)
    settle(pair, len(wanted))
    return pair, of, wanted


def test_every_attribute_arrives_in_the_other_kernel():
    with Lab("ea") as lab:
        pair, _, wanted = filled(lab)
        heard = pair.two.stats()["expect_new"]
        pair.two.promote()
        same_tables(expect_table(pair.b), expect_table(pair.a), "expectations of b against a")
        equal(len(expect_table(pair.b)), len(wanted), "expectations")
        equal(pair.two.stats()["expect_new"], heard, "events of its own writes")
        equal(counts(pair.two)[0], len(wanted), "expectations of its own")


def test_a_helper_s_expectation():
    """FTP behind NAT: the client names its private address, and the helper knows the true one."""
    with Lab("ef") as lab:
        pair = pair_of(lab)
        inside, outside = lab.ns("inside"), lab.ns("outside")
        lab.veth(inside, "eth", pair.a, "in", ["10.71.0.1/24"], ["10.71.0.254/24"])
        lab.veth(outside, "eth", pair.a, "out", ["10.72.0.1/24"], ["10.72.0.254/24"])
        inside.ip("route add default via 10.71.0.254")
        pair.a.sysctl(ipv4__ip_forward=1)
        pair.a.nft("""table ip h {
            ct helper ftp { type "ftp" protocol tcp; }
            chain pre { type filter hook prerouting priority -150;
                tcp dport 21 ct helper set "ftp"; }
            chain post { type nat hook postrouting priority 100;
                oifname out masquerade
            }
        }""")
        server = outside.spawn("python3", "-c", SERVER)
        wait_for(lambda: "ready" in server.log_text(), 10, "the server listens")
        client = inside.spawn("python3", "-c", CLIENT, stdin=subprocess.PIPE, name="client")
        wait_for(lambda: "200" in client.log_text(), 10, "the server's answer")
        if not expect_table(pair.a):
            raise Skipped("this kernel has no FTP helper")
        settle(pair, 1)
        pair.two.commit()
        table = expect_table(pair.b)
        same_tables(table, expect_table(pair.a), "b's expectation against a's")
        (found,) = table.values()
        equal((found["nat.2.2.2"], found["nat.1"], found["function"], found["helper"]),
              (40001, 1, "nat-follow-master", "ftp"), "NAT's port, direction, function, helper")


def test_ends():
    with Lab("en") as lab:
        pair, of, wanted = filled(lab)
        delete_expects(pair.a, wanted[:1])
        settle(pair, len(wanted) - 1)
        delete_flows(pair.a, of[1:2])
        settle(pair, len(wanted) - 2)  # with its master
        pair.one.ctl("purge")
        equal(expect_table(pair.a), {}, "expectations in the kernel")
        equal(counts(pair.one), (0, 0), "expectations in the tables")


def test_expectations_of_before_the_start():
    with Lab("eb") as lab:
        pair = pair_of(lab, start=False)
        of = masters()
        add_flows(pair.a, of)
        add_expects(pair.a, expectations(of))
        pair.one.start()
        pair.two.start()
        settle(pair, len(expectations(of)))


def test_lost_events_are_repaired():
    with Lab("eo") as lab:
        pair = pair_of(lab, start=False)
        for node in (pair.one, pair.two):
            with open(node.conf, encoding="utf-8") as f:
                text = f.read()
            node.reconfigure(text.replace("NetlinkBufferSize 2097152", "NetlinkBufferSize 4096")
                             .replace("NetlinkBufferSizeMaxGrowth 33554432",
                                      "NetlinkBufferSizeMaxGrowth 4096"))
            node.start()
        of = masters()
        add_flows(pair.a, of)
        wanted = expectations(of)
        add_expects(pair.a, wanted[:3])
        settle(pair, 3)
        pair.one.process.kill(signal.SIGSTOP)
        load(pair.a, "create", 2000)
        delete_expects(pair.a, wanted[:2])
        add_expects(pair.a, wanted[3:])
        pair.one.process.kill(signal.SIGCONT)
        wait_for(lambda: pair.one.stats()["kernel_overruns"] > 0, 20, "the loss is noticed")
        settle(pair, len(wanted) - 2)


def test_polling_finds_them():
    """conntrackd does not see expectations that are born after its start then."""
    with Lab("ep") as lab:
        pair, _, wanted = filled(lab, general="\tPollSecs 1\n")
        delete_expects(pair.a, wanted[:2])
        settle(pair, len(wanted) - 2)
        equal(pair.one.stats()["expect_new"], 0, "events")


def test_by_the_helper_s_name():
    with Lab("eh") as lab:
        pair = pair_of(lab, sync="{ sip }")
        of = masters()
        add_flows(pair.a, of)
        add_expects(pair.a, expectations(of))
        wait_for(lambda: pair.one.stats()["expect_filtered"] == 5, 10, "those of FTP left out")
        settle(pair, SIP)
        for node in (pair.one, pair.two):
            node.stop()
            with open(node.conf, encoding="utf-8") as f:
                text = f.read()
            node.reconfigure(text.replace("{ sip }", "{ sip FT }"))
            node.start()
        settle(pair, SIP + 5)


def test_without_expectation_sync():
    with Lab("ew") as lab:
        pair = pair_of(lab, sync="Off")
        of = masters()
        add_flows(pair.a, of)
        add_expects(pair.a, expectations(of))
        settle(pair, 0)
        stats = pair.one.stats()
        equal((stats["expect_new"], stats["expect_dumped"], stats["expect_filtered"]), (0, 0, 0),
              "expectations heard, read, left out")
        pair.two.promote()
        equal(expect_table(pair.b), {}, "expectations on the other node")
        equal(len(expect_table(pair.a)), len(expectations(of)), "expectations on the first one")


if __name__ == "__main__":
    run_cases(globals())
