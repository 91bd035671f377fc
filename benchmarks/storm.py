"""Tagged calls from many callers, a fifth of which give up: every answer must be that of its own call.

    python benchmarks/storm.py [--calls 100000] [--callers 64] [--transport rest] [--colour sync]

7 % of the calls time out, and 7 % are cancelled, while the server still works on them; 6 % are cancelled at any moment,
in the middle of an answer of 250 kB too. All others must succeed with their own tag in every image. The server, in a
process of its own, notices when a call is given up, and its work ends; work that goes on to its end tells of a
connection (over HTTP/1.1) or a stream that was kept. Prints a table, and fails if anything else came back.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import threading
import time
from collections import Counter
from typing import Any, NamedTuple

import grpc
from serving import serving

import eegrpc
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    ComputeImagesResponse,
    EarthEngineAsset,
    EarthEngineServicer,
    EarthEngineStub,
)

Code = grpc.StatusCode
WORKS = 2.0
"""Seconds that the server takes for calls that are given up."""
LARGE = 50_000
"""Bytes of an image of a large answer."""
PATIENCE = 60.0
"""Seconds that the others may take."""


class TaggingServicer(EarthEngineServicer):
    """Answers with images that all have the name that the page token gives."""

    def __init__(self) -> None:
        self._finished = 0

    async def ComputeImages(self, request: ComputeImagesRequest, _: Any) -> ComputeImagesResponse:  # noqa: N802
        fate, _, size = request.page_token.split("-")
        if fate == "slow":
            await asyncio.sleep(WORKS)
            self._finished += 1
        image = EarthEngineAsset(name=request.page_token, description="x" * LARGE if fate == "large" else "")
        return ComputeImagesResponse(images=[image] * int(size), next_page_token=request.page_token)

    def finished(self) -> int:
        """Return how many answers were worked out although the call had been given up: its connection was kept."""
        return self._finished


class Plan(NamedTuple):
    """What happens to a call."""

    tag: str
    timeout: float = PATIENCE
    cancelled_after: float | None = None
    expected: tuple[Code, ...] = (Code.OK,)


def plan(seed: int, number: int) -> Plan:
    """Return what happens to the call with this number."""
    chance = random.Random(f"{seed}-{number}")
    fate = chance.random()
    if fate < 0.07:
        return Plan(f"slow-{number}-1", timeout=chance.uniform(0.001, 0.03), expected=(Code.DEADLINE_EXCEEDED,))
    if fate < 0.14:
        return Plan(f"slow-{number}-1", cancelled_after=chance.uniform(0.0, 0.03), expected=(Code.CANCELLED,))
    if fate < 0.20:
        after = chance.uniform(0.0, 0.03)
        return Plan(f"large-{number}-5", cancelled_after=after, expected=(Code.CANCELLED, Code.OK))
    return Plan(f"plain-{number}-{chance.randrange(6)}")


class Tally:
    """What became of the calls."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.crossed: list[str] = []
        self.unexpected: list[str] = []
        self._lock = threading.Lock()

    def count(self, plan: Plan, code: Code, details: str | None, response: ComputeImagesResponse | None) -> None:
        with self._lock:
            self.ended[code.name] += 1
            if code not in plan.expected:
                self.unexpected.append(f"{plan}: {code.name}: {details}")
            if response is not None:
                names = {response.next_page_token, *(image.name for image in response.images)}
                if names != {plan.tag} or len(response.images) != int(plan.tag.rsplit("-", 1)[1]):
                    self.crossed.append(f"{plan.tag}: {sorted(names)}")


def request(plan: Plan) -> ComputeImagesRequest:
    return ComputeImagesRequest(project="projects/p", page_token=plan.tag)


def call_by_threads(endpoint: str, transport: str, arguments: argparse.Namespace, tally: Tally) -> None:
    """Make the calls from threads that share a channel."""
    numbers = itertools.count()  # whose next() is atomic

    def caller() -> None:
        while (number := next(numbers)) < arguments.calls:
            each = plan(arguments.seed, number)
            future = stub.ComputeImages.future(request(each), timeout=each.timeout)
            if each.cancelled_after is not None:
                time.sleep(each.cancelled_after)
                future.cancel()
            code = future.code()
            tally.count(each, code, future.details(), future.result() if code is Code.OK else None)

    with eegrpc.create_channel(endpoint, transport=transport) as channel:
        stub = EarthEngineStub(channel)
        threads = [threading.Thread(target=caller) for _ in range(arguments.callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def call_by_tasks(endpoint: str, transport: str, arguments: argparse.Namespace, tally: Tally) -> None:
    """Make the calls from tasks that share a channel."""

    async def caller(stub: Any, numbers: itertools.count[int]) -> None:
        while (number := next(numbers)) < arguments.calls:
            each = plan(arguments.seed, number)
            call = stub.ComputeImages(request(each), timeout=each.timeout)
            if each.cancelled_after is not None:
                await asyncio.sleep(each.cancelled_after)
                call.cancel()
            code = await call.code()
            tally.count(each, code, await call.details(), await call if code is Code.OK else None)

    async def run() -> None:
        async with eegrpc.create_aio_channel(endpoint, transport=transport) as channel:
            stub, numbers = EarthEngineStub(channel), itertools.count()
            await asyncio.gather(*(caller(stub, numbers) for _ in range(arguments.callers)))

    asyncio.run(run())


def storm(transport: str, colour: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the calls, and return what became of them."""
    tally = Tally()
    with serving(TaggingServicer, transport) as server:
        started, cpu = time.monotonic(), time.process_time()
        call = call_by_threads if colour == "sync" else call_by_tasks
        call(f"http://127.0.0.1:{server.port}", transport, arguments, tally)
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        time.sleep(WORKS + 1)
        kept = server.ask("finished")
    return {
        "transport": transport,
        "colour": colour,
        "ended": dict(tally.ended),
        "crossed": tally.crossed,
        "unexpected": tally.unexpected,
        "kept": kept,
        "seconds": round(seconds, 1),
        "cpu": round(cpu, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000, help="of each kind of channel")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--transport", choices=("grpc", "rest"), action="append")
    parser.add_argument("--colour", choices=("sync", "aio"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print everything, as JSON")
    arguments = parser.parse_args()
    runs = [
        storm(transport, colour, arguments)
        for transport in arguments.transport or ("grpc", "rest")
        for colour in arguments.colour or ("sync", "aio")
    ]
    if arguments.json:
        print(json.dumps(runs, indent=2))
    else:
        print("| channel | OK | cancelled | timed out | crossed | other | connections kept | seconds | CPU, s |")
        print("|---|---|---|---|---|---|---|---|---|")
        for run in runs:
            ended = [run["ended"].get(code, 0) for code in ("OK", "CANCELLED", "DEADLINE_EXCEEDED")]
            wrong = [len(run["crossed"]), len(run["unexpected"]), run["kept"]]
            cells = [f"{run['transport']}, {run['colour']}", *ended, *wrong, run["seconds"], run["cpu"]]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
        for problem in itertools.islice((p for run in runs for p in run["crossed"] + run["unexpected"]), 20):
            print(problem, file=sys.stderr)
    return int(any(run["crossed"] or run["unexpected"] or run["kept"] for run in runs))


if __name__ == "__main__":
    sys.exit(main())
