"""The connections of one origin for the synchronous channel: bounded, reused, and each process's own."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from eegrpc._processes import restart_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.transcoding.connections import Connection
    from eegrpc.transcoding.exchange import Exchange

__all__ = ["ConnectionPool"]


class ConnectionPool:
    """At most `size` connections to one origin, reused, last used first; safe for threads, and after fork.

    A child process starts with an empty pool: two processes on one connection would read each other's answers.
    """

    def __init__(self, open_connection: Callable[[], Connection], size: int) -> None:
        self._open = open_connection
        self._size = size
        self._shared = _Shared(size)
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Start with an empty pool; the parent's connections close when the parent closes them."""
        inherited = self._shared
        self._shared = _Shared(self._size, closed=inherited.closed)
        for connection in (*inherited.idle, *inherited.busy):
            connection.disown()

    def acquire(self, exchange: Exchange, *, fresh: bool = False) -> Connection:
        """Return a connection for `exchange`: idle and still open, or new and not yet connected.

        With `fresh` it is new, and takes the place of an idle one.

        Raises:
            Cancelled: The exchange was cancelled while waiting for its turn.
            TranscodingError: DEADLINE_EXCEEDED, all connections were busy until then.
        """
        shared = self._shared
        exchange.on_cancel(shared.wake)
        with shared.condition:
            while shared.free == 0:
                shared.condition.wait(exchange.wait())
            shared.free -= 1
        connection = None
        try:
            while True:
                with shared.condition:
                    connection = shared.idle.pop() if shared.idle else None
                if connection is not None and (fresh or not connection.is_connected):
                    connection.close()
                    if not fresh:
                        continue
                    connection = None
                if connection is None:
                    connection = self._open()
                shared.busy.add(connection)
                connection.assign(exchange)
                return connection
        except BaseException:  # cancelled meanwhile: an idle connection that was taken must not just be forgotten
            if connection is not None:
                connection.close()
                shared.busy.discard(connection)
            self._free(shared)
            raise

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Take a connection back; `reusable` if its response was read to the end and the server keeps it open."""
        shared = self._shared
        connection.release()
        if connection not in shared.busy:  # the parent's, and this is a child that was forked in the middle of the call
            connection.close()
            return
        with shared.condition:
            shared.busy.discard(connection)
            keep = reusable and not shared.closed
            if keep:
                shared.idle.append(connection)
        if not keep:
            connection.close()
        self._free(shared)

    def close(self) -> None:
        """Close the idle connections; busy ones close when they are released."""
        shared = self._shared
        with shared.condition:
            shared.closed = True
            idle = list(shared.idle)
            shared.idle.clear()
        for connection in idle:
            connection.close()

    @staticmethod
    def _free(shared: _Shared) -> None:
        with shared.condition:
            shared.free += 1
            shared.condition.notify()


class _Shared:
    """What the threads of one process share."""

    def __init__(self, size: int, *, closed: bool = False) -> None:
        self.condition = threading.Condition()
        self.free = size
        self.idle: deque[Connection] = deque()
        self.busy: set[Connection] = set()
        self.closed = closed

    def wake(self) -> None:
        """Let every waiting thread look again at what it waits for."""
        with self.condition:
            self.condition.notify_all()
