#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' own tools: a laboratory that cleans up, a load that counts, flows that compare."""

import glob
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
sys.dont_write_bytecode = True

from ctnl import add_flows, allow_labels, flow, kernel_table, same_tables, zoo  # noqa: E402
from cases import equal, run_cases, same_flows  # noqa: E402
from netns import Failed, Lab, TimedOut, built, parse_flow, wait_for  # noqa: E402
from runner import failures  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402


def leftovers(pid):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    return [w for w in listed.split() if f"-{pid}-" in w] + glob.glob(f"/tmp/ctsync-*-{pid}-*")


def test_interrupted_lab_leaves_nothing():
    program = """
import sys, time
from netns import Lab
with Lab("lab") as lab:
    a = lab.ns("a")
    print(a.spawn("sleep", "1000").pid, flush=True)
    time.sleep(1000)
"""
    for sig in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                                 cwd=os.path.join(os.path.dirname(__file__), "..", "lib"))
        sleeper = int(child.stdout.readline())
        equal(len(leftovers(child.pid)), 2, "a namespace and a folder while the lab is open")
        child.send_signal(sig)
        equal(child.wait(20), 128 + sig, "exit status")
        equal(leftovers(child.pid), [], "what is left")
        equal(os.path.exists(f"/proc/{sleeper}"), False, "the lab's process lives")


def test_wait_for_tells_what_it_waited_for():
    try:
        wait_for(lambda: False, 0.05, "the impossible")
    except TimedOut as e:
        equal("the impossible" in str(e), True, str(e))
    else:
        raise Failed("wait_for returned")


def test_a_failed_programs_reason_is_shown():
    """However long its log is, what ./check prints of it begins with what failed in it, and why."""
    log = ["--- ctsyncd-a (runs):", "FAILURE is no verdict", "ok      test_a (1.0 s)",
           "FAILED  test_b (1.0 s): flows: 1 missing of 2", "  missing  tcp", "ok      test_c (1.0 s)",
           "FAILED  test_d (1.0 s): KeyError: 'x'", "1 passed, 2 failed"]
    equal(failures(log), [*log[3:5], log[6]], "of a program in Python")
    log = ["Suite s, Test t had failures:", "    1. t.c:65  - x == y", "", "Run Summary:"]
    equal(failures(log), [*log[:2], log[3]], "of a program with CUnit")
    log = ["a.c:1: too long", "lengths: FAILED", "headers: ok"]
    equal(failures(log)[0], log[1], "of tidy")


def load(space, *args):
    return json.loads(space.run(built("flowload"), *args, check=False).stdout)


def test_flowload_counts_what_the_kernel_took():
    with Lab("lab") as lab:
        a = lab.ns("a")
        a.track()
        for more in ([], ["--family", "6"], ["--proto", "udp"], ["--zone", "7"]):
            equal(load(a, "create", "100", *more)["done"], 100, f"created {more}")
        equal(load(a, "create", "110", "--batch", "16")["errors"], {"EEXIST": 100}, "created again")
        equal(load(a, "update", "115", "--mark", "9")["errors"], {"ENOENT": 5}, "updated")
        equal(len(a.conntrack("--mark", "9")), 110, "marked flows")
        equal(load(a, "delete", "115")["done"], 110, "deleted")
        equal(a.count(), 300, "flows left")
        equal(load(a, "create", "50", "--snat", "--first", "1000")["done"], 50, "with SNAT")
        equal(len(a.conntrack("--src-nat")), 50, "flows with SNAT")


def test_flowload_churns_and_strides():
    with Lab("lab") as lab:
        a = lab.ns("a")
        a.track()
        told = load(a, "churn", "10", "--seconds", "0.1", "--rate", "1000", "--batch", "4")
        equal(a.count(), 10, "flows that live on")
        equal(len(a.conntrack("--mark", "1")), 5, "flows that were updated")
        equal((told["refused"], told["done"]), (0, 3 * told["next"] - 15), "each event once")
        equal(load(a, "delete", "10", "--first", str(told["next"] - 10))["done"], 10, "the last")
        load(a, "create", "10", "--stride", "3")
        equal(load(a, "delete", "28")["errors"], {"ENOENT": 18}, "flows in between")
        equal(a.count(), 0, "flows left")


def test_flows_compare_across_formats():
    kernel = ("ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 "
              "packets=3 bytes=4 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [ASSURED] mark=0 use=2")
    cache = ("tcp      6 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [ASSURED] mark=0 "
             "[active since 3s]")
    ignore = ("timeout", "reply")
    equal(parse_flow(kernel, ignore), parse_flow(cache, ignore), "one flow in two formats")
    other = cache.replace("dport=2", "dport=3")
    equal(parse_flow(other, ignore) == parse_flow(kernel, ignore), False, "different flows equal")
    marked = cache.replace("mark=0", "mark=1")
    equal(parse_flow(marked, ignore) == parse_flow(kernel, ignore), False, "a mark is ignored")


def test_zoo_is_in_the_kernel_as_it_was_asked_for():
    with Lab("lab") as lab:
        a, b = lab.ns("a"), lab.ns("b")
        for space in (a, b):
            space.track()
            allow_labels(space)
            add_flows(space, zoo().values())
        table = kernel_table(a)
        equal(len(table), len(zoo()), "entries")
        same_tables(kernel_table(b), table, "one zoo against the other")
        equal(table["0/10.1.0.1/10.2.0.1/6/3001/80"]["labels"], "21" + "00" * 14 + "80", "labels")
        equal(table["0/10.1.0.1/10.2.0.1/6/1000/80"]["protoinfo.1.2"], 7, "window scale")
        equal(table["7/10.1.0.1/10.2.0.1/6/1000/80"]["zone"], 7, "zone")
        equal(table["0/10.1.0.1/10.2.0.1/6/3005/21"]["helper.1"], "ftp", "helper")
        equal(table["0/10.2.0.1/10.1.0.1/6/20/3050"]["master.2.2"], 3005, "master's port")
        equal(table["0/10.1.0.1/10.2.0.1/6/3006/21"]["seqadj_reply.3"], 5, "sequence adjustment")
        equal(table["0/10.1.0.1/10.2.0.1/6/3007/80"]["synproxy.2"], 12, "synproxy")
        equal(table["0/10.1.0.1/10.2.0.1/6/2000/80"]["reply.1.2"], "192.0.2.1", "SNAT")


def test_tables_that_differ_are_told_apart():
    with Lab("lab") as lab:
        a = lab.ns("a")
        a.track()
        add_flows(a, [flow(17, "10.0.0.1", "10.0.0.2", 1, 2, mark=1)])
        before = kernel_table(a)
        a.flush()
        add_flows(a, [flow(17, "10.0.0.1", "10.0.0.2", 1, 2, mark=2)])
        try:
            same_tables(kernel_table(a), before, "after a change")
        except Failed as e:
            equal("mark: found 2, expected 1" in str(e), True, str(e))
        else:
            raise Failed("the difference was not seen")
        equal(add_flows(a, [flow(17, "10.0.0.1", "10.0.0.2", 1, 2)], check=False), ["EEXIST"],
              "the same flow again")


def test_loss_drops_datagrams():
    with Lab("lab") as lab:
        a, b = lab.ns("a"), lab.ns("b")
        lab.veth(a, "sync", b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        b.lose("sync", 100)
        a.run(sys.executable, "-c", "import socket\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
              "for i in range(50): s.sendto(b'x', ('10.9.0.2', 9))")
        equal("packets 50 " in b.run("nft", "list", "ruleset").stdout, True, "50 were dropped")
        b.lose("sync", 0)
        equal("loss" in b.run("nft", "list", "ruleset").stdout, False, "the rule is there")


def test_two_conntrackds_replicate():
    with Lab("lab") as lab:
        a, b = lab.ns("a"), lab.ns("b")
        lab.veth(a, "sync", b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        a.track()
        b.track()
        nodes = [SyncNode(lab, space, "conntrackd", sync_conf(f"10.9.0.{i}"))
                 for i, space in ((1, a), (2, b))]
        for node in nodes:
            node.start()
        active, backup = nodes
        wait_for(lambda: a.count() == 0, 5, "sync datagrams make no entries")
        equal(load(a, "create", "500", "--mark", "3")["done"], 500, "created")
        wait_for(lambda: backup.remote_count() == 500, 20, "500 flows replicated")
        same_flows(backup.remote_flows(), active.local_flows(), "backup against active")
        backup.commit()
        same_flows(b.flows(), a.flows(), "the kernels' tables")
        for node in nodes:
            equal(node.stop(), 0, "exit status")


if __name__ == "__main__":
    run_cases(globals())
