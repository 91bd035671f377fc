"""The HTTP seam of the synchronous channel: one request in, one complete response out, over pooled connections."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from typing import TYPE_CHECKING

import grpc
import urllib3
import urllib3.exceptions

from eegrpc.transcoding.connections import (
    Cancelled,
    Connection,
    ConnectionPool,
    Exchange,
    SecureConnection,
)
from eegrpc.transcoding.content_coding import BodyReader, truncated
from eegrpc.transcoding.deadline import deadline_exceeded
from eegrpc.transcoding.deadline_sockets import deadline_ssl_context
from eegrpc.transcoding.framing import not_http
from eegrpc.transcoding.low_water import LARGE_BODY
from eegrpc.transcoding.types import HttpRequest, HttpResponse, TranscodingError, unreachable
from eegrpc.transcoding.unary import MAX_ERROR_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eegrpc.transcoding.endpoint import Endpoint

__all__ = ["Sender"]

_PIECE = 1 << 18
_LARGE_PIECE = 1 << 24  # of a body whose length is told: nearly all come in one piece, and need not be joined

# What a connection that the server has closed meanwhile gives, before the first byte of a response.
_GONE = (ConnectionError, http.client.RemoteDisconnected, ssl.SSLEOFError)


class Sender:
    """Sends requests to one origin.

    Redirects, cookies, proxies from the environment and .netrc are not followed or read: credentials go to the origin
    the user named and nowhere else.

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
        self._tls = None if endpoint.plaintext else deadline_ssl_context(ssl_context)
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
                    response = self._start(connection, request)
                except _GONE as error:
                    if exchange.cancelled:
                        raise Cancelled from error
                    if connection.framing.begun:
                        raise truncated(str(error)) from error
                    if reused and replayable:
                        fresh = True
                        continue
                    raise _lost(error) from error
                body, complete = self._read(connection, response, exchange)
                reusable = complete and connection.framing.reusable and connection.sock is not None
                return HttpResponse(response.status, _lower_case(response), body)
            except Exception as error:
                status = _status_of(error, exchange)
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
            status = _status_of(error, exchange)
            if status is None:
                raise
            raise status from error
        finally:
            self._pool.release(connection, reusable=connected)

    def close(self) -> None:
        """Close the idle connections; busy ones close when their response has come."""
        self._pool.close()

    def _open(self) -> Connection | SecureConnection:
        host, port = self._endpoint.host, self._endpoint.port
        if self._tls is None:
            return Connection(host, port, timeout=None)
        return SecureConnection(host, port, timeout=None, ssl_context=self._tls)

    @staticmethod
    def _start(connection: Connection | SecureConnection, request: HttpRequest) -> urllib3.BaseHTTPResponse:
        """Send the request and return the response as soon as its header has come."""
        if connection.sock is None:
            connection.connect()
        connection.used += 1
        try:
            connection.request(
                request.method,
                request.target,
                body=request.body or None,
                headers=urllib3.HTTPHeaderDict(request.headers),
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
        except _GONE:
            # A server that refuses a request (413, 429) may answer and hang up before it has all of it.
            with contextlib.suppress(*_GONE):
                return connection.getresponse()
            raise
        return connection.getresponse()

    def _read(
        self, connection: Connection | SecureConnection, response: urllib3.BaseHTTPResponse, exchange: Exchange
    ) -> tuple[bytes, bool]:
        """Return the body, and whether it is all of it."""
        limit = self._max_receive_bytes if response.status < 300 else MAX_ERROR_BYTES
        reader = BodyReader(response.headers.get("content-encoding", ""), limit)
        pieces: Iterable[bytes]
        if response.status < 300:
            # Exactly what comes: asked for more, urllib3 would copy what it has.
            told = response.length_remaining or 0
            if told >= LARGE_BODY:
                connection.expect_body()
            amount = min(told or _PIECE, _LARGE_PIECE)
            pieces = response.stream(amount, decode_content=False)
        else:
            pieces = iter(lambda: response.read1(_PIECE, decode_content=False), b"")  # as it comes: it may be cut
        try:
            for piece in pieces:
                for _ in reader.steps(piece):
                    exchange.wait()
            return reader.finish(), True
        except (TranscodingError, urllib3.exceptions.ProtocolError) as error:
            late = isinstance(error, TranscodingError) and error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            if response.status < 300 or late:
                raise
            return reader.so_far(), False  # the status counts, also with half of its text


def _lower_case(response: urllib3.BaseHTTPResponse) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in response.headers.iteritems())


def _lost(error: BaseException) -> TranscodingError:
    return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"the connection was lost: {error}", "CONNECTION_LOST")


def _status_of(error: Exception, exchange: Exchange) -> Exception | None:
    """Return what to raise for an error of the HTTP libraries, or None for an error that is not theirs."""
    if isinstance(error, (TranscodingError, Cancelled)):
        return None
    if not isinstance(error, (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError)):
        return None  # a mistake of ours must not look like the network's
    if exchange.cancelled:
        return Cancelled()
    if isinstance(error, (TimeoutError, urllib3.exceptions.ReadTimeoutError)):
        return deadline_exceeded()
    if isinstance(error, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError)):
        return unreachable(str(error))
    if isinstance(error, (ssl.SSLError, urllib3.exceptions.SSLError)):
        return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"TLS with the server failed: {error}", "TLS")
    if isinstance(error, (urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength)):
        return truncated(str(error))
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return truncated(str(error.args[-1] if error.args else error))
    if isinstance(error, http.client.HTTPException):
        return not_http(f"{error!r:.200}")
    return _lost(error)
