#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every configuration that Debian's conntrackd package installs as an example, as it is: ctsyncd
takes it and starts, on a node that has the interfaces and addresses which it names."""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases  # noqa: E402
from netns import Failed, Lab, built, packages, unpacked, wait_for  # noqa: E402

# A file system of its own for what the examples name: sockets, locks and logs.
MOUNTS = "mount -t tmpfs none /run && mount -t tmpfs none /var/log && mkdir /run/lock && exec \"$@\""


def examples():
    """{name: path} of the package's configurations, its default one included."""
    root = packages()
    found = glob.glob(f"{root}/usr/share/doc/conntrackd/examples/**/conntrackd.conf*", recursive=True)
    found += glob.glob(f"{root}/etc/conntrackd/conntrackd.conf")
    return {os.path.relpath(path, root): path for path in sorted(found)}


def interfaces(text):
    """{interface: [addresses]} that a configuration names outside of comments."""
    text = re.sub(r"#.*", "", text)
    names = re.findall(r"\bInterface\s+(\S+)", text)
    addresses = re.findall(r"\b(?:IPv4_interface|IPv6_interface)\s+(\S+)", text)
    addresses += re.findall(r"(?:UDP|TCP)\s*(?:Default\s*)?\{[^}]*?\bIPv[46]_address\s+(\S+)", text)
    return dict(zip(names, [[a] for a in addresses] + [[]] * len(names)))


def start(path, program, env, ready):
    with open(path, encoding="utf-8") as f:
        wanted = interfaces(f.read())
    with Lab("xs") as lab:
        space = lab.ns("a")
        other = lab.ns("b")
        for name, addresses in wanted.items():
            lab.veth(space, name, other, name, [f"{a}/24" for a in addresses])
        argv = ["sh", "-c", MOUNTS, "sh", program, "-C", path]
        process = space.spawn(*argv, name="daemon", env=env)
        wait_for(lambda: process.check_alive() and re.search(ready, logs(process)), 20,
                 f"the daemon is ready with {path}")
        text = logs(process)
        equal(process.stop(), 0, f"exit status:\n{process.log_text()}")
        return text


def logs(process):
    """What the daemon has said, on its output and in the files of its own file system."""
    text = process.log_text()
    for path in glob.glob(f"/proc/{process.pid}/root/var/log/conntrackd*.log"):
        with open(path, encoding="utf-8", errors="replace") as f:
            text += f.read()
    return text


def test_there_are_examples():
    names = examples()
    for mode in ("alarm", "ftfw", "notrack", "stats"):
        if not any(f"/{mode}/" in name for name in names):
            raise Failed(f"no example of {mode} among {list(names)}")


def test_check_takes_each():
    with Lab("xc") as lab:
        space = lab.ns("a")
        for name, path in examples().items():
            done = space.run(built("ctsyncd"), "--check", "-C", path, check=False)
            equal(done.returncode, 0, f"{name}: status of --check: {done.stderr}")
            equal("error:" in done.stderr, False, f"{name}: {done.stderr}")


def test_each_starts():
    for name, path in examples().items():
        text = start(path, built("ctsyncd"), {}, r"\bready\b")
        print(f"    {name}: ready", flush=True)
        equal(re.findall(r"\[(?:ERROR|error)\].*", text), [], f"errors of {name}")


def test_conntrackd_starts_there_too():
    """The same examples on the same node with Debian's program: the node is what they describe."""
    program, env = unpacked("conntrackd")
    for name, path in examples().items():
        start(path, program, env, "initialization completed")
        print(f"    {name}: initialised", flush=True)


if __name__ == "__main__":
    run_cases(globals())
