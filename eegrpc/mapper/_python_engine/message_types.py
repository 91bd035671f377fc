"""What the Python engine must know of message types: which have a JSON form of their own, and what is inside what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from eegrpc.mapper._options import Options

__all__ = ["ANY", "FREE_FORM", "MAX_LEVELS", "SPECIAL", "TOO_DEEP", "held_type", "reachable", "reaching"]

MAX_LEVELS: Final = 100
"""How deep messages may nest below the outermost one, map entries counted: what protobuf parsers read."""
TOO_DEEP: Final = f"nested too deeply ({MAX_LEVELS} levels)"

ANY: Final = "google.protobuf.Any"
FREE_FORM: Final = frozenset(f"google.protobuf.{name}" for name in ("Struct", "Value", "ListValue"))
"""Message types for any JSON."""
_WRAPPERS: Final = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
SPECIAL: Final = frozenset(
    (
        *FREE_FORM,
        ANY,
        *(f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask")),
        *(f"google.protobuf.{name}Value" for name in _WRAPPERS),
    )
)
"""Message types with a JSON form of their own."""


def held_type(options: Options, url: object) -> Descriptor | None:
    """Return the message type that the URL of a google.protobuf.Any names; None if it is not known."""
    if not isinstance(url, str):
        return None
    try:
        return options.descriptor_pool.FindMessageTypeByName(url.rpartition("/")[2])
    except (KeyError, TypeError, UnicodeError):  # TypeError: half of a surrogate pair in the name
        return None


def reachable(descriptor: Descriptor) -> dict[str, Descriptor]:
    """Return a message type and all that occur somewhere in its fields, by full name; extensions are left out."""
    found = {descriptor.full_name: descriptor}
    waiting = [descriptor]
    while waiting:
        for field in waiting.pop().fields:
            inner = field.message_type
            if inner is not None and inner.full_name not in found:
                found[inner.full_name] = inner
                waiting.append(inner)
    return found


def reaching(name: str, types: dict[str, Descriptor]) -> frozenset[str]:
    """Return the names of those of `types` in which the type `name` occurs somewhere, itself included."""
    users: dict[str, set[str]] = {}
    for user in types.values():
        for field in user.fields:
            if field.message_type is not None:
                users.setdefault(field.message_type.full_name, set()).add(user.full_name)
    result: set[str] = set()
    found = {name} & types.keys()
    while found:
        result |= found
        found = set().union(*(users.get(inner, ()) for inner in found)) - result
    return frozenset(result)
