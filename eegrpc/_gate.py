"""The quota gate: one line for each project, shared by the threads and the event loops of a process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc

from eegrpc._quota import LimitName, Line, Ticket
from eegrpc._requests import project_name
from eegrpc._retry_delay import least_delay
from eegrpc.errors import CallContext, from_rpc_error, make_error

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import EllipsisType

    from eegrpc._bell import Bell
    from eegrpc._retry import Attempts

__all__ = ["Admission", "Permit", "QuotaGate", "QuotaStats"]

_MANY_PROJECTS: Final = 1000  # from here on, lines that hold nothing are let go

_LIMITS_BY_REASON: Final = {
    "CONCURRENCY_LIMIT": (LimitName.CONCURRENCY,),
    "TOO_MANY_AGGREGATIONS": (LimitName.CONCURRENCY,),
    "RATE_LIMIT_EXCEEDED": (LimitName.RATE,),
}


@dataclass(frozen=True, slots=True)
class QuotaStats:
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

    def _lines(self) -> _Lines:
        """Return the lines of this process: a forked one starts with nobody in flight and nobody waiting."""
        pid = os.getpid()
        lines = self._by_process.get(pid)
        # setdefault is atomic; the parent's lock, which a lost thread may hold for ever, stays untouched.
        return lines or self._by_process.setdefault(pid, self._new_lines())

    def _new_lines(self) -> _Lines:
        return _Lines(lambda: Line(self._concurrency, self._rate, adaptive=self._adaptive))


class Admission:
    """One client's way through a gate; the clients that share a gate take turns.

    Args:
        quota: The gate; None for no gate. By default one of the client's own at Google's endpoints, whose quota it is,
            and none elsewhere.
        is_google: Whether the requests go to one of them.

    Raises:
        TypeError: `quota` is something else.
    """

    def __init__(self, quota: QuotaGate | EllipsisType | None = None, *, is_google: bool = False) -> None:
        gate = quota
        if gate is ...:
            gate = QuotaGate() if is_google else None
        if gate is not None and not isinstance(gate, QuotaGate):
            raise TypeError(f"quota is a {type(gate).__name__}: pass an eegrpc.QuotaGate, or None for no limits")
        self.gate = gate
        self._closed = False

    bell: Bell | None = None
    """What wakes the one call that goes this way; None where each call has a bell of its own."""

    @property
    def closed(self) -> bool:
        """Whether nothing goes this way any more."""
        return self._closed

    @property
    def group(self) -> Hashable:
        """Whose turn it is when it is this one's."""
        return self

    def close(self) -> None:
        """Send away all that wait, and all that come."""
        self._closed = True
        if self.gate is not None:
            self.gate._lines().close(self)


class Permit:
    """The right to send one attempt: what the waiters of both colours share. They are context managers.

    Args:
        admission: The client's.
        project: Resource name of the project.
        attempts: The call's; its time bounds the wait.
    """

    def __init__(self, admission: Admission, project: str, attempts: Attempts) -> None:
        self._admission = admission
        self._project = project
        self._attempts = attempts
        self._lines = None if admission.gate is None else admission.gate._lines()
        self._ticket: Ticket | None = None
        self._throttled = False

    def failed(self, cause: grpc.RpcError) -> None:
        """Take note of how the attempt failed."""
        if self._lines is None or self._ticket is None or _code(cause) is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            return
        error = from_rpc_error(cause)
        if error.retryable:  # else a daily quota, or an answer that is too large
            self._throttled = True
            names = _LIMITS_BY_REASON.get(error.reason, tuple(LimitName))
            self._lines.throttled(self._ticket, names, least_delay(error, time.time))

    def _look(self, wake: Callable[[], bool]) -> float | None:
        """Return the seconds after which to look again, at the latest; None once the attempt may be sent.

        Raises:
            EarthEngineError: The time is up (DEADLINE_EXCEEDED, or how the last attempt failed), or the client was
                closed (CANCELLED). Nothing is sent.
        """
        if self._lines is None:
            return None
        if self._ticket is None:
            self._ticket = Ticket(self._admission.group, wake)
            wait = self._lines.join(self._project, self._ticket)
        else:
            wait = self._lines.look(self._ticket)
        if self._admission.closed:
            raise make_error(
                grpc.StatusCode.CANCELLED,
                f"the client was closed while the request waited for quota of {self._project}; nothing was sent",
                reason="CANCELLED",
                context=CallContext(self._project),
            )
        if wait is None:
            return None
        left = self._attempts.left()
        if left <= 0:
            raise self._attempts.expired(f"while the request waited for quota of {self._project}")
        return min(wait, left)

    def _end(self, kind: type[BaseException] | None) -> None:
        """Give the place back; once, however often this is called.

        Args:
            kind: Class of the exception that ends the attempt, if one does.
        """
        if self._lines is None or self._ticket is None:
            return
        if kind is GeneratorExit:
            # A coroutine that nobody will resume: the garbage collector may be at it, on a thread that holds the lock.
            self._lines.drop(self._ticket)
        else:
            self._lines.leave(self._ticket, answered=kind is None and not self._throttled)


class _Lines:
    """The lines of all projects in one process, under one lock that is never held while waiting."""

    def __init__(self, new_line: Callable[[], Line], clock: Callable[[], float] = time.monotonic) -> None:
        self._new_line = new_line
        self._clock = clock
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._by_project: dict[str, Line] = {}
        self._dropped: deque[Ticket] = deque()

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


def _code(error: grpc.RpcError) -> Any:
    """Return the code of a stub's error; None for a bare grpc.RpcError, which has none."""
    code = getattr(error, "code", None)
    return code() if callable(code) else None
