# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of a pair under load: processor time, memory, the link, latency, growth, commit."""

import json
import statistics
import subprocess
import time

from bench_host import beside_active, generate, note, pace, raise_limit, resident_bytes
from bench_pair import Pair
from netns import Failed, built, wait_for

PHASES = ("create", "update", "delete")
NODES = ("active", "backup")


def load(lab, kind, args):
    """Create, update, delete, with the memory that the flows take in between, and what of it the
    daemons give back."""
    flows = args.flows
    raise_limit(lab, flows)
    pair = Pair(lab, kind, args)
    pair.rest()
    empty, resident = pair.memory(), pair.memory(resident_bytes)
    figures = pair.phase("create", flows)
    for name, before, after in zip(NODES, empty, pair.memory()):
        figures[f"{name}_memory_bytes"] = (after - before) / flows
    pair.expect("replicated", pair.backup.node.remote_count, flows)
    figures |= pair.phase("update", flows, "--mark", "7")
    pair.expect("updated", lambda: pair.backup.marked(7), flows)
    pair.rest()
    figures |= pair.phase("delete", flows)
    pair.expect("left after deletion", pair.backup.node.remote_count, 0)
    settle_memory(pair)
    for name, before, after in zip(NODES, resident, pair.memory(resident_bytes)):
        figures[f"{name}_memory_left"] = after / before
    figures["losses"] = pair.losses()
    return figures


def settle_memory(pair, deadline_s=60):
    """The daemons look once a second for what they can give back: until nothing has changed for
    three."""
    end, quiet, before = time.monotonic() + deadline_s, 0, None
    while quiet < 30 and time.monotonic() < end:
        time.sleep(0.1)
        now = pair.memory(resident_bytes)
        quiet, before = quiet + 1 if now == before else 0, now


def ipv6(lab, kind, args):
    """Memory of IPv6 flows."""
    raise_limit(lab, args.flows)
    pair = Pair(lab, kind, args)
    pair.rest()
    empty = pair.memory()
    generate(pair.active.space, "create", args.flows, "--family", "6", *pace(args))
    pair.rest()
    pair.expect("replicated", pair.backup.node.remote_count, args.flows)
    return {**{f"{name}_memory6_bytes": (after - before) / args.flows
               for name, before, after in zip(NODES, empty, pair.memory())},
            "losses": pair.losses()}


def probe(pair, samples, *where, before=()):
    told = pair.active.space.run(*before, built("latency"), str(samples), *where, deadline_s=600)
    return json.loads(told.stdout)


def latency(lab, kind, args):
    """From a flow's creation to the datagram on the wire, while nothing else happens, and at
    args.events events a second."""
    window = 2000
    raise_limit(lab, args.flows)
    pair = Pair(lab, kind, args)
    where = pair.backup.space.name, "sync"
    pair.rest()
    figures = {f"latency_{k}": v for k, v in probe(pair, args.samples, *where).items()}
    steps = max(args.events // 3, 1)
    stream = pair.active.space.spawn(
        built("flowload"), "churn", str(window), "--seconds", str(2 + args.samples / 150),
        "--rate", str(steps), "--batch", "8", "--first", "1000000", name="stream",
        stdout=subprocess.PIPE)
    with stream.popen.stdout as out:
        time.sleep(1)  # a stream that has begun
        # In real time, lest it wait for the stream's generator after it has started its clock.
        found = probe(pair, args.samples, *where, "5000", str(args.samples),
                      before=("chrt", "--rr", "50"))
        if not stream.alive():
            note("the stream of events ended before the last sample of the latency")
        told = json.loads(out.read())
    stream.popen.wait()
    figures |= {f"loaded_{k}": v for k, v in found.items()}
    figures["loaded_events_per_s"] = told["done"] / told["seconds"]
    figures["losses"] = pair.losses()
    return figures


def commit(lab, kind, args):
    """Flows a second that a commit writes into the backup's kernel; the table of those that it
    knows afterwards without being told to read it."""
    flows = args.flows
    raise_limit(lab, flows)
    pair = Pair(lab, kind, args)
    generate(pair.active.space, "create", flows, *pace(args))
    pair.rest()
    pair.expect("replicated", pair.backup.node.remote_count, flows)
    # Before the commit: conntrackd's own writes overrun its event socket.
    figures = {"losses": pair.losses()}
    # A listener in any namespace makes the kernel build events of births in all of them, and the
    # node that is taken over from is dead.
    pair.active.node.stop()
    cpu, begin = pair.backup.cpu_ns(), time.monotonic()
    with beside_active():
        pair.backup.node.commit()
        seconds, cpu = time.monotonic() - begin, pair.backup.cpu_ns() - cpu
    pair.expect("in the backup's kernel", pair.backup.space.count, flows)
    pair.rest()
    known = pair.backup.node.local_count()
    if kind == "ctsyncd" and known != flows:
        raise Failed(f"{known} of {flows} flows known after the commit")
    figures |= {
        "commit_s": seconds, "commit_per_s": flows / seconds, "commit_cpu_us": cpu / flows / 1e3,
        "commit_known": known / flows,
        "commit_losses": {k: v - figures["losses"].get(k, 0) for k, v in pair.losses().items()},
    }
    return figures


def cost(pair, flows, count, mark):
    """Processor time per flow of both nodes in each phase [us], with so many flows around: changes
    of `count` of them all over the table, then the life of new ones. mark: not the one of before."""
    figures = pair.phase("update", count, "--stride", str(flows // count), "--mark", str(mark))
    figures |= pair.phase("create", count, "--first", str(flows))
    generate(pair.active.space, "delete", count, "--first", str(flows), *pace(pair.args))
    pair.rest()
    figures |= pair.phase("delete", count, "--stride", str(flows // count))
    generate(pair.active.space, "create", count, "--stride", str(flows // count), *pace(pair.args))
    pair.rest()
    return {k: v for k, v in figures.items() if k.endswith("cpu_us")}


def grown(few, many, flows, args):
    """Figures of what a flow costs a pair with so many flows, and by that of a pair with args.base:
    medians of three turns of either, since a machine is not as fast from one minute to the next."""
    turns = [(cost(few, args.base, args.base, mark), cost(many, flows, args.base, mark))
             for mark in (9, 10, 11)]

    def median(of):
        return statistics.median(of(small, large) for small, large in turns)
    keys, figures = turns[0][0], {}
    for i, name in enumerate(("small", "grown")):
        figures |= {f"{name}_{k}": statistics.median(turn[i][k] for turn in turns) for k in keys}
    for k in keys:
        figures[f"growth_{k[:-len('_cpu_us')]}"] = median(lambda small, large: large[k] / small[k])  # noqa: B023
    for node in NODES:
        mine = [f"{node}_{phase}_cpu_us" for phase in PHASES]
        figures[f"growth_{node}"] = median(
            lambda small, large: sum(large[k] for k in mine) / sum(small[k] for k in mine))  # noqa: B023
    return figures


def growth(lab, kind, args):
    """What a flow costs with args.growth flows in the tables, by what it costs with args.base."""
    raise_limit(lab, args.growth + args.growth // 4)
    few, many = (Pair(lab, kind, args, flows=args.growth, started=False, name=name)
                 for name in ("few", "many"))
    few.fill(args.base)
    many.fill(args.growth)
    for pair in (few, many):
        pair.rest()
    figures = grown(few, many, args.growth, args)
    many.expect("replicated", many.backup.node.remote_count, args.growth)
    losses = {f"{name}_{k}": v for name, pair in (("few", few), ("many", many))
              for k, v in pair.losses().items()}
    return {**figures, "losses": losses}
