#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside Debian's conntrackd 1.4.7 and beside the kernel's floor, in one run.

Two network namespaces joined by a veth are a pair: the active node, in whose kernel a generator
creates, updates and deletes flows over ctnetlink, and the backup, which replicates them (FTFW over
IPv4 multicast). Prints a JSON line for the floor (bare libmnl programs), one for each daemon, and
one of ratios ctsyncd / conntrackd. doc/PERFORMANCE.md says what each figure is.

Pinned: the active daemon to the first processor; the backup, the generator and this program to the
second (with more than two, the generator and this program to the third). The floor's receiver
stands where the active daemon does. Daemons and floors run in real time (SCHED_RR 99, which is
conntrackd's default), the generator does not. For figures worth quoting: an idle machine, --runs 5.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from netns import Failed, Lab, built, wait_for  # noqa: E402
from syncnode import SyncNode  # noqa: E402

DAEMONS = ("conntrackd", "ctsyncd")
PHASES = ("create", "update", "delete")
LINK_HEADERS_BYTES = 14 + 20 + 8  # Ethernet, IPv4, UDP
REAL_TIME = ("chrt", "--rr", "99")
LIMIT = "/proc/sys/net/netfilter/nf_conntrack_max"

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
	NetlinkBufferSize 67108864
	NetlinkBufferSizeMaxGrowth 268435456
}}
Sync {{
	Mode FTFW {{
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
}}
"""

# What a daemon counts when something was lost or refused; each has to stay 0.
CTSYNCD_LOSSES = (
    "kernel_overruns", "local_full", "remote_full", "memory_full", "lost", "resent",
    "tombstones_dropped", "control_full", "bad_truncated", "bad_size", "bad_version",
    "bad_header", "bad_payload", "link_send_errors", "link_receive_errors", "kernel_refused")
CONNTRACKD_LOSSES = {
    "runtime": {"catch event failed": "event_errors", "netlink overrun": "kernel_overruns"},
    "network": {"Malformed messages": "malformed", "Packets lost": "lost"},
    "cache": {"no space left in cache": "table_full", "no memory available": "memory_full"},
}

# The expected figures: (key, "ratio" to conntrackd or share of the "floor", bound).
EXPECTED = [
    *((f"active_{phase}_cpu_us", "ratio", 0.5) for phase in PHASES),
    *((f"backup_{phase}_cpu_us", "ratio", 0.3) for phase in PHASES),
    ("active_memory_bytes", "ratio", 0.4),
    ("backup_memory_bytes", "ratio", 0.4),
    ("commit_per_s", "floor", 0.8),
]
# The floor's figure that stands beside a daemon's. A commit's is that of a kernel that somebody
# listens to: no daemon can follow the table and escape it.
FLOORS = {
    **{f"active_{phase}_cpu_us": f"receive_{phase}_cpu_us" for phase in PHASES},
    "commit_per_s": "create_listened_per_s",
    "commit_cpu_us": "create_listened_cpu_us",
}
# The rows of doc/PERFORMANCE.md.
TABLE = [
    *(f"{node}_{phase}_cpu_us" for node in ("active", "backup") for phase in PHASES),
    "active_memory_bytes", "backup_memory_bytes", "link_create_payload_bytes",
    "link_create_frame_bytes", *(f"link_{phase}_flows_per_datagram" for phase in PHASES),
    "commit_per_s", "commit_cpu_us", "latency_wire_p50_us", "latency_wire_p99_us",
]


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


# Before this program pins itself, which leaves it one.
PROCESSORS = sorted(os.sched_getaffinity(0))


def cpus():
    """(active daemon, backup daemon, generator): processor numbers."""
    have = PROCESSORS
    return have[0], have[min(1, len(have) - 1)], have[min(2, len(have) - 1)]


def cpu_ns(pid):
    """Processor time that a process has taken [ns], by the scheduler's own account."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total


def memory_bytes(pid):
    """Memory that belongs to a process alone."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return 1024 * sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def raise_limit(lab, flows):
    """The first namespace's limit bounds every namespace's table; raises it while it is needed."""
    with open(LIMIT) as f:
        before = int(f.read())
    if flows * 1.01 <= before:
        return

    def put(value):
        with open(LIMIT, "w") as f:
            f.write(str(value))

    note(f"nf_conntrack_max is {before}: raised to {flows * 2} for the time of the run")
    lab.defer(lambda: put(before))
    put(flows * 2)


def generate(space, verb, flows, *options, before=()):
    """Runs the load generator; Failed unless the kernel took all. before: words of a command that
    runs it."""
    done = space.run(*before, built("flowload"), verb, str(flows), *options, check=False,
                     deadline_s=600)
    if done.returncode != 0:
        raise Failed(f"the kernel did not take the load: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def pace(args):
    """The generator's options for how the load comes."""
    return ["--batch", str(args.batch), *(["--rate", str(args.rate)] if args.rate else [])]


class Node:
    """A daemon of the pair and the meters that are read before and after a phase."""

    def __init__(self, node, cpu):
        self.node, self.space = node, node.space
        node.start()
        self.pid = node.process.pid
        os.sched_setaffinity(self.pid, {cpu})

    def cpu_ns(self):
        self.node.process.check_alive()
        return cpu_ns(self.pid)

    def sent(self):
        """(datagrams, frame bytes) that the node has put on the sync link."""
        found = json.loads(self.space.run("ip", "-s", "-j", "link", "show", "sync").stdout)
        tx = found[0]["stats64"]["tx"]
        return tx["packets"], tx["bytes"]

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


class Pair:
    """Two nodes of one kind of daemon, and what is measured on them."""

    def __init__(self, lab, kind, args):
        self.lab, self.kind, self.args, self.figures = lab, kind, args, {}
        active, backup, _ = cpus()
        spaces = [lab.ns(f"{kind}-{name}") for name in ("a", "b")]
        lab.veth(spaces[0], "sync", spaces[1], "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        self.nodes = [
            Node(SyncNode(lab, space, kind, CONF.format(
                address=f"10.9.0.{i + 1}", buckets=262144, limit=2 * args.flows + 4096)), cpu)
            for i, (space, cpu) in enumerate(zip(spaces, (active, backup)))]
        self.active, self.backup = self.nodes

    def close(self):
        for node in self.nodes:
            node.node.stop()
        self.nodes = []

    def idle(self):
        """Waits until both daemons have had next to nothing to do for longer than an acknowledgement
        may take (a second); asks them nothing, for that would cost them time."""
        interval_s, quiet, before = 0.1, 0, [node.cpu_ns() for node in self.nodes]
        end = time.monotonic() + 120
        while quiet < 13:
            time.sleep(interval_s)
            now = [node.cpu_ns() for node in self.nodes]
            busy = any(n - b > interval_s * 1e9 / 50 for n, b in zip(now, before))
            quiet, before = 0 if busy else quiet + 1, now
            if time.monotonic() > end:
                raise Failed(f"{self.kind} does not come to rest")

    def phase(self, verb, *options):
        """One kind of load, from its first flow until both daemons rest."""
        flows = self.args.flows
        cpu = [node.cpu_ns() for node in self.nodes]
        sent = [node.sent() for node in self.nodes]
        generate(self.active.space, verb, flows, *pace(self.args), *options)
        self.idle()
        cpu = [node.cpu_ns() - before for node, before in zip(self.nodes, cpu)]
        sent = [[n - b for n, b in zip(node.sent(), before)]
                for node, before in zip(self.nodes, sent)]
        (datagrams, frames), (answers, _) = sent
        payload = frames - LINK_HEADERS_BYTES * datagrams
        self.figures |= {
            f"active_{verb}_cpu_us": cpu[0] / flows / 1e3,
            f"backup_{verb}_cpu_us": cpu[1] / flows / 1e3,
            f"link_{verb}_payload_bytes": payload / flows,
            f"link_{verb}_frame_bytes": frames / flows,
            f"link_{verb}_datagrams": datagrams / flows,
            f"link_{verb}_flows_per_datagram": flows / max(datagrams, 1),
            f"link_{verb}_answers": answers / flows,
        }

    def expect(self, what, read, count):
        """The daemons rest: what is not there now got lost."""
        found = read()
        if found != count:
            raise Failed(f"{self.kind}: {what}: {found} of {count}; losses: {self.losses()}")

    def losses(self):
        found = {}
        for node in self.nodes:
            for name, count in node.losses().items():
                found[name] = found.get(name, 0) + count
        return found

    def load(self):
        """Create, update, delete, with the memory that the flows take in between."""
        flows = self.args.flows
        self.idle()
        empty = [memory_bytes(node.pid) for node in self.nodes]
        self.phase("create")
        full = [memory_bytes(node.pid) for node in self.nodes]
        for name, before, after in zip(("active", "backup"), empty, full):
            self.figures[f"{name}_memory_bytes"] = (after - before) / flows
        self.expect("replicated", self.backup.node.remote_count, flows)
        self.phase("update", "--mark", "7")
        self.expect("updated", lambda: self.backup.marked(7), flows)
        self.idle()
        self.phase("delete")
        self.expect("left after deletion", self.backup.node.remote_count, 0)

    def latency(self):
        self.idle()
        told = self.active.space.run(built("latency"), str(self.args.samples),
                                     self.backup.space.name, "sync", deadline_s=600)
        self.figures |= {f"latency_{k}": v for k, v in json.loads(told.stdout).items()}
        self.active.space.flush()
        wait_for(lambda: self.backup.node.remote_count() == 0, 60, "latency's flows are gone")

    def commit(self):
        flows = self.args.flows
        generate(self.active.space, "create", flows, *pace(self.args))
        self.idle()
        self.expect("replicated", self.backup.node.remote_count, flows)
        # Before the commit: conntrackd's own writes overrun its event socket.
        self.figures["losses"] = self.losses()
        # A listener in any namespace makes the kernel build events of births in all of them, and
        # the node that is taken over from is dead. The control tool needs a processor, too: the
        # daemon, in real time, leaves none until it has nothing more to do.
        self.active.node.stop()
        os.sched_setaffinity(0, {cpus()[0]})
        cpu, begin = self.backup.cpu_ns(), time.monotonic()
        self.backup.node.commit()
        seconds, cpu = time.monotonic() - begin, self.backup.cpu_ns() - cpu
        self.expect("in the backup's kernel", self.backup.space.count, flows)
        self.figures |= {
            "commit_s": seconds, "commit_per_s": flows / seconds,
            "commit_cpu_us": cpu / flows / 1e3,
        }
        os.sched_setaffinity(0, {cpus()[2]})
        self.nodes = [self.backup]
        self.idle()
        self.figures["commit_losses"] = {k: v - self.figures["losses"].get(k, 0)
                                         for k, v in self.losses().items()}


def measure_daemon(kind, args):
    note(f"{kind}: {args.flows} flows")
    with Lab("bench") as lab:
        raise_limit(lab, args.flows)
        pair = Pair(lab, kind, args)
        pair.load()
        pair.latency()
        pair.commit()
        pair.close()
        return pair.figures


def receive_floor(space, verb, args, *options):
    """Processor time per event of a program that only receives [us]."""
    active = str(cpus()[0])
    listener = space.spawn("taskset", "-c", active, *REAL_TIME, built("floor"), "receive",
                           str(args.flows), name=f"floor-{verb}", stdout=subprocess.PIPE)
    with listener.popen.stdout as out:
        if out.readline() != b"ready\n":
            raise Failed("floor does not listen")
        generate(space, verb, args.flows, *pace(args), *options)
        told = out.readline()
    if listener.popen.wait(30) != 0:
        raise Failed(f"floor: {listener.log_text()}")
    return json.loads(told)["cpu_ns"] / args.flows / 1e3


def create_floor(space, args):
    """(flows a second, processor time per flow [us]) of a program that does nothing but create."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = generate(space, "create", args.flows, "--batch", "16", before=REAL_TIME)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return args.flows / told["seconds"], cpu_s / args.flows * 1e6


def measure_floor(args):
    note("floor")
    with Lab("bench") as lab:
        raise_limit(lab, args.flows)
        space = lab.ns("floor")
        figures = {}
        for verb, options in (("create", []), ("update", ["--mark", "7"])):
            figures[f"receive_{verb}_cpu_us"] = receive_floor(space, verb, args, *options)
        dumped = json.loads(space.run(*REAL_TIME, built("floor"), "dump").stdout)
        figures["dump_per_s"] = dumped["flows"] / (dumped["ns"] / 1e9)
        figures["receive_delete_cpu_us"] = receive_floor(space, "delete", args)
        # A commit's surroundings: all namespaces' flows share the kernel's hash table.
        generate(lab.ns("active"), "create", args.flows)
        figures["create_per_s"], figures["create_cpu_us"] = create_floor(space, args)
        # While somebody listens the kernel makes an event of each, also of those he filters out.
        heard = lab.ns("heard")
        listener = heard.spawn(built("floor"), "listen", stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        with listener.popen.stdin, listener.popen.stdout as out:
            if out.readline() != b"ready\n":
                raise Failed("floor does not listen")
            space.flush()
            per_s, cpu_us = create_floor(heard, args)
            figures["create_listened_per_s"], figures["create_listened_cpu_us"] = per_s, cpu_us
        return figures


def medians(runs):
    """The runs' figures, each the median; what is a count of losses is the sum."""
    figures = {}
    for key, value in runs[0].items():
        values = [run[key] for run in runs]
        if isinstance(value, dict):
            names = sorted({name for v in values for name in v})
            figures[key] = {n: sum(v.get(n, 0) for v in values) for n in names}
        else:
            figures[key] = float(f"{statistics.median(values):.4g}")
    return figures


def divide(a, b):
    return float(f"{a / b:.3g}") if b else None


def ratios(found, floor):
    """ctsyncd / conntrackd for each figure, and the commit beside its floor."""
    ours, theirs = found["ctsyncd"], found["conntrackd"]
    result = {k: divide(v, theirs[k]) for k, v in ours.items()
              if isinstance(v, float) and not k.startswith("latency_samples")}
    result["commit_of_floor"] = divide(ours["commit_per_s"], floor["create_listened_per_s"])
    result["commit_of_unheard_floor"] = divide(ours["commit_per_s"], floor["create_per_s"])
    return result


def expectations(found, floor):
    """(key, kind, bound, value, met) of each expected figure."""
    ratio = ratios(found, floor)
    for key, kind, bound in EXPECTED:
        value = ratio["commit_of_floor" if kind == "floor" else key]
        met = value >= bound if kind == "floor" else value <= bound
        yield key, kind, bound, value, met


def print_table(found, floor):
    """The rows of doc/PERFORMANCE.md."""
    bounds = {key: f"{'>=' if kind == 'floor' else '<='} {bound}"
              + (" of the floor" if kind == "floor" else "") for key, kind, bound in EXPECTED}
    daemons = [found.get(kind, {}) for kind in DAEMONS]
    ratio = ratios(found, floor) if all(daemons) else {}
    print("| figure | conntrackd | ctsyncd | ratio | floor | expected |")
    print("|---|---:|---:|---:|---:|---|")
    for key in TABLE:
        values = [d.get(key, "") for d in (*daemons, ratio)] + [floor.get(FLOORS.get(key), "")]
        row = [f"{v:,.0f}" if v and v >= 10000 else f"{v:.4g}" if v else "" for v in values]
        print(f"| {key} | {' | '.join(row)} | {bounds.get(key, '')} |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, default=200000, help="flows [%(default)s]")
    parser.add_argument("--runs", type=int, default=1,
                        help="runs, alternating; figures are their medians [%(default)s]")
    parser.add_argument("--daemon", choices=[*DAEMONS, "both", "none"], default="both",
                        help="what runs beside the floor [%(default)s]")
    parser.add_argument("--rate", type=int, default=40000,
                        help="flows a second of the load; 0: as fast as can be [%(default)s]")
    parser.add_argument("--batch", type=int, default=4,
                        help="flows that the generator hands the kernel at once [%(default)s]")
    parser.add_argument("--samples", type=int, default=1000,
                        help="samples of the latency from event to wire [%(default)s]")
    parser.add_argument("--table", action="store_true",
                        help="print the rows of doc/PERFORMANCE.md, too")
    args = parser.parse_args()
    if args.flows < 1 or args.runs < 1 or args.samples < 1 or args.rate < 0:
        parser.error("a number is too small")
    return args


def sanitized():
    """Whether the build under test is slowed down by sanitizers."""
    with contextlib.suppress(OSError), open(built("flowload"), "rb") as f:
        return b"__asan_init" in f.read()
    return False


def measure(args):
    """({daemon: figures}, floor's figures), medians over the runs."""
    kinds = {"both": list(DAEMONS), "none": []}.get(args.daemon, [args.daemon])
    runs, floors = {kind: [] for kind in kinds}, []
    for i in range(args.runs):
        floors.append(measure_floor(args))
        for kind in kinds if i % 2 == 0 else reversed(kinds):
            runs[kind].append(measure_daemon(kind, args))
    return {kind: medians(found) for kind, found in runs.items()}, medians(floors)


def main():
    args = arguments()
    os.sched_setaffinity(0, {cpus()[2]})
    if sanitized():
        note("this build has sanitizers in it: its figures say nothing about speed")
    try:
        found, floor = measure(args)
    except (Failed, subprocess.SubprocessError) as e:
        note(e)
        return 1
    common = {"flows": args.flows, "rate": args.rate, "batch": args.batch, "runs": args.runs}
    print(json.dumps({"what": "floor", **common, **floor}))
    for kind, figures in found.items():
        print(json.dumps({"what": kind, **common, **figures}))
    if len(found) == 2:
        print(json.dumps({"what": "ratio", **common, **ratios(found, floor)}))
        for key, kind, bound, value, met in expectations(found, floor):
            if not met:
                note(f"expected of {key}: {'>=' if kind == 'floor' else '<='} {bound}, is {value}")
    if args.table:
        print_table(found, floor)
    return 1 if any(figures["losses"] for figures in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
