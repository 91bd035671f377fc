"""What a fork and the calls of gRPC's core wait for each other at."""

from __future__ import annotations

import threading
import time
from typing import Final

__all__ = ["FORK_WAITS", "ForkGate"]

FORK_WAITS: Final = 1.0
"""Seconds that a fork waits at most for calls that run."""


class ForkGate:
    """Counts the calls that run, and holds new ones while the process forks.

    The count is the length of a list, which grows and shrinks in one step whatever other threads do: no lock is taken
    but around a fork.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.running: list[None] = []
        """One for each call that runs; who appends one, or pops it, looks at `is_shut` then, for `hold` or `notify`."""
        self.is_shut = False

    def enter(self, timeout: float | None) -> float | None:
        """Begin a call; return what is left of its timeout, in seconds. `leave` must follow."""
        self.running.append(None)
        return self.hold(timeout) if self.is_shut else timeout

    def leave(self) -> None:
        """Take note that a call has ended."""
        self.running.pop()
        if self.is_shut:
            self.notify()

    def notify(self) -> None:
        """Have a fork look again whether calls run."""
        with self._changed:
            self._changed.notify_all()

    def hold(self, timeout: float | None) -> float | None:
        """Have a call that was counted wait outside; return what is left of its timeout."""
        began = time.monotonic()
        with self._changed:
            self.running.pop()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self.is_shut, 2 * FORK_WAITS if timeout is None else max(timeout, 0))
            self.running.append(None)
        return None if timeout is None else timeout - (time.monotonic() - began)

    def shut(self) -> None:
        """Hold new calls."""
        with self._changed:
            self.is_shut = True

    def wait(self, seconds: float) -> int:
        """Wait until no call runs; return how many still do after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: not self.running, seconds)
            return len(self.running)

    def open(self) -> None:
        """Let calls begin again."""
        with self._changed:
            self.is_shut = False
            self._changed.notify_all()
