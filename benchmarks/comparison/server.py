"""The server that all subjects are measured against: canned answers by gRPC and by REST, in a process of its own.

It does so little for a call that it is not what is measured; how much of its core it used is told all the same.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison.answers import answers
from benchmarks.comparison.http1 import RestProtocol
from benchmarks.comparison.http2 import GrpcProtocol
from benchmarks.mapper.measure import pin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from benchmarks.comparison.answers import Answer

__all__ = ["Server", "Usage", "canned_server"]

_PROJECT = b"projects/"


@dataclass(frozen=True)
class Usage:
    """What the server had done up to a moment: seconds of CPU, requests, and the moment, in seconds."""

    cpu: float
    requests: int
    moment: float

    def since(self, before: Usage) -> Usage:
        """Return the differences."""
        return Usage(self.cpu - before.cpu, self.requests - before.requests, self.moment - before.moment)


class Server:
    """The server as the others see it.

    Attributes:
        grpc: Port of gRPC.
        rest: Port of HTTP/1.1.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.grpc, self.rest = pipe.recv()

    def usage(self) -> Usage:
        """Ask what it has done so far."""
        self._pipe.send(None)
        cpu, requests = self._pipe.recv()
        return Usage(cpu, requests, time.monotonic())


@contextmanager
def canned_server(pages: int) -> Iterator[Server]:
    """Run it, on the first core; ``projects/pages`` has so many pages."""
    context = multiprocessing.get_context("spawn")
    pipe, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, pages), daemon=True)
    process.start()
    its.close()
    try:
        yield Server(pipe)
    finally:
        process.terminate()
        process.join()


class _Canned:
    """The answers, and how many were given."""

    def __init__(self, made: dict[bytes, Answer]) -> None:
        self._answers = made
        self.requests = 0

    def wire(self, request: bytes) -> bytes | None:
        """Answer a message; its project is found wherever it stands, first as a rule."""
        self.requests += 1
        start = request.find(_PROJECT)
        answer = self._answers.get(request[start : start + request[start - 1]])  # the length is in front of it
        return None if answer is None else answer.as_wire(request)

    def json(self, project: bytes, request: bytes) -> bytes | None:
        """Answer a body of JSON."""
        self.requests += 1
        answer = self._answers.get(project)
        return None if answer is None else answer.as_json(request)


def _serve(pipe: Connection, pages: int) -> None:
    pin(0)
    asyncio.run(_run(pipe, _Canned(answers(pages))))


async def _run(pipe: Connection, canned: _Canned) -> None:
    loop = asyncio.get_running_loop()
    ports = []
    for make in (lambda: GrpcProtocol(canned.wire), lambda: RestProtocol(canned.json)):
        listener = await loop.create_server(make, "127.0.0.1", 0, backlog=1000)
        ports.append(listener.sockets[0].getsockname()[1])
    ended = loop.create_future()

    def tell() -> None:
        try:
            pipe.recv()
        except EOFError:  # who started it has gone
            loop.remove_reader(pipe.fileno())
            ended.set_result(None)
        else:
            pipe.send((time.process_time(), canned.requests))

    loop.add_reader(pipe.fileno(), tell)
    pipe.send(tuple(ports))
    await ended
