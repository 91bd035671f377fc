"""Every test of the clients runs on every kind of channel: a kind is how a servicer is served and how one connects."""

from __future__ import annotations

import asyncio

import pytest
from client_kinds import CHANNEL_KINDS, EXPRESSION, Scripted, compute_aio, compute_sync

from eegrpc._async_client import EarthEngineAsyncClient
from eegrpc._client import EarthEngineClient


@pytest.fixture(params=CHANNEL_KINDS)
def kind(request):
    return CHANNEL_KINDS[request.param]


@pytest.fixture
def servicer():
    return Scripted()


@pytest.fixture
def target(kind, servicer):
    with kind[0](servicer) as target:
        yield target


@pytest.fixture
def client(kind, target):
    with kind[1](target) as channel, EarthEngineClient("p", channel=channel) as client:
        yield client


@pytest.fixture
async def aclient(kind, target):
    async with kind[2](target) as channel, EarthEngineAsyncClient("p", channel=channel) as client:
        yield client


@pytest.fixture(params=["sync", "aio"])
def compute(request, kind, target):
    """Compute with a client of either colour; `options` are the client's, the rest are of the call."""

    async def compute(*, options=None, by_page=False, **arguments):
        arguments = {"expression": EXPRESSION, **arguments}
        if request.param == "sync":
            with kind[1](target) as channel:
                return await asyncio.to_thread(compute_sync, channel, options or {}, by_page, arguments)
        async with kind[2](target) as channel:
            return await compute_aio(channel, options or {}, by_page, arguments)

    return compute
