"""What single calls may bring along to authenticate themselves, on every kind of channel."""

import grpc
import grpc.aio
import pytest
from auth_callers import CALL, UNAUTHENTICATED, Caller
from canaries import no_canaries
from oauth_server import OAuthServer

from eegrpc._auth import AUTH_METADATA
from eegrpc._tokens import TokenSource


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
