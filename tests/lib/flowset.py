# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections of every kind that the sync protocol carries, made with the conntrack tool.

Each entry of KINDS is a name and the arguments of `conntrack -I`; NAT is written as the kernel reports
it, in the reply tuple. What the protocol cannot carry (GRE keys, UDPLITE ports) is in UNCARRIED.
"""

V4 = ["-s", "192.0.2.1", "-d", "198.51.100.2"]
V6 = ["-s", "2001:db8:1::1", "-d", "2001:db8:2::2"]


def ports(sport, dport):
    return ["--sport", str(sport), "--dport", str(dport)]


KINDS = {
    "tcp established": [*V4, "-p", "tcp", *ports(1001, 80), "--state", "ESTABLISHED",
                        "-u", "SEEN_REPLY,ASSURED"],
    "tcp time_wait": [*V4, "-p", "tcp", *ports(1002, 80), "--state", "TIME_WAIT",
                      "-u", "SEEN_REPLY,ASSURED"],
    "tcp marked": [*V4, "-p", "tcp", *ports(1003, 80), "--state", "ESTABLISHED",
                   "-u", "SEEN_REPLY,ASSURED", "-m", "0xdeadbeef"],
    "tcp v6": [*V6, "-p", "tcp", *ports(1004, 80), "--state", "ESTABLISHED",
               "-u", "SEEN_REPLY,ASSURED"],
    "tcp snat": [*V4, "-p", "tcp", *ports(1005, 80), "--state", "ESTABLISHED",
                 "-u", "SEEN_REPLY,ASSURED", "-n", "203.0.113.5"],
    "tcp dnat": [*V4, "-p", "tcp", *ports(1006, 80), "--state", "ESTABLISHED",
                 "-u", "SEEN_REPLY,ASSURED", "-g", "203.0.113.6"],
    "tcp snat port": [*V4, "-p", "tcp", *ports(1007, 80), "--state", "ESTABLISHED",
                      "-u", "SEEN_REPLY,ASSURED", "-n", "203.0.113.5:40007"],
    "tcp dnat port": [*V4, "-p", "tcp", *ports(1008, 80), "--state", "ESTABLISHED",
                      "-u", "SEEN_REPLY,ASSURED", "-g", "203.0.113.6:8080"],
    "tcp v6 snat": [*V6, "-p", "tcp", *ports(1009, 80), "--state", "ESTABLISHED",
                    "-u", "SEEN_REPLY,ASSURED", "-n", "2001:db8:3::5"],
    "tcp zone": [*V4, "-p", "tcp", *ports(1010, 80), "--state", "ESTABLISHED",
                 "-u", "SEEN_REPLY,ASSURED", "-w", "7"],
    "udp": [*V4, "-p", "udp", *ports(1001, 53)],
    "udp replied": [*V4, "-p", "udp", *ports(1002, 53), "-u", "SEEN_REPLY"],
    "udp v6": [*V6, "-p", "udp", *ports(1003, 53), "-u", "SEEN_REPLY,ASSURED"],
    "udp snat": [*V4, "-p", "udp", *ports(1004, 53), "-u", "SEEN_REPLY", "-n", "203.0.113.5:50004"],
    "sctp": [*V4, "-p", "sctp", *ports(1001, 9), "--state", "ESTABLISHED", "--orig-vtag", "1",
             "--reply-vtag", "2", "-u", "SEEN_REPLY,ASSURED"],
    "icmp": [*V4, "-p", "icmp", "--icmp-type", "8", "--icmp-code", "0", "--icmp-id", "4711",
             "-u", "SEEN_REPLY"],
    "icmpv6": [*V6, "-p", "icmpv6", "--icmpv6-type", "128", "--icmpv6-code", "0",
               "--icmpv6-id", "4712", "-u", "SEEN_REPLY"],
    "protocol 103": [*V4, "-p", "103"],
}
UNCARRIED = {
    "gre": [*V4, "-p", "gre", "--srckey", "0x11", "--dstkey", "0x22"],
}
DCCP = [*V4, "-p", "dccp", *ports(1001, 5001), "--state", "OPEN", "--role", "client"]


def make(space, kinds, timeout_s=3000):
    """Creates the connections in a namespace's kernel; `kinds`: names of KINDS, or all."""
    for name in kinds or KINDS:
        space.run("conntrack", "-I", "-t", str(timeout_s), *KINDS[name])


def delete(space, kinds):
    """Deletes some of them again, named by their original tuple and zone alone."""
    for name in kinds:
        arguments = KINDS[name]
        cuts = [arguments.index(o) for o in ("-u", "-m", "-n", "-g", "-w", "--state")
                if o in arguments]
        zone = arguments[arguments.index("-w"):][:2] if "-w" in arguments else []
        space.run("conntrack", "-D", *arguments[:min(cuts, default=len(arguments))], *zone)
