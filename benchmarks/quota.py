"""1,000 requests by 200 callers against a server that enforces Earth Engine's quota: the gate beside naive retrying.

The server, in a process of its own, refuses with RESOURCE_EXHAUSTED what is more than 40 requests in flight or more
than 100 accepted in any second, and takes 0.3 s for each of the others. The quota's minimum is the shortest time in
which anyone could do it: each request starts as soon as both limits allow. Naive means the client's own retry policy
(full jitter from 1 s), with as many attempts as it takes, no budget, and no gate. A wait is what a call took beyond the
service time; its spread tells how fair it is.

    python benchmarks/quota.py [--callers 200] [--requests 1000] [--service 0.3] [--transport grpc]

Prints a Markdown table. Needs nothing but eegrpc.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import threading
import time
from collections import deque
from concurrent import futures
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

import eegrpc
from eegrpc.transcoding import Transcoder
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    ComputeImagesResponse,
    EarthEngineServicer,
    add_EarthEngineServicer_to_server,
    earth_engine_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

CONCURRENCY, RATE = 40, 100
EXPRESSION = '{"result": "0", "values": {"0": {"constantValue": 1}}}'
NAIVE = eegrpc.RetryPolicy(max_attempts=1000, budget=None)


class EnforcingServicer(EarthEngineServicer):
    """Answers after a time, and refuses what is over the quota."""

    def __init__(self, service: float) -> None:
        self.service = service
        self.attempts = self.in_flight = self.over_concurrency = self.over_rate = 0
        self.accepted: deque[float] = deque()  # when, in the last second

    async def ComputeImages(  # noqa: N802 (gRPC's name)
        self, _: ComputeImagesRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> ComputeImagesResponse:
        now = time.monotonic()
        self.attempts += 1
        while self.accepted and self.accepted[0] <= now - 1:
            self.accepted.popleft()
        if self.in_flight >= CONCURRENCY:
            self.over_concurrency += 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many concurrent requests")
        if len(self.accepted) >= RATE:
            self.over_rate += 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Rate limit exceeded")
        self.accepted.append(now)
        self.in_flight += 1
        try:
            await asyncio.sleep(self.service)
        finally:
            self.in_flight -= 1
        return ComputeImagesResponse()


def serve(pipe: Connection, service: float, transport: str) -> None:
    """Serve until a message comes; send the port first and the counts last."""

    async def run() -> None:
        servicer = EnforcingServicer(service)
        if transport == "grpc":
            server = grpc.aio.server()
            add_EarthEngineServicer_to_server(servicer, server)
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            stop = server.stop
        else:
            recorder = HandlerRecorder()
            add_EarthEngineServicer_to_server(servicer, recorder)
            transcoder = Transcoder([earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]])
            runner = transcoding_runner(transcoding_application([recorder], transcoder), shutdown_timeout=0.1)
            await runner.setup()
            listener = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0, backlog=512)
            port = listener.sockets[0].getsockname()[1]

            async def stop(_: None) -> None:
                listener.close()
                await runner.cleanup()

        pipe.send(port)
        await asyncio.to_thread(pipe.recv)
        await stop(None)
        pipe.send((servicer.attempts, servicer.over_concurrency, servicer.over_rate))

    asyncio.run(run())


@dataclass
class Run:
    """What one way of calling gave."""

    name: str
    seconds: float = 0.0
    cpu: float = 0.0
    waits: list[float] = field(default_factory=list)
    failed: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)


def call_by_threads(run: Run, port: int, arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    """Let each caller, a thread, make its share of the requests one after the other."""
    endpoint = f"http://127.0.0.1:{port}"
    start = threading.Barrier(arguments.callers + 1)
    with eegrpc.EarthEngineClient("p", endpoint=endpoint, transport=arguments.transport, **options) as client:

        def caller() -> None:
            start.wait()
            for _ in range(arguments.requests // arguments.callers):
                began = time.monotonic()
                try:
                    list(client.compute_images(EXPRESSION))
                except eegrpc.errors.EarthEngineError:
                    run.failed += 1
                run.waits.append(time.monotonic() - began - arguments.service)

        with futures.ThreadPoolExecutor(arguments.callers) as pool:
            callers = [pool.submit(caller) for _ in range(arguments.callers)]
            start.wait()
            began, cpu = time.monotonic(), time.process_time()
            for future in callers:
                future.result()
            run.seconds, run.cpu = time.monotonic() - began, time.process_time() - cpu


async def call_by_tasks(run: Run, port: int, arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    """Do what `call_by_threads` does with tasks."""
    endpoint = f"http://127.0.0.1:{port}"
    async with eegrpc.EarthEngineAsyncClient(
        "p", endpoint=endpoint, transport=arguments.transport, **options
    ) as client:

        async def caller() -> None:
            for _ in range(arguments.requests // arguments.callers):
                began = time.monotonic()
                try:
                    async for _ in await client.compute_images(EXPRESSION):
                        pass
                except eegrpc.errors.EarthEngineError:
                    run.failed += 1
                run.waits.append(time.monotonic() - began - arguments.service)

        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(caller() for _ in range(arguments.callers)))
        run.seconds, run.cpu = time.monotonic() - began, time.process_time() - cpu


def measure(name: str, arguments: argparse.Namespace, options: dict[str, Any]) -> Run:
    """Call against a server of its own."""
    run = Run(name)
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    server = context.Process(target=serve, args=(other, arguments.service, arguments.transport))
    server.start()
    try:
        port = pipe.recv()
        if "threads" in name:
            call_by_threads(run, port, arguments, options)
        else:
            asyncio.run(call_by_tasks(run, port, arguments, options))
    finally:
        pipe.send("stop")
        run.counts = pipe.recv()
        server.join()
    return run


def least_seconds(requests: int, service: float) -> float:
    """Return the shortest time in which the quota lets so many requests through."""
    starts: list[float] = []
    for number in range(requests):
        earliest = starts[-1] if starts else 0.0
        if number >= RATE:
            earliest = max(earliest, starts[number - RATE] + 1)
        if number >= CONCURRENCY:
            earliest = max(earliest, starts[number - CONCURRENCY] + service)
        starts.append(earliest)
    return starts[-1] + service


def print_table(runs: Iterable[Run], least: float) -> None:
    """Print the runs as Markdown."""
    print("| callers | succeeded | attempts | 429: concurrency | 429: rate | 429, of attempts | seconds | of the "
          "minimum | wait p50, s | p99, s | most, s | CPU, s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for run in runs:
        attempts, concurrency, rate = run.counts
        cuts = statistics.quantiles(run.waits, n=100)
        print(
            f"| {run.name} | {len(run.waits) - run.failed} | {attempts} | {concurrency} | {rate} "
            f"| {(concurrency + rate) / attempts:.1%} | {run.seconds:.1f} | {run.seconds / least:.0%} "
            f"| {cuts[49]:.2f} | {cuts[98]:.2f} | {max(run.waits):.2f} | {run.cpu:.1f} |"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--service", type=float, default=0.3, help="seconds that the server takes for a request")
    parser.add_argument("--transport", choices=("grpc", "rest"), default="grpc")
    arguments = parser.parse_args()
    least = least_seconds(arguments.requests, arguments.service)
    print(f"{arguments.requests} requests by {arguments.callers} callers over {arguments.transport}, service time "
          f"{arguments.service:g} s; the quota's minimum is {least:.1f} s\n")  # fmt: skip
    ways = {
        "threads, gate": {"quota": eegrpc.QuotaGate()},
        "threads, naive": {"quota": None, "retry": NAIVE},
        "tasks, gate": {"quota": eegrpc.QuotaGate()},
        "tasks, naive": {"quota": None, "retry": NAIVE},
    }
    print_table([measure(name, arguments, options) for name, options in ways.items()], least)


if __name__ == "__main__":
    main()
