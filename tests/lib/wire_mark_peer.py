#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays ctsyncd towards a conntrackd: sends it flows with marks (doc/PROTOCOL.md) in between.

usage: wire_mark_peer.py ftfw|notrack|alarm OWN_ADDRESS
       wire_mark_peer.py broken OWN_ADDRESS

`broken` sends one message of a foreign version, to see that the peer's counters move at all. With
ftfw it leaves one number out at the end; the peer must acknowledge all before and ask for exactly
that one, which shows that the marks moved its sequence.
"""

import socket
import struct
import sys

GROUP, PORT = "225.0.0.50", 3780
CT_NEW, CTL = 0x10, 0x1A
NACK, ACK, ALIVE, HELLO = 0x04, 0x08, 0x10, 0x20


def message(kind, flags, seq, body=b""):
    return struct.pack("!BBHI", kind, flags, 8 + len(body), seq) + body


def mark(kind, seq, flags=0):
    body = b"CTS1" + struct.pack("!B3xIII", kind, 0x11223344, 7, 2)
    return message(CTL, ALIVE | flags, seq, body)


def flow(sport, seq, flags=0):
    """A UDP flow 192.0.2.1:sport -> 198.51.100.2:80."""
    body = struct.pack("!HH4B4B", 12, 0, 192, 0, 2, 1, 198, 51, 100, 2)
    body += struct.pack("!HHI", 8, 5, 0xE) + struct.pack("!HHB3x", 5, 2, 17)
    body += struct.pack("!HHHH", 8, 3, sport, 80) + struct.pack("!HHI", 8, 6, 100)
    return message(CT_NEW, flags, seq, body)


def controls(sock):
    """What the peer says: (flags, from, to) of every control message."""
    while True:
        data = sock.recv(65536)
        while data:
            kind, flags, length, _ = struct.unpack_from("!BBHI", data)
            if kind == CTL and length >= 16:
                yield (flags,) + struct.unpack_from("!II", data, 8)
            data = data[length:]


def main():
    mode, own = sys.argv[1:3]
    rx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rx.bind(("", PORT))
    member = socket.inet_aton(GROUP) + socket.inet_aton(own)
    rx.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    rx.settimeout(10)
    tx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tx.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    tx.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)

    def send(*messages):
        tx.sendto(b"".join(messages), (GROUP, PORT))

    if mode == "broken":
        send(message(0x2A, ALIVE, 1))
        return
    hello = HELLO if mode == "ftfw" else 0
    if mode != "alarm":
        send(message(CTL, ALIVE | hello, 1000))
    else:
        send(mark(1, 1000))
    send(flow(1001, 1001, hello))
    send(mark(1, 1002, hello))
    send(mark(2, 1003), flow(1004, 1004), mark(3, 1005))
    if mode == "ftfw":
        # 1006 is left out.
        send(flow(1007, 1007))
        for flags, first, last in controls(rx):
            if flags & NACK:
                if (first, last) != (1006, 1006):
                    sys.exit(f"asked for {first} to {last}")
                break
        else:
            sys.exit("heard nothing")
    else:
        send(flow(1006, 1006), flow(1007, 1007))
    send(flow(1008, 1008))


main()
