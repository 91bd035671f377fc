"""What becomes of token endpoints and providers that fail or give nonsense, and that no secret is told."""

import logging
import pickle
from typing import Any

import google.auth.api_key
import google.auth.exceptions
import grpc
import pytest
from canaries import no_canaries
from credential_doubles import Provider, bearer, chain
from oauth_server import OAuthServer

from eegrpc._credentials import DEFAULT_SCOPES, CredentialsError, DefaultCredentials
from eegrpc._token_transport import TokenTransport
from eegrpc._tokens import TokenSource

# ---- token endpoints ----


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        pytest.param(
            (400, "application/json", '{"error": "invalid_grant", "error_description": "canary-key"}'),
            grpc.StatusCode.UNAUTHENTICATED,
            "refused (invalid_grant)",
            id="AUT-05-invalid-grant",
        ),
        pytest.param(
            (400, "application/json", '{"error": "canary-key"}'),
            grpc.StatusCode.UNAUTHENTICATED,
            "refused: ",
            id="AUT-05-unknown-word",
        ),
        pytest.param(
            (501, "application/json", '{"error": "canary-key"}'),
            grpc.StatusCode.UNAVAILABLE,
            "overloaded",
            id="AUT-05-5xx",
        ),
        pytest.param(
            (200, "text/html; charset=utf-8", "<p>canary-key"),
            grpc.StatusCode.UNAVAILABLE,
            "could not be reached",
            id="AUT-05-html",
        ),
        pytest.param(
            (302, "text/plain", "canary-key"), grpc.StatusCode.UNAUTHENTICATED, "refused", id="AUT-05-redirect"
        ),
        pytest.param(
            (200, "application/json", '"' + "x" * (1 << 20) + '"'),
            grpc.StatusCode.UNAVAILABLE,
            "could not be reached",
            id="AUT-05-huge",
        ),
        pytest.param(
            (200, "application/json", '{"canary-key": 1}'),
            grpc.StatusCode.UNAUTHENTICATED,
            "refused",
            id="AUT-05-no-token",
        ),
    ],
)
def test_aut_05_what_a_failed_refresh_becomes(
    answer: tuple[int, str, str], code: grpc.StatusCode, text: str, oauth: OAuthServer
) -> None:
    oauth.answers.append(answer)
    source = TokenSource(oauth.user_credentials())
    with pytest.raises(CredentialsError) as caught:
        source.metadata(20)
    assert caught.value.code is code
    assert text in caught.value.details
    no_canaries(*chain(caught.value), repr(caught.value))
    assert source.metadata(20) == bearer("canary-access-2")  # the next call tries again


def test_aut_05_nobody_listens(oauth: OAuthServer) -> None:
    credentials = oauth.user_credentials()
    credentials._token_uri = "http://127.0.0.1:9/token"
    with pytest.raises(CredentialsError) as caught:
        TokenSource(credentials).metadata(20)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_secrets_do_not_cross_plaintext_to_a_token_endpoint(oauth: OAuthServer) -> None:
    credentials = oauth.user_credentials()
    credentials._token_uri = "http://127.0.0.1.evil/token"
    with pytest.raises(CredentialsError, match="without TLS") as caught:
        TokenSource(credentials).metadata(20)
    assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(CredentialsError, match="without TLS"):
        TokenTransport()("http://10.0.0.1/", headers={"Authorization": "canary-key"})


# ---- providers ----


CANARY = "canary-provider-token"


def _raising(error: Exception) -> Any:
    def refresh() -> str:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise error from cause

    return refresh


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError(f"Bearer {CANARY}"), id="AUT-10-runtime-error"),
        pytest.param(google.auth.exceptions.RefreshError(CANARY, {"error": CANARY}), id="AUT-10-refresh-error"),
        pytest.param(google.auth.exceptions.GoogleAuthError(CANARY), id="AUT-10-auth-error"),
        pytest.param(SystemExit(CANARY), id="AUT-10-exit"),
    ],
)
async def test_aut_10_provider_raises_with_its_token(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = TokenSource(Provider(_raising(error)))
    with pytest.raises(CredentialsError) as caught:
        source.metadata(20)
    assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
    no_canaries(*chain(caught.value), *map(repr, chain(caught.value)), caplog.text)
    with pytest.raises(CredentialsError) as caught:
        await source.metadata_async(20)
    no_canaries(*chain(caught.value), *map(repr, chain(caught.value)), caplog.text)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("a\r\nx-evil: 1", id="AUT-11-crlf"),
        pytest.param("a\n", id="AUT-11-lf"),
        pytest.param("a\0b", id="AUT-11-nul"),
        pytest.param("tökén", id="AUT-11-non-ascii"),
        pytest.param("a b", id="AUT-11-space"),
        pytest.param("a\x7f", id="AUT-11-del"),
        pytest.param("", id="AUT-11-empty"),
        pytest.param(" ", id="AUT-11-blank"),
        pytest.param(None, id="AUT-11-none"),
        pytest.param(b"bytes\r\n", id="AUT-11-bytes"),
    ],
)
def test_aut_11_tokens_that_no_header_may_hold(token: Any) -> None:
    def once() -> Any:
        return token

    with pytest.raises(CredentialsError) as caught:
        TokenSource(Provider(once)).metadata(20)
    assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
    at_hand = Provider(once)
    at_hand.token = token
    with pytest.raises(CredentialsError):
        TokenSource(at_hand).metadata(20)


def test_aut_11_api_key_and_quota_project_are_checked_too() -> None:
    for source in (
        TokenSource(google.auth.api_key.Credentials("a\r\nb")),
        TokenSource(google.auth.api_key.Credentials("good"), quota_project="a\nb"),
    ):
        with pytest.raises(CredentialsError, match="no header may hold"):
            source.metadata(20)


# ---- secrets ----


def test_aut_09_nothing_is_told(oauth: OAuthServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)  # secret_watch has opened the loggers
    source = TokenSource(oauth.user_credentials())
    oauth.answers.append((400, "application/json", '{"error": "canary-key", "x": "canary-access"}'))
    with pytest.raises(CredentialsError) as caught:
        source.metadata(20)
    source.metadata(20)
    assert caplog.records  # urllib3's, at least
    no_canaries(*(vars(record) for record in caplog.records))
    no_canaries(source, repr(source), caught.value, repr(caught.value), caught.value.args)
    assert repr(source) == "TokenSource(google.oauth2.credentials.Credentials)"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(source)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.code, copy.details) == (caught.value.code, caught.value.details)
    no_canaries(repr(DefaultCredentials(DEFAULT_SCOPES, "p")))
