"""Why json_format refused JSON, or took what it should not: the first value that its field cannot hold.

json_format says little of where, and nothing that a program can read. So after a refusal each value is tried alone, in
the order of the document. This is slow, but linear, and mistakes are rare.
"""

from __future__ import annotations

import decimal
import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor

from eegrpc.mapper._python_engine.checks import Run
from eegrpc.mapper._python_engine.free_form import require_value
from eegrpc.mapper._python_engine.message_types import ANY, FREE_FORM, SPECIAL, held_type
from eegrpc.mapper._python_engine.refusal import Refusal, quote

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from eegrpc.mapper._options import Options

__all__ = ["PARSE_FAILURES", "explain", "require_map_key"]

PARSE_FAILURES: Final = (json_format.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What json_format raises when it reads JSON that is not the message."""

_Field: Final = FieldDescriptor
_TYPE_NAMES: Final = {
    getattr(_Field, name): name.removeprefix("TYPE_").lower() for name in dir(_Field) if name.startswith("TYPE_")
}
_INTEGERS: Final = (_Field.CPPTYPE_INT32, _Field.CPPTYPE_INT64, _Field.CPPTYPE_UINT32, _Field.CPPTYPE_UINT64)
_FLOATS: Final = (_Field.CPPTYPE_FLOAT, _Field.CPPTYPE_DOUBLE)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")


def explain(descriptor: Descriptor, value: Any, options: Options, run: Run) -> None:
    """Raise the Refusal of the first value that its field cannot hold; return if there is none.

    Args:
        descriptor: The message type.
        value: The JSON value of a message that was looked through by `Schema.scan`.
        options: The mapper's.
        run: What `Schema.scan` returned.
    """
    _Explainer(options, run).message(descriptor, value, 0)


def require_map_key(field: FieldDescriptor, key: str, options: Options) -> None:
    """Raise the Refusal of a key that a map cannot have; `field` is that of the key, in the map's entries."""
    _Explainer(options, Run()).map_key(field, key)


class _Explainer:
    def __init__(self, options: Options, run: Run) -> None:
        self._options = options
        self._run = run

    def message(self, descriptor: Descriptor, value: Any, level: int) -> None:
        """Explain the value of a message at `level`."""
        name = descriptor.full_name
        if name in FREE_FORM:
            self._free_form(name, value, level)
        elif name == ANY:
            self._any(value, level)
        elif name in SPECIAL:
            self._special(descriptor, value)
        else:
            self._fields(descriptor, value, level)

    def _fields(self, descriptor: Descriptor, value: dict[str, Any], level: int) -> None:
        fields = {field.name: field for field in descriptor.fields}
        fields |= {str(field.json_name): field for field in descriptor.fields}
        seen: set[str] = set()
        for name, item in value.items():
            field = fields.get(name) or self._options.descriptor_pool.FindExtensionByName(name[1:-1])
            if item is None:
                continue
            try:
                if field.containing_oneof is not None:
                    if field.containing_oneof.name in seen:
                        raise Refusal("value", f"a second field of the oneof {field.containing_oneof.name}")
                    seen.add(field.containing_oneof.name)
                self._field(descriptor, field, name, item, level)
            except Refusal as refusal:
                refusal.steps.append(name if field.is_extension else str(field.json_name))
                raise

    def _field(self, owner: Descriptor, field: FieldDescriptor, name: str, value: Any, level: int) -> None:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            self._map(kind, value, level)
        elif field.is_repeated:
            if not isinstance(value, list):
                raise Refusal("value", f"expected a list, got {quote(value)}")
            if kind is None and field.cpp_type not in _FLOATS and self._reads(owner, {name: value}):
                return
            for index, item in enumerate(value):
                try:
                    if item is None and not _is_value(field):
                        raise Refusal("value", "null in a list")
                    self._one(owner, field, name, item, [item], level)
                except Refusal as refusal:
                    refusal.steps.append(self._run.original_index(value, index))
                    raise
        else:
            self._one(owner, field, name, value, value, level)

    def _map(self, entry: Descriptor, value: Any, level: int) -> None:
        if not isinstance(value, dict):
            raise Refusal("value", f"expected an object for a map, got {quote(value)}")
        key_field, value_field = (entry.fields_by_name[part] for part in ("key", "value"))
        for key, item in value.items():
            try:
                self.map_key(key_field, key)
                if item is None and not _is_value(value_field):
                    raise Refusal("value", "null in a map")
                self._one(entry, value_field, "value", item, item, level + 1)
            except Refusal as refusal:
                refusal.steps.append(key)
                raise

    def map_key(self, field: FieldDescriptor, key: str) -> None:
        """Explain a key of a map."""
        if field.type != _Field.TYPE_BOOL:
            assert field.containing_type is not None
            self._one(field.containing_type, field, "key", key, key, 0)
        elif key not in ("true", "false"):
            raise Refusal("value", f'expected "true" or "false", got {quote(key)}')

    def _one(self, owner: Descriptor, field: FieldDescriptor, name: str, item: Any, whole: Any, level: int) -> None:
        """Explain one value of a field; `whole` is what the field would be with this value only."""
        if field.message_type is not None:
            self.message(field.message_type, item, level + 1)
            return
        if not self._reads(owner, {name: whole}):
            raise _why_not(field, item)
        _require_finite(field, item)

    def _special(self, descriptor: Descriptor, value: Any) -> None:
        wrapped = descriptor.fields_by_name["value"] if descriptor.full_name.endswith("Value") else None
        if not self._reads(descriptor, value):
            if wrapped is not None:
                raise _why_not(wrapped, value)
            raise Refusal("value", f"expected a {descriptor.full_name}, got {quote(value)}")
        if wrapped is not None:
            _require_finite(wrapped, value)

    def _any(self, value: dict[str, Any], level: int) -> None:
        if not value:
            return
        if "@type" not in value:
            raise Refusal("value", "a google.protobuf.Any without its @type")
        held = held_type(self._options, value["@type"])
        if held is None:
            text = f"a google.protobuf.Any holds {quote(value['@type'])}, a type that is not known here"
            raise Refusal("value", text)
        if held.full_name not in SPECIAL:
            self._fields(held, {name: item for name, item in value.items() if name != "@type"}, level + 1)
            return
        if "value" not in value:
            raise Refusal("value", f"a google.protobuf.Any with a {held.full_name} but no value")
        try:
            self.message(held, value["value"], level + 1)
        except Refusal as refusal:
            refusal.steps.append("value")
            raise

    def _free_form(self, name: str, value: Any, level: int) -> None:
        if name == "google.protobuf.Struct" and not isinstance(value, dict):
            raise Refusal("value", f"expected an object for {name}, got {quote(value)}")
        if name == "google.protobuf.ListValue" and not isinstance(value, list):
            raise Refusal("value", f"expected a list for {name}, got {quote(value)}")
        # A Struct or ListValue alone is one level less than in a Value.
        require_value(value, level if name == "google.protobuf.Value" else level - 1)

    def _reads(self, descriptor: Descriptor, value: Any) -> bool:
        message: Message = message_factory.GetMessageClass(descriptor)()
        try:
            json_format.ParseDict(value, message, descriptor_pool=self._options.descriptor_pool)
        except PARSE_FAILURES:
            return False
        return True


def _is_value(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _require_finite(field: FieldDescriptor, value: Any) -> None:
    """Refuse what float() takes for infinite or not a number, but JSON does not."""
    if field.cpp_type not in _FLOATS or value in _NOT_FINITE:
        return
    if not _is_finite(float(value), "d" if field.cpp_type == _Field.CPPTYPE_DOUBLE else "f"):
        raise _why_not(field, value)


def _is_finite(value: float, code: str) -> bool:
    try:
        return math.isfinite(struct.unpack(code, struct.pack(code, value))[0])
    except (OverflowError, struct.error):
        return False


def _why_not(field: FieldDescriptor, value: Any) -> Refusal:
    """Return the refusal of a value that a scalar field cannot hold."""
    expected = _TYPE_NAMES[field.type] if field.enum_type is None else field.enum_type.full_name
    number = _number(value)
    whole = number is not None and number == number.to_integral_value()
    refused = f"expected {expected}, got {quote(value)}"
    if field.cpp_type in _INTEGERS and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        if not whole:
            return Refusal("integer", refused)
        return Refusal("range", f"{quote(value)} is out of the range of {expected}")
    if field.cpp_type in _FLOATS and number is not None:
        return Refusal("range", f"{quote(value)} is out of the range of {expected}")
    if field.enum_type is not None and number is not None:  # a closed one
        return Refusal("value", f"{expected} has no value {quote(value)}")
    if field.type == _Field.TYPE_STRING and isinstance(value, str):
        return Refusal("value", f"half of a surrogate pair, in {quote(value)}")
    return Refusal("value", refused)


def _number(value: Any) -> decimal.Decimal | None:
    """Return the number in a JSON number or string; None if there is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return decimal.Decimal(value)
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    try:
        return decimal.Decimal(value)
    except ArithmeticError:  # an exponent of too many digits
        return decimal.Decimal("0.5" if re.search("[eE]-", value) else "Infinity")
