"""Short ways to ask one implementation of the mapper about one value, for the tests of the rows.

Types are named as in `schemas`; those of the package ``mapper.proto3`` without it.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest
import schemas

from eegrpc.mapper import MapperError, MessageMapper

if TYPE_CHECKING:
    from google.protobuf.message import Message

PAGE = "google.earthengine.v1alpha.ComputeImagesResponse"
REQUEST = "google.earthengine.v1alpha.ComputeImagesRequest"


def full_name(name: str) -> str:
    return name if "." in name else f"mapper.proto3.{name}"


def message_class(name: str) -> type[Message]:
    return schemas.message_class(full_name(name))


@functools.cache
def mapper(implementation: str, name: str, **options: bool) -> MessageMapper:
    """Return a mapper; its counts of what was skipped are shared by all who ask with the same options."""
    return new_mapper(implementation, name, **options)


def new_mapper(implementation: str, name: str, **options: bool) -> MessageMapper:
    return MessageMapper(message_class(name).DESCRIPTOR, implementation=implementation, **options)  # type: ignore[arg-type]


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def parsed(implementation: str, name: str, text: str | bytes, **options: bool) -> Any:
    """Return the message that a JSON text is."""
    return message_class(name).FromString(mapper(implementation, name, **options).to_wire(as_bytes(text)))


def printed(implementation: str, name: str, message: Message | bytes, **options: bool) -> str:
    """Return the JSON of a message."""
    wire = message if isinstance(message, bytes) else message.SerializePartialToString()
    return mapper(implementation, name, **options).to_json(wire).decode()


def refused(implementation: str, name: str, text: str | bytes, **options: bool) -> MapperError:
    """Return the error that a JSON text is refused with."""
    with pytest.raises(MapperError) as caught:
        mapper(implementation, name, **options).to_wire(as_bytes(text))
    return checked(caught.value)


def refused_wire(implementation: str, name: str, message: Message | bytes) -> MapperError:
    """Return the error that a message is refused with on the way to JSON."""
    wire = message if isinstance(message, bytes) else message.SerializePartialToString()
    with pytest.raises(MapperError) as caught:
        mapper(implementation, name).to_json(wire)
    return checked(caught.value)


def checked(error: MapperError) -> MapperError:
    """Return the error, which says as much as every error must and no more of the input than it may."""
    assert error.kind != "bug"
    assert error.path in str(error)
    assert len(str(error)) < 512
    str(error).encode()
    return error


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def delimited(number: int, payload: bytes) -> bytes:
    return tag(number, 2) + varint(len(payload)) + payload
