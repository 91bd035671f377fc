"""gRPC metadata as HTTP header fields, and back; what may not pass.

gRPC's rules are those of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md ("Custom-Metadata").
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import grpc

from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from eegrpc.transcoding.types import Headers, Metadata, MetadataValue

__all__ = ["TRAILER_PREFIX", "check_metadata", "from_headers", "to_headers", "to_trailers"]

TRAILER_PREFIX = "grpc-trailer-"
"""Header names of trailing metadata: a unary reply is sent in one piece, so its trailers are headers."""

_LONG = 64  # characters of a name
_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")

# They frame the message or belong to the connection; in another's hands they make one request into two.
_RESERVED = frozenset(
    (
        *("connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "http2-settings"),
    )
)
# gRPC leaves two to tracing libraries; by the third a servicer says when to come again (gRFC A6, "pushback").
_NOT_RESERVED = frozenset(("grpc-trace-bin", "grpc-tags-bin", "grpc-retry-pushback-ms"))
_REPLACED = frozenset(("user-agent", "accept", "accept-encoding"))  # ours take their place, as grpc does with its own

_NOT_METADATA = _RESERVED | frozenset(
    (
        *("accept", "accept-encoding", "accept-ranges", "allow", "alt-svc", "content-disposition", "content-language"),
        *("content-location", "content-md5", "content-range", "date", "etag", "expires", "last-modified", "location"),
        *("set-cookie", "set-cookie2", "strict-transport-security", "vary", "via", "www-authenticate"),
        *("x-http-method", "x-http-method-override", "x-method-override", "x-server-timeout"),
    )
)


def check_metadata(metadata: Metadata | None) -> None:
    """Raise unless a caller may send this metadata.

    Refused are keys and values that gRPC refuses, and, on purpose, more: names that frame the message or belong to the
    connection (gRPC sends or drops some of them), other ``grpc-`` names, and a second ``authorization``.

    Raises:
        TranscodingError: INTERNAL, "Invalid metadata: ...", the code that grpc ends such a call with. The caller must
            act. The text names the key and never quotes the value.
    """
    authorizations = 0
    for key, value in metadata or ():
        if not isinstance(key, str):
            raise _invalid(f"the key {_quote(key)} (allowed are 0-9 a-z _ . -)")
        if _takes_bytes(key):
            if not isinstance(value, bytes):
                raise _invalid(f"the value of {_quote(key)} must be bytes")
        elif not isinstance(value, str):
            raise _invalid(f"the value of {_quote(key)} must be str; bytes need a key that ends in -bin")
        elif _VALUE.fullmatch(value) is None:
            raise _invalid(f"the value of {_quote(key)} is not visible ASCII")
        authorizations += key == "authorization"
    if authorizations > 1:
        raise _invalid("more than one authorization")


@lru_cache(maxsize=256)
def _takes_bytes(key: str) -> bool:
    """Return whether the values of a legal key are bytes."""
    if _KEY.fullmatch(key) is None:
        raise _invalid(f"the key {_quote(key)} (allowed are 0-9 a-z _ . -)")
    if key in _RESERVED or (key.startswith("grpc-") and key not in _NOT_RESERVED):
        raise _invalid(f"the key {_quote(key)} is reserved")
    return key.endswith("-bin")


def to_headers(metadata: Metadata | None) -> list[tuple[str, str]]:
    """Return metadata as header fields; values of ``-bin`` keys in base64.

    Names that ours replace (``user-agent``, as grpc does; ``accept``; ``accept-encoding``) are left out.
    """
    return [(key, _text(key, value)) for key, value in metadata or () if key not in _REPLACED]


def to_trailers(metadata: Metadata | None) -> list[tuple[str, str]]:
    """Return trailing metadata as header fields of a buffered reply; `from_headers` reverses it."""
    return [(TRAILER_PREFIX + key, _text(key, value)) for key, value in metadata or ()]


def from_headers(headers: Headers) -> tuple[Metadata, Metadata]:
    """Return the initial and the trailing metadata that header fields carry.

    Left out are fields of the connection and of the body, ``grpc-`` names that only gRPC itself may set, and whatever
    is no legal metadata: none of it is the other side's to forge.
    """
    initial: list[tuple[str, MetadataValue]] = []
    trailing: list[tuple[str, MetadataValue]] = []
    for field_name, field_value in headers:
        # A long name is worth no place in the cache, which would keep it.
        carried = (_carried if len(field_name) <= _LONG else _carried.__wrapped__)(field_name)
        if carried is None:
            continue
        name, is_trailing, takes_bytes = carried
        text, target = field_value.strip(" \t"), trailing if is_trailing else initial
        if not takes_bytes:
            if _VALUE.fullmatch(text) is not None:
                target.append((name, text))
            continue
        for part in text.split(","):  # HTTP may have joined several fields
            value = _unbase64(part.strip(" \t"))
            if value is not None:
                target.append((name, value))
    return tuple(initial), tuple(trailing)


@lru_cache(maxsize=256)
def _carried(field_name: str) -> tuple[str, bool, bool] | None:
    """Return the key that a header field carries, whether it is a trailing one, and whether its values are bytes."""
    name = field_name.lower()
    key = name.removeprefix(TRAILER_PREFIX)
    if key in _NOT_METADATA or (key.startswith("grpc-") and key not in _NOT_RESERVED) or _KEY.fullmatch(key) is None:
        return None
    return key, len(key) < len(name), key.endswith("-bin")


def _text(key: str, value: MetadataValue) -> str:
    if key.endswith("-bin"):
        data = value if isinstance(value, bytes) else value.encode()
        return base64.b64encode(data).rstrip(b"=").decode()  # gRPC sends it without padding and accepts both
    return value if isinstance(value, str) else value.decode("ascii")


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _invalid(what: str) -> TranscodingError:
    return TranscodingError(grpc.StatusCode.INTERNAL, f"Invalid metadata: {what}")


def _quote(key: object) -> str:
    shown = ascii(key)
    return shown if len(shown) <= 64 else shown[:61] + "..."
