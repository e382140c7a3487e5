# SPDX-License-Identifier: GPL-2.0-or-later
"""A laboratory of network namespaces for the system and interop tests and the demo.

    with Lab("events") as lab:
        a, b = lab.ns("a"), lab.ns("b")
        lab.veth(a, "sync", b, "sync", ["10.9.0.1/24"], ["10.9.0.2/24"])
        a.track()                      # connection tracking is off until a rule asks for it
        ...

Everything made is undone when the block is left, also by an exception, SIGINT or SIGTERM, in the
reverse order: processes by their id, namespaces by their name (ctsync-TEST-PID-NAME), the temporary
folder. Nothing outside those namespaces is changed.
"""

import concurrent.futures
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What a test expected did not happen; the text says what."""


class TimedOut(Failed):
    """wait_for's condition did not come true in time."""


def wait_for(condition, deadline_s, what, interval_s=0.02):
    """Polls condition() until it is true and returns its value; TimedOut after deadline_s."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise TimedOut(f"not within {deadline_s} s: {what}")
        time.sleep(interval_s)


def tail(path, lines=20):
    """The last lines of a text file, or a remark that there is none."""
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:]).rstrip() or "(empty)"
    except OSError as e:
        return f"({e.strerror})"


def build_dir():
    """The build folder whose programs are under test: CTSYNC_BUILD, else build/release."""
    return os.environ.get("CTSYNC_BUILD") or os.path.join(TOP, "build", "release")


def built(name):
    """The path of a program of the build (its base name, or its path below the build folder)."""
    for folder in ("", "src/daemon", "src/ctl", "tests/lib", "tests/bench"):
        path = os.path.join(build_dir(), folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise Failed(f"{name} is not built in {build_dir()} (CTSYNC_BUILD names another folder)")


def packages():
    """The folder that tools/setup.sh unpacked Debian's packages into; Failed without it."""
    # A copy of the tree may use the packages that another copy unpacked.
    root = os.environ.get("CTSYNC_PKGS") or os.path.join(TOP, "build", "pkgs", "root")
    if not os.path.isdir(root):
        raise Failed(f"no packages in {root}; run tools/setup.sh check")
    return root


def unpacked(name):
    """(path, environment) of a program that tools/setup.sh unpacked: keepalived, conntrackd..."""
    root = packages()
    path = os.path.join(root, "usr", "sbin", name)
    if not os.access(path, os.X_OK):
        raise Failed(f"{name} is not unpacked; run tools/setup.sh check")
    libs = [e.path for top in ("usr/lib", "lib") if os.path.isdir(os.path.join(root, top))
            for e in os.scandir(os.path.join(root, top)) if e.name.endswith("-linux-gnu")]
    return path, {"LD_LIBRARY_PATH": ":".join(libs)}


def reap(pid, deadline_s=5):
    """Waits for the end of a killed process that came to us when its parent died."""
    end = time.monotonic() + deadline_s
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < end:
            time.sleep(0.002)


class Process:
    """A program that runs in a namespace; its output goes to a log file."""

    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def children(self):
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                return [int(p) for p in f.read().split()]
        except OSError:
            return []

    def kill(self, sig=signal.SIGKILL, with_children=False):
        """Sends a signal; SIGKILL also waits for the end."""
        pids = self.children() if with_children else []
        if self.alive():
            self.popen.send_signal(sig)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        if sig == signal.SIGKILL:
            self.popen.wait()
            for pid in pids:
                reap(pid)

    def stop(self, deadline_s=10):
        """SIGTERM, and the exit status; a process that does not end is killed: TimedOut."""
        if self.alive():
            self.popen.terminate()
        try:
            return self.popen.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill(with_children=True)
            raise TimedOut(f"{self.name} does not end on SIGTERM\n{tail(self.log)}") from None

    def check_alive(self):
        if not self.alive():
            raise Failed(f"{self.name} has ended with status {self.popen.returncode}:\n"
                         f"{tail(self.log)}")
        return True

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Namespace:
    """A network namespace. Commands run in it by `ip netns exec`, which becomes the command."""

    def __init__(self, lab, name):
        self.lab, self.short, self.name = lab, name, f"{lab.prefix}{name}"

    def argv(self, argv):
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv, check=True, stdin=None, env=None, deadline_s=60):
        """Runs a command to its end: CompletedProcess with text output. check: Failed on status."""
        done = subprocess.run(self.argv(argv), input=stdin, capture_output=True, text=True,
                              timeout=deadline_s, env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise Failed(f"{self.short}: {' '.join(argv)}: status {done.returncode}: "
                         f"{(done.stderr or done.stdout).strip()}")
        return done

    def spawn(self, *argv, name=None, env=None, stdin=subprocess.DEVNULL, stdout=None):
        """Starts a program that is killed when the lab closes, or when this process dies.

        Its output goes to LAB/tmp/NAME.log; stdout=PIPE gives the caller its standard output.
        """
        name = name or f"{os.path.basename(argv[0])}-{self.short}"
        return self.spawn_argv(self.argv(argv), name, env, stdin, stdout)

    def spawn_argv(self, argv, name, env=None, stdin=subprocess.DEVNULL, stdout=None):
        """spawn() with a command that enters the namespace by itself."""
        log = self.lab.path(f"{name}.log")
        with open(log, "ab") as out:
            popen = subprocess.Popen(
                argv, stdin=stdin, stdout=out if stdout is None else stdout, stderr=out,
                env={**os.environ, **(env or {})}, start_new_session=True,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        process = Process(name, popen, log)
        self.lab.defer(lambda: process.kill(with_children=True))
        self.lab.processes.append(process)
        return process

    def inside(self, function):
        """What function() returns, called by a thread in the namespace: a socket stays there."""
        def enter():
            fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if LIBC.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns to {self.name}")
            finally:
                os.close(fd)
            return function()
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(enter).result()

    def ip(self, *lines):
        """Runs lines of `ip` commands ("link set eth0 up") in one go."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def nft(self, ruleset):
        self.run("nft", "-f", "-", stdin=ruleset)

    def sysctl(self, **values):
        """sysctl(ipv4__ip_forward=1): `__` stands for the dot, the prefix net. is understood."""
        self.run("sysctl", "-q", "-w",
                 *(f"net.{k.replace('__', '.')}={v}" for k, v in values.items()))

    def track(self, untracked=("sync",)):
        """Switches connection tracking on with a rule that accepts everything.

        What passes the untracked interfaces makes no entry: the sync datagrams themselves.
        """
        skip = "".join(f'{{0}} "{i}" notrack; ' for i in untracked)
        chains = "".join(
            f"chain {name}_raw {{ type filter hook {hook} priority raw; "
            f"{skip.replace('{0}', key)} }}; "
            f"chain {name} {{ type filter hook {hook} priority filter; ct state new accept; }}; "
            for name, hook, key in (("incoming", "prerouting", "iifname"),
                                    ("outgoing", "output", "oifname")))
        self.nft(f"table inet track {{ {chains} }}")

    def lose(self, interface, percent, seed_table="loss"):
        """Drops that share of the UDP datagrams that come in on an interface; 0 drops none."""
        self.run("nft", "delete", "table", "inet", seed_table, check=False)
        if percent:
            self.nft(f"table inet {seed_table} {{ chain incoming {{ type filter hook prerouting "
                     f"priority -400; iifname {interface} meta l4proto udp "
                     f"numgen random mod 1000 <= {int(percent * 10) - 1} counter drop; }}; }}")

    def is_idle(self):
        """No process runs here: what has been told to end is not killed while it looks for leaks."""
        return not subprocess.run(["ip", "netns", "pids", self.name], check=True,
                                  capture_output=True, text=True).stdout.split()

    def count(self):
        """How many connections the kernel's table of this namespace holds."""
        return int(self.run("conntrack", "-C").stdout)

    def conntrack(self, *args):
        """Lines of `conntrack -L` with more arguments of that tool ([] for an empty table)."""
        return [l for l in self.run("conntrack", "-L", *args).stdout.splitlines() if l.strip()]

    def flows(self, *args, ignore=("timeout",)):
        """The kernel's table as a set of normalised lines, comparable between nodes: parse_flow."""
        return {parse_flow(l, ignore) for l in self.conntrack("-o", "extended,labels", *args)}

    def flush(self):
        self.run("conntrack", "-F")


def parse_flow(line, ignore=("timeout",)):
    """A line of the conntrack tool or of a daemon's dump -> a tuple of its fields in one order.

    Dropped always: what is local to a node (id, use, counters, times). ignore: also "timeout",
    "mark", "labels", "status" ([ASSURED] and the like), "state" (of TCP and such), "reply" (the
    reply tuple; a conntrackd's external cache has none).
    """
    fields, words, tuples = [], [], 0
    tokens = line.split("[active since")[0].split("[expires in")[0].split()
    if tokens and tokens[0] in ("ipv4", "ipv6"):
        tokens = tokens[2:]
    numbers = [t for t in tokens[1:3] if t.isdigit()]
    proto, rest = tokens[0], tokens[1 + len(numbers):]
    if "timeout" not in ignore and len(numbers) > 1:
        fields.append(f"timeout={numbers[1]}")
    for token in rest:
        key = token.split("=")[0]
        if key == "src":
            tuples += 1
        if key in ("id", "use", "packets", "bytes", "delta-time", "start", "stop"):
            continue
        if key in ("mark", "labels") and (key in ignore or token in ("mark=0", "labels=")):
            continue
        if "=" not in token:
            kind = "status" if token.startswith("[") else "state"
            if kind not in ignore:
                words.append(token)
        elif not (tuples == 2 and "reply" in ignore
                  and key not in ("mark", "labels", "helper", "zone")):
            fields.append(token)
    return (proto, *words, *fields)


class Lab:
    """The namespaces, processes and temporary files of one test; a context manager."""

    def __init__(self, test, keep_tmp=False, owner=None):
        """owner: the id of the process that names are made of, if that is not this one."""
        self.test, self.keep_tmp = test, keep_tmp
        self.prefix = f"ctsync-{test}-{owner or os.getpid()}-"
        self.undo, self.processes, self.spaces, self.handlers = [], [], {}, {}
        self.tmp = None

    def __enter__(self):
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.handlers[sig] = signal.signal(sig, self._interrupted)
        # Orphans come to us, to be waited for, and not to an init that may not care.
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.tmp = tempfile.mkdtemp(prefix=self.prefix)
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Failed):
            self.show_logs()
        self.close()

    @staticmethod
    def _interrupted(sig, _frame):
        raise SystemExit(128 + sig)

    def close(self):
        # A second signal must not stop the cleaning up.
        for sig in self.handlers:
            signal.signal(sig, signal.SIG_IGN)
        while self.undo:
            try:
                self.undo.pop()()
            except Exception as e:  # the rest has to be undone all the same
                print(f"{self.test}: cleaning up: {e}", file=sys.stderr)
        if self.tmp and not self.keep_tmp:
            shutil.rmtree(self.tmp, ignore_errors=True)
        for sig, handler in self.handlers.items():
            signal.signal(sig, handler)

    def defer(self, undo):
        """undo() is called when the lab closes, last one first."""
        self.undo.append(undo)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def show_logs(self, lines=15, out=sys.stderr):
        for process in self.processes:
            print(f"--- {process.name} ({'runs' if process.alive() else 'ended'}):\n"
                  f"{tail(process.log, lines)}", file=out)

    def ns(self, name):
        """A new namespace with the loopback up and IPv6 without duplicate address detection."""
        space = Namespace(self, name)
        # Deferred first: an interrupt between the two must not leave the namespace behind.
        self.defer(lambda: self._delete(space))
        subprocess.run(["ip", "netns", "add", space.name], check=True)
        self.spaces[name] = space
        space.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                     ipv6__conf__default__accept_ra=0, ipv4__conf__all__rp_filter=0,
                     ipv4__conf__default__rp_filter=0)
        space.ip("link set lo up")
        return space

    @staticmethod
    def _delete(space):
        # What is left of processes that our processes started (keepalived's children).
        left = subprocess.run(["ip", "netns", "pids", space.name], capture_output=True, text=True)
        for pid in map(int, left.stdout.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            reap(pid)
        if os.path.exists(f"/run/netns/{space.name}"):
            subprocess.run(["ip", "netns", "delete", space.name], check=True)

    def veth(self, a, a_name, b, b_name, a_addresses=(), b_addresses=()):
        """A cable between two namespaces, both ends up, with addresses ("10.9.0.1/24")."""
        a.ip(f"link add {a_name} type veth peer name {b_name} netns {b.name}")
        for space, name, addresses in ((a, a_name, a_addresses), (b, b_name, b_addresses)):
            space.ip(f"link set {name} up",
                     *(f"addr add {address} dev {name}" for address in addresses))

    def bridge(self, space, name):
        """A switch. It floods multicast: VRRP and the sync groups need no querier."""
        space.ip(f"link add {name} type bridge mcast_snooping 0 forward_delay 0",
                 f"link set {name} up")

    def plug(self, space, interface, switch, bridge, addresses=()):
        """A cable from space's interface to a bridge; the switch's end is called like the space."""
        port = f"{bridge}.{space.short}"
        self.veth(space, interface, switch, port, addresses)
        switch.ip(f"link set {port} master {bridge}")
        return port
