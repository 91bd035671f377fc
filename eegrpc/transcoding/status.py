"""A call that failed: the names of its trailing metadata, of the reasons that we give, and the reply it ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc._processes import load_before_forks

if TYPE_CHECKING:
    import grpc

    from eegrpc.transcoding.types import Metadata, Reply

__all__ = [
    "BAD_RESPONSE",
    "DETAILS_KEY",
    "DOMAIN",
    "HTTP_STATUS_KEY",
    "NOT_JSON",
    "REDIRECT",
    "TOO_LARGE",
    "TRANSPORT_LABEL",
    "TRUNCATED",
    "failure",
]

load_before_forks("eegrpc.transcoding.error_body", "eegrpc.transcoding.error_details")  # needed when something fails

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata that holds the encoded google.rpc.Status (gRPC's richer error model)."""
HTTP_STATUS_KEY = "http-status"
"""Trailing metadata that holds the HTTP status code of an answer that was an error."""
TRANSPORT_LABEL = ("eegrpc-transport", "rest")
"""Trailing metadata of every transcoded call: the one way to tell which transport served it."""
DOMAIN = "eegrpc.transcoding"
"""`domain` of the google.rpc.ErrorInfo that gives a reason of ours."""

BAD_RESPONSE = "BAD_RESPONSE"
"""The answer is JSON but not the response message: a bug on one side, or another server."""
NOT_JSON = "NOT_JSON"
"""The answer of a success is not JSON: something between us and the API answered."""
TRUNCATED = "TRUNCATED"
"""The answer ends early; the call may be repeated if its method allows that."""
REDIRECT = "REDIRECT"
"""The answer is a redirect; none is followed, for it would carry credentials elsewhere. The endpoint is wrong."""
TOO_LARGE = "TOO_LARGE"
"""The answer is larger than the channel's limit."""


def failure(code: grpc.StatusCode, details: str, reason: str, *, metadata: Metadata = ()) -> Reply:
    """Return a failed reply, with a reason for machines as google.rpc.ErrorInfo of our `DOMAIN` if there is one.

    Args:
        code: Any status but OK.
        details: What went wrong, where, and what to do.
        reason: One of the reasons above, another name in UPPER_SNAKE_CASE, or nothing.
        metadata: Trailing metadata to add.
    """
    from eegrpc.transcoding.error_details import failed_reply, reason_detail

    return failed_reply(code, details, [reason_detail(reason, DOMAIN)] if reason else [], metadata)
