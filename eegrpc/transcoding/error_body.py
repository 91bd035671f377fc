"""Error bodies: Google's JSON errors and HTTP status codes to gRPC statuses with details, and back.

The tables are google/rpc/code.proto, AIP-193 and, for answers that are not Google's,
https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md (with 431 as grpcio has it).
"""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
from google.protobuf import any_pb2, descriptor_pool, json_format, struct_pb2
from google.protobuf.message import DecodeError

from eegrpc.transcoding.error_details import failed_reply, reason_detail, status_details
from eegrpc.transcoding.metadata import from_headers
from eegrpc.transcoding.status import BAD_RESPONSE, DOMAIN, HTTP_STATUS_KEY, REDIRECT, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor_pool import DescriptorPool

    from eegrpc.transcoding.types import Headers, HttpResponse, Metadata, Reply

__all__ = [
    "CODE_OF_HTTP",
    "CODE_OF_HTTP_OTHER",
    "HTTP_OF_CODE",
    "error_json",
    "excerpt",
    "reply_of_error",
    "reply_of_error_value",
]

Code = grpc.StatusCode

HTTP_OF_CODE: Mapping[grpc.StatusCode, int] = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
"""google/rpc/code.proto."""

CODE_OF_HTTP: Mapping[int, grpc.StatusCode] = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.UNAVAILABLE,
    409: Code.ABORTED,
    410: Code.NOT_FOUND,
    412: Code.FAILED_PRECONDITION,
    413: Code.INVALID_ARGUMENT,
    416: Code.OUT_OF_RANGE,
    422: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
"""HTTP status of a Google error body that names no code: the first meaning in code.proto, and HTTP's own where that has
none. Others: 4xx FAILED_PRECONDITION, 5xx INTERNAL, else UNKNOWN."""

CODE_OF_HTTP_OTHER: Mapping[int, grpc.StatusCode] = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
"""HTTP status of an answer that is not Google's, such as a proxy's HTML: http-grpc-status-mapping. Others: UNKNOWN."""

_BY_NAME: Mapping[str, grpc.StatusCode] = {code.name: code for code in Code if code is not Code.OK}
_BY_NUMBER: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in Code if code is not Code.OK}
_OAUTH = frozenset(("invalid_client", "invalid_grant", "invalid_token", "unauthorized_client"))  # RFC 6749, 6750

_MOST_EXCERPT = 256  # characters of details made from a body that is not Google's
_MOST_MESSAGE = 16 * 1024  # characters of a message, which lives in trailing metadata
_MOST_DETAILS = 100
_STRUCT = "google.protobuf.Struct"
_MALFORMED = object()


def reply_of_error(response: HttpResponse, *, pool: DescriptorPool | None = None) -> Reply:
    """Return the status that an HTTP response with a status other than 2xx stands for; never OK, never raises.

    In this order: the name ``error.status``; a gRPC code from 1 to 16, as a bare google.rpc.Status has it; the HTTP
    status by `CODE_OF_HTTP`; and for a body that is not Google's, by `CODE_OF_HTTP_OTHER`.

    Args:
        response: The response, content coding undone.
        pool: Where the types of error details are found, besides the default pool.
    """
    status = response.status
    extra = _extra_metadata(status, response.headers)
    if 300 <= status < 400 and (location := _header(response.headers, "location")) is not None:
        text = f"HTTP {status}: redirected to {_host(location)}; redirects are not followed. Correct the endpoint."
        return failure(Code.UNKNOWN, text, REDIRECT, metadata=extra)
    body = response.body.strip()
    value = _parse(body)
    reply = reply_of_error_value(value, status, metadata=extra, pool=pool)
    if reply is not None:
        return reply
    if value is _MALFORMED and _looks_like_error(body):
        text = f"HTTP {status} {_phrase(status)}: the error body could not be read (cut, or nested too deeply)"
        return failed_reply(_code_of_http(status), text, [], extra)
    code = CODE_OF_HTTP_OTHER.get(status, Code.UNKNOWN)
    return failed_reply(code, excerpt(f"HTTP {status} {_phrase(status)}".strip(), body), [], extra)


def reply_of_error_value(
    value: object, status: int, *, metadata: Metadata = (), pool: DescriptorPool | None = None
) -> Reply | None:
    """Return the status that a JSON error body stands for, None if it is no error body of Google's.

    Args:
        value: The parsed body.
        status: HTTP status of the response. For 2xx the code must come from the body; INTERNAL otherwise.
        metadata: Trailing metadata to add.
        pool: Where the types of error details are found, besides the default pool.
    """
    if isinstance(value, list) and len(value) == 1:  # how a streaming method wraps it
        value = value[0]
    if not isinstance(value, dict):
        return None
    if "error" in value:
        error = value["error"]
        if isinstance(error, str):  # OAuth
            return _reply_of_oauth(error, value.get("error_description"), status, metadata)
        if not isinstance(error, dict):
            text = f"HTTP {status} {_phrase(status)}: the error body says nothing"
            return failed_reply(_code_of_http(status), text, [], metadata)
    elif type(value.get("code")) is int and ("message" in value or "details" in value):
        error = value  # a bare google.rpc.Status
    else:
        return None
    return _reply_of_status(error, status, metadata, pool)


def error_json(
    reply: Reply, *, http_status: int | None = None, pool: DescriptorPool | None = None
) -> tuple[int, bytes]:
    """Return HTTP status and JSON body of a failed reply, in Google's form (AIP-193).

    Args:
        reply: Any reply but OK. Details come from its ``grpc-status-details-bin``.
        http_status: Status to use in place of the code's own.
        pool: Where the types of error details are found, besides the default pool.
    """
    status = HTTP_OF_CODE[reply.code] if http_status is None else http_status
    error: dict[str, Any] = {"code": status, "message": reply.details, "status": reply.code.name}
    details = [_detail_json(detail, pool) for detail in status_details(reply)]
    if details:
        error["details"] = details
    body = json.dumps({"error": error}, separators=(",", ":"), ensure_ascii=False)
    return status, body.encode(errors="backslashreplace")


def excerpt(start: str, body: bytes) -> str:
    """Return `start` with the beginning of a body, on one line of at most 256 visible ASCII characters."""
    text = " ".join(body[: 4 * _MOST_EXCERPT].decode(errors="backslashreplace").split())
    whole = f"{start}: {_escaped(text)}" if text else start
    return whole if len(whole) <= _MOST_EXCERPT else whole[: _MOST_EXCERPT - 3] + "..."


def _reply_of_status(error: Mapping[str, Any], status: int, metadata: Metadata, pool: DescriptorPool | None) -> Reply:
    """Return the reply for google.rpc.Status as JSON, with or without what Google's wrapper adds."""
    number = error.get("code")
    if type(number) is not int:
        number = 0
    name = error.get("status")
    code: grpc.StatusCode | None = (_BY_NAME.get(name) if isinstance(name, str) else None) or _BY_NUMBER.get(number)
    reasons: list[any_pb2.Any] = []
    if code is None and 200 <= status < 300:
        if number >= 400:
            code = _code_of_http(number)
        else:
            code = Code.INTERNAL
            reasons = [reason_detail(BAD_RESPONSE, DOMAIN)]
    message = error.get("message")
    if not isinstance(message, str) or not message:
        message = f"HTTP {status} {_phrase(status)}".strip()
    if len(message) > _MOST_MESSAGE:
        message = message[: _MOST_MESSAGE - 3] + "..."
    details = error.get("details")
    anys = [] if not isinstance(details, list) else [_detail(each, pool) for each in details[:_MOST_DETAILS]]
    packed = [each for each in anys if each is not None] or _legacy(error.get("errors"))
    return failed_reply(code or _code_of_http(status), message, packed + reasons, metadata)


def _reply_of_oauth(error: str, description: object, status: int, metadata: Metadata) -> Reply:
    text = f"{error}: {description}" if isinstance(description, str) else error
    code = Code.UNAUTHENTICATED if error in _OAUTH else _code_of_http(status)
    return failed_reply(code, excerpt(f"HTTP {status}", text.encode(errors="backslashreplace")), [], metadata)


def _code_of_http(status: int) -> grpc.StatusCode:
    code = CODE_OF_HTTP.get(status)
    if code is not None:
        return code
    if 400 <= status < 500:
        return Code.FAILED_PRECONDITION
    return Code.INTERNAL if 500 <= status < 600 or 200 <= status < 300 else Code.UNKNOWN


def _detail(value: object, pool: DescriptorPool | None) -> any_pb2.Any | None:
    """Return an error detail as Any.

    A type that no pool knows keeps its bytes if it has any (``value`` in base64, as our server half writes it). Given
    as JSON it cannot be encoded as what it says it is: it becomes a google.protobuf.Struct, which it truly is, with the
    name of its type still under ``@type``. None if it is no detail at all.
    """
    if not isinstance(value, dict) or not isinstance(value.get("@type"), str):
        return None
    packed = any_pb2.Any()
    for each in _pools(pool):
        try:
            return json_format.ParseDict(value, packed, ignore_unknown_fields=True, descriptor_pool=each)
        except (json_format.Error, ValueError, TypeError, AttributeError, RecursionError):
            packed.Clear()  # not a type of this pool, or not what its type says
    content = value.get("value")
    if isinstance(content, str) and set(value) == {"@type", "value"} and _is_ascii_type(value["@type"]):
        try:
            return any_pb2.Any(type_url=value["@type"], value=base64.b64decode(content, validate=True))
        except ValueError:
            pass
    try:
        packed.Pack(json_format.ParseDict(value, struct_pb2.Struct()))
        struct_pb2.Struct.FromString(packed.value)  # older json_format writes nestings that no parser reads back
    except (json_format.Error, DecodeError, ValueError, TypeError, RecursionError):
        return None  # deeper than protobuf can hold
    return packed


def _detail_json(detail: any_pb2.Any, pool: DescriptorPool | None) -> dict[str, Any]:
    """Return an error detail as JSON; a type that no pool knows as its bytes in base64. `_detail` reverses it."""
    for each in _pools(pool):
        try:
            written: dict[str, Any] = json_format.MessageToDict(detail, descriptor_pool=each)
            json.dumps(written, allow_nan=False)
            return written
        except Exception:  # noqa: BLE001, S110 - an unknown type, or bytes that are not of it; the next line has them
            pass
    return {"@type": detail.type_url, "value": base64.b64encode(detail.value).decode()}


def _pools(pool: DescriptorPool | None) -> tuple[DescriptorPool, ...]:
    default = descriptor_pool.Default()
    return (default,) if pool is None or pool is default else (pool, default)


def _is_ascii_type(url: str) -> bool:
    return url.isascii() and url.isprintable()


def _legacy(errors: object) -> list[any_pb2.Any]:
    """Return the reason of an error in the older form of Google's JSON APIs, ``errors[].reason``, as ErrorInfo."""
    if not isinstance(errors, list):
        return []
    for each in errors:
        if isinstance(each, dict) and isinstance(each.get("reason"), str):
            domain = each.get("domain")
            return [reason_detail(each["reason"], domain if isinstance(domain, str) else "")]
    return []


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        return _MALFORMED


def _looks_like_error(body: bytes) -> bool:
    return body.lstrip(b"[ \t\r\n").startswith(b"{") and b'"error"' in body[:256]


def _extra_metadata(status: int, headers: Headers) -> Metadata:
    """Return what the response itself says, as trailing metadata."""
    extra = list(from_headers(headers)[1])
    extra.append((HTTP_STATUS_KEY, str(status)))
    retry_after = _header(headers, "retry-after")
    if retry_after is not None and retry_after.isascii() and retry_after.isprintable():
        extra.append(("retry-after", retry_after))
    return tuple(extra)


def _header(headers: Headers, name: str) -> str | None:
    return next((value.strip() for key, value in headers if key.lower() == name), None)


def _host(location: str) -> str:
    """Return the host of a redirect's target, and nothing else of it: the rest may hold secrets."""
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    if not host:
        return "another path of the same host" if location.startswith("/") else "no host"
    return _escaped(host)[: _MOST_EXCERPT // 2]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _escaped(text: str) -> str:
    return "".join(
        char if char.isprintable() and char.isascii() else char.encode("unicode_escape").decode() for char in text
    )
