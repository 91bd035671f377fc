"""What the REST face does with requests, on real sockets: projects, targets, sizes, codings."""

from __future__ import annotations

import gzip
import json

import grpc
import pytest
from probe_servers import EARTH_ENGINE, call, post, probe, raw, running, send
from probe_service import SERVICE, Item

from eegrpc import v1alpha
from eegrpc.transcoding.server import HandlerRecorder, _accepts_gzip
from eegrpc.transcoding.types import HttpRequest

Code = grpc.StatusCode


PROJECTS = [
    pytest.param("projects/a", id="TPL-01-id"),
    pytest.param("projects/123", id="TPL-01-number"),
    pytest.param("projects/google.com:x", id="TPL-01-domain"),
    *(
        pytest.param(f"projects/a{hostile}b", id=f"TPL-04-{index}")
        for index, hostile in enumerate(
            ["?x=1", "#f", "&", ";", "@h", "\\", "%2e%2e", "%2f", "%0d%0a", "+", " ", "\u00e9", "'\"<>"]
        )
    ),
]


@pytest.mark.parametrize("project", PROJECTS)
async def test_tpl_01_04_the_servicer_sees_the_original(project):
    class EarthEngine(v1alpha.EarthEngineServicer):
        async def ComputeImages(self, request, context):
            return v1alpha.ComputeImagesResponse(images=[v1alpha.EarthEngineAsset(name=request.project)])

    recorder = HandlerRecorder()
    v1alpha.add_EarthEngineServicer_to_server(EarthEngine(), recorder)
    path = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
    async with running([recorder], EARTH_ENGINE) as port:
        request = v1alpha.ComputeImagesRequest(project=project)
        _, got = await call(port, path, request, v1alpha.ComputeImagesResponse)
    assert [image.name for image in got.images] == [project]


@pytest.mark.parametrize(
    ("line", "status", "seen"),
    [
        pytest.param("GET /v1/items/x", 200, "items/x", id="TPL-09-plain"),
        pytest.param("GET //v1/items/x", 200, "items/x", id="TPL-09-two-leading-slashes"),
        pytest.param("GET ///v1/items/x", 200, "items/x", id="TPL-09-three-leading-slashes"),
        pytest.param("GET /v1/items/a%2Fb", 200, "items/a%2Fb", id="TPL-09-encoded-slash"),
        pytest.param("GET /v1/items/a%3Fb%23", 200, "items/a?b#", id="TPL-04-encoded-delimiters"),
        pytest.param("GET /v1/items/%252e%252e", 200, "items/%2e%2e", id="TPL-04-twice-encoded-dots"),
        pytest.param("GET /v1/items//x", 404, None, id="TPL-09-double-slash"),
        pytest.param("GET /v1/items/x/", 404, None, id="TPL-09-trailing-slash"),
        pytest.param("GET /v1/../v1/items/x", 404, None, id="TPL-02-dots"),
        pytest.param("GET /v1/items/..", 404, None, id="TPL-02-dots-as-value"),
        pytest.param("GET /v1/items/%2e%2E", 404, None, id="TPL-02-encoded-dots"),
        pytest.param("GET /v1/items/%2e%2e/x", 404, None, id="TPL-02-encoded-dots-inside"),
        pytest.param("GET /v1/items/a%0d%0ab", 404, None, id="TPL-05-encoded-line-end"),
        pytest.param("GET /v1/items/a%00b", 404, None, id="TPL-05-encoded-nul"),
        pytest.param("GET /v1/items/a%zz", 404, None, id="TPL-05-bad-escape"),
        pytest.param("GET /v1/items/a%ff", 404, None, id="TPL-05-not-utf-8"),
        pytest.param("GET /%0a", 404, None, id="TPL-05-newline-only"),
        pytest.param("POST /v1/items/x", 405, None, id="TPL-09-wrong-method"),
        pytest.param("PROPFIND /v1/items/x", 405, None, id="TPL-09-odd-method"),
        pytest.param("GET /v1/items/x?nothing=1", 400, None, id="TPL-09-unknown-parameter"),
        pytest.param("GET /v1/items/x?_method=DELETE", 200, "items/x", id="TPL-10-query"),
        pytest.param("GET http://evil.example/v1/items/x", 400, None, id="TPL-09-absolute-form"),
        pytest.param("OPTIONS *", 404, None, id="TPL-09-asterisk"),
    ],
)
async def test_tpl_09_targets_from_a_raw_socket(line, status, seen):
    async def get(request, context):
        return Item(name=request.name)

    head = f"{line} HTTP/1.1\r\nhost: x\r\nx-http-method-override: DELETE\r\nconnection: close\r\n\r\n"
    async with running(probe(Get=get), SERVICE) as port:
        answer = await raw(port, head.encode("latin-1"))
    first, _, rest = answer.partition(b"\r\n")
    assert int(first.split()[1]) == status, answer
    body = json.loads(rest.partition(b"\r\n\r\n")[2])
    if seen is None:
        assert body["error"]["code"] == status
        assert body["error"]["status"] == {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 405: "UNIMPLEMENTED"}[status]
    else:
        assert body == {"name": seen}


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/items/\xff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /v1/items/\x01 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /v1/items/x HTTP/1.1\r\nhost: x\r\nx: a\0b\r\nconnection: close\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"POST /v1/plain HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}   ",
    ],
)
async def test_tpl_05_requests_that_are_no_http_never_arrive(data):
    async def never(request, context):
        raise AssertionError

    async with running(probe(Get=never, Post=never), SERVICE) as port:
        answer = await raw(port, data)
    assert answer == b"" or answer.split()[1].startswith(b"4")


async def test_methods_that_cannot_be_called():
    stream = grpc.unary_stream_rpc_method_handler(lambda r, c: iter([r]), Item.FromString, Item.SerializeToString)
    methods = {"Stream": stream, "Post": stream}
    async with running([grpc.method_handlers_generic_handler("probe.Probe", methods)], SERVICE) as port:
        for target in ("/v1/stream", "/v1/items/x"):  # streaming; without a handler
            answer = await send(port, HttpRequest("GET", target, (), b""))
            assert answer.status == 501
            assert json.loads(answer.body)["error"]["status"] == "UNIMPLEMENTED"
        assert (await post(port))[0].code is Code.UNIMPLEMENTED  # unary for us, streaming for the servicer


async def test_a_registered_handler_takes_precedence():
    recorder = HandlerRecorder()
    recorder.add_generic_rpc_handlers(
        probe(Post=lambda r, c: Item(name="generic"), Get=lambda r, c: Item(name="generic"))
    )
    registered = grpc.unary_unary_rpc_method_handler(
        lambda r, c: Item(name="registered"), Item.FromString, Item.SerializeToString
    )
    recorder.add_registered_method_handlers("probe.Probe", {"Post": registered})
    async with running([recorder], SERVICE) as port:
        assert (await post(port))[1].name == "registered"
        assert (await call(port, "/probe.Probe/Get", Item(name="items/x")))[1].name == "generic"


@pytest.mark.parametrize("size", [10, 2_000, 300_000])
async def test_large_answers_are_compressed(size):
    text = "x" * size

    async with running(probe(Post=lambda r, c: Item(name=text)), SERVICE) as port:
        head = b"POST /v1/plain HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nconnection: close\r\n"
        head += b"content-length: 0\r\n\r\n"
        headers, _, body = (await raw(port, head)).partition(b"\r\n\r\n")
        assert (b"content-encoding: gzip" in headers.lower()) == (size > 1024)
        assert json.loads(gzip.decompress(body) if size > 1024 else body) == {"name": text}
        assert (await post(port, Item(name=text)))[1] == Item(name=text)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        *(
            ("gzip", True),
            ("GZIP", True),
            ("deflate, gzip;q=0.5", True),
            ("*", True),
            ("gzip ; q=1", True),
            ("br,gzip,x", True),
        ),
        *(
            ("", False),
            ("identity", False),
            ("gzip;q=0", False),
            ("gzip;q=0.000", False),
            ("*;q=0", False),
            ("xgzip", False),
        ),
        *(("br;q=1.0", False), ("gzip;q=x", False), ("gzip;q=0, *", False)),
    ],
)
def test_accept_encoding(header, accepted):
    assert _accepts_gzip(header) is accepted


async def test_a_request_that_is_too_large():
    async with running(probe(Post=lambda r, c: r), SERVICE, max_request_bytes=1000) as port:
        assert (await post(port, Item(name="x" * 500)))[0].code is Code.OK
        reply, _ = await post(port, Item(name="x" * 1000))
        assert reply.code is Code.INVALID_ARGUMENT
        assert reply.details == "Request payload size exceeds the limit: 1000 bytes."
        packed = gzip.compress(json.dumps({"name": "x" * 100_000}).encode())
        assert len(packed) < 1000
        answer = await send(port, HttpRequest("POST", "/v1/plain", (("content-encoding", "gzip"),), packed))
        assert answer.status == 400


async def test_a_large_request_is_mapped_off_the_loop():
    async with running(probe(Post=lambda r, c: r), SERVICE) as port:
        item = Item(numbers=range(50_000))
        assert (await post(port, item))[1] == item


async def test_http_body():
    async with running(probe(Raw=lambda r, c: r), SERVICE) as port:
        item = Item(name="items/x", raw={"content_type": "image/png", "data": b"\x89\0\xff"})
        _, got = await call(port, "/probe.Probe/Raw", item)
    assert got == Item(raw=item.raw)
