"""An outage for 40 callers: what does it cost the server in requests, and how fast are the callers back?

    python benchmarks/outage.py [--seconds 30] [--callers 40] [--transport rest] [--colour sync]

The server is down for a while: it answers 503 (UNAVAILABLE), or it is gone and connections are refused. Callers make
call after call, or one call each, with the client's default retries. A call counts with all its requests if it was
under way in the outage. The rate is full again when a second has 90 % of the answers that seconds had before. If
connections were refused, gRPC tries the next one when its own backoff ends, which may take a third of the outage's
time: 2 s are not asked for then. Prints a table, and fails if there were more than 1.2 requests per call, or if full
rate took more than 2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import contextvars
import itertools
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from serving import Server

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineServicer

if TYPE_CHECKING:
    from collections.abc import Iterable

EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}
SERVICE = 0.5
"""Seconds that the server takes for a request."""
BEFORE, AFTER = 4.0, 6.0
"""Seconds that are watched before and after the outage."""
MOST_REQUESTS, MOST_SECONDS = 1.2, 2.0

_requests: contextvars.ContextVar[list[float]] = contextvars.ContextVar("requests")
"""When the requests of the current call were sent."""


class FailingServicer(EarthEngineServicer):
    """Answers after a time, or says that it is unavailable."""

    def __init__(self) -> None:
        self._down = False

    def set_down(self, down: bool) -> None:
        self._down = down

    async def ComputeImages(self, _: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:  # noqa: N802
        if self._down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        await asyncio.sleep(SERVICE)
        return ComputeImagesResponse()


class Counting(grpc.UnaryUnaryClientInterceptor):
    """Notes each request of the current call."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        _requests.get().append(time.monotonic())
        return continuation(client_call_details, request)


class AioCounting(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        _requests.get().append(time.monotonic())
        return await continuation(client_call_details, request)


@dataclass
class Run:
    """One outage, and what came of it."""

    transport: str
    colour: str
    refused: bool
    again: bool
    connected: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    calls: list[list[float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    @property
    def in_outage(self) -> list[list[float]]:
        """The calls that sent something in the outage."""
        return [call for call in self.calls if any(self.began <= sent < self.ended for sent in call)]

    @property
    def per_call(self) -> float:
        """Requests per call."""
        return sum(map(len, self.in_outage)) / len(self.in_outage)

    @property
    def recovery(self) -> float | None:
        """Seconds from the end of the outage to full rate; None if it was not reached, or is not asked for."""
        if not self.again:
            return None
        before = sum(self.began - BEFORE + 1 <= answer < self.began for answer in self.answers) / (BEFORE - 1)
        later = sorted(answer for answer in self.answers if answer >= self.ended)
        full = (at for at in later if sum(at <= other < at + 1 for other in later) >= 0.9 * before)
        return next(full, float("inf")) - self.ended

    @property
    def missed(self) -> bool:
        """Whether it took too much."""
        if self.per_call > MOST_REQUESTS:
            return True
        return (
            self.recovery is not None
            and self.recovery > MOST_SECONDS
            and not (self.refused and self.transport == "grpc")
        )

    def row(self) -> str:
        """Return a line of the table."""
        kind = f"{self.transport}, {self.colour}"
        outage, callers = "refused" if self.refused else "503", "again and again" if self.again else "one call each"
        requests, recovery = sum(map(len, self.in_outage)), "" if self.recovery is None else f"{self.recovery:.1f}"
        return (
            f"| {kind} | {outage} | {callers} | {len(self.in_outage)} | {requests} | {self.per_call:.2f} | {recovery} |"
        )


def options(run: Run, port: int) -> dict[str, Any]:
    counting = Counting() if run.colour == "sync" else AioCounting()
    return {"endpoint": f"http://127.0.0.1:{port}", "transport": run.transport, "interceptors": [counting]}


def call_by_threads(run: Run, port: int, callers: int, start: threading.Event, stop: threading.Event) -> None:
    """Call from threads that share a client until `stop` is set, or once."""

    def caller() -> None:
        _requests.set([])
        list(client.compute_images(EXPRESSION))
        run.connected.release()
        start.wait()
        while not stop.is_set():
            run.calls.append([])
            _requests.set(run.calls[-1])
            with contextlib.suppress(eegrpc.errors.EarthEngineError):
                list(client.compute_images(EXPRESSION))
                run.answers.append(time.monotonic())
            if not run.again:
                return

    with eegrpc.EarthEngineClient("p", **options(run, port)) as client, ThreadPoolExecutor(callers) as pool:
        for future in [pool.submit(caller) for _ in range(callers)]:
            future.result()


def call_by_tasks(run: Run, port: int, callers: int, start: threading.Event, stop: threading.Event) -> None:
    """Do what `call_by_threads` does with tasks."""

    async def caller(client: eegrpc.EarthEngineAsyncClient) -> None:
        _requests.set([])
        [image async for image in await client.compute_images(EXPRESSION)]
        run.connected.release()
        while not start.is_set():  # noqa: ASYNC110 (it is set by a thread)
            await asyncio.sleep(0.01)
        while not stop.is_set():
            run.calls.append([])
            _requests.set(run.calls[-1])
            with contextlib.suppress(eegrpc.errors.EarthEngineError):
                [image async for image in await client.compute_images(EXPRESSION)]
                run.answers.append(time.monotonic())
            if not run.again:
                return

    async def call() -> None:
        async with eegrpc.EarthEngineAsyncClient("p", **options(run, port)) as client:
            await asyncio.gather(*(caller(client) for _ in range(callers)))

    asyncio.run(call())


def outage(run: Run, arguments: argparse.Namespace) -> Run:
    """Let the server go down and come back while callers call."""
    server = Server(FailingServicer, run.transport)
    start, stop = threading.Event(), threading.Event()
    call = call_by_threads if run.colour == "sync" else call_by_tasks
    calling = threading.Thread(target=call, args=(run, server.port, arguments.callers, start, stop))
    calling.start()
    for _ in range(arguments.callers):
        if not run.connected.acquire(timeout=60):
            raise TimeoutError("callers do not connect")
    if run.again:
        start.set()
        time.sleep(BEFORE)
    if run.refused:
        server.kill()
    else:
        server.ask("set_down", True)
    run.began = time.monotonic()
    start.set()
    calling.join(arguments.seconds)
    if run.refused:
        server = Server(FailingServicer, run.transport, server.port)
    else:
        server.ask("set_down", False)
    run.ended = time.monotonic()
    if run.again:
        time.sleep(AFTER)
    stop.set()
    calling.join()
    server.kill()
    return run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--callers", type=int, default=40)
    parser.add_argument("--transport", choices=("grpc", "rest"), action="append")
    parser.add_argument("--colour", choices=("sync", "aio"), action="append")
    arguments = parser.parse_args()
    logging.getLogger("eegrpc").setLevel(logging.CRITICAL)  # thousands of calls that give up
    print("| channel | outage | callers | calls | requests | requests per call | full rate after, s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    missed = False
    for refused, again in itertools.product((False, True), repeat=2):
        runs: Iterable[Run] = [
            Run(transport, colour, refused, again)
            for transport in arguments.transport or ("grpc", "rest")
            for colour in arguments.colour or ("sync", "aio")
        ]
        with ThreadPoolExecutor(4) as pool:  # at once: they mostly wait
            for run in pool.map(lambda run: outage(run, arguments), runs):
                print(run.row(), flush=True)
                missed |= run.missed
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
