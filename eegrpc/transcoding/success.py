"""What a response with a 2xx status says: its message, or that it is none, however much it looks like one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from grpc import StatusCode as Code

from eegrpc.mapper import MapperError
from eegrpc.transcoding.content import Body, Content, FieldBody, header, other_charset
from eegrpc.transcoding.status import BAD_RESPONSE, HTTP_STATUS_KEY, NOT_JSON, TRUNCATED, failure
from eegrpc.transcoding.types import HttpResponse, Metadata, Reply

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool

    from eegrpc.mapper import Taker

__all__ = ["reply_of_success"]

_EMPTY = "google.protobuf.Empty"
_MALFORMED = object()


def reply_of_success(response: HttpResponse, body: Body, taker: Taker | None, *, pool: DescriptorPool) -> Reply:
    """Return the reply for a response with a 2xx status, without metadata.

    Args:
        response: What the server sent.
        body: What a body of the method is.
        taker: Gets a large message piece by piece, but for the rest, which is in the reply.
        pool: Where the details of errors are looked up.
    """
    content_type = header(response.headers, "content-type")
    if body.is_raw:
        return Reply(Code.OK, wire=body.read(Content(response.body, content_type)))
    charset = other_charset(content_type)
    if charset:
        return _bad_response(response, f"the charset is {charset[:32]!a}, JSON must be UTF-8")
    data = response.body
    name = body.descriptor.full_name
    if not data or data.isspace():
        if name == _EMPTY and not body.empty:  # the message itself, and not a field of this type
            return Reply(Code.OK)
        return _bad_response(response, f"no body where {name} was expected")
    try:
        wire, skipped = body.read_with_skipped(Content(data), taker)
    except MapperError as error:
        return _unreadable(response, error, pool)
    has_error = skipped is not None and skipped.may_have(name, "error")
    is_empty = wire == body.empty and (taker is None or not taker.has_taken)
    if not is_empty and not has_error:  # the good path: no second look at a large page
        return Reply(Code.OK, wire=wire)
    return _suspicious(body, response, pool, is_empty=is_empty) or Reply(Code.OK, wire=wire)


def _suspicious(body: Body, response: HttpResponse, pool: DescriptorPool, *, is_empty: bool) -> Reply | None:
    """Look twice at JSON in which there may be an error, or nothing of the message; return what is wrong with it.

    A mapper that ignores unknown fields makes an empty message of ``{"error": ...}``: a lost page, unseen.
    """
    full_name = body.descriptor.full_name
    if isinstance(body, FieldBody) or (full_name.startswith("google.protobuf.") and full_name != _EMPTY):
        return None
    names = {name for field in body.descriptor.fields for name in (field.name, field.json_name)}
    value = _parse(response.body)
    if not isinstance(value, dict):
        return _bad_response(response, "JSON that cannot be looked through")
    if value.get("error") is not None and "error" not in names:
        return _reply_of_error(value, response, pool) or _bad_response(response, "an error without a status")
    if is_empty and value and names and names.isdisjoint(value):
        return _bad_response(response, f"JSON that has no field of {full_name}")
    return None


def _unreadable(response: HttpResponse, error: MapperError, pool: DescriptorPool) -> Reply:
    """Return the reply for the body of a success that is not the message."""
    if error.kind == "eof":
        text = f"HTTP {response.status}: the JSON body ends early ({len(response.body)} bytes received)"
        return failure(Code.UNAVAILABLE, text, TRUNCATED, metadata=_http(response))
    value = _parse(response.body)
    if isinstance(value, list):  # a streaming method's error comes in a list
        reply = _reply_of_error(value, response, pool)
        if reply is not None:
            return reply
    if value is not _MALFORMED or error.kind not in ("json", "utf8"):
        return _bad_response(response, str(error))
    from eegrpc.transcoding.error_body import excerpt

    text = excerpt(f"HTTP {response.status}: the body is not JSON", response.body)
    return failure(Code.UNKNOWN, text, NOT_JSON, metadata=_http(response))


def _reply_of_error(value: object, response: HttpResponse, pool: DescriptorPool) -> Reply | None:
    """Return the status that parsed JSON stands for; None if it is no error body."""
    from eegrpc.transcoding.error_body import reply_of_error_value

    return reply_of_error_value(value, response.status, metadata=_http(response), pool=pool)


def _parse(data: bytes) -> object:
    try:
        return json.loads(data.decode())  # of bytes, json.loads would guess UTF-16
    except (ValueError, RecursionError):
        return _MALFORMED


def _http(response: HttpResponse) -> Metadata:
    return ((HTTP_STATUS_KEY, str(response.status)),)


def _bad_response(response: HttpResponse, what: str) -> Reply:
    text = f"HTTP {response.status}: bad response: {what}"
    return failure(Code.INTERNAL, text, BAD_RESPONSE, metadata=_http(response))
