#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster is moved from conntrackd to ctsyncd node by node, and no connection is lost.

The firewalls of examples/demo under the real keepalived, which calls Debian's primary-backup.sh as
the package installs it, at the paths that the script names: each firewall has a mount namespace of
its own with /etc/conntrackd, /usr/sbin, /run and /var/log. The configuration is Debian's FTFW
example with the addresses of this network. Upgrading a node is stopping conntrackd, putting the
conntrackd command of ours and ctsyncd in its place, and starting it: nothing else changes, unless
the administrator adds one line, StandbyTable Warm.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "..", "examples", "demo")]
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases  # noqa: E402
from failover import (INSIDE4, KEEPALIVED_CONF, OUTSIDE4, SPEAKERS, CONNECTIONS, Demo,  # noqa: E402
                      Firewall)
from netns import Failed, Lab, TimedOut, built, packages, parse_flow, unpacked, wait_for  # noqa: E402

SETTLE_S = 30
PURGE_S = 2
CONF, SCRIPT = "/etc/conntrackd/conntrackd.conf", "/etc/conntrackd/primary-backup.sh"
COMMAND = "/usr/sbin/conntrackd"

# Everything that a node may write is in a file system of its own.
MOUNTS = """
set -e
mount -t tmpfs none {top}
mkdir -p {top}/etc {top}/etc-work {top}/sbin {top}/sbin-work
mount -t overlay none -o lowerdir=/etc,upperdir={top}/etc,workdir={top}/etc-work /etc
mount -t overlay none -o lowerdir=/usr/sbin,upperdir={top}/sbin,workdir={top}/sbin-work /usr/sbin
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir -p /run/lock /etc/conntrackd
"""

# Stands for syslog: the script tells of failures by it alone.
LOGGER = """#!/bin/sh
echo "$*" >>{log}
"""

# Around the script, which is called as it is: how it was called, and how it ended.
HOOK = """#!/bin/sh
{script} "$1" >>{log}.out 2>&1
echo "$1 $?" >>{log}
"""


def example(path):
    """A file of those that Debian's package installs."""
    path = os.path.join(packages(), "usr/share/doc/conntrackd/examples", path)
    with open(path, encoding="utf-8") as f:
        return f.read()


def configuration(number, warm=False):
    """Debian's FTFW example: with our addresses, all protocols, and a purge that is soon."""
    text = example("sync/ftfw/conntrackd.conf")
    more = f"\n\t\tPurgeTimeout {PURGE_S}" + ("\n\t\tStandbyTable Warm" if warm else "")
    for old, new in (("IPv4_interface 192.168.100.100", f"IPv4_interface 10.9.0.{number}"),
                     ("Interface eth2", "Interface sync"),
                     ("Protocol Accept {", "Protocol Accept {\n\t\t\tUDP"),
                     ("Mode FTFW {", f"Mode FTFW {{{more}")):
        text, count = re.subn(rf"(?m)^(\s*){re.escape(old)}", rf"\g<1>{new}", text)
        equal(count, 1, f"times that Debian's example has {old!r}")
    return text


class Node(Firewall):
    """A firewall that is what an administrator has: files at their places, and a script."""

    def __init__(self, demo, number):
        super().__init__(demo, number)
        name = f"fw{number}"
        self.daemon = self.kind = None
        self.warm = False
        self.calls, self.said = self.lab.path(f"{name}.calls"), self.lab.path(f"{name}.logger")
        self.bin = self.lab.path(f"{name}-bin")
        os.mkdir(self.bin)
        self.lab.write(f"{name}-bin/logger", LOGGER.format(log=self.said), 0o755)
        hook = self.lab.write(f"{name}.hook", HOOK.format(script=SCRIPT, log=self.calls), 0o755)
        self.hook = hook
        self.holder = self.space.spawn("unshare", "-m", "--propagation", "private", "sleep",
                                       "infinity", name=f"mounts-{name}")
        top = self.lab.path(f"{name}-top")
        os.mkdir(top)
        wait_for(lambda: os.readlink(f"/proc/{self.holder.pid}/exe").endswith("sleep"), 10, "mounts")
        self.sh(MOUNTS.format(top=top))
        self.put(SCRIPT, example("sync/primary-backup.sh"), "755")
        self.put(CONF, configuration(number), "644")

    def argv(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n", *argv]

    def env(self):
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        if self.kind == "conntrackd":
            env.update(unpacked("conntrackd")[1])
        return env

    def run(self, *argv, stdin=None, check=True):
        done = subprocess.run(self.argv(*argv), input=stdin, capture_output=True, text=True,
                              timeout=60, env={**os.environ, **self.env()})
        if check and done.returncode:
            raise Failed(f"{self.space.short}: {argv}: status {done.returncode}: {done.stderr}")
        return done

    def sh(self, script, stdin=None):
        return self.run("sh", "-c", script, stdin=stdin).stdout

    def put(self, path, text, mode):
        self.sh(f"cat >{path} && chmod {mode} {path}", stdin=text)

    # ---- the daemon ----

    def install(self, kind):
        """Puts a program at conntrackd's place, as a package would."""
        self.kind = kind
        if kind == "conntrackd":
            files = {COMMAND: unpacked("conntrackd")[0]}
        else:
            files = {COMMAND: built("conntrackd"), "/usr/sbin/ctsyncd": built("ctsyncd"),
                     "/usr/sbin/ctsyncctl": built("ctsyncctl")}
        for path, source in files.items():
            self.sh(f"cp {source} {path}.new && mv {path}.new {path}")

    def ask(self, *options):
        return self.run(COMMAND, "-C", CONF, *options, check=False)

    def start_sync(self, kind):
        self.install(kind)
        self.daemon = self.space.spawn_argv(self.argv(COMMAND, "-C", CONF),
                                            f"{kind}-{self.space.short}", self.env())
        wait_for(lambda: self.daemon.check_alive() and self.ask("-s").returncode == 0, 20,
                 f"{kind} answers")

    def stop_sync(self):
        equal(self.ask("-k").returncode, 0, "conntrackd -k")
        wait_for(lambda: not self.daemon.alive(), 10, "the daemon's end")
        equal(self.daemon.popen.returncode, 0, "its status")

    def held(self):
        """What it holds for its peer: TCP and UDP flows by their original tuples."""
        return {names(line) for line in self.ask("-e").stdout.splitlines() if "src=" in line}

    def kernel(self, which=r"\b(ESTABLISHED|udp)\b"):
        """What its kernel has of the connections that have to survive."""
        return {names(line) for line in self.space.conntrack("-o", "extended")
                + self.space.conntrack("-o", "extended", "-f", "ipv6")
                if " src=" in line and re.search(which, line)}

    def settled(self):
        """Those of them that a warm standby has in its kernel, too."""
        return self.kernel(r"\bESTABLISHED\b|\budp\b.*\[ASSURED\]")

    # ---- keepalived ----

    def start_keepalived(self):
        notify = "\n".join(
            line.replace(SCRIPT, self.hook) for line in example("sync/keepalived.conf").splitlines()
            if line.strip().startswith("notify_"))
        equal(notify.count(self.hook), 3, "notify lines of Debian's keepalived.conf")
        conf = KEEPALIVED_CONF.format(router=self.space.short, hook="@HOOK@")
        conf = conf.replace("notify @HOOK@", notify) + self.instances()
        # Who has taken over keeps the addresses until it fails itself.
        conf = conf.replace("state BACKUP\n", "state BACKUP\n\tnopreempt\n")
        program, libs = unpacked("keepalived")
        name = f"keepalived-fw{self.number}"
        pid = self.lab.path(name)
        self.keepalived = self.space.spawn_argv(
            self.argv(program, "--vrrp", "--dont-fork", "--log-console", "--log-detail", "--no-syslog",
                      "-f", self.lab.write(f"{name}.conf", conf), f"--pid={pid}.pid",
                      f"--vrrp_pid={pid}-vrrp.pid", f"--checkers_pid={pid}-checkers.pid"),
            name, {**libs, **self.env()})

    def called(self, how):
        """How often the script was called so, and has ended."""
        try:
            with open(self.calls, encoding="ascii") as f:
                return [line.split()[0] for line in f].count(how)
        except FileNotFoundError:
            return 0

    def told(self, verb):
        """As the demo asks for it: its start."""
        return self.called({"promote": "primary", "demote": "backup"}[verb]) > 0

    def is_whole(self):
        """The script has always ended well, and has found nothing wrong."""
        with open(self.calls, encoding="ascii") as f:
            equal({line.split()[1] for line in f}, {"0"}, "statuses of primary-backup.sh")
        if os.path.exists(self.said):
            with open(self.said, encoding="ascii") as f:
                raise Failed(f"primary-backup.sh says by logger: {f.read()}")


def names(line):
    """The protocol and the original tuple of a line of either tool."""
    fields = parse_flow(line, ("timeout", "mark", "labels", "status", "state", "reply"))
    return (fields[0], *fields[1:5])


class Migration(Demo):
    """The network and the traffic of the demo; what happens is another thing."""

    node_class = Node

    def alive(self, when):
        """Every connection carries data in both directions; those that are idle are made speak."""
        before = self.report()
        for name, who in SPEAKERS.items():
            self.agents[who].tell(do="speak", name=name)

        def still():
            after, late = self.report(), []
            for c in CONNECTIONS:
                pairs = list(zip(before[c.name], after[c.name]))
                # Of a push and a ping only the connecting end receives.
                for old, new in pairs[:1] if c.kind in ("push", "ping") else pairs:
                    if new["error"]:
                        raise Failed(f"{when}: {c.title}: {new['error']}")
                    if new["got"] <= old["got"]:
                        late.append(c.title)
            return late
        try:
            wait_for(lambda: not still(), SETTLE_S, when, 0.1)
        except TimedOut:
            raise Failed(f"{when}: no data any more: {', '.join(still())}") from None

    def replicated(self, active, standby, when):
        def missing():
            return active.kernel() - standby.held()
        try:
            wait_for(lambda: not missing(), SETTLE_S, when, 0.1)
        except TimedOut:
            raise Failed(f"{when}: {standby.space.short} ({standby.kind}) lacks {missing()}") from None
        if standby.warm:
            wait_for(lambda: active.settled() and active.settled() <= standby.kernel(), SETTLE_S,
                     f"{when}: the kernel of {standby.space.short} has them", 0.1)

    def fail_over(self, old, new, when):
        """The active node loses a cable, the other takes over; then the cable is there again."""
        when = f"{when}: {old.kind} fails, {new.kind} takes over"
        self.replicated(old, new, f"before {when}")
        self.alive(f"before {when}")
        faults, primaries = old.called("fault"), new.called("primary")
        backups = old.called("backup")
        self.switch.ip(f"link set {old.ports[0]} down")
        wait_for(new.has_addresses, 15, f"{when}: addresses")
        wait_for(lambda: new.called("primary") > primaries, 30, f"{when}: the script's end")
        self.alive(f"after {when}")
        wait_for(lambda: old.called("fault") > faults, 30, f"{when}: the script's call for the fault")
        # PurgeTimeout: what the old one has is of no use any more, or has become the new one's.
        wait_for(lambda: old.settled() == new.settled() if old.warm else not old.kernel(), SETTLE_S,
                 f"{when}: {old.space.short} is purged")
        self.switch.ip(f"link set {old.ports[0]} up")
        wait_for(lambda: old.called("backup") > backups, 30, f"{when}: the script's call as backup")
        self.replicated(new, old, f"after {when}")
        print(f"    {when}: every connection goes on", flush=True)

    def upgrade(self, node, active, warm=False):
        """The backup: another program under the same name."""
        node.stop_sync()
        node.warm = warm
        node.put(CONF, configuration(node.number, warm), "644")
        node.start_sync("ctsyncd")
        self.replicated(active, node, f"{node.space.short} upgraded")
        self.alive(f"{node.space.short} upgraded")
        print(f"    {node.space.short} is ctsyncd now", flush=True)


def migrate(first, steps):
    """first: both nodes' daemon; steps(demo): what happens. At the end every connection ends well."""
    with Lab("mg") as lab:
        demo = Migration(lab, first, 0)
        demo.build()
        demo.start()
        demo.open_connections()
        try:
            steps(demo, demo.fw1, demo.fw2)
        except Failed as e:
            out = [f"--- {fw.space.short}: {open(fw.calls).read().split()}" for fw in (demo.fw1, demo.fw2)]
            raise Failed("\n".join([str(e), *out])) from None
        verdicts = demo.finish(set())
        equal({name: why for name, why in verdicts.items() if why}, {}, "what is wrong with connections")
        for node in (demo.fw1, demo.fw2):
            node.is_whole()


def need_command():
    try:
        built("conntrackd")
    except Failed:
        raise Skipped("the conntrackd command is not built (--enable-conntrackd-command)") from None


def test_rolling_migration():
    """conntrackd on both nodes, then on one, then on none; roles change in each of these."""
    need_command()

    def steps(demo, fw1, fw2):
        demo.fail_over(fw1, fw2, "1 before the migration")
        demo.upgrade(fw1, active=fw2)
        demo.fail_over(fw2, fw1, "2 between")
        demo.fail_over(fw1, fw2, "3 between")
        demo.fail_over(fw2, fw1, "4 between")
        demo.upgrade(fw2, active=fw1)
        demo.fail_over(fw1, fw2, "5 after")
        demo.fail_over(fw2, fw1, "6 after")
    migrate("conntrackd", steps)


def test_rolling_migration_to_a_warm_standby():
    """The same with StandbyTable Warm on each node that is ctsyncd: beside conntrackd, then alone."""
    need_command()

    def steps(demo, fw1, fw2):
        demo.fail_over(fw1, fw2, "1 before the migration")
        demo.upgrade(fw1, active=fw2, warm=True)
        demo.fail_over(fw2, fw1, "2 between")
        demo.fail_over(fw1, fw2, "3 between")
        demo.fail_over(fw2, fw1, "4 between")
        demo.upgrade(fw2, active=fw1, warm=True)
        demo.fail_over(fw1, fw2, "5 after")
        demo.fail_over(fw2, fw1, "6 after")
        demo.fail_over(fw1, fw2, "7 after")
    migrate("conntrackd", steps)


def test_the_script_starts_a_dead_daemon():
    """Called as a backup, primary-backup.sh finds that nobody answers, and runs conntrackd -d."""
    need_command()
    with Lab("sc") as lab:
        demo = Migration(lab, "ctsyncd", 0)
        demo.build()
        node = demo.fw1
        node.start_sync("ctsyncd")
        node.daemon.kill()
        equal(node.ask("-s").returncode, 1, "status of -s without a daemon")
        equal(node.run(SCRIPT, "backup", check=False).returncode, 0, "status of primary-backup.sh")
        equal(node.ask("-s").returncode, 0, "status of -s afterwards")
        with open(node.said, encoding="ascii") as f:
            equal("ERROR" in f.read(), False, "an error told by logger")
        equal(node.run(SCRIPT, "primary", check=False).returncode, 0, "as the primary")
        node.sh(f"{COMMAND} -C {CONF} -k")


if __name__ == "__main__":
    run_cases(globals())
