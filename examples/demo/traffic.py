#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of the demo's connections: told what to do by JSON lines on stdin, answers on stdout.

    {"do": "serve"|"connect", "name": N, "kind": K, "family": 4|6, "address": A, "port": P}
    {"do": "speak", "name": N}     an idle connection says something and waits for the echo
    {"do": "report"}               {N: {"got": bytes, "sent": bytes, "gap_ms": g, ...}, ...}
    {"do": "finish"}               streams end in order: each end reads up to the other's end

Kinds: stream (TCP, data both ways all the time), idle (TCP, silent until told to speak), push
(UDP: the connecting end asks once, then only the serving end sends, so that what arrives at the
firewall are replies), ping (an ICMP echo every 50 ms; it has no serving end).
Each byte is a function of the connection's name and of its place in the stream; a receiver compares
every one.
"""

import json
import random
import socket
import struct
import sys
import threading
import time

PERIOD = 65521
CHUNK = 4096
TICK_S = 0.01
PUSH_BYTES = 200
RETRY_S = 0.3
PING_TICK_S = 0.05


class Pattern:
    """The endless byte sequence that belongs to a name."""

    def __init__(self, name):
        self.bytes = random.Random(name).randbytes(PERIOD) * 2

    def at(self, offset, length):
        return self.bytes[offset % PERIOD:][:length]


class Endpoint:
    """What this end of a connection has seen; subclasses move the data."""

    def __init__(self, order):
        self.order, self.name = order, order["name"]
        self.family = socket.AF_INET6 if order["family"] == 6 else socket.AF_INET
        self.peer = (order["address"], order["port"])
        self.pattern = Pattern(self.name)
        self.got = self.sent = 0
        self.gap_s, self.last, self.error = 0.0, None, None
        self.ready, self.ended, self.stopping = False, False, False

    def start(self):
        run = self.serve if self.order["do"] == "serve" else self.connect
        if self.order["do"] == "serve":
            self.listen()
        self.thread(run)

    def thread(self, run):
        def guarded():
            try:
                run()
            except (OSError, ValueError) as e:
                self.error = self.error or str(e)

        threading.Thread(target=guarded, daemon=True).start()

    def arrived(self, count):
        now = time.monotonic()
        if self.last is not None:
            self.gap_s = max(self.gap_s, now - self.last)
        self.last = now
        self.got += count

    def verify(self, data, offset):
        if data != self.pattern.at(offset, len(data)):
            raise ValueError(f"wrong bytes at offset {offset}")

    def finish(self):
        self.stopping = True

    def report(self):
        gap = self.gap_s
        if self.last is not None and not self.ended:
            gap = max(gap, time.monotonic() - self.last)
        return {"ready": self.ready, "got": self.got, "sent": self.sent, "error": self.error,
                "gap_ms": round(gap * 1000), "ended": self.ended}


class Tcp(Endpoint):
    def listen(self):
        self.listener = socket.socket(self.family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.peer)
        self.listener.listen(1)

    def serve(self):
        self.sock, _ = self.listener.accept()
        self.run()

    def connect(self):
        self.sock = socket.socket(self.family, socket.SOCK_STREAM)
        self.sock.connect(self.peer)
        self.run()


class Stream(Tcp):
    def run(self):
        self.ready = True
        self.thread(self.send)
        while data := self.sock.recv(32768):
            self.verify(data, self.got)
            self.arrived(len(data))
        self.ended = True

    def send(self):
        while not self.stopping:
            self.sock.sendall(self.pattern.at(self.sent, CHUNK))
            self.sent += CHUNK
            time.sleep(TICK_S)
        self.sock.shutdown(socket.SHUT_WR)


class Idle(Tcp):
    """Each end may speak: it sends a line and gets it back; gap_ms is how long that took."""

    def run(self):
        self.spoke = None
        if self.order["do"] == "connect":
            self.speak()
        while data := self.sock.recv(1024):
            for message in data.split(b"\n")[:-1]:
                self.heard(message)
        self.ended = True

    def speak(self):
        self.spoke = time.monotonic()
        self.sock.sendall(b"say %s\n" % self.name.encode())
        self.sent += 1

    def heard(self, message):
        self.ready = True
        word, _, name = message.partition(b" ")
        if name != self.name.encode():
            raise ValueError(f"wrong bytes: {message!r}")
        self.got += 1
        if word == b"say":
            self.sock.sendall(b"echo " + name + b"\n")
        else:
            self.gap_s = time.monotonic() - self.spoke
            self.spoke = None

    def report(self):
        report = super().report()
        spoke = getattr(self, "spoke", None)
        if spoke is not None:
            report["gap_ms"] = round((time.monotonic() - spoke) * 1000)
        return report

    def finish(self):
        if hasattr(self, "sock"):
            self.sock.shutdown(socket.SHUT_WR)


class Push(Endpoint):
    def listen(self):
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
        self.sock.bind(self.peer)

    def serve(self):
        _, peer = self.sock.recvfrom(2048)
        self.ready = True
        while not self.stopping:
            data = struct.pack("!Q", self.sent) + self.pattern.at(self.sent, PUSH_BYTES)
            self.sock.sendto(data, peer)
            self.sent += 1
            time.sleep(TICK_S)
        self.ended = True

    def connect(self):
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
        self.sock.connect(self.peer)
        self.sock.settimeout(RETRY_S)
        while not self.stopping:
            if not self.ready:
                self.sock.send(b"subscribe")
            try:
                data = self.sock.recv(2048)
            except TimeoutError:
                continue
            self.verify(data[8:], struct.unpack("!Q", data[:8])[0])
            self.arrived(len(data))
            if not self.ready:
                # The second packet of this direction makes the flow an assured one.
                self.sock.send(b"thanks")
            self.ready = True
        self.ended = True


class Ping(Endpoint):
    def connect(self):
        v6 = self.family == socket.AF_INET6
        self.sock = socket.socket(self.family, socket.SOCK_DGRAM,
                                  socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
        self.sock.connect(self.peer)
        self.sock.settimeout(PING_TICK_S)
        while not self.stopping:
            self.sock.send(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, self.sent % 65536))
            self.sent += 1
            try:
                self.arrived(len(self.sock.recv(2048)))
                self.ready = True
                time.sleep(PING_TICK_S)
            except TimeoutError:
                pass
        self.ended = True


KINDS = {"stream": Stream, "idle": Idle, "push": Push, "ping": Ping}


def obey(order, endpoints):
    if order["do"] in ("serve", "connect"):
        endpoint = KINDS[order["kind"]](order)
        endpoints[order["name"]] = endpoint
        endpoint.start()
    elif order["do"] == "speak":
        endpoints[order["name"]].speak()
    elif order["do"] == "finish":
        for endpoint in endpoints.values():
            endpoint.finish()
    return {name: endpoint.report() for name, endpoint in endpoints.items()}


def main():
    endpoints = {}
    for line in sys.stdin:
        try:
            answer = obey(json.loads(line), endpoints)
        except OSError as e:
            answer = {"error": str(e)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
