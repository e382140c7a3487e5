#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A mix of real connections, as a firewall sees them.

	mix.py serve ADDRESS                 answers UDP and TCP on PORT; says "ready" on a line
	mix.py open ADDRESS COUNT RATE SEED  opens COUNT connections, RATE a second; ends when all have

Of the connections 30% are questions over UDP, each answered at once; the others are TCP, which ask
and have their answer at once and then stay for a while: 50% for 20 to 300 ms, 15% for 0.3 to 3 s, 5%
for 6 s. The client closes. `open` prints a JSON line: how many of them there were of each kind.
"""

import asyncio
import json
import random
import sys

PORT = 8053
FIRST_PORT, PORTS = 10000, 20000  # of the UDP clients; below those that the system gives
# (share of the connections [%], protocol, shortest and longest life [s])
KINDS = [(30, "udp", 0, 0), (50, "tcp", 0.02, 0.3), (15, "tcp", 0.3, 3), (5, "tcp", 6, 6)]
ANSWER_S = 30


class Answer(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Question(asyncio.DatagramProtocol):
    def __init__(self):
        self.answered = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        transport.sendto(b"?")

    def datagram_received(self, data, _address):
        if not self.answered.done():
            self.answered.set_result(data)


async def answer(reader, writer):
    while data := await reader.read(64):
        writer.write(data)
    writer.close()


async def serve(address):
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(answer, address, PORT, backlog=1024)
    await loop.create_datagram_endpoint(Answer, local_addr=(address, PORT))
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


async def udp(address, port):
    # Ports of the system's choice come again: that would be no new connection.
    loop = asyncio.get_running_loop()
    transport, question = await loop.create_datagram_endpoint(
        Question, local_addr=("0.0.0.0", port), remote_addr=(address, PORT))
    await asyncio.wait_for(question.answered, ANSWER_S)
    transport.close()


async def tcp(address, life_s):
    reader, writer = await asyncio.open_connection(address, PORT)
    writer.write(b"?")
    await asyncio.wait_for(reader.readexactly(1), ANSWER_S)
    await asyncio.sleep(life_s)
    writer.close()
    await writer.wait_closed()


async def open_all(address, count, rate, seed):
    chance, loop = random.Random(seed), asyncio.get_running_loop()
    begin, tasks, opened = loop.time(), [], [0] * len(KINDS)
    for i in range(count):
        await asyncio.sleep(begin + i / rate - loop.time())
        [k] = chance.choices(range(len(KINDS)), [share for share, *_ in KINDS])
        _, protocol, shortest, longest = KINDS[k]
        life_s = chance.uniform(shortest, longest)
        tasks.append(asyncio.create_task(udp(address, FIRST_PORT + i % PORTS) if protocol == "udp" else
                                         tcp(address, life_s)))
        opened[k] += 1
    await asyncio.gather(*tasks)
    print(json.dumps({"opened": opened}))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        asyncio.run(serve(sys.argv[2]))
    elif len(sys.argv) == 6 and sys.argv[1] == "open":
        count, rate, seed = map(int, sys.argv[3:])
        asyncio.run(open_all(sys.argv[2], count, rate, seed))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
