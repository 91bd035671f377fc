"""What credentials resolve to, and how tokens are fetched: on a real token endpoint."""

import asyncio
import datetime
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google.auth.api_key
import google.auth.credentials
import google.auth.exceptions
import google.auth.identity_pool
import google.auth.impersonated_credentials
import google.oauth2.credentials
import google.oauth2.service_account
import grpc
import pytest
from canaries import CLIENT_SECRET, REFRESH_TOKEN, no_canaries, private_key
from oauth_server import OAuthServer, join_refreshes

from eegrpc._credentials import (
    DEFAULT_SCOPES,
    CredentialsError,
    DefaultCredentials,
    TokenSource,
    resolve_credentials,
)
from eegrpc._options import DEFAULT_ENDPOINT
from eegrpc._token_transport import TokenTransport
from eegrpc.transcoding.endpoint import Endpoint

GOOGLE = Endpoint.parse(DEFAULT_ENDPOINT)
LOOPBACK = Endpoint.parse("http://127.0.0.1:1")
GATEWAY = Endpoint.parse("https://gateway.example")

CANARY = "canary-provider-token"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Provider(google.auth.credentials.Credentials):  # type: ignore[misc]
    """Credentials whose refresh does what the test says."""

    def __init__(self, refresh: Any) -> None:
        super().__init__()
        self._do = refresh

    def refresh(self, request: object) -> None:
        self.token = self._do()


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))


@pytest.fixture
def service_account() -> dict[str, str]:
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "canary-key-id",
        "private_key": private_key(),
        "client_email": "robot@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


AUTHORIZED_USER = {
    "type": "authorized_user",
    "client_id": "client",
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and all that hangs on it, shown or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


# --- resolving -------------------------------------------------------------------------------------------------------


def test_none_is_default_credentials_for_google_only() -> None:
    assert isinstance(resolve_credentials(None, endpoint=GOOGLE), DefaultCredentials)
    for endpoint in (GATEWAY, LOOPBACK, Endpoint.parse("earthengine.googleapis.com.evil")):
        assert resolve_credentials(None, endpoint=endpoint) is None
    assert resolve_credentials(None, endpoint=Endpoint.parse("http://earthengine.googleapis.com")) is None


def test_objects_stay_as_they_are_and_are_scoped_if_they_must_be(service_account: dict[str, str]) -> None:
    user = google.oauth2.credentials.Credentials("t")
    assert resolve_credentials(user, endpoint=GATEWAY) is user
    unscoped = google.oauth2.service_account.Credentials.from_service_account_info(service_account)
    resolved: Any = resolve_credentials(unscoped, endpoint=GATEWAY)
    assert resolved.scopes == list(DEFAULT_SCOPES)
    scoped = unscoped.with_scopes(["https://own"])
    assert resolve_credentials(scoped, endpoint=GATEWAY) is scoped
    assert resolve_credentials(google.auth.credentials.AnonymousCredentials(), endpoint=GOOGLE) is None


def test_files_and_their_content(service_account: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account))
    for given in (path, str(path), service_account):
        resolved: Any = resolve_credentials(given, endpoint=GATEWAY, scopes=["https://scope"])
        assert isinstance(resolved, google.oauth2.service_account.Credentials)
        assert resolved.scopes == ["https://scope"]
    user: Any = resolve_credentials(AUTHORIZED_USER, endpoint=GATEWAY)
    assert isinstance(user, google.oauth2.credentials.Credentials)
    assert user.scopes is None  # what the user granted, and nothing else


def test_impersonation_and_workload_identity(tmp_path: Path) -> None:
    impersonated = resolve_credentials(
        {
            "type": "impersonated_service_account",
            "source_credentials": AUTHORIZED_USER,
            "service_account_impersonation_url": (
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken"
            ),
        },
        endpoint=GATEWAY,
    )
    assert isinstance(impersonated, google.auth.impersonated_credentials.Credentials)
    external = resolve_credentials(
        {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": str(tmp_path / "token")},
        },
        endpoint=GATEWAY,
    )
    assert isinstance(external, google.auth.identity_pool.Credentials)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "does not exist"),
        ("canary-key {", "cannot be read as JSON"),
        ("[]", "no JSON object"),
        ('{"canary-key": 1}', '"type" is missing'),
        ('{"type": "gdch_service_account"}', '"type" is missing or not one of'),
        ('{"type": "service_account", "private_key": "canary-key"}', "malformed service_account"),
        ('{"type": "authorized_user", "refresh_token": "canary-key"}', "malformed authorized_user"),
        ('{"type": "impersonated_service_account"}', "malformed impersonated_service_account"),
        ('{"type": "external_account", "canary-key": 1}', "malformed external_account"),
    ],
)
def test_bad_files_fail_at_construction_and_are_not_quoted(
    content: str | None, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "canary-key.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    for given, source in ((str(path), "credentials="), (None, "GOOGLE_APPLICATION_CREDENTIALS")):
        with pytest.raises(ValueError, match=text) as caught:
            resolve_credentials(given, endpoint=GOOGLE)
        assert source in str(caught.value)
        no_canaries(*chain(caught.value))


def test_a_key_given_for_a_path_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="does not exist") as caught:
        resolve_credentials("1//canary-refresh-token", endpoint=GOOGLE)
    no_canaries(*chain(caught.value))


@pytest.mark.parametrize(
    "given", [5, grpc.ssl_channel_credentials(), grpc.access_token_call_credentials("canary-access"), object()]
)
def test_other_things_are_refused(given: object) -> None:
    with pytest.raises(TypeError, match="give a google") as caught:
        resolve_credentials(given, endpoint=GOOGLE)
    no_canaries(caught.value)


def test_no_default_credentials_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    source = TokenSource(resolve_credentials(None, endpoint=GOOGLE))
    with pytest.raises(CredentialsError, match="gcloud auth application-default login") as caught:
        source.metadata(20)
    assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED


class MetadataServer(BaseHTTPRequestHandler):
    """What virtual machines and Cloud Run get their tokens from."""

    def do_GET(self) -> None:
        assert self.headers["metadata-flavor"] == "Google"
        kind, text = "application/json", '{"access_token": "canary-access", "expires_in": 3599, "token_type": "Bearer"}'
        if "/token" not in self.path:
            kind, text = "application/json", '{"email": "robot@p.iam.gserviceaccount.com", "scopes": ["s"]}'
        if "/service-accounts/" not in self.path:
            kind, text = "text/plain", "my-project"
        self.send_response(200)
        self.send_header("metadata-flavor", "Google")
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


_ON_GOOGLE_CLOUD = """
import sys
from eegrpc._credentials import TokenSource, resolve_credentials
from eegrpc._options import DEFAULT_ENDPOINT
from eegrpc.transcoding.endpoint import Endpoint

metadata = TokenSource(resolve_credentials(None, endpoint=Endpoint.parse(DEFAULT_ENDPOINT))).metadata(50)
print(metadata == (("authorization", sys.argv[1]),))  # which is not itself printed: secret_watch reads this
"""


def test_default_credentials_on_google_cloud(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), MetadataServer) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        address = f"127.0.0.1:{http.server_address[1]}"
        try:  # google-auth reads these variables when it is imported
            out = subprocess.run(
                [sys.executable, "-c", _ON_GOOGLE_CLOUD, "Bearer canary-access"],
                env={
                    **os.environ,
                    "GCE_METADATA_HOST": address,
                    "GCE_METADATA_IP": address,
                    "CLOUDSDK_CONFIG": str(tmp_path / "no-gcloud"),
                },
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
                check=True,
            ).stdout
        finally:
            http.shutdown()
            thread.join()
    assert out == "True\n"


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_anonymous_sends_nothing() -> None:
    source = TokenSource(None, quota_project="p")
    assert source.metadata(0) == ()
    assert not source.invalidate(())
    assert not source.refreshable


def test_a_token_is_fetched_once_and_kept(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"))
    expected = (*bearer("canary-access-1"), ("x-goog-user-project", "billed"))
    assert source.metadata(20) == source.metadata(None) == expected
    assert oauth.count == 1
    assert b"refresh_token=canary-refresh-token" in oauth.bodies[0]


def test_the_option_overrides_the_quota_project(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"), quota_project="other")
    assert dict(source.metadata(20))["x-goog-user-project"] == "other"


def test_service_accounts_fetch_tokens_too(oauth: OAuthServer, service_account: dict[str, str]) -> None:
    source = TokenSource(resolve_credentials({**service_account, "token_uri": oauth.url}, endpoint=GATEWAY))
    assert source.metadata(20) == bearer("canary-access-1")
    assert b"assertion=" in oauth.bodies[0]


def test_a_token_at_hand_is_used(oauth: OAuthServer) -> None:
    assert TokenSource(oauth.user_credentials("at-hand")).metadata(0) == bearer("at-hand")
    past = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(seconds=1)
    assert TokenSource(oauth.user_credentials("old", expiry=past)).metadata(20) == bearer("canary-access-1")


def test_aut_02_an_expired_token_is_replaced_before_the_call(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    assert source.metadata(20) == bearer("canary-access-1")
    clock.now += 3601
    assert source.metadata(20) == bearer("canary-access-2")
    assert oauth.count == 2


def test_aut_02_a_token_near_its_end_serves_while_the_next_is_fetched(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    source.metadata(20)
    oauth.arrived.acquire()
    oauth.hold()
    clock.now += 3600 - 40
    for _ in range(20):
        assert source.metadata(0) == bearer("canary-access-1")
    assert oauth.arrived.acquire(timeout=20)  # one refresh is on its way
    assert source.metadata(0) == bearer("canary-access-1")
    oauth.release()
    clock.now += 45  # whoever needs a new token now joins that refresh
    assert source.metadata(20) == bearer("canary-access-2")
    assert oauth.count == 2


def test_aut_02_a_failed_early_refresh_disturbs_nobody(oauth: OAuthServer, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    source.metadata(20)
    oauth.answers.append((400, "application/json", '{"error": "invalid_grant", "error_description": "canary-key"}'))
    clock.now += 3500
    assert source.metadata(0) == bearer("canary-access-1")
    join_refreshes()
    assert source.metadata(0) == bearer("canary-access-1")
    assert oauth.count == 2  # and not one for each call
    assert "early token refresh failed: UNAUTHENTICATED" in caplog.text
    no_canaries(caplog.text)
    clock.now += 31
    source.metadata(0)
    join_refreshes()
    assert source.metadata(0) == bearer("canary-access-3")


def test_aut_03_500_threads_one_refresh(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.expired_credentials())
    oauth.hold()
    ready = threading.Semaphore(0)
    got: list[object] = []

    def call() -> None:
        ready.release()
        got.append(source.metadata(60))

    threads = [threading.Thread(target=call) for _ in range(500)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    oauth.release()
    for thread in threads:
        thread.join()
    assert got == [bearer("canary-access-1")] * 500
    assert oauth.count == 1


async def test_aut_03_500_tasks_one_refresh(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.expired_credentials())
    oauth.hold()
    tasks = [asyncio.create_task(source.metadata_async(60)) for _ in range(500)]
    await asyncio.sleep(0)
    oauth.release()
    assert await asyncio.gather(*tasks) == [bearer("canary-access-1")] * 500
    assert oauth.count == 1


def test_aut_04_a_hanging_refresh_ends_waits_on_time(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    oauth.hold()
    for timeout in (0.05, 0.0, -1.0):
        with pytest.raises(CredentialsError) as caught:
            source.metadata(timeout)
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    oauth.release()
    assert source.metadata(20) == bearer("canary-access-1")


async def test_aut_04_a_cancelled_waiter_leaves_the_refresh_to_others(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    oauth.hold()
    first, second = (asyncio.create_task(source.metadata_async(60)) for _ in range(2))
    late = asyncio.create_task(source.metadata_async(0.05))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(CredentialsError) as caught:
        await late
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    oauth.release()
    assert await second == bearer("canary-access-1")
    assert oauth.count == 1


def test_aut_04_an_abandoned_refresh_is_replaced(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    oauth.hold()
    with pytest.raises(CredentialsError):
        source.metadata(0)
    oauth.arrived.acquire()
    clock.now += 61
    with pytest.raises(CredentialsError):
        source.metadata(0)
    assert oauth.arrived.acquire(timeout=20)
    oauth.release()
    assert source.metadata(20)[0][1].startswith("Bearer canary-access-")


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


_FORK = """
import os, sys, threading
sys.path.insert(0, sys.argv[2])
from google.oauth2.credentials import Credentials
from eegrpc._credentials import TokenSource

source = TokenSource(Credentials(None, refresh_token="r", token_uri=sys.argv[1], client_id="c", client_secret="s"))
waiting = threading.Thread(target=source.metadata, args=(None,), daemon=True)
waiting.start()
sys.stdin.readline()  # the refresh hangs now, in a thread that no child will have
state = source._state
with state.lock:
    pid = os.fork()
if pid == 0:
    print(source.metadata(20)[0][1] == sys.argv[3], flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
os._exit(0)
"""


def test_aut_06_a_forked_child_refreshes_by_itself(oauth: OAuthServer) -> None:
    oauth.hold()
    child = subprocess.Popen(
        [sys.executable, "-c", _FORK, oauth.url, str(Path(__file__).parent), "Bearer canary-access-2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert oauth.arrived.acquire(timeout=60)
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    assert oauth.arrived.acquire(timeout=60)  # the child asks for a token of its own
    oauth.release()
    out, _ = child.communicate(timeout=60)
    assert out == "True\n"


def test_a_forked_child_inherits_a_good_token(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    source.metadata(20)
    source._after_fork()
    assert source.metadata(0) == bearer("canary-access-1")


# --- refused tokens --------------------------------------------------------------------------------------------------


def test_a_refused_token_is_dropped_once(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    first = source.metadata(20)
    assert all(source.invalidate(first) for _ in range(40))  # 40 calls in flight hear the same
    second = source.metadata(20)
    assert second != first
    assert source.invalidate(first)  # a straggler: another token is there
    assert source.metadata(0) == second
    assert not source.invalidate(second)  # too early to force again
    assert source.metadata(0) == second
    clock.now += 30
    assert source.invalidate(second)
    assert source.metadata(20) == bearer("canary-access-3")


def test_aut_14_refusals_for_ever_and_tokens_born_dead(oauth: OAuthServer) -> None:
    clock = Clock()
    oauth.lifetime = 1
    source = TokenSource(oauth.user_credentials(), clock=clock)
    for _ in range(600):  # ten minutes, a refused call every second
        sent = source.metadata(20)
        join_refreshes()
        if source.invalidate(sent):
            source.invalidate(source.metadata(20))
        clock.now += 1
    assert oauth.count <= 600 / 30 + 2


def test_invalidate_is_for_refreshable_tokens() -> None:
    source = TokenSource(google.auth.api_key.Credentials("canary-key"))
    assert not source.invalidate(source.metadata(0))


# --- hostile and clumsy providers ------------------------------------------------------------------------------------


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


def test_aut_12_an_api_key_is_a_header_and_nothing_else() -> None:
    key = resolve_credentials(google.auth.api_key.Credentials("canary-key"), endpoint=GOOGLE)
    assert TokenSource(key).metadata(0) == (("x-goog-api-key", "canary-key"),)
    assert dict(TokenSource(key, quota_project="p").metadata(0))["x-goog-user-project"] == "p"


# --- secrets ---------------------------------------------------------------------------------------------------------


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


def test_importing_loads_no_google_auth_and_no_urllib3() -> None:
    code = (
        "import sys, eegrpc._options, eegrpc._auth\n"
        "print([m for m in ('google.auth', 'urllib3', 'aiohttp', 'requests') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.strip() == "[]"
