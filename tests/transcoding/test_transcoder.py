"""The transcoder's two halves against each other, and the client half against answers of every kind."""

from __future__ import annotations

import json
import threading

import grpc
import pytest
from google.api import http_pb2, httpbody_pb2
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, descriptor_pool, empty_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from probe_service import POOL, SERVICE, Inner, Item, WithError

from eegrpc import v1alpha
from eegrpc.transcoding.router import MethodNotAllowedError
from eegrpc.transcoding.template import TemplateError
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpRequest, HttpResponse, Reply, TranscodingError

Code = grpc.StatusCode

SERVICES = (
    SERVICE,
    operations_pb2.DESCRIPTOR.services_by_name["Operations"],
    locations_pb2.DESCRIPTOR.services_by_name["Locations"],
    v1alpha.ComputeImagesRequest.DESCRIPTOR.file.services_by_name["EarthEngine"],
)
CLIENT = Transcoder(SERVICES, pool=POOL)
SERVER = Transcoder(SERVICES, pool=POOL)
COMPUTE = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"


def probe(name):
    return f"/probe.Probe/{name}"


def send(path, message, **options):
    return CLIENT.request(CLIENT.method(path), message.SerializeToString(), **options)


def across(path, message):
    """Send a request from half to half; return what was sent and what arrived."""
    request = send(path, message)
    method, wire, _, _ = SERVER.route(request)
    assert method.path == path
    return request, type(message).FromString(wire)


def back(path, message):
    """Answer from half to half; return the HTTP response and what arrived."""
    response = SERVER.reply(SERVER.method(path), Reply(Code.OK, wire=message.SerializeToString()))
    reply = CLIENT.response(CLIENT.method(path), response)
    assert reply.code is Code.OK, reply
    return response, type(message).FromString(reply.wire)


def got(status, body, *headers, path=COMPUTE, content_type="application/json"):
    return CLIENT.response(CLIENT.method(path), HttpResponse(status, (("content-type", content_type), *headers), body))


def reason(reply):
    info = error_details_pb2.ErrorInfo()
    for key, value in reply.trailing_metadata:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert (status.code, status.message) == (reply.code.value[0], reply.details)
            for detail in status.details:
                if detail.Unpack(info):
                    return info.reason
    return None


OPERATIONS = "/google.longrunning.Operations/"
LOCATIONS = "/google.cloud.location.Locations/"
EXCHANGES = [
    (
        *(
            OPERATIONS + "ListOperations",
            operations_pb2.ListOperationsRequest(name="operations", filter="a=1 b", page_size=3),
        ),
        *("GET", "/v1/operations?filter=a%3D1%20b&pageSize=3", None),
    ),
    (
        OPERATIONS + "GetOperation",
        operations_pb2.GetOperationRequest(name="operations/a/b:c"),
        "GET",
        "/v1/operations/a/b%3Ac",
        None,
    ),
    (
        OPERATIONS + "DeleteOperation",
        operations_pb2.DeleteOperationRequest(name="operations/a"),
        "DELETE",
        "/v1/operations/a",
        None,
    ),
    (
        OPERATIONS + "CancelOperation",
        operations_pb2.CancelOperationRequest(name="operations/a"),
        "POST",
        "/v1/operations/a:cancel",
        {},
    ),
    (
        *(LOCATIONS + "ListLocations", locations_pb2.ListLocationsRequest(name="projects/p", page_token="t")),
        *("GET", "/v1/projects/p/locations?pageToken=t", None),
    ),
    (LOCATIONS + "ListLocations", locations_pb2.ListLocationsRequest(name="locations"), "GET", "/v1/locations", None),
    (LOCATIONS + "GetLocation", locations_pb2.GetLocationRequest(name="locations/a"), "GET", "/v1/locations/a", None),
    (
        LOCATIONS + "GetLocation",
        locations_pb2.GetLocationRequest(name="projects/p/locations/a"),
        "GET",
        "/v1/projects/p/locations/a",
        None,
    ),
    (
        *(COMPUTE, v1alpha.ComputeImagesRequest(project="projects/google.com:x", page_size=3)),
        *("POST", "/v1alpha/projects/google.com%3Ax/imageCollection:computeImages", {"pageSize": 3}),
    ),
    (probe("Get"), Item(name="items/1", numbers=[1, 2]), "GET", "/v1/items/1?numbers=1&numbers=2", None),
    (
        *(probe("Nested"), Item(name="n", inner=Inner(name="items/1", count=2, child=Inner(count=5)))),
        *("POST", "/v1/items/1/5:run", {"name": "n", "inner": {"count": 2}}),
    ),
    (
        *(probe("BodyMessage"), Item(big=1, inner=Inner(name="items/1", count=2))),
        *("PATCH", "/v1/items/1?big=1", {"count": 2}),
    ),
    (
        probe("BodyRepeated"),
        Item(name="items/1", numbers=[1, 2], flag=True),
        "PUT",
        "/v1/items/1/numbers?flag=true",
        [1, 2],
    ),
    (probe("BodyRepeated"), Item(name="items/1"), "PUT", "/v1/items/1/numbers", None),
    (
        probe("BodyMessages"),
        Item(name="items/1", inners=[Inner(count=1), Inner()]),
        "PUT",
        "/v1/items/1/inners",
        [{"count": 1}, {}],
    ),
    (probe("BodyMap"), Item(name="items/1", labels={"a": "}{"}), "PUT", "/v1/items/1/labels", {"a": "}{"}),
    (probe("BodyScalar"), Item(name="items/1", some_name='a"b'), "PUT", "/v1/items/1/text", 'a"b'),
    (probe("BodyScalar"), Item(name="items/1"), "PUT", "/v1/items/1/text", None),
    (probe("BodyValue"), Item(name="items/1", value={"null_value": 0}), "PUT", "/v1/items/1/value", "null"),
    (probe("BodyInner"), Item(name="items/1"), "PUT", "/v1/items/1/inner", None),
    (probe("BodyInner"), Item(name="items/1", inner=Inner()), "PUT", "/v1/items/1/inner", {}),
    (
        *(probe("Typed"), Item(big=-5, flag=True, color=1, blob=b"\xfb\xff", ratio=0.5, opt=0, zigzag=-3, fixed=7)),
        *("GET", "/v1/typed/-5/true/RED/-_8%3D/0.5/0/-3/7", None),
    ),
    (probe("Two"), Item(name="a/1"), "GET", "/v1/a/1", None),
    (probe("Two"), Item(name="b/1", big=1), "GET", "/v1/b/1/c?big=1", None),
    (probe("Two"), Item(name="other", big=1), "POST", "/v1/two", {"name": "other", "big": "1"}),
    (probe("Custom"), Item(name="items/1"), "HEAD", "/v1/items/1/head", None),
    (probe("Anything"), Item(name="a/b"), "GET", "/v1/any/a%2Fb", None),
    (probe("Tail"), Item(name="x/y"), "GET", "/v1/tail/x/y", None),
]


@pytest.mark.parametrize(("path", "message", "verb", "target", "body"), EXCHANGES)
def test_requests_both_ways(path, message, verb, target, body):
    request, arrived = across(path, message)
    assert (request.method, request.target) == (verb, target)
    assert request.body == (b"" if body is None else request.body)
    if body == "null":
        assert request.body == b"null"
    elif body is not None:
        assert json.loads(request.body) == body
    assert arrived == message


def test_headers():
    request = send(
        *(COMPUTE, v1alpha.ComputeImagesRequest(project="projects/p")),
        metadata=(("a", "b"), ("x-bin", b"\xff")),
        timeout=12.5,
    )
    assert request.headers == (
        *(("content-type", "application/json"), ("accept", "application/json"), ("accept-encoding", "gzip")),
        *(("user-agent", "eegrpc (gzip)"), ("x-server-timeout", "12.500"), ("a", "b"), ("x-bin", "/w")),
    )
    method, _, metadata, timeout = SERVER.route(request)
    assert (method.path, timeout) == (COMPUTE, 12.5)
    assert list(metadata) == [("user-agent", "eegrpc (gzip)"), ("a", "b"), ("x-bin", b"\xff")]
    plain = dict(send(OPERATIONS + "GetOperation", operations_pb2.GetOperationRequest(name="operations/a")).headers)
    assert "content-type" not in plain
    assert "x-server-timeout" not in plain
    assert (
        "gzip" in dict(Transcoder(user_agent="mine").request(CLIENT.method(probe("Post")), b"").headers)["user-agent"]
    )


@pytest.mark.parametrize(
    ("timeout", "sent", "received"),
    [
        (0.0, "0.000", 0.0),
        (-1.0, "0.000", 0.0),
        (1e12, "1000000000000.000", None),
        (float("inf"), None, None),
        (0.25, "0.250", 0.25),
    ],
)
def test_timeouts(timeout, sent, received):
    request = send(probe("Post"), Item(), timeout=timeout)
    assert dict(request.headers).get("x-server-timeout") == sent
    assert SERVER.route(request)[3] == received


@pytest.mark.parametrize("text", ["", "soon", "NaN", "inf", "-1", "1e3", "1_0", " 1 x"])
def test_a_timeout_that_is_no_number_is_no_timeout(text):
    request = HttpRequest("POST", "/v1/plain", (("X-Server-Timeout", text),), b"")
    assert SERVER.route(request)[3] is None


def test_http_body():
    raw = {"content_type": "image/png", "data": b"\x89PNG\x00\xff"}
    request, arrived = across(probe("Raw"), Item(name="items/1", raw=raw))
    assert (request.body, dict(request.headers)["content-type"]) == (raw["data"], "image/png")
    assert dict(request.headers)["accept"] == "*/*"
    assert arrived == Item(name="items/1", raw=raw)
    response, answer = back(probe("Raw"), Item(raw=raw))
    assert (response.body, dict(response.headers)["content-type"]) == (raw["data"], "image/png")
    assert answer == Item(raw=raw)
    whole = httpbody_pb2.HttpBody(**raw)
    request, arrived = across(probe("Upload"), whole)
    assert (request.target, request.body, arrived) == ("/v1/upload", raw["data"], whole)
    assert back(probe("Upload"), whole)[1] == whole
    assert back(probe("Upload"), httpbody_pb2.HttpBody(data=b"{"))[1].content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "item", "body"),
    [
        ("Post", Item(name="n", big=5), {"name": "n", "big": "5"}),
        ("Post", Item(), {}),
        ("BodyMessages", Item(inners=[Inner(count=1)]), [{"count": 1}]),
        ("BodyMessages", Item(), []),
        ("BodyMap", Item(labels={"a": "b"}), {"a": "b"}),
        ("BodyMap", Item(), {}),
        ("BodyScalar", Item(some_name="x"), "x"),
        ("BodyScalar", Item(), ""),
        ("BodyInner", Item(), None),
        ("BodyInner", Item(inner=Inner(count=1)), {"count": 1}),
        ("BodyInner", Item(inner=Inner()), {}),
        ("BodyValue", Item(value={"struct_value": {"error": 1}}), {"error": 1}),
    ],
)
def test_responses_both_ways(name, item, body):
    response, answer = back(probe(name), item)
    assert json.loads(response.body) == body
    assert dict(response.headers)["content-type"] == "application/json; charset=UTF-8"
    assert answer == item


def test_metadata_comes_back():
    reply = Reply(Code.OK, wire=b"", initial_metadata=(("i", "1"),), trailing_metadata=(("t-bin", b"\xff"), ("t", "2")))
    received = CLIENT.response(CLIENT.method(probe("Post")), SERVER.reply(SERVER.method(probe("Post")), reply))
    assert (received.initial_metadata, received.trailing_metadata) == ((("i", "1"),), (("t-bin", b"\xff"), ("t", "2")))


def test_illegal_metadata_of_a_servicer_does_not_reach_the_wire():
    for pair in (("a", "b\r\nset-cookie: x"), ("content-length", "0"), (":x", "y")):
        response = SERVER.reply(SERVER.method(probe("Post")), Reply(Code.OK, trailing_metadata=(pair,)))
        assert response.status == 500
        assert not any("\n" in value for _, value in response.headers)


def test_errors_come_back_with_details_and_metadata():
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="R", domain="d"))
    status = status_pb2.Status(code=8, message="m", details=[detail])
    trailing = (("t", "1"), ("grpc-status-details-bin", status.SerializeToString()))
    response = SERVER.reply(
        None, Reply(Code.RESOURCE_EXHAUSTED, "m", initial_metadata=(("i", "1"),), trailing_metadata=trailing)
    )
    assert response.status == 429
    assert not any("details" in name for name, _ in response.headers)
    reply = CLIENT.response(CLIENT.method(COMPUTE), response)
    assert (reply.code, reply.details, reply.initial_metadata) == (Code.RESOURCE_EXHAUSTED, "m", (("i", "1"),))
    assert set(reply.trailing_metadata) == {*trailing, ("http-status", "429")}


# -- the client half: requests it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message", "code", "problem"),
    [
        pytest.param(
            COMPUTE, v1alpha.ComputeImagesRequest(project="projects/.."), Code.INVALID_ARGUMENT, "'..'", id="TPL-02"
        ),
        pytest.param(
            COMPUTE, v1alpha.ComputeImagesRequest(), Code.INVALID_ARGUMENT, "does not match projects/*", id="TPL-03"
        ),
        pytest.param(
            COMPUTE,
            v1alpha.ComputeImagesRequest(project="projects/a\r\nb"),
            Code.INVALID_ARGUMENT,
            "control",
            id="TPL-05",
        ),
        (
            OPERATIONS + "WaitOperation",
            operations_pb2.WaitOperationRequest(name="x"),
            Code.UNIMPLEMENTED,
            "has no HTTP rule",
        ),
        (probe("Get"), Item(name="items/1", labels={"a": "b"}), Code.INVALID_ARGUMENT, "'labels' is a map"),
        (probe("Get"), Item(), Code.INVALID_ARGUMENT, "does not match items/*"),
        (LOCATIONS + "GetLocation", locations_pb2.GetLocationRequest(name="x"), Code.INVALID_ARGUMENT, "; or name"),
        (probe("Typed"), Item(blob=b"x"), Code.INVALID_ARGUMENT, "opt: '' does not match"),
        (probe("Post"), Item(ratio=1, at={"seconds": 2**40}), Code.INVALID_ARGUMENT, "no JSON form"),
    ],
)
def test_requests_that_cannot_be_sent(path, message, code, problem):
    with pytest.raises(TranscodingError) as caught:
        send(path, message)
    assert caught.value.code is code
    assert problem in caught.value.details


def test_bytes_that_are_no_message_are_not_sent():
    for path in (probe("Get"), probe("Post"), probe("BodyMap"), COMPUTE):
        with pytest.raises(TranscodingError) as caught:
            CLIENT.request(CLIENT.method(path), b"\xff\xff")
        assert caught.value.code is Code.INVALID_ARGUMENT


def test_grp_09_metadata_is_checked():
    with pytest.raises(TranscodingError, match="Invalid metadata") as caught:
        send(probe("Post"), Item(), metadata=(("grpc-timeout", "1S"),))
    assert caught.value.code is Code.INTERNAL


def test_methods_are_found_by_name():
    client = Transcoder(pool=POOL)
    method = client.method(probe("Get"))
    assert client.method(probe("Get")) is method
    assert Transcoder().method(COMPUTE).path == COMPUTE
    for path in ("/probe.Probe/Nothing", "/no.Such/M", "", "/", "probe.Probe/Get/x", COMPUTE.removeprefix("/")):
        with pytest.raises(TranscodingError, match="no description of the method") as caught:
            client.method(path)
        assert caught.value.code is Code.UNIMPLEMENTED


def test_a_method_is_compiled_once_under_threads():
    client = Transcoder(pool=POOL)
    found = []
    start = threading.Barrier(8)

    def find():
        start.wait()
        found.append(client.method(probe("Nested")))

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_rules_change_the_path():
    rule = http_pb2.HttpRule(
        selector=COMPUTE[1:].replace("/", "."), post="/v1/{project=projects/*}/imageCollection:computeImages", body="*"
    )
    client = Transcoder(rules=[rule])
    wire = v1alpha.ComputeImagesRequest(project="projects/p").SerializeToString()
    assert client.request(client.method(COMPUTE), wire).target == "/v1/projects/p/imageCollection:computeImages"


def test_tpl_08_wrong_rules_make_no_transcoder():
    with pytest.raises(TemplateError):
        Transcoder([SERVICE], rules=[http_pb2.HttpRule(selector="probe.Probe.Get", get="/{a={b}}")])


# -- the client half: answers ---------------------------------------------------------------------------------------

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


# -- the server half: requests it refuses ---------------------------------------------------------------------------


def refused(method, target, body=b"", *headers):
    with pytest.raises(TranscodingError) as caught:
        SERVER.route(HttpRequest(method, target, headers, body))
    response = SERVER.refusal(caught.value)
    error = json.loads(response.body)["error"]
    assert error["code"] == response.status
    assert error["status"] == caught.value.code.name
    assert CLIENT.response(CLIENT.method(COMPUTE), response).code is caught.value.code
    return response


TARGET = "/v1alpha/projects/p/imageCollection:computeImages"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        pytest.param("GET", TARGET, 405, id="TPL-09-wrong-method"),
        pytest.param("post", "/nothing", 404, id="TPL-09-nothing"),
        pytest.param("POST", TARGET + "/", 404, id="TPL-09-trailing-slash"),
        pytest.param("POST", TARGET.replace("/p/", "//"), 404, id="TPL-09-empty-segment"),
        pytest.param("POST", TARGET.replace("/p/", "/p//"), 404, id="TPL-09-double-slash"),
        pytest.param("POST", TARGET.replace("computeImages", "nothing"), 404, id="TPL-09-wrong-verb"),
        pytest.param("POST", TARGET.partition(":")[0], 404, id="TPL-09-missing-verb"),
        pytest.param("POST", TARGET.replace(":", "%3A"), 404, id="TPL-09-encoded-verb"),
        pytest.param("POST", TARGET.replace("/p/", "/%2e%2e/"), 404, id="TPL-02-encoded-dots"),
        pytest.param("POST", TARGET.replace("/p/", "/../"), 404, id="TPL-02-dots"),
        pytest.param("POST", TARGET.replace("/p/", "/%0d%0a/"), 404, id="TPL-05-encoded-control"),
        pytest.param("POST", "/v1/operations/a:nothing", 405, id="TPL-09-verb-of-no-post"),
        pytest.param("POST", "https://evil" + TARGET, 400, id="TPL-09-absolute-form"),
        pytest.param("POST", TARGET + "#x", 400, id="TPL-09-fragment"),
        pytest.param("OPTIONS", "*", 400, id="TPL-09-asterisk"),
        pytest.param("POST", "", 400, id="TPL-09-no-target"),
        pytest.param("POST", TARGET + " x", 400, id="TPL-05-space"),
        pytest.param("POST", TARGET + "\u00e9", 400, id="TPL-05-non-ascii"),
        pytest.param("POST", TARGET + "?x\n", 400, id="TPL-05-newline"),
        pytest.param("POST", TARGET + "?nothing=1", 400, id="TPL-09-unknown-parameter"),
        pytest.param("POST", "/" + "a/" * 100_000, 404, id="TPL-09-long"),
        pytest.param("GET", "/v1/stream/x", 404, id="TPL-09-longer-than-a-literal"),
    ],
)
def test_tpl_09_refused(method, target, status):
    response = refused(method, target)
    assert response.status == status
    assert ("allow" in dict(response.headers)) == (status == 405)


def test_tpl_09_what_is_accepted():
    for target, project in (
        (TARGET.replace("/p/", "/a%2Fb/"), "projects/a%2Fb"),
        ("//" + TARGET, "projects/p"),
        (TARGET + "?$alt=json;enum-encoding=int&prettyPrint=false", "projects/p"),
    ):
        _, wire, _, _ = SERVER.route(HttpRequest("POST", target, (), b""))
        assert v1alpha.ComputeImagesRequest.FromString(wire).project == project
    assert dict(refused("GET", TARGET).headers)["allow"] == "POST"
    assert isinstance(MethodNotAllowedError("GET", ("POST",)), TranscodingError)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_tpl_10_method_overrides_are_ignored(name):
    request = HttpRequest("GET", "/v1/operations/a", ((name, "DELETE"),), b"")
    assert SERVER.route(request)[0].path == OPERATIONS + "GetOperation"
    request = HttpRequest("GET", "/v1/operations/a?_method=DELETE", (), b"")
    assert SERVER.route(request)[0].path == OPERATIONS + "GetOperation"
    # A form is a body like any other.
    response = refused(
        "POST", "/v1/operations/a:cancel", b"_method=DELETE", ("content-type", "application/x-www-form-urlencoded")
    )
    assert response.status == 400


def test_tpl_11_the_path_and_the_body_must_agree():
    request = HttpRequest("POST", TARGET, (), b'{"project":"projects/p","pageSize":1}')
    _, wire, _, _ = SERVER.route(request)
    assert v1alpha.ComputeImagesRequest.FromString(wire) == v1alpha.ComputeImagesRequest(
        project="projects/p", page_size=1
    )
    response = refused("POST", TARGET, b'{"project":"projects/other"}')
    assert response.status == 400
    assert "'project'" in json.loads(response.body)["error"]["message"]
    assert refused("POST", "/v1/items/1/5:run", b'{"inner":{"child":{"count":6}}}').status == 400
    # The client half never sends a path field in the body.
    sent = json.loads(send(COMPUTE, v1alpha.ComputeImagesRequest(project="projects/p", page_size=1)).body)
    assert sent == {"pageSize": 1}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"nothing":1}', 'Invalid JSON payload received. Unknown name "nothing": Cannot find field.'),
        (
            b'{"expression":{"nothing":1}}',
            "Invalid JSON payload received. Unknown name \"nothing\" at 'expression': Cannot find field.",
        ),
        (b'{"pageSize":"x"}', "Invalid JSON payload received. "),
        (b'{"pageSize":', "Invalid JSON payload received. "),
        (b"[]", "Invalid JSON payload received. "),
        (b"\xff", "Invalid JSON payload received. "),
    ],
)
def test_bodies_are_refused_in_googles_words(body, text):
    response = refused("POST", TARGET, body)
    assert response.status == 400
    assert json.loads(response.body)["error"]["message"].startswith(text)


def test_bodies_that_do_not_belong():
    assert "takes no request body" in json.loads(refused("GET", "/v1/operations/a", b"{}").body)["error"]["message"]
    assert (
        "charset"
        in json.loads(refused("POST", TARGET, b"{}", ("Content-Type", "a/b; charset=utf-16")).body)["error"]["message"]
    )
    assert refused("PUT", "/v1/items/1/text?someName=x", b'"y"').status == 400
    assert refused("GET", "/v1/typed/x/true/RED/AA/0/0/0/0").status == 400


def test_system_parameters_become_metadata():
    request = HttpRequest("POST", TARGET + "?$fields=images.id&key=k", (("x-a", "b"),), b"")
    assert list(SERVER.route(request)[2]) == [("x-a", "b"), ("x-goog-fieldmask", "images.id"), ("x-goog-api-key", "k")]


def test_the_most_specific_template_wins():
    for verb, target, path in (
        ("GET", "/v1/operations", OPERATIONS + "ListOperations"),
        ("GET", "/v1/operations/x", OPERATIONS + "GetOperation"),
        ("GET", "/v1/locations/x", LOCATIONS + "GetLocation"),
        ("GET", "/v1/projects/p/locations", LOCATIONS + "ListLocations"),
        ("POST", "/v1/operations/x:cancel", OPERATIONS + "CancelOperation"),
        ("GET", "/v1/operations/x:cancel", OPERATIONS + "GetOperation"),
        ("HEAD", "/v1/items/1/head", probe("Custom")),
        ("BREW", "/v1/any/x", probe("Anything")),
    ):
        assert SERVER.route(HttpRequest(verb, target, (), b""))[0].path == path


def test_a_reply_that_has_no_json_form_is_an_internal_error():
    wire = Item(at={"seconds": 2**40}).SerializeToString()
    response = SERVER.reply(SERVER.method(probe("Post")), Reply(Code.OK, wire=wire))
    assert response.status == 500


def test_only_given_services_are_routed():
    assert descriptor_pool.Default() is not POOL
    with pytest.raises(TranscodingError):
        Transcoder(pool=POOL).route(HttpRequest("GET", "/v1/items/1", (), b""))


# -- properties -----------------------------------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda text: "/" not in text and text not in (".", "..") and "%2f" not in text.lower()
)
_INNER = st.builds(Inner, name=_TEXT.map("items/{}".format), count=st.integers(-9, 9), tags=st.lists(_TEXT, max_size=2))
_FIELDS = {
    "name": _TEXT.map("items/{}".format),
    "inner": _INNER,
    "big": st.integers(-(2**63), 2**63 - 1),
    "blob": st.binary(max_size=4),
    "color": st.sampled_from([0, 1, -1]),
    "numbers": st.lists(st.integers(-9, 9), max_size=3),
    "opt": st.integers(-9, 9),
    "some_name": _TEXT,
}


@given(
    fields=st.fixed_dictionaries(_FIELDS),
    name=st.sampled_from(["Get", "Nested", "BodyMessage", "BodyRepeated", "BodyScalar", "Post", "Typed"]),
)
def test_tpl_07_requests_survive(fields, name):
    item = Item(**fields)
    if name == "Typed" and not item.blob:
        item.blob = b"\0"  # no template takes an empty value
    request, arrived = across(probe(name), item)
    assert arrived == item
    assert request.target.isascii()


@given(
    fields=st.fixed_dictionaries(_FIELDS),
    labels=st.dictionaries(_TEXT, _TEXT, max_size=2),
    inners=st.lists(_INNER, max_size=2),
    name=st.sampled_from(["Post", "Get"]),
)
def test_responses_survive(fields, labels, inners, name):
    item = Item(**fields, labels=labels, inners=inners)
    assert back(probe(name), item)[1] == item
    only = Item(inners=inners)
    assert back(probe("BodyMessages"), only)[1] == only
    only = Item(labels=labels)
    assert back(probe("BodyMap"), only)[1] == only
