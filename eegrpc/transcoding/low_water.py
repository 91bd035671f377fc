"""What a socket is asked besides bytes: whether anything has come, and not to wake anybody before much has.

The latter is SO_RCVLOWAT of socket(7). A body of 10 MB comes in hundreds of packets, and being woken for each costs
more than copying what is in them.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys

__all__ = ["LowWater", "readable"]

_ENOUGH = 1 << 19
"""Bytes for which it is worth being woken; the system makes room for twice as many, or lowers it."""


class LowWater:
    """The mark of one socket, for who waits by poll: its end, an error and a timeout wake him in any case.

    Args:
        sock: The socket; None for one with TLS, which takes more bytes than it gives out, so that what is missing
            cannot be told. On other systems than Linux none has a mark: they may never wake.
    """

    __slots__ = ("_mark", "_sock")

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock if sys.platform == "linux" else None
        self._mark = 1

    def expect(self, nbytes: int) -> None:
        """Note how many bytes are surely to come: never more, or nobody would be woken."""
        mark = max(1, min(nbytes, _ENOUGH))
        if self._sock is not None and mark != self._mark:
            with contextlib.suppress(OSError):  # it is closed: nothing is waited for any more
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
                self._mark = mark


def readable(sock: socket.socket) -> bool:
    """Return whether something has come, or the end."""
    descriptor = sock.fileno()
    if descriptor < 0:
        return False
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
