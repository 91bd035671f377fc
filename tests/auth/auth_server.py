"""A real server, by gRPC and by REST on one port, that judges who calls and remembers every call's metadata."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc.emulator.faults.tickets import Tickets
from eegrpc.emulator.one_port import OnePort
from eegrpc.transcoding.server import HandlerRecorder, transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.v1alpha import (
    ComputeImagesRequest,
    ComputeImagesResponse,
    EarthEngineServicer,
    add_EarthEngineServicer_to_server,
    earth_engine_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REFUSED = "the server does not know this token"


class AuthServer(EarthEngineServicer):
    """Answers a call if `accepts` says yes to its metadata, else UNAUTHENTICATED; also /streams.S/{US,SU,SS}."""

    def __init__(self, accepts: Callable[[dict[str, Any]], bool] = lambda metadata: True) -> None:
        self.accepts = accepts
        self.seen: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        add_EarthEngineServicer_to_server(self, self._server)
        self._server.add_generic_rpc_handlers((self._streams(),))
        behind = self._server.add_insecure_port("127.0.0.1:0")
        recorder = HandlerRecorder()
        add_EarthEngineServicer_to_server(self, recorder)
        transcoder = Transcoder([earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"]])
        self._port = OnePort(
            "127.0.0.1",
            0,
            transcoding_runner(transcoding_application([recorder], transcoder)),
            lambda loop, protocol: loop.create_connection(protocol, "127.0.0.1", behind),
            Tickets(),
        )
        self.port = self._port.port

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def tokens(self) -> list[Any]:
        return [metadata.get("authorization") for metadata in self.seen]

    def __enter__(self) -> AuthServer:  # noqa: PYI034 (Self needs Python 3.11)
        self._server.start()
        self._port.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._port.stop()
        self._server.stop(None).wait()

    def ComputeImages(self, request: ComputeImagesRequest, context: grpc.ServicerContext) -> ComputeImagesResponse:
        self._judge(context)
        return ComputeImagesResponse(next_page_token=request.page_token)

    def _judge(self, context: grpc.ServicerContext) -> None:
        metadata: dict[str, Any] = dict(context.invocation_metadata())
        metadata["timeout"] = context.time_remaining()
        with self._lock:
            self.seen.append(metadata)
        if not self.accepts(metadata):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSED)

    def _streams(self) -> grpc.GenericRpcHandler:
        def many(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            self._judge(context)
            yield from (request, request)

        def one(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            self._judge(context)
            return b"".join(requests)

        def both(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            self._judge(context)
            yield from requests

        return grpc.method_handlers_generic_handler(
            "streams.S",
            {
                "US": grpc.unary_stream_rpc_method_handler(many),
                "SU": grpc.stream_unary_rpc_method_handler(one),
                "SS": grpc.stream_stream_rpc_method_handler(both),
            },
        )
