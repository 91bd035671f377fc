"""Errors both ways, row by row: HTTP answers to statuses with details, statuses to Google's JSON."""

from __future__ import annotations

import json
import types

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2, struct_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from probe_service import POOL, Inner

from eegrpc.transcoding import status as statuses
from eegrpc.transcoding.error_body import HTTP_OF_CODE, error_json, reply_of_error
from eegrpc.transcoding.error_details import status_details
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import HttpResponse, Reply

Code = grpc.StatusCode
HTML = b"<html><head><title>Oops</title></head>\n<body>\x00\xff proxy says no</body></html>"


def answer(status, body, *headers, content_type="application/json; charset=UTF-8"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, (("content-type", content_type), *headers), data)


def google(status, name, message="m", **more):
    return {"error": {"code": status, "message": message, "status": name, **more}}


def rich(reply):
    """Return the google.rpc.Status, by grpcio-status, which checks that it agrees with the call."""
    call = types.SimpleNamespace(
        code=lambda: reply.code, details=lambda: reply.details, trailing_metadata=lambda: reply.trailing_metadata
    )
    return rpc_status.from_call(call)


def reason(reply):
    """Return reason and domain of the reply's ErrorInfo."""
    info = error_details_pb2.ErrorInfo()
    for detail in status_details(reply):
        if detail.Unpack(info):
            return info.reason, info.domain
    return None


def pack(message):
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def test_every_code_has_an_http_status():
    assert set(HTTP_OF_CODE) == set(Code)
    table = {0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501}
    table |= {13: 500, 14: 503, 15: 500, 16: 401}
    assert {code.value[0]: status for code, status in HTTP_OF_CODE.items()} == table


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK], ids=lambda code: code.name)
def test_every_code_survives_both_ways(code):
    details = [
        pack(error_details_pb2.ErrorInfo(reason="R", domain="d", metadata={"k": "v"})),
        pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=3, nanos=5))),
        any_pb2.Any(type_url="type.googleapis.com/not.Known", value=b"\xff\x00\x01"),
        pack(struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=1)})),
    ]
    message = 'quota "x"\n\u00e9'
    whole = status_pb2.Status(code=code.value[0], message=message, details=details)
    sent = Reply(code, message, trailing_metadata=((statuses.DETAILS_KEY, whole.SerializeToString()),))
    http_status, body = error_json(sent)
    received = reply_of_error(answer(http_status, body))
    assert (received.code, received.details) == (code, message)
    assert rich(received) == whole
    assert json.loads(body)["error"]["code"] == http_status
    assert json.loads(body)["error"]["status"] == code.name


# http-grpc-status-mapping, with 431 as grpcio answers it; 200 is in test_transcoder_hostile_answers.
@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(status, code, id=f"HTT-10-GRP-03-{status}")
        for status, code in [
            *(
                (400, Code.INTERNAL),
                (401, Code.UNAUTHENTICATED),
                (403, Code.PERMISSION_DENIED),
                (404, Code.UNIMPLEMENTED),
            ),
            *(
                (413, Code.UNKNOWN),
                (418, Code.UNKNOWN),
                (429, Code.UNAVAILABLE),
                (431, Code.UNKNOWN),
                (500, Code.UNKNOWN),
            ),
            *((502, Code.UNAVAILABLE), (503, Code.UNAVAILABLE), (504, Code.UNAVAILABLE), (505, Code.UNKNOWN)),
            *((100, Code.UNKNOWN), (304, Code.UNKNOWN), (600, Code.UNKNOWN), (999, Code.UNKNOWN)),
        ]
    ],
)
@pytest.mark.parametrize("body", [HTML, b"", b"null", b"[]", b"3", b'{"message":"Forbidden"}', HTML * 1000])
def test_htt_10_grp_03_answers_that_are_not_googles(status, code, body):
    reply = reply_of_error(answer(status, body, content_type="text/html"))
    assert reply.code is code
    assert reply.details.startswith(f"HTTP {status}")
    assert len(reply.details) <= 256
    assert reply.details.isascii()
    assert reply.details.isprintable()
    assert ("http-status", str(status)) in reply.trailing_metadata
    assert rich(reply) is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *(
            (400, Code.INVALID_ARGUMENT),
            (401, Code.UNAUTHENTICATED),
            (403, Code.PERMISSION_DENIED),
            (404, Code.NOT_FOUND),
        ),
        *((405, Code.UNIMPLEMENTED), (408, Code.UNAVAILABLE), (409, Code.ABORTED), (410, Code.NOT_FOUND)),
        *((412, Code.FAILED_PRECONDITION), (413, Code.INVALID_ARGUMENT), (416, Code.OUT_OF_RANGE)),
        *((418, Code.FAILED_PRECONDITION), (422, Code.INVALID_ARGUMENT), (429, Code.RESOURCE_EXHAUSTED)),
        *((499, Code.CANCELLED), (500, Code.INTERNAL), (501, Code.UNIMPLEMENTED), (502, Code.UNAVAILABLE)),
        *((503, Code.UNAVAILABLE), (504, Code.DEADLINE_EXCEEDED), (505, Code.INTERNAL)),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        {"message": "m"},
        pytest.param({"message": "m", "status": "NO_SUCH_NAME"}, id="HTT-13-unknown-name"),
        pytest.param({"message": "m", "status": "OK"}, id="HTT-13-ok"),
        pytest.param({"message": "m", "status": 5}, id="HTT-13-number-as-name"),
        pytest.param({"message": "m", "code": 0}, id="HTT-13-code-0"),
        pytest.param({"message": "m", "code": 17}, id="HTT-13-code-17"),
        pytest.param({"message": "m", "code": -1}, id="HTT-13-code-minus-1"),
        pytest.param({"message": "m", "code": True}, id="HTT-13-code-true"),
        pytest.param({"message": "m", "code": "5"}, id="HTT-13-code-text"),
    ],
)
def test_htt_13_google_errors_without_a_code_go_by_http_status(status, code, error):
    assert reply_of_error(answer(status, {"error": error})).code is code


@pytest.mark.parametrize(
    ("status", "body", "code", "details"),
    [
        pytest.param(429, google(429, "RESOURCE_EXHAUSTED"), Code.RESOURCE_EXHAUSTED, "m", id="HTT-12-object"),
        pytest.param(503, [google(503, "UNAVAILABLE")], Code.UNAVAILABLE, "m", id="HTT-12-list"),
        pytest.param(400, google(400, "FAILED_PRECONDITION"), Code.FAILED_PRECONDITION, "m", id="HTT-12-name-is-finer"),
        pytest.param(500, google(404, "NOT_FOUND"), Code.NOT_FOUND, "m", id="HTT-13-contradiction"),
        pytest.param(500, {"error": {"code": 5, "message": "m"}}, Code.NOT_FOUND, "m", id="HTT-12-grpc-code-wrapped"),
        pytest.param(500, {"code": 5, "message": "m"}, Code.NOT_FOUND, "m", id="HTT-12-bare-status"),
        pytest.param(500, {"code": 16, "message": "m", "details": []}, Code.UNAUTHENTICATED, "m", id="HTT-12-bare-16"),
        pytest.param(404, {"code": 0, "message": "m"}, Code.NOT_FOUND, "m", id="HTT-13-bare-0"),
        pytest.param(404, {"code": 17, "message": "m"}, Code.NOT_FOUND, "m", id="HTT-13-bare-17"),
        pytest.param(404, {"code": -1, "message": "m"}, Code.NOT_FOUND, "m", id="HTT-13-bare-minus-1"),
        pytest.param(400, {"error": "invalid_grant"}, Code.UNAUTHENTICATED, "invalid_grant", id="HTT-12-oauth"),
        pytest.param(
            *(401, {"error": "invalid_token", "error_description": "gone"}, Code.UNAUTHENTICATED, "gone"),
            id="HTT-12-oauth-text",
        ),
        pytest.param(503, {"error": "backend"}, Code.UNAVAILABLE, "backend", id="HTT-12-string"),
        pytest.param(500, {"error": None}, Code.INTERNAL, "says nothing", id="HTT-12-null"),
        pytest.param(500, {"error": [1]}, Code.INTERNAL, "says nothing", id="HTT-12-error-is-list"),
        pytest.param(400, b'{"error":{"code":400,"mess', Code.INVALID_ARGUMENT, "could not be read", id="HTT-12-cut"),
        pytest.param(
            *(404, b'{"error":' + b"[" * 10**5, Code.NOT_FOUND, "could not be read"), id="HTT-12-cut-and-deep"
        ),
        pytest.param(*(404, b'{"error":' + b"[" * 10**5 + b"]" * 10**5 + b"}", Code.NOT_FOUND, ""), id="HTT-12-deep"),
        pytest.param(503, google(503, "ABORTED", "x" * 5_000_000), Code.ABORTED, "xxx", id="HTT-12-5-MB"),
        pytest.param(404, google(404, "NOT_FOUND", None), Code.NOT_FOUND, "HTTP 404 Not Found", id="HTT-12-no-message"),
        pytest.param(404, google(404, "NOT_FOUND", details=3), Code.NOT_FOUND, "m", id="HTT-12-details-no-list"),
        pytest.param(404, b'{"error":{"message":"\\ud800"}}', Code.NOT_FOUND, "?", id="HTT-12-surrogate"),
        pytest.param(404, b'\xff{"error":{}}', Code.UNIMPLEMENTED, "HTTP 404", id="HTT-12-not-utf-8"),
    ],
)
def test_htt_12_13_error_bodies(status, body, code, details):
    reply = reply_of_error(answer(status, body))
    assert reply.code is code
    assert details in reply.details
    assert len(reply.details) <= 16 * 1024
    assert ("http-status", str(status)) in reply.trailing_metadata
    rich(reply)


def test_htt_12_details():
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s", "newField": 1},
        {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s"},
        {"@type": "type.googleapis.com/no.Such", "value": "/wAB"},
        {"@type": "type.googleapis.com/no.Such", "text": "t", "deep": {"a": [1]}},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "soon"},
        {"@type": 3},
        "no detail",
        None,
    ]
    status = rich(reply_of_error(answer(429, google(429, "RESOURCE_EXHAUSTED", details=details))))
    info, retry, duration, unknown, structured, wrong = status.details
    assert info == pack(error_details_pb2.ErrorInfo(reason="RATE_LIMIT_EXCEEDED", domain="googleapis.com"))
    assert retry == pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=3)))
    assert duration == pack(duration_pb2.Duration(seconds=1, nanos=500_000_000))
    assert unknown == any_pb2.Any(type_url="type.googleapis.com/no.Such", value=b"\xff\x00\x01")
    for packed, original in ((structured, details[4]), (wrong, details[5])):
        as_struct = struct_pb2.Struct()
        assert packed.Unpack(as_struct)  # labelled as the Struct it is
        assert as_struct["@type"] == original["@type"]
    assert structured.value


def test_htt_12_details_of_a_type_in_the_callers_pool():
    detail = {"@type": "type.googleapis.com/probe.Inner", "name": "n", "count": 3}
    reply = reply_of_error(answer(404, google(404, "NOT_FOUND", details=[detail])), pool=POOL)
    (packed,) = rich(reply).details
    assert packed.type_url == "type.googleapis.com/probe.Inner"
    assert Inner.FromString(packed.value) == Inner(name="n", count=3)
    assert json.loads(error_json(reply, pool=POOL)[1])["error"]["details"] == [detail]


def test_htt_12_too_many_or_too_deep_details_are_left_out():
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    details = [{"@type": "type.googleapis.com/no.Such", "deep": deep}]
    assert rich(reply_of_error(answer(404, google(404, "NOT_FOUND", details=details)))) is None
    details = [{"@type": "type.googleapis.com/no.Such", "value": "AA=="}] * 1000
    assert len(rich(reply_of_error(answer(404, google(404, "NOT_FOUND", details=details)))).details) == 100


def test_htt_12_legacy_reason():
    errors = [{"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "m"}]
    legacy = {"error": {"code": 403, "message": "m", "errors": errors}}
    reply = reply_of_error(answer(403, legacy))
    assert reply.code is Code.PERMISSION_DENIED
    assert reason(reply) == ("rateLimitExceeded", "usageLimits")
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NEW"}]
    legacy["error"]["details"] = details
    assert reason(reply_of_error(answer(403, legacy))) == ("NEW", "")
    assert reason(reply_of_error(answer(403, {"error": {"errors": [3, {"reason": 4}]}}))) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://evil.example/path?token=canary", "evil.example"),
        ("https://user:canary@evil.example:99/", "evil.example"),
        ("http://same.example/", "same.example"),
        ("/canary", "another path of the same host"),
        ("file:///etc/canary", "no host"),
        ("https://[canary/", "no host"),
        ("", "no host"),
    ],
)
def test_htt_16_redirects_name_the_host_only(status, location, shown):
    reply = reply_of_error(answer(status, HTML, ("location", location)))
    assert reply.code is Code.UNKNOWN
    assert shown in reply.details
    assert "canary" not in repr(reply)
    assert reason(reply) == ("REDIRECT", statuses.DOMAIN)
    assert rich(reply).message == reply.details


def test_retry_after_stays_visible():
    reply = reply_of_error(answer(429, google(429, "RESOURCE_EXHAUSTED"), ("Retry-After", "7")))
    assert ("retry-after", "7") in reply.trailing_metadata
    assert not [
        pair
        for pair in reply_of_error(answer(429, HTML, ("retry-after", "7\u00e9"))).trailing_metadata
        if pair[0] == "retry-after"
    ]


def test_failure():
    reply = failure(Code.INTERNAL, "what\u00e9", statuses.BAD_RESPONSE, metadata=(("a", "b"),))
    assert reply.trailing_metadata[0] == ("a", "b")
    assert reason(reply) == ("BAD_RESPONSE", "eegrpc.transcoding")
    assert rich(reply).message == "what\u00e9"
    assert rich(failure(Code.INTERNAL, "no reason", "")) is None


def test_error_json_of_anything():
    status, body = error_json(Reply(Code.NOT_FOUND, "a\ud800b", trailing_metadata=((statuses.DETAILS_KEY, b"\xff"),)))
    assert status == 404
    assert json.loads(body) == {"error": {"code": 404, "message": "a\ud800b", "status": "NOT_FOUND"}}
    broken = any_pb2.Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    whole = status_pb2.Status(code=5, message="m", details=[broken])
    reply = Reply(Code.NOT_FOUND, "m", trailing_metadata=((statuses.DETAILS_KEY, whole.SerializeToString()),))
    assert json.loads(error_json(reply)[1])["error"]["details"] == [{"@type": broken.type_url, "value": "//8="}]
