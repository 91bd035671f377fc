"""The HTTP seam of the asyncio channel: one request in, one complete response out, over pooled connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eegrpc._processes import keep_in_children
from eegrpc.transcoding.aio_connect import open_connection
from eegrpc.transcoding.aio_connections import AioConnection, AioConnectionPool
from eegrpc.transcoding.content_coding import BodyReader
from eegrpc.transcoding.http1 import GONE, http1_context, network_status, request_parts
from eegrpc.transcoding.types import HttpRequest, HttpResponse, TranscodingError
from eegrpc.transcoding.unary import INLINE_BYTES, MAPPERS, MAX_ERROR_BYTES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from eegrpc.transcoding.endpoint import Endpoint

__all__ = ["AioSender"]


class AioSender:
    """Sends requests to one origin.

    There are no redirects, cookies, proxies from the environment or .netrc: credentials go to the origin the user named
    and nowhere else.

    Args:
        endpoint: The origin.
        pool_size: Most connections at once; further calls wait for one.
        max_receive_bytes: Most bytes of a response's decoded body.
        ssl_context: How to verify an https origin; None for the system's certificates.
    """

    def __init__(
        self, endpoint: Endpoint, *, pool_size: int, max_receive_bytes: int, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._endpoint = endpoint
        self._max_receive_bytes = max_receive_bytes
        self._tls = None if endpoint.plaintext else http1_context(ssl_context)
        self._buffer = memoryview(bytearray(1 << 16))  # of a bytearray, asyncio's TLS would fill a copy
        self._pool = AioConnectionPool(self._open, pool_size)
        keep_in_children(self._pool)

    async def send(self, request: HttpRequest, *, replayable: bool) -> HttpResponse:
        """Send `request` and return its response, read to the end.

        A kept-alive connection that turns out to be closed before any byte of the response came is replaced once, if
        sending again is harmless (`replayable`; RFC 9110 section 9.2.2).

        Raises:
            TranscodingError: UNAVAILABLE when the origin cannot be reached (reason ``UNREACHABLE``), resets the
                connection or cuts the response; RESOURCE_EXHAUSTED when the response is too large.
        """
        fresh = False
        while True:
            connection = await self._acquire(fresh=fresh)
            reused, reusable = connection.used > 0, False
            try:
                try:
                    await self._start(connection, request)
                except GONE:
                    if reused and replayable and not connection.framing.begun:
                        fresh = True
                        continue
                    raise
                body, complete = await self._read(connection)
                reusable = complete and connection.is_reusable
                return HttpResponse(connection.framing.status, tuple(connection.framing.headers), body)
            except OSError as error:
                raise network_status(error, begun=connection.framing.begun) from error
            finally:
                self._pool.release(connection, reusable=reusable)

    async def connect(self) -> None:
        """Make sure that a connection is open, for the next request to use.

        Raises:
            TranscodingError: UNAVAILABLE, none can be opened.
        """
        self._pool.release(await self._acquire(), reusable=True)

    async def close(self, *, left_behind: bool = False) -> None:
        """Close the idle connections; busy ones close when their response has come.

        Args:
            left_behind: Whether their event loop is closed, or another process's: they end with it.
        """
        await self._pool.close(left_behind=left_behind)

    async def _acquire(self, *, fresh: bool = False) -> AioConnection:
        try:
            return await self._pool.acquire(fresh=fresh)
        except OSError as error:
            raise network_status(error, begun=False) from error

    async def _open(self) -> AioConnection:
        def make() -> AioConnection:
            return AioConnection(self._buffer, self._max_receive_bytes)

        return await open_connection(make, self._endpoint.host, self._endpoint.port, self._tls)

    async def _start(self, connection: AioConnection, request: HttpRequest) -> None:
        """Send the request, and return as soon as the header of its response has come."""
        connection.framing.bodiless = request.method == "HEAD"
        await connection.send(*request_parts(request, self._endpoint.authority))
        while not connection.framing.has_head:
            await connection.changed()

    async def _read(self, connection: AioConnection) -> tuple[bytes, bool]:
        """Return the body, and whether it is all of it."""
        framing = connection.framing
        succeeded = framing.status < 300
        reader = BodyReader(framing.coding, self._max_receive_bytes if succeeded else MAX_ERROR_BYTES)
        try:
            while True:
                finished = framing.finished  # before taking: more may come meanwhile
                for piece in connection.take():
                    for _ in reader.steps(piece):
                        await asyncio.sleep(0)  # inflating takes its time: others have their turn, and the deadline
                if (body := connection.take_body()) is not None:
                    return body, True
                if finished:
                    return await _finish(reader), True
                if not framing.finished:
                    await connection.changed()
        except (TranscodingError, OSError):
            if succeeded:
                raise
            return reader.so_far(), False  # the status counts, also with half of its text


async def _finish(reader: BodyReader) -> bytes:
    """Join a large body where the event loop need not wait for it."""
    finish: Callable[[], bytes] = reader.finish
    return finish() if reader.to_join < INLINE_BYTES else await asyncio.wrap_future(MAPPERS.submit(finish))
