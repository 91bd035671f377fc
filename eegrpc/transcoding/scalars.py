"""Values of single fields as text, for paths and query strings, and text as the wire bytes of a field.

The text is that of the proto3 JSON mapping without quotes (https://protobuf.dev/programming-guides/json/), so numbers
are decimal, enums go by name, bytes are base64, and the well-known types that JSON writes as strings are those strings.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.descriptor import FieldDescriptor

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.transcoding import wire

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor
    from google.protobuf.message import Message

__all__ = ["TEXT_MESSAGES", "encode", "encode_default", "message_type", "text"]

TEXT_MESSAGES = frozenset(
    f"google.protobuf.{name}"
    for name in (
        *("Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "BoolValue", "FloatValue", "DoubleValue"),
        *("Int32Value", "Int64Value", "UInt32Value", "UInt64Value"),
    )
)
"""Message types that are a single value in JSON, and so in a query string."""

_Field = FieldDescriptor
_INTEGER = r"-?(?:0|[1-9][0-9]{0,19})"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_BASE64 = r"[A-Za-z0-9+/_-]*={0,2}"
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MOST_NUMBER = 400  # characters of a number worth reading: a double has at most 17 digits and an exponent

_INTEGERS = {  # bits, signed, wire type
    _Field.TYPE_INT32: (32, True, wire.VARINT),
    _Field.TYPE_INT64: (64, True, wire.VARINT),
    _Field.TYPE_UINT32: (32, False, wire.VARINT),
    _Field.TYPE_UINT64: (64, False, wire.VARINT),
    _Field.TYPE_SINT32: (32, True, wire.VARINT),
    _Field.TYPE_SINT64: (64, True, wire.VARINT),
    _Field.TYPE_FIXED32: (32, False, wire.I32),
    _Field.TYPE_FIXED64: (64, False, wire.I64),
    _Field.TYPE_SFIXED32: (32, True, wire.I32),
    _Field.TYPE_SFIXED64: (64, True, wire.I64),
}


def text(field: FieldDescriptor, value: Any) -> str:
    """Return one value of a field, as protobuf's Python API gives it, as text.

    Raises:
        MapperError: The value has no JSON form, such as a Timestamp of the year 10000.
    """
    if field.type == _Field.TYPE_STRING:
        return str(value)
    if field.type == _Field.TYPE_BYTES:
        return base64.urlsafe_b64encode(value).decode()  # the alphabet that needs no percent-encoding
    if field.type == _Field.TYPE_BOOL:
        return "true" if value else "false"
    if field.type == _Field.TYPE_ENUM:
        known = _enum_type(field).values_by_number.get(value)
        return str(value) if known is None else str(known.name)
    if field.type == _Field.TYPE_FLOAT:
        return _float_text(value, _shortest_float)
    if field.type == _Field.TYPE_DOUBLE:
        return _float_text(value, repr)
    if field.type == _Field.TYPE_MESSAGE:
        return _message_text(value)
    return str(value)


def encode(field: FieldDescriptor, value: str) -> bytes:
    """Return the wire encoding, tag included, of one value of a field, given as text.

    Raises:
        MapperError: The text is not a value of the field's type; says what was expected.
    """
    integers = _INTEGERS.get(field.type)
    if integers is not None:
        return _encode_integer(field, value, *integers)
    if field.type == _Field.TYPE_STRING:
        return wire.length_delimited(field.number, value.encode())
    if field.type == _Field.TYPE_BYTES:
        return wire.length_delimited(field.number, _bytes(field, value))
    if field.type == _Field.TYPE_BOOL:
        if value not in ("true", "false"):
            raise _refusal(field, value)
        return wire.tag(field.number, wire.VARINT) + (b"\x01" if value == "true" else b"\x00")
    if field.type == _Field.TYPE_ENUM:
        return wire.tag(field.number, wire.VARINT) + wire.varint(_enum(field, value) & 0xFFFFFFFFFFFFFFFF)
    if field.type in (_Field.TYPE_DOUBLE, _Field.TYPE_FLOAT):
        return _encode_float(field, value)
    return wire.length_delimited(field.number, _message(field, value))


def encode_default(field: FieldDescriptor) -> bytes:
    """Return the wire encoding, tag included, of the default value of a scalar field."""
    return encode(field, text(field, field.default_value))


def message_type(field: FieldDescriptor) -> Descriptor:
    """Return the type of a message field."""
    assert field.message_type is not None
    return field.message_type


def _enum_type(field: FieldDescriptor) -> EnumDescriptor:
    assert field.enum_type is not None
    return field.enum_type


def _encode_integer(field: FieldDescriptor, value: str, bits: int, signed: bool, wire_type: int) -> bytes:
    if re.fullmatch(_INTEGER, value) is None:
        raise _refusal(field, value)
    number = int(value)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= number <= high:
        raise _refusal(field, value)
    start = wire.tag(field.number, wire_type)
    if wire_type != wire.VARINT:
        return start + number.to_bytes(bits // 8, "little", signed=signed)
    if field.type in (_Field.TYPE_SINT32, _Field.TYPE_SINT64):
        return start + wire.varint(number << 1 if number >= 0 else (-number << 1) - 1)
    return start + wire.varint(number & 0xFFFFFFFFFFFFFFFF)


def _encode_float(field: FieldDescriptor, value: str) -> bytes:
    number = _NOT_FINITE.get(value)
    if number is None:
        number = float(value) if len(value) <= _MOST_NUMBER and re.fullmatch(_NUMBER, value) else math.inf
        if math.isinf(number):
            raise _refusal(field, value)
    if field.type == _Field.TYPE_DOUBLE:
        return wire.tag(field.number, wire.I64) + struct.pack("<d", number)
    try:
        return wire.tag(field.number, wire.I32) + struct.pack("<f", number)
    except OverflowError:
        raise _refusal(field, value) from None


def _bytes(field: FieldDescriptor, value: str) -> bytes:
    if re.fullmatch(_BASE64, value) is None:
        raise _refusal(field, value)
    digits = value.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    except binascii.Error:
        raise _refusal(field, value) from None


def _enum(field: FieldDescriptor, value: str) -> int:
    known = _enum_type(field).values_by_name.get(value)
    if known is not None:
        return int(known.number)
    if re.fullmatch(_INTEGER, value) is None or not -(1 << 31) <= int(value) < 1 << 31:
        raise _refusal(field, value)
    return int(value)


def _message_text(value: Message) -> str:
    written = json.loads(MessageMapper(cast("Descriptor", value.DESCRIPTOR)).to_json(value.SerializeToString()))
    if isinstance(written, str):
        return written
    return json.dumps(written)  # the wrappers of numbers and bools


def _message(field: FieldDescriptor, value: str) -> bytes:
    """Return the encoded message of a type of TEXT_MESSAGES."""
    kind = message_type(field)
    if kind.full_name.endswith("Value"):  # a wrapper: its only field has the number 1
        return encode(kind.fields_by_number[1], value)
    try:
        return MessageMapper(kind, ignore_unknown_fields=False).to_wire(json.dumps(value).encode())
    except MapperError:
        raise _refusal(field, value) from None


def _float_text(value: float, shortest: Any) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(shortest(value))


def _shortest_float(value: float) -> str:
    """Return the shortest text that reads back as the same 32-bit number."""
    for digits in range(6, 9):
        written = f"{value:.{digits}g}"
        if struct.pack("<f", float(written)) == struct.pack("<f", value):
            return written
    return f"{value:.9g}"


def _refusal(field: FieldDescriptor, value: str) -> MapperError:
    """Return the error for text that is not of the field's type, in Google's words."""
    kind = field.message_type or field.enum_type
    name = f"type.googleapis.com/{kind.full_name}" if kind is not None else _TYPE_NAMES[field.type]
    quoted = json.dumps(value if len(value) <= 64 else value[:61] + "...")
    return MapperError("value", f"Invalid value at '{field.name}' ({name}), {quoted}")


_TYPE_NAMES = {getattr(_Field, name): name for name in dir(_Field) if name.startswith("TYPE_")}
