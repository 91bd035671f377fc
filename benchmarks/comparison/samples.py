"""What a worker gives back: plain records of one measurement each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Batch", "ColdStart", "Iteration", "Load"]


@dataclass(frozen=True)
class Batch:
    """Calls one after the other by each of so many callers.

    Attributes:
        calls: How many in all.
        cpu: Seconds of CPU of the client's process, user and system, of all calls together.
        wall: Seconds from the first call to the last answer.
    """

    calls: int
    cpu: float
    wall: float


@dataclass(frozen=True)
class Load:
    """Calls begun on schedule, whether or not the ones before were answered.

    Attributes:
        rate: Calls a second that were scheduled.
        latencies: Seconds from the moment when each call was to begin until its answer.
        cpu: Seconds of CPU of all calls together.
        wall: Seconds from the first call to the last answer.
    """

    rate: float
    latencies: list[float]
    cpu: float
    wall: float


@dataclass(frozen=True)
class Iteration:
    """All pages, image by image, in a process that had made one small call before.

    Attributes:
        images: How many there were.
        cpu: Seconds of CPU.
        wall: Seconds.
        page_peak: Bytes that one call for a page added to the resident memory at most.
        peak: Bytes that the iteration added at most.
    """

    images: int
    cpu: float
    wall: float
    page_peak: int
    peak: int


@dataclass(frozen=True)
class ColdStart:
    """A new process, from its first statement.

    Attributes:
        opened: Seconds of CPU until the client was made: its import, above all.
        cpu: Seconds of CPU until the first answer.
        opened_wall: Seconds until the client was made.
        wall: Seconds until the first answer.
    """

    opened: float
    cpu: float
    opened_wall: float
    wall: float
