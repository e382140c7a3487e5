#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's side: events, the dump at start, lost events, flows born unheard, own writes."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases, same_flows  # noqa: E402
from ctnl import add_flows, change_flows, delete_flows, flow, zoo  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402


def node(lab, general="", start=True):
    a = lab.ns("a")
    peer = lab.ns("b")
    lab.veth(a, "sync", peer, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
    a.track()
    n = SyncNode(lab, a, "ctsyncd", sync_conf("10.9.0.1", general=general))
    return n.start() if start else n


def same_as_kernel(n):
    """The local table and the kernel's, flow by flow and with their reply tuples."""
    ignore = ("timeout", "labels")
    same_flows(n.local_flows(ignore), n.space.flows(ignore=ignore), "local table")


def test_events_of_every_kind():
    with Lab("ev") as lab:
        n = node(lab)
        flows = zoo()
        count = len(flows)
        add_flows(n.space, flows.values())
        wait_for(lambda: n.local_count() == count, 10, "every flow heard")
        same_as_kernel(n)
        n.space.run("conntrack", "-U", "-f", "ipv4", "-p", "tcp", "--sport", "3000", "-m", "9")
        wait_for(lambda: any("mark=9" in line for line in n.local()), 10, "an update heard")
        delete_flows(n.space, [flows[name] for name in ("udp4", "zone", "icmpv6")])
        wait_for(lambda: n.local_count() == count - 3, 10, "deletions heard")
        same_as_kernel(n)
        stats = n.stats()
        equal(stats["kernel_new"], count, "events of new flows")
        equal(stats["kernel_destroy"], 3, "events of ended flows")
        equal(stats["event_bad_attr"], 0, "malformed attributes")


def test_flows_of_before_the_start():
    with Lab("du") as lab:
        n = node(lab, start=False)
        flows = zoo()
        add_flows(n.space, flows.values())
        load(n.space, "create", 3000)
        n.start()
        equal(n.local_count(), 3000 + len(flows), "flows after the start-up dump")
        same_as_kernel(n)


def test_silent_flows_are_found_to_have_ended():
    """With nf_conntrack_events=2 a flow born unheard sends no event, not even at its end."""
    with Lab("si") as lab:
        n = node(lab, start=False)
        n.space.sysctl(netfilter__nf_conntrack_events=2)
        load(n.space, "create", 50)
        n.start()
        status = n.status()
        equal(status["local_flows"], 50, "flows at start")
        equal(status["local_silent"], 50, "silent flows at start")
        load(n.space, "delete", 20)
        wait_for(lambda: n.local_count() == 30, 60, "a dump finds the ended ones", 0.5)
        stats = n.stats()
        if stats["kernel_destroy"] == 20:
            raise Skipped("somebody else on this machine listens to connection events, and the "
                          "kernel counts listeners over all namespaces: no flow is born unheard")
        equal(stats["kernel_swept"], 20, "flows swept")


def test_lost_events_are_repaired():
    """An event socket without room loses events; the daemon notices, dumps, and is right again."""
    small = "\tNetlinkBufferSize 4096\n\tNetlinkBufferSizeMaxGrowth 4096\n"
    with Lab("ov") as lab:
        n = node(lab, general="")
        n.stop()
        n.reconfigure(sync_conf("10.9.0.1").replace("NetlinkBufferSize 2097152\n", "").replace(
            "NetlinkBufferSizeMaxGrowth 33554432\n", small))
        n.start()
        n.process.kill(signal.SIGSTOP)
        load(n.space, "create", 4000)
        load(n.space, "delete", 1000)
        n.process.kill(signal.SIGCONT)
        wait_for(lambda: n.stats()["kernel_overruns"] > 0, 20, "the loss is noticed")
        wait_for(lambda: n.status()["kernel_synced"] and n.local_count() == 3000, 30,
                 "and repaired", 0.2)
        same_as_kernel(n)


BUCKETS = "/proc/sys/net/netfilter/nf_conntrack_buckets"


def buckets(value=None):
    with open(BUCKETS, "r+" if value else "r") as f:
        return f.write(f"{value}\n") if value else int(f.read())


def test_hash_table_resized_while_it_is_read():
    """The kernel leaves a part of its table out then, and says nothing of it."""
    count, before = 150000, buckets()
    with Lab("rs") as lab:
        lab.defer(lambda: buckets(before))
        n = node(lab)
        load(n.space, "create", count)
        wait_for(lambda: n.local_count() == count, 20, "every flow heard")
        sizes = [2 * before, before]

        def dumped():
            return n.stats()["kernel_dumped"]

        def resized():
            read = dumped()
            asking = n.space.spawn(n.ctl_program, "-s", n.socket, "resync-kernel")
            wait_for(lambda: dumped() > read, 20, "a dump has begun", 0.001)
            buckets(sizes[0])
            sizes.reverse()
            wait_for(lambda: not asking.alive(), 20, "the dump has ended")
            return n.stats()["dump_resized"] >= 3
        wait_for(resized, 60, "dumps meet a change of the table's size")
        n.ctl("resync-kernel")
        equal(n.stats()["kernel_swept"], 0, "flows taken for ended")
        equal(n.local_count(), count, "flows")


def test_reliable_events():
    """No room for events of ends: the kernel keeps the flows until there is, and loses none."""
    with Lab("re") as lab:
        n = node(lab, start=False)
        n.reconfigure(sync_conf("10.9.0.1", general="\tNetlinkEventsReliable On\n").replace(
            "NetlinkBufferSize 2097152", "NetlinkBufferSize 16384").replace(
            "NetlinkBufferSizeMaxGrowth 33554432", "NetlinkBufferSizeMaxGrowth 16384"))
        n.start()
        load(n.space, "create", 2000, "--rate", "5000")
        wait_for(lambda: n.local_count() > 0, 10, "flows heard")
        n.ctl("resync-kernel")
        equal(n.local_count(), 2000, "flows")
        n.process.kill(signal.SIGSTOP)
        load(n.space, "delete", 2000)
        n.process.kill(signal.SIGCONT)
        wait_for(lambda: n.local_count() == 0, 60, "every end heard", 0.2)
        stats = n.stats()
        equal((stats["kernel_overruns"], stats["kernel_swept"]), (0, 0), "losses, flows found gone")


def test_a_small_event_iteration_limit():
    """It bounds a turn, not what is heard."""
    with Lab("ei") as lab:
        n = node(lab, general="\tEventIterationLimit 3\n")
        load(n.space, "create", 5000, "--rate", "20000")
        wait_for(lambda: n.local_count() == 5000, 20, "flows heard")
        equal(n.stats()["kernel_overruns"], 0, "losses")


def test_filter_by_mark():
    """Births without a mark have mark 0; a flow whose mark is refused leaves the table."""
    accept = """
	Filter From {where} {{
		Mark Accept {{ 0x10/0xf0 5 }}
	}}
"""
    for where in ("Userspace", "Kernelspace"):
        with Lab("fm") as lab:
            n = node(lab, general=accept.format(where=where))
            marks = {1: 0x12, 2: 5, 3: 6, 4: 0, 5: 0x20, 6: 0x1f}
            flows = {port: flow(17, "10.1.0.1", "10.2.0.1", port, 53, mark=mark, status=14)
                     for port, mark in marks.items()}
            add_flows(n.space, flows.values())

            def heard(ports, n=n):
                shown = {int(line.split("sport=")[1].split()[0]) for line in n.local()}
                return shown == set(ports)
            wait_for(lambda heard=heard: heard((1, 2, 6)), 10, f"those of the marks ({where})")
            change_flows(n.space, [{**flows[1], "mark": 7}, {**flows[4], "mark": 0x15}])
            wait_for(lambda heard=heard: heard((2, 4, 6)), 10, f"one comes, one goes ({where})")
            delete_flows(n.space, [flows[p] for p in (2, 3, 4)])
            wait_for(lambda heard=heard: heard((6,)), 10, f"ends heard ({where})")


def test_filter_in_kernel_and_in_user_space():
    accept = """
	Filter From {where} {{
		Protocol Accept {{ TCP }}
		Address Ignore {{ IPv4_address 192.0.2.77 IPv6_address 2001:db8:1::/64 }}
		State Accept {{ ESTABLISHED for TCP }}
	}}
"""
    flows = zoo()
    wanted = ["tcp4", "mark", "tcp4 snat"]
    unwanted = ["tcp4 TIME_WAIT", "udp4", "tcp6", "icmp"]
    ignored = flow(6, "192.0.2.77", "10.2.0.1", 1, 2, tcp="ESTABLISHED")
    for where in ("Userspace", "Kernelspace"):
        with Lab("fi") as lab:
            n = node(lab, general=accept.format(where=where))
            add_flows(n.space, [*(flows[name] for name in wanted + unwanted), ignored,
                                flows["tcp4 dnat"]])
            wait_for(lambda n=n: any("dport=80 src=10.3.0.1" in s for s in n.local()), 10,
                     "the last one heard")
            equal(n.local_count(), len(wanted) + 1, f"flows that pass the filter in {where}")
            filtered = n.stats()["kernel_filtered"]
            if where == "Userspace" and filtered < 5:
                raise Failed(f"only {filtered} flows counted as filtered")


def test_own_writes_do_not_come_back():
    with Lab("ow") as lab:
        pair = Pair(lab)
        load(pair.a, "create", 2000)
        pair.settle()
        events = pair.two.stats()["kernel_new"]
        pair.two.commit()
        equal(pair.b.count(), 2000, "flows in the standby's kernel")
        equal(pair.two.local_count(), 2000, "flows in its local table")
        equal(pair.two.stats()["kernel_new"], events, "events of its own writes")


if __name__ == "__main__":
    run_cases(globals())
