"""What may be given as credentials, what it resolves to, and that nothing of it is loaded or quoted."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google.auth.credentials
import google.auth.identity_pool
import google.auth.impersonated_credentials
import google.oauth2.credentials
import google.oauth2.service_account
import grpc
import pytest
from canaries import CLIENT_SECRET, REFRESH_TOKEN, no_canaries
from credential_doubles import GATEWAY, GOOGLE, chain

from eegrpc._credentials import (
    DEFAULT_SCOPES,
    CredentialsError,
    DefaultCredentials,
    resolve_credentials,
)
from eegrpc._tokens import TokenSource
from eegrpc.transcoding.endpoint import Endpoint

LOOPBACK = Endpoint.parse("http://127.0.0.1:1")

AUTHORIZED_USER = {
    "type": "authorized_user",
    "client_id": "client",
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


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
from eegrpc._credentials import resolve_credentials
from eegrpc._tokens import TokenSource
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


def test_importing_loads_no_google_auth_and_no_urllib3() -> None:
    code = (
        "import sys, eegrpc._options, eegrpc._auth\n"
        "print([m for m in ('google.auth', 'urllib3', 'aiohttp', 'requests') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.strip() == "[]"
