"""One computeImages call: what a client was told once, what a call changes, and the record both clients work from.

Colourless: the two clients differ only in how they wait.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from eegrpc._pages import Pages
from eegrpc._requests import build_request, call_metadata, count, project_name
from eegrpc._retry import NO_RETRY, Attempts, RetryDecider, RetryPolicy
from eegrpc._retry_budget import BudgetLedger, RetryBudget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import EllipsisType

    from google.protobuf.field_mask_pb2 import FieldMask

    from eegrpc._requests import Metadata
    from eegrpc._retry_budget import TokenBucket
    from eegrpc.v1alpha import ComputeImagesRequest

__all__ = [
    "DEFAULT_CONCURRENCY",
    "DEFAULT_TIMEOUT",
    "Defaults",
    "PreparedCall",
    "check_channel",
    "own_channel_options",
    "prepare",
]

DEFAULT_CONCURRENCY: Final = 32
"""Computations of a batch at a time: most of the 40 that Earth Engine allows a project, so that others have some."""

DEFAULT_TIMEOUT: Final = 330.0
"""Seconds for one page: Earth Engine computes for up to five minutes, and the answer has to travel."""

_DEFAULT_BUDGET: Final = RetryBudget()
_MAX_TIMEOUT: Final = 365 * 86400.0  # gRPC takes much larger ones for a deadline that has passed


class Defaults(NamedTuple):
    """What a client was told once and each of its calls may change. Made by `check`."""

    project: str
    """Resource name, or empty."""
    retry: RetryDecider
    timeout: float
    """Seconds."""
    prefetch: int
    """Pages."""
    max_empty_pages: int
    refuse_auth: bool
    """Whether single calls may not say who calls: so on channels that the client makes; others decide themselves."""
    budgets: BudgetLedger
    """What retries are paid from, shared by the client's calls."""
    budget: TokenBucket | None
    """The one that `retry` is paid from."""

    @classmethod
    def check(
        cls,
        project: str | None,
        retry: RetryDecider | EllipsisType | None,
        timeout: float | EllipsisType | None,
        *,
        prefetch: int,
        max_empty_pages: int,
        own_channel: bool,
    ) -> Defaults:
        """Return the defaults of a client.

        Raises:
            TypeError, ValueError: An argument makes no sense; the caller must correct it.
            EarthEngineError: INVALID_ARGUMENT: the project is malformed, or a number is negative.
        """
        policy, budgets = _policy(retry, RetryPolicy()), BudgetLedger()
        return cls(
            "" if project is None else project_name(project),
            policy,
            _seconds(timeout, DEFAULT_TIMEOUT),
            _number("prefetch", prefetch),
            _number("max_empty_pages", max_empty_pages),
            own_channel,
            budgets,
            budgets.bucket(_budget(policy)),
        )


class PreparedCall(NamedTuple):
    """A request that passed all checks, and how to send it."""

    request: ComputeImagesRequest
    metadata: Metadata
    retry: RetryDecider
    timeout: float
    """Seconds for each page, all its attempts together."""
    limit: int | None
    budget: TokenBucket | None
    """What its retries are paid from; None for no limit."""
    prefetch: int
    """Most pages to fetch before they are asked for."""
    max_empty_pages: int
    """Most empty pages in a row."""

    def pages(self) -> Pages:
        """Return its pages, of which none was asked for yet."""
        return Pages(self.request, limit=self.limit, max_empty_pages=self.max_empty_pages)

    def attempts(self, page: int) -> Attempts:
        """Return the attempts to get one page (numbered from 1); its time starts now."""
        return Attempts(self.retry, self.timeout, self.request.project, page, budget=self.budget)


def prepare(
    defaults: Defaults,
    expression: object,
    *,
    project: str | None,
    page_size: int | None,
    page_token: str | None,
    workload_tag: str | None,
    fields: str | Iterable[str] | FieldMask | None,
    limit: int | None,
    retry: RetryDecider | EllipsisType | None,
    timeout: float | EllipsisType | None,
    metadata: Iterable[tuple[str, str | bytes]],
    prefetch: int | None,
) -> PreparedCall:
    """Return the call that the arguments of ``compute_images`` ask for, which documents them.

    Raises:
        TypeError: An argument has the wrong type. ValueError: the timeout is not a number.
        EarthEngineError: INVALID_ARGUMENT: an argument is refused; the message and the google.rpc.BadRequest name it.
    """
    request = build_request(
        expression,
        project=defaults.project if project is None else project,
        page_size=page_size,
        page_token=page_token,
        workload_tag=workload_tag,
    )
    policy = _policy(retry, defaults.retry)
    return PreparedCall(
        request,
        call_metadata(request.project, fields, metadata, refuse_auth=defaults.refuse_auth),
        policy,
        _seconds(timeout, defaults.timeout),
        count("limit", limit),
        defaults.budget if policy is defaults.retry else defaults.budgets.bucket(_budget(policy)),
        defaults.prefetch if prefetch is None else _number("prefetch", prefetch),
        defaults.max_empty_pages,
    )


def own_channel_options(defaults: Defaults) -> tuple[tuple[str, int], ...]:
    """Return the options for the channel that a client makes, whose policy must be the only one.

    gRPC retries by a service config alone: none is taken from DNS. Besides, it sends a request again that provably
    reached no servicer (gRFC A6, "transparent retry"), which is switched off as well for a client that never retries.
    """
    once = isinstance(defaults.retry, RetryPolicy) and defaults.retry.max_attempts == 1
    own_policy_only = (("grpc.service_config_disable_resolution", 1),)
    return (*own_policy_only, ("grpc.enable_retries", 0)) if once else own_policy_only


def check_channel(
    endpoint: str | None, transport: str, credentials: object, api_version: str, interceptors: Sequence[object]
) -> None:
    """Refuse options that describe a channel next to a channel that is there already.

    Raises:
        ValueError: One is given; the caller must decide.
    """
    given = {
        "endpoint": endpoint is not None,
        "transport": transport != "auto",
        "credentials": credentials is not None,
        "api_version": api_version != "v1alpha",
        "interceptors": bool(interceptors),
    }
    names = ", ".join(name for name, is_given in given.items() if is_given)
    if names:
        raise ValueError(f"{names} cannot be combined with channel=: give them to whatever makes that channel")


def _policy(retry: RetryDecider | EllipsisType | None, default: RetryDecider) -> RetryDecider:
    if retry is ...:
        return default
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


def _seconds(timeout: float | EllipsisType | None, default: float) -> float:
    if timeout is ... or timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout is a {type(timeout).__name__}: pass seconds as a number")
    if math.isnan(timeout):
        raise ValueError("timeout is not a number (NaN): pass seconds")
    return float(min(timeout, _MAX_TIMEOUT))
