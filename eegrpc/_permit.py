"""Waiting at the quota gate on a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc._admission import Permit
from eegrpc._bell import Bell

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["ThreadPermit"]


class ThreadPermit(Permit):
    """A permit that a thread waits for."""

    def __enter__(self) -> Self:
        bell = self._admission.bell or Bell()

        def wake() -> bool:
            bell.ring()
            return True

        try:
            while (wait := self._look(wake)) is not None:
                bell.wait(wait)
        except BaseException as error:
            self._end(type(error))
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind)
