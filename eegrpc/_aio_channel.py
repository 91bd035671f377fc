"""Making channels for asyncio: grpc's own, the transcoding one, or one that finds out which will do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc._auth import aio_auth_interceptors
from eegrpc._credentials import TokenSource
from eegrpc._fallback import PROBE_PATIENCE, Route, TransportJudge, both_failed, connect_patience, rest_answered
from eegrpc._options import USER_AGENT, ChannelOptions, channel_options
from eegrpc._versions import AioVersionInterceptor, http_rules, versioned_path
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Reply, TranscodingError
from eegrpc.transcoding.unary import TRANSPORT_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.transcoding.deadline import Deadline

__all__ = ["create_aio_channel"]


def create_aio_channel(
    endpoint: str | None = None,
    *,
    transport: str = "auto",
    credentials: object = None,
    api_version: str = "v1alpha",
    interceptors: Sequence[Any] = (),
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.aio.Channel:
    """Return an asyncio channel; everything else is as `eegrpc.create_channel` has it.

    Args:
        endpoint: See `eegrpc.create_channel`.
        transport: See `eegrpc.create_channel`.
        credentials: See `eegrpc.create_channel`.
        api_version: See `eegrpc.create_channel`.
        interceptors: grpc.aio client interceptors, the outermost first.
        options: See `eegrpc.create_channel`.

    Raises:
        ValueError: An argument is wrong; the text says what to do.
        TypeError: `credentials` is not something that credentials can be made of.
    """
    settings = channel_options(
        endpoint, transport=transport, credentials=credentials, api_version=api_version, options=options
    )
    chain = list(interceptors)
    if settings.credentials is not None:
        source = TokenSource(settings.credentials, quota_project=settings.quota_project)
        chain += aio_auth_interceptors(source, allow_auth_metadata=settings.allow_auth_metadata)
    if settings.speaks == "grpc":
        if settings.api_version != "v1alpha":
            chain.append(AioVersionInterceptor(settings.api_version))
        return _grpc_channel(settings, chain)
    if settings.speaks == "rest":
        rest: grpc.aio.Channel = _rest_channel(settings, chain, (TRANSPORT_LABEL,))
        return rest
    return _AioFallbackChannel(settings, chain)


def _grpc_channel(settings: ChannelOptions, interceptors: Sequence[Any]) -> grpc.aio.Channel:
    target, arguments = settings.endpoint.target, settings.grpc_arguments
    if settings.endpoint.plaintext:
        return grpc.aio.insecure_channel(target, options=arguments, interceptors=interceptors)
    credentials = grpc.ssl_channel_credentials()
    return grpc.aio.secure_channel(target, credentials, options=arguments, interceptors=interceptors)


def _rest_channel(settings: ChannelOptions, interceptors: Sequence[Any], labels: Sequence[tuple[str, str]]) -> Any:
    from eegrpc.transcoding.aio_channel import AioTranscodingChannel  # aiohttp comes along: only when it is used

    return AioTranscodingChannel(
        settings.endpoint,
        rules=http_rules(settings.api_version),
        interceptors=interceptors,
        max_receive_bytes=settings.max_message_bytes,
        max_send_bytes=settings.max_request_bytes,
        pool_size=settings.pool_size,
        user_agent=USER_AGENT,
        labels=labels,
    )


class _AioFallbackChannel(grpc.aio.Channel):
    """grpc's own channel and a transcoding channel to the same endpoint; the judge says which one a call takes."""

    def __init__(self, settings: ChannelOptions, interceptors: Sequence[Any]) -> None:
        self._settings = settings
        self._interceptors = [i for i in interceptors if isinstance(i, grpc.aio.UnaryUnaryClientInterceptor)]
        self._labels = [TRANSPORT_LABEL]
        # Streams go by gRPC alone, and so do their interceptors; unary ones run once, in front of the choice.
        self._grpc = _grpc_channel(settings, [i for i in interceptors if i not in self._interceptors])
        self._rest = _rest_channel(settings, (), self._labels)
        self.judge = TransportJudge(settings.fallback_reprobe_seconds, self._label, settings.endpoint.target)

    def _label(self, reason: str) -> None:
        self._labels[1:] = [("eegrpc-fallback-reason", reason)] if reason else []

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        """Return the callable of one unary method; see grpc.aio.Channel.unary_unary."""
        path = versioned_path(method, self._settings.api_version)
        return _AioFallbackUnaryUnary(
            self,
            self._grpc.unary_unary(path, request_serializer, response_deserializer),
            self._rest.unary_unary(method, request_serializer, response_deserializer),
            method,
            self._interceptors,
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
        """Return the connectivity state of the channel that calls take now."""
        return self._current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another than `last_observed_state`."""
        await self._current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return when the server has been reached."""
        await self._current().channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Close both channels; running calls have `grace` seconds. Idempotent."""
        await asyncio.gather(self._grpc.close(grace), self._rest.close(grace))

    async def __aenter__(self) -> _AioFallbackChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _current(self) -> grpc.aio.Channel:
        current: grpc.aio.Channel = self._rest if self.judge.reason else self._grpc
        return current

    async def wait_for_http2(self, seconds: float) -> bool:
        """Wait until gRPC has a connection or has failed to get one; return False if neither came in `seconds`."""

        async def settled() -> None:
            state = self._grpc.get_state(try_to_connect=True)
            while state not in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
                await self._grpc.wait_for_state_change(state)
                state = self._grpc.get_state(try_to_connect=True)

        try:
            await asyncio.wait_for(settled(), seconds)
        except asyncio.TimeoutError:
            return False
        return True


class _AioFallbackUnaryUnary(grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """One unary method over whichever transport the endpoint speaks."""

    def __init__(
        self, channel: _AioFallbackChannel, native: Any, rest: Any, path: str, interceptors: Sequence[Any]
    ) -> None:
        self._channel = channel
        self._judge = channel.judge
        self._grpc = native
        self._rest = rest
        self._path = path
        self._interceptors = interceptors

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
        from eegrpc.transcoding.aio_interceptors import call_details, intercepted

        details = call_details(self._path, timeout, metadata, credentials, wait_for_ready)

        def start(details: grpc.aio.ClientCallDetails, request: Any) -> Any:
            return self._start(details, request, compression)

        return intercepted(self._interceptors, details, request, start)

    def _start(
        self, details: grpc.aio.ClientCallDetails, request: Any, compression: grpc.Compression | None
    ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        """Start the call after the interceptors: directly where the transport is decided."""

        def begin(multi_callable: Any, timeout: float | None) -> grpc.aio.UnaryUnaryCall[Any, Any]:
            return multi_callable(  # type: ignore[no-any-return]
                request,
                timeout=timeout,
                metadata=details.metadata,
                credentials=details.credentials,
                wait_for_ready=details.wait_for_ready,
                compression=compression,
            )

        route = self._judge.settled()
        if route is Route.GRPC:
            return begin(self._grpc, details.timeout)
        if route is Route.REST:
            return begin(self._rest, details.timeout)
        from eegrpc.transcoding.aio_call import AioTranscodedCall
        from eegrpc.transcoding.deadline import Deadline, deadline_exceeded

        deadline, expired = Deadline(details.timeout), deadline_exceeded()
        run = self._settle(deadline, begin)
        return AioTranscodedCall(run, deadline, failure(expired.code, expired.details, expired.reason))

    async def _settle(self, deadline: Deadline, begin: Callable[..., Any]) -> tuple[Reply, Any]:
        """Find out which transport to take, and return the reply and the response that came by it."""
        route = self._judge.route()
        try:
            while route is Route.WAIT:
                decided = asyncio.Event()
                self._judge.listen(decided.set)  # the judge of an asyncio channel speaks on its loop's thread alone
                try:
                    await asyncio.wait_for(decided.wait(), PROBE_PATIENCE)
                    route = self._judge.route()
                except asyncio.TimeoutError:
                    route = Route.GRPC
            if route is Route.REST:
                return await _ended(begin(self._rest, deadline.wait()))
            try:
                connected = True
                if route is Route.PROBE:
                    patience = connect_patience(deadline.wait())
                    connected = await self._channel.wait_for_http2(patience)
                if connected:
                    reply, response = await _ended(begin(self._grpc, deadline.wait()))
                    if not self._judge.heard(reply.code, reply.details, replayable=self._rest.replayable):
                        return reply, response
                else:
                    self._judge.not_grpc(f"no HTTP/2 connection within {patience:.1f} s")
            except BaseException:
                self._judge.gave_up()
                raise
            reason = self._judge.reason
            reply, response = await _ended(begin(self._rest, deadline.wait()))
        except TranscodingError as error:
            return failure(error.code, error.details, error.reason), None
        if not rest_answered(reply.code, reply.trailing_metadata):
            self._judge.rest_failed()
            reply = replace(reply, details=both_failed(reply.details, reason))
        return reply, response


async def _ended(call: Any) -> tuple[Reply, Any]:
    """Wait for a call's end and return its reply, and its response if it is OK; to cancel this cancels the call."""
    try:
        code = await call.code()
    except asyncio.CancelledError:
        call.cancel()
        raise
    initial, trailing = await call.initial_metadata(), await call.trailing_metadata()
    reply = Reply(code, await call.details() or "", b"", tuple(initial or ()), tuple(trailing or ()))
    return reply, await call if code is grpc.StatusCode.OK else None
