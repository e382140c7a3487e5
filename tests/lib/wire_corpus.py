#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the fuzzer's seeds of version 1 from recordings (wire_record.py).

usage: wire_corpus.py CORPUS_DIR RECORDING...

One seed for each first message that has a type, flags or a list of attributes not seen before, so
that the corpus is small; and one of each of our marks.
"""

import hashlib
import os
import struct
import sys


def shape(message):
    kind, flags, length, _ = struct.unpack_from("!BBHI", message)
    attributes, at = [], 8
    while kind & 15 <= 5 and length - at > 4:
        size, number = struct.unpack_from("!HH", message, at)
        attributes.append(number)
        at += (size + 3) & ~3
    return kind, flags, tuple(attributes)


def datagrams(path):
    with open(path, "rb") as f:
        while header := f.read(4):
            yield f.read(struct.unpack("!BBH", header)[2])


def main():
    out, seen = sys.argv[1], set()
    os.makedirs(out, exist_ok=True)
    seeds = []
    for path in sys.argv[2:]:
        for datagram in datagrams(path):
            s = shape(datagram)
            if s not in seen:
                seen.add(s)
                seeds.append(datagram)
    for kind in (1, 2, 3):
        seeds.append(struct.pack("!BBHI4sB3xIII", 0x1A, 0x10, 28, 7, b"CTS1", kind, 1, 2, 3))
    for seed in seeds:
        with open(os.path.join(out, hashlib.sha1(seed).hexdigest()[:16]), "wb") as f:
            f.write(seed)


main()
