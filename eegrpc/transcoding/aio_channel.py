"""A grpc.aio.Channel over REST: every call is transcoded to HTTP/1.1 and JSON, by the method's google.api.http rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from eegrpc._processes import restart_in_children
from eegrpc.transcoding.aio_call import AioTranscodedCall, rpc_error
from eegrpc.transcoding.aio_interceptors import call_details, intercepted
from eegrpc.transcoding.aio_sender import AioSender
from eegrpc.transcoding.deadline import Deadline, deadline_exceeded
from eegrpc.transcoding.endpoint import Endpoint
from eegrpc.transcoding.loops import OneLoop
from eegrpc.transcoding.status import TRANSPORT_LABEL
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import Reply, TranscodingError
from eegrpc.transcoding.unary import (
    DEFAULT_MAX_RECEIVE_BYTES,
    DEFAULT_POOL_SIZE,
    INLINE_BYTES,
    MAPPERS,
    Backoff,
    UnaryMethod,
    refuse_call_credentials,
    refuse_streaming,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from google.api.http_pb2 import HttpRule
    from google.protobuf.descriptor import ServiceDescriptor

__all__ = ["AioTranscodingChannel"]

_T = TypeVar("_T")
_READY = grpc.ChannelConnectivity.READY
_SHUTDOWN = grpc.ChannelConnectivity.SHUTDOWN


class AioTranscodingChannel(OneLoop, grpc.aio.Channel):
    """An asyncio channel that serves unary calls of any annotated service over REST.

    It is what generated stubs and grpc.aio interceptors expect of a channel. Streaming methods fail with UNIMPLEMENTED
    when called. It belongs to the event loop that makes its first call, and raises RuntimeError on others and in forked
    children.

    Args:
        endpoint: ``https://host[:port]`` (or ``host[:port]``), or ``http://host[:port]`` for plaintext.
        services: Services whose rules to compile now; others are found by name in the default descriptor pool when a
            stub asks for their methods.
        rules: google.api.HttpRule messages that replace the annotation of the method that `selector` names.
        interceptors: grpc.aio.UnaryUnaryClientInterceptor objects, the outermost first.
        max_receive_bytes: Most bytes of a response message's JSON, after decompression (default 128 MiB).
        max_send_bytes: Most bytes of an encoded request message; None for no limit, as stock channels have it.
        pool_size: Most connections at once; calls beyond wait for one, within their deadlines.
        ssl_context: How to verify the server; None for the system's certificates.
        user_agent: Product token to send; "(gzip)" is added, which Google wants to see before it compresses.
        labels: Trailing metadata to add to every reply; it is read anew for each.

    Raises:
        ValueError: The endpoint, a rule or an interceptor is not one.
    """

    def __init__(
        self,
        endpoint: str | Endpoint,
        *,
        services: Iterable[ServiceDescriptor] = (),
        rules: Iterable[HttpRule] = (),
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
        max_receive_bytes: int = DEFAULT_MAX_RECEIVE_BYTES,
        max_send_bytes: int | None = None,
        pool_size: int = DEFAULT_POOL_SIZE,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "eegrpc",
        labels: Sequence[tuple[str, str]] = (TRANSPORT_LABEL,),
    ) -> None:
        self._endpoint = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
        self._max_send_bytes = max_send_bytes
        self._labels = labels
        self._transcoder = Transcoder(services, rules=rules, user_agent=user_agent)
        self._sender = AioSender(
            self._endpoint, pool_size=pool_size, max_receive_bytes=max_receive_bytes, ssl_context=ssl_context
        )
        for interceptor in interceptors:
            if not isinstance(interceptor, grpc.aio.ClientInterceptor):
                raise ValueError(f"{interceptor!r} is not a grpc.aio.ClientInterceptor")
        self._interceptors = [
            interceptor for interceptor in interceptors if isinstance(interceptor, grpc.aio.UnaryUnaryClientInterceptor)
        ]
        self._state = grpc.ChannelConnectivity.IDLE
        self._watchers: set[asyncio.Future[None]] = set()
        self._calls: set[AioTranscodedCall] = set()
        self._connecting: asyncio.Task[None] | None = None
        restart_in_children(self)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.aio.Channel.unary_unary."""
        unary = UnaryMethod(
            self._transcoder,
            method,
            request_serializer,
            response_deserializer,
            max_send_bytes=self._max_send_bytes,
            labels=self._labels,
        )
        return _UnaryUnary(self, unary, self._interceptors)

    def unary_stream(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED: generated stubs make all their methods at once."""
        return _Streaming(method)

    def stream_unary(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED."""
        return _Streaming(method)

    def stream_stream(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED."""
        return _Streaming(method)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the connectivity state; `try_to_connect` has the channel connect unless it is connected."""
        connects = self._connecting is not None and not self._connecting.done()
        if try_to_connect and not connects and self._state not in (_READY, _SHUTDOWN):
            self._connecting = asyncio.get_running_loop().create_task(self.connect())
        return self._state

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another than `last_observed_state`."""
        while self._state is last_observed_state:
            watcher = asyncio.get_running_loop().create_future()
            self._watchers.add(watcher)
            try:
                await watcher
            finally:
                self._watchers.discard(watcher)

    async def channel_ready(self) -> None:
        """Return when the server has been reached."""
        state = self.get_state(try_to_connect=True)
        while state is not _READY:
            if state is _SHUTDOWN:
                raise _closed()
            await self.wait_for_state_change(state)
            state = self.get_state(try_to_connect=True)

    async def connect(self) -> None:
        """Return when the server has been reached, however often that has to be tried."""
        self._require_loop()
        await self._reach(self._sender.connect, wait=True)

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; running calls have `grace` seconds (None: none) before they end with CANCELLED.

        Later calls raise an error that is both grpc.aio.UsageError and ValueError. Idempotent.
        """
        if self._left_behind():
            self._watchers.clear()
            self._change(_SHUTDOWN)
            await self._sender.close(left_behind=True)
            return
        self._change(_SHUTDOWN)
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
        calls = list(self._calls)
        if calls and grace:
            await asyncio.wait([asyncio.ensure_future(_settled(call)) for call in calls], timeout=grace)
        for call in calls:
            call.cancel()
        await asyncio.gather(*(_settled(call) for call in calls))
        await self._sender.close()

    async def __aenter__(self) -> AioTranscodingChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _start(self, method: UnaryMethod, details: grpc.aio.ClientCallDetails, message: Any) -> AioTranscodedCall:
        """Start one call, after the interceptors."""
        self._require_loop()
        if self._state is _SHUTDOWN:
            raise _closed()
        deadline = Deadline(details.timeout)
        call = AioTranscodedCall(
            self._perform(method, details, message, deadline), deadline, lambda: method.failure(deadline_exceeded())
        )
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call

    async def _perform(
        self, method: UnaryMethod, details: grpc.aio.ClientCallDetails, message: Any, deadline: Deadline
    ) -> tuple[Reply, Any]:
        try:
            refuse_call_credentials(details.credentials, plaintext=self._endpoint.plaintext)
            metadata = () if details.metadata is None else tuple(details.metadata)
            wire = method.serialized(message)
            size = len(wire) if isinstance(wire, bytes) else 0
            request = await _mapped(lambda: method.request(wire, metadata, deadline), size)
            held = [
                await self._reach(
                    lambda: self._sender.send(request, replayable=method.replayable), wait=bool(details.wait_for_ready)
                )
            ]
            return await _mapped(lambda: method.read(held, deadline), len(held[0].body))
        except TranscodingError as error:
            return method.failure(error), None

    async def _reach(self, attempt: Callable[[], Awaitable[_T]], *, wait: bool) -> _T:
        """Run `attempt`; if `wait`, as often as it takes to reach the server. Keep the connectivity state true."""
        backoff = Backoff()
        while True:
            if self._state is not _READY:
                self._change(grpc.ChannelConnectivity.CONNECTING)
            try:
                result = await attempt()
            except TranscodingError as error:
                if error.reason not in ("UNREACHABLE", "TLS"):
                    raise
                self._change(grpc.ChannelConnectivity.TRANSIENT_FAILURE)
                if not wait:
                    raise
                await asyncio.sleep(backoff.next())
            else:
                self._change(_READY)
                return result

    def _change(self, state: grpc.ChannelConnectivity) -> None:
        if state is not self._state and self._state is not _SHUTDOWN:
            self._state = state
            for watcher in self._watchers:
                if not watcher.done():
                    watcher.set_result(None)


class _UnaryUnary(grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method of an AioTranscodingChannel."""

    def __init__(
        self,
        channel: AioTranscodingChannel,
        method: UnaryMethod,
        interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor],
    ) -> None:
        self._channel = channel
        self._method = method
        self._interceptors = interceptors

    @property
    def replayable(self) -> bool:
        """Whether a call that got no answer may be sent again."""
        return self._method.replayable

    def serialized(self, message: Any) -> bytes | TranscodingError:
        """Return a request message in its wire form, or the error that a call with it ends with."""
        return self._method.serialized(message)

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,  # noqa: ARG002 - a hint, which REST does not take
    ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Start the call and return it; awaiting it gives the response."""
        details = call_details(self._method.path, timeout, metadata, credentials, wait_for_ready)
        return intercepted(self._interceptors, details, request, self._start)

    def _start(self, details: grpc.aio.ClientCallDetails, request: Any) -> AioTranscodedCall:
        return self._channel._start(self._method, details, request)


class _Streaming(
    grpc.aio.UnaryStreamMultiCallable,  # type: ignore[type-arg]
    grpc.aio.StreamUnaryMultiCallable,  # type: ignore[type-arg]
    grpc.aio.StreamStreamMultiCallable,  # type: ignore[type-arg]
):
    """A streaming method: it can be made, and says when called that it cannot be served."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Raise grpc.RpcError with UNIMPLEMENTED."""
        raise rpc_error(refuse_streaming(self._path))


class _ClosedError(grpc.aio.UsageError, ValueError):
    """What stock asyncio channels raise when used after close, and what stock synchronous ones do."""


def _closed() -> _ClosedError:
    return _ClosedError("Channel is closed.")


async def _mapped(work: Callable[[], _T], size: int) -> _T:
    """Return the result of `work`, which maps `size` bytes and so takes its time; the event loop goes on meanwhile."""
    return work() if size < INLINE_BYTES else await asyncio.wrap_future(MAPPERS.submit(work))


async def _settled(call: AioTranscodedCall) -> None:
    await call.code()
