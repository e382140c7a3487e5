# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of the library's public functions: tidy.py's check "api-comments".

The symbol map, the public header and the definitions marked with NFCT_EXPORT name the same
functions, and directly before each definition a comment in Doxygen's form says what it does, every
parameter by its name, what is returned, the errors, and the source that it rests on.
"""

import re

MAP = "src/nfct/libnetfilter_conntrack.map"
HEADER = "include/libnetfilter_conntrack/libnetfilter_conntrack.h"
NAME = r"\b(nf(?:ct|exp)_\w+)"


def blank_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def mapped(text):
    """The names that the symbol map exports."""
    part = re.search(r"global:(.*?)local:", blank_comments(text), re.S)
    return set(re.findall(r"(\w+);", part.group(1))) if part else set()


def declared(text):
    """The names of the functions that a header declares."""
    return set(re.findall(NAME + r"\(", blank_comments(text)))


def split_parameters(text):
    """The names of a declarator's parameters, in order; text: what stands in its parentheses."""
    names, depth, part = [], 0, ""
    for c in text + ",":
        if c == "," and depth == 0:
            pointer = re.search(r"\(\*\s*(\w+)\)", part)
            words = re.findall(r"\w+", part)
            if words and words != ["void"]:
                names.append(pointer.group(1) if pointer else words[-1])
            part = ""
            continue
        depth += (c == "(") - (c == ")")
        part += c
    return names


class Definition:
    """A function behind NFCT_EXPORT: where, its name, what it returns, parameters, comment."""

    def __init__(self, file, line, head, comment):
        self.where, self.comment = f"{file}:{line}", comment
        m = re.match(r"\s*(.*?)(\w+)\((.*)\)\s*$", head, re.S)
        self.returns, self.name, inside = (m.group(1).strip(), m.group(2), m.group(3)) if m \
            else ("", head.strip(), "")
        self.parameters = split_parameters(inside)


def definitions(file, text):
    """The exported functions of a source file, and what else has a comment of their form."""
    found, strays = [], []
    taken = set()
    for m in re.finditer(r"(?m)^NFCT_EXPORT\b(.*?)^\{", text, re.S):
        before = text[:m.start()]
        comment = re.search(r"/\*\*\n((?:(?!\*/).)*)\*/\n\Z", before, re.S)
        if comment:
            taken.add(comment.start())
        found.append(Definition(file, before.count("\n") + 1, m.group(1),
                                comment.group(1) if comment else None))
    for m in re.finditer(r"/\*\*(?=\s)", text):
        if m.start() not in taken:
            strays.append(f"{file}:{text[:m.start()].count(chr(10)) + 1}: a comment of the "
                          "reference's form that no exported function follows")
    return found, strays


def sections(comment):
    """(purpose, {tag: [text, ...]}) of a comment; a tag's text goes on to the next tag."""
    text = re.sub(r"(?m)^ \*[ ]?", "", comment)
    parts = re.split(r"(?m)^@(\w+)\b[ \t]*", text)
    tags = {}
    for tag, body in zip(parts[1::2], parts[2::2]):
        tags.setdefault(tag, []).append(" ".join(body.split()))
    return parts[0].strip(), tags


def check_comment(d):
    """What is missing in a definition's comment."""
    if d.comment is None:
        return [f"{d.where}: {d.name} has no /** comment directly before it"]
    purpose, tags = sections(d.comment)
    missing = []
    if not purpose:
        missing.append("a line that says what it does")
    described = [p.split(" ")[0] for p in tags.get("param", [])]
    missing += [f"@param {p}" for p in d.parameters if p not in described]
    missing += [f"a text for @param {p}" for p in tags.get("param", []) if " " not in p]
    missing += [f"a parameter {p}, which @param names" for p in described
                if p not in d.parameters]
    returns_nothing = d.returns == "void"
    if returns_nothing and "return" in tags:
        missing.append("a value: it is void, but has @return")
    for tag in ("errors", "source") + (() if returns_nothing else ("return",)):
        texts = tags.get(tag, [])
        if len(texts) != 1 or not texts[0]:
            missing.append(f"one @{tag} with a text")
    return [f"{d.where}: {d.name} lacks {m}" for m in missing]


def check(tree):
    symbols, public = mapped(tree.read(MAP)), declared(tree.read(HEADER))
    found, exported = [], {}
    for file in tree.files(".c", under="src/nfct/"):
        defined, strays = definitions(file, tree.read(file))
        found += strays
        for d in defined:
            found += check_comment(d)
            if d.name in exported:
                found.append(f"{d.where}: {d.name} is defined in {exported[d.name].where}, too")
            exported[d.name] = d
    if not symbols:
        found.append(f"{MAP}:1: exports nothing")
    found += [f"{MAP}:1: {n} is not declared in {HEADER}" for n in sorted(symbols - public)]
    found += [f"{HEADER}:1: {n} is not in the symbol map" for n in sorted(public - symbols)]
    found += [f"{MAP}:1: {n} is not defined in src/nfct" for n in sorted(symbols - set(exported))]
    found += [f"{exported[n].where}: {n} is not in the symbol map"
              for n in sorted(set(exported) - symbols)]
    return found
