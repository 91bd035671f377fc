"""A grpc.aio.Channel over gRPC or REST, whichever the endpoint speaks; `_fallback_channel` is the blocking one."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc._fallback import (
    Route,
    TransportJudge,
    both_failed,
    combined_state,
    connect_patience,
    probe_patience,
    rest_answered,
)
from eegrpc._processes import restart_in_children
from eegrpc._versions import versioned_path
from eegrpc.transcoding.aio_call import AioTranscodedCall
from eegrpc.transcoding.aio_interceptors import call_details, intercepted
from eegrpc.transcoding.deadline import Deadline, deadline_exceeded
from eegrpc.transcoding.loops import OneLoop
from eegrpc.transcoding.metadata import check_metadata
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Reply, TranscodingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from eegrpc.transcoding.aio_channel import AioTranscodingChannel

__all__ = ["AioFallbackChannel"]

_State = grpc.ChannelConnectivity


class AioFallbackChannel(OneLoop, grpc.aio.Channel):
    """grpc's own channel and a transcoding channel to the same endpoint; the judge says which one a call takes."""

    def __init__(
        self,
        native: grpc.aio.Channel,
        rest: AioTranscodingChannel,
        judge: TransportJudge,
        api_version: str,
        interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor],
    ) -> None:
        self.judge = judge
        self.rest = rest
        self._grpc = native
        self._api_version = api_version
        self._interceptors = interceptors
        self._undecided: set[AioTranscodedCall] = set()
        self.closed = False
        restart_in_children(self)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.aio.Channel.unary_unary."""
        path = versioned_path(method, self._api_version)
        # Twice: a call that finds out which to take is serialized once, and at once: its caller may change the message.
        return _AioFallbackUnaryUnary(
            self,
            method,
            self._interceptors,
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

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the state of the better connected of both channels."""
        if try_to_connect:  # while nothing is known, only that something listens there: that is all REST finds out
            (self._grpc if self.judge.settled() is Route.GRPC else self.rest).get_state(try_to_connect=True)
        return combined_state(self._grpc.get_state(), self.rest.get_state())

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another than `last_observed_state`."""
        while self.get_state() is last_observed_state:
            watches = [
                asyncio.ensure_future(channel.wait_for_state_change(channel.get_state()))
                for channel in (self._grpc, self.rest)
            ]
            try:
                await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for watch in watches:
                    watch.cancel()
                await asyncio.gather(*watches, return_exceptions=True)

    async def channel_ready(self) -> None:
        """Return when the server has been reached."""
        while (state := self.get_state(try_to_connect=True)) is not _State.READY:
            if self.closed:
                await self.rest.channel_ready()  # raises
            await self.wait_for_state_change(state)

    async def close(self, grace: float | None = None) -> None:
        """Close both channels; running calls have `grace` seconds. Later ones raise grpc.aio.UsageError. Idempotent."""
        self.closed = True
        if self._left_behind():
            await self.rest.close()
            return
        calls = list(self._undecided)
        if calls and grace:
            await asyncio.wait([asyncio.ensure_future(call.code()) for call in calls], timeout=grace)
        for call in calls:
            call.cancel()  # as grpc's own channels do
        await asyncio.gather(self._grpc.close(grace), self.rest.close(grace), *(call.code() for call in calls))

    async def __aenter__(self) -> AioFallbackChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def begin(
        self, run: Coroutine[Any, Any, tuple[Reply, Any]], deadline: Deadline, switched: list[str]
    ) -> AioTranscodedCall:
        """Start a call that finds out which transport to take; `switched` gets why it goes by REST, once it does."""
        late = deadline_exceeded()
        call = _UndecidedCall(run, deadline, lambda: failure(late.code, late.details, late.reason))
        call.switched, call.labels = switched, self.judge.labels
        self._undecided.add(call)
        call.add_done_callback(self._undecided.discard)
        return call

    async def wait_for_http2(self, seconds: float, *, wait_for_ready: bool) -> grpc.ChannelConnectivity | None:
        """Return READY or TRANSIENT_FAILURE once gRPC has a connection or failed to get one; None after `seconds`.

        A failure of long ago is as good as a new one, unless the call may wait for the connection.
        """

        async def settled() -> grpc.ChannelConnectivity:
            state = self._grpc.get_state(try_to_connect=True)
            stale = wait_for_ready and state is _State.TRANSIENT_FAILURE
            while state is not _State.READY and (stale or state is not _State.TRANSIENT_FAILURE):
                await self._grpc.wait_for_state_change(state)
                state = self._grpc.get_state(try_to_connect=True)
            return state

        # Not asyncio.wait_for: before Python 3.12 it may lose a cancellation.
        settling = asyncio.ensure_future(settled())
        try:
            done, _ = await asyncio.wait((settling,), timeout=seconds)
        finally:
            settling.cancel()
        return settling.result() if done else None


class _UndecidedCall(AioTranscodedCall):
    """A call that finds out which transport to take; it says what it did, also when its time is over first."""

    switched: Sequence[str]
    """Why it goes by REST, once it does."""
    labels: Sequence[tuple[str, str]]

    def end(self, reply: Reply) -> bool:
        """End the call now with `reply`, closing its connection; False if it has ended already."""
        if reply.code is grpc.StatusCode.DEADLINE_EXCEEDED and self.switched:
            reply = both_failed(reply, self.switched[0])._replace(trailing_metadata=tuple(self.labels))
        return super().end(reply)


class _AioFallbackUnaryUnary(grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method over whichever transport the endpoint speaks."""

    def __init__(
        self,
        channel: AioFallbackChannel,
        path: str,
        interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor],
        native: Any,
        rest: Any,
        wire_native: Any,
        wire_rest: Any,
    ) -> None:
        self._channel = channel
        self._judge = channel.judge
        self._path = path
        self._interceptors = interceptors
        self._grpc = native
        self._rest = rest
        self._wire_grpc = wire_native
        self._wire_rest = wire_rest

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Start the call and return it; awaiting it gives the response."""
        details = call_details(self._path, timeout, metadata, credentials, wait_for_ready)

        def start(details: grpc.aio.ClientCallDetails, request: Any) -> Any:
            return self._start(details, request, compression)

        return intercepted(self._interceptors, details, request, start)

    def _start(
        self, details: grpc.aio.ClientCallDetails, request: Any, compression: grpc.Compression | None
    ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Start the call after the interceptors: directly where the transport is decided."""
        self._channel._require_loop()

        def begin(
            multi_callable: Any, message: Any, timeout: float | None, wait: bool | None
        ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
            return multi_callable(  # type: ignore[no-any-return]
                message,
                timeout=timeout,
                metadata=details.metadata,
                credentials=details.credentials,
                wait_for_ready=wait,
                compression=compression,
            )

        route = self._judge.settled()
        if route is Route.GRPC:
            return begin(self._grpc, request, details.timeout, details.wait_for_ready)
        if route is Route.REST or self._channel.closed:
            return begin(self._rest, request, details.timeout, details.wait_for_ready)
        deadline, wire = Deadline(details.timeout), self._rest.serialized(request)
        switched: list[str] = []

        async def attempt(multi_callable: Any, wait: bool) -> tuple[Reply, Any]:
            return await _ended(begin(multi_callable, wire, deadline.wait(), wait))

        async def run() -> tuple[Reply, Any]:
            try:
                check_metadata(tuple(details.metadata or ()))
                if isinstance(wire, TranscodingError):
                    raise wire
                return await self._settle(deadline, attempt, bool(details.wait_for_ready), switched)
            except TranscodingError as error:
                return failure(error.code, error.details, error.reason), None

        return self._channel.begin(run(), deadline, switched)

    async def _settle(
        self,
        deadline: Deadline,
        attempt: Callable[..., Awaitable[tuple[Reply, Any]]],
        wait_for_ready: bool,
        switched: list[str],
    ) -> tuple[Reply, Any]:
        """Find out which transport to take, and return the reply and the response that came by it."""
        if wait_for_ready:
            await self._channel.rest.connect()  # whatever is spoken there, something must listen
        route = await self._route(deadline)
        if route in (Route.GRPC, Route.REST):
            return await attempt(self._wire_grpc if route is Route.GRPC else self._wire_rest, wait_for_ready)
        try:
            outcome, reason = await self._by_grpc(deadline, attempt, wait_for_ready)
        finally:
            if route is Route.PROBE:
                self._judge.probe_ended()
        if outcome is not None and not reason:
            return outcome
        switched.append(reason)
        answered = False
        try:
            reply, response = await attempt(self._wire_rest, wait_for_ready)
            answered = rest_answered(reply)
        finally:
            if not answered:  # also when it was cancelled, as it is at the deadline
                self._judge.rest_failed()
        return reply if answered else both_failed(reply, reason), response

    async def _route(self, deadline: Deadline) -> Route:
        """Return what to do: at once, or when the call that is trying gRPC has found out, or after too long."""
        waiting = Deadline(probe_patience(deadline.wait()))
        while (route := self._judge.route()) is Route.WAIT and (left := waiting.remaining() or 0) > 0:
            told = asyncio.get_running_loop().create_future()
            tell = functools.partial(_tell, told)  # the judge of an asyncio channel speaks on its loop's thread alone
            self._judge.listen(tell)
            try:
                await asyncio.wait((told,), timeout=left)
            finally:
                self._judge.unlisten(tell)
        return route

    async def _by_grpc(
        self, deadline: Deadline, attempt: Callable[..., Awaitable[tuple[Reply, Any]]], wait_for_ready: bool
    ) -> tuple[tuple[Reply, Any] | None, str]:
        """Try gRPC; return what came of it, and why to go by REST, if so."""
        patience = connect_patience(deadline.wait())
        state = await self._channel.wait_for_http2(patience, wait_for_ready=wait_for_ready)
        if state is None and (reason := self._judge.not_grpc(f"no HTTP/2 connection within {patience:.1f} s")):
            return None, reason
        outcome = await attempt(self._wire_grpc, False)
        connected = state is _State.READY
        return outcome, self._judge.heard(outcome[0], connected=connected, replayable=self._rest.replayable)


def _tell(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)


async def _ended(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> tuple[Reply, Any]:
    """Wait for a call's end and return its reply, and its response if it is OK; to cancel this cancels the call."""
    try:
        response = await call
    except grpc.aio.AioRpcError as error:
        initial, trailing = error.initial_metadata(), error.trailing_metadata()
        return Reply(error.code(), error.details() or "", b"", tuple(initial or ()), tuple(trailing or ())), None
    initial, trailing = await call.initial_metadata(), await call.trailing_metadata()
    reply = Reply(await call.code(), await call.details() or "", b"", tuple(initial or ()), tuple(trailing or ()))
    return reply, response
