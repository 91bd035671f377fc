"""A call's deadline: one instant on the monotonic clock that every phase of the call measures itself against."""

from __future__ import annotations

import math
import time

import grpc

from eegrpc.transcoding.types import TranscodingError

__all__ = ["Deadline", "deadline_exceeded"]

_FAR = 366 * 24 * 3600.0  # a wait longer than this overflows some platform's clock


class Deadline:
    """The instant, in seconds of `time.monotonic`, at which a call ends whatever it is doing.

    Args:
        timeout: Seconds from now; None for no deadline.

    Raises:
        ValueError: `timeout` is NaN.
    """

    __slots__ = ("at",)

    def __init__(self, timeout: float | None) -> None:
        if timeout is not None and math.isnan(timeout):
            raise ValueError("timeout is NaN; give seconds, or None for no deadline")
        self.at = math.inf if timeout is None else time.monotonic() + timeout

    def remaining(self) -> float | None:
        """Return the seconds left (0 or less when past), or None without a deadline."""
        return None if self.at == math.inf else self.at - time.monotonic()

    def wait(self) -> float | None:
        """Return what a blocking operation may take: seconds, more than 0, or None for as long as it likes.

        Raises:
            TranscodingError: DEADLINE_EXCEEDED, the deadline has passed.
        """
        left = self.remaining()
        if left is None:
            return None
        if left <= 0:
            raise deadline_exceeded()
        return min(left, _FAR)


def deadline_exceeded() -> TranscodingError:
    """Return the status of a call that ran out of time, in grpc's words."""
    return TranscodingError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
