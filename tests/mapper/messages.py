"""Random messages of any type in the schemas' pool, biased to what mappers get wrong; fast, and the same for a seed.

    generator = Generator(random.Random(7))
    message = generator.message("mapper.proto3.Scalars")

Everything comes from the given random.Random, so that hypothesis can drive it too (`test_equal.py`).
"""

from __future__ import annotations

import string
import struct
from typing import TYPE_CHECKING, Any

import schemas
from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

_T = FieldDescriptor
INT32 = {_T.TYPE_INT32, _T.TYPE_SINT32, _T.TYPE_SFIXED32}
INT64 = {_T.TYPE_INT64, _T.TYPE_SINT64, _T.TYPE_SFIXED64}
UINT32 = {_T.TYPE_UINT32, _T.TYPE_FIXED32}
UINT64 = {_T.TYPE_UINT64, _T.TYPE_FIXED64}

DOUBLES = [
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1e-7, 1e21, 1e22, 123456789.0, 5e-324, -5e-324, 2.2250738585072014e-308),
    *(1.7976931348623157e308, -1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 2.0**63, 1e15, 1e16, 1e17, 9.5e-7),
    *(float("inf"), float("-inf"), float("nan")),
]
FLOATS = [
    *(0.0, -0.0, 1.0, -1.5, 0.1, 1e-7, 1e10, 16777216.0, 1e-45, 1.1754944e-38, 3.4028234e38, 3.0517578e-05),
    *(float("inf"), float("-inf"), float("nan")),
]
STRINGS = [
    *(
        "",
        "a",
        "0",
        "null",
        "true",
        "NaN",
        "é",
        "\u20ac",
        "\U0001f600",
        "\U0010ffff",
        "\0",
        "\x01\x1f\x7f",
        '"\\/\b\f\n\r\t',
    ),
    *(
        "</script>",
        "\u2028\u2029",
        "\ufeff",
        "\ud7ff\ue000",
        "e\u0301",
        "\\u0041",
        "a" * 70,
        "é" * 40,
        "ab\U0001f600" * 9,
    ),
    *("@type", "value", "[x.y]", "1", "-1", "[]{}", "\u0080\u07ff\u0800\uffff"),
]
PATHS = ["a", "foo_bar", "foo.bar_baz", "a_b_c.d", "f", "x1", "images.size_bytes", "a.b.c"]
LOSSY_PATHS = ["A", "a_", "_", "a__b", "a_1", "fooBar", "é", "a_é", "É", ""]  # not all of them are refused by all
FRAGMENTS = [
    *(b"\x0b\x0c", b"\x0b", b"\x0c", b"\x08\x01", b"\x12\x00", b"\0\0", b"\xf8\x01\x05", b"\x15abcd", b"\x0a\x01\xff"),
    *(b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x7f", b"\x80\x00", b"\xfa\xff\xff\xff\x0f\x00"),
]
PREFIXES = ["type.googleapis.com/", "https://example.com/a/b/", "/"]


def float32(value: float) -> float:
    """Return the float nearest to a double."""
    return struct.unpack("<f", struct.pack("<f", value))[0]  # type: ignore[no-any-return]


def spoiled(random: random.Random, wire: bytes) -> bytes:
    """Return wire bytes with a few changes: other bytes, missing ones, fragments of fields, parts twice."""
    data = bytearray(wire)
    for _ in range(random.randrange(1, 4)):
        which, at = random.randrange(4), random.randrange(len(data) + 1)
        if which == 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        elif which == 1:
            del data[at : at + random.randrange(4)]
        elif which == 2:
            data[at:at] = FRAGMENTS[random.randrange(len(FRAGMENTS))]
        else:
            start = random.randrange(len(data) + 1)
            data[at:at] = data[min(start, at) : max(start, at)]
    return bytes(data)


class Generator:
    """Makes messages.

    Args:
        random: Where all choices come from.
        hostile: Now and then also make what has no JSON form, or one that maps back to another message: times out of
            range, NaN in a Struct, unset Values, masks that do not round-trip, Any of unknown types, missing required
            fields, enum numbers without a name.
        most_fields: How many fields of a message are filled at most, of one on top.
        depth: How deeply messages nest.
    """

    def __init__(self, random: random.Random, *, hostile: bool = False, most_fields: int = 6, depth: int = 4) -> None:
        self._random = random.random
        self._bits = random.getrandbits
        self._below = random.randrange
        self._hostile = 0.03 if hostile else 0.0
        self._most_fields = most_fields
        self._depth = depth
        self._plans: dict[str, tuple[list[Any], list[Any]]] = {}
        self._special: dict[str, Callable[[Any, int], None]] = {
            "google.protobuf.Timestamp": self._timestamp,
            "google.protobuf.Duration": self._duration,
            "google.protobuf.FieldMask": self._field_mask,
            "google.protobuf.Any": self._any,
            "google.protobuf.Struct": self._struct,
            "google.protobuf.Value": self._value,
            "google.protobuf.ListValue": self._list_value,
        }

    def message(self, name: str) -> Message:
        """Return a message of the named type."""
        message = schemas.message_class(name)()
        self.fill(message)
        return message

    def fill(self, message: Message, depth: int = 0) -> None:
        """Set some fields of an empty message."""
        special = self._special.get(message.DESCRIPTOR.full_name)
        if special is not None:
            special(message, depth)
            return
        required, fields = self._plan(message.DESCRIPTOR)
        for filler in required:
            if not self._chance(self._hostile):
                filler(message, depth)
        if fields and depth < self._depth:
            for _ in range(self._below(self._most_fields + 1 if depth == 0 else 4)):
                fields[self._below(len(fields))](message, depth)

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._random() < probability

    def _choice(self, items: Any) -> Any:
        return items[self._below(len(items))]

    def _plan(self, descriptor: Descriptor) -> tuple[list[Any], list[Any]]:
        plan = self._plans.get(descriptor.full_name)
        if plan is None:
            fields = list(descriptor.fields)
            if descriptor.is_extendable:
                fields += sorted(schemas.POOL.FindAllExtensions(descriptor), key=lambda field: field.number)
            required = [self._filler(field) for field in fields if field.is_required]
            plan = required, [self._filler(field) for field in fields if not field.is_required]
            self._plans[descriptor.full_name] = plan
        return plan

    def _filler(self, field: FieldDescriptor) -> Callable[[Any, int], None]:
        """Return the function that sets a field of a message."""
        name = field.name

        def get(message: Any) -> Any:
            return message.Extensions[field] if field.is_extension else getattr(message, name)

        entry = field.message_type if field.type == _T.TYPE_MESSAGE else None
        if entry is not None and entry.GetOptions().map_entry:
            return self._map_filler(name, entry)
        if field.message_type is not None:

            def fill_messages(message: Any, depth: int) -> None:
                values = get(message)
                for _ in range(self._below(4)):
                    self.fill(values.add(), depth + 1)

            def fill_message(message: Any, depth: int) -> None:
                value = get(message)
                value.SetInParent()
                self.fill(value, depth + 1)

            return fill_messages if field.is_repeated else fill_message
        scalar = self._scalar(field)
        if field.is_repeated:
            return lambda message, depth: get(message).extend([scalar() for _ in range(self._below(5))])
        if field.is_extension:
            return lambda message, depth: message.Extensions.__setitem__(field, scalar())
        return lambda message, depth: setattr(message, name, scalar())

    def _map_filler(self, name: str, entry: Descriptor) -> Callable[[Any, int], None]:
        key = self._scalar(entry.fields_by_name["key"])
        value_field = entry.fields_by_name["value"]
        if value_field.message_type is None:
            scalar = self._scalar(value_field)
            return lambda message, depth: getattr(message, name).update(
                {key(): scalar() for _ in range(self._below(4))},
            )

        def fill(message: Any, depth: int) -> None:
            values = getattr(message, name)
            for _ in range(self._below(3)):
                self.fill(values[key()], depth + 1)

        return fill

    def _scalar(self, field: FieldDescriptor) -> Callable[[], Any]:
        """Return the function that makes values of a field of no message type."""
        kind = field.type
        if kind in INT32:
            return lambda: self._integer(32, signed=True)
        if kind in INT64:
            return lambda: self._integer(64, signed=True)
        if kind in UINT32:
            return lambda: self._integer(32, signed=False)
        if kind in UINT64:
            return lambda: self._integer(64, signed=False)
        if kind == _T.TYPE_ENUM:
            return self._enum(field)
        return {
            _T.TYPE_DOUBLE: self._double,
            _T.TYPE_FLOAT: self._float,
            _T.TYPE_BOOL: lambda: self._random() < 0.5,
            _T.TYPE_STRING: self._string,
            _T.TYPE_BYTES: self._bytes,
        }[kind]

    def _integer(self, width: int, *, signed: bool) -> int:
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
        which = self._random()
        if which < 0.35:
            return self._below(0 if not signed else -9, 300)
        if which < 0.6:
            value: int = self._choice((0, 1, -1, low, low + 1, high, high - 1, 127, 128, 1 << 53, (1 << 53) + 1, 10**9))
            return min(max(value, low), high)
        return min(max(self._bits(1 + self._below(width)) - (self._bits(8) if signed else 0), low), high)

    def _double(self) -> float:
        which = self._random()
        if which < 0.5:
            return float(self._choice(DOUBLES))
        if which < 0.75:
            return round((self._random() - 0.5) * 10.0 ** self._below(1, 18), self._below(9))
        return self._number(struct.unpack("<d", self._bits(64).to_bytes(8, "little"))[0])

    def _float(self) -> float:
        which = self._random()
        if which < 0.5:
            return float32(self._choice(FLOATS))
        if which < 0.75:
            return float32(round((self._random() - 0.5) * 10.0 ** self._below(1, 9), self._below(5)))
        return self._number(struct.unpack("<f", self._bits(32).to_bytes(4, "little"))[0])

    @staticmethod
    def _number(value: float) -> float:
        """Return the value, or the one NaN that JSON has."""
        return value if value == value else float("nan")

    def _finite(self) -> float:
        while True:
            value = self._double()
            if value - value == 0:
                return value

    def _string(self) -> str:
        if self._random() < 0.5:
            return "".join([self._choice(string.ascii_letters + "_.-/ 0123456789") for _ in range(self._below(9))])
        return str(self._choice(STRINGS))

    def _bytes(self) -> bytes:
        return bytes([self._bits(8) for _ in range(self._below(10))])

    def _enum(self, field: FieldDescriptor) -> Callable[[], int]:
        numbers = [value.number for value in field.enum_type.values]
        if field.enum_type.is_closed or field.enum_type.full_name == "google.protobuf.NullValue":
            return lambda: int(self._choice(numbers))
        strange = [7, -5, 2**31 - 1, -(2**31)]
        return lambda: int(self._choice(strange if self._random() < 0.15 else numbers))

    def _timestamp(self, message: Any, depth: int) -> None:
        low, high = -62135596800, 253402300799
        message.seconds = self._choice(
            (0, -1, 1, low, high, 1600000000, self._below(low, high), self._below(0, 2 * 10**9))
        )
        message.nanos = self._nanos()
        if self._chance(self._hostile):
            message.seconds = self._choice((low - 1, high + 1, 2**63 - 1, -(2**63)))
        if self._chance(self._hostile):
            message.nanos = self._choice((-1, 10**9, 2**31 - 1, -(2**31)))

    def _nanos(self) -> int:
        return int(
            self._choice((0, 0, 1, 999999999, 500000000, 1000, 1000000, self._below(10**9), self._below(1000) * 10**6))
        )

    def _duration(self, message: Any, depth: int) -> None:
        limit = 315576000000
        sign = self._choice((1, -1))
        message.seconds = sign * self._choice((0, 0, 1, limit, 3600, self._below(limit)))
        message.nanos = sign * self._nanos()
        if self._chance(self._hostile):
            message.seconds = self._choice((limit + 1, -limit - 1, -1, 1, 2**63 - 1))
        if self._chance(self._hostile):
            message.nanos = self._choice((10**9, -(10**9), 2**31 - 1, 1, -1))

    def _field_mask(self, message: Any, depth: int) -> None:
        message.paths.extend([self._choice(PATHS) for _ in range(self._below(4))])
        if self._chance(self._hostile):
            message.paths.append(self._choice(LOSSY_PATHS))

    def _any(self, message: Any, depth: int) -> None:
        if self._random() < 0.1:
            return
        name = self._choice(schemas.ANY_TYPES)
        inner = schemas.message_class(name)()
        if depth < self._depth or name == "google.protobuf.Value":
            self.fill(inner, depth + 1)
        message.type_url = self._choice(PREFIXES if self._random() < 0.3 else PREFIXES[:1]) + name
        message.value = inner.SerializePartialToString()
        if self._chance(self._hostile):
            message.type_url = self._choice(("", name, "x/", "x/no.such.Type", "type.googleapis.com/mapper.proto3"))
        if self._chance(self._hostile):
            message.value = self._bytes()

    def _struct(self, message: Any, depth: int) -> None:
        for _ in range(self._below(4)):
            self._value(message.fields[self._string()], depth + 1)

    def _list_value(self, message: Any, depth: int) -> None:
        for _ in range(self._below(4)):
            self._value(message.values.add(), depth + 1)

    def _value(self, message: Any, depth: int) -> None:
        which = self._below(4 if depth > self._depth + 1 else 7)
        if self._chance(self._hostile):
            if self._random() < 0.5:
                message.number_value = self._choice((float("nan"), float("inf"), float("-inf")))
        elif which == 0:
            message.null_value = 0
        elif which == 1:
            message.number_value = self._finite()
        elif which == 2:
            message.string_value = self._string()
        elif which == 3:
            message.bool_value = self._random() < 0.5
        elif which == 4:
            message.number_value = float(self._below(1000))
        elif which == 5:
            message.struct_value.SetInParent()
            self._struct(message.struct_value, depth + 1)
        else:
            message.list_value.SetInParent()
            self._list_value(message.list_value, depth + 1)
