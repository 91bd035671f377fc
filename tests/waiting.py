"""Waiting for what nothing announces: it is looked at again and again, and there is an end to it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0
"""Seconds after which a test gives up waiting for what must happen; nothing is ever measured by it."""


def came(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Return whether `condition` came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


async def came_meanwhile(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Return whether `condition` came true in time, and let the event loop run until then."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.002)
    return True


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` is true, and fail if that never happens."""
    assert came(condition), "it did not happen"
