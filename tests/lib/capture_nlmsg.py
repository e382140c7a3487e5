#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Record what the running kernel says about connections, as test data and fuzz seeds.

In three network namespaces of its own (a client, a router that tracks connections, a server) this
makes traffic of every kind and writes, per scenario, into tests/lib/captures/nlmsg/:

  NAME.bin  the raw ctnetlink messages, one after the other, as received
  NAME.txt  the lines that the conntrack tool printed for the very same messages

and single messages into tests/fuzz/corpus/. Needs root, ip, nft and conntrack.

usage: capture_nlmsg.py [NAME...]   all scenarios are run; with names only these are written
"""
import ctypes
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PREFIX = "ctsync-nl-%d" % os.getpid()
A, R, B = ("%s-%s" % (PREFIX, x) for x in "arb")
A4, B4, A6, B6 = "10.71.1.2", "10.71.2.2", "fd71:1::2", "fd71:2::2"
NFNL_CTNETLINK, NFNL_CTNETLINK_EXP = 1, 2
CT_NEW, CT_GET, CT_DELETE = 0, 1, 2


def run(*argv, **kw):
    try:
        return subprocess.run(argv, check=True, capture_output=True, text=True, **kw).stdout
    except subprocess.CalledProcessError as e:
        raise RuntimeError("%s: %s" % (" ".join(argv), e.stderr.strip())) from e


def at(ns, *argv, **kw):
    return run("ip", "netns", "exec", ns, *argv, **kw)


def nft(ns, rules):
    at(ns, "nft", "-f", "-", input=rules.replace("; }", ";\n}\n"))


def in_ns(ns, what):
    """Calls what() inside ns; sockets that it opens stay there."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + ns, os.O_RDONLY)
    try:
        if LIBC.setns(there, 0):
            raise OSError(ctypes.get_errno(), "setns")
        return what()
    finally:
        LIBC.setns(home, 0)
        os.close(home)
        os.close(there)


def sock(ns, family, kind, proto=0, bind=None):
    s = in_ns(ns, lambda: socket.socket(family, kind, proto))
    s.settimeout(10)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if bind:
        s.bind(bind)
    return s


def netlink(groups=0):
    s = in_ns(R, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((0, groups))
    return s


def split(data):
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[:length]
        data = data[(length + 3) & ~3:]


def dump(subsystem):
    s = netlink()
    s.send(struct.pack("=IHHIIBBH", 20, subsystem << 8 | CT_GET, 0x301, 1, 0, 0, 0, 0))
    out = []
    while True:
        for kind, message in split(s.recv(65536)):
            if kind == 3:  # NLMSG_DONE
                s.close()
                return out
            # sequence number and port id vary from run to run
            out.append(message[:8] + bytes(8) + message[16:])


class Scenario:
    """Events and lines while the body runs; dump() takes a dump and its lines as a file more."""

    subsystem, groups, corpus = NFNL_CTNETLINK, 7, "nlmsg"
    follow, table = ("-E", "-o", "id"), ("-L", "-o", "id")

    def __init__(self, out, name, rules=""):
        self.out, self.name, self.rules = out, name, rules

    def __enter__(self):
        at(R, "nft", "flush ruleset")
        base = """table inet t { chain c { type filter hook forward priority 0;
            ct state new,established,related,untracked accept; } }"""
        nft(R, base + "\n" + self.rules)
        at(R, "conntrack", "-F")
        self.events = netlink(self.groups)
        self.events.setblocking(False)
        self.lines = tempfile.TemporaryFile("w+")
        self.tool = subprocess.Popen(
            ["ip", "netns", "exec", R, "conntrack", *self.follow],
            stdout=self.lines, stderr=subprocess.DEVNULL)
        # until the tool's socket is among those that listen (of the groups' bits)
        self.wait_for(lambda: sum(
            1 for line in open("/proc/%d/net/netlink" % self.tool.pid).readlines()[1:]
            if line.split()[1] == "12" and
            int(line.split()[3], 16) & self.groups == self.groups) >= 2)
        return self

    @staticmethod
    def wait_for(what):
        end = time.monotonic() + 10
        while not what():
            if time.monotonic() > end:
                raise RuntimeError("timed out")
            time.sleep(0.005)

    def dump(self):
        """Repeats until nothing changed between two dumps, so the tool's is the same."""
        end = time.monotonic() + 20
        while True:
            before = dump(self.subsystem)
            lines = at(R, "conntrack", *self.table).splitlines()
            if before == dump(self.subsystem) and len(before) == len(lines):
                return self.write(self.name + "_dump", before, lines)
            if time.monotonic() > end:
                raise RuntimeError("the table does not stand still")

    def write(self, name, messages, lines):
        assert len(messages) == len(lines), (name, len(messages), lines)
        if sys.argv[1:] and name not in sys.argv[1:]:
            return
        # what the clock and the tool's knowledge of the sender add is not in the message
        lines = [re.sub(r" delta-time=\d+| \[USERSPACE\].*", "", x.rstrip()) for x in lines]
        with open(os.path.join(self.out, name + ".bin"), "wb") as f:
            f.write(b"".join(messages))
        with open(os.path.join(self.out, name + ".txt"), "w") as f:
            f.write("".join(x + "\n" for x in lines))
        seeds = {len(m): m for m in reversed(messages)}  # one of each length
        there = os.path.join(self.out, "..", "..", "..", "fuzz", "corpus", self.corpus)
        os.makedirs(there, exist_ok=True)
        for n, m in enumerate(seeds.values()):
            with open(os.path.join(there, "%s-%d" % (name, n)), "wb") as f:
                f.write(m)
        print("%-20s %3d messages" % (name, len(messages)))

    def __exit__(self, kind, value, trace):
        messages = []

        def drain():
            try:
                while True:
                    messages.extend(m for _, m in split(self.events.recv(65536)))
            except BlockingIOError:
                pass

        def lines():
            self.lines.seek(0)
            return self.lines.read().splitlines()

        try:
            if kind is None:
                at(R, "conntrack", "-F")  # and with them the expectations
                drain()
                self.wait_for(lambda: drain() or len(lines()) >= len(messages))
        finally:
            self.tool.send_signal(signal.SIGINT)
            self.tool.wait()
        if kind is None:
            drain()
            self.write(self.name, messages, lines())
        self.events.close()


class ExpectScenario(Scenario):
    """The same of expectations."""

    subsystem, groups, corpus = NFNL_CTNETLINK_EXP, 56, "nfexp_parse"
    follow, table = ("-E", "expect"), ("-L", "expect")


def topology():
    for ns in (A, R, B):
        run("ip", "netns", "add", ns)
        at(ns, "ip", "link", "set", "lo", "up")
    for ns, n in ((A, 1), (B, 2)):
        run("ip", "link", "add", "up0", "netns", ns, "type", "veth",
            "peer", "name", "down%d" % n, "netns", R)
        at(R, "ip", "addr", "add", "10.71.%d.1/24" % n, "dev", "down%d" % n)
        at(R, "ip", "addr", "add", "fd71:%d::1/64" % n, "dev", "down%d" % n, "nodad")
        at(R, "ip", "link", "set", "down%d" % n, "up")
        at(ns, "ip", "addr", "add", "10.71.%d.2/24" % n, "dev", "up0")
        at(ns, "ip", "addr", "add", "fd71:%d::2/64" % n, "dev", "up0", "nodad")
        at(ns, "ip", "link", "set", "up0", "up")
        at(ns, "ip", "route", "add", "default", "via", "10.71.%d.1" % n)
        at(ns, "ip", "-6", "route", "add", "default", "via", "fd71:%d::1" % n)
    at(R, "ip", "addr", "add", "10.71.9.9/32", "dev", "lo")
    # longer than the client's in FTP's notation, for sequence numbers to need adjustment
    at(R, "ip", "addr", "add", "10.71.2.100/24", "dev", "down2")
    for key, value in (("net.ipv4.ip_forward", 1), ("net.ipv6.conf.all.forwarding", 1),
                       ("net.netfilter.nf_conntrack_acct", 1),
                       ("net.netfilter.nf_conntrack_timestamp", 1),
                       ("net.netfilter.nf_conntrack_events", 1),
                       ("net.netfilter.nf_conntrack_checksum", 0)):
        at(R, "sysctl", "-q", "-w", "%s=%d" % (key, value))
    # what the server's kernel has no protocol for is answered by this script alone
    nft(B, """table inet t { chain c { type filter hook input priority 0;
        meta l4proto { 132, 47, 103, 33 } drop; } }""")
    nft(A, """table inet t { chain c { type filter hook input priority 0;
        meta l4proto { 132, 47, 103, 33 } drop; } }""")


def tcp(family, to, port, bind, body=None, client_bind=None):
    """A connection from handshake to close; body(client, server) is called in between."""
    listener = sock(B, family, socket.SOCK_STREAM, bind=bind)
    listener.listen()
    client = sock(A, family, socket.SOCK_STREAM, bind=client_bind)
    client.connect((to, port))
    server, _ = listener.accept()
    client.sendall(b"hello\r\n")  # whole lines: helpers look for their ends
    server.recv(7)
    server.sendall(b"world\r\n")
    client.recv(7)
    if body:
        body(client, server)
    client.close()
    server.recv(1)
    server.close()
    listener.close()


def datagrams(family, proto, to, port, bind):
    server = sock(B, family, socket.SOCK_DGRAM, proto, bind)
    client = sock(A, family, socket.SOCK_DGRAM, proto)
    client.connect((to, port))
    for _ in range(3):
        client.send(b"x")
        _, peer = server.recvfrom(9)
        server.sendto(b"y", peer)
        client.recv(9)
    client.close()
    server.close()


def echo(family, proto, kind, to):
    s = sock(A, family, socket.SOCK_RAW, proto)
    packet = struct.pack("!BBHHH", kind, 0, 0, 0x4242, 1)
    if family == socket.AF_INET:
        packet = struct.pack("!BBHHH", kind, 0, 0xffff & ~((kind << 8) + 0x4242 + 1), 0x4242, 1)
    s.sendto(packet, (to, 0))
    while True:  # the reply, not our own request or a neighbour's message
        data = s.recv(200)
        if data[20 if family == socket.AF_INET else 0] in (0, 129):
            break
    s.close()


def raw(ns, family, proto, to, data):
    """Sends one packet and returns when the other side's interface has it."""
    s = sock(ns, family, socket.SOCK_RAW, proto)
    other = B if ns == A else A
    tap = in_ns(other, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(
        0x0800 if family == socket.AF_INET else 0x86dd)))
    tap.settimeout(10)
    s.sendto(data, (to, 0))
    while not tap.recv(2000).endswith(data):
        pass
    tap.close()
    s.close()


def sctp_chunk(vtag, kind, body, flags=0, ports=(5000, 6000)):
    return struct.pack("!HHII", *ports, vtag, 0) + struct.pack("!BBH", kind, flags, 4 + len(body)) + body


def sctp():
    init = struct.pack("!IIHHI", 0x11111111, 65536, 1, 1, 1)
    ack = struct.pack("!IIHHI", 0x22222222, 65536, 1, 1, 1)
    back = (6000, 5000)
    family, proto = socket.AF_INET, 132
    raw(A, family, proto, B4, sctp_chunk(0, 1, init))
    raw(B, family, proto, A4, sctp_chunk(0x11111111, 2, ack, ports=back))
    raw(A, family, proto, B4, sctp_chunk(0x22222222, 10, b"cook"))
    raw(B, family, proto, A4, sctp_chunk(0x11111111, 11, b"", ports=back))
    raw(A, family, proto, B4, sctp_chunk(0x22222222, 7, bytes(4)))
    raw(B, family, proto, A4, sctp_chunk(0x11111111, 8, b"", ports=back))
    raw(A, family, proto, B4, sctp_chunk(0x22222222, 14, b""))


def ftp(scenario):
    """Active FTP from behind SNAT: the helper rewrites PORT, so sequence numbers shift, and the
    data connection is expected by the control connection."""
    def body(client, server):
        data = sock(A, socket.AF_INET, socket.SOCK_STREAM, bind=(A4, 40001))
        data.listen()
        client.sendall(b"PORT 10,71,1,2,%d,%d\r\n" % divmod(40001, 256))
        words = server.recv(100).split()[1].split(b",")
        to = ".".join(x.decode() for x in words[:4]), int(words[4]) * 256 + int(words[5])
        server.sendall(b"200 ok\r\n")
        client.recv(100)
        transfer = sock(B, socket.AF_INET, socket.SOCK_STREAM, bind=(B4, 20))
        transfer.connect(to)
        peer, _ = data.accept()
        transfer.sendall(b"data")
        peer.recv(4)
        scenario.dump()
        transfer.close()
        peer.recv(1)
        peer.close()
        data.close()
    tcp(socket.AF_INET, B4, 21, (B4, 21), body)


def ftp_expected(scenario, family, to, source):
    """An active FTP client names a port that nobody connects to, so that the expectation stays."""
    def body(client, server):
        if family == socket.AF_INET:
            client.sendall(b"PORT 10,71,1,2,%d,%d\r\n" % divmod(40001, 256))
        else:
            client.sendall(b"EPRT |2|%s|40001|\r\n" % source.encode())
        server.recv(100)
        scenario.dump()
    tcp(family, to, 21, (to, 21), body)


def insert(*argv):
    at(R, "conntrack", "-I", *argv)


def capture(out):
    inet, inet6 = socket.AF_INET, socket.AF_INET6
    with Scenario(out, "tcp") as s:
        tcp(inet, B4, 80, (B4, 80), lambda c, d: s.dump())
    with Scenario(out, "tcp6") as s:
        tcp(inet6, B6, 80, (B6, 80), lambda c, d: s.dump())
    with Scenario(out, "udp") as s:
        datagrams(inet, 0, B4, 53, (B4, 53))
        datagrams(inet6, 0, B6, 53, (B6, 53))
    with Scenario(out, "udplite") as s:
        try:
            datagrams(inet, 136, B4, 53, (B4, 53))
        except OSError as e:
            print("udplite: %s; created by ctnetlink instead" % e)
            insert("-p", "udplite", "-s", A4, "-d", B4, "--sport", "1", "--dport", "2", "-t", "60")
    with Scenario(out, "icmp") as s:
        echo(inet, 1, 8, B4)
    with Scenario(out, "icmpv6") as s:
        echo(inet6, 58, 128, B6)
    with Scenario(out, "sctp") as s:
        sctp()
        s.dump()
    with Scenario(out, "gre") as s:
        raw(A, inet, 47, B4, struct.pack("!HH", 0, 0x0800) + b"payload")
        raw(B, inet, 47, A4, struct.pack("!HH", 0, 0x0800) + b"answer")
        insert("-p", "gre", "-s", A4, "-d", B4, "--srckey", "0x11", "--dstkey", "0x22", "-t", "60")
    with Scenario(out, "proto103") as s:
        raw(A, inet, 103, B4, b"hello pim")
        raw(A, inet6, 103, B6, b"hello pim6")
    with Scenario(out, "dccp") as s:
        # without a DCCP tracker in the kernel this is a generic entry with ports
        try:
            insert("-p", "dccp", "-s", A4, "-d", B4, "--sport", "1", "--dport", "2",
                   "--state", "OPEN", "--role", "client", "-t", "60")
        except RuntimeError as e:
            print("dccp: %s" % e)
        raw(A, inet, 33, B4, struct.pack("!HHBBHBBHI", 7, 8, 4, 0, 0, 0, 0, 0, 1))
    nat = """table ip n {
        chain pre { type nat hook prerouting priority -100;
            ip daddr 10.71.9.9 tcp dport 80 dnat to %s:8080; }
        chain post { type nat hook postrouting priority 100;
            meta l4proto tcp snat to 10.71.2.1:30000-30010
            oifname down2 snat to 10.71.2.1; } }
      table ip6 n {
        chain pre { type nat hook prerouting priority -100;
            tcp dport 88 dnat to [%s]:8080; }
        chain post { type nat hook postrouting priority 100;
            oifname down2 meta l4proto tcp snat to [fd71:2::1]:31000-31010; } }""" % (B4, B6)
    with Scenario(out, "nat", nat) as s:
        tcp(inet, "10.71.9.9", 80, (B4, 8080), lambda c, d: s.dump())
        tcp(inet6, "fd71:2::77", 88, (B6, 8080))
        echo(inet, 1, 8, B4)
    with Scenario(out, "zones", """table inet z {
        chain pre { type filter hook prerouting priority -300;
            udp dport 53 iifname down1 ct original zone set 11
            udp dport 54 iifname down1 ct zone set 7
            udp dport 55 iifname down2 ct reply zone set 12; } }""") as s:
        server = sock(A, inet, socket.SOCK_DGRAM, bind=(A4, 55))
        sender = sock(B, inet, socket.SOCK_DGRAM, bind=(B4, 1055))
        sender.sendto(b"x", (A4, 55))
        server.recv(9)
        for port in (53, 54):
            server = sock(B, inet, socket.SOCK_DGRAM, bind=(B4, port))
            sender = sock(A, inet, socket.SOCK_DGRAM, bind=(A4, 1000 + port))
            sender.sendto(b"x", (B4, port))
            server.recv(9)
        s.dump()
    with Scenario(out, "labels_mark", """table inet l {
        chain c { type filter hook forward priority 1;
            ct mark set 0xdeadbeef
            ct label set 5
            ct label set 127; } }""") as s:
        datagrams(inet, 0, B4, 53, (B4, 53))
        s.dump()
    with Scenario(out, "ftp", """table ip h {
        ct helper ftp { type "ftp" protocol tcp; }
        chain pre { type filter hook prerouting priority -150; tcp dport 21 ct helper set "ftp"; }
        chain post { type nat hook postrouting priority 100;
            oifname down2 tcp dport 21 snat to 10.71.2.100; } }""") as s:
        ftp(s)
    helpers = """table inet h {
        ct helper ftp4 { type "ftp" protocol tcp; l3proto ip; }
        ct helper ftp6 { type "ftp" protocol tcp; l3proto ip6; }
        chain pre { type filter hook prerouting priority -150;
            ip protocol tcp tcp dport 21 ct helper set "ftp4";
            ip6 nexthdr tcp tcp dport 21 ct helper set "ftp6"; } }"""
    with ExpectScenario(out, "expect_ftp", helpers) as s:
        ftp_expected(s, inet, B4, A4)
    with ExpectScenario(out, "expect_ftp6", helpers) as s:
        s.table = (*s.table, "-f", "ipv6")
        ftp_expected(s, inet6, B6, A6)
    with ExpectScenario(out, "expect_nat", helpers + """
      table ip n { chain post { type nat hook postrouting priority 100;
            oifname down2 tcp dport 21 snat to 10.71.2.100; } }""") as s:
        ftp_expected(s, inet, B4, A4)
    with Scenario(out, "synproxy", """table inet y {
        chain pre { type filter hook prerouting priority -300;
            tcp dport 81 tcp flags syn notrack; }
        chain c { type filter hook forward priority 1;
            tcp dport 81 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm; } }""") as s:
        at(R, "sysctl", "-q", "-w", "net.netfilter.nf_conntrack_tcp_loose=0")
        tcp(inet, B4, 81, (B4, 81), lambda c, d: s.dump())
        at(R, "sysctl", "-q", "-w", "net.netfilter.nf_conntrack_tcp_loose=1")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = os.path.join(here, "captures", "nlmsg")
    os.makedirs(out, exist_ok=True)
    try:
        topology()
        capture(out)
    finally:
        for ns in (A, R, B):
            subprocess.run(["ip", "netns", "del", ns], capture_output=True, check=False)


if __name__ == "__main__":
    main()
