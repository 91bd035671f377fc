"""The emulator as a server: one servicer, by gRPC and by REST, under the names of three API versions, on one port."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from google.api import annotations_pb2, http_pb2

from eegrpc.emulator.bench import Bench
from eegrpc.emulator.control import add_control, add_health
from eegrpc.emulator.faults.http1 import fault_middleware
from eegrpc.emulator.official_client import add_official_client, initialize_ee
from eegrpc.emulator.one_port import OnePort
from eegrpc.emulator.serving.health import health_handler
from eegrpc.emulator.serving.recorder import RecordedService
from eegrpc.emulator.serving.service import DEFAULT_PAGE_SIZE
from eegrpc.emulator.status_page import add_status_page
from eegrpc.transcoding.endpoint import is_loopback_host
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset, earth_engine_pb2

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.faults.plan import FaultPlan
    from eegrpc.emulator.serving.quota import Quota

__all__ = ["API_VERSIONS", "Emulator"]

API_VERSIONS = ("v1alpha", "v1beta", "v1")
"""The API versions that are answered, all alike."""

MAX_REQUEST_BYTES = 10_000_000
"""Largest request, as Earth Engine documents it ("10MB")."""

_THREADS = 256
"""Most requests that are in work at once, over both protocols: enough for latency, and for quotas to be exceeded.

A thread is made only when all others are busy."""

_GRACE = 0.1  # seconds; 0 is for ever to aiohttp


class Emulator(Bench):
    """Serves a catalog on one port, from threads of this process; a context manager.

    Args:
        catalog: None for the built-in one; a `Catalog`; a path that `Catalog.open` takes, of NDJSON with one
            EarthEngineAsset per line or of a prepared file; or EarthEngineAsset messages.
        host: Address to listen on. Only loopback keeps other machines out: there is no authentication.
        port: Port to listen on; 0 for any free one.
        max_page_size: Most images of one page; small ones make every test page.
        faults: What happens to which replies; None for nothing.
        quota: What each project may do; None for anything.
        control: Whether all that can be changed while it runs, and the journal, are to be had over REST, under
            ``/emulator/v1/``, by whoever reaches the port.
        clock: Says what time it is, in seconds since 1970: all that the emulator itself says of time is from it.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
        ValueError: The catalog is malformed, the text says where; or `control` is to be had by other machines.
    """

    def __init__(
        self,
        catalog: AnyCatalog | str | os.PathLike[str] | Iterable[EarthEngineAsset] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_page_size: int = DEFAULT_PAGE_SIZE,
        faults: FaultPlan | None = None,
        quota: Quota | None = None,
        control: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if control and not is_loopback_host(host):
            raise ValueError(
                f"control is for loopback alone, and {host!r} is not: listen on 127.0.0.1, or leave it out"
            )
        super().__init__(catalog, max_page_size=max_page_size, faults=faults, quota=quota, clock=clock)
        self._host = host
        self._requested_port = port
        self._control = control
        self._threads: ThreadPoolExecutor | None = None
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

    def initialize_ee(self, project: str = "emulator-project", **options: Any) -> None:
        """Initialize Google's official Python client, earthengine-api, for this emulator.

        Args:
            project: The project of its calls.
            options: Further arguments for ``ee.Initialize``.

        Raises:
            ImportError: earthengine-api is not installed.
            RuntimeError: The emulator is not running.
        """
        initialize_ee(self.endpoint, project, **options)

    def start(self) -> Self:
        """Start to serve; return when it does."""
        if self._port is not None:
            raise RuntimeError("the emulator is running already")
        handlers = _handlers(RecordedService(self._service, self._keeper))
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="emulator")
        self._grpc = grpc.server(
            self._threads,
            handlers=[handlers, health_handler(map(_service_name, API_VERSIONS))],  # type: ignore[list-item]
            options=(
                ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ),
        )
        connect = self._bind_grpc(self._grpc)
        application = transcoding_application(
            [handlers], _transcoder(), max_request_bytes=MAX_REQUEST_BYTES, executor=self._threads
        )
        application.middlewares.append(fault_middleware(self._tickets))
        add_health(application)
        add_official_client(
            application,
            self._projects.state,
            self._keeper,
            self._threads,
            max_page_size=self._max_page_size,
            versions=API_VERSIONS,
        )
        add_status_page(application, self, self._threads, is_local=is_loopback_host(self._host))
        if self._control:
            add_control(application, self, self._threads)
        try:
            # Calls that run are not waited for, as they are not by gRPC: what has a latency may never end.
            runner = transcoding_runner(application, shutdown_timeout=_GRACE)
            self._port = OnePort(self._host, self._requested_port, runner, connect, self._tickets)
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
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
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


def _handlers(service: RecordedService) -> HandlerRecorder:
    """Return the handlers of the service under the name it has in each API version."""
    recorder = HandlerRecorder()
    compute_images: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
        service.compute_images, response_serializer=_serialize
    )
    for version in API_VERSIONS:
        recorder.add_registered_method_handlers(_service_name(version), {"ComputeImages": compute_images})
    return recorder


def _service_name(version: str) -> str:
    return f"google.earthengine.{version}.EarthEngine"


def _serialize(response: ComputeImagesResponse | bytes) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString()


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
