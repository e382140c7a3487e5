# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair of nodes of one kind of daemon, and the meters that are read before and after a load."""

import json
import os
import re
import socket
import subprocess
import time

from bench_host import cpu_ns, cpus, generate, memory_bytes, pace
from netns import Failed, wait_for
from syncnode import SyncNode

LINK_HEADERS_BYTES = 14 + 20 + 8  # Ethernet, IPv4, UDP

CONF = """\
General {{
	HashSize {buckets}
	HashLimit {limit}
	LogFile off
	Syslog off
	LockFile @TMP@/@NAME@.lock
	UNIX {{
		Path @TMP@/@NAME@.ctl
	}}
	Scheduler {{
		Type RR
		Priority 99
	}}
	NetlinkBufferSize {event_buffer}
	NetlinkBufferSizeMaxGrowth {event_buffer_max}
}}
Sync {{
	Mode FTFW {{
{mode}
	}}
	Multicast {{
		IPv4_address 225.0.0.50
		Group 3780
		IPv4_interface {address}
		Interface sync
		SndSocketBuffer 16777216
		RcvSocketBuffer 67108864
		Checksum on
	}}
{options}
}}
"""
WARM = "\t\tStandbyTable Warm\n\t\tWarmAge {age}\n\t\tWarmRate {rate}"

# What a daemon counts when something was lost or refused; each has to stay 0.
CTSYNCD_LOSSES = (
    "kernel_overruns", "local_full", "remote_full", "memory_full", "lost", "resent",
    "tombstones_dropped", "control_full", "bad_truncated", "bad_size", "bad_version",
    "bad_header", "bad_payload", "link_send_errors", "link_receive_errors", "kernel_refused")
CONNTRACKD_LOSSES = {
    "runtime": {"catch event failed": "event_errors", "netlink overrun": "kernel_overruns"},
    "network": {"Malformed messages": "malformed", "Packets lost": "lost"},
    "cache": {"no space left in cache": "large_full", "no memory available": "memory_full"},
}


def conf(address, flows, mode="", event_buffer=64 << 20, event_buffer_max=256 << 20, options=""):
    """flows: room for twice as many and some more."""
    return CONF.format(address=address, buckets=262144, limit=2 * flows + 4096, mode=mode,
                       options=options, event_buffer=event_buffer, event_buffer_max=event_buffer_max)


class Node:
    """A daemon of the pair on a processor of its own."""

    def __init__(self, node, cpu):
        self.node, self.space, self.cpu = node, node.space, cpu

    def start(self):
        self.node.start(deadline_s=120)
        os.sched_setaffinity(self.pid, {self.cpu})

    @property
    def pid(self):
        return self.node.process.pid

    def cpu_ns(self):
        self.node.process.check_alive()
        return cpu_ns(self.pid)

    def sent(self):
        """(packets, their bytes) that the node has put on the sync link: where several datagrams go
        at once, they are one packet until they are cut."""
        found = json.loads(self.space.run("ip", "-s", "-j", "link", "show", "sync").stdout)
        tx = found[0]["stats64"]["tx"]
        return tx["packets"], tx["bytes"]

    def received(self):
        """Datagrams of UDP that the node has read."""
        lines = self.space.run("cat", "/proc/net/snmp").stdout.splitlines()
        names, values = (line.split() for line in lines if line.startswith("Udp: "))
        return int(values[names.index("InDatagrams")])

    def losses(self):
        if self.node.kind == "ctsyncd":
            stats = self.node.stats()
            return {k: stats[k] for k in CTSYNCD_LOSSES if stats.get(k)}
        found = {}
        for group, lines in CONNTRACKD_LOSSES.items():
            text = self.node.ctl("-s", group).stdout
            for line, name in lines.items():
                count = sum(int(n) for n in re.findall(rf"{line}:\s+(\d+)", text))
                if count:
                    found[name] = found.get(name, 0) + count
        return found

    def marked(self, mark):
        """How many flows of the remote table carry that mark."""
        return sum(f"mark={mark} " in f"{line} " for line in self.node.remote())

    def ask(self, verb, deadline_s=120):
        """ctsyncd's answer to a verb, asked on its control socket: no program's start is in the
        time that it takes."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(deadline_s)
            s.connect(self.node.socket)
            s.sendall(json.dumps({"verb": verb}).encode() + b"\n")
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        lines = text.splitlines()
        if not lines or not lines[-1].startswith("=0"):
            raise Failed(f"{self.node.name}: {verb}: {text}")
        return json.loads(lines[0][1:])


class Pair:
    """mode: lines of the Mode section. flows: most that a table is to hold. started: at once."""

    def __init__(self, lab, kind, args, flows=None, mode="", started=True, name=None,
                 **options):
        self.lab, self.kind, self.args = lab, kind, args
        active, backup, _ = cpus()
        spaces = [lab.ns(f"{name or kind}-{end}") for end in ("a", "b")]
        lab.veth(spaces[0], "sync", spaces[1], "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        self.nodes = [
            Node(SyncNode(lab, space, kind, conf(f"10.9.0.{i + 1}", flows or args.flows, mode,
                                                 **options)), cpu)
            for i, (space, cpu) in enumerate(zip(spaces, (active, backup)))]
        self.active, self.backup = self.nodes
        for node in self.nodes if started else ():
            node.start()

    def close(self):
        for node in self.nodes:
            node.node.stop()

    def rest(self, deadline_s=180):
        """Waits until both daemons have had next to nothing to do for longer than an acknowledgement
        may take (a second); asks them nothing, for that would cost them time."""
        interval_s, quiet, nodes = 0.1, 0, self.alive()
        before, end = [node.cpu_ns() for node in nodes], time.monotonic() + deadline_s
        while quiet < 13:
            time.sleep(interval_s)
            now = [node.cpu_ns() for node in nodes]
            busy = any(n - b > interval_s * 1e9 / 50 for n, b in zip(now, before))
            quiet, before = 0 if busy else quiet + 1, now
            if time.monotonic() > end:
                raise Failed(f"{self.kind} does not come to rest")

    def phase(self, verb, flows, *options):
        """One kind of load, from its first flow until both daemons rest: per flow, both nodes'
        processor time [us] and what went over the link."""
        cpu = [node.cpu_ns() for node in self.nodes]
        sent = [node.sent() for node in self.nodes]
        received = [node.received() for node in self.nodes]
        generate(self.active.space, verb, flows, *pace(self.args), *options)
        self.rest()
        cpu = [node.cpu_ns() - before for node, before in zip(self.nodes, cpu)]
        sent = [[n - b for n, b in zip(node.sent(), before)]
                for node, before in zip(self.nodes, sent)]
        (packets, frames), _ = sent
        answers, datagrams = (node.received() - n for node, n in zip(self.nodes, received))
        payload = frames - LINK_HEADERS_BYTES * packets
        frames = payload + LINK_HEADERS_BYTES * datagrams
        return {
            f"active_{verb}_cpu_us": cpu[0] / flows / 1e3,
            f"backup_{verb}_cpu_us": cpu[1] / flows / 1e3,
            f"link_{verb}_payload_bytes": payload / flows,
            f"link_{verb}_frame_bytes": frames / flows,
            f"link_{verb}_datagrams": datagrams / flows,
            f"link_{verb}_flows_per_datagram": flows / max(datagrams, 1),
            f"link_{verb}_answers": answers / flows,
        }

    def alive(self):
        return [n for n in self.nodes if n.node.process and n.node.process.alive()]

    def memory(self, read=memory_bytes):
        return [read(node.pid) for node in self.alive()]

    def expect(self, what, read, count):
        """The daemons rest: what is not there now got lost."""
        found = read()
        if found != count:
            raise Failed(f"{self.kind}: {what}: {found} of {count}; losses: {self.losses()}")

    def losses(self):
        found = {}
        for node in self.alive():
            for name, count in node.losses().items():
                found[name] = found.get(name, 0) + count
        return found

    def fill(self, flows, deadline_s=300):
        """The kernel's table is full before the daemons start: (seconds of the bulk)."""
        # So that each flow will send events although nobody listens when it is born.
        self.active.space.sysctl(netfilter__nf_conntrack_events=1)
        generate(self.active.space, "create", flows)
        self.active.start()
        wait_for(lambda: self.active.node.local_count() == flows, deadline_s, "the dump", 0.5)
        self.rest()
        begin = time.monotonic()
        self.backup.start()
        if self.kind == "conntrackd":
            self.backup.node.request_resync()
        wait_for(lambda: self.backup.node.remote_count() >= flows, deadline_s,
                 f"{self.kind}: the bulk", 0.05)
        return time.monotonic() - begin


def table_of(space, mark):
    """How many flows of a namespace's kernel carry that mark."""
    done = subprocess.run(space.argv(["conntrack", "-L", "--mark", str(mark)]),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return done.stdout.count(b"\n")
