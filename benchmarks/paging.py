"""What fetching a page ahead gains and costs, and whether memory stays flat over a million images.

    python benchmarks/paging.py [--pages 100] [--wait 0.02] [--images 1000000]

A server in a process of its own takes 20 ms for each page, and the consumer takes 20 ms for each, too: with a page
ahead the two overlap, and the time is close to half. CPU is the client's, for pages of 10 images, without any waiting.
For memory, a child of this process goes over a million images in pages of 1,000, and tells its peak after a tenth of
them and at the end. Prints Markdown tables. Needs nothing but eegrpc; memory needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

import eegrpc
from eegrpc.transcoding import Transcoder
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    ComputeImagesResponse,
    EarthEngineAsset,
    EarthEngineServicer,
    add_EarthEngineServicer_to_server,
    earth_engine_pb2,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

EXPRESSION = '{"result": "0", "values": {"0": {"constantValue": 1}}}'
KINDS = [(colour, transport) for colour in ("threads", "asyncio") for transport in ("gRPC", "REST")]


class Pages(EarthEngineServicer):
    """Answers with numbered images. The workload tag says how many there are, and how long a page takes in ms."""

    async def ComputeImages(  # noqa: N802 (gRPC's name)
        self, request: ComputeImagesRequest, _: Any
    ) -> ComputeImagesResponse:
        images, milliseconds = map(int, request.workload_tag.split("-"))
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)
        start = int(request.page_token or 0)
        end = min(start + request.page_size, images)
        page = [EarthEngineAsset(name=f"i/{number:08}") for number in range(start, end)]
        return ComputeImagesResponse(images=page, next_page_token=str(end) if end < images else "")


def serve(pipe: Connection) -> None:
    """Serve both protocols until a message comes; send the ports first."""

    async def run() -> None:
        server = grpc.aio.server()
        add_EarthEngineServicer_to_server(Pages(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        recorder = HandlerRecorder()
        add_EarthEngineServicer_to_server(Pages(), recorder)
        transcoder = Transcoder([earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]])
        runner = transcoding_runner(transcoding_application([recorder], transcoder), shutdown_timeout=0.1)
        await runner.setup()
        listener = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0)
        pipe.send({"gRPC": port, "REST": listener.sockets[0].getsockname()[1]})
        await asyncio.to_thread(pipe.recv)
        listener.close()
        await runner.cleanup()
        await server.stop(None)

    asyncio.run(run())


def consume(colour: str, transport: str, port: int, prefetch: int, *, size: int, tag: str, wait: float) -> float:
    """Go over all pages; return the seconds of CPU per page."""
    options: dict[str, Any] = {
        "endpoint": f"http://127.0.0.1:{port}",
        "transport": {"gRPC": "grpc", "REST": "rest"}[transport],
        "prefetch": prefetch,
    }
    pages = 0
    began = time.process_time()
    if colour == "threads":
        with eegrpc.EarthEngineClient("p", **options) as client:
            for _ in client.compute_images(EXPRESSION, page_size=size, workload_tag=tag).pages:
                pages += 1
                time.sleep(wait)
    else:

        async def run() -> None:
            nonlocal pages
            async with eegrpc.EarthEngineAsyncClient("p", **options) as client:
                pager = await client.compute_images(EXPRESSION, page_size=size, workload_tag=tag)
                async for _ in pager.pages:
                    pages += 1
                    await asyncio.sleep(wait)

        asyncio.run(run())
    return (time.process_time() - began) / pages


def peaks(colour: str, transport: str, port: int, images: int) -> tuple[float, float]:
    """Return the peak memory in MiB after a tenth of the images, and after all."""
    seen = []
    for part in (images // 10, images):
        consume(colour, transport, port, 1, size=1000, tag=f"{part}-0", wait=0)
        # Not ru_maxrss, which begins at what the parent had when it started this process.
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
        assert peak is not None
        seen.append(int(peak[1]) / 1024)
    return seen[0], seen[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--wait", type=float, default=0.02, help="seconds that server and consumer take for a page")
    parser.add_argument("--images", type=int, default=1_000_000, help="for memory; 0 leaves that out")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    pipe, its = context.Pipe()
    server = context.Process(target=serve, args=(its,), daemon=True)
    server.start()
    ports = pipe.recv()
    waiting = f"{arguments.pages * 10}-{round(arguments.wait * 1000)}"
    print(
        "| client | seconds, nothing ahead | one page ahead | of that | CPU ms a page, nothing ahead | one page ahead |"
    )
    print("|---|---|---|---|---|---|")
    for colour, transport in KINDS:
        seconds, cpu = [], []
        for prefetch in (0, 1):
            began = time.monotonic()
            consume(colour, transport, ports[transport], prefetch, size=10, tag=waiting, wait=arguments.wait)
            seconds.append(time.monotonic() - began)
            cpu.append(
                min(
                    consume(colour, transport, ports[transport], prefetch, size=10, tag="5000-0", wait=0)
                    for _ in range(3)
                )
            )
        print(
            f"| {transport}, {colour} | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[1] / seconds[0]:.0%} "
            f"| {cpu[0] * 1000:.2f} | {cpu[1] * 1000:.2f} |"
        )
    if arguments.images:
        print(f"\n| client | peak MiB after {arguments.images // 10:,} images | after {arguments.images:,} |")
        print("|---|---|---|")
        for colour, transport in KINDS:
            with futures.ProcessPoolExecutor(1, mp_context=context) as child:
                before, after = child.submit(peaks, colour, transport, ports[transport], arguments.images).result()
            print(f"| {transport}, {colour} | {before:.1f} | {after:.1f} |")
    pipe.send(None)
    server.join()


if __name__ == "__main__":
    main()
