#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's examples: each is run in a namespace, and its output, shown here, and what the
kernel's table holds afterwards, as the conntrack tool sees it, are compared with what it promises."""

import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases  # noqa: E402
from ctnl import allow_labels, kernel_table  # noqa: E402
from netns import TOP, Failed, Lab, build_dir, wait_for  # noqa: E402

WEB = ("tcp 6 T ESTABLISHED src=192.0.2.1 dst=198.51.100.2 sport=4000 dport=80 "
       "src=198.51.100.2 dst=192.0.2.1 sport=80 dport=4000 [ASSURED] mark=0 use=1")
WEB_EVENT = WEB.replace(" use=1", "")
EXPECTATION = ("T proto=6 src=198.51.100.2 dst=192.0.2.1 sport=0 dport=4001 "
               "mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 "
               "master-src=192.0.2.1 master-dst=198.51.100.2 sport=4000 dport=21 class=0 helper=ftp")
EXPECTATION_NAT = EXPECTATION.replace("dst=192.0.2.1 sport=0 dport=4001",
                                      "dst=203.0.113.3 sport=0 dport=5001") \
                             .replace("master-src=192.0.2.1", "master-src=10.0.0.1")
CONTROL = ("tcp 6 T ESTABLISHED src=192.0.2.1 dst=198.51.100.2 sport=4000 dport=21 [UNREPLIED] "
           "src=198.51.100.2 dst=192.0.2.1 sport=21 dport=4000 mark=0 use=1")
started = set()


def example(name):
    """The path of an example; noted, to see at the end that none was forgotten."""
    started.add(name)
    path = os.path.join(build_dir(), "examples", "nfct", name)
    if not os.access(path, os.X_OK):
        raise Failed(f"{path} is not built")
    return path


def normal(line):
    """A line of text of a connection or expectation, without what changes: timeout and use count."""
    line = " ".join(line.split())
    line = re.sub(r"^((?:\[\w+\] )?\w+ \d+) \d+ ", r"\1 T ", line)
    line = re.sub(r"^((?:\[\w+\] )?)\d+ (proto=)", r"\1T \2", line)
    return re.sub(r"use=\d+", "use=1", line)


def run(space, name, *args, says=(), fails=None):
    """Runs an example, shows its output and compares it; fails: what stderr ends with."""
    done = space.run(example(name), *args, check=False, deadline_s=30)
    show([f"$ {' '.join((name, *args))}", *done.stdout.splitlines(), *done.stderr.splitlines()])
    if fails is None:
        equal((done.returncode, done.stderr), (0, ""), f"{name}: status and errors")
    else:
        equal((done.returncode, done.stderr.strip().split(": ", 1)[-1]), (1, fails),
              f"{name}: status and error")
    equal(sorted(map(normal, done.stdout.splitlines())), sorted(says), f"{name}: output")
    return done.stdout


def show(lines):
    print("\n".join(f"    {line}" for line in lines), flush=True)


def table(space, *args):
    return sorted(map(normal, space.conntrack(*args)))


def expectations(space):
    lines = space.run("conntrack", "-L", "expect").stdout.splitlines()
    return sorted(normal(line) for line in lines if line.strip())


def listen(lab, space, name, *args):
    """Starts an example that reads events, and waits until it does."""
    process = space.spawn(example(name), *args, name=name)
    wait_for(lambda: "listening\n" in process.log_text() or not process.alive(), 20,
             f"{name} listens")
    process.check_alive()
    return process


def heard(process, expected):
    """Waits for the end of an example that reads events; compares what it said."""
    wait_for(lambda: not process.alive(), 20, f"{process.name} has seen its events:\n"
             + process.log_text())
    lines = process.log_text().splitlines()
    show([f"$ {process.name}", *lines])
    equal(process.popen.returncode, 0, f"{process.name}: status")
    equal([normal(line) for line in lines[1:]], expected, f"{process.name}: events")


def need_ftp():
    """Expectations need a helper of the kernel."""
    subprocess.run(["modprobe", "-q", "nf_conntrack_ftp"], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["modprobe", "-q", "nf_nat_ftp"], check=False, stderr=subprocess.DEVNULL)


def ftp_space(lab):
    need_ftp()
    space = lab.ns("a")
    done = space.run(example("expect_create"), check=False)
    if "not supported" in done.stderr or "cannot create the master" in done.stderr:
        raise Skipped(f"this kernel has no FTP helper: {done.stderr.strip()}")
    space.run("conntrack", "-F")
    return space


def test_create_get_update_delete():
    with Lab("exa") as lab:
        a = lab.ns("a")
        run(a, "conntrack_get", fails="cannot get the entry: No such file or directory")
        run(a, "conntrack_create", says=["created"])
        equal(table(a), [WEB], "table")
        run(a, "conntrack_create", fails="cannot create the entry: File exists")
        run(a, "conntrack_get", says=[WEB])
        run(a, "conntrack_update", says=["updated"])
        line = a.conntrack()[0]
        equal(normal(line), WEB.replace("mark=0", "mark=42"), "entry after the update")
        if not 990 <= int(line.split()[2]) <= 1000:
            raise Failed(f"the update set no timeout: {line}")
        run(a, "conntrack_delete", says=["deleted"])
        equal(table(a), [], "table")
        run(a, "conntrack_delete", fails="cannot delete the entry: No such file or directory")
        run(a, "conntrack_update", fails="cannot update the entry: No such file or directory")


def test_create_nat():
    with Lab("exn") as lab:
        a = lab.ns("a")
        run(a, "conntrack_create_nat", says=["created"])
        equal(table(a), [
            "tcp 6 T ESTABLISHED src=10.0.0.1 dst=198.51.100.2 sport=4000 dport=80 "
            "src=198.51.100.2 dst=203.0.113.3 sport=80 dport=5000 [ASSURED] mark=0 use=1"], "table")
        # The mapping is in force, not only shown.
        equal(len(a.conntrack("--src-nat")), 1, "entries with source NAT")


def test_create_zone_labels():
    with Lab("exz") as lab:
        a = lab.ns("a")
        allow_labels(a)
        labels = lab.write("labels", "# numbers and names\n1 web\n127 long lived\n")
        entry = ("udp 17 T src=192.0.2.1 dst=198.51.100.2 sport=4000 dport=53 "
                 "src=198.51.100.2 dst=192.0.2.1 sport=53 dport=4000 ")
        run(a, "conntrack_create_zone_labels", labels, "web", "long lived",
            says=[entry + "zone=7 labels=web,long lived"])
        equal(table(a), [entry + "mark=0 zone=7 use=1"], "table")
        run(a, "conntrack_create_zone_labels", labels, "web", "nobody",
            fails=f"the labels of {labels}: No such file or directory")
        missing = lab.path("missing")
        run(a, "conntrack_create_zone_labels", missing, "web",
            fails=f"{missing}: no labels: No such file or directory")
        equal(read_labels(a), {1, 127}, "labels in the kernel")


def read_labels(space):
    """The label bits of the only entry, from a dump of our own."""
    (entry,) = kernel_table(space).values()
    value = int.from_bytes(bytes.fromhex(entry.get("labels", "")), sys.byteorder)
    return {bit for bit in range(128) if value >> bit & 1}


def test_groups_and_master():
    with Lab("exg") as lab:
        a = lab.ns("a")
        a.sysctl(netfilter__nf_conntrack_acct=1)
        run(a, "conntrack_groups", says=["from 2001:db8::1 port 4000 to 2001:db8:1::2 port 53",
                                         "0 packets, 0 bytes"])
        equal(table(a, "-f", "ipv6"), [
            "udp 17 T src=2001:db8::1 dst=2001:db8:1::2 sport=4000 dport=53 packets=0 bytes=0 "
            "[UNREPLIED] src=2001:db8:1::2 dst=2001:db8::1 sport=53 dport=4000 packets=0 bytes=0 "
            "mark=0 use=1"], "table")
        a.sysctl(netfilter__nf_conntrack_acct=0)
        a.flush()
        run(a, "conntrack_master", says=["master: from 192.0.2.1 port 4000 to 198.51.100.2 port 21"])
        equal(table(a), [CONTROL,
                         "tcp 6 T ESTABLISHED src=198.51.100.2 dst=192.0.2.1 sport=20 dport=4001 "
                         "[UNREPLIED] src=192.0.2.1 dst=198.51.100.2 sport=4001 dport=20 mark=0 "
                         "use=1"], "table")
        equal(len(a.conntrack("--status", "EXPECTED")), 1, "entries that were expected")


def test_dumps_and_flushes():
    with Lab("exd") as lab:
        a = lab.ns("a")
        for name in ("conntrack_create", "conntrack_update", "conntrack_create_nat",
                     "conntrack_master", "conntrack_groups"):
            a.run(example(name))
        whole = table(a)
        equal(len(whole), 5, "entries")
        marked = WEB.replace("mark=0", "mark=42")
        run(a, "conntrack_dump", says=[*whole, "5 entries"])
        run(a, "conntrack_dump_filter", says=[marked])
        run(a, "conntrack_dump_tuple", says=[line for line in whole if "dport=80 " in line])
        run(a, "conntrack_flush", "42", says=["flushed"])
        equal(table(a), [line for line in whole if line != marked], "table without that mark")
        run(a, "conntrack_flush", says=["flushed"])
        equal(table(a), [], "table")
        run(a, "conntrack_dump", says=["0 entries"])


def test_events():
    with Lab("exe") as lab:
        a = lab.ns("a")
        every = listen(lab, a, "conntrack_events", "4")
        handle = listen(lab, a, "handle_events", "4")
        some = listen(lab, a, "conntrack_events_filter", "1")
        # To the host whose connections are filtered out, then to another.
        a.run(example("conntrack_create"))
        a.run(example("conntrack_update"))
        a.run(example("conntrack_delete"))
        a.run("conntrack", "-I", "-p", "tcp", "-s", "192.0.2.9", "-d", "198.51.100.3", "--sport", "1",
              "--dport", "2", "--state", "ESTABLISHED", "-t", "60")
        other = ("[NEW] tcp 6 T ESTABLISHED src=192.0.2.9 dst=198.51.100.3 sport=1 dport=2 "
                 "[UNREPLIED] src=198.51.100.3 dst=192.0.2.9 sport=2 dport=1 mark=0")
        all_of_them = [f"[NEW] {WEB_EVENT}",
                       "[UPDATE] " + WEB_EVENT.replace("mark=0", "mark=42"),
                       "[DESTROY] " + WEB_EVENT.replace("mark=0", "mark=42"), other]
        heard(every, all_of_them)
        heard(handle, all_of_them)
        heard(some, [other])


def test_handles():
    with Lab("exh") as lab:
        a = lab.ns("a")
        run(a, "handle_get", fails="cannot get the entry: No such file or directory")
        run(a, "handle_create", says=["created"])
        equal(table(a), [WEB], "table")
        run(a, "handle_create", fails="cannot create the entry: File exists")
        run(a, "handle_get", says=[WEB])
        a.run(example("conntrack_groups"))
        run(a, "handle_dump", says=table(a))


def test_expectations():
    with Lab("exx") as lab:
        a = ftp_space(lab)
        events = listen(lab, a, "expect_events", "2")
        run(a, "expect_get", fails="cannot get the expectation: No such file or directory")
        run(a, "expect_create", says=["created"])
        equal(expectations(a), [EXPECTATION], "expectations")
        equal([line for line in table(a) if "helper=ftp" in line or "dport=21" in line],
              [CONTROL.replace("mark=0", "mark=0 helper=ftp")], "the master's entry")
        run(a, "expect_create", fails="cannot create the expectation: File exists")
        run(a, "expect_get", says=[EXPECTATION])
        run(a, "expect_dump", says=[EXPECTATION])
        run(a, "handle_expect_dump", says=[EXPECTATION])
        run(a, "expect_update", says=["updated"])
        timeout = int(a.run("conntrack", "-L", "expect").stdout.split()[0])
        if not 990 <= timeout <= 1000:
            raise Failed(f"the update set no timeout: {timeout}")
        run(a, "expect_delete", says=["deleted"])
        equal(expectations(a), [], "expectations")
        run(a, "expect_delete", fails="cannot delete the expectation: No such file or directory")
        run(a, "expect_update", fails="cannot update the expectation: No such file or directory")
        heard(events, [f"[NEW] {EXPECTATION}", f"[DESTROY] {EXPECTATION}"])


def test_expectations_by_handle_and_flush():
    with Lab("exf") as lab:
        a = ftp_space(lab)
        run(a, "handle_expect_create", says=["created"])
        run(a, "expect_flush", "sip", says=["flushed"])
        equal(expectations(a), [EXPECTATION], "expectations after a flush of another helper's")
        run(a, "expect_flush", "ftp", says=["flushed"])
        equal(expectations(a), [], "expectations after a flush of the helper's")
        a.run(example("expect_create"))
        run(a, "expect_flush", says=["flushed"])
        equal(expectations(a), [], "expectations after a flush")


def test_expectation_with_nat():
    with Lab("exm") as lab:
        a = ftp_space(lab)
        run(a, "expect_create_nat", says=["created"])
        equal(expectations(a), [EXPECTATION_NAT], "expectations")
        run(a, "expect_dump", says=[
            EXPECTATION_NAT, "NAT to 10.0.0.1 port 4001 by nat-follow-master"])


def test_every_example_was_run():
    there = {os.path.basename(p)[:-2] for p in glob.glob(f"{TOP}/examples/nfct/*.c")} - {"mnl_talk"}
    if len(sys.argv) > 1:
        raise Skipped("not all cases were asked for")
    equal(sorted(there - started), [], "examples that no case runs")


if __name__ == "__main__":
    run_cases(globals())
