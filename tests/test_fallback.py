"""The fallback of `auto` from gRPC to REST, on real sockets: what makes calls switch, what never does, what is said."""

from __future__ import annotations

import itertools
import logging
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import grpc.aio
import pytest
import trustme
from canaries import ACCESS_TOKEN
from fallback_peers import (
    Client,
    Port,
    client,
    closes,
    goaway,
    html,
    http1_answers,
    http1_only,
    http2_answers,
    resets,
    rst_stream,
    says,
    silent,
    splice,
    trailers_only,
    warnings_of,
)
from google.oauth2.credentials import Credentials
from google.protobuf import any_pb2, struct_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from servers import PATIENCE, Hang, ScriptedServicer, free_port, grpc_server, rest_server

import eegrpc
from eegrpc._aio_fallback_channel import AioFallbackChannel
from eegrpc._fallback import Evidence, Route, TransportJudge, both_failed, evidence_of, rest_answered
from eegrpc._fallback_channel import FallbackChannel
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Reply
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset, Expression, ValueNode

Code = grpc.StatusCode

REQUEST_THEN_RESET = http2_answers(lambda *_: "reset")
REQUEST_THEN_CLOSE = http2_answers(lambda *_: "close")

NOT_GRPC = {
    "http1-400": (http1_only, "no HTTP/2 connection: .*http1"),
    "http1-505": (says(b"HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n"), "no HTTP/2 connection: .*http1"),
    "http1-html": (says(b"<html>hello</html>"), "no HTTP/2 connection"),
    "http1-closes": (closes, "no HTTP/2 connection"),
    "http1-resets": (resets, "no HTTP/2 connection"),
    **{f"html-{status}": (html(status), f"plain HTTP status {status}") for status in (400, 403, 404, 405, 415, 502)},
    "html-301": (html(301, ("location", "http://elsewhere.invalid/")), "plain HTTP status 301"),
    "html-200": (html(200), "Stream removed"),
    "unimplemented-python": (trailers_only(12, "Method not found!"), "UNIMPLEMENTED: Method not found!"),
    "unimplemented-go": (trailers_only(12, "unknown service x"), "UNIMPLEMENTED: unknown service"),
    **{f"rst-{code}": (rst_stream(code), f"RST_STREAM with error code {code}") for code in (1, 2, 7, 12, 13)},
    # Not GOAWAY with HTTP_1_1_REQUIRED (13): grpcio 1.85.1 aborts the process when it gets one.
    "goaway-0": (goaway(0), "GOAWAY"),
    "goaway-11": (goaway(11), "GOAWAY|Socket closed"),
    "request-reset": (REQUEST_THEN_RESET, "reset by peer|Socket closed"),
    "request-closed": (REQUEST_THEN_CLOSE, "Socket closed|reset by peer"),
}


@pytest.fixture(params=("sync", "aio"))
def colour(request):
    return request.param


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def rest(stack):
    """A scripted servicer, and the port of its REST face."""
    servicer = ScriptedServicer()
    return servicer, stack.enter_context(rest_server(servicer))


@pytest.fixture
def both(stack, rest):
    """A port that speaks gRPC and REST, each with a servicer of its own."""
    over_grpc = ScriptedServicer()
    port = stack.enter_context(Port(splice(stack.enter_context(grpc_server(over_grpc))), splice(rest[1])))
    return port, over_grpc, rest[0]


def probes(judge) -> list[Route]:
    """Return a list that every probe will be added to."""
    seen, route = [], judge.route

    def counted():
        answer = route()
        if answer is Route.PROBE:
            seen.append(answer)
        return answer

    judge.route = counted
    return seen


def is_free(judge) -> bool:
    """Whether the next call may probe, and nobody waits."""
    free = judge.route() is Route.PROBE
    if free:
        judge.probe_ended()
    return free and not judge._listeners


# --- FBK-01: first contact -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "reason"), NOT_GRPC.values(), ids=[f"FBK-01-{name}" for name in NOT_GRPC])
def test_fbk_01_switches_once_says_why_and_stays(stack, rest, colour, caplog, script, reason):
    servicer, rest_port = rest
    port = stack.enter_context(Port(script, splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    tried = probes(auto.judge)
    with caplog.at_level(logging.WARNING):
        first = auto.call("first", timeout=PATIENCE)
        assert (first.code, first.token, first.by_rest) == (Code.OK, "first", True)
        assert re.search(reason, first.reason)
        assert servicer.calls == 1
        streams = port.streams
        for number in range(3):
            later = auto.call(f"{number}")
            assert (later.code, later.token, later.reason) == (Code.OK, f"{number}", first.reason)
    assert servicer.calls == 4
    assert port.streams == streams <= (2 if "GOAWAY" in reason else 1)  # grpc itself resends what nobody looked at
    assert len(tried) == 1
    assert warnings_of(caplog) == [
        f"127.0.0.1:{port.number}: gRPC does not get through, calls go by REST: {first.reason}"
    ]


def test_fbk_01_a_peer_that_accepts_and_says_nothing_to_http2(stack, rest, colour):
    port = stack.enter_context(Port(silent, splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    first = auto.call("a", timeout=2)
    assert (first.code, first.token, first.reason) == (Code.OK, "a", "no HTTP/2 connection within 1.0 s")
    assert auto.call("b").by_rest
    assert rest[0].calls == 2


def test_fbk_01_an_error_by_rest_is_an_answer_too(stack, rest, colour):
    servicer, rest_port = rest
    servicer.answer = lambda _, context: context.abort(Code.NOT_FOUND, "no such project")
    port = stack.enter_context(Port(http1_only, splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call()
    assert (outcome.code, outcome.details, outcome.by_rest) == (Code.NOT_FOUND, "no such project", True)
    assert auto.judge.settled() is Route.REST
    assert servicer.calls == 1


def test_fbk_01_requests_answers_and_metadata_are_the_same_by_rest(stack, colour):
    port = stack.enter_context(Port(html(403), http1_answers()))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call("a", metadata=(("x-mine", "1"),))
    line, headers = port.requests[0]
    assert outcome.token == "raw"
    assert line == "POST /v1alpha/projects/p/imageCollection:computeImages HTTP/1.1"
    assert headers["x-mine"] == "1"


# --- FBK-02: what never makes a call switch --------------------------------------------------------------------------

ORDINARY = [code for code in Code if code not in (Code.OK, Code.UNIMPLEMENTED)]


@pytest.mark.parametrize("code", ORDINARY, ids=[f"FBK-02-{code.name}" for code in ORDINARY])
@pytest.mark.parametrize("first", [True, False], ids=["at-first", "after-a-success"])
def test_fbk_02_an_ordinary_error_stays_on_grpc(both, stack, colour, code, first):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    if not first:
        assert auto.call().code is Code.OK
    over_grpc.calls = 0
    over_grpc.answer = lambda _, context: context.abort(code, "as the servicer says")
    outcome = auto.call()
    assert (outcome.code, outcome.details) == (code, "as the servicer says")
    assert not outcome.trailing
    assert (over_grpc.calls, over_rest.calls, port.seen["http1"]) == (1, 0, 0)


def test_fbk_02_unimplemented_after_a_success(both, stack, colour):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call().code is Code.OK
    over_grpc.answer = lambda _, context: context.abort(Code.UNIMPLEMENTED, "no longer")
    assert auto.call().code is Code.UNIMPLEMENTED
    assert over_rest.calls == port.seen["http1"] == 0


def test_fbk_02_unimplemented_by_our_own_service(both, stack, colour):
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason="NOT_HERE"))
    rich = status_pb2.Status(code=Code.UNIMPLEMENTED.value[0], message="not here", details=[packed])
    port, over_grpc, over_rest = both
    over_grpc.answer = lambda _, context: context.abort_with_status(rpc_status.to_status(rich))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call()
    assert (outcome.code, outcome.status) == (Code.UNIMPLEMENTED, rich)
    assert auto.judge.settled() is Route.GRPC
    assert over_rest.calls == 0


def test_fbk_02_a_deadline_that_passes_while_the_server_works(both, stack, colour):
    port, over_grpc, over_rest = both
    over_grpc.answer = hang = Hang()
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
    assert hang.arrived.is_set()
    assert (over_grpc.calls, over_rest.calls, port.seen["http1"]) == (1, 0, 0)
    assert is_free(auto.judge)


@pytest.mark.parametrize("status", [401, 429, 503])
def test_fbk_02_an_overloaded_or_picky_proxy_proves_nothing(stack, rest, colour, status):
    port = stack.enter_context(Port(html(status), splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call()
    assert outcome.details.endswith(f"status: {status}")
    assert rest[0].calls == port.seen["http1"] == 0
    assert is_free(auto.judge)


@pytest.mark.parametrize("fault", ["dropped", "gone"])
def test_fbk_02_a_server_that_goes_away_after_a_success(both, stack, colour, fault):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call().code is Code.OK
    over_grpc.answer = hang = Hang()
    running = auto.start()
    assert hang.arrived.wait(PATIENCE)
    if fault == "gone":
        port.scripts["http2"] = closes
    port.drop()
    assert running.end().code is Code.UNAVAILABLE
    if fault == "gone":
        assert auto.call().code is Code.UNAVAILABLE
    assert over_rest.calls == port.seen["http1"] == 0


def test_fbk_02_a_method_with_side_effects_is_not_sent_twice(stack, rest):
    from google.longrunning import operations_pb2

    port = stack.enter_context(Port(rst_stream(2), http1_answers(b"{}")))
    channel = stack.enter_context(eegrpc.create_channel(port.url))
    request = operations_pb2.CancelOperationRequest(name="operations/o")
    cancel = channel.unary_unary("/google.longrunning.Operations/CancelOperation", type(request).SerializeToString)
    with pytest.raises(grpc.RpcError, match="RST_STREAM"):
        cancel(request, timeout=PATIENCE)
    assert port.requests == []
    port.scripts["http2"] = html(404)  # it says that nothing was done
    port.drop()
    while not port.requests:  # until grpc has noticed that its connection is gone
        cancel.future(request, timeout=PATIENCE).code()
    assert port.requests[0][0] == "POST /v1/operations/o:cancel HTTP/1.1"


# --- FBK-03: many at once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["grpc", "http1", "html", "hangs-up"])
def test_fbk_03_a_hundred_first_calls_make_one_probe(stack, rest, colour, peer):
    servicer, rest_port = rest
    over_grpc = ScriptedServicer()
    http2 = {"http1": http1_only, "html": html(403), "hangs-up": closes}.get(peer)
    port = stack.enter_context(Port(http2 or splice(stack.enter_context(grpc_server(over_grpc))), splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    tried = probes(auto.judge)
    if colour == "sync":
        with ThreadPoolExecutor(100) as pool:
            outcomes = list(pool.map(lambda number: auto.call(str(number)), range(100)))
    else:
        outcomes = [running.end() for running in [auto.start(str(number)) for number in range(100)]]
    assert [outcome.token for outcome in outcomes] == [str(number) for number in range(100)]
    assert len(tried) == 1
    assert (over_grpc.calls, servicer.calls) == ((100, 0) if peer == "grpc" else (0, 100))
    assert port.streams == (1 if peer == "html" else 0)
    assert {outcome.by_rest for outcome in outcomes} == {peer != "grpc"}


# --- FBK-04: sticky, re-probed, no flapping --------------------------------------------------------------------------


def test_fbk_04_grpc_is_tried_again_when_the_time_has_come(both, stack, colour, caplog):
    port, over_grpc, over_rest = both
    works, port.scripts["http2"] = port.scripts["http2"], html(403)
    auto = stack.enter_context(client(colour, port.url))
    now = [0.0]
    auto.judge._clock = lambda: now[0]
    tried = probes(auto.judge)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert auto.call().by_rest
        assert (len(tried), port.streams) == (1, 1)
        now[0] = 299.0
        assert auto.call().by_rest
        assert (len(tried), port.streams) == (1, 1)
        now[0] = 301.0
        for _ in range(3):  # still the same: one call tries, and is answered all the same
            assert auto.call().by_rest
        assert (len(tried), port.streams) == (2, 2)
        port.scripts["http2"] = works
        port.drop()
        calls = over_rest.calls
        while (outcome := auto.call()).by_rest:  # until grpc has connected anew
            calls += 1
            now[0] += 301.0
            assert outcome.code is Code.OK
        assert (outcome.code, outcome.trailing) == (Code.OK, {})
        assert (over_grpc.calls, over_rest.calls) == (1, calls)
    logged = warnings_of(caplog)
    assert "calls go by REST" in logged[0]
    assert logged[-1].endswith("gRPC gets through now, calls go by gRPC")
    port.scripts["http2"] = html(403)
    port.drop()
    now[0] += 1000.0
    assert not auto.call(timeout=2).by_rest, "gRPC, once proven, is for good"


def test_fbk_04_flapping_grpc_switches_at_most_once_per_period():
    now, switches = [0.0], []
    judge = TransportJudge(300.0, "flapping", clock=lambda: now[0])
    not_found = Reply(Code.UNIMPLEMENTED, "Method not found!")
    weather = [not_found, Reply(Code.UNAVAILABLE, "overloaded"), not_found, Reply(Code.OK), not_found, Reply(Code.OK)]
    last = None
    for second in range(3000):
        now[0] = float(second)
        route = judge.route()
        if route is Route.PROBE:
            judge.heard(weather[second // 100 % len(weather)], connected=True, replayable=True)
            judge.probe_ended()
        elif route is Route.GRPC:
            judge.heard(weather[second // 100 % len(weather)], connected=True, replayable=True)
        if judge.settled() is not last:
            last = judge.settled()
            switches.append(second)
    assert all(later - earlier >= 300 for earlier, later in itertools.pairwise(switches))
    assert judge.settled() is Route.GRPC


def test_fbk_04_while_one_call_probes_again_the_others_go_by_rest(stack, rest, colour):
    arrived, hangs = threading.Event(), threading.Event()

    def answer(connection, stream):
        if hangs.is_set():
            arrived.set()
        else:
            connection.send_headers(stream, [(":status", "404")], end_stream=True)

    port = stack.enter_context(Port(http2_answers(answer), splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    now = [0.0]
    auto.judge._clock = lambda: now[0]
    assert auto.call().by_rest
    hangs.set()
    now[0] += 301.0
    probe = auto.start("probe", timeout=None)
    assert arrived.wait(PATIENCE)
    now[0] += 301.0
    assert auto.call("other").by_rest
    probe.cancel()
    assert probe.end().code is Code.CANCELLED
    assert auto.call("later").by_rest, "what was known stays"
    assert port.streams == 2
    assert rest[0].calls == 3


# --- FBK-05: same host, same TLS, same credentials -------------------------------------------------------------------


@pytest.fixture
def authority():
    return trustme.CA()


def tls_port(stack, authority, http2, http1, *, alpn=("http/1.1",)):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    context.set_alpn_protocols(list(alpn))
    return stack.enter_context(Port(http2, http1, tls=context))


def tls_client(colour, port, authority, *, rest_trusts=True) -> Client:
    """Return an `auto` channel that trusts a test's certificates."""
    import ssl

    pem = authority.cert_pem.bytes()
    credentials, target = grpc.ssl_channel_credentials(pem), f"127.0.0.1:{port.number}"

    def make():
        context = ssl.create_default_context()
        if rest_trusts:
            authority.configure_trust(context)
        judge = TransportJudge(300.0, target)
        if colour == "sync":
            rest = TranscodingChannel(port.url, ssl_context=context, labels=judge.labels)
            return FallbackChannel(grpc.secure_channel(target, credentials), rest, judge, "v1alpha")
        rest = AioTranscodingChannel(port.url, ssl_context=context, labels=judge.labels)
        return AioFallbackChannel(grpc.aio.secure_channel(target, credentials), rest, judge, "v1alpha", ())

    return Client(colour, make)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_fbk_05_tls_without_http2_falls_back_to_https(stack, colour, authority, alpn):
    port = tls_port(stack, authority, html(403), http1_answers(), alpn=(alpn, "http/1.1"))
    auto = stack.enter_context(tls_client(colour, port, authority))
    outcome = auto.call()
    assert (outcome.code, outcome.token, outcome.by_rest) == (Code.OK, "raw", True)
    assert port.seen["other"] == 0, "something was sent in the clear"
    assert len(port.requests) == 1


def test_fbk_05_the_certificate_is_verified_after_the_fallback(stack, colour, authority):
    port = tls_port(stack, authority, http1_only, http1_answers())
    auto = stack.enter_context(tls_client(colour, port, authority, rest_trusts=False))
    outcome = auto.call()
    assert outcome.code is Code.UNAVAILABLE
    assert "TLS" in outcome.details or "CERTIFICATE_VERIFY_FAILED" in outcome.details
    assert (port.requests, port.seen["other"]) == ([], 0)


def test_fbk_05_the_whole_way_with_certificates_from_the_environment(stack, authority, tmp_path):
    port = tls_port(stack, authority, http1_only, http1_answers())
    roots = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(roots)
    program = f"""
import asyncio, eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub
request = ComputeImagesRequest(project="projects/p")
with eegrpc.create_channel("{port.url}") as channel:
    print(dict(EarthEngineStub(channel).ComputeImages.with_call(request, timeout=20)[1].trailing_metadata()))
async def main():
    async with eegrpc.create_aio_channel("{port.url}") as channel:
        call = EarthEngineStub(channel).ComputeImages(request, timeout=20)
        await call
        print(dict(tuple(await call.trailing_metadata())))
asyncio.run(main())
"""
    environment = {**os.environ, "SSL_CERT_FILE": str(roots), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'eegrpc-transport': 'rest'") == 2
    assert done.stdout.count("no HTTP/2 connection") == 2
    assert (len(port.requests), port.seen["other"]) == (2, 0)


@pytest.mark.parametrize("endpoint", ["http://10.0.0.1", "http://gateway.internal:8080", "http://127.0.0.1.evil"])
def test_fbk_05_credentials_over_plaintext_are_refused_before_anything_is_tried(colour, endpoint):
    create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    with pytest.raises(ValueError, match="plaintext"):
        create(endpoint, transport="auto", credentials=Credentials(ACCESS_TOKEN))


def test_fbk_05_credentials_go_to_the_same_host_only(stack, colour):
    seen = []

    def forbidden(connection, stream):
        connection.send_headers(stream, [(":status", "307"), ("location", elsewhere.url)], end_stream=True)

    elsewhere = stack.enter_context(Port(html(403), http1_answers()))
    http2 = http2_answers(forbidden)
    port = stack.enter_context(Port(http2, http1_answers(b"", 307, f"text/html\r\nlocation: {elsewhere.url}/x")))
    auto = stack.enter_context(client(colour, port.url, credentials=Credentials(ACCESS_TOKEN)))
    running = auto.start()
    if colour == "sync":
        code, details = running.call.code(), running.call.details()
    else:
        outcome = running.end()
        code, details = outcome.code, outcome.details
    assert code is Code.UNKNOWN
    assert "redirect" in details
    assert ACCESS_TOKEN not in details
    seen = [headers.get("authorization") for _, headers in port.requests]
    assert seen == [f"Bearer {ACCESS_TOKEN}"]
    assert sum(elsewhere.seen.values()) == 0


# --- FBK-06: failure between pages -----------------------------------------------------------------------------------

PAGES = 5
EXPRESSION = Expression(result="0", values={"0": ValueNode(constant_value=struct_pb2.Value(string_value="x"))})


def page(request, context):
    number = int(request.page_token or 0)
    images = [EarthEngineAsset(name=f"{number}/{index}") for index in range(3)]
    return ComputeImagesResponse(images=images, next_page_token=str(number + 1) if number + 1 < PAGES else "")


def failing_at(number):
    def answer(request, context):
        if request.page_token == str(number):
            context.abort(Code.UNAVAILABLE, "the third page is not to be had")
        return page(request, context)

    return answer


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_fbk_06_a_pager_stays_on_its_transport(both, stack, transport):
    port, over_grpc, over_rest = both
    if transport == "rest":
        port.scripts["http2"] = http1_only
    mine, other = (over_grpc, over_rest) if transport == "grpc" else (over_rest, over_grpc)
    mine.answer, other.answer = failing_at(2), page
    channel = stack.enter_context(eegrpc.create_channel(port.url))
    tried = probes(channel.judge)
    images = stack.enter_context(eegrpc.EarthEngineClient("p", channel=channel, retry=None))
    pager, names = images.compute_images(EXPRESSION), []
    with pytest.raises(eegrpc.errors.EarthEngineError, match="third page"):
        names.extend(image.name for image in pager)  # keeps what came before the error
    assert names == [f"{number}/{index}" for number in range(2) for index in range(3)]
    mine.answer = page
    names += [image.name for image in images.compute_images(EXPRESSION, page_token=pager.next_page_token)]
    assert names == [f"{number}/{index}" for number in range(PAGES) for index in range(3)]
    assert (mine.calls, other.calls, len(tried)) == (3 + 3, 0, 1)


async def drain(pager, names):
    async for image in pager:
        names.append(image.name)


async def test_fbk_06_a_pager_stays_on_its_transport_asyncio(both):
    port, over_grpc, over_rest = both
    over_grpc.answer, over_rest.answer = failing_at(2), page
    async with eegrpc.create_aio_channel(port.url) as channel:
        client = eegrpc.EarthEngineAsyncClient("p", channel=channel, retry=None)
        pager, names = await client.compute_images(EXPRESSION), []
        with pytest.raises(eegrpc.errors.EarthEngineError, match="third page"):
            await drain(pager, names)
        assert names == [f"{number}/{index}" for number in range(2) for index in range(3)]
        over_grpc.answer = page
        await drain(await client.compute_images(EXPRESSION, page_token=pager.next_page_token), names)
        assert names == [f"{number}/{index}" for number in range(PAGES) for index in range(3)]
        assert (over_rest.calls, port.seen["http1"]) == (0, 0)


# --- FBK-07: neither gets through ------------------------------------------------------------------------------------


def both_ways(stack, name):
    """Return the URL of a peer with which neither transport works."""
    if name == "refused":
        return f"http://127.0.0.1:{free_port()}"
    http2, http1 = {
        "resets": (resets, resets),
        "closes": (closes, closes),
        "silent": (silent, silent),
        "silent-by-http1": (http1_only, silent),
        "html": (html(403), http1_answers(b"<html>Blocked</html>", 403, "text/html")),
        "html-200": (html(200), http1_answers(b"<html>Log in first</html>", 200, "text/html")),
        "not-found": (html(404), http1_answers(b"<html>Not here</html>", 404, "text/html")),
        "garbage": (says(b"\0" * 64), says(b"\0" * 64)),
    }[name]
    return stack.enter_context(Port(http2, http1)).url


@pytest.mark.parametrize(
    ("peer", "code", "by_rest", "by_grpc"),
    [
        pytest.param("refused", Code.UNAVAILABLE, "failed to connect", "no HTTP/2 connection", id="FBK-07-refused"),
        pytest.param("resets", Code.UNAVAILABLE, "connection was lost", "no HTTP/2 connection", id="FBK-07-resets"),
        pytest.param("closes", Code.UNAVAILABLE, "connection was lost", "no HTTP/2 connection", id="FBK-07-closes"),
        pytest.param("silent", Code.DEADLINE_EXCEEDED, "Deadline", "within 0.3 s", id="FBK-07-silent"),
        pytest.param("silent-by-http1", Code.DEADLINE_EXCEEDED, "Deadline", "http1", id="FBK-07-silent-by-http1"),
        pytest.param("html", Code.PERMISSION_DENIED, "HTTP 403", "plain HTTP status 403", id="FBK-07-html"),
        pytest.param("html-200", Code.UNKNOWN, "HTTP 200", "Stream removed", id="FBK-07-html-200"),
        pytest.param("not-found", Code.UNIMPLEMENTED, "HTTP 404", "plain HTTP status 404", id="FBK-07-not-found"),
        pytest.param("garbage", Code.UNAVAILABLE, "HTTP response", "no HTTP/2 connection", id="FBK-07-garbage"),
    ],
)
def test_fbk_07_rest_code_and_both_causes(stack, colour, peer, code, by_rest, by_grpc):
    auto = stack.enter_context(client(colour, both_ways(stack, peer)))
    for _ in range(2):  # nothing was proven, so the second call tries both as well
        outcome = auto.call(timeout=0.6 if "silent" in peer else PATIENCE)
        first, _, second = outcome.details.partition(" (by REST, after gRPC: ")
        assert outcome.code is code
        assert by_rest in first
        assert by_grpc in second
        assert second == f"{outcome.reason})"
        assert outcome.by_rest
        if outcome.status is not None:
            assert outcome.status.message == outcome.details
        assert is_free(auto.judge)


def test_fbk_07_a_server_that_is_down_is_reported_once_and_found_when_it_is_back(stack, colour, caplog):
    servicer, number = ScriptedServicer(), free_port()
    auto = stack.enter_context(client(colour, f"http://127.0.0.1:{number}"))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert auto.call().code is Code.UNAVAILABLE
    assert len(warnings_of(caplog)) <= 2, "the reason's text may change once"
    stack.enter_context(grpc_server(servicer, number))
    assert auto.call("back", wait_for_ready=True).token == "back"
    assert servicer.calls == 1


# --- The probe slot --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["connecting", "in-grpc", "in-rest"])
def test_a_cancelled_probe_leaves_the_slot_free(stack, rest, colour, phase):
    servicer, rest_port = rest
    over_grpc, hang, reached = ScriptedServicer(), Hang(), threading.Event()
    over_grpc.answer = servicer.answer = hang

    def noted(port, sock, first):
        reached.set()
        silent(port, sock, first)

    http2 = {"connecting": noted, "in-rest": http1_only}.get(phase) or splice(
        stack.enter_context(grpc_server(over_grpc))
    )
    port = stack.enter_context(Port(http2, splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    running = auto.start(timeout=None)
    assert (reached if phase == "connecting" else hang.arrived).wait(PATIENCE)
    running.cancel()
    assert running.end().code is Code.CANCELLED
    if phase != "connecting":
        assert hang.gone.wait(PATIENCE), "the call underneath goes on"
    servicer.answer = over_grpc.answer = ScriptedServicer().answer
    assert auto.call("next", timeout=2).token == "next", "the next call waits for a probe that is no more"
    assert not auto.judge._listeners
    assert not auto.judge._probing


def test_a_call_cancelled_at_once(both, stack, colour):
    port, _, _ = both
    auto = stack.enter_context(client(colour, port.url))
    for _ in range(20):
        running = auto.start()
        running.cancel()
        assert running.end().code in (Code.CANCELLED, Code.OK)
    assert auto.call("next").token == "next"
    assert not auto.judge._probing


def test_a_request_that_cannot_be_serialized(both, stack, colour):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    path = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
    broken = auto.channel.unary_unary(path, lambda _: 1 / 0, bytes)
    if colour == "sync":
        code = broken.future(b"").code()
    else:

        async def call():
            return await broken(b"").code()

        code = auto.run(call())
    assert code is Code.INTERNAL
    assert over_grpc.calls == over_rest.calls == 0
    assert is_free(auto.judge)


def test_waiters_obey_their_deadline_and_their_cancellation(both, stack, colour):
    port, over_grpc, over_rest = both
    over_grpc.answer = hang = Hang()
    auto = stack.enter_context(client(colour, port.url))
    prober = auto.start(timeout=None)
    assert hang.arrived.wait(PATIENCE)
    cancelled, late = auto.start(timeout=None), auto.start(timeout=0.4)
    cancelled.cancel()
    assert cancelled.end().code is Code.CANCELLED
    assert late.end().code is Code.DEADLINE_EXCEEDED
    waiting = auto.start("waited")
    over_grpc.answer = ScriptedServicer().answer
    hang.release.set()
    assert prober.end().code is Code.OK
    assert waiting.end().token == "waited"
    assert not auto.judge._listeners
    assert auto.judge.settled() is Route.GRPC
    assert over_rest.calls == 0


def test_a_waiter_that_loses_patience_finds_out_by_itself(stack, rest, colour):
    port = stack.enter_context(Port(silent, splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    assert auto.judge.route() is Route.PROBE  # as a call that takes its time
    outcome = auto.call("impatient", timeout=1)
    assert (outcome.token, outcome.by_rest) == ("impatient", True)
    assert auto.judge._probing, "it freed the slot of another"
    auto.judge.probe_ended()
    assert auto.judge.settled() is Route.REST


@pytest.mark.parametrize("phase", ["connecting", "in-grpc", "waiting"])
def test_close_ends_calls_that_are_finding_out(stack, rest, colour, phase):
    over_grpc, hang, reached = ScriptedServicer(), Hang(), threading.Event()
    over_grpc.answer = hang

    def noted(port, sock, first):
        reached.set()
        silent(port, sock, first)

    http2 = noted if phase == "connecting" else splice(stack.enter_context(grpc_server(over_grpc)))
    port = stack.enter_context(Port(http2, splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    running = [auto.start(timeout=None) for _ in range(3 if phase == "waiting" else 1)]
    assert (reached if phase == "connecting" else hang.arrived).wait(PATIENCE)
    auto.close()
    assert {each.end().code for each in running} == {Code.CANCELLED}
    with pytest.raises((ValueError, grpc.aio.UsageError)):
        auto.call()
    assert rest[0].calls == 0


# --- What counts as proof --------------------------------------------------------------------------------------------

NOTHING, SPEAKS, NOT = Evidence.NONE, Evidence.SPEAKS_GRPC, Evidence.NOT_GRPC
DETAILS = (("grpc-status-details-bin", b""),)


@pytest.mark.parametrize(
    ("code", "text", "trailing", "connected", "replayable", "evidence"),
    [
        (Code.OK, "", (), True, False, SPEAKS),
        (Code.INVALID_ARGUMENT, "x", (), True, False, SPEAKS),
        (Code.UNAVAILABLE, "overloaded", (), True, True, NOTHING),
        (Code.UNAVAILABLE, "overloaded", (("retry-after", "1"),), True, True, SPEAKS),
        (Code.RESOURCE_EXHAUSTED, "quota", DETAILS, True, True, SPEAKS),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Sent message larger than max (5 vs. 2)", (), True, True, NOTHING),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", (), False, True, NOTHING),
        (
            Code.CANCELLED,
            "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))",
            (),
            True,
            True,
            NOTHING,
        ),
        (Code.UNIMPLEMENTED, "Method not found!", (), True, False, NOT),
        (Code.UNIMPLEMENTED, "not here", DETAILS, True, True, SPEAKS),
        # a server's own upstream could not be reached
        (Code.UNAVAILABLE, "failed to connect to all addresses; last error: x", (), True, True, NOTHING),
        (Code.UNAVAILABLE, "failed to connect to all addresses; last error: x", (), False, False, NOT),
        (Code.UNAVAILABLE, "DNS resolution failed for x", (), False, False, NOT),
        (Code.UNAVAILABLE, "errors resolving x:1: [", (), False, False, NOT),
        (Code.UNAVAILABLE, "upstream says: failed to connect to all addresses", (), False, True, NOTHING),
        # what it may have done must not be done twice
        (Code.INTERNAL, "Received RST_STREAM with error code 2", (), True, True, NOT),
        (Code.INTERNAL, "Received RST_STREAM with error code 2", (), True, False, NOTHING),
        (Code.UNAVAILABLE, "Socket closed", (), True, True, NOT),
        (Code.UNAVAILABLE, "Socket closed", (), True, False, NOTHING),
        (Code.UNAVAILABLE, "upstream: Socket closed", (), True, True, NOTHING),
        (Code.UNKNOWN, "No status received", (("server", "nginx"),), True, True, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 502", (), True, True, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 502", (), True, False, NOTHING),
        (Code.UNIMPLEMENTED, "Received http2 header with status: 404", (), True, False, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 503", (), True, True, NOTHING),
        (Code.INTERNAL, "my own upstream: Received http2 header with status: 502", DETAILS, True, True, SPEAKS),
    ],
)
def test_evidence(code, text, trailing, connected, replayable, evidence):
    reply = Reply(code, text, trailing_metadata=trailing)
    assert evidence_of(reply, connected=connected, replayable=replayable)[0] is evidence


def test_reasons_may_stand_in_metadata():
    judge = TransportJudge(1.0, "x")
    reason = judge.not_grpc("größe\r\nx-injected: 1\0" + "y" * 999)
    assert len(reason) == 256
    assert reason.isascii()
    assert reason.isprintable()
    assert judge.labels[1] == ("eegrpc-fallback-reason", reason)


@pytest.mark.parametrize(
    ("reply", "answered"),
    [
        (Reply(Code.OK), True),
        (Reply(Code.NOT_FOUND, "no such thing", trailing_metadata=(("http-status", "404"),)), True),
        (Reply(Code.UNAVAILABLE, "busy", trailing_metadata=(("http-status", "503"),)), True),
        (Reply(Code.UNIMPLEMENTED, "no such path", trailing_metadata=(("http-status", "404"),)), False),
        (Reply(Code.UNAVAILABLE, "HTTP 502 Bad Gateway: <html>", trailing_metadata=(("http-status", "502"),)), False),
        (failure(Code.UNAVAILABLE, "failed to connect: refused", "UNREACHABLE"), False),
        (Reply(Code.DEADLINE_EXCEEDED, "Deadline Exceeded"), False),
    ],
)
def test_what_is_an_answer_by_rest(reply, answered):
    assert rest_answered(reply) is answered


def test_both_failed_keeps_status_and_details_in_step():
    reply = both_failed(failure(Code.UNAVAILABLE, "refused", "UNREACHABLE", metadata=(("a", "b"),)), "no HTTP/2")
    status = status_pb2.Status.FromString(dict(reply.trailing_metadata)["grpc-status-details-bin"])
    assert reply.details == status.message == "refused (by REST, after gRPC: no HTTP/2)"
    assert dict(reply.trailing_metadata)["a"] == "b"
    assert len(status.details) == 1
