#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics: a daemon without peers, and the log of the flows that end."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import Failed, Lab, wait_for  # noqa: E402
from pair import load  # noqa: E402
from syncnode import SyncNode, stats_conf  # noqa: E402

FILE = "\tLogFile @TMP@/stats.log\n"


def node(lab, general="", stats=FILE, start=True):
    a = lab.ns("a")
    a.track()
    a.sysctl(netfilter__nf_conntrack_events=1)
    n = SyncNode(lab, a, "ctsyncd", stats_conf(general, stats))
    return n.start() if start else n


def lines(lab, name="stats.log"):
    with open(lab.path(name)) as f:
        text = f.read()
    if text and not text.endswith("\n"):
        raise Failed("the last line has no end")
    return text.splitlines()


def test_many_flows():
    with Lab("sm") as lab:
        n = node(lab)
        load(n.space, "create", 20000, "--rate", "20000")
        load(n.space, "delete", 20000, "--rate", "20000")
        wait_for(lambda: n.stats()["stats_lines"] == 20000, 30, "every end told")
        wait_for(lambda: len(lines(lab)) == 20000, 10, "and written")
        equal(len({line.split("\t")[1] for line in lines(lab)}), 20000, "different lines")
        equal(n.local_count(), 0, "flows in the table")
        status = n.status()
        equal((status["peers"], status["send_queue"], status["tombstones"]), ([], 0, 0),
              "peers, and what waits for them")
        equal(n.stop(), 0, "exit status")


def test_flows_that_we_delete_end_too():
    with Lab("sp") as lab:
        n = node(lab)
        load(n.space, "create", 500)
        wait_for(lambda: n.local_count() == 500, 10, "flows heard")
        n.ctl("purge")
        equal(n.space.count(), 0, "flows in the kernel")
        wait_for(lambda: len(lines(lab)) == 500, 10, "a line each")


def test_flows_that_end_unheard_are_told_too():
    """Events of their ends are lost: a dump finds them gone. No end is told twice."""
    small = "\tNetlinkBufferSize 4096\n\tNetlinkBufferSizeMaxGrowth 4096\n"
    with Lab("so") as lab:
        n = node(lab, start=False)
        n.reconfigure(stats_conf("", FILE).replace("\tNetlinkBufferSize 33554432\n", "").replace(
            "\tNetlinkBufferSizeMaxGrowth 33554432\n", small))
        load(n.space, "create", 3000)
        n.start()
        n.process.kill(signal.SIGSTOP)
        load(n.space, "delete", 3000)
        n.process.kill(signal.SIGCONT)
        wait_for(lambda: n.local_count() == 0 and n.status()["kernel_synced"], 20, "repaired")
        stats = n.stats()
        equal(stats["stats_lines"], 3000, "ends told")
        equal(stats["kernel_destroy"] + stats["kernel_swept"], 3000, "ends heard and found")
        wait_for(lambda: len(lines(lab)) == 3000, 10, "and written")
        equal(len({line.split("\t")[1] for line in lines(lab)}), 3000, "different lines")
        if not stats["kernel_swept"]:
            raise Failed("no event was lost: the case shows nothing")


def test_what_is_about_peers_is_refused():
    """Above all a demotion, behind which the kernel's table would be emptied."""
    with Lab("sq") as lab:
        n = node(lab)
        load(n.space, "create", 5)
        wait_for(lambda: n.local_count() == 5, 10, "flows heard")
        for verb in ("promote", "demote", "fault", "commit", "resync-peers", "bulk", "purge-later"):
            ran = n.ctl(verb, check=False)
            equal((ran.returncode, ran.stdout, ran.stderr), (
                1, "", f"ctsyncctl: {verb}: this daemon has no peers, it only keeps statistics (Stats)\n"), verb)
        for verb in ("resync", "resync-kernel", "flush"):
            n.ctl(verb)
        status = n.status()
        equal((status["purpose"], status["role"], status["purge_scheduled"]), ("stats", "backup", False),
              "the status")
        equal(n.ctl("status").stdout.splitlines()[0], "statistics only: no peers", "its first line")


def test_rotation():
    with Lab("sr") as lab:
        n = node(lab)
        load(n.space, "create", 100)
        load(n.space, "delete", 50)
        wait_for(lambda: len(lines(lab)) == 50, 10, "the first half")
        os.rename(lab.path("stats.log"), lab.path("stats.log.1"))
        n.process.kill(signal.SIGHUP)
        wait_for(lambda: os.path.exists(lab.path("stats.log")), 10, "a new file")
        load(n.space, "delete", 50, "--first", "50")
        wait_for(lambda: len(lines(lab)) == 50, 10, "the second half")
        equal(len(lines(lab, "stats.log.1")), 50, "lines in the old file")


def test_another_file_at_a_reload():
    with Lab("sa") as lab:
        n = node(lab)
        load(n.space, "create", 100)
        load(n.space, "delete", 50)
        wait_for(lambda: len(lines(lab)) == 50, 10, "the first half")
        n.reconfigure(stats_conf("", FILE.replace("stats.log", "other.log")))
        n.process.kill(signal.SIGHUP)
        wait_for(lambda: os.path.exists(lab.path("other.log")), 10, "the other file")
        load(n.space, "delete", 50, "--first", "50")
        wait_for(lambda: len(lines(lab, "other.log")) == 50, 10, "the second half")
        equal(len(lines(lab)), 50, "lines in the first one")
        n.reconfigure(stats_conf("", FILE.replace("stats.log", "nowhere/stats.log")))
        n.process.kill(signal.SIGHUP)
        wait_for(lambda: "nowhere/stats.log: No such file" in n.process.log_text(), 10, "refused")
        load(n.space, "create", 1)
        load(n.space, "delete", 1)
        wait_for(lambda: len(lines(lab, "other.log")) == 51, 10, "the file stays in use")


def test_a_full_disk_is_waited_for():
    with Lab("sd") as lab:
        os.symlink("/dev/full", lab.path("stats.log"))
        n = node(lab)
        load(n.space, "create", 5000, "--rate", "20000")
        load(n.space, "delete", 5000, "--rate", "20000")
        wait_for(lambda: n.stats()["stats_lines"] == 5000, 20, "every end told")
        lost = n.stats()["stats_lost"]
        if not lost:
            raise Failed("there was room for all of them: the case shows nothing")
        equal(n.process.log_text().count("writing"), 1, "times it was told of")
        os.unlink(lab.path("stats.log"))
        n.process.kill(signal.SIGHUP)
        wait_for(lambda: os.path.exists(lab.path("stats.log")) and lines(lab), 10, "kept lines")
        equal(len(lines(lab)), 5000 - lost, "lines written late")
        wait_for(lambda: f"is written again; {lost} lines were lost" in n.process.log_text(), 10,
                 "the log says that it is over")


def test_a_file_that_cannot_be_opened_stops_the_start():
    with Lab("sx") as lab:
        n = node(lab, stats="\tLogFile @TMP@/nowhere/stats.log\n", start=False)
        n.start(wait=False)
        wait_for(lambda: not n.process.alive(), 10, "the end")
        equal(n.process.popen.returncode, 1, "exit status")
        if "nowhere/stats.log: No such file or directory" not in n.process.log_text():
            raise Failed(f"it does not say why:\n{n.process.log_text()}")


if __name__ == "__main__":
    run_cases(globals())
