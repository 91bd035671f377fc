"""The HTTP seam of the synchronous channel: one request in, one complete response out, over pooled connections."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from eegrpc.transcoding.connection_pool import ConnectionPool
from eegrpc.transcoding.connections import Connection
from eegrpc.transcoding.content_coding import BodyReader
from eegrpc.transcoding.exchange import Cancelled, Exchange
from eegrpc.transcoding.http1 import GONE, http1_context, network_status, request_parts
from eegrpc.transcoding.types import HttpRequest, HttpResponse, TranscodingError
from eegrpc.transcoding.unary import MAX_ERROR_BYTES

if TYPE_CHECKING:
    import ssl

    from eegrpc.transcoding.endpoint import Endpoint

__all__ = ["Sender"]


class Sender:
    """Sends requests to one origin.

    There are no redirects, cookies, proxies from the environment or .netrc: credentials go to the origin the user named
    and nowhere else.

    Args:
        endpoint: The origin.
        pool_size: Most connections at once; further calls wait for one, within their deadlines.
        max_receive_bytes: Most bytes of a response's decoded body.
        ssl_context: How to verify an https origin; None for the system's certificates.
    """

    def __init__(
        self, endpoint: Endpoint, *, pool_size: int, max_receive_bytes: int, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._endpoint = endpoint
        self._max_receive_bytes = max_receive_bytes
        self._tls = None if endpoint.plaintext else http1_context(ssl_context)
        self._pool = ConnectionPool(self._open, pool_size)

    def send(self, request: HttpRequest, exchange: Exchange, *, replayable: bool) -> HttpResponse:
        """Send `request` and return its response, read to the end.

        A kept-alive connection that turns out to be closed before any byte of the response came is replaced once, if
        sending again is harmless (`replayable`; RFC 9110 section 9.2.2).

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: DEADLINE_EXCEEDED; UNAVAILABLE when the origin cannot be reached (reason ``UNREACHABLE``),
                resets the connection or cuts the response; RESOURCE_EXHAUSTED when the response is too large.
        """
        fresh = False
        while True:
            connection = self._pool.acquire(exchange, fresh=fresh)
            reused, reusable = connection.used > 0, False
            try:
                try:
                    self._start(connection, request)
                except GONE:
                    if reused and replayable and not (exchange.cancelled or connection.framing.begun):
                        fresh = True
                        continue
                    raise
                body, complete = self._read(connection)
                framing = connection.framing
                reusable = complete and framing.reusable
                return HttpResponse(framing.status, tuple(framing.headers), body)
            except Exception as error:
                status = _status_of(error, connection)
                if status is None:
                    raise
                raise status from error
            finally:
                self._pool.release(connection, reusable=reusable)

    def connect(self, exchange: Exchange) -> None:
        """Make sure that a connection is open, for the next request to use.

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: As `send`.
        """
        connection = self._pool.acquire(exchange)
        connected = False
        try:
            if connection.sock is None:
                connection.connect()
            connected = True
        except Exception as error:
            status = _status_of(error, connection)
            if status is None:
                raise
            raise status from error
        finally:
            self._pool.release(connection, reusable=connected)

    def close(self) -> None:
        """Close the idle connections; busy ones close when their response has come."""
        self._pool.close()

    def _open(self) -> Connection:
        return Connection(self._endpoint.host, self._endpoint.port, self._tls)

    def _start(self, connection: Connection, request: HttpRequest) -> None:
        """Send the request, and return as soon as the header of its response has come."""
        parts = request_parts(request, self._endpoint.authority)
        connection.framing.bodiless = request.method == "HEAD"
        try:
            connection.send(*parts)
        except GONE:
            # A server that refuses a request (413, 429) may answer and hang up before it has all of it.
            with contextlib.suppress(*GONE):
                _receive_head(connection)
            if not connection.framing.has_head:
                raise
        else:
            _receive_head(connection)

    def _read(self, connection: Connection) -> tuple[bytes, bool]:
        """Return the body, and whether it is all of it."""
        framing, exchange = connection.framing, connection.exchange
        succeeded = framing.status < 300
        limit = self._max_receive_bytes if succeeded else MAX_ERROR_BYTES
        reader = BodyReader(framing.coding, limit)
        try:
            if framing.is_large(limit):
                return connection.receive_body(), True
            while True:
                for piece in framing.take():
                    for _ in reader.steps(piece):
                        exchange.wait()
                if framing.finished:
                    return reader.finish(), True
                connection.receive()
        except (TranscodingError, OSError) as error:
            late = isinstance(error, TranscodingError) and error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            if succeeded or late or exchange.cancelled or isinstance(error, TimeoutError):
                raise
            return reader.so_far(), False  # the status counts, also with half of its text


def _receive_head(connection: Connection) -> None:
    while not connection.framing.has_head:
        connection.receive()


def _status_of(error: Exception, connection: Connection) -> Exception | None:
    """Return what to raise for an error of the network, or None for another one."""
    if not isinstance(error, OSError):
        return None  # it says itself what it is; and a mistake of ours must not look like the network's
    if connection.exchange.cancelled:
        return Cancelled()
    return network_status(error, begun=connection.framing.begun)
