"""What happens when a pager is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WhenDropped"]


class WhenDropped:
    """Calls something when it is dropped, and with it the pager that it is part of.

    Most pagers have nothing to end, and end faster without a finalizer of their own.

    Args:
        call: Called on whatever thread, by the garbage collector, too: it must take no lock.
    """

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def __del__(self) -> None:
        self._call()
