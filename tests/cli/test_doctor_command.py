"""``eegrpc doctor``: what it finds, and when it says that something is broken."""

import importlib.metadata
import json

import grpc
import pytest
from servers import ScriptedServicer, free_port, grpc_server, rest_server

import eegrpc
from eegrpc.cli import main
from eegrpc.emulator import Emulator


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("EARTHENGINE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "EEGRPC_MAPPER", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.fixture
def doctor(capsys):
    """Return a function that runs the doctor and returns the exit code and the findings by name."""

    def of(*arguments):
        code = main(["doctor", "--json", *arguments])
        report = json.loads(capsys.readouterr().out)
        assert report["ok"] is (code == 0)
        return code, {finding["name"]: finding for finding in report["findings"]}

    return of


def test_what_runs_here(doctor):
    code, found = doctor()
    assert code == 0
    assert found["eegrpc"]["facts"]["version"] == eegrpc.__version__
    assert found["mapper"]["facts"]["implementation"] == eegrpc.mapper.IMPLEMENTATION
    assert found["mapper"]["facts"]["protobuf"] in ("upb", "python", "cpp")
    assert found["packages"]["facts"]["grpcio"] == grpc.__version__
    assert set(found["packages"]["facts"]) >= {"protobuf", "urllib3", "google-auth"}
    assert found["extra cli"]["state"] == found["extra emulator"]["state"] == "ok"


def test_google_is_explained_and_not_called_unless_named(doctor):
    code, found = doctor()
    assert code == 0
    assert found["transport"]["facts"] == {
        "endpoint": "https://earthengine.googleapis.com",
        "transport": "rest",
        "tried": False,
    }
    assert "--endpoint" in found["transport"]["text"]


def test_an_endpoint_that_speaks_grpc(doctor):
    with Emulator() as emulator:
        code, found = doctor("--endpoint", emulator.endpoint)
        assert code == 0
        assert found["transport"]["facts"] == {"endpoint": emulator.endpoint, "transport": "grpc", "tried": True}
        _, found = doctor("--endpoint", emulator.endpoint, "--transport", "rest")
        assert found["transport"]["facts"]["transport"] == "rest"
        assert "as --transport says" in found["transport"]["text"]


def test_an_endpoint_that_speaks_rest_only(doctor):
    with rest_server(ScriptedServicer()) as port:
        code, found = doctor("--endpoint", f"http://127.0.0.1:{port}")
    assert code == 0
    assert found["transport"]["facts"]["transport"] == "rest"
    assert found["transport"]["facts"]["fallback_reason"] in found["transport"]["text"]


def test_nobody_there_is_broken(doctor):
    code, found = doctor("--endpoint", f"http://127.0.0.1:{free_port()}")
    assert code == 1
    assert found["transport"]["state"] == "broken"
    assert "UNAVAILABLE" in found["transport"]["text"]


def test_access_denied_is_broken_and_says_who_must_act(doctor):
    servicer = ScriptedServicer()
    servicer.answer = lambda _, context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")
    with grpc_server(servicer) as port:
        code, found = doctor("--endpoint", f"http://127.0.0.1:{port}")
    assert code == 1
    assert "PERMISSION_DENIED: not you\nHave the caller granted" in found["transport"]["text"]


def test_the_emulator_of_the_environment_is_tried(doctor, monkeypatch):
    with Emulator() as emulator:
        host = f"127.0.0.1:{emulator.port}"
        monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", host)
        code, found = doctor()
    assert code == 0
    assert found["transport"]["facts"] == {"endpoint": f"http://{host}", "transport": "grpc", "tried": True}
    assert found["variable"]["text"] == f"EARTHENGINE_EMULATOR_HOST={host}"


@pytest.mark.parametrize("endpoint", ["ftp://x", "http://", "host:99999"])
def test_a_malformed_endpoint_is_broken(doctor, endpoint):
    code, found = doctor("--endpoint", endpoint)
    assert code == 1
    assert "no channel can be made" in found["transport"]["text"]


def test_missing_extras_are_notes_and_missing_packages_broken(doctor, monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name in missing:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    missing = {"rich", "shapely"}
    code, found = doctor()
    assert code == 0
    assert found["extra cli"]["text"] == 'without rich: pip install "eegrpc[cli]"'
    assert found["extra emulator"]["state"] == "note"
    missing = {"urllib3"}
    code, found = doctor()
    assert code == 1
    assert found["packages"]["state"] == "broken"


@pytest.mark.parametrize(("value", "text"), [("0", "RuntimeError"), ("1", "in the middle of a long gRPC call")])
def test_con_05_what_fork_support_means(doctor, monkeypatch, value, text):
    monkeypatch.setenv("GRPC_ENABLE_FORK_SUPPORT", value)
    _, found = doctor()
    assert found["fork"]["state"] == "note"
    assert text in found["fork"]["text"]


def test_proxies(doctor, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass@proxy:1")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    _, found = doctor()
    assert "fork" not in found
    assert found["proxies"]["facts"]["variables"] == {
        "HTTPS_PROXY": "http://***@proxy:1",
        "no_proxy": "localhost,127.0.0.1",
    }


def test_no_credentials_are_a_note(doctor):
    code, found = doctor()
    assert code == 0
    assert found["credentials"]["state"] == "note"


def test_gcloud_credentials_are_found(doctor, tmp_path):
    (tmp_path / "gcloud").mkdir()
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    (tmp_path / "gcloud" / "application_default_credentials.json").write_text(json.dumps(user))
    _, found = doctor()
    assert found["credentials"]["facts"]["kind"] == "authorized_user"


@pytest.mark.parametrize("columns", ["60", "100"])
def test_for_people_it_fits_the_terminal(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("  ✓ eegrpc ")
    assert max(map(len, lines)) <= int(columns)
