"""Waiting at the quota gate on a thread."""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING

from eegrpc._gate import Permit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["ThreadPermit"]


class ThreadPermit(Permit):
    """A permit that a thread waits for."""

    def __enter__(self) -> Self:
        # Of all that can wake a thread, a SimpleQueue alone may be rung from the garbage collector.
        bell: queue.SimpleQueue[None] = self._admission.bell or queue.SimpleQueue()

        def wake() -> bool:
            bell.put(None)
            return True

        try:
            while (wait := self._look(wake)) is not None:
                with contextlib.suppress(queue.Empty):
                    bell.get(timeout=wait)
        except BaseException as error:
            self._end(type(error))
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind)
