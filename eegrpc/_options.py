"""All that can be said about a channel, checked once and kept in one frozen record."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from eegrpc._version import VERSION
from eegrpc.transcoding.endpoint import Endpoint

if TYPE_CHECKING:
    from eegrpc._credentials import Resolved

__all__ = [
    "DEFAULT_ENDPOINT",
    "DEFAULT_MAX_MESSAGE_BYTES",
    "EMULATOR_VARIABLE",
    "HIGH_VOLUME_ENDPOINT",
    "USER_AGENT",
    "ApiVersion",
    "ChannelOptions",
    "Endpoint",
    "Transport",
    "channel_options",
]

Transport = Literal["auto", "grpc", "rest"]
ApiVersion = Literal["v1alpha", "v1beta", "v1"]

DEFAULT_ENDPOINT = "https://earthengine.googleapis.com"
"""Earth Engine's standard endpoint."""

HIGH_VOLUME_ENDPOINT = "https://earthengine-highvolume.googleapis.com"
"""Earth Engine's endpoint for many small automated calls: higher latency, less caching."""

EMULATOR_VARIABLE = "EARTHENGINE_EMULATOR_HOST"
"""Environment variable with the ``host:port`` of an emulator, which then replaces the default endpoint."""

DEFAULT_MAX_MESSAGE_BYTES = 128 << 20
"""Largest answer taken, decompressed. A full page is tens of MB: gRPC's own 4 MiB are too few, no limit a risk."""

USER_AGENT = f"eegrpc/{VERSION}"
"""What both transports send in front of their own user agent."""

_INT_MAX = (1 << 31) - 1  # gRPC's integer arguments are C ints
_GOOGLE_KEEPALIVE_MS = 30_000  # Google's front ends answer faster pings with too_many_pings, and hang up

_SECRET = ("credentials", "grpc_options")

_logger = logging.getLogger(__name__)


class ChannelOptions(NamedTuple):
    """What a channel is made from; `channel_options` makes and checks it.

    Credentials and gRPC arguments are left out of its repr, as they may hold secrets; pickling raises TypeError.
    """

    endpoint: Endpoint
    transport: Transport = "auto"
    api_version: ApiVersion = "v1alpha"
    credentials: Resolved = None
    """What tokens come from (see `eegrpc._credentials.resolve_credentials`); None is anonymous."""
    quota_project: str | None = None
    """Project to bill, over the one that the credentials name."""
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    """Largest response message, decompressed; RESOURCE_EXHAUSTED beyond it, on every transport."""
    max_request_bytes: int | None = None
    """Largest request message; None for no limit of the channel's own."""
    pool_size: int = 64
    """HTTP connections that the REST transport keeps; more calls than that wait for one."""
    keepalive_time_ms: int = _GOOGLE_KEEPALIVE_MS
    keepalive_timeout_ms: int = 10_000
    keepalive_without_calls: bool = False
    fallback_reprobe_seconds: float = 300.0
    """How long `auto` stays with REST before it tries gRPC again."""
    allow_auth_metadata: bool = False
    """Whether single calls may bring ``authorization`` and its like in their metadata."""
    grpc_options: tuple[tuple[str, int | str | bytes], ...] = ()
    """What else the user gave for gRPC itself, checked. `grpc_arguments` has all of it."""

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self._asdict().items() if name not in _SECRET)
        return f"ChannelOptions({', '.join(shown)})"

    def __reduce__(self) -> Any:
        raise TypeError("channel options may hold secrets and cannot be pickled; make the channel in the other process")

    @property
    def speaks(self) -> Transport:
        """The transport to use: what the user said, and REST for Google, who serves no gRPC with our field numbers."""
        return "rest" if self.transport == "auto" and self.endpoint.is_google else self.transport

    @property
    def grpc_arguments(self) -> tuple[tuple[str, int | str | bytes], ...]:
        """All channel arguments for grpc.secure_channel and its like, each once; what the user gave replaces ours."""
        ours: dict[str, int | str | bytes] = {
            "grpc.max_receive_message_length": self.max_message_bytes,
            "grpc.max_send_message_length": -1 if self.max_request_bytes is None else self.max_request_bytes,
            "grpc.keepalive_time_ms": self.keepalive_time_ms,
            "grpc.keepalive_timeout_ms": self.keepalive_timeout_ms,
            "grpc.keepalive_permit_without_calls": int(self.keepalive_without_calls),
            # A keepalive ping waits for an earlier one that measures bandwidth, and that one's own limit is a minute.
            "grpc.http2.ping_timeout_ms": self.keepalive_time_ms + self.keepalive_timeout_ms,
            # Or channels of this process would share connections, and a forked child its parent's.
            "grpc.use_local_subchannel_pool": 1,
            "grpc.primary_user_agent": USER_AGENT,
        }
        if self.endpoint.is_loopback:
            ours["grpc.enable_http_proxy"] = 0  # a proxy would look for 127.0.0.1 on its own machine
        return tuple({**ours, **dict(self.grpc_options)}.items())


def channel_options(
    endpoint: str | Endpoint | None = None,
    *,
    transport: str = "auto",
    credentials: object = None,
    api_version: str = "v1alpha",
    options: Sequence[tuple[str, Any]] = (),
) -> ChannelOptions:
    """Check what a user said about a channel, and return it in full.

    Args:
        endpoint: ``host[:port]`` or ``https://…`` for TLS, ``http://…`` for plaintext. None: the emulator that the
            environment variable EARTHENGINE_EMULATOR_HOST names (``host:port``, plaintext), else
            https://earthengine.googleapis.com. A channel to that emulator is always anonymous, whatever `credentials`
            say: a variable must not be able to send anybody's token somewhere else. Name the endpoint to use both.
        transport: ``auto``, ``grpc`` or ``rest``.
        credentials: See `eegrpc._credentials.resolve_credentials`.
        api_version: ``v1alpha``, ``v1beta`` or ``v1``.
        options: (name, value) pairs as for gRPC channels. On every transport: ``grpc.max_receive_message_length`` and
            ``grpc.max_send_message_length`` (bytes), ``eegrpc.pool_size`` (connections), ``eegrpc.quota_project``
            (project id), ``eegrpc.scopes`` (sequence of OAuth scopes), ``eegrpc.allow_auth_metadata`` (bool) and
            ``eegrpc.fallback_reprobe_seconds`` (number). Other ``grpc.…`` names go to gRPC; ``grpc.http_proxy`` only
            with ``transport="grpc"``, as REST knows no proxies.

    Raises:
        ValueError: Something of it is wrong, contradicts itself, or would send credentials over plaintext to another
            machine; the text says what, and what to do. The caller must correct it.
        TypeError: `credentials` is not something that credentials can be made of.
    """
    if transport not in get_args(Transport):
        raise ValueError(f"transport is {transport!r}: use one of {', '.join(get_args(Transport))}")
    if api_version not in get_args(ApiVersion):
        raise ValueError(f"api_version is {api_version!r}: use one of {', '.join(get_args(ApiVersion))}")
    given = _read_options(options)
    scopes = given.pop("scopes", None)

    place, emulator = _place(endpoint)
    if emulator:
        if credentials is not None:
            _logger.info("%s is set: the credentials given are not used", EMULATOR_VARIABLE)
        resolved = None
    elif credentials is None and not place.is_google:
        resolved = None  # a user's Google token goes to no other host unasked
    else:
        from eegrpc._credentials import DEFAULT_SCOPES, resolve_credentials

        resolved = resolve_credentials(
            credentials, endpoint=place, scopes=scopes or DEFAULT_SCOPES, quota_project=given.get("quota_project")
        )
    if given.get("allow_auth_metadata") and place.plaintext and not place.is_loopback:
        raise ValueError(
            f"option eegrpc.allow_auth_metadata with plaintext http:// to {place.host}: anyone on the way could read "
            "what calls authenticate by. Use https://, or a loopback endpoint"
        )
    if place.is_google and given.get("keepalive_time_ms", _GOOGLE_KEEPALIVE_MS) < _GOOGLE_KEEPALIVE_MS:
        raise ValueError(
            f"option grpc.keepalive_time_ms below {_GOOGLE_KEEPALIVE_MS}: Google closes connections that ping faster "
            "(too_many_pings); use at least 30000"
        )
    made = ChannelOptions(
        endpoint=place,
        transport=cast("Transport", transport),
        api_version=cast("ApiVersion", api_version),
        credentials=resolved,
        **given,
    )
    if made.speaks != "grpc" and any(name == "grpc.http_proxy" for name, _ in made.grpc_options):
        raise ValueError(
            "option grpc.http_proxy: the REST transport connects directly and would go around the proxy. Use "
            'transport="grpc", or leave the option out'
        )
    return made


def is_google(endpoint: str | None) -> bool:
    """Return whether a channel to `endpoint` goes to Google, rather than to an emulator or a server of somebody's own.

    Raises:
        ValueError: The endpoint is malformed; the caller must correct it.
    """
    return _place(endpoint)[0].is_google


def _place(endpoint: str | Endpoint | None) -> tuple[Endpoint, bool]:
    """Return the endpoint, and whether it is the emulator of the environment."""
    if isinstance(endpoint, Endpoint):
        return endpoint, False
    if endpoint is not None:
        return Endpoint.parse(endpoint), False
    emulator = os.environ.get(EMULATOR_VARIABLE)
    if not emulator:
        return Endpoint.parse(DEFAULT_ENDPOINT), False
    try:  # plaintext with or without saying so: Emulator.endpoint says http://
        return Endpoint.parse(emulator if emulator.startswith("http://") else f"http://{emulator}"), True
    except ValueError as error:
        raise ValueError(f"environment variable {EMULATOR_VARIABLE} is not host:port: {error}") from None


# --- options: (name, value) pairs ------------------------------------------------------------------------------------

# Arguments of gRPC whose type gRPC itself does not check: it logs, and goes on without them.
_GRPC_TEXTS = frozenset(
    (
        "grpc.default_authority",
        "grpc.http_proxy",
        "grpc.lb_policy_name",
        "grpc.primary_user_agent",
        "grpc.secondary_user_agent",
        "grpc.service_config",
        "grpc.ssl_target_name_override",
    )
)
_GRPC_FLAGS = frozenset(
    (
        "grpc.enable_channelz",
        "grpc.enable_deadline_checking",
        "grpc.enable_http_proxy",
        "grpc.enable_retries",
        "grpc.keepalive_permit_without_calls",
        "grpc.minimal_stack",
        "grpc.service_config_disable_resolution",
        "grpc.use_local_subchannel_pool",
    )
)
_GRPC_NUMBERS = r"grpc\.(http2\..+|.+_ms|.+_size|.+_length|.+_bytes)"
_VISIBLE = r"[\x21-\x7e]+"


def _read_options(options: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of ChannelOptions that `options` set, plus ``scopes``; each value checked."""
    if isinstance(options, (str, bytes)) or not isinstance(options, Sequence):
        raise ValueError("options must be a sequence of (name, value) pairs")
    fields: dict[str, Any] = {}
    rest: list[tuple[str, int | str | bytes]] = []
    seen: set[str] = set()
    for pair in options:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise ValueError("options must be a sequence of (name, value) pairs, the name a str")
        name, value = pair
        if name in seen:
            raise ValueError(f"option {name} is given twice: keep one")
        seen.add(name)
        if name in _FIELDS:
            key, check = _FIELDS[name]
            fields[key] = check(name, value)
        elif name.startswith("grpc."):
            rest.append((name, _grpc_value(name, value)))
        else:
            own = ", ".join(known for known in _FIELDS if known.startswith("eegrpc."))
            raise ValueError(f"option {name!r} is unknown: use grpc.… for gRPC's own, or one of {own}")
    fields["grpc_options"] = tuple(rest)
    return fields


def _whole(name: str, value: object, *, least: int = 1, most: int = _INT_MAX) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"option {name} must be a whole number from {least} to {most}")
    return value


def _receive_length(name: str, value: object) -> int:
    if value == -1:
        raise ValueError(
            f"option {name} -1 (no limit) is refused: a compressed answer of 200 kB can unfold to 200 MB, and take the "
            f"process with it. Give the largest you can hold, in bytes; the default is {DEFAULT_MAX_MESSAGE_BYTES}"
        )
    return _whole(name, value)


def _send_length(name: str, value: object) -> int | None:
    return None if type(value) is int and value == -1 else _whole(name, value)


def _pool_size(name: str, value: object) -> int:
    return _whole(name, value, most=10_000)


def _flag(name: str, value: object) -> bool:
    if type(value) not in (bool, int) or value not in (0, 1):
        raise ValueError(f"option {name} must be True or False")
    return bool(value)


def _seconds(name: str, value: object) -> float:
    if type(value) not in (int, float) or not 0 <= cast("float", value) < math.inf:
        raise ValueError(f"option {name} must be a number of seconds, 0 or more")
    return float(cast("float", value))


def _project(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(_VISIBLE, value) or "/" in value:
        raise ValueError(f"option {name} must be a project id or number, like my-project")
    return value


def _scopes(name: str, value: object) -> tuple[str, ...]:
    scopes = tuple(value) if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else ()
    if not scopes or not all(isinstance(scope, str) and re.fullmatch(_VISIBLE, scope) for scope in scopes):
        raise ValueError(f"option {name} must be a non-empty sequence of OAuth scopes (https://…)")
    return scopes


def _grpc_value(name: str, value: object) -> int | str | bytes:
    """Return the value of one of gRPC's own arguments, or raise where gRPC would fail later or look away."""
    if name in _GRPC_TEXTS:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError(f"option {name} must be a str")
        if name == "grpc.service_config":
            from eegrpc._service_config import check_service_config

            check_service_config(value)
        return value
    if name in _GRPC_FLAGS:
        return int(_flag(name, value))
    if re.fullmatch(_GRPC_NUMBERS, name):
        return _whole(name, value, least=-1)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return _whole(name, value, least=-_INT_MAX - 1)
    if isinstance(value, (str, bytes)):
        return value
    raise ValueError(f"option {name} must be int, str or bytes, not {type(value).__name__}")


_FIELDS: dict[str, tuple[str, Any]] = {
    "grpc.max_receive_message_length": ("max_message_bytes", _receive_length),
    "grpc.max_send_message_length": ("max_request_bytes", _send_length),
    "grpc.keepalive_time_ms": ("keepalive_time_ms", _whole),
    "grpc.keepalive_timeout_ms": ("keepalive_timeout_ms", _whole),
    "grpc.keepalive_permit_without_calls": ("keepalive_without_calls", _flag),
    "eegrpc.pool_size": ("pool_size", _pool_size),
    "eegrpc.quota_project": ("quota_project", _project),
    "eegrpc.scopes": ("scopes", _scopes),
    "eegrpc.allow_auth_metadata": ("allow_auth_metadata", _flag),
    "eegrpc.fallback_reprobe_seconds": ("fallback_reprobe_seconds", _seconds),
}
"""Option name -> the field it sets, and what checks its value."""
