"""What a command does to its streams: pipes that close, disks that are full, Ctrl-C, and errors between pages."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading

import grpc
import pytest
from commands import COMMAND, PATIENCE, environment, expression_file, image, page, page_number, run, start
from google.protobuf import json_format
from servers import Hang, ScriptedServicer, grpc_server, rest_server

from eegrpc.cli import main
from eegrpc.emulator import Emulator
from eegrpc.v1alpha import ComputeImagesResponse

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes, signals and terminals of POSIX")
SERVERS = {"grpc": grpc_server, "rest": rest_server}


@pytest.fixture
def arguments(tmp_path):
    """Return the arguments of a command that asks a server on a port."""
    path = expression_file(tmp_path)

    def of(port, *more, transport="auto"):
        where = ("--endpoint", f"http://127.0.0.1:{port}", "--project", "p", "--transport", transport)
        return ("compute-images", path, *where, *more)

    return of


def serve_pages(last):
    servicer = ScriptedServicer()
    servicer.answer = lambda request, _: page(number := page_number(request.page_token), last=number == last)
    return servicer


# ---- CLI-01 ----


@posix
@pytest.mark.parametrize("form", ["table", "ndjson", "json"])
def test_cli_01_a_reader_that_has_enough(arguments, form):
    closed = threading.Event()
    servicer = serve_pages(last=3)
    first = servicer.answer

    def answer(request, context):
        if request.page_token:
            closed.wait(PATIENCE)
        return first(request, context)

    servicer.answer = answer
    with grpc_server(servicer) as port, start(*arguments(port, "--format", form)) as command:
        assert command.stdout.readline()
        command.stdout.close()
        closed.set()
        errors = command.stderr.read()
        assert (command.wait(PATIENCE), errors) == (0, b"")


@posix
@pytest.mark.parametrize("form", ["table", "ndjson", "json"])
def test_cli_01_disk_full(arguments, form):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with grpc_server(serve_pages(last=2)) as port, open("/dev/full", "wb") as full:
        command = [*COMMAND, *arguments(port, "--format", form)]
        done = subprocess.run(
            command, check=False, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, env=environment()
        )
    assert done.returncode == 1
    assert done.stderr == b"eegrpc: cannot write the output: No space left on device\n"


@posix
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_cli_01_interrupted(arguments, transport):
    hang = Hang()
    servicer = ScriptedServicer()
    servicer.answer = lambda request, context: hang(request, context) if request.page_token else page(1)
    with (
        SERVERS[transport](servicer) as port,
        start(*arguments(port, "--format", "json", transport=transport)) as command,
    ):
        assert hang.arrived.wait(PATIENCE)
        # The second page is asked for ahead: the first one may still have to be written.
        output = command.stdout.readline()
        command.send_signal(signal.SIGINT)
        rest, errors = command.communicate(timeout=PATIENCE)
        hang.release.set()
    assert command.returncode == 130
    assert errors.decode().splitlines() == [
        "eegrpc: interrupted",
        "        2 images in 1 page are written; to go on, repeat the command with --page-token page-2",
    ]
    assert json.loads(output + rest)["nextPageToken"] == "page-2"


@posix
def test_cli_01_interrupted_on_a_terminal_leaves_it_as_it_was(arguments):
    import pty
    import termios

    hang = Hang()
    servicer = ScriptedServicer()
    servicer.answer = hang
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with grpc_server(servicer) as port:
        command = subprocess.Popen(
            [*COMMAND, *arguments(port)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm")
        )
        assert hang.arrived.wait(PATIENCE)
        command.send_signal(signal.SIGINT)
        assert command.wait(PATIENCE) == 130
        hang.release.set()
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)
    written = read_all(ours)
    assert re.search(r"computing…\r\x1b\[K(\x1b\[[\d;]+m)?eegrpc: (\x1b\[0m)?interrupted\r\n$", written)
    assert "\x1b[?" not in written  # no cursor hidden, no other screen


@posix
@pytest.mark.parametrize("rich", [True, False], ids=["rich", "no-rich"])
def test_a_terminal_gets_the_same_table_with_and_without_rich(tmp_path, arguments, rich):
    (tmp_path / "rich.py").write_text("raise ImportError('not installed')\n")
    variables = {} if rich else {"PYTHONPATH": str(tmp_path)}
    with grpc_server(serve_pages(last=1)) as port:
        plain = run(*arguments(port), COLUMNS="100").stdout.decode()
        shown = on_a_terminal(*arguments(port), COLUMNS="100", TERM="xterm-256color", **variables)
    assert ("\x1b[1m" in shown) is rich
    assert [line.rstrip() for line in without_escapes(shown).splitlines()] == plain.splitlines()


@posix
def test_a_terminal_decides_the_width(arguments):
    long = ComputeImagesResponse(images=[image("i" * 50, n=1), image("j" * 50, n=2)])
    servicer = ScriptedServicer()
    servicer.answer = lambda *_: long
    with grpc_server(servicer) as port:
        shown = without_escapes(on_a_terminal(*arguments(port), columns=45))
        piped = run(*arguments(port)).stdout.decode()
    assert max(len(line) for line in shown.splitlines()) <= 45
    assert f"{'i' * 13}…{'i' * 13}" in shown
    assert "i" * 50 in piped


def on_a_terminal(*arguments, columns=80, **variables):
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**variables)
    )
    os.close(theirs)
    written = read_all(ours)
    assert command.wait(PATIENCE) == 0, written
    return written


def read_all(terminal):
    data = b""
    try:
        while chunk := os.read(terminal, 65536):
            data += chunk
    except OSError:  # EIO: the other end is closed
        pass
    os.close(terminal)
    return data.decode()


def without_escapes(text):
    text = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)", "", text).replace("\r\x1b[K", "")
    return re.sub(r"\x1b\[[\d;]*m", "", text)


# ---- CLI-02 ----

EVIL = {
    "esc": "\x1b[2J\x1b]0;owned\x07",
    "lines": "one\r\ntwo\rthree",
    "bidi": "user\u202etxt.exe\u2066\u200f",
    "c1": "\x9b31m\x85",
    "markup": "[bold red]not markup[/]",
}


@pytest.mark.parametrize("columns", ["", "60"])
def test_cli_02_a_table_shows_what_could_steer_the_terminal_as_escapes(tmp_path, monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    images = [
        image(f"a{n}\x1b[1m", **{name: f"{n}{text}" for name, text in EVIL.items() if name != "lines"}) for n in (1, 2)
    ]
    images += [image("b", lines=EVIL["lines"], **{"\x1bname\r": 1})]
    servicer = ScriptedServicer()
    servicer.answer = lambda *_: ComputeImagesResponse(images=images)
    with grpc_server(servicer) as port:
        path = expression_file(tmp_path)
        assert main(["compute-images", path, "--endpoint", f"http://127.0.0.1:{port}", "--project", "p"]) == 0
    written = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in written)
    assert r"a1\x1b[1m" in written


def test_cli_02_json_is_untouched(arguments, capsysbinary):
    servicer = ScriptedServicer()
    servicer.answer = lambda *_: ComputeImagesResponse(images=[image("a", **EVIL)])
    with grpc_server(servicer) as port:
        assert main(list(arguments(port, "--format", "ndjson"))) == 0
    assert json.loads(capsysbinary.readouterr().out)["properties"] == EVIL


def test_cli_02_errors_are_escaped_as_well(arguments, capsys):
    servicer = ScriptedServicer()

    def answer(_, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad \x1b[31m thing\r\u202e")

    servicer.answer = answer
    with grpc_server(servicer) as port:
        assert main(list(arguments(port))) == 1
    assert r"bad \x1b[31m thing\r\u202e" in capsys.readouterr().err


# ---- CLI-03 ----


@pytest.fixture
def failing():
    servicer = ScriptedServicer()

    def answer(request, context):
        number = page_number(request.page_token)
        if number == 4:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "no more for you")
        return page(number, last=number == 10)

    servicer.answer = answer
    return servicer


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("form", ["table", "ndjson", "json"])
def test_cli_03_an_error_after_three_of_ten_pages(arguments, failing, capsysbinary, transport, form):
    with SERVERS[transport](failing) as port:
        assert main(list(arguments(port, "--format", form, transport=transport))) == 1
        output, errors = capsysbinary.readouterr()
    names = re.findall(rb"p\d[ab]", output) if form == "table" else re.findall(rb'"TEST/(p\d[ab])"', output)
    assert names == [b"p1a", b"p1b", b"p2a", b"p2b", b"p3a", b"p3b"]
    what, hint, way_on = errors.decode().splitlines()
    assert what == "eegrpc: PERMISSION_DENIED: no more for you"
    assert "earthengine.computations.create" in hint
    assert way_on.strip() == "6 images in 3 pages are written; to go on, repeat the command with --page-token page-4"
    if form == "json":
        assert json_format.Parse(output, ComputeImagesResponse()).next_page_token == "page-4"


def test_cli_03_the_token_goes_on_without_a_gap(arguments, failing, capsysbinary):
    with grpc_server(failing) as port:
        assert main(list(arguments(port, "--format", "ndjson"))) == 1
        capsysbinary.readouterr()
        failing.answer = serve_pages(last=10).answer
        assert main(list(arguments(port, "--format", "ndjson", "--page-token", "page-4"))) == 0
    names = re.findall(rb'"TEST/(p\d+[ab])"', capsysbinary.readouterr().out)
    assert names == [f"p{number}{side}".encode() for number in range(4, 11) for side in "ab"]


@pytest.mark.parametrize("form", ["table", "ndjson", "json"])
def test_an_error_before_the_first_page_leaves_stdout_empty(arguments, failing, capsys, form):
    with grpc_server(failing) as port:
        assert main(list(arguments(port, "--format", form, "--page-token", "page-4"))) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert "to go on" not in written.err


# ---- encodings ----


@posix
def test_an_ascii_terminal_gets_ascii(tmp_path):
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
    done = run("compute-images", "--emulator", **locale)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"equal, field by field" in done.stdout


def test_json_is_utf_8_in_every_locale(tmp_path):
    catalog = tmp_path / "c.ndjson"
    catalog.write_bytes(json_format.MessageToJson(image("ü", ort="Zürich"), indent=None).encode() + b"\n")
    load = {
        "functionInvocationValue": {
            "functionName": "ImageCollection.load",
            "arguments": {"id": {"constantValue": "TEST"}},
        }
    }
    expression = json.dumps({"result": "0", "values": {"0": load}}).encode()
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    where = ("--emulator", "--catalog", str(catalog))
    done = run("compute-images", "-", *where, "--format", "ndjson", stdin=expression, **locale)
    assert json.loads(done.stdout)["properties"] == {"ort": "Zürich"}
    assert "Zürich" in done.stdout.decode()


def test_an_embedded_emulator_leaves_no_thread_behind(tmp_path, capsys):
    before = threading.active_count()
    assert main(["compute-images", expression_file(tmp_path), "--emulator", "--limit", "1"]) == 0
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("emulator:")] == []
    for thread in threading.enumerate():
        if thread.name.startswith("eegrpc-"):  # closes a channel, and ends with that
            thread.join(PATIENCE)
    assert threading.active_count() <= before + 2, threading.enumerate()  # what gRPC keeps for itself
    with Emulator():
        pass
