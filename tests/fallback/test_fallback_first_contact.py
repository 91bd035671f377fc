"""FBK-01: what makes a first call switch to REST, on real sockets, and what is said about it."""

from __future__ import annotations

import logging
import re

import grpc
import pytest
from fallback_peers import (
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
from judges import probes
from waiting import PATIENCE

from eegrpc._fallback import Route

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
