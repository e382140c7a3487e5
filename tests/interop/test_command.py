#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The conntrackd command in front of ctsyncd beside Debian's conntrackd: the same flows, the same
commands, the same texts and exit statuses. What differs on purpose is written down here."""

import contextlib
import difflib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from xml.etree import ElementTree  # noqa: E402

from cases import Skipped, equal, run_cases  # noqa: E402
from ctnl import (SETTLED, add_expects, add_flows, allow_labels, carried_zoo,  # noqa: E402
                  change_flows, delete_expects, delete_flows, expect_table, expectation, flow)
from netns import Failed, Lab, built, wait_for  # noqa: E402
from peers import Pair  # noqa: E402
from syncnode import SyncNode, link_conf, stats_conf, sync_conf  # noqa: E402

# Numbers that are a daemon's own: traffic of the link, what the kernel said how often, sizes.
VOLATILE = (
    (r"\[active since \d+s\]", "[active since Ns]"),
    (r"<id>\d+</id>", "<id>N</id>"),
    (r"(?m)^ *\d+ (Bytes|Pckts) sent +\d+ (Bytes|Pckts) recv", r"N \1 sent N \2 recv"),
    (r"(active objects):\t+ *\d+", r"\1: N"),  # what has ended counts until it is acknowledged
    (r"(active/total entries:\t+ *\d+)/ *\d+", r"\1/N"),
    (r"(?m)^ *\d+ Error send +\d+ Error recv", "N Error send N Error recv"),
    (r"\d+ min", "N min"),
    (r"(events received|events filtered|resync with kernel table|"
     r"current buffer size \(in bytes\)):\t+ *\d+", r"\1: N"),
    (r"(allocated queue nodes|current elements|maximum elements):\t+ *\d+", r"\1: N"),
    (r"(?m)^(resent queue) \(len=\d+\)\n(?:(?:object|control) -> seq.*\n)*", "\\1 (len=N)\n"),
    (r"\[\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\] \(pid=\d+\) ", ""),
)
STATS = ("", "ct", "c", "cache", "network", "n", "runtime", "ru", "link", "l", "rsqueue", "rs", "queue", "q",
         "process", "p", "expect", "e", "multicast")
DUMPS = (("-i",), ("-i", "ct"), ("-i", "-x"), ("-i", "e"), ("-i", "expect", "-x"), ("-e",), ("-e", "c"),
         ("-e", "-x"), ("-e", "expect"), ("-e", "e", "-x"))


def program():
    try:
        return built("conntrackd")
    except Failed:
        raise Skipped("the conntrackd command is not built (--enable-conntrackd-command)") from None


def ask(node, *args):
    """What the command says about a node, whichever daemon it runs: CompletedProcess."""
    if node.kind == "conntrackd":
        return node.ctl(*args, check=False)
    return node.space.run(program(), "-C", node.conf, *args, check=False)


# conntrackd takes what ALARM says again for another flow, of which it has heard no end.
ALARM = (
    (r"(cache external:\n.*\n)(.*\n){3}", r"\1"),
    (r"(cache:external.*\n.*\n)(.*\n){7}", r"\1"),
    (r"\[expires in \d+s\]", "[expires in Ns]"),
)
# What 1.4.7's library prints of them as XML is wrong (doc/MIGRATION.md, Text).
BETTER_XML = re.compile(r'<flow>.*protoname="(icmp|icmpv6|sctp)"')


def steady(text, dump=False, more=()):
    for pattern, new in VOLATILE + more:
        text = re.sub(pattern, new, text)
    if not dump:
        return text
    return "".join(sorted(line for line in text.splitlines(True) if not BETTER_XML.match(line)))


def same(theirs, ours, args, dump=False, more=()):
    """Both nodes answer alike; returns our answer."""
    a, b = ask(theirs, *args), ask(ours, *args)
    what = f"conntrackd {' '.join(args)}"
    equal(b.returncode, a.returncode, f"{what}: exit status")
    equal(steady(b.stderr), steady(a.stderr), f"{what}: stderr")
    differ = list(difflib.unified_diff(
        *(steady(t, dump, more).splitlines() for t in (a.stdout, b.stdout)),
        "conntrackd", "ours", lineterm=""))
    if differ:
        raise Failed("\n".join([what] + differ[:40]))
    return b


@contextlib.contextmanager
def two_pairs(name, **options):
    """A pair of conntrackd and one of ctsyncd, each with a link of its own."""
    program()
    with Lab(f"{name}a") as first, Lab(f"{name}b") as second:
        yield (Pair(first, "conntrackd", "conntrackd", **options),
               Pair(second, "ctsyncd", "ctsyncd", **options))


def everywhere(pairs, act):
    for pair in pairs:
        act(pair)
    for pair in pairs:
        pair.settle()


def show_all(pairs, more=()):
    for theirs, ours in zip(pairs[0].nodes, pairs[1].nodes):
        for word in STATS:
            same(theirs, ours, ("-s", word) if word else ("-s",), more=more)
        for args in DUMPS:
            found = same(theirs, ours, args, dump=True, more=more).stdout
            if "-x" in args:
                ElementTree.fromstring(f"<all>{found}</all>")


def test_life_of_flows():
    """Born, changed, ended, committed: every statistic and every dump, on both nodes."""
    flows = carried_zoo()
    gone = list(flows)[:5]
    changed = {n: {**f, "mark": 9} for n, f in list(flows.items())[5:9]}
    with two_pairs("cl") as pairs:
        show_all(pairs)
        everywhere(pairs, lambda p: add_flows(p.a, flows.values()))
        show_all(pairs)
        everywhere(pairs, lambda p: change_flows(p.a, changed.values()))
        everywhere(pairs, lambda p: delete_flows(p.a, [flows[n] for n in gone]))
        show_all(pairs)


def test_ctsyncctl_in_every_form():
    """What ctsyncctl shows, as text, JSON and XML: the same flows in each, and all well formed."""
    flows = list(carried_zoo().values())
    groups = ("all", "network", "cache", "queue", "process", "link", "expect", "runtime")
    with Lab("cf") as lab:
        pair = Pair(lab, "ctsyncd", "ctsyncd")
        add_flows(pair.a, flows)
        pair.settle()
        for node, table in ((pair.one, "local"), (pair.two, "remote")):
            lines = node.ctl("show", "flows", table).stdout.splitlines()
            objects = [json.loads(x) for x in node.ctl("-j", "show", table).stdout.splitlines()]
            tree = ElementTree.fromstring(node.ctl("-x", "show", table).stdout)
            equal([len(lines), len(objects), len(tree)], [len(flows)] * 3, f"{table} flows")
            equal(tree.tag, "conntrack", "root")
            equal(sorted(o["original"]["src"] for o in objects),
                  sorted(x.find("meta/layer3/src").text for x in tree), "sources")
            equal(len(ElementTree.fromstring(node.ctl("-x", "show", "expectations").stdout)), 0,
                  "expectations")
        for group in groups:
            text = pair.one.ctl("stats", group).stdout
            found = json.loads(pair.one.ctl("stats", group, "--json").stdout)
            tree = ElementTree.fromstring(pair.one.ctl("stats", group, "--xml").stdout)
            equal([tree.tag, [x.tag for x in tree]], [group, list(found)], f"stats {group}")
            equal([line.split()[0].rstrip(":") for line in text.splitlines() if line[0] != " "],
                  list(found), f"stats {group} as text")
        everything = json.loads(pair.one.ctl("stats", "all", "-j").stdout)
        equal(everything["cache"]["local"]["entries"], len(flows), "local entries")
        equal(everything["cache"]["local"]["created"], len(flows), "local entries made")
        equal(everything["process"]["pid"], pair.one.process.pid, "process id")
        equal([(x["interface"], x["status"], x["role"]) for x in everything["link"]["links"]],
              [("sync", "running", "active")], "links")
        equal(ElementTree.fromstring(pair.one.ctl("status", "-x").stdout).find("in_sync").text, "yes",
              "in_sync")
        pair.two.ctl("commit", "expectations")
        equal(pair.b.count(), 0, "flows after a commit of expectations alone")
        pair.two.ctl("kill")
        equal(pair.two.process.popen.poll(), 0, "exit status after kill, which waits for it")


def test_actions():
    """Each command does to tables and kernels what it does with conntrackd."""
    flows = list(carried_zoo().values())
    with two_pairs("ca") as pairs:
        everywhere(pairs, lambda p: add_flows(p.a, flows))
        one, two = [p.one for p in pairs], [p.two for p in pairs]
        for command in (("-n",), ("-B",), ("-R",), ("-R", "ct"), ("-R", "e")):
            same(*one, command)
            same(*two, command)
        # A table that was asked for may still come: ctsyncd sends one each two seconds.
        for node in two:
            node.space.lose("sync", 100)
        same(*two, ("-f", "ext"))
        equal([n.remote_count() for n in two], [0, 0], "after -f external")
        for node in two:
            node.space.lose("sync", 0)
        same(*one, ("-B",))
        for pair in pairs:
            pair.settle()
        same(*two, ("-c", "expect"))
        equal([n.space.count() for n in two], [0, 0], "after -c expect")
        same(*two, ("-c",))
        equal([n.space.count() for n in two], [len(flows)] * 2, "in the kernel after -c")
        same(*two, ("-F",))
        wait_for(lambda: [n.space.count() for n in two] == [0, 0], 10, "-F has emptied the kernels")
        same(*one, ("-f", "internal"))
        equal([n.local_count() for n in one], [0, 0], "after -f internal")
        same(*one, ("-R",))
        equal([n.local_count() for n in one], [len(flows)] * 2, "after -R")
        same(*one, ("-f",))
        equal([n.local_count() for n in one], [0, 0], "after -f")


def test_purge_later_and_kill():
    with two_pairs("ck", options="\tPurgeTimeout 1\n") as pairs:
        everywhere(pairs, lambda p: add_flows(p.a, carried_zoo().values()))
        one = [p.one for p in pairs]
        same(*one, ("-t",))
        wait_for(lambda: [n.space.count() for n in one] == [0, 0], 10, "-t has emptied the kernels")
        for node in one:
            equal(ask(node, "-k").returncode, 0, "-k")
            wait_for(lambda n=node: not n.process.alive(), 10, "-k ends the daemon")
            equal(node.process.popen.returncode, 0, "exit status of the daemon")
            equal(os.path.exists(node.socket), False, "a socket is left")
        same(*one, ("-s",))
        equal(ask(one[1], "-s").returncode, 1, "exit status without a daemon")


def test_nothing_is_left_when_kill_returns():
    """Another daemon can be started at once, in the background, by the same command."""
    with two_pairs("cd") as pairs:
        node = pairs[1].one
        for _ in range(5):
            equal(ask(node, "-k").returncode, 0, "-k")
            equal(ask(node, "-d").returncode, 0, "-d")
        equal(ask(node, "-s").returncode, 0, "-s")
        pid = int(re.search(r'"pid": (\d+)', node.ctl("stats", "process", "--json").stdout).group(1))
        with open(f"/proc/{pid}/cmdline") as f:
            equal(f.read().split("\0")[0], "ctsyncd", "the daemon's name")
        equal(ask(node, "-k").returncode, 0, "-k")
        wait_for(node.space.is_idle, 10, "no daemon is left")


class Duo:
    """Nodes a and b of one kind on two cables, sync and sync1, by configurations of their own."""

    def __init__(self, lab, kind, conf_of):
        self.kind = kind
        self.a, self.b = lab.ns("a"), lab.ns("b")
        for i, name in enumerate(("sync", "sync1")):
            lab.veth(self.a, name, self.b, name, [f"10.9.{i}.1/24"], [f"10.9.{i}.2/24"])
        self.nodes = []
        for space, own, peer in ((self.a, 1, 2), (self.b, 2, 1)):
            space.track(untracked=("sync", "sync1"))
            allow_labels(space)
            node = SyncNode(lab, space, kind, conf_of(f"10.9.%d.{own}", f"10.9.%d.{peer}"))
            self.nodes.append(node.start())
        self.one, self.two = self.nodes


@contextlib.contextmanager
def two_duos(name, conf_of):
    program()
    with Lab(f"{name}a") as first, Lab(f"{name}b") as second:
        yield Duo(first, "conntrackd", conf_of), Duo(second, "ctsyncd", conf_of)


SOME = [flow(6, "10.1.0.1", "10.2.0.1", 1000 + i, 80, tcp="ESTABLISHED", timeout=1000, status=SETTLED)
        for i in range(3)] + [flow(17, "10.1.0.1", "10.2.0.1", 1, 53, timeout=100)]


def all_acknowledged(node):
    """conntrackd counts what it says each second, too, so that its queue is hardly ever empty."""
    text = ask(node, "-s", "rsqueue").stdout
    return "object ->" not in text if node.kind == "conntrackd" else not text or "len=0" in text


def replicate(duos, act, count):
    for duo in duos:
        act(duo.a)
    for duo in duos:
        wait_for(lambda d=duo: d.two.remote_count() == count, 20, f"{count} flows on {duo.kind}'s b")
    for duo in duos:
        wait_for(lambda d=duo: all_acknowledged(d.one), 20, f"{duo.kind} has all acknowledged")


def mode(name, conf_of, more=()):
    """Flows come, change and go; then the backup commits."""
    with two_duos(name, conf_of) as duos:
        for node in (n for d in duos for n in d.nodes):
            wait_for(lambda n=node: "=disconnected" not in ask(n, "-s").stdout, 20,
                     f"{node.name} is connected")
        show_all(duos, more)
        replicate(duos, lambda a: add_flows(a, SOME), 4)
        show_all(duos, more)
        replicate(duos, lambda a: change_flows(a, [{**f, "mark": 5} for f in SOME[:2]]), 4)
        replicate(duos, lambda a: delete_flows(a, SOME[2:]), 2)
        show_all(duos, more)
        same(*(d.two for d in duos), ("-c",))
        for d in duos:
            equal(d.b.count(), 2, f"flows that {d.kind} has committed")


def test_two_links():
    mode("cu", lambda own, peer: sync_conf(links=[
        link_conf("UDP", own % 0, peer % 0), link_conf("UDP", own % 1, peer % 1, "sync1", default=True)]))


def test_tcp():
    mode("ct", lambda own, peer: sync_conf(links=[link_conf("TCP", own % 0, peer % 0)]))


def test_alarm():
    mode("cr", lambda own, peer: sync_conf(
        own % 0, mode="ALARM", mode_options="\t\tRefreshTime 5\n\t\tCacheTimeout 20\n"), ALARM)


def test_notrack():
    mode("cn", lambda own, peer: sync_conf(own % 0, mode="NOTRACK"))


EXPECT_SYNC = "\tOptions {\n\t\tExpectationSync On\n\t}\n"


def expect_counts(node):
    return [int(n) for n in re.findall(r"current active connections:\s+(\d+)",
                                       ask(node, "-s", "expect").stdout)]


def test_expectations():
    """Dumps and statistics of expectations as they come, go and are committed."""
    masters = [flow(6, "10.1.0.1", "10.2.0.1", 1000 + i, 21, tcp="ESTABLISHED", status=SETTLED,
                    timeout=1000, helper="ftp") for i in range(3)]
    expects = [expectation(m, 40000 + i, cls=0, flags=i & 1) for i, m in enumerate(masters)]

    def settle(count):
        for d in duos:
            wait_for(lambda d=d: expect_counts(d.one) == [count, 0] and expect_counts(d.two) == [0, count],
                     20, f"{count} expectations on {d.kind}'s nodes")

    with two_duos("cx", lambda own, peer: sync_conf(own % 0, sync=EXPECT_SYNC)) as duos:
        for d in duos:
            for space in (d.a, d.b):
                space.sysctl(netfilter__nf_conntrack_events=1)
        replicate(duos, lambda a: add_flows(a, masters), 3)
        for d in duos:
            add_expects(d.a, expects)
        settle(3)
        show_all(duos)
        for d in duos:
            delete_expects(d.a, expects[:1])
        settle(2)
        show_all(duos)
        twos = [d.two for d in duos]
        same(*twos, ("-c", "ct"))
        equal([len(expect_table(d.b)) for d in duos], [0, 0], "expectations after -c ct")
        same(*twos, ("-c", "expect"))
        equal([len(expect_table(d.b)) for d in duos], [2, 2], "expectations after -c expect")
        same(*twos, ("-F", "expect"))
        wait_for(lambda: [len(expect_table(d.b)) for d in duos] == [0, 0], 10, "-F expect")
        equal([d.b.count() for d in duos], [3, 3], "flows after -F expect")


LIVE = (
    (r"(?m)^(tcp +6|udp +17) \d+ ", r"\1 N "),
    # by conntrackd -i -x is the same as -i
    (r"(?m)^<flow>.*\n", ""),
)


def test_no_internal_cache():
    """-i shows the kernel's table, and -s what passes."""
    with two_duos("cc", lambda own, peer: sync_conf(
            own % 0, mode="NOTRACK", mode_options="\t\tDisableInternalCache on\n")) as duos:
        ones, twos = [d.one for d in duos], [d.two for d in duos]
        replicate(duos, lambda a: add_flows(a, SOME), 4)
        replicate(duos, lambda a: change_flows(a, [{**f, "mark": 5} for f in SOME[:2]]), 4)
        replicate(duos, lambda a: delete_flows(a, SOME[3:]), 3)
        for word in STATS:
            for nodes in (ones, twos):
                same(*nodes, ("-s", word) if word else ("-s",))
        for args in (("-i",), ("-i", "ct"), ("-i", "e")):
            same(*ones, args, dump=True, more=LIVE)
        for args in (("-e",), ("-e", "-x"), ("-i",)):
            same(*twos, args, dump=True, more=LIVE)
        found = ask(ones[1], "-i", "-x").stdout
        equal(len(ElementTree.fromstring(f"<all>{found}</all>")), 3, "elements of -i -x")
        for args in (("-R",), ("-n",), ("-B",)):
            same(*ones, args)
        same(*ones, ("-F",))
        wait_for(lambda: [d.a.count() for d in duos] == [0, 0], 10, "-F has emptied the kernels")


def test_no_external_cache():
    """What the peer tells goes into the kernel; -e is empty, -s tells what was written."""
    with two_duos("ce", lambda own, peer: sync_conf(
            own % 0, mode_options="\t\tDisableExternalCache on\n")) as duos:
        ones, twos = [d.one for d in duos], [d.two for d in duos]

        def passed_on(act, count):
            for d in duos:
                act(d.a)
            wait_for(lambda: [d.b.count() for d in duos] == [count] * 2, 20,
                     f"{count} flows in the kernels of b")

        passed_on(lambda a: add_flows(a, SOME), 4)
        passed_on(lambda a: delete_flows(a, SOME[3:]), 3)
        for word in ("", "cache", "network", "link", "queue", "rsqueue", "expect"):
            for nodes in (ones, twos):
                same(*nodes, ("-s", word) if word else ("-s",))
        for args in DUMPS:
            same(*ones, args, dump=True)
            same(*twos, args, dump=True)
        same(*twos, ("-c",))
        equal([d.b.count() for d in duos], [3, 3], "flows after -c")


def test_statistics():
    """Stats mode: what it knows; of all else nothing is printed and nothing is done."""
    with two_duos("cs", lambda own, peer: stats_conf()) as duos:
        for duo in duos:
            duo.a.sysctl(netfilter__nf_conntrack_acct=1)
            add_flows(duo.a, SOME)
        same(*(d.one for d in duos), ("-s",))
        for duo in duos:
            delete_flows(duo.a, SOME[:1])
        for args in DUMPS + tuple(("-s", w) if w else ("-s",) for w in STATS):
            same(*(d.one for d in duos), args, dump="-s" not in args)
        for args in (("-c",), ("-n",), ("-B",), ("-t",), ("-f", "external"), ("-c", "e")):
            same(*(d.one for d in duos), args)
            equal([d.a.count() for d in duos], [3, 3], f"flows after {args}")
        same(*(d.one for d in duos), ("-f", "internal"))
        same(*(d.one for d in duos), ("-i",))
        same(*(d.one for d in duos), ("-R",))
        same(*(d.one for d in duos), ("-i",), dump=True)
        # conntrackd does nothing at all at -f without a word
        equal(ask(duos[1].one, "-f").returncode, 0, "-f")
        equal(ask(duos[1].one, "-i").stdout, "", "-i after -f")
        same(*(d.one for d in duos), ("-F",))
        wait_for(lambda: [d.a.count() for d in duos] == [0, 0], 10, "-F has emptied the kernels")


# (arguments, exit status; None: as conntrackd 1.4.7, which is compared as well)
LINES = (
    (("-x",), None), (("-s", "-x"), None), (("-d", "-s"), None), (("-s", "foo"), None), (("-f", "foo"), None),
    (("-x", "-i"), None), (("-i", "-x", "-x"), None), (("-e", "-s", "-x"), None),
    (("-s", "networks"), None), (("-v",), None), (("-h",), None), (("-s", "-v"), None),
    (("-c", "foo"), 1), (("-q",), 1), (("--help",), 1), (("foo",), 1), (("-s", "n", "l"), 1), (("-k", "x"), 1),
)


def test_wrong_lines():
    """What is no command line: the same messages; the usage is our own text."""
    with two_pairs("cw") as pairs:
        theirs, ours = pairs[0].one, pairs[1].one
        for args, status in LINES:
            a, b = ask(theirs, *args), ask(ours, *args)
            equal(b.returncode, a.returncode if status is None else status, f"status of {args}")
            equal(steady(b.stderr), steady(a.stderr), f"stderr of {args}")
            equal(bool(b.stdout), bool(a.stdout), f"something on stdout of {args}")
        for node, status in ((theirs, 1), (ours, 1)):
            gone = node.space.run(node.program if node is theirs else program(), "-C", "/nonexistent", "-s",
                                  check=False, env=node.env)
            equal(gone.returncode, status, "exit status without a configuration")
            equal(steady(gone.stderr), "[ERROR] can't open config file `/nonexistent'\n", "stderr")
        last = ours.space.run(program(), "-s", "-C", check=False)
        equal((last.returncode, steady(last.stderr)), (1, "[ERROR] Missing config filename\n"),
              "-C without a file")


if __name__ == "__main__":
    run_cases(globals())
