"""Rows of the reliability table about gRPC, on both transports where they mean something; both colours."""

import asyncio
import json
import threading

import grpc
import pytest
from canaries import ACCESS_TOKEN
from peers import H2Peer, HttpPeer, http
from servers import Hang, ScriptedServicer, free_port, grpc_server, rest_server
from waiting import PATIENCE

import eegrpc
from eegrpc._options import channel_options
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

Code = grpc.StatusCode
PAGE = http(body=b'{"nextPageToken":"next"}')
WIRE = ComputeImagesResponse(next_page_token="next").SerializeToString()
SERVE = {"grpc": grpc_server, "rest": rest_server}
EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}

both_transports = pytest.mark.parametrize("transport", ["grpc", "rest"])


@pytest.fixture
def servicer():
    return ScriptedServicer()


@pytest.fixture
def client_error(colour):
    """Return a function: the error that EarthEngineClient (or the asyncio one) raises for a call over gRPC."""

    def run(port, **kwargs):
        options = {"project": "p", "endpoint": f"http://127.0.0.1:{port}", "transport": "grpc", "retry": None}
        with pytest.raises(EarthEngineError) as caught:
            sync(options, kwargs) if colour == "sync" else asyncio.run(aio(options, kwargs))
        return caught.value

    def sync(options, kwargs):
        with eegrpc.EarthEngineClient(**options) as client:
            list(client.compute_images(EXPRESSION, **kwargs))

    async def aio(options, kwargs):
        async with eegrpc.EarthEngineAsyncClient(**options) as client:
            async for _ in await client.compute_images(EXPRESSION, **kwargs):
                pass

    return run


# --- Peers that break the protocol -----------------------------------------------------------------------------------


def cut_message(stream):
    stream.begin()
    stream.data(b"\0\0\0\0\x64abc")
    stream.finish()


def no_message(stream):
    stream.begin()
    stream.finish()


@pytest.mark.parametrize("script", [cut_message, no_message])
def test_grp_01_no_whole_message_and_status_ok(client_error, script):
    with H2Peer(script) as peer:
        error = client_error(peer.port)
    assert (error.code(), error.reason) == (Code.INTERNAL, "BAD_RESPONSE")


def test_grp_02_two_messages_for_a_unary_call(client_error):
    def script(stream):
        stream.begin()
        stream.message(WIRE)
        stream.message(WIRE)
        stream.finish()

    with H2Peer(script) as peer:
        assert client_error(peer.port, timeout=0.5).code() is Code.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        pytest.param("99", {Code.UNKNOWN}, id="GRP-03-99"),
        pytest.param("abc", {Code.INTERNAL, Code.UNKNOWN}, id="GRP-03-abc"),  # INTERNAL in newer releases of grpcio
    ],
)
def test_grpc_status_that_is_none(open_caller, status, codes):
    def script(stream):
        stream.begin()
        stream.finish(status)

    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port)
        assert caller.call().code in codes
        caller.close()


# --- Metadata and credentials ----------------------------------------------------------------------------------------

ILLEGAL = [
    *(("x-a", "a\r\nb"), ("x-a", "a\nb"), ("x-a", "a\0b"), ("x-a", "ü"), ("X-Upper", "a"), ("x a", "a"), ("", "a")),
    *((":path", "/a"), (":authority", "evil")),
]
RESERVED = [
    *(("grpc-timeout", "1S"), ("grpc-status", "0"), ("te", "x"), ("host", "evil"), ("content-length", "3")),
    *(("transfer-encoding", "chunked"), ("connection", "close"), ("content-type", "text/plain")),
]


@both_transports
@pytest.mark.parametrize("pair", ILLEGAL)
def test_grp_09_illegal_metadata(open_caller, servicer, transport, pair):
    with SERVE[transport](servicer) as port:
        caller = open_caller(transport, port)
        if caller.colour == "aio" and transport == "grpc":
            with pytest.raises(Exception, match=r"execute_batch|metadata was invalid"):  # stock has no status for it
                caller.call(metadata=(pair,))
        else:
            outcome = caller.call(metadata=(pair,))
            assert outcome.code is Code.INTERNAL
            assert "Invalid metadata" in outcome.details
            assert not pair[1] or len(pair[1]) < 3 or pair[1] not in outcome.details
        assert servicer.calls == 0
        assert caller.call().code is Code.OK


@pytest.mark.parametrize("pair", RESERVED)
def test_grp_09_reserved_metadata(open_caller, pair):
    with HttpPeer.answering(PAGE) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call(metadata=(pair,))
        assert (outcome.code, outcome.details.split(":")[0]) == (Code.INTERNAL, "Invalid metadata")
        assert caller.call(metadata=(("authorization", "a"), ("authorization", "b"))).code is Code.INTERNAL
        assert peer.accepted == 0


@both_transports
def test_grp_10_call_credentials_on_plaintext(open_caller, servicer, transport):
    with SERVE[transport](servicer) as port:
        caller = open_caller(transport, port)
        credentials = grpc.access_token_call_credentials(ACCESS_TOKEN)
        if caller.colour == "aio" and transport == "grpc":
            with pytest.raises(grpc.aio.UsageError):
                caller.call(credentials=credentials)
        else:
            outcome = caller.call(credentials=credentials)
            assert outcome.code is Code.UNAUTHENTICATED
            assert ACCESS_TOKEN not in outcome.details
        assert servicer.calls == 0


# --- Connections -----------------------------------------------------------------------------------------------------


@both_transports
def test_grp_11_refused(open_caller, transport):
    outcome = open_caller(transport, free_port()).call()
    assert outcome.code is Code.UNAVAILABLE
    assert outcome.details.startswith("failed to connect")


@both_transports
def test_grp_11_accepted_and_silent(open_caller, transport):
    with HttpPeer(lambda connection: connection.await_close()) as peer:
        caller = open_caller(transport, peer.port)
        assert caller.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
        assert caller.call(timeout=0.5, wait_for_ready=True).code is Code.DEADLINE_EXCEEDED
        caller.close()


def test_grp_12_a_connection_that_has_gone_dark_is_found(open_caller):
    def script(stream):
        if len(stream.peer.requests) == 1:
            stream.begin()
            stream.message(WIRE)
            stream.finish()
        else:
            stream.peer.stopping.wait(PATIENCE)  # reads no more: no answer, no pings, and no FIN

    with H2Peer(script) as peer:
        options = {"grpc__keepalive_time_ms": 200, "grpc__keepalive_timeout_ms": 200}
        caller = open_caller("grpc", peer.port, **options, grpc__enable_retries=0)
        assert caller.call().code is Code.OK
        outcome = caller.call(timeout=PATIENCE)
        assert outcome.code is Code.UNAVAILABLE
        assert "timeout" in outcome.details
        caller.close()


def test_grp_12_pings_stay_within_what_google_allows():
    arguments = dict(channel_options("https://gateway.example").grpc_arguments)
    assert arguments["grpc.keepalive_time_ms"] >= 30_000
    assert arguments["grpc.keepalive_time_ms"] + arguments["grpc.keepalive_timeout_ms"] <= 40_000
    assert arguments["grpc.keepalive_permit_without_calls"] == 0


@both_transports
def test_grp_13_one_stream_at_a_time(open_caller, servicer, transport):
    at_once, most, lock = 0, 0, threading.Lock()

    def answer(request, context):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        with lock:
            at_once -= 1
        return ComputeImagesResponse()

    servicer.answer = answer
    limits = {"options": (("grpc.max_concurrent_streams", 1),)} if transport == "grpc" else {}
    options = {} if transport == "grpc" else {"eegrpc__pool_size": 1}
    with SERVE[transport](servicer, **limits) as port:
        caller = open_caller(transport, port, **options)
        codes = [outcome.code for outcome in caller.calls(40, timeout=PATIENCE)]
        # grpc.aio may open streams before it has read the server's limit, and then one of them is refused unsent: what
        # the client's retry is for.
        refused = codes.count(Code.UNAVAILABLE) if transport == "grpc" else 0
        assert codes.count(Code.OK) == 40 - refused
        assert all(caller.call(timeout=PATIENCE).code is Code.OK for _ in range(refused))
    assert most == 1
    assert len(servicer.peers) == 1


def test_grp_14_callers_of_a_server_that_is_down_share_attempts(open_caller):
    with HttpPeer(lambda connection: connection.close()) as peer:
        caller = open_caller("grpc", peer.port)
        outcomes = caller.calls(40, timeout=2, wait_for_ready=True)
        assert {outcome.code for outcome in outcomes} == {Code.DEADLINE_EXCEEDED}
        assert 1 <= peer.accepted <= 10
        caller.close()


# --- Deadlines and options -------------------------------------------------------------------------------------------


def test_grp_15_timeouts(open_caller):
    with HttpPeer.answering(PAGE) as peer:
        caller = open_caller("rest", peer.port)
        for timeout in (0, -1, float("-inf")):
            assert caller.call(timeout=timeout).code is Code.DEADLINE_EXCEEDED
        with pytest.raises(ValueError, match="NaN"):
            caller.call(timeout=float("nan"))
        assert not peer.requests
        for timeout in (1e12, float("inf"), None):
            assert caller.call(timeout=timeout).code is Code.OK


@both_transports
def test_grp_16_calls_that_run_when_the_channel_closes(open_caller, servicer, transport):
    servicer.answer = hang = Hang()
    with SERVE[transport](servicer) as port:
        caller = open_caller(transport, port)
        if caller.colour == "sync":
            calls = [caller.stub.ComputeImages.future(ComputeImagesRequest(project="projects/p")) for _ in range(5)]
            assert hang.arrived.wait(PATIENCE)
            caller.close()
            assert {call.code() for call in calls} == {Code.CANCELLED}
        else:

            async def close():
                calls = [caller.stub.ComputeImages(ComputeImagesRequest(project="projects/p")) for _ in range(5)]
                assert await caller.loop.run_in_executor(None, hang.arrived.wait, PATIENCE)
                await caller.channel.close()
                assert {await call.code() for call in calls} == {Code.CANCELLED}

            caller.loop.run_until_complete(close())
        assert hang.gone.wait(PATIENCE)


@both_transports
@pytest.mark.parametrize(
    "option",
    [
        pytest.param(("grpc.service_config", "{"), id="GRP-17-not-json"),
        pytest.param(("grpc.service_config", json.dumps({"methodConfig": {}})), id="GRP-17-shape"),
        pytest.param(("grpc.max_receive_message_length", -1), id="GRP-17-no-limit"),
        pytest.param(("grpc.max_receive_message_length", "1"), id="GRP-17-text"),
        pytest.param(("grpc.keepalive_time_ms", 0), id="GRP-17-keepalive"),
        pytest.param(("eegrpc.pool_size", 0), id="GRP-17-pool"),
        pytest.param(("eegrpc.no_such", 1), id="GRP-17-unknown"),
    ],
)
def test_options_that_make_no_sense(colour, transport, option):
    make = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    with pytest.raises(ValueError, match=option[0].replace(".", r"\.")):
        make("http://127.0.0.1:1", transport=transport, options=[option])
