"""Waiting at the quota gate in an asyncio task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eegrpc._admission import Permit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["TaskPermit"]


class TaskPermit(Permit):
    """A permit that a task waits for."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        bell = asyncio.Event()

        def wake() -> bool:
            try:
                loop.call_soon_threadsafe(bell.set)
            except RuntimeError:  # the loop is closed, and its task will never run again
                return False
            return True

        try:
            while (wait := self._look(wake)) is not None:
                timer = loop.call_later(wait, bell.set)
                try:
                    await bell.wait()
                finally:
                    timer.cancel()
                bell.clear()
        except BaseException as error:
            self._end(type(error))
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind)
