# SPDX-License-Identifier: GPL-2.0-or-later
"""A node of a sync cluster: ctsyncd, or Debian's conntrackd, started in a namespace of a Lab.

Both are told the same things by the same methods, so that a test can put either on either side:

    active = SyncNode(lab, a, "ctsyncd", sync_conf("10.9.0.1"))
    backup = SyncNode(lab, b, "conntrackd", sync_conf("10.9.0.2"))
    active.start(); backup.start()
    wait_for(lambda: backup.remote_count() == active.local_count(), 10, "all flows replicated")
    backup.commit()
"""

import contextlib
import json
import os
import re
import socket

from netns import Failed, built, parse_flow, tail, unpacked, wait_for

SYNC_CONF = """\
General {{
	HashSize 32768
	HashLimit {hash_limit}
	LogFile off
	Syslog off
	LockFile @TMP@/@NAME@.lock
	UNIX {{
		Path @TMP@/@NAME@.ctl
	}}
	NetlinkBufferSize 2097152
	NetlinkBufferSizeMaxGrowth 33554432
{general}
}}
Sync {{
	Mode {mode} {{
{mode_options}
	}}
{links}
{sync}
}}
"""


def link_conf(kind, address, peer="", interface="sync", port=3780, default=False, options=""):
    """A dedicated link's section: kind is "Multicast", "UDP" or "TCP", peer its other end.

    address: this node's on the interface; an IPv6 one makes the group an IPv6 one.
    """
    family = "IPv6" if ":" in address else "IPv4"
    if kind == "Multicast":
        group = "ff02::50" if family == "IPv6" else "225.0.0.50"
        own = f"\t\tIPv4_interface {address}\n" if family == "IPv4" else ""
        where = f"\t\t{family}_address {group}\n{own}\t\tGroup {port}\n"
    else:
        where = (f"\t\t{family}_address {address}\n\t\t{family}_Destination_Address {peer}\n"
                 f"\t\tPort {port}\n")
    return (f"\t{kind} {'Default ' if default else ''}{{\n{where}\t\tInterface {interface}\n"
            f"\t\tSndSocketBuffer 4194304\n\t\tRcvSocketBuffer 4194304\n\t\tChecksum on\n"
            f"{options}\t}}\n")


def sync_conf(address="", interface="sync", mode="FTFW", port=3780, mode_options="", general="",
              sync="", hash_limit=1048576, links=None):
    """The text of a configuration; general, mode_options and sync are more lines for a section.

    links: texts of link_conf(); else a multicast link by address. @TMP@ and @NAME@ in any of the
    texts become the lab's folder and the node's name.
    """
    links = "".join(links or [link_conf("Multicast", address, interface=interface, port=port)])
    return SYNC_CONF.format(**locals())


# A flow whose birth and end are both lost is told by nobody: there is room for all events of a case.
STATS_CONF = """\
General {{
	HashSize 32768
	HashLimit 131072
	LogFile off
	Syslog {syslog}
	LockFile @TMP@/@NAME@.lock
	UNIX {{
		Path @TMP@/@NAME@.ctl
	}}
	NetlinkBufferSize 33554432
	NetlinkBufferSizeMaxGrowth 33554432
{general}
}}
Stats {{
{stats}
}}
"""


def stats_conf(general="", stats="", syslog="off"):
    """The same of a node that has no peers but tells of the flows that end."""
    return STATS_CONF.format(**locals())


class SyncNode:
    """kind: "ctsyncd" or "conntrackd". The process is `node.process` once started."""

    def __init__(self, lab, space, kind, conf, name=None, env=None):
        self.lab, self.space, self.kind = lab, space, kind
        self.name = name or f"{kind}-{space.short}"
        self.env, self.process, self.notify = dict(env or {}), None, None
        if kind == "conntrackd":
            self.program, libs = unpacked("conntrackd")
            self.env = {**libs, **self.env}  # the caller may have put another library before them
        else:
            self.program = built("ctsyncd")
            self.ctl_program = built("ctsyncctl")
        self.reconfigure(conf)

    def reconfigure(self, conf):
        """Writes another configuration; it counts from the next start, or SIGHUP, on."""
        text = conf.replace("@TMP@", self.lab.tmp).replace("@NAME@", self.name)
        self.conf = self.lab.write(f"{self.name}.conf", text)
        self.socket = re.search(r"Path\s+(\S+)", text).group(1)
        self.lock = re.search(r"LockFile\s+(\S+)", text).group(1)

    def start(self, *options, wait=True, deadline_s=20):
        """Starts the daemon and waits until it says that it is ready (sd_notify)."""
        if self.kind == "conntrackd":
            # What a killed one left behind stops its next start.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.lock)
        self._open_notify()
        self.process = self.space.spawn(self.program, *options, "-C", self.conf, name=self.name,
                                        env={**self.env, "NOTIFY_SOCKET": self.notify_path})
        if wait:
            wait_for(self._told_ready, deadline_s, f"{self.name} ready:\n{tail(self.process.log)}")
        return self

    def _open_notify(self):
        self.notify_path = self.lab.path(f"{self.name}.notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.notify_path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        os.chmod(self.notify_path, 0o666)  # the daemon may run as a user of its own
        self.notify.setblocking(False)

    def notified(self):
        """The next sd_notify message, "" when there is none."""
        try:
            return self.notify.recv(4096).decode()
        except BlockingIOError:
            return ""

    def _told_ready(self):
        self.process.check_alive()
        while message := self.notified():
            if "READY=1" in message.split("\n"):
                return True
        return False

    def kill(self):
        """SIGKILL: nothing is told to anyone, nothing is tidied up."""
        self.process.kill(with_children=True)

    def stop(self):
        return self.process.stop()

    def ctl(self, *args, check=True, deadline_s=120):
        """Runs the control tool: ctsyncctl's verb, or conntrackd's option."""
        if self.kind == "conntrackd":
            argv = [self.program, "-C", self.conf, *args]
        else:
            argv = [self.ctl_program, "-s", self.socket, *args]
        return self.space.run(*argv, check=check, env=self.env, deadline_s=deadline_s)

    def _verb(self, ours, theirs):
        return self.ctl(*(theirs if self.kind == "conntrackd" else ours)).stdout

    def commit(self):
        return self._verb(["commit"], ["-c"])

    def flush(self):
        return self._verb(["flush"], ["-f"])

    def resync_kernel(self):
        """Reads the kernel's table anew; ctsyncd does that by itself, always."""
        return "" if self.kind == "ctsyncd" else self.ctl("-R").stdout

    def request_resync(self):
        """Asks the peers for their tables."""
        return self._verb(["resync"], ["-n"])

    def send_bulk(self):
        """Sends the own table to the peers."""
        return self._verb(["bulk"], ["-B"])

    def promote(self):
        """What a notify hook does when this node becomes active."""
        if self.kind == "ctsyncd":
            return self.ctl("promote").stdout
        return "".join(self.ctl(option).stdout for option in ("-c", "-f", "-R", "-B"))

    def demote(self):
        """What a notify hook does when this node becomes the backup."""
        if self.kind == "ctsyncd":
            return self.ctl("demote").stdout
        return "".join(self.ctl(option).stdout for option in ("-t", "-n"))

    def status(self):
        """ctsyncd only: the answer to `status --json`."""
        return json.loads(self.ctl("status", "--json").stdout)

    def stats(self):
        """ctsyncd only: every counter, by name."""
        return json.loads(self.ctl("stats", "--json").stdout)

    def local(self):
        """The lines of the table that this node tells others."""
        return self._lines(self._verb(["show", "local"], ["-i"]))

    def remote(self):
        """The lines of the tables that others told this node."""
        return self._lines(self._verb(["show", "remote"], ["-e"]))

    def remote_expects(self):
        """The lines of the expectations that others told this node."""
        return self._lines(self._verb(["show", "expectations", "remote"], ["-e", "expect"]))

    def local_flows(self, ignore=("timeout", "reply", "labels")):
        return {parse_flow(line, ignore) for line in self.local()}

    def remote_flows(self, ignore=("timeout", "reply", "labels")):
        return {parse_flow(line, ignore) for line in self.remote()}

    @staticmethod
    def _lines(text):
        return [line for line in text.splitlines() if "src=" in line]

    def local_count(self):
        return self._count("local_flows", "internal")

    def remote_count(self):
        return self._count("remote_flows", "external")

    def _count(self, field, cache):
        if self.kind == "ctsyncd":
            return self.status()[field]
        text = self.ctl("-s").stdout
        found = re.search(rf"cache {cache}:\s+current active connections:\s+(\d+)", text)
        if not found:
            raise Failed(f"{self.name}: no such figures in:\n{text}")
        return int(found.group(1))
