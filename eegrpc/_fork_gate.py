"""What a fork and the calls of gRPC's core wait for each other at."""

from __future__ import annotations

import threading
import time
from typing import Final

__all__ = ["FORK_WAITS", "ForkGate"]

FORK_WAITS: Final = 1.0
"""Seconds that a fork waits at most for calls that run."""


class ForkGate:
    """Counts the calls that run, and holds new ones while the process forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._running = 0
        self._shut = False

    def enter(self, timeout: float | None) -> float | None:
        """Begin a call; return what is left of its timeout, in seconds. `leave` must follow."""
        with self._lock:
            if self._shut:
                began = time.monotonic()
                self._changed.wait_for(lambda: not self._shut, 2 * FORK_WAITS if timeout is None else max(timeout, 0))
                timeout = None if timeout is None else timeout - (time.monotonic() - began)
            self._running += 1
        return timeout

    def leave(self) -> None:
        """Take note that a call has ended."""
        with self._lock:
            self._running -= 1
            if self._shut:
                self._changed.notify_all()

    def shut(self) -> None:
        """Hold new calls."""
        with self._changed:
            self._shut = True

    def wait(self, seconds: float) -> int:
        """Wait until no call runs; return how many still do after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._running <= 0, seconds)
            return self._running

    def open(self) -> None:
        """Let calls begin again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
