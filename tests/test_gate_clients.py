"""The quota gate in both clients, over gRPC and REST, with real servers."""

from __future__ import annotations

import contextlib
import math

import grpc
import pytest
from gate_callers import Callers, Counting, Refusing, busy_server_callers
from servers import Hang, ScriptedServicer, echo, grpc_server, rest_server
from waiting import PATIENCE, until

import eegrpc
from eegrpc._admission import Admission
from eegrpc._async_client import send as send_async
from eegrpc._client import send
from eegrpc._retry import NO_RETRY, Attempts
from eegrpc.errors import CallContext, EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest

Code = grpc.StatusCode
AT_ONCE = eegrpc.RetryPolicy(initial=0.0)


@pytest.fixture(params=["grpc", "rest"])
def transport(request):
    return request.param


@pytest.fixture
def servicer():
    return ScriptedServicer()


@pytest.fixture
def options(transport, servicer):
    """What a client is made with, to reach the servicer."""
    with (grpc_server if transport == "grpc" else rest_server)(servicer) as port:
        yield {"project": "p", "endpoint": f"http://127.0.0.1:{port}", "transport": transport}


@pytest.fixture
def open_callers(colour, options):
    with contextlib.ExitStack() as stack:

        def open_one(**more):
            callers = Callers(colour, options | more)
            stack.callback(callers.close)
            return callers

        yield open_one


def waiting(gate, count=1):
    until(lambda: gate.stats("p").waiting == count)


def test_no_more_in_flight_than_allowed(open_callers, servicer):
    gate = eegrpc.QuotaGate(3, math.inf)
    callers = open_callers(quota=gate)
    servicer.answer = counting = Counting(together=3)
    calls = [callers.start(str(number)) for number in range(30)]
    assert [call.result(PATIENCE) for call in calls] == [str(number) for number in range(30)]
    assert counting.most == 3
    assert gate.stats("p") == eegrpc.QuotaStats(3, math.inf, 0, 0, 0, 0)


def test_clients_share_a_gate(colour, options, servicer):
    gate = eegrpc.QuotaGate(2, math.inf)
    servicer.answer = counting = Counting(together=2)
    with contextlib.ExitStack() as stack:
        both = [Callers(each, options | {"quota": gate}) for each in ("sync", "aio")]
        for callers in both:
            stack.callback(callers.close)
        calls = [callers.start() for _ in range(10) for callers in both]
        for call in calls:
            call.result(PATIENCE)
    assert counting.most == 2


def test_projects_do_not_wait_for_each_other(open_callers, servicer, gate):
    callers = open_callers(quota=gate)
    servicer.answer = Counting(together=2)
    for call in [callers.start(project="p"), callers.start(project="q")]:
        call.result(PATIENCE)


def test_without_a_gate_everything_is_sent_at_once():
    servicer = ScriptedServicer()
    servicer.answer = counting = Counting(together=60)
    with busy_server_callers(servicer, quota=None) as callers:
        for call in [callers.start() for _ in range(60)]:
            call.result(PATIENCE)
    assert counting.most == 60


def test_a_deadline_that_passes_in_the_queue(open_callers, servicer, gate):
    callers = open_callers(quota=gate)
    servicer.answer = hang = Hang()
    first = callers.start("first")
    assert hang.arrived.wait(PATIENCE)
    late = callers.start("late", timeout=0.05).exception(PATIENCE)
    assert late.code() is Code.DEADLINE_EXCEEDED
    assert late.details() == "timeout of 0.05 s had passed while the request waited for quota of projects/p"
    assert late.context == CallContext("projects/p", page=1)
    assert (gate.stats("p").in_flight, gate.stats("p").waiting) == (1, 0)
    hang.release.set()
    assert first.result(PATIENCE) == "first"
    assert servicer.calls == 1


def test_a_call_that_is_cancelled_in_the_queue_gives_its_place_to_the_next(options, servicer, gate):
    callers = Callers("aio", options | {"quota": gate})
    try:
        servicer.answer = hang = Hang()
        first = callers.start("first")
        assert hang.arrived.wait(PATIENCE)
        second = callers.start("second")
        waiting(gate)
        third = callers.start("third")
        waiting(gate, 2)
        second.cancel()
        waiting(gate)
        hang.release.set()
        assert (first.result(PATIENCE), third.result(PATIENCE)) == ("first", "third")
        assert servicer.calls == 2
    finally:
        callers.close()


def test_a_call_that_is_cancelled_in_flight_gives_its_permit_back(options, servicer, gate):
    callers = Callers("aio", options | {"quota": gate})
    try:
        servicer.answer = hang = Hang()
        first = callers.start("first")
        assert hang.arrived.wait(PATIENCE)
        second = callers.start("second")
        waiting(gate)
        servicer.answer = echo
        first.cancel()
        assert second.result(PATIENCE) == "second"
        assert gate.stats("p").in_flight == 0
    finally:
        callers.close()


def test_closing_a_client_wakes_its_waiters_and_not_those_of_others(open_callers, servicer, gate):
    mine, other = open_callers(quota=gate), open_callers(quota=gate)
    servicer.answer = hang = Hang()
    first = other.start("first")
    assert hang.arrived.wait(PATIENCE)
    calls = [mine.start(), other.start("second"), mine.start()]
    waiting(gate, 3)
    mine.close_client()
    for call in calls[::2]:
        error = call.exception(PATIENCE)
        assert error.code() is Code.CANCELLED
        assert "projects/p; nothing was sent" in error.details()
    assert gate.stats("p").waiting == 1
    hang.release.set()
    assert (first.result(PATIENCE), calls[1].result(PATIENCE)) == ("first", "second")
    assert servicer.calls == 2


@pytest.mark.parametrize(
    ("message", "concurrency", "rate"),
    [("Too many concurrent requests", 38, 100), ("Rate limit exceeded", 40, 97), ("not now", 38, 97)],
)
def test_a_refusal_lowers_the_limits_and_holds_the_project(open_callers, servicer, message, concurrency, rate):
    gate = eegrpc.QuotaGate()
    callers = open_callers(quota=gate, retry=None)
    servicer.answer = Refusing(1, message, delay=30)
    assert callers.start().exception(PATIENCE).code() is Code.RESOURCE_EXHAUSTED
    stats = gate.stats("p")
    assert (stats.concurrency, stats.rate, stats.refused, stats.in_flight) == (concurrency, rate, 1, 0)
    assert stats.held > 0
    assert callers.start(timeout=0.05).exception(PATIENCE).code() is Code.DEADLINE_EXCEEDED
    assert servicer.calls == 1
    assert callers.start("q", project="other").result(PATIENCE) == "q"


def test_refused_calls_are_sent_again_through_the_gate(open_callers, servicer):
    gate = eegrpc.QuotaGate(10, math.inf)
    callers = open_callers(quota=gate, retry=AT_ONCE)
    servicer.answer = Refusing(3, "Too many concurrent requests", delay=0.02)
    calls = [callers.start(str(number)) for number in range(1, 21)]
    assert [call.result(PATIENCE) for call in calls] == [str(number) for number in range(1, 21)]
    assert servicer.calls == 23
    assert gate.stats("p").refused == 3


def test_con_07_500_threads_get_10000_right_answers_and_never_more_than_40_at_once():
    servicer = ScriptedServicer()
    servicer.answer = counting = Counting()
    gate = eegrpc.QuotaGate(40, math.inf)
    with busy_server_callers(servicer, quota=gate) as callers:

        def twenty(thread):
            return [callers._call(f"{thread}-{call}", {}) == f"{thread}-{call}" for call in range(20)]

        right = [answer for answers in callers.pool.map(twenty, range(500)) for answer in answers]
    assert (len(right), all(right)) == (10_000, True)
    assert counting.most <= 40
    assert gate.stats("p") == eegrpc.QuotaStats(40, math.inf, 0, 0, 0, 0)


async def test_each_attempt_takes_a_permit_and_a_waiting_retry_holds_none(gate, colour):
    seen = []

    def method(request, timeout, metadata):
        seen.append(("sent", gate.stats("p").in_flight))
        if len(seen) < 5:
            raise EarthEngineError(Code.UNAVAILABLE, "later")
        return ComputeImagesRequest()

    async def method_async(*args, **kwargs):
        return method(*args, **kwargs)

    def sleep(seconds):
        seen.append(("asleep", gate.stats("p").in_flight))

    async def sleep_async(seconds):
        sleep(seconds)

    attempts = Attempts(AT_ONCE, PATIENCE, "projects/p")
    sent = (ComputeImagesRequest(project="projects/p"), (), attempts, Admission(gate))
    if colour == "sync":
        send(method, *sent, sleep)
    else:
        await send_async(method_async, *sent, sleep_async)
    assert seen == [("sent", 1), ("asleep", 0), ("sent", 1), ("asleep", 0), ("sent", 1)]
    assert gate.stats("p").in_flight == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, KeyError, EarthEngineError(Code.INTERNAL, "x")])
def test_a_permit_is_given_back_whatever_the_call_raises(gate, error):
    def method(request, timeout, metadata):
        assert gate.stats("p").in_flight == 1
        raise error

    attempts = Attempts(NO_RETRY, PATIENCE, "projects/p")
    with pytest.raises(BaseException):  # noqa: B017, PT011 (each raises its own)
        send(method, ComputeImagesRequest(project="projects/p"), (), attempts, Admission(gate), lambda _: True)
    assert gate.stats("p").in_flight == 0
