"""The transcoding channels, and the REST face of a server, use the mapper that `eegrpc.mapper.IMPLEMENTATION` names."""

from typing import Any

import pytest
from servers import ScriptedServicer, rest_server

import eegrpc
from eegrpc.mapper import IMPLEMENTATION, _mapper, _switch
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

BOTH_SIDES = ["to_json", "to_json", "to_wire", "to_wire"]


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine in use was asked to do."""
    calls: list[str] = []
    engine: Any = _switch.engine(None)

    class Noting(engine):
        def to_wire(self, json: bytes, taker: Any) -> Any:
            calls.append("to_wire")
            return super().to_wire(json, taker)

        def to_json(self, wire: bytes) -> Any:
            calls.append("to_json")
            return super().to_json(wire)

    assert engine.__name__.lower().startswith(IMPLEMENTATION)
    monkeypatch.setattr(_mapper, "engine", lambda implementation: Noting)
    return calls


def test_the_synchronous_channel(used: list[str]) -> None:
    with (
        rest_server(ScriptedServicer()) as port,
        eegrpc.create_channel(f"http://127.0.0.1:{port}", transport="rest") as channel,
    ):
        EarthEngineStub(channel).ComputeImages(ComputeImagesRequest(project="projects/p"))
    assert sorted(used) == BOTH_SIDES


async def test_the_asyncio_channel(used: list[str]) -> None:
    with rest_server(ScriptedServicer()) as port:
        async with eegrpc.create_aio_channel(f"http://127.0.0.1:{port}", transport="rest") as channel:
            await EarthEngineStub(channel).ComputeImages(ComputeImagesRequest(project="projects/p"))
    assert sorted(used) == BOTH_SIDES
