"""How the synchronous channel reaches a host: by whichever of its addresses answers first (RFC 8305, happy eyeballs).

A host often has addresses by IPv6 that lead nowhere from here. Tried in turn, such an address would take all the time
that a call has.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from eegrpc.transcoding.exchange import Exchange
    from eegrpc.transcoding.resolver import Addresses

__all__ = ["HEAD_START", "first_to_answer"]

HEAD_START: Final = 0.25
"""Seconds that an address has before the next is tried as well: RFC 8305 section 5."""

_LONGEST: Final = 3600.0
"""Seconds of a single wait: the system takes no more than a few weeks for one, and deadlines may be years."""


def first_to_answer(addresses: Addresses, exchange: Exchange) -> socket.socket:
    """Return a socket that is connected to one of the addresses.

    Args:
        addresses: Of one host, the preferred ones first.
        exchange: Whose deadline bounds it, and who may cancel it.

    Raises:
        OSError: No address answers; how the last one failed.
        TranscodingError: DEADLINE_EXCEEDED.
        Cancelled: The exchange was cancelled.
    """
    failure = OSError("it has no address")
    untried = list(addresses)
    with selectors.DefaultSelector() as pending:
        trying: list[socket.socket] = []

        def abort() -> None:
            for sock in tuple(trying):
                with contextlib.suppress(OSError):  # not connected yet, or already gone
                    sock.shutdown(socket.SHUT_RDWR)

        try:
            while untried or trying:
                if untried:
                    try:
                        trying.append(_begin(untried.pop(0)))
                    except OSError as error:
                        failure = error
                        continue
                    pending.register(trying[-1], selectors.EVENT_WRITE)
                    exchange.on_cancel(abort)
                left = exchange.wait()
                longest = HEAD_START if untried else _LONGEST
                for key, _ in pending.select(longest if left is None else min(longest, left)):
                    sock = cast("socket.socket", key.fileobj)
                    pending.unregister(sock)
                    trying.remove(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return sock
                    sock.close()
                    failure = OSError(code, os.strerror(code))
        finally:
            exchange.on_cancel(None)
            for sock in trying:
                sock.close()
    exchange.wait()
    raise failure


def _begin(address: tuple[Any, ...]) -> socket.socket:
    """Return a socket that connects, or has done so."""
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):  # which says that it has begun
            sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock
