"""The transcoder's client half against answers of every kind."""

from __future__ import annotations

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.rpc import status_pb2
from probe_service import WithError
from transcoders import OPERATIONS, SERVER, back, got, probe, reason

from eegrpc.transcoding.types import HttpRequest, TranscodingError

Code = grpc.StatusCode


PAGE = b'{"images":[{"id":"a","properties":{"error":{"code":5}}}],"nextPageToken":"t"}'


@pytest.mark.parametrize(
    ("status", "body", "content_type", "code", "machine"),
    [
        pytest.param(200, b"<html>hi</html>", "text/html", Code.UNKNOWN, "NOT_JSON", id="HTT-10-html-200"),
        pytest.param(200, b"hello", "text/plain", Code.UNKNOWN, "NOT_JSON", id="HTT-10-text-200"),
        pytest.param(200, b"{'a':1}", "application/json", Code.UNKNOWN, "NOT_JSON", id="HTT-10-nearly-json"),
        pytest.param(200, b"\xff\xfe{\0}\0", "application/json", Code.UNKNOWN, "NOT_JSON", id="HTT-10-utf-16-unsaid"),
        pytest.param(200, b"{}{}", "application/json", Code.UNKNOWN, "NOT_JSON", id="HTT-10-two-documents"),
        pytest.param(200, PAGE, "", Code.OK, None, id="HTT-11-no-content-type"),
        pytest.param(200, PAGE, "text/plain", Code.OK, None, id="HTT-11-text"),
        pytest.param(200, PAGE, 'application/json; charset="UTF-8"', Code.OK, None, id="HTT-11-utf-8"),
        pytest.param(
            200,
            PAGE.decode().encode("utf-16"),
            "application/json; charset=utf-16",
            Code.INTERNAL,
            "BAD_RESPONSE",
            id="HTT-11-utf-16",
        ),
        pytest.param(200, PAGE, "application/json;charset=latin-1", Code.INTERNAL, "BAD_RESPONSE", id="HTT-11-latin-1"),
        pytest.param(200, b"", "application/json", Code.INTERNAL, "BAD_RESPONSE", id="HTT-14-empty"),
        pytest.param(200, b" \n", "application/json", Code.INTERNAL, "BAD_RESPONSE", id="HTT-14-blank"),
        pytest.param(204, b"", "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-14-204"),
        pytest.param(200, b"{}", "application/json", Code.OK, None, id="HTT-14-no-images"),
        pytest.param(200, b" { } \n", "application/json", Code.OK, None, id="HTT-14-no-images-with-spaces"),
        pytest.param(200, b'{"images":[]}', "application/json", Code.OK, None, id="HTT-15-known-but-empty"),
        pytest.param(
            200, b'{"next_page_token":""}', "application/json", Code.OK, None, id="HTT-15-known-by-proto-name"
        ),
        pytest.param(
            200, b'{"images":[{"id":"a"}],"newField":1}', "application/json", Code.OK, None, id="HTT-15-new-field"
        ),
        pytest.param(200, b'{"foo":1}', "application/json", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-unrelated"),
        pytest.param(
            200,
            b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}',
            "",
            Code.RESOURCE_EXHAUSTED,
            None,
            id="HTT-15-error",
        ),
        pytest.param(
            200, b'{"error":{"code":404,"message":"m"}}', "", Code.NOT_FOUND, None, id="HTT-15-error-http-code"
        ),
        pytest.param(
            200, b'{"error":{"message":"m"}}', "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-error-without-status"
        ),
        pytest.param(
            200,
            b'{"error":{"message":"m","status":"OK","code":200}}',
            "",
            Code.INTERNAL,
            "BAD_RESPONSE",
            id="HTT-15-error-ok",
        ),
        pytest.param(200, b'{"error":"invalid_token"}', "", Code.UNAUTHENTICATED, None, id="HTT-15-error-string"),
        pytest.param(
            200,
            b'{"error":{"status":"ABORTED"},"images":[{"id":"a"}]}',
            "",
            Code.ABORTED,
            None,
            id="HTT-15-error-and-page",
        ),
        pytest.param(
            200, b'[{"error":{"status":"ABORTED","message":"m"}}]', "", Code.ABORTED, None, id="HTT-15-error-in-list"
        ),
        pytest.param(200, b'{"error":null}', "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-error-null"),
        pytest.param(200, b"[]", "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-list"),
        pytest.param(200, b"null", "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-null"),
        pytest.param(200, b'{"images":3}', "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-15-wrong-type"),
        pytest.param(200, PAGE[:-1], "", Code.UNAVAILABLE, "TRUNCATED", id="HTT-12-cut"),
        pytest.param(200, PAGE[:20], "", Code.UNAVAILABLE, "TRUNCATED", id="HTT-12-cut-in-string"),
        pytest.param(200, b"{", "", Code.UNAVAILABLE, "TRUNCATED", id="HTT-12-cut-at-once"),
        pytest.param(
            200, b'{"x":' + b"[" * 10**5 + b"]" * 10**5 + b"}", "", Code.INTERNAL, "BAD_RESPONSE", id="HTT-12-deep"
        ),
        pytest.param(302, b"", "", Code.UNKNOWN, "REDIRECT", id="HTT-16-redirect"),
        pytest.param(404, b"<html>", "text/html", Code.UNIMPLEMENTED, None, id="HTT-10-html-404"),
        pytest.param(404, b'{"error":{"message":"m"}}', "", Code.NOT_FOUND, None, id="HTT-13-google-404"),
    ],
)
def test_htt_answers(status, body, content_type, code, machine):
    reply = got(
        status, body, ("location", "https://evil.example/?canary"), ("x-request", "7"), content_type=content_type
    )
    assert reply.code is code, reply
    assert reason(reply) == machine
    assert (reply.wire == b"") == (code is not Code.OK or b"id" not in body)
    assert ("x-request", "7") in reply.initial_metadata
    assert "canary" not in repr(reply)
    assert ("http-status", str(status)) in reply.trailing_metadata or code is Code.OK
    assert len(reply.details) < 1000


def test_htt_15_a_type_that_has_a_field_named_error():
    assert got(200, b'{"error":"x"}', path=probe("Wrong")).wire == WithError(error="x").SerializeToString()
    assert got(200, b'{"error":""}', path=probe("Wrong")).code is Code.OK
    operation = operations_pb2.Operation(name="operations/a", done=True, error=status_pb2.Status(code=5, message="m"))
    assert back(OPERATIONS + "GetOperation", operation)[1] == operation


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(200, b"", Code.OK, id="HTT-14-empty-type-no-body"),
        pytest.param(204, b"", Code.OK, id="HTT-14-empty-type-204"),
        pytest.param(200, b"{}", Code.OK, id="HTT-14-empty-type-object"),
        pytest.param(200, b'{"new":1}', Code.OK, id="HTT-15-empty-type-grew"),
        pytest.param(200, b'{"error":{"status":"ABORTED"}}', Code.ABORTED, id="HTT-15-empty-type-error"),
        pytest.param(200, b"<html>", Code.UNKNOWN, id="HTT-10-empty-type-html"),
    ],
)
def test_htt_14_empty_is_the_one_type_without_a_body(status, body, code):
    assert got(status, body, path=OPERATIONS + "DeleteOperation").code is code
    assert back(OPERATIONS + "DeleteOperation", empty_pb2.Empty())[0].body == b"{}"


@pytest.mark.parametrize("body", [b'{"foo":1}', b'{"error":{"status":"ABORTED"}}', b"<html>", b"", b'{"count":1', b"3"])
def test_htt_15_holds_for_a_response_body_field_too(body):
    assert got(200, body, path=probe("BodyInner")).code is not Code.OK


@pytest.mark.parametrize(
    "body", [b'{"a":"b"},"name":"x"', b'{"a":"b"}}', b'{"a":"b"},"x":1', b"{", b"\xff", b"[" * 10**5, b"9" * 5000]
)
def test_a_body_field_cannot_break_out_of_its_place(body):
    assert got(200, body, path=probe("BodyMap")).code is not Code.OK
    with pytest.raises(TranscodingError) as caught:
        SERVER.route(HttpRequest("PUT", "/v1/items/1/labels", (), body))
    assert caught.value.code is Code.INVALID_ARGUMENT
