"""The phases of a call, each as a scene in which calls stay: servers that say nothing more, queues that stand still.

Each scene serves calls of every colour, over REST or gRPC. What is measured and asserted with them is elsewhere:
benchmarks/deadlines.py, test_phases.py.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import google.auth.credentials
import grpc
import grpc.aio
from peers import H2Peer, HttpPeer, http
from servers import free_port, silent_port

import eegrpc
from eegrpc.mapper import IMPLEMENTATION
from eegrpc.transcoding.aio_channel import AioTranscodingChannel
from eegrpc.transcoding.channel import TranscodingChannel
from eegrpc.transcoding.unary import UnaryMethod
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[str], Any]

PHASES = ("gate", "refresh", "dns", "connect", "tls", "write", "head", "body", "inflate", "map", "backoff")
KINDS = (("rest", "sync"), ("rest", "aio"), ("grpc", "sync"), ("grpc", "aio"))

NOT_THERE = {
    ("inflate", "grpc"): "gRPC's core inflates, on its own threads; the message comes whole or not at all",
    ("map", "grpc"): "nothing is mapped: the message is parsed by the stub's function, in one call",
}
"""Phases that calls of a transport do not have, and why."""

EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}
REQUEST = ComputeImagesRequest(project="projects/p")
NAME = "silent.test"


@dataclass
class Scene:
    """Where calls go, and what they are.

    `make` returns a channel of a colour. With a `gate` or a `retry` policy the calls are a client's, else a stub's.
    """

    make: Make
    request: ComputeImagesRequest = field(default_factory=lambda: REQUEST)
    wait_for_ready: bool | None = None
    gate: eegrpc.QuotaGate | None = None
    retry: eegrpc.RetryPolicy | None = None
    arrived: Callable[[], int] | None = None
    """How many calls have got there, as far as that can be seen from outside; None if it cannot."""
    peers: list[Any] = field(default_factory=list)
    left: Callable[[], int] | None = None
    """How many calls the server has seen go; None if it never saw them come."""

    @property
    def of_client(self) -> bool:
        return self.gate is not None or self.retry is not None


class SyncCaller:
    """Calls a scene's channel and waits."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.channel = scene.make("sync")
        self.stub = EarthEngineStub(self.channel)
        self._client = eegrpc.EarthEngineClient("p", channel=self.channel, quota=scene.gate, retry=scene.retry)

    def call(self, timeout: float | None) -> Any:
        if self._scene.of_client:
            return list(self._client.compute_images(EXPRESSION, timeout=timeout))
        return self.stub.ComputeImages(self._scene.request, timeout=timeout, wait_for_ready=self._scene.wait_for_ready)

    def future(self) -> Any:
        return self.stub.ComputeImages.future(self._scene.request, wait_for_ready=self._scene.wait_for_ready)

    def close(self) -> None:
        self._client.close()
        self.channel.close()


class AioCaller:
    """The same for tasks; it is made and used in an event loop."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.channel = scene.make("aio")
        self.stub = EarthEngineStub(self.channel)
        self._client = eegrpc.EarthEngineAsyncClient("p", channel=self.channel, quota=scene.gate, retry=scene.retry)

    async def call(self, timeout: float | None) -> Any:
        if self._scene.of_client:
            return [image async for image in await self._client.compute_images(EXPRESSION, timeout=timeout)]
        return await self.stub.ComputeImages(
            self._scene.request, timeout=timeout, wait_for_ready=self._scene.wait_for_ready
        )

    async def close(self) -> None:
        await self._client.close()
        await self.channel.close()


@contextlib.contextmanager
def scene(phase: str, transport: str, *, size: int = 32 << 20) -> Iterator[Scene]:
    """Give the scene of a phase.

    Bodies that are inflated have `size` bytes, those that are mapped a quarter of it, and requests that are too large
    for the buffers on the way as many, but 9 MB at most.
    """
    with _SCENES[phase](transport, size) as made:
        yield made


# --- Channels --------------------------------------------------------------------------------------------------------

_POOL = ("eegrpc.pool_size", 256)


def _plain(transport: str, port: int, host: str = "127.0.0.1", **arguments: Any) -> Make:
    def make(colour: str) -> Any:
        create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
        return create(f"http://{host}:{port}", transport=transport, options=[_POOL], **arguments)

    return make


def _stock(target: str) -> Make:
    return lambda colour: (grpc if colour == "sync" else grpc.aio).insecure_channel(target)


def secure(transport: str, port: int, host: str = "localhost", roots: bytes | None = None) -> Make:
    """Return a maker of TLS channels which trust these roots (PEM), or the system's."""

    def make(colour: str) -> Any:
        if transport == "grpc":
            module = grpc if colour == "sync" else grpc.aio
            return module.secure_channel(f"{host}:{port}", grpc.ssl_channel_credentials(roots))
        channel = TranscodingChannel if colour == "sync" else AioTranscodingChannel
        context = ssl.create_default_context(cadata=None if roots is None else roots.decode())
        return channel(f"https://{host}:{port}", ssl_context=context, pool_size=_POOL[1])

    return make


# --- Scenes ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _gate(transport: str, _: int) -> Iterator[Scene]:
    gate = eegrpc.QuotaGate(1)
    gate._lines().enter("projects/p", "somebody else", lambda: True)
    yield Scene(_plain(transport, free_port()), gate=gate, arrived=lambda: gate.stats("p").waiting)


class _NoToken(google.auth.credentials.Credentials):  # type: ignore[misc]
    """Credentials of which the refresh does not end before the test does."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def refresh(self, request: Any) -> None:
        self.release.wait()
        raise google.auth.exceptions.RefreshError("the test is over")


@contextlib.contextmanager
def _refresh(transport: str, _: int) -> Iterator[Scene]:
    credentials = _NoToken()
    try:
        yield Scene(_plain(transport, free_port(), credentials=credentials))
    finally:
        credentials.release.set()


@contextlib.contextmanager
def _dns(transport: str, _: int) -> Iterator[Scene]:
    if transport == "grpc":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            yield Scene(_stock(f"dns://127.0.0.1:{silent.getsockname()[1]}/{NAME}:80"), wait_for_ready=True)
        return
    over = threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any) -> Any:
        if host == NAME:
            over.wait()
            raise socket.gaierror(socket.EAI_NONAME, "the test is over")
        return real(host, *args)

    with mock.patch("socket.getaddrinfo", getaddrinfo):
        try:
            yield Scene(_plain(transport, 80, NAME))
        finally:
            over.set()


@contextlib.contextmanager
def _connect(transport: str, _: int) -> Iterator[Scene]:
    """A port at which connections are neither taken nor refused."""
    with silent_port() as port:
        # gRPC gives up a connection after 20 s, and lets calls fail that do not wait for the next
        yield Scene(_plain(transport, port), wait_for_ready=transport == "grpc")


@contextlib.contextmanager
def _tls(transport: str, _: int) -> Iterator[Scene]:
    with HttpPeer(lambda connection: connection.await_close()) as peer:
        left = _Left(peer)
        yield Scene(
            secure(transport, peer.port),
            wait_for_ready=transport == "grpc",
            arrived=None if transport == "grpc" else lambda: peer.accepted,
            peers=[peer],
            left=None if transport == "grpc" else left,
        )


@contextlib.contextmanager
def _write(transport: str, size: int) -> Iterator[Scene]:
    """A server that does not read requests to their end."""
    values = {"0": eegrpc.v1alpha.ValueNode(constant_value={"string_value": "x" * min(size, 9_000_000)})}
    request = ComputeImagesRequest(project="projects/p", expression=Expression(result="0", values=values))
    if transport == "grpc":
        with H2Peer(lambda stream: None, reads=1) as peer:
            yield Scene(_plain(transport, peer.port), request=request, peers=[peer])
        return
    begun = _Counter()

    def script(connection: Any) -> None:
        connection.sock.recv(1 << 16)
        begun.add()
        connection.peer.stopping.wait()

    with HttpPeer(script) as peer:
        peer.take_little()
        yield Scene(_plain(transport, peer.port), request=request, arrived=begun, peers=[peer])


@contextlib.contextmanager
def _head(transport: str, _: int) -> Iterator[Scene]:
    with _answering(transport, lambda connection: None, lambda stream: None) as made:
        yield made


@contextlib.contextmanager
def _body(transport: str, _: int) -> Iterator[Scene]:
    def half(stream: Any) -> None:
        stream.begin()
        stream.data(b"\0\0\0\0\x64half")

    with _answering(transport, lambda connection: connection.send(http(body=b" " * 100)[:-50]), half) as made:
        yield made


@contextlib.contextmanager
def _answering(transport: str, rest: Callable[[Any], None], grpc_script: Callable[[Any], None]) -> Iterator[Scene]:
    """A server that answers as told, and then says nothing more."""
    answered = _Counter()
    if transport == "grpc":

        def on_stream(stream: Any) -> None:
            grpc_script(stream)
            answered.add()

        with H2Peer(on_stream) as peer:
            yield Scene(_plain(transport, peer.port), arrived=answered, peers=[peer], left=lambda: peer.resets)
        return

    def script(connection: Any) -> None:
        while connection.read() is not None:
            rest(connection)
            answered.add()

    with HttpPeer(script) as peer:
        yield Scene(_plain(transport, peer.port), arrived=answered, peers=[peer], left=_Left(peer))


@contextlib.contextmanager
def _inflate(transport: str, size: int) -> Iterator[Scene]:
    body = gzip.compress(page(size), 1)
    with HttpPeer.answering(http(body=body, headers=["content-encoding: gzip"])) as peer:
        yield Scene(_plain(transport, peer.port), arrived=lambda: len(peer.requests), peers=[peer], left=_Left(peer))


@contextlib.contextmanager
def _map(transport: str, size: int) -> Iterator[Scene]:
    # The Python mapper's single steps over a body, which nothing interrupts, take as much longer.
    body = page(size // (4 if IMPLEMENTATION == "native" else 16))
    with HttpPeer.answering(http(body=body)) as peer:
        yield Scene(_plain(transport, peer.port), arrived=lambda: len(peer.requests), peers=[peer], left=_Left(peer))


@contextlib.contextmanager
def _inflating(transport: str, size: int) -> Iterator[Scene]:
    """A body in gzip, of which the end does not come."""
    answer = http(body=gzip.compress(page(size), 1), headers=["content-encoding: gzip"])[:-10]
    with _answering(transport, lambda connection: connection.send(answer), lambda stream: None) as made:
        yield made


@contextlib.contextmanager
def _mapping(transport: str, size: int) -> Iterator[Scene]:
    """A mapper that does not come to an end before the test does."""
    over, begun, real = threading.Event(), _Counter(), UnaryMethod.read

    def read(*given: Any) -> Any:
        begun.add()
        over.wait()
        return real(*given)  # to a thread that has not yet seen that it was cancelled

    with (
        mock.patch.object(UnaryMethod, "read", read),
        HttpPeer.answering(http(body=page(size))) as peer,
    ):
        try:
            yield Scene(_plain(transport, peer.port), arrived=begun, peers=[peer])
        finally:
            over.set()


@contextlib.contextmanager
def _backoff(transport: str, _: int) -> Iterator[Scene]:
    """A port that refuses connections, and calls that wait for the server."""
    yield Scene(_plain(transport, free_port()), wait_for_ready=True)


@contextlib.contextmanager
def _retry(transport: str, _: int) -> Iterator[Scene]:
    """A server that is unavailable, and calls that wait to be sent again."""

    def unavailable(stream: Any) -> None:
        stream.begin()
        stream.headers([("grpc-status", "14"), ("grpc-retry-pushback-ms", "60000")], end=True)

    refusal = http(503, headers=["retry-after: 60"])
    with _answering(transport, lambda connection: connection.send(refusal), unavailable) as made:
        made.retry = eegrpc.RetryPolicy()
        made.left = None
        yield made


_SCENES = {phase: globals()[f"_{phase}"] for phase in (*PHASES, "inflating", "mapping", "retry")}


def page(size: int) -> bytes:
    """Return a page of about so many bytes in JSON, of images with bands and properties."""
    properties = ",".join(f'"P{n}":{n / 7!r}' for n in range(40))
    bands = ",".join(
        f'{{"id":"B{n}","dataType":{{"precision":"INT","range":{{"max":65535}}}},"grid":{{"crsCode":"EPSG:32601",'
        '"dimensions":{"width":1830,"height":1830},"affineTransform":{"scaleX":10,"scaleY":-10}}}'
        for n in range(13)
    )
    image = f'{{"type":"IMAGE","name":"projects/p/assets/a","id":"a","properties":{{{properties}}},"bands":[{bands}]}}'
    return f'{{"images":[{",".join([image] * max(1, size // len(image)))}]}}'.encode()


class _Counter:
    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self._count += 1

    def __call__(self) -> int:
        return self._count


class _Left:
    """Counts the connections that the other side of a peer's has closed."""

    def __init__(self, peer: HttpPeer) -> None:
        self._peer = peer
        self._count = 0

    def __call__(self) -> int:
        while self._peer.gone.acquire(blocking=False):
            self._count += 1
        return self._count


def sockets(made: Scene) -> int:
    """Return how many sockets this process has, without those of the scene's peers; on Linux."""
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # it was of the listing itself
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    return sum(link.startswith("socket:") for link in links) - sum(peer.sockets() for peer in made.peers)
