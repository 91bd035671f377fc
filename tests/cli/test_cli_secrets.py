"""CLI-05: tokens and keys are not accepted as arguments, and nothing repeats one."""

import json

import pytest
from canaries import private_key

from eegrpc.cli import main
from eegrpc.cli.failures import redact

TOKEN = "ya29.canary-access-secret_part"
OTHER_TOKEN = "ya29.a0AfH6SMBx-secret_part"  # no canary: the library quotes what is no project, the command hides it
KEY = "AIzaSyD-canary-key-secret00000000000000"


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("EARTHENGINE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--token", TOKEN], id="CLI-05-token"),
        pytest.param([f"--access-token={TOKEN}"], id="CLI-05-access-token"),
        pytest.param([f"--api-key={KEY}"], id="CLI-05-api-key"),
        pytest.param(["--key", KEY], id="CLI-05-key"),
        pytest.param([f"--{TOKEN}"], id="CLI-05-token-as-option"),
        pytest.param([TOKEN], id="CLI-05-token-as-expression"),
        pytest.param(["e.json", TOKEN], id="CLI-05-token-as-extra"),
        pytest.param(["e.json", "--limit", TOKEN], id="CLI-05-token-as-number"),
        pytest.param(["e.json", "--transport", TOKEN], id="CLI-05-token-as-choice"),
        pytest.param(["e.json", "--project", "p", "--credentials", TOKEN], id="CLI-05-token-as-credentials"),
        pytest.param(["e.json", "--project", "p", "--credentials", KEY], id="CLI-05-key-as-credentials"),
        pytest.param(["e.json", "--project", "p", "--endpoint", f"https://me:{KEY}@host"], id="CLI-05-key-as-password"),
        pytest.param(["e.json", "--project", OTHER_TOKEN, "--emulator"], id="CLI-05-token-as-project"),
    ],
)
def test_secrets_in_arguments_are_refused_and_not_repeated(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_text('{"result": "0", "values": {"0": {"constantValue": 1}}}')
    assert main(["compute-images", *arguments]) == 2
    written = capsys.readouterr()
    assert "secret" not in written.out + written.err
    assert written.err
    assert main(["doctor", *arguments]) != 0
    written = capsys.readouterr()
    assert "secret" not in written.out + written.err


@pytest.mark.parametrize("option", ["--token", "--api-key", "--password", "--client-secret"])
def test_cli_05_says_where_secrets_belong(option, capsys):
    assert main(["compute-images", "e.json", option, "x"]) == 2
    assert "--credentials FILE or GOOGLE_APPLICATION_CREDENTIALS" in capsys.readouterr().err


SERVICE_ACCOUNT = {
    "type": "service_account",
    "project_id": "acme",
    "private_key_id": "secret-key-id",
    "private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n",
    "client_email": "importer@acme.iam.gserviceaccount.com",
    "client_id": "secret-client",
    "token_uri": "https://oauth2.googleapis.com/token",
}
USER = {
    "type": "authorized_user",
    "client_id": "secret-client",
    "client_secret": "GOCSPX-canary-client-secret",
    "refresh_token": "1//canary-refresh-token-secret",
    "account": "jane.doe@example.com",
}


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    ("info", "shown"),
    [
        pytest.param(SERVICE_ACCOUNT, "service_account im***@acme.iam.gserviceaccount.com", id="service-account"),
        pytest.param(USER, "authorized_user ja***@example.com", id="user"),
    ],
)
def test_cli_05_the_doctor_names_credentials_without_giving_them_away(tmp_path, monkeypatch, capsys, info, shown, form):
    key = private_key()
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({**info, "private_key": key}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("https_proxy", "http://someone:canary-password-secret@proxy:3128")
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", "")
    assert main(["doctor", *form]) == 0
    written = capsys.readouterr()
    assert shown in written.out
    assert "https_proxy" in written.out
    assert written.err == ""
    for secret in ("secret", "importer", "jane", key.splitlines()[1], "someone"):
        assert secret not in written.out


@pytest.mark.parametrize("content", ["", "not json", '{"type": "secret"}', '{"type": "service_account"}', '["secret"]'])
def test_cli_05_broken_credentials_are_reported_without_their_content(tmp_path, monkeypatch, capsys, content):
    path = tmp_path / "credentials.json"
    path.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert main(["doctor"]) == 1
    written = capsys.readouterr().out
    assert "✗ credentials" in written
    assert "secret" not in written


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        KEY,
        "1//0gsecret-secret-secret",
        "GOCSPX-secret",
        "eyJhbGciOiJSUzI1NiJ9.secret.secret",
        "-----BEGIN secret",
    ],
)
def test_cli_05_redact(text):
    assert redact(f"a {text}") == "a [redacted]"
