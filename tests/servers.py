"""Real servers on loopback around a scripted servicer: grpc's own, and the transcoder's server half over HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from waiting import PATIENCE

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
    from collections.abc import Callable, Iterator


class ScriptedServicer(EarthEngineServicer):
    """Answers each call with what `answer`, a test's function, returns; by default an echo of the page token."""

    def __init__(self) -> None:
        self.answer: Callable[[Any, Any], Any] = echo
        self.peers: set[str] = set()
        self.calls = 0
        self._lock = threading.Lock()

    def ComputeImages(self, request: ComputeImagesRequest, context: grpc.ServicerContext) -> ComputeImagesResponse:
        with self._lock:
            self.calls += 1
            self.peers.add(context.peer())
        return self.answer(request, context)


def echo(request: ComputeImagesRequest, _: grpc.ServicerContext) -> ComputeImagesResponse:
    return ComputeImagesResponse(next_page_token=request.page_token)


class Hang:
    """An answer that does not come before its caller has gone (or `release` is set)."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.gone = threading.Event()
        self.release = threading.Event()

    def __call__(self, request: ComputeImagesRequest, context: grpc.ServicerContext) -> ComputeImagesResponse:
        def end() -> None:
            if not self.release.is_set():
                self.gone.set()
            self.release.set()

        context.add_callback(end)
        self.arrived.set()
        self.release.wait(PATIENCE)
        return echo(request, context)


class HangEach(Hang):
    """Answers that do not come before their own callers have gone, whatever the others do."""

    def __call__(self, request: ComputeImagesRequest, context: grpc.ServicerContext) -> ComputeImagesResponse:
        ended = threading.Event()
        is_there = context.add_callback(ended.set)
        self.arrived.set()
        if is_there:
            ended.wait(PATIENCE)
        self.gone.set()
        return echo(request, context)


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port at which connections are neither taken nor refused: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def grpc_server(servicer: EarthEngineServicer, port: int = 0, *, options: Any = ()) -> Iterator[int]:
    """Serve by grpc's own server; yield the port."""
    server = grpc.server(futures.ThreadPoolExecutor(32), options=options)
    add_EarthEngineServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def rest_server(servicer: EarthEngineServicer, port: int = 0) -> Iterator[int]:
    """Serve by the REST face, HTTP/1.1 only, in a thread of its own; yield the port."""
    recorder = HandlerRecorder()
    add_EarthEngineServicer_to_server(servicer, recorder)
    transcoder = Transcoder([earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]])
    started: futures.Future[int] = futures.Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        runner = transcoding_runner(transcoding_application([recorder], transcoder), shutdown_timeout=0.1)
        server = None
        try:
            await runner.setup()
            server = await loop.create_server(runner.server, "127.0.0.1", port, backlog=512)
            started.set_result(server.sockets[0].getsockname()[1])
            await stop.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise
        finally:
            if server is not None:
                # First no more are accepted, then the server closes: before Python 3.12, one that is accepted while it
                # closes is never closed itself.
                for sock in server.sockets:
                    loop.remove_reader(sock.fileno())
                await turns()
                server.close()
            await runner.cleanup()
            await turns()

    async def turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="rest-server")
    thread.start()
    try:
        yield started.result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
