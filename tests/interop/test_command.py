#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The conntrackd command in front of ctsyncd beside Debian's conntrackd: the same flows, the same
commands, the same texts and exit statuses. What differs on purpose is written down here."""

import contextlib
import difflib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from xml.etree import ElementTree  # noqa: E402

from cases import Skipped, equal, run_cases  # noqa: E402
from ctnl import add_flows, carried_zoo, change_flows, delete_flows  # noqa: E402
from netns import Failed, Lab, built, wait_for  # noqa: E402
from peers import Pair  # noqa: E402

# Numbers that are a daemon's own: traffic of the link, what the kernel said how often, sizes.
VOLATILE = (
    (r"\[active since \d+s\]", "[active since Ns]"),
    (r"<id>\d+</id>", "<id>N</id>"),
    (r"(?m)^ *\d+ (Bytes|Pckts) sent +\d+ (Bytes|Pckts) recv", r"N \1 sent N \2 recv"),
    (r"(active objects):\t+ *\d+", r"\1: N"),  # what has ended counts until it is acknowledged
    (r"(active/total entries:\t+ *\d+)/ *\d+", r"\1/N"),
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


# What 1.4.7's library prints of them as XML is wrong (doc/MIGRATION.md, Text).
BETTER_XML = re.compile(r'<flow>.*protoname="(icmp|icmpv6|sctp)"')


def steady(text, dump):
    for pattern, new in VOLATILE:
        text = re.sub(pattern, new, text)
    if not dump:
        return text
    return "".join(sorted(line for line in text.splitlines(True) if not BETTER_XML.match(line)))


def same(theirs, ours, args, dump=False):
    """Both nodes answer alike; returns our answer."""
    a, b = ask(theirs, *args), ask(ours, *args)
    what = f"conntrackd {' '.join(args)}"
    equal(b.returncode, a.returncode, f"{what}: exit status")
    equal(steady(b.stderr, False), steady(a.stderr, False), f"{what}: stderr")
    differ = list(difflib.unified_diff(*(steady(t, dump).splitlines() for t in (a.stdout, b.stdout)),
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


def show_all(pairs):
    for theirs, ours in zip(pairs[0].nodes, pairs[1].nodes):
        for word in STATS:
            same(theirs, ours, ("-s", word) if word else ("-s",))
        for args in DUMPS:
            found = same(theirs, ours, args, dump=True).stdout
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


def test_actions():
    """Each command does to tables and kernels what it does with conntrackd."""
    flows = list(carried_zoo().values())
    with two_pairs("ca") as pairs:
        everywhere(pairs, lambda p: add_flows(p.a, flows))
        one, two = [p.one for p in pairs], [p.two for p in pairs]
        for command in (("-n",), ("-B",), ("-R",), ("-R", "ct"), ("-R", "e")):
            same(*one, command)
            same(*two, command)
        same(*two, ("-f", "ext"))
        equal([n.remote_count() for n in two], [0, 0], "after -f external")
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
            equal(steady(b.stderr, False), steady(a.stderr, False), f"stderr of {args}")
            equal(bool(b.stdout), bool(a.stdout), f"something on stdout of {args}")
        for node, status in ((theirs, 1), (ours, 1)):
            gone = node.space.run(node.program if node is theirs else program(), "-C", "/nonexistent", "-s",
                                  check=False, env=node.env)
            equal(gone.returncode, status, "exit status without a configuration")
            equal(steady(gone.stderr, False), "[ERROR] can't open config file `/nonexistent'\n", "stderr")
        last = ours.space.run(program(), "-s", "-C", check=False)
        equal((last.returncode, steady(last.stderr, False)), (1, "[ERROR] Missing config filename\n"),
              "-C without a file")


if __name__ == "__main__":
    run_cases(globals())
