"""The attempts of one call: the loop around a stub, in both colours, with a clock that only sleeping moves."""

from __future__ import annotations

import logging

import grpc
import pytest
from retry_doubles import Clock, Steady, Stub, failure

from eegrpc._admission import Admission
from eegrpc._async_client import send as send_async
from eegrpc._client import send
from eegrpc._retry import NO_RETRY, Attempts, RetryDecider, RetryPolicy
from eegrpc._retry_budget import RetryBudget, TokenBucket
from eegrpc.errors import CallContext, EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest

Code = grpc.StatusCode
POLICY = RetryPolicy()


@pytest.fixture(params=["sync", "aio"])
def run(request):
    """Send through the client's loop; the same table serves both colours."""

    async def run(stub, policy=POLICY, timeout=330.0, budget=None, metadata=()):
        policy = Steady(policy) if isinstance(policy, RetryPolicy) else policy
        attempts = Attempts(policy, timeout, "projects/p", 2, budget=budget, clock=stub.clock, random=lambda: 1.0)
        if request.param == "sync":
            return send(stub, ComputeImagesRequest(), metadata, attempts, Admission(), stub.clock.sleep)
        sleep = stub.clock.sleep_async
        return await send_async(stub.call_async, ComputeImagesRequest(), metadata, attempts, Admission(), sleep)

    return run


async def test_ret_01_fails_three_times_then_answers(run, caplog):
    caplog.set_level(logging.INFO, "eegrpc")
    stub = Stub(Clock(), failure(), failure(Code.RESOURCE_EXHAUSTED), failure(), takes=0.5)
    assert (await run(stub)).next_page_token == "answered"
    assert stub.clock.slept == pytest.approx([1, 2, 4])
    assert stub.timeouts == pytest.approx([330, 328.5, 326, 321.5])  # what is left of one budget
    assert [record.levelname for record in caplog.records] == ["INFO"] * 3
    assert "projects/p, page 2: attempt 1: UNAVAILABLE (UNAVAILABLE); next in 1.00 s" in caplog.text
    assert "projects/p, page 2: attempt 2: RESOURCE_EXHAUSTED (RESOURCE_EXHAUSTED); next in 2.00 s" in caplog.text


async def test_further_attempts_say_which_they_are_and_why(run):
    hostile = failure(reason="X\r\nauthorization: y")
    stub = Stub(Clock(), failure(Code.RESOURCE_EXHAUSTED, "Too many requests per minute"), hostile)
    await run(stub, metadata=(("a", "1"),))
    assert stub.metadata == [
        (("a", "1"),),
        (("a", "1"), ("eegrpc-attempt", "2"), ("eegrpc-retry-reason", "RATE_LIMIT_EXCEEDED")),
        (("a", "1"), ("eegrpc-attempt", "3"), ("eegrpc-retry-reason", "UNAVAILABLE")),
    ]


async def test_ret_02_gives_up_with_the_last_error(run, caplog):
    failures = [failure(details=f"failure {n}") for n in range(1, 9)]
    stub = Stub(Clock(), *failures)
    with pytest.raises(EarthEngineError) as caught:
        await run(stub)
    assert len(stub.timeouts) == 5
    assert caught.value.details() == "failure 5"
    assert caught.value.context == CallContext("projects/p", page=2, attempt=5)
    assert caught.value.__cause__ is failures[4]
    assert str(caught.value).startswith("UNAVAILABLE after 5 attempts: failure 5")
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == ["WARNING"]


async def test_ret_12_without_retry_one_attempt(run, caplog):
    caplog.set_level(logging.INFO, "eegrpc")
    stub = Stub(Clock(), failure())
    with pytest.raises(EarthEngineError):
        await run(stub, NO_RETRY)
    assert (len(stub.timeouts), stub.clock.slept, caplog.records) == (1, [], [])


@pytest.mark.parametrize("value", ["1000000000", "9" * 400], ids=["RET-04-beyond", "RET-04-400-digits"])
async def test_ret_04_retry_after_beyond_the_deadline_fails_at_once(run, value):
    stub = Stub(Clock(), failure(retry_after=value))
    with pytest.raises(EarthEngineError):
        await run(stub)
    assert (len(stub.timeouts), stub.clock.slept) == (1, [])


async def test_ret_10_no_sleep_past_the_deadline(run):
    stub = Stub(Clock(), failure(), failure(), failure(), takes=1.0)
    with pytest.raises(EarthEngineError) as caught:
        await run(stub, timeout=4.5)  # 1 s, wait 1 s, 1 s; waiting 2 s would end at 5 s
    assert caught.value.code() is Code.UNAVAILABLE
    assert stub.clock.slept == [1]


async def test_a_sleep_that_took_too_long_ends_with_the_last_error(run):
    clock = Clock()
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + 100)
    cause = failure(details="the cause")
    stub = Stub(clock, cause, failure())
    with pytest.raises(EarthEngineError, match="the cause") as caught:
        await run(stub, timeout=50)
    assert len(stub.timeouts) == 1
    assert caught.value.__cause__ is cause


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_grp_15_no_time_no_attempt(run, timeout):
    stub = Stub(Clock())
    with pytest.raises(EarthEngineError) as caught:
        await run(stub, timeout=timeout)
    assert caught.value.code() is Code.DEADLINE_EXCEEDED
    assert stub.timeouts == []


async def test_other_exceptions_fly_through(run):
    stub = Stub(Clock(), KeyError("a bug"))
    with pytest.raises(KeyError):
        await run(stub)
    assert len(stub.timeouts) == 1


# ---- a policy of the caller's own ----


class Own:
    """Returns what it was made with, and remembers what it was asked."""

    def __init__(self, *delays):
        self.delays, self.asked = list(delays), []

    def next_delay(self, failures, elapsed):
        self.asked.append(([error.context.attempt for error in failures], elapsed))
        return self.delays.pop(0)


async def test_an_own_policy_decides(run):
    own = Own(0.25, 3)
    assert isinstance(own, RetryDecider)
    stub = Stub(Clock(), failure(Code.NOT_FOUND), failure(Code.DATA_LOSS), takes=0.5)
    assert (await run(stub, own)).next_page_token == "answered"
    assert stub.clock.slept == [0.25, 3]
    assert own.asked == [([1], 0.5), ([1, 2], 1.25)]


@pytest.mark.parametrize("delay", [None, 9.0, float("inf")])
async def test_an_own_policy_gives_up_or_would_pass_the_deadline(run, delay):
    stub = Stub(Clock(), failure(details="the cause"))
    with pytest.raises(EarthEngineError, match="the cause"):
        await run(stub, Own(delay), timeout=9.0)
    assert (len(stub.timeouts), stub.clock.slept) == (1, [])


@pytest.mark.parametrize(
    ("delay", "exception"),
    [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError), (True, TypeError)],
)
async def test_an_own_policy_that_returns_no_delay_is_told_so(run, delay, exception):
    stub = Stub(Clock(), failure(details="the cause"))
    with pytest.raises(exception, match="next_delay returned") as caught:
        await run(stub, Own(delay))
    assert caught.value.__cause__.details() == "the cause"


# ---- closing while a call waits ----


async def test_ret_15_a_closed_client_ends_the_wait(run):
    clock = Clock()
    clock.sleep = lambda seconds: True
    cause = failure(details="the cause")
    stub = Stub(clock, cause, failure())
    with pytest.raises(EarthEngineError, match="closed while the request waited for attempt 2") as caught:
        await run(stub)
    assert caught.value.code() is Code.CANCELLED
    assert caught.value.context.attempt == len(stub.timeouts) == 1
    assert caught.value.__cause__.details() == "the cause"


# ---- the budget, in the loop ----


async def test_a_retry_waits_for_its_token(run, caplog):
    clock = Clock()
    budget = TokenBucket(RetryBudget(tokens=1, per_second=0.5, wait=2), clock=clock)
    stub = Stub(clock, failure(), failure())
    await run(stub, budget=budget)
    # The first retry has a token. The second comes back 2 s later, and by then time has brought the next.
    assert clock.slept == [1, 2]
    stub = Stub(clock, failure(), failure())
    await run(stub, budget=budget)
    assert clock.slept[2:] == [1, 2]  # the answers have paid
    budget.take(object())
    stub = Stub(clock, failure())
    await run(stub, budget=budget)
    assert clock.slept[4:] == [1, 0.5, 0.5]
    assert caplog.records == []


async def test_a_call_gives_up_when_its_patience_for_tokens_is_over(run, caplog):
    clock = Clock()
    budget = TokenBucket(RetryBudget(tokens=1, per_second=0, wait=1.2), clock=clock)
    budget.take(object())
    cause = failure(details="the cause")
    stub = Stub(clock, cause)
    with pytest.raises(EarthEngineError, match="the cause") as caught:
        await run(stub, budget=budget)
    assert clock.slept == [1, 0.5, 0.5]
    assert (len(stub.timeouts), caught.value.context.attempt, caught.value.__cause__) == (1, 1, cause)
    assert "gave up after attempt 1: UNAVAILABLE (UNAVAILABLE); the retry budget is spent" in caplog.text


async def test_ret_10_no_wait_for_a_token_past_the_deadline(run):
    clock = Clock()
    budget = TokenBucket(RetryBudget(tokens=1, per_second=0, wait=60), clock=clock)
    budget.take(object())
    with pytest.raises(EarthEngineError, match="the cause"):
        await run(Stub(clock, failure(details="the cause")), budget=budget, timeout=2.0)
    assert clock.slept == [1, 0.5]
