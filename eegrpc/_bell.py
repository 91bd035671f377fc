"""What wakes a thread that waits for one of several things."""

from __future__ import annotations

import threading
from typing import Final

__all__ = ["INTERRUPTIBLE", "Bell"]

INTERRUPTIBLE: Final = 0.5
"""Longest single wait, in seconds: Python holds Ctrl-C back while it waits for a lock on Windows, and anywhere if the
signal comes in the moment before the wait begins."""


class Bell:
    """Wakes the one thread that waits for it; rung by anybody, as often as they like, also by the garbage collector.

    A lock of the interpreter's, released to ring: that takes no lock, which the thread that collects garbage might
    hold. A queue.SimpleQueue would do, were it not that CPython's `get`, before 3.13, may wait for ever when its
    timeout is short: it tries again with what is left of it, and takes less than nothing for no timeout at all.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the thread, or let it not fall asleep the next time."""
        try:  # noqa: SIM105 (pagers ring when they are collected: at the very end, contextlib may be gone)
            self._lock.release()
        except RuntimeError:  # it has been rung already
            pass

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it rings, or for so long; what rang is for the caller to find out."""
        self._lock.acquire(timeout=-1 if seconds is None else max(seconds, 0.0))
