"""The retry policy: which failures, how long, and never past the deadline; no clock runs here."""

from __future__ import annotations

import logging

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from eegrpc._async_client import send as send_async
from eegrpc._client import send
from eegrpc._gate import Admission
from eegrpc._retry import NO_RETRY, Attempts, RetryPolicy, decide
from eegrpc.errors import CallContext, EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

Code = grpc.StatusCode
POLICY = RetryPolicy()


def failure(code=Code.UNAVAILABLE, details="x", *, retry_info=None, retry_after=None, initial=False):
    metadata = []
    if retry_after is not None:
        metadata.append(("retry-after", retry_after))
    trailing = []
    if retry_info is not None:
        status = status_pb2.Status(code=code.value[0], message=details)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=retry_info))
        trailing.append(("grpc-status-details-bin", status.SerializeToString()))
    if initial:
        return EarthEngineError(code, details, initial_metadata=metadata, trailing_metadata=trailing)
    return EarthEngineError(code, details, trailing_metadata=trailing + metadata)


def wait(error, *, attempt=1, policy=POLICY, elapsed=0.0, timeout=330.0, random=1.0, now=0.0):
    return decide(policy, attempt, error, elapsed=elapsed, timeout=timeout, random=lambda: random, now=lambda: now)


def test_waits_grow_to_the_maximum():
    policy = RetryPolicy(max_attempts=100)
    assert [round(wait(failure(), attempt=n, policy=policy), 9) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert RetryPolicy(max_attempts=10**9).bound(10**8) == 60
    assert RetryPolicy(initial=0).bound(3) == 0
    assert RetryPolicy(maximum=0).bound(3) == 0


def test_jitter_is_full():
    assert wait(failure(), attempt=3, random=0.0) == 0
    assert wait(failure(), attempt=3, random=0.5) == 2


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_ret_03_only_two_codes_are_retried(code):
    assert (wait(failure(code)) is not None) is (code in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED))


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (Code.RESOURCE_EXHAUSTED, "Quota exceeded: EECU-seconds per day"),
        (Code.RESOURCE_EXHAUSTED, "Received message larger than max (200 vs. 100)"),
        (Code.INVALID_ARGUMENT, "Computation timed out."),
        (Code.INVALID_ARGUMENT, "User memory limit exceeded."),
        (Code.UNAVAILABLE, "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_ret_07_failures_that_come_again_are_not_retried(code, details):
    assert wait(failure(code, details)) is None


def test_attempts_are_bounded():
    assert wait(failure(), attempt=4) is not None
    assert wait(failure(), attempt=5) is None
    assert wait(failure(), attempt=1, policy=NO_RETRY) is None


@pytest.mark.parametrize("initial", [False, True], ids=["trailing", "initial"])
@pytest.mark.parametrize(
    ("value", "floor"),
    [
        pytest.param("2", 2.0, id="RET-04-seconds"),
        pytest.param("Thu, 01 Jan 1970 00:01:40 GMT", 7.0, id="RET-04-date"),
        pytest.param("Thu, 01 Jan 1970 00:01:00 GMT", 0.0, id="RET-04-date-passed"),
        pytest.param("-1", 0.0, id="RET-04-negative"),
        pytest.param("soon", 0.0, id="RET-04-text"),
        pytest.param("", 0.0, id="RET-04-empty"),
        pytest.param("1.5", 0.0, id="RET-04-fraction"),
        pytest.param("\u0662", 0.0, id="RET-04-arabic-digit"),
    ],
)
def test_ret_04_retry_after(value, floor, initial):
    assert wait(failure(retry_after=value, initial=initial), random=0.0, now=93.0) == floor


@pytest.mark.parametrize("value", ["1000000000", "9" * 400], ids=["RET-04-beyond", "RET-04-400-digits"])
def test_ret_04_retry_after_beyond_the_deadline_fails_at_once(value):
    assert wait(failure(retry_after=value), random=0.0) is None


def test_ret_05_the_longer_word_holds_and_jitter_goes_upward():
    error = failure(retry_info=Duration(seconds=3), retry_after="1")
    assert wait(error, random=0.0) == 3
    assert wait(error, random=1.0) == 4
    assert wait(failure(retry_info=Duration(seconds=1, nanos=500_000_000), retry_after="2"), random=0.0) == 2
    assert wait(failure(retry_info=Duration(seconds=-5)), random=0.0) == 0


def test_ret_10_a_wait_past_the_deadline_is_not_begun():
    assert wait(failure(), attempt=3, elapsed=6.0, timeout=10.0) is None  # 6 + 4 leaves nothing for the attempt
    assert wait(failure(), attempt=3, elapsed=5.9, timeout=10.0) == 4


@pytest.mark.parametrize(
    "values",
    [
        {"max_attempts": 0},
        {"initial": -1},
        {"initial": float("nan")},
        {"multiplier": 0.5},
        {"maximum": float("inf")},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RetryPolicy(**values)


# ---- the loop around a stub, with a clock that only sleeping moves ----


class Clock:
    """Monotonic time and the sleep that passes it."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds):
        self.sleep(seconds)


class Stub:
    """A multicallable that fails as told, then answers; it notes the timeouts."""

    def __init__(self, clock, *failures, takes=0.0):
        self.clock, self.failures, self.takes = clock, list(failures), takes
        self.timeouts = []

    def __call__(self, request, timeout, metadata):
        self.timeouts.append(timeout)
        self.clock.now += self.takes
        if self.failures:
            raise self.failures.pop(0)
        return ComputeImagesResponse(next_page_token="answered")

    async def call_async(self, request, timeout, metadata):
        return self(request, timeout, metadata)


@pytest.fixture(params=["sync", "aio"])
def run(request):
    """Send through the client's loop; the same table serves both colours."""

    async def run(stub, policy=POLICY, timeout=330.0):
        context = CallContext("projects/p", page=2)
        attempts = Attempts(policy, timeout, context, clock=stub.clock, random=lambda: 1.0)
        if request.param == "sync":
            return send(stub, ComputeImagesRequest(), (), attempts, Admission(), stub.clock.sleep)
        return await send_async(
            stub.call_async, ComputeImagesRequest(), (), attempts, Admission(), stub.clock.sleep_async
        )

    return run


async def test_ret_01_fails_three_times_then_answers(run, caplog):
    caplog.set_level(logging.INFO, "eegrpc")
    stub = Stub(Clock(), failure(), failure(Code.RESOURCE_EXHAUSTED), failure(), takes=0.5)
    assert (await run(stub)).next_page_token == "answered"
    assert stub.clock.slept == pytest.approx([1, 2, 4])
    assert stub.timeouts == pytest.approx([330, 328.5, 326, 321.5])  # what is left of one budget
    assert [record.levelname for record in caplog.records] == ["INFO"] * 3
    assert "projects/p, page 2: attempt 1: UNAVAILABLE (UNAVAILABLE); next in 1.00 s" in caplog.text


async def test_ret_02_gives_up_with_the_last_error(run, caplog):
    failures = [failure(details=f"failure {n}") for n in range(1, 9)]
    stub = Stub(Clock(), *failures)
    with pytest.raises(EarthEngineError) as caught:
        await run(stub)
    assert len(stub.timeouts) == 5
    assert caught.value.details() == "failure 5"
    assert caught.value.context == CallContext("projects/p", page=2, attempt=5)
    assert caught.value.__cause__ is failures[4]
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == ["WARNING"]


async def test_ret_12_without_retry_one_attempt(run, caplog):
    caplog.set_level(logging.INFO, "eegrpc")
    stub = Stub(Clock(), failure())
    with pytest.raises(EarthEngineError):
        await run(stub, NO_RETRY)
    assert (len(stub.timeouts), stub.clock.slept, caplog.records) == (1, [], [])


async def test_ret_10_no_sleep_past_the_deadline(run):
    stub = Stub(Clock(), failure(), failure(), failure(), takes=1.0)
    with pytest.raises(EarthEngineError) as caught:
        await run(stub, timeout=4.5)  # 1 s, wait 1 s, 1 s; waiting 2 s would end at 5 s
    assert caught.value.code() is Code.UNAVAILABLE
    assert stub.clock.slept == [1]


async def test_a_sleep_that_took_too_long_ends_with_the_last_error(run):
    clock = Clock()
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + 100)
    stub = Stub(clock, failure(details="the cause"), failure())
    with pytest.raises(EarthEngineError, match="the cause"):
        await run(stub, timeout=50)
    assert len(stub.timeouts) == 1


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
