"""One look through parsed JSON before json_format reads it: what it lets pass, or would refuse as a whole.

json_format has one switch for unknown fields and unknown enum names, and says nothing of what it skips; it takes ``[]``
and ``""`` for an empty message, and both names of one field. So this look takes out what is unknown, counts it, and
refuses the rest; json_format then reads strictly. Scalars are none of its business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor

from eegrpc.mapper._python_engine.checks import (
    NOTHING,
    OTHER_CHECKS,
    Check,
    EnumCheck,
    Run,
    check_float,
    check_struct_or_list,
    check_value,
)
from eegrpc.mapper._python_engine.explain_json import require_map_key
from eegrpc.mapper._python_engine.message_types import ANY, FREE_FORM, MAX_LEVELS, SPECIAL, TOO_DEEP, held_type
from eegrpc.mapper._python_engine.refusal import Refusal, quote

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor

    from eegrpc.mapper._options import Options

__all__ = ["Schema"]

_NULLABLE: Final = ("google.protobuf.Value", "google.protobuf.NullValue")
_EXTENSION: Final = re.compile(r"\[[a-zA-Z0-9._]*\]")


class Schema:
    """The message types that one mapper meets, each compiled when it is first met."""

    __slots__ = ("_enums", "_types", "options")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._types: dict[Descriptor, _Type] = {}
        self._enums: dict[EnumDescriptor, EnumCheck] = {}

    def scan(self, descriptor: Descriptor, value: Any) -> tuple[Any, Run]:
        """Look through the JSON value of a message, and take out of it what is unknown and may be skipped.

        Returns:
            The value for json_format, and what was skipped.

        Raises:
            Refusal: It cannot be a message of the type.
        """
        run = Run()
        check = self.check_of(descriptor)
        return (value if check is None else check(value, -1, run)), run

    def check_of(self, descriptor: Descriptor) -> Check | None:
        """Return the check of fields of a message type; None if anything goes, or if json_format knows."""
        name = descriptor.full_name
        if name == ANY:
            return _AnyCheck(self)
        if name in FREE_FORM:
            return check_value if name == "google.protobuf.Value" else check_struct_or_list
        check = OTHER_CHECKS.get(name)
        return check if check is not None or name in SPECIAL else self._type(descriptor).scan

    def check_of_field(self, field: FieldDescriptor) -> Check | None:
        """Return the check of a field, repeated or not; None if it needs none."""
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            inner = self._check_of_value(kind.fields_by_name["value"])
            return None if inner is None else _MapCheck(inner, kind.fields_by_name["key"], self.options)
        inner = self._check_of_value(field)
        return _ListCheck(inner) if inner is not None and field.is_repeated else inner

    def unknown_field(self, owner: Descriptor, name: str, value: Any, level: int, run: Run) -> None:
        """Note a field that the message at `level` does not have, or refuse it."""
        if _nests_deeper(value, MAX_LEVELS - level):
            raise Refusal("depth", TOO_DEEP)
        if not self.options.ignore_unknown_fields:
            raise Refusal("unknown", f"{owner.full_name} has no field of that name")
        run.note_field(owner.full_name, name)

    def _check_of_value(self, field: FieldDescriptor) -> Check | None:
        if field.enum_type is not None:
            enum = self._enums.get(field.enum_type)
            if enum is None:
                enum = self._enums.setdefault(field.enum_type, EnumCheck(field.enum_type, self.options))
            return enum
        if field.message_type is not None:
            return self.check_of(field.message_type)
        return check_float if field.type == FieldDescriptor.TYPE_FLOAT else None

    def _type(self, descriptor: Descriptor) -> _Type:
        compiled = self._types.get(descriptor)
        if compiled is None:
            compiled = self._types.setdefault(descriptor, _Type(descriptor, self))
        return compiled


class _Type:
    """An ordinary message type. Its fields are compiled when it is first met: types may be recursive."""

    __slots__ = (
        "_aliases",
        "_checks",
        "_descriptor",
        "_fields",
        "_lists_of_nulls",
        "_names",
        "_schema",
        "_usual_checks",
    )

    def __init__(self, descriptor: Descriptor, schema: Schema) -> None:
        self._descriptor = descriptor
        self._schema = schema
        self._names: frozenset[str] | None = None

    def scan(self, value: Any, level: int, run: Run, /) -> Any:
        """Look through the JSON value of a message in one at `level`; see `Check`."""
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for {self._descriptor.full_name}, got {quote(value)}")
        level += 1
        if level > MAX_LEVELS:
            raise Refusal("depth", TOO_DEEP)
        names = self._names
        if names is None:
            names = self._compile()
        checks = self._usual_checks
        odd = not value.keys() <= names
        if not odd and not checks:
            return value
        if odd:
            self._scan_odd_names(value, level, run)
            return value
        name = ""
        try:
            for name, check in checks:
                item = value.get(name)
                if item is not None:
                    kept = check(item, level, run)
                    if kept is not item:
                        self._change(value, name, kept)
        except Refusal as refusal:
            refusal.steps.append(name)
            raise
        if self._lists_of_nulls:
            self._unset_lists(value)
        return value

    def _unset_lists(self, value: dict[str, Any]) -> None:
        """Take out null in place of lists that may have it inside: json_format tries to put it there."""
        for name in self._lists_of_nulls:
            if value.get(name, value) is None:
                del value[name]

    def _scan_odd_names(self, value: dict[str, Any], level: int, run: Run) -> None:
        """Look through a message in which there are other names than JSON names of fields."""
        given = dict(value)
        name = ""
        try:
            for name, item in given.items():
                field = self._field(name)
                if field is None:
                    self._schema.unknown_field(self._descriptor, name, item, level, run)
                    del value[name]
                    continue
                if name in self._aliases and self._aliases[name] in given:
                    raise Refusal("value", f"the field is there twice, also as {quote(name)}")
                check = self._checks[name] if name in self._checks else self._schema.check_of_field(field)
                kept = item if check is None or item is None else check(item, level, run)
                if kept is not item:
                    self._change(value, name, kept)
        except Refusal as refusal:
            refusal.steps.append(self._aliases.get(name, name))
            raise
        self._unset_lists(value)

    def _field(self, name: str) -> FieldDescriptor | None:
        field = self._fields.get(name)
        if field is not None or not self._descriptor.is_extendable or not _EXTENSION.fullmatch(name):
            return field
        try:
            field = self._schema.options.descriptor_pool.FindExtensionByName(name[1:-1])
        except KeyError:
            return None
        return field if field.containing_type == self._descriptor else None

    def _change(self, value: dict[str, Any], name: str, kept: Any) -> None:
        if kept is not NOTHING:
            value[name] = kept
            return
        # A value without a name here still is the oneof's one.
        oneof = self._fields[name].containing_oneof if name in self._fields else None
        members = [key for key in value if key in self._fields and value[key] is not None] if oneof is not None else []
        members = [key for key in members if self._fields[key].containing_oneof == oneof]
        if len(members) > 1:
            raise Refusal("value", f"{' and '.join(map(quote, members[:2]))} are of one oneof, which holds one")
        del value[name]

    def _compile(self) -> frozenset[str]:
        by_json_name = {str(field.json_name): field for field in self._descriptor.fields}
        by_name = {field.name: field for field in self._descriptor.fields if field.name not in by_json_name}
        self._fields = by_json_name | by_name
        self._aliases = {name: str(field.json_name) for name, field in by_name.items()}
        self._checks = {name: self._schema.check_of_field(field) for name, field in self._fields.items()}
        self._usual_checks = [(name, check) for name, check in self._checks.items() if check and name in by_json_name]
        self._lists_of_nulls = [
            name for name, field in self._fields.items() if field.is_repeated and _kind_of(field) in _NULLABLE
        ]
        self._names = frozenset(by_json_name)  # last: another thread may be looking
        return self._names


class _ListCheck:
    __slots__ = ("_inner",)

    def __init__(self, inner: Check) -> None:
        self._inner = inner

    def __call__(self, value: Any, level: int, run: Run, /) -> Any:
        if type(value) is not list:
            raise Refusal("value", f"expected a list, got {quote(value)}")
        inner = self._inner
        index = 0
        gone = []
        try:
            for index, item in enumerate(value):
                kept = inner(item, level, run)
                if kept is NOTHING:
                    gone.append(index)
                elif kept is not item:
                    value[index] = kept
        except Refusal as refusal:
            refusal.steps.append(index)
            raise
        if gone:
            run.take_out(value, gone)
        return value


class _MapCheck:
    __slots__ = ("_inner", "_key", "_options")

    def __init__(self, inner: Check, key: FieldDescriptor, options: Options) -> None:
        self._inner = inner
        self._key = key
        self._options = options

    def __call__(self, value: Any, level: int, run: Run, /) -> Any:
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for a map, got {quote(value)}")
        inner = self._inner
        gone = []
        key = ""
        try:
            for key, item in value.items():
                kept = inner(item, level + 1, run)  # the entry is a message, too
                if kept is NOTHING:
                    require_map_key(self._key, key, self._options)
                    gone.append(key)
                elif kept is not item:
                    value[key] = kept
        except Refusal as refusal:
            refusal.steps.append(key)
            raise
        for key in gone:
            del value[key]
        return value


class _AnyCheck:
    """Looks into what an Any holds, by the type that it names."""

    __slots__ = ("_schema",)

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def __call__(self, value: Any, level: int, run: Run, /) -> Any:
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for google.protobuf.Any, got {quote(value)}")
        level += 1
        if level > MAX_LEVELS:
            raise Refusal("depth", TOO_DEEP)
        held = held_type(self._schema.options, value.get("@type"))
        if held is None:
            return value  # json_format knows it to be wrong
        outside, run.in_any = run.in_any, True
        try:
            self._scan_held(held, value, level, run)
        finally:
            run.in_any = outside
        return value

    def _scan_held(self, held: Descriptor, value: dict[str, Any], level: int, run: Run) -> None:
        check = self._schema.check_of(held)
        if held.full_name not in SPECIAL:
            url = value.pop("@type")
            assert check is not None
            check(value, level, run)
            value["@type"] = url
            return
        for name in [name for name in value if name not in ("@type", "value")]:
            self._schema.unknown_field(held, name, value.pop(name), level, run)
        if check is not None and value.get("value") is not None:
            try:
                value["value"] = check(value["value"], level, run)
            except Refusal as refusal:
                refusal.steps.append("value")
                raise


def _kind_of(field: FieldDescriptor) -> str | None:
    kind = field.message_type or field.enum_type
    return None if kind is None else kind.full_name


def _nests_deeper(value: Any, levels: int) -> bool:
    """Return whether lists and objects nest in each other more than so many levels."""
    nested = [value] if type(value) in (dict, list) else []
    while nested:
        if levels <= 0:
            return True
        levels -= 1
        inner = (item for value in nested for item in (value.values() if type(value) is dict else value))
        nested = [item for item in inner if type(item) in (dict, list)]
    return False
