"""Daemon threads for what nothing can interrupt: whoever waits for it can stop waiting.

asyncio's own executor would do for tasks, but a loop that ends waits for it, and so does the interpreter.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from eegrpc._processes import restart_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Workers"]

_T = TypeVar("_T")


class Workers:
    """At most `most` daemon threads, which run what they are given, in order.

    They end when nothing is left, or `linger` seconds later. A forked child begins without them and their work.
    """

    def __init__(self, most: int, name: str, *, linger: float = 0.0) -> None:
        self._most = most
        self._name = name
        self._linger = linger
        self._after_fork()
        restart_in_children(self)

    def _after_fork(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Callable[[], object]] = deque()
        self._threads = 0
        self._idle = 0  # of the threads; those that were woken but do not run yet included

    def run(self, work: Callable[[], object]) -> None:
        """Have `work` done; it must not raise."""
        with self._changed:
            self._waiting.append(work)
            if len(self._waiting) <= self._idle:
                self._changed.notify()
            elif self._threads < self._most:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._threads += 1

    def submit(self, work: Callable[[], _T]) -> Future[_T]:
        """Return the future result of `work`; to cancel it is in vain once the work has begun."""
        item = _Item(work)
        self.run(item)
        return item.future

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and self._linger:
                    self._idle += 1
                    self._changed.wait(self._linger)
                    self._idle -= 1
                if not self._waiting:
                    self._threads -= 1
                    return
                work = self._waiting.popleft()
            work()
            del work  # what it holds may be large, and the next may be long in coming


class _Item(Generic[_T]):
    """Some work, and the future of its result."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self.future: Future[_T] = Future()
        self._work = work

    def __call__(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 (whoever waits must learn of anything)
            self.future.set_exception(error)
            # The error's traceback leads here, and to what the work had in its hands: it must not lead on to the
            # future, which holds the error, or all of that would be kept until a garbage collection.
            del self
        else:
            self.future.set_result(result)
