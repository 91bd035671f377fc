"""Where a mapper and google.protobuf.json_format may differ: the whole list, each with the test that recognises it.

    explain(disagreement)       # the numbers of the differences that account for it; none: a bug

A difference is allowed only where the input has, in the right place, exactly the value that it is about; and nothing
else may be wrong with the input: with those values taken out, mapper and json_format must agree.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

import schemas
from google.protobuf.descriptor import FieldDescriptor
from messages import INT32, INT64, UINT32, UINT64
from places import Negative, Place, Real, finder, places, real, takes_null, whole, written
from printed import explain_printed
from reference import Disagreement, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.mapper import MessageMapper

_T = FieldDescriptor
_INTEGERS = INT32 | INT64 | UINT32 | UINT64
_REALS = {_T.TYPE_FLOAT, _T.TYPE_DOUBLE}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_EXTENSION = re.compile(r"\[[A-Za-z0-9._]*\]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*")
_FLOAT_MAX, _FLOAT_BORDER = (
    3.4028234663852886e38,
    3.4028235677973366e38,
)  # what rounds to the largest float lies between
_NOT_OBJECTS = schemas.WELL_KNOWN[:4] + schemas.WELL_KNOWN[5:]  # Empty is one
_TIMES = {
    "google.protobuf.Timestamp": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{0,9})?"
        r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
    ),
    "google.protobuf.Duration": re.compile(r"-?[0-9]+(?:\.[0-9]*)?s"),
}


class Difference(NamedTuple):
    """One allowed difference."""

    number: str
    """As in docs/mapper.md."""
    what: str
    """What the mapper does otherwise there: some of ``refused``, ``accepted`` and ``value``."""
    text: str
    applies: Callable[[Place], bool]
    examples: Sequence[tuple[str, str]]
    """(message type, JSON) that show it."""


def _is(place: Place, kinds: set[int]) -> bool:
    """Return whether a value is to be read as a field of one of these kinds."""
    return place.field is not None and place.role in ("scalar", "key") and place.field.type in kinds


def _quoted(place: Place, kinds: set[int]) -> str | None:
    """Return the text of a string where a field of one of these kinds is to be read from it."""
    return place.value if _is(place, kinds) and isinstance(place.value, str) else None


def _loose_base64(place: Place) -> bool:
    text = _quoted(place, {_T.TYPE_BYTES})
    if text is None or place.role == "key":
        return False
    body = text.rstrip("=")
    return not _BASE64.fullmatch(body) or len(body) % 4 == 1 or len(text) - len(body) > 2


def _loose_integer(place: Place) -> bool:
    text = _quoted(place, _INTEGERS)
    return text is not None and not _NUMBER.fullmatch(text)


def _loose_float(place: Place) -> bool:
    text = _quoted(place, _REALS)
    if text is None:  # a number without a fraction is no float in Python, and escapes the check of the range
        return _is(place, {_T.TYPE_FLOAT}) and type(place.value) is int and abs(place.value) >= _FLOAT_BORDER
    if text in ("NaN", "Infinity", "-Infinity"):
        return False
    return not _NUMBER.fullmatch(text) or abs(float(text)) >= (
        _FLOAT_BORDER if _is(place, {_T.TYPE_FLOAT}) else float("inf")
    )


def _bool_for_number(place: Place) -> bool:
    return isinstance(place.value, bool) and _is(place, {*_REALS, _T.TYPE_ENUM})


def _loose_time(place: Place) -> bool:
    pattern = _TIMES.get(place.message.full_name) if place.message is not None else None
    return pattern is not None and isinstance(place.value, str) and not pattern.fullmatch(place.value)


def _both_names(place: Place) -> bool:
    if place.role != "message" or not isinstance(place.value, dict) or place.message is None:
        return False
    names = [field.name for field in map(finder(place.message), place.value) if field is not None]
    return len(names) > len(set(names))


def _not_finite(place: Place) -> bool:
    if not isinstance(place.value, float) or place.value - place.value == 0:
        return False
    return place.role == "struct" or (place.role == "unknown" and not isinstance(place.value, Real))


def _beyond_doubles(place: Place) -> bool:
    text = place.value.text if isinstance(place.value, Real) else place.value
    if not _is(place, _INTEGERS) or not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return False
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return "e-" in text.lower()
    return exact.adjusted() < 400 and Decimal(float(text)) != exact


def _no_object(place: Place) -> bool:
    is_object = place.message is not None and place.message.full_name not in _NOT_OBJECTS
    return is_object and place.role == "message" and isinstance(place.value, (list, str))


def _largest_float(place: Place) -> bool:
    return (
        _is(place, {_T.TYPE_FLOAT}) and isinstance(place.value, float) and _FLOAT_MAX < abs(place.value) < _FLOAT_BORDER
    )


def _bracketed(place: Place) -> bool:
    return place.role == "unknown" and isinstance(place.at, str) and bool(_EXTENSION.fullmatch(place.at))


def _negative_zero(place: Place) -> bool:
    is_number = place.role == "struct" or _is(place, _REALS)
    return is_number and type(place.value) is Negative


def _loose_enum(place: Place) -> bool:
    if not _is(place, {_T.TYPE_ENUM}) or isinstance(place.value, bool):
        return False
    if isinstance(place.value, str):
        return not _INTEGER.fullmatch(place.value) and _is_number(place.value)
    is_out = isinstance(place.value, int) and not -(2**31) <= place.value < 2**31
    return is_out or (isinstance(place.value, float) and not place.value.is_integer())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _null_for_list(place: Place) -> bool:
    return place.role == "list" and place.value is None and place.field is not None and takes_null(place.field)


def _lacks_required(place: Place) -> bool:
    if place.role != "message" or place.message is None or place.message.full_name != "google.protobuf.Any":
        return False
    for inner in places(place.value, place.message):
        if inner.role == "message" and inner.message is not None and isinstance(inner.value, dict):
            fields = [finder(inner.message)(name) for name, value in inner.value.items() if value is not None]
            given = {field.name for field in fields if field is not None}
            if any(field.is_required and field.name not in given for field in inner.message.fields):
                return True
    return False


def _same_key(place: Place) -> bool:
    if place.role != "key" or place.field is None or place.field.type not in _INTEGERS:
        return False
    if not _NUMBER.fullmatch(place.value):
        return False
    others = [name for name in place.owner if name != place.value and _NUMBER.fullmatch(name)]
    return any(Decimal(name) == Decimal(place.value) for name in others)


def _beside_value(place: Place) -> bool:
    if place.role != "message" or place.message is None or place.message.full_name != "google.protobuf.Any":
        return False
    known = {"@type", "value"}
    return isinstance(place.value, dict) and known <= place.value.keys() and len(place.value) > len(known)


def _key_of_nothing(place: Place) -> bool:
    if place.role != "key" or place.field is None or place.field.type not in _INTEGERS:
        return False
    values = place.field.containing_type.fields_by_name["value"].enum_type
    return values is not None and isinstance(place.owner[place.at], str) and _is_number(place.value)


DIFFERENCES = [
    Difference(
        "1",
        "refused",
        "base64 with foreign characters or too much padding",
        _loose_base64,
        [("google.protobuf.BytesValue", text) for text in ('"a*b="', '"A A="', '"AA==="')],
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
        "floats in quotes that are no JSON numbers, and too large ones that pass for infinity",
        _loose_float,
        [
            *(("google.protobuf.DoubleValue", text) for text in ('"1_0"', '"inf"', '"1e400"')),
            *(("google.protobuf.FloatValue", text) for text in ('"1e39"', f"1{'0' * 39}")),
        ],
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
        "times and durations that are spelled as no standard has it",
        _loose_time,
        [
            *(
                ("google.protobuf.Timestamp", f'"{text}"')
                for text in ("2020-01-01T00:00:00+25:00", "2020-01-01T00:00:00+00:99", "2020-1-01T00:00:00Z")
            ),
            *(("google.protobuf.Duration", f'"{text}"') for text in ("+1s", " 1s", "1_0s", "1.5e-1s")),
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
        "NaN, Infinity and 1e400 in a Struct; NaN and Infinity in an unknown field: no JSON",
        _not_finite,
        [
            *(("google.protobuf.Struct", f'{{"a":{text}}}') for text in ("NaN", "-Infinity", "1e400")),
            ("mapper.proto3.Scalars", '{"unknown":[NaN]}'),
        ],
    ),
    Difference(
        "9",
        "value refused accepted",
        "integers with a fraction or an exponent that are not what the nearest double is",
        _beyond_doubles,
        [
            *(("google.protobuf.Int64Value", text) for text in ("9007199254740993.0", "9223372036854775807.0")),
            *(("google.protobuf.Int64Value", text) for text in ("1.0000000000000000001", "1e-400")),
        ],
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
    Difference(
        "15",
        "accepted",
        "unknown fields in brackets, like an extension, when unknown fields are skipped",
        _bracketed,
        [("mapper.proto3.Scalars", '{"[a.b]":1}'), ("mapper.editions.Loose", '{"[mapper.proto2.x_int64]":1}')],
    ),
    Difference(
        "16",
        "value",
        "-0 is negative for a float, a double and in a Struct, like -0.0",
        _negative_zero,
        [("google.protobuf.DoubleValue", "-0"), ("google.protobuf.Struct", '{"a":-0}')],
    ),
    Difference(
        "17",
        "accepted",
        "null for a list of google.protobuf.Value or NullValue: no list, as for all others",
        _null_for_list,
        [("mapper.proto3.WellKnown", '{"rValue":null}'), ("mapper.proto3.WellKnown", '{"rNull":null}')],
    ),
    Difference(
        "18",
        "value refused accepted",
        "numbers of enum values with a fraction, of over 32 bits, or in quotes otherwise than as an integer",
        _loose_enum,
        [("mapper.proto3.Scalars", f'{{"fEnum":{text}}}') for text in ("1.5", "2147483648", '" 1"', '"1_0"', '"+1"')],
    ),
    Difference(
        "20",
        "accepted",
        "missing required fields inside an Any: they are no business of a mapper, there or anywhere",
        _lacks_required,
        [("google.protobuf.Any", '{"@type":"x/mapper.proto2.Required"}')],
    ),
    Difference(
        "21",
        "refused",
        "a key of a map out of its range where the entry is skipped for an unknown enum name",
        _key_of_nothing,
        [("mapper.editions.Maps", '{"open":{"4294967295":"unknown"}}')],
    ),
    Difference(
        "25",
        "refused",
        "members beside the value of a well-known type in an Any, when unknown fields are refused",
        _beside_value,
        [],
    ),
    Difference(
        "26",
        "value refused",
        "a key of a map in two spellings: the later message takes the place of the earlier one, unmerged",
        _same_key,
        [("mapper.proto3.MapKeys", '{"messageByInt32":{"0":{"fInt32":6},"-0":{}}}')],
    ),
]
"""8 (nested over 100 levels) is part of `Reference.parse`; 10 and 11 are other exceptions, not other verdicts.

The others are of the other direction; they are in printed.py.
"""


def explain(disagreement: Disagreement, mapper: MessageMapper) -> list[str]:
    """Return the numbers of the differences that account for a disagreement; nothing does: an empty list."""
    if disagreement.what == "raised":
        return []
    if disagreement.direction != "to_wire":
        return explain_printed(disagreement, mapper)
    try:
        value = json.loads(disagreement.given, parse_float=real, parse_int=whole)
    except (ValueError, RecursionError):
        return []
    reference = Reference(disagreement.type, **disagreement.options)
    found = [
        (difference.number, place)
        for place in list(places(value, reference.type.DESCRIPTOR))
        for difference in DIFFERENCES
        if disagreement.what in difference.what and difference.applies(place)
    ]
    numbers = sorted({number for number, _ in found})
    if not found or any(place.owner is None for _, place in found):  # of the text nothing would be left
        return numbers
    taken = set()
    for _, place in reversed(found):
        if (id(place.owner), place.at) not in taken:
            taken.add((id(place.owner), place.at))
            del place.owner[place.at]
    rest = reference.check_json(mapper, written(value).encode())
    if rest is None:
        return numbers
    others = explain(rest, mapper)
    return sorted({*numbers, *others}) if others else []
