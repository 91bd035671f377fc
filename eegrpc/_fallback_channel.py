"""A grpc.Channel over gRPC or REST, whichever the endpoint speaks: `_fallback` decides, and calls wait for it here."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._fallback import (
    Route,
    TransportJudge,
    both_failed,
    combined_state,
    connect_patience,
    probe_patience,
    rest_answered,
)
from eegrpc._processes import NotPicklable, restart_in_children
from eegrpc._versions import versioned_path
from eegrpc.transcoding.call import TranscodedCall
from eegrpc.transcoding.connectivity import Connectivity
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.metadata import check_metadata
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Metadata, Reply, TranscodingError
from eegrpc.transcoding.unary import CANCELLED, CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.transcoding.channel import TranscodingChannel
    from eegrpc.transcoding.exchange import Exchange

__all__ = ["FallbackChannel"]

_State = grpc.ChannelConnectivity


class FallbackChannel(NotPicklable, grpc.Channel):
    """grpc's own channel and a transcoding channel to the same endpoint; the judge says which one a call takes."""

    def __init__(self, native: grpc.Channel, rest: TranscodingChannel, judge: TransportJudge, api_version: str) -> None:
        self.judge = judge
        self.rest = rest
        self.http2 = _Http2(native)
        self._grpc = native
        self._api_version = api_version
        self._lock = threading.Lock()
        self._undecided: dict[Exchange, TranscodedCall] = {}
        self.closed = False
        self._watcher: _Watcher | None = None
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Begin without the parent's calls and watchers; the two channels have parts of their own in this."""
        self._lock = threading.Lock()
        self._undecided = {}
        self._watcher = None
        self.http2 = _Http2(self._grpc)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.Channel.unary_unary."""
        path = versioned_path(method, self._api_version)
        # Twice: a call that finds out which to take is serialized once, and at once: its caller may change the message.
        return _FallbackUnaryUnary(
            self,
            self._grpc.unary_unary(path, request_serializer, response_deserializer),
            self.rest.unary_unary(method, request_serializer, response_deserializer),
            self._grpc.unary_unary(path, None, response_deserializer),
            self.rest.unary_unary(method, None, response_deserializer),
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
        """Call `callback` with the state of the better connected of both channels, now and with each change."""
        with self._lock:
            if self._watcher is None:
                self._watcher = _Watcher(self._grpc, self.rest)
            self._watcher.subscribe(callback)
        if try_to_connect:  # while nothing is known, only that something listens there: that is all REST finds out
            channel = self._grpc if self.judge.settled() is Route.GRPC else self.rest
            channel.subscribe(_nobody, try_to_connect=True)
            channel.unsubscribe(_nobody)

    def unsubscribe(self, callback: Callable[[Any], None]) -> None:
        """Stop calling `callback`."""
        with self._lock:
            if self._watcher is not None and not self._watcher.unsubscribe(callback):
                self._watcher = None

    def close(self) -> None:
        """Cancel the running calls and close both channels; later calls raise ValueError. Idempotent."""
        with self._lock:
            self.closed = True
            running = list(self._undecided.items())
        for exchange, call in running:
            call.end(CLOSED)
            exchange.cancel()
        self.rest.close()
        self._grpc.close()

    def __enter__(self) -> FallbackChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, exchange: Exchange, call: TranscodedCall) -> None:
        """Note a call that finds out which transport to take, so that `close` ends it."""
        with self._lock:
            if self.closed:
                raise ValueError("Cannot invoke RPC on closed channel!")
            self._undecided[exchange] = call

    def forget(self, exchange: Exchange) -> None:
        """Take note that a call has ended."""
        with self._lock:
            self._undecided.pop(exchange, None)


class _Http2:
    """Whether gRPC gets an HTTP/2 connection.

    The channel is watched from the first question on, by one subscription that asks it to connect.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._changed = threading.Condition()
        self._watching = False
        self._state = _State.IDLE
        self._succeeded = False

    def wait(self, seconds: float, exchange: Exchange, *, wait_for_ready: bool) -> bool | None:
        """Return True once there is or was a connection, False if gRPC has failed to get one; None after `seconds`.

        A failure of long ago is as good as a new one, unless the call may wait for the connection.
        """
        exchange.on_cancel(self._wake)
        with self._changed:
            if not self._watching:
                self._watching = True
                self._channel.subscribe(self._change, try_to_connect=True)
            stale = wait_for_ready and self._state is _State.TRANSIENT_FAILURE
            self._changed.wait_for(
                lambda: (
                    exchange.cancelled or self._succeeded or (self._state is _State.TRANSIENT_FAILURE and not stale)
                ),
                seconds,
            )
        exchange.wait()
        if not self._succeeded and self._state is not _State.TRANSIENT_FAILURE:
            return None
        return self._succeeded

    def stop(self) -> None:
        """Stop watching, as gRPC is known to work."""
        self._channel.unsubscribe(self._change)

    def _change(self, state: _State) -> None:
        with self._changed:
            self._state = state
            self._succeeded = self._succeeded or state is _State.READY
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Watcher:
    """The connectivity of two channels as one, for as long as anybody looks: grpc polls for it."""

    def __init__(self, *channels: grpc.Channel) -> None:
        self._connectivity = Connectivity()
        self._callbacks: list[Callable[[Any], None]] = []
        self._lock = threading.Lock()
        self._states = [self._connectivity.state] * len(channels)
        self._watched = [(channel, functools.partial(self._changed, i)) for i, channel in enumerate(channels)]
        for channel, watch in self._watched:
            channel.subscribe(watch)

    def subscribe(self, callback: Callable[[Any], None]) -> None:
        self._callbacks.append(callback)
        self._connectivity.subscribe(callback)

    def unsubscribe(self, callback: Callable[[Any], None]) -> bool:
        """Stop calling `callback`; return whether anybody still looks."""
        self._connectivity.unsubscribe(callback)
        if callback in self._callbacks:
            self._callbacks.remove(callback)
        if not self._callbacks:
            for channel, watch in self._watched:
                channel.unsubscribe(watch)
        return bool(self._callbacks)

    def _changed(self, index: int, state: _State) -> None:
        with self._lock:
            self._states[index] = state
            self._connectivity.change(combined_state(*self._states))


def _nobody(_: _State) -> None:
    """Watch a channel's state for nobody."""


class _FallbackUnaryUnary(grpc.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method over whichever transport the endpoint speaks."""

    def __init__(self, channel: FallbackChannel, native: Any, rest: Any, wire_native: Any, wire_rest: Any) -> None:
        self._channel = channel
        self._judge = channel.judge
        self._grpc = native
        self._rest = rest
        self._wire_grpc = wire_native
        self._wire_rest = wire_rest

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
        call, run = self._prepare(request, timeout, *args, **kwargs)
        run()
        return call.outcome(), call

    def future(self, request: Any, timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once an object that is both the grpc.Future and the grpc.Call."""
        route = self._judge.settled()
        if route is Route.GRPC:
            return self._grpc.future(request, timeout, *args, **kwargs)
        if route is Route.REST:
            return self._rest.future(request, timeout, *args, **kwargs)
        call, run = self._prepare(request, timeout, *args, **kwargs)
        threading.Thread(target=run, name="eegrpc-fallback", daemon=True).start()
        return call

    def _prepare(
        self,
        request: Any,
        timeout: float | None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> tuple[TranscodedCall, Callable[[], None]]:
        """Return a call that is about to find out which transport to take, and the function that runs it."""
        from eegrpc.transcoding.exchange import Cancelled, Exchange  # brings what REST needs

        exchange = Exchange(Deadline(timeout))
        call = TranscodedCall(exchange)
        headers = () if metadata is None else tuple(metadata)
        wire = self._rest.serialized(request)
        self._channel.begin(exchange, call)

        def attempt(multi_callable: Any, wait: bool) -> tuple[Reply, Any]:
            left = exchange.wait()
            try:
                inner = multi_callable.future(wire, left, headers, credentials, wait, compression)
            except ValueError as error:
                if self._channel.closed:
                    raise Cancelled from error
                raise
            try:
                exchange.on_cancel(inner.cancel)
            except Cancelled:
                inner.cancel()
                raise
            return _ended(inner)

        def run() -> None:
            try:
                check_metadata(headers)
                if isinstance(wire, TranscodingError):
                    raise wire
                reply, response = self._settle(exchange, attempt, bool(wait_for_ready))
            except TranscodingError as error:
                reply, response = failure(error.code, error.details, error.reason), None
            except Cancelled:
                reply, response = CANCELLED, None
            except ValueError:  # what grpc raises when its channel is closed just before the call begins
                if not call.done():
                    raise
                return
            except BaseException:
                call.cancel()  # also the call that runs underneath
                raise
            finally:
                self._channel.forget(exchange)
            call.end(reply, response)

        return call, run

    def _settle(
        self, exchange: Exchange, attempt: Callable[..., tuple[Reply, Any]], wait_for_ready: bool
    ) -> tuple[Reply, Any]:
        """Find out which transport to take, and return the reply and the response that came by it."""
        if wait_for_ready:
            self._channel.rest.connect(exchange)  # whatever is spoken there, something must listen
        route = self._route(exchange)
        if route in (Route.GRPC, Route.REST):
            return attempt(self._wire_grpc if route is Route.GRPC else self._wire_rest, wait_for_ready)
        try:
            outcome, reason = self._by_grpc(exchange, attempt, wait_for_ready)
        finally:
            if route is Route.PROBE:
                self._judge.probe_ended()
        if outcome is not None and not reason:
            return outcome
        answered = False
        try:
            reply, response = attempt(self._wire_rest, wait_for_ready)
            answered = rest_answered(reply)
        finally:
            if not answered:
                self._judge.rest_failed()
        return reply if answered else both_failed(reply, reason), response

    def _route(self, exchange: Exchange) -> Route:
        """Return what to do: at once, or when the call that is trying gRPC has found out, or after too long."""
        waiting = Deadline(probe_patience(exchange.wait()))
        while (route := self._judge.route()) is Route.WAIT and (left := waiting.remaining() or 0) > 0:
            told = threading.Event()
            exchange.on_cancel(told.set)
            self._judge.listen(told.set)
            try:
                told.wait(left)
            finally:
                self._judge.unlisten(told.set)
            exchange.wait()
        return route

    def _by_grpc(
        self, exchange: Exchange, attempt: Callable[..., tuple[Reply, Any]], wait_for_ready: bool
    ) -> tuple[tuple[Reply, Any] | None, str]:
        """Try gRPC; return what came of it, and why to go by REST, if so."""
        patience = connect_patience(exchange.wait())
        connected = self._channel.http2.wait(patience, exchange, wait_for_ready=wait_for_ready)
        if connected is None and (reason := self._judge.not_grpc(f"no HTTP/2 connection within {patience:.1f} s")):
            return None, reason
        outcome = attempt(self._wire_grpc, False)
        reason = self._judge.heard(outcome[0], connected=bool(connected), replayable=self._rest.replayable)
        if self._judge.settled() is Route.GRPC:
            self._channel.http2.stop()
        return outcome, reason


def _ended(call: Any) -> tuple[Reply, Any]:
    """Wait for a call's end and return its reply, and its response if it is OK."""
    code = call.code()
    reply = Reply(code, call.details() or "", b"", call.initial_metadata() or (), call.trailing_metadata() or ())
    return reply, call.result() if code is grpc.StatusCode.OK else None
