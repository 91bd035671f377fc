"""The quota gate's decisions by a clock that the test moves."""

from __future__ import annotations

import bisect

from eegrpc._gate import Lines
from eegrpc._quota import LimitName, Line, State, Ticket
from eegrpc._retry import NO_RETRY, Attempts


class World:
    """Lines of one project, callers who look when they are woken or when it is time, and a clock that jumps."""

    def __init__(self, concurrency=40, rate=100.0, *, adaptive=True):
        self.now = 1000.0
        self.lines = Lines(lambda: Line(concurrency, rate, adaptive=adaptive), lambda: self.now)
        self.looks: dict[Ticket, float] = {}
        self.starts: list[float] = []
        self.started: list[Ticket] = []
        self.active: list[Ticket] = []
        self.woken: list[Ticket] = []

    def join(self, group="g"):
        ticket = Ticket(group, lambda: self.woken.append(ticket) or True)
        self._note(ticket, self.lines.join("p", ticket))
        self._look_if_woken()
        return ticket

    def leave(self, ticket, *, answered=False):
        self.looks.pop(ticket, None)
        self.lines.leave(ticket, answered=answered)
        self._look_if_woken()

    def throttled(self, ticket, *names, delay=0.0):
        self.lines.throttled(ticket, names or tuple(LimitName), delay)

    def sleep(self, seconds):
        """Let time pass; whoever waits looks when it is time."""
        end = self.now + seconds
        while self.looks and (at := min(self.looks.values())) <= end:
            self.now = max(self.now, at)
            for ticket in [ticket for ticket, when in self.looks.items() if when <= self.now]:
                self._look(ticket)
            self._look_if_woken()
        self.now = end

    def serve(self, seconds, service=0.1):
        """Let time pass; requests are answered `service` seconds after they start, and callers come back at once."""
        end = self.now + seconds
        while self.now < end:
            self.sleep(0.01)
            for ticket in [t for t in self.running() if t.started_at + service <= self.now]:
                self.leave(ticket, answered=True)
                self.join(ticket.group)

    def running(self):
        """Return who is in flight, in the order in which they started."""
        self.active = [ticket for ticket in self.active if ticket.state is State.RUNNING]
        return self.active

    @property
    def stats(self):
        return self.lines.stats("p")

    def _look(self, ticket):
        self._note(ticket, self.lines.look(ticket))

    def _look_if_woken(self):
        while self.woken:
            self._look(self.woken.pop(0))

    def _note(self, ticket, wait):
        if wait is not None:
            self.looks[ticket] = self.now + wait
            return
        self.looks.pop(ticket, None)
        if ticket.state is State.RUNNING and ticket not in self.active:
            self.active.append(ticket)
            self.started.append(ticket)
            self.starts.append(self.now)


def most_in_a_second(starts):
    return max((bisect.bisect_left(starts, start + 1) - index for index, start in enumerate(starts)), default=0)


# ---- places are given back ----


def attempts(timeout=60.0):
    return Attempts(NO_RETRY, timeout, "projects/p")
