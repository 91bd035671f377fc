"""Requests from the transcoder's client half to its server half, and those that cannot be sent."""

from __future__ import annotations

import json

import grpc
import pytest
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from probe_service import Inner, Item
from transcoders import CLIENT, COMPUTE, LOCATIONS, OPERATIONS, SERVER, across, probe, send

from eegrpc import v1alpha
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpRequest, TranscodingError

Code = grpc.StatusCode


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
