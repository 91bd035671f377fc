"""Responses whose framing is wrong or endless, over REST in both colours: refused, and never read as the next reply."""

import contextlib
import ssl
import struct
import threading
import time

import grpc
import pytest
import trustme
from callers import Caller
from faulty_http import FaultyPeer, SecureFaultyPeer, meet, page
from http_memory import peak_growth
from peers import HttpPeer, http
from waiting import PATIENCE

from eegrpc.transcoding.framing import MAX_HEAD_BYTES, ResponseFraming
from eegrpc.transcoding.types import TranscodingError

Code = grpc.StatusCode
POISON = page("poison")
"""A whole response in the wrong place: whoever sees the framing differently takes it for the next one."""


def head(*lines, status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join((status, *lines, b"", b""))


def chunks(*lines):
    return head(b"transfer-encoding: chunked") + b"".join(lines)


SMUGGLING = {
    "HTT-03-length-and-chunks": head(b"content-length: 2", b"transfer-encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "HTT-03-chunks-and-length": head(b"transfer-encoding: chunked", b"content-length: 2") + b"2\r\n{}\r\n0\r\n\r\n",
    "HTT-03-two-lengths": head(b"content-length: 2", b"content-length: 200") + b"{}",
    "HTT-03-the-same-length-twice": head(b"content-length: 2", b"content-length: 2") + b"{}",
    "HTT-03-lengths-in-a-list": head(b"content-length: 2, 2") + b"{}",
    "HTT-03-folded": head(b"content-length:", b" 2") + b"{}",
    "HTT-03-folded-other-header": head(b"x-a: b", b"\tcontent-length: 200", b"content-length: 2") + b"{}",
    "HTT-03-folded-first": head(b" x-a: b", b"content-length: 2") + b"{}",
    "HTT-03-bare-lf": head(b"content-length: 2").replace(b"\r\n", b"\n") + b"{}",
    "HTT-03-one-bare-lf": head(b"x-a: b\nx-b: c", b"content-length: 2") + b"{}",
    "HTT-03-bare-lf-at-the-end": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\n{}",
    "HTT-03-bare-cr": head(b"x-a: b\rcontent-length: 200", b"content-length: 2") + b"{}",
    "HTT-03-nul": head(b"x-a: \0", b"content-length: 2") + b"{}",
    "HTT-03-negative": head(b"content-length: -2") + b"{}",
    "HTT-03-plus": head(b"content-length: +2") + b"{}",
    "HTT-03-hexadecimal": head(b"content-length: 0x2") + b"{}",
    "HTT-03-underscore": head(b"content-length: 0_2") + b"{}",
    "HTT-03-decimal-point": head(b"content-length: 2.0") + b"{}",
    "HTT-03-no-number": head(b"content-length:") + b"{}",
    "HTT-03-huge": head(b"content-length: " + b"9" * 30) + b"{}",
    "HTT-03-space-before-the-colon": head(b"content-length : 2", b"content-length: 2") + b"{}",
    "HTT-03-no-colon": head(b"content-length 2", b"content-length: 2") + b"{}",
    "HTT-03-no-name": head(b": 2", b"content-length: 2") + b"{}",
    "HTT-03-other-coding": head(b"transfer-encoding: gzip") + b"{}",
    "HTT-03-two-codings": head(b"transfer-encoding: gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "HTT-03-chunked-twice": head(b"transfer-encoding: chunked", b"transfer-encoding: chunked")
    + b"2\r\n{}\r\n0\r\n\r\n",
    "HTT-03-chunks-in-1.0": head(b"transfer-encoding: chunked", status=b"HTTP/1.0 200 OK") + b"2\r\n{}\r\n0\r\n\r\n",
    "HTT-03-chunk-size-plus": chunks(b"+2\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-negative": chunks(b"-2\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-0x": chunks(b"0x2\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-underscore": chunks(b"0_2\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-space": chunks(b" 2\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-space-behind": chunks(b"2 ;a\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-nothing": chunks(b"\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-size-huge": chunks(b"f" * 17 + b"\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-bare-lf": chunks(b"2\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-longer-than-told": chunks(b"2\r\n{}..\r\n", b"0\r\n\r\n"),
    "HTT-03-chunk-end-bare-lf": chunks(b"2\r\n{}\n", b"0\r\n\r\n"),
    "HTT-03-chunk-extension-with-lf": chunks(b"2;a\nb\r\n{}\r\n", b"0\r\n\r\n"),
    "HTT-03-trailer-folded": chunks(b"2\r\n{}\r\n", b"0\r\n x\r\n\r\n"),
    "HTT-03-switching-protocols": head(b"upgrade: x", status=b"HTTP/1.1 101 Switching Protocols"),
}
GARBAGE = {
    "HTT-04-text": b"Sorry, no service\r\n\r\n",
    "HTT-04-binary": bytes(range(128, 256)) * 8,
    "HTT-04-lower-case": b"http/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    "HTT-04-0.9": b"<html>Hello</html>",
    "HTT-04-says-0.9": head(b"content-length: 2", status=b"HTTP/0.9 200 OK") + b"{}",
    "HTT-04-says-2": head(b"content-length: 2", status=b"HTTP/2.0 200 OK") + b"{}",
    "HTT-04-says-1.2": head(b"content-length: 2", status=b"HTTP/1.2 200 OK") + b"{}",
    "HTT-04-no-status": head(b"content-length: 2", status=b"HTTP/1.1") + b"{}",
    "HTT-04-two-digits": head(b"content-length: 2", status=b"HTTP/1.1 20 OK") + b"{}",
    "HTT-04-four-digits": head(b"content-length: 2", status=b"HTTP/1.1 2000 OK") + b"{}",
    "HTT-04-plus": head(b"content-length: 2", status=b"HTTP/1.1 +20 OK") + b"{}",
    "HTT-04-two-spaces": head(b"content-length: 2", status=b"HTTP/1.1  200 OK") + b"{}",
    "HTT-04-status-0": head(b"content-length: 2", status=b"HTTP/1.1 000 OK") + b"{}",
    "HTT-04-empty-line-first": b"\r\n" + http(),
    "HTT-04-ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "HTT-04-100-lines": head(*[b"x: y"] * 101, b"content-length: 2") + b"{}",
    "HTT-04-64-KiB": head(b"x: " + b"y" * MAX_HEAD_BYTES, b"content-length: 2") + b"{}",
    "HTT-04-64-KiB-of-reason": head(b"content-length: 2", status=b"HTTP/1.1 200 " + b"y" * MAX_HEAD_BYTES) + b"{}",
    "HTT-04-64-KiB-of-trailers": chunks(b"2\r\n{}\r\n0\r\nx: ", b"y" * MAX_HEAD_BYTES, b"\r\n\r\n"),
    "HTT-04-100-trailers": chunks(b"2\r\n{}\r\n0\r\n", b"x: y\r\n" * 101, b"\r\n"),
    "HTT-04-chunk-extension": chunks(b"2;", b"y" * 2000, b"\r\n{}\r\n", b"0\r\n\r\n"),
}
WRONG = {**SMUGGLING, **GARBAGE}


@pytest.mark.parametrize("response", WRONG.values(), ids=WRONG)
def test_wrong_framing(open_caller, response):
    outcome = meet(open_caller, response + POISON)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "PROTOCOL")
    assert len(outcome.details) <= 256
    assert outcome.details.isascii()
    assert outcome.details.isprintable()


@pytest.mark.parametrize("name", ["HTT-03-two-lengths", "HTT-03-chunk-size-plus", "HTT-04-text"])
def test_wrong_framing_byte_by_byte_on_a_used_connection(open_caller, name):
    def drip(connection):
        with contextlib.suppress(ConnectionError):
            for byte in WRONG[name] + POISON:
                connection.send(bytes([byte]))
        connection.await_close()

    outcome = meet(open_caller, drip, at=2)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "PROTOCOL")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.mark.parametrize("at", [1, 2], ids=["new-connection", "used-connection"])
@pytest.mark.parametrize("name", ["HTT-03-bare-lf-at-the-end", "HTT-03-two-lengths", "HTT-04-text"])
def test_wrong_framing_over_tls(colour, authority, monkeypatch, tmp_path, name, at):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "roots.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    with SecureFaultyPeer(WRONG[name] + POISON, context, at=at) as peer:
        caller = Caller(colour, "rest", peer.port, secure=True)
        try:
            for number in range(1, at):
                assert caller.call().response.next_page_token == str(number)
            outcome = caller.call()
            assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "PROTOCOL")
            assert caller.call().response.next_page_token == str(at + 1)
            assert peer.gone.acquire(timeout=PATIENCE)
        finally:
            caller.close()
        assert peer.accepted == 2


GOOD = {
    "no-reason": head(b"content-length: 25", status=b"HTTP/1.1 200") + b'{"nextPageToken":"whole"}',
    "empty-reason": head(b"content-length: 25", status=b"HTTP/1.1 200 ") + b'{"nextPageToken":"whole"}',
    "latin-1": head(b"x-a: \xe9", b"content-length:25", status=b"HTTP/1.1 200 D\xe9j\xe0")
    + b'{"nextPageToken":"whole"}',
    "leading-zeros": head(b"CONTENT-LENGTH:  025 \t") + b'{"nextPageToken":"whole"}',
    "99-lines": head(*[b"x: y"] * 98, b"content-length: 25") + b'{"nextPageToken":"whole"}',
    "60-kB-line": head(b"x: " + b"y" * 60_000, b"content-length: 25") + b'{"nextPageToken":"whole"}',
    "chunks": head(b"Transfer-Encoding: Chunked") + b'19\r\n{"nextPageToken":"whole"}\r\n0\r\n\r\n',
    "spaces-behind-a-size": chunks(b'19  \r\n{"nextPageToken":"whole"}\r\n', b"0\r\n\r\n"),
    "more-chunks": chunks(b'00a;x="y"\r\n{"nextPage\r\n', b'F\r\nToken":"whole"}\r\n', b"000\r\nx-a: b\r\n\r\n"),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + page("whole"),
}


@pytest.mark.parametrize("response", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("pieces", ["at-once", "byte-by-byte"])
def test_htt_03_what_is_allowed_is_read(open_caller, response, pieces):
    def script(connection):
        while connection.read() is not None:
            if pieces == "at-once":
                connection.send(response)
                continue
            for at in range(len(response[:2000])):
                connection.send(response[at : at + 1])
            connection.send(response[2000:])

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(2):
            assert caller.call().response.next_page_token == "whole"
        assert peer.accepted == 1  # its framing is known, so the connection is used again


@pytest.mark.parametrize("poison", [POISON, b"x", POISON * 20_000], ids=["response", "byte", "megabytes"])
def test_htt_03_what_follows_a_response_is_not_the_next_one(open_caller, poison):
    outcome = meet(open_caller, page("whole") + poison)
    assert outcome.response.next_page_token == "whole"


def test_htt_03_what_comes_on_an_idle_connection_is_not_the_next_response(open_caller):
    go_on, sent = threading.Event(), threading.Event()

    def fault(connection):
        connection.send(page("whole"))
        assert go_on.wait(PATIENCE)
        connection.send(POISON)
        sent.set()
        connection.await_close()

    with FaultyPeer(fault) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call().response.next_page_token == "whole"
        go_on.set()
        assert sent.wait(PATIENCE)
        for number in range(2, 5):
            assert caller.call().response.next_page_token == str(number)
        assert peer.gone.acquire(timeout=PATIENCE)
        assert peer.accepted == 2


def endless(start, piece):
    """Return a script that sends `start`, and then `piece` until the other side has had enough."""

    def script(connection):
        with contextlib.suppress(OSError):
            connection.send(start)
            while not connection.peer.stopping.is_set():
                connection.send(piece)
        connection.peer.gone.release()

    return script


ENDLESS = {
    "HTT-04-100k-headers": endless(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n" * 1000),
    "HTT-04-endless-header": endless(b"HTTP/1.1 200 OK\r\nx-a: ", b"b" * (1 << 16)),
    "HTT-04-endless-status-line": endless(b"HTTP/1.1 200 ", b"b" * (1 << 16)),
    "HTT-04-endless-garbage": endless(b"", b"b" * (1 << 16)),
    "HTT-04-endless-trailers": endless(chunks(b"2\r\n{}\r\n0\r\n"), b"x-a: b\r\n" * 1000),
    "HTT-04-endless-trailer": endless(chunks(b"2\r\n{}\r\n0\r\nx-a: "), b"b" * (1 << 16)),
    "HTT-04-endless-chunk-size": endless(chunks(b"2"), b"0" * (1 << 16)),
    "HTT-04-endless-chunk-extension": endless(chunks(b"2;"), b"b" * (1 << 16)),
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_endless_heads(open_caller, script):
    outcome = meet(open_caller, script)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "PROTOCOL")


def test_htt_04_endless_heads_take_no_memory(colour):
    """At most 2 MiB over what a process takes that has made calls before, whatever comes."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(FaultyPeer(script, at=2)).port for script in ENDLESS.values()]
        for name, (outcome, growth) in zip(ENDLESS, peak_growth(colour, ports), strict=True):
            assert outcome == "UNAVAILABLE PROTOCOL", name
            assert growth <= 2 << 20, (name, growth)


# --- Interim responses -----------------------------------------------------------------------------------------------


def test_htt_05_5000_interim_responses(open_caller):
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
    with HttpPeer.answering(hints * 5000 + page("whole")) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(2):
            assert caller.call().response.next_page_token == "whole"
        assert peer.accepted == 1


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_htt_05_endless_interim_responses(open_caller, status):
    started = time.monotonic()
    outcome = meet(open_caller, endless(b"", b"HTTP/1.1 %d X\r\nx-a: b\r\n\r\n" % status * 50), timeout=0.5)
    assert outcome.code is Code.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 5  # as long as the call after it, which meets other load, may take


# --- Servers that speak HTTP/2 only ----------------------------------------------------------------------------------

SETTINGS = b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00" + struct.pack(">HIHI", 3, 100, 4, 1 << 20)
GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + struct.pack(">II", 0, 1)


@pytest.mark.parametrize("greeting", [SETTINGS, SETTINGS + GOAWAY, GOAWAY], ids=["settings", "both", "goaway"])
@pytest.mark.parametrize("when", ["at-once", "after-the-request"])
@pytest.mark.parametrize("then", ["stays", "closes"])
def test_htt_26_a_server_that_speaks_only_http_2(open_caller, greeting, when, then):
    """It sends its SETTINGS when it likes. The call says so, long before its deadline."""

    def script(connection):
        if when == "after-the-request":
            connection.read()
        connection.send(greeting)
        if then == "closes":
            connection.read()
            connection.close()
        else:
            connection.await_close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call(timeout=60)
        assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "PROTOCOL")
        assert "HTTP/2" in outcome.details
        assert peer.accepted == 1


# --- The rules by themselves -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("response", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_htt_03_framing_in_pieces_of_any_size(response, size):
    framing = ResponseFraming()

    def feed():
        for at in range(0, len(response), size):
            framing.feed(memoryview(response)[at : at + size])

    with pytest.raises(TranscodingError, match="not a valid HTTP response"):
        feed()


@pytest.mark.parametrize("response", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_htt_03_framing_knows_the_end(response, size):
    framing = ResponseFraming()
    data = response + POISON
    own = sum(framing.feed(data[at : at + size]) for at in range(0, len(response), size))
    assert own == len(response)
    assert framing.finished
    assert framing.reusable == (len(response) % size == 0)  # else the last piece had some of the poison
    framing.end()


def test_htt_04_a_header_of_spaces_takes_no_time():
    """Rules that backtrack would take minutes for a line that matches up to its last byte."""
    line = b"x-a: b" + b" " * (MAX_HEAD_BYTES - 100)
    with pytest.raises(TranscodingError):
        ResponseFraming().feed(b"HTTP/1.1 200 OK\r\n" + line + b"\0\r\n")
