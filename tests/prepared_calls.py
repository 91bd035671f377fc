"""Calls as a client prepares them, without a client."""

from __future__ import annotations

from eegrpc._calls import PreparedCall, prepare
from eegrpc._requests import with_page_token
from eegrpc._terms import Defaults
from eegrpc.v1alpha import ComputeImagesRequest

_NOT_GIVEN = dict.fromkeys(("page_size", "page_token", "workload_tag", "fields", "limit", "prefetch"))
EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}


def told(retry=..., *, project=None, own_channel=False) -> Defaults:
    """Return what a client was told that was told little."""
    return Defaults(project, retry, ..., prefetch=1, max_empty_pages=1000, own_channel=own_channel)


def prepared(expression=None, *, defaults=None, **arguments) -> PreparedCall:
    """Return the call that ``compute_images`` prepares; by default, for project p and a small expression."""
    given = {"project": "p", **_NOT_GIVEN, "retry": ..., "timeout": ..., "metadata": (), **arguments}
    return prepare(defaults or told(), EXPRESSION if expression is None else expression, **given)


def build_request(expression=None, **arguments) -> ComputeImagesRequest:
    """Return the request of its first page."""
    call = prepared(expression, **arguments)
    return ComputeImagesRequest.FromString(with_page_token(call.request, call.page_token))


def call_metadata(project, fields=None, metadata=()) -> tuple[tuple[str, str | bytes], ...]:
    """Return its metadata."""
    return prepared(project=project, fields=fields, metadata=metadata).terms.metadata
