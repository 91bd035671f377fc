"""Where a mapper and google.protobuf.json_format may differ: the whole list, each with the test that recognises it.

    explain(disagreement)       # the numbers of the differences that account for it; none: a bug

A difference is allowed only where the input has, in the right place, exactly the value that it is about; and nothing
else may be wrong with the input: with those values taken out, mapper and json_format must agree.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import schemas
from google.protobuf.descriptor import FieldDescriptor
from messages import INT32, INT64, UINT32, UINT64
from reference import Disagreement, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from google.protobuf.descriptor import Descriptor

    from eegrpc.mapper import MessageMapper

_T = FieldDescriptor
_INTEGERS = INT32 | INT64 | UINT32 | UINT64
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*")
_FLOAT_MAX, _FLOAT_BORDER = (
    3.4028234663852886e38,
    3.4028235677973366e38,
)  # what rounds to the largest float lies between
_NOT_OBJECTS = schemas.WELL_KNOWN[:4] + schemas.WELL_KNOWN[5:]  # Empty is one
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


class Real(float):
    """A number with a fraction or an exponent that remembers how it was written."""

    text: str


def _real(text: str) -> Real:
    value = Real(text)
    value.text = text
    return value


class Place(NamedTuple):
    """A JSON value, and what is to be made of it."""

    value: Any
    role: str
    """``scalar`` and ``key`` (with `field`), ``message`` (with `message`), ``struct``, or ``unknown``."""
    field: FieldDescriptor | None
    message: Descriptor | None
    owner: Any
    """The object or list that the value is in; None on top."""
    at: Any
    """Its key or index there."""


class Difference(NamedTuple):
    """One allowed difference."""

    number: str
    what: str
    """What the mapper does there otherwise: ``refused``, ``accepted``, or ``value``."""
    text: str
    applies: Callable[[Place], bool]
    examples: Sequence[tuple[str, str]]
    """(message type, JSON) that show it."""


def _quoted(place: Place, kinds: set[int]) -> str | None:
    """Return the text of a string where a field of one of these kinds is to be read from it."""
    if place.field is None or place.field.type not in kinds or not isinstance(place.value, str):
        return None
    return place.value


def _loose_base64(place: Place) -> bool:
    text = _quoted(place, {_T.TYPE_BYTES})
    if text is None or place.role == "key":
        return False
    body = text.rstrip("=")
    padding, rest = len(text) - len(body), len(body) % 4
    if not _BASE64.fullmatch(body) or rest == 1 or padding not in (0, -len(body) % 4):
        return True
    return rest > 0 and _SEXTETS.index(body[-1].translate(_STANDARD)) & (15 if rest == 2 else 3) != 0


_SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STANDARD = str.maketrans("-_", "+/")


def _loose_integer(place: Place) -> bool:
    text = _quoted(place, _INTEGERS)
    return text is not None and not _NUMBER.fullmatch(text)


def _loose_float(place: Place) -> bool:
    text = _quoted(place, {_T.TYPE_FLOAT, _T.TYPE_DOUBLE})
    if text is None or text in ("NaN", "Infinity", "-Infinity"):
        return False
    if not _NUMBER.fullmatch(text):
        return True
    assert place.field is not None
    return abs(float(text)) >= (_FLOAT_BORDER if place.field.type == _T.TYPE_FLOAT else float("inf"))


def _bool_for_number(place: Place) -> bool:
    kinds = (_T.TYPE_FLOAT, _T.TYPE_DOUBLE, _T.TYPE_ENUM)
    return isinstance(place.value, bool) and place.field is not None and place.field.type in kinds


def _loose_time(place: Place) -> bool:
    is_time = place.message is not None and place.message.full_name == "google.protobuf.Timestamp"
    return is_time and isinstance(place.value, str) and not _TIME.fullmatch(place.value)


def _both_names(place: Place) -> bool:
    if place.role != "message" or not isinstance(place.value, dict) or place.message is None:
        return False
    names = [field.name for field in map(_finder(place.message), place.value) if field is not None]
    return len(names) > len(set(names))


def _no_number_of_struct(place: Place) -> bool:
    return place.role == "struct" and isinstance(place.value, float) and place.value - place.value != 0


def _beyond_doubles(place: Place) -> bool:
    if place.field is None or place.field.type not in _INTEGERS:
        return False
    text = place.value.text if isinstance(place.value, Real) else place.value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return False
    exact = Decimal(text)
    return abs(exact.adjusted()) < 400 and Decimal(float(text)) != exact


def _no_object(place: Place) -> bool:
    is_object = place.message is not None and place.message.full_name not in _NOT_OBJECTS
    return is_object and place.role == "message" and isinstance(place.value, (list, str))


def _largest_float(place: Place) -> bool:
    if place.field is None or place.field.type != _T.TYPE_FLOAT or place.role != "scalar":
        return False
    return isinstance(place.value, float) and _FLOAT_MAX < abs(place.value) < _FLOAT_BORDER


DIFFERENCES = [
    Difference(
        "1",
        "refused",
        "base64 with foreign characters, wrong padding or trailing bits",
        _loose_base64,
        [("google.protobuf.BytesValue", text) for text in ('"a*b="', '"A A="', '"AB=="', '"AA="')],
    ),
    Difference(
        "2",
        "refused",
        "integers in quotes that are no JSON numbers",
        _loose_integer,
        [("google.protobuf.Int64Value", text) for text in ('"1_000"', '"+1"', '"01"', '"\\u0661"')],
    ),
    Difference(
        "3",
        "refused",
        "floats in quotes that are no JSON numbers, or too large",
        _loose_float,
        [("google.protobuf.DoubleValue", text) for text in ('"1_0"', '"inf"', '"1e400"')],
    ),
    Difference(
        "4",
        "refused",
        "true and false for float, double and enum",
        _bool_for_number,
        [("mapper.proto3.Scalars", f'{{"{name}":true}}') for name in ("fFloat", "fDouble", "fEnum")],
    ),
    Difference(
        "5",
        "refused",
        "times that RFC 3339 does not have",
        _loose_time,
        [
            ("google.protobuf.Timestamp", '"2020-01-01T00:00:00+25:00"'),
            ("google.protobuf.Timestamp", '"2020-01-01T00:00:00+00:99"'),
            ("google.protobuf.Timestamp", '"2020-1-01T00:00:00Z"'),
        ],
    ),
    Difference(
        "6",
        "refused",
        "one field under both of its names",
        _both_names,
        [("mapper.proto3.Scalars", '{"fInt32":1,"f_int32":2}')],
    ),
    Difference(
        "7",
        "refused",
        "NaN, Infinity and 1e400 in a Struct",
        _no_number_of_struct,
        [("google.protobuf.Struct", f'{{"a":{text}}}') for text in ("NaN", "-Infinity", "1e400")],
    ),
    Difference(
        "9",
        "value",
        "integers with a fraction or an exponent that a double cannot hold",
        _beyond_doubles,
        [("google.protobuf.Int64Value", "9007199254740993.0")],
    ),
    Difference(
        "12",
        "refused",
        "a list or a string in place of the object of a message",
        _no_object,
        [("mapper.proto3.Oneofs", f'{{"kSelf":{text}}}') for text in ("[]", '""')],
    ),
    Difference(
        "13",
        "accepted",
        "the largest float as it is printed",
        _largest_float,
        [("google.protobuf.FloatValue", "3.4028235e38")],
    ),
]
"""8 (nested over 100 levels) is part of `Reference.parse`; 10 and 11 are other exceptions, not other verdicts."""


def _finder(message: Descriptor) -> Callable[[str], FieldDescriptor | None]:
    """Return the function that finds a field by a name in JSON."""
    names = {field.json_name: field for field in message.fields}

    def find(name: str) -> FieldDescriptor | None:
        field = names.get(name) or message.fields_by_name.get(name)
        if field is None and name[:1] == "[":
            try:
                return schemas.POOL.FindExtensionByName(name[1:-1])
            except KeyError:
                return None
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
    find = _finder(message)
    for key, item in value.items():
        field = find(key)
        entry = field.message_type if field is not None else None
        if field is None:
            yield from _loose_places(item, "unknown", value, key)
        elif entry is not None and entry.GetOptions().map_entry and isinstance(item, dict):
            for name, one in item.items():
                yield Place(name, "key", entry.fields_by_name["key"], None, item, name)
                yield from _one_place(one, entry.fields_by_name["value"], item, name)
        elif field.is_repeated and isinstance(item, list):
            for index, one in enumerate(item):
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


def explain(disagreement: Disagreement, mapper: MessageMapper) -> list[str]:
    """Return the numbers of the differences that account for a disagreement; nothing does: an empty list."""
    if disagreement.direction != "to_wire":
        return []
    try:
        value = json.loads(disagreement.given, parse_float=_real)
    except (ValueError, RecursionError):
        return []
    reference = Reference(disagreement.type, **disagreement.options)
    found = [
        (difference.number, place)
        for place in list(places(value, reference.type.DESCRIPTOR))
        for difference in DIFFERENCES
        if difference.what == disagreement.what and difference.applies(place)
    ]
    if any(place.owner is None for _, place in found):  # nothing of the text would be left
        return sorted({number for number, _ in found})
    taken = set()
    for _, place in reversed(found):
        if (id(place.owner), place.at) not in taken:
            taken.add((id(place.owner), place.at))
            del place.owner[place.at]
    if found and reference.check_json(mapper, json.dumps(value).encode()) is None:
        return sorted({number for number, _ in found})
    return []
