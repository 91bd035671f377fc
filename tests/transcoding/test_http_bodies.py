"""Large, compressed and oddly coded bodies over REST in both colours: read within limits, or refused."""

import contextlib
import gzip
import json
import random
import socket
import threading
import time
import zlib

import grpc
import pytest
from faulty_http import FaultyPeer, meet
from http_memory import peak_growth
from peers import HttpPeer, http
from waiting import PATIENCE

from eegrpc.v1alpha import ComputeImagesRequest

Code = grpc.StatusCode
MIB = 1 << 20
LIMIT = 64 * MIB
STATUSES = [(429, Code.UNAVAILABLE), (503, Code.UNAVAILABLE), (404, Code.UNIMPLEMENTED)]
"""What these mean when the body is not Google's."""


def bomb(size):
    """Return gzip of a page of `size` zeros: 1,028 bytes for each."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"0" * MIB
    parts = [packer.compress(b'{"nextPageToken":"')]
    parts += [packer.compress(zeros) for _ in range(size // MIB)]
    return b"".join((*parts, packer.compress(b'"}'), packer.flush()))


@pytest.fixture(scope="module")
def bombed():
    return bomb(200 * MIB)


def more_than_is_read_ahead(bombed):
    """Return a body of bombs, of which the first alone is too much.

    What is left of it makes the connection useless. One whose response has come in full is a good one, whatever was in
    it, and aiohttp has it back in its pool before the body is unpacked.
    """
    return 8 * bombed


GZIP = ["content-type: application/json", "content-encoding: gzip"]


def test_htt_07_the_bomb_is_one(bombed):
    assert 200 * MIB / len(bombed) > 1000


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        pytest.param(200, Code.RESOURCE_EXHAUSTED, "TOO_LARGE", id="HTT-07-page"),
        pytest.param(503, Code.UNAVAILABLE, "", id="HTT-07-error"),
        pytest.param(302, Code.UNKNOWN, "REDIRECT", id="HTT-07-redirect"),
    ],
)
def test_a_bomb_in_any_response(open_caller, bombed, status, code, reason):
    headers = [*GZIP, "location: /elsewhere"]
    outcome = meet(
        open_caller, http(status, more_than_is_read_ahead(bombed), headers), grpc__max_receive_message_length=LIMIT
    )
    assert (outcome.code, outcome.reason) == (code, reason)
    assert len(outcome.details) < 20_000


def stalled(response, *, rest):
    """Send a response but for its last `rest` bytes, and hold those back."""

    def script(connection):
        connection.send(response[:-rest])
        connection.await_close()

    return script


def test_htt_07_memory_of_bombs(colour, bombed):
    """A page: the limit and 32 MiB at most. Errors, redirects: their own limit of 1 MiB, no matter the page's."""
    bombs = more_than_is_read_ahead(bombed)
    page, error, redirect = (http(status, bombs, [*GZIP, "location: /x"]) for status in (200, 503, 302))
    many = http(200, bombs, GZIP).replace(b"content-length: %d" % len(bombs), b"transfer-encoding: chunked")
    head, _, body = many.partition(b"\r\n\r\n")
    chunked = head + b"\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(FaultyPeer(fault, at=2)).port for fault in (page, chunked, error, redirect)]
        results = peak_growth(colour, ports, grpc__max_receive_message_length=LIMIT)
    outcomes = [outcome for outcome, _ in results]
    assert outcomes == ["RESOURCE_EXHAUSTED TOO_LARGE"] * 2 + ["UNAVAILABLE", "UNKNOWN REDIRECT"]
    limits = [LIMIT + 32 * MIB, LIMIT + 32 * MIB, 32 * MIB, 32 * MIB]
    assert all(growth <= limit for (_, growth), limit in zip(results, limits, strict=True)), results


def test_htt_07_a_bomb_that_is_given_up_is_not_unpacked(colour, bombed):
    """The rest of a reply that nobody waits for any more is neither read nor decompressed."""
    fault = stalled(http(200, bombed, GZIP), rest=len(bombed) - 1000)  # 1 MB of zeros has come; the deadline passes
    with FaultyPeer(fault, at=2) as peer:
        ((outcome, growth),) = peak_growth(colour, [peer.port], cancel_after=0.5)
    assert outcome == "DEADLINE_EXCEEDED"
    assert growth <= 32 * MIB


def refused(open_caller, response):
    """Return how a call ends that gets this response; the next one gets its own."""
    with HttpPeer.answering(response, http(body=b'{"nextPageToken":"next"}')) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call()
        assert caller.call().response.next_page_token == "next"
        assert len(peer.requests) == 2
    return outcome


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "zzz", "deflate", "compress", "gzip;q=1", "\xe9"])
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_htt_08_a_coding_that_was_not_asked_for(open_caller, coding, size):
    body = b'{"nextPageToken":"' + b"x" * size + b'"}' if size else b""
    if coding == "gzip, gzip":
        body = gzip.compress(gzip.compress(body))
    outcome = refused(open_caller, http(200, body, [f"content-encoding: {coding}"]))
    assert (outcome.code, outcome.reason) == (Code.INTERNAL, "BAD_RESPONSE")


def test_htt_08_two_headers_of_coding(open_caller):
    body = gzip.compress(gzip.compress(b'{"nextPageToken":"x"}'))
    outcome = refused(open_caller, http(200, body, ["content-encoding: gzip", "content-encoding: gzip"]))
    assert (outcome.code, outcome.reason) == (Code.INTERNAL, "BAD_RESPONSE")


@pytest.mark.parametrize(("status", "code"), STATUSES)
def test_htt_08_the_status_of_an_error_counts_though_its_body_cannot_be_read(open_caller, status, code):
    body = b'{"error":{"status":"OK","message":"never parsed"}}'
    outcome = refused(open_caller, http(status, body, ["content-encoding: br"]))
    assert outcome.code is code
    assert "never parsed" not in outcome.details


@pytest.mark.parametrize(
    ("status", "code"), [(429, Code.RESOURCE_EXHAUSTED), (503, Code.UNAVAILABLE), (404, Code.NOT_FOUND)]
)
@pytest.mark.parametrize("then", ["fin", "rst"])
@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
def test_htt_01_the_status_of_an_error_counts_though_its_body_is_cut(open_caller, status, code, then, framing):
    body = b'{"error":{' if "length" in framing else b'ff\r\n{"error":{'
    outcome = meet(open_caller, (f"HTTP/1.1 {status} X\r\n{framing}\r\n\r\n".encode() + body, then))
    assert outcome.code is code


@pytest.fixture(scope="module")
def real_page():
    """A page like those of Sentinel-2: 9.8 MB, of which gzip makes a ninth."""
    chance = random.Random(1)
    bands = [{"id": f"B{n}", "dataType": {"precision": "INT"}, "grid": {"crsCode": "EPSG:32633"}} for n in range(23)]
    images = [
        {
            "name": f"projects/earthengine-public/assets/COPERNICUS/S2_SR/{chance.getrandbits(64):x}",
            "bands": bands,
            "properties": {
                f"PROPERTY_WITH_A_LONG_NAME_{n}": chance.random() if n % 2 == 0 else f"value {n}" for n in range(140)
            },
        }
        for _ in range(1130)
    ]
    return json.dumps({"images": images, "nextPageToken": "next"}).encode()


@pytest.mark.parametrize("framing", ["length", "chunks", "until-close"])
def test_htt_09_a_real_page(open_caller, real_page, framing):
    """No rule about ratios may take it for a bomb."""
    packed = gzip.compress(real_page, 6)
    assert 9.3e6 < len(real_page) < 10.5e6
    ratio = len(real_page) / len(packed)
    assert 8 < ratio < 11
    head, _, body = http(200, packed, GZIP).partition(b"\r\n\r\n")
    if framing != "length":
        head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
    if framing == "chunks":
        head += b"\r\ntransfer-encoding: chunked"
        pieces = [body[at : at + 16_000] for at in range(0, len(body), 16_000)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def script(connection):
        while connection.read() is not None:
            connection.send(head + b"\r\n\r\n" + body)
            if framing == "until-close":
                connection.finish()
                connection.await_close()
                return

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(2):
            outcome = caller.call()
            assert outcome.code is Code.OK, outcome
            assert len(outcome.response.images) == 1130
            assert outcome.response.next_page_token == "next"
        assert peer.accepted == (2 if framing == "until-close" else 1)


# --- Requests that are not read --------------------------------------------------------------------------------------


def large():
    return ComputeImagesRequest(project="projects/p", page_token="t" * 9_000_000)


@pytest.mark.parametrize("window", [None, 2048], ids=["HTT-19-never-read", "HTT-19-tiny-window"])
def test_a_request_that_is_never_read(open_caller, window):
    """The deadline holds while the request is being sent, and the connection goes with the call."""
    ended = threading.Event()
    first = threading.Event()

    def script(connection):
        if not first.is_set():
            first.set()
            assert ended.wait(PATIENCE)
            connection.await_close()  # reads what had come, up to the end
        else:
            while connection.read() is not None:
                connection.send(http())

    with HttpPeer(script) as peer:
        if window:
            peer._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        caller = open_caller("rest", peer.port)
        started = time.monotonic()
        assert caller.call(large(), timeout=1).code is Code.DEADLINE_EXCEEDED
        took = time.monotonic() - started
        assert caller.call().code is Code.OK  # for asyncio, also lets the loop run
        ended.set()
        assert peer.gone.acquire(timeout=PATIENCE)
        assert 1 <= took < 3  # the rest is for other load
        assert peer.accepted == 2


@pytest.mark.parametrize(("status", "code"), [(413, Code.INVALID_ARGUMENT), (429, Code.RESOURCE_EXHAUSTED)])
@pytest.mark.parametrize("read", [1, 1 << 16, 4 << 20])
@pytest.mark.parametrize("at", [1, 2], ids=["new-connection", "used-connection"])
def test_htt_20_refused_before_the_request_was_sent_in_full(open_caller, status, code, read, at):
    """The server answers, and hangs up with RST because it leaves the rest of the request unread."""
    refusal = {"error": {"code": status, "status": code.name, "message": "refused"}}
    numbers = iter(range(1, 100))

    def script(connection):
        number = next(numbers)
        while number < at:
            connection.read()
            connection.send(http())
            number = next(numbers)
        if number > at:
            while connection.read() is not None:
                connection.send(http())
            return
        left = read
        while left > 0:
            left -= len(connection.sock.recv(min(left, 1 << 16)))
        connection.send(http(status, json.dumps(refusal).encode()))
        connection.reset()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(1, at):
            assert caller.call().code is Code.OK
        outcome = caller.call(large())
        assert (outcome.code, outcome.details) == (code, "refused")
        assert caller.call().code is Code.OK
        assert peer.accepted == 2
