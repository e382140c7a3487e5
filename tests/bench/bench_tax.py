# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of a firewall that is busy: what a daemon costs those whose packets it forwards, and what
is left of it when there is more to be heard than it has time for."""

import contextlib
import json
import statistics
import subprocess
import time

from bench_host import burden, cpus, generate, note, raise_limit
from bench_pair import Pair
from netns import Failed, built, wait_for

OVERLOAD_BURDENS = 3  # so that the active node's daemon has a quarter of a processor
OVERLOAD_STEP_S = 60  # until it has to be in step again, to be measured at all


# Kinds of connections (tests/bench/packets), and how a figure of each is called.
KINDS = {"udp": "tax", "answered": "tax_answered", "tcp": "tax_tcp"}


class Firewall:
    """A client behind a namespace that forwards what it sends to nobody. Answers come by the same
    interface, and go back."""

    def __init__(self, lab, space):
        self.space, self.client, server = space, lab.ns("client"), lab.ns("server")
        # The generator's own address is not among the clients'.
        lab.veth(self.client, "c", space, "inside", [], ["10.127.255.254/10"])
        lab.veth(space, "outside", server, "s", ["198.51.100.254/24"])
        space.ip("neigh add 198.51.100.1 lladdr 02:00:00:00:00:09 dev outside nud permanent")
        space.ip(*(f"neigh add 10.64.0.{i} lladdr 02:00:00:00:00:09 dev inside nud permanent"
                   for i in range(1, 255)))
        space.sysctl(ipv4__ip_forward=1, ipv4__conf__inside__rp_filter=0,
                     ipv4__conf__all__send_redirects=0, ipv4__conf__inside__send_redirects=0,
                     netfilter__nf_conntrack_udp_timeout=600, netfilter__nf_conntrack_checksum=0)
        space.track()
        found = json.loads(space.run("ip", "-j", "link", "show", "inside").stdout)
        self.mac = found[0]["address"]

    def rate(self, flows, kind="udp"):
        """Connections that the kernel makes a second while nothing but packets takes its time; the
        table is emptied behind it."""
        told = json.loads(self.client.run("taskset", "-c", str(cpus()[2]), built("packets"),
                                          str(flows), "c", self.mac, kind).stdout)
        made = self.space.count()
        self.space.flush()
        if made < flows * 0.9:
            raise Failed(f"{made} of {flows} packets made a connection")
        return made / told["seconds"]


def taxes(pair, firewall, args):
    """{kind of connection: (rates without the daemon, rates while it listens)}"""
    rates = {}
    for kind in args.kinds:
        firewall.rate(args.flows, kind)  # the kernel's memory for them is there from now on
        without, listening = rates.setdefault(kind, ([], []))
        for _ in range(args.repeats):
            # As it is without a daemon: the kernel makes room for events only if somebody listens.
            pair.active.space.sysctl(netfilter__nf_conntrack_events=2)
            without.append(firewall.rate(args.flows, kind))
            pair.active.start()
            pair.rest()
            listening.append(firewall.rate(args.flows, kind))
            pair.rest()
            pair.active.node.stop()
    return rates


def shares(rates, suffix=""):
    return {KINDS[kind] + suffix: statistics.median(b / a for a, b in zip(*found))
            for kind, found in rates.items()}


def tax(lab, kind, args):
    """The rate at which packets make connections with the daemon listening, by that without."""
    raise_limit(lab, args.flows)
    pair = Pair(lab, kind, args, flows=args.flows, started=False)
    rates = taxes(pair, Firewall(lab, pair.active.space), args)
    without, listening = map(statistics.median, rates[args.kinds[0]])
    return {"tax_without_per_s": without, "tax_listening_per_s": listening, **shares(rates),
            "losses": {}}


def tax_unheard(lab, kind, args):
    """The same of ctsyncd with NewEvents off."""
    raise_limit(lab, args.flows)
    pair = Pair(lab, kind, args, flows=args.flows, started=False,
                options="\tOptions {\n\t\tNewEvents off\n\t}")
    return {**shares(taxes(pair, Firewall(lab, pair.active.space), args), "_without_new"),
            "losses": {}}


def lines_of(space):
    """The kernel's flows, without what changes by itself."""
    text = subprocess.run(space.argv(["conntrack", "-L", "-o", "extended"]), check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return keys(text.splitlines())


def keys(lines):
    """(source, port, mark) of each flow; a generated one has nothing else of its own."""
    found = set()
    for line in lines:
        words = dict(w.split("=", 1) for w in reversed(line.split()) if "=" in w)
        found.add((words["src"], words["sport"], words.get("mark", "0")))
    return found


def overload(lab, kind, args):
    """
    More events than the active node's daemon has time for, args.overload seconds long: it shares
    its processor with others. Then, how long until the peer's table is the kernel's again, and
    whether what it holds then is true.
    """
    window = max(args.flows // 4, 100)
    raise_limit(lab, 2 * args.flows)
    pair = Pair(lab, kind, args, flows=2 * args.flows, event_buffer=2 << 20,
                event_buffer_max=16 << 20)
    generate(pair.active.space, "create", args.flows, "--first", "100000000")
    pair.rest()
    # A daemon in real time would not have to share.
    subprocess.run(["chrt", "--other", "--pid", "0", str(pair.active.pid)], check=True)
    others = [burden(pair.active.space, pair.active.cpu, f"other{i}")
              for i in range(OVERLOAD_BURDENS)]
    before = [node.cpu_ns() for node in pair.nodes]
    told = generate(pair.active.space, "churn", window, "--seconds", str(args.overload),
                    "--batch", "16")
    begin = time.monotonic()
    share = [(node.cpu_ns() - b) / 1e9 / told["seconds"] for node, b in zip(pair.nodes, before)]
    for other in others:
        other.kill()
    want = args.flows + window
    seconds = in_step(pair, want, begin)
    pair.rest()
    kernel, remote = lines_of(pair.active.space), keys(pair.backup.node.remote())
    lost = pair.active.losses().get("kernel_overruns", 0)
    if not lost:
        note(f"{kind}: no event was lost: this was no overload")
    wrong = len(kernel ^ remote)
    if kind == "ctsyncd" and wrong:
        raise Failed(f"{wrong} flows are wrong after an overload: "
                     f"{sorted(kernel ^ remote)[:5]}")
    return {"overload_events_per_s": told["done"] / told["seconds"],
            "overload_active_share": share[0], "overload_backup_share": share[1],
            "overload_overruns": float(lost), "overload_recovery_s": seconds,
            "overload_wrong": float(wrong), "losses": {}}


def in_step(pair, want, begin):
    """Seconds since begin until both ends hold so many flows and, of ctsyncd, say that it is all."""
    def done():
        counts = pair.active.node.local_count(), pair.backup.node.remote_count()
        if counts != (want, want):
            return False
        return pair.kind != "ctsyncd" or all(n.node.status()["in_sync"] for n in pair.nodes)
    with contextlib.suppress(Failed):
        wait_for(done, OVERLOAD_STEP_S, "in step")
        return time.monotonic() - begin
    return float(OVERLOAD_STEP_S)
