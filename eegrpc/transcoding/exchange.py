"""One request and its response, as whoever waits sees it: how long it may take, and how it is ended from outside."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from eegrpc.transcoding.deadline import Deadline

__all__ = ["Cancelled", "Exchange"]

_T = TypeVar("_T")


class Cancelled(Exception):  # noqa: N818 - not an error
    """The exchange was cancelled from another thread."""


class Exchange:
    """One request and its response, on whatever connection: its deadline, and the switch that aborts it."""

    __slots__ = ("_cancelled", "_lock", "_on_cancel", "deadline")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._lock = threading.Lock()
        self._cancelled = False
        self._on_cancel: Callable[[], None] | None = None

    def on_cancel(self, abort: Callable[[], None] | None) -> None:
        """Say how to interrupt what the exchange does next; None when there is nothing to interrupt.

        Raises:
            Cancelled: It is too late.
        """
        with self._lock:
            self._on_cancel = abort
            if self._cancelled and abort is not None:
                raise Cancelled

    def cancel(self) -> None:
        """Abort the exchange; its thread gets `Cancelled` from whatever it waits for."""
        with self._lock:
            self._cancelled = True
            if self._on_cancel is not None:
                self._on_cancel()

    def disown(self) -> None:
        """Leave the exchange to the parent, in a forked child: what goes on with it here gets `Cancelled`."""
        self._lock = threading.Lock()
        self._cancelled = True
        self._on_cancel = None

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def pause(self, seconds: float) -> None:
        """Wait, unless the exchange ends first.

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: DEADLINE_EXCEEDED; the wait is cut short at the deadline.
        """
        woken = threading.Event()
        self.on_cancel(woken.set)
        left = self.wait()
        woken.wait(seconds if left is None else min(seconds, left))
        self.wait()

    def result(self, future: Future[_T]) -> _T:
        """Return the result of `future`, or raise its exception, unless the exchange ends first.

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: DEADLINE_EXCEEDED.
        """
        if not future.done():
            woken = threading.Event()
            self.on_cancel(woken.set)
            future.add_done_callback(lambda _: woken.set())
            try:
                while not future.done():
                    woken.wait(self.wait())
            finally:
                self.on_cancel(None)
                future.cancel()  # nobody waits for it any more; in vain if it is done
        try:
            return future.result()
        finally:
            del future  # whose error leads here

    def wait(self) -> float | None:
        """Return how long a blocking operation may take, in seconds; None for as long as it likes.

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: DEADLINE_EXCEEDED.
        """
        if self._cancelled:
            raise Cancelled
        return self.deadline.wait()
