"""Quotas per project, as Earth Engine has them: requests at a time and requests per second; and what they counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Quota", "QuotaEnforcer", "QuotaFigures", "Refusal"]


_ROUNDING = 1e-9  # of a token: waiting exactly as long as was said is long enough


@dataclass(frozen=True, slots=True)
class Quota:
    """What one project may do. Earth Engine's defaults are 40 at a time and 100 per second.

    Args:
        concurrent: Most requests at a time; None for no limit.
        per_second: Requests per second in the long run; None for no limit.
        burst: Most requests at once after a pause (the size of the token bucket); None for one second's worth.

    Raises:
        ValueError: A number is not positive.
    """

    concurrent: int | None = None
    per_second: float | None = None
    burst: int | None = None

    def __post_init__(self) -> None:
        for name in ("concurrent", "per_second", "burst"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"the quota's {name} is {value!r}: it must be more than 0, or None for no limit")
        if self.burst is not None and self.per_second is None:
            raise ValueError("the quota has a burst but no per_second, which fills it up again")

    @classmethod
    def parse(cls, text: str) -> Quota:
        """Return the quota of ``CONCURRENT:PER_SECOND``; either may be missing, for no limit.

        Raises:
            ValueError: `text` is something else.
        """
        concurrent, colon, per_second = text.partition(":")
        try:
            return cls(int(concurrent) if concurrent else None, float(per_second) if colon and per_second else None)
        except ValueError as error:
            raise ValueError(f"no quota: {text[:64]!r}; give CONCURRENT:PER_SECOND, such as 40:100") from error

    def __str__(self) -> str:
        rate = "" if self.per_second is None else f"{self.per_second:g}"
        return f"{'' if self.concurrent is None else self.concurrent}:{rate}"


@dataclass(frozen=True, slots=True)
class QuotaFigures:
    """What was counted for one project. Attempts are all requests, the refused ones too."""

    attempts: int = 0
    refused_concurrency: int = 0
    refused_rate: int = 0
    most_concurrent: int = 0
    """Most attempts at a time: one more than the quota allows if one was refused for that."""
    most_per_second: int = 0
    """Most attempts in any one second."""

    @property
    def refused(self) -> int:
        """Attempts that were refused."""
        return self.refused_concurrency + self.refused_rate


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused."""

    by_rate: bool
    """True if it is one too many in this second, False if it is one too many at a time."""
    retry_after: float
    """Seconds until there is room again, 0 if that is not known."""


@dataclass(slots=True)
class _Project:
    """The state of one project."""

    tokens: float
    filled: float
    running: int = 0
    attempts: int = 0
    refused_concurrency: int = 0
    refused_rate: int = 0
    most_concurrent: int = 0
    most_per_second: int = 0
    recent: deque[float] = field(default_factory=deque)

    def figures(self) -> QuotaFigures:
        return QuotaFigures(
            self.attempts, self.refused_concurrency, self.refused_rate, self.most_concurrent, self.most_per_second
        )


class QuotaEnforcer:
    """Lets requests in as a quota allows, and counts; thread-safe.

    Args:
        quota: Of each project. One without limits only counts.
        clock: Seconds from any starting point, never backwards.
    """

    def __init__(self, quota: Quota, clock: Callable[[], float] = time.monotonic) -> None:
        self.quota = quota
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = quota.per_second
        self._size = float(quota.burst or max(1.0, quota.per_second or 1.0))
        self._projects: dict[str, _Project] = {}

    def enter(self, project: str) -> Refusal | None:
        """Count a request; return None if it may run (it then must `leave`), else why not."""
        with self._lock:
            now = self._clock()
            state = self._projects.get(project)
            if state is None:
                state = self._projects[project] = _Project(tokens=self._size, filled=now)
            self._count(state, now)
            if self.quota.concurrent is not None and state.running >= self.quota.concurrent:
                state.refused_concurrency += 1
                return Refusal(by_rate=False, retry_after=0.0)
            if self._rate is not None:
                state.tokens = min(self._size, state.tokens + (now - state.filled) * self._rate)
                state.filled = now
                if state.tokens < 1 - _ROUNDING:
                    state.refused_rate += 1
                    return Refusal(by_rate=True, retry_after=(1 - state.tokens) / self._rate)
                state.tokens -= 1
            state.running += 1
            return None

    def leave(self, project: str) -> None:
        """End a request that was let in."""
        with self._lock:
            self._projects[project].running -= 1

    def figures(self) -> dict[str, QuotaFigures]:
        """Return what was counted, by project."""
        with self._lock:
            return {name: state.figures() for name, state in self._projects.items()}

    @staticmethod
    def _count(state: _Project, now: float) -> None:
        state.attempts += 1
        state.most_concurrent = max(state.most_concurrent, state.running + 1)
        state.recent.append(now)
        while state.recent[0] <= now - 1:
            state.recent.popleft()
        state.most_per_second = max(state.most_per_second, len(state.recent))
