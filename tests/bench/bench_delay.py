# SPDX-License-Identifier: GPL-2.0-or-later
"""What SyncDelay saves: real connections through the active node, at several delays."""

import os
import sys
import time

from bench_pair import Pair
from netns import wait_for

MIX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mix.py")
DELAYS_MS = (0, 500, 2000)
RATE, SEED = 400, 1
SERVER = "198.51.100.1"
COUNTED = {"messages": "sent_flows", "bytes": "sent_bytes", "datagrams": "sent_datagrams"}
EVENTS = ("kernel_new", "kernel_update", "kernel_destroy")


def route(lab, name, space):
    """(client, server): namespaces between which the active node forwards."""
    client, server = lab.ns(f"{name}-client"), lab.ns(f"{name}-server")
    lab.veth(client, "c", space, "inside", ["192.0.2.2/24"], ["192.0.2.1/24"])
    lab.veth(space, "outside", server, "s", ["198.51.100.254/24"], [SERVER + "/24"])
    client.ip("route add default via 192.0.2.1")
    server.ip("route add default via 198.51.100.254")
    space.sysctl(ipv4__ip_forward=1)
    space.track()
    return client, server


def one_delay(lab, kind, args, delay_ms):
    name = f"delay{delay_ms}"
    pair = Pair(lab, kind, args, flows=args.mix, mode=f"\t\tSyncDelay {delay_ms}", name=name)
    client, server = route(lab, name, pair.active.space)
    serving = server.spawn(sys.executable, "-B", MIX, "serve", SERVER, name=f"{name}-server")
    wait_for(lambda: "ready" in serving.log_text(), 20, "the server")
    pair.rest()
    before, cpu = pair.active.node.stats(), [node.cpu_ns() for node in pair.nodes]
    client.run(sys.executable, "-B", MIX, "open", SERVER, str(args.mix), str(RATE), str(SEED),
               deadline_s=60 + args.mix // RATE)
    time.sleep(delay_ms / 1000)  # the youngest is no longer held back
    pair.rest()
    pair.expect("tracked", pair.active.node.local_count, args.mix)
    pair.active.space.flush()  # the entries end, as they would by their timeouts
    pair.rest()
    pair.expect("left after the ends", pair.backup.node.remote_count, 0)
    cpu = [node.cpu_ns() - b for node, b in zip(pair.nodes, cpu)]
    after = pair.active.node.stats()
    figures = {"events": sum(after[key] - before[key] for key in EVENTS),
               **{what: after[key] - before[key] for what, key in COUNTED.items()},
               **{f"{end}_cpu_us": ns / args.mix / 1e3 for end, ns in zip(("active", "backup"), cpu)}}
    losses = pair.losses()
    pair.close()
    serving.stop()
    return {f"{name}_{what}": float(value) for what, value in figures.items()}, losses


def delay(lab, kind, args):
    """What is sent of real, mostly short connections with SyncDelay 0, 500 and 2000."""
    figures, losses = {}, {}
    for delay_ms in DELAYS_MS:
        found, lost = one_delay(lab, kind, args, delay_ms)
        figures |= found
        for what, count in lost.items():
            losses[what] = losses.get(what, 0) + count
    return {**figures, "losses": losses}
