#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's nfct, iptstate, ulogd, dnsmasq and iptables' connlabel match on our library."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases  # noqa: E402
from clients import XML_ICMP_KEY, Sides, all_heard, differences, normalised, same_text, unread  # noqa: E402
from ctnl import (SETTLED, TCP, UDP, add_flows, allow_labels, change_flows,  # noqa: E402
                  delete_flows, flow, kernel_table, same_tables, zoo)
from netns import Failed, Lab, TimedOut, unpacked, wait_for  # noqa: E402

CONNLABELS = "1 bulk\n2 two words\n0x7f last\n"


def prepare(space):
    space.track()
    allow_labels(space)
    space.sysctl(netfilter__nf_conntrack_acct=1, netfilter__nf_conntrack_timestamp=1,
                 netfilter__nf_conntrack_events=1)


def test_nfct():
    """It links other libraries of the family; the folder of ours in its path changes nothing."""
    program, _ = unpacked("nfct")
    commands = ("", "help", "version list", "list timeout", "add timeout t1 inet tcp established 5",
                "list timeout", "get timeout t1", "add timeout t1 inet udp replied 9",
                "add timeout t2 inet6 udp unreplied 3 replied 4", "list timeout", "get timeout none",
                "default-get timeout inet tcp", "default-set timeout inet icmp timeout 7",
                "default-get timeout inet icmp", "delete timeout t1", "delete timeout t1",
                "flush timeout", "list timeout", "list helper", "add helper ftp inet tcp",
                "foo timeout")
    with Lab("cn") as lab:
        pair = Sides(lab, lab.ns("ours"), lab.ns("debian"))
        for command in commands:
            pair.same(program, *command.split(), links=False)


def on_terminal(side, argv, keys=()):
    """What a program writes to a terminal of 132 by 60; keys: (text to wait for, keys to press)."""
    tag = side.tag()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 132, 0, 0))
    process = subprocess.Popen(side.argv(argv, {**side.environment(tag), "TERM": "vt100"}),
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    side.lab.defer(process.kill)
    os.close(slave)
    shown, keys, end = b"", list(keys), time.monotonic() + 30
    try:
        while True:
            if not select.select([master], [], [], max(0, end - time.monotonic()))[0]:
                raise TimedOut(f"{argv[0]} shows only {shown.decode(errors='replace')}")
            try:
                data = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            shown += data
            if keys and keys[0][0].encode() in shown:
                os.write(master, keys.pop(0)[1].encode())
                shown = b""
    finally:
        os.close(master)
    status = process.wait(10)
    side.check_run(tag, argv[0])
    return status, shown.decode().replace("\r\n", "\n")


def test_iptstate():
    program, _ = unpacked("iptstate")
    ttl = re.compile(r"\d+:\d\d:\d\d")
    with Lab("ci") as lab:
        space = lab.ns("both")
        prepare(space)
        add_flows(space, zoo().values())
        pair = Sides(lab, space)
        for options in ("", "-t", "-C", "-o", "-r", "-b S", "-b d", "-b D -r", "-b p", "-b s",
                        "-C -b b", "-s 10.1.0.1", "-d 10.2.0.0/16 -i", "-D 80", "-S 1000", "-f -L",
                        "-s 2001:db8:1::1", "-m -t -C"):
            results = [on_terminal(side, [program, "-1", *options.split()]) for side in pair]
            (status, ours), (debian_status, debian) = results
            equal(status, debian_status, f"exit status of iptstate -1 {options}")
            same_text(f"iptstate -1 {options}", *(ttl.sub("H:MM:SS", t) for t in (ours, debian)))
            if not options and ("10.1.0.1" not in ours or "ESTABLISHED" not in ours):
                raise Failed(f"iptstate shows no flows: {ours}")


def test_iptstate_deletes():
    """On the screen the state under the cursor is deleted: a query with the flow's tuple."""
    program, _ = unpacked("iptstate")
    flows = [flow(TCP, "10.1.0.1", "10.2.0.1", 1, 80, tcp="ESTABLISHED", status=SETTLED),
             flow(UDP, "10.1.0.2", "10.2.0.1", 2, 53),
             flow(TCP, "2001:db8::3", "2001:db8::4", 3, 80, tcp="ESTABLISHED", status=SETTLED)]
    with Lab("cj") as lab:
        pair = Sides(lab, lab.ns("ours"), lab.ns("debian"))
        for left in range(len(flows), 0, -1):
            tables = []
            for side in pair:
                if left == len(flows):
                    prepare(side.space)
                    add_flows(side.space, flows)
                # The first line of the list carries the cursor.
                keys = [("10.2.0.1" if left > 1 else "2001:db8::", "x"), ("Are you sure", "y\r"), ("", "q")]
                equal(on_terminal(side, [program], keys)[0], 0, "exit status of iptstate")
                equal(side.space.count(), left - 1, "flows left")
                tables.append(kernel_table(side.space))
            same_tables(*tables, "the table that iptstate left")


ULOGD_CONF = """\
[global]
logfile="{out}/log"
loglevel=3
{plugins}
stack=ct1:NFCT,ip2str1:IP2STR,print1:PRINTFLOW,emu1:LOGEMU
stack=ct1:NFCT,xml1:XML
stack=ct1:NFCT,ip2str1:IP2STR,gp1:GPRINT
stack=ct1:NFCT,op1:OPRINT
[ct1]
{options}
[emu1]
file="{out}/emu"
sync=1
[xml1]
directory="{out}/"
sync=1
[gp1]
file="{out}/gprint"
sync=1
[op1]
file="{out}/oprint"
sync=1
"""
PLUGINS = ("inpflow_NFCT", "filter_IP2STR", "filter_PRINTFLOW", "output_LOGEMU", "output_XML",
           "output_GPRINT", "output_OPRINT")
ULOGD_VOLATILE = (
    (re.compile(r"^\w{3} +\d+ \d\d:\d\d:\d\d \S+ ", re.M), "WHEN HOST "),
    (re.compile(r"flow\.(start|end)\.(sec|usec)=\d+"), r"flow.\1.\2=N"),
)


class Ulogd:
    """Debian's ulogd with NFCT as its input, on one side; its files after its end."""

    def __init__(self, side, name, options):
        program, libs = unpacked("ulogd")
        folder = next(f for f in (os.path.join(d, "ulogd")
                                  for d in libs["LD_LIBRARY_PATH"].split(":")) if os.path.isdir(f))
        self.out = side.lab.path(f"{name}-{side.library.name}")
        os.makedirs(self.out)
        plugins = "\n".join(f'plugin="{folder}/ulogd_{p}.so"' for p in PLUGINS)
        conf = side.lab.write(f"{os.path.basename(self.out)}.conf", ULOGD_CONF.format(
            out=self.out, plugins=plugins, options=options))
        self.process = side.spawn(program, "-c", conf, name=name)
        wait_for(self.ready, 30, "ulogd's main loop")

    def ready(self):
        self.process.check_alive()
        path = os.path.join(self.out, "log")
        return os.path.exists(path) and "entering main loop" in self.read("log")

    def read(self, name):
        with open(os.path.join(self.out, name)) as f:
            return f.read()

    def stop(self):
        """{name of the file: its text without what is volatile}, the flow files' XML as one."""
        equal(self.process.stop(), 0, "exit status of ulogd")
        self.process.proven()
        texts = {}
        for name in sorted(os.listdir(self.out)):
            text = self.read(name)
            if name == "log":
                continue
            for pattern, word in ULOGD_VOLATILE:
                text = pattern.sub(word, text)
            key = "xml" if name.endswith(".xml") else name
            texts[key] = texts.get(key, "") + text
        return texts


def ulogd_pair(pair, name, options):
    return [Ulogd(side, name, options) for side in pair]


def life(space, flows):
    add_flows(space, flows.values())
    change_flows(space, [{**flows["tcp4"], "tcp": "CLOSE_WAIT", "mark": 9},
                         {**flows["sctp6"], "sctp": ("SHUTDOWN_SENT", 1, 2)}])
    delete_flows(space, flows.values())


def same_files(what, ours, debian, needed=("emu", "xml", "gprint", "oprint")):
    equal(sorted(ours), sorted(debian), f"{what}: files")
    for name in needed:
        if not ours.get(name):
            raise Failed(f"{what}: nothing in {name}")
    for name, text in ours.items():
        same_text(f"{what}: {name}", text, debian[name])


def test_ulogd_events():
    """Each event as it comes, and flows with their ends from its table."""
    with Lab("cu") as lab:
        space = lab.ns("both")
        prepare(space)
        pair = Sides(lab, space)
        runs = {options: ulogd_pair(pair, f"u{n}", options) for n, options in enumerate((
            "hash_enable=0", "hash_enable=0\nevent_mask=0x4", "hash_enable=1",
            "hash_enable=0\naccept_proto_filter=tcp,sctp",
            "hash_enable=0\naccept_src_filter=10.1.0.0/16",
            "hash_enable=1\nreliable=1\nnetlink_socket_buffer_size=1048576"))}
        life(space, zoo())
        all_heard(space, [u.process for run in runs.values() for u in run])
        for options, run in runs.items():
            same_files(f"ulogd {options!r}", *(u.stop() for u in run))


def test_ulogd_polling():
    """The table is read once a second; a flow is told when it is there no more."""
    marker = flow(UDP, "10.77.0.1", "10.77.0.2", 7, 7)
    with Lab("cp") as lab:
        space = lab.ns("both")
        prepare(space)
        pair = Sides(lab, space)
        # It knows no zones: of two flows that differ in theirs alone it tells one.
        flows = {name: f for name, f in zoo().items() if name != "zone, same tuple"}
        add_flows(space, flows.values())
        run = ulogd_pair(pair, "poll", "pollinterval=1")

        def polled():
            # What saw the marker come and go has seen the others, too.
            for tell in (add_flows, delete_flows):
                tell(space, [marker])
                time.sleep(0.6)
            return all("10.77.0.1" in u.read("gprint") for u in run)
        # It has to be there at one reading and gone at the next, so it comes and goes in time.
        wait_for(polled, 60, "both have told of the marker")
        delete_flows(space, flows.values())
        wait_for(lambda: all(len(without_marker({"": u.read("gprint")})[""]) == len(flows)
                             for u in run), 30, "both have told of all")
        ours, debian = (without_marker(u.stop()) for u in run)
        for name, records in ours.items():

            same_text(f"ulogd polling: {name}", "".join(records), "".join(debian[name]))


def without_marker(texts):
    """The records in each file, sorted, for a table is read in the kernel's order at that moment."""
    def records(text):
        if "===>" in text:
            text = text.split("===>PACKET BOUNDARY\n")
        else:
            text = text.splitlines(keepends=True)
        # Not by what Debian's library leaves out.
        return sorted((t for t in text if t and "10.77.0" not in t and "0.77.10" not in t),
                      key=lambda t: XML_ICMP_KEY.sub(r"\1", t))
    return {name: records(text) for name, text in texts.items()}


def addresses(text):
    """Source addresses in GPRINT's file, as a sorted list."""
    return sorted(re.findall(r"orig\.ip\.saddr\.str=(\S+?),", text))


def test_ulogd_filters_fixed():
    """Filters of addresses in the kernel, where Debian's library drops what it should not."""
    with Lab("cf") as lab:
        space = lab.ns("both")
        prepare(space)
        pair = Sides(lab, space)
        v4 = flow(UDP, "10.1.0.1", "10.2.0.1", 1, 53)
        other4 = flow(UDP, "10.3.0.1", "10.4.0.1", 1, 53)
        v6 = [flow(UDP, f"2001:db8:{n}::1", "2001:db8:9::1", 1, 53) for n in (1, 2, 3)]
        dst4 = ulogd_pair(pair, "dst4", "hash_enable=0\naccept_dst_filter=10.2.0.0/16")
        src6 = ulogd_pair(pair, "src6", "hash_enable=0\naccept_src_filter="
                                        "2001:db8:1::/64,2001:db8:2::/64")
        add_flows(space, [v4, other4, *v6])
        all_heard(space, [u.process for u in dst4 + src6])
        ours, debian = (addresses(u.stop()["gprint"]) for u in dst4)
        equal(debian, ["10.1.0.1"], "Debian's library, a list of IPv4 destinations")
        equal(ours, ["10.1.0.1", *(f["src"] for f in v6)], "ours, with IPv6 flows let pass")
        ours, debian = (addresses(u.stop()["gprint"]) for u in src6)
        equal(debian, ["10.1.0.1", "10.3.0.1", v6[0]["src"]], "Debian's, two IPv6 sources")
        equal(ours, ["10.1.0.1", "10.3.0.1", v6[0]["src"], v6[1]["src"]], "ours, both sources")


QUERY = r"""
import socket, struct, sys, threading
family, listen, upstream, transport, port = sys.argv[1:]
family = socket.AF_INET6 if family == "6" else socket.AF_INET
def answer(d):
    end = d.index(b"\0", 12) + 5
    return d[:2] + b"\x84\0\0\1\0\1\0\0\0\0" + d[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
udp = socket.socket(family, socket.SOCK_DGRAM)
udp.bind((upstream, 5354))
tcp = socket.socket(family, socket.SOCK_STREAM)
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tcp.bind((upstream, 5354)), tcp.listen()
def serve():
    while True:
        d, a = udp.recvfrom(600)
        udp.sendto(answer(d), a)
def serve_tcp():
    while True:
        s, _ = tcp.accept()
        size, = struct.unpack("!H", s.recv(2))
        reply = answer(s.recv(size))
        s.sendall(struct.pack("!H", len(reply)) + reply)
for f in serve, serve_tcp:
    threading.Thread(target=f, daemon=True).start()
name = b"\x03two\x03six" if family == socket.AF_INET6 else b"\x03one\x04four"
query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1"
c = socket.socket(family, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
c.settimeout(20)
c.bind((listen, int(port)))
c.connect((listen, 5353))
c.send(query if transport == "udp" else struct.pack("!H", len(query)) + query)
print(c.recv(600))
"""


class Dnsmasq:
    """A namespace where queries are marked, and upstream's counted by their mark."""

    def __init__(self, side):
        self.side, self.space = side, side.space
        prepare(self.space)
        self.space.ip("addr add 10.0.0.53/32 dev lo", "addr add fd00::53/128 dev lo")
        self.space.nft("""table inet dns {
            chain marking { type filter hook output priority mangle;
                udp dport 5353 ct mark set udp sport map { 4001 : 0x11, 4002 : 0x12 };
                tcp dport 5353 ct mark set tcp sport map { 4003 : 0x13, 4004 : 0x14 }; };
            chain counting { type filter hook output priority filter;
                udp dport 5354 meta mark 0x11 counter;
                udp dport 5354 meta mark 0x12 counter;
                tcp dport 5354 tcp flags syn meta mark 0x13 counter;
                tcp dport 5354 tcp flags syn meta mark 0x14 counter;
                meta l4proto { tcp, udp } th dport 5354 meta mark 0 counter; }; }""")
        program, _ = unpacked("dnsmasq")
        self.process = side.spawn(
            program, "--conntrack", "--port=5353", "--no-resolv", "--no-hosts",
            "--server=10.0.0.53#5354", "--server=/six/fd00::53#5354", "--keep-in-foreground",
            "--pid-file=", "--user=root", "--listen-address=127.0.0.1", "--listen-address=::1",
            "--bind-interfaces", "--conf-file=/dev/null", "--cache-size=0", "--log-queries",
            "--log-facility=-", name="dnsmasq")
        wait_for(lambda: self.process.check_alive() and "for domain six" in self.process.log_text(),
                 30, "dnsmasq is ready")

    def ask(self, *argv):
        return self.space.run(sys.executable, "-c", QUERY, *argv).stdout

    def stop(self):
        """(answers, counters, log)"""
        answers = [self.ask("4", "127.0.0.1", "10.0.0.53", "udp", "4001"),
                   self.ask("6", "::1", "fd00::53", "udp", "4002"),
                   self.ask("4", "127.0.0.1", "10.0.0.53", "tcp", "4003"),
                   self.ask("6", "::1", "fd00::53", "tcp", "4004")]
        counters = re.findall(r"mark (\S+) counter packets (\d+)",
                              self.space.run("nft", "list", "chain", "inet", "dns", "counting").stdout)
        equal(self.process.stop(), 0, "exit status of dnsmasq")
        self.process.proven()
        log = re.sub(r"^dnsmasq\[\d+\]", "dnsmasq", self.process.log_text(), flags=re.M)
        return answers, counters, log


def test_dnsmasq():
    """The mark of a client's query goes on to the query for it upstream."""
    with Lab("cd") as lab:
        # With libasan it hangs before it has read its options, on Debian's library as well.
        pair = Sides(lab, lab.ns("ours"), lab.ns("debian"), sanitized=False)
        ours, debian = (Dnsmasq(side).stop() for side in pair)
        equal(ours[1], [("0x00000011", "1"), ("0x00000012", "1"), ("0x00000013", "1"),
                        ("0x00000014", "1"), ("0x00000000", "0")], "queries upstream by mark")
        equal(ours[0], debian[0], "answers")
        equal(ours[1], debian[1], "queries upstream by mark")
        same_text("dnsmasq's log", ours[2], debian[2])


RULES = (
    "-A OUTPUT -m connlabel --label bulk --set -j ACCEPT", "-A OUTPUT -m connlabel --label 1",
    "-A OUTPUT -m connlabel ! --label last", "-A INPUT -m connlabel --label 127 --set",
    "-A INPUT -m connlabel --label 99", "-A INPUT -m connlabel --label none",
    "-A INPUT -m connlabel --label 128", "-A INPUT -m connlabel", "-A INPUT -m connlabel --label",
    "-S", "-S OUTPUT", "-L -n", "-L -n -v", "-C OUTPUT -m connlabel --label 1",
    "-C OUTPUT -m connlabel --label bulk", "-C OUTPUT -m connlabel --label last",
    "-D OUTPUT -m connlabel --label bulk", "-S", "-m connlabel --help",
)


def test_iptables_connlabel():
    """The extension is loaded by dlopen, and our library with it; names and bits both ways."""
    done = 0
    for program in ("iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"):
        for etc in ({"xtables/connlabel.conf": CONNLABELS}, {"xtables/other": ""}):
            with Lab("cl") as lab:
                pair = Sides(lab, lab.ns("ours"), lab.ns("debian"), etc=etc)
                env = {"XTABLES_LOCKFILE": lab.path("lock")}
                probe = pair.spaces[1].run(program, "-A", "INPUT", "-m", "conntrack", "--ctstate",
                                           "NEW", check=False)
                if probe.returncode != 0:
                    continue
                pair.spaces[0].run(program, "-A", "INPUT", "-m", "conntrack", "--ctstate", "NEW")
                for rule in RULES:
                    # A command without the match loads no extension before rules have it.
                    pair.same(program, *rule.split(), env=env)
                pair.same(program, "-A", "INPUT", "-m", "connlabel", "--label", "two words", env=env)
                shown = pair.same(program, "-S", env=env).stdout
                if len(etc) and "other" not in str(etc) and '"two words"' not in shown:
                    raise Failed(f"{program} shows no name in {shown}")
                done += 1
    if not done:
        raise Skipped("this kernel has no tables for iptables")


if __name__ == "__main__":
    run_cases(globals())
