#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints a public header as Doxygen wants to see it: `make doc` runs this on each.

What stands behind a value or a member, or above a type, is its description. A comment between blank
lines is the heading of a section; GROUPS gives it the name that its group has in doc/nfct-groups.dox.
A heading without one ends this with status 1, so that none is forgotten.
"""

import re
import sys

GROUPS = {
    "Attributes of a connection": "attributes",
    "Connections": "connections",
    "Labels": "labels",
    "Text": "text",
    "Netlink messages, for programs that bring their own socket": "messages",
    "Handles": "handles",
    "Filters of events": "event_filters",
    "Filters of dumps and flushes": "dump_filters",
    "Expectations": "expectations",
    "The older way to build and parse whole messages; new programs use nf*_nlmsg_*().": "older",
}


def with_groups(text):
    """The text with a group around each section: (text, headings without a name)."""
    parts = re.split(r"(?<=\n\n)/\* (.*) \*/\n(?=\n)", text)
    out, titles = parts[0], parts[1::2]
    for title, body in zip(titles, parts[2::2]):
        end = "\n#ifdef __cplusplus\n}"
        inside, rest = body.split(end)[0], body[len(body.split(end)[0]):]
        out += f"/** @addtogroup {GROUPS.get(title)}\n * @{{ */\n{inside}\n/** @}} */\n{rest}"
    return out, [t for t in titles if t not in GROUPS]


def with_descriptions(text):
    text = re.sub(r"(?m)^(\s+\S.*[,;]) /\* (.*) \*/$", r"\1 /**< \2 */", text)
    text = re.sub(r"(?m)^(struct \w+;) /\* (.*) \*/$", r"/** \2 */ \1", text)
    text = re.sub(r"(?m)^(#define \w+ .*) /\* (.*) \*/$", r"\1 /**< \2 */", text)
    return re.sub(r"(?m)^/\*(?=[ \n](?:(?!\*/)[\s\S])*\*/\n(?:enum|struct|union)\b)", "/**", text)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text, unknown = with_groups(f.read())
    print(with_descriptions(text))
    for title in unknown:
        print(f"{sys.argv[1]}: no group for the section {title!r}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
