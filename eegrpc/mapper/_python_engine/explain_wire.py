"""Why an encoded message was refused: the parser says no more than that it was, and json_format not where."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from eegrpc.mapper._python_engine.message_types import ANY, FREE_FORM, MAX_LEVELS, SPECIAL, TOO_DEEP, held_type
from eegrpc.mapper._python_engine.refusal import Refusal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from eegrpc.mapper._options import Options

__all__ = ["explain_encoding", "explain_message", "require_shallow"]

_VARINT, _FIXED64, _LENGTH, _START, _END, _FIXED32 = range(6)
_AS_TEXT: Final = frozenset(f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask"))


class _MalformedError(Exception):
    pass


def explain_encoding(wire: bytes, descriptor: Descriptor) -> Refusal:
    """Return why bytes that protobuf does not parse are no encoding of the message type.

    The kind is `depth` or `utf8` if that is what a parser meets first, else `wire`.
    """
    try:
        return _first_fault(wire, descriptor)
    except (_MalformedError, IndexError):
        return Refusal("wire", f"not an encoded {descriptor.full_name}")


def _first_fault(wire: bytes, descriptor: Descriptor) -> Refusal:
    # Of each message around the place: its type (None if unknown), where it ends, and the number of its group.
    around: list[tuple[Descriptor | None, int, int]] = [(descriptor, len(wire), 0)]
    at = 0
    while around:
        kind, end, group = around[-1]
        if at == end and not group:
            around.pop()
            continue
        tag, at = _varint(wire, at, end)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < 2**29:
            raise _MalformedError
        if wire_type == _END:
            if number != group:
                raise _MalformedError
            around.pop()
            continue
        field = None if kind is None else kind.fields_by_number.get(number)
        inner = None if field is None else field.message_type
        length = 0
        if wire_type == _LENGTH:
            length, at = _varint(wire, at, end)
            if length > end - at:
                raise _MalformedError
            if field is not None and field.type == FieldDescriptor.TYPE_STRING and not _is_utf8(wire[at : at + length]):
                return Refusal("utf8", f"a string of {descriptor.full_name} is not UTF-8")
        if wire_type == _START or (inner is not None and wire_type == _LENGTH):
            around.append((inner, end if wire_type == _START else at + length, number if wire_type == _START else 0))
            if len(around) - 1 > MAX_LEVELS:
                return Refusal("depth", TOO_DEEP)
        elif wire_type == _VARINT:
            _, at = _varint(wire, at, end)
        else:
            at += {_FIXED64: 8, _FIXED32: 4, _LENGTH: length}.get(wire_type, len(wire) + 1)
            if at > end:
                raise _MalformedError
    raise _MalformedError


def _varint(wire: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise _MalformedError
        byte = wire[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _MalformedError


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def explain_message(message: Message, options: Options, level: int = 0) -> None:
    """Raise the Refusal of the first value in a message that JSON cannot hold; return if there is none."""
    name = message.DESCRIPTOR.full_name
    if level > MAX_LEVELS:
        raise Refusal("depth", TOO_DEEP)
    if name == ANY:
        _explain_any(message, options, level)
    elif name in _AS_TEXT:
        try:
            message.ToJsonString()  # type: ignore[attr-defined]
        except ValueError:
            raise Refusal("value", f"a {name} that is not valid has no JSON form") from None
    else:
        for field, value in message.ListFields():
            if _holds_bytes_for_text(field, value):
                refusal = Refusal("utf8", "a string is not UTF-8")
                refusal.steps.append(_json_name(field, options))
                raise refusal
            if name == "google.protobuf.Value" and isinstance(value, float) and not math.isfinite(value):
                raise Refusal("value", f"{value} in a {name} has no JSON form")
            for step, item, below in _messages(field, value):
                try:
                    explain_message(item, options, level + below)
                except Refusal as refusal:
                    refusal.steps += [] if step is None else [step]
                    # The fields of Struct, Value and ListValue do not show in JSON.
                    if name not in FREE_FORM:
                        refusal.steps.append(_json_name(field, options))
                    raise


def _explain_any(message: Any, options: Options, level: int) -> None:
    if not message.ListFields():
        return
    held = held_type(options, message.type_url)
    if held is None:
        raise Refusal("value", f"a google.protobuf.Any holds {quote(message.type_url)}, a type that is not known here")
    try:
        content = message_factory.GetMessageClass(held).FromString(message.value)
    except DecodeError:
        raise explain_encoding(message.value, held) from None
    try:
        explain_message(content, options, level + 1)
    except Refusal as refusal:
        refusal.steps += ["value"] if held.full_name in SPECIAL else []
        raise


def require_shallow(message: Any, options: Options, reaching: frozenset[str], level: int = 0) -> None:
    """Refuse a message that nests too deeply if what is in each google.protobuf.Any is counted.

    Args:
        message: Any message that was parsed, so that it nests deeper only by what is in an Any.
        options: The mapper's.
        reaching: The names of message types with an Any somewhere in them.
        level: That of the message.
    """
    if message.DESCRIPTOR.full_name == ANY:
        held = held_type(options, message.type_url)
        if held is not None:
            _require_shallow_content(message.value, held, options, level + 1)
        return
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.full_name in reaching:
            for _, item, below in _messages(field, value):
                require_shallow(item, options, reaching, level + below)


def _require_shallow_content(wire: bytes, held: Descriptor, options: Options, level: int) -> None:
    waiting: list[tuple[Any, int]] = []
    content_class = message_factory.GetMessageClass
    try:
        waiting.append((content_class(held).FromString(wire), level))
        while waiting:
            message, level = waiting.pop()
            if level > MAX_LEVELS:
                raise Refusal("depth", TOO_DEEP)
            if message.DESCRIPTOR.full_name == ANY:
                inner = held_type(options, message.type_url)
                waiting += [] if inner is None else [(content_class(inner).FromString(message.value), level + 1)]
                continue
            for field, value in message.ListFields():
                waiting += [(item, level + below) for _, item, below in _messages(field, value)]
    except DecodeError:
        return  # json_format meets it, too


def _holds_bytes_for_text(field: FieldDescriptor, value: Any) -> bool:
    """Return whether strings in the value of a field are not UTF-8: older syntaxes do not forbid it on the wire.

    Python's protobuf gives such a string as bytes, which json_format prints as Python would: ``b'...'``.
    """
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        if any(isinstance(key, bytes) for key in value):
            return True  # and it cannot be looked up
        field, value = field.message_type.fields_by_name["value"], value.values()
    elif not field.is_repeated:
        value = [value]
    return field.type == FieldDescriptor.TYPE_STRING and any(isinstance(item, bytes) for item in value)


def _messages(field: FieldDescriptor, value: Any) -> Iterator[tuple[str | int | None, Message, int]]:
    """Yield the messages in the value of a field, each with its step in a path and how many levels below it is."""
    kind = field.message_type
    if kind is None:
        return
    if kind.GetOptions().map_entry:
        if kind.fields_by_name["value"].message_type is not None:
            for key in value:
                yield str(key).lower() if isinstance(key, bool) else str(key), value[key], 2
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield index, item, 1
    else:
        yield None, value, 1


def _json_name(field: FieldDescriptor, options: Options) -> str:
    if field.is_extension:
        return f"[{field.full_name}]"
    return str(field.name if options.preserving_proto_field_name else field.json_name)
