#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the engine fuzzer's seeds from recordings (tests/lib/wire_record.py).

usage: seed_engine.py CORPUS_DIR RECORDING...

Each recording is cut into pieces of a few datagrams; the two hosts are two senders. Between the
datagrams time passes, the kernel reports flows and answers, and an operator gives commands. The
records' format is that of enum op in fuzz_engine.c.
"""

import hashlib
import os
import struct
import sys

DATAGRAM, TIME_MS, TIME_S, EVENT, ECHO, ANSWER, DUMP, OVERRUN, COMMAND, STALL, TIMEOUTS = range(11)
IN_ORDER, OUR_RANGE = 0x10, 0x20
NACK, ACK = 0x04, 0x08
PIECE = 10  # datagrams
MARKS = [(1, 7, 7, 0), (2, 7, 1, 4), (3, 7, 1, 4)]  # HELLO, BULK_BEGIN, BULK_END


def recorded(path):
    with open(path, "rb") as f:
        while header := f.read(4):
            side, _, length = struct.unpack("!BBH", header)
            yield side, f.read(length)


def datagram(how, data):
    return struct.pack("!BBH", DATAGRAM, how, len(data)) + data


def mark(kind, boot, value, value2):
    return struct.pack("!BBHI4sB3xIII", 0x1A, 0x10, 28, 0, b"CTS1", kind, boot, value, value2)


def said(flags, first, last):
    """An ACK or NACK of what the engine sent."""
    message = struct.pack("!BBHIII", 0x1A, flags, 16, 0, first, last)
    return datagram(IN_ORDER | OUR_RANGE, message)


def between(n):
    """What happens beside the n-th datagram."""
    return [
        struct.pack("!BH", TIME_MS, 120),
        struct.pack("!BB", DUMP, 15),
        struct.pack("!BBB", EVENT, n % 3, n * 7 % 256),
        struct.pack("!BB", COMMAND, n % 9),
        struct.pack("!BBB", ANSWER, 9, n % 16),
        struct.pack("!BB", ECHO, n % 3),
        struct.pack("!BB", TIME_S, n % 7),
        struct.pack("!B", OVERRUN) if n % 4 == 0 else b"",
        struct.pack("!BB", STALL, n % 5),
        said(NACK, n * 5, n),
        said(ACK, n, 0),
        struct.pack("!BB", DUMP, 255 if n % 3 else 1),
        b"".join(struct.pack("!BBB", EVENT, 0, n * 29 + i & 127) for i in range(12)),
        struct.pack("!BBB", TIMEOUTS, n, n * 3),
    ][n % 14]


def seeds(path, salt):
    pieces, piece = [], []
    for side, data in recorded(path):
        piece.append((side, data))
        if len(piece) == PIECE:
            pieces.append(piece)
            piece = []
    for n, piece in enumerate(pieces):
        out = bytes([(n * 37 + salt) % 128])
        for i, (side, data) in enumerate(piece):
            how = side - 1 | (IN_ORDER if n % 2 else 0) | OUR_RANGE
            if i == 2:
                out += datagram(how, mark(*MARKS[0]))
            if i == 4:
                out += datagram(how | IN_ORDER, mark(*MARKS[1]))
            if i == 7:
                out += datagram(how | IN_ORDER, mark(*MARKS[2]))
            out += datagram(how, data) + between(n * 3 + i) + between(i) + between(n * 5 + i * 3)
        yield out


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for salt, path in enumerate(sys.argv[2:]):
        for seed in seeds(path, salt):
            with open(os.path.join(out, hashlib.sha1(seed).hexdigest()[:16]), "wb") as f:
                f.write(seed)


main()
