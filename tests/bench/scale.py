#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair of ctsyncd with millions of flows on each node: dump, bulk, changes, takeover, end.

The active node's kernel holds them when the daemons start. Each number is compared with the other
node's and with the kernel's after every step; then the active node's daemon dies, the backup is
promoted, and has them all in its kernel and in its local table; then its kernel loses them, and
the memory has to come back. Prints a JSON line of figures, and rows for doc/PERFORMANCE.md.
nf_conntrack_max and nf_conntrack_buckets are raised meanwhile. Exit status 1 if anything is wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from bench import calm
from bench_host import cpus, note, raise_limit, resident_bytes
from bench_load import NODES, grown, settle_memory
from bench_pair import Pair
from netns import Failed, Lab, wait_for


def same(what, **found):
    if len(set(found.values())) != 1:
        raise Failed(f"{what}: {found}")
    note(what)


def timed(f):
    begin = time.monotonic()
    f()
    return time.monotonic() - begin


def changes(few, pair, args):
    """What a flow costs among so many, beside the few of the other pair."""
    figures = grown(few, pair, args.flows, args)
    one, two = (node.node.status() for node in pair.nodes)
    same("as many flows after changes, ends and births", kernel=pair.active.space.count(),
         local=one["local_flows"], remote=two["remote_flows"], expected=args.flows)
    marked = pair.backup.node.remote_count()
    same("on the peer", remote=marked, expected=args.flows)
    return figures


def takeover(pair, args):
    pair.active.node.kill()
    cpu = pair.backup.cpu_ns()
    seconds = timed(lambda: pair.backup.ask("promote", deadline_s=600))
    same("in the kernel when the promotion has ended", kernel=pair.backup.space.count(),
         expected=args.flows)
    wait_for(lambda: pair.backup.node.local_count() == args.flows, 120, "the local table is full",
             0.5)
    pair.rest()
    cpu = pair.backup.cpu_ns() - cpu
    same("in the local table after it", local=pair.backup.node.local_count(), expected=args.flows)
    return {"promotion_cold_s": seconds, "commit_per_s": args.flows / seconds,
            "commit_cpu_us": cpu / args.flows / 1e3}


def end(pair, before):
    pair.backup.space.run("conntrack", "-F", deadline_s=600)
    wait_for(lambda: pair.backup.node.local_count() == 0, 300, "no flow is left", 0.5)
    wait_for(lambda: pair.backup.node.remote_count() == 0, 60, "nor is one of the peer's", 0.5)
    # The peer is dead: its deletions are kept until it has been silent for a minute.
    wait_for(lambda: pair.backup.node.status()["tombstones"] == 0, 120, "no deletion is kept", 0.5)
    settle_memory(pair, 60)
    return {"backup_memory_left": resident_bytes(pair.backup.pid) / before}


def scale(args):
    with Lab("scale") as lab:
        raise_limit(lab, args.flows + args.base)
        pair = Pair(lab, "ctsyncd", args, flows=args.flows, started=False)
        pair.backup.start()
        empty = resident_bytes(pair.backup.pid)
        pair.backup.node.stop()
        figures = {"bulk_s": pair.fill(args.flows, deadline_s=600)}
        pair.rest()
        one, two = (node.node.status() for node in pair.nodes)
        same("as many flows on both nodes", kernel=pair.active.space.count(),
             local=one["local_flows"], remote=two["remote_flows"], expected=args.flows)
        for name, node in zip(NODES, pair.nodes):
            figures[f"{name}_memory_bytes"] = (resident_bytes(node.pid) - empty) / args.flows
        few = Pair(lab, "ctsyncd", args, flows=args.flows, started=False, name="few")
        few.fill(args.base)
        few.rest()
        figures |= changes(few, pair, args)
        losses = few.losses()
        few.close()  # or the kernel would make events of births for it in every namespace
        few.active.space.flush()
        figures |= {"losses": {**pair.losses(), **losses}, **takeover(pair, args), **end(pair, empty)}
        calm(lab)
        return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, default=4000000, help="on each node [%(default)s]")
    parser.add_argument("--base", type=int, default=100000,
                        help="flows that are changed, and that are few [%(default)s]")
    parser.add_argument("--rate", type=int, default=40000, help="changes a second [%(default)s]")
    parser.add_argument("--batch", type=int, default=4, help="changes at once [%(default)s]")
    args = parser.parse_args()
    os.sched_setaffinity(0, {cpus()[2]})
    try:
        figures = scale(args)
    except (Failed, subprocess.SubprocessError) as e:
        note(e)
        return 1
    print(json.dumps({"what": "scale", "flows": args.flows, "base": args.base, **figures}))
    print("| figure | |\n|---|---:|")
    for key, value in figures.items():
        if key != "losses":
            print(f"| {key} | {value:.4g} |")
    return 1 if figures["losses"] else 0


if __name__ == "__main__":
    sys.exit(main())
