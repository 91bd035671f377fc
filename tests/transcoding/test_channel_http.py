"""The REST channels at socket level: what they send, and what they make of every kind of answer; both colours."""

import gzip
import json
import threading
import urllib.parse

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import status_pb2
from peers import H2Peer, HttpPeer, http
from waiting import PATIENCE

from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

Code = grpc.StatusCode
PAGE = http(body=b'{"nextPageToken":"next"}')

# doc/http-grpc-status-mapping.md of gRPC, with 431 as grpcio has it; both transports must show it.
NOT_OURS = {
    200: Code.UNKNOWN,
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    413: Code.UNKNOWN,
    429: Code.UNAVAILABLE,
    431: Code.UNKNOWN,
    500: Code.UNKNOWN,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
HTML = "<html>\r\n\t<h1>\u202eSorry</h1> \x1b[31m".encode() + b"x" * 5000


def answered(open_caller, *responses, **kwargs):
    """Return the outcome of one call to a peer that gives these responses."""
    with HttpPeer.answering(*responses) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call(**kwargs)
        caller.close()
        return outcome


def error(http_status, **error):
    return http(http_status, json.dumps({"error": error}).encode())


# --- What is sent ----------------------------------------------------------------------------------------------------


def test_the_request(open_caller):
    with HttpPeer.answering(PAGE) as peer:
        request = ComputeImagesRequest(project="projects/p", page_size=7)
        outcome = open_caller("rest", peer.port).call(request, timeout=100, metadata=(("x-a", "1"), ("x-a", "2")))
    assert outcome.response == ComputeImagesResponse(next_page_token="next")
    head, body = peer.requests[0]
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /v1alpha/projects/p/imageCollection:computeImages HTTP/1.1"
    headers = [(name.lower(), value) for name, _, value in (field.partition(": ") for field in fields)]
    names = [name for name, _ in headers]
    for name in set(names) - {"x-a"}:
        assert names.count(name) == 1, name
    assert [value for name, value in headers if name == "x-a"] == ["1", "2"]
    sent = dict(headers)
    assert sent["host"] == f"127.0.0.1:{peer.port}"
    assert sent["content-type"] == "application/json"
    assert sent["accept-encoding"] == "gzip"
    assert "gzip" in sent["user-agent"]
    assert 0 < float(sent["x-server-timeout"]) <= 100
    assert json.loads(body) == {"pageSize": 7}


HOSTILE = [
    *("%2e%2e", "%2F", "x%2fy", "%0d%0a", "%00", "%zz", "a%", "a?x=1", "a#f", "a&b=c", "a;b", "user@host", "a\\b"),
    *("a b", "a+b", "a:b", "é", "🌍", "[::1]", "{x}", "a|b", '"<>"', "^`", "*", "$&!'(),=", "~-_.", "...", "A%41"),
]


@pytest.mark.parametrize("value", HOSTILE)
def test_tpl_06_the_request_line_is_exactly_our_encoding(open_caller, value):
    with HttpPeer.answering(PAGE) as peer:
        assert open_caller("rest", peer.port).call(ComputeImagesRequest(project=f"projects/{value}")).code is Code.OK
    line = peer.requests[0][0].split(b"\r\n")[0]
    encoded = urllib.parse.quote(value, safe="-_.~").encode()
    assert line == b"POST /v1alpha/projects/" + encoded + b"/imageCollection:computeImages HTTP/1.1"


# --- Answers that are not ours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", NOT_OURS)
def test_htt_10_html_answers(open_caller, status):
    outcome = answered(open_caller, http(status, HTML, ["content-type: text/html"]))
    assert outcome.code is NOT_OURS[status]
    assert len(outcome.details) <= 256
    assert outcome.details.isascii()
    assert outcome.details.isprintable()
    assert outcome.reason == ("NOT_JSON" if status == 200 else "")


@pytest.mark.parametrize("status", NOT_OURS)
def test_htt_10_grp_03_the_same_table_on_grpc(open_caller, status):
    def script(stream):
        stream.headers([(":status", str(status)), ("content-type", "text/html")])
        stream.data(HTML[:100], end=True)

    with H2Peer(script) as peer:
        caller = open_caller("grpc", peer.port)
        outcome = caller.call()
        caller.close()
    assert outcome.code is NOT_OURS[status]


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        pytest.param([], b'{"nextPageToken":"a"}', Code.OK, id="HTT-11-none"),
        pytest.param(["content-type: text/plain"], b'{"nextPageToken":"a"}', Code.OK, id="HTT-11-plain"),
        pytest.param(["content-type: text/plain"], b"nextPageToken", Code.UNKNOWN, id="HTT-11-plain-text"),
        pytest.param(
            ["content-type: application/json; charset=utf-16"],
            '{"nextPageToken":"a"}'.encode("utf-16"),
            Code.INTERNAL,
            id="HTT-11-utf-16",
        ),
    ],
)
def test_content_types(open_caller, content_type, body, code):
    assert answered(open_caller, http(200, body, content_type)).code is code


UNKNOWN_ANY = any_pb2.Any(type_url="type.googleapis.com/no.such.Type", value=b"\x0a\x01\xff")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(403, b'{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED"}}', Code.PERMISSION_DENIED),
        pytest.param(429, b'[{"error":{"status":"RESOURCE_EXHAUSTED","message":"m"}}]', Code.RESOURCE_EXHAUSTED),
        pytest.param(400, b'{"error":"invalid_grant","error_description":"m"}', Code.UNAUTHENTICATED),
        pytest.param(400, b'{"error":null}', Code.INVALID_ARGUMENT),
        pytest.param(500, b"null", Code.UNKNOWN),
        pytest.param(404, b'{"code":9,"message":"m","details":[]}', Code.FAILED_PRECONDITION),
        pytest.param(503, b'{"error":{"code":503,"message":"cut', Code.UNAVAILABLE),
        pytest.param(503, b'{"error":{"message":"' + b"m" * (5 << 20) + b'"}}', Code.UNAVAILABLE),
        pytest.param(503, b'{"error":{"details":' + b"[" * 100_000, Code.UNAVAILABLE),
        pytest.param(400, b'{"error":{"status":"NOT_FOUND","details":[null,1,{"@type":7}]}}', Code.NOT_FOUND),
    ],
    ids=["object", "list", "oauth", "null-error", "null", "bare", "cut", "5MB", "deep", "odd-details"],
)
def test_htt_12_error_bodies(open_caller, status, body, code):
    outcome = answered(open_caller, http(status, body), PAGE)
    assert outcome.code is code
    assert len(outcome.details) < 20_000
    assert ("http-status", str(status)) in outcome.trailing


def test_htt_12_an_unknown_any_is_kept(open_caller):
    import base64

    detail = {"@type": UNKNOWN_ANY.type_url, "value": base64.b64encode(UNKNOWN_ANY.value).decode()}
    outcome = answered(open_caller, error(400, status="ABORTED", message="m", details=[detail]))
    assert outcome.status == status_pb2.Status(code=10, message="m", details=[UNKNOWN_ANY])


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [
        pytest.param(403, {"status": "NO_SUCH"}, Code.PERMISSION_DENIED, id="HTT-13-unknown-name"),
        pytest.param(500, {"status": "NOT_FOUND", "code": 500}, Code.NOT_FOUND, id="HTT-13-contradicts"),
        pytest.param(404, {"status": "OK"}, Code.NOT_FOUND, id="HTT-13-ok"),
        pytest.param(404, {"code": 0}, Code.NOT_FOUND, id="HTT-13-0"),
        pytest.param(404, {"code": 17}, Code.NOT_FOUND, id="HTT-13-17"),
        pytest.param(404, {"code": -1}, Code.NOT_FOUND, id="HTT-13-minus-1"),
    ],
)
def test_error_codes(open_caller, status, fields, code):
    assert answered(open_caller, error(status, message="m", **fields)).code is code


@pytest.mark.parametrize(
    ("response", "code", "reason"),
    [
        pytest.param(http(200, b""), Code.INTERNAL, "BAD_RESPONSE", id="HTT-14-no-bytes"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", Code.INTERNAL, "BAD_RESPONSE", id="HTT-14-204"),
        pytest.param(http(200, b"{}"), Code.OK, "", id="HTT-14-empty-page"),
        pytest.param(error(200, code=404, message="m", status="NOT_FOUND"), Code.NOT_FOUND, "", id="HTT-15-error"),
        pytest.param(error(200, message="m"), Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-error-without-code"),
        pytest.param(http(200, b'{"kind":"other","items":[]}'), Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-other"),
        pytest.param(http(200, b'{"images":[]}'), Code.OK, "", id="HTT-15-known-field"),
    ],
)
def test_successes_that_are_none(open_caller, response, code, reason):
    outcome = answered(open_caller, response)
    assert (outcome.code, outcome.reason) == (code, reason)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["same", "other", "https", "file"])
def test_htt_16_redirects_are_not_followed(open_caller, status, place):
    with HttpPeer.answering(PAGE) as other:
        targets = {
            "same": "/elsewhere?secret=1",
            "other": f"http://127.0.0.1:{other.port}/x?secret=1",
            "https": "https://evil.example/x?secret=1",
            "file": "file:///etc/secret",
        }
        with HttpPeer.answering(http(status, b"moved", [f"location: {targets[place]}"])) as peer:
            caller = open_caller("rest", peer.port)
            outcome = caller.call(metadata=(("x-key", "secret"),))
            caller.close()
    assert (outcome.code, outcome.reason) == (Code.UNKNOWN, "REDIRECT")
    assert "secret" not in outcome.details
    assert len(peer.requests) == 1
    assert other.accepted == 0


def test_serializers_that_raise(open_caller):
    def fail(_):
        raise RuntimeError("mine")

    async def awaited(method):
        return await method(wire)

    with HttpPeer.answering(PAGE) as peer:
        caller = open_caller("rest", peer.port)
        path = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
        wire = ComputeImagesRequest(project="projects/p").SerializeToString()
        for serialize, deserialize, text in ((fail, None, "serializing request"), (None, fail, "deserializing resp")):
            method = caller.channel.unary_unary(path, serialize, deserialize)
            with pytest.raises(grpc.RpcError, match=text) as caught:
                method(wire) if caller.colour == "sync" else caller.loop.run_until_complete(awaited(method))
            assert caught.value.code() is Code.INTERNAL
        assert len(peer.requests) == 1


# --- Bodies ----------------------------------------------------------------------------------------------------------


def test_gzip_answers(open_caller):
    body = gzip.compress(b'{"nextPageToken":"' + b"n" * 100_000 + b'"}')
    outcome = answered(open_caller, http(200, body, ["content-encoding: gzip"]))
    assert outcome.response.next_page_token == "n" * 100_000


def test_an_answer_past_the_limit(open_caller):
    body = gzip.compress(b'{"nextPageToken":"' + b"n" * 100_000 + b'"}')
    with HttpPeer.answering(http(200, body, ["content-encoding: gzip"]), PAGE) as peer:
        caller = open_caller("rest", peer.port, grpc__max_receive_message_length=50_000)
        outcome = caller.call()
        assert (outcome.code, outcome.reason) == (Code.RESOURCE_EXHAUSTED, "TOO_LARGE")
        assert caller.call().code is Code.OK


@pytest.mark.parametrize(
    "response",
    [
        PAGE.replace(b"content-length: 24", b"content-length: 90"),
        b'HTTP/1.1 200 OK\r\n\r\n{"nextPageToken":"ne',
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n18\r\n{"nextPageToken":"next"}\r\n',
        http(200, gzip.compress(b"{}")[:-4], ["content-encoding: gzip"]),
    ],
    ids=["length", "until-close", "chunked", "gzip"],
)
def test_grp_01_a_response_that_is_cut(open_caller, response):
    answers = [response, PAGE]

    def script(connection):
        if connection.read() is not None:
            connection.send(answers.pop(0))
            connection.close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call()
        assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "TRUNCATED")
        assert caller.call().code is Code.OK


def test_grp_02_two_messages_in_one_response(open_caller):
    outcome = answered(open_caller, http(200, b'{"nextPageToken":"a"}{"nextPageToken":"b"}'))
    assert outcome.code in (Code.INTERNAL, Code.UNKNOWN)


# --- Deadlines and cancellation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nx-a: ", PAGE[:-24]], ids=["in-header", "in-body"])
def test_deadline_holds_against_a_dripping_server(open_caller, start):
    def script(connection):
        connection.read()
        connection.send(start)
        while not connection.peer.stopping.wait(0.05):
            connection.send(b"a")

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
        caller.close()


def test_a_call_that_ends_early_closes_its_connection(open_caller):
    def script(connection):
        connection.read()
        if len(connection.peer.requests) > 1:
            connection.send(PAGE)
        connection.await_close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call(timeout=0.3).code is Code.DEADLINE_EXCEEDED
        assert caller.call().code is Code.OK  # for asyncio, also lets the loop run
        assert peer.gone.acquire(timeout=PATIENCE)
        assert peer.accepted == 2
        caller.close()
        assert peer.gone.acquire(timeout=PATIENCE), "a connection outlived the channel"


def test_cancel_closes_the_connection(open_caller):
    arrived = threading.Event()

    def script(connection):
        connection.read()
        arrived.set()
        connection.await_close()

    async def cancel(call):
        assert await caller.loop.run_in_executor(None, arrived.wait, PATIENCE)
        assert call.cancel()
        assert await call.code() is Code.CANCELLED
        assert await caller.loop.run_in_executor(None, peer.gone.acquire, True, PATIENCE)

    async def begin():
        await cancel(caller.stub.ComputeImages(ComputeImagesRequest(project="projects/p")))

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        if caller.colour == "aio":
            caller.loop.run_until_complete(begin())
        else:
            call = caller.stub.ComputeImages.future(ComputeImagesRequest(project="projects/p"))
            assert arrived.wait(PATIENCE)
            assert call.cancel()
            assert call.code() is Code.CANCELLED
            assert peer.gone.acquire(timeout=PATIENCE)
