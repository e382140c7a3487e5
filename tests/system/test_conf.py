#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Configurations: every example of Debian's conntrackd package and of ours is read and starts; what
conntrackd starts with although it cannot work is refused, and all problems of a file are told."""

import glob
import grp
import gzip
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import TOP, Failed, Lab, built, packages  # noqa: E402
from syncnode import SyncNode  # noqa: E402

# What the examples name lies in /run and /var: an own one of each, which `ip netns exec`, with its
# own view of the file systems, keeps from everyone else.
OWN_FOLDERS = ("for d in /run /var/log /var/run /var/lock; do "
               "if [ -L $d ]; then mkdir -p $(readlink -m $d); "
               "else mkdir -p $d && mount -t tmpfs none $d || exit 125; fi; done; exec \"$@\"")

# The warnings that the package's files are good for, by a part of the file's name.
WARNINGS = {
    "/etc/conntrackd/": [
        "Backlog is deprecated and ignored: the daemon knows how many it serves",
        "SocketBufferSize is deprecated: use NetlinkBufferSize",
        "SocketBufferSizeMaxGrown is deprecated: use NetlinkBufferSizeMaxGrowth"],
    "manual-1": ["NetlinkEventsReliable is deprecated: use that of section General"],
}


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        return f.read()


def manual_examples(text):
    """The blocks of conntrackd.conf(5) that are files of their own."""
    blocks = re.findall(r"^\.nf\n(.*?)^\.fi", text, re.M | re.S)
    return [b for b in blocks if "General {" in b and re.search(r"^(Sync|Stats) \{", b, re.M)]


def debian_examples():
    """{name: text} of every configuration that Debian's package brings."""
    root = packages()
    files = glob.glob(f"{root}/usr/share/doc/conntrackd/**/*.conf*", recursive=True)
    files = [f for f in files if "keepalived" not in os.path.basename(f)]
    files += glob.glob(f"{root}/etc/conntrackd/*.conf")
    found = {f[len(root):]: read(f) for f in files}
    (manual,) = glob.glob(f"{root}/usr/share/man/man5/conntrackd.conf.5*")
    for i, text in enumerate(manual_examples(read(manual))):
        found[f"manual-{i + 1}"] = text
    return found


def our_examples():
    return {f[len(TOP):]: read(f) for f in glob.glob(f"{TOP}/examples/conf/*.conf")}


def check(lab, text):
    """(status, what is told of it) of `ctsyncd --check`, without the file's name."""
    path = lab.write("checked.conf", text)
    done = lab.ns_run(built("ctsyncd"), "--check", "-C", path)
    return done.returncode, [line.replace(f"{path}:", "", 1).strip()
                             for line in done.stderr.splitlines()]


class ConfLab(Lab):
    """A lab with one namespace."""

    def __enter__(self):
        super().__enter__()
        self.space = self.ns("a")
        return self

    def ns_run(self, *argv):
        return self.space.run(*argv, check=False)


def links_of(lab, text):
    """[(interface, this node's addresses)] of the links of a configuration, from --print."""
    path = lab.write("printed.conf", text)
    printed = lab.space.run(built("ctsyncd"), "--print", "-C", path).stdout
    found = []
    for kind, body in re.findall(r"^\t(Multicast|UDP|TCP)[^{]*\{\n(.*?)^\t\}", printed,
                                 re.M | re.S):
        key = "IPv4_interface" if kind == "Multicast" else "IPv[46]_address"
        found.append((re.search(r"Interface (\S+)", body).group(1),
                      re.findall(rf"^\t\t{key} (\S+)$", body, re.M)))
    return found


def make_links(lab, text):
    """The interfaces and addresses that a configuration names."""
    for interface, addresses in links_of(lab, text):
        lab.space.ip(f"link add {interface} type veth peer name p-{interface}",
                     f"link set {interface} up", f"link set p-{interface} up",
                     *(f"addr add {a}/{64 if ':' in a else 24} dev {interface}"
                       + (" nodad" if ":" in a else "") for a in addresses))


def starts(name, text):
    """Starts the daemon with the file, asks it how it is, and ends it."""
    with ConfLab("cf") as lab:
        make_links(lab, text)
        os.chmod(lab.tmp, 0o777)  # for the daemon that has given up being root
        # The examples' user and group are made by the package.
        text = re.sub(r"\bUser ctsync\b", "User nobody", text)
        text = re.sub(r"\bGroup ctsync\b", f"Group {grp.getgrall()[-1].gr_name}", text)
        node = SyncNode(lab, lab.space, "ctsyncd", text)
        node.program, options = "sh", ("-c", OWN_FOLDERS, "sh", built("ctsyncd"))
        node.start(*options)
        node.socket = f"/proc/{node.process.pid}/root{os.path.realpath(node.socket)}"
        equal(node.status()["kernel_synced"], True, f"{name}: the kernel's table is known")
        equal(node.stop(), 0, f"{name}: exit status")
        print(f"    {name} starts", flush=True)


def test_the_examples_of_debian_are_read():
    found = debian_examples()
    for part in ("/stats/", "/alarm/", "/ftfw/", "/notrack/", "/etc/conntrackd/", "manual-3"):
        if not any(part in name for name in found):
            raise Failed(f"no {part} among {sorted(found)}")
    with ConfLab("cd") as lab:
        for name, text in found.items():
            status, told = check(lab, text)
            told = [re.sub(r"^\d+: warning: ", "", line) for line in told]
            wanted = next((w for part, w in WARNINGS.items() if part in name), [])
            equal((status, told), (0, wanted), name)


def test_the_examples_start():
    for name, text in {**debian_examples(), **our_examples()}.items():
        starts(name, text)


GENERAL = "General {{ UNIX {{ Path {tmp}/x.ctl }} LockFile {tmp}/x.lock {general} }}\n"
MULTICAST = ("Multicast { IPv4_address 225.0.0.50 IPv4_interface 192.0.2.1 Interface sync "
             "Group 3780 }")
PAIR = "IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 Interface sync Port 3780"

# What conntrackd starts with: (what General has more, Sync's link, what we say of it).
STARTED = {
    "no peer": ("", "UDP { IPv4_address 192.0.2.1 Interface sync Port 3780 }",
                "2: error: UDP: expected an IPv4_Destination_Address, found none"),
    "no port": ("", "UDP { " + PAIR.replace("Port 3780", "") + " }",
                "2: error: UDP: expected a Port, found none"),
    "port 0": ("", "UDP { " + PAIR.replace("3780", "0") + " }",
               "2: error: Port: expected a port from 1, found 0"),
    "port out of range": ("", "UDP { " + PAIR.replace("3780", "69316") + " }",
                          "2: error: Port: expected a port up to 65535, found '69316'"),
    "a group as the peer": ("", "UDP { " + PAIR.replace("192.0.2.2", "225.0.0.5") + " }",
                            "2: error: UDP: expected an address of the peer, found 225.0.0.5"),
    "a number that wraps": ("HashLimit 8589934592", MULTICAST,
                            "1: error: HashLimit: expected a number up to 4294967295, found "
                            "'8589934592'"),
}


def test_what_cannot_work_is_refused():
    """Beside conntrackd, which starts with each of them."""
    with ConfLab("cb") as lab:
        lab.space.ip("link add sync type veth peer name p-sync", "link set sync up",
                     "link set p-sync up", "addr add 192.0.2.1/24 dev sync")
        for name, (general, link, says) in STARTED.items():
            text = GENERAL.format(tmp=lab.tmp, general=general) + f"Sync {{ Mode FTFW {{ }} {link} }}\n"
            other = SyncNode(lab, lab.space, "conntrackd", text).start()
            other.stop()
            equal(check(lab, text), (2, [says]), name)
            done = lab.ns_run(built("ctsyncd"), "-C", lab.path("checked.conf"))
            equal(done.returncode, 2, f"{name}: exit status of a start")


def test_all_problems_are_told():
    """conntrackd names the first one, and another at the next start, one by one."""
    with ConfLab("cp") as lab:
        status, told = check(lab, """\
General {
	HashSize many
	LockFile x.lock
	PollSecs 0
	Filter From Space { }
}
Sync {
	Mode FTFW {
		RefreshTime 15
	}
	UDP {
		Interface a_name_that_is_too_long
		Port 3780
	}
	TCP { }
}
Stats { }
""")
        equal(status, 2, "exit status")
        equal([re.match(r"(\d+): error: (\w+)", line).groups() for line in told], [
            ("2", "HashSize"), ("3", "LockFile"), ("4", "PollSecs"), ("5", "Filter"),
            ("9", "RefreshTime"), ("12", "Interface"), ("11", "UDP"), ("15", "TCP"), ("15", "TCP"),
            ("15", "TCP"), ("15", "TCP"), ("17", "Stats")], "problems")


if __name__ == "__main__":
    run_cases(globals())
