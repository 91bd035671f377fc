"""Google's official client, which is one per process, and an emulator for it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from eegrpc.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def only_loopback() -> Iterator[None]:
    """Nobody is connected to, or looked up, but this machine."""
    with pytest.MonkeyPatch.context() as patch:
        strangers: list[object] = []
        connect, look_up = socket.socket.connect, socket.getaddrinfo

        def checked_connect(self: socket.socket, address: Any) -> None:
            if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
                strangers.append(address)
                raise OSError(f"not this machine: {address}")
            connect(self, address)

        def checked_look_up(host: Any, *rest: Any, **named: Any) -> Any:
            if host not in (None, "127.0.0.1", "::1", "localhost"):
                strangers.append(host)
                raise socket.gaierror(f"not this machine: {host}")
            return look_up(host, *rest, **named)

        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket, "getaddrinfo", checked_look_up)
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield
        assert strangers == []


@pytest.fixture(scope="module")
def official_emulator(only_loopback: None) -> Iterator[Emulator]:
    """An emulator that the official client is initialized with: unpatched, on a real socket, and with nobody else."""
    import ee
    from official_world import held

    with Emulator(held()) as running:
        running.initialize_ee()
        yield running
    ee.Reset()
