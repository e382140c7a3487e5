#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two firewalls, one dies, no connection is lost; then the same without ctsyncd, for comparison.

    client --- inside switch --- fw1, fw2 --- outside switch --- server
                                  \\_ sync _/

Everything lives in network namespaces of this process (ctsync-demo-PID-...). The firewalls run
keepalived, which moves the addresses, a strict nftables ruleset, and the sync daemon, which
keepalived's notify hook (examples/keepalived/notify.sh) promotes. fw1's death is kill -9 of its
daemons and its cables cut.

Exit status: 0 every connection survived with the daemon, and without it those broke that need a
firewall which knows them; 1 it was not so; 2 something is missing on this machine.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "lib"))

sys.dont_write_bytecode = True

from netns import Failed, Lab, TimedOut, built, unpacked, wait_for  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402

NOTIFY_HOOK = os.path.join(HERE, "..", "keepalived", "notify.sh")
ADVERT_S = 0.3
SETTLE_S = 12  # after a takeover TCP tries again within this time

INSIDE4, OUTSIDE4 = "192.0.2.", "198.51.100."
INSIDE6, OUTSIDE6 = "2001:db8:1::", "2001:db8:2::"
CLIENT, SERVER, VIRTUAL = "10", "10", "1"


class Connection(NamedTuple):
    name: str
    title: str
    kind: str  # of traffic.py
    family: int
    port: int
    target: str  # the address connected to
    served_at: str = ""  # the address that the other end has, where that is another
    opener: str = "client"
    needs_state: bool = True  # a firewall that does not know it drops it


SERVER4, SERVER6 = OUTSIDE4 + SERVER, OUTSIDE6 + SERVER
CONNECTIONS = [
    Connection("tcp4", "TCP transfer, IPv4, routed", "stream", 4, 7001, SERVER4),
    Connection("tcp4-snat", "TCP transfer, IPv4, SNAT", "stream", 4, 7002, SERVER4),
    Connection("tcp4-dnat", "TCP transfer, IPv4, DNAT", "stream", 4, 7003, OUTSIDE4 + VIRTUAL,
               served_at=INSIDE4 + CLIENT, opener="server"),
    Connection("tcp6", "TCP transfer, IPv6, routed", "stream", 6, 7001, SERVER6),
    Connection("idle4", "TCP idle, IPv4, client speaks", "idle", 4, 7004, SERVER4),
    Connection("idle4-snat", "TCP idle, IPv4, SNAT, server speaks", "idle", 4, 7005, SERVER4),
    Connection("idle6", "TCP idle, IPv6, server speaks", "idle", 6, 7004, SERVER6),
    Connection("udp4-snat", "UDP replies, IPv4, SNAT", "push", 4, 7002, SERVER4),
    Connection("udp6", "UDP replies, IPv6, routed", "push", 6, 7001, SERVER6),
    Connection("ping4", "ping, IPv4 (needs no state)", "ping", 4, 0, SERVER4, needs_state=False),
    Connection("ping6", "ping, IPv6 (needs no state)", "ping", 6, 0, SERVER6, needs_state=False),
]
SPEAKERS = {"idle4": "client", "idle4-snat": "server", "idle6": "server"}

# VRRP and IGMP by number (112, 2): a small system has no /etc/protocols.
RULESET = """
table inet firewall {
	chain untracked {
		type filter hook prerouting priority raw; policy accept;
		iifname { sync, lo } notrack
		meta l4proto { 112, 2 } notrack
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit,
			mld-listener-query, mld-listener-report, mld2-listener-report } notrack
	}
	chain untracked_own {
		type filter hook output priority raw; policy accept;
		oifname { sync, lo } notrack
		meta l4proto { 112, 2 } notrack
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit,
			mld-listener-query, mld-listener-report, mld2-listener-report } notrack
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state untracked accept
		ct state established,related accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		tcp flags & (fin|syn|rst|ack) != syn drop
		iifname inside tcp dport 7001-7009 ct state new accept
		iifname outside ct status dnat tcp dport 7003 ct state new accept
		iifname inside udp dport 7001-7009 ct state new accept
		iifname inside icmp type echo-request ct state new accept
		iifname inside icmpv6 type echo-request ct state new accept
		counter comment "dropped"
	}
}
table ip nat {
	chain incoming {
		type nat hook prerouting priority dstnat; policy accept;
		iifname outside ip daddr @VIRTUAL@ tcp dport 7003 dnat to @CLIENT@
	}
	chain outgoing {
		type nat hook postrouting priority srcnat; policy accept;
		oifname outside tcp dport { 7002, 7005 } snat to @VIRTUAL@
		oifname outside udp dport 7002 snat to @VIRTUAL@
	}
}
"""

KEEPALIVED_CONF = """
global_defs {{
	router_id {router}
	vrrp_version 3
	script_user root
	vrrp_garp_master_delay 1
	vrrp_garp_master_repeat 2
}}
vrrp_sync_group firewall {{
	group {{
		inside4
		outside4
		inside6
		outside6
	}}
	notify {hook}
}}
"""

VRRP_INSTANCE = """
vrrp_instance {name} {{
	state BACKUP
	interface {interface}
	virtual_router_id {vrid}
	priority {priority}
	advert_int {advert}
	virtual_ipaddress {{
		{addresses}
	}}
}}
"""

# Stands between the hook and the control tool: notes when each verb began and ended.
CTL_WRAPPER = """#!/usr/bin/env python3
import json, os, subprocess, sys, time
begin = time.monotonic()
runs = [subprocess.run(argv + (sys.argv[1:] if {ours} else []), capture_output=True, text=True)
	for argv in {argvs}.get(sys.argv[-1], [])]
with open({log!r}, "a") as f:
	f.write(json.dumps({{"verb": sys.argv[-1], "begin": begin, "end": time.monotonic(),
		"status": max([r.returncode for r in runs], default=0),
		"text": "".join(r.stdout + r.stderr for r in runs).strip()}}) + "\\n")
"""


def say(text):
    print(f"  {time.monotonic() - BEGIN:5.1f} s  {text}", flush=True)


BEGIN = time.monotonic()


class Agent:
    """The traffic program in the client's or the server's namespace."""

    def __init__(self, space):
        self.space = space
        self.process = space.spawn(sys.executable, os.path.join(HERE, "traffic.py"),
                                   name=f"traffic-{space.short}", stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)

    def tell(self, **order):
        pipe = self.process.popen
        try:
            pipe.stdin.write((json.dumps(order) + "\n").encode())
            pipe.stdin.flush()
            answer = pipe.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise Failed(f"the traffic program of {self.space.short} has ended")
        answer = json.loads(answer)
        if isinstance(answer.get("error"), str):
            raise Failed(f"{self.space.short}: {order}: {answer['error']}")
        return answer


class Firewall:
    """One of the two nodes: addresses, rules, sync daemon, keepalived."""

    def __init__(self, demo, number):
        self.demo, self.number, self.lab = demo, number, demo.lab
        self.space = self.lab.ns(f"fw{number}")
        self.node = self.keepalived = None
        self.verbs = self.lab.path(f"verbs-fw{number}")

    def connect(self, switch):
        own = str(self.number + 1)
        self.space.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.ports = [
            self.lab.plug(self.space, "inside", switch, "br-in",
                          [f"{INSIDE4}{own}/24", f"{INSIDE6}{own}/64"]),
            self.lab.plug(self.space, "outside", switch, "br-out",
                          [f"{OUTSIDE4}{own}/24", f"{OUTSIDE6}{own}/64"])]

    def protect(self):
        self.space.nft(RULESET.replace("@VIRTUAL@", OUTSIDE4 + VIRTUAL)
                       .replace("@CLIENT@", INSIDE4 + CLIENT))
        self.space.sysctl(netfilter__nf_conntrack_tcp_loose=0,
                          netfilter__nf_conntrack_tcp_be_liberal=0)

    def start_sync(self, kind):
        if kind != "none":
            conf = sync_conf(f"10.9.0.{self.number}", mode_options=self.demo.mode_options(kind))
            self.node = SyncNode(self.lab, self.space, kind, conf)
            self.node.start()

    def instances(self):
        """The text of keepalived's instances: an address of each family on each side."""
        return "".join(VRRP_INSTANCE.format(
            name=name, interface=interface, vrid=vrid, advert=ADVERT_S,
            priority=200 if self.number == 1 else 100,
            addresses="\n\t\t".join(f"{a} dev {interface}" for a in addresses))
            for vrid, (name, interface, addresses) in enumerate([
                ("inside4", "inside", [f"{INSIDE4}{VIRTUAL}/24"]),
                ("outside4", "outside", [f"{OUTSIDE4}{VIRTUAL}/24"]),
                ("inside6", "inside", ["fe80::1:1/64", f"{INSIDE6}{VIRTUAL}/64"]),
                ("outside6", "outside", ["fe80::2:1/64", f"{OUTSIDE6}{VIRTUAL}/64"])], 51))

    def write_ctl(self):
        argvs = {"promote": [], "demote": [], "fault": []}
        if self.node and self.node.kind == "conntrackd":
            program = [self.node.program, "-C", self.node.conf]
            argvs = {"promote": [program + [o] for o in ("-c", "-f", "-R", "-B")],
                     "demote": [program + [o] for o in ("-t", "-n")], "fault": [program + ["-t"]]}
        elif self.node:
            argvs = {verb: [[self.node.ctl_program]] for verb in argvs}
        ours = bool(self.node) and self.node.kind == "ctsyncd"
        return self.lab.write(f"ctl-fw{self.number}", CTL_WRAPPER.format(
            ours=ours, argvs=json.dumps(argvs), log=self.verbs), 0o755)

    def start_keepalived(self):
        conf = KEEPALIVED_CONF.format(router=self.space.short, hook=os.path.abspath(NOTIFY_HOOK))
        conf += self.instances()
        program, env = unpacked("keepalived")
        env = {**env, "CTSYNCCTL": self.write_ctl(),
               "CTSYNC_STATE": self.lab.path(f"state-fw{self.number}")}
        if self.node:
            env["CTSYNC_SOCKET"] = self.node.socket
            env.update(self.node.env)
        name = f"keepalived-fw{self.number}"
        pid = self.lab.path(name)
        self.keepalived = self.space.spawn(
            program, "--vrrp", "--dont-fork", "--log-console", "--log-detail", "--no-syslog",
            "-f", self.lab.write(f"{name}.conf", conf), f"--pid={pid}.pid",
            f"--vrrp_pid={pid}-vrrp.pid", f"--checkers_pid={pid}-checkers.pid", name=name, env=env)

    def told(self, verb):
        """The first call of the hook with that verb since the start: a dict, or None."""
        try:
            with open(self.verbs) as f:
                return next((v for v in map(json.loads, f) if v["verb"] == verb), None)
        except FileNotFoundError:
            return None

    def has_addresses(self):
        text = self.space.run("ip", "-o", "addr").stdout
        return all(f" {a}{VIRTUAL}/" in text for a in (INSIDE4, OUTSIDE4, INSIDE6, OUTSIDE6))

    def die(self, switch):
        """Without warning: nobody is told, nothing is put away."""
        self.keepalived.kill(with_children=True)
        if self.node:
            self.node.kill()
        switch.ip(*(f"link set {port} down" for port in self.ports))
        self.space.ip("link set sync down")


class Demo:
    """One run: the network, the traffic, the death, the figures."""

    node_class = Firewall

    def __init__(self, lab, kind, flows, standby="warm"):
        self.lab, self.kind, self.flows, self.standby = lab, kind, flows, standby
        self.facts = {}

    def is_warm(self, kind):
        return kind == "ctsyncd" and self.standby == "warm"

    def mode_options(self, kind):
        """What the firewalls' Mode section says."""
        return "\t\tStandbyTable Warm\n" if self.is_warm(kind) else ""

    def build(self):
        lab = self.lab
        self.switch = lab.ns("switch")
        lab.bridge(self.switch, "br-in")
        lab.bridge(self.switch, "br-out")
        self.client, self.server = lab.ns("client"), lab.ns("server")
        for space, bridge, v4, v6, host in ((self.client, "br-in", INSIDE4, INSIDE6, CLIENT),
                                            (self.server, "br-out", OUTSIDE4, OUTSIDE6, SERVER)):
            lab.plug(space, "eth0", self.switch, bridge, [f"{v4}{host}/24", f"{v6}{host}/64"])
            space.ip(f"route add default via {v4}{VIRTUAL}", f"route add default via {v6}{VIRTUAL}")
            space.sysctl(ipv4__ping_group_range="0 0")
        self.fw1, self.fw2 = self.node_class(self, 1), self.node_class(self, 2)
        for fw in (self.fw1, self.fw2):
            fw.connect(self.switch)
            fw.protect()
        lab.veth(self.fw1.space, "sync", self.fw2.space, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        self.agents = {"client": Agent(self.client), "server": Agent(self.server)}

    def start(self):
        for fw in (self.fw1, self.fw2):
            fw.start_sync(self.kind)
        self.fw1.start_keepalived()
        wait_for(lambda: self.fw1.has_addresses() and self.fw1.told("promote"), 15,
                 "fw1 is master and its hook was called")
        self.fw2.start_keepalived()
        wait_for(lambda: self.fw2.told("demote"), 15, "fw2 is backup and its hook was called")

    def report(self):
        """{name: (connecting end, serving end or None)} as the agents see them now."""
        reports = {who: agent.tell(do="report") for who, agent in self.agents.items()}
        result = {}
        for c in CONNECTIONS:
            ends = (c.opener, "server" if c.opener == "client" else "client")
            result[c.name] = [reports[who][c.name] for who in ends if c.name in reports[who]]
        return result

    def open_connections(self):
        for c in CONNECTIONS:
            other = "server" if c.opener == "client" else "client"
            order = {"name": c.name, "kind": c.kind, "family": c.family, "port": c.port}
            if c.kind != "ping":
                self.agents[other].tell(do="serve", address=c.served_at or c.target, **order)
            self.agents[c.opener].tell(do="connect", address=c.target, **order)
        def closed():
            return {name: ends for name, ends in self.report().items()
                    if not all(e["ready"] for e in ends)}

        try:
            wait_for(lambda: not closed(), 15, "every connection is open")
        except TimedOut as e:
            raise Failed(f"{e}; these are not: {closed()}") from None

    def add_flows(self):
        if self.flows:
            self.fw1.space.run(built("flowload"), "create", str(self.flows))

    def await_replication(self):
        self.facts["known"] = self.fw1.space.count()
        if not self.fw2.node:
            self.facts["replicated"] = 0
            return
        wait_for(lambda: self.fw2.node.remote_count() >= self.fw1.space.count(), 30,
                 "fw2 has every flow of fw1")
        self.facts["replicated"] = self.fw2.node.remote_count()
        if self.is_warm(self.fw2.node.kind):
            self.await_warmth()

    def await_warmth(self):
        """Until nothing is left that could be written to fw2's kernel in advance."""
        def status():
            s = self.fw2.node.status()
            done = s["warm_flows"] + s["warm_unsettled"] == s["remote_flows"]
            return s if done and s["warm_behind_ms"] == 0 else None
        s = wait_for(status, 30, "fw2 is warm")
        say(f"fw2 is warm: {s['warm_flows']} of {s['remote_flows']} flows are in its kernel")

    def await_traffic(self, bytes_more):
        """Every transfer moves on by that much in both directions."""
        def got():
            return [e["got"] for name, ends in self.report().items() for e in ends
                    if name.startswith("tcp")]
        before = got()
        wait_for(lambda: all(b - a >= bytes_more for a, b in zip(before, got())), 20,
                 "the transfers go on")

    def fail_over(self):
        died = time.monotonic()
        self.fw1.die(self.switch)
        say("fw1 is dead: its daemons killed, its cables cut")
        wait_for(self.fw2.has_addresses, 15, "fw2 has the addresses")
        verb = wait_for(lambda: self.fw2.told("promote"), 60, "fw2's hook has promoted it")
        self.facts["takeover_ms"] = round((verb["begin"] - died) * 1000)
        self.facts["promotion_ms"] = round((verb["end"] - verb["begin"]) * 1000)
        self.facts["in_kernel"] = self.fw2.space.count()
        say(f"fw2 has the addresses after {self.facts['takeover_ms']} ms; its hook took "
            f"{self.facts['promotion_ms']} ms" + (f": {verb['text']}" if verb["text"] else ""))
        if verb["status"] != 0:
            raise Failed(f"promote failed with status {verb['status']}: {verb['text']}")

    def judge(self):
        """Lets the idle ones speak, waits until all moved on, ends them: {name: None or reason}."""
        before = self.report()
        for name, who in SPEAKERS.items():
            self.agents[who].tell(do="speak", name=name)

        def moved(name, kind):
            # Of a push and a ping only the connecting end receives.
            pairs = list(zip(before[name], self.report()[name]))
            if kind in ("push", "ping"):
                pairs = pairs[:1]
            return all(new["got"] > old["got"] and not new["error"] for old, new in pairs)

        waiting = {c.name: c.kind for c in CONNECTIONS}
        end = time.monotonic() + SETTLE_S

        def all_moved():
            for name in [n for n, kind in waiting.items() if moved(n, kind)]:
                say(f"{name} goes on")
                del waiting[name]
            return not waiting or time.monotonic() > end

        wait_for(all_moved, SETTLE_S + 5, "the connections go on")
        for name in waiting:
            say(f"{name} stands still")
        return self.finish(set(waiting))

    def finish(self, broken):
        for agent in self.agents.values():
            agent.tell(do="finish")
        whole = [c for c in CONNECTIONS if c.kind == "stream" and c.name not in broken]

        def ended():
            report = self.report()
            return all(e["ended"] or e["error"] for c in whole for e in report[c.name])

        try:
            wait_for(ended, 10, "the transfers end in order")
        except TimedOut:
            pass  # the table tells which
        self.last = self.report()
        return {c.name: self.fault(c, self.last[c.name], broken) for c in CONNECTIONS}

    @staticmethod
    def fault(connection, ends, broken):
        """What is wrong with a connection at the end of the run; None when it survived."""
        for end in ends:
            if end["error"]:
                return end["error"]
        if connection.name in broken:
            return "no data after the takeover"
        if connection.kind == "stream":
            if not all(end["ended"] for end in ends):
                return "did not end in order"
            if any(a["got"] != b["sent"] for a, b in zip(ends, reversed(ends))):
                return "bytes are missing"
        return None

    def run(self):
        self.build()
        self.start()
        say("fw1 is active, fw2 stands by")
        self.open_connections()
        say(f"{len(CONNECTIONS)} connections are open" +
            (f", {self.flows} more flows were put into fw1's table" if self.flows else ""))
        self.add_flows()
        self.await_replication()
        self.await_traffic(400_000)
        if self.fw2.node:
            say(f"fw1 knows {self.facts['known']} flows, fw2 was told {self.facts['replicated']}")
        self.fail_over()
        return self.judge()

    def table(self, verdicts):
        print(f"\n  {'connection':<38} {'':<9} {'longest gap':>12}")
        for c in CONNECTIONS:
            gap = max(e["gap_ms"] for e in self.last[c.name])
            why = verdicts[c.name]
            print(f"  {c.title:<38} {'BROKEN' if why else 'survived':<9} {gap:>9} ms"
                  f"{f'   {why}' if why else ''}")
        print(f"  flows known to fw1 {self.facts['known']}, replicated {self.facts['replicated']}, "
              f"in fw2's kernel after promotion {self.facts['in_kernel']}; promotion took "
              f"{self.facts['promotion_ms']} ms\n", flush=True)


def one_run(kind, flows, standby):
    """Verdicts of a run with that daemon; the lab is gone when it returns."""
    how = f", {standby} standby" if kind == "ctsyncd" else ""
    print(f"\nRun with {kind + how if kind != 'none' else 'no sync daemon'}:", flush=True)
    with Lab("demo") as lab:
        demo = Demo(lab, kind, flows, standby)
        verdicts = demo.run()
        demo.table(verdicts)
        if kind != "none" and any(verdicts.values()):
            lab.show_logs()
    return verdicts


def judge_runs(results):
    """results: [(kind, verdicts)] -> the sentences that say what was not as it should be."""
    wrong = []
    for kind, verdicts in results:
        for c in CONNECTIONS:
            why = verdicts[c.name]
            if kind != "none" and why:
                wrong.append(f"with {kind}, {c.title} broke: {why}")
            if kind == "none" and c.needs_state and not why:
                wrong.append(f"without a daemon, {c.title} survived: the run proves nothing")
            if kind == "none" and not c.needs_state and why:
                wrong.append(f"without a daemon, {c.title} broke: the addresses did not move")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--daemon", action="append", choices=["ctsyncd", "conntrackd", "none"],
                        help="one run with this one (may be repeated; default: ctsyncd, none)")
    parser.add_argument("--flows", type=int, default=10000,
                        help="flows to put into the active firewall's table (default 10000)")
    parser.add_argument("--standby", choices=["warm", "cold"], default="warm",
                        help="what StandbyTable says to ctsyncd (default warm)")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("failover.py: root is needed, to make network namespaces", file=sys.stderr)
        return 2
    results = []
    try:
        for kind in args.daemon or ["ctsyncd", "none"]:
            results.append((kind, one_run(kind, args.flows if kind != "none" else 0, args.standby)))
    except Failed as e:
        print(f"failover.py: {e}", file=sys.stderr)
        return 1
    wrong = judge_runs(results)
    for sentence in wrong:
        print(f"failover.py: {sentence}", file=sys.stderr)
    if not wrong:
        kinds = [kind for kind, _ in results]
        if kinds != ["none"]:
            print("With the sync daemon every connection survived.")
        if "none" in kinds:
            print("Without a sync daemon those broke that need a firewall which knows them.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
