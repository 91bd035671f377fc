"""When a failed call is sent again, and after how long: policy as data, decisions without clock or colour.

Only reads are sent here (computeImages is NO_SIDE_EFFECTS), so sending again is always safe; the question is only
whether it helps. Rules: https://google.aip.dev/194 (what may be retried), gRFC A6 (the deadline spans all attempts;
pushback; throttling), google.rpc.RetryInfo and RFC 9110 section 10.2.3 (the server's word on when).
"""

from __future__ import annotations

import logging
import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, runtime_checkable

import grpc

from eegrpc._processes import load_before_forks
from eegrpc._retry_budget import RetryBudget
from eegrpc.errors import CallContext, EarthEngineError, from_rpc_error, make_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc._retry_budget import TokenBucket

__all__ = ["NO_RETRY", "Attempts", "RetryDecider", "RetryPolicy"]

_log = logging.getLogger("eegrpc")

_T = TypeVar("_T")
_Metadata = tuple[tuple[str, "str | bytes"], ...]

_LONGEST_POLL: Final = 0.5  # seconds between two looks at an empty budget; the shortest is half of it
_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,62}"  # google.rpc.ErrorInfo.reason, as AIP-193 wants it


load_before_forks("random", "eegrpc._retry_delay")  # needed when something fails


def _random() -> float:
    """Return a number from 0 to 1."""
    import random

    return random.random()  # noqa: S311 - spreads waits, guards nothing


@runtime_checkable
class RetryDecider(Protocol):
    """What ``retry=`` takes: `RetryPolicy`, or an object of your own with this method.

    The call's deadline holds whatever it returns: a delay that would pass it is not begun, and the call fails at once
    with its last error. An attribute ``budget`` (a `RetryBudget`, or None for no limit) is used as that of
    `RetryPolicy` is; without one, the default budget holds. Calls of many threads may ask one object at once.

    An example, which retries as usual but gives a crowded server more time::

        class Patient:
            usual = eegrpc.RetryPolicy(max_attempts=10)

            def next_delay(self, failures, elapsed):
                delay = self.usual.next_delay(failures, elapsed)
                if delay is not None and failures[-1].reason == "CONCURRENCY_LIMIT":
                    delay += 5.0
                return delay

        client = eegrpc.EarthEngineClient("my-project", retry=Patient())
    """

    def next_delay(self, failures: Sequence[EarthEngineError], elapsed: float, /) -> float | None:
        """Return how many seconds to wait before the request is sent again, or None when the error is final.

        Args:
            failures: How each attempt of this call failed, the latest last; ``context`` of each has project, page and
                attempt.
            elapsed: Seconds since the call began.
        """
        ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, after how long, and after which failures a call is sent again.

    The n-th wait is a random time up to ``min(initial * multiplier ** (n - 1), maximum)``: full jitter, so that callers
    that failed together do not come back together. When the server says how long to wait (google.rpc.RetryInfo, or
    Retry-After in seconds or as a date), the wait is that plus such a random time; ``grpc-retry-pushback-ms`` is obeyed
    to the millisecond, begins the row of waits anew, and ends the call when it is negative or no number. A wait that
    would pass the call's deadline is not begun: the call fails at once with the last error.

    Args:
        max_attempts: Most times one request is sent; 1 sends it once.
        initial: Upper bound of the first wait, in seconds.
        multiplier: Growth of that bound from wait to wait.
        maximum: Largest bound, in seconds. The server's own word is not cut by it.
        codes: Codes worth another attempt. Of these, errors that are known to come again (a daily quota, an answer over
            the size limit: `EarthEngineError.retryable` is False) are not retried either. An error that says that too
            much was sent at a time counts as RESOURCE_EXHAUSTED, whatever its code: Google has it as 403, too.
        once: Codes that are worth one further attempt, but not a second one in the same call.
        budget: How many retries all calls of a client may send together; None for no limit.

    Raises:
        ValueError: A value makes no sense; the caller must correct it.
    """

    max_attempts: int = 5
    initial: float = 1.0
    multiplier: float = 2.0
    maximum: float = 60.0
    codes: frozenset[grpc.StatusCode] = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
    once: frozenset[grpc.StatusCode] = frozenset({grpc.StatusCode.INTERNAL})
    budget: RetryBudget | None = field(default_factory=RetryBudget)

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts}, but a call is sent at least once: pass 1 or more")
        for name, least in (("initial", 0.0), ("multiplier", 1.0), ("maximum", 0.0)):
            value = getattr(self, name)
            if not least <= value < math.inf:  # also false for NaN
                raise ValueError(f"{name} is {value}; it must be a finite number, {least:g} or more")
        if self.budget is not None and not isinstance(self.budget, RetryBudget):
            raise ValueError(f"budget is a {type(self.budget).__name__}: pass an eegrpc.RetryBudget, or None")

    def bound(self, number: int) -> float:
        """Return the largest random part of the wait of the given number (from 1), in seconds."""
        if self.initial == 0:
            return 0.0
        # In logarithms, because a large power overflows before min() can cut it.
        growth = (number - 1) * math.log(self.multiplier)
        limit = math.log(self.maximum / self.initial) if self.maximum > 0 else -math.inf
        return self.maximum if growth >= limit else self.initial * math.exp(growth)

    def next_delay(
        self,
        failures: Sequence[EarthEngineError],
        elapsed: float,  # noqa: ARG002  # part of RetryDecider; the deadline is the caller's affair
        /,
        *,
        random: Callable[[], float] = _random,
        now: Callable[[], float] = time.time,
    ) -> float | None:
        """Return how many seconds to wait before the request is sent again, or None when the error is final.

        Args:
            failures: How each attempt of this call failed, the latest last.
            elapsed: Seconds since the call began; this policy does not ask.
            random: Gives numbers from 0 to 1.
            now: Gives the time of day as seconds since 1970; asked only when the server names a date.
        """
        from eegrpc._retry_delay import STOP, least_delay, pushback

        error = failures[-1]
        if len(failures) >= self.max_attempts or not self._retries(failures):
            return None
        exact = pushback(error)
        if exact is not None:
            return None if exact == STOP else exact
        number = 1
        while number < len(failures) and pushback(failures[-number - 1]) is None:
            number += 1
        return least_delay(error, now) + random() * self.bound(number)

    def _retries(self, failures: Sequence[EarthEngineError]) -> bool:
        """Return whether the latest failure is of a kind that is sent again."""
        from eegrpc._error_rules import THROTTLED

        error = failures[-1]
        code = grpc.StatusCode.RESOURCE_EXHAUSTED if error.reason in THROTTLED else error.code()
        if code in self.once and code not in self.codes:
            return error.retryable and sum(failure.code() is code for failure in failures) == 1
        return error.retryable and code in self.codes


NO_RETRY: Final = RetryPolicy(max_attempts=1)
"""What ``retry=None`` means."""


class Attempts:
    """The attempts of one call under one deadline: the loop around a stub asks it what to do, and does the waiting.

    Args:
        policy: When to try again.
        timeout: Seconds for the whole call.
        project, page: Which request it is, for errors and log lines, as `CallContext` has them.
        budget: What retries are paid from; None for no limit.
        clock: Gives monotonic seconds.
        random: Gives numbers from 0 to 1, for the waits that an empty budget makes.
    """

    _begun = 0  # attempts
    _failures: tuple[EarthEngineError, ...] = ()
    _call: object = None  # who this is to the budget, once it waits for it
    _patience = 0.0  # seconds for which it still waits for it

    def __init__(
        self,
        policy: RetryDecider,
        timeout: float,
        project: str = "",
        page: int = 0,
        budget: TokenBucket | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random,
    ) -> None:
        self.project = project
        """Resource name of the project."""
        self._policy = policy
        self._timeout = timeout
        self._page = page
        self._budget = budget
        self._clock = clock
        self._random = random
        self._started = clock()

    def throttled(self) -> float:
        """Return the seconds to wait before asking again, because the budget has no token; 0 to go on with `start`.

        Raises:
            EarthEngineError: The last one: the call has waited as long as it may.
        """
        if not self._failures or self._budget is None:
            return 0.0
        if self._call is None:
            self._call, self._patience = object(), self._budget.wait
        if self._budget.take(self._call):
            return 0.0
        wait = _LONGEST_POLL * (0.5 + self._random() / 2)
        if wait > self._patience or self._elapsed() + wait >= self._timeout:
            raise self._given_up("; the retry budget is spent")
        self._patience -= wait
        return wait

    @property
    def made(self) -> int:
        """How many attempts were begun."""
        return self._begun

    def start(self, metadata: _Metadata = ()) -> tuple[float, _Metadata]:
        """Begin an attempt; return the seconds that are left for it, and its metadata.

        From the second attempt on, they have its number and why it is needed.

        Raises:
            EarthEngineError: Nothing is left: the last error if there was one, else DEADLINE_EXCEEDED. Nothing is sent.
        """
        left = self._timeout - (self._clock() - self._started)
        if left <= 0:
            # gRPC would start the call, and may even win the race against a deadline that has passed.
            raise self.expired("before the request was sent")
        self._begun += 1
        if self._failures:
            why = _label(self._failures[-1])
            metadata = (*metadata, ("eegrpc-attempt", str(self._begun)), ("eegrpc-retry-reason", why))
        return left, metadata

    def left(self) -> float:
        """Return the seconds that are left for the call."""
        return self._timeout - self._elapsed()

    def expired(self, when: str) -> EarthEngineError:
        """Return the error for a call whose time passed between attempts: the last one, else DEADLINE_EXCEEDED."""
        if self._failures:
            return self._given_up("; no time is left")
        return make_error(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"timeout of {self._timeout:g} s had passed {when}",
            reason="DEADLINE_EXCEEDED",
            context=CallContext(self.project, self._page),
        )

    def failed(self, cause: grpc.RpcError) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            EarthEngineError: There is no next attempt.
            TypeError, ValueError: The caller's own policy returned what is no delay.
        """
        error = from_rpc_error(cause, context=self._here())
        error.__cause__ = cause
        self._failures = (*self._failures, error)
        if self._budget is not None:
            self._budget.failed()
        elapsed = self._elapsed()
        delay = _checked(self._policy.next_delay(self._failures, elapsed), error)
        if delay is None or elapsed + delay >= self._timeout:
            del error  # as `_given_up` says
            raise self._given_up("" if delay is None else f"; no time is left to wait {delay:.2f} s")
        cause.__traceback__ = None  # by the caller's frame it leads here, where the failures are kept
        _log.info(
            "computeImages for %s, page %d: attempt %d: %s; next in %.2f s", *self._what(), _description(error), delay
        )
        return delay

    def closed(self) -> EarthEngineError:
        """Return the error of a call whose client was closed while it waited for its next attempt."""
        error = make_error(
            grpc.StatusCode.CANCELLED,
            f"the client was closed while the request waited for attempt {self._begun + 1}",
            reason="CANCELLED",
            context=self._here(),
        )
        error.__cause__ = self._failures[-1]
        return error

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
                context=self._here(),
            )
        if self._budget is not None:
            self._budget.answered()
        return response

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _here(self) -> CallContext:
        return CallContext(*self._what())

    def _what(self) -> tuple[str, int, int]:
        return self.project, self._page, self._begun

    def _given_up(self, why: str) -> EarthEngineError:
        """Return the last error, to be raised.

        It must not lead to itself, by its traceback, a frame and what that names: it would keep the call and its
        channel until a garbage collection. So no error stays here.
        """
        error, self._failures = self._failures[-1], ()
        if self._begun > 1 or why:
            _log.warning(
                "computeImages for %s, page %d: gave up after attempt %d: %s%s", *self._what(), _description(error), why
            )
        return error


def _checked(delay: object, error: EarthEngineError) -> float | None:
    """Return what a policy returned, which may be the caller's own."""
    if delay is None:
        return None
    if isinstance(delay, bool) or not isinstance(delay, (int, float)):
        raise TypeError(f"next_delay returned a {type(delay).__name__}: return seconds, or None to give up") from error
    if not delay >= 0:  # also true for NaN
        raise ValueError(f"next_delay returned {delay}: return 0 or more seconds, or None to give up") from error
    return float(delay)


def _label(error: EarthEngineError) -> str:
    """Return the error's reason if it is a name; the code's otherwise, for a server may send any text as reason."""
    return error.reason if re.fullmatch(_NAME, error.reason) else error.code().name


def _description(error: EarthEngineError) -> str:
    return f"{error.code().name} ({_label(error)})"
