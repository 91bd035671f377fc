"""The interceptors in all ways to call: futures, streams, other interceptors, cancelled and failed calls."""

import asyncio
import collections
import pickle
import threading
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from auth_callers import REQUEST, STALE, UNAUTHENTICATED, await_call, open_aio_channel
from auth_server import AuthServer
from oauth_server import OAuthServer

from eegrpc._auth import AuthInterceptor, aio_auth_interceptors
from eegrpc._failed_call import FailedCall
from eegrpc._tokens import TokenSource
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

# ---- sync ----


def test_with_call_and_future(channel: grpc.Channel, server: AuthServer, oauth: OAuthServer) -> None:
    stub = EarthEngineStub(grpc.intercept_channel(channel, AuthInterceptor(TokenSource(oauth.user_credentials()))))
    response, call = stub.ComputeImages.with_call(REQUEST, timeout=30)
    assert (response.next_page_token, call.code()) == ("x", grpc.StatusCode.OK)
    assert stub.ComputeImages.future(REQUEST, timeout=30).result().next_page_token == "x"
    assert server.tokens == ["Bearer canary-access-1"] * 2


def test_aut_01_a_refused_future_helps_the_next_call(
    channel: grpc.Channel, server: AuthServer, oauth: OAuthServer
) -> None:
    asked = threading.Event()  # the answer must not come before the future: then it is known to be refused in time
    server.accepts = lambda metadata: asked.wait(30) and metadata["authorization"] != f"Bearer {STALE}"
    source = TokenSource(oauth.user_credentials(STALE))
    stub = EarthEngineStub(grpc.intercept_channel(channel, AuthInterceptor(source)))
    future = stub.ComputeImages.future(REQUEST, timeout=30)
    asked.set()
    assert future.exception(timeout=30).code() is UNAUTHENTICATED
    noted = threading.Event()
    future.add_done_callback(lambda _: noted.set())  # callbacks run in order: ours was first
    assert noted.wait(30)
    assert (
        stub.ComputeImages(ComputeImagesRequest(project="projects/p", page_token="y"), timeout=30).next_page_token
        == "y"
    )
    assert server.tokens[-1] == "Bearer canary-access-1"


def test_a_failed_future_is_a_failed_call(channel: grpc.Channel) -> None:
    stub = EarthEngineStub(grpc.intercept_channel(channel, AuthInterceptor(TokenSource(None))))
    future = stub.ComputeImages.future(ComputeImagesRequest(project="projects/p"), metadata=(("authorization", "x"),))
    told: list[Any] = []
    future.add_done_callback(told.append)
    assert told == [future]
    assert isinstance(future, FailedCall)
    assert isinstance(future, (grpc.RpcError, grpc.Call, grpc.Future))
    assert (future.done(), future.running(), future.cancelled(), future.cancel()) == (True, False, False, False)
    assert (future.is_active(), future.time_remaining(), future.add_callback(lambda: None)) == (False, None, False)
    assert (future.initial_metadata(), future.trailing_metadata()) == ((), ())
    assert future.exception() is future
    with pytest.raises(grpc.RpcError) as caught:
        future.result()
    assert caught.value is future
    assert future.traceback() is not None
    copy = pickle.loads(pickle.dumps(future))
    assert (copy.code(), copy.details()) == (grpc.StatusCode.INVALID_ARGUMENT, future.details())


def test_details_of_other_interceptors_are_kept(channel: grpc.Channel, server: AuthServer, oauth: OAuthServer) -> None:
    class Details(grpc.ClientCallDetails):
        def __init__(self, details: Any) -> None:
            self.method, self.timeout, self.credentials = details.method, 30, None
            self.metadata = [("x-own", "1")]

    class Before(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return continuation(Details(client_call_details), request)

    auth = AuthInterceptor(TokenSource(oauth.user_credentials()))
    EarthEngineStub(grpc.intercept_channel(channel, Before(), auth)).ComputeImages(
        ComputeImagesRequest(project="projects/p")
    )
    assert server.seen[0]["x-own"] == "1"
    assert server.seen[0]["authorization"] == "Bearer canary-access-1"
    assert server.seen[0]["timeout"] <= 30


def test_waiting_for_a_token_is_off_the_timeout(oauth: OAuthServer) -> None:
    Details = collections.namedtuple(  # noqa: PYI024 (as grpc's own)
        "Details", "method timeout metadata credentials wait_for_ready compression"
    )
    passed: list[Any] = []

    def continuation(details: Any, request: object) -> FailedCall:
        passed.append(details)
        return FailedCall(grpc.StatusCode.UNAVAILABLE, "")

    auth = AuthInterceptor(TokenSource(oauth.user_credentials()))
    for timeout in (30.0, None):
        auth.intercept_unary_unary(continuation, Details("/m", timeout, None, None, None, None), b"")
    assert passed[0].timeout < 30
    assert passed[1].timeout is None
    with pytest.raises(ValueError, match="NaN"):
        auth.intercept_unary_unary(continuation, Details("/m", float("nan"), None, None, None, None), b"")


def _call_streams(channel: grpc.Channel, **call: Any) -> list[Any]:
    return [
        list(channel.unary_stream("/streams.S/US")(b"a", timeout=30, **call)),
        channel.stream_unary("/streams.S/SU")(iter([b"a", b"b"]), timeout=30, **call),
        list(channel.stream_stream("/streams.S/SS")(iter([b"a", b"b"]), timeout=30, **call)),
    ]


def test_streams(server: AuthServer, oauth: OAuthServer) -> None:
    with grpc.insecure_channel(server.target) as plain:
        channel = grpc.intercept_channel(plain, AuthInterceptor(TokenSource(oauth.user_credentials())))
        assert _call_streams(channel) == [[b"a", b"a"], b"ab", [b"a", b"b"]]
        assert server.tokens == ["Bearer canary-access-1"] * 3
        for method, request in (
            (channel.unary_stream("/streams.S/US"), b""),
            (channel.stream_unary("/streams.S/SU"), iter([])),
            (channel.stream_stream("/streams.S/SS"), iter([])),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                list(method(request, metadata=(("authorization", "x"),)))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(server.seen) == 3


def test_a_refused_stream_helps_the_next_call(server: AuthServer, oauth: OAuthServer) -> None:
    server.accepts = lambda metadata: metadata["authorization"] != f"Bearer {STALE}"
    with grpc.insecure_channel(server.target) as plain:
        channel = grpc.intercept_channel(plain, AuthInterceptor(TokenSource(oauth.user_credentials(STALE))))
        stream = channel.unary_stream("/streams.S/US")(b"a", timeout=30)
        with pytest.raises(grpc.RpcError):
            list(stream)
        noted = threading.Event()
        stream.add_done_callback(lambda _: noted.set())
        assert noted.wait(30)
        assert list(channel.unary_stream("/streams.S/US")(b"a", timeout=30)) == [b"a", b"a"]


# ---- asyncio ----


async def test_aio_streams(server: AuthServer, oauth: OAuthServer) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    interceptors = aio_auth_interceptors(TokenSource(oauth.user_credentials()))
    async with grpc.aio.insecure_channel(server.target, interceptors=interceptors) as channel:
        assert [x async for x in channel.unary_stream("/streams.S/US")(b"a", timeout=30)] == [b"a", b"a"]
        assert await channel.stream_unary("/streams.S/SU")(requests(), timeout=30) == b"ab"
        assert [x async for x in channel.stream_stream("/streams.S/SS")(requests(), timeout=30)] == [b"a", b"b"]
        assert server.tokens == ["Bearer canary-access-1"] * 3
        with pytest.raises(grpc.RpcError) as caught:
            [x async for x in channel.unary_stream("/streams.S/US")(b"", metadata=(("authorization", "x"),))]
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_refused_aio_stream_helps_the_next_call(server: AuthServer, oauth: OAuthServer) -> None:
    server.accepts = lambda metadata: metadata["authorization"] != f"Bearer {STALE}"
    source = TokenSource(oauth.user_credentials(STALE))
    async with grpc.aio.insecure_channel(server.target, interceptors=aio_auth_interceptors(source)) as channel:
        stream = channel.unary_stream("/streams.S/US")(b"a", timeout=30)
        with pytest.raises(grpc.RpcError):
            [x async for x in stream]
        while source._state.token is not None:  # noqa: ASYNC110 (the note is a task of its own, soon done)
            await asyncio.sleep(0)
        assert [x async for x in channel.unary_stream("/streams.S/US")(b"a", timeout=30)] == [b"a", b"a"]


@pytest.mark.parametrize("phase", ["refresh", "call"])
async def test_aio_cancel_is_cancellation(
    phase: str, channel_kind: str, server: AuthServer, oauth: OAuthServer
) -> None:
    arrived, cancelled = threading.Event(), threading.Event()

    def hang(metadata: object) -> bool:
        arrived.set()
        return cancelled.wait(30)

    server.accepts = hang
    if phase == "refresh":
        oauth.hold()
    source = TokenSource(oauth.user_credentials())
    async with open_aio_channel(channel_kind, server, aio_auth_interceptors(source)) as channel:
        call = asyncio.ensure_future(
            await_call(EarthEngineStub(channel).ComputeImages(ComputeImagesRequest(project="projects/p"), timeout=60))
        )
        await asyncio.to_thread(oauth.arrived.acquire if phase == "refresh" else arrived.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        cancelled.set()
    oauth.release()
    assert source.metadata(30)  # the refresh went on without the call


async def test_an_aio_call_that_failed_unsent_answers_like_any_other(channel_kind: str, server: AuthServer) -> None:
    async with open_aio_channel(channel_kind, server, aio_auth_interceptors(TokenSource(None))) as channel:
        call = EarthEngineStub(channel).ComputeImages(
            ComputeImagesRequest(project="projects/p"), metadata=(("authorization", "x"),)
        )
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "authorization" in await call.details()
        assert call.done()
        with pytest.raises(grpc.aio.AioRpcError):
            await call
