"""HTTP/1.1 connections for the synchronous channel, with deadlines that hold.

HTTP libraries apply a timeout to each socket operation, so a server that drips a byte now and then holds a call for
ever. Here the exchange is asked, before every operation, how much of the call's deadline is left, and cancelling the
exchange from another thread shuts the socket down, which ends the operation at once. That begins with the look-up of
the host and holds for the handshake of TLS.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import TYPE_CHECKING

from eegrpc.transcoding.connect import first_to_answer
from eegrpc.transcoding.exchange import Cancelled
from eegrpc.transcoding.framing import ResponseFraming
from eegrpc.transcoding.large_body import LargeBody
from eegrpc.transcoding.low_water import LowWater, readable
from eegrpc.transcoding.resolver import look_up
from eegrpc.transcoding.types import unreachable

if TYPE_CHECKING:
    from eegrpc.transcoding.exchange import Exchange
    from eegrpc.transcoding.resolver import Addresses

__all__ = ["Connection"]

_PIECE = 1 << 16


class Connection:
    """One connection, and what has come of the response to its exchange's request.

    Every wait on it is bounded by what the exchange has left of its deadline, and ends when the exchange is cancelled.

    Args:
        host: Name or address, without brackets.
        port: Where it listens.
        tls: How to verify it; None for plaintext.
    """

    exchange: Exchange
    framing: ResponseFraming
    """What has come of the response to this exchange's request."""
    used = 0
    """Requests sent so far: a reused connection may turn out to have been closed by the server meanwhile."""
    sock: socket.socket | None = None
    """The socket; None before `connect` and after `close`."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._port = port
        self._tls = tls

    @property
    def is_connected(self) -> bool:
        """Whether it can take a request: not if something has come that nobody asked for, or the end."""
        return self.sock is not None and not readable(self.sock)

    def connect(self) -> None:
        """Connect to whichever address answers first, and shake hands.

        Raises:
            TranscodingError: UNAVAILABLE, reason ``UNREACHABLE``; DEADLINE_EXCEEDED.
            OSError: The handshake failed, or was cancelled.
            Cancelled: The exchange was cancelled.
        """
        sock = self._connected()
        if self._tls is not None:
            sock = self._encrypted(sock, self._tls)
        self.sock = sock

    def send(self, *parts: bytes) -> None:
        """Send a request.

        Raises:
            TranscodingError: DEADLINE_EXCEEDED. Cancelled: The exchange was cancelled. OSError: The connection failed.
        """
        sock = self._open()
        self.used += 1
        for part in parts:
            rest = memoryview(part)
            while rest:  # a large body goes in many pieces, and each is waited for anew
                sock.settimeout(self.exchange.wait())
                rest = rest[sock.send(rest) :]

    def receive(self) -> None:
        """Receive some of the response.

        Raises:
            TranscodingError: DEADLINE_EXCEEDED; UNAVAILABLE, it is cut, or no HTTP.
            ConnectionError: The connection ended before anything of it came.
            Cancelled: The exchange was cancelled.
            OSError: The connection failed.
        """
        sock = self._open()
        sock.settimeout(self.exchange.wait())
        data = sock.recv(_PIECE)
        if data:
            self.framing.feed(data)
            return
        self.framing.end()
        if not self.framing.finished:
            raise ConnectionResetError("the server closed it without a response")

    def receive_body(self) -> bytes:
        """Receive a large body of a told length, which comes next: straight into its place.

        Raises:
            TranscodingError, Cancelled, OSError: As `receive`.
        """
        sock, framing = self._open(), self.framing
        body = LargeBody(framing.take(), framing.left, LowWater(sock if self._tls is None else None))
        try:
            while not framing.finished:
                seconds = self.exchange.wait()
                sock.settimeout(seconds)
                if seconds is None:
                    # A socket without a timeout is not waited for by poll: the system would wait on after a part has
                    # come, for a wake-up that the rest is too small for.
                    body.wake_at_once()
                count = sock.recv_into(body.room())
                if count == 0:
                    framing.end()
                framing.received(count)
                body.received(count)
        except BaseException:
            body.finish()
            raise
        return body.finish()

    def assign(self, exchange: Exchange) -> None:
        """Serve `exchange` next."""
        self.exchange, self.framing = exchange, ResponseFraming()
        if self.sock is not None:
            self._abortable(self.sock)

    def release(self) -> None:
        """Serve nobody: cancelling the last exchange no longer touches this connection."""
        self.exchange.on_cancel(None)

    def close(self) -> None:
        """Close it, if it is open."""
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    def disown(self) -> None:
        """Leave the connection to the parent, in a forked child: the socket is closed here, and not shut down.

        Nothing is sent, not even TLS's goodbye.
        """
        if self.sock is not None:
            with contextlib.suppress(OSError):
                os.close(self.sock.detach())

    def _open(self) -> socket.socket:
        if self.sock is None:
            self.connect()
        assert self.sock is not None
        return self.sock

    def _connected(self) -> socket.socket:
        addresses = self._addresses()
        try:
            sock = first_to_answer(addresses, self.exchange)
        except OSError as error:
            raise unreachable(f"{self._host}:{self._port}: {error}") from error
        try:
            self._abortable(sock)
        except Cancelled:
            sock.close()
            raise
        return sock

    def _addresses(self) -> Addresses:
        try:
            return self.exchange.result(look_up(self._host, self._port))
        except (OSError, UnicodeError) as error:
            raise unreachable(f"{self._host}: {error}") from error

    def _encrypted(self, plain: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        sock = plain
        try:
            sock = tls.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
            self._abortable(sock)
            sock.settimeout(self.exchange.wait())  # for the handshake as a whole
            sock.do_handshake()
        except (ConnectionError, ssl.SSLEOFError) as error:
            sock.close()
            if self.exchange.cancelled:
                raise Cancelled from error
            raise unreachable(f"{self._host}:{self._port} closed the connection during the TLS handshake") from error
        except BaseException:
            sock.close()
            raise
        return sock

    def _abortable(self, sock: socket.socket) -> None:
        # socket.socket.shutdown, also for TLS: SSLSocket's own would drop the TLS state under the reader's feet.
        def abort() -> None:
            with contextlib.suppress(OSError):  # not connected yet, or already gone
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        self.exchange.on_cancel(abort)
