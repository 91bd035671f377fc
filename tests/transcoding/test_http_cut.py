"""Responses that end early, over REST in both colours: never taken for whole ones, and sent for again."""

import gzip

import grpc
import pytest
from faulty_http import meet
from peers import HttpPeer, http
from retry_doubles import compute

from eegrpc import RetryPolicy

Code = grpc.StatusCode
JSON = b'{"nextPageToken":"whole"}'
GZIP = gzip.compress(JSON * 20, mtime=0)


def chunked(*chunks):
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + body


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
CUT = {
    "HTT-01-length": (HEAD + JSON[:10], "fin"),
    "HTT-01-length-nothing": (HEAD, "fin"),
    "HTT-01-reset": (HEAD + JSON[:10], "rst"),
    "HTT-01-chunk": (chunked(JSON)[:-12], "fin"),
    "HTT-01-chunk-reset": (chunked(JSON)[:-12], "rst"),
    "HTT-01-no-last-chunk": (chunked(JSON), "fin"),
    "HTT-01-chunk-size": (chunked(JSON) + b"1", "fin"),
    "HTT-01-in-trailers": (chunked(JSON) + b"0\r\n", "fin"),
    "HTT-01-in-a-trailer": (chunked(JSON) + b"0\r\nx-a: b", "fin"),
    "HTT-01-status-line": (b"HTTP/1.1 200", "fin"),
    "HTT-01-header": (b"HTTP/1.1 200 OK\r\ncontent-le", "fin"),
    "HTT-01-header-line": (b"HTTP/1.1 200 OK\r\ncontent-length: 25\r\n", "fin"),
    "HTT-01-header-reset": (b"HTTP/1.1 200 OK\r\ncontent-le", "rst"),
    "HTT-01-interim": (b"HTTP/1.1 103 Early Hints\r\n\r\n", "fin"),
    "HTT-02-no-length": (b"HTTP/1.1 200 OK\r\n\r\n" + JSON[:10], "fin"),
    "HTT-02-http-1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + JSON[:10], "fin"),
    "HTT-02-in-a-string": (b"HTTP/1.1 200 OK\r\n\r\n" + JSON[:-4], "fin"),
    "HTT-02-before-the-last-brace": (b"HTTP/1.1 200 OK\r\n\r\n" + JSON[:-1], "fin"),
    "HTT-21-after-the-header": (HEAD, "fin"),
}


@pytest.mark.parametrize("at", [1, 2], ids=["new-connection", "used-connection"])
@pytest.mark.parametrize("fault", CUT.values(), ids=CUT)
def test_a_cut_response(open_caller, fault, at):
    outcome = meet(open_caller, fault, at=at)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "TRUNCATED")


@pytest.mark.parametrize("fault", [(HEAD + JSON[:10], "fin"), (HEAD + JSON[:10], "rst"), (chunked(JSON[:10]), "fin")])
def test_htt_01_a_cut_page_is_sent_for_again_and_nothing_is_lost(colour, fault):
    """Page two of three is cut: the images come as they would have, and the request of that page alone comes twice."""
    pages = [
        http(body=b'{"images":[{"name":"a"},{"name":"b"}],"nextPageToken":"2"}'),
        http(body=b'{"images":[{"name":"c"}],"nextPageToken":"3"}'),
        http(body=b'{"images":[{"name":"d"}]}'),
    ]
    answers = [pages[0], fault, pages[1], pages[2]]

    def script(connection):
        while connection.read() is not None:
            answer = answers.pop(0)
            if isinstance(answer, bytes):
                connection.send(answer)
                continue
            connection.send(answer[0])
            connection.reset() if answer[1] == "rst" else connection.close()
            return

    with HttpPeer(script) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "rest", "retry": RetryPolicy(initial=0.0)}
        assert compute(colour, options) == ["a", "b", "c", "d"]
    assert len(peer.requests) == 4


def test_htt_06_gzip_cut_at_any_byte(open_caller):
    answers = [http(200, GZIP[:size], ["content-encoding: gzip"]) for size in range(len(GZIP))]
    with HttpPeer.answering(*answers, http()) as peer:
        caller = open_caller("rest", peer.port)
        outcomes = [caller.call() for _ in answers]
        assert {(outcome.code, outcome.reason) for outcome in outcomes} == {(Code.UNAVAILABLE, "TRUNCATED")}
        assert caller.call().code is Code.OK
        assert len(peer.requests) == len(answers) + 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(GZIP[:-8] + b"\0\0\0\0" + GZIP[-4:], (Code.UNAVAILABLE, "TRUNCATED"), id="HTT-06-checksum"),
        pytest.param(GZIP[:-4] + b"\0\0\0\0", (Code.UNAVAILABLE, "TRUNCATED"), id="HTT-06-length"),
        pytest.param(GZIP + b"x", (Code.INTERNAL, "BAD_RESPONSE"), id="HTT-06-trailing-byte"),
        pytest.param(GZIP + b"\0" * 512, (Code.INTERNAL, "BAD_RESPONSE"), id="HTT-06-trailing-zeros"),
        pytest.param(GZIP + GZIP, (Code.INTERNAL, "BAD_RESPONSE"), id="HTT-06-second-member"),
        pytest.param(b"\0" + GZIP, (Code.INTERNAL, "BAD_RESPONSE"), id="HTT-06-not-gzip"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_damaged_gzip(open_caller, body, expected, pieces):
    step = -(-len(body) // pieces)
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    response = chunked(*parts).replace(b"\r\n", b"\r\ncontent-encoding: gzip\r\n", 1) + b"0\r\n\r\n"
    with HttpPeer.answering(response, http()) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call()
        assert (outcome.code, outcome.reason) == expected
        assert caller.call().code is Code.OK


def test_htt_21_half_closed_after_a_whole_response(open_caller):
    """FIN comes with the response or right after it: it is whole by its length, and the next call connects anew."""

    def script(connection):
        if connection.read() is not None:
            connection.send(http(body=JSON))
            connection.finish()
            connection.await_close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(3):
            assert caller.call().response.next_page_token == "whole"
        caller.close()
        for _ in range(3):
            assert peer.gone.acquire(timeout=20)
    assert len(peer.requests) == peer.accepted == 3
