"""What the quota gate makes of refusals for quota: lower limits, a hold, the way back."""

from __future__ import annotations

import math

import pytest
from gate_world import World, attempts, most_in_a_second
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

import eegrpc
from eegrpc._admission import Admission, Permit
from eegrpc._gate import _LIMITS_BY_REASON
from eegrpc._quota import LONGEST_HOLD, LimitName, State
from eegrpc.errors import EarthEngineError


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
    permit = Permit(Admission(gate), attempts())
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
