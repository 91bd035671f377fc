"""The values that pass between the transcoder, the channels and the server: HTTP messages, replies, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import grpc

__all__ = [
    "Headers",
    "HttpRequest",
    "HttpResponse",
    "Metadata",
    "MetadataValue",
    "Reply",
    "TranscodingError",
    "unreachable",
]

MetadataValue = str | bytes
Metadata = Sequence[tuple[str, MetadataValue]]
"""gRPC metadata: lower-case keys; values are text, or bytes where the key ends in ``-bin``."""

Headers = Sequence[tuple[str, str]]
"""HTTP header fields with lower-case names, in order."""


class HttpRequest(NamedTuple):
    """One HTTP request, ready to send or just received."""

    method: str
    """HTTP method, upper case."""
    target: str
    """Origin form: percent-encoded path, and query after ``?``. To be sent as it is."""
    headers: Headers
    body: bytes


class HttpResponse(NamedTuple):
    """One complete HTTP response; content coding is undone."""

    status: int
    headers: Headers
    body: bytes


class Reply(NamedTuple):
    """What a unary call ended with: the response message as wire bytes, or a status."""

    code: grpc.StatusCode
    details: str = ""
    wire: bytes = b""
    """The encoded response message; empty unless `code` is OK."""
    initial_metadata: Metadata = ()
    trailing_metadata: Metadata = ()
    """Holds ``grpc-status-details-bin`` when the error came with details."""


class TranscodingError(Exception):
    """A request that cannot be sent or a response that cannot be had; the channel ends the call with this status.

    `reason` names what happened for programs (``TRUNCATED``, ``TOO_LARGE``, ...); it travels as google.rpc.ErrorInfo.
    """

    def __init__(self, code: grpc.StatusCode, details: str, reason: str = "") -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.reason = reason


def unreachable(why: str) -> TranscodingError:
    """Return the status of a call whose request could not be sent, because no connection could be made."""
    return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"failed to connect: {why}", "UNREACHABLE")
