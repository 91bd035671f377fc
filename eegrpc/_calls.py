"""One computeImages call: the record that both clients work from. They differ only in how they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eegrpc._pages import Pages
from eegrpc._requests import add_metadata, encode_request, field_mask, page_token_text
from eegrpc._retry import Attempts, RetryPolicy
from eegrpc._terms import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import EllipsisType

    from google.protobuf.field_mask_pb2 import FieldMask

    from eegrpc._retry import RetryDecider
    from eegrpc._terms import Defaults, Terms

__all__ = ["DEFAULT_CONCURRENCY", "PreparedCall", "check_channel", "own_channel_options", "prepare"]

DEFAULT_CONCURRENCY: Final = 32
"""Computations of a batch at a time: most of the 40 that Earth Engine allows a project, so that others have some."""


class PreparedCall:
    """A request that passed all checks, and how to send it.

    Args:
        terms: How to send it.
        request: The encoded request, without a page token.
        page_token: Of the first page.
    """

    __slots__ = ("page_token", "request", "terms")

    def __init__(self, terms: Terms, request: bytes, page_token: str) -> None:
        self.terms = terms
        self.request = request
        self.page_token = page_token

    def pages(self) -> Pages:
        """Return its pages, of which none was asked for yet."""
        terms = self.terms
        return Pages(self.request, self.page_token, terms.project, terms.limit, terms.max_empty_pages)

    def attempts(self, page: int) -> Attempts:
        """Return the attempts to get one page (numbered from 1); its time starts now."""
        terms = self.terms
        return Attempts(terms.retry, terms.timeout, terms.project, page, terms.budget)


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
    mask = None if fields is None else field_mask(fields)
    given = (project, page_size, workload_tag, mask, limit, prefetch)
    try:
        terms = defaults.terms(*given)
    except TypeError:
        terms = None
    if terms is None:  # one has the wrong type, and perhaps cannot even be looked up
        terms = defaults.terms.__wrapped__(*given)
    token = "" if page_token is None else page_token_text(page_token)
    request = encode_request(terms.start, expression, token)
    if timeout is not ...:
        terms = terms._replace(timeout=seconds(timeout, terms.timeout))
    if metadata != ():
        sent = add_metadata(terms.metadata, metadata, refuse_auth=defaults.refuse_auth)
        terms = terms._replace(metadata=sent)
    if retry is not ...:
        terms = defaults.with_retry(terms, retry)
    return PreparedCall(terms, request, token)


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
