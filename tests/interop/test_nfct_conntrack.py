#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's conntrack on our libnetfilter_conntrack: what it prints, writes and refuses."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from clients import (Fix, Side, Sides, all_heard, all_shown, debian_library, our_library,  # noqa: E402
                     same_text, unread)
from ctnl import (FIXED_TIMEOUT, SETTLED, TCP, UDP, add_flows, allow_labels,  # noqa: E402
                  change_flows, delete_flows, flow, kernel_table, same_tables, zoo)
from netns import Failed, Lab, wait_for  # noqa: E402

CONNLABELS = """\
# a comment
0 svc-a
5 two words
0x40 hexadecimal
127 last
"""
ETC = {"xtables/connlabel.conf": CONNLABELS}
TUPLE = ("-s", "10.1.0.1", "-d", "10.2.0.1")
TUPLE6 = ("-s", "2001:db8:1::1", "-d", "2001:db8:2::1")


def rich_zoo():
    """The flows of every kind, and some that only outputs tell apart."""
    flows = zoo()
    v4 = ("10.1.0.1", "10.2.0.1")
    flows["labels without names"] = flow(UDP, *v4, 3100, 53, labels=[1, 63])
    flows["labels, some with names"] = flow(UDP, *v4, 3101, 53, labels=[1, 64])
    flows["fixed timeout"] = flow(UDP, *v4, 3102, 53, status=SETTLED | FIXED_TIMEOUT)
    flows["unknown protocol"] = flow(103, *v4, status=SETTLED)
    flows["proto 255"] = flow(255, "2001:db8:1::1", "2001:db8:2::1")
    for n, one in enumerate(flows.values()):
        one.setdefault("timeout", 1500 + n)
    return flows


def prepare(space):
    space.track()
    allow_labels(space)
    space.sysctl(netfilter__nf_conntrack_acct=1, netfilter__nf_conntrack_timestamp=1,
                 netfilter__nf_conntrack_events=1)


def one_space(lab, name="both"):
    """Both libraries beside each other in one namespace, whose table is full of kinds."""
    space = lab.ns(name)
    prepare(space)
    add_flows(space, rich_zoo().values())
    return Sides(lab, space, etc=ETC)


def two_spaces(lab):
    spaces = [lab.ns("ours"), lab.ns("debian")]
    for space in spaces:
        prepare(space)
    return Sides(lab, *spaces, etc=ETC)


def same_kernels(pair, what):
    ours, debian = (kernel_table(s) for s in pair.spaces)
    same_tables(ours, debian, f"the kernel's table after {what}")


def test_the_library_is_ours():
    with Lab("nl") as lab:
        space = lab.ns("a")
        ours, debian = (Side(lab, space, lib) for lib in (our_library(), debian_library()))
        ours.run("conntrack", "-C")
        debian.run("conntrack", "-C")
        # The check itself: with Debian's in its place a run of ours fails.
        tag = "wrong"
        env = {**ours.environment(tag), "LD_LIBRARY_PATH": debian.library.folder}
        space.run("env", *(f"{k}={v}" for k, v in env.items()), "conntrack", "-C")
        try:
            ours.check_run(tag, "conntrack")
        except Failed:
            return
        raise Failed("a run on Debian's library passed for one on ours")


FORMATS = (
    [], ["-o", "extended"], ["-o", "id"], ["-o", "xml"], ["-o", "labels"], ["-o", "save"],
    ["-o", "ktimestamp"], ["-o", "timestamp"], ["-o", "userspace"],
    ["-o", "extended,id,labels,ktimestamp"], ["-o", "xml,id,labels,ktimestamp"],
    ["-o", "xml,timestamp"], ["-o", "xml,extended"],
)


def test_list_formats():
    with Lab("nf") as lab:
        pair = one_space(lab)
        for options in FORMATS:
            done = pair.same("conntrack", "-L", *options, status=0)
            if f"{len(rich_zoo())} flow entries have been shown" not in done.stderr:
                raise Failed(f"conntrack -L {options}: not the whole table: {done.stderr}")
        all_shown()


FILTERS = (
    "-p tcp", "-p udp", "-p udplite", "-p sctp", "-p icmp", "-p icmpv6", "-p gre", "-p dccp",
    "-p 50", "-p 103", "-p 255", "-f ipv4", "-f ipv6", "-f ipv4 -p icmp", "-f ipv6 -p tcp",
    "-p tcp --state ESTABLISHED", "-p tcp --state TIME_WAIT", "-p sctp --state ESTABLISHED",
    "-p sctp --orig-vtag 184549376", "-p sctp --orig-vtag 11 --reply-vtag 22",
    "-p tcp --sport 1000", "-p tcp --dport 80", "-p tcp --reply-port-dst 4000",
    "-p udp --sport 1000 --dport 53", "-p gre --srckey 0x1111", "-p gre --srckey 1 --dstkey 2",
    "-p icmp --icmp-type 8", "-p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77",
    "-p icmpv6 --icmpv6-type 128", "-p icmpv6 --icmpv6-id 3",
    "-s 10.1.0.1", "-s 10.9.9.9", "-d 10.2.0.1", "-r 10.2.0.1", "-q 192.0.2.1", "-q 10.1.0.1",
    "-s 10.0.0.0/8", "-d 10.2.0.0/16", "-s 10.1.0.1 --mask-src 255.0.0.0", "-d 10.2.0.1/0",
    "-s 2001:db8:1::1", "-d 2001:db8:2::1", "-s 2001:db8::/32", "-d 2001:db8:2::/48 -p tcp",
    "-r 2001:db8:3::1", "-q 2001:db8:9::1", "-s 10.1.0.1 -f ipv6",
    "-m 0", "-m 0x80000055", "-m 0x50/0xf0", "-m 1/1", "-m 0x80000000/0x80000000",
    "-u ASSURED", "-u SEEN_REPLY", "-u UNREPLIED", "-u !ASSURED", "-u SEEN_REPLY,ASSURED",
    "-u EXPECTED", "-u FIXED_TIMEOUT", "-u OFFLOAD", "-u ASSURED,!SEEN_REPLY", "-u UNSET",
    "-w 0", "-w 7", "-w 8", "-w 9", "--orig-zone 8", "--reply-zone 9", "--orig-zone 0",
    "-w 7 -p tcp", "-l svc-a", "-l last", "-l svc-a,last", "-l hexadecimal", "-l nothing",
    "-n", "-g", "-j", "-n 192.0.2.1", "-n 192.0.2.1:4000", "-g 10.3.0.1", "-g 10.3.0.1:8080",
    "-n -g", "-n 192.0.2.1 -g 10.3.0.1", "-j 192.0.2.1", "-j 10.3.0.1:8080", "-n -f ipv6",
    "-n 2001:db8:9::1", "-g [2001:db8:3::1]:8080", "-c 0", "-c 5", "-s 10.1.0.1 -p tcp -m 0 -w 0",
    "-o save -p tcp", "-o save -w 7", "-o save -n", "-o xml -p sctp", "-o xml -w 7",
    "-o xml -p 254", "-o extended,id -f ipv6 -p icmpv6", "-o labels -p udp",
)


def without_icmp(text):
    """What is mapped at both ends or the destination: of ICMP ids, taken for ports, look so, too."""
    text = re.sub(r"^icmp .*\n", "", text, flags=re.M)
    return re.sub(r"(\d+) flow entries", lambda m: f"{int(m[1]) - 1} flow entries", text)


def test_list_filters():
    with Lab("ni") as lab:
        pair = one_space(lab)
        for options in FILTERS:
            fix = Fix("ids of ICMP are no ports", without_icmp) if options in ("-g", "-n -g") else None
            pair.same("conntrack", "-L", *options.split(), fix=fix)
        pair.same("conntrack", "-L", "-l", "two words")
        for table in ("dying", "unconfirmed", "expect"):
            pair.same("conntrack", "-L", table)


def test_get():
    with Lab("ng") as lab:
        pair = one_space(lab)
        tcp = ("-p", "tcp", "--sport", "1000", "--dport", "80")
        for options in FORMATS:
            pair.same("conntrack", "-G", *TUPLE, *tcp, *options, status=0)
        pair.same("conntrack", "-G", *TUPLE6, *tcp, status=0)
        pair.same("conntrack", "-G", *TUPLE6, *tcp, "-o", "save", status=0)
        pair.same("conntrack", "-G", "-r", "10.2.0.1", "-q", "10.1.0.1", "-p", "tcp",
                  "--reply-port-src", "80", "--reply-port-dst", "1000")
        pair.same("conntrack", "-G", *TUPLE, "-p", "udp", "--sport", "1001", "--dport", "53",
                  status=0)
        pair.same("conntrack", "-G", *TUPLE, "-p", "sctp", "--sport", "1000", "--dport", "36412",
                  "-o", "xml", status=0)
        pair.same("conntrack", "-G", *TUPLE, "-p", "gre", "--srckey", "0x1111", "--dstkey",
                  "0x2222", status=0)
        pair.same("conntrack", "-G", *TUPLE, "-p", "icmp", "--icmp-type", "8", "--icmp-code", "0",
                  "--icmp-id", "77", status=0)
        pair.same("conntrack", "-G", *TUPLE6, "-p", "icmpv6", "--icmpv6-type", "128",
                  "--icmpv6-code", "0", "--icmpv6-id", "79", "-o", "extended", status=0)
        pair.same("conntrack", "-G", *TUPLE, "-p", "esp", status=0)
        pair.same("conntrack", "-G", *TUPLE, "-p", "tcp", "--sport", "9", "--dport", "9", status=1)
        pair.same("conntrack", "-G", *TUPLE, "-p", "udp", "--sport", "3100", "--dport", "53", "-l",
                  "svc-a")


def talk(space):
    """Some packets over the loopback, in both directions."""
    space.run(sys.executable, "-c", """
import socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab")
a.bind(("127.0.0.1", 4001)), b.bind(("127.0.0.1", 4002))
a.sendto(b"x" * 100, ("127.0.0.1", 4002)), b.recv(200)
b.sendto(b"y" * 30, ("127.0.0.1", 4001)), a.recv(200)
""")


def test_counters_and_statistics():
    with Lab("ns") as lab:
        pair = one_space(lab)
        talk(pair.spaces[0])
        equal(pair.same("conntrack", "-C", status=0).stdout.strip(),
              str(len(rich_zoo()) + 1), "flows counted")
        pair.same("conntrack", "-C", "expect", status=0)
        pair.same("conntrack", "-S", status=0)
        pair.same("conntrack", "-S", "expect", status=0)
        shown = pair.same("conntrack", "-L", "-p", "udp", "--sport", "4001", status=0).stdout
        if "packets=1 bytes=128" not in shown or "packets=1 bytes=58" not in shown:
            raise Failed(f"no counters in {shown}")
        pair.same("conntrack", "-L", "-p", "udp", "--sport", "4001", "-o", "xml", status=0)
        pair.same("conntrack", "-L", "-z", "-p", "udp", status=2)
    with Lab("nz") as lab:
        pair = two_spaces(lab)
        for space in pair.spaces:
            talk(space)
        for _ in range(2):  # with what was there, then with zeroes
            pair.same("conntrack", "-L", "-z", status=0)


CREATE = (
    "-I -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 1000",
    "-I -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 1000",
    "-A -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 2000",
    "-A -p tcp --sport 2 --dport 2 --state SYN_SENT -t 1000",
    "-I -p tcp --sport 3 --dport 2 --state LISTEN -t 1000 -u ASSURED,SEEN_REPLY",
    "-I -p tcp --sport 4 --dport 2 --state TIME_WAIT -t 1000 -u SEEN_REPLY -m 0x55",
    "-I -p tcp --sport 5 --dport 2 --state CLOSE -t 1000 -u FIXED_TIMEOUT",
    "-I -p udp --sport 1 --dport 2 -t 1000 -m 7",
    "-I -p udp --sport 2 --dport 2 -t 1000 -w 5",
    "-I -p udp --sport 3 --dport 2 -t 1000 --orig-zone 6",
    "-I -p udp --sport 4 --dport 2 -t 1000 --reply-zone 7",
    "-I -p udp --sport 5 --dport 2 -t 1000 --orig-zone 8 --reply-zone 9",
    "-I -p udp --sport 6 --dport 2 -t 1000 --label-add svc-a",
    "-I -p udp --sport 7 --dport 2 -t 1000 --label-add svc-a,last",
    "-I -p udplite --sport 1 --dport 2 -t 1000",
    "-I -p sctp --sport 1 --dport 2 -t 1000 --state ESTABLISHED --orig-vtag 3 --reply-vtag 4",
    "-I -p sctp --sport 2 --dport 2 -t 1000 --state COOKIE_ECHOED --orig-vtag 3 --reply-vtag 4",
    "-I -p dccp --sport 1 --dport 2 -t 1000 --state OPEN --role client",
    "-I -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 9 -t 1000",
    "-I -p icmp --icmp-type 13 --icmp-code 0 --icmp-id 9 -t 1000",
    "-I -p icmp --icmp-type 3 --icmp-code 0 --icmp-id 9 -t 1000",
    "-I -p icmp --icmp-type 17 --icmp-code 0 -t 1000",
    "-I -p gre --srckey 17 --dstkey 34 -t 1000",
    "-I -p esp -t 1000", "-I -p 103 -t 1000", "-I -p 0 -t 1000",
    "-I -p tcp --sport 10 --dport 2 --state ESTABLISHED -t 1000 -n 192.0.2.1",
    "-I -p tcp --sport 11 --dport 2 --state ESTABLISHED -t 1000 -n 192.0.2.1:5000",
    "-I -p tcp --sport 12 --dport 2 --state ESTABLISHED -t 1000 -g 10.3.0.1:8080",
    "-I -p tcp --sport 13 --dport 2 --state ESTABLISHED -t 1000 -n 192.0.2.1:5001 -g 10.3.0.1",
    "-I -p udp --sport 14 --dport 2 -t 1000 -n 192.0.2.1 -g 10.3.0.2:53",
    "-I -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 11 -t 1000 -n 192.0.2.1",
    "-I -p sctp --sport 9 --dport 2 -t 1000 --state ESTABLISHED --orig-vtag 3 --reply-vtag 4 "
    "-n 192.0.2.1",
    "-I -p gre --srckey 18 --dstkey 34 -t 1000 -g 10.3.0.3",
    "-I -p tcp --sport 20 --dport 2 --state ESTABLISHED -t 1000 -r 10.2.0.9 -q 10.1.0.9 "
    "--reply-port-src 3 --reply-port-dst 4",
)
CREATE6 = (
    "-I -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 1000",
    "-I -p udp --sport 1 --dport 2 -t 1000 -w 5 -m 1",
    "-I -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 5 -t 1000",
    "-I -p icmpv6 --icmpv6-type 139 --icmpv6-code 0 --icmpv6-id 5 -t 1000",
    "-I -p icmpv6 --icmpv6-type 1 --icmpv6-code 0 --icmpv6-id 5 -t 1000",
    "-I -p sctp --sport 1 --dport 2 -t 1000 --state ESTABLISHED --orig-vtag 3 --reply-vtag 4",
    "-I -p gre --srckey 17 --dstkey 34 -t 1000", "-I -p 50 -t 1000",
    "-I -p tcp --sport 2 --dport 2 --state ESTABLISHED -t 1000 -n 2001:db8:9::1",
    "-I -p tcp --sport 3 --dport 2 --state ESTABLISHED -t 1000 -n [2001:db8:9::1]:5000",
    "-I -p tcp --sport 4 --dport 2 --state ESTABLISHED -t 1000 -g [2001:db8:3::1]:8080",
    "-I -p udp --sport 4 --dport 2 -t 1000 -n 2001:db8:9::2 -g 2001:db8:3::1",
)
CHANGE_ONE = (
    "-U -f ipv4 -p tcp --sport 2 --dport 2 --state ESTABLISHED", "-U -f ipv4 -p tcp --sport 4 -m 1",
    "-U -f ipv4 -p tcp --sport 1 -u SEEN_REPLY,ASSURED", "-U -f ipv4 -p udp --sport 6 -t 4000",
    "-U -f ipv4 -p udp --sport 6 --label-add last", "-U -f ipv4 -p udp --sport 7 --label-del svc-a",
    "-U -f ipv4 -p udp --sport 6 --label-del", "-U -s 10.9.9.9 -m 3", "-U -f ipv6 -p udp --sport 1 -m 9",
    "-U -f ipv4 -p sctp --sport 1 -m 13 -o save", "-U -f ipv4 -p udp --sport 1 -m 5 -o xml",
    "-U -f ipv4 -p sctp --sport 1 --state SHUTDOWN_SENT", "-U -f ipv6 -p gre --srckey 17 -m 99",
    "-U -f ipv4 -p icmp --icmp-type 13 --icmp-code 0 --icmp-id 9 -m 14 -o extended,id",
    "-U -f ipv6 -p icmpv6 --icmpv6-type 139 --icmpv6-code 0 --icmpv6-id 5 -m 8 -o id",
)
CHANGE = (
    "-U -s 10.1.0.1 -m 3", "-U -f ipv4 -p tcp -m 0x10/0xf0", "-U -f ipv4 -p tcp --sport 1 -t 3000",
    *CHANGE_ONE, "-U -f ipv4 -p udp -u FIXED_TIMEOUT", "-U -f ipv4 -p udp --label-add svc-a,last",
    "-U -f ipv4 -l last -m 99", "-U -p udp -m 9", "-U -f ipv6 -m 10", "-U -f ipv4 -n -m 11",
    "-U -f ipv4 -m 12", "-U -f ipv4 -m 12",
)
DELETE = (
    "-D -p tcp --sport 1 --dport 2", "-D -p tcp --sport 1 --dport 2", "-D -n 192.0.2.1:5000",
    "-D -g -p tcp", "-D -w 5", "-D --orig-zone 6", "-D -m 14 -p icmp", "-D -u ASSURED -o save",
    "-D -p gre -o xml", "-D -f ipv6 -p icmpv6 -o extended,id", "-D -s 10.1.0.0/16 -p udp -l last",
    "-D -s 2001:db8:1::1 -p tcp", "-D -d 10.9.0.0/16", "-D -p sctp", "-D -p 103", "-D",  "-D",
)


def test_writes():
    with Lab("nw") as lab:
        pair = two_spaces(lab)
        for address, lines in ((TUPLE, CREATE), (TUPLE6, CREATE6)):
            for line in lines:
                verb, *options = line.split()
                pair.same("conntrack", verb, *address, *options)
        same_kernels(pair, "creations")
        pair.same("conntrack", "-I", "-r", "10.2.0.2", "-q", "10.1.0.2", "-p", "tcp",
                  "--reply-port-src", "80", "--reply-port-dst", "81", "--state", "ESTABLISHED",
                  "-t", "1000", status=0)
        pair.same("conntrack", "-L", "-o", "extended,labels", status=0)
        for line in CHANGE:
            # Of several flows changed in one second the tool takes answers for others': what it
            # then shows, counts and calls an error goes by the order in the kernel's table. Its
            # sequence numbers are the time: where a second ends between two flows the answer that
            # was left over stops it, with flows still unchanged.
            pair.same("conntrack", *line.split(), output=line in CHANGE_ONE,
                      unless="Protocol error")
        same_kernels(pair, "changes")
        for line in DELETE:
            pair.same("conntrack", *line.split())
            same_counts(pair)
        equal(pair.spaces[0].count(), 0, "flows left")


PORTS_ASKED_FOR = {
    "sctp": "--sport 9 --dport 2 --state ESTABLISHED --orig-vtag 3 --reply-vtag 4",
    "udplite": "--sport 9 --dport 2",
}


def test_nat_ports_fixed():
    """Only of TCP and UDP does Debian's library ask for the port; the kernel keeps the others'."""
    with Lab("nn") as lab:
        pair = two_spaces(lab)
        for protocol, options in PORTS_ASKED_FOR.items():
            for nat, name in ("-n", "dport"), ("-g", "sport"):
                for space in pair.spaces:
                    space.flush()
                pair.same("conntrack", "-I", *TUPLE, "-p", protocol, *options.split(), "-t", "1000",
                          nat, "192.0.2.1:7", output=False, status=0)
                ours, debian = (re.findall(rf"\b{name}=(\d+)", s.run("conntrack", "-L").stdout)[1]
                                for s in pair)
                if debian == "7":
                    raise Failed(f"{protocol} {nat}: the port that was asked for on Debian's, too")
                equal(ours, "7", f"{protocol} {nat}: the port")


def test_xml_of_icmp_fixed():
    """Debian's library prints no type, code or id."""
    with Lab("nm") as lab:
        pair = one_space(lab)
        for options, shown in (
                ("-p icmp --icmp-id 77", ((8, 0, 77), (0, 0, 77))),
                ("-p icmp --icmp-id 78", ((13, 0, 78), (14, 0, 78))),
                ("-p icmpv6 --icmpv6-id 79", ((128, 0, 79), (129, 0, 79)))):
            text = pair.same("conntrack", "-L", "-o", "xml", *options.split(), status=0).stdout
            found = re.findall(r"<type>(\d+)</type><code>(\d+)</code><id>(\d+)</id>", text)
            equal([tuple(map(int, f)) for f in found], list(shown), f"XML of {options}")


def same_counts(pair):
    equal(*(s.count() for s in pair.spaces), "flows left after a deletion, on Debian's library")


def test_flush():
    with Lab("nu") as lab:
        pair = two_spaces(lab)
        for options in ([], ["-f", "ipv6"], ["expect"], ["-f", "ipv4"]):
            for space in pair.spaces:
                add_flows(space, [flow(UDP, "10.1.0.1", "10.2.0.1", 1, 2),
                                  flow(UDP, "2001:db8::1", "2001:db8::2", 1, 2)], check=False)
            pair.same("conntrack", "-F", *options, status=0)
            same_kernels(pair, f"a flush {options}")


LOAD = """\
# what a file may hold

-I -s 10.1.0.1 -d 10.2.0.1 -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 1000
   -A -s 10.1.0.1 -d 10.2.0.1 -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 1000
-A "-s" 10.1.0.1 -d 10.2.0.1 -p udp --sport 1 --dport 2 -t 1000 -w 3
-I -s 2001:db8:1::1 -d 2001:db8:2::1 -p udp --sport 1 --dport 2 -t 1000
-U -s 10.1.0.1 -p tcp -m 5
-D -s 10.1.0.1 -p udp -o extended
-D -s 10.1.0.9
"""
LOAD_BAD = (
    "-L\n", "-I -s 10.1.0.1\n", "-E\n", "nothing\n", "-F\n-I -s 1 -p udp\n", "-D -p foo\n",
    "-I -s 10.1.0.1 -d 10.2.0.1 -p udp --sport 1 --dport 2 -t 1000\n" * 2,
)


def test_load_file():
    with Lab("nr") as lab:
        pair = two_spaces(lab)
        path = lab.write("flows.load", LOAD)
        pair.same("conntrack", "-R", path)
        same_kernels(pair, "a file")
        pair.same("conntrack", "-R", "-", stdin="-F\n" + LOAD)
        for n, text in enumerate(LOAD_BAD):
            pair.same("conntrack", "--load-file", lab.write(f"bad{n}.load", text))
        pair.same("conntrack", "-R", lab.path("none"), status=2)
        pair.same("conntrack", "-R", status=2)
        # what one library saved the other loads, and the table is the same again
        for space in pair.spaces:
            space.flush()
            add_flows(space, [f for f in zoo().values() if not f.keys() & {"master", "helper"}])
        saved = [s.run("conntrack", "-L", "-o", "save").stdout for s in pair]
        same_text("the saved table", *saved, ordered=False)
        for space in pair.spaces:
            space.flush()
        load = lab.write("saved.load", saved[0])
        pair.same("conntrack", "-R", load, status=0)
        same_kernels(pair, "loading what was saved")
        if pair.spaces[0].count() < 40:
            raise Failed(f"only {pair.spaces[0].count()} flows of the saved table were loaded")


EVENTS = ("", "-e NEW", "-e UPDATES", "-e DESTROY", "-e NEW,DESTROY", "-o xml", "-o xml,timestamp",
          "-o extended,id,labels", "-o timestamp", "-o ktimestamp", "-o save", "-p tcp", "-p udp",
          "-f ipv6", "-s 10.1.0.1 -m 0", "-w 7", "-n", "-d 10.2.0.0/16 -p icmp", "-b 65536",
          "-l svc-a", "--orig-zone 8", "-p sctp -o save")


def test_events():
    """Many listeners at once, each with other options, hear the same life of every flow."""
    with Lab("ne") as lab:
        space = lab.ns("both")
        prepare(space)
        pair = Sides(lab, space, etc=ETC)
        flows = rich_zoo()
        changed = [{**flows["tcp4"], "tcp": "CLOSE_WAIT", "mark": 9},
                   {**flows["sctp6"], "sctp": ("SHUTDOWN_SENT", 1, 2)},
                   {**flows["udp6"], "labels": [0, 5]}]
        listeners = Listeners(space, pair, [["-E", *options.split()] for options in EVENTS])
        listeners.hear(lambda: add_flows(space, flows.values()))
        listeners.hear(lambda: change_flows(space, changed))
        listeners.hear(lambda: talk(space))
        listeners.hear(lambda: delete_flows(space, flows.values()))
        outputs = listeners.stop()
        for options, texts in zip(EVENTS, outputs):
            same_text(f"conntrack -E {options}", *texts)
        equal(outputs[0][0].count("[NEW]"), len(flows) + 1, "new flows heard of")
        equal(outputs[0][0].count("[DESTROY]"), len(flows), "ended flows heard of")


class Listeners:
    """Processes of conntrack that listen in one namespace, one on each side for each command."""

    def __init__(self, space, pair, commands):
        self.space, self.listeners = space, []
        for n, command in enumerate(commands):
            argv = ["conntrack", *command]
            self.listeners.append((argv, [s.spawn(*argv, name=f"events{n}") for s in pair]))
        count = sum(len(processes) for _, processes in self.listeners)
        wait_for(lambda: len(unread(space)) == count, 30, "all listen")

    def hear(self, happens):
        """Something happens, and all of them have read and printed it."""
        happens()
        all_heard(self.space, [p for _, processes in self.listeners for p in processes])

    def stop(self):
        outputs = []
        for argv, processes in self.listeners:
            for process in processes:
                process.kill(signal.SIGINT)
                equal(process.popen.wait(20), 0, f"exit status of {' '.join(argv)}")
                process.proven()
            outputs.append([p.log_text() for p in processes])
        return outputs


MASTER = flow(TCP, "10.1.0.1", "10.2.0.1", 3005, 21, tcp="ESTABLISHED", status=SETTLED, helper="ftp",
              timeout=1000)
MASTER6 = {**MASTER, "src": "2001:db8:1::1", "dst": "2001:db8:2::1"}
# The port of 1541, for the tool takes the protocol of an expectation from its low byte.
EXPECT = ("-t 200 -s 10.1.0.1 -d 10.2.0.1 --tuple-src {0} --tuple-dst 10.2.0.1 "
          "--mask-src 255.255.255.255 --mask-dst 255.255.255.255 -p tcp --sport 3005 --dport 21 "
          "--tuple-port-src 0 --tuple-port-dst 1541 --mask-port-src 0 --mask-port-dst 65535")
EXPECTED = "-s {0} -d 10.2.0.1 -p tcp --sport 0 --dport 1541 --reply-port-src 1 --reply-port-dst 1"
EXPECT6 = EXPECT.replace("10.1.0.1", MASTER6["src"]).replace("10.2.0.1", MASTER6["dst"]).replace(
    "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")


def test_expectations():
    with Lab("nx") as lab:
        pair = two_spaces(lab)
        for space in pair.spaces:
            add_flows(space, [MASTER, MASTER6])
        heard = [Listeners(s.space, [s], [["-E", "expect", *o.split()] for o in
                                          ("", "-o timestamp", "-o xml", "-o xml,timestamp")])
                 for s in pair]
        for text in EXPECT.format("10.5.0.1"), EXPECT.format("10.5.0.1"), EXPECT6.format(
                "2001:db8:5::1"), EXPECT.format("10.1.0.1").replace("3005", "1"):
            pair.same("conntrack", "-I", "expect", *text.split())
        pair.same("conntrack", "-I", "expect", *EXPECT.format("10.5.0.2").split(), status=0)
        for options in ("", "-o xml", "-o extended,id", "-o timestamp", "-o xml,timestamp",
                        "-f ipv6", "-f ipv6 -o xml"):
            shown = pair.same("conntrack", "-L", "expect", *options.split(), status=0).stdout
            if "3005" not in shown:
                raise Failed(f"-L expect {options} shows none: {shown}")
        pair.same("conntrack", "-C", "expect", status=0)
        for verb in ("-G", "-D", "-G", "-D"):
            pair.same("conntrack", verb, "expect", *EXPECTED.format("10.5.0.1").split())
        pair.same("conntrack", "-L", "expect", status=0)
        pair.same("conntrack", "-F", "expect", status=0)
        pair.same("conntrack", "-L", "expect", status=0)
        for side in heard:
            side.hear(lambda: None)
        for [ours], [debian] in zip(*(side.stop() for side in heard)):
            # A flush ends them in the order of the kernel's table.
            same_text("conntrack -E expect", ours, debian, ordered=False)
            if "3005" not in ours:
                raise Failed(f"conntrack -E expect heard nothing: {ours}")


ERRORS = (
    "", "-h", "-h -p tcp", "-h -p sctp", "-h -p 50", "-V", "-L -p foo", "-L -s foo", "-L -s 10.0.0.1/33",
    "-L -s 10.0.0.1 -d ::1", "-L -s ::1 -f ipv4", "-L -l nothing", "-L -o foo", "-L -o save,xml",
    "-L -u FOO", "-L -e NEW", "-L -n 1:70000", "-L -n [::1", "-L -j -n", "-L foo", "-L -t 1",
    "-L --mask-src 255.0.0.0", "-L -r 10.0.0.0/8", "-L -p tcp --state FOO", "-L -p udp --state NONE",
    "-L -u SRC_NAT", "-L -m x", "-L -a 1", "-I -s 1.1.1.1", "-I -p udp -s 1.1.1.1 -d 2.2.2.2 -t 1",
    "-I -p tcp -s 1.1.1.1 -d 2.2.2.2 -t 1 --sport 1 --dport 2", "-I -f ipv4 -p udp",
    "-I -p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2", "-I -L", "-G", "-G -p tcp -s 1.1.1.1",
    "-G -p udp -s 1.1.1.1 -d 2.2.2.2", "-U -w 1", "-U -s 1.1.1.1 --label-add x",
    "-U -s 10.1.0.1 --label-add svc-a --label-del svc-a", "-U -m 1", "-D -i 5", "-D expect", "-E -z",
    "-E -u ASSURED", "-E -e FOO", "-E expect -e NEW", "-C -p tcp", "-S -p tcp", "-F -p tcp", "-F dying",
    "-I expect", "-I expect -p tcp", "-U expect -m 1", "-A expect", "-L -f ipv5", "-L --foo", "-s 1",
    "-L -s", "-G -p icmp -s 1.1.1.1 -d 2.2.2.2 --icmp-type 8", "-U -p tcp -m 1 -c 2",
    "-I -p tcp -s 1.1.1.1 -d 2.2.2.2 -t 1 --sport 1 --dport 2 --state FOO -m 1",
    "-I -p icmp -r 1.1.1.1 -q 2.2.2.2 -t 1 --icmp-type 8 --icmp-code 0",
    "-I -p udp -s 10.1.0.1 -d 10.2.0.1 -t 1 --sport 1 --dport 2 -u OFFLOAD",
    "-I -p udp -s 10.1.0.1 -d 10.2.0.1 -t 1 --sport 1 --dport 2 -u EXPECTED",
)


def test_errors():
    with Lab("nv") as lab:
        pair = two_spaces(lab)
        for line in ERRORS:
            pair.same("conntrack", *line.split())
        same_kernels(pair, "errors")


UNPRIVILEGED = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "conntrack")


def test_without_privilege():
    with Lab("np") as lab:
        pair = one_space(lab)
        for line in ("-L", "-L expect", "-C", "-S", "-E", "-E expect", "-F", "-D", "-F expect",
                     "-U -s 10.1.0.1 -m 1", "-G -s 10.1.0.1 -d 10.2.0.1 -p udp --sport 1 --dport 2",
                     "-I -s 10.1.0.1 -d 10.2.0.1 -p udp --sport 1 --dport 2 -t 9"):
            pair.same(*UNPRIVILEGED, *line.split(), status=1)
        equal(pair.spaces[0].count(), len(rich_zoo()), "flows left alone")


def test_without_label_map():
    """No map file, an empty one and one with odd lines."""
    odd = "#0 no\n 1 one\n0x10 sixteen\n010 eight\n5  \n1 again\n6 six # no\n7foo\n-1 minus\n9999 x\n"
    for name, etc in (("none", {"xtables/other": ""}), ("empty", {"xtables/connlabel.conf": ""}),
                      ("odd", {"xtables/connlabel.conf": odd + "0 " + "long" * 300 + "\n12 end"})):
        with Lab("no") as lab:
            space = lab.ns(name)
            prepare(space)
            add_flows(space, [flow(UDP, "10.1.0.1", "10.2.0.1", bit, 53, labels=[bit])
                              for bit in range(20)])
            pair = Sides(lab, space, etc=etc)
            for line in ("-L -o labels", "-L -o labels,xml", "-L -l one", "-L -l eight", "-L -l foo"):
                pair.same("conntrack", *line.split())


if __name__ == "__main__":
    run_cases(globals())
