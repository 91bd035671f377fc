"""What each value in a JSON document is to become: the document and a message type, walked side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor


class Real(float):
    """A number with a fraction or an exponent that remembers how it was written."""

    text: str


class Negative(int):
    """The integer -0."""


def real(text: str) -> Real:
    """Return a number with a fraction or an exponent."""
    value = Real(text)
    value.text = text
    return value


def whole(text: str) -> int:
    """Return a number without them."""
    return Negative(0) if text == "-0" else int(text)


def written(value: Any) -> str:
    """Return a JSON value as text, its numbers as they were."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return value.text if isinstance(value, Real) else "-0" if isinstance(value, Negative) else json.dumps(value)


class Place(NamedTuple):
    """A JSON value, and what is to be made of it."""

    value: Any
    role: str
    """``scalar``, ``key`` and ``list`` (with `field`), ``message`` (with `message`), ``struct``, or ``unknown``."""
    field: FieldDescriptor | None
    message: Descriptor | None
    owner: Any
    """The object or list that the value is in; None on top."""
    at: Any
    """Its key or index there."""


def finder(message: Descriptor) -> Callable[[str], FieldDescriptor | None]:
    """Return the function that finds a field by a name in JSON."""
    names = {field.json_name: field for field in message.fields}

    def find(name: str) -> FieldDescriptor | None:
        field = names.get(name) or message.fields_by_name.get(name)
        if field is None and name[:1] == "[":
            try:
                extension = schemas.POOL.FindExtensionByName(name[1:-1])
            except KeyError:
                return None
            return extension if extension.containing_type == message else None
        return field

    return find


def places(value: Any, message: Descriptor, owner: Any = None, at: Any = None) -> Iterator[Place]:
    """Yield every value in a JSON value that is to be a message of this type, inner ones first."""
    name = message.full_name
    if name in ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"):
        yield from _loose_places(value, "struct", owner, at)
    elif message.file.name == "google/protobuf/wrappers.proto":
        yield Place(value, "scalar", message.fields_by_name["value"], None, owner, at)
    elif name == "google.protobuf.Any":
        yield from _any_places(value, owner, at)
    elif isinstance(value, dict):
        yield from _field_places(value, message)
    elif isinstance(value, list):
        yield from _loose_places(value, "unknown", owner, at)
    yield Place(value, "message", None, message, owner, at)


def _any_places(value: Any, owner: Any, at: Any) -> Iterator[Place]:
    url = value.get("@type") if isinstance(value, dict) else None
    if not isinstance(url, str):
        return
    try:
        inner = schemas.POOL.FindMessageTypeByName(url.rpartition("/")[2])
    except KeyError:
        return
    special = {"Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value"}
    if inner.file.name != "google/protobuf/wrappers.proto" and (
        not inner.full_name.startswith("google.protobuf.") or inner.name not in special
    ):
        yield from _field_places(value, inner)
        yield Place(value, "message", None, inner, owner, at)
        return
    for key, item in value.items():
        if key == "value":
            yield from places(item, inner, value, key)
        elif key != "@type":
            yield from _loose_places(item, "unknown", value, key)


def _field_places(value: dict[str, Any], message: Descriptor) -> Iterator[Place]:
    find = finder(message)
    for key, item in value.items():
        field = find(key)
        entry = field.message_type if field is not None else None
        if field is None:
            yield from _loose_places(item, "unknown", value, key)
        elif entry is not None and entry.GetOptions().map_entry and isinstance(item, dict):
            for name, one in item.items():
                yield Place(name, "key", entry.fields_by_name["key"], None, item, name)
                yield from _one_place(one, entry.fields_by_name["value"], item, name)
        elif field.is_repeated:
            for index, one in enumerate(item if isinstance(item, list) else ()):
                yield from _one_place(one, field, item, index)
            yield Place(item, "list", field, None, value, key)
        else:
            yield from _one_place(item, field, value, key)


def _one_place(value: Any, field: FieldDescriptor, owner: Any, at: Any) -> Iterator[Place]:
    if field.message_type is not None:
        yield from places(value, field.message_type, owner, at)
    else:
        yield Place(value, "scalar", field, None, owner, at)


def _loose_places(value: Any, role: str, owner: Any, at: Any) -> Iterator[Place]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _loose_places(item, role, value, key)
    yield Place(value, role, None, None, owner, at)


def takes_null(field: FieldDescriptor) -> bool:
    """Return whether null is a value of a field's type."""
    kind = field.message_type or field.enum_type
    return kind is not None and kind.full_name in ("google.protobuf.Value", "google.protobuf.NullValue")
