"""The fixture of the plugin that needs pytest-asyncio, which has been loaded when this is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from eegrpc import EarthEngineAsyncClient
    from eegrpc.emulator.bench import Project


@pytest_asyncio.fixture
async def ee_async_client(ee_emulator: Project, ee_transport: str) -> AsyncIterator[EarthEngineAsyncClient]:
    """Open an asyncio client of the emulator, for the project of the test."""
    import eegrpc

    async with eegrpc.EarthEngineAsyncClient(
        ee_emulator.project_id, endpoint=ee_emulator.endpoint, transport=ee_transport
    ) as client:
        yield client
