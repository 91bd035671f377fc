"""A servicer in a process of its own, over gRPC or REST: it shares neither CPU time nor sockets with what calls it."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from typing import TYPE_CHECKING, Any

import grpc.aio

from eegrpc.transcoding import Transcoder
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.v1alpha import EarthEngineServicer, add_EarthEngineServicer_to_server, earth_engine_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection


class Server:
    """A server in another process."""

    def __init__(self, make: Callable[[], EarthEngineServicer], transport: str, port: int = 0) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, make, transport, port), daemon=True)
        self._process.start()
        other.close()
        self.port: int = self._pipe.recv()

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a method of the servicer, on its loop, and return what it returns."""
        self._pipe.send((name, arguments))
        return self._pipe.recv()

    def kill(self) -> None:
        """End it at once: connections are reset, and new ones refused."""
        self._process.kill()
        self._process.join()


@contextlib.contextmanager
def serving(make: Callable[[], EarthEngineServicer], transport: str, port: int = 0) -> Iterator[Server]:
    """Run a server with the servicer that `make`, a function of a module, makes; by ``grpc`` or ``rest``."""
    server = Server(make, transport, port)
    try:
        yield server
    finally:
        server.kill()


def _serve(pipe: Connection, make: Callable[[], EarthEngineServicer], transport: str, port: int) -> None:
    async def run() -> None:
        servicer = make()
        pipe.send(await (_start_grpc if transport == "grpc" else _start_rest)(servicer, port))
        while True:
            try:
                name, arguments = await asyncio.to_thread(pipe.recv)
            except EOFError:
                return
            pipe.send(getattr(servicer, name)(*arguments))

    asyncio.run(run())


async def _start_grpc(servicer: EarthEngineServicer, port: int) -> int:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_EarthEngineServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    _kept.append(server)
    return port


async def _start_rest(servicer: EarthEngineServicer, port: int) -> int:
    recorder = HandlerRecorder()
    add_EarthEngineServicer_to_server(servicer, recorder)
    transcoder = Transcoder([earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]])
    application = transcoding_application([recorder], transcoder)
    runner = transcoding_runner(application)
    await runner.setup()
    server = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", port, backlog=512)
    _kept.append((runner, server))
    return int(server.sockets[0].getsockname()[1])


_kept: list[Any] = []
"""Servers, which end when they are collected."""
