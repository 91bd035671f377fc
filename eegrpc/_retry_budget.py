"""The retry budget: retries are paid for with tokens, so that many callers cannot melt a server that is down.

The idea is the throttling of gRFC A6, whose bucket ends calls when it is half empty; here calls wait for theirs to
fill. With the calls and answers of one client, in any stretch of time:

    requests <= calls + tokens + per_answer * answers + per_second * seconds

While everything fails, there are no answers, and almost every request is the first of its call: in 30 s the bucket
gives at most 5 + 3 retries, which is a fifth of 40 calls, and less of more. While up to two thirds of the requests
fail, answers pay for all retries. A retry that cannot be paid for is put off: its call asks again until answers of
others, or time, have brought a token, or until it has waited `RetryBudget.wait`.

So few retries must not all be spent in the first moment of an outage, when all calls fail together, or those that wait
would never hear that the server is back. While requests fail, calls that compete therefore take turns, `wait / tokens`
seconds apart, so that what was saved lasts for as long as they wait. A call that nobody competes with is not held up.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegrpc._processes import restart_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BudgetLedger", "RetryBudget", "TokenBucket"]


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """How many retries the calls of one client may send together. First attempts are never held back.

    Args:
        tokens: Most retries that can be saved up; each retry costs one. So many can follow each other at once.
        per_answer: Tokens that each answered call brings. With more than 1, the calls that wait for a server are back
            soon after its first answer: each answer sends further ones.
        per_second: Tokens that time brings, for calls that are made seldom.
        wait: Longest that one call waits for tokens in all, in seconds; then it fails with its last error.

    Raises:
        ValueError: A value makes no sense; the caller must correct it.
    """

    tokens: float = 5.0
    per_answer: float = 2.0
    per_second: float = 0.1
    wait: float = 3.0

    def __post_init__(self) -> None:
        for name, least in (("tokens", 1.0), ("per_answer", 0.0), ("per_second", 0.0), ("wait", 0.0)):
            value = getattr(self, name)
            if not least <= value < math.inf:  # also false for NaN
                raise ValueError(f"{name} is {value}; it must be a finite number, {least:g} or more")


class TokenBucket:
    """What is left of one budget; threads and tasks share it. Its lock is held for a few additions only.

    Args:
        budget: The terms.
        clock: Gives monotonic seconds.
    """

    def __init__(self, budget: RetryBudget, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.wait = budget.wait
        """Longest that one call waits for tokens, in seconds."""
        self._budget = budget
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = budget.tokens
        self._counted = clock()
        self._failing = False
        self._spacing = budget.wait / budget.tokens
        self._taken_at = -math.inf
        self._taken_by: object = None
        self._competed = False  # whether another call has asked since
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Pay for the child's own retries, from what was left."""
        self._lock = threading.Lock()

    def take(self, call: object) -> bool:
        """Pay for a retry of `call`; False when there is no token, or it is not its turn: nothing was taken."""
        with self._lock:
            now = self._clock()
            self._add(self._budget.per_second * max(0.0, now - self._counted))
            self._counted = now
            self._competed = self._competed or call is not self._taken_by
            too_soon = self._failing and self._competed and now - self._taken_at < self._spacing
            if self._tokens < 1.0 or too_soon:
                return False
            self._tokens -= 1.0
            self._taken_at, self._taken_by, self._competed = now, call, False
            return True

    def failed(self) -> None:
        """Take note of a request that failed."""
        self._failing = True

    def answered(self) -> None:
        """Count an answer."""
        if not self._failing and self._tokens >= self._budget.tokens:
            return  # it would bring nothing: a full bucket was filled by an answer, and that gave everybody a turn
        with self._lock:
            self._failing = False
            self._taken_at = -math.inf
            self._add(self._budget.per_answer)

    def _add(self, tokens: float) -> None:
        self._tokens = min(self._budget.tokens, self._tokens + tokens)


class BudgetLedger:
    """The buckets of one client: calls whose policies have equal budgets share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[RetryBudget, TokenBucket] = {}
        restart_in_children(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def bucket(self, budget: RetryBudget | None) -> TokenBucket | None:
        """Return the bucket of a budget; None for None, which is no limit."""
        if budget is None:
            return None
        with self._lock:
            bucket = self._buckets.get(budget)
            if bucket is None:
                bucket = self._buckets[budget] = TokenBucket(budget)
            return bucket
