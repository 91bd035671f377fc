"""Tokens of calls on every kind of channel: which are sent, refused and sent again, and that none is told."""

import asyncio
import itertools
import logging
import pickle
from typing import Any

import google.auth.api_key
import grpc
import grpc.aio
import pytest
from auth_callers import CALL, REQUEST, STALE, UNAUTHENTICATED, Caller, await_call, open_aio_channel
from auth_server import REFUSED, AuthServer
from canaries import no_canaries
from credential_doubles import Provider
from oauth_server import OAuthServer, join_refreshes

from eegrpc._auth import AUTH_METADATA, AuthInterceptor, aio_auth_interceptors
from eegrpc._options import channel_options
from eegrpc._tokens import TokenSource
from eegrpc.v1alpha import EarthEngineStub


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
        began, waits, goes_on = (
            asyncio.ensure_future(await_call(stub.ComputeImages(REQUEST, **CALL))) for _ in range(3)
        )
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


def giving(what: Any) -> Any:
    """Return a refresh that gives this, or raises it."""

    def refresh() -> Any:
        if isinstance(what, Exception):
            raise what
        return what

    return refresh


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
    (error,) = await caller.calls(TokenSource(Provider(giving(give))), CALL)
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
