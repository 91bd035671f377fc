"""A port that says what a test wants to HTTP/2 and to HTTP/1.1, and one blocking face for channels of both colours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import h2.config
import h2.connection
import h2.events
import h2.exceptions
from grpc_status import rpc_status
from waiting import PATIENCE

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from google.rpc import status_pb2

    Script = Callable[["Port", socket.socket, bytes], None]
    """What becomes of one connection, of which the first bytes have been read."""

JUDGE_LOGGER = "eegrpc._fallback"


# --- The port --------------------------------------------------------------------------------------------------------


class Port:
    """Listens; the first bytes of a connection decide which script runs: that of HTTP/2 (``PRI``) or of HTTP/1.1.

    The scripts may be replaced at any time; `drop` ends the connections there are.
    """

    def __init__(self, http2: Script, http1: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = {"http2": http2, "http1": http1}
        self.seen = {"http2": 0, "http1": 0, "other": 0}
        """Connections so far, by what was spoken first."""
        self.streams = 0
        """HTTP/2 requests that came to scripts made by `http2_answers`."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Request line and headers of HTTP/1.1 requests that came to scripts made by `http1_answers`."""
        self._tls = tls
        self._lock = threading.Lock()
        self._stopping = False
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.number = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.number}"

    def __enter__(self) -> Port:  # noqa: PYI034 - Self needs Python 3.11
        self.spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        while self._threads:
            self._threads.pop().join(PATIENCE)

    def drop(self) -> None:
        """Close the connections there are."""
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def count(self, kind: str) -> None:
        with self._lock:
            if kind == "stream":
                self.streams += 1
            else:
                self.seen[kind] += 1

    def hold(self, sock: socket.socket) -> socket.socket:
        """Have `sock` closed by `drop`."""
        with self._lock:
            self._sockets.add(sock)
        return sock

    def let_go(self, sock: socket.socket) -> None:
        """Close a socket that was held."""
        with self._lock:
            self._sockets.discard(sock)
            sock.close()

    def spawn(self, work: Callable[..., None], *args: Any) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, daemon=True)
        thread.start()  # before it is listed: leaving joins what is listed
        self._threads.append(thread)
        return thread

    def _accept(self) -> None:
        while not self._stopping:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.hold(sock)
            self.spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
                if self._tls is not None:
                    if sock.recv(1, socket.MSG_PEEK) != b"\x16":  # no TLS handshake
                        self.count("other")
                        return
                    plain = sock
                    sock = self.hold(self._tls.wrap_socket(sock, server_side=True))
                    self.let_go(plain)
                first = b""
                while len(first) < 3:
                    piece = sock.recv(65536)
                    if not piece:
                        return
                    first += piece
                kind = "http2" if first.startswith(b"PRI") else "http1"
                self.count(kind)
                self.scripts[kind](self, sock, first)
        finally:
            self.let_go(sock)


# --- Scripts ---------------------------------------------------------------------------------------------------------


def splice(port: int) -> Script:
    """Pass everything on to a server on another port, and back."""

    def run(here: Port, sock: socket.socket, first: bytes) -> None:
        there = here.hold(socket.create_connection(("127.0.0.1", port)))
        there.sendall(first)
        back = here.spawn(_pump, there, sock)
        _pump(sock, there)
        back.join(PATIENCE)
        here.let_go(there)

    return run


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def says(data: bytes) -> Script:
    """Say `data`, whatever came, and close."""

    def run(_: Port, sock: socket.socket, __: bytes) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass

    return run


http1_only = says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
"""What a server that knows only HTTP/1.1 says to the preface of HTTP/2."""


def silent(_: Port, sock: socket.socket, __: bytes) -> None:
    """Say nothing, ever."""
    while sock.recv(65536):
        pass


def closes(_: Port, __: socket.socket, ___: bytes) -> None:
    """Close the connection."""


def resets(_: Port, sock: socket.socket, __: bytes) -> None:
    """Close the connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def http1_answers(
    body: bytes = b'{"nextPageToken":"raw"}', status: int = 200, kind: str = "application/json"
) -> Script:
    """Note each HTTP/1.1 request and answer it."""

    def run(here: Port, sock: socket.socket, data: bytes) -> None:
        while True:
            while b"\r\n\r\n" not in data:
                piece = sock.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(b"\r\n\r\n")
            line, *fields = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
            missing = int(headers.get("content-length", "0")) - len(data)
            while missing > 0:
                missing -= len(sock.recv(missing))
            data = b""
            here.requests.append((line, headers))
            sock.sendall(
                f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
            )

    return run


def http2_answers(answer: Any) -> Script:
    """Speak HTTP/2 with the `h2` library; `answer` answers each request, and returns True to close the connection."""

    def run(here: Port, sock: socket.socket, data: bytes) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        sock.sendall(connection.data_to_send())
        while data:
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    here.count("stream")
                    end = answer(connection, event.stream_id)
                    sock.sendall(connection.data_to_send())
                    if end == "reset":
                        resets(here, sock, b"")
                    if end:
                        return
            sock.sendall(connection.data_to_send())
            data = sock.recv(65536)

    return run


PAGE = b"<html><head><title>Blocked</title></head><body>" + b"Ask your administrator. " * 99 + b"</body></html>"


def html(status: int, *extra: tuple[str, str]) -> Script:
    """Answer requests over HTTP/2 as proxies do."""

    def answer(connection: h2.connection.H2Connection, stream: int) -> None:
        headers = [(":status", str(status)), ("content-type", "text/html"), ("server", "proxy"), *extra]
        connection.send_headers(stream, headers)
        connection.send_data(stream, PAGE)
        connection.send_data(stream, b"", end_stream=True)

    return http2_answers(answer)


def trailers_only(code: int, message: str, *extra: tuple[str, str]) -> Script:
    """Answer requests over HTTP/2 as gRPC servers do that fail a call at once."""

    def answer(connection: h2.connection.H2Connection, stream: int) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", str(code))]
        connection.send_headers(stream, [*headers, ("grpc-message", message), *extra], end_stream=True)

    return http2_answers(answer)


def rst_stream(code: int) -> Script:
    """Reset each HTTP/2 stream."""
    return http2_answers(lambda connection, stream: connection.reset_stream(stream, code))


def goaway(code: int) -> Script:
    """Say goodbye to each HTTP/2 request, as if it had not been looked at."""
    return http2_answers(lambda connection, _: connection.close_connection(code, last_stream_id=0) or "close")


# --- Channels of both colours ----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """How a call ended."""

    code: grpc.StatusCode
    details: str
    token: str | None
    trailing: dict[str, Any]
    status: status_pb2.Status | None = None

    @property
    def by_rest(self) -> bool:
        return self.trailing.get("eegrpc-transport") == "rest"

    @property
    def reason(self) -> str:
        return self.trailing.get("eegrpc-fallback-reason", "")


@dataclass
class Running:
    """A call under way."""

    client: Client
    call: Any

    def end(self) -> Outcome:
        """Wait for its end."""
        if self.client.colour == "sync":
            return _outcome(self.call, self.call.code(), self.call.details(), self.call.trailing_metadata(), None)
        return self.client.run(self._end())

    def cancel(self) -> None:
        if self.client.colour == "sync":
            self.call.cancel()
        else:
            self.client.run(_now(self.call.cancel))

    async def _end(self) -> Outcome:
        code, details, trailing = await self.call.code(), await self.call.details(), await self.call.trailing_metadata()
        return _outcome(self.call, code, details, trailing, await self.call if code is grpc.StatusCode.OK else None)


def _outcome(call: Any, code: grpc.StatusCode, details: str, trailing: Any, response: Any) -> Outcome:
    pairs = dict(tuple(trailing or ()))
    if code is grpc.StatusCode.OK:
        return Outcome(code, details, (response or call.result()).next_page_token, pairs)
    return Outcome(code, details, None, pairs, rpc_status.from_call(_Plain(code, details, trailing)))


@dataclass
class _Plain:
    """What grpc_status wants to know of a call."""

    _code: grpc.StatusCode
    _details: str
    _trailing: Any

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> Any:
        return tuple(self._trailing or ())


async def _now(work: Callable[[], Any]) -> Any:
    return work()


@dataclass
class Client:
    """A channel and its stub, used in the same way whatever its colour; asyncio runs on a thread of its own."""

    colour: str
    make: Callable[[], Any]
    channel: Any = field(init=False)
    stub: EarthEngineStub = field(init=False)

    def __enter__(self) -> Client:  # noqa: PYI034 - Self needs Python 3.11
        if self.colour == "aio":
            self.loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
            self._thread.start()
        self.channel = self.run(_now(self.make)) if self.colour == "aio" else self.make()
        self.stub = EarthEngineStub(self.channel)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self.colour == "aio":
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)
            self.loop.close()

    def close(self) -> None:
        self.run(self.channel.close()) if self.colour == "aio" else self.channel.close()

    def run(self, work: Any) -> Any:
        """Wait for a coroutine on the channel's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def start(self, token: str = "t", **kwargs: Any) -> Running:
        """Start a call."""
        kwargs.setdefault("timeout", PATIENCE)
        message = ComputeImagesRequest(project="projects/p", page_token=token)
        if self.colour == "sync":
            return Running(self, self.stub.ComputeImages.future(message, **kwargs))
        return Running(self, self.run(_now(lambda: self.stub.ComputeImages(message, **kwargs))))

    def call(self, token: str = "t", **kwargs: Any) -> Outcome:
        """Make a call and wait for its end."""
        return self.start(token, **kwargs).end()

    @property
    def judge(self) -> Any:
        return self.channel.judge


def client(colour: str, url: str, options: Iterable[tuple[str, Any]] = (), **kwargs: Any) -> Client:
    """Return a channel to `url` as users make it."""
    create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    return Client(colour, lambda: create(url, options=tuple(options), **kwargs))


def warnings_of(caplog: Any) -> list[str]:
    """Return what the judge has logged."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == JUDGE_LOGGER and record.levelno >= logging.WARNING
    ]
