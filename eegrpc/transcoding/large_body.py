"""Where a large body of a told length is received: straight into what becomes the body."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eegrpc.transcoding.low_water import LowWater

__all__ = ["LargeBody"]


class LargeBody:
    """A large body of a told length, received straight into the one buffer that becomes the body."""

    def __init__(self, come: list[bytes], left: int, low_water: LowWater) -> None:
        start = b"".join(come)
        # Zeros cost nothing until they are written over, whatever length a server claims; BytesIO gives them out
        # uncopied.
        self._body = io.BytesIO(bytes(len(start) + left))
        self._target = self._body.getbuffer()
        self._target[: len(start)] = start
        self._filled = len(start)
        self._room = self._target[:0]
        self._low_water = low_water
        low_water.expect(left)

    def room(self, most: int | None = None) -> memoryview:
        """Return where to put what comes next; never more than is missing: the rest is another's."""
        self._room.release()
        self._room = self._target[self._filled :][:most]
        return self._room

    def received(self, size: int) -> None:
        """Count what was put there."""
        self._filled += size
        self._low_water.expect(len(self._target) - self._filled)

    def wake_at_once(self) -> None:
        """Have whoever waits woken by whatever comes next."""
        self._low_water.expect(1)

    def finish(self) -> bytes:
        """Return the body."""
        self._low_water.expect(1)
        self._room.release()
        self._target.release()
        return self._body.getvalue()
