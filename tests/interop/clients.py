# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own programs on our libnetfilter_conntrack, each run compared with one on Debian's.

    with Lab("nf") as lab:
        pair = Sides(lab, lab.ns("both"))            # or one namespace for each
        pair.same("conntrack", "-L", "-o", "xml")    # the same text, status and errors

Which library a run uses is set by LD_LIBRARY_PATH alone, and read from the dynamic linker's own
report after each run: a run that was not on the library that it should be on fails the test. Ours is
the sanitized build (CTSYNC_BUILD), so what it does wrong with memory fails the test, too. CTSYNC_NFCT
names a folder with another library to put in its place.

What differs by intention (doc/MIGRATION.md) is a Fix: it must show, and nothing else may.
"""

import calendar
import glob
import os
import re
import subprocess
import time

from netns import TOP, Failed, build_dir, unpacked, wait_for

SONAME = "libnetfilter_conntrack.so.3"
# How far timeouts and times of the two runs may be apart: from how long a slow machine takes.
SLACK_S = 40
LOADED = re.compile(rf"calling init: (\S*/{re.escape(SONAME)}\S*)$", re.M)


class Library:
    """Programs run on the library of a folder; preload: what its sanitizers need."""

    def __init__(self, name, folder, preload=""):
        self.name, self.folder, self.preload = name, folder, preload
        self.path = os.path.join(folder, SONAME)
        if not os.path.exists(self.path):
            raise Failed(f"there is no {self.path}")


def our_library(sanitized=True):
    """sanitized=False: for programs that do not work with libasan, whatever library they run on."""
    folder = os.environ.get("CTSYNC_NFCT")
    if folder:
        return Library("ours", folder)
    build = build_dir()
    if not sanitized:
        build = os.environ.get("CTSYNC_RELEASE") or os.path.join(TOP, "build", "release")
    folder = os.path.join(build, "src", "nfct", ".libs")
    library = Library("ours", folder)
    needed = subprocess.run(["readelf", "-d", library.path], capture_output=True, text=True).stdout
    if "libasan" in needed:
        library.preload = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True,
                                         capture_output=True, text=True).stdout.strip()
    return library


def debian_library():
    _, libs = unpacked("conntrackd")
    folders = [f for f in libs["LD_LIBRARY_PATH"].split(":")
               if os.path.exists(os.path.join(f, SONAME))]
    if not folders:
        raise Failed(f"Debian's {SONAME} is not unpacked; run tools/setup.sh check")
    return Library("debian", folders[0])


class Side:
    """Runs programs on one library in one namespace."""

    def __init__(self, lab, space, library, mounts=None):
        self.lab, self.space, self.library, self.mounts = lab, space, library, mounts
        self.runs = 0

    def environment(self, tag):
        """What makes a program run on the library and report what it loaded and did wrong."""
        # What the programs need beside it comes from the folder of the unpacked packages.
        _, libs = unpacked("conntrackd")
        reports = self.lab.path(f"{tag}.report")
        env = {"LD_LIBRARY_PATH": f"{self.library.folder}:{libs['LD_LIBRARY_PATH']}",
               "LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": self.lab.path(f"{tag}.ld"),
               # The programs leave objects behind when they end; leaks are for our own tests.
               "ASAN_OPTIONS": f"detect_leaks=0:log_path={reports}",
               "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={reports}",
               "TZ": "UTC", "LC_ALL": "C"}
        if self.library.preload:
            env["LD_PRELOAD"] = self.library.preload
        return env

    def argv(self, argv, env):
        # env starts the program itself, so that nothing else runs on the library.
        mounts = [f"--mount=/proc/{self.mounts.pid}/ns/mnt"] if self.mounts else []
        return ["nsenter", f"--net=/run/netns/{self.space.name}", *mounts, "env",
                *(f"{k}={v}" for k, v in env.items()), *argv]

    def tag(self):
        self.runs += 1
        return f"{self.library.name}-{self.space.short}-{id(self)}-{self.runs}"

    def run(self, *argv, stdin="", env=None, links=True, deadline_s=60):
        """Runs a program to its end: CompletedProcess. links: it has to be on the library."""
        tag = self.tag()
        done = subprocess.run(self.argv(argv, {**self.environment(tag), **(env or {})}),
                              input=stdin, capture_output=True, text=True, timeout=deadline_s)
        self.check_run(tag, argv[0], links)
        return done

    def run_unless(self, text, *argv, **how):
        """Like run; a run whose errors hold the text is done again, at most twenty times."""
        for _ in range(20):
            done = self.run(*argv, **how)
            if text is None or text not in done.stderr:
                break
        return done

    def check_run(self, tag, program, links=True):
        """Fails unless the linker loaded this side's library and the sanitizers are content."""
        texts = []
        for path in glob.glob(self.lab.path(f"{tag}.report.*")):
            with open(path, errors="replace") as f:
                texts.append(f.read())
        if texts:
            raise Failed(f"{program}: a sanitizer reported\n" + "\n".join(texts))
        loaded = self.loaded(tag)
        wanted = {os.path.realpath(self.library.path)} if links else set()
        if loaded != wanted:
            raise Failed(f"{program} should run on {wanted or 'no such library'}, but loaded "
                         f"{loaded or 'none'}")

    def loaded(self, tag):
        """The paths of all such libraries that the run's processes loaded."""
        found = set()
        for path in glob.glob(self.lab.path(f"{tag}.ld.*")):
            with open(path, errors="replace") as f:
                found |= {os.path.realpath(p) for p in LOADED.findall(f.read())}
        return found

    def spawn(self, *argv, name, stdout=None, env=None):
        """Starts a program; its process has a method proven(), to be called once it works."""
        tag = self.tag()
        argv = self.argv(argv, {**self.environment(tag), **(env or {})})
        process = self.space.spawn_argv(argv, f"{name}-{self.library.name}", stdout=stdout)
        process.proven = lambda: self.check_run(tag, name)
        return process


def private_etc(lab, space, files):
    """A process whose mount namespace has those files ({path below /etc: text}) in its /etc."""
    name = f"etc-{space.short}"
    etc, real = lab.path(name), lab.path(f"{name}.real")
    os.makedirs(etc)
    os.makedirs(real)
    hidden = {path.split("/")[0] for path in files}
    for entry in os.listdir("/etc"):
        if entry not in hidden:
            os.symlink(os.path.join(real, entry), os.path.join(etc, entry))
    for path, text in files.items():
        os.makedirs(os.path.join(etc, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(etc, path), "w") as f:
            f.write(text)
    ready = lab.path(f"{name}.ready")
    holder = space.spawn("unshare", "-m", "sh", "-c",
                         'mount --rbind /etc "$1" && mount --bind "$2" /etc && : >"$3" && '
                         'exec sleep infinity', "sh", real, etc, ready, name=name)
    wait_for(lambda: holder.check_alive() and os.path.exists(ready), 20, "a private /etc")
    return holder


class Fix:
    """A difference by intention: change(Debian's text) is what ours has to print.

    Where ours prints what cannot be told from Debian's text, change is of ours: it takes that out.
    """

    def __init__(self, name, change, of_ours=False):
        self.name, self.change, self.of_ours, self.shown = name, change, of_ours, 0

    def apply(self, ours, debian):
        """(ours, Debian's) as they have to be the same; counts whether there was a difference."""
        a, b = (self.change(ours), debian) if self.of_ours else (ours, self.change(debian))
        self.shown += (a, b) != (ours, debian)
        return a, b


TCP_NAMES = ("NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE "
             "LISTEN").split()
OWN_NAMES = {
    "132": "NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD "
           "SHUTDOWN_ACK_SENT".split(),
    "33": "NONE REQUEST RESPOND PARTOPEN OPEN CLOSEREQ CLOSING TIMEWAIT".split(),
}
XML_STATE = re.compile(r'(<layer4 protonum="(132|33)"[^\n]*?<state>)(\w+)')
XML_ICMP_KEY = re.compile(r'(protoname="icmp(?:v6)?">)<type>\d+</type><code>\d+</code><id>\d+</id>')
FIXES = (
    Fix("XML: states of SCTP and DCCP", lambda text: XML_STATE.sub(
        lambda m: m[1] + OWN_NAMES[m[2]][TCP_NAMES.index(m[3])], text)),
    Fix("XML: keys of ICMP", lambda text: XML_ICMP_KEY.sub(r"\1", text), of_ours=True),
    Fix("no bare word for labels without names",
        lambda text: re.sub(r"(src=.*) labels(?= \[|$)", r"\1", text, flags=re.M)),
)


# (kind, pattern whose group is the value). What stands for the value in the text to compare is the
# kind; "time" and the like are compared apart, with a slack.
PLAIN = (
    ("seconds", re.compile(r"^(?:\[[\d.]+ *\]\t)?(?: *\[\w+\] )?(?:ipv[46] +\d+ )?"
                           r"[a-z]\w* +\d+ (\d+)", re.M)),
    ("seconds", re.compile(r"^(?:\[[\d.]+ *\]\t)?(?: *\[\w+\] )?(\d+) proto=", re.M)),
    ("seconds", re.compile(r"^-[AIUD] -t (\d+)", re.M)),
    ("seconds", re.compile(r"<timeout>(\d+)</timeout>")),
    ("seconds", re.compile(r"delta-time=(\d+)")),
    ("seconds", re.compile(r"<deltatime>(\d+)</deltatime>")),
    ("clock", re.compile(r"\[(?:start|stop)=([^]]+)\]")),
    ("clock", re.compile(r"^\[([\d.]+ *)\]", re.M)),
    ("nanoseconds", re.compile(r"<(?:start|stop)>(\d+)</")),
    ("when", re.compile(r"<when>(.*?)</when>")),
)
IDENTITIES = (
    ("use", re.compile(r"\buse[=>](\d+)")),
    ("id", re.compile(r"(?:use=\d+|use=USE) id=(\d+)")),
    ("id", re.compile(r"<id>(\d+)</id>")),
)
WHEN = re.compile(r"<hour>(\d+)</hour><min>(\d\d)</min><sec>(\d\d)</sec><wday>(\d)</wday>"
                  r"<day>(\d+)</day><month>(\d+)</month><year>(\d+)</year>$")
PORTID = re.compile(r" \[USERSPACE\] portid=\d+(?: progname=\S+)?$", re.M)


def seconds_of(kind, text):
    """A volatile value in seconds; the clock of the tests is UTC."""
    if kind == "nanoseconds":
        return int(text) / 1e9
    if kind == "when":
        hour, minute, second, _wday, day, month, year = map(int, WHEN.match(text).groups())
        return calendar.timegm((year, month, day, hour, minute, second))
    if kind == "clock" and not text[0].isdigit():
        return calendar.timegm(time.strptime(text))
    return float(text)


def normalised(text, identities=False):
    """(text without what is volatile, [(kind, seconds), ...] of what was left out)."""
    values = []

    def replace(kind, match):
        whole, at = match.group(0), match.start()
        begin, end = match.start(1) - at, match.end(1) - at
        if kind in ("use", "id"):
            return whole[:begin] + kind.upper() + whole[end:]
        values.append((kind, seconds_of(kind, match.group(1))))
        return whole[:begin] + kind.upper() + whole[end:]

    for kind, pattern in PLAIN + (IDENTITIES if identities else ()):
        text = pattern.sub(lambda m, k=kind: replace(k, m), text)
    return PORTID.sub(" [USERSPACE]", text), values


def sorted_lines(text):
    return "".join(sorted(text.splitlines(keepends=True)))


def differences(found, expected, shown=6):
    """Lines of one text that the other has not, ours first."""
    a, b = found.splitlines(), expected.splitlines()
    lines = []
    for n in range(max(len(a), len(b))):
        one, two = (t[n] if n < len(t) else "(no line)" for t in (a, b))
        if one != two:
            lines += [f"  ours:   {one}", f"  debian: {two}"]
    return "\n".join(lines[:2 * shown])


def same_text(what, ours, debian, fix=None, identities=False, ordered=True):
    """Compares two outputs but for the fixes that all outputs may show, and one that this must."""
    if fix:
        shown = fix.shown
        ours, debian = fix.apply(ours, debian)
        if (ours or debian) and fix.shown == shown:
            raise Failed(f"{what}: the fix {fix.name!r} does not show in\n{ours}")
    for general in FIXES:
        ours, debian = general.apply(ours, debian)
    (a, a_values), (b, b_values) = normalised(ours, identities), normalised(debian, identities)
    if not ordered:
        a, b = sorted_lines(a), sorted_lines(b)
    if a != b:
        raise Failed(f"{what}: the outputs differ\n{differences(a, b)}")
    if ordered and [k for k, _ in a_values] != [k for k, _ in b_values]:
        raise Failed(f"{what}: volatile fields {a_values} and {b_values}")
    for one, two in zip(a_values, b_values):
        if ordered and abs(one[1] - two[1]) > SLACK_S:
            raise Failed(f"{what}: {one[0]} {one[1]} and {two[1]}")


class Sides:
    """Our library's side and Debian's, in one namespace or in two alike."""

    def __init__(self, lab, ours_space, debian_space=None, etc=None, sanitized=True):
        """etc: {path below /etc: text} for the programs to find there."""
        self.lab, self.shared = lab, debian_space is None
        spaces = [ours_space] if self.shared else [ours_space, debian_space]
        holders = [private_etc(lab, s, etc) if etc else None for s in spaces]
        self.ours = Side(lab, spaces[0], our_library(sanitized), holders[0])
        self.debian = Side(lab, spaces[-1], debian_library(), holders[-1])
        self.spaces = spaces

    def __iter__(self):
        return iter((self.ours, self.debian))

    def same(self, *argv, stdin="", fix=None, ordered=None, status=None, links=True, env=None,
             output=True, unless=None):
        """Runs it on both and compares output, errors and exit status; the run on ours.

        In one namespace ids and order are the same, too; in two the kernel hashes otherwise.
        output=False compares the exit status alone. A run whose errors hold the text unless is
        none: it is done again.
        """
        ours, debian = (s.run_unless(unless, *argv, stdin=stdin, links=links, env=env)
                        for s in self)
        what = " ".join(map(str, argv))
        ordered = self.shared if ordered is None else ordered
        if ours.returncode != debian.returncode:
            raise Failed(f"{what}: status {ours.returncode}, on Debian's {debian.returncode}\n"
                         f"{ours.stdout}{ours.stderr}\n--\n{debian.stdout}{debian.stderr}")
        if status is not None and ours.returncode != status:
            raise Failed(f"{what}: status {ours.returncode}, not {status}: {ours.stderr}")
        identities = not self.shared
        if output:
            same_text(f"{what} (errors)", ours.stderr, debian.stderr, fix, identities)
            same_text(what, ours.stdout, debian.stdout, fix, identities, ordered)
        return ours


def unread(space):
    """Bytes that wait in each socket of the namespace that listens to events."""
    lines = space.run("cat", "/proc/net/netlink").stdout.splitlines()[1:]
    fields = [line.split() for line in lines]
    return [int(f[4]) for f in fields if f[1] == "12" and int(f[3], 16) != 0]


def sleeps(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "S"


def all_heard(space, processes):
    """Waits until all who listen to events there have read them and wait for more."""
    wait_for(lambda: not any(unread(space)), 30, "all events are read")
    for process in processes:
        wait_for(lambda p=process: p.check_alive() and sleeps(p.pid), 30, "a listener is idle")


def all_shown(*fixes):
    """Each of them made a difference somewhere."""
    for fix in fixes or FIXES:
        if not fix.shown:
            raise Failed(f"the fix {fix.name!r} has not shown in any output")
