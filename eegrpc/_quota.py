"""The line before a project's quota: who waits, who is in flight, when the next request may start. No clock, no lock.

Two limits hold at once, as Earth Engine has them (https://developers.google.com/earth-engine/guides/usage): requests in
flight, and requests started per second.

The rate is kept twice. A log of the last starts makes it true: no window of ``1 + JITTER`` seconds has more than `rate`
of them, so no second has at the server either, if the way there moves them together by no more than `JITTER`. And
requests start evenly spaced, as by GCRA (the generic cell rate algorithm, ITU-T I.371): a burst of 100 each second
keeps to the letter of the limit, but a little more jitter would move half of the next burst into the same second.
Starts that come late because threads woke late are made up for, by up to `CATCH_UP` seconds.
"""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

__all__ = ["CATCH_UP", "JITTER", "LONGEST_HOLD", "LOOK_AGAIN", "LimitName", "Line", "State", "Ticket"]

JITTER: Final = 0.04
"""Seconds by which the way to the server may move requests together."""
CATCH_UP: Final = 0.25
"""Seconds by which starts may lag behind their even spacing and still be made up for, while requests wait."""
LOOK_AGAIN: Final = 1.0
"""Seconds after which one who waits looks by himself, should the one who was to wake him have been lost."""
LONGEST_HOLD: Final = 60.0
"""Seconds for which one answer may stop a whole project; after them, a request asks whether it is still so."""

_COLD_AFTER: Final = 60.0  # seconds without a start: connections may have gone, and tokens
_WARM_UP: Final = 1.0  # seconds: what is sent while the channel connects arrives together, so fewer are sent
_COLD_SPACING: Final = 4 / 3
_CUT: Final = 0.97  # for each refusal
_MOST_CUT: Final = 0.7  # for all refusals together that one state of affairs may cause
_COOLDOWN: Final = 1.0  # seconds: what starts sooner after a cut may be refused for what was sent before it
_RECOVERY: Final = 20.0  # seconds from nothing to the configured limit
_LEAST: Final = 0.05  # of the configured limit


class State(enum.Enum):
    """Where a ticket is."""

    WAITING = enum.auto()
    RUNNING = enum.auto()
    OVER = enum.auto()


class LimitName(enum.Enum):
    """Which limit a server named when it refused a request."""

    CONCURRENCY = enum.auto()
    RATE = enum.auto()


class Ticket:
    """One attempt's place in the line.

    Args:
        group: Whose it is: groups take turns, and within a group who came first goes first.
        wake: Makes the one who waits look again; False if nobody is left who could.
    """

    __slots__ = ("group", "line", "looks_at", "started_at", "state", "wake")

    def __init__(self, group: Hashable, wake: Callable[[], bool]) -> None:
        self.group = group
        self.wake = wake
        self.line: Line | None = None
        self.state = State.WAITING
        self.started_at = math.inf
        self.looks_at: float | None = None
        """When the one who waits will look by himself; None while he is not asleep."""


class Line:
    """The requests of one project. All times are seconds of one monotonic clock.

    Args:
        concurrency: Most requests in flight.
        rate: Most requests started in any window of one second; infinite for no such limit.
        adaptive: Whether refusals lower the limits for a while.
    """

    def __init__(self, concurrency: int, rate: float, *, adaptive: bool) -> None:
        self._limits = {LimitName.CONCURRENCY: _Limit(concurrency), LimitName.RATE: _Limit(rate)}
        self._adaptive = adaptive
        self._queue = _FairQueue()
        self._running: set[Ticket] = set()
        self._even = -math.inf  # when the next request starts if all start evenly spaced
        self._warm_at = -math.inf
        self._starts: deque[float] = deque(maxlen=max(1, int(rate)) if rate < math.inf else 1)
        self._held_until = -math.inf
        self.refused = 0
        """Requests that the server refused for quota."""

    @property
    def concurrency(self) -> int:
        """Requests that may be in flight now."""
        return max(1, int(self._limits[LimitName.CONCURRENCY].value))

    @property
    def rate(self) -> float:
        """Requests that may start per second now."""
        return self._limits[LimitName.RATE].value

    @property
    def in_flight(self) -> int:
        """Requests that were sent and not answered."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._queue)

    def held(self, now: float) -> float:
        """Return the seconds for which the server has asked to be left alone."""
        return max(0.0, self._held_until - now)

    def idle(self, now: float) -> bool:
        """Return whether nothing would be lost with this object."""
        full = all(limit.value == limit.configured for limit in self._limits.values())
        counts_until = self._starts[-1] + 1.0 + JITTER if self._starts else -math.inf
        quiet = max(self._even, counts_until) <= now
        return full and quiet and not self._running and not self._queue

    def join(self, ticket: Ticket, now: float) -> None:
        """Put a new ticket at the end of its group."""
        ticket.line = self
        if not self._queue:
            self._even = max(self._even, now)  # nobody was kept waiting, so there is nothing to make up for
        self._queue.push(ticket)

    def advance(self, now: float) -> list[Ticket]:
        """Let those start who may; return whom to wake: these, and the next one if he sleeps past his time."""
        wake = []
        while (head := self._queue.head()) is not None and self._has_room() and now >= self._next_start():
            # In an order that can be cut short anywhere, by a KeyboardInterrupt, and then done again.
            self._running.add(head)
            head.state, head.started_at = State.RUNNING, now
            self._queue.pop(head)
            self._note_start(now)
            if head.looks_at is not None:
                wake.append(head)
        if head is not None and head.looks_at is not None and self._has_room() and head.looks_at > self._next_start():
            wake.append(head)
        for ticket in wake:
            ticket.looks_at = None
        return wake

    def look(self, ticket: Ticket, now: float) -> float | None:
        """Return after how many seconds to look again, at the latest; None if the ticket waits no longer."""
        if ticket.state is not State.WAITING:
            return None
        wait = LOOK_AGAIN
        if ticket is self._queue.head() and self._has_room():
            wait = min(wait, max(0.0, self._next_start() - now))
        ticket.looks_at = now + wait
        return wait

    def leave(self, ticket: Ticket) -> None:
        """Take a ticket out, wherever it is; a second time does nothing."""
        self._queue.discard(ticket)
        self._running.discard(ticket)
        ticket.state = State.OVER

    def leave_group(self, group: Hashable) -> list[Ticket]:
        """Take all that wait out of one group; return whom to wake."""
        tickets = self._queue.of_group(group)
        for ticket in tickets:
            self.leave(ticket)
        return tickets

    def answered(self, now: float) -> None:
        """Take note that the server did what a request asked."""
        for limit in self._limits.values():
            limit.grow(now)

    def throttled(self, ticket: Ticket, names: Iterable[LimitName], delay: float, now: float) -> None:
        """Take note that the server refused a request for quota.

        Args:
            ticket: The request.
            names: The limits that may be the cause.
            delay: Seconds that the server asks to wait, 0 if it does not say.
            now: The time.
        """
        self.refused += 1
        if self._adaptive:
            for name in names:
                self._limits[name].cut(ticket.started_at, now)
            self._held_until = max(self._held_until, now + min(delay, LONGEST_HOLD))
            self._even = max(self._even, self._held_until)

    def _has_room(self) -> bool:
        return len(self._running) < self.concurrency

    def _next_start(self) -> float:
        start = self._even
        if self.rate < math.inf:
            count = max(1, int(self.rate))
            if len(self._starts) >= count:
                start = max(start, self._starts[-count] + max(1.0 + JITTER, self._spacing()))
        return start

    def _note_start(self, now: float) -> None:
        if not self._starts or now - self._starts[-1] > _COLD_AFTER:
            self._warm_at = now + _WARM_UP
        spacing = self._spacing() * (1.0 if now >= self._warm_at else _COLD_SPACING)
        self._even = max(self._even, now - CATCH_UP) + spacing
        self._starts.append(now)

    def _spacing(self) -> float:
        return (1.0 + JITTER) / self.rate


class _Limit:
    """A limit that is cut when a server refuses, and grows back: additive increase, multiplicative decrease.

    A single refusal, which a moment's jitter can cause, costs little; many at once, which mean that others use the
    quota too, cost as much as they may. It grows by time, at each answer, so that recovery takes the same whether
    requests take 0.1 s or 100 s.
    """

    def __init__(self, configured: float) -> None:
        self.configured = configured
        self.value = configured
        self._least = configured
        self._cut_at = -math.inf
        self._grown_at = -math.inf

    def cut(self, started_at: float, now: float) -> None:
        """Lower the limit, for a request that started then and was refused."""
        if started_at >= self._cut_at + _COOLDOWN:  # else it belongs to the refusals before
            self._least = max(self.value * _MOST_CUT, self.configured * _LEAST)
            self._cut_at = now
        self.value = max(self.value * _CUT, self._least)
        self._grown_at = now

    def grow(self, now: float) -> None:
        """Raise the limit by what the time since the last cut or answer is worth."""
        if self.value < self.configured:
            self.value = min(self.configured, self.value + self.configured * (now - self._grown_at) / _RECOVERY)
            self._grown_at = now


class _FairQueue:
    """First come, first served within a group; groups take turns."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Hashable, OrderedDict[Ticket, None]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def push(self, ticket: Ticket) -> None:
        """Add a ticket at the end of its group, a new group at the end of the round."""
        self._groups.setdefault(ticket.group, OrderedDict())[ticket] = None

    def head(self) -> Ticket | None:
        """Return the next ticket."""
        return next((next(iter(tickets)) for tickets in self._groups.values()), None)

    def pop(self, head: Ticket) -> None:
        """Remove the next ticket; its group's turn is over."""
        self._groups.move_to_end(head.group)
        self.discard(head)

    def discard(self, ticket: Ticket) -> None:
        """Remove a ticket if it is there."""
        tickets = self._groups.get(ticket.group)
        if tickets is not None:
            tickets.pop(ticket, None)
            if not tickets:
                del self._groups[ticket.group]

    def of_group(self, group: Hashable) -> list[Ticket]:
        """Return the tickets of one group, in order."""
        return list(self._groups.get(group, ()))
