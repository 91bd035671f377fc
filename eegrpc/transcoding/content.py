"""HTTP bodies: a whole message, or one of its fields, as JSON; google.api.HttpBody as it is.

A body that is a message goes through that message's own mapper. Any other field is mapped as a member of an object with
no other members, and cut out of it, so that the mapper stays the only place that knows JSON.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from google.api import httpbody_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.transcoding import scalars, wire

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from eegrpc.mapper import Skipped, Taker
    from eegrpc.transcoding.types import Headers

__all__ = ["JSON_TYPE", "Body", "Content", "FieldBody", "MessageBody", "body_of", "header", "other_charset"]

JSON_TYPE = "application/json"
_HTTP_BODY = "google.api.HttpBody"
_VALUE = "google.protobuf.Value"
_DEFAULT_TYPE = "application/octet-stream"
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
_UTF8 = frozenset(("utf-8", "utf8", "us-ascii", "ascii"))


class Content(NamedTuple):
    """A body and its content type."""

    data: bytes
    type: str = JSON_TYPE


class MessageBody:
    """A body that is a message: one that is given as a whole, or a singular field of a message type.

    Args:
        descriptor: The type of the body.
        number: The field's number in the message around it; None if the body is the whole message.
        strict: Whether JSON fields that the message does not have are refused.
    """

    __slots__ = ("_mapper", "_number", "descriptor", "empty", "is_raw", "unset")

    def __init__(self, descriptor: Descriptor, number: int | None, *, strict: bool) -> None:
        self.descriptor = descriptor
        self._number = number
        self.empty = b"" if number is None else wire.length_delimited(number, b"")
        """What `read` returns for a message in which nothing is set."""
        self.is_raw = descriptor.full_name == _HTTP_BODY
        """Whether the bytes are the content of a google.api.HttpBody, not JSON."""
        self.unset = b"" if self.is_raw else b"null"
        """The body of a response in which the field is not set. (Of google.protobuf.Value, that is a value.)"""
        self._mapper = MessageMapper(descriptor, ignore_unknown_fields=not strict)

    def write(self, message: bytes) -> Content:
        """Return the body for an encoded message; no bytes at all if its body field is not set.

        Raises:
            MapperError: `message` is not an encoding, or has no JSON form.
        """
        payload: bytes | None = message
        if self._number is not None:
            payload = wire.payloads(message, self._number)
        if payload is None:
            return Content(b"")
        if not self.is_raw:
            return Content(self._mapper.to_json(payload))
        try:
            raw = httpbody_pb2.HttpBody.FromString(payload)
        except DecodeError as error:
            raise MapperError("wire", f"not an encoded {_HTTP_BODY}: {error}") from error
        return Content(raw.data, raw.content_type or _DEFAULT_TYPE)

    def read(self, content: Content) -> bytes:
        """Return the encoded message, or part of it, for a body.

        Raises:
            MapperError: The body is not JSON of the type.
        """
        return self.read_with_skipped(content)[0]

    def read_with_skipped(self, content: Content, taker: Taker | None = None) -> tuple[bytes, Skipped | None]:
        """Return the same as `read`, but what `taker` got, and what the mapper skipped, or None.

        Raises:
            MapperError: The body is not JSON of the type.
        """
        skipped = None
        if self.is_raw:
            payload = httpbody_pb2.HttpBody(content_type=content.type, data=content.data).SerializeToString()
        elif self._number is not None and content.data.strip() == b"null" and self.descriptor.full_name != _VALUE:
            return b"", None
        else:
            if self._number is None:
                return self._mapper.to_wire_and_skipped(content.data, taker)
            payload, skipped = self._mapper.to_wire_and_skipped(content.data)
        return payload if self._number is None else wire.length_delimited(self._number, payload), skipped


class FieldBody:
    """A body that is a field of any other kind: a scalar, an enum, a repeated field, a map.

    Args:
        message: The type of the message around it.
        field: The field.
        strict: Whether JSON fields that the messages in it do not have are refused.
    """

    __slots__ = ("_end", "_field", "_mapper", "_start", "descriptor", "empty", "is_raw", "unset")

    def __init__(self, message: Descriptor, field: FieldDescriptor, *, strict: bool) -> None:
        self.descriptor = message
        self.empty = b""
        self.is_raw = False
        self.unset = _default_json(field)
        self._field = field
        self._mapper = MessageMapper(message, ignore_unknown_fields=not strict)
        self._start = b"{" + json.dumps(field.json_name, ensure_ascii=False).encode() + b":"
        self._end = b"}"

    def write(self, message: bytes) -> Content:
        """Return the body for an encoded message; no bytes at all if the field has its default value.

        Raises:
            MapperError: `message` is not an encoding, or the field has no JSON form.
        """
        only = wire.split(message, {self._field.number: None})[0]
        written = self._mapper.to_json(only)
        if not written.startswith(self._start):  # {}: a default value
            return Content(b"")
        return Content(written[len(self._start) : -len(self._end)])

    def read(self, content: Content) -> bytes:
        """Return the encoding of the field for a body.

        Raises:
            MapperError: The body is not JSON of the field.
        """
        return self.read_with_skipped(content)[0]

    def read_with_skipped(self, content: Content, taker: Taker | None = None) -> tuple[bytes, Skipped | None]:
        """Return the same as `read`, but what `taker` got, and what the mapper skipped, or None.

        Raises:
            MapperError: The body is not JSON of the field.
        """
        _require_one_value(content.data)
        try:
            return self._mapper.to_wire_and_skipped(self._start + content.data + self._end, taker)
        except MapperError as error:
            if error.offset is None:
                raise
            offset = max(0, error.offset - len(self._start))
            raise MapperError(error.kind, error.problem, path=error.path, offset=offset) from error


Body = MessageBody | FieldBody


def body_of(message: Descriptor, field: FieldDescriptor | None, *, strict: bool) -> Body:
    """Return the body that is `field` of a message, or the whole message if `field` is None."""
    if field is None:
        return MessageBody(message, None, strict=strict)
    if field.type == FieldDescriptor.TYPE_MESSAGE and not field.is_repeated:
        return MessageBody(scalars.message_type(field), field.number, strict=strict)
    return FieldBody(message, field, strict=strict)


def header(headers: Headers, name: str) -> str:
    """Return the value of a header field, "" if there is none; `name` is in lower case."""
    return next((value.strip() for key, value in headers if key.lower() == name), "")


def other_charset(content_type: str) -> str:
    """Return the charset that a content type names, "" if it names none or UTF-8, which JSON is in (RFC 8259)."""
    found = _CHARSET.search(content_type)
    return "" if found is None or found[1].lower() in _UTF8 else found[1]


def _require_one_value(data: bytes) -> None:
    """Raise unless the bytes are one JSON value: ``1,"other":2`` would add a field once it is wrapped."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        kind = "eof" if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated") else "json"
        raise MapperError("eof" if kind == "eof" else "json", f"not JSON: {error.msg}", offset=error.pos) from error
    except UnicodeDecodeError as error:
        raise MapperError("utf8", "not UTF-8", offset=error.start) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of more than 4300 digits
        raise MapperError(
            "depth" if isinstance(error, RecursionError) else "value", "not JSON that can be read"
        ) from error


def _default_json(field: FieldDescriptor) -> bytes:
    """Return the JSON of a field that is not set, or holds its default."""
    if field.is_repeated:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        return b"{}" if is_map else b"[]"
    if field.has_presence:
        return b"null"
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32):
        return b"0"
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return b"0"
    text = scalars.text(field, field.default_value)
    return text.encode() if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else json.dumps(text).encode()
