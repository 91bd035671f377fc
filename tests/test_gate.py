"""The quota gate's decisions, by a clock that the test moves: limits, order, refusals, places that are given back."""

from __future__ import annotations

import bisect
import gc
import math
import subprocess
import sys

import hypothesis.strategies as st
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import eegrpc
from eegrpc._gate import _LIMITS_BY_REASON, _MANY_PROJECTS, Admission, Permit, _Lines
from eegrpc._quota import LONGEST_HOLD, LimitName, Line, State, Ticket
from eegrpc._retry import NO_RETRY, Attempts
from eegrpc.errors import CallContext, EarthEngineError


class World:
    """Lines of one project, callers who look when they are woken or when it is time, and a clock that jumps."""

    def __init__(self, concurrency=40, rate=100.0, *, adaptive=True):
        self.now = 1000.0
        self.lines = _Lines(lambda: Line(concurrency, rate, adaptive=adaptive), lambda: self.now)
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


# ---- limits ----


@pytest.mark.parametrize("concurrency", [1, 3, 40])
def test_no_more_in_flight_than_allowed(concurrency):
    world = World(concurrency, math.inf)
    tickets = [world.join() for _ in range(concurrency + 5)]
    assert world.started == tickets[:concurrency]
    assert (world.stats.in_flight, world.stats.waiting) == (concurrency, 5)
    world.leave(tickets[1])
    world.leave(tickets[1])  # a second time gives nothing back
    assert world.started == tickets[: concurrency + 1] if concurrency > 1 else world.started == tickets[:1]


@pytest.mark.parametrize("rate", [0.5, 1, 1.5, 7, 100, 333.3])
def test_no_more_starts_in_any_second_than_allowed_and_nearly_as_many(rate):
    world = World(10_000, rate)
    for _ in range(int(rate * 20) + 1):
        world.join()
    world.sleep(10)
    assert most_in_a_second(world.starts) <= max(1, rate)
    assert len(world.starts) >= 0.93 * 10 * (rate if rate < 1 else int(rate)) - 1


def test_starts_that_were_late_are_made_up_for_within_the_limit():
    world, undisturbed = World(10_000, 100), World(10_000, 100)
    for each in (world, undisturbed):
        for _ in range(2000):
            each.join()
        each.sleep(5)
    world.looks = {ticket: max(at, world.now + 0.2) for ticket, at in world.looks.items()}  # all threads are held up
    world.sleep(5)
    undisturbed.sleep(5)
    assert most_in_a_second(world.starts) <= 100
    assert len(world.starts) == len(undisturbed.starts)


def test_an_idle_line_does_not_save_up_a_burst():
    world = World(40, 100)
    world.leave(world.join())
    world.sleep(30)
    for _ in range(10):
        world.join()
    assert len(world.started) == 2  # one then, one now


def test_a_cold_line_starts_slower():
    world = World(10_000, 100)
    for _ in range(500):
        world.join()
    world.sleep(1)
    assert 70 <= len(world.started) <= 75
    world.sleep(1)
    assert 165 <= len(world.started) <= 172


def test_400_callers_use_the_quota_and_never_exceed_it():
    world = World(40, 100)
    for _ in range(400):
        world.join()
    world.serve(60, service=0.3)
    assert most_in_a_second(world.starts) <= 100
    assert len(world.starts) >= 0.95 * 60 * 100


# ---- order ----


def test_first_come_first_served():
    world = World(2, 100)
    tickets = [world.join() for _ in range(50)]
    while world.looks:
        world.sleep(0.05)
        for ticket in world.started:
            world.leave(ticket)
    assert world.started == tickets


def test_groups_take_turns():
    world = World(1, math.inf)
    many = [world.join("many") for _ in range(5)]
    few = [world.join("few") for _ in range(2)]
    for _ in range(7):
        world.leave(world.started[-1])
    assert world.started == [many[0], many[1], few[0], many[2], few[1], many[3], many[4]]


def test_closing_a_group_sends_its_waiters_away_and_no_others():
    world = World(1, math.inf)
    running, mine, other = world.join("mine"), world.join("mine"), world.join("other")
    world.lines.close("mine")
    assert (running.state, mine.state, other.state) == (State.RUNNING, State.OVER, State.WAITING)
    assert world.woken == [mine]
    world.leave(running)
    assert other.state is State.RUNNING


def test_who_cannot_be_woken_loses_the_place():
    world = World(1, math.inf)
    running = world.join()
    gone = Ticket("g", lambda: False)
    world.lines.join("p", gone)
    last = world.join()
    world.leave(running)
    assert (gone.state, last.state) == (State.OVER, State.RUNNING)


def test_the_head_looks_by_itself_and_the_next_is_woken_for_its_time():
    world = World(40, 1)
    tickets = [world.join() for _ in range(3)]
    assert world.looks[tickets[1]] < world.looks[tickets[2]] or world.stats.in_flight == 1
    world.leave(tickets[1])  # gave up
    world.sleep(2)
    assert world.started == [tickets[0], tickets[2]]


# ---- refusals ----


@pytest.mark.parametrize(
    ("names", "concurrency", "rate"),
    [
        ([LimitName.CONCURRENCY], 38, 100),
        ([LimitName.RATE], 40, 97),
        ([], 38, 97),
    ],
)
def test_a_refusal_lowers_the_limit_in_question(names, concurrency, rate):
    world = World()
    ticket = world.join()
    world.throttled(ticket, *names)
    assert (world.stats.concurrency, world.stats.rate, world.stats.refused) == (concurrency, rate, 1)


def test_refusals_of_one_second_lower_it_by_30_percent_at_most():
    world = World(40, math.inf)
    tickets = [world.join() for _ in range(40)]
    for ticket in tickets:
        world.throttled(ticket)
        world.leave(ticket)
    assert world.stats.concurrency == 28
    late = world.join()
    world.sleep(0.9)
    world.throttled(late)  # it was sent less than a second after the cut: what was sent before may be the cause
    assert world.stats.concurrency == 28
    world.sleep(0.2)
    world.throttled(world.join())
    assert world.stats.concurrency == 27
    assert world.stats.refused == 42


def test_fixed_limits_count_refusals_only():
    world = World(adaptive=False)
    world.throttled(world.join(), delay=30)
    stats = world.stats
    assert (stats.concurrency, stats.rate, stats.held, stats.refused) == (40, 100, 0, 1)


@pytest.mark.parametrize("service", [0.1, 5.0])
def test_back_to_90_percent_30_seconds_after_the_last_of_many_refusals(service):
    world = World(40, 100)
    for _ in range(400):
        world.join()
    for _ in range(20):
        world.serve(1.2, service)
        while not world.running():
            world.serve(0.01, service)
        ticket = world.running()[-1]
        ticket.started_at = world.now  # a refusal comes at once, however long requests take
        for _ in range(20):
            world.throttled(ticket)
        world.leave(ticket)
        world.join()
    assert world.stats.rate < 60
    assert world.stats.concurrency < 24
    world.serve(30, service)
    assert world.stats.rate >= 90
    assert world.stats.concurrency >= 36
    assert most_in_a_second(world.starts) <= 100


def test_limits_never_reach_zero():
    world = World(1, 0.5)
    for _ in range(200):
        world.sleep(60)
        ticket = world.join()
        world.throttled(ticket)
        world.leave(ticket)
    assert world.stats.concurrency == 1
    assert world.stats.rate == pytest.approx(0.025)


@pytest.mark.parametrize(("asked", "held"), [(0.0, 0.0), (3.0, 3.0), (1e9, LONGEST_HOLD), (math.inf, LONGEST_HOLD)])
def test_the_servers_word_on_when_holds_everyone(asked, held):
    world = World(40, math.inf)
    refused = world.join()
    world.throttled(refused, delay=asked)
    world.leave(refused)
    assert world.stats.held == held
    waiting = world.join()
    if held:
        world.sleep(held - 0.001)
        assert waiting.state is State.WAITING
        world.sleep(0.002)
    assert waiting.state is State.RUNNING


def test_after_a_hold_requests_start_evenly():
    world = World(40, 100)
    for _ in range(100):
        world.join()
    world.throttled(world.running()[0], LimitName.CONCURRENCY, delay=5.0)
    world.sleep(5.001)
    assert len(world.started) == 2  # the first of all, and one now
    world.sleep(0.1)
    assert 7 <= len(world.started) <= 13


def error(details, *, reason="", delay=0, code=eegrpc.errors.grpc.StatusCode.RESOURCE_EXHAUSTED):
    status = status_pb2.Status(code=code.value[0], message=details)
    if reason:
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com"))
    if delay:
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=delay)))
    return EarthEngineError(code, details, trailing_metadata=[("grpc-status-details-bin", status.SerializeToString())])


@pytest.mark.parametrize(
    ("failure", "concurrency", "rate", "held"),
    [
        (error("Too many concurrent requests"), 38, 100, 0),
        (error("Too many concurrent aggregations"), 38, 100, 0),
        (error("x", reason="RATE_LIMIT_EXCEEDED", delay=7), 40, 97, 7),
        (error("Too many requests", delay=2), 40, 97, 2),
        (error("come back later"), 38, 97, 0),
        (error("daily limit", delay=9), 40, 100, 0),
        (error("Received message larger than max (9 vs. 4)"), 40, 100, 0),
        (error("Too many concurrent requests", code=eegrpc.errors.grpc.StatusCode.UNAVAILABLE, delay=5), 40, 100, 0),
        (eegrpc.errors.grpc.RpcError(), 40, 100, 0),
    ],
)
def test_which_failures_are_refusals_for_quota(failure, concurrency, rate, held):
    gate = eegrpc.QuotaGate()
    permit = Permit(Admission(gate), "projects/p", attempts())
    permit._look(lambda: True)
    permit.failed(failure)
    permit._end(None)
    stats = gate.stats("p")
    assert (stats.concurrency, stats.rate) == (concurrency, rate)
    assert held - 1 <= stats.held <= held
    assert stats.refused == ((concurrency, rate) != (40, 100))
    assert stats.in_flight == 0


def test_the_reasons_are_those_of_the_errors():
    assert set(_LIMITS_BY_REASON) <= {rule.reason for rule in eegrpc.errors.RULES}


# ---- places are given back ----


def attempts(timeout=60.0):
    return Attempts(NO_RETRY, timeout, CallContext("projects/p"))


def test_what_the_garbage_collector_drops_is_taken_out_by_the_next_who_comes():
    world = World(1, math.inf)
    running, waiting = world.join(), world.join()
    with world.lines._lock:  # as if the collector ran on a thread that holds it
        world.lines.drop(running)
        assert running.state is State.RUNNING
    assert world.stats.in_flight == 1  # the one who waited; asking was enough
    assert waiting.state is State.RUNNING
    world.lines.drop(waiting)
    assert world.stats.in_flight == 0


def test_projects_that_hold_nothing_are_let_go():
    world = World(1, 1000)
    busy = world.join()
    for number in range(3 * _MANY_PROJECTS):
        ticket = Ticket("g", lambda: True)
        world.lines.join(f"p{number}", ticket)
        world.lines.leave(ticket, answered=False)
        world.now += 0.1
    assert len(world.lines._by_project) <= _MANY_PROJECTS
    assert (world.stats.in_flight, busy.state) == (1, State.RUNNING)


def test_a_forked_process_starts_with_nobody_in_flight():
    program = """
import os
from eegrpc._gate import Admission, QuotaGate
from eegrpc._permit import ThreadPermit
from eegrpc._retry import NO_RETRY, Attempts
from eegrpc.errors import CallContext

gate = QuotaGate(1)
permit = ThreadPermit(Admission(gate), "projects/p", Attempts(NO_RETRY, 60, CallContext()))
with permit:
    gate._lines()._lock.acquire()  # as another thread may at the fork
    if os.fork() == 0:
        before = gate.stats("p")
        permit._end(None)
        with ThreadPermit(Admission(gate), "projects/p", Attempts(NO_RETRY, 60, CallContext())):
            during = gate.stats("p")
        os._exit((before.in_flight, during.in_flight, gate.stats("p").in_flight) != (0, 1, 0))
    gate._lines()._lock.release()
    code = os.waitstatus_to_exitcode(os.wait()[1])
    print(code, gate.stats("p").in_flight)
print(gate.stats("p").in_flight)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["0", "1", "0"]


def test_gates_are_collected():
    import weakref

    gate = eegrpc.QuotaGate()
    gone = weakref.ref(gate)
    Admission(gate).close()
    del gate
    gc.collect()
    assert gone() is None


# ---- arguments ----


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"concurrency": 0}, ValueError),
        ({"concurrency": 1.5}, TypeError),
        ({"concurrency": True}, TypeError),
        ({"rate": 0}, ValueError),
        ({"rate": math.nan}, ValueError),
        ({"rate": "100"}, TypeError),
    ],
)
def test_limits_that_make_no_sense_are_refused(arguments, kind):
    with pytest.raises(kind, match=next(iter(arguments))):
        eegrpc.QuotaGate(**arguments)


@pytest.mark.parametrize("quota", [0, 40, "none", True])
def test_other_things_than_gates_are_refused(quota):
    with pytest.raises(TypeError, match=r"eegrpc\.QuotaGate"):
        Admission(quota)


def test_the_defaults_are_earth_engines():
    assert repr(eegrpc.QuotaGate()) == "QuotaGate(40, 100, adaptive=True)"
    assert eegrpc.QuotaGate(2, math.inf).stats("projects/p") == eegrpc.QuotaStats(2, math.inf, 0, 0, 0, 0)


# ---- anything, in any order ----


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
