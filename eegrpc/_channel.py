"""Making channels for blocking callers: grpc's own, the transcoding one, or one that finds out which will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._native_channel import NativeChannel
from eegrpc._options import USER_AGENT, ChannelOptions, channel_options
from eegrpc._versions import VersionInterceptor, http_rules
from eegrpc.transcoding.status import TRANSPORT_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        endpoint: ``host[:port]`` or ``https://…`` for TLS; ``http://…`` for plaintext, refused with credentials unless
            the host is loopback. None: the emulator that EARTHENGINE_EMULATOR_HOST names, else
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
        channel = _rest_channel(settings, (TRANSPORT_LABEL,))
    else:
        from eegrpc._fallback import TransportJudge
        from eegrpc._fallback_channel import FallbackChannel

        judge = TransportJudge(settings.fallback_reprobe_seconds, settings.endpoint.target)
        native, rest = _grpc_channel(settings), _rest_channel(settings, judge.labels)
        channel = FallbackChannel(native, rest, judge, settings.api_version)
    inner: list[Any] = []
    if settings.credentials is not None:
        from eegrpc._auth import AuthInterceptor
        from eegrpc._tokens import TokenSource

        source = TokenSource(settings.credentials, quota_project=settings.quota_project)
        inner.append(AuthInterceptor(source, allow_auth_metadata=settings.allow_auth_metadata))
    if interceptors or inner:
        channel = grpc.intercept_channel(channel, *interceptors, *inner)
    return channel


def _grpc_channel(settings: ChannelOptions) -> grpc.Channel:
    target, arguments = settings.endpoint.target, settings.grpc_arguments

    def make() -> grpc.Channel:
        if settings.endpoint.plaintext:
            return grpc.insecure_channel(target, options=arguments)
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options=arguments)

    return NativeChannel(make)


def _rest_channel(settings: ChannelOptions, labels: Sequence[tuple[str, str]]) -> Any:
    from eegrpc.transcoding.channel import TranscodingChannel  # brings what REST needs: only when it is used

    return TranscodingChannel(
        settings.endpoint,
        rules=http_rules(settings.api_version),
        max_receive_bytes=settings.max_message_bytes,
        max_send_bytes=settings.max_request_bytes,
        pool_size=settings.pool_size,
        user_agent=USER_AGENT,
        labels=labels,
    )
