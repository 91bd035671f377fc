"""HTTP/1.1 connections for the asyncio channel: aiohttp's, with strict framing of what comes in.

aiohttp's parser is lenient unless Python runs in development mode, and takes what a server sends on an idle connection
for the answer to the next request. There is no public way to see the bytes before it does: this rests on aiohttp's own
`BaseConnector._factory` and `ResponseHandler`, and the tests of hostile headers fail if those move.
"""

from __future__ import annotations

import contextlib
import select
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from eegrpc.transcoding.framing import ResponseFraming, not_http
from eegrpc.transcoding.types import TranscodingError

__all__ = ["Connector"]


class Connector(aiohttp.TCPConnector):
    """A connector whose connections end when a response breaks the rules of `ResponseFraming`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._factory = lambda: _Protocol(self._loop)  # type: ignore[assignment]


class _Protocol(ResponseHandler):
    """Shows what comes to a `ResponseFraming` before it goes to aiohttp's parser."""

    _framing: ResponseFraming | None = None
    _broken: TranscodingError | None = None

    def is_connected(self) -> bool:
        """Return whether the connection can take a request; the connector asks before it reuses one.

        Not if something has come that nobody asked for, or the end, also if the event loop has not looked at it yet.
        """
        return super().is_connected() and not self.should_close and not _readable(self.transport)

    def set_response_params(self, **kwargs: Any) -> None:
        """Expect the response to a request that is about to be sent."""
        self._framing = ResponseFraming()
        super().set_response_params(**kwargs)

    def data_received(self, data: bytes) -> None:
        """Take bytes off the wire; also those that aiohttp held back until there was a request."""
        if self._framing is None or not data:
            super().data_received(data)
        elif self._framing.finished:
            self.close()  # idle, and still the server speaks: the next request would take it for its answer
        else:
            try:
                own = self._framing.feed(data)
            except TranscodingError as error:
                self._break(error)
            else:
                super().data_received(data[:own])
                if own < len(data):
                    self.force_close()

    def close(self) -> None:
        """Close the connection now: asyncio would first wait until the other side has read what is still to be sent."""
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.abort()
        else:
            super().close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what waits for more."""
        if isinstance(exc, OSError):
            self._take_what_came()
        if self._framing is not None and self._broken is None:
            try:
                self._framing.end()
            except TranscodingError as error:
                self._broken = error
        payload = self._payload
        super().connection_lost(exc)
        if self._broken is not None and payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(self._broken)  # cut where aiohttp sees no loss: in the trailers

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """End whoever waits for a response: by what was wrong first, not by its consequences."""
        if self._broken is None and isinstance(exc, OSError):
            self._take_what_came()
        if self._broken is None and isinstance(exc, HttpProcessingError):
            # aiohttp's parser goes by bytes, and may so refuse a line before we have all of it.
            self._broken = not_http("aiohttp refuses it")
        if self._broken is None:
            super().set_exception(exc, *cause)
        else:
            super().set_exception(self._broken)

    def _take_what_came(self) -> None:
        """Read what asyncio leaves unread when it cannot write on: a server may answer, and hang up on the request.

        Not over TLS, where only the socket's own transport could decrypt it.
        """
        transport: Any = self.transport
        if transport is None or transport.get_extra_info("sslcontext") is not None:
            return
        with contextlib.suppress(OSError), transport.get_extra_info("socket").dup() as sock:
            while data := sock.recv(1 << 16):
                self.data_received(data)

    def _break(self, error: TranscodingError) -> None:
        self._broken = error
        payload, transport = self._payload, self.transport
        self.set_exception(error)
        if payload is not None:
            payload.set_exception(error)
        if transport is not None:
            transport.abort()


def _readable(transport: Any) -> bool:
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return False
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
