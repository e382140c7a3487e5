#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What conntrackd 1.4.7 is known to do wrong, and that ctsyncd does not.

doc/MIGRATION.md has the table of all of them, with the test of each; here are those that no other
test shows, and the test that every test which the table names is there.
"""

import mmap
import os
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from ctnl import (SETTLED, TCP, add_expects, add_flows, change_flows, delete_flows,  # noqa: E402
                  expect_table, flow, kernel_table)
from matrix import expect_zoo, masters  # noqa: E402
from netns import TOP, Failed, Lab, wait_for  # noqa: E402
from peers import Pair, load  # noqa: E402
from syncnode import sync_conf  # noqa: E402

SETTLE_S = 20
TABLE = "## Faults of conntrackd, and what ctsyncd does"
EXPECTATIONS = "\tOptions {\n\t\tExpectationSync On\n\t}\n"

# Stands before the C library: the time of day is off by what a mapped file says; other clocks are not.
STEPPED_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile const long *step;
__attribute__((constructor)) static void begin(void)
{
	int fd = open(getenv("CLOCK_STEP"), O_RDONLY);
	step = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);
	if (r == 0 && step && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *step;
	return r;
}
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
time_t time(time_t *t)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
"""


class SteppedClock:
    """The environment of a program whose time of day the test sets."""

    def __init__(self, lab):
        source, library = lab.write("step.c", STEPPED_CLOCK), lab.path("step.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        path = lab.write("step", "\0" * 8)
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 8)
        options = os.environ.get("ASAN_OPTIONS", "")
        self.env = {"LD_PRELOAD": library, "CLOCK_STEP": path,
                    "ASAN_OPTIONS": f"{options}{':' if options else ''}verify_asan_link_order=0"}

    def set(self, seconds):
        self.memory[:] = struct.pack("=q", seconds)


def test_a_step_of_the_clock_stops_no_timer():
    with Lab("kc") as lab:
        clock = SteppedClock(lab)
        pair = Pair(lab, "ctsyncd", "ctsyncd", options="\tPurgeTimeout 3\n",
                    env_of=lambda space: clock.env)
        pair.one.promote()
        for number, step in enumerate((-86400, 86400, 0)):
            clock.set(step)
            sent = pair.one.stats()["sent_datagrams"]
            wait_for(lambda: pair.one.stats()["sent_datagrams"] >= sent + 3, SETTLE_S,  # noqa: B023
                     "a sign of life each second")
            load(pair.a, "create", 10, "--first", str(10 * number))
            pair.settle()
        clock.set(-86400)
        pair.one.demote()
        wait_for(lambda: pair.a.count() == 0, SETTLE_S, "a purge in its time")


def test_expectations_are_committed_whatever_the_hash_size():
    """1.4.7 with 8192 buckets or fewer never commits them, and refuses each flush from then on."""
    expects = expect_zoo()
    with Lab("kh") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd")
        for node, address in zip(pair.nodes, ("10.9.0.1", "10.9.0.2")):
            node.stop()
            node.reconfigure(sync_conf(address, sync=EXPECTATIONS).replace("HashSize 32768",
                                                                           "HashSize 1024"))
            node.start()
        add_flows(pair.a, masters(expects.values()))
        add_expects(pair.a, expects.values())
        wait_for(lambda: len(pair.two.remote_expects()) == len(expects), SETTLE_S, "expectations")
        pair.two.commit()
        equal(len(expect_table(pair.b)), len(expects), "expectations in the kernel after a commit")
        pair.two.flush()
        equal(pair.two.remote_count(), 0, "flows after a flush")


def test_refused_entries_are_no_flood_of_the_log():
    """Flows whose place in the other kernel is taken: a number by errno, and not a line each."""
    count = 200
    with Lab("kl") as lab:
        pair = Pair(lab, "conntrackd", "ctsyncd")
        mine = [flow(TCP, "10.1.0.1", "10.2.0.1", 2000 + n, 80, tcp="ESTABLISHED", status=SETTLED,
                     snat=("192.0.2.1", 4000 + n)) for n in range(count)]
        # Another flow has the same reply tuple there.
        theirs = [{**f, "src": "10.1.0.99"} for f in mine]
        add_flows(pair.b, theirs)
        add_flows(pair.a, mine)
        pair.settle()
        log = len(pair.two.process.log_text().splitlines())
        said = pair.two.ctl("commit", check=False)
        equal(f"EEXIST {count}" in said.stdout + said.stderr, True, f"refusals in {said}")
        lines = pair.two.process.log_text().splitlines()[log:]
        if len(lines) > 3:
            raise Failed(f"{len(lines)} lines in the log: {lines[:5]}")
        equal(pair.b.count(), count, "flows in the kernel")


def test_updates_of_ipv6_nat_flows_keep_the_entry():
    """With DisableExternalCache 1.4.7 deletes and makes again what an update is refused for."""
    with Lab("ki") as lab:
        pair = Pair(lab, "conntrackd", "ctsyncd")
        pair.two.stop()
        pair.two.reconfigure(sync_conf("10.9.0.2", mode_options="\tDisableExternalCache On\n"))
        pair.two.start()
        v6 = ("2001:db8:1::1", "2001:db8:2::1")
        tcp = {"tcp": "ESTABLISHED", "status": SETTLED, "timeout": 1000}
        flows = [flow(TCP, *v6, 2000, 80, snat=("2001:db8:9::1", 4000), **tcp),
                 flow(TCP, v6[0], "2001:db8:9::9", 2001, 80, dnat=("2001:db8:3::1", 8080), **tcp)]
        add_flows(pair.a, flows)
        wait_for(lambda: pair.b.count() == 2, SETTLE_S, "the flows in the other kernel")

        def ids():
            return {key: f["id"] for key, f in kernel_table(pair.b, ignore=()).items()}
        before = ids()
        for mark in (1, 2):
            change_flows(pair.a, [{**f, "mark": mark} for f in flows])
            wait_for(lambda: [f["mark"] for f in kernel_table(pair.b).values()] == [mark] * 2,  # noqa: B023
                     SETTLE_S, "the change in the other kernel")
        equal(ids(), before, "ids of the entries")


def test_a_zoned_flow_survives_lost_events():
    """1.4.7 asks the kernel for the flow without its zone, and takes it for gone."""
    with Lab("kz") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd")
        pair.one.stop()
        pair.one.reconfigure(sync_conf("10.9.0.1").replace("NetlinkBufferSize 2097152",
                                                           "NetlinkBufferSize 8192")
                             .replace("NetlinkBufferSizeMaxGrowth 33554432", ""))
        pair.one.start()
        load(pair.a, "create", 50, "--zone", "7")
        pair.settle()
        pair.one.process.kill(19)  # SIGSTOP: the socket's buffer fills
        load(pair.a, "create", 5000, "--first", "100")
        load(pair.a, "delete", 5000, "--first", "100")
        pair.one.process.kill(18)  # SIGCONT
        wait_for(lambda: pair.one.stats()["kernel_overruns"] > 0, SETTLE_S, "an overrun")
        pair.settle()
        equal(sum("zone=7" in line for line in pair.two.remote()), 50, "zoned flows on the peer")


def test_event_timestamps_stop_nothing():
    """Newer releases of conntrackd abort at the first update while the kernel stamps its events."""
    with Lab("kt") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd")
        for space in (pair.a, pair.b):
            space.sysctl(netfilter__nf_conntrack_timestamp=1)
        flows = [flow(TCP, "10.1.0.1", "10.2.0.1", 1, 2, tcp="ESTABLISHED", status=SETTLED)]
        add_flows(pair.a, flows)
        pair.settle()
        change_flows(pair.a, [{**flows[0], "mark": 7}])
        pair.settle()
        pair.two.commit()
        delete_flows(pair.a, flows)
        pair.settle()
        for node in pair.nodes:
            node.process.check_alive()


def test_ipv6_datagrams_are_not_fragmented():
    with Lab("k6") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd", v6_link=True)
        pair.b.nft("table ip6 fragments { chain incoming { type filter hook prerouting "
                   "priority -450; exthdr frag exists counter; }; }")
        load(pair.a, "create", 3000, "--family", "6")
        pair.settle()
        if pair.two.stats()["received_bytes"] < 100000:
            raise Failed("little was sent: the case shows nothing")
        text = pair.b.run("nft", "list", "table", "ip6", "fragments").stdout
        equal(re.search(r"counter packets (\d+)", text).group(1), "0", "fragments received")


def test_a_silent_client_does_not_stop_the_daemon():
    with Lab("kb") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd")
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(pair.one.socket)
        load(pair.a, "create", 100)
        pair.settle()
        silent.close()


def test_xml_without_an_internal_cache():
    """What `-i -x` prints with DisableInternalCache is XML: 1.4.7 prints plain lines."""
    with Lab("kx") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd")
        for node, address in zip(pair.nodes, ("10.9.0.1", "10.9.0.2")):
            node.stop()
            node.reconfigure(sync_conf(address, mode="NOTRACK",
                                       mode_options="\tDisableInternalCache On\n"))
            node.start()
        # Nobody hears us, so that the flow waits to be sent.
        pair.a.ip("link set sync down")
        add_flows(pair.a, [flow(TCP, "10.1.0.1", "10.2.0.1", 1, 2, tcp="ESTABLISHED",
                                status=SETTLED)])
        wait_for(lambda: pair.one.local_count() == 1, SETTLE_S, "the flow waits")
        text = pair.one.ctl("show", "local", "--xml").stdout
        equal("<src>10.1.0.1</src>" in text, True, f"the flow as XML in {text}")


# ---- the table ----

def rows():
    """(fault, what we do, tests) of each row of the table."""
    with open(os.path.join(TOP, "doc", "MIGRATION.md"), encoding="utf-8") as f:
        text = f.read()
    if TABLE not in text:
        raise Failed(f"doc/MIGRATION.md has no section {TABLE!r}")
    section = text.split(TABLE)[1].split("\n## ")[0].split("\n# ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]


def defines(path, name):
    """A case of that name is in that file: a function of C or Python."""
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        text = f.read()
    pattern = rf"^def {name}\(" if path.endswith(".py") else rf"^static void {name}\("
    return re.search(pattern, text, re.M)


def test_every_row_of_the_table_has_a_test_or_a_reason():
    found = rows()
    if len(found) < 30:
        raise Failed(f"only {len(found)} rows")
    wrong = []
    for row in found:
        if len(row) != 3:
            wrong.append(f"{len(row)} columns: {row}")
            continue
        tests = re.findall(r"`(\S+): (\w+)`", row[2])
        if not tests and not row[2].startswith("stays: "):
            wrong.append(f"neither a test nor a reason: {row[0]}")
        for path, name in tests:
            full = f"tests/{path}"
            if not os.path.exists(os.path.join(TOP, full)):
                wrong.append(f"no {full}: {row[0]}")
            elif not defines(full, name):
                wrong.append(f"no {name} in {full}: {row[0]}")
    if wrong:
        raise Failed("\n".join(wrong))


if __name__ == "__main__":
    run_cases(globals())
