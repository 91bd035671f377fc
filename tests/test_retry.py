"""The retry policy: which failures, how long, and in whose words; no clock runs here. Attempts: test_attempts.py."""

from __future__ import annotations

import random as randomness

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from retry_doubles import failure

from eegrpc._retry import NO_RETRY, RetryPolicy

Code = grpc.StatusCode
POLICY = RetryPolicy()


def never():
    raise AssertionError("nobody asks for the time of day")


def wait(error, *, attempt=1, before=None, policy=POLICY, random=1.0, now=never):
    """The delay after the attempt of this number, when the ones before failed as `before`, or with UNAVAILABLE."""
    failures = [*(before or [failure()] * (attempt - 1)), error]
    return policy.next_delay(failures, 0.0, random=lambda: random, now=now)


def test_waits_grow_to_the_maximum():
    policy = RetryPolicy(max_attempts=100)
    assert [round(wait(failure(), attempt=n, policy=policy), 9) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert RetryPolicy(max_attempts=10**9).bound(10**8) == 60
    assert RetryPolicy(initial=0).bound(3) == 0
    assert RetryPolicy(maximum=0).bound(3) == 0


def test_jitter_is_full():
    assert wait(failure(), attempt=3, random=0.0) == 0
    assert wait(failure(), attempt=3, random=0.5) == 2


@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 5, 9])
def test_ret_01_the_wait_is_random_up_to_the_bound(attempt):
    # The row asks for 0.8 to 1.2 times the bound, as gRFC A6 has it. Full jitter is what was decided on: it spreads
    # callers that failed together over the whole of it.
    policy = RetryPolicy(max_attempts=100)
    bound = min(2.0 ** (attempt - 1), 60.0)
    assert [wait(failure(), attempt=attempt, policy=policy, random=part) for part in (0.0, 0.5, 1.0)] == pytest.approx(
        [0.0, bound / 2, bound]
    )


OTHER_CODES = [c for c in Code if c not in (Code.OK, Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.INTERNAL)]


@pytest.mark.parametrize("code", OTHER_CODES)
def test_ret_03_other_codes_are_not_retried(code):
    assert wait(failure(code)) is None


def test_ret_03_internal_is_sent_once_more():
    internal = failure(Code.INTERNAL, "An internal error has occurred")
    assert wait(internal, random=0.5) == 0.5
    assert wait(internal, before=[failure()]) == 2
    assert wait(internal, before=[internal]) is None
    assert wait(internal, before=[internal, failure()]) is None
    assert wait(failure(), before=[internal]) == 2
    assert wait(internal, before=[internal], policy=RetryPolicy(codes=frozenset({Code.INTERNAL}))) == 2
    assert wait(internal, policy=RetryPolicy(once=frozenset())) is None


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (Code.RESOURCE_EXHAUSTED, "Quota exceeded: EECU-seconds per day"),
        (Code.RESOURCE_EXHAUSTED, "User memory limit exceeded."),
        (Code.INTERNAL, "Computation timed out."),
        (Code.RESOURCE_EXHAUSTED, "Received message larger than max (200 vs. 100)"),
        (Code.INVALID_ARGUMENT, "Computation timed out."),
        (Code.INVALID_ARGUMENT, "User memory limit exceeded."),
        (Code.UNAVAILABLE, "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_ret_07_failures_that_come_again_are_not_retried(code, details):
    assert wait(failure(code, details)) is None


@pytest.mark.parametrize(
    ("code", "reason", "again"),
    [
        pytest.param(Code.PERMISSION_DENIED, "rateLimitExceeded", True, id="RET-08-rate"),
        pytest.param(Code.PERMISSION_DENIED, "userRateLimitExceeded", True, id="RET-08-user-rate"),
        pytest.param(Code.PERMISSION_DENIED, "dailyLimitExceeded", False, id="RET-08-daily"),
        pytest.param(Code.PERMISSION_DENIED, "quotaExceeded", False, id="RET-08-quota"),
        pytest.param(Code.PERMISSION_DENIED, "forbidden", False, id="RET-08-forbidden"),
        pytest.param(Code.PERMISSION_DENIED, None, False, id="RET-08-no-reason"),
        pytest.param(Code.UNAUTHENTICATED, "rateLimitExceeded", False, id="RET-08-another-code"),
    ],
)
def test_ret_08_a_403_for_the_rate_is_a_rate_limit(code, reason, again):
    error = failure(code, "User Rate Limit Exceeded", reason=reason)
    assert (wait(error) is not None) is again
    if again:
        assert error.reason == "RATE_LIMIT_EXCEEDED"
        assert wait(error, policy=RetryPolicy(codes=frozenset({Code.UNAVAILABLE}))) is None


def test_too_many_aggregations_are_retried_under_either_code():
    for code in (Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED):
        assert wait(failure(code, "Too many concurrent aggregations.")) == 1


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
    assert wait(failure(retry_after=value, initial=initial), random=0.0, now=lambda: 93.0) == floor
    assert wait(failure(retry_after=value, initial=initial), random=1.0, now=lambda: 93.0) == floor + 1


def test_ret_13_only_a_date_needs_the_time_of_day():
    asked = []

    def now():
        asked.append(1)
        return 0.0

    for error in (failure(), failure(retry_after="2"), failure(retry_after="soon"), failure(pushback="5")):
        wait(error, now=now)
    assert asked == []
    wait(failure(retry_after="Thu, 01 Jan 1970 00:01:40 GMT"), now=now)
    assert asked == [1]


def test_ret_05_the_longer_word_holds_and_jitter_goes_upward():
    error = failure(retry_info=Duration(seconds=3), retry_after="1")
    assert wait(error, random=0.0) == 3
    assert wait(error, random=1.0) == 4
    assert wait(failure(retry_info=Duration(seconds=1, nanos=500_000_000), retry_after="2"), random=0.0) == 2
    assert wait(failure(retry_info=Duration(seconds=-5)), random=0.0) == 0


@pytest.mark.parametrize("initial", [False, True], ids=["trailing", "initial"])
@pytest.mark.parametrize(
    ("value", "delay"),
    [
        pytest.param("300", 0.3, id="RET-06-300"),
        pytest.param("0", 0.0, id="RET-06-0"),
        pytest.param(" 7 ", 0.007, id="RET-06-blanks"),
        pytest.param("-1", None, id="RET-06-negative"),
        pytest.param("x", None, id="RET-06-text"),
        pytest.param("", None, id="RET-06-empty"),
        pytest.param("1.5", None, id="RET-06-fraction"),
        pytest.param("-9223372036854775808", None, id="RET-06-what-grpc-makes-of-text"),
        pytest.param("9" * 400, None, id="RET-06-400-digits"),
        pytest.param("\u0663", None, id="RET-06-arabic-digit"),
    ],
)
def test_ret_06_pushback_is_exact_or_the_end(value, delay, initial):
    error = failure(pushback=value, initial=initial, retry_after="9", retry_info=Duration(seconds=8))
    assert wait(error, attempt=3) == delay


def test_ret_06_pushback_does_not_make_an_error_worth_retrying():
    assert wait(failure(Code.INVALID_ARGUMENT, pushback="1")) is None
    assert wait(failure(pushback="1"), attempt=5) is None


def test_ret_06_after_pushback_the_waits_begin_anew():
    pushed = failure(pushback="1")
    assert wait(failure(), before=[failure(), failure(), pushed]) == 1
    assert wait(failure(), before=[failure(), pushed, failure()]) == 2


@pytest.mark.parametrize("error", [failure(), failure(retry_after="2")], ids=["RET-11-alone", "RET-11-retry-after"])
def test_ret_11_callers_that_failed_together_come_back_apart(error):
    random = randomness.Random(11).random
    again = sorted(POLICY.next_delay([error], 0.0, random=random) for _ in range(1000))
    together = max(sum(1 for later in again[i:] if later < first + 0.010) for i, first in enumerate(again))
    assert together <= 50


@pytest.mark.parametrize(
    "values",
    [
        {"max_attempts": 0},
        {"initial": -1},
        {"initial": float("nan")},
        {"multiplier": 0.5},
        {"maximum": float("inf")},
        {"budget": 10},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RetryPolicy(**values)
