#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ends of the traffic that capture_wire.sh sends through a firewall.

usage: wire_traffic.py serve READY_FILE
       wire_traffic.py client V4_ADDRESS V4_NAT_ADDRESS V6_ADDRESS

The server answers on TCP 80, UDP 53 and 54, and speaks as much FTP on TCP 21 as the kernel's helper
looks at. The client opens a connection of each kind, says `ready` and keeps them open until it is
ended.
"""

import socket
import struct
import sys
import threading


def listen(family, kind, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    if kind == socket.SOCK_STREAM:
        s.listen(16)
    return s


def tcp_echo(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo_one, args=(c,), daemon=True).start()


def echo_one(c):
    with c:
        while data := c.recv(1000):
            c.sendall(data)


def udp_echo(s):
    while True:
        data, peer = s.recvfrom(1000)
        s.sendto(data, peer)


def ftp(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=ftp_one, args=(c,), daemon=True).start()


def ftp_one(c):
    c.sendall(b"220 ready\r\n")
    data = None
    with c:
        while line := c.recv(1000):
            if line.startswith((b"PASV", b"EPSV")):
                data = listen(c.family, socket.SOCK_STREAM, 0)
                threading.Thread(target=tcp_echo, args=(data,), daemon=True).start()
                host = c.getsockname()[0].replace(".", ",")
                port = data.getsockname()[1]
                if line.startswith(b"PASV"):
                    text = f"227 Entering Passive Mode ({host},{port >> 8},{port & 255}).\r\n"
                else:
                    text = f"229 Entering Extended Passive Mode (|||{port}|)\r\n"
                c.sendall(text.encode())
            else:
                c.sendall(b"200 ok\r\n")


def serve(ready):
    for family in (socket.AF_INET, socket.AF_INET6):
        stream, dgram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        for target, s in (
            (tcp_echo, listen(family, stream, 80)),
            (ftp, listen(family, stream, 21)),
            (udp_echo, listen(family, dgram, 53)),
            (udp_echo, listen(family, dgram, 54)),
        ):
            threading.Thread(target=target, args=(s,), daemon=True).start()
    with open(ready, "w", encoding="ascii"):
        pass
    threading.Event().wait()


def exchange(s, data=b"hello"):
    s.settimeout(10)
    s.send(data)
    s.recv(1000)
    return s


def udp_connect(addr, port):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((addr, port))
    return s


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(addr):
    if ":" in addr:
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        packet = struct.pack("!BBHHH", 128, 0, 0, 0x2923, 1)
    else:
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        packet = struct.pack("!BBHHH", 8, 0, 0, 0x2922, 1)
        packet = struct.pack("!BBHHH", 8, 0, checksum(packet), 0x2922, 1)
    s.connect((addr, 0))
    s.settimeout(10)
    s.send(packet)
    s.recv(1000)
    return s


def ftp_session(addr):
    control = socket.create_connection((addr, 21), 10)
    control.recv(1000)
    control.sendall(b"EPSV\r\n" if ":" in addr else b"PASV\r\n")
    answer = control.recv(1000).decode()
    answer = answer[answer.index("(") + 1 : answer.index(")")]
    if ":" in addr:
        host, port = addr, int(answer.strip("|"))
    else:
        numbers = answer.split(",")
        host, port = ".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5])
    data = socket.create_connection((host, port), 10)
    exchange(data)
    exchange(control, b"NOOP\r\n")
    return control, data


def client(v4, v4_nat, v6):
    held = [ftp_session(v4), ftp_session(v4_nat), ftp_session(v6)]
    for addr, port in ((v4, 80), (v4_nat, 8080), (v6, 80), (v6, 8080)):
        held.append(exchange(socket.create_connection((addr, port), 10)))
    exchange(socket.create_connection((v4, 80), 10)).close()
    for addr, port in ((v4, 53), (v4_nat, 5353), (v6, 53), (v6, 5353)):
        held.append(exchange(udp_connect(addr, port)))
    held += [ping(v4), ping(v6)]
    print("ready", flush=True)
    threading.Event().wait()


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    client(*sys.argv[2:5])
