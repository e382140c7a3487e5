#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Enforces what CONTRIBUTING.md promises about the tree: layers, banned calls, self-contained
headers, lengths, the engine's isolation, and documents that name every option and counter.

usage: tidy.py [--srcdir DIR] [--builddir DIR] [CHECK ...]

Each check prints its findings as `file:line: what`, then `ok` or `FAILED`; the last line is
`tidy: N passed, N failed`. --builddir lets the checks see compiled objects.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import api_comments  # noqa: E402

# Which of our folders a folder may include from; its own is always allowed.
LAYERS = {
    "src/base": [],
    "src/flow": ["base"],
    "src/nlmsg": ["base", "flow"],
    "src/nfct": ["base", "flow", "nlmsg"],
    "src/wire": ["base", "flow"],
    "src/core": ["base", "flow", "wire"],
    "src/io": ["base"],
    "parser": ["base", "flow"],
    "src/daemon": ["base", "flow", "nlmsg", "wire", "core", "io", "parser"],
    "src/client": ["base", "flow", "parser"],
    "src/ctl": ["base", "flow", "parser", "client"],
    "src/compat": ["base", "flow", "parser", "client"],
}
# Single headers that a folder may include besides.
LAYER_HEADERS = {
    "src/client": ["io/control_client.h"],
    "src/ctl": ["io/control_client.h"],
    "src/compat": ["io/control_client.h", "io/log.h"],
}
OURS = {"base", "flow", "nlmsg", "nfct", "wire", "core", "io", "daemon", "client", "ctl", "compat",
        "parser", "helper"}

# System headers that pure layers may use. Whatever they need of the outside reaches them as facts.
PURE = {"src/base", "src/flow", "src/nlmsg", "src/wire", "src/core"}
PURE_SYSTEM = {
    "stdbool.h", "stddef.h", "stdint.h", "string.h", "limits.h", "inttypes.h", "errno.h",
    "arpa/inet.h", "netinet/in.h", "sys/socket.h", "endian.h",
}
PURE_SYSTEM_BY_LAYER = {
    "src/nlmsg": {
        "libmnl/libmnl.h", "linux/netlink.h", "linux/filter.h", "linux/netfilter.h",
        "linux/netfilter/nfnetlink.h", "linux/netfilter/nfnetlink_conntrack.h",
        "linux/netfilter/nf_conntrack_common.h", "linux/netfilter/nf_conntrack_tcp.h",
        "linux/bpf_common.h", "linux/types.h",
    },
}

BANNED = {
    "strcpy": "bounded copies only: struct text or memcpy with a length",
    "strcat": "bounded copies only",
    "strncpy": "leaves text unterminated",
    "sprintf": "use snprintf or struct text",
    "vsprintf": "use vsnprintf",
    "gets": "unbounded",
    "atoi": "no error and wraps; use a checked conversion",
    "atol": "no error; use a checked conversion",
    "alloca": "unbounded stack",
    "strtok": "hidden state",
    "system": "no shell from a daemon",
    "popen": "no shell from a daemon",
    "assert": "CHECK of base/check.h stays on in every build",
    "abort": "CHECK of base/check.h",
    "select": "limited to 1024 descriptors; use io/loop.h",
    "rand": "use base/rng.h, seeded",
    "random": "use base/rng.h, seeded",
}
MAIN_FILES = re.compile(r"^(src/(daemon|ctl|compat)/main\.c|tests/|examples/)")

LINE_MAX = 100
FUNCTION_MAX = 80
# A test program may be longer: it is a list of cases.
FILE_MAX = 700
TEST_FILE_MAX = 900

# Headers that stand there for old programs and do nothing but warn of themselves.
WARNS_ON_PURPOSE = {
    "include/libnetfilter_conntrack/libnetfilter_conntrack_ipv4.h",
    "include/libnetfilter_conntrack/libnetfilter_conntrack_ipv6.h",
}

CORE_NM_ALLOWED = re.compile(
    r"^(mem\w+|str\w+|__asan_\w+|__ubsan_\w+|__stack_chk_fail|__mem\w+_chk|__str\w+_chk|"
    r"engine_\w+|flow_\w+|expect_\w+|wire_\w+|hash_\w+|arena_\w+|rng_\w+|ring_\w+|text_\w+|check_failed|"
    r"bucket_\w+|counter_info|_GLOBAL_OFFSET_TABLE_|__sanitizer_\w+)$")


# What is not ours in an unpacked distribution: made by the autotools, or a build in it.
MADE = re.compile(
    r"^(build|_build|_inst|build-aux|autom4te\.cache)/|"
    r"^m4/l(ibtool|t\w*|t~obsolete)\.m4$|"
    r"^(aclocal\.m4|configure|config\.(h|h\.in|log|status)|stamp-h1|Makefile|Makefile\.in)$")


class Tree:
    def __init__(self, srcdir, builddir):
        self.srcdir, self.builddir = srcdir, builddir
        out = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=srcdir, capture_output=True,
            text=True)
        if out.returncode == 0 and out.stdout:
            names = out.stdout.split("\n")
        else:  # an unpacked distribution
            names = [n for n in self.walk() if not MADE.match(n)]
        self.names = sorted(n for n in names if n and os.path.isfile(os.path.join(srcdir, n)))

    def walk(self):
        for folder, _, names in os.walk(self.srcdir):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.srcdir)

    def files(self, *suffixes, under=""):
        return [n for n in self.names if n.endswith(suffixes) and n.startswith(under)]

    def read(self, name):
        with open(os.path.join(self.srcdir, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, name):
        return self.read(name).split("\n")


def blank_comments_and_strings(text):
    """The C text with comments and literals blanked, line numbers kept."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def layer_of(name):
    for layer in LAYERS:
        if name.startswith(layer + "/"):
            return layer
    return None


def check_layers(tree):
    found = []
    for name in tree.files(".c", ".h", ".l", ".y"):
        layer = layer_of(name)
        if layer is None:
            continue
        own = layer.split("/")[-1]
        for n, line in enumerate(tree.lines(name), 1):
            m = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
            if not m:
                continue
            inner, outer = m.groups()
            if inner:
                top = inner.split("/")[0]
                if "/" not in inner and inner != "config.h" and not name.startswith("parser/"):
                    found.append(f"{name}:{n}: include \"{inner}\" by its folder's name")
                if top in OURS and top != own and top not in LAYERS[layer] \
                        and inner not in LAYER_HEADERS.get(layer, []):
                    found.append(f"{name}:{n}: {layer} may not include {inner}")
            elif layer in PURE and outer not in PURE_SYSTEM \
                    and outer not in PURE_SYSTEM_BY_LAYER.get(layer, ()):
                found.append(f"{name}:{n}: {layer} is pure and may not include <{outer}>")
    return found


def check_banned(tree):
    found = []
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for name in tree.files(".c", ".h", ".l", ".y"):
        if name.startswith("tests/"):
            continue  # what crashes a test is seen
        text = blank_comments_and_strings(tree.read(name))
        for n, line in enumerate(text.split("\n"), 1):
            for m in pattern.finditer(line):
                found.append(f"{name}:{n}: {m.group(1)}(): {BANNED[m.group(1)]}")
            if re.search(r"(?<![\w.>])_?exit\s*\(", line) and name.startswith(("src/", "parser/")) \
                    and not MAIN_FILES.match(name):
                found.append(f"{name}:{n}: exit() outside main()")
    return found


def check_headers(tree):
    """Every header compiles by itself, as C and with all warnings."""
    found = []
    flags = subprocess.run(["pkg-config", "--cflags", "libmnl", "jansson", "libcap-ng"],
                           capture_output=True, text=True).stdout.split()
    with tempfile.TemporaryDirectory() as tmp:
        for name in tree.files(".h"):
            if not name.startswith(("src/", "parser/", "include/", "tests/")):
                continue
            probe = os.path.join(tmp, "probe.c")
            with open(probe, "w", encoding="utf-8") as f:
                f.write(f'#include "{name}"\n#include "{name}"\ntypedef int probe;\n')
            r = subprocess.run(
                ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                 f"-I{tree.srcdir}", f"-I{tree.srcdir}/src", f"-I{tree.srcdir}/include",
                 f"-I{tree.srcdir}/tests", f"-I{tree.srcdir}/tests/unit", f"-I{tree.srcdir}/tests/lib",
                 f"-I{tree.srcdir}/tests/sim", *flags,
                 *(["-Wno-error=cpp"] if name in WARNS_ON_PURPOSE else []), probe],
                capture_output=True, text=True)
            if r.returncode:
                found.append(f"{name}:1: does not compile by itself: {r.stderr.strip().splitlines()[:2]}")
    return found


def check_lengths(tree):
    found = []
    for name in tree.files(".c", ".h", ".l", ".y"):
        lines = tree.lines(name)
        most = TEST_FILE_MAX if name.startswith("tests/") else FILE_MAX
        if len(lines) > most:
            found.append(f"{name}:{len(lines)}: file has more than {most} lines")
        start = None
        for n, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > LINE_MAX:
                found.append(f"{name}:{n}: line is longer than {LINE_MAX} columns")
            if line != line.rstrip():
                found.append(f"{name}:{n}: trailing blanks")
            if line == "{":
                start = n
            elif line in ("}", "};") and start:
                if name.endswith(".c") and n - start - 1 > FUNCTION_MAX:
                    found.append(f"{name}:{start}: function has {n - start - 1} lines, "
                                 f"more than {FUNCTION_MAX}")
                start = None
    return found


def check_spdx(tree):
    found = []
    for name in tree.files(".c", ".h", ".l", ".y", ".py", ".sh", ".mk", ".am", ".ac"):
        if "SPDX-License-Identifier: GPL-2.0-or-later" not in "\n".join(tree.lines(name)[:4]):
            found.append(f"{name}:1: no SPDX line")
    return found


def check_core_symbols(tree):
    """The engine calls nothing but memory and string functions and our own pure layers."""
    if not tree.builddir:
        return ["(give --builddir: this check reads objects)"]
    archive = os.path.join(tree.builddir, "src/core/libcore.a")
    if not os.path.exists(archive):
        return [f"{archive}: not built"]
    defined, wanted = set(), {}
    out = subprocess.run(["nm", "-A", "-g", archive], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        m = re.match(r"\S+?:([^:]+\.o):\s*([0-9a-f]*)\s+(\w)\s+(\S+)$", line)
        if not m:
            continue
        obj, _, kind, symbol = m.groups()
        if kind == "U":
            wanted.setdefault(symbol, obj)
        else:
            defined.add(symbol)
    if not defined:
        return [f"{archive}: nm shows no symbol"]
    return [f"{obj}: calls {symbol}, which the engine may not"
            for symbol, obj in sorted(wanted.items())
            if symbol not in defined and not CORE_NM_ALLOWED.match(symbol)]


def missing_from(page_name, tree, wanted, what):
    if page_name not in tree.names:
        return [f"{page_name}: no such page"]
    page = tree.read(page_name).replace("\\-", "-").replace("\\_", "_").replace("\\&", "")
    page = re.sub(r"\bFl -(\w)", r"--\1", page)
    return [f"{page_name}:1: {what} {w} is not described" for w in wanted
            if not re.search(r"(?<![\w-])" + re.escape(w) + r"(?![\w-])", page)]


def check_documented(tree):
    """Every counter, directive and option stands in its man page."""
    found = []
    counters = []
    for name in tree.files(".h", under="src/"):
        counters += re.findall(r'X\([A-Z]\w+, "([a-z]\w+)", *"', tree.read(name).replace("\\\n", ""))
    found += missing_from("doc/ctsyncctl.8", tree, counters, "counter")
    directives = []
    for name in tree.files("served.c", under="parser/"):
        directives += re.findall(r'\{\s*"([A-Za-z]\w+)",', tree.read(name))
    if not counters or not directives:
        found.append("tidy.py:1: found no counters or no directives to look for")
    found += missing_from("doc/ctsyncd.conf.5", tree, directives, "directive")
    for source, page in (("src/daemon/main.c", "doc/ctsyncd.8"), ("src/ctl/main.c", "doc/ctsyncctl.8")):
        if source not in tree.names:
            found.append(f"{source}: no such file")
            continue
        options = re.findall(r'\{\s*"([a-z-]+)",\s*(?:no|required|optional)_argument', tree.read(source))
        if not options:
            found.append(f"{source}:1: no options found")
        found += missing_from(page, tree, ["--" + o for o in options], "option")
    verbs = []
    for name in tree.files(".c", under="src/ctl/"):
        verbs += re.findall(r'\{\s*"([a-z-]+)",\s*verb_', tree.read(name))
    if not verbs:
        found.append("src/ctl: no verbs found")
    found += missing_from("doc/ctsyncctl.8", tree, verbs, "verb")
    return found


def check_man_example(tree):
    """The library's man page shows the example that it names, as it is."""
    page_name, example_name = "doc/libnetfilter_conntrack.3", "examples/nfct/handle_dump.c"
    page, example = tree.read(page_name), tree.read(example_name)
    shown = re.search(r"(?m)^\.Bd -literal[^\n]*\n(#include.*?)\n\.Ed$", page, re.S)
    if not shown:
        return [f"{page_name}:1: shows no example"]
    text = shown.group(1).replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")
    code = example[example.index("#include"):].expandtabs(8).rstrip()
    if text != code:
        return [f"{page_name}:{page[:shown.start()].count(chr(10)) + 2}: "
                f"the example is not that of {example_name}"]
    return []


def check_format(tree):
    names = [n for n in tree.files(".c", ".h") if n.startswith(("src/", "parser/", "tests/", "examples/"))]
    r = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=tree.srcdir,
                       capture_output=True, text=True)
    return sorted(set(re.findall(r"^(\S+?:\d+):\d+: error: .*", r.stderr, flags=re.M)))


def check_speaks_of_itself(tree):
    """No path of a machine, no leftovers, nothing but the project."""
    found = []
    pattern = re.compile(r"((?<![\w.$}])/(?:home|root|srv)/\w|\bTODO\b|\bFIXME\b|\bXXX\b)")
    for name in tree.names:
        if name.startswith("tests/tidy/") or name == "LICENSE" or "/captures/" in name \
                or "/corpus/" in name:
            continue
        for n, line in enumerate(tree.lines(name), 1):
            m = pattern.search(line)
            if m:
                found.append(f"{name}:{n}: {m.group(1)}")
    return found


def check_distributed(tree):
    """make dist takes every file of the tree, itself or with its folder, and names none that is gone."""
    if not tree.builddir or not os.path.exists(os.path.join(tree.builddir, "Makefile")):
        return []
    # Not as a part of a `make -j check` that runs this.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    out = subprocess.run(["make", "-s", "--no-print-directory", "--eval",
                          "print-dist:;@echo $(DISTFILES)", "print-dist"], cwd=tree.builddir,
                         capture_output=True, text=True, env=env).stdout
    # The last line: before it the build may have been configured anew.
    paths = {os.path.join(tree.builddir, n) for n in (out.splitlines() or [""])[-1].split()}
    named = {n for path in paths for n in (os.path.relpath(path, tree.builddir),
                                           os.path.relpath(path, tree.srcdir))}
    by_hook = {"check"}
    found = [f"{n}:1: is not distributed (EXTRA_DIST)" for n in tree.names
             if n not in by_hook and not any(n == m or n.startswith(m + "/") for m in named)]
    there = [tree.srcdir, tree.builddir]
    found += [f"Makefile.am:1: distributes {os.path.relpath(path, tree.builddir)}, which is not there"
              for path in sorted(paths)
              if not any(os.path.exists(os.path.join(d, os.path.relpath(path, tree.builddir)))
                         for d in there)]
    return found


CHECKS = {
    "layers": check_layers,
    "banned": check_banned,
    "headers": check_headers,
    "lengths": check_lengths,
    "spdx": check_spdx,
    "core-symbols": check_core_symbols,
    "documented": check_documented,
    "man-example": check_man_example,
    "api-comments": api_comments.check,
    "distributed": check_distributed,
    "format": check_format,
    "itself": check_speaks_of_itself,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--srcdir", default=os.path.join(os.path.dirname(__file__), "../.."))
    parser.add_argument("--builddir")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    args = parser.parse_args()
    unknown = [c for c in args.checks if c not in CHECKS]
    if unknown:
        parser.error(f"unknown check {unknown[0]}; there are: {' '.join(CHECKS)}")
    tree = Tree(os.path.abspath(args.srcdir), args.builddir)
    failed = 0
    wanted = args.checks or list(CHECKS)
    for name in wanted:
        found = CHECKS[name](tree)
        for line in found:
            print(line)
        print(f"{name}: {'FAILED' if found else 'ok'}")
        failed += bool(found)
    print(f"tidy: {len(wanted) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
