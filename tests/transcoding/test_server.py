"""The REST face of gRPC servicers, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import grpc
import pytest
import yarl
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from probe_service import POOL, SERVICE, Item

from eegrpc import v1alpha
from eegrpc.transcoding.server import HandlerRecorder, _accepts_gzip, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpRequest, HttpResponse

Code = grpc.StatusCode
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
LOCATIONS = locations_pb2.DESCRIPTOR.services_by_name["Locations"]
EARTH_ENGINE = v1alpha.ComputeImagesRequest.DESCRIPTOR.file.services_by_name["EarthEngine"]
CLIENT = Transcoder((SERVICE, OPERATIONS, LOCATIONS, EARTH_ENGINE), pool=POOL)


@contextlib.asynccontextmanager
async def running(handlers, *services, **options):
    """Serve handlers on a port of their own; yield the port."""
    runner = transcoding_runner(transcoding_application(handlers, Transcoder(services, pool=POOL), **options))
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def probe(**behaviours):
    """Return handlers of probe.Probe: a function of request and context for each method."""
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            behaviour, request_deserializer=Item.FromString, response_serializer=Item.SerializeToString
        )
        for name, behaviour in behaviours.items()
    }
    return [grpc.method_handlers_generic_handler("probe.Probe", methods)]


async def send(port, request):
    """Send what the client half made, as it is; return the response, content coding undone."""
    async with aiohttp.ClientSession() as session:
        url = yarl.URL(f"http://127.0.0.1:{port}{request.target}", encoded=True)
        async with session.request(request.method, url, data=request.body or None, headers=request.headers) as answer:
            headers = tuple((name.lower(), value) for name, value in answer.headers.items())
            return HttpResponse(answer.status, headers, await answer.read())


async def call(port, path, message, output=None, **options):
    """Make a call; return the reply and, if it is OK, its message."""
    method = CLIENT.method(path)
    response = await send(port, CLIENT.request(method, message.SerializeToString(), **options))
    reply = CLIENT.response(method, response)
    return reply, (output or type(message)).FromString(reply.wire) if reply.code is Code.OK else None


async def post(port, item=None, **options):
    return await call(port, "/probe.Probe/Post", Item() if item is None else item, **options)


async def raw(port, data):
    """Send bytes; return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


class Operations(operations_pb2_grpc.OperationsServicer):
    """A blocking servicer, registered by its generated function."""

    def ListOperations(self, request, context):
        operation = operations_pb2.Operation(name=f"{request.name}/{request.filter}")
        operation.metadata.Pack(error_details_pb2.ErrorInfo(reason="R"))
        return operations_pb2.ListOperationsResponse(operations=[operation], next_page_token=str(request.page_size))

    def GetOperation(self, request, context):
        if request.name.endswith("missing"):
            context.abort(Code.NOT_FOUND, f"no {request.name}")
        return operations_pb2.Operation(name=request.name, done=True, error=status_pb2.Status(code=3, message="m"))

    def DeleteOperation(self, request, context):
        return empty_pb2.Empty()

    def CancelOperation(self, request, context):
        context.set_trailing_metadata((("cancelled", request.name),))
        return empty_pb2.Empty()


async def test_operations():
    recorder = HandlerRecorder()
    operations_pb2_grpc.add_OperationsServicer_to_server(Operations(), recorder)
    path = "/google.longrunning.Operations/"
    async with running([recorder], OPERATIONS) as port:
        request = operations_pb2.ListOperationsRequest(name="operations", filter="a/b c&d", page_size=3)
        _, listed = await call(port, path + "ListOperations", request, operations_pb2.ListOperationsResponse)
        assert (listed.operations[0].name, listed.next_page_token) == ("operations/a/b c&d", "3")
        info = error_details_pb2.ErrorInfo()
        assert listed.operations[0].metadata.Unpack(info)
        for name in ("operations/a", "operations/a/b:cancel", "operations/%2e%2e", "operations/\u00e9?#"):
            request = operations_pb2.GetOperationRequest(name=name)
            _, got = await call(port, path + "GetOperation", request, operations_pb2.Operation)
            assert (got.name, got.error.code) == (name, 3)
        reply, _ = await call(
            port, path + "GetOperation", operations_pb2.GetOperationRequest(name="operations/missing")
        )
        assert (reply.code, reply.details) == (Code.NOT_FOUND, "no operations/missing")
        request = operations_pb2.DeleteOperationRequest(name="operations/a")
        assert (await call(port, path + "DeleteOperation", request, empty_pb2.Empty))[0].code is Code.OK
        request = operations_pb2.CancelOperationRequest(name="operations/a")
        reply, _ = await call(port, path + "CancelOperation", request, empty_pb2.Empty)
        assert (reply.code, reply.trailing_metadata) == (Code.OK, (("cancelled", "operations/a"),))


async def test_locations():
    async def list_locations(request, context):
        location = locations_pb2.Location(name=request.name, labels={"filter": request.filter})
        return locations_pb2.ListLocationsResponse(locations=[location])

    async def get_location(request, context):
        return locations_pb2.Location(name=request.name)

    def handler(function, request, response):
        return grpc.unary_unary_rpc_method_handler(function, request.FromString, response.SerializeToString)

    methods = {
        "ListLocations": handler(
            list_locations, locations_pb2.ListLocationsRequest, locations_pb2.ListLocationsResponse
        ),
        "GetLocation": handler(get_location, locations_pb2.GetLocationRequest, locations_pb2.Location),
    }
    handlers = [grpc.method_handlers_generic_handler("google.cloud.location.Locations", methods)]
    path = "/google.cloud.location.Locations/"
    async with running(handlers, LOCATIONS) as port:
        for name in ("locations", "projects/p"):
            request = locations_pb2.ListLocationsRequest(name=name, filter="f")
            _, got = await call(port, path + "ListLocations", request, locations_pb2.ListLocationsResponse)
            assert got.locations == [locations_pb2.Location(name=name, labels={"filter": "f"})]
        for name in ("locations/l", "projects/google.com:x/locations/l"):
            request = locations_pb2.GetLocationRequest(name=name)
            _, got = await call(port, path + "GetLocation", request, locations_pb2.Location)
            assert got.name == name


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


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_what_a_context_gives_and_takes(kind):
    seen = {}

    def look(request, context):
        seen["metadata"] = dict(context.invocation_metadata())
        seen["keys"] = [pair.key for pair in context.invocation_metadata()]
        seen["left"] = context.time_remaining()
        seen["peer"] = context.peer()
        seen["auth"] = (context.auth_context(), context.peer_identities(), context.peer_identity_key())
        context.set_trailing_metadata((("t", "1"), ("t-bin", b"\xff")))
        context.set_compression(grpc.Compression.Gzip)
        context.disable_next_message_compression()
        seen["trailing"] = context.trailing_metadata()
        seen["code"] = (context.code(), context.details())

    def blocking(request, context):
        look(request, context)
        seen["active"] = context.is_active()
        context.send_initial_metadata((("i", "1"),))
        return request

    async def on_loop(request, context):
        look(request, context)
        seen["active"] = not context.done() and not context.cancelled()
        await context.send_initial_metadata((("i", "1"),))
        for forbidden in (context.read(), context.write(request)):
            with pytest.raises(grpc.aio.UsageError):
                await forbidden
        return request

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        metadata = (("a", "b"), ("a-bin", b"\0"), ("authorization", "Bearer x"))
        reply, got = await post(port, Item(name="n"), metadata=metadata, timeout=30.0)
    assert got == Item(name="n")
    assert ("i", "1") in reply.initial_metadata
    assert reply.trailing_metadata == (("t", "1"), ("t-bin", b"\xff"))
    assert seen["metadata"].items() >= dict(metadata).items()
    assert {"x-server-timeout", "host", "content-length", "accept-encoding"}.isdisjoint(seen["keys"])
    assert 0 < seen["left"] <= 30
    assert seen["peer"].startswith("ipv4:127.0.0.1:")
    assert seen["active"] is True
    assert seen["auth"] == ({}, None, None)
    assert seen["trailing"] == (("t", "1"), ("t-bin", b"\xff"))
    assert seen["code"] == (None, "")


def rich(code, message):
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason="R", domain="d"))
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=[packed]))


def test_every_way_to_fail_is_tabled():
    assert set(FAILURES) == {
        "abort",
        "abort-ok",
        "abort-number",
        "status",
        "set",
        "set-number",
        "raise",
        "swallowed",
        "none",
    }


FAILURES = {
    "abort": (lambda r, c: c.abort(Code.ABORTED, "m"), Code.ABORTED, "m"),
    "abort-ok": (lambda r, c: c.abort(Code.OK, "m"), Code.UNKNOWN, ""),
    "abort-number": (lambda r, c: c.abort(5, "m"), Code.NOT_FOUND, "m"),
    "status": (lambda r, c: c.abort_with_status(rich(Code.RESOURCE_EXHAUSTED, "m")), Code.RESOURCE_EXHAUSTED, "m"),
    "set": (lambda r, c: (c.set_code(Code.DATA_LOSS), c.set_details("m")) and r, Code.DATA_LOSS, "m"),
    "set-number": (lambda r, c: c.set_code(77) or r, Code.UNKNOWN, ""),
    "raise": (lambda r, c: 1 / 0, Code.UNKNOWN, "Exception calling application"),
    "swallowed": (lambda r, c: swallow(c) or r, Code.ABORTED, "m"),
    "none": (lambda r, c: None, Code.INTERNAL, "Failed to serialize response!"),
}


def swallow(context):
    with contextlib.suppress(Exception):
        context.abort(Code.ABORTED, "m")


@pytest.mark.parametrize("name", FAILURES)
async def test_failures_of_blocking_servicers(name):
    behaviour, code, details = FAILURES[name]
    async with running(probe(Post=behaviour), SERVICE) as port:
        reply, _ = await post(port)
    assert reply.code is code
    assert reply.details == details or not details
    assert any(key == "grpc-status-details-bin" for key, _ in reply.trailing_metadata) == (name == "status")


async def test_failures_of_asyncio_servicers():
    async def abort(request, context):
        if request.name == "status":
            await context.abort_with_status(rich(Code.RESOURCE_EXHAUSTED, "m"))
        await context.abort(Code.ABORTED, "m", (("t", "1"),))

    async with running(probe(Post=abort), SERVICE) as port:
        reply, _ = await post(port)
        assert (reply.code, reply.details) == (Code.ABORTED, "m")
        assert ("t", "1") in reply.trailing_metadata
        reply, _ = await post(port, Item(name="status"))
        assert reply.code is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_what_a_servicer_raises_stays_here(kind, caplog):
    def blocking(request, context):
        raise ValueError("canary")

    async def on_loop(request, context):
        raise ValueError("canary")

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        reply, _ = await post(port)
    assert reply.code is Code.UNKNOWN
    assert "canary" not in repr(reply)
    (record,) = caplog.records
    assert "ValueError" in record.getMessage()
    assert kind.replace("asyncio", "on_loop") in record.getMessage()  # where it was
    # Its text is not logged; the traceback shows the line of code, where this test has it as a literal.
    assert record.exc_info is None


async def test_bytes_that_a_servicer_cannot_read_or_write():
    def fail(_):
        raise ValueError("canary")

    handler = grpc.unary_unary_rpc_method_handler(lambda r, c: r, fail, None)
    async with running([grpc.method_handlers_generic_handler("probe.Probe", {"Post": handler})], SERVICE) as port:
        reply, _ = await post(port)
    assert (reply.code, reply.details) == (Code.INTERNAL, "Exception deserializing request!")
    handler = grpc.unary_unary_rpc_method_handler(lambda r, c: r)  # bytes in, bytes out
    async with running([grpc.method_handlers_generic_handler("probe.Probe", {"Post": handler})], SERVICE) as port:
        assert (await post(port, Item(name="n")))[1] == Item(name="n")


async def test_a_deadline_ends_an_asyncio_servicer():
    ended = asyncio.Event()
    callbacks = []

    async def wait(request, context):
        context.add_done_callback(lambda c: callbacks.append((c.done(), c.cancelled())))
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(probe(Post=wait), SERVICE) as port:
        reply, _ = await post(port, timeout=0.05)
        assert reply.code is Code.DEADLINE_EXCEEDED
        await ended.wait()
    assert callbacks == [(True, True)]


async def test_a_deadline_ends_a_blocking_servicer():
    ended = threading.Event()
    inactive = []

    def wait(request, context):
        assert context.add_callback(ended.set)
        ended.wait()
        inactive.append((context.is_active(), context.add_callback(print)))
        return request

    with ThreadPoolExecutor(1) as executor:
        async with running(probe(Post=wait), SERVICE, executor=executor) as port:
            reply, _ = await post(port, timeout=0.05)
            assert reply.code is Code.DEADLINE_EXCEEDED
    assert inactive == [(False, False)]


async def test_no_time_no_work():
    def never(request, context):
        raise AssertionError

    async with running(probe(Post=never), SERVICE) as port:
        assert (await post(port, timeout=0))[0].code is Code.DEADLINE_EXCEEDED


async def test_a_blocking_servicer_that_waited_too_long_for_a_thread_never_runs():
    held, release, ran = threading.Event(), threading.Event(), []

    def hold(request, context):
        if request.name == "hold":
            held.set()
            release.wait()
        else:
            ran.append(request.name)
        return request

    with ThreadPoolExecutor(1) as executor:
        async with running(probe(Post=hold), SERVICE, executor=executor) as port:
            first = asyncio.ensure_future(post(port, Item(name="hold")))
            await asyncio.to_thread(held.wait)
            assert (await post(port, Item(name="late"), timeout=0.05))[0].code is Code.DEADLINE_EXCEEDED
            release.set()
            assert (await first)[0].code is Code.OK
    assert ran == []


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_a_client_that_goes_away_cancels(kind):
    started, ended = threading.Event(), threading.Event()

    def blocking(request, context):
        context.add_callback(ended.set)
        started.set()
        ended.wait()
        return request

    async def on_loop(request, context):
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/plain HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        await asyncio.to_thread(started.wait)
        writer.close()
        await writer.wait_closed()
        await asyncio.to_thread(ended.wait)


async def test_a_servicer_cancels_its_own_call():
    def cancel(request, context):
        assert context.cancel()
        return request

    async def cancelled(request, context):
        raise asyncio.CancelledError

    for behaviour in (cancel, cancelled):
        async with running(probe(Post=behaviour), SERVICE) as port:
            assert (await post(port))[0].code is Code.CANCELLED


async def test_a_callback_that_raises_harms_nobody(caplog):
    called = []

    def behaviour(request, context):
        context.add_callback(lambda: 1 / 0)
        context.add_callback(lambda: called.append(1))
        return request

    async with running(probe(Post=behaviour), SERVICE) as port:
        assert (await post(port))[0].code is Code.OK
    assert called == [1]
    assert "ZeroDivisionError" in caplog.text


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
