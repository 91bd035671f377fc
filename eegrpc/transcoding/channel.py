"""A grpc.Channel over REST: every call is transcoded to HTTP/1.1 and JSON, by the method's google.api.http rule."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from eegrpc._processes import NotPicklable, restart_in_children
from eegrpc.transcoding.call import TranscodedCall
from eegrpc.transcoding.connectivity import Connectivity, ConnectivityCallback
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.endpoint import Endpoint
from eegrpc.transcoding.exchange import Cancelled, Exchange
from eegrpc.transcoding.sender import Sender
from eegrpc.transcoding.status import TRANSPORT_LABEL
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import Metadata, TranscodingError
from eegrpc.transcoding.unary import (
    CANCELLED,
    CLOSED,
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
    from collections.abc import Callable, Iterable, Sequence

    from google.api.http_pb2 import HttpRule
    from google.protobuf.descriptor import ServiceDescriptor

__all__ = ["TranscodingChannel"]

_T = TypeVar("_T")
_READY = grpc.ChannelConnectivity.READY


class TranscodingChannel(NotPicklable, grpc.Channel):
    """A channel that serves unary calls of any annotated service over REST.

    It is what generated stubs, `grpc.intercept_channel` and `grpc.channel_ready_future` expect of a channel. Streaming
    methods fail with UNIMPLEMENTED when called. Compression of requests is a hint, which REST does not take.

    Args:
        endpoint: ``https://host[:port]`` (or ``host[:port]``), or ``http://host[:port]`` for plaintext.
        services: Services whose rules to compile now; others are found by name in the default descriptor pool when a
            stub asks for their methods.
        rules: google.api.HttpRule messages that replace the annotation of the method that `selector` names.
        max_receive_bytes: Most bytes of a response message's JSON, after decompression (default 128 MiB).
        max_send_bytes: Most bytes of an encoded request message; None for no limit, as stock channels have it.
        pool_size: Most connections at once; calls beyond wait for one, within their deadlines.
        ssl_context: How to verify the server; None for the system's certificates.
        user_agent: Product token to send; "(gzip)" is added, which Google wants to see before it compresses.
        labels: Trailing metadata to add to every reply; it is read anew for each.

    Raises:
        ValueError: The endpoint or a rule is malformed.
    """

    def __init__(
        self,
        endpoint: str | Endpoint,
        *,
        services: Iterable[ServiceDescriptor] = (),
        rules: Iterable[HttpRule] = (),
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
        self._sender = Sender(
            self._endpoint, pool_size=pool_size, max_receive_bytes=max_receive_bytes, ssl_context=ssl_context
        )
        self._connectivity = Connectivity()
        self._lock = threading.Lock()
        self._running: dict[Exchange, TranscodedCall | None] = {}
        self._closed = False
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Begin without the parent's calls, which have a part of their own in this."""
        self._lock = threading.Lock()
        self._running = {}

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.Channel.unary_unary."""
        return _UnaryUnary(
            self,
            UnaryMethod(
                self._transcoder,
                method,
                request_serializer,
                response_deserializer,
                max_send_bytes=self._max_send_bytes,
                labels=self._labels,
            ),
        )

    def unary_stream(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED: generated stubs make all their methods at once."""
        return _Streaming(method)

    def stream_unary(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED."""
        return _Streaming(method)

    def stream_stream(self, method: str, *_: Any, **__: Any) -> Any:
        """Return a callable that fails with UNIMPLEMENTED."""
        return _Streaming(method)

    def subscribe(self, callback: ConnectivityCallback, try_to_connect: bool | None = False) -> None:
        """Call `callback` with the connectivity state now and with each change; see grpc.Channel.subscribe."""
        self._connectivity.subscribe(callback)
        if try_to_connect and not self._closed and self._connectivity.state is not _READY:
            threading.Thread(target=self._connect, name="eegrpc-connect", daemon=True).start()

    def unsubscribe(self, callback: ConnectivityCallback) -> None:
        """Stop calling `callback`."""
        self._connectivity.unsubscribe(callback)

    def close(self) -> None:
        """Cancel the running calls and close the connections; later calls raise ValueError. Idempotent."""
        with self._lock:
            self._closed = True
            running = list(self._running.items())
        for exchange, call in running:
            if call is not None:
                call.end(CLOSED)
            exchange.cancel()
        self._sender.close()
        self._connectivity.change(grpc.ChannelConnectivity.SHUTDOWN)

    def __enter__(self) -> TranscodingChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, exchange: Exchange) -> None:
        """Return when the server has been reached, however often that has to be tried.

        Raises:
            Cancelled: The exchange was cancelled.
            TranscodingError: DEADLINE_EXCEEDED.
        """
        self._reach(lambda: self._sender.connect(exchange), exchange, wait=True)

    def _begin(self, exchange: Exchange, call: TranscodedCall | None) -> None:
        with self._lock:
            if self._closed:
                raise ValueError("Cannot invoke RPC on closed channel!")
            self._running[exchange] = call

    def _perform(
        self,
        call: TranscodedCall,
        exchange: Exchange,
        method: UnaryMethod,
        wire: bytes | TranscodingError,
        metadata: Metadata,
        credentials: grpc.CallCredentials | None,
        wait: bool,
    ) -> None:
        """Run a call that `_begin` registered to its end."""
        response = None
        try:
            refuse_call_credentials(credentials, plaintext=self._endpoint.plaintext)
            size = len(wire) if isinstance(wire, bytes) else 0
            request = _mapped(lambda: method.request(wire, metadata, exchange.deadline), size, exchange)
            held = [
                self._reach(
                    lambda: self._sender.send(request, exchange, replayable=method.replayable), exchange, wait=wait
                )
            ]
            reply, response = _mapped(lambda: method.read(held, exchange.deadline), len(held[0].body), exchange)
        except TranscodingError as error:
            reply = method.failure(error)
        except Cancelled:
            reply = CLOSED if self._closed else CANCELLED
        except BaseException:  # a bug of ours, or KeyboardInterrupt: it flies on, but nobody waits for ever
            call.end(CANCELLED)
            raise
        finally:
            with self._lock:
                self._running.pop(exchange, None)  # not there any more if the process was forked meanwhile
        call.end(reply, response)

    def _reach(self, attempt: Callable[[], _T], exchange: Exchange, *, wait: bool) -> _T:
        """Run `attempt`; if `wait`, as often as it takes to reach the server. Keep the connectivity state true."""
        backoff = Backoff()
        while True:
            if self._connectivity.state is not _READY:
                self._connectivity.change(grpc.ChannelConnectivity.CONNECTING)
            try:
                result = attempt()
            except TranscodingError as error:
                if error.reason not in ("UNREACHABLE", "TLS"):
                    raise
                self._connectivity.change(grpc.ChannelConnectivity.TRANSIENT_FAILURE)
                if not wait:
                    raise
                exchange.pause(backoff.next())
            else:
                self._connectivity.change(_READY)
                return result

    def _connect(self) -> None:
        exchange = Exchange(Deadline(None))
        try:
            self._begin(exchange, None)
            self.connect(exchange)
        except (TranscodingError, Cancelled, ValueError):
            pass  # closed meanwhile; the connectivity state tells
        finally:
            with self._lock:
                self._running.pop(exchange, None)


class _UnaryUnary(grpc.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method of a TranscodingChannel."""

    def __init__(self, channel: TranscodingChannel, method: UnaryMethod) -> None:
        self._channel = channel
        self._method = method

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
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        """Call, wait, and return the response; raise grpc.RpcError if the call fails."""
        return self.with_call(request, timeout, metadata, credentials, wait_for_ready, compression)[0]

    def with_call(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,  # noqa: ARG002 - a hint, which REST does not take
    ) -> tuple[Any, grpc.Call]:
        """Call, wait, and return the response and its call; raise grpc.RpcError if the call fails."""
        call, run = self._prepare(request, timeout, metadata, credentials, wait_for_ready)
        run()
        return call.outcome(), call

    def future(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,  # noqa: ARG002 - a hint, which REST does not take
    ) -> Any:
        """Call and return at once an object that is both the grpc.Future and the grpc.Call."""
        call, run = self._prepare(request, timeout, metadata, credentials, wait_for_ready)
        threading.Thread(target=run, name=f"eegrpc{self._method.path}", daemon=True).start()
        return call

    def _prepare(
        self,
        request: Any,
        timeout: float | None,
        metadata: Metadata | None,
        credentials: grpc.CallCredentials | None,
        wait_for_ready: bool | None,
    ) -> tuple[TranscodedCall, Callable[[], None]]:
        exchange = Exchange(Deadline(timeout))
        call = TranscodedCall(exchange)
        channel, method = self._channel, self._method
        headers = () if metadata is None else tuple(metadata)
        wire = method.serialized(request)  # now: the caller may change its message once `future` has returned
        channel._begin(exchange, call)

        def run() -> None:
            channel._perform(call, exchange, method, wire, headers, credentials, bool(wait_for_ready))

        return call, run


def _mapped(work: Callable[[], _T], size: int, exchange: Exchange) -> _T:
    """Return the result of `work`, which maps `size` bytes and so takes its time; the exchange's end is noticed."""
    return work() if size < INLINE_BYTES else exchange.result(MAPPERS.submit(work))


class _Streaming(grpc.UnaryStreamMultiCallable, grpc.StreamUnaryMultiCallable, grpc.StreamStreamMultiCallable):  # type: ignore[type-arg]
    """A streaming method: it can be made, and says when called that it cannot be served."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Raise grpc.RpcError with UNIMPLEMENTED."""
        call = TranscodedCall(Exchange(Deadline(None)))
        call.end(refuse_streaming(self._path))
        raise call

    with_call = __call__
    future = __call__
