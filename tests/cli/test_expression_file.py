"""Input that is no expression: bounded, refused early, and with its place."""

import contextlib
import subprocess
import sys
import threading

import pytest
from commands import COMMAND, PATIENCE, environment, run

from eegrpc.cli import main
from eegrpc.cli.expression_file import MAX_BYTES


@pytest.mark.parametrize(
    ("data", "where"),
    [
        pytest.param(b'{"result": "0",\n "values": {,}}', "line 2, column 13: not JSON", id="CLI-04-bad-json"),
        pytest.param(b'{"result": "0"', "line 1, column 15: not JSON", id="CLI-04-cut"),
        pytest.param(b'{"a": 1} {"b": 2}', "line 1, column 10: not JSON", id="CLI-04-two"),
        pytest.param(b"", "line 1, column 1: empty", id="CLI-04-empty"),
        pytest.param(b" \n\t ", "line 1, column 1: empty", id="CLI-04-blank"),
        pytest.param(b'{\n"\xc3\xbc\xff', "line 2, column 3: not UTF-8", id="CLI-04-not-utf-8"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", "line 1, column 1: not UTF-8", id="CLI-04-binary"),
        pytest.param('{"result"'.encode("utf-16"), "line 1, column 1: not UTF-8", id="CLI-04-utf-16"),
        pytest.param(b"[" * 100_000, "nests too deeply", id="CLI-04-deep"),
        pytest.param(b'{"result": ' + b"9" * 5000 + b"}", "Exceeds the limit", id="CLI-04-long-number"),
        pytest.param(b'{"result": "0", "valeus": {}}', "valeus", id="CLI-04-misspelt"),
        pytest.param(b'{"result": "0", "values": {"0": {"valueReference": "1"}}}', "values.0", id="CLI-04-dangling"),
        pytest.param(b"[]", "not an expression", id="CLI-04-list"),
        pytest.param(b" " * (MAX_BYTES + 1), "is larger than 10,000,000 bytes", id="CLI-04-large"),
    ],
)
def test_bad_input_is_2_with_its_place(tmp_path, capsys, data, where):
    if where.startswith("Exceeds") and not hasattr(sys, "set_int_max_str_digits"):
        pytest.skip("this Python converts any number")
    path = tmp_path / "expression.json"
    path.write_bytes(data)
    assert main(["compute-images", str(path), "--emulator"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert where in written.err
    assert len(written.err.splitlines()) <= 2


@pytest.mark.parametrize("data", [b"{]", b"\xff\xfe"], ids=["json", "binary"])
def test_cli_04_stdin(data):
    done = run("compute-images", "-", "--emulator", stdin=data)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"stdin, line 1, column" in done.stderr
    assert b"Traceback" not in done.stderr


# A process that is between the test and the command: a command's peak memory counts from the peak of who started it.
MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(str(peak if sys.platform == "darwin" else peak << 10))
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory by getrusage")
def test_cli_04_a_gigabyte_of_stdin_is_refused_after_ten_megabytes(tmp_path):
    peak = tmp_path / "peak"
    pipe = subprocess.PIPE
    command = subprocess.Popen(
        [sys.executable, "-c", MEASURED, str(peak), *COMMAND, "compute-images", "-", "--emulator"],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment(),
    )
    sent = []

    def feed():
        megabyte = b'["' + b"x" * (1 << 20)
        try:
            for _ in range(1024):
                command.stdin.write(megabyte)
                sent.append(len(megabyte))
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    output, errors = command.stdout.read(), command.stderr.read()
    command.wait(PATIENCE)
    feeder.join(PATIENCE)
    for stream in (command.stdout, command.stderr):
        stream.close()
    with contextlib.suppress(BrokenPipeError):
        command.stdin.close()
    assert (command.returncode, output) == (2, b"")
    assert b"stdin is larger than 10,000,000 bytes" in errors
    assert sum(sent) < 20 << 20
    assert int(peak.read_text()) < 200 << 20
