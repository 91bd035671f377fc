"""The allowed differences in what is printed: see differences.py.

14, a float is printed with fewer digits when fewer are enough;
19, lists and maps of google.protobuf.NullValue print as nulls, which neither side reads back;
22, strings of proto2 that are not UTF-8 are refused; json_format prints them like Python: "b'\\xff'";
23, encodings that upb repairs are refused: fields with the number 0, varints of over 64 bits;
24, entries of maps with unknown fields inside are entries; upb takes the whole entry for unknown. With a number of a
    closed enum that is unknown they are none, but take the place of an earlier entry; for upb that one stays.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import schemas
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from messages import float32
from places import finder, places, takes_null
from reference import Disagreement, Reference, canonical, encoded, normalise

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from eegrpc.mapper import MessageMapper


def explain_printed(disagreement: Disagreement, mapper: MessageMapper) -> list[str]:
    """Return the number of the difference that accounts for a disagreement about printing, if there is one."""
    message = schemas.message_class(disagreement.type)
    if disagreement.direction == "round trip":
        is_null = any(
            place.value is None
            and place.role == "scalar"
            and isinstance(place.at, (int, str))
            and takes_null(place.field)
            for place in places(json.loads(disagreement.expected), message.DESCRIPTOR)
            if place.field is not None
        )
        return ["19"] if disagreement.what == "refused" and is_null else []
    if disagreement.what == "refused":
        return _explain_refusal(disagreement, message.FromString(disagreement.given), mapper)
    if disagreement.what != "value":
        return []
    return _explain_values(disagreement, message)


def _explain_refusal(disagreement: Disagreement, read: Message, mapper: MessageMapper) -> list[str]:
    number = {"utf8": "22", "wire": "23"}.get(disagreement.got.partition(":")[0])
    if number is None or (number == "22" and _holds_bytes(read)):
        return [number] if number else []
    normalise(read, discard=True)  # and what was overwritten is not there any more
    reference = Reference(disagreement.type, **disagreement.options)
    rest = reference.check_wire(mapper, read.SerializePartialToString(), round_trip=False)
    if rest is None:
        return [number]
    others = explain_printed(rest, mapper) if rest.given != disagreement.given else []
    return sorted({number, *others}) if others else []


def _explain_values(disagreement: Disagreement, message: type[Message]) -> list[str]:
    expected, got = (json.loads(canonical(text)) for text in (disagreement.expected, disagreement.got))
    sides = (list(places(side, message.DESCRIPTOR)) for side in (expected, got))
    for mine, other in zip(*sides, strict=False):
        is_float = mine.field is not None and mine.field.type == FieldDescriptor.TYPE_FLOAT
        if is_float and isinstance(mine.value, float) and isinstance(other.value, float):
            if float32(mine.value) != float32(other.value) or len(repr(other.value)) > len(repr(mine.value)):
                break
            if mine.owner is None:
                return ["14"]
            other.owner[other.at] = mine.value
    if got == expected:
        return ["14"]
    read = message.FromString(disagreement.given)
    normalise(read)
    whole = encoded(read)
    normalise(read, discard=True)
    is_same = _without_maps(expected, message.DESCRIPTOR) == _without_maps(got, message.DESCRIPTOR)
    return ["24"] if encoded(read) != whole and is_same else []


def _holds_bytes(message: Any) -> bool:
    """Return whether upb found a string that is not UTF-8 in a message: it is a bytes object then."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        with contextlib.suppress(KeyError, DecodeError):
            return _holds_bytes(schemas.message_class(message.type_url.rpartition("/")[2]).FromString(message.value))
        return False
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            kind = kind.fields_by_name["value"].message_type
            try:
                values = [*value, *value.values()]
            except UnicodeDecodeError:  # upb tries to decode keys
                return True
        else:
            values = list(value) if field.is_repeated else [value]
        is_text = field.type != FieldDescriptor.TYPE_BYTES and not _has_bytes_as_values(field)
        if is_text and any(isinstance(item, bytes) for item in values):
            return True
        if kind is not None and any(_holds_bytes(item) for item in values if hasattr(item, "ListFields")):
            return True
    return False


def _has_bytes_as_values(field: FieldDescriptor) -> bool:
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return is_map and field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_BYTES


def _without_maps(value: Any, message: Descriptor) -> Any:
    """Return a JSON value of a message of this type without what is in maps."""
    if message.full_name == "google.protobuf.Any" and "@type" in value:
        message = schemas.POOL.FindMessageTypeByName(value["@type"].rpartition("/")[2])
        if message.full_name == "google.protobuf.Any":
            return _without_maps(value["value"], message)
    if message.full_name in ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"):
        return None  # they are made of maps
    if not isinstance(value, dict):
        return value
    find = finder(message)
    kept = {}
    for key, item in value.items():
        field = find(key)
        if field is None or field.message_type is None:
            kept[key] = item
        elif field.is_repeated and isinstance(item, list):
            kept[key] = [_without_maps(one, field.message_type) for one in item]
        elif not field.message_type.GetOptions().map_entry:
            kept[key] = _without_maps(item, field.message_type)
    return kept
