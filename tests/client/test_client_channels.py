"""Clients and their channels: whose they are, and who closes them."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest
from client_kinds import EXPRESSION, numbers, paged, serve_grpc

from eegrpc._async_client import EarthEngineAsyncClient
from eegrpc._client import EarthEngineClient
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    EarthEngineStub,
)


@pytest.mark.parametrize("retry", [..., None], ids=["retry", "no-retry"])
def test_a_client_makes_and_closes_its_own_channel(kind, servicer, retry):
    servicer.script = paged(3, 2)
    with serve_grpc(servicer) as target:
        with EarthEngineClient("p", endpoint=f"http://{target}", transport="grpc", retry=retry) as client:
            assert [image.name for image in client.compute_images(EXPRESSION)] == numbers(3)
            channel = client._own_channel
        with pytest.raises(ValueError, match="closed"):
            EarthEngineStub(channel).ComputeImages(ComputeImagesRequest())


@pytest.mark.parametrize("retry", [..., None], ids=["retry", "no-retry"])
async def test_an_asyncio_client_makes_and_closes_its_own_channel(kind, servicer, retry):
    servicer.script = paged(3, 2)
    with serve_grpc(servicer) as target:
        options = {"endpoint": f"http://{target}", "transport": "grpc", "retry": retry}
        async with EarthEngineAsyncClient("p", **options) as client:
            pager = await client.compute_images(EXPRESSION)
            assert [image.name async for image in pager] == numbers(3)
            channel = client._own_channel
        assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN


def test_close_leaves_a_channel_that_was_handed_in(kind, target, servicer):
    with kind[1](target) as channel:
        first = EarthEngineClient("p", channel=channel)
        pager = first.compute_images(EXPRESSION)
        first.close()
        first.close()
        for use in (lambda: first.compute_images(EXPRESSION), lambda: next(pager), first.__enter__):
            with pytest.raises(ValueError, match="is closed"):
                use()
        assert list(EarthEngineClient("p", channel=channel).compute_images(EXPRESSION)) == []
    assert len(servicer.requests) == 1


async def test_close_leaves_an_aio_channel_that_was_handed_in(kind, target, servicer):
    async with kind[2](target) as channel:
        first = EarthEngineAsyncClient("p", channel=channel)
        pager = await first.compute_images(EXPRESSION)
        await first.close()
        await first.close()
        for use in (lambda: first.compute_images(EXPRESSION), pager.__anext__, first.__aenter__):
            with pytest.raises(ValueError, match="is closed"):
                await use()
        pager = await EarthEngineAsyncClient("p", channel=channel).compute_images(EXPRESSION)
        assert [image async for image in pager] == []
    assert len(servicer.requests) == 1


def test_an_asyncio_client_belongs_to_one_loop(kind, target):
    async def use(client=None):
        async with kind[2](target) as channel:
            client = client or EarthEngineAsyncClient("p", channel=channel)
            await client.compute_images(EXPRESSION)
            return client

    client = asyncio.run(use())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(use(client))


@pytest.mark.parametrize("cls", [EarthEngineClient, EarthEngineAsyncClient])
@pytest.mark.parametrize(
    "option",
    [{"endpoint": "x"}, {"transport": "rest"}, {"credentials": 1}, {"api_version": "v1"}, {"interceptors": [1]}],
    ids=str,
)
def test_options_of_a_channel_are_refused_next_to_a_channel(cls, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        cls("p", channel=object(), **option)


@pytest.mark.parametrize("cls", [EarthEngineClient, EarthEngineAsyncClient])
def test_a_malformed_project_is_refused_when_the_client_is_made(cls):
    with pytest.raises(EarthEngineError, match="BAD_PROJECT"):
        cls("My Project", channel=object())


@pytest.mark.parametrize("key", ["authorization", "x-goog-api-key", "x-goog-user-project"])
def test_aut_13_who_calls_is_the_channels_business(key: str) -> None:
    with (
        EarthEngineClient("p", endpoint="http://127.0.0.1:1", transport="grpc") as client,
        pytest.raises(EarthEngineError, match="belongs to the channel") as caught,
    ):
        client.compute_images({"result": "0", "values": {"0": {"constantValue": 1}}}, metadata=[(key, "secret")])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "secret" not in str(caught.value)
