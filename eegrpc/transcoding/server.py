"""An aiohttp application in front of any gRPC servicer: its REST face, by the transcoder's server half.

recorder = HandlerRecorder()
add_OperationsServicer_to_server(servicer, recorder)
transcoder = Transcoder([operations_pb2.DESCRIPTOR.services_by_name["Operations"]])
runner = transcoding_runner(transcoding_application([recorder], transcoder))
"""

from __future__ import annotations

import asyncio
import gzip
import inspect
import logging
import re
import traceback
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import grpc
from aiohttp import HttpVersion11, web

from eegrpc.transcoding.http_protocol import Runner, error_response
from eegrpc.transcoding.servicer_context import Aborted, AioContext, CallState, Context
from eegrpc.transcoding.types import HttpRequest, HttpResponse, Metadata, Reply, TranscodingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from eegrpc.transcoding.binding import Method
    from eegrpc.transcoding.transcoder import Transcoder

__all__ = ["HandlerRecorder", "peer_name", "transcoding_application", "transcoding_runner"]

Code = grpc.StatusCode
_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_DEFAULT_MAX_REQUEST = 16 << 20
_THREADS = 32
_GZIP_FROM = 1024  # bytes; less than that fits in one packet anyway
_OFF_LOOP_FROM = 64 * 1024  # bytes; mapping or compressing more than that would hold up the event loop
_WEIGHT = re.compile(r"\s*q=(?:0\.[0-9]*[1-9][0-9]*|1(?:\.0*)?)\s*", re.IGNORECASE)  # RFC 9110, 12.4.2; above 0


class _CallDetails(NamedTuple):
    method: str
    invocation_metadata: Any


class HandlerRecorder:
    """Takes the handlers that a generated ``add_XServicer_to_server`` function registers on a server.

    It is itself a handler for `transcoding_application`, and has the methods of a server that such functions call.
    """

    def __init__(self) -> None:
        self._generic: list[grpc.GenericRpcHandler] = []
        self._registered: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Add handlers, as grpc.Server does."""
        self._generic.extend(generic_rpc_handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Add handlers by method name, as grpc.Server does; they take precedence."""
        for name, handler in method_handlers.items():
            self._registered[f"/{service_name}/{name}"] = handler

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler of a method, None if there is none."""
        handler = self._registered.get(handler_call_details.method)
        if handler is not None:
            return handler
        return _handler(self._generic, handler_call_details)


def transcoding_application(
    handlers: Iterable[Any],
    transcoder: Transcoder,
    *,
    max_request_bytes: int = _DEFAULT_MAX_REQUEST,
    executor: Executor | None = None,
) -> web.Application:
    """Return an application that answers HTTP requests with gRPC handlers.

    Args:
        handlers: grpc.GenericRpcHandler objects, or a `HandlerRecorder`; the first that knows a method handles it.
        transcoder: Made with the services to answer for.
        max_request_bytes: Largest request body, decompressed. A larger one is refused with 400, as Google does.
        executor: Runs blocking servicers and the mapping of large messages; default: 32 threads of its own.

    A deadline comes from the caller's ``x-server-timeout``. What a servicer raises is logged without its text and
    answered with UNKNOWN, as grpc does but without the text: it may hold secrets. Run the application by
    `transcoding_runner`: under it a vanished client cancels its call, and malformed HTTP gets Google's errors too.
    """
    face = _RestFace(tuple(handlers), transcoder, max_request_bytes, executor)
    application = web.Application(client_max_size=max_request_bytes, middlewares=[face.refuse])
    application.router.add_route("*", r"/{any:[\s\S]*}", face.handle, expect_handler=_expect)
    application.cleanup_ctx.append(face.own_threads)
    return application


def transcoding_runner(application: web.Application, *, shutdown_timeout: float = 60.0) -> web.AppRunner:
    """Return a runner for the application, under which a client that goes away cancels its call.

    Args:
        application: From `transcoding_application`.
        shutdown_timeout: Seconds for which calls may go on when it ends; aiohttp takes 0 for any time.
    """
    return Runner(application, shutdown_timeout)


class _RestFace:
    """The application's state and handlers."""

    def __init__(
        self, handlers: tuple[Any, ...], transcoder: Transcoder, max_request_bytes: int, executor: Executor | None
    ) -> None:
        self._handlers = handlers
        self._transcoder = transcoder
        self._max_request_bytes = max_request_bytes
        self._executor = executor

    async def own_threads(self, _application: web.Application) -> AsyncIterator[None]:
        """Have threads while the application runs, unless somebody else's are used."""
        own = None if self._executor is not None else ThreadPoolExecutor(_THREADS, thread_name_prefix="transcoding")
        if own is not None:
            self._executor = own
        yield
        if own is not None:
            self._executor = None
            own.shutdown(wait=False, cancel_futures=True)

    @web.middleware
    async def refuse(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Answer in Google's form what aiohttp refuses by itself."""
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPRequestEntityTooLarge:
            text = f"Request payload size exceeds the limit: {self._max_request_bytes} bytes."
            return await self._respond(request, self._refusal(TranscodingError(Code.INVALID_ARGUMENT, text)))
        except web.RequestPayloadError:  # its framing or its coding is broken
            text = "The request's body cannot be read: it does not end, or is not what its headers say."
            return await self._respond(request, self._refusal(TranscodingError(Code.INVALID_ARGUMENT, text)))
        except web.HTTPException as error:
            code = Code.NOT_FOUND if error.status == 404 else Code.INVALID_ARGUMENT
            return await self._respond(request, self._refusal(TranscodingError(code, error.reason)))
        return answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        # The raw target: aiohttp's own path is decoded, and so says something else than was sent.
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        received = HttpRequest(request.method, request.raw_path, headers, body)
        try:
            method, wire, metadata, timeout = await self._off_loop(len(body), self._transcoder.route, received)
        except TranscodingError as error:
            return await self._respond(request, self._refusal(error))
        reply = await self._call(method, wire, metadata, timeout, peer_name(request))
        response = await self._off_loop(len(reply.wire), self._transcoder.reply, method, reply)
        return await self._respond(request, response)

    async def _call(self, method: Method, wire: bytes, metadata: Metadata, timeout: float | None, peer: str) -> Reply:
        """Run the handler of a method to its end, its deadline, or its cancellation."""
        loop = asyncio.get_running_loop()
        cancelled = loop.create_future()

        def wake() -> None:
            if not cancelled.done():
                cancelled.set_result(None)

        def interrupt() -> None:
            loop.call_soon_threadsafe(wake)

        state = CallState(metadata, peer, timeout, interrupt)
        handler = _handler(self._handlers, _CallDetails(method.path, state.metadata))
        if handler is None:
            return Reply(Code.UNIMPLEMENTED, "Method not found!")
        if method.client_streaming or method.server_streaming or handler.unary_unary is None:
            return Reply(Code.UNIMPLEMENTED, f"{method.full_name} is a streaming method, which has no REST form here.")
        if timeout is not None and timeout <= 0:
            return Reply(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")
        work: asyncio.Future[Reply]
        if inspect.iscoroutinefunction(handler.unary_unary):
            work = asyncio.ensure_future(_run_async(handler, wire, state))
        else:
            work = loop.run_in_executor(self._executor, _run, handler, wire, state)
        finished = False
        try:
            await asyncio.wait((work, cancelled), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finished = work.done() and not work.cancelled() and not state.cancelled
            if finished:
                return work.result()
            if state.cancelled or work.cancelled():
                return state.failure(Code.CANCELLED, "Cancelled on the server side")
            return state.failure(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")
        finally:
            # Not finished: time is up, the servicer cancelled, or (by an exception) the client has gone.
            _call_back(state.end(cancelled=not finished))
            if not work.done():
                work.cancel()  # a thread that runs goes on, and its result is dropped
                work.add_done_callback(_drop)

    async def _off_loop(self, size: int, function: Callable[..., _T], *args: Any) -> _T:
        """Call a function that computes: here if `size` bytes are quickly done, else in a thread."""
        if size < _OFF_LOOP_FROM:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)

    def _refusal(self, error: TranscodingError) -> HttpResponse:
        return self._transcoder.refusal(error)

    async def _respond(self, request: web.Request, response: HttpResponse) -> web.Response:
        headers = list(response.headers)
        body = response.body
        if len(body) >= _GZIP_FROM and _accepts_gzip(request.headers.get("accept-encoding", "")):
            body = await self._off_loop(len(body), _compress, body)
            headers += [("content-encoding", "gzip"), ("vary", "accept-encoding")]
        return web.Response(status=response.status, headers=headers, body=body)


def _handler(handlers: Iterable[Any], details: Any) -> grpc.RpcMethodHandler[Any, Any] | None:
    for each in handlers:
        found: grpc.RpcMethodHandler[Any, Any] | None = each.service(details)
        if found is not None:
            return found
    return None


def _run(handler: Any, wire: bytes, state: CallState) -> Reply:
    """Run a blocking handler."""
    if not state.is_active():  # nobody waits any more; it waited too long for a thread
        return state.failure(Code.CANCELLED, "")
    request = _request(handler, wire)
    if isinstance(request, Reply):
        return request
    try:
        response = handler.unary_unary(request, Context(state))
    except Exception as error:  # noqa: BLE001 - the servicer's; the boundary where it becomes a status
        return _raised(error, state)
    return _reply(handler, response, state)


async def _run_async(handler: Any, wire: bytes, state: CallState) -> Reply:
    """Run an asyncio handler."""
    request = _request(handler, wire)
    if isinstance(request, Reply):
        return request
    try:
        response = await handler.unary_unary(request, AioContext(state))
    except Exception as error:  # noqa: BLE001 - the servicer's; the boundary where it becomes a status
        return _raised(error, state)
    return _reply(handler, response, state)


def _request(handler: Any, wire: bytes) -> Any:
    try:
        return wire if handler.request_deserializer is None else handler.request_deserializer(wire)
    except Exception:  # noqa: BLE001 - somebody else's code; grpc ends the call this way
        return Reply(Code.INTERNAL, "Exception deserializing request!")


def _raised(error: Exception, state: CallState) -> Reply:
    """Return the reply of a call whose handler raised."""
    if state.aborted:
        return _status(state)
    if not isinstance(error, Aborted):
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("a servicer raised %s (its text is withheld, it may hold secrets):\n%s", type(error).__name__, where)
    return state.failure(Code.UNKNOWN, "Exception calling application")


def _reply(handler: Any, response: Any, state: CallState) -> Reply:
    """Return the reply of a call whose handler returned."""
    if state.aborted or state.code not in (None, Code.OK):
        return _status(state)
    try:
        wire = response if handler.response_serializer is None else handler.response_serializer(response)
    except Exception:  # noqa: BLE001 - somebody else's code; grpc ends the call this way
        return state.failure(Code.INTERNAL, "Failed to serialize response!")
    return Reply(Code.OK, "", wire, state.initial, state.trailing)


def _status(state: CallState) -> Reply:
    details: Any = state.details
    text = details.decode(errors="replace") if isinstance(details, bytes) else str(details or "")
    return state.failure(state.code or Code.UNKNOWN, text)


def _call_back(callbacks: Iterable[Callable[[], Any]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - the servicer's; the others must be called all the same
            _log.error("a servicer's callback raised %s", type(error).__name__)


def _drop(work: asyncio.Future[Reply]) -> None:
    """Take the result of abandoned work, so that asyncio does not report it as never looked at."""
    if not work.cancelled():
        work.exception()


def _accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    weights = {}
    for part in header.split(","):
        name, weighted, weight = part.partition(";")
        weights[name.strip().lower()] = not weighted or _WEIGHT.fullmatch(weight) is not None
    return weights.get("gzip", weights.get("*", False))


async def _expect(request: web.Request) -> None:
    """Heed an Expect header; it comes before the middlewares, so aiohttp's own refusal would not be Google's."""
    if request.headers.get("expect", "").lower() != "100-continue":
        response = error_response(Code.INVALID_ARGUMENT, "Only 100-continue can be expected.", http_status=417)
        raise web.HTTPExpectationFailed(text=response.text, content_type="application/json")
    if request.version >= HttpVersion11:  # RFC 9110, 10.1.1: HTTP/1.0 knows no such thing
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response has not begun


def _compress(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)


def peer_name(request: web.Request) -> str:
    """Return the caller's address as grpc writes it, and as `peer` of the servicer's context has it."""
    name = None if request.transport is None else request.transport.get_extra_info("peername")
    if not isinstance(name, tuple) or len(name) < 2:
        return "unix:"
    return f"ipv6:[{name[0]}]:{name[1]}" if ":" in name[0] else f"ipv4:{name[0]}:{name[1]}"
