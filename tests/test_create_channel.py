"""What create_channel and create_aio_channel make of their arguments."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys

import grpc
import grpc.aio
import pytest
from fallback_peers import Port, client, http1_answers, http1_only, silent, splice
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials
from servers import ScriptedServicer, grpc_server
from waiting import PATIENCE

import eegrpc
from eegrpc._aio_fallback_channel import AioFallbackChannel
from eegrpc._fallback_channel import FallbackChannel
from eegrpc._native_channel import NativeChannel
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

Code = grpc.StatusCode


@pytest.fixture(params=("sync", "aio"))
def colour(request):
    return request.param


@pytest.fixture
def both():
    """A port that speaks gRPC and REST, and gRPC's servicer."""
    servicer = ScriptedServicer()
    with grpc_server(servicer) as number, Port(splice(number), http1_answers()) as port:
        yield port, servicer


GOOGLE = ["earthengine.googleapis.com", "https://earthengine-highvolume.googleapis.com", None]
OTHER = ["gateway.example", "https://gateway.example:8443", "http://127.0.0.1:1", "googleapis.com.example"]


@pytest.mark.parametrize(
    ("endpoint", "transport", "kinds"),
    [
        *((endpoint, "auto", (TranscodingChannel, AioTranscodingChannel)) for endpoint in GOOGLE),
        *((endpoint, "auto", (FallbackChannel, AioFallbackChannel)) for endpoint in OTHER),
        *((endpoint, "rest", (TranscodingChannel, AioTranscodingChannel)) for endpoint in (*GOOGLE, *OTHER)),
    ],
)
def test_which_channel_it_is(colour, monkeypatch, endpoint, transport, kinds):
    monkeypatch.delenv("EARTHENGINE_EMULATOR_HOST", raising=False)
    with client(colour, endpoint, transport=transport, credentials=AnonymousCredentials()) as channel:
        assert type(channel.channel) is kinds[colour == "aio"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "https://gateway.example"])
def test_grpc_is_grpcs_own_object(colour, endpoint):
    target = endpoint.partition("//")[2]
    with client(colour, endpoint, transport="grpc") as channel:
        if colour == "aio":
            assert isinstance(channel.channel, grpc.aio.Channel)
            assert type(channel.channel).__module__.startswith("grpc.")
        else:
            assert type(channel.channel) is NativeChannel
            assert type(channel.channel.of_this_process()) is type(grpc.insecure_channel(target))


def test_the_emulator_of_the_environment(colour, monkeypatch, both):
    port, servicer = both
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", f"127.0.0.1:{port.number}")
    with client(colour, None) as channel:
        assert channel.call("e").token == "e"
    assert servicer.calls == 1


def noting(colour, name, seen):
    """Return an interceptor that notes that it was there, and what the inner ones had sent on to it."""

    class Sync(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, details, request):
            seen.append((name, [key for key, _ in details.metadata or ()]))
            changed = details._replace(metadata=[*(details.metadata or ()), (f"x-{name}", "1")])
            return continuation(changed, request)

    class Aio(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation, details, request):
            seen.append((name, [key for key, _ in details.metadata or ()]))
            metadata = grpc.aio.Metadata(*details.metadata or (), (f"x-{name}", "1"))
            return await continuation(details._replace(metadata=metadata), request)

    return Sync() if colour == "sync" else Aio()


@pytest.mark.parametrize("transport", ["grpc", "rest", "auto", "auto-rest"])
def test_interceptors_run_once_outermost_first_and_credentials_innermost(colour, both, transport):
    port, servicer = both
    if transport == "auto-rest":
        port.scripts["http2"] = http1_only
    sent, seen = {}, []

    def answer(request, context):
        sent.update(context.invocation_metadata())
        return ComputeImagesResponse()

    servicer.answer = answer
    interceptors = [noting(colour, name, seen) for name in ("a", "b")]
    with client(
        colour,
        port.url,
        transport=transport.partition("-")[0],
        interceptors=interceptors,
        credentials=Credentials("token"),
    ) as channel:
        for _ in range(2):
            assert channel_call_code(channel) is Code.OK
    headers = sent or port.requests[-1][1]
    assert headers["authorization"] == "Bearer token"
    assert headers["x-a"] == headers["x-b"] == "1"
    assert [name for name, _ in seen] == ["a", "b"] * 2
    assert all(("x-a" in keys) is (name == "b") for name, keys in seen)
    assert not any("authorization" in keys for _, keys in seen), "interceptors of the user must not see the token"


def channel_call_code(channel):
    running = channel.start()
    return running.call.code() if channel.colour == "sync" else channel.run(running.call.code())


@pytest.mark.parametrize("transport", ["grpc", "rest", "auto"])
def test_the_limit_of_answers_holds_on_every_transport(colour, both, transport):
    port, servicer = both
    servicer.answer = lambda *_: ComputeImagesResponse(next_page_token="x" * 5000)
    port.scripts["http1"] = http1_answers(b'{"nextPageToken":"%s"}' % (b"x" * 5000))
    with client(colour, port.url, [("grpc.max_receive_message_length", 4000)], transport=transport) as channel:
        outcome = channel.call()
        assert outcome.code is Code.RESOURCE_EXHAUSTED
    with client(colour, port.url, transport=transport) as channel:
        assert channel.call().token == "x" * 5000


@pytest.mark.parametrize("transport", ["grpc", "rest", "auto"])
def test_the_limit_of_requests_holds_on_every_transport(colour, both, transport):
    port, servicer = both
    with client(colour, port.url, [("grpc.max_send_message_length", 100)], transport=transport) as channel:
        outcome = channel.call("x" * 200)
        assert outcome.code is Code.RESOURCE_EXHAUSTED
        assert "larger than max" in outcome.details
        assert channel.call("fits").code is Code.OK
    assert servicer.calls + len(port.requests) == 1


@pytest.mark.parametrize("transport", ["grpc", "rest", "auto"])
def test_both_transports_name_themselves(colour, both, transport):
    port, servicer = both
    agents = []

    def answer(request, context):
        agents.append(dict(context.invocation_metadata())["user-agent"])
        return ComputeImagesResponse()

    servicer.answer = answer
    with client(colour, port.url, transport=transport) as channel:
        channel.call()
    agents += [headers["user-agent"] for _, headers in port.requests]
    assert len(agents) == 1
    assert agents[0].startswith(f"eegrpc/{eegrpc.__version__}")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"endpoint": "ftp://x"}, "scheme"),
        ({"transport": "http"}, "transport"),
        ({"options": [("eegrpc.nonsense", 1)]}, "unknown"),
        ({"options": [("eegrpc.fallback_reprobe_seconds", -1)]}, "seconds"),
        ({"options": [("grpc.max_receive_message_length", -1)]}, "no limit"),
    ],
)
def test_wrong_arguments_are_refused(colour, arguments, match):
    create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    with pytest.raises(ValueError, match=match):
        create(**{"endpoint": "http://127.0.0.1:1", **arguments})


@pytest.mark.parametrize("intercepted", [False, True])
async def test_a_stock_channel_may_be_closed_while_calls_of_ours_run(intercepted):
    interceptors = [noting("aio", "a", [])] if intercepted else []
    with Port(http1_only, silent) as port:
        async with eegrpc.create_aio_channel(port.url, transport="rest", interceptors=interceptors) as ours:
            call = EarthEngineStub(ours).ComputeImages(ComputeImagesRequest(project="projects/p"), timeout=PATIENCE)
            waiter = asyncio.ensure_future(call.code())
            await asyncio.sleep(0)
            await grpc.aio.insecure_channel("127.0.0.1:1").close()  # older grpcio looks through all tasks
            assert not waiter.done()
            call.cancel()
            assert await waiter is Code.CANCELLED


def test_both_colours_take_the_same():
    sync, aio = (inspect.signature(each).parameters for each in (eegrpc.create_channel, eegrpc.create_aio_channel))
    assert [(p.name, p.kind, p.default) for p in sync.values()] == [(p.name, p.kind, p.default) for p in aio.values()]


@pytest.mark.parametrize(
    "work",
    [
        "pass",
        "eegrpc.create_channel('http://127.0.0.1:1', transport='grpc')",
        "eegrpc.create_channel('http://127.0.0.1:1', transport='grpc', api_version='v1')",
        "asyncio.run(made())",
    ],
    ids=["import", "grpc", "grpc-v1", "aio-grpc"],
)
def test_no_http_library_comes_along_unless_it_is_used(work):
    program = f"""
import asyncio, sys, eegrpc
async def made():
    await eegrpc.create_aio_channel("http://127.0.0.1:1", transport="grpc").close()
{work}
heavy = ("urllib3", "aiohttp", "yarl", "google.auth.transport", "shapely", "rich")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
