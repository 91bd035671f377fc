"""Create a client, call, close it, ten thousand times: nothing may be left of the clients that were.

    python benchmarks/churn.py [--times 10000] [--transport auto] [--colour sync]

Prints a table of file descriptors, threads and memory before and after (with a tenth as many rounds first, for warming
up), and fails if descriptors or threads are not what they were, or if memory has grown by more than 5 MiB. Needs /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from process_state import Memory, Open
from serving import serving

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineServicer

if TYPE_CHECKING:
    from collections.abc import Callable

EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}
MOST_GROWTH = 5.0
"""MiB."""


class EmptyServicer(EarthEngineServicer):
    async def ComputeImages(self, _: ComputeImagesRequest, __: Any) -> ComputeImagesResponse:  # noqa: N802
        return ComputeImagesResponse()


def held() -> tuple[Open, float]:
    """Return what the process has open, and its resident memory in MiB."""
    time.sleep(1.0)  # threads that are about to end have ended
    return Open.now(), Memory.now().resident


def churn_sync(options: dict[str, Any]) -> Callable[[int], None]:
    def rounds(times: int) -> None:
        for _ in range(times):
            with eegrpc.EarthEngineClient("p", **options) as client:
                assert list(client.compute_images(EXPRESSION)) == []

    return rounds


def churn_aio(options: dict[str, Any]) -> Callable[[int], None]:
    async def rounds(times: int) -> None:
        for _ in range(times):
            async with eegrpc.EarthEngineAsyncClient("p", **options) as client:
                assert [image async for image in await client.compute_images(EXPRESSION)] == []

    return lambda times: asyncio.run(rounds(times))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--transport", choices=("grpc", "rest", "auto"), action="append")
    parser.add_argument("--colour", choices=("sync", "aio"), action="append")
    arguments = parser.parse_args()
    missed = False
    print("| channel | rounds | descriptors | threads | MiB before | MiB after | ms a round |")
    print("|---|---|---|---|---|---|---|")
    for transport in arguments.transport or ("grpc", "rest", "auto"):
        for colour in arguments.colour or ("sync", "aio"):
            with serving(EmptyServicer, "rest" if transport == "rest" else "grpc") as server:
                options = {"endpoint": f"http://127.0.0.1:{server.port}", "transport": transport}
                churn = (churn_sync if colour == "sync" else churn_aio)(options)
                churn(arguments.times // 10)
                (before, at_first), began = held(), time.monotonic()
                churn(arguments.times)
                seconds, (after, at_last) = time.monotonic() - began, held()
            print(
                f"| {transport}, {colour} | {arguments.times} | {before.descriptors} → {after.descriptors} "
                f"| {before.threads} → {after.threads} | {at_first:.1f} | {at_last:.1f} "
                f"| {seconds / arguments.times * 1000:.1f} |",
                flush=True,
            )
            missed |= before != after or at_last - at_first > MOST_GROWTH
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
