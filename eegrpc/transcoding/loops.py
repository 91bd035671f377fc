"""What belongs to one event loop of one process, and says so where it is used from another."""

from __future__ import annotations

import asyncio

from eegrpc._processes import NotPicklable

__all__ = ["OneLoop"]


class OneLoop(NotPicklable):
    """Base of asyncio clients and channels: they belong to the event loop that uses them first.

    Connections, tasks and timers of asyncio are their loop's. A forked child has a copy of the loop, which nothing
    runs, and shares its selector with the parent. So none of it is touched from elsewhere, and the caller hears what to
    do.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _forked = False
    """Whether this process is a fork of the one that made it."""

    def _after_fork(self) -> None:
        """Take note that this is a child now."""
        self._forked = True

    def _require_loop(self) -> None:
        """Make sure that the running event loop may use this.

        Raises:
            RuntimeError: Another event loop used it before, or this process is a fork of the one that made it; the text
                says what to do.
        """
        name = type(self).__name__
        if self._forked:
            raise RuntimeError(
                f"this {name} was made before the process forked, and works in the parent only: "
                "make it in the child, or use the synchronous one, which works in both"
            )
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif loop is not self._loop:
            raise RuntimeError(
                f"this {name} belongs to another event loop: make one for each loop, or run its calls "
                "on its own loop, with asyncio.run_coroutine_threadsafe"
            )

    def _left_behind(self) -> bool:
        """Return whether there is no loop any more on which this could be closed: nothing of it runs.

        Raises:
            RuntimeError: There is one, and it is another than the running one.
        """
        if self._forked or (self._loop is not None and self._loop.is_closed()):
            return True
        self._require_loop()
        return False
