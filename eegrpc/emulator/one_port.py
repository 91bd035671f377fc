"""One TCP port for HTTP/2 and HTTP/1.1, as Google's endpoints have it.

The first bytes of a connection tell which it is: HTTP/2 begins with a fixed preface (RFC 9113 section 3.4). Those
connections are passed on, frame by frame, to a gRPC server; all others are handed to an aiohttp server as they are.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.faults.http1 import reset_connection
from eegrpc.emulator.faults.http2 import Http2Relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from eegrpc.emulator.faults.tickets import Tickets

__all__ = ["OnePort"]

_PREFACE = b"PRI * HTTP/2.0\r\n"
_BACKLOG = 1024
_PAUSE = 0.05  # seconds, before accepting again when there was no file descriptor left

_log = logging.getLogger(__name__)


class OnePort:
    """Serves both protocols on one port, from an event loop on a thread of its own.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        runner: The aiohttp application for HTTP/1.1 connections.
        connect_http2: Connects a protocol, made by a function, to the gRPC server.
        tickets: Has the faults of replies by HTTP/2.
    """

    def __init__(
        self,
        host: str,
        port: int,
        runner: web.AppRunner,
        connect_http2: Callable[[asyncio.AbstractEventLoop, Callable[[], asyncio.Protocol]], Awaitable[Any]],
        tickets: Tickets,
    ) -> None:
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._runner = runner
        self._connect_http2 = connect_http2
        self._tickets = tickets
        self._names = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name=f"emulator:{self.port}", daemon=True)

    def start(self) -> None:
        """Begin to accept connections; return when the server is ready."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop accepting, close the connections, and return when all is gone. Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - start() raises it, on the caller's thread
            self._failure = error
            if self._ready.is_set():
                _log.exception("the emulator's port failed")
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        await self._runner.setup()
        assert self._runner.server is not None
        self._loop.add_reader(self._listener, self._accept, self._runner.server)
        self._ready.set()
        await self._stopping.wait()
        self._loop.remove_reader(self._listener)
        await asyncio.sleep(0)  # a task that is cancelled before it began would not close its connection
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._runner.cleanup()

    def _accept(self, http1: Callable[[], asyncio.BaseProtocol]) -> None:
        """Take one connection, in the call that learns of it: an accept that is awaited loses it when cancelled."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no file descriptor left: wait for some to be given back
            _log.warning("cannot accept a connection: %s", error)
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_PAUSE, self._loop.add_reader, self._listener, self._accept, http1)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._welcome(connection, http1))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _welcome(self, connection: socket.socket, http1: Callable[[], asyncio.BaseProtocol]) -> None:
        """Find out what a new connection speaks and give it to who speaks it too."""
        taken = False
        try:
            if not await self._speaks_http2(connection):
                taken = True
                await self._loop.connect_accepted_socket(http1, connection)
                return
            passed_on = _Http2Connection(self._loop, Http2Relay(str(next(self._names)), self._tickets))
            await self._connect_http2(self._loop, lambda: passed_on.server)
            taken = True
            await self._loop.connect_accepted_socket(lambda: passed_on.client, connection)
            await passed_on.ended()
        except OSError as error:
            _log.debug("a connection broke: %s", error)
        finally:
            if not taken:
                connection.close()

    async def _speaks_http2(self, connection: socket.socket) -> bool:
        """Look at the first bytes without taking them."""
        await _readable(self._loop, connection)
        seen = connection.recv(len(_PREFACE), socket.MSG_PEEK)
        if seen == _PREFACE[:1]:  # wait for a second byte, or for the end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2)
            await _readable(self._loop, connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            seen = connection.recv(len(_PREFACE), socket.MSG_PEEK)
        return len(seen) > 1 and seen.startswith(_PREFACE[: len(seen)])  # "PR" begins no HTTP/1.1 method that we serve


class _Http2Connection:
    """A connection that is passed on, with the faults that its relay makes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, relay: Http2Relay) -> None:
        self._loop = loop
        self._relay = relay
        self.client = _End(self._from_client)
        self.server = _End(self._from_server)
        self.client.other, self.server.other = self.server, self.client

    async def ended(self) -> None:
        """Return when one end has closed, having closed the other; also when cancelled."""
        try:
            await asyncio.wait((self.client.closed, self.server.closed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._relay.close()
            self.client.close()
            self.server.close()

    def _from_client(self, data: bytes) -> None:
        self.server.write(self._relay.from_client(data))

    def _from_server(self, data: bytes) -> None:
        step = self._relay.from_server(data)
        self.client.write(step.to_client)
        self.server.write(step.to_server)
        if step.reset:
            self.client.reset()
        for stream, interval in step.drips:
            self._drip(stream, interval)

    def _drip(self, stream: int, interval: float) -> None:
        data = self._relay.drip(stream)
        if data is not None and not self.client.closed.done():
            self.client.write(data)
            self._loop.call_later(interval, self._drip, stream, interval)


class _End(asyncio.Protocol):
    """One end of a connection that is passed on; gives what comes in to `receive`."""

    other: _End

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=1 << 20)
        for data in self._early:
            transport.write(data)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def write(self, data: bytes) -> None:
        """Send `data` out here."""
        if self._transport is None:
            self._early.append(data)
        elif data:
            self._transport.write(data)

    def pause_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        """Close after what is still to be sent."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Close with RST, in place of FIN."""
        if self._transport is not None:
            reset_connection(self._transport)


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


async def _readable(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
