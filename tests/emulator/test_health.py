"""Whether the emulator serves, by gRPC's own protocol. Expected bytes: health.proto, whose SERVING is 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from plain_callers import PATIENCE, catalog

from eegrpc.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with Emulator(catalog()) as emulator, grpc.insecure_channel(f"127.0.0.1:{emulator.port}") as made:
        yield made


@pytest.mark.parametrize("service", ["", "google.earthengine.v1alpha.EarthEngine", "google.earthengine.v1.EarthEngine"])
def test_it_serves(channel: grpc.Channel, service: str) -> None:
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    request = bytes([0x0A, len(service)]) + service.encode() if service else b""
    assert check(request, timeout=PATIENCE) == b"\x08\x01"


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("Check", b"\x0a\x03foo", grpc.StatusCode.NOT_FOUND),
        ("Check", b"\xff", grpc.StatusCode.INTERNAL),
        ("Watch", b"", grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_all_else_is_an_error(channel: grpc.Channel, method: str, request_: bytes, code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/grpc.health.v1.Health/{method}")(request_, timeout=PATIENCE)
    assert error.value.code() is code  # type: ignore[attr-defined]
