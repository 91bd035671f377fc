"""Random JSON texts for a message: what printers may write, and what they may not.

    text = Writer(random.Random(7), mild=True).write(message)

A mild writer spells the same message in other ways that protobuf's JSON mapping allows: original names, escapes, white
space, integers quoted or with exponents, enum numbers, base64url, time zones, nulls, unknown fields. One that is not
mild also makes mistakes, about `mistakes` in a text. A mapper is to judge the texts; nothing here knows the verdict.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import schemas
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from messages import INT32, INT64, UINT32, UINT64
from spellings import (
    ANYTHING,
    BYTES,
    DURATIONS,
    ENUMS,
    FLOATS,
    INTEGERS,
    MASKS,
    MISTAKEN_NUMBERS,
    MISTAKEN_UNKNOWN,
    NAMES,
    STRINGS,
    TIMESTAMPS,
    UNKNOWN_VALUES,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

_T = FieldDescriptor
_INTEGERS = INT32 | INT64 | UINT32 | UINT64
_FLOATS = {_T.TYPE_FLOAT, _T.TYPE_DOUBLE}
LIMITS = [
    2**31,
    2**31 - 1,
    -(2**31),
    -(2**31) - 1,
    2**32,
    2**32 - 1,
    *(2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 2**64),
]

UNKNOWN_NAMES = ["unknown", "", "\u20ac", "plain_", "[no.such.ext]", "[mapper.proto2.x_int64]", "@type", "a.b", "[]"]
KEYS = [
    *("", "0", "1", "-1", "true", "false", "True", "a", "01", "+1", " 1", "1.0", "1e0", "1_0", "-0"),
    *(str(limit) for limit in LIMITS),
]
TYPE_URLS = ["mapper.proto3.Scalars", "x/no.such.Type", "", "/", "type.googleapis.com/", "x/google.protobuf.Any"]
SPACE = [" ", "\n", "\t", "\r\n  ", " " * 20]


class Writer:
    """Writes messages as JSON text.

    Args:
        random: Where all choices come from.
        mild: Only what the mapping allows.
        mistakes: How many mistakes a text has on average, else.
        variants: How probable it is that a value or a name is spelled in another way.
    """

    def __init__(
        self, random: random.Random, *, mild: bool = False, mistakes: float = 1.0, variants: float = 0.15
    ) -> None:
        self._random = random.random
        self._below = random.randrange
        self._mistakes = 0.0 if mild else mistakes
        self._variants = variants
        self._wrong = 0.0
        self._pool = schemas.POOL
        self._by_type: dict[str, Callable[[Any], str]] = {
            "google.protobuf.Timestamp": lambda value: self._text_or(value, TIMESTAMPS, 12),
            "google.protobuf.Duration": lambda value: self._text_or(value, DURATIONS, 16),
            "google.protobuf.FieldMask": lambda value: self._text_or(value, MASKS, 8),
            "google.protobuf.Struct": self._value,
            "google.protobuf.Value": self._value,
            "google.protobuf.ListValue": self._value,
            "google.protobuf.Any": self._any,
        }
        self._fields: dict[str, dict[str, FieldDescriptor]] = {}

    def write(self, message: Message) -> bytes:
        """Return a text for a message; one that has no JSON form gives the text of an empty one."""
        try:
            value = json_format.MessageToDict(message, descriptor_pool=self._pool)
        except (json_format.Error, DecodeError, ValueError, TypeError):
            value = {}
        return self.text(value, message.DESCRIPTOR)

    def text(self, value: Any, descriptor: Descriptor) -> bytes:
        """Return a text for what `MessageToDict` gave for a message of this type."""
        self._wrong = self._mistakes / (2 + _size(value)) if self._mistakes else 0.0
        text = self._message(value, descriptor)
        if self._chance(self._variants):
            text = f"{self._space()}{text}{self._space()}"
        data = text.encode("utf-8", "surrogatepass")
        if self._mistakes and self._chance(0.08):
            data = self._spoil(data)
        return data

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._random() < probability

    def _choice(self, items: Any) -> Any:
        return items[self._below(len(items))]

    def _space(self) -> str:
        return str(self._choice(SPACE)) if self._chance(self._variants / 4) else ""

    def _string(self, value: str) -> str:
        if not self._chance(self._variants):
            return json.dumps(value, ensure_ascii=False)
        which = self._below(3)
        if which == 0:
            return json.dumps(value)
        if which == 1 and value:
            escaped = "".join(f"\\u{unit:04x}" for unit in _utf16(value[:20]))
            return f'"{escaped}{json.dumps(value[20:])[1:]}'
        return json.dumps(value, ensure_ascii=False).replace("/", "\\/")

    def _members(self, members: list[tuple[str, str]], opening: str = "{", closing: str = "}") -> str:
        """Return an object (or, without names, a list), now and then with something wrong or white space inside."""
        space = self._space
        parts = [
            f"{space()}{name}{space()}:{space()}{value}" if name else f"{space()}{value}" for name, value in members
        ]
        comma = ","
        if parts and self._chance(self._wrong / 4):
            which = self._below(5)
            if which == 0:
                parts.append(parts[self._below(len(parts))])  # the same key again
            elif which == 1:
                closing = f",{closing}"
            elif which == 2:
                comma = self._choice((",,", ";", " "))
            elif which == 3:
                opening = f"{opening},"
            else:
                closing = self._choice(("", "]", "}"))
        return f"{opening}{comma.join(parts)}{space()}{closing}"

    def _message(self, value: Any, descriptor: Descriptor) -> str:
        if self._chance(self._wrong / 2):
            return str(self._choice(ANYTHING))
        by_type = self._by_type.get(descriptor.full_name)
        if by_type is not None:
            return by_type(value)
        if descriptor.file.name == "google/protobuf/wrappers.proto":
            return self._scalar(value, descriptor.fields_by_name["value"])
        return self._members(self._object(value, descriptor))

    def _object(self, value: Any, descriptor: Descriptor) -> list[tuple[str, str]]:
        """Return the members of a message that is an object in JSON."""
        fields = self._fields.get(descriptor.full_name)
        if fields is None:
            fields = {field.json_name: field for field in descriptor.fields}
            if descriptor.is_extendable:
                fields |= {f"[{field.full_name}]": field for field in self._pool.FindAllExtensions(descriptor)}
            self._fields[descriptor.full_name] = fields
        members = []
        for key, item in value.items():
            field = fields[key]
            name = field.name if not field.is_extension and self._chance(self._variants) else key
            members.append((self._string(name), self._field(item, field)))
            if name != key and self._chance(self._wrong):
                members.append((self._string(key), self._field(item, field)))
        if fields and self._chance(self._variants / 3):
            key = self._choice(list(fields))  # another field: null, or by mistake a second one of a oneof and the like
            if key not in value:
                members.append((self._string(key), self._choice(ANYTHING) if self._chance(self._wrong * 3) else "null"))
        if self._chance(self._variants / 2):
            name = self._choice(UNKNOWN_NAMES if self._mistakes else UNKNOWN_NAMES[:4])
            if name not in value:
                values = MISTAKEN_UNKNOWN if self._chance(self._wrong * 3) else UNKNOWN_VALUES
                members.insert(self._below(len(members) + 1), (self._string(name), self._choice(values)))
        if len(members) > 1 and self._chance(self._variants):
            members.insert(0, members.pop())
        return members

    def _field(self, value: Any, field: FieldDescriptor) -> str:
        if self._chance(self._wrong / 2):
            return str(self._choice(ANYTHING))
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            keys, values = entry.fields_by_name["key"], entry.fields_by_name["value"]
            return self._members([(self._key(key, keys), self._one(item, values)) for key, item in value.items()])
        if field.is_repeated:
            return self._members([("", self._one(item, field)) for item in value], "[", "]")
        return self._one(value, field)

    def _one(self, value: Any, field: FieldDescriptor) -> str:
        if self._chance(self._wrong / 4):
            return "null"
        if field.message_type is not None:
            return self._message(value, field.message_type)
        return self._scalar(value, field)

    def _key(self, key: str, field: FieldDescriptor) -> str:
        if field.type != _T.TYPE_STRING and self._chance(self._wrong):
            return json.dumps(self._choice(KEYS))
        return self._string(key)

    def _scalar(self, value: Any, field: FieldDescriptor) -> str:
        kind = field.type
        wrong = self._chance(self._wrong)
        if wrong and self._chance(0.2):
            return str(self._choice(ANYTHING if self._chance(0.6) else MISTAKEN_NUMBERS))
        vary = self._chance(self._variants)
        if kind in _INTEGERS:
            return str(self._choice(INTEGERS)) if wrong else self._integer(int(value), vary, str(value) is value)
        if kind in _FLOATS:
            if wrong:
                return str(self._choice(FLOATS))
            text = json.dumps(value)
            return f'"{text}"' if vary and text[0] != '"' else text
        if kind == _T.TYPE_ENUM:
            return self._enum(value, field, vary, wrong)
        if kind == _T.TYPE_STRING:
            return str(self._choice(STRINGS)) if wrong else self._string(value)
        if kind == _T.TYPE_BYTES:
            if wrong:
                return str(self._choice(BYTES))
            if vary:
                value = base64.urlsafe_b64encode(base64.b64decode(value)).decode()
                return json.dumps(value.rstrip("=") if self._chance(0.5) else value)
            return json.dumps(value)
        return str(self._choice(ANYTHING)) if wrong else json.dumps(value)

    def _integer(self, value: int, vary: bool, quoted: bool) -> str:
        if not vary or value == 0:
            return f'"{value}"' if quoted else str(value)
        which = self._below(5)
        if which == 0:
            return str(value) if quoted else f'"{value}"'
        if which == 1:
            text = f"{value}0e-1"
        elif which == 2 and value % 10 == 0:
            text = f"{value // 10}e1"
        elif which == 3:
            text = f"{value}.0"
        else:
            text = f"{value}E{self._choice(('', '+', '-'))}0"
        return f'"{text}"' if self._chance(0.3) else text

    def _enum(self, value: Any, field: FieldDescriptor, vary: bool, wrong: bool) -> str:
        if wrong:
            return str(self._choice(NAMES if self._chance(0.5) else ENUMS))
        named = field.enum_type.values_by_name.get(value) if isinstance(value, str) else None
        if named is not None and vary:
            return str(named.number)
        return json.dumps(value)

    def _text_or(self, value: Any, others: list[str], mild: int) -> str:
        """Return a text or another one; the first `mild` of the others are as good as it."""
        if self._chance(self._variants):
            return self._string(others[self._below(mild)])
        if self._chance(self._wrong * 2):
            return json.dumps(self._choice(others))
        return self._string(value) if isinstance(value, str) else '""' if others is MASKS else '"0s"'

    def _value(self, value: Any) -> str:
        """Return a value of a Struct."""
        if self._chance(self._wrong / 2):
            return str(self._choice(self._choice((ANYTHING, MISTAKEN_NUMBERS, STRINGS, FLOATS, INTEGERS))))
        if isinstance(value, dict):
            return self._members([(self._string(key), self._value(item)) for key, item in value.items()])
        if isinstance(value, list):
            return self._members([("", self._value(item)) for item in value], "[", "]")
        return self._string(value) if isinstance(value, str) else json.dumps(value)

    def _any(self, value: Any) -> str:
        url = value.get("@type") if isinstance(value, dict) else None
        if url is None:
            return "{}"
        descriptor = self._pool.FindMessageTypeByName(url.rpartition("/")[2])
        inner = {key: item for key, item in value.items() if key != "@type"}
        if descriptor.full_name in self._by_type or descriptor.file.name == "google/protobuf/wrappers.proto":
            members = [('"value"', self._message(inner.get("value"), descriptor))]
            if self._chance(self._wrong):
                members.append((json.dumps(self._choice(UNKNOWN_NAMES)), self._choice(UNKNOWN_VALUES)))
        else:
            members = self._object(inner, descriptor)
        if self._chance(self._wrong):
            url = self._choice(TYPE_URLS)
        if not self._chance(self._wrong / 2):
            at = self._below(len(members) + 1) if self._chance(self._variants) else 0
            members.insert(at, ('"@type"', self._string(url)))
        return self._members(members)

    def _spoil(self, data: bytes) -> bytes:
        """Return the text cut, with something before or after it, or with other bytes inside."""
        at = self._below(len(data) + 1)
        which = self._below(6)
        if which == 0:
            return data[:at]
        if which == 1:
            return data + self._choice((b" {}", b"x", b",", b"]", b"}", b"\0", b"\xc2\xa0", b"//"))
        if which == 2:
            return bytes(self._choice((b"\xef\xbb\xbf", b"\0", b"\xa0", b"[", b",", b"/**/"))) + data
        if which == 3:
            return (
                data[:at]
                + self._choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"\xf4\x90\x80\x80", b"\0"))
                + data[at:]
            )
        if which == 4:
            return data[:at] + data[at + 1 :]
        return (
            data[:at]
            + bytes(self._choice((b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"0", b"-", b" ")))
            + data[at:]
        )


def _size(value: Any) -> int:
    """Return how many values there are in a JSON value."""
    if isinstance(value, dict):
        return 1 + sum(_size(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_size(item) for item in value)
    return 1


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-le")
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]
