"""What tests of authentication share: servers, channels to them, and nothing of the machine's own credentials."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from auth_callers import Caller, open_channel
from auth_server import AuthServer
from canaries import private_key
from oauth_server import OAuthServer


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
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


@pytest.fixture(params=["grpc", "rest"])
def channel_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sync", "aio"])
def caller(channel_kind: str, request: pytest.FixtureRequest, server: AuthServer) -> Caller:
    return Caller(channel_kind, request.param, server)


@pytest.fixture
def channel(channel_kind: str, server: AuthServer) -> Iterator[grpc.Channel]:
    with open_channel(channel_kind, server) as channel:
        yield channel
