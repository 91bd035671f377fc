"""How the asyncio channel opens connections: to whichever address of a host answers first, and TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, TypeVar

from eegrpc.transcoding.connect import HEAD_START
from eegrpc.transcoding.resolver import look_up
from eegrpc.transcoding.types import unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from eegrpc.transcoding.resolver import Addresses

    _Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)

__all__ = ["open_connection"]


async def open_connection(make: Callable[[], _Protocol], host: str, port: int, tls: ssl.SSLContext | None) -> _Protocol:
    """Return the protocol of a new connection.

    Args:
        make: Makes the protocol.
        host: Name or address, without brackets.
        port: Where it listens.
        tls: How to verify it; None for plaintext.

    Raises:
        TranscodingError: UNAVAILABLE, reason ``UNREACHABLE``.
        ssl.SSLError: The handshake failed.
    """
    try:
        found = look_up(host, port)
        addresses = found.result() if found.done() else await asyncio.wrap_future(found)
    except (OSError, UnicodeError) as error:
        raise unreachable(f"{host}: {error}") from error
    try:
        sock = await _first_to_answer(addresses)
    except OSError as error:
        raise unreachable(f"{host}:{port}: {error}") from error
    loop = asyncio.get_running_loop()
    try:
        _, protocol = await loop.create_connection(make, sock=sock, ssl=tls, server_hostname=host if tls else None)
    except (ConnectionError, ssl.SSLEOFError) as error:
        raise unreachable(f"{host}:{port} closed the connection during the TLS handshake") from error
    return protocol


async def _first_to_answer(addresses: Addresses) -> socket.socket:
    if len(addresses) == 1:
        return await _connect(addresses[0])
    failure = OSError("it has no address")
    untried = list(addresses)
    pending: set[asyncio.Task[socket.socket]] = set()
    try:
        while untried or pending:
            if untried:
                pending.add(asyncio.get_running_loop().create_task(_connect(untried.pop(0))))
            done, pending = await asyncio.wait(
                pending, timeout=HEAD_START if untried else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if error is None:
                    pending |= done - {task}
                    return task.result()
                if not isinstance(error, OSError):
                    raise error
                failure = error
    finally:
        for task in pending:
            task.add_done_callback(_close_unwanted)
            task.cancel()
    raise failure


async def _connect(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def _close_unwanted(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
