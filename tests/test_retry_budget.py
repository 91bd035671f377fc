"""The retry budget: its arithmetic, an outage by simulation, and outages on real servers with many callers."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import random
import threading
from concurrent import futures

import grpc
import pytest
from prepared_calls import prepared, told
from retry_doubles import EXPRESSION, Clock, failure
from servers import ScriptedServicer, grpc_server, rest_server
from waiting import PATIENCE

import eegrpc
from eegrpc import RetryBudget, RetryPolicy
from eegrpc._retry import Attempts
from eegrpc._retry_budget import BudgetLedger, TokenBucket
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse

Code = grpc.StatusCode


def spend(bucket):
    """Take all that is there; return how much it was."""
    count = 0
    while bucket.take(bucket):
        count += 1
    return count


def test_tokens_are_spent_earned_and_brought_by_time():
    clock = Clock()
    bucket = TokenBucket(RetryBudget(tokens=4, per_answer=0.5, per_second=0.25), clock=clock)
    assert spend(bucket) == 4
    bucket.answered()
    assert spend(bucket) == 0
    bucket.answered()
    assert spend(bucket) == 1
    clock.now += 8
    assert spend(bucket) == 2
    clock.now += 1000
    for _ in range(1000):
        bucket.answered()
    assert spend(bucket) == 4
    clock.now -= 50  # a clock that is not monotonic takes nothing away
    bucket.answered()
    bucket.answered()
    assert spend(bucket) == 1


@pytest.mark.parametrize(
    "values", [{"tokens": 0.5}, {"per_answer": -1}, {"per_second": float("nan")}, {"wait": float("inf")}], ids=str
)
def test_a_budget_that_makes_no_sense_is_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RetryBudget(**values)


def test_calls_with_equal_budgets_share_one():
    ledger = BudgetLedger()
    assert ledger.bucket(RetryBudget(tokens=7)) is ledger.bucket(RetryBudget(tokens=7))
    assert ledger.bucket(RetryBudget(tokens=7)) is not ledger.bucket(RetryBudget())
    assert ledger.bucket(None) is None


def test_threads_do_not_spend_a_token_twice():
    bucket = TokenBucket(RetryBudget(tokens=1000, per_second=0))
    start = threading.Barrier(8)

    def take(_):
        start.wait()
        return sum(bucket.take(bucket) for _ in range(500))

    with futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1000


# ---- RET-09 by simulation: the real policy, bucket and loop, in a time that only the waits move ----


class Outage:
    """Callers that compute again and again; all requests fail until the server is back. Chance comes from a seed."""

    def __init__(self, seed, seconds, callers=40, round_trip=0.02, *, again=True):
        self.random, self.seconds, self.round_trip, self.again = random.Random(seed).random, seconds, round_trip, again
        self.now = 0.0
        self.bucket = TokenBucket(RetryBudget(), clock=self.clock)
        self.calls, self.requests, self.first_answers = [], [], {}
        self.queue = [(0.1 * self.random(), number, self.caller(number)) for number in range(callers)]
        heapq.heapify(self.queue)

    def clock(self):
        return self.now

    def next_delay(self, failures, elapsed):
        return RetryPolicy().next_delay(failures, elapsed, random=self.random)

    def caller(self, number):
        while True:
            with contextlib.suppress(EarthEngineError):
                yield from self.call(number)
            if not self.again:
                yield math.inf

    def call(self, number):
        attempts = Attempts(self, 330.0, "p", 1, budget=self.bucket, clock=self.clock, random=self.random)
        self.calls.append(self.now)
        while True:
            while (wait := attempts.throttled()) > 0:
                yield wait
            attempts.start()
            self.requests.append(self.now)
            down = self.now < self.seconds
            yield self.round_trip
            if not down:
                attempts.answered(ComputeImagesResponse())
                self.first_answers.setdefault(number, self.now)
                return
            yield attempts.failed(failure())

    def run(self, until):
        while self.queue[0][0] < until:
            self.now, number, caller = heapq.heappop(self.queue)
            heapq.heappush(self.queue, (self.now + next(caller), number, caller))


@pytest.mark.parametrize("seed", range(20))
def test_ret_09_an_outage_of_30_seconds_for_40_callers(seed):
    outage = Outage(seed, 30.0 + 0.37 * seed)
    outage.run(until=outage.seconds + 2.0)
    calls = sum(begun < outage.seconds for begun in outage.calls)
    requests = sum(sent < outage.seconds for sent in outage.requests)
    assert calls >= 200
    assert requests <= calls + 5 + 0.1 * outage.seconds  # the arithmetic of the module
    assert requests <= 1.2 * calls
    # Within 2 s everybody is back but for those, one or two, who are in a long wait that their retries made.
    assert len(outage.first_answers) >= 38


@pytest.mark.parametrize("seed", range(20))
def test_ret_09_an_outage_of_30_seconds_for_40_callers_with_one_call_each(seed):
    outage = Outage(seed, 30.0, again=False)
    outage.run(until=40.0)
    assert len(outage.calls) == 40
    assert len(outage.requests) <= 1.2 * 40


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_calls_of_many_callers_live_through_a_server_that_restarts(seed, seconds):
    outage = Outage(seed, seconds, again=False)
    outage.run(until=40.0)
    assert len(outage.first_answers) == 40
    assert max(outage.first_answers.values()) < seconds + 3.0


@pytest.mark.parametrize("seed", range(20))
def test_a_lone_call_has_all_its_attempts_while_the_server_is_down(seed):
    outage = Outage(seed, 100.0, callers=1, again=False)
    outage.run(until=100.0)
    assert len(outage.requests) == RetryPolicy().max_attempts


def test_while_requests_fail_calls_take_turns():
    clock = Clock()
    bucket = TokenBucket(RetryBudget(tokens=4, per_second=0, wait=8), clock=clock)
    assert bucket.take("first")
    assert bucket.take("second")  # nothing has failed yet
    bucket.failed()
    assert bucket.take("second")  # it competes with nobody
    assert not bucket.take("first")
    assert not bucket.take("second")
    clock.now += 2
    assert bucket.take("first")
    bucket.answered()
    assert bucket.take("second")  # the server is back


def test_a_third_of_failures_is_paid_for_by_the_answers():
    chance = random.Random(9).random
    clock = Clock()
    bucket = TokenBucket(RetryBudget(per_second=0.0), clock=clock)
    for _ in range(10_000):
        if chance() < 1 / 3:
            bucket.take(bucket)
        else:
            bucket.answered()
    assert spend(bucket) > 0


# ---- RET-09 on real servers ----

# No token comes by time, so that what may be sent does not depend on how fast the machine is.
COUNTED = RetryPolicy(initial=0.002, budget=RetryBudget(tokens=4, per_second=0.0, wait=0.02))
PATIENT = RetryPolicy(max_attempts=50, initial=0.002, budget=RetryBudget(tokens=4, per_second=0.0, wait=PATIENCE / 4))


@pytest.fixture(params=["grpc", "rest"])
def world(request):
    """A servicer, and the endpoint and transport by which to reach it."""
    servicer = ScriptedServicer()
    serve = {"grpc": grpc_server, "rest": rest_server}[request.param]
    with serve(servicer) as port:
        yield servicer, {"endpoint": f"http://127.0.0.1:{port}", "transport": request.param}


def call_from_threads(callers, calls, options):
    """Call from so many threads that share a client; return how the calls ended."""

    def caller(client, start):
        start.wait()
        return [outcome(client) for _ in range(calls)]

    def outcome(client):
        try:
            return list(client.compute_images(EXPRESSION))
        except EarthEngineError as error:
            return error.code()

    with eegrpc.EarthEngineClient("p", **options) as client, futures.ThreadPoolExecutor(callers) as pool:
        start = threading.Barrier(callers)
        running = [pool.submit(caller, client, start) for _ in range(callers)]
        return [each for done in running for each in done.result()]


def call_from_tasks(callers, calls, options):
    """The same from tasks of one event loop."""

    async def caller(client):
        return [await outcome(client) for _ in range(calls)]

    async def outcome(client):
        try:
            return [image async for image in await client.compute_images(EXPRESSION)]
        except EarthEngineError as error:
            return error.code()

    async def main():
        async with eegrpc.EarthEngineAsyncClient("p", **options) as client:
            return await asyncio.gather(*(caller(client) for _ in range(callers)))

    return [each for done in asyncio.run(main()) for each in done]


@pytest.mark.parametrize("call", [call_from_threads, call_from_tasks], ids=["sync", "aio"])
def test_ret_09_a_server_that_is_down_gets_few_retries(world, call):
    servicer, options = world
    servicer.answer = lambda request, context: context.abort(Code.UNAVAILABLE, "down")
    assert call(40, 3, {**options, "retry": COUNTED}) == [Code.UNAVAILABLE] * 120
    assert 120 < servicer.calls <= 120 + 4


@pytest.mark.parametrize("call", [call_from_threads, call_from_tasks], ids=["sync", "aio"])
def test_ret_09_callers_that_wait_for_tokens_all_get_through(world, call):
    servicer, options = world
    down = iter([None] * 40)  # each caller's first attempt

    def answer(request, context):
        if next(down, "up") is None:
            context.abort(Code.UNAVAILABLE, "down")
        return ComputeImagesResponse()

    servicer.answer = answer
    assert call(40, 1, {**options, "retry": PATIENT}) == [[]] * 40
    assert servicer.calls == 80


class Always:
    """A policy of the caller's own that sends ten times."""

    def next_delay(self, failures, elapsed):
        return 0.0 if len(failures) < 10 else None


class Unlimited(Always):
    budget = None


class Small(Always):
    budget = RetryBudget(tokens=2, per_second=0.0, wait=0.0)


class Wrong(Always):
    budget = 5


@pytest.mark.parametrize(("policy", "requests"), [(Unlimited(), 40), (Small(), 4 + 2)], ids=["none", "its-own"])
def test_the_budget_of_a_policy_of_ones_own(world, policy, requests):
    servicer, options = world
    servicer.answer = lambda request, context: context.abort(Code.UNAVAILABLE, "down")
    assert call_from_threads(1, 4, {**options, "retry": policy}) == [Code.UNAVAILABLE] * 4
    assert servicer.calls == requests


def test_a_policy_without_a_budget_has_the_default_one():
    defaults = told(Always())
    budget = prepared(EXPRESSION, defaults=defaults).terms.budget
    assert budget is not None
    assert budget is prepared(EXPRESSION, defaults=defaults, retry=RetryPolicy(budget=RetryBudget())).terms.budget


def test_a_budget_that_is_no_budget_is_refused():
    with pytest.raises(TypeError, match="RetryBudget"):
        told(Wrong())


def test_a_budget_of_none_is_no_limit(world):
    servicer, options = world
    servicer.answer = lambda request, context: context.abort(Code.UNAVAILABLE, "down")
    policy = RetryPolicy(initial=0.0, budget=None)
    assert call_from_threads(4, 3, {**options, "retry": policy}) == [Code.UNAVAILABLE] * 12
    assert servicer.calls == 60
