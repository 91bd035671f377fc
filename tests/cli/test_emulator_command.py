"""``eegrpc emulator``: what it prints, whom it lets in, and how it ends."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from commands import EXPRESSIONS, PATIENCE, expression_file, image, run, start
from google.protobuf import json_format

import eegrpc
from eegrpc.cli import main

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@contextlib.contextmanager
def running(*arguments):
    """Run the command; yield it, and the value of the variable that it prints once it serves."""
    with start("emulator", "--port", "0", *arguments) as command:
        try:
            line = command.stdout.readline().decode().strip()
            name, _, where = line.removeprefix("export ").partition("=")
            assert name == "EARTHENGINE_EMULATOR_HOST", command.stderr.read().decode()
            yield command, where
        finally:
            command.kill()


def images(where, transport):
    with eegrpc.EarthEngineClient("p", endpoint=f"http://{where}", transport=transport) as client:
        return list(client.compute_images(EXPRESSIONS["load_plain"], limit=3))


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_both_transports_until_a_signal(tmp_path, number):
    port_file = tmp_path / "port"
    with running("--port-file", str(port_file)) as (command, where):
        assert where == f"127.0.0.1:{port_file.read_text().strip()}"
        assert images(where, "grpc") == images(where, "rest") != []
        command.send_signal(number)
        output, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 0
    assert output == b""
    assert b"519 images in 4 collections" in errors
    assert b"COPERNICUS/S2_SR_HARMONIZED" in errors
    assert errors.endswith(b"stopped\n")
    assert os.listdir(tmp_path) == []


@posix
def test_the_variable_leads_the_other_command_there(tmp_path):
    with running() as (_, where):
        done = run("compute-images", expression_file(tmp_path), "--limit", "1", EARTHENGINE_EMULATOR_HOST=where)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"1 image\n")


@posix
def test_catalog_and_page_size(tmp_path):
    catalog = tmp_path / "c.ndjson"
    lines = [json_format.MessageToJson(image(index), indent=None) for index in "abc"]
    catalog.write_text("\n".join(lines) + "\n")
    expression = json.loads(json.dumps(EXPRESSIONS["load_plain"]).replace("MODIS/061/MOD13Q1", "TEST"))
    with (
        running("--catalog", str(catalog), "--max-page-size", "2") as (_, where),
        eegrpc.EarthEngineClient("p", endpoint=f"http://{where}") as client,
    ):
        pages = [[made.id for made in page.images] for page in client.compute_images(expression).pages]
    assert pages == [["TEST/a", "TEST/b"], ["TEST/c"]]


def test_a_port_in_use(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["emulator", "--port", str(taken.getsockname()[1])]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert "the port is in use" in written.err
    assert "--port" in written.err


def test_an_address_of_another_machine(capsys):
    assert main(["emulator", "--host", "192.0.2.1", "--port", "0"]) == 1
    assert "cannot listen on 192.0.2.1, port 0" in capsys.readouterr().err


def test_a_port_file_that_cannot_be_written(tmp_path, capsys):
    assert main(["emulator", "--port", "0", "--port-file", str(tmp_path / "no" / "port")]) == 1
    assert "cannot write the port file" in capsys.readouterr().err


def test_a_malformed_catalog(tmp_path, capsys):
    catalog = tmp_path / "c.ndjson"
    catalog.write_bytes(b"\xff\n")
    assert main(["emulator", "--port", "0", "--catalog", str(catalog)]) == 2
    assert "is not UTF-8 text" in capsys.readouterr().err
    catalog.write_text("{]\n")
    assert main(["emulator", "--port", "0", "--catalog", str(catalog)]) == 2
    assert f"{catalog}:1: " in capsys.readouterr().err


@posix
def test_emu_07_a_host_that_is_open_to_others_is_warned_of():
    with running("--host", "0.0.0.0") as (command, where):
        assert where.startswith("127.0.0.1:")  # where clients on this machine find it
        assert images(where, "grpc")
        command.send_signal(signal.SIGTERM)
        errors = command.communicate(timeout=PATIENCE)[1].decode()
    assert errors.startswith("WARNING: 0.0.0.0 is open to other machines.")


@posix
def test_faults_quota_and_control():
    options = ("--fault", "unavailable@1", "--fault", "latency=0.001", "--seed", "7", "--quota", "40:100", "--control")
    with running(*options) as (command, where):
        assert [image.id for image in images(where, "rest")]  # the client asks again
        connection = http.client.HTTPConnection(where, timeout=PATIENCE)
        connection.request("GET", "/emulator/faults")
        assert json.load(connection.getresponse()) == {
            "faults": ["unavailable@1", "latency(seconds=fixed(0.001))"],
            "seed": 7,
        }
        connection.request("GET", "/emulator/quota")
        assert json.load(connection.getresponse())["quota"] == "40:100"
        connection.close()
        command.send_signal(signal.SIGTERM)
        errors = command.communicate(timeout=PATIENCE)[1].decode()
    assert "faults, with seed 7: unavailable@1, latency=0.001" in errors
    assert "quota of each project: 40:100" in errors


@posix
def test_emu_07_tokens_are_neither_logged_nor_kept(tmp_path):
    with running("-vv", "--control", "--fault", "expire_tokens=1") as (command, where):
        connection = http.client.HTTPConnection(where, timeout=PATIENCE)
        for expected in (200, 401):
            body = json.dumps({"expression": EXPRESSIONS["load_plain"], "pageSize": 1})
            headers = {"authorization": "Bearer canary-token", "content-type": "application/json"}
            connection.request("POST", "/v1/projects/p/imageCollection:computeImages", body, headers)
            response = connection.getresponse()
            assert (response.status, b"canary" in response.read()) == (expected, False)
        connection.request("GET", "/emulator/events")
        events = connection.getresponse().read()
        connection.close()
        command.send_signal(signal.SIGTERM)
        output, errors = command.communicate(timeout=PATIENCE)
    assert b"expire_tokens" in events
    assert b"canary" not in events + output + errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fault", "nonsense:0.1"), "no fault is called 'nonsense'"),
        (("--fault", "reset:0.9", "--fault", "drip:0.9"), "add up to more than 1"),
        (("--quota", "many"), "CONCURRENT:PER_SECOND"),
        (("--control", "--host", "0.0.0.0"), "control is for loopback alone"),
    ],
)
def test_wrong_faults_quotas_and_control(arguments, message, capsys):
    assert main(["emulator", "--port", "0", *arguments]) == 2
    assert message in capsys.readouterr().err


@posix
def test_signal_handlers_are_given_back(tmp_path, capsys):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main(["emulator", "--port", "0", "--port-file", str(tmp_path / "no" / "port")]) == 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@posix
def test_the_package_is_the_same_command(tmp_path):
    program = [sys.executable, "-m", "eegrpc.emulator", "--port", "0", "--port-file", str(tmp_path / "port")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        line = command.stdout.readline().decode()
        command.send_signal(signal.SIGTERM)
        _, errors = command.communicate(timeout=PATIENCE)
    assert line.startswith("export EARTHENGINE_EMULATOR_HOST=127.0.0.1:")
    assert (command.returncode, errors.splitlines()[-1]) == (0, b"stopped")


def test_the_package_names_the_command_in_its_help():
    done = subprocess.run(
        [sys.executable, "-m", "eegrpc.emulator", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: eegrpc emulator")
