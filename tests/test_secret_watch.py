"""The plugin that watches for planted secrets finds one wherever it comes to light, and nothing where there is none."""

import subprocess
import sys
from pathlib import Path

LEAKS = """
import base64, logging, os, subprocess, sys
import grpc, pytest
from canaries import ACCESS_TOKEN, API_KEY, PASSWORD, REFRESH_TOKEN, private_key
from eegrpc._credentials import CredentialsError
from eegrpc.errors import EarthEngineError

def test_clean(capsys):
    print("nothing")
    with pytest.raises(KeyError):
        {}["x"]

def test_stdout():
    print("token", ACCESS_TOKEN)

def test_stderr_of_the_process():
    os.write(2, API_KEY.encode())

def test_capsys(capsys):
    print(REFRESH_TOKEN)
    assert capsys.readouterr().out

def test_key():
    print(private_key().splitlines()[9])

@pytest.mark.parametrize("user", ["", "a", "me"])
def test_basic_authentication(user):
    print(base64.b64encode(f"{user}:{PASSWORD}@".encode()).decode())

def test_child():
    subprocess.run([sys.executable, "-c", f"print({API_KEY!r})"], capture_output=True, check=True)

NAMES = ["eegrpc", "urllib3.connectionpool", "aiohttp.client", "google.auth.x", "google", "grpc"]

@pytest.mark.parametrize("logger", NAMES)
def test_log(logger):
    logging.getLogger(logger).debug("sent %s", ACCESS_TOKEN)

def test_log_with_an_error():
    try:
        raise ValueError from KeyError(ACCESS_TOKEN)
    except ValueError:
        logging.getLogger("eegrpc").debug("failed", exc_info=True)

def test_caught():
    with pytest.raises(ValueError):
        try:
            raise KeyError(API_KEY)
        except KeyError:
            raise ValueError("other") from None

@pytest.mark.parametrize("kind", [EarthEngineError, CredentialsError])
def test_swallowed(kind):
    kind(grpc.StatusCode.UNKNOWN, ACCESS_TOKEN)

def test_metadata_of_an_error():
    EarthEngineError(grpc.StatusCode.UNKNOWN, "", trailing_metadata=[("x", ACCESS_TOKEN)])
"""


def test_every_planted_leak_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "test_leaks.py").write_text(LEAKS)
    here = str(Path(__file__).parent)
    quiet = ("-q", "--tb=no", "--show-capture=no", "-rfp", "--rootdir=.", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, "-p", "secret_watch", "test_leaks.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{here}:{Path(here).parent}", "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    *failed, passed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "PASSED"))]
    assert passed == "PASSED test_leaks.py::test_clean"
    assert len(failed) == 19, done.stdout
    assert all("a planted secret is in" in line for line in failed), done.stdout
