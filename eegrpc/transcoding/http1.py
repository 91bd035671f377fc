"""HTTP/1.1 without IO, what both channels share: requests as bytes, and what an error of the network means.

RFC 9112. Responses are read by `framing`.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import grpc

from eegrpc.transcoding.content_coding import truncated
from eegrpc.transcoding.deadline import deadline_exceeded
from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from eegrpc.transcoding.types import HttpRequest

__all__ = ["GONE", "http1_context", "network_status", "request_head", "request_parts"]

GONE: Final = (ConnectionError, ssl.SSLEOFError)
"""What a connection that the server has closed meanwhile gives, before the first byte of a response."""

_TOGETHER: Final = 1 << 16
"""Bytes up to which a body is sent in one piece with its header."""

_WITH_BODY = ("POST", "PUT", "PATCH")  # RFC 9110 section 8.6: the length is told, also when it is 0


def request_head(request: HttpRequest, host: str) -> bytes:
    """Return the request line and the header of a request.

    Args:
        request: Its target and its header fields have been checked already.
        host: Value of the Host field.

    Raises:
        ValueError: They have not, and there is a line break or something else than ASCII in them: a mistake of ours,
            but by it one request would become two.
    """
    lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {host}"]
    if request.body or request.method in _WITH_BODY:
        lines.append(f"content-length: {len(request.body)}")
    for name, value in request.headers:
        lines.append(f"{name}: {value}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line break in the header of a request")
    return f"{head}\r\n\r\n".encode("ascii")


def request_parts(request: HttpRequest, host: str) -> tuple[bytes, ...]:
    """Return a request as it is sent: with its body in one piece, unless that is large.

    Raises:
        ValueError: As `request_head`.
    """
    head = request_head(request, host)
    return (head + request.body,) if len(request.body) <= _TOGETHER else (head, request.body)


def http1_context(context: ssl.SSLContext | None) -> ssl.SSLContext:
    """Return a context that verifies certificates, the system's by default, and speaks HTTP/1.1 alone."""
    context = context or ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def network_status(error: OSError, *, begun: bool) -> TranscodingError:
    """Return what a call ends with whose connection failed.

    Args:
        error: How it failed; a TimeoutError without an errno is the call's own deadline.
        begun: Whether something of the response had come.
    """
    if isinstance(error, TimeoutError) and error.errno is None:
        return deadline_exceeded()
    if begun and isinstance(error, GONE):
        return truncated(str(error))
    if isinstance(error, ssl.SSLError):
        return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"TLS with the server failed: {error}", "TLS")
    return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"the connection was lost: {error}", "CONNECTION_LOST")
