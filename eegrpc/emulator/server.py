"""The emulator as a server: one servicer, by gRPC and by REST, under the names of three API versions, on one port."""

from __future__ import annotations

import os
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from google.api import annotations_pb2, http_pb2

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.one_port import OnePort
from eegrpc.emulator.service import DEFAULT_PAGE_SIZE, EmulatorService
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset, earth_engine_pb2

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

__all__ = ["API_VERSIONS", "Emulator"]

API_VERSIONS = ("v1alpha", "v1beta", "v1")
"""The API versions that are answered, all alike."""

MAX_REQUEST_BYTES = 10_000_000
"""Largest request, as Earth Engine documents it ("10MB")."""

_THREADS = 32


class Emulator:
    """Serves a catalog on one port, from threads of this process; a context manager.

    Args:
        catalog: None for the built-in one; a `Catalog`; the path of an NDJSON file with one EarthEngineAsset per line;
            or EarthEngineAsset messages.
        host: Address to listen on. Only loopback keeps other machines out: there is no authentication.
        port: Port to listen on; 0 for any free one.
        max_page_size: Most images of one page; small ones make every test page.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
        ValueError: The catalog is malformed; the text says where.
    """

    def __init__(
        self,
        catalog: Catalog | str | os.PathLike[str] | Iterable[EarthEngineAsset] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_page_size: int = DEFAULT_PAGE_SIZE,
    ) -> None:
        self._host = host
        self._requested_port = port
        self._service = EmulatorService(_catalog(catalog), max_page_size=max_page_size)
        self._grpc: grpc.Server | None = None
        self._port: OnePort | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._port is None:
            raise RuntimeError("the emulator is not running: use it in a with statement, or call start()")
        return self._port.port

    @property
    def endpoint(self) -> str:
        """Where it listens, as ``http://host:port``: the `endpoint` of clients and channels."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> Self:
        """Start to serve; return when it does."""
        if self._port is not None:
            raise RuntimeError("the emulator is running already")
        handlers = _handlers(self._service)
        self._grpc = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="emulator-grpc"),
            handlers=[handlers],  # type: ignore[list-item]
            options=(
                ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ),
        )
        connect = self._bind_grpc(self._grpc)
        application = transcoding_application([handlers], _transcoder(), max_request_bytes=MAX_REQUEST_BYTES)
        try:
            self._port = OnePort(self._host, self._requested_port, transcoding_runner(application), connect)
            self._grpc.start()
            self._port.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving, close the connections, and give back the port and the threads. Idempotent."""
        if self._port is not None:
            self._port.stop()
            self._port = None
        if self._grpc is not None:
            self._grpc.stop(None).wait()
            self._grpc = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _bind_grpc(self, server: grpc.Server) -> Callable[..., Any]:
        """Bind the gRPC server behind the port: a Unix socket that only this user can open, where there are such."""
        if hasattr(socket, "AF_UNIX") and os.name == "posix":
            self._directory = tempfile.TemporaryDirectory(prefix="eegrpc-")
            path = os.path.join(self._directory.name, "grpc")
            if len(path) < 100:  # what sockaddr_un holds on every system
                server.add_insecure_port(f"unix:{path}")
                return lambda loop, protocol: loop.create_unix_connection(protocol, path)
        port = server.add_insecure_port("127.0.0.1:0")

        async def connect(loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.Protocol]) -> Any:
            return await loop.create_connection(protocol, "127.0.0.1", port)

        return connect


def _catalog(given: Catalog | str | os.PathLike[str] | Iterable[EarthEngineAsset] | None) -> Catalog:
    if given is None:
        return Catalog.builtin()
    if isinstance(given, Catalog):
        return given
    if isinstance(given, (str, os.PathLike)):
        return Catalog.from_ndjson(given)
    return Catalog(given)


def _handlers(service: EmulatorService) -> HandlerRecorder:
    """Return the handlers of the service under the name it has in each API version."""
    recorder = HandlerRecorder()
    compute_images = grpc.unary_unary_rpc_method_handler(
        service.ComputeImages,
        request_deserializer=ComputeImagesRequest.FromString,
        response_serializer=ComputeImagesResponse.SerializeToString,
    )
    for version in API_VERSIONS:
        recorder.add_registered_method_handlers(
            f"google.earthengine.{version}.EarthEngine", {"ComputeImages": compute_images}
        )
    return recorder


def _transcoder() -> Transcoder:
    """Return a transcoder that knows the REST paths of each API version: further bindings of the same methods."""
    service = earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]
    rules = []
    for method in service.methods:
        rule = http_pb2.HttpRule(selector=method.full_name)
        rule.MergeFrom(method.GetOptions().Extensions[annotations_pb2.http])
        for version in API_VERSIONS[1:]:
            binding = rule.additional_bindings.add(post=rule.post.replace("/v1alpha/", f"/{version}/", 1))
            binding.body = rule.body
        rules.append(rule)
    return Transcoder([service], rules=rules)
