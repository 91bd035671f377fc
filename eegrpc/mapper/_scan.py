"""One look through parsed JSON before json_format reads it: what it lets pass, or would refuse as a whole.

json_format has one switch for unknown fields and unknown enum names, and says nothing of what it skips; it takes ``[]``
and ``""`` for an empty message, and both names of one field. So this look takes out what is unknown, counts it, and
refuses the rest; json_format then reads strictly. Scalars are none of its business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from eegrpc.mapper._options import MAX_SKIPPED_NAMES, Options, Skipped
from eegrpc.mapper._refusal import Refusal, quote
from eegrpc.mapper._types import ANY, FREE_FORM, MAX_LEVELS, SPECIAL, TOO_DEEP, held_type

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

__all__ = ["Schema"]

_EXTENSION: Final = re.compile(r"\[[a-zA-Z0-9._]*\]")


class _Check(Protocol):
    """Looks at the JSON value of a field, which is not null, in a message at `level`; returns whether to keep it."""

    def __call__(self, value: Any, level: int, run: Run, /) -> bool: ...


class Run:
    """What one call found and skipped."""

    __slots__ = ("enum_names", "field_names", "fields", "in_any", "value_names")

    def __init__(self) -> None:
        self.fields = 0
        self.enum_names = 0
        self.field_names: dict[tuple[str, str], None] = {}
        self.value_names: dict[tuple[str, str], None] = {}
        self.in_any = False

    def skipped(self) -> Skipped | None:
        """Return the summary; None if nothing was skipped."""
        if not self.fields and not self.enum_names:
            return None
        return Skipped(self.fields, self.enum_names, tuple(self.field_names), tuple(self.value_names))


class Schema:
    """The message types that one mapper meets, each compiled when it is first met."""

    __slots__ = ("_enums", "_types", "options")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._types: dict[Descriptor, _Type] = {}
        self._enums: dict[EnumDescriptor, _Enum] = {}

    def scan(self, descriptor: Descriptor, value: Any) -> Skipped | None:
        """Look through the JSON value of a message, and take out of it what is unknown and may be skipped.

        Raises:
            Refusal: It cannot be a message of the type.
        """
        check = self.check_of(descriptor)
        if check is None:
            return None
        run = Run()
        check(value, -1, run)
        return run.skipped()

    def check_of(self, descriptor: Descriptor) -> _Check | None:
        """Return the check of fields of a message type; None if anything goes, or if json_format knows."""
        name = descriptor.full_name
        if name == ANY:
            return _AnyCheck(self)
        if name in FREE_FORM:
            return _check_value if name == "google.protobuf.Value" else _check_struct_or_list
        return None if name in SPECIAL else self._type(descriptor).scan

    def check_of_field(self, field: FieldDescriptor) -> _Check | None:
        """Return the check of a field, repeated or not; None if it needs none."""
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            inner = self._check_of_value(kind.fields_by_name["value"])
            return None if inner is None else _MapCheck(inner)
        inner = self._check_of_value(field)
        return _ListCheck(inner) if inner is not None and field.is_repeated else inner

    def unknown_field(self, owner: Descriptor, name: str, value: Any, level: int, run: Run) -> None:
        """Note a field that the message at `level` does not have, or refuse it."""
        if not self.options.ignore_unknown_fields:
            raise Refusal("unknown", f"{owner.full_name} has no field of that name")
        run.fields += 1
        _note(run.field_names, owner.full_name, name)
        if _nests_deeper(value, MAX_LEVELS - level):
            raise Refusal("depth", TOO_DEEP)

    def _check_of_value(self, field: FieldDescriptor) -> _Check | None:
        if field.enum_type is not None:
            enum = self._enums.get(field.enum_type)
            if enum is None:
                enum = self._enums.setdefault(field.enum_type, _Enum(field.enum_type, self.options))
            return enum.check
        return None if field.message_type is None else self.check_of(field.message_type)

    def _type(self, descriptor: Descriptor) -> _Type:
        compiled = self._types.get(descriptor)
        if compiled is None:
            compiled = self._types.setdefault(descriptor, _Type(descriptor, self))
        return compiled


class _Type:
    """An ordinary message type. Its fields are compiled when it is first met: types may be recursive."""

    __slots__ = ("_aliases", "_checks", "_descriptor", "_names", "_schema")

    def __init__(self, descriptor: Descriptor, schema: Schema) -> None:
        self._descriptor = descriptor
        self._schema = schema
        self._names: frozenset[str] | None = None

    def scan(self, value: Any, level: int, run: Run, /) -> bool:
        """Look through the JSON value of a message in one at `level`; see `_Check`."""
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for {self._descriptor.full_name}, got {quote(value)}")
        level += 1
        if level > MAX_LEVELS:
            raise Refusal("depth", TOO_DEEP)
        names = self._names
        if names is None:
            names = self._compile()
        checks = self._checks
        odd = not value.keys() <= names
        if not odd and not checks:
            return True
        out = []
        name = ""
        try:
            for name, item in value.items():
                check = checks.get(name)
                if odd and name not in names:
                    check = self._check_of_odd_name(name, value, level, run)
                if check is _drop or (check is not None and item is not None and not check(item, level, run)):
                    out.append(name)
        except Refusal as refusal:
            refusal.steps.append(name)
            raise
        for name in out:
            del value[name]
        return True

    def _compile(self) -> frozenset[str]:
        by_json_name = {str(field.json_name): field for field in self._descriptor.fields}
        by_name = {field.name: field for field in self._descriptor.fields if field.name not in by_json_name}
        checks = {name: self._schema.check_of_field(field) for name, field in (by_json_name | by_name).items()}
        self._checks = {name: check for name, check in checks.items() if check is not None}
        self._aliases = {name: str(field.json_name) for name, field in by_name.items()}
        self._names = frozenset(by_json_name)  # last: another thread may be looking
        return self._names

    def _check_of_odd_name(self, name: str, value: dict[str, Any], level: int, run: Run) -> _Check | None:
        """Return the check of a name in `value` that is no field's JSON name."""
        other = self._aliases.get(name)
        if other is not None:
            if other in value:
                raise Refusal("value", f"the field is there twice, also as {quote(other)}")
            return self._checks.get(name)
        if self._descriptor.is_extendable and _EXTENSION.fullmatch(name):
            try:
                field = self._schema.options.descriptor_pool.FindExtensionByName(name[1:-1])
            except KeyError:
                field = None
            if field is not None and field.containing_type == self._descriptor:
                return self._schema.check_of_field(field)
        self._schema.unknown_field(self._descriptor, name, value[name], level, run)
        return _drop


class _ListCheck:
    __slots__ = ("_inner",)

    def __init__(self, inner: _Check) -> None:
        self._inner = inner

    def __call__(self, value: Any, level: int, run: Run, /) -> bool:
        if type(value) is not list:
            raise Refusal("value", f"expected a list, got {quote(value)}")
        inner = self._inner
        index = 0
        out = []
        try:
            for index, item in enumerate(value):
                if not inner(item, level, run):
                    out.append(index)
        except Refusal as refusal:
            refusal.steps.append(index)
            raise
        if out:
            gone = frozenset(out)
            value[:] = [item for index, item in enumerate(value) if index not in gone]
        return True


class _MapCheck:
    __slots__ = ("_inner",)

    def __init__(self, inner: _Check) -> None:
        self._inner = inner

    def __call__(self, value: Any, level: int, run: Run, /) -> bool:
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for a map, got {quote(value)}")
        inner = self._inner
        out = []
        key = ""
        try:
            for key, item in value.items():
                if not inner(item, level + 1, run):  # the entry is a message, too
                    out.append(key)
        except Refusal as refusal:
            refusal.steps.append(key)
            raise
        for key in out:
            del value[key]
        return True


class _Enum:
    __slots__ = ("_known", "_name", "_options")

    def __init__(self, descriptor: EnumDescriptor, options: Options) -> None:
        self._name = descriptor.full_name
        # Newer protobufs have an option by which values get names of their own in JSON.
        options_of_values = (value.GetOptions() for value in descriptor.values if value.has_options)
        renamed = (option for of_value in options_of_values for option in of_value.ListFields())
        custom = (option.string for field, option in renamed if field.full_name == "pb.enumvalue.json")
        self._known = frozenset((*descriptor.values_by_name, *custom))
        self._options = options

    def check(self, value: Any, _level: int, run: Run, /) -> bool:
        if not isinstance(value, str) or value in self._known:
            return True
        try:
            int(value)  # json_format reads numbers in strings
        except ValueError:
            pass
        else:
            return True
        if not self._options.ignore_unknown_enum_names:
            raise Refusal("unknown", f"{self._name} has no value {quote(value)}")
        run.enum_names += 1
        _note(run.value_names, self._name, value)
        return False


class _AnyCheck:
    """Looks into what an Any holds, by the type that it names."""

    __slots__ = ("_schema",)

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def __call__(self, value: Any, level: int, run: Run, /) -> bool:
        if type(value) is not dict:
            raise Refusal("value", f"expected an object for google.protobuf.Any, got {quote(value)}")
        level += 1
        if level > MAX_LEVELS:
            raise Refusal("depth", TOO_DEEP)
        held = held_type(self._schema.options, value.get("@type"))
        if held is None:
            return True  # json_format knows what to say of it
        outside, run.in_any = run.in_any, True
        try:
            self._scan_held(held, value, level, run)
        finally:
            run.in_any = outside
        return True

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
                check(value["value"], level, run)
            except Refusal as refusal:
                refusal.steps.append("value")
                raise


def _drop(_value: Any, _level: int, _run: Run, /) -> bool:
    return False


def _note(names: dict[tuple[str, str], None], owner: str, name: str) -> None:
    if len(names) < MAX_SKIPPED_NAMES:
        names[owner, name] = None


def _check_value(value: Any, level: int, run: Run, /) -> bool:
    if run.in_any:  # elsewhere, reading the encoding shows how deep it nests
        _measure_value(value, level + 1)
    return True


def _check_struct_or_list(value: Any, level: int, run: Run, /) -> bool:
    if run.in_any:
        _measure_value(value, level)  # as if it were in a Value, which would be one level more
    return True


def _measure_value(value: Any, level: int) -> None:
    """Refuse what nests too deeply in a google.protobuf.Value at `level`."""
    waiting = [(value, level)]
    while waiting:
        value, level = waiting.pop()
        if level + (type(value) in (dict, list)) > MAX_LEVELS:
            raise Refusal("depth", TOO_DEEP)
        if type(value) is dict:  # below: a Struct, its map entry, the Value in it
            waiting += [(item, level + 3) for item in value.values()]
        elif type(value) is list:  # below: a ListValue, the Value in it
            waiting += [(item, level + 2) for item in value]


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
