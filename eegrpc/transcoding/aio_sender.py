"""The HTTP seam of the asyncio channel: one request in, one complete response out, over an aiohttp session."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import grpc
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from eegrpc._processes import keep_in_children
from eegrpc.transcoding.aio_body import read_large_body, told_length
from eegrpc.transcoding.aio_connections import Connector
from eegrpc.transcoding.content_coding import BodyReader, truncated
from eegrpc.transcoding.framing import MAX_HEAD_BYTES, not_http
from eegrpc.transcoding.low_water import LARGE_BODY
from eegrpc.transcoding.resolver import look_up
from eegrpc.transcoding.types import HttpRequest, HttpResponse, TranscodingError, unreachable
from eegrpc.transcoding.unary import INLINE_BYTES, MAPPERS, MAX_ERROR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

    from eegrpc.transcoding.endpoint import Endpoint

__all__ = ["AioSender"]

_LARGE = 1 << 20  # aiohttp wants bodies from this size on as a file, which it writes piece by piece


class AioSender:
    """Sends requests to one origin from one event loop; deadlines and cancellation are its caller's, by task.

    Redirects, cookies, proxies from the environment and .netrc are not followed or read: credentials go to the origin
    the user named and nowhere else.

    Args:
        endpoint: The origin.
        pool_size: Most connections at once; further calls wait for one.
        max_receive_bytes: Most bytes of a response's decoded body.
        ssl_context: How to verify an https origin; None for the system's certificates.
    """

    def __init__(
        self, endpoint: Endpoint, *, pool_size: int, max_receive_bytes: int, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._endpoint = endpoint
        self._pool_size = pool_size
        self._max_receive_bytes = max_receive_bytes
        self._tls = None if endpoint.plaintext else ssl_context or ssl.create_default_context()
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest, *, replayable: bool) -> HttpResponse:
        """Send `request` and return its response, read to the end.

        A kept-alive connection that turns out to be closed before any byte of the response came is replaced once, if
        sending again is harmless (`replayable`; RFC 9110 section 9.2.2).

        Raises:
            TranscodingError: UNAVAILABLE when the origin cannot be reached (reason ``UNREACHABLE``), resets the
                connection or cuts the response; RESOURCE_EXHAUSTED when the response is too large.
        """
        if self._session is None:
            self._session = self._open_session()
            keep_in_children(self._session)
            keep_in_children(self._session.connector)
        trace = {"reused": False}
        try:
            return await self._send(self._session, request, trace)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if not (trace["reused"] and replayable):
                raise _status_of(error) from error
        except aiohttp.ClientError as error:
            raise _status_of(error) from error
        try:
            # The session's other idle connections may be as stale: a session of its own has none.
            async with self._open_session() as session:
                return await self._send(session, request, trace)
        except aiohttp.ClientError as error:
            raise _status_of(error) from error

    async def connect(self) -> None:
        """Find out whether a connection can be opened.

        Raises:
            TranscodingError: UNAVAILABLE, it cannot.
        """
        host, port = self._endpoint.host, self._endpoint.port
        failure: Exception = OSError(f"{host} has no address")
        try:
            addresses = await asyncio.wrap_future(look_up(host, port))
        except (OSError, UnicodeError) as error:
            raise unreachable(str(error)) from error
        for *_, address in addresses:
            try:
                _, writer = await asyncio.open_connection(
                    address[0], port, ssl=self._tls, server_hostname=host if self._tls else None
                )
            except OSError as error:
                failure = error
            else:
                writer.close()
                return
        raise unreachable(str(failure)) from failure

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def disown(self) -> None:
        """Leave the connections to the parent, in a forked child; closing them would take them off its selector."""
        if self._session is not None:
            self._session.detach()

    async def _send(self, session: aiohttp.ClientSession, request: HttpRequest, trace: dict[str, bool]) -> HttpResponse:
        """Send once; aiohttp's errors fly through as long as nothing of the response has come."""
        body = request.body
        response = await session.request(
            request.method,
            # Marked as encoded, or yarl would undo our escaping: %2F and %2E%2E are not what they encode.
            yarl.URL(self._endpoint.origin + request.target, encoded=True),
            data=io.BytesIO(body) if len(body) >= _LARGE else body or None,
            headers=request.headers,
            allow_redirects=False,
            trace_request_ctx=trace,
        )
        try:
            return await self._read(response)
        except aiohttp.ClientError as error:
            response.close()
            raise truncated(str(error)) from error
        except BaseException:
            response.close()  # cancelled or too large: the rest of the body must not reach the next caller
            raise

    async def _read(self, response: aiohttp.ClientResponse) -> HttpResponse:
        limit = self._max_receive_bytes if response.status < 300 else MAX_ERROR_BYTES
        coding = ", ".join(response.headers.getall("content-encoding", ()))
        reader = BodyReader(coding, limit)
        try:
            if not coding and LARGE_BODY <= told_length(response) <= limit:
                reader.feed(await read_large_body(response))
            else:
                async for piece, _ in response.content.iter_chunks():
                    for _ in reader.steps(piece):
                        await asyncio.sleep(0)  # inflating takes its time: others have their turn, and the deadline
            body = reader.finish() if reader.to_join < INLINE_BYTES else await _apart(reader.finish)
        except (TranscodingError, aiohttp.ClientPayloadError):
            if response.status < 300:
                raise
            body = reader.so_far()  # the status counts, also with half of its text
            response.close()
        headers = tuple((name.lower(), value) for name, value in response.headers.items())
        return HttpResponse(response.status, headers, body)

    def _open_session(self) -> aiohttp.ClientSession:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        return aiohttp.ClientSession(
            # aiohttp's cache would look up names in tasks that outlive a cancelled call.
            connector=Connector(
                limit=self._pool_size, ssl=self._tls or False, resolver=_Resolver(), use_dns_cache=False
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=MAX_HEAD_BYTES,
            max_line_size=MAX_HEAD_BYTES,
            read_bufsize=1 << 18,
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trace_configs=[tracing],
            trust_env=False,
        )


class _Resolver(AbstractResolver):
    """Looks names up for aiohttp; to cancel it ends the wait, whatever becomes of the look-up."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the addresses of a host."""
        try:
            addresses = await asyncio.wrap_future(look_up(host, port))
        except UnicodeError as error:
            raise OSError(None, str(error)) from error
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for found, _, protocol, _, address in addresses
            if family in (socket.AF_UNSPEC, found)
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing of its own."""


async def _apart(finish: Callable[[], bytes]) -> bytes:
    """Join a large body where the event loop need not wait for it."""
    return await asyncio.wrap_future(MAPPERS.submit(finish))


async def _note_reuse(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx["reused"] = True


def _status_of(error: aiohttp.ClientError) -> TranscodingError:
    """Return the status that an error before the response means."""
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)):
        return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"TLS with the server failed: {error}", "TLS")
    if isinstance(error, aiohttp.ClientConnectorError):
        return unreachable(str(error))
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"the connection was lost: {error}", "CONNECTION_LOST")
    return not_http(f"{error!r:.200}")
