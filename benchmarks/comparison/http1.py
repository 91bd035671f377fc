"""A server's side of HTTP/1.1 that answers POSTs with bytes made beforehand; connections stay open."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RestProtocol"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"POST /(?:v1alpha|v1beta|v1)/(projects/[^/]+)/imageCollection:computeImages[ ?]")
# The official client asks for the functions when it is initialized; Google's list has a megabyte.
_FUNCTIONS = re.compile(rb"GET /(?:v1alpha|v1beta|v1)/projects/[^/]+/algorithms[ ?]")


def _response(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_NOT_FOUND = _response(b"404 Not Found", b'{"error":{"code":404,"message":"no such thing","status":"NOT_FOUND"}}')
_NO_FUNCTIONS = _response(b"200 OK", b'{"algorithms":[]}')


class RestProtocol(asyncio.Protocol):
    """One connection. Requests have a content-length or no body.

    Args:
        respond: Gets a project's name and the body of a request, and returns the body of the answer, or None where
            there is no such project.
    """

    def __init__(self, respond: Callable[[bytes, bytes], bytes | None]) -> None:
        self._respond = respond
        self._received = bytearray()
        self._wanted = 0  # bytes, before there is anything to look at

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        received = self._received
        received += data
        while received and len(received) >= self._wanted:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(received[:end])
            length = _LENGTH.search(head)
            self._wanted = end + 4 + (int(length[1]) if length else 0)
            if len(received) < self._wanted:
                return
            self._transport.write(self._answer(head, bytes(received[end + 4 : self._wanted])))
            del received[: self._wanted]
            self._wanted = 0

    def _answer(self, head: bytes, body: bytes) -> bytes:
        target = _TARGET.match(head)
        if target is None:
            return _NO_FUNCTIONS if _FUNCTIONS.match(head) else _NOT_FOUND
        answer = self._respond(target[1], body)
        return _NOT_FOUND if answer is None else _response(b"200 OK", answer)
