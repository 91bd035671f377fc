"""Answers from the transcoder's server half to its client half: messages, metadata, errors."""

from __future__ import annotations

import json

import grpc
import pytest
from google.api import httpbody_pb2
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from probe_service import Inner, Item
from transcoders import CLIENT, COMPUTE, SERVER, across, back, probe

from eegrpc.transcoding.types import Reply

Code = grpc.StatusCode


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
