"""A peer that answers one request wrongly and all others well, and what must hold of any channel that meets it."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import TYPE_CHECKING

import grpc
from peers import HttpConnection, HttpPeer, http
from waiting import PATIENCE

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from callers import Caller, Outcome

Fault = bytes | tuple[bytes, str]
"""What a peer sends in place of a response; and what it does then: "fin", "rst", or "stay" silent, the default."""


def page(token: str) -> bytes:
    """Return a whole response, told from others by its token."""
    return http(body=json.dumps({"nextPageToken": token}).encode())


class FaultyPeer(HttpPeer):
    """Answers the first request (or the one of this number) with a fault, the others with their numbers as tokens."""

    def __init__(self, fault: Fault | Callable[[HttpConnection], None], *, at: int = 1) -> None:
        super().__init__(self._answer)
        self._fault = fault if callable(fault) else lambda connection: send(connection, fault)
        self._at = at
        self._numbers = itertools.count(1)

    def _answer(self, connection: HttpConnection) -> None:
        while connection.read() is not None:
            number = next(self._numbers)
            if number == self._at:
                self._fault(connection)
                return
            connection.send(page(str(number)))


class SecureFaultyPeer(FaultyPeer):
    """The same over TLS."""

    def __init__(self, fault, context: ssl.SSLContext, **kwargs) -> None:
        super().__init__(fault, **kwargs)
        self._context = context

    def converse(self, sock: socket.socket) -> None:
        with self._context.wrap_socket(sock, server_side=True) as secure:
            super().converse(secure)


def send(connection: HttpConnection, fault: Fault) -> None:
    """Send the bytes of a fault, end as it says, and wait until the other side has closed the connection."""
    data, then = fault if isinstance(fault, tuple) else (fault, "stay")
    with contextlib.suppress(ConnectionError):  # the other side may have enough before all is sent
        connection.send(data)
    if then == "rst":
        connection.reset()
        connection.peer.gone.release()
        return
    if then == "fin":
        with contextlib.suppress(OSError):
            connection.finish()
    connection.await_close()


def meet(open_caller: Callable[..., Caller], fault, *, at: int = 1, timeout: float = 20, **options) -> Outcome:
    """Return how a call ends that meets the fault, which must be gone with it.

    It was sent once, its connection is closed and never used again, the next call gets its own answer on a new one, and
    no connection outlives the channel.
    """
    with FaultyPeer(fault, at=at) as peer:
        caller = open_caller("rest", peer.port, **options)
        for number in range(1, at):
            assert caller.call().response.next_page_token == str(number)
        outcome = caller.call(timeout=timeout)
        assert len(peer.requests) == at
        after = caller.call()
        assert after.code is grpc.StatusCode.OK, after
        assert after.response.next_page_token == str(at + 1)
        assert peer.gone.acquire(timeout=PATIENCE), "the connection was not closed"
        assert peer.accepted == 2
        caller.close()
        assert peer.gone.acquire(timeout=PATIENCE), "a connection outlived the channel"
    return outcome
