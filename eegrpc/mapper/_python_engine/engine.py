"""The reference engine: google.protobuf.json_format, with guards where it is lenient to the point of harm.

json_format maps; around it, `json_text` reads the text, `scan` takes out what is unknown, and after a refusal
`explain_json` and `explain_wire` look for what was wrong and where.
"""

from __future__ import annotations

import json as json_library
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message

from eegrpc.mapper._errors import MapperError
from eegrpc.mapper._python_engine import json_text
from eegrpc.mapper._python_engine.explain_json import PARSE_FAILURES, explain
from eegrpc.mapper._python_engine.explain_wire import explain_encoding, explain_message, require_shallow
from eegrpc.mapper._python_engine.message_types import ANY, SPECIAL, TOO_DEEP, reachable, reaching
from eegrpc.mapper._python_engine.refusal import Refusal
from eegrpc.mapper._python_engine.scan import Schema

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from eegrpc.mapper._options import Options, Skipped, Taker
    from eegrpc.mapper._python_engine.checks import Run

__all__ = ["PythonEngine"]

_MOST_DEPTH: Final = 1000  # of json_format's own counting, which is another than ours
# How doubles and floats that are infinite or not a number end on the wire.
_DOUBLES: Final = tuple(bytes(6) + end for end in (b"\xf0\x7f", b"\xf0\xff", b"\xf8\x7f", b"\xf8\xff"))
_FLOATS: Final = tuple(bytes(2) + end for end in (b"\x80\x7f", b"\x80\xff", b"\xc0\x7f", b"\xc0\xff"))
_MAYBE_BYTES: Final = (b"\"b'", b'"b\\"')  # how JSON begins that was made of a Python bytes object
_QUOTE: Final = 64  # characters of json_format's words, which may quote the input, that an error text repeats


class PythonEngine:
    """Maps one message type by google.protobuf.json_format; see `eegrpc.mapper._options.Engine`."""

    __slots__ = ("_class", "_descriptor", "_expected", "_not_finite", "_options", "_reaching_any", "_schema")

    def __init__(self, descriptor: Descriptor, options: Options) -> None:
        self._descriptor = descriptor
        self._options = options
        self._class: type[Message] = message_factory.GetMessageClass(descriptor)
        self._schema = Schema(options)
        name = descriptor.full_name
        self._expected = None if name in SPECIAL else name
        types = reachable(descriptor)
        self._reaching_any = reaching(ANY, types)
        scalars = {field.type for kind in types.values() for field in kind.fields}
        # What is in an Any, or extends a message, may be of any type.
        anything = bool(self._reaching_any) or any(kind.is_extendable for kind in types.values())
        self._not_finite = (
            *(_DOUBLES if anything or FieldDescriptor.TYPE_DOUBLE in scalars else ()),
            *(_FLOATS if anything or FieldDescriptor.TYPE_FLOAT in scalars else ()),
        )

    def to_json(self, wire: bytes) -> bytes:
        """Return the JSON of an encoded message; see `Engine.to_json`."""
        try:
            message = self._class.FromString(wire)
        except DecodeError as error:
            raise explain_encoding(wire, self._descriptor).error() from error
        try:
            if self._reaching_any:
                require_shallow(message, self._options, self._reaching_any)
            text = self._print(message)
            if _MAYBE_BYTES[0] in text or _MAYBE_BYTES[1] in text:
                explain_message(message, self._options)
            return text
        except Refusal as refusal:
            raise refusal.error() from None
        except RecursionError as error:
            raise MapperError("depth", TOO_DEEP) from error
        except (*PARSE_FAILURES, DecodeError) as error:  # DecodeError: what is in an Any
            raise self._why_no_json(message, error) from error

    def to_wire(self, json: bytes, _taker: Taker, /) -> tuple[bytes, Skipped | None]:
        """Return the encoding of a message given as JSON; see `Engine.to_wire`. All of it is the rest."""
        value = json_text.read(json, expected=self._expected)
        try:
            value, run = self._schema.scan(self._descriptor, value)
            wire = self._parse(value, run)
            if any(end in wire for end in self._not_finite):
                explain(self._descriptor, value, self._options, run)
        except Refusal as refusal:
            raise refusal.error() from None
        except RecursionError as error:
            raise MapperError("depth", TOO_DEEP) from error
        try:
            # json_format writes nestings that no parser reads back. Reading costs 2 % of what writing did.
            self._class.FromString(wire)
        except DecodeError as error:
            raise self._why_not_read(value, run, MapperError("depth", TOO_DEEP)) from error
        return wire, run.skipped()

    def _print(self, message: Message) -> bytes:
        fields: Any = json_format.MessageToDict(
            message,
            preserving_proto_field_name=self._options.preserving_proto_field_name,
            use_integers_for_enums=self._options.use_integers_for_enums,
            descriptor_pool=self._options.descriptor_pool,
            always_print_fields_with_no_presence=self._options.always_print_fields_with_no_presence,
        )
        return json_library.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

    def _parse(self, value: Any, run: Run) -> bytes:
        message = self._class()
        pool = self._options.descriptor_pool
        try:
            json_format.ParseDict(value, message, descriptor_pool=pool, max_recursion_depth=_MOST_DEPTH)
            return message.SerializePartialToString()
        except (*PARSE_FAILURES, EncodeError) as error:
            text = f"not a {self._descriptor.full_name}: {_short(error)}"
            raise self._why_not_read(value, run, MapperError("value", text)) from error

    def _why_not_read(self, value: Any, run: Run, otherwise: MapperError) -> MapperError:
        try:
            explain(self._descriptor, value, self._options, run)
        except Refusal as refusal:
            return refusal.error()
        except RecursionError:
            return MapperError("depth", TOO_DEEP)
        return otherwise

    def _why_no_json(self, message: Message, error: Exception) -> MapperError:
        try:
            explain_message(message, self._options)
        except Refusal as refusal:
            return refusal.error()
        return MapperError("value", f"{self._descriptor.full_name} has no JSON form: {_short(error)}")


def _short(error: Exception) -> str:
    """Return the error's text in ASCII, without what may be a long quotation of the input."""
    text = ascii(str(error).rstrip("."))[1:-1]
    return text if len(text) <= _QUOTE else f"{text[:_QUOTE]}..."
