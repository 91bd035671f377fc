"""When a failed call is sent again, and after how long: policy as data, decisions without clock or colour.

Only reads are sent here (computeImages is NO_SIDE_EFFECTS), so sending again is always safe; the question is only
whether it helps. Rules: https://google.aip.dev/194 (what may be retried), gRFC A6 (the deadline spans all attempts),
google.rpc.RetryInfo and RFC 9110 section 10.2.3 (the server's word on when).
"""

from __future__ import annotations

import logging
import math
import random as _random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2

from eegrpc.errors import CallContext, EarthEngineError, from_rpc_error, make_error

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Attempts", "RetryPolicy", "asked_delay", "decide"]

_log = logging.getLogger("eegrpc")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, after how long, and after which failures a call is sent again.

    The n-th wait is a random time up to ``min(initial * multiplier ** (n - 1), maximum)``: full jitter, so that callers
    that failed together do not come back together. When the server says how long to wait (google.rpc.RetryInfo, or
    Retry-After in seconds or as a date), the wait is that plus such a random time. A wait that would pass the call's
    deadline is not begun: the call fails at once with the last error.

    Args:
        max_attempts: Most times one request is sent; 1 sends it once.
        initial: Upper bound of the first wait, in seconds.
        multiplier: Growth of that bound from wait to wait.
        maximum: Largest bound, in seconds. The server's own word is not cut by it.
        codes: Codes worth another attempt. Of these, errors that are known to come again (a daily quota, an answer over
            the size limit: `EarthEngineError.retryable` is False) are not retried either.

    Raises:
        ValueError: A value makes no sense; the caller must correct it.
    """

    max_attempts: int = 5
    initial: float = 1.0
    multiplier: float = 2.0
    maximum: float = 60.0
    codes: frozenset[grpc.StatusCode] = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts}, but a call is sent at least once: pass 1 or more")
        for name, least in (("initial", 0.0), ("multiplier", 1.0), ("maximum", 0.0)):
            value = getattr(self, name)
            if not least <= value < math.inf:  # also false for NaN
                raise ValueError(f"{name} is {value}; it must be a finite number, {least:g} or more")

    def bound(self, attempt: int) -> float:
        """Return the largest random wait after the given attempt (from 1), in seconds."""
        if self.initial == 0:
            return 0.0
        # In logarithms, because a large power overflows before min() can cut it.
        growth = (attempt - 1) * math.log(self.multiplier)
        limit = math.log(self.maximum / self.initial) if self.maximum > 0 else -math.inf
        return self.maximum if growth >= limit else self.initial * math.exp(growth)


NO_RETRY: Final = RetryPolicy(max_attempts=1)
"""What ``retry=None`` means."""


def decide(
    policy: RetryPolicy,
    attempt: int,
    error: EarthEngineError,
    *,
    elapsed: float,
    timeout: float,
    random: Callable[[], float] = _random.random,
    now: Callable[[], float] = time.time,
) -> float | None:
    """Return how many seconds to wait before the request is sent again, or None when the error is final.

    Args:
        policy: The caller's policy.
        attempt: Number of the attempt that failed, from 1.
        error: How it failed.
        elapsed: Seconds since the call began.
        timeout: Seconds that the call may take in all, attempts and waits together.
        random: Gives numbers from 0 to 1.
        now: Gives the time of day as seconds since 1970; asked only when the server names a date.
    """
    if attempt >= policy.max_attempts or not error.retryable or error.code() not in policy.codes:
        return None
    delay = asked_delay(error, now) + random() * policy.bound(attempt)
    return delay if elapsed + delay < timeout else None


class Attempts:
    """The attempts of one call under one deadline: the loop around a stub asks it what to do, and does the waiting.

    Args:
        policy: When to try again.
        timeout: Seconds for the whole call.
        context: The request, for errors and log lines; its attempt is counted here.
        clock: Gives monotonic seconds.
        random: Gives numbers from 0 to 1.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        timeout: float,
        context: CallContext,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._policy = policy
        self._timeout = timeout
        self._context = context
        self._clock = clock
        self._random = random
        self._started = clock()
        self._attempt = 0
        self._last: EarthEngineError | None = None

    def start(self) -> float:
        """Begin an attempt; return the seconds that are left for it.

        Raises:
            EarthEngineError: Nothing is left: the last error if there was one, else DEADLINE_EXCEEDED. Nothing is sent.
        """
        left = self.left()
        if left <= 0:
            # gRPC would start the call, and may even win the race against a deadline that has passed.
            raise self.expired("before the request was sent")
        self._attempt += 1
        return left

    def left(self) -> float:
        """Return the seconds that are left for the call."""
        return self._timeout - (self._clock() - self._started)

    def expired(self, when: str) -> EarthEngineError:
        """Return the error for a call whose time passed between attempts: the last one, else DEADLINE_EXCEEDED."""
        return self._last or make_error(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"timeout of {self._timeout:g} s had passed {when}",
            reason="DEADLINE_EXCEEDED",
            context=self._context,
        )

    def failed(self, cause: grpc.RpcError) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            EarthEngineError: There is no next attempt.
        """
        context = CallContext(self._context.project, self._context.page, self._attempt)
        error = from_rpc_error(cause, context=context)
        elapsed = self._clock() - self._started
        delay = decide(self._policy, self._attempt, error, elapsed=elapsed, timeout=self._timeout, random=self._random)
        what = (context.project, context.page, self._attempt, error.code().name, error.reason)
        if delay is None:
            if self._attempt > 1:
                _log.warning("computeImages for %s, page %d: gave up after attempt %d: %s (%s)", *what)
            raise error from cause
        _log.info("computeImages for %s, page %d: attempt %d: %s (%s); next in %.2f s", *what, delay)
        self._last = error
        return delay

    def answered(self, response: _T | None) -> _T:
        """Return the response, once it is known to be one.

        Raises:
            EarthEngineError: INTERNAL, reason BAD_RESPONSE: the call ended with OK and without a message, which gRPC
                gives as None when the answer was cut or missing. Whoever runs the server must act.
        """
        if response is None:
            raise make_error(
                grpc.StatusCode.INTERNAL,
                "the call ended with OK but without a whole message",
                reason="BAD_RESPONSE",
                context=CallContext(self._context.project, self._context.page, self._attempt),
            )
        return response


def asked_delay(error: EarthEngineError, now: Callable[[], float] = time.time) -> float:
    """Return the longest wait in seconds that the server asks for; 0 when it asks for none that makes sense."""
    metadata = (*error.initial_metadata(), *error.trailing_metadata())
    asked = [_retry_after_delay(value, now) for key, value in metadata if key == "retry-after"]
    asked.append(_retry_info_delay(error))
    return max(asked)


def _retry_info_delay(error: EarthEngineError) -> float:
    """Return the delay of the status's google.rpc.RetryInfo, else 0."""
    info = error_details_pb2.RetryInfo()
    for detail in error.status.details:
        if detail.Is(info.DESCRIPTOR):
            try:
                detail.Unpack(info)
            except DecodeError:
                continue
            return max(0.0, float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9))
    return 0.0


def _retry_after_delay(value: str | bytes, now: Callable[[], float]) -> float:
    """Return the delay of a Retry-After field, which is a number of seconds or a date; 0 when it is neither."""
    text = (value.decode("latin-1") if isinstance(value, bytes) else value).strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 16 else math.inf
    until = _timestamp(text)
    return 0.0 if until is None else max(0.0, until - now())


def _timestamp(text: str) -> float | None:
    """Return an HTTP date as seconds since 1970, or None when it is not one."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
