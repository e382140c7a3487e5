#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records sync datagrams of an interface until SIGTERM.

usage: wire_record.py INTERFACE PORT FILE

FILE gets one record per UDP datagram to PORT, as they were seen on the interface: a byte 1 if
this host sent it, 2 if it received it; a zero byte; be16 length; the UDP payload.
"""

import signal
import socket
import struct
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4


def udp_payload(frame, port):
    """The payload of an Ethernet frame's UDP datagram to port, over IPv4 or IPv6, or None."""
    (ether_type,) = struct.unpack_from("!H", frame, 12)
    if ether_type == 0x0800 and len(frame) >= 34:
        if frame[23] != socket.IPPROTO_UDP:
            return None
        udp = 14 + (frame[14] & 15) * 4
    elif ether_type == 0x86DD and len(frame) >= 54:
        if frame[20] != socket.IPPROTO_UDP:
            return None
        udp = 54
    else:
        return None
    _, dport, length, _ = struct.unpack_from("!HHHH", frame, udp)
    return frame[udp + 8 : udp + length] if dport == port else None


def main():
    interface, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((interface, 0))
    with open(path, "wb", buffering=0) as out:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            frame, addr = s.recvfrom(65536)
            payload = udp_payload(frame, port)
            if payload is not None:
                side = 1 if addr[2] == PACKET_OUTGOING else 2
                out.write(struct.pack("!BBH", side, 0, len(payload)) + payload)


main()
