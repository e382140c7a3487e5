#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NewEvents off: births are not heard, and the kernel's table is looked at each few seconds."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases, same_flows  # noqa: E402
from ctnl import (SETTLED, add_expects, add_flows, expectation, flow,  # noqa: E402
                  kernel_table)
from netns import Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402

UNHEARD = "\tOptions {\n\t\tNewEvents off\n\t}\n"
IGNORE = ("timeout", "reply", "labels", "status", "state")
CLIENT, SERVER = "10.71.0.1", "10.72.0.1"
RELATED_PORT, RELATED = 40000, 5
MASTER = flow(6, CLIENT, SERVER, 1000, 21, tcp="ESTABLISHED", status=SETTLED, helper="ftp")
# Prints the names of the attributes of each update's event.
LISTEN = """
import socket, sys
sys.path.insert(0, sys.argv[1])
from ctnl import NETLINK_NETFILTER, attrs_of
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as nl:
    nl.bind((0, 1 << 1))  # NFNLGRP_CONNTRACK_UPDATE
    print("ready", flush=True)
    while True:
        names = {path.split(".")[0] for path, _ in attrs_of(nl.recv(65536)[20:])}
        print("update", *sorted(names), flush=True)
"""
# TCP: a connection that stays; UDP: a packet that nobody answers; related: connections from the
# server to the port that the FTP helper is told to expect.
TRAFFIC = """
import socket, sys
kind, source, to, port, count = sys.argv[1:]
keep = []
if kind == "tcp":
    listener = socket.create_server((to, int(port)))
for i in range(int(count)):
    if kind == "tcp":
        keep.append(socket.create_connection((to, int(port)), source_address=(source, 0)))
        keep.append(listener.accept()[0])
    else:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((source, 0))
        s.sendto(b"x", (to, int(port)))
        keep.append(s)
print("done", flush=True)
sys.stdin.read()
"""


def pair_of(lab, **more):
    subprocess.run(["modprobe", "-q", "nf_conntrack_ftp"], check=False, stderr=subprocess.DEVNULL)
    pair = Pair(lab, options=UNHEARD, **more)
    pair.a.ip(f"addr add {CLIENT}/32 dev lo", f"addr add {SERVER}/32 dev lo")
    return pair


def send(space, kind, source, to, port, count):
    """Traffic whose sockets stay open until the lab is closed."""
    sender = space.spawn("python3", "-c", TRAFFIC, kind, source, to, str(port), str(count),
                         name=f"{kind}-{port}", stdin=subprocess.PIPE)
    wait_for(lambda: "done" in sender.log_text(), 10, f"{kind} to port {port}")


def expect_related(space):
    add_flows(space, [MASTER])
    if add_expects(space, [expectation(MASTER, RELATED_PORT, flags=1)], check=False) != [""]:
        raise Skipped("this kernel has no FTP helper")


def groups_of(node):
    """The multicast groups that the daemon's event socket has joined."""
    text = node.space.run("cat", "/proc/net/netlink").stdout
    rows = [line.split() for line in text.splitlines()[1:]]
    return [int(row[3], 16) for row in rows if row[1] == "12" and int(row[3], 16)]


def counted(node, before, name):
    return node.stats()[name] - before[name]


def test_what_an_update_tells():
    """Nothing of the master; so related flows have to be looked at."""
    with Lab("uu") as lab:
        a = lab.ns("a")
        a.track()
        a.ip(f"addr add {CLIENT}/32 dev lo", f"addr add {SERVER}/32 dev lo")
        subprocess.run(["modprobe", "-q", "nf_conntrack_ftp"], check=False,
                       stderr=subprocess.DEVNULL)
        a.sysctl(netfilter__nf_conntrack_events=1)
        expect_related(a)
        listener = a.spawn("python3", "-c", LISTEN, os.path.dirname(os.path.abspath(
            sys.modules["ctnl"].__file__)), name="listener")
        wait_for(lambda: "ready" in listener.log_text(), 10, "the listener")
        send(a, "tcp", SERVER, CLIENT, RELATED_PORT, 1)
        told = wait_for(lambda: [set(line.split()[1:]) for line in
                                 listener.log_text().splitlines() if line.startswith("update")],
                        10, "an update's event")
        whole = {"orig", "reply", "status", "timeout", "id", "protoinfo"}
        equal(whole - told[0], set(), "what the first update lacks")
        equal([names for names in told if "master" in names], [], "updates that name a master")
        equal(len([f for f in kernel_table(a).values() if "master.1.1" in f]), 1,
              "flows whose master a dump names")


def test_births_are_not_listened_to():
    with Lab("ub") as lab:
        pair = pair_of(lab)
        # the groups of updates and ends, which are the second and the third
        equal(groups_of(pair.one), [0b110], "groups")
        pair.settle()
        before = pair.one.stats()
        load(pair.a, "create", 1000)
        pair.settle()
        same_flows(pair.two.remote_flows(IGNORE), pair.a.flows(ignore=IGNORE), "remote table")
        equal(pair.one.status()["local_silent"], 0, "silent flows")
        load(pair.a, "delete", 500)
        wait_for(lambda: pair.two.remote_count() == pair.a.count() == 500, 20, "ends are heard")
        equal([counted(pair.one, before, n) for n in ("kernel_new", "kernel_destroy")], [0, 500],
              "events")


def test_an_answer_tells_at_once_and_silence_at_the_next_look():
    with Lab("ua") as lab:
        pair = pair_of(lab)
        pair.settle()
        before = pair.one.stats()
        send(pair.a, "tcp", CLIENT, SERVER, 80, 20)
        wait_for(lambda: sum("dport=80" in line for line in pair.two.remote()) == 20, 20,
                 "TCP connections on the peer")
        equal(counted(pair.one, before, "kernel_update") >= 20, True, "events told of them")
        send(pair.a, "udp", CLIENT, SERVER, 9, 30)
        wait_for(lambda: sum("dport=9 " in line for line in pair.two.remote()) == 30, 20,
                 "one-way UDP on the peer")
        equal(counted(pair.one, before, "kernel_new"), 0, "events of births")


def test_a_related_flow_is_told_with_its_master():
    with Lab("ur") as lab:
        pair = pair_of(lab)
        pair.settle()
        before = pair.one.stats()
        expect_related(pair.a)
        send(pair.a, "tcp", SERVER, CLIENT, RELATED_PORT, RELATED)
        wait_for(lambda: counted(pair.one, before, "kernel_parts"), 10, "what is told in part")
        pair.settle()
        pair.two.promote()
        table = [f for f in kernel_table(pair.b).values() if "master.1.1" in f]
        equal(len(table), RELATED, "related flows in the peer's kernel")


def test_a_promotion_and_what_came_before_it():
    """What a warm standby has written for its peer stays that peer's, though it hears no births."""
    with Lab("uw") as lab:
        pair = pair_of(lab, mode_options="\t\tStandbyTable Warm\n\t\tWarmAge 0\n")
        load(pair.a, "create", 1000)
        wait_for(lambda: pair.b.count() == 1000, 20, "a warm kernel")
        before = pair.two.stats()
        wait_for(lambda: counted(pair.two, before, "kernel_dumps") >= 2, 60, "two looks")
        equal(pair.two.local_count(), 0, "flows of its own")
        pair.two.promote()
        wait_for(lambda: pair.two.local_count() == 1000, 20, "flows of its own")


if __name__ == "__main__":
    run_cases(globals())
