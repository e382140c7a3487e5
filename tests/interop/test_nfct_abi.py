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
    "libnetfilter_conntrack_icmp", "libnetfilter_conntrack_udp")]
ADDED_FUNCTIONS = {"nfct_filter_dump_set_attr_u16"}
# Ends of enumerations that have grown, as in version 1.1.1.
GROWN = {"ATTR_MAX", "NFCT_FILTER_MAX", "NFCT_FILTER_DUMP_MAX", "__CTA_MAX", "CTA_MAX",
         "__CTA_TIMESTAMP_MAX", "CTA_TIMESTAMP_MAX", "IPCTNL_MSG_MAX"}
CC = ["cc", "-Wno-deprecated-declarations", "-Wno-cpp"]
# From the C library's start-up files: each shared object has them.
START_UP_BYTES = 8


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


def test_abidiff():
    lib, include = debian()
    rules = os.path.join(TOP, "tests/interop/nfct.abignore")
    done = subprocess.run(["abidiff", "--suppressions", rules, "--no-added-syms", lib, ours()],
                          text=True, capture_output=True, timeout=120)
    if done.returncode != 0:
        raise Failed(f"abidiff: status {done.returncode}\n{done.stdout}{done.stderr}")
    # The list names what is private and nothing else.
    with open(rules) as f:
        text = f.read()
    named = set()
    for names in re.findall(r"symbol_name_regexp = \^\(?(.*?)\)?\$", text):
        named |= set(names.split("|"))
    private = set(exported(lib)) - declared(include)
    equal(named - ADDED_FUNCTIONS, private, "what nfct.abignore names")


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
    source += "int main() { nf_conntrack *ct = nfct_new(); nfct_destroy(ct); return 0; }\n"
    run("c++", "-Wall", "-Werror", "-fsyntax-only", "-I", os.path.join(TOP, "include"),
        "-xc++", "-", data=source)


def test_program_built_against_debian_runs():
    """It takes the address of every public function and uses some; the library path decides."""
    lib, include = debian()
    names = sorted(declared(include) & set(exported(lib)))
    source = f"#include <stdio.h>\n#include <string.h>\n#include <{HEADER}>\n"
    source += "void *volatile functions[] = {" + ", ".join(f"(void *)&{n}" for n in names) + "};\n"
    source += """
int main(void)
{
	char text[512];
	struct nf_conntrack *ct = nfct_new(), *copy;

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x01020304));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x05060708));
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(20));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(10));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	copy = nfct_clone(ct);
	nfct_snprintf(text, sizeof(text), copy, NFCT_T_NEW, NFCT_O_DEFAULT, NFCT_OF_SHOW_LAYER3);
	printf("%zu functions, equal %d: %s\\n", sizeof(functions) / sizeof(functions[0]),
		nfct_cmp(ct, copy, NFCT_CMP_ALL | NFCT_CMP_STRICT), text);
	nfct_destroy(ct);
	nfct_destroy(copy);
	return 0;
}
"""
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        program = os.path.join(tmp, "client")
        run(*CC, "-I", include, "-xc", "-", "-xnone", lib, "-o", program, data=source)
        told = {}
        for which in (lib, ours()):
            env = {"LD_LIBRARY_PATH": os.path.dirname(which), "LD_BIND_NOW": "1"}
            loaded = run("ldd", program, env=env)
            if f"{which} " not in loaded:
                raise Failed(f"another library than {which} is loaded:\n{loaded}")
            told[which] = run(program, env=env)
        equal(told[ours()], told[lib], "what the program prints")


def test_install():
    """What make install leaves is enough for a program to be built with pkg-config's answer."""
    with tempfile.TemporaryDirectory(prefix=f"ctsync-abi-{os.getpid()}-") as tmp:
        run("make", "-s", "-C", release(), f"DESTDIR={tmp}", "install-libLTLIBRARIES",
            "install-pkgconfigDATA", "install-nfctincludeHEADERS")
        folders = [d for d, _, files in os.walk(tmp) if "libnetfilter_conntrack.pc" in files]
        equal(len(folders), 1, "folders with the pkg-config file")
        env = {"PKG_CONFIG_PATH": folders[0], "PKG_CONFIG_SYSROOT_DIR": tmp}
        flags = run("pkg-config", "--cflags", "--libs", "libnetfilter_conntrack", env=env).split()
        equal(run("pkg-config", "--modversion", "libnetfilter_conntrack", env=env).strip() >= "1.0.9",
              True, "version of at least 1.0.9")
        equal("libnfnetlink" in run("pkg-config", "--print-requires", "libnetfilter_conntrack",
                                    env=env), True, "requires libnfnetlink")
        program = os.path.join(tmp, "client")
        # The system's own libraries are not below the folder: only ours is.
        flags = [f.replace(tmp, "") if f == f"-I{tmp}/usr/include" else f for f in flags]
        run(*CC, "-xc", "-", "-xnone", "-o", program, *flags, data=f"#include <{HEADER}>\n"
            "int main(void) { nfct_destroy(nfct_new()); return 0; }\n")
        run(program, env={"LD_LIBRARY_PATH": os.path.dirname(folders[0])})


if __name__ == "__main__":
    run_cases(globals())
