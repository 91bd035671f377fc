"""The quota gate: one line for each project, shared by the threads and the event loops of a process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from eegrpc._quota import LimitName, Line, Ticket
from eegrpc._requests import project_name
from eegrpc._retry_delay import least_delay

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from eegrpc.errors import EarthEngineError

__all__ = ["Lines", "QuotaGate", "QuotaStats"]

_MANY_PROJECTS: Final = 1000  # from here on, lines that hold nothing are let go

_LIMITS_BY_REASON: Final = {
    "CONCURRENCY_LIMIT": (LimitName.CONCURRENCY,),
    "TOO_MANY_AGGREGATIONS": (LimitName.CONCURRENCY,),
    "RATE_LIMIT_EXCEEDED": (LimitName.RATE,),
}


class QuotaStats(NamedTuple):
    """Figures of one project at a `QuotaGate`."""

    concurrency: int
    """Requests that may be in flight now; after refusals fewer than configured."""
    rate: float
    """Requests that may start per second now; after refusals fewer than configured."""
    in_flight: int
    """Requests that were sent and not answered."""
    waiting: int
    """Requests that wait for their turn."""
    refused: int
    """Requests that the server refused for quota so far."""
    held: float
    """Seconds for which nothing is sent, because the server asked for it."""


class QuotaGate:
    """Keeps the requests of each project within Earth Engine's quota, so that they wait here instead of being refused.

    Each attempt waits for its turn: first come, first served, and the clients that share a gate take turns. The wait
    counts against the call's timeout. Give one gate to all clients of one endpoint that send for the same projects;
    threads and event loops may share it. It counts per process: processes that share a quota need gates whose limits
    add up to it, or leave it to adapting.

    When the server refuses requests for quota all the same, each refusal takes 3 % from the limit in question, those of
    one second no more than 30 % together, and the answers give it back, all of it within 20 s. RetryInfo and
    Retry-After of a refusal stop the whole project for that long, at most 60 s. A daily quota and answers that are too
    large change nothing here.

    Args:
        concurrency: Most requests in flight, per project.
        rate: Most requests started in any window of one second, per project; ``math.inf`` for no such limit.
        adaptive: Whether refusals change anything.

    Raises:
        TypeError, ValueError: A limit makes no sense; the caller must correct it.
    """

    def __init__(self, concurrency: int = 40, rate: float = 100.0, *, adaptive: bool = True) -> None:
        if isinstance(concurrency, bool) or not isinstance(concurrency, int):
            raise TypeError(f"concurrency is a {type(concurrency).__name__}: pass a whole number of requests")
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}, so nothing could be sent: pass 1 or more")
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise TypeError(f"rate is a {type(rate).__name__}: pass requests per second as a number")
        if not rate > 0:  # also true for NaN
            raise ValueError(f"rate is {rate}; it must be more than 0 requests per second")
        self._concurrency = concurrency
        self._rate = float(rate)
        self._adaptive = adaptive
        self._by_process = {os.getpid(): self._new_lines()}

    def __repr__(self) -> str:
        return f"QuotaGate({self._concurrency}, {self._rate:g}, adaptive={self._adaptive})"

    def stats(self, project: str) -> QuotaStats:
        """Return the figures of a project, by id, number or as ``projects/...``, in this process.

        Raises:
            EarthEngineError: INVALID_ARGUMENT, the project is malformed; the caller must correct it.
        """
        return self._lines().stats(project_name(project))

    def _lines(self) -> Lines:
        """Return the lines of this process: a forked one starts with nobody in flight and nobody waiting."""
        pid = os.getpid()
        lines = self._by_process.get(pid)
        # setdefault is atomic; the parent's lock, which a lost thread may hold for ever, stays untouched.
        return lines or self._by_process.setdefault(pid, self._new_lines())

    def _new_lines(self) -> Lines:
        return Lines(lambda: Line(self._concurrency, self._rate, adaptive=self._adaptive))


class Lines:
    """The lines of all projects in one process, under one lock that is never held while waiting."""

    def __init__(self, new_line: Callable[[], Line], clock: Callable[[], float] = time.monotonic) -> None:
        self._new_line = new_line
        self._clock = clock
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._by_project: dict[str, Line] = {}
        self._dropped: deque[Ticket] = deque()

    def enter(self, project: str, group: Hashable, wake: Callable[[], bool]) -> tuple[Ticket, float | None]:
        """Put a new ticket into a project's line; return it, and what `look` returns."""
        ticket = Ticket(group, wake)
        return ticket, self.join(project, ticket)

    def join(self, project: str, ticket: Ticket) -> float | None:
        """Put a new ticket into its project's line, and do what `look` does."""
        with self._lock:
            now = self._clock()
            line = self._by_project.get(project)
            if line is None:
                if len(self._by_project) >= _MANY_PROJECTS:
                    self._by_project = {name: line for name, line in self._by_project.items() if not line.idle(now)}
                line = self._by_project[project] = self._new_line()
            line.join(ticket, now)
            return self._move_and_look(line, ticket, now)

    def look(self, ticket: Ticket) -> float | None:
        """Return the seconds after which to look again, at the latest; None if the ticket waits no longer."""
        with self._lock:
            return None if ticket.line is None else self._move_and_look(ticket.line, ticket, self._clock())

    def refused(self, ticket: Ticket, error: EarthEngineError) -> None:
        """Take note of an error that says that too much was sent at a time."""
        self.throttled(ticket, _LIMITS_BY_REASON.get(error.reason, tuple(LimitName)), least_delay(error, time.time))

    def throttled(self, ticket: Ticket, names: tuple[LimitName, ...], delay: float) -> None:
        """Take note of a refusal, as `Line.throttled` does."""
        if self._process != os.getpid():
            return
        with self._lock:
            if ticket.line is not None:
                ticket.line.throttled(ticket, names, delay, self._clock())

    def leave(self, ticket: Ticket, *, answered: bool) -> None:
        """Take a ticket out; a second time does nothing."""
        if self._process != os.getpid():
            return  # forked in the middle of a call: this line is the parent's
        with self._lock:
            now = self._clock()
            if ticket.line is not None:
                if answered:
                    ticket.line.answered(now)
                self._leave(ticket, now)
            self._collect(now)

    def drop(self, ticket: Ticket) -> None:
        """Do what `leave` does, but never wait for the lock: if it is taken, the next who holds it does the work."""
        self._dropped.append(ticket)
        if self._process == os.getpid() and self._lock.acquire(blocking=False):
            try:
                self._collect(self._clock())
            finally:
                self._lock.release()

    def close(self, group: Hashable) -> None:
        """Send away all that wait in a group."""
        with self._lock:
            now = self._clock()
            for line in self._by_project.values():
                for ticket in line.leave_group(group):
                    ticket.wake()
                self._move(line, now)

    def stats(self, project: str) -> QuotaStats:
        """Return the figures of a project."""
        with self._lock:
            now = self._clock()
            self._collect(now)
            line = self._by_project.get(project) or self._new_line()
            return QuotaStats(
                line.concurrency, line.rate, line.in_flight, line.waiting, line.refused, round(line.held(now), 3)
            )

    def _move_and_look(self, line: Line, ticket: Ticket, now: float) -> float | None:
        self._collect(now)
        self._move(line, now)
        return line.look(ticket, now)

    def _move(self, line: Line, now: float) -> None:
        """Let those start who may, and wake them; those whom nobody can wake lose their place."""
        while gone := [ticket for ticket in line.advance(now) if not ticket.wake()]:
            for ticket in gone:
                line.leave(ticket)

    def _leave(self, ticket: Ticket, now: float) -> None:
        if ticket.line is not None:
            ticket.line.leave(ticket)
            self._move(ticket.line, now)

    def _collect(self, now: float) -> None:
        while self._dropped:
            self._leave(self._dropped.popleft(), now)
