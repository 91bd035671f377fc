"""Making channels for blocking callers: grpc's own, the transcoding one, or one that finds out which will do."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._auth import AuthInterceptor
from eegrpc._credentials import TokenSource
from eegrpc._fallback import PROBE_PATIENCE, Route, TransportJudge, both_failed, connect_patience, rest_answered
from eegrpc._options import USER_AGENT, ChannelOptions, channel_options
from eegrpc._versions import VersionInterceptor, http_rules, versioned_path
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Reply
from eegrpc.transcoding.unary import CANCELLED, TRANSPORT_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.transcoding.call import TranscodedCall
    from eegrpc.transcoding.connections import Exchange

__all__ = ["create_channel"]


def create_channel(
    endpoint: str | None = None,
    *,
    transport: str = "auto",
    credentials: object = None,
    api_version: str = "v1alpha",
    interceptors: Sequence[Any] = (),
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.Channel:
    """Return a channel to Earth Engine, or to anything that serves our protos, for generated stubs and the client.

    Google publishes no .proto for this service, so the field numbers of our messages are ours: native gRPC is right
    against servers built from our protos (the emulator, a gateway of yours), REST is right against Google.

    Args:
        endpoint: ``host[:port]`` or ``https://…`` for TLS; ``http://…`` for plaintext, which is refused with credentials
            unless the host is loopback. None: the emulator that EARTHENGINE_EMULATOR_HOST names, else
            https://earthengine.googleapis.com.
        transport: ``grpc``: grpc's own channel, set up for large messages and for keepalive within Google's limits.
            ``rest``: the transcoding channel. ``auto``: REST for ``*.googleapis.com``; elsewhere gRPC first, and REST
            once the endpoint proves not to speak gRPC (trailing metadata ``eegrpc-fallback-reason`` and a log line say
            why); gRPC is tried again after the option ``eegrpc.fallback_reprobe_seconds``.
        credentials: None for application default credentials at ``*.googleapis.com`` and none elsewhere; or any
            google.auth credentials object, the path of a credentials file, or a mapping with the content of one.
        api_version: ``v1alpha``, ``v1beta`` or ``v1``: changes the gRPC name and the REST path.
        interceptors: grpc client interceptors, the outermost first.
        options: (name, value) pairs as for grpc channels; see `eegrpc._options.channel_options`.

    Raises:
        ValueError: An argument is wrong; the text says what to do.
        TypeError: `credentials` is not something that credentials can be made of.
    """
    settings = channel_options(
        endpoint, transport=transport, credentials=credentials, api_version=api_version, options=options
    )
    channel: grpc.Channel
    if settings.speaks == "grpc":
        channel = _grpc_channel(settings)
        if settings.api_version != "v1alpha":
            channel = grpc.intercept_channel(channel, VersionInterceptor(settings.api_version))
    elif settings.speaks == "rest":
        channel = _rest_channel(settings)
    else:
        channel = _FallbackChannel(settings)
    inner: list[Any] = []
    if settings.credentials is not None:
        source = TokenSource(settings.credentials, quota_project=settings.quota_project)
        inner.append(AuthInterceptor(source, allow_auth_metadata=settings.allow_auth_metadata))
    if interceptors or inner:
        channel = grpc.intercept_channel(channel, *interceptors, *inner)
    return channel


def _grpc_channel(settings: ChannelOptions) -> grpc.Channel:
    target, arguments = settings.endpoint.target, settings.grpc_arguments
    if settings.endpoint.plaintext:
        return grpc.insecure_channel(target, options=arguments)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options=arguments)


def _rest_channel(settings: ChannelOptions, labels: Sequence[tuple[str, str]] | None = None) -> Any:
    from eegrpc.transcoding.channel import TranscodingChannel  # urllib3 comes along: only when it is used

    return TranscodingChannel(
        settings.endpoint,
        rules=http_rules(settings.api_version),
        max_receive_bytes=settings.max_message_bytes,
        max_send_bytes=settings.max_request_bytes,
        pool_size=settings.pool_size,
        user_agent=USER_AGENT,
        labels=(TRANSPORT_LABEL,) if labels is None else labels,
    )


class _FallbackChannel(grpc.Channel):
    """grpc's own channel and a transcoding channel to the same endpoint; the judge says which one a call takes."""

    def __init__(self, settings: ChannelOptions) -> None:
        self._settings = settings
        self._labels = [TRANSPORT_LABEL]
        self._grpc = _grpc_channel(settings)
        self._rest = _rest_channel(settings, self._labels)
        self.judge = TransportJudge(settings.fallback_reprobe_seconds, self._label, settings.endpoint.target)

    def _label(self, reason: str) -> None:
        self._labels[1:] = [("eegrpc-fallback-reason", reason)] if reason else []

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.Channel.unary_unary."""
        path = versioned_path(method, self._settings.api_version)
        return _FallbackUnaryUnary(
            self,
            self._grpc.unary_unary(path, request_serializer, response_deserializer),
            self._rest.unary_unary(method, request_serializer, response_deserializer),
        )

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return gRPC's callable: REST serves unary methods only."""
        return self._grpc.unary_stream(method, *args, **kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return gRPC's callable: REST serves unary methods only."""
        return self._grpc.stream_unary(method, *args, **kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return gRPC's callable: REST serves unary methods only."""
        return self._grpc.stream_stream(method, *args, **kwargs)

    def subscribe(self, callback: Callable[[Any], None], try_to_connect: bool | None = False) -> None:
        """Watch the channel that calls take now."""
        self._current().subscribe(callback, bool(try_to_connect))

    def unsubscribe(self, callback: Callable[[Any], None]) -> None:
        """Stop calling `callback`."""
        self._grpc.unsubscribe(callback)
        self._rest.unsubscribe(callback)

    def close(self) -> None:
        """Close both channels. Idempotent."""
        self._grpc.close()
        self._rest.close()

    def __enter__(self) -> _FallbackChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _current(self) -> grpc.Channel:
        return self._rest if self.judge.reason else self._grpc

    def wait_for_http2(self, seconds: float, exchange: Exchange) -> bool:
        """Wait until gRPC has a connection or has failed to get one; return False if neither came in `seconds`."""
        settled = threading.Event()

        def watch(state: grpc.ChannelConnectivity) -> None:
            if state in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
                settled.set()

        exchange.on_cancel(settled.set)
        self._grpc.subscribe(watch, try_to_connect=True)
        try:
            return settled.wait(seconds)
        finally:
            self._grpc.unsubscribe(watch)


class _FallbackUnaryUnary(grpc.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method over whichever transport the endpoint speaks."""

    def __init__(self, channel: _FallbackChannel, native: Any, rest: Any) -> None:
        self._channel = channel
        self._judge = channel.judge
        self._grpc = native
        self._rest = rest

    def __call__(self, request: Any, timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """Call, wait, and return the response; raise grpc.RpcError if the call fails."""
        return self.with_call(request, timeout, *args, **kwargs)[0]

    def with_call(self, request: Any, timeout: float | None = None, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Call, wait, and return the response and its call; raise grpc.RpcError if the call fails."""
        route = self._judge.settled()
        if route is Route.GRPC:
            return self._grpc.with_call(request, timeout, *args, **kwargs)  # type: ignore[no-any-return]
        if route is Route.REST:
            return self._rest.with_call(request, timeout, *args, **kwargs)  # type: ignore[no-any-return]
        call, run = self._undecided(request, timeout, args, kwargs)
        run()
        return call.outcome(), call

    def future(self, request: Any, timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once an object that is both the grpc.Future and the grpc.Call."""
        route = self._judge.settled()
        if route is Route.GRPC:
            return self._grpc.future(request, timeout, *args, **kwargs)
        if route is Route.REST:
            return self._rest.future(request, timeout, *args, **kwargs)
        call, run = self._undecided(request, timeout, args, kwargs)
        threading.Thread(target=run, name="eegrpc-fallback", daemon=True).start()
        return call

    def _undecided(
        self, request: Any, timeout: float | None, args: Any, kwargs: Any
    ) -> tuple[TranscodedCall, Callable[[], None]]:
        """Return a call that is about to find out which transport to take, and the function that runs it."""
        from eegrpc.transcoding.call import TranscodedCall
        from eegrpc.transcoding.connections import Cancelled, Exchange
        from eegrpc.transcoding.deadline import Deadline
        from eegrpc.transcoding.types import TranscodingError

        exchange = Exchange(Deadline(timeout))
        call = TranscodedCall(exchange)

        def begin(multi_callable: Any) -> Any:
            inner = multi_callable.future(request, exchange.wait(), *args, **kwargs)
            exchange.on_cancel(inner.cancel)
            inner.code()  # waits for the end
            return inner

        def run() -> None:
            try:
                reply, response = self._settle(exchange, begin)
            except TranscodingError as error:
                reply, response = failure(error.code, error.details, error.reason), None
            except Cancelled:
                reply, response = CANCELLED, None
            except BaseException:
                call.cancel()  # also the call that runs underneath
                raise
            call.end(reply, response)

        return call, run

    def _settle(self, exchange: Exchange, begin: Callable[[Any], Any]) -> tuple[Reply, Any]:
        """Find out which transport to take, and return the reply and the response that came by it."""
        route = self._judge.route()
        while route is Route.WAIT:
            decided = threading.Event()
            exchange.on_cancel(decided.set)
            self._judge.listen(decided.set)
            left = exchange.wait()
            in_time = decided.wait(PROBE_PATIENCE if left is None else min(left, PROBE_PATIENCE))
            exchange.wait()
            route = self._judge.route() if in_time else Route.GRPC
        if route is Route.REST:
            return _ended(begin(self._rest))
        try:
            connected = True
            if route is Route.PROBE:
                patience = connect_patience(exchange.wait())
                connected = self._channel.wait_for_http2(patience, exchange)
            if connected:
                inner = begin(self._grpc)
                if not self._judge.heard(inner.code(), inner.details(), replayable=self._rest.replayable):
                    return _ended(inner)
            else:
                self._judge.not_grpc(f"no HTTP/2 connection within {patience:.1f} s")
        except BaseException:
            self._judge.gave_up()
            raise
        reason = self._judge.reason
        inner = begin(self._rest)
        reply, response = _ended(inner)
        if not rest_answered(reply.code, reply.trailing_metadata):
            self._judge.rest_failed()
            reply = replace(reply, details=both_failed(reply.details, reason))
        return reply, response


def _ended(call: Any) -> tuple[Reply, Any]:
    """Return the reply of a call that has ended, and its response if it is OK."""
    code = call.code()
    reply = Reply(code, call.details() or "", b"", call.initial_metadata() or (), call.trailing_metadata() or ())
    return reply, call.result() if code is grpc.StatusCode.OK else None
