#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process: start, leftovers, signals, privileges, exit statuses, hostile input."""

import json
import os
import random
import re
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from pair import Pair, load  # noqa: E402
from syncnode import SyncNode, sync_conf  # noqa: E402

CAP_NET_ADMIN = 1 << 12
SEED = int(os.environ.get("CTSYNC_SEED", time.time_ns() % 1000000))


def single(lab, start=True, **conf):
    a, b = lab.ns("a"), lab.ns("b")
    lab.veth(a, "sync", b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
    a.track()
    node = SyncNode(lab, a, "ctsyncd", sync_conf("10.9.0.1", **conf))
    node.other = b
    return node.start() if start else node


def process_status(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return re.search(rf"^{field}:\s+(.*)$", f.read(), re.M).group(1)


def test_sigterm_ends_cleanly():
    with Lab("te") as lab:
        node = single(lab)
        load(node.space, "create", 10)
        equal(node.stop(), 0, "exit status")
        equal(os.path.exists(node.socket), False, "a control socket left behind")
        equal(node.space.count(), 10, "flows in the kernel afterwards")


def test_a_scheduler_that_is_refused_stops_no_start():
    with Lab("sc") as lab:
        node = single(lab, start=False, general="\tScheduler {\n\t\tType FIFO\n\t\tPriority 7\n\t}\n")
        program = node.program
        node.start()
        with open(f"/proc/{node.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        equal((fields[37], fields[38]), ("7", "1"), "priority and policy: FIFO")
        node.stop()
        node.program = lab.write("without.sh", f"""#!/bin/sh
exec setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice -- {program} "$@"
""", mode=0o755)
        node.start()
        wait_for(lambda: "Scheduler: Operation not permitted" in node.process.log_text(), 10,
                 "the log says that it is refused")
        equal(node.status()["kernel_synced"], True, "it works all the same")


def test_leftovers_of_a_dead_daemon_stop_no_start():
    with Lab("le") as lab:
        node = single(lab)
        node.kill()
        equal(os.path.exists(node.socket) and os.path.exists(node.lock), True, "leftovers")
        node.start()
        equal(node.status()["kernel_synced"], True, "the second daemon works")


def test_a_live_daemon_stops_a_second_start():
    with Lab("li") as lab:
        node = single(lab)
        second = node.space.run(node.program, "-C", node.conf, check=False)
        equal(second.returncode, 1, "exit status")
        if str(node.process.pid) not in second.stderr:
            raise Failed(f"the holder of the lock is not named: {second.stderr}")
        text = open(node.conf, encoding="ascii").read().replace(node.lock, node.lock + "2")
        other = lab.write("second.conf", text)
        second = node.space.run(node.program, "-C", other, check=False)
        equal(second.returncode, 1, "exit status")
        if "a daemon is running" not in second.stderr:
            raise Failed(f"the live control socket is not named: {second.stderr}")
        equal(node.status()["kernel_synced"], True, "the first daemon goes on")


def test_privileges_are_given_up():
    with Lab("pv") as lab:
        for general, uid in (("", 0), ("\tUser nobody\n", 65534)):
            node = single(lab, general=general) if not uid else node  # noqa: F821
            if uid:
                node.stop()
                os.chmod(lab.tmp, 0o777)
                node.reconfigure(sync_conf("10.9.0.1", general=general))
                node.start()
            pid = node.process.pid
            for field in ("CapPrm", "CapEff"):
                equal(int(process_status(pid, field), 16), CAP_NET_ADMIN, field)
            for field in ("CapInh", "CapBnd", "CapAmb"):
                equal(int(process_status(pid, field), 16) & ~CAP_NET_ADMIN, 0, field)
            equal(process_status(pid, "NoNewPrivs"), "1", "no new privileges")
            equal(int(process_status(pid, "Uid").split()[0]), uid, "user")
            load(node.space, "create", 5, "--first", str(uid))
            wait_for(lambda: node.local_count() >= 5, 10, "it still hears the kernel")


def test_a_group_alone_is_changed():
    with Lab("gr") as lab:
        node = single(lab, start=False, general="\tGroup nogroup\n")
        node.start()
        equal(process_status(node.process.pid, "Uid").split()[0], "0", "user")
        equal(process_status(node.process.pid, "Gid").split()[0], "65534", "group")
        equal(int(process_status(node.process.pid, "CapPrm"), 16), CAP_NET_ADMIN, "CapPrm")


def test_what_is_wrong_with_the_machine_is_told_by_line():
    """A configuration that reads well, but names what is not there: (address, more, told)."""
    with Lab("wr") as lab:
        node = single(lab, start=False)
        for address, general, told in (
                ("10.9.0.77", "", ": IPv4_interface 10.9.0.77 is not an address of this node"),
                ("10.9.0.1", "\tUser no-such\n", ": there is no user 'no-such'"),
                ("10.9.0.1", "\tUser nobody\n\tGroup no-such\n", ": there is no group 'no-such'")):
            node.reconfigure(sync_conf(address, general=general))
            for option in ([], ["-d"]):
                done = node.space.run(node.program, *option, "-C", node.conf, check=False)
                equal(done.returncode, 1, "exit status")
                equal(len(re.findall(rf"{node.conf}:\d+{told}", done.stderr)), 1,
                      f"times that the reason is told in:\n{done.stderr}\n")


def test_an_address_of_another_interface_is_warned_of():
    with Lab("ad") as lab:
        node = single(lab, start=False)
        node.space.run("ip", "link", "set", "lo", "up")
        for address, warnings in (("127.0.0.1", 1), ("10.9.0.1", 0)):
            node.reconfigure(sync_conf(address))
            done = node.space.run(node.program, "-d", "-C", node.conf)
            os.kill(int(open(node.lock, encoding="ascii").read()), signal.SIGTERM)
            wait_for(node.space.is_idle, 10, "its end")
            equal(os.path.exists(node.lock), False, "a lock is left")
            equal(done.stderr.count("is not an address of sync"), warnings, done.stderr)


def test_detached_start_reports():
    with Lab("dt") as lab:
        node = single(lab, start=False)
        done = node.space.run(node.program, "-d", "-C", node.conf)
        equal(done.returncode, 0, "exit status of a good start")
        pid = int(open(node.lock, encoding="ascii").read())
        lab.defer(lambda: os.kill(pid, signal.SIGKILL) if os.path.exists(f"/proc/{pid}") else None)
        equal(node.status()["kernel_synced"], True, "ready when the caller returns")
        equal(os.getsid(pid), pid, "its session")
        again = node.space.run(node.program, "-d", "-C", node.conf, check=False)
        equal(again.returncode, 1, "exit status of a bad start")
        if "running already" not in again.stderr:
            raise Failed(f"the reason is not told: {again.stderr}")
        os.kill(pid, signal.SIGTERM)
        # Orphans of a lab are its children: this one is not reaped before the lab's end.
        wait_for(lambda: process_status(pid, "State").startswith("Z"), 10, "its end")


def test_service_manager_is_told():
    with Lab("sd") as lab:
        node = single(lab, start=False)
        node.env["WATCHDOG_USEC"] = "400000"
        node.start()
        seen = []

        def told(word):
            while message := node.notified():
                seen.extend(message.split("\n"))
            return any(line.startswith(word) for line in seen)
        for word in ("WATCHDOG=1", "STATUS="):
            wait_for(lambda word=word: told(word), 10, word)
        node.process.kill(signal.SIGHUP)
        wait_for(lambda: told("RELOADING=1"), 10, "RELOADING")
        node.stop()
        wait_for(lambda: told("STOPPING=1"), 10, "STOPPING")


def test_sighup_reloads_what_it_can():
    with Lab("hu") as lab:
        log = lab.path("daemon.log")
        conf = sync_conf("10.9.0.1").replace("LogFile off", f"LogFile {log}")
        node = single(lab, start=False)
        node.reconfigure(conf)
        node.start()
        node.reconfigure(conf.replace("HashLimit 1048576", "HashLimit 5").replace(
            "Mode FTFW {", "Mode FTFW {\n\t\tPurgeTimeout 7"))
        node.process.kill(signal.SIGHUP)

        def logged(text):
            return text in open(log, encoding="utf-8").read()
        wait_for(lambda: logged("HashLimit needs a restart"), 10, "what cannot change is named")
        wait_for(lambda: logged("PurgeTimeout is in force"), 10, "what can is named")
        os.rename(log, log + ".1")
        lab.write(os.path.basename(node.conf), "General { Bogus 1 }\n")
        node.process.kill(signal.SIGHUP)
        wait_for(lambda: os.path.exists(log) and logged("nothing was changed"), 10,
                 "a bad file is refused, in the reopened log")
        node.process.check_alive()
        node.ctl("status")


def test_sighup_moves_the_statistics():
    with Lab("hs") as lab:
        first, second = lab.path("first.log"), lab.path("second.log")
        conf = (f"General {{ UNIX {{ Path {lab.tmp}/x.ctl }} LockFile {lab.tmp}/x.lock }}\n"
                f"Stats {{ LogFile {first} }}\n")
        a = lab.ns("a")
        a.track()
        node = SyncNode(lab, a, "ctsyncd", conf).start()

        def lines(path):
            return open(path, encoding="utf-8").read().count("\n") if os.path.exists(path) else 0
        if not re.search(r"ctsyncd \S+, pid \d+, statistics\n", node.process.log_text()):
            raise Failed(f"the first line does not say what it is for: {node.process.log_text()}")
        load(a, "create", 3)
        a.flush()
        wait_for(lambda: lines(first) == 3, 10, "lines in the first file")
        node.reconfigure(conf.replace(first, second))
        node.process.kill(signal.SIGHUP)
        wait_for(lambda: "Stats LogFile is in force" in node.process.log_text(), 10, "the reload")
        load(a, "create", 2)
        a.flush()
        wait_for(lambda: lines(second) == 2, 10, "lines in the second file")
        equal(lines(first), 3, "lines in the first file")
        node.reconfigure(conf.replace(first, f"{lab.tmp}/none/x.log"))
        node.process.kill(signal.SIGHUP)
        wait_for(lambda: "none/x.log: No such file" in node.process.log_text(), 10, "the refusal")
        load(a, "create", 2)
        a.flush()
        wait_for(lambda: lines(second) == 4, 10, "the second file goes on")
        # From statistics to replication is nothing that a running daemon can do.
        node.reconfigure(sync_conf("10.9.0.1").replace("@NAME@", "x"))
        node.process.kill(signal.SIGHUP)
        wait_for(lambda: "Mode needs a restart" in node.process.log_text(), 10, "the mode")
        wait_for(lambda: "Stats LogFile needs a restart" in node.process.log_text(), 10, "the file")
        load(a, "create", 1)
        a.flush()
        wait_for(lambda: lines(second) == 5, 10, "the second file still goes on")


def test_exit_statuses():
    with Lab("ex") as lab:
        node = single(lab)
        cases = [
            (["status"], 0), (["show"], 2), (["show", "nothing"], 2), (["frob"], 2), ([], 2),
            (["status", "more"], 2), (["--nonsense", "status"], 2), (["show", "remote"], 0),
            (["stats", "--json"], 0),
        ]
        for arguments, status in cases:
            equal(node.ctl(*arguments, check=False).returncode, status, f"ctsyncctl {arguments}")
        node.stop()
        equal(node.ctl("status", check=False).returncode, 3, "without a daemon")
        bad = lab.write("bad.conf", "General { HashSize x }\nSync { Mode FTFW { } }\n")
        for option in ("--check", "--print"):
            ran = node.space.run(node.program, option, "-C", bad, check=False)
            equal(ran.returncode, 2, f"ctsyncd {option} of a bad file")
            if "bad.conf:1: error:" not in ran.stderr:
                raise Failed(f"no file and line: {ran.stderr}")
        ran = node.space.run(node.ctl_program, "-C", bad, "status", check=False)
        equal(ran.returncode, 2, "ctsyncctl with a file that names no socket")
        printed = node.space.run(node.program, "--print", "-C", node.conf).stdout
        again = lab.write("again.conf", printed)
        equal(node.space.run(node.program, "--print", "-C", again).stdout, printed,
              "what --print prints, printed again")


def test_a_daemon_without_a_sign_of_life_is_not_waited_for():
    with Lab("sl") as lab:
        node = single(lab)
        node.process.kill(signal.SIGSTOP)
        wait_for(lambda: process_status(node.process.pid, "State").startswith("T"), 10, "the stop")
        for verb in ("promote", "status"):
            ran = node.ctl("-w", "1", verb, check=False)
            equal((ran.returncode, ran.stdout), (4, ""), f"exit status and output of {verb}")
            equal(ran.stderr, f"ctsyncctl: the daemon on {node.socket} gives no sign of life\n",
                  "what is said")
        node.process.kill(signal.SIGCONT)
        wait_for(lambda: node.status()["role"] == "primary", 10, "what was asked for, late")


def test_a_daemon_that_works_is_waited_for():
    """A bulk that no link takes has no end: each second the daemon is asked whether it is alive."""
    with Lab("wl") as lab:
        node = single(lab)
        node.space.run("ip", "link", "set", "sync", "down")
        asked = 0

        def accepted():
            nonlocal asked
            asked += 1
            return node.stats()["control_accepted"] - asked

        before = accepted()
        client = node.space.spawn(node.ctl_program, "-s", node.socket, "-w", "4", "bulk",
                                  name="bulk", env=node.env)
        wait_for(lambda: accepted() - before >= 1 + 5, 60, "more than 4 s of silence")
        equal(client.alive(), True, "the client waits")
        node.space.run("ip", "link", "set", "sync", "up")
        wait_for(lambda: not client.alive(), 30, "the end of the bulk")
        equal(client.popen.returncode, 0, "its exit status")


def test_a_spoiled_file_stops_no_promotion():
    with Lab("sp") as lab:
        node = single(lab)
        spoiled = open(node.conf, encoding="utf-8").read().replace("FTFW", "FTFV")
        for text in (spoiled + "\nGeneral {", "General { HashSize x }\n" + spoiled):
            bad = lab.write("spoiled.conf", text)
            ran = node.space.run(node.ctl_program, "-C", bad, "promote", check=False)
            equal(ran.returncode, 0, f"promote with errors in the file: {ran.stderr}")
            if "spoiled.conf:" not in ran.stderr:
                raise Failed(f"nothing is said of the errors: {ran.stderr}")
        equal(json.loads(node.ctl("status", "--json").stdout)["role"], "primary", "the role")


def send_junk(node, count, rng):
    """Datagrams of every sort of nonsense into the sync group, from the other end of the link."""
    program = """
import random, socket, struct, sys
rng = random.Random(int(sys.argv[1]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.9.0.2"))
valid = bytes.fromhex("100000406b03bbcc000c0000c0000201c6336402000800050000000e"
                      "0005000206000000000800030457005000050004030000000008000600000064")
for i in range(int(sys.argv[2])):
    kind = i % 4
    if kind == 0:
        data = rng.randbytes(rng.randrange(1, 1400))
    elif kind == 1:
        data = valid[:rng.randrange(len(valid))]
    elif kind == 2:
        data = bytearray(valid)
        data[rng.randrange(8, len(data))] ^= 1 << rng.randrange(8)
    else:
        data = struct.pack("!BBHIII", 0x1a, rng.choice([2, 4, 8, 16, 32, 255]), 16,
                           rng.getrandbits(32), rng.getrandbits(32), rng.getrandbits(32))
    s.sendto(bytes(data), ("225.0.0.50", 3780))
"""
    node.other.run(sys.executable, "-c", program, str(rng.randrange(1 << 30)), str(count))


def test_hostile_input_ends_nothing():
    print(f"seed {SEED}: CTSYNC_SEED={SEED} tests/system/test_process.py hostile")
    rng = random.Random(SEED)
    with Lab("ho") as lab:
        node = single(lab)
        load(node.space, "create", 100)
        wait_for(lambda: node.local_count() == 100, 10, "flows heard")
        sent = node.stats()["sent_datagrams"]
        send_junk(node, 4000, rng)
        wait_for(lambda: node.stats()["received_datagrams"] >= 3000, 20, "the junk arrives")
        stats = node.stats()
        bad = sum(v for k, v in stats.items() if k.startswith("bad_"))
        if bad < 1000:
            raise Failed(f"only {bad} malformed messages were counted")
        if stats["sent_datagrams"] - sent > 2000:
            raise Failed(f"{stats['sent_datagrams'] - sent} datagrams were sent in answer to junk")
        equal(node.local_count(), 100, "the local table")
        for _ in range(200):
            client = socket.socket(socket.AF_UNIX)
            client.connect(node.socket)
            client.sendall(rng.randbytes(rng.randrange(1, 6000)) + b"\n" * rng.randrange(2))
            client.close()
        equal(json.loads(node.ctl("status", "--json").stdout)["local_flows"], 100, "still there")
        if not node.stats()["control_malformed"]:
            raise Failed("no malformed request was counted")
        node.process.check_alive()


def test_two_nodes_say_that_they_are_in_sync():
    with Lab("sy") as lab:
        pair = Pair(lab)
        load(pair.a, "create", 50)
        pair.settle()
        text = pair.two.ctl("status").stdout
        for part in ("role: backup", "in sync: yes", "peer 10.9.0.1: synced", "flows 50"):
            if part not in text:
                raise Failed(f"no '{part}' in:\n{text}")


if __name__ == "__main__":
    run_cases(globals())
