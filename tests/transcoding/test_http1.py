"""HTTP/1.1 without IO: requests as bytes, when a connection can be used again, and what comes in many small pieces."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.api.http_pb2 import CustomHttpPattern, HttpRule
from hypothesis import given
from hypothesis import strategies as st
from peers import HttpPeer

from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel
from eegrpc.transcoding.framing import ResponseFraming
from eegrpc.transcoding.http1 import request_head
from eegrpc.transcoding.types import HttpRequest
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

Code = grpc.StatusCode


def lines(request: HttpRequest) -> list[bytes]:
    head = request_head(request, "host:1")
    assert head.endswith(b"\r\n\r\n")
    return head[:-4].split(b"\r\n")


def test_a_request() -> None:
    request = HttpRequest("POST", "/v1/a%2Fb?c=d", (("content-type", "application/json"), ("x-a", "b")), b"{}")
    assert lines(request) == [
        b"POST /v1/a%2Fb?c=d HTTP/1.1",
        b"host: host:1",
        b"content-length: 2",
        b"content-type: application/json",
        b"x-a: b",
    ]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", b"", None), ("DELETE", b"", None), ("GET", b"x", b"1"), ("POST", b"", b"0"), ("PUT", b"", b"0")],
)
def test_the_length_of_a_body_is_told_where_there_could_be_one(method: str, body: bytes, length: bytes | None) -> None:
    told = [line.split(b": ")[1] for line in lines(HttpRequest(method, "/", (), body)) if b"length" in line]
    assert told == ([] if length is None else [length])


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_one_request_never_becomes_two(target: str, name: str, value: str) -> None:
    """What reaches it was checked; if it was not, nothing is sent."""
    try:
        sent = lines(HttpRequest("GET", target, ((name, value),), b""))
    except ValueError:
        assert not (target + name + value).isascii() or "\n" in target + name + value or "\r" in target + name + value
    else:
        assert len(sent) == 3


def framed(response: bytes) -> ResponseFraming:
    framing = ResponseFraming()
    assert framing.feed(response) == len(response)
    return framing


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        (1, [], True),
        (1, ["close"], False),
        (1, ["Keep-Alive"], True),
        (1, ["keep-alive, Close"], False),
        (1, ["x-close"], True),
        (1, ["x", "\tclose "], False),
        (0, [], False),
        (0, ["keep-alive"], True),
        (0, ["x,Keep-Alive"], True),
        (0, ["close"], False),
    ],
)
def test_whether_the_connection_stays(version: int, connection: list[str], stays: bool) -> None:
    fields = "".join(f"connection: {each}\r\n" for each in connection)
    framing = framed(f"HTTP/1.{version} 200 OK\r\ncontent-length: 2\r\n{fields}\r\n{{}}".encode())
    assert framing.finished
    assert framing.reusable is stays


def test_header_and_body_of_whatever_kind() -> None:
    framing = framed(
        b"HTTP/1.1 103\r\nx: 1\r\n\r\nHTTP/1.1 404 No\r\nX-A:\t b \r\nx-a: c\r\ncontent-length: 3\r\n\r\na"
    )
    assert (framing.status, framing.headers) == (404, [("x-a", "b"), ("x-a", "c"), ("content-length", "3")])
    assert (framing.has_head, framing.has_told_length, framing.left, framing.finished) == (True, True, 2, False)
    framing.feed(b"bc")
    assert b"".join(framing.take()) == b"abc"
    assert framing.finished
    chunked = framed(b"HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n")
    assert (b"".join(chunked.take()), chunked.finished, chunked.has_told_length) == (b"abc", True, False)
    endless = framed(b"HTTP/1.1 200\r\n\r\nabc")
    assert (b"".join(endless.take()), endless.finished) == (b"abc", False)
    endless.end()
    assert (endless.finished, endless.reusable) == (True, False)


def test_many_small_chunks_take_no_more_memory_than_one() -> None:
    framing = framed(b"HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000)
    assert framing.take() == [b"x" * 10_000]


def test_a_response_to_head_has_no_body() -> None:
    framing = ResponseFraming()
    framing.bodiless = True
    framing.feed(b"HTTP/1.1 103\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    assert framing.finished
    assert framing.reusable


HEAD = HttpRule(
    selector="google.earthengine.v1alpha.EarthEngine.ComputeImages",
    custom=CustomHttpPattern(kind="HEAD", path="/v1alpha/{project=projects/*}"),
)


async def test_a_method_may_be_head() -> None:
    """Its response tells the length of a body that does not come; nothing waits for that."""
    request = ComputeImagesRequest(project="projects/p")
    with HttpPeer.answering(b"HTTP/1.1 403 None\r\ncontent-length: 12\r\n\r\n") as peer:
        endpoint = f"http://127.0.0.1:{peer.port}"
        with TranscodingChannel(endpoint, rules=[HEAD]) as channel:
            for _ in range(2):
                with pytest.raises(grpc.RpcError) as failed:
                    await asyncio.to_thread(EarthEngineStub(channel).ComputeImages, request, timeout=20)
                assert failed.value.code() is Code.PERMISSION_DENIED
        async with AioTranscodingChannel(endpoint, rules=[HEAD]) as aio_channel:
            for _ in range(2):
                with pytest.raises(grpc.aio.AioRpcError) as aio_failed:
                    await EarthEngineStub(aio_channel).ComputeImages(request, timeout=20)
                assert aio_failed.value.code() is Code.PERMISSION_DENIED
        assert peer.accepted == 2
