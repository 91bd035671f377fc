"""Making channels for asyncio: grpc's own, the transcoding one, or one that finds out which will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc._options import USER_AGENT, ChannelOptions, channel_options
from eegrpc._processes import keep_in_children, restart_in_children
from eegrpc._versions import AioVersionInterceptor, http_rules
from eegrpc.transcoding.status import TRANSPORT_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        RuntimeError: The process is the fork of one that had such a channel by gRPC already; the text says what to do.
    """
    settings = channel_options(
        endpoint, transport=transport, credentials=credentials, api_version=api_version, options=options
    )
    chain = list(interceptors)
    if settings.credentials is not None:
        from eegrpc._auth import aio_auth_interceptors
        from eegrpc._tokens import TokenSource

        source = TokenSource(settings.credentials, quota_project=settings.quota_project)
        chain += aio_auth_interceptors(source, allow_auth_metadata=settings.allow_auth_metadata)
    if settings.speaks == "grpc":
        if settings.api_version != "v1alpha":
            chain.append(AioVersionInterceptor(settings.api_version))
        return _grpc_channel(settings, chain)
    if settings.speaks == "rest":
        rest: grpc.aio.Channel = _rest_channel(settings, chain, (TRANSPORT_LABEL,))
        return rest
    from eegrpc._aio_fallback_channel import AioFallbackChannel
    from eegrpc._fallback import TransportJudge

    judge = TransportJudge(settings.fallback_reprobe_seconds, settings.endpoint.target)
    # Streams go by gRPC alone, and so do their interceptors; unary ones run once, in front of the choice.
    unary = [each for each in chain if isinstance(each, grpc.aio.UnaryUnaryClientInterceptor)]
    native = _grpc_channel(settings, [each for each in chain if each not in unary])
    return AioFallbackChannel(native, _rest_channel(settings, (), judge.labels), judge, settings.api_version, unary)


def _grpc_channel(settings: ChannelOptions, interceptors: Sequence[Any]) -> grpc.aio.Channel:
    target, arguments = settings.endpoint.target, settings.grpc_arguments
    _core.use()
    if settings.endpoint.plaintext:
        channel = grpc.aio.insecure_channel(target, options=arguments, interceptors=interceptors)
    else:
        credentials = grpc.ssl_channel_credentials()
        channel = grpc.aio.secure_channel(target, credentials, options=arguments, interceptors=interceptors)
    keep_in_children(channel)
    return channel


def _rest_channel(settings: ChannelOptions, interceptors: Sequence[Any], labels: Sequence[tuple[str, str]]) -> Any:
    from eegrpc.transcoding.aio_channel import AioTranscodingChannel  # brings what REST needs: only when it is used

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


class _Core:
    """gRPC's core for asyncio: once used, it does not survive a fork, nor begin anew in the child."""

    def __init__(self) -> None:
        self._used = False
        self._inherited = False

    def use(self) -> None:
        """Take note that it is used, or raise RuntimeError where calls would hang or abort the process."""
        if self._inherited:
            raise RuntimeError(
                "the process was forked after it had made an asyncio channel by gRPC, and grpcio cannot make another "
                "in the child: use transport='rest' or the synchronous client, or fork before such channels are made"
            )
        self._used = True

    def _after_fork(self) -> None:
        self._inherited = self._used


_core = _Core()
restart_in_children(_core)
