"""Sockets that keep a call's deadline, and look at what comes in, whatever http.client does with them."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from eegrpc.transcoding.low_water import LowWater

if TYPE_CHECKING:
    from eegrpc.transcoding.connections import Exchange
    from eegrpc.transcoding.framing import ResponseFraming

__all__ = ["DeadlineMixin", "DeadlineSocket", "deadline_ssl_context"]

_LARGE_READ = 1 << 16
"""Bytes from which on a read goes straight into the body; http.client's buffer is smaller."""


class DeadlineMixin:
    """Socket methods that http.client uses, each bounded by what the exchange has left; what comes in is checked."""

    exchange: Exchange | None = None
    """Whose bytes it carries."""
    framing: ResponseFraming | None = None
    """What has come of the response to that exchange's request."""

    def _arm(self) -> None:
        if self.exchange is not None:
            self.settimeout(self.exchange.wait())  # type: ignore[attr-defined]

    def _about_to_read(self, wanted: int) -> None:
        """Prepare a read of at most `wanted` bytes; the timeout is set."""

    def recv_into(self, buffer: Any, *args: Any, **kwargs: Any) -> int:
        """Receive."""
        self._arm()
        self._about_to_read(memoryview(buffer).nbytes)
        count: int = super().recv_into(buffer, *args, **kwargs)  # type: ignore[misc]
        if self.framing is not None:
            if count:
                self.framing.feed(memoryview(buffer)[:count])
            else:
                self.framing.end()
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Send some of it."""
        self._arm()  # TLS sends a large body in many pieces, and waits anew for each
        return super().send(*args, **kwargs)  # type: ignore[misc, no-any-return]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """Send all of it."""
        self._arm()
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class DeadlineSocket(DeadlineMixin, socket.socket):
    """A plain socket, whose thread is not woken for each packet of a large body."""

    _low_water: LowWater | None = None

    def body_begins(self) -> None:
        """Note that a body of a told length comes now: large reads are for what it has, and never for more."""
        self._low_water = LowWater(self)

    def body_ends(self) -> None:
        """Note that anything may come from now on."""
        if self._low_water is not None:
            self._low_water.expect(1)
            self._low_water = None

    def _about_to_read(self, wanted: int) -> None:
        if self._low_water is not None:
            # A small read fills a reader's buffer. And one without a timeout is not waited for by poll: the system
            # would wait on after a part has come, for a wake-up that the rest is too small for.
            is_large = wanted >= _LARGE_READ and self.gettimeout() is not None
            self._low_water.expect(wanted if is_large else 1)


class _SecureSocket(DeadlineMixin, ssl.SSLSocket):
    pass


def deadline_ssl_context(context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Return a context that verifies certificates and whose sockets obey the exchange's deadline."""
    context = context or ssl.create_default_context()
    context.sslsocket_class = _SecureSocket
    context.set_alpn_protocols(["http/1.1"])
    return context
