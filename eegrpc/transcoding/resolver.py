"""Host names to addresses, looked up on threads apart: nothing ends or interrupts getaddrinfo, whatever the deadline.

An address that is written out is not looked up.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from concurrent.futures import Future
from typing import Any, Final

from eegrpc._processes import load_before_forks, restart_in_children
from eegrpc.transcoding.workers import Workers

__all__ = ["Addresses", "look_up"]

Addresses = list[tuple[Any, ...]]
"""What socket.getaddrinfo returns."""

load_before_forks("encodings.idna")  # by the first name that getaddrinfo looks up

_MOST_AT_ONCE: Final = 8
"""Look-ups at a time; a name server that does not answer holds a thread for half a minute or more."""


class _LookUps:
    """The look-ups of this process: one for each host and port at a time, shared by all who want it."""

    def __init__(self) -> None:
        self._workers = Workers(_MOST_AT_ONCE, "eegrpc-resolver")
        self._after_fork()
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Begin without the parent's."""
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Future[Addresses]] = {}

    def find(self, host: str, port: int) -> Future[Addresses]:
        with self._lock:
            found = self._running.get((host, port))
            if found is None:
                found = self._running[host, port] = Future()
                found.set_running_or_notify_cancel()  # so that one of those who wait cannot cancel it
                self._workers.run(lambda: self._settle(host, port, found))
            return found

    def _settle(self, host: str, port: int, found: Future[Addresses]) -> None:
        try:
            addresses = _addresses(host, port)
        except BaseException as error:  # noqa: BLE001 (those who wait must learn of anything)
            self._forget(host, port)
            found.set_exception(error)
        else:
            self._forget(host, port)
            found.set_result(addresses)

    def _forget(self, host: str, port: int) -> None:
        with self._lock:
            del self._running[host, port]


_look_ups: Final = _LookUps()


def look_up(host: str, port: int) -> Future[Addresses]:
    """Return the future addresses of a host, or the OSError or UnicodeError that says why there are none.

    It is there at once if `host` is an address itself. It cannot be cancelled: others may wait for it, too.

    Args:
        host: Name or address.
        port: Port to be in the addresses.
    """
    try:
        written = ipaddress.ip_address(host)
    except ValueError:
        return _look_ups.find(host, port)
    found: Future[Addresses] = Future()
    found.set_result([_address(written, port)])
    return found


def _address(host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> tuple[Any, ...]:
    kind: tuple[Any, ...] = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    if isinstance(host, ipaddress.IPv4Address):
        return socket.AF_INET, *kind, (str(host), port)
    return socket.AF_INET6, *kind, (str(host), port, 0, 0)


def _addresses(host: str, port: int) -> Addresses:
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
