"""Authentication of calls by interceptors, against real servers: sync and asyncio, on every kind of channel."""

import asyncio
import collections
import itertools
import logging
import pickle
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import google.auth.api_key
import google.auth.credentials
import grpc
import grpc.aio
import pytest
from auth_server import REFUSED, AuthServer
from canaries import no_canaries
from oauth_server import OAuthServer, join_refreshes

from eegrpc._auth import AUTH_METADATA, AuthInterceptor, FailedCall, aio_auth_interceptors
from eegrpc._credentials import TokenSource
from eegrpc._options import channel_options
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

CHANNEL_KINDS = ["grpc", "rest"]

REQUEST = ComputeImagesRequest(project="projects/p", page_token="x")
STALE = "canary-stale-token"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


def open_channel(kind: str, server: AuthServer) -> grpc.Channel:
    """Return a channel of this kind without authentication."""
    return TranscodingChannel(f"http://{server.target}") if kind == "rest" else grpc.insecure_channel(server.target)


def open_aio_channel(kind: str, server: AuthServer, interceptors: list[grpc.aio.ClientInterceptor]) -> grpc.aio.Channel:
    """Return an asyncio channel of this kind with these interceptors."""
    if kind == "rest":
        return AioTranscodingChannel(f"http://{server.target}", interceptors=interceptors)
    return grpc.aio.insecure_channel(server.target, interceptors=interceptors)


class Caller:
    """Makes one call, by threads or by asyncio, so that each test is written once."""

    def __init__(self, kind: str, colour: str, server: AuthServer) -> None:
        self.kind = kind
        self.colour = colour
        self.server = server

    async def calls(self, source: TokenSource, *calls: dict[str, Any], together: bool = False, **how: Any) -> list[Any]:
        """Make calls on one channel; return for each the response, or the error it raised."""
        if self.colour == "sync":
            return await asyncio.to_thread(self._sync, source, calls, together, how)
        async with open_aio_channel(self.kind, self.server, aio_auth_interceptors(source, **how)) as channel:
            stub = EarthEngineStub(channel)

            async def one(call: dict[str, Any]) -> Any:
                try:
                    return await stub.ComputeImages(REQUEST, **call)
                except grpc.RpcError as error:
                    return error

            if together:
                return await asyncio.gather(*(one(call) for call in calls))
            return [await one(call) for call in calls]

    def _sync(self, source: TokenSource, calls: tuple[dict[str, Any], ...], together: bool, how: Any) -> list[Any]:
        with open_channel(self.kind, self.server) as plain:
            stub = EarthEngineStub(grpc.intercept_channel(plain, AuthInterceptor(source, **how)))
            results: list[Any] = [None] * len(calls)

            def one(index: int) -> None:
                try:
                    results[index] = stub.ComputeImages(REQUEST, **calls[index])
                except grpc.RpcError as error:
                    results[index] = error

            if together:
                threads = [threading.Thread(target=one, args=(index,)) for index in range(len(calls))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                for index in range(len(calls)):
                    one(index)
            return results


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


@pytest.fixture(params=CHANNEL_KINDS)
def channel_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sync", "aio"])
def caller(channel_kind: str, request: pytest.FixtureRequest, server: AuthServer) -> Caller:
    return Caller(channel_kind, request.param, server)


@pytest.fixture
def channel(channel_kind: str, server: AuthServer) -> Iterator[grpc.Channel]:
    with open_channel(channel_kind, server) as channel:
        yield channel


CALL: dict[str, Any] = {"timeout": 30}


# --- tokens and refusals ---------------------------------------------------------------------------------------------


async def test_a_call_carries_the_token_and_its_own_metadata(caller: Caller, oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"))
    (response,) = await caller.calls(source, {**CALL, "metadata": (("x-own", "1"),)})
    assert response.next_page_token == "x"
    (seen,) = caller.server.seen
    assert (seen["authorization"], seen["x-goog-user-project"]) == ("Bearer canary-access-1", "billed")
    assert seen["x-own"] == "1"
    assert 0 < seen["timeout"] <= 30


async def test_an_anonymous_call_carries_nothing(caller: Caller) -> None:
    await caller.calls(TokenSource(None), CALL)
    assert not AUTH_METADATA & caller.server.seen[0].keys()


async def test_aut_01_refused_once_is_invisible(caller: Caller, oauth: OAuthServer) -> None:
    caller.server.accepts = lambda metadata: metadata["authorization"] != f"Bearer {STALE}"
    (response,) = await caller.calls(TokenSource(oauth.user_credentials(STALE)), CALL)
    assert response.next_page_token == "x"
    assert oauth.count == 1
    assert caller.server.tokens == [f"Bearer {STALE}", "Bearer canary-access-1"]


async def test_aut_01_refused_twice_is_unauthenticated(caller: Caller, oauth: OAuthServer) -> None:
    caller.server.accepts = lambda metadata: False
    (error,) = await caller.calls(TokenSource(oauth.user_credentials(STALE)), CALL)
    assert (error.code(), error.details()) == (UNAUTHENTICATED, REFUSED)
    assert len(caller.server.seen) == 2
    assert oauth.count == 1
    no_canaries(error, repr(error))


async def test_aut_01_the_servers_answer_stands_if_there_is_no_other_token(caller: Caller, oauth: OAuthServer) -> None:
    caller.server.accepts = lambda metadata: False
    oauth.answers.append((400, "application/json", '{"error": "invalid_grant"}'))
    (error,) = await caller.calls(TokenSource(oauth.user_credentials(STALE)), CALL)
    assert (error.code(), error.details()) == (UNAUTHENTICATED, REFUSED)
    assert len(caller.server.seen) == 1


async def test_aut_01_40_calls_refused_together_are_one_refresh(caller: Caller, oauth: OAuthServer) -> None:
    caller.server.accepts = lambda metadata: metadata["authorization"] != f"Bearer {STALE}"
    responses = await caller.calls(TokenSource(oauth.user_credentials(STALE)), *[CALL] * 40, together=True)
    assert [response.next_page_token for response in responses] == ["x"] * 40
    assert oauth.count == 1


async def test_aut_02_expiry_between_calls_is_invisible(caller: Caller, oauth: OAuthServer) -> None:
    now = [0.0]
    caller.server.accepts = lambda metadata: metadata["authorization"] == f"Bearer {oauth.newest}"
    source = TokenSource(oauth.user_credentials(), clock=lambda: now[0])
    for page in range(4):
        if page == 3:
            now[0] += 3601
        (response,) = await caller.calls(source, CALL)
        assert response.next_page_token == "x"
    assert caller.server.tokens == ["Bearer canary-access-1"] * 3 + ["Bearer canary-access-2"]
    assert oauth.count == 2


async def test_aut_02_a_token_that_ends_early_at_the_server_is_invisible(caller: Caller, oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    caller.server.accepts = lambda metadata: metadata["authorization"] == f"Bearer {oauth.newest}"
    await caller.calls(source, CALL)
    caller.server.accepts = lambda metadata: metadata["authorization"] != "Bearer canary-access-1"
    (response,) = await caller.calls(source, CALL)
    assert response.next_page_token == "x"
    assert oauth.count == 2


async def test_aut_03_500_calls_one_refresh(caller: Caller, oauth: OAuthServer) -> None:
    oauth.hold()
    source = TokenSource(oauth.expired_credentials())
    calls = asyncio.create_task(caller.calls(source, *[{"timeout": 60}] * 500, together=True))
    await asyncio.to_thread(oauth.arrived.acquire)
    oauth.release()
    assert [response.next_page_token for response in await calls] == ["x"] * 500
    assert oauth.count == 1
    assert set(caller.server.tokens) == {"Bearer canary-access-1"}


async def test_aut_04_a_hanging_refresh_is_a_deadline(caller: Caller, oauth: OAuthServer) -> None:
    oauth.hold()
    (error,) = await caller.calls(TokenSource(oauth.user_credentials()), {"timeout": 0.05})
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not caller.server.seen


async def test_aut_04_a_refresh_outlives_the_call_that_began_it(caller: Caller, oauth: OAuthServer) -> None:
    oauth.hold()
    source = TokenSource(oauth.user_credentials())
    (error,) = await caller.calls(source, {"timeout": 0.2})
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    late, *others = (asyncio.create_task(caller.calls(source, {"timeout": t})) for t in (0.2, 60, 60))
    (error,) = await late
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    oauth.release()
    assert [response.next_page_token for (response,) in await asyncio.gather(*others)] == ["x", "x"]
    assert oauth.count == 1


async def test_aut_04_cancelled_calls_leave_the_refresh_to_others(
    channel_kind: str, server: AuthServer, oauth: OAuthServer
) -> None:
    oauth.hold()
    interceptors = aio_auth_interceptors(TokenSource(oauth.user_credentials()))
    async with open_aio_channel(channel_kind, server, interceptors) as channel:
        stub = EarthEngineStub(channel)
        began, waits, goes_on = (asyncio.ensure_future(_await(stub.ComputeImages(REQUEST, **CALL))) for _ in range(3))
        await asyncio.to_thread(oauth.arrived.acquire)
        for cancelled in (began, waits):
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
        oauth.release()
        assert (await goes_on).next_page_token == "x"
    assert (oauth.count, len(server.seen)) == (1, 1)


@pytest.mark.parametrize("timeout", [0, -1])
async def test_no_time_is_a_deadline_and_nothing_is_sent(timeout: float, caller: Caller, oauth: OAuthServer) -> None:
    (error,) = await caller.calls(TokenSource(oauth.user_credentials("at-hand")), {"timeout": timeout})
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not caller.server.seen


async def test_aut_08_emulator_variable_means_anonymous(
    caller: Caller, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", caller.server.target)
    options = channel_options(credentials=oauth.user_credentials(STALE))
    await caller.calls(TokenSource(options.credentials), CALL)
    assert options.endpoint.target == caller.server.target
    no_canaries(caller.server.seen)


class Provider(google.auth.credentials.Credentials):  # type: ignore[misc]
    def __init__(self, give: Any) -> None:
        super().__init__()
        self._give = give

    def refresh(self, request: object) -> None:
        if isinstance(self._give, Exception):
            raise self._give
        self.token = self._give


@pytest.mark.parametrize(
    "give",
    [
        pytest.param(RuntimeError("Bearer canary-key"), id="AUT-10"),
        pytest.param("canary-key\r\nx-evil: 1", id="AUT-11-crlf"),
        pytest.param("canary-key\0", id="AUT-11-nul"),
        pytest.param("canary-key\u00e9", id="AUT-11-non-ascii"),
        pytest.param("", id="AUT-11-empty"),
    ],
)
async def test_aut_10_and_11_bad_providers_end_the_call_unsent(give: object, caller: Caller) -> None:
    (error,) = await caller.calls(TokenSource(Provider(give)), CALL)
    assert error.code() is UNAUTHENTICATED
    assert not caller.server.seen
    no_canaries(error, repr(error), error.details(), error.debug_error_string())


async def test_aut_12_an_api_key_is_a_header(caller: Caller) -> None:
    caller.server.accepts = lambda metadata: False
    (error,) = await caller.calls(TokenSource(google.auth.api_key.Credentials("canary-key")), CALL)
    assert [metadata.get("x-goog-api-key") for metadata in caller.server.seen] == ["canary-key"]  # and not sent again
    assert caller.server.tokens == [None]
    assert error.details() == REFUSED
    no_canaries(error, repr(error))


async def test_aut_14_a_server_that_refuses_every_token(caller: Caller, oauth: OAuthServer) -> None:
    now, refreshed_at = [0.0], []
    oauth.lifetime = 1
    caller.server.accepts = lambda metadata: False
    source = TokenSource(oauth.user_credentials(), clock=lambda: now[0])
    for _ in range(100):  # a call every 3 s
        (error,) = await caller.calls(source, CALL)
        assert error.code() is UNAUTHENTICATED
        join_refreshes()
        refreshed_at += [now[0]] * (oauth.count - len(refreshed_at))
        now[0] += 3
    assert refreshed_at[:2] == [0.0, 0.0]  # the first token; and one instead of it when it is refused
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(refreshed_at[1:]))
    assert len(caller.server.seen) <= 100 + len(refreshed_at)


# --- what single calls may bring -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [pytest.param(key, id=f"AUT-13-{key}") for key in ("authorization", "x-goog-user-project", "x-goog-api-key")],
)
@pytest.mark.parametrize("anonymous", [True, False])
async def test_aut_13_call_metadata_is_refused(key: str, anonymous: bool, caller: Caller, oauth: OAuthServer) -> None:
    source = TokenSource(None if anonymous else oauth.user_credentials())
    (error,) = await caller.calls(source, {**CALL, "metadata": (("x-own", "1"), (key, "canary-key"))})
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert key in error.details()
    no_canaries(error, repr(error))
    assert (caller.server.seen, oauth.count) == ([], 0)


async def test_aut_13_call_metadata_replaces_ours_if_allowed(caller: Caller, oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"))
    await caller.calls(
        source,
        {**CALL, "metadata": (("authorization", "Bearer own"),)},
        {**CALL, "metadata": (("x-goog-api-key", "own"),)},
        {**CALL, "metadata": (("x-goog-user-project", "own"),)},
        allow_auth_metadata=True,
    )
    brought = [{key: seen[key] for key in AUTH_METADATA if key in seen} for seen in caller.server.seen]
    assert brought == [
        {"authorization": "Bearer own"},
        {"x-goog-api-key": "own"},
        {"x-goog-user-project": "own", "authorization": "Bearer canary-access-1"},
    ]


async def test_aut_13_a_refused_token_of_the_call_costs_no_refresh(caller: Caller, oauth: OAuthServer) -> None:
    caller.server.accepts = lambda metadata: False
    source = TokenSource(oauth.user_credentials())
    call = {**CALL, "metadata": (("authorization", "Bearer own"),)}
    (error,) = await caller.calls(source, call, allow_auth_metadata=True)
    assert error.code() is UNAUTHENTICATED
    assert (len(caller.server.seen), oauth.count) == (1, 0)


@pytest.mark.parametrize("anonymous", [True, False])
async def test_grp_10_call_credentials_on_plaintext(anonymous: bool, caller: Caller, oauth: OAuthServer) -> None:
    source = TokenSource(None if anonymous else oauth.user_credentials())
    call = {**CALL, "credentials": grpc.access_token_call_credentials("canary-key")}
    if (caller.kind, caller.colour) == ("grpc", "aio"):  # stock grpc.aio says it in its own way
        with pytest.raises(grpc.aio.UsageError, match="only valid on secure channels"):
            await caller.calls(source, call)
    else:
        (error,) = await caller.calls(source, call)
        assert error.code() is UNAUTHENTICATED
        no_canaries(error, repr(error))
    assert (caller.server.seen, oauth.count) == ([], 0)


# --- the other ways to call, sync ------------------------------------------------------------------------------------


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


# --- the other ways to call, asyncio ---------------------------------------------------------------------------------


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
            _await(EarthEngineStub(channel).ComputeImages(ComputeImagesRequest(project="projects/p"), timeout=60))
        )
        await asyncio.to_thread(oauth.arrived.acquire if phase == "refresh" else arrived.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        cancelled.set()
    oauth.release()
    assert source.metadata(30)  # the refresh went on without the call


async def _await(call: Any) -> Any:
    return await call


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


# --- secrets ---------------------------------------------------------------------------------------------------------


async def test_aut_09_logs_and_errors_tell_nothing(
    caller: Caller, oauth: OAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caller.server.accepts = lambda metadata: False
    source = TokenSource(oauth.user_credentials(STALE))
    errors = await caller.calls(source, CALL, CALL, {**CALL, "metadata": (("authorization", "canary-key"),)})
    no_canaries(*(vars(record) for record in caplog.records))
    for error in errors:
        no_canaries(error, repr(error), error.args, error.details())
    no_canaries(AuthInterceptor(source), aio_auth_interceptors(source))
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(AuthInterceptor(source))
