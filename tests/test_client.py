"""The clients, synchronous and asyncio, over real channels to a real server whose servicer is scripted.

Rows of the fault matrix run on every kind of channel: a kind is how a scripted servicer is served and how one connects.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import socket
import threading
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import grpc.aio
import h2.config
import h2.connection
import h2.events
import pytest
from aiohttp import web
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from eegrpc._aio_channel import create_aio_channel
from eegrpc._async_client import EarthEngineAsyncClient
from eegrpc._channel import create_channel
from eegrpc._client import EarthEngineClient
from eegrpc._retry import RetryPolicy
from eegrpc.errors import CallContext, EarthEngineError
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    ComputeImagesResponse,
    EarthEngineAsset,
    EarthEngineServicer,
    EarthEngineStub,
    add_EarthEngineServicer_to_server,
    earth_engine_pb2,
)

Code = grpc.StatusCode
SERVICE = earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]
EXPRESSION = {
    "result": "0",
    "values": {
        "0": {
            "functionInvocationValue": {
                "functionName": "ImageCollection.load",
                "arguments": {"id": {"constantValue": "x"}},
            }
        }
    },
}
AT_ONCE = RetryPolicy(initial=0.0)


class Scripted(EarthEngineServicer):
    """Answers by `script(request, context)` and remembers what came."""

    def __init__(self):
        self.requests, self.metadata, self.remaining = [], [], []
        self.script = lambda request, context: ComputeImagesResponse()

    def ComputeImages(self, request, context):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.remaining.append(context.time_remaining())
        return self.script(request, context)


def response(names, token=""):
    return ComputeImagesResponse(images=[EarthEngineAsset(name=str(name)) for name in names], next_page_token=token)


def paged(total, size):
    """A script: `total` images, numbered, in pages of `size`."""

    def script(request, context):
        start = int(request.page_token or 0)
        end = min(start + size, total)
        return response(range(start, end), str(end) if end < total else "")

    return script


def numbers(count):
    return [str(n) for n in range(count)]


# ---- kinds of channels ----


@contextlib.contextmanager
def serve_grpc(servicer):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    add_EarthEngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def serve_rest(servicer):
    """The servicer behind the transcoder's server half, on an event loop in a thread of its own."""
    handlers = HandlerRecorder()
    add_EarthEngineServicer_to_server(servicer, handlers)
    runner = transcoding_runner(transcoding_application([handlers], Transcoder([SERVICE])))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return "http://{}:{}".format(*runner.addresses[0])

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# name: how to serve a servicer; how to connect, synchronously; how to connect with asyncio
CHANNEL_KINDS = {
    "grpc": (serve_grpc, grpc.insecure_channel, grpc.aio.insecure_channel),
    "rest": (
        serve_rest,
        functools.partial(create_channel, transport="rest"),
        functools.partial(create_aio_channel, transport="rest"),
    ),
}


@pytest.fixture(params=CHANNEL_KINDS)
def kind(request):
    return CHANNEL_KINDS[request.param]


@pytest.fixture
def servicer():
    return Scripted()


@pytest.fixture
def target(kind, servicer):
    with kind[0](servicer) as target:
        yield target


@pytest.fixture
def client(kind, target):
    with kind[1](target) as channel, EarthEngineClient("p", channel=channel) as client:
        yield client


@pytest.fixture
async def aclient(kind, target):
    async with kind[2](target) as channel, EarthEngineAsyncClient("p", channel=channel) as client:
        yield client


@dataclass
class Outcome:
    """What one computation gave, up to its end or its error."""

    names: list[str] = field(default_factory=list)
    error: EarthEngineError | None = None
    next_page_token: str | None = None


def compute_sync(channel, options, by_page, arguments):
    outcome = Outcome()
    with EarthEngineClient("p", channel=channel, **options) as client:
        try:
            pager = client.compute_images(**arguments)
            outcome.next_page_token = pager.next_page_token
            if by_page:
                for page in pager.pages:
                    outcome.names += [image.name for image in page.images]
            else:
                for image in pager:
                    outcome.names.append(image.name)
        except EarthEngineError as error:
            outcome.error = error
        with contextlib.suppress(UnboundLocalError):
            outcome.next_page_token = pager.next_page_token
    return outcome


async def compute_aio(channel, options, by_page, arguments):
    outcome = Outcome()
    async with EarthEngineAsyncClient("p", channel=channel, **options) as client:
        try:
            pager = await client.compute_images(**arguments)
            if by_page:
                async for page in pager.pages:
                    outcome.names += [image.name for image in page.images]
            else:
                async for image in pager:
                    outcome.names.append(image.name)
        except EarthEngineError as error:
            outcome.error = error
        with contextlib.suppress(UnboundLocalError):
            outcome.next_page_token = pager.next_page_token
    return outcome


@pytest.fixture(params=["sync", "aio"])
def compute(request, kind, target):
    """Compute with a client of either colour; `options` are the client's, the rest are of the call."""

    async def compute(*, options=None, by_page=False, **arguments):
        arguments = {"expression": EXPRESSION, **arguments}
        if request.param == "sync":
            with kind[1](target) as channel:
                return await asyncio.to_thread(compute_sync, channel, options or {}, by_page, arguments)
        async with kind[2](target) as channel:
            return await compute_aio(channel, options or {}, by_page, arguments)

    return compute


# ---- what is sent ----


async def test_what_a_call_sends(compute, servicer):
    await compute(
        project="projects/example.com:q",
        page_size=7,
        page_token="t",
        workload_tag="tag",
        fields=["images.name"],
        metadata=[("x-mine", "1")],
    )
    (request,) = servicer.requests
    assert request.project == "projects/example.com:q"
    assert request.expression.values["0"].function_invocation_value.arguments["id"].constant_value.string_value == "x"
    assert (request.page_size, request.page_token, request.workload_tag) == (7, "t", "tag")
    (metadata,) = servicer.metadata
    assert metadata["x-goog-request-params"] == "project=projects/example.com%3Aq"
    assert metadata["x-goog-fieldmask"] == "images.name,nextPageToken"
    assert metadata["x-goog-api-client"].startswith("gl-python/")
    assert metadata["x-mine"] == "1"


async def test_defaults_of_the_client(compute, servicer):
    await compute()
    assert servicer.requests[0].project == "projects/p"


def test_nothing_is_sent_before_iteration(client, servicer):
    pager = client.compute_images(EXPRESSION)
    pages = pager.pages
    assert iter(pager) is pager
    assert servicer.requests == []
    assert next(pages) == ComputeImagesResponse()
    assert len(servicer.requests) == 1


# ---- TPL: projects, at the client ----


@pytest.mark.parametrize(
    ("project", "seen"),
    [
        pytest.param("projects/a", "projects/a", id="TPL-01-name"),
        pytest.param("123", "projects/123", id="TPL-01-number"),
        pytest.param("projects/google.com:x", "projects/google.com:x", id="TPL-01-domain"),
    ],
)
async def test_tpl_01_projects_that_pass(compute, servicer, project, seen):
    assert (await compute(project=project)).error is None
    assert [request.project for request in servicer.requests] == [seen]


@pytest.mark.parametrize(
    "project",
    [
        *(
            pytest.param(value, id=f"TPL-02-{value}")
            for value in ("projects/..", "projects/.", "projects/../x", "..", ".")
        ),
        *(
            pytest.param(value, id=f"TPL-03-{value}")
            for value in ("", "projects/", "projects/a/b", "/projects/a", "https://evil/", "projects/projects/a")
        ),
        *(
            pytest.param(f"projects/a{value}", id=f"TPL-04-{value}")
            for value in (
                "?x=1", "#f", "&b", ";b", "@h", "\\", "%2e%2e", "%2f", "%0d%0a", " ", "A", "_", "-", ":", "a" * 300
            )
        ),
        *(
            pytest.param(f"projects/a{value}", id=f"TPL-05-{name}")
            for name, value in (
                ("cr", "\r"), ("lf", "\n"), ("nul", "\0"), ("esc", "\x1b"), ("del", "\x7f"), ("surrogate", "\ud800"),
                ("arabic-digit", "\u0661"), ("crlf", "a\r\nx: y"),
            )
        ),
    ],
)  # fmt: skip
async def test_tpl_02_to_05_malformed_projects_are_refused_unsent(compute, servicer, project):
    outcome = await compute(project=project)
    assert outcome.error.code() is Code.INVALID_ARGUMENT
    assert outcome.error.details().startswith("project ")
    assert outcome.error.details().isprintable()
    assert servicer.requests == []


async def test_tpl_05_other_texts_with_lone_surrogates_are_refused_unsent(compute, servicer):
    for arguments in ({"page_token": "\ud800"}, {"workload_tag": "\ud800"}, {"expression": '{"result": "\ud800"}'}):
        assert (await compute(**arguments)).error.code() is Code.INVALID_ARGUMENT
    assert servicer.requests == []


# ---- GRP: the call ----


BAD_METADATA = [
    ("value-cr", [("x-a", "b\rc")]),
    ("value-lf", [("x-a", "b\nc: d")]),
    ("value-nul", [("x-a", "b\0")]),
    ("value-non-ascii", [("x-a", "\u00e9")]),
    ("upper-case-key", [("X-A", "b")]),
    ("non-ascii-key", [("x-\u00e9", "b")]),
    ("pseudo-header", [(":path", "/other")]),
    ("empty-key", [("", "b")]),
    ("bytes-without-bin", [("x-a", b"b")]),
    *((name, [(name, "1")]) for name in ("grpc-timeout", "grpc-encoding", "te", "host", "content-length")),
    ("second-authorization", [("authorization", "a"), ("authorization", "b")]),
]


@pytest.mark.parametrize("metadata", [pytest.param(value, id=f"GRP-09-{name}") for name, value in BAD_METADATA])
async def test_grp_09_metadata_is_refused_unsent(compute, servicer, metadata):
    outcome = await compute(metadata=metadata)
    assert outcome.error.code() is Code.INTERNAL
    assert outcome.error.details().startswith("Invalid metadata")
    assert "Correct the argument" in outcome.error.hint
    assert servicer.requests == []


@pytest.mark.parametrize("timeout", [0, -1, float("-inf")], ids=lambda value: f"GRP-15-{value}")
async def test_grp_15_no_time_left_is_deadline_exceeded_unsent(compute, servicer, timeout):
    for options, arguments in (({}, {"timeout": timeout}), ({"timeout": timeout}, {})):
        outcome = await compute(options=options, **arguments)
        assert outcome.error.code() is Code.DEADLINE_EXCEEDED
        assert outcome.error.context == CallContext("projects/p", page=1)
    assert servicer.requests == []


async def test_grp_15_nan_is_a_value_error(compute, servicer):
    for options, arguments in (({}, {"timeout": float("nan")}), ({"timeout": float("nan")}, {})):
        with pytest.raises(ValueError, match="NaN"):
            await compute(options=options, **arguments)
    assert servicer.requests == []


@pytest.mark.parametrize("timeout", [10**12, 1e300, float("inf")], ids=lambda value: f"GRP-15-{value}")
async def test_grp_15_a_very_long_time_is_fine(compute, servicer, timeout):
    assert (await compute(timeout=timeout)).error is None
    assert servicer.remaining[0] > 300 * 86400


@pytest.mark.parametrize("timeout", ["5", True, [1]], ids=str)
async def test_a_timeout_that_is_no_number_is_a_type_error(compute, timeout):
    with pytest.raises(TypeError, match="timeout"):
        await compute(timeout=timeout)


@pytest.mark.parametrize("options", [{}, {"timeout": None}], ids=["omitted", "none"])
async def test_grp_02_there_is_always_a_deadline(compute, servicer, options):
    await compute(options=options)
    await compute(options=options, timeout=None)
    await compute(options={"timeout": 50}, timeout=None)
    assert all(300 < remaining <= 331 for remaining in servicer.remaining[:2])
    assert servicer.remaining[2] <= 51


class H2Peer:
    """A server of bare HTTP/2 on a real socket: `script(connection, stream)` answers each whole request."""

    def __init__(self, script):
        self._script = script
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *error):
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                thread = threading.Thread(target=self._converse, args=[sock])
                thread.start()  # before it is listed: leaving joins what is listed
                self._threads.append(thread)

    def _converse(self, sock):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        with contextlib.suppress(OSError):
            sock.sendall(connection.data_to_send())
            while data := sock.recv(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        self.requests += 1
                        self._script(connection, event.stream_id)
                sock.sendall(connection.data_to_send())


MESSAGE = response(["only"]).SerializeToString()
FRAME = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE


def answering(*data, end=True):
    def script(connection, stream):
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        for part in data:
            connection.send_data(stream, part)
        if end:
            connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    return script


async def compute_over_grpc(colour, target, **arguments):
    """Compute with a client of a colour over gRPC's own channel."""
    arguments = {"expression": EXPRESSION, **arguments}
    if colour == "sync":
        with grpc.insecure_channel(target) as channel:
            return await asyncio.to_thread(compute_sync, channel, {"retry": AT_ONCE}, False, arguments)
    async with grpc.aio.insecure_channel(target) as channel:
        return await compute_aio(channel, {"retry": AT_ONCE}, False, arguments)


COLOURS = pytest.mark.parametrize("colour", ["sync", "aio"])


@COLOURS
async def test_the_bare_peer_can_answer_well(colour):
    with H2Peer(answering(FRAME)) as peer:
        assert (await compute_over_grpc(colour, peer.target)).names == ["only"]


@COLOURS
@pytest.mark.parametrize(
    "data",
    [pytest.param((FRAME[:-3],), id="GRP-01-message-cut"), pytest.param((), id="GRP-01-no-message")],
)
async def test_grp_01_ok_without_a_message_is_no_success(colour, data):
    with H2Peer(answering(*data)) as peer:
        outcome = await compute_over_grpc(colour, peer.target)
        assert peer.requests == 1  # not retried
    assert outcome.names == []
    assert (outcome.error.code(), outcome.error.reason) == (Code.INTERNAL, "BAD_RESPONSE")


@COLOURS
async def test_grp_02_two_messages_end_at_the_deadline(colour):
    with H2Peer(answering(FRAME, FRAME)) as peer:
        outcome = await compute_over_grpc(colour, peer.target, timeout=1.0)
    assert outcome.names == []
    assert outcome.error.code() is Code.DEADLINE_EXCEEDED
    assert not outcome.error.retryable


async def test_errors_of_the_server(compute, servicer):
    servicer.script = lambda request, context: context.abort(Code.INVALID_ARGUMENT, "Computation timed out.")
    error = (await compute()).error
    assert (error.code(), error.details()) == (Code.INVALID_ARGUMENT, "Computation timed out.")
    assert (error.reason, error.retryable) == ("COMPUTATION_TIMED_OUT", False)
    assert error.context == CallContext("projects/p", page=1, attempt=1)
    assert isinstance(error.__cause__, grpc.RpcError)
    assert len(servicer.requests) == 1


# ---- retries over real channels; the policy itself is tested in test_retry.py ----


def failing(times, code, then):
    """A script that fails `times` times, then goes on with another."""
    left = [None] * times

    def script(request, context):
        if left:
            left.pop()
            context.abort(code, "not now")
        return then(request, context)

    return script


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED])
async def test_a_failed_page_is_sent_again(compute, servicer, code):
    servicer.script = failing(3, code, paged(5, 2))
    outcome = await compute(options={"retry": AT_ONCE})
    assert (outcome.names, outcome.error) == (numbers(5), None)
    assert len(servicer.requests) == 6


async def test_ret_02_at_most_five_attempts(compute, servicer):
    servicer.script = failing(99, Code.UNAVAILABLE, paged(1, 1))
    outcome = await compute(options={"retry": AT_ONCE})
    assert outcome.error.context.attempt == len(servicer.requests) == 5


@pytest.mark.parametrize("where", ["client", "call"])
async def test_ret_12_without_retry_one_attempt(compute, servicer, where):
    servicer.script = failing(1, Code.UNAVAILABLE, paged(1, 1))
    outcome = await (compute(options={"retry": None}) if where == "client" else compute(retry=None))
    assert outcome.error.code() is Code.UNAVAILABLE
    assert len(servicer.requests) == 1


@pytest.mark.parametrize("how", ["RetryInfo", "retry-after"])
async def test_ret_10_a_server_that_asks_for_more_time_than_is_left_fails_the_call_at_once(compute, servicer, how):
    status = status_pb2.Status(code=Code.RESOURCE_EXHAUSTED.value[0], message="Too many concurrent requests.")
    if how == "RetryInfo":
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=100)))

    def script(request, context):
        if how == "RetryInfo":
            context.abort_with_status(rpc_status.to_status(status))
        context.set_trailing_metadata((("retry-after", "100"),))
        context.abort(Code.RESOURCE_EXHAUSTED, status.message)

    servicer.script = script
    error = (await compute(timeout=90)).error
    assert len(servicer.requests) == 1
    assert (error.reason, error.retryable, error.status) == ("CONCURRENCY_LIMIT", True, status)
    if how == "RetryInfo":
        assert rpc_status.from_call(error) == rpc_status.from_call(error.__cause__) == status


async def test_a_retry_that_is_no_policy_is_a_type_error(compute):
    with pytest.raises(TypeError, match="RetryPolicy"):
        await compute(retry=5)


# ---- PAG: pages ----

BY = pytest.mark.parametrize("by_page", [False, True], ids=["images", "pages"])


@BY
async def test_pag_01_odd_pages_are_delivered_once(compute, servicer, by_page):
    pages = {"": ([0], "a"), "a": ([], "b"), "b": ([1, 2, 3, 4, 5, 6], "c"), "c": ([], "d"), "d": ([7], "")}
    servicer.script = lambda request, context: response(*pages[request.page_token])
    outcome = await compute(by_page=by_page, page_size=2)
    assert (outcome.names, outcome.error, outcome.next_page_token) == (numbers(8), None, "")
    assert [request.page_token for request in servicer.requests] == ["", "a", "b", "c", "d"]


@BY
@pytest.mark.parametrize(
    ("tokens", "requests"),
    [
        pytest.param({"": "a", "a": "a"}, 2, id="PAG-02-same"),
        pytest.param({"": "a", "a": "b", "b": "a"}, 3, id="PAG-02-a-b-a"),
    ],
)
async def test_pag_02_token_loop(compute, servicer, by_page, tokens, requests):
    order = ["", "a", "b"]
    servicer.script = lambda request, context: response([order.index(request.page_token)], tokens[request.page_token])
    outcome = await compute(by_page=by_page)
    assert (outcome.error.code(), outcome.error.reason) == (Code.INTERNAL, "TOKEN_LOOP")
    assert outcome.names == numbers(requests)
    assert len(servicer.requests) == requests


@BY
@pytest.mark.parametrize(
    ("limit", "requests"),
    [
        pytest.param(4, 2, id="PAG-05-at-page-end"),
        pytest.param(5, 3, id="PAG-05-inside"),
        pytest.param(0, 0, id="PAG-05-none"),
        pytest.param(99, 4, id="PAG-05-more"),
    ],
)
async def test_pag_05_limit(compute, servicer, by_page, limit, requests):
    servicer.script = paged(7, 2)
    outcome = await compute(by_page=by_page, limit=limit)
    assert outcome.names == numbers(min(limit, 7))
    assert len(servicer.requests) == requests


async def test_pag_05_a_negative_limit_is_refused(compute, servicer):
    assert (await compute(limit=-1)).error.code() is Code.INVALID_ARGUMENT
    assert servicer.requests == []


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x" * 1_000_000, id="PAG-06-1MB"),
        pytest.param("'\"\\`%2f&?#/+ ", id="PAG-06-quotes"),
        pytest.param("\U0001f30d\u2028e\u0301", id="PAG-06-emoji"),
        pytest.param("a\0b\x7f\n\r", id="PAG-06-nul"),
    ],
)
async def test_pag_06_tokens_round_trip(compute, servicer, token):
    servicer.script = lambda request, context: response([1], "" if request.page_token else token)
    outcome = await compute()
    assert (outcome.names, outcome.error) == (["1", "1"], None)
    assert [request.page_token for request in servicer.requests] == ["", token]
    assert (await compute(page_token=token)).error is None
    assert servicer.requests[-1].page_token == token


async def test_pag_07_an_expired_token_is_raised_and_nothing_starts_over(compute, servicer):
    def script(request, context):
        if request.page_token:
            context.abort(Code.INVALID_ARGUMENT, "The page token has expired.")
        return response([0, 1], "old")

    servicer.script = script
    outcome = await compute()
    assert (outcome.error.code(), outcome.error.reason) == (Code.INVALID_ARGUMENT, "BAD_PAGE_TOKEN")
    assert outcome.names == numbers(2)
    assert outcome.next_page_token == "old"
    assert [request.page_token for request in servicer.requests] == ["", "old"]


@BY
async def test_i2_after_an_error_the_token_resumes_to_the_exact_union(compute, servicer, by_page):
    good = paged(7, 2)

    def script(request, context):
        if request.page_token == "4":
            context.abort(Code.DATA_LOSS, "broken")
        return good(request, context)

    servicer.script = script
    first = await compute(by_page=by_page)
    assert first.error.context.page == 3
    servicer.script = good
    second = await compute(by_page=by_page, page_token=first.next_page_token)
    assert first.names + second.names == numbers(7)


def test_after_an_error_the_same_pager_goes_on(client, servicer):
    servicer.script = failing(1, Code.DATA_LOSS, paged(3, 2))
    pager = client.compute_images(EXPRESSION)
    with pytest.raises(EarthEngineError):
        next(pager)
    assert [image.name for image in pager] == numbers(3)


def test_pag_08_dropped_iterators_send_nothing_more(client, servicer):
    servicer.script = paged(6, 2)
    for image in client.compute_images(EXPRESSION, prefetch=0):
        assert image.name == "0"
        break
    pager = client.compute_images(EXPRESSION, prefetch=0)
    with pytest.raises(KeyError, match="0"):
        {}[next(pager).name]
    assert pager.next_page_token == ""
    pages = client.compute_images(EXPRESSION, prefetch=0).pages
    next(pages)
    del pager, pages
    gc.collect()
    closed = client.compute_images(EXPRESSION, prefetch=0)
    next(closed)
    closed.close()
    assert list(closed) == []
    assert [request.page_token for request in servicer.requests] == [""] * 4


async def test_pag_08_dropped_async_iterators_send_nothing_more(aclient, servicer):
    servicer.script = paged(6, 2)
    async for image in await aclient.compute_images(EXPRESSION, prefetch=0):
        assert image.name == "0"
        break
    pager = await aclient.compute_images(EXPRESSION, prefetch=0)
    async with contextlib.aclosing(pager):
        await pager.__anext__()
    assert [image async for image in pager] == []
    pages = (await aclient.compute_images(EXPRESSION, prefetch=0)).pages
    await pages.__anext__()
    del pager, pages
    gc.collect()
    await asyncio.sleep(0)
    assert [request.page_token for request in servicer.requests] == [""] * 3


async def test_pag_08_a_cancelled_task_cancels_its_call_and_sends_nothing_more(aclient, servicer):
    begun, cancelled = threading.Event(), threading.Event()

    def script(request, context):
        context.add_callback(cancelled.set)
        begun.set()
        cancelled.wait(30)
        return response([])

    servicer.script = script
    pager = await aclient.compute_images(EXPRESSION)
    task = asyncio.create_task(pager.__anext__())
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled.wait, 30)
    assert len(servicer.requests) == 1
    servicer.script = paged(3, 2)  # and the pager is none the worse
    assert [image.name async for image in pager] == numbers(3)


def test_pag_09_threads_that_share_a_pager_get_each_image_once(client, servicer):
    servicer.script = paged(200, 3)
    pager = client.compute_images(EXPRESSION)
    start = threading.Barrier(4)

    def take():
        start.wait()
        return [image.name for image in pager]

    with futures.ThreadPoolExecutor(4) as pool:
        taken = [pool.submit(take) for _ in range(4)]
        names = [name for future in taken for name in future.result()]
    assert sorted(names, key=int) == numbers(200)
    assert len(servicer.requests) == 67


async def test_pag_09_tasks_that_share_a_pager_get_each_image_once(aclient, servicer):
    servicer.script = paged(50, 3)
    pager = await aclient.compute_images(EXPRESSION)

    async def take():
        return [image.name async for image in pager]

    names = [name for taken in await asyncio.gather(*(take() for _ in range(4))) for name in taken]
    assert sorted(names, key=int) == numbers(50)


@pytest.mark.parametrize(
    ("page_size", "sent"),
    [
        pytest.param(-1, None, id="PAG-10-negative"),
        pytest.param(0, 0, id="PAG-10-zero"),
        pytest.param(2**31, None, id="PAG-10-too-large"),
        pytest.param(2**31 - 1, 2**31 - 1, id="PAG-10-largest"),
    ],
)
async def test_pag_10_page_size(compute, servicer, page_size, sent):
    outcome = await compute(page_size=page_size)
    if sent is None:
        assert outcome.error.code() is Code.INVALID_ARGUMENT
        assert servicer.requests == []
    else:
        assert [request.page_size for request in servicer.requests] == [sent]


def test_pages_give_what_is_left_of_a_begun_page(client, servicer):
    servicer.script = paged(5, 3)
    pager = client.compute_images(EXPRESSION)
    assert next(pager).name == "0"
    assert [[image.name for image in page.images] for page in pager.pages] == [["1", "2"], ["3", "4"]]


# ---- clients and their channels ----


@pytest.mark.parametrize("retry", [..., None], ids=["retry", "no-retry"])
def test_a_client_makes_and_closes_its_own_channel(kind, servicer, retry):
    servicer.script = paged(3, 2)
    with serve_grpc(servicer) as target:
        with EarthEngineClient("p", endpoint=f"http://{target}", transport="grpc", retry=retry) as client:
            assert [image.name for image in client.compute_images(EXPRESSION)] == numbers(3)
            channel = client._own_channel
        with pytest.raises(ValueError, match="closed"):
            EarthEngineStub(channel).ComputeImages(ComputeImagesRequest())


@pytest.mark.parametrize("retry", [..., None], ids=["retry", "no-retry"])
async def test_an_asyncio_client_makes_and_closes_its_own_channel(kind, servicer, retry):
    servicer.script = paged(3, 2)
    with serve_grpc(servicer) as target:
        options = {"endpoint": f"http://{target}", "transport": "grpc", "retry": retry}
        async with EarthEngineAsyncClient("p", **options) as client:
            pager = await client.compute_images(EXPRESSION)
            assert [image.name async for image in pager] == numbers(3)
            channel = client._own_channel
        assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN


def test_close_leaves_a_channel_that_was_handed_in(kind, target, servicer):
    with kind[1](target) as channel:
        first = EarthEngineClient("p", channel=channel)
        pager = first.compute_images(EXPRESSION)
        first.close()
        first.close()
        for use in (lambda: first.compute_images(EXPRESSION), lambda: next(pager), first.__enter__):
            with pytest.raises(ValueError, match="is closed"):
                use()
        assert list(EarthEngineClient("p", channel=channel).compute_images(EXPRESSION)) == []
    assert len(servicer.requests) == 1


async def test_close_leaves_an_aio_channel_that_was_handed_in(kind, target, servicer):
    async with kind[2](target) as channel:
        first = EarthEngineAsyncClient("p", channel=channel)
        pager = await first.compute_images(EXPRESSION)
        await first.close()
        await first.close()
        for use in (lambda: first.compute_images(EXPRESSION), pager.__anext__, first.__aenter__):
            with pytest.raises(ValueError, match="is closed"):
                await use()
        pager = await EarthEngineAsyncClient("p", channel=channel).compute_images(EXPRESSION)
        assert [image async for image in pager] == []
    assert len(servicer.requests) == 1


def test_an_asyncio_client_belongs_to_one_loop(kind, target):
    async def use(client=None):
        async with kind[2](target) as channel:
            client = client or EarthEngineAsyncClient("p", channel=channel)
            await client.compute_images(EXPRESSION)
            return client

    client = asyncio.run(use())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(use(client))


@pytest.mark.parametrize("cls", [EarthEngineClient, EarthEngineAsyncClient])
@pytest.mark.parametrize(
    "option",
    [{"endpoint": "x"}, {"transport": "rest"}, {"credentials": 1}, {"api_version": "v1"}, {"interceptors": [1]}],
    ids=str,
)
def test_options_of_a_channel_are_refused_next_to_a_channel(cls, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        cls("p", channel=object(), **option)


@pytest.mark.parametrize("cls", [EarthEngineClient, EarthEngineAsyncClient])
def test_a_malformed_project_is_refused_when_the_client_is_made(cls):
    with pytest.raises(EarthEngineError, match="BAD_PROJECT"):
        cls("My Project", channel=object())


@pytest.mark.parametrize("key", ["authorization", "x-goog-api-key", "x-goog-user-project"])
def test_aut_13_who_calls_is_the_channels_business(key: str) -> None:
    with (
        EarthEngineClient("p", endpoint="http://127.0.0.1:1", transport="grpc") as client,
        pytest.raises(EarthEngineError, match="belongs to the channel") as caught,
    ):
        client.compute_images({"result": "0", "values": {"0": {"constantValue": 1}}}, metadata=[(key, "secret")])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "secret" not in str(caught.value)
