"""What calls with the same arguments have in common: checked once, and kept for the next call that says the same."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from eegrpc._pages import DEFAULT_PAGE_SIZE
from eegrpc._requests import count, own_metadata, project_name, request_start
from eegrpc._retry import NO_RETRY, RetryDecider, RetryPolicy
from eegrpc._retry_budget import BudgetLedger, RetryBudget

if TYPE_CHECKING:
    from types import EllipsisType

    from eegrpc._requests import Metadata
    from eegrpc._retry_budget import TokenBucket

__all__ = ["DEFAULT_TIMEOUT", "Defaults", "Terms", "seconds"]

DEFAULT_TIMEOUT: Final = 330.0
"""Seconds for one page: Earth Engine computes for up to five minutes, and the answer has to travel."""

_DEFAULT_BUDGET: Final = RetryBudget()
_MAX_TIMEOUT: Final = 365 * 86400.0  # gRPC takes much larger ones for a deadline that has passed
_KEPT: Final = 128  # terms of one client


class Terms(NamedTuple):
    """The arguments of a call but for the expression and the page token, checked."""

    project: str
    """Resource name."""
    start: bytes
    """The encoded request, without the expression and the page token."""
    metadata: Metadata
    timeout: float
    """Seconds for each page, all its attempts together."""
    limit: int | None
    prefetch: int
    """Most pages to fetch before they are asked for."""
    max_empty_pages: int
    """Most empty pages in a row."""
    retry: RetryDecider
    budget: TokenBucket | None
    """What its retries are paid from; None for no limit."""


class Defaults:
    """What a client was told once. Its calls may change most of it.

    Args:
        project: Project that pays, by id, number or as ``projects/...``.
        retry: When to send again; ``...`` for the default policy.
        timeout: Seconds for each page, all its attempts together; ``...`` and None for the default.
        prefetch: Most pages to fetch before they are asked for.
        max_empty_pages: Most empty pages in a row.
        own_channel: Whether the client makes its channel.

    Raises:
        TypeError, ValueError: An argument makes no sense; the caller must correct it.
        EarthEngineError: INVALID_ARGUMENT: the project is malformed, or a number is negative.
    """

    def __init__(
        self,
        project: str | None,
        retry: RetryDecider | EllipsisType | None,
        timeout: float | EllipsisType | None,
        *,
        prefetch: int,
        max_empty_pages: int,
        own_channel: bool,
    ) -> None:
        self.retry = RetryPolicy() if retry is ... else _policy(retry)
        self._budgets = BudgetLedger()
        told = Terms(
            project="" if project is None else project_name(project),
            start=b"",
            metadata=(),
            timeout=seconds(timeout, DEFAULT_TIMEOUT),
            limit=None,
            prefetch=_number("prefetch", prefetch),
            max_empty_pages=_number("max_empty_pages", max_empty_pages),
            retry=self.retry,
            budget=self._budgets.bucket(_budget(self.retry)),
        )
        self.refuse_auth = own_channel
        """Whether single calls may not say who calls: so on channels that the client makes; others decide that."""
        self.terms = lru_cache(maxsize=_KEPT, typed=True)(partial(_terms, told))
        """The terms of a call by arguments as `_terms` takes them, which must be hashable: those that come again.

        Timeouts, metadata and policies are put in afterwards: they may be others with each call, or equal without being
        the same.
        """

    def with_retry(self, terms: Terms, retry: RetryDecider | None) -> Terms:
        """Return the terms of a call that brings its own policy.

        Raises:
            TypeError: `retry` is something else, or its budget is; the caller must correct it.
        """
        policy = _policy(retry)
        return terms._replace(retry=policy, budget=self._budgets.bucket(_budget(policy)))


def _terms(
    told: Terms,
    project: str | None,
    page_size: int | None,
    workload_tag: str | None,
    mask: str | None,
    limit: int | None,
    prefetch: int | None,
) -> Terms:
    """Return the terms of a call by what its client was told and by the arguments of ``compute_images``.

    Raises:
        TypeError: An argument has the wrong type.
        EarthEngineError: INVALID_ARGUMENT: an argument is refused; the message and the google.rpc.BadRequest name it.
    """
    name = told.project if project is None else project_name(project)
    size, most = count("page_size", page_size), count("limit", limit)
    if most is not None and most < (size or DEFAULT_PAGE_SIZE):
        size = most
    return told._replace(
        project=name,
        start=request_start(name, size, workload_tag),
        metadata=own_metadata(name, mask),
        limit=most,
        prefetch=told.prefetch if prefetch is None else _number("prefetch", prefetch),
    )


def _policy(retry: RetryDecider | EllipsisType | None) -> RetryDecider:
    if retry is None:
        return NO_RETRY
    if isinstance(retry, type) or not isinstance(retry, RetryDecider):
        raise TypeError(
            f"retry is a {type(retry).__name__}: pass an eegrpc.RetryPolicy, an object with its method next_delay, "
            "or None for one attempt"
        )
    if not isinstance(_budget(retry), RetryBudget | None):
        raise TypeError(f"retry.budget is a {type(_budget(retry)).__name__}: pass an eegrpc.RetryBudget, or None")
    return retry


def _budget(retry: RetryDecider) -> RetryBudget | None:
    """Return the budget of a policy; the default one for a policy of the caller's own that says nothing of it."""
    return getattr(retry, "budget", _DEFAULT_BUDGET)


def _number(name: str, value: int) -> int:
    number = count(name, value)
    if number is None:
        raise TypeError(f"{name} is None: pass an int")
    return number


def seconds(timeout: float | EllipsisType | None, default: float) -> float:
    """Return a timeout in seconds; the default for None and ``...``.

    Raises:
        TypeError, ValueError: It is no number; the caller must correct it.
    """
    if timeout is ... or timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout is a {type(timeout).__name__}: pass seconds as a number")
    if math.isnan(timeout):
        raise ValueError("timeout is not a number (NaN): pass seconds")
    return float(min(timeout, _MAX_TIMEOUT))
