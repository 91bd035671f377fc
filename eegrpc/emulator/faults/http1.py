"""Faults in replies by HTTP/1.1: a middleware of the REST face."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import socket
import struct
import zlib
from typing import TYPE_CHECKING, Any

from aiohttp import web

from eegrpc.emulator.faults.kinds import (
    GARBAGE,
    HTML_502,
    BadGateway,
    CutGzip,
    Drip,
    Fault,
    Garbage,
    GoAway,
    GzipBomb,
    HugeHeaders,
    InvalidBody,
    NoMessage,
    Redirect,
    ResetInBody,
    Truncate,
    WrongContentType,
)
from eegrpc.transcoding.server import peer_name

if TYPE_CHECKING:
    from eegrpc.emulator.faults.tickets import Tickets

__all__ = ["fault_middleware", "reset_connection"]

_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_NOT_JSON = b'{"images": [{"name": nothing]}'
_LINGER = "hh" if os.name == "nt" else "ii"  # struct linger
_BLANK = b" " * (1 << 20)


def fault_middleware(tickets: Tickets) -> Any:
    """Return an aiohttp middleware that makes the faults which `tickets` has for replies."""

    @web.middleware
    async def make_faults(request: web.Request, handler: Any) -> web.StreamResponse:
        peer = peer_name(request)
        tickets.take(peer)  # of a caller that went away, from the same port
        response: web.StreamResponse = await handler(request)
        fault = tickets.take(peer)
        if fault is None or not isinstance(response, web.Response):
            return response
        with contextlib.suppress(ConnectionError):  # the caller had enough, which is no news
            return await _make(fault, request, response)
        return response

    return make_faults


def reset_connection(transport: asyncio.BaseTransport) -> None:
    """Close a connection with RST in place of FIN; what was not sent yet is lost."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _make(fault: Fault, request: web.Request, response: web.Response) -> web.StreamResponse:
    """Return what to answer in place of `response`, or after having answered it."""
    if isinstance(fault, BadGateway):
        return web.Response(status=502, body=HTML_502, headers={"content-type": _HTML})
    if isinstance(fault, Redirect):
        return web.Response(status=302, headers={"location": fault.location})
    if isinstance(fault, InvalidBody):
        return web.Response(body=_NOT_JSON, headers={"content-type": _JSON})
    if isinstance(fault, NoMessage):
        return web.Response(headers={"content-type": _JSON})
    if isinstance(fault, CutGzip):
        packed = gzip.compress(response.body if isinstance(response.body, bytes) else b"", 1)
        headers = {"content-type": _JSON, "content-encoding": "gzip"}
        return web.Response(body=packed[: len(packed) // 2], headers=headers)
    if isinstance(fault, WrongContentType):
        response.headers["content-type"] = _HTML
        return response
    if isinstance(fault, HugeHeaders):
        response.headers["x-huge"] = "x" * (fault.kib << 10)
        return response
    if isinstance(fault, GzipBomb):
        return await _bomb(fault, request)
    if isinstance(fault, Drip):
        return await _drip(fault, request, response)
    if isinstance(fault, (ResetInBody, Truncate)):
        return await _cut(fault, request, response)
    if isinstance(fault, GoAway) and fault.processed:
        response.force_close()
        return response
    if request.transport is not None:
        if isinstance(fault, Garbage):
            request.transport.write(GARBAGE)
        if isinstance(fault, (GoAway, Garbage)):
            request.transport.close()
        else:  # Reset, and RstStream: a stream is a connection here
            reset_connection(request.transport)
    return response  # which goes nowhere


async def _begin(request: web.Request, response: web.Response) -> tuple[web.StreamResponse, bytes]:
    """Send the header of a response; return what takes the body, and the body."""
    body = response.body if isinstance(response.body, bytes) else b""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    return stream, body


async def _cut(fault: ResetInBody | Truncate, request: web.Request, response: web.Response) -> web.StreamResponse:
    stream, body = await _begin(request, response)
    await stream.write(body[: min(fault.after, len(body) // 2)])
    if request.transport is not None:
        if isinstance(fault, Truncate):
            request.transport.close()
        else:
            reset_connection(request.transport)
    return stream


async def _drip(fault: Drip, request: web.Request, response: web.Response) -> web.StreamResponse:
    stream, body = await _begin(request, response)
    for start in range(0, len(body), fault.size):
        if start:
            await asyncio.sleep(fault.interval)
        await stream.write(body[start : start + fault.size])
    return stream


async def _bomb(fault: GzipBomb, request: web.Request) -> web.StreamResponse:
    """Send JSON full of blanks, compressed piece by piece."""
    stream = web.StreamResponse(headers={"content-type": _JSON, "content-encoding": "gzip"})
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    await stream.prepare(request)
    await stream.write(packer.compress(b'{"images": ['))
    for _ in range(fault.mib):
        await stream.write(packer.compress(_BLANK))
        await asyncio.sleep(0)  # other connections want to be served too
    await stream.write(packer.compress(b"]}") + packer.flush())
    return stream
