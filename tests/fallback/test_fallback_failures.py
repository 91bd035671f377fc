"""FBK-06 and FBK-07: failures between two pages, and endpoints that neither transport gets through to."""

from __future__ import annotations

import logging

import grpc
import pytest
from fallback_peers import Port, client, closes, html, http1_answers, http1_only, resets, says, silent, warnings_of
from google.protobuf import struct_pb2
from judges import is_free, probes
from servers import ScriptedServicer, free_port, grpc_server
from waiting import PATIENCE

import eegrpc
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset, Expression, ValueNode

Code = grpc.StatusCode


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
