"""What one standard page costs a client, over the transcoded channel and over gRPC: CPU time of the client's process.

    python -m benchmarks.mapper.whole_path [--rounds 20] [--json]

A server in a process of its own sends canned bytes, so that encoding the answer is not measured; decoding it into the
message is, on both sides. All take turns in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.mapper import inputs
from benchmarks.mapper.canned_server import canned_server
from benchmarks.mapper.measure import Times, measure, pin
from eegrpc import create_aio_channel, create_channel, mapper
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RATIOS", "run"]

ROOT = Path(__file__).resolve().parents[2]
RATIOS = (
    ("REST of gRPC, sync", "rest", "grpc"),
    ("REST of gRPC, asyncio", "rest, asyncio", "grpc, asyncio"),
    ("REST with gzip of gRPC, sync", "rest, gzip", "grpc"),
    ("REST with gzip of gRPC, asyncio", "rest, gzip, asyncio", "grpc, asyncio"),
)
"""What is compared: a title, and the two names in the result."""


def run(rounds: int) -> tuple[str, dict[str, Times]]:
    """Measure in a new process; return the implementation of its mapper, and what each call took."""
    command = [sys.executable, "-m", "benchmarks.mapper.whole_path", "--json", "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    result = json.loads(done.stdout)
    return result["implementation"], {name: Times(**times) for name, times in result["times"].items()}


def _measure(rounds: int) -> dict[str, Times]:
    cases = {case.name: case for case in inputs.cases()}
    page = cases["page"]
    request = ComputeImagesRequest.FromString(cases["small request"].wire)
    loop = asyncio.new_event_loop()
    calls: dict[str, Callable[[], Any]] = {}
    channels: list[Any] = []

    def add(name: str, port: int, transport: str) -> None:
        endpoint = f"http://127.0.0.1:{port}"
        channel = create_channel(endpoint, transport=transport)
        channels.append(channel)
        stub = EarthEngineStub(channel)
        calls[name] = lambda: stub.ComputeImages(request, timeout=60)

    async def add_aio(name: str, port: int, transport: str) -> None:
        endpoint = f"http://127.0.0.1:{port}"
        channel = create_aio_channel(endpoint, transport=transport)
        channels.append(channel)
        stub = EarthEngineStub(channel)

        async def call() -> Any:
            return await stub.ComputeImages(request, timeout=60)

        calls[f"{name}, asyncio"] = lambda: loop.run_until_complete(call())

    with canned_server(page.wire, page.json) as ports:
        for name, port, transport in zip(("grpc", "rest", "rest, gzip"), ports, ("grpc", "rest", "rest"), strict=True):
            add(name, port, transport)
            loop.run_until_complete(add_aio(name, port, transport))
        for name, call in calls.items():
            assert call() == page.message, name
        times = measure(calls, rounds=rounds, least=0.2)
        for channel in channels:
            closed = channel.close()
            if closed is not None:
                loop.run_until_complete(closed)
    loop.close()
    return times


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="samples of each (default 20)")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    arguments = parser.parse_args()
    pin()
    times = _measure(arguments.rounds)
    if arguments.json:
        result = {
            "implementation": mapper.IMPLEMENTATION,
            "times": {name: asdict(each) for name, each in times.items()},
        }
        print(json.dumps(result))
        return
    print(f"mapper: {mapper.IMPLEMENTATION}")
    for name, each in times.items():
        print(f"{name:20} cpu {each.median * 1e3:7.1f} ms   spread {each.spread:.0%}")
    for title, name, base in RATIOS:
        print(f"{title:32} {times[name].median / times[base].median:6.2f}")


if __name__ == "__main__":
    _main()
