"""HTTP/1.1 connections for the asyncio channel: what `connections` is for the synchronous one, on an event loop.

There is no deadline here: the call's own timer cancels its task, and a connection whose task is cancelled is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from eegrpc.transcoding.framing import ResponseFraming
from eegrpc.transcoding.large_body import LargeBody
from eegrpc.transcoding.low_water import LowWater, readable
from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["AioConnection", "AioConnectionPool"]

_AT_ONCE = 1 << 20
"""Bytes of a large body that are received at most before other callbacks have their turn: a millisecond or two."""
_MOST_UNTAKEN = 1 << 20
"""Bytes that may wait for whoever reads the response, before the server has to wait."""


class AioConnection(asyncio.BufferedProtocol):
    """One connection, and what has come of the response to the request that was sent last.

    Args:
        buffer: Where bytes are received first; the connections of one event loop may share it.
        limit: Most bytes of a body that is received straight into its place.
    """

    _transport: asyncio.Transport

    def __init__(self, buffer: memoryview, limit: int) -> None:
        self.framing = ResponseFraming()
        """What has come of the response."""
        self.used = 0
        """Requests sent so far."""
        self._buffer = buffer
        self._limit = limit
        self._idle = False
        self._unsent = False  # a part of the request
        self._over = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._full = False  # what is to be sent must wait
        self._untaken = 0
        self._large: LargeBody | None = None
        self._body: bytes | None = None

    # For who sends and reads ------------------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether it can take a request: not if something has come that nobody asked for, or the end."""
        transport = self._transport
        return not transport.is_closing() and not readable(transport.get_extra_info("socket"))

    @property
    def is_reusable(self) -> bool:
        """Whether the request was sent and its response read to the end, and the server keeps the connection open."""
        return self.framing.reusable and not self._unsent and not self._over

    def assign(self) -> None:
        """Serve a request next."""
        if self.used:
            self.framing = ResponseFraming()
        self._idle = False

    def release(self) -> None:
        """Serve nobody: what comes now was not asked for."""
        self._idle = True

    async def send(self, *parts: bytes) -> None:
        """Send a request, or as much of it as there is before a response comes: a server may refuse it early.

        Raises:
            OSError, TranscodingError: As `changed`.
        """
        self.used += 1
        self._unsent = True
        for part in parts:
            for at in range(0, len(part), _AT_ONCE):
                self._transport.write(part[at : at + _AT_ONCE] if len(part) > _AT_ONCE else part)
                while self._full:
                    if self.framing.has_head:
                        return
                    await self.changed()
        self._unsent = False

    async def changed(self) -> None:
        """Wait for more of the response than was taken, or for room for more of the request.

        Raises:
            TranscodingError: UNAVAILABLE: the response is cut, or no HTTP.
            OSError: The connection failed, or ended before anything of the response came.
        """
        if not (self._over or self._untaken):
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            try:
                await waiter
            finally:
                self._waiter = None
        if self._over and not self.framing.finished:
            failure, self._failure = self._failure, None
            try:
                raise failure or ConnectionResetError("the server closed it without a response")
            finally:
                del failure  # its traceback leads here

    def take(self) -> list[bytes]:
        """Return what has come of the body since the last time."""
        if self._untaken > _MOST_UNTAKEN and not self._over:
            self._transport.resume_reading()
        self._untaken = 0
        return self.framing.take()

    def take_body(self) -> bytes | None:
        """Return the whole body, if it is large, of a told length, and has come; else `take` has it in pieces."""
        body, self._body = self._body, None
        return body

    def close(self) -> None:
        """Close the connection now: asyncio would else wait until the other side has read what is still to be sent."""
        self._transport.abort()

    # For the event loop -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (never more than there is room for)
        """Return where to put what comes next."""
        return self._buffer if self._large is None else self._large.room(_AT_ONCE)

    def buffer_updated(self, nbytes: int) -> None:
        """Take what has come."""
        framing = self.framing
        if self._large is not None:
            framing.received(nbytes)
            self._large.received(nbytes)
            if framing.finished:
                self._body, self._large = self._large.finish(), None
                self._wake()
            return
        if self._idle:
            self.close()  # and still the server speaks: the next request would take it for its answer
            return
        try:
            framing.feed(self._buffer[:nbytes])
        except TranscodingError as error:
            self._end(error)
            self.close()
            return
        if not framing.has_head:
            return
        if framing.is_large(self._limit):
            secure = self._transport.get_extra_info("sslcontext") is not None
            sock = None if secure else self._transport.get_extra_info("socket")
            self._large = LargeBody(framing.take(), framing.left, LowWater(sock))
            return
        self._untaken += nbytes
        if self._untaken > _MOST_UNTAKEN and not framing.finished:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Take the end; the transport closes by itself."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end."""
        if isinstance(exc, OSError) and not self._over and not self._idle:
            self._take_what_came()
        self._end(exc)

    def pause_writing(self) -> None:
        """Have the sender wait."""
        self._full = True

    def resume_writing(self) -> None:
        """Have the sender go on."""
        self._full = False
        self._wake()

    def _end(self, failure: Exception | None) -> None:
        """End whoever waits; what failed first counts, and not its consequences."""
        if self._over:
            return
        self._over = True
        if failure is None:
            try:
                self.framing.end()
            except TranscodingError as cut:
                failure = cut
        self._failure = failure
        if self._large is not None:
            self._large.finish()
            self._large = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take_what_came(self) -> None:
        """Read what asyncio leaves unread when it cannot write on: a server may answer, and hang up on the request.

        Not over TLS, where only the socket's own transport could decrypt it.
        """
        if self._transport.get_extra_info("sslcontext") is not None:
            return
        with contextlib.suppress(OSError), self._transport.get_extra_info("socket").dup() as sock:
            while not self._over and (count := sock.recv_into(self.get_buffer(-1))):
                self.buffer_updated(count)


class AioConnectionPool:
    """At most `size` connections to one origin, reused, last used first; for one event loop.

    Args:
        open_connection: Opens one.
        size: Most of them at once.
    """

    def __init__(self, open_connection: Callable[[], Awaitable[AioConnection]], size: int) -> None:
        self._open = open_connection
        self._free = asyncio.Semaphore(size)
        self._idle: list[AioConnection] = []
        self._busy: set[AioConnection] = set()
        self._closed = False

    async def acquire(self, *, fresh: bool = False) -> AioConnection:
        """Return a connection: idle and still open, or new; with `fresh`, new in the place of an idle one.

        Raises:
            TranscodingError, OSError: It cannot be opened.
        """
        await self._free.acquire()
        try:
            connection = self._still_open(fresh=fresh) or await self._open()
        except BaseException:
            self._free.release()
            raise
        self._busy.add(connection)
        connection.assign()
        return connection

    def release(self, connection: AioConnection, *, reusable: bool) -> None:
        """Take a connection back; `reusable` if it can serve another request."""
        self._busy.discard(connection)
        connection.release()
        if reusable and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
        self._free.release()

    async def close(self, *, left_behind: bool) -> None:
        """Close the idle connections; busy ones close when they are released.

        Args:
            left_behind: Whether their event loop is closed, or another process's: they end with it.
        """
        self._closed = True
        if left_behind:
            return
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # in which they close

    def _still_open(self, *, fresh: bool) -> AioConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_connected and not fresh:
                return connection
            connection.close()
            if fresh:
                break
        return None
