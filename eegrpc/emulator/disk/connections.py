"""Connections to a prepared file, for any number of threads and processes."""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from eegrpc._processes import NotPicklable, restart_in_children

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_inherited: list[sqlite3.Connection] = []
_CACHE_KIB = 256  # of each connection; what is read often is in the system's own cache


class Connections(NotPicklable):
    """Read-only connections, each used by one thread at a time and by the process that opened it.

    The file is opened as one that never changes: SQLite takes no locks on it, which forked processes would share.

    Args:
        path: The file.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._uri = f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
        self._idle: deque[sqlite3.Connection] = deque()
        weakref.finalize(self, _close, self._idle)
        restart_in_children(self)

    def _after_fork(self) -> None:
        while self._idle:  # the parent goes on using them: here they are neither used nor closed
            _inherited.append(self._idle.pop())

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for as long as the block lasts."""
        idle = self._idle
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        finally:
            idle.append(connection)

    def close(self) -> None:
        """Close the connections that nobody is using; others are opened when needed."""
        _close(self._idle)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False, isolation_level=None)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA query_only = ON")
        return connection


def _close(idle: deque[sqlite3.Connection]) -> None:
    while idle:
        idle.pop().close()
