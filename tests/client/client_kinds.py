"""A scripted servicer, the kinds of channels to it, and a computation by a client of either colour."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import grpc.aio
from aiohttp import web

from eegrpc._aio_channel import create_aio_channel
from eegrpc._async_client import EarthEngineAsyncClient
from eegrpc._channel import create_channel
from eegrpc._client import EarthEngineClient
from eegrpc._retry import RetryPolicy
from eegrpc.errors import EarthEngineError
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.v1alpha import (
    ComputeImagesResponse,
    EarthEngineAsset,
    EarthEngineServicer,
    add_EarthEngineServicer_to_server,
    earth_engine_pb2,
)

Code = grpc.StatusCode
SERVICE = earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]
EXPRESSION = {
    "result": "0",
    "values": {
        "0": {
            "functionInvocationValue": {
                "functionName": "ImageCollection.load",
                "arguments": {"id": {"constantValue": "x"}},
            }
        }
    },
}
AT_ONCE = RetryPolicy(initial=0.0)


class Scripted(EarthEngineServicer):
    """Answers by `script(request, context)` and remembers what came."""

    def __init__(self):
        self.requests, self.metadata, self.remaining = [], [], []
        self.script = lambda request, context: ComputeImagesResponse()

    def ComputeImages(self, request, context):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.remaining.append(context.time_remaining())
        return self.script(request, context)


def response(names, token=""):
    return ComputeImagesResponse(images=[EarthEngineAsset(name=str(name)) for name in names], next_page_token=token)


def paged(total, size):
    """A script: `total` images, numbered, in pages of `size`."""

    def script(request, context):
        start = int(request.page_token or 0)
        end = min(start + size, total)
        return response(range(start, end), str(end) if end < total else "")

    return script


def numbers(count):
    return [str(n) for n in range(count)]


@contextlib.contextmanager
def serve_grpc(servicer):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    add_EarthEngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def serve_rest(servicer):
    """The servicer behind the transcoder's server half, on an event loop in a thread of its own."""
    handlers = HandlerRecorder()
    add_EarthEngineServicer_to_server(servicer, handlers)
    runner = transcoding_runner(transcoding_application([handlers], Transcoder([SERVICE])))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return "http://{}:{}".format(*runner.addresses[0])

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# name: how to serve a servicer; how to connect, synchronously; how to connect with asyncio
CHANNEL_KINDS = {
    "grpc": (serve_grpc, grpc.insecure_channel, grpc.aio.insecure_channel),
    "rest": (
        serve_rest,
        functools.partial(create_channel, transport="rest"),
        functools.partial(create_aio_channel, transport="rest"),
    ),
}


@dataclass
class Outcome:
    """What one computation gave, up to its end or its error."""

    names: list[str] = field(default_factory=list)
    error: EarthEngineError | None = None
    next_page_token: str | None = None


def compute_sync(channel, options, by_page, arguments):
    outcome = Outcome()
    with EarthEngineClient("p", channel=channel, **options) as client:
        try:
            pager = client.compute_images(**arguments)
            outcome.next_page_token = pager.next_page_token
            if by_page:
                for page in pager.pages:
                    outcome.names += [image.name for image in page.images]
            else:
                for image in pager:
                    outcome.names.append(image.name)
        except EarthEngineError as error:
            outcome.error = error
        with contextlib.suppress(UnboundLocalError):
            outcome.next_page_token = pager.next_page_token
    return outcome


async def compute_aio(channel, options, by_page, arguments):
    outcome = Outcome()
    async with EarthEngineAsyncClient("p", channel=channel, **options) as client:
        try:
            pager = await client.compute_images(**arguments)
            if by_page:
                async for page in pager.pages:
                    outcome.names += [image.name for image in page.images]
            else:
                async for image in pager:
                    outcome.names.append(image.name)
        except EarthEngineError as error:
            outcome.error = error
        with contextlib.suppress(UnboundLocalError):
            outcome.next_page_token = pager.next_page_token
    return outcome
