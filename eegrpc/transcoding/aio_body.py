"""Large bodies of a told length, received straight into the one buffer that becomes the body.

aiohttp reads what has come into bytes of its own, its parser copies those, and whoever wants the whole joins them: each
byte three times. Once the head is there nothing is left to parse when the length is told, so the connection is read
without the parser until the body is complete.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import aiohttp

from eegrpc.transcoding.low_water import LowWater

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.client_proto import ResponseHandler

__all__ = ["read_large_body", "told_length"]

_AT_ONCE = 1 << 20
"""Bytes that are received at most before other callbacks have their turn: a millisecond or two."""


def told_length(response: aiohttp.ClientResponse) -> int:
    """Return how many bytes the body has, or 0 where its head does not tell (HTTP/1.1, RFC 9112 section 6.3)."""
    return 0 if "transfer-encoding" in response.headers else response.content_length or 0


async def read_large_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a response whose length is told, and let go of its connection.

    Raises:
        aiohttp.ClientPayloadError: The connection ended before the body did.
    """
    length = told_length(response)
    # Zeros cost nothing until they are written over, whatever length a server claims; BytesIO gives them out uncopied.
    body = io.BytesIO(bytes(length))
    with body.getbuffer() as target:
        filled = 0
        while piece := response.content.read_nowait():  # what came together with the head
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
        if not response.content.is_eof():
            await _receive(response, target[filled:])
    return body.getvalue()


async def _receive(response: aiohttp.ClientResponse, target: memoryview) -> None:
    """Fill `target` from the response's connection."""
    connection = response.connection
    if connection is None or connection.transport is None or connection.protocol is None:
        raise aiohttp.ClientPayloadError("the connection is closed")
    done = asyncio.get_running_loop().create_future()
    receiver = _Receiver(target, connection.transport, connection.protocol, done, response.content.feed_eof)
    connection.transport.set_protocol(receiver)
    try:
        await done
    finally:
        receiver.give_back()


class _Receiver(asyncio.BufferedProtocol):
    """Stands in for aiohttp's protocol of a connection until the rest of a body has come."""

    def __init__(
        self,
        target: memoryview,
        transport: asyncio.Transport,
        owner: ResponseHandler,
        done: asyncio.Future[None],
        finish: Callable[[], None],
    ) -> None:
        self._rest = target
        self._given = target[:0]
        self._transport = transport
        self._owner = owner
        self._done = done
        self._finish = finish
        secure = transport.get_extra_info("sslcontext") is not None
        self._low_water = LowWater(None if secure else transport.get_extra_info("socket"))
        self._low_water.expect(len(target))

    def give_back(self) -> None:
        """Make the connection aiohttp's again."""
        if self._transport.get_protocol() is self:
            self._low_water.expect(1)
            self._transport.set_protocol(self._owner)
        self._given.release()
        self._rest.release()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # never more than is missing: the rest is not ours
        self._given.release()
        self._given = self._rest[:_AT_ONCE]
        return self._given

    def buffer_updated(self, nbytes: int) -> None:
        self._given.release()
        rest = self._rest[nbytes:]
        self._rest.release()
        self._rest = rest
        self._low_water.expect(len(rest))
        if not rest:
            self.give_back()
            # Its parser still waits for the body; a new one takes what comes now for what it is: nothing asked for.
            self._owner.set_response_params()
            self._finish()
            if not self._done.done():
                self._done.set_result(None)

    def eof_received(self) -> None:
        """Return nothing: the transport closes, and says so."""
        self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)
        if not self._done.done():
            self._done.set_exception(
                aiohttp.ClientPayloadError(f"the connection ended: {exc or 'closed by the server'}")
            )

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()
