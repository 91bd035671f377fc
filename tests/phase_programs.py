"""What tests of the phases run in processes of their own."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import threading
import time
from typing import Any

from callers import Caller
from peers import HttpPeer, http
from phases import REQUEST, AioCaller, Scene, SyncCaller, _plain, page, scene, sockets
from servers import free_port
from waiting import came

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, Expression


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def interrupted(phase: str, transport: str) -> None:
    """Call in a phase, and be interrupted; print when that was over, the sockets that are left, and what was seen."""
    with scene(phase, transport, size=300_000) as made:
        before = sockets(made)
        caller = SyncCaller(made)

        def tell() -> None:
            if made.arrived is not None:
                came(lambda: made.arrived() > 0, 20)
            time.sleep(0.3)  # nothing shows from outside that a thread waits
            say("waiting")

        threading.Thread(target=tell, daemon=True).start()
        try:
            caller.call(60)
        except KeyboardInterrupt:
            ended = time.monotonic()
        kept = 1 if transport == "grpc" or phase == "mapping" else 0  # the connection of a channel that lives on
        came(lambda: sockets(made) <= before + kept, 0.2)
        left = max(0, sockets(made) - before - kept)
        gone = made.left is None or came(lambda: made.left() > 0, 1)
        say(ended, left, "yes" if gone else "no")
        caller.close()
    sys.stdin.read()


def stalled(what: str) -> None:
    """Call with a large page or request, several times; print how long the event loop stood still, in seconds."""
    kind, _, size = what.partition("-")
    asyncio.run(_stalled(kind, int(size) * 1_000_000))


async def _stalled(kind: str, size: int) -> None:
    request, answer = REQUEST, http()
    if kind == "page":
        answer = http(body=page(size if size < 1 << 27 else 134_000_000))
    else:
        values = {"0": eegrpc.v1alpha.ValueNode(constant_value={"string_value": "x" * size})}
        request = ComputeImagesRequest(project="projects/p", expression=Expression(result="0", values=values))

    def script(connection: Any) -> None:
        while data := connection.sock.recv(1 << 20):
            if data.endswith((b"}", b"\r\n\r\n")) and data.count(b"}") != 0:
                connection.send(answer)

    with HttpPeer(script) as peer:
        caller = AioCaller(Scene(_plain("rest", peer.port), request=request))
        for _ in range(4 if size < 1 << 26 else 2):
            say(await _longest_stall(caller))
        await caller.close()


async def _longest_stall(caller: AioCaller) -> float:
    longest, over = 0.0, False

    async def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not over:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    response = await caller.call(60)
    over = True
    await ticking
    del response  # to let go of it also takes its time, but that is the caller's
    return longest


def grown(colour: str, port: str) -> None:
    """Call by gRPC; print the code, and by how many MiB the process had grown at most."""
    options = {"grpc__max_receive_message_length": 32 << 20}
    Caller(colour, "grpc", free_port(), **options).call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = Caller(colour, "grpc", int(port), **options).call()
    say(json.dumps([outcome.code.name, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024]))


if __name__ == "__main__":
    {"grown": grown, "interrupted": interrupted, "stalled": stalled}[sys.argv[1]](*sys.argv[2:])
