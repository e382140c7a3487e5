#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Expectations that the kernel's helpers make, on their way into another kernel."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402

# Speaks as much FTP as the helper needs to expect a connection: no one comes for it.
SERVER = """
import socket, threading
def serve(family, host):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.bind((host, 21))
    s.listen(5)
    while True:
        c = s.accept()[0]
        c.sendall(b"220 hello\\r\\n")
        while line := c.recv(100):
            c.sendall(b"229 Entering Extended Passive Mode (|||40001|)\\r\\n" if b"EPSV" in line
                      else b"227 Entering Passive Mode (10,2,0,1,156,65).\\r\\n")
threading.Thread(target=serve, args=(socket.AF_INET6, "fd00:2::1"), daemon=True).start()
print("ready", flush=True)
serve(socket.AF_INET, "10.2.0.1")
"""

# PASV and EPSV, a TFTP request, which is a flow's first packet; then says so and stays.
CLIENT = """
import socket, time
held = []
for host, line in (("10.2.0.1", b"PASV\\r\\n"), ("fd00:2::1", b"EPSV\\r\\n")):
    c = socket.create_connection((host, 21), 10)
    c.recv(100)
    c.sendall(line)
    c.recv(100)
    held.append(c)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.sendto(b"\\0\\1file\\0octet\\0", ("10.2.0.1", 69))
print("ready", flush=True)
time.sleep(1000)
"""

# The kernel's expectations attribute by attribute, but for what is local to it: a line each.
DUMP = """
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.bind((0, 0))
s.send(struct.pack("IHHIIBBH", 20, 0x201, 0x301, 1, 0, 0, 0, 0))
done = False
while not done:
    data = s.recv(1 << 20)
    while len(data) >= 16:
        size, kind = struct.unpack_from("IH", data)
        done = done or kind == 3
        body, data, found = data[20:size], data[(size + 3) & ~3:], []
        while kind == 0x200 and len(body) >= 4:
            n, attr = struct.unpack_from("HH", body)
            if attr & 0x7fff not in (4, 5): # timeout, id
                found.append("%d:%s" % (attr & 0x7fff, body[4:n].hex()))
            body = body[(n + 3) & ~3:]
        if found:
            print(" ".join(sorted(found)))
"""

RULES = """
table inet helpers {
	ct helper ftp-std {
		type "ftp" protocol tcp
	}
	ct helper tftp-std {
		type "tftp" protocol udp
	}
	chain forward {
		type filter hook prerouting priority 0
		tcp dport 21 ct helper set "ftp-std"
		udp dport 69 ct helper set "tftp-std"
	}
	chain nat {
		type nat hook postrouting priority srcnat
		meta nfproto ipv4 oifname "srv" masquerade
	}
}
"""

MASTERS, EXPECTED = 3, 3
EXPECTATIONS = "\tOptions {\n\t\tExpectationSync on\n\t}\n"


class Firewalls:
    """A client, a server, the node between them and its standby."""

    def __init__(self, lab, active="ctsyncd", standby="ctsyncd", sync=EXPECTATIONS):
        self.c, self.s, self.a, self.b = (lab.ns(n) for n in "csab")
        lab.veth(self.c, "eth", self.a, "cli", ["10.1.0.1/24", "fd00:1::1/64"],
                 ["10.1.0.2/24", "fd00:1::2/64"])
        lab.veth(self.s, "eth", self.a, "srv", ["10.2.0.1/24", "fd00:2::1/64"],
                 ["10.2.0.2/24", "fd00:2::2/64"])
        lab.veth(self.a, "sync", self.b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        for space, net in ((self.c, 1), (self.s, 2)):
            space.ip(f"route add default via 10.{net}.0.2",
                     f"route add default via fd00:{net}::2")
        self.a.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        for space in (self.a, self.b):
            space.track()
            space.nft(RULES)
        self.one = SyncNode(lab, self.a, active, sync_conf("10.9.0.1", sync=sync))
        self.two = SyncNode(lab, self.b, standby, sync_conf("10.9.0.2", sync=sync))

    def start(self):
        self.one.start()
        self.two.start()
        wait_for(lambda: self.two.remote_count() == self.one.local_count(), 20, "in step")

    def talk(self):
        """The helpers expect what the client and the server agree about."""
        for space, script in ((self.s, SERVER), (self.c, CLIENT)):
            process = space.spawn(sys.executable, "-c", script, name=f"talk-{space.short}")
            wait_for(lambda p=process: "ready" in open(p.log).read(), 20, "the talk's begin")
        wait_for(lambda: len(dump(self.a)) == EXPECTED, 10, "expectations in the active kernel")
        return process


def dump(space):
    return set(space.run(sys.executable, "-c", DUMP).stdout.splitlines())


def same(found, wanted, what):
    if found != wanted:
        raise Failed(f"{what}:\n  found  " + "\n         ".join(sorted(found))
                     + "\n  wanted " + "\n         ".join(sorted(wanted)))


def replicated(f, count):
    """The standby has so many more expectations than have ended."""
    return f.two.stats()["received_expectations"] >= count


def test_they_arrive_in_the_other_kernel_with_all_that_they_have():
    with Lab("xa") as lab:
        f = Firewalls(lab)
        f.start()
        f.talk()
        wait_for(lambda: replicated(f, EXPECTED), 10, "expectations replicated")
        wait_for(lambda: f.two.remote_count() >= MASTERS, 10, "masters replicated")
        wanted = dump(f.a)
        f.one.kill()
        report = json.loads(f.two.ctl("promote", "--json").stdout)
        equal(report["refused"], 0, f"refused of {report}")
        same(dump(f.b), wanted, "the new active node's kernel")


def test_those_born_before_the_daemon_arrive_too():
    with Lab("xb") as lab:
        f = Firewalls(lab)
        f.a.sysctl(netfilter__nf_conntrack_events=1)
        f.talk()
        f.start()
        wait_for(lambda: replicated(f, EXPECTED), 10, "expectations replicated")
        wanted = dump(f.a)
        f.two.ctl("commit")
        same(dump(f.b), wanted, "the standby's kernel")


def test_their_end_arrives():
    with Lab("xc") as lab:
        f = Firewalls(lab)
        f.start()
        f.talk()
        wait_for(lambda: replicated(f, EXPECTED), 10, "expectations replicated")
        f.a.run("conntrack", "-D", "-p", "tcp")  # the masters, and with them what they expect
        wait_for(lambda: replicated(f, EXPECTED + 2), 10, "two ends replicated")
        f.two.ctl("commit")
        same(dump(f.b), dump(f.a), "the standby's kernel")
        equal(len(dump(f.b)), 1, "of TFTP")


def test_names_choose():
    with Lab("xd") as lab:
        f = Firewalls(lab, sync="\tOptions {\n\t\tExpectationSync {\n\t\t\ttftp\n\t\t}\n\t}\n")
        f.start()
        f.talk()
        wait_for(lambda: replicated(f, 1), 10, "an expectation replicated")
        wait_for(lambda: f.two.remote_count() >= MASTERS, 10, "masters replicated")
        f.two.ctl("commit")
        equal(len(dump(f.b)), 1, "expectations in the standby's kernel")
        equal(f.one.stats()["expect_filtered"], 2, "those of other helpers")


def test_conntrackd_tells_of_them():
    """It does not tell of TFTP's: there the expectation comes before its flow."""
    with Lab("xe") as lab:
        f = Firewalls(lab, active="conntrackd")
        f.start()
        f.talk()
        wait_for(lambda: replicated(f, 2), 20, "expectations replicated")
        wait_for(lambda: f.two.remote_count() >= MASTERS, 10, "masters replicated")
        f.two.ctl("commit")
        wanted = {line for line in dump(f.a) if "tftp".encode().hex() not in line}
        same(dump(f.b), wanted, "the standby's kernel")


def test_conntrackd_takes_them():
    with Lab("xf") as lab:
        f = Firewalls(lab, standby="conntrackd")
        f.start()
        f.talk()
        wait_for(lambda: f.two.ctl("-s", "expect").stdout.count("current active connections"), 10,
                 "statistics")
        wait_for(lambda: len(f.two.ctl("-e", "expect").stdout.splitlines()) == EXPECTED, 10,
                 "expectations replicated")


if __name__ == "__main__":
    run_cases(globals())
