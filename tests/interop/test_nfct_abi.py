#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our libnetfilter_conntrack in place of Debian's: the binary, the headers, what is installed."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import Skipped, equal, run_cases  # noqa: E402
from netns import TOP, Failed, build_dir  # noqa: E402
from peers import debian_nfct  # noqa: E402

HEADER = "libnetfilter_conntrack/libnetfilter_conntrack.h"
HEADERS = [HEADER] + [f"libnetfilter_conntrack/{name}.h" for name in (
    "libnetfilter_conntrack_tcp", "libnetfilter_conntrack_sctp", "libnetfilter_conntrack_dccp",
    "libnetfilter_conntrack_icmp", "libnetfilter_conntrack_udp", "libnetfilter_conntrack_ipv4",
    "libnetfilter_conntrack_ipv6")]
ADDED_FUNCTIONS = {"nfct_filter_dump_set_attr_u16"}
# Ends of enumerations that have grown, as in version 1.1.1.
GROWN = {"ATTR_MAX", "NFCT_FILTER_MAX", "NFCT_FILTER_DUMP_MAX", "__CTA_MAX", "CTA_MAX",
         "__CTA_TIMESTAMP_MAX", "CTA_TIMESTAMP_MAX", "IPCTNL_MSG_MAX"}
RULES = os.path.join(TOP, "tests/interop/nfct.abignore")
CALLS = os.path.join(TOP, "tests/interop/nfct_calls.c")
CC = ["cc", "-Wno-deprecated-declarations", "-Wno-cpp"]
# From the C library's start-up files: each shared object has them.
START_UP_BYTES = 8
START_UP_DATA = {"__dso_handle", "__TMC_END__", "completed.0", "__bss_start", "_edata", "_end"}
CHECK_DATA = {"failed_what", "failed_file", "failed_line"}  # written once, when the process ends


def release():
    return os.environ.get("CTSYNC_RELEASE") or build_dir()


def ours():
    return os.path.join(release(), "src/nfct/.libs/libnetfilter_conntrack.so.3")


def debian():
    lib, include = debian_nfct()
    if not os.path.isfile(lib) or not os.path.isfile(os.path.join(include, HEADER)):
        raise Skipped("Debian's library is not unpacked; run tools/setup.sh check")
    return lib, include


def run(*argv, env=None, data=None):
    done = subprocess.run(argv, text=True, capture_output=True, input=data, timeout=120,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def exported(lib):
    """{name: kind as nm tells it} of what the library defines."""
    lines = run("nm", "-D", "--defined-only", lib).splitlines()
    return {line.split()[2]: line.split()[1] for line in lines}


def dynamic(lib, tag):
    return set(re.findall(rf"\({tag}\).*\[(.*)\]", run("readelf", "-dW", lib)))


def declared(include):
    """The functions that the header declares."""
    text = run(*CC, "-E", "-I", include, os.path.join(include, HEADER))
    return set(re.findall(r"\b(nf(?:ct|exp)_\w+)\s*\(", text))


def abidiff(old, new, *options):
    """Failed unless nothing differs but what nfct.abignore names."""
    done = subprocess.run(["abidiff", "--suppressions", RULES, *options, old, new], text=True,
                          capture_output=True, timeout=120)
    if done.returncode != 0:
        raise Failed(f"abidiff: status {done.returncode}\n{done.stdout}{done.stderr}")


def test_abidiff():
    lib, include = debian()
    abidiff(lib, ours())
    # The list names what is private, what is new, and nothing else.
    with open(RULES) as f:
        text = f.read()
    named = set()
    for names in re.findall(r"symbol_name_regexp = \^\(?(.*?)\)?\$", text):
        named |= set(names.split("|"))
    private = set(exported(lib)) - declared(include)
    equal(named - ADDED_FUNCTIONS, private, "what nfct.abignore names")


def prototypes(include):
    """{name: (what it returns, [types of its parameters])} by the compiler's account of a header."""
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        told = os.path.join(tmp, "prototypes")
        run(*CC, "-fsyntax-only", "-aux-info", told, "-I", include, "-xc",
            os.path.join(include, HEADER))
        with open(told) as f:
            lines = [line for line in f if f"{include}/libnetfilter_conntrack/" in line]
    found = {}
    for line in lines:
        returned, name, given = re.search(r"extern (.*?)\b(nf\w+) \((.*)\);", line).groups()
        # Commas within the parentheses of a function's type separate nothing.
        found[name] = (returned, re.split(r", (?![^()]*\))", given))
    return found


def stub(name, returned, parameters):
    """A definition that does nothing, of the type that the header declares."""
    named = [p if p == "void" else p.replace("(*)", f"(*p{i})") if "(*)" in p else f"{p} p{i}"
             for i, p in enumerate(parameters)]
    body = "" if returned.strip() == "void" else "return 0;"
    return f"{returned}{name}({', '.join(named)}) {{ {body} }}"


def test_types():
    """A library of nothing but Debian's declarations, with debug information, against ours.

    Debian's own has none in the archive; this one has the types that programs were compiled with.
    """
    lib, include = debian()
    found = prototypes(include)
    equal(set(found), declared(include), "prototypes")
    source = f"#include <{HEADER}>\n" + "\n".join(stub(n, *t) for n, t in found.items())
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        made = os.path.join(tmp, os.path.basename(lib))
        run(*CC, "-g", "-shared", "-fPIC", "-I", include, "-xc", "-", "-xnone", "-o", made,
            f"-Wl,-soname,{os.path.basename(lib)}", "-lnfnetlink", data=source + "\n")
        abidiff(made, ours(), "--headers-dir1", os.path.join(include, "libnetfilter_conntrack"),
                "--headers-dir2", os.path.join(TOP, "include/libnetfilter_conntrack"),
                "--drop-private-types")


def test_symbols_are_the_map():
    with open(os.path.join(TOP, "src/nfct/libnetfilter_conntrack.map")) as f:
        named = set(re.findall(r"^\t(nf\w+);", f.read(), re.M))
    symbols = exported(ours())
    equal(set(symbols), named, "exported symbols")
    equal({name for name, kind in symbols.items() if kind != "T"}, set(), "exported data")
    lib, include = debian()
    equal(named, (declared(include) & set(exported(lib))) | ADDED_FUNCTIONS, "functions of the map")


def test_binary():
    lib, _ = debian()
    equal(dynamic(ours(), "SONAME"), dynamic(lib, "SONAME"), "soname")
    equal(dynamic(ours(), "NEEDED"), dynamic(lib, "NEEDED"), "libraries needed")
    sections = dict(re.findall(r"\s(\.\w+)\s+(?:\S+\s+){3}([0-9a-f]{6})\s",
                               run("readelf", "-SW", ours())))
    for name in (".init_array", ".fini_array", ".ctors"):
        if int(sections.get(name, "0"), 16) > START_UP_BYTES:
            raise Failed(f"{name} holds {sections[name]} bytes: an initialiser of our own")
    # Tables of ours are constant; what is not is the start-up files'.
    state = [line.split("|")[0].strip() for line in run("nm", "-f", "sysv", ours()).splitlines()
             if re.search(r"\|\.(data|bss|tdata|tbss)$", line)]
    equal(set(state) - START_UP_DATA - CHECK_DATA, set(), "data that can change")
    if re.search(r"GNU_STACK.*RWE|TEXTREL", run("readelf", "-lWd", ours())):
        raise Failed("executable stack or text relocations")


def test_redeclarations():
    """Debian's declarations after ours, in one translation unit: the same types, or an error."""
    _, include = debian()
    theirs = run(*CC, "-E", "-P", "-I", include, os.path.join(include, HEADER))
    names = declared(include)
    prototypes = [p.strip() for p in re.findall(r"[^;{}]*;", theirs)
                  if re.search(r"\bnf(ct|exp)_\w+\s*\(", p)]
    found = {re.search(r"\b(nf(?:ct|exp)_\w+)\s*\(", p).group(1) for p in prototypes}
    equal(found, {n for n in names if n in exported(debian()[0])}, "prototypes of the header")
    source = f"#include <{HEADER}>\n" + "\n".join(prototypes) + "\n"
    run(*CC, "-Werror=incompatible-pointer-types", "-fsyntax-only", "-I",
        os.path.join(TOP, "include"), "-xc", "-", data=source)


def constants(include):
    """Names of enumerators and of macros that stand for numbers in Debian's headers."""
    source = "".join(f"#include <{h}>\n" for h in HEADERS)
    text = run(*CC, "-E", "-I", include, "-xc", "-", data=source)
    names, inside = set(), False
    for line in text.splitlines():
        if line.startswith("# "):
            inside = f"{include}/libnetfilter_conntrack/" in line
        elif inside:
            names |= set(re.findall(r"^\s*([A-Z_][A-Z0-9_]*)\s*(?:=|,|$)", line))
    for line in run(*CC, "-E", "-dM", "-I", include, "-xc", "-", data=source).splitlines():
        found = re.match(r"#define ((?:NFCT|ATTR|CTA|NF_CT|IP_CT|IPS)_\w+) .", line)
        if found:
            names.add(found.group(1))
    return sorted(names)


def evaluated(include, names, types):
    """{what: number} as a program that includes those headers sees it."""
    source = "#include <stdio.h>\n#include <stddef.h>\n"
    source += "".join(f"#include <{h}>\n" for h in HEADERS) + "int main(void) {\n"
    source += "".join(f'printf("{n} %lld\\n", (long long)({n}));\n' for n in names)
    for kind, fields in types.items():
        source += f'printf("sizeof({kind}) %zu\\n", sizeof({kind}));\n'
        source += "".join(f'printf("{kind}.{f} %zu\\n", offsetof({kind}, {f}));\n' for f in fields)
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        program = os.path.join(tmp, "values")
        run(*CC, "-I", include, "-xc", "-", "-o", program, data=source + "return 0;\n}\n")
        return dict(line.rsplit(" ", 1) for line in run(program).splitlines())


TYPES = {
    "struct nfct_attr_grp_ipv4": ("src", "dst"), "struct nfct_attr_grp_ipv6": ("src", "dst"),
    "struct nfct_attr_grp_port": ("sport", "dport"),
    "struct nfct_attr_grp_icmp": ("id", "code", "type"),
    "struct nfct_attr_grp_ctrs": ("packets", "bytes"),
    "union nfct_attr_grp_addr": ("ip", "ip6", "addr"),
    "struct nfct_filter_proto": ("proto", "state"), "struct nfct_filter_ipv4": ("addr", "mask"),
    "struct nfct_filter_ipv6": ("addr", "mask"), "struct nfct_filter_dump_mark": ("val", "mask"),
}


def test_constants_and_structures():
    _, include = debian()
    names = [n for n in constants(include) if n != "NFCT_DIR_MAX"]
    if len(names) < 350:
        raise Failed(f"only {len(names)} constants were found in Debian's headers")
    theirs = evaluated(include, names, TYPES)
    mine = evaluated(os.path.join(TOP, "include"), names, TYPES)
    different = {n for n in theirs if mine[n] != theirs[n]}
    equal(different - GROWN, set(), "constants that changed")
    for name in sorted(different):
        if int(mine[name]) < int(theirs[name]):
            raise Failed(f"{name} has become less: {mine[name]}, was {theirs[name]}")


def test_cplusplus():
    source = "".join(f"#include <{h}>\n" for h in HEADERS)
    source += "int main() { nf_conntrack *ct = nfct_new(); nfct_destroy(ct); return !ct; }\n"
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        program = os.path.join(tmp, "client")
        run("c++", "-Wall", "-Werror", "-Wno-cpp", "-I", os.path.join(TOP, "include"), "-xc++", "-",
            "-xnone", ours(), "-o", program, data=source)
        run(program, env={"LD_LIBRARY_PATH": os.path.dirname(ours())})


def test_program_built_against_debian_runs():
    """It calls every function that the headers declare; the library path decides who answers."""
    lib, include = debian()
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        program = os.path.join(tmp, "client")
        run(*CC, "-Wall", "-Werror", "-I", include, CALLS, lib, "-lnfnetlink", "-o", program)
        wanted = run("nm", "-D", "--undefined-only", program)
        equal(set(re.findall(r" (nf(?:ct|exp)_\w+)", wanted)), declared(include), "calls")
        told = {}
        for which in (lib, ours()):
            env = {"LD_LIBRARY_PATH": os.path.dirname(which), "LD_BIND_NOW": "1"}
            loaded = run("ldd", "-r", program, env=env)
            if f"{which} " not in loaded or "undefined symbol" in loaded:
                raise Failed(f"not all of the program is resolved by {which}:\n{loaded}")
            told[which] = run("unshare", "-n", program, os.path.join(tmp, "labels"), env=env)
        equal(told[ours()].splitlines(), told[lib].splitlines(), "what the program prints")


def test_install():
    """What make install leaves is enough for a program to be built with pkg-config's answer."""
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        run("make", "-s", "-C", release(), f"DESTDIR={tmp}", "install")
        folders = [d for d, _, files in os.walk(tmp) if "libnetfilter_conntrack.pc" in files]
        equal(len(folders), 1, "folders with the pkg-config file")
        env = {"PKG_CONFIG_PATH": folders[0], "PKG_CONFIG_SYSROOT_DIR": tmp}
        asked = ("pkg-config", "libnetfilter_conntrack")
        equal(run(*asked, "--modversion", env=env).strip(), "1.1.1", "version")
        equal(run(*asked, "--print-requires", env=env).split()[:1], ["libnfnetlink"], "requires")
        flags = run(*asked, "--cflags", "--libs", env=env).split()
        # The system's own libraries are not below the folder: only ours is.
        flags = [f.replace(tmp, "") if f == f"-I{tmp}/usr/include" else f for f in flags]
        program = os.path.join(tmp, "client")
        run(*CC, "-xc", "-", "-xnone", "-o", program, *flags, data="".join(
            f"#include <{h}>\n" for h in HEADERS) + "int main(void) { return !nfct_new(); }\n")
        installed = os.path.dirname(folders[0])
        env = {"LD_LIBRARY_PATH": installed}
        if f"{installed}/libnetfilter_conntrack.so.3 " not in run("ldd", program, env=env):
            raise Failed("the program does not load what was installed")
        run(program, env=env)


if __name__ == "__main__":
    run_cases(globals())
