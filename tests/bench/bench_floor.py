# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's floor: what bare libmnl programs take, with the kernel's tables as they are when the
daemons are measured. All namespaces' flows share one hash table, whose occupancy counts."""

import contextlib
import json
import resource
import statistics
import subprocess

from bench_host import REAL_TIME, cpus, generate, pace, raise_limit
from bench_tax import KINDS, Firewall
from netns import Failed, built


def receive(space, verb, args, *options):
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


def load(lab, args):
    raise_limit(lab, args.flows)
    space = lab.ns("floor")
    figures = {}
    for verb, options in (("create", []), ("update", ["--mark", "7"])):
        figures[f"receive_{verb}_cpu_us"] = receive(space, verb, args, *options)
    dumped = json.loads(space.run(*REAL_TIME, built("floor"), "dump").stdout)
    figures["dump_per_s"] = dumped["flows"] / (dumped["ns"] / 1e9)
    figures["receive_delete_cpu_us"] = receive(space, "delete", args)
    return figures


# Which groups of events somebody has joined, and how the figure is called.
LISTENERS = {"": (), "_new": ("new",), "_update": ("update",), "_destroy": ("destroy",),
             "_without_new": ("update", "destroy")}


# Births told by a rule instead, in batches: the packet's head, and nothing that the kernel knows.
LOG_GROUP = 5
LOG_RULE = f"""
table inet floor {{
    chain births {{
        type filter hook postrouting priority 300
        ct state new log group {LOG_GROUP}
    }}
}}
"""


def heard(space, groups=()):
    """While somebody listens (to all, unless some groups are named) the kernel makes an event of
    each change, also of those that he filters out."""
    return floor(space, "listen", *groups)


@contextlib.contextmanager
def logged(space):
    """While somebody is told of new connections by a rule that logs their packets."""
    space.run("nft", LOG_RULE)
    with floor(space, "log", str(LOG_GROUP)):
        yield
    space.run("nft", "delete table inet floor")


@contextlib.contextmanager
def floor(space, *argv):
    listener = space.spawn(built("floor"), *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with listener.popen.stdin, listener.popen.stdout as out:
        if out.readline() != b"ready\n":
            raise Failed("floor does not listen")
        yield


def create(space, flows):
    """(flows a second, processor time per flow [us]) of a program that does nothing but create."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = generate(space, "create", flows, "--batch", "16", before=REAL_TIME)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return flows / told["seconds"], cpu_s / flows * 1e6


def write(lab, flows, prefix):
    """A commit's surroundings: another namespace has as many flows."""
    raise_limit(lab, flows)
    generate(lab.ns("active"), "create", flows)
    figures = {}
    for name in ("create", "create_listened"):
        space = lab.ns(name.replace("_", "-"))
        with heard(space) if name == "create_listened" else contextlib.nullcontext():
            per_s, cpu_us = create(space, flows)
        space.flush()
        figures[f"{prefix}{name}_per_s"], figures[f"{prefix}{name}_cpu_us"] = per_s, cpu_us
    return figures


def commit(lab, args):
    return write(lab, args.flows, "")


def tax(lab, args):
    """What a listener costs that has the kernel make each event, and takes none: by the groups that
    it has joined, and by the kind of connection."""
    raise_limit(lab, args.flows)
    space = lab.ns("floor")
    firewall = Firewall(lab, space)
    shares = {}
    for kind in args.kinds:
        name = KINDS[kind]
        firewall.rate(args.flows, kind)
        for _ in range(args.repeats):
            space.sysctl(netfilter__nf_conntrack_events=2)
            without = firewall.rate(args.flows, kind)
            for listener, groups in LISTENERS.items():
                with heard(space, groups):
                    rate = firewall.rate(args.flows, kind)
                shares.setdefault(name + listener, []).append(rate / without)
            with logged(space):
                rate = firewall.rate(args.flows, kind)
            shares.setdefault(f"{name}_logged", []).append(rate / without)
            shares.setdefault(f"{name}_per_s", []).append(without)
    return {name: statistics.median(found) for name, found in shares.items()}


def takeover(lab, args):
    return write(lab, args.large, "large_")
