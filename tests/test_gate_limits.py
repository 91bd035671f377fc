"""The quota gate's limits, by a clock that the test moves: how many in flight, how many in a second."""

from __future__ import annotations

import math

import pytest
from gate_world import World, most_in_a_second

import eegrpc
from eegrpc._admission import Admission


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
