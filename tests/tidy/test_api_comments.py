#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the check of the public functions' comments finds what it is there to find."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import api_comments  # noqa: E402

SOURCE = "src/nfct/one.c"
MAP = "{\nglobal:\n\tnfct_one; /* a comment; */\n\tnfct_two;\nlocal:\n\t*;\n};\n"
HEADER = """/* Calls nfct_three(). */
int nfct_one(struct nfct_handle *h, int (*cb)(int type, void *data), void *data)
	__attribute__((deprecated));
void nfct_two(void);
"""
GOOD = """/* No comment of the reference. */
static int helper(int a)
{
}

/**
 * Does one thing.
 *
 * It takes a while.
 *
 * @param h the handle, of
 *	nfct_open()
 * @param cb called for each
 * @param data given to cb
 * @return 0, or -1
 * @errors ENOMEM: no memory
 * @source nowhere
 */
NFCT_EXPORT int nfct_one(
	struct nfct_handle *h, int (*cb)(int type, void *data), void *data)
{
}

/**
 * Does another.
 *
 * @errors none
 * @source RFC 1
 */
NFCT_EXPORT void nfct_two(void)
{
}
"""


class Tree:
    """Stands for tidy.py's."""

    def __init__(self, source, symbols=MAP, header=HEADER):
        self.texts = {SOURCE: source, api_comments.MAP: symbols, api_comments.HEADER: header}

    def files(self, suffix, under):
        return [n for n in self.texts if n.endswith(suffix) and n.startswith(under)]

    def read(self, name):
        return self.texts[name]


def changed(old, new):
    if old not in GOOD:
        raise ValueError(f"the case changes nothing: {old!r}")
    return Tree(GOOD.replace(old, new))


CASES = [
    # (what, tree, part of the only finding; None: there is none)
    ("all is said", Tree(GOOD), None),
    ("no purpose", changed(" * Does another.\n", " *\n"), "nfct_two lacks a line that says"),
    ("no parameter", changed(" * @param cb called for each\n", ""), "nfct_one lacks @param cb"),
    ("a parameter without a text", changed("data given to cb", "data"), "a text for @param data"),
    ("another parameter", changed(" * @errors none", " * @param x what\n * @errors none"),
     "a parameter x"),
    ("no return", changed(" * @return 0, or -1\n", ""), "nfct_one lacks one @return"),
    ("return of void", changed(" * @errors none", " * @return x\n * @errors none"), "it is void"),
    ("no errors", changed(" * @errors none\n", ""), "nfct_two lacks one @errors"),
    ("errors without a text", changed("@errors none", "@errors"), "nfct_two lacks one @errors"),
    ("no source", changed(" * @source RFC 1\n", ""), "nfct_two lacks one @source"),
    ("no comment", changed(GOOD[GOOD.index("/**\n * Does another"):GOOD.index("NFCT_EXPORT void")],
                           ""), "nfct_two has no /** comment"),
    ("a comment further up", changed(" */\nNFCT_EXPORT void", " */\nint x;\nNFCT_EXPORT void"),
     "nfct_two has no /** comment"),
    ("a comment of a private function", changed("/* No comment", "/**\n * No comment"),
     "no exported function follows"),
    ("not exported", changed("NFCT_EXPORT void nfct_two", "void nfct_two"), "nfct_two is not defined"),
    ("defined twice", Tree(GOOD + GOOD[GOOD.index("/**\n * Does another"):]), "is defined in"),
    ("not in the map", Tree(GOOD, MAP.replace("\tnfct_two;\n", "")), "nfct_two is not in the symbol"),
    ("not in the header", Tree(GOOD, MAP, HEADER.replace("void nfct_two(void);\n", "")),
     "nfct_two is not declared"),
    ("only in the header", Tree(GOOD, MAP, HEADER + "int nfct_three(void);\n"),
     "nfct_three is not in the symbol map"),
    ("only in the map", Tree(GOOD, MAP.replace("nfct_two;", "nfct_two;\n\tnfct_three;"), HEADER),
     "nfct_three is not d"),
    ("an empty map", Tree(GOOD, "{\nlocal:\n\t*;\n};\n"), "exports nothing"),
]


def main():
    passed = failed = 0
    for what, tree, wanted in CASES:
        found = api_comments.check(tree)
        good = any(wanted in f for f in found) if wanted else not found
        print(f"{'ok' if good else 'FAILED':<8}{what}{'' if good else f': found {found}'}")
        passed, failed = passed + good, failed + (not good)
    print(f"test_api_comments: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
