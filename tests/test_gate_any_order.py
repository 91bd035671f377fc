"""The quota gate's promises, whatever happens in whichever order."""

from __future__ import annotations

import hypothesis.strategies as st
from gate_world import World, most_in_a_second
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eegrpc._quota import LimitName, State


class AnyOrder(RuleBasedStateMachine):
    """Callers come, give up, are answered, refused or vanish: the limits hold, and nobody is lost."""

    CONCURRENCY, RATE = 3, 10

    def __init__(self):
        super().__init__()
        self.world = World(self.CONCURRENCY, self.RATE)
        self.joined = {"a": [], "b": []}

    def running(self):
        return self.world.running()

    def waiting(self, group):
        return [ticket for ticket in self.joined[group] if ticket.state is State.WAITING]

    @rule(group=st.sampled_from("ab"), count=st.integers(1, 8))
    def come(self, group, count):
        self.joined[group] += [self.world.join(group) for _ in range(count)]

    @rule(seconds=st.floats(0, 3))
    def time_passes(self, seconds):
        self.world.sleep(seconds)

    @rule(seconds=st.floats(0, 2))
    def all_are_held_up(self, seconds):
        self.world.now += seconds

    @precondition(lambda self: self.running())
    @rule(data=st.data(), answered=st.booleans())
    def end(self, data, answered):
        self.world.leave(data.draw(st.sampled_from(self.running())), answered=answered)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), names=st.sets(st.sampled_from(list(LimitName)), min_size=1), delay=st.floats(0, 5))
    def refuse(self, data, names, delay):
        ticket = data.draw(st.sampled_from(self.running()))
        self.world.throttled(ticket, *names, delay=delay)
        self.world.leave(ticket)

    @precondition(lambda self: self.waiting("a"))
    @rule(data=st.data())
    def give_up(self, data):
        self.world.leave(data.draw(st.sampled_from(self.waiting("a"))))

    @precondition(lambda self: self.running() or self.waiting("b"))
    @rule(data=st.data())
    def vanish(self, data):
        ticket = data.draw(st.sampled_from(self.running() + self.waiting("b")))
        self.world.looks.pop(ticket, None)
        self.world.lines.drop(ticket)
        self.world._look_if_woken()

    @rule()
    def close(self):
        self.world.lines.close("b")
        self.world._look_if_woken()

    @invariant()
    def the_limits_hold(self):
        assert len(self.running()) <= self.CONCURRENCY
        assert most_in_a_second(self.world.starts) <= self.RATE

    @invariant()
    def nobody_is_lost(self):
        stats = self.world.stats
        waiting = self.waiting("a") + self.waiting("b")
        assert (stats.in_flight, stats.waiting) == (len(self.running()), len(waiting))
        assert set(self.world.looks) == set(waiting)

    @invariant()
    def first_come_first_served_in_each_group(self):
        for group, joined in self.joined.items():
            started = [ticket for ticket in joined if ticket in self.world.started]
            times = [ticket.started_at for ticket in started]
            assert times == sorted(times)  # those that start at one moment are woken one after the other
            first = next(iter(self.waiting(group)), None)
            assert first is None or all(joined.index(ticket) < joined.index(first) for ticket in started)

    def teardown(self):
        for _ in range(1000):
            for ticket in self.running():
                self.world.leave(ticket, answered=True)
            self.world.sleep(5)
            if not self.world.looks and not self.running():
                break
        assert (self.world.stats.in_flight, self.world.stats.waiting, self.world.looks) == (0, 0, {})


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
