"""A notation for protobuf schemas in Python: FileDescriptorProto from short texts, without a compiler.

A field is written as in a .proto file, with the rest of its FieldDescriptorProto, in text format, after a semicolon:
``"repeated int32 numbers = 3; options { packed: false }"``. Types that begin with google. are full names, all others
are relative to the file's package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    Edition,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCALARS = [
    *("double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64"),
    *("fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes"),
]

_FIELD = re.compile(r"(?:(optional|required|repeated) )?(?:map<(\w+), ([\w.]+)>|([\w.]+)) (\w+) = (\d+)(?:; (.+))?")
_ENUMS_OF_OTHERS = ("google.protobuf.NullValue",)


def enum(name: str, values: dict[str, int], options: str = "") -> EnumDescriptorProto:
    """Return an enum type; `options` is an EnumOptions in text format."""
    proto = EnumDescriptorProto(name=name)
    for key, number in values.items():
        proto.value.add(name=key, number=number)
    if options:
        text_format.Parse(options, proto.options)
    return proto


def message(
    name: str, *parts: str | tuple[str, ...] | DescriptorProto | EnumDescriptorProto, **more: str
) -> DescriptorProto:
    """Return a message type made of fields (text), oneofs (tuples: name, then fields) and nested types.

    `more["text"]` is anything else that its DescriptorProto has, in text format.
    """
    proto = DescriptorProto(name=name)
    for part in parts:
        if isinstance(part, DescriptorProto):
            proto.nested_type.append(part)
        elif isinstance(part, EnumDescriptorProto):
            proto.enum_type.append(part)
        elif isinstance(part, tuple):
            proto.oneof_decl.add(name=part[0])
            for line in part[1:]:
                _add_field(proto, line).oneof_index = len(proto.oneof_decl) - 1
        else:
            _add_field(proto, part)
    text_format.Merge(more.get("text", ""), proto)
    return proto


def _add_field(parent: DescriptorProto, line: str) -> FieldDescriptorProto:
    """Add the field that a line of the module's notation describes; type names are resolved later, by `_resolve`."""
    match = _FIELD.fullmatch(line)
    assert match, line
    label, key, value, kind, name, number, more = match.groups()
    if key:
        kind = "".join(word[:1].upper() + word[1:] for word in name.split("_")) + "Entry"
        entry = message(
            kind, f"optional {key} key = 1", f"optional {value} value = 2", text="options { map_entry: true }"
        )
        parent.nested_type.append(entry)
        label, kind = "repeated", f"@{kind}"
    field = parent.field.add(name=name, number=int(number), label=f"LABEL_{(label or 'optional').upper()}")
    if kind in SCALARS:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type_name = kind
    field.proto3_optional = label == "optional"  # undone in `file` where it does not apply
    if more:
        text_format.Merge(more, field)
    return field


def _resolve(fields: Iterable[FieldDescriptorProto], package: str, scope: str, enums: set[str]) -> None:
    for field in fields:
        name = field.type_name
        if not name or name.startswith("."):
            continue
        full = (
            f"{scope}.{name[1:]}"
            if name[0] == "@"
            else name
            if name.startswith(("google.", "mapper."))
            else f"{package}.{name}"
        )
        if not field.HasField("type"):
            is_enum = full in enums or full in _ENUMS_OF_OTHERS
            field.type = FieldDescriptorProto.TYPE_ENUM if is_enum else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{full}"


def file(
    name: str, syntax: str, imports: Sequence[str], *types: DescriptorProto | EnumDescriptorProto, text: str = ""
) -> FileDescriptorProto:
    """Return a file with these types; `text` is anything else it has (file options, extensions), in text format."""
    proto = FileDescriptorProto(name=f"mapper_{name}.proto", package=f"mapper.{name}", syntax=syntax)
    if syntax == "editions":
        proto.edition = Edition.EDITION_2023
    proto.dependency.extend(imports)
    for item in types:
        if isinstance(item, DescriptorProto):
            proto.message_type.append(item)
        else:
            proto.enum_type.append(item)
    text_format.Merge(text, proto)
    found = list(walk(proto.message_type, proto.package))
    enums = {f"{proto.package}.{item.name}" for item in proto.enum_type}
    enums |= {f"{scope}.{item.name}" for parent, scope in found for item in parent.enum_type}
    for parent, scope in found:
        _resolve(parent.field, proto.package, scope, enums)
        for field in parent.field:
            if field.proto3_optional and syntax == "proto3" and not parent.options.map_entry:
                parent.oneof_decl.add(name=f"_{field.name}")  # presence in proto3: a oneof of one, after all others
                field.oneof_index = len(parent.oneof_decl) - 1
            else:
                field.ClearField("proto3_optional")
    _resolve(proto.extension, proto.package, proto.package, enums)
    return proto


def walk(types: Iterable[DescriptorProto], scope: str) -> Iterable[tuple[DescriptorProto, str]]:
    """Yield every message type with its full name, nested ones after their parents; `scope` is the parent's name."""
    for item in types:
        yield item, f"{scope}.{item.name}"
        yield from walk(item.nested_type, f"{scope}.{item.name}")
