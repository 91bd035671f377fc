"""gRPC servers that break off, refuse, go away, or send what nobody can read; both colours."""

import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from peers import H2Peer
from retry_doubles import compute
from servers import ScriptedServicer, grpc_server
from waiting import PATIENCE

import eegrpc
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse

Code = grpc.StatusCode
PAGE = ComputeImagesResponse(images=[{"name": f"projects/p/assets/{n}"} for n in range(3)])
NAMES = [image.name for image in PAGE.images]
WIRE = PAGE.SerializeToString()
QUICK = eegrpc.RetryPolicy(initial=0.02, budget=None)


def answer(stream):
    stream.begin()
    stream.message(WIRE)
    stream.finish()


def computed(colour, port, retry=QUICK, **arguments):
    """Return the names of the images that a client gets by gRPC, or its error."""
    options = {"endpoint": f"http://127.0.0.1:{port}", "transport": "grpc", "retry": retry}
    return compute(colour, options, timeout=PATIENCE, **arguments)


# --- Streams that end early ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reset", "code"),
    [
        pytest.param(0, Code.INTERNAL, id="GRP-04-NO_ERROR"),
        pytest.param(1, Code.INTERNAL, id="GRP-04-PROTOCOL_ERROR"),
        pytest.param(2, Code.INTERNAL, id="GRP-04-INTERNAL_ERROR"),
        pytest.param(7, Code.UNAVAILABLE, id="GRP-04-REFUSED_STREAM"),
        pytest.param(8, Code.CANCELLED, id="GRP-04-CANCEL"),
        pytest.param(11, Code.RESOURCE_EXHAUSTED, id="GRP-04-ENHANCE_YOUR_CALM"),
        pytest.param(12, Code.PERMISSION_DENIED, id="GRP-04-INADEQUATE_SECURITY"),
    ],
)
def test_streams_that_are_reset(open_caller, colour, reset, code):
    with H2Peer(lambda stream: stream.reset(reset)) as peer:
        caller = open_caller("grpc", peer.port)
        assert caller.call().code is code  # CANCELLED, too, is an error: asyncio.CancelledError is for those who cancel
        caller.close()
        error = computed(colour, peer.port, retry=None)
    assert isinstance(error, EarthEngineError)
    assert error.code() is code


def test_grp_04_a_stream_that_is_refused_is_sent_again(colour):
    def script(stream):
        if len(stream.peer.requests) < 4:
            stream.reset(7)
        else:
            answer(stream)

    with H2Peer(script) as peer:
        assert computed(colour, peer.port) == NAMES
    assert len(peer.requests) == 4


# --- Connections that end --------------------------------------------------------------------------------------------


def test_grp_05_goaway_that_took_no_stream(open_caller):
    """gRPC itself sends the call again: the server has not touched it."""

    def script(stream):
        if len(stream.peer.requests) == 1:
            stream.goaway(last=0)
            stream.hang_up()
        else:
            answer(stream)

    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port)
        assert caller.call().response == PAGE
        caller.close()
    assert (len(peer.requests), peer.accepted) == (2, 2)


def test_grp_05_goaway_that_took_the_stream_and_a_close(open_caller, colour):
    def script(stream):
        if len(stream.peer.requests) < 3:
            stream.goaway()
            stream.hang_up()
        else:
            answer(stream)

    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port, grpc__enable_retries=0)
        assert caller.call().code is Code.UNAVAILABLE
        caller.close()
        assert computed(colour, peer.port) == NAMES
    assert len(peer.requests) == 3


def test_grp_05_too_many_pings_for_ever(colour):
    def script(stream):
        stream.goaway(code=11, debug=b"too_many_pings")
        stream.hang_up()

    with H2Peer(script) as peer:
        error = computed(colour, peer.port)
    assert error.code() in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
    assert len(peer.requests) <= QUICK.max_attempts
    assert peer.accepted <= QUICK.max_attempts + 1


def after_headers(stream):
    stream.begin()
    stream.hang_up()


def mid_message(stream):
    stream.begin()
    stream.data(struct.pack(">BI", 0, len(WIRE)) + WIRE[:-5])
    stream.hang_up()


@pytest.mark.parametrize("cut", [after_headers, mid_message])
def test_grp_06_connections_that_end_within_an_answer(open_caller, colour, cut):
    """To gRPC the answer has begun; to us it is no answer, and the request only reads."""

    def script(stream):
        if len(stream.peer.requests) < 3:
            cut(stream)
        else:
            answer(stream)

    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port, grpc__enable_retries=0)
        assert caller.call().code is Code.UNAVAILABLE
        caller.close()
        assert computed(colour, peer.port) == NAMES
    assert len(peer.requests) == 3


# --- Large answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mib", "code"),
    [
        pytest.param(5, Code.OK, id="GRP-07-5-MiB"),
        pytest.param(120, Code.OK, id="GRP-07-120-MiB"),
        pytest.param(129, Code.RESOURCE_EXHAUSTED, id="GRP-07-129-MiB"),
    ],
)
def test_sizes_of_answers(open_caller, mib, code):
    servicer = ScriptedServicer()
    servicer.answer = lambda *_: ComputeImagesResponse(next_page_token="x" * (mib << 20))
    with grpc_server(servicer, options=(("grpc.max_send_message_length", -1),)) as port:
        caller = open_caller("grpc", port)
        outcome = caller.call(timeout=60)
        assert outcome.code is code
        if code is Code.OK:
            assert len(outcome.response.next_page_token) == mib << 20
        caller.close()


def bomb(stream):
    stream.headers([(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip")])
    packed = gzip.compress(bytes(200 << 20), 1)
    data = struct.pack(">BI", 1, len(packed)) + packed
    for begin in range(0, len(data), 1 << 14):
        stream.data(data[begin : begin + (1 << 14)])
        stream.sock.sendall(stream._connection.data_to_send())
    stream.finish()


def old_core(what):
    """Skip what gRPC's core itself does otherwise in the oldest versions."""
    old = tuple(map(int, grpc.__version__.split(".")[:2])) < (1, 85)
    return pytest.mark.skipif(old, reason=f"gRPC's core before 1.85 {what}")


def four_gib(stream):
    stream.begin()
    stream.data(b"\0\xff\xff\xff\xff" + bytes(1000))


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory by getrusage")
@pytest.mark.parametrize(
    "script", [bomb, pytest.param(four_gib, marks=old_core("waits for all of it, within the deadline"))]
)
def test_grp_07_answers_that_would_fill_the_memory(colour, script):
    with H2Peer(script) as peer:
        program = [sys.executable, Path(__file__).parent / "phase_programs.py", "grown", colour, str(peer.port)]
        done = subprocess.run(program, stdout=subprocess.PIPE, text=True, timeout=60, check=True, env=os.environ)
    code, mib = json.loads(done.stdout)
    assert code == "RESOURCE_EXHAUSTED"
    assert mib <= 32 + 32  # the limit of that program's channel, and as much again for what is on its way


# --- What cannot be read ---------------------------------------------------------------------------------------------


def compressed_without_a_coding(stream):
    stream.begin()
    stream.data(struct.pack(">BI", 1, len(WIRE)) + WIRE)
    stream.finish()


def no_protobuf(stream):
    stream.begin()
    stream.message(b"\xff" * 20)
    stream.finish()


@pytest.mark.parametrize(
    "script", [pytest.param(compressed_without_a_coding, marks=old_core("takes the bytes as they are")), no_protobuf]
)
def test_grp_08_answers_that_cannot_be_read(open_caller, colour, script):
    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port)
        outcome = caller.call()
        if colour == "aio" and script is no_protobuf:  # grpc.aio's own way to say so: OK, and no message
            assert (outcome.code, outcome.response) == (Code.OK, None)
        else:
            assert outcome.code is Code.INTERNAL
        caller.close()
        error = computed(colour, peer.port)
    assert (error.code(), error.reason, error.retryable) == (Code.INTERNAL, "BAD_RESPONSE", False)
    assert len(peer.requests) == 2  # one by each
