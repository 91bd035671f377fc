"""What google.protobuf.json_format says, directly: the yardstick of the mappers, and how to hold one against it.

reference = Reference("mapper.proto3.Scalars")
disagreement = reference.check_json(mapper, text)      # None, or what is different
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import schemas
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from eegrpc.mapper import MapperError, MessageMapper

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Disagreement(NamedTuple):
    """What a mapper did otherwise than json_format."""

    direction: str
    """``to_wire``, ``to_json``, or ``round trip``."""
    what: str
    """``refused`` or ``accepted`` (by the mapper alone), ``value``, or ``raised`` (a bug, or no MapperError)."""
    type: str
    """Full name of the message type."""
    options: dict[str, bool]
    """Options of the mapper."""
    given: bytes
    """The input: JSON text or wire bytes."""
    expected: str
    """What json_format made of it."""
    got: str
    """What the mapper made of it."""


class Reference:
    """google.protobuf.json_format for one message type, with the same options as a mapper."""

    def __init__(self, name: str, **options: bool) -> None:
        self.name = name
        self.options = options
        self.type = schemas.message_class(name)
        names = ("preserving_proto_field_name", "always_print_fields_with_no_presence", "use_integers_for_enums")
        self._printing = {key: options[key] for key in names if key in options}
        self._ignore_unknown = options.get("ignore_unknown_fields", True)

    def mapper(self, implementation: str) -> MessageMapper:
        """Return the mapper that is to agree with this."""
        descriptor = self.type.DESCRIPTOR
        return MessageMapper(descriptor, implementation=implementation, **self.options)  # type: ignore[arg-type]

    def parse(self, text: bytes) -> Message | str:
        """Return the message that a text stands for, or why there is none.

        One rule is added to json_format's: what is accepted must be readable, so it has at most 100 levels.
        """
        try:
            message = json_format.Parse(
                text, self.type(), ignore_unknown_fields=self._ignore_unknown, descriptor_pool=schemas.POOL
            )
            return self.type.FromString(message.SerializePartialToString())
        except Exception as error:  # noqa: BLE001 json_format lets UnicodeDecodeError, KeyError and others out
            return f"{type(error).__name__}: {error}"

    def print(self, wire: bytes) -> Any:
        """Return what the JSON of a message parses to, or an Exception: why it has none."""
        try:
            message = self.type.FromString(wire)
            return json_format.MessageToDict(message, descriptor_pool=schemas.POOL, **self._printing)
        except Exception as error:  # noqa: BLE001 as above
            return error

    def check_json(self, mapper: MessageMapper, text: bytes) -> Disagreement | None:
        """Compare what a text is mapped to."""
        expected = self.parse(text)
        try:
            wire = mapper.to_wire(text)
        except MapperError as error:
            what = "raised" if error.kind == "bug" else "refused"
            if what == "refused" and isinstance(expected, str):
                return None
            return self._disagreement("to_wire", what, text, expected, f"{error.kind}: {error}")
        except Exception as error:  # noqa: BLE001 whatever it is, it is none of the mapper's own
            return self._disagreement("to_wire", "raised", text, expected, repr(error))
        if isinstance(expected, str):
            return self._disagreement("to_wire", "accepted", text, expected, wire.hex())
        got = self._other_than(expected, wire)
        return None if got is None else self._disagreement("to_wire", "value", text, expected, got)

    def check_wire(self, mapper: MessageMapper, wire: bytes, *, round_trip: bool = True) -> Disagreement | None:
        """Compare what wire bytes are mapped to, and whether that maps back to the same message."""
        expected = self.print(wire)
        try:
            text = mapper.to_json(wire)
        except MapperError as error:
            what = "raised" if error.kind == "bug" else "refused"
            if what == "refused" and isinstance(expected, Exception):
                return None
            return self._disagreement("to_json", what, wire, expected, f"{error.kind}: {error}")
        except Exception as error:  # noqa: BLE001 as above
            return self._disagreement("to_json", "raised", wire, expected, repr(error))
        if isinstance(expected, Exception):
            return self._disagreement("to_json", "accepted", wire, repr(expected), text.decode())
        plain = json.dumps(expected, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        if text != plain.encode() and canonical(text) != canonical(plain):
            return self._disagreement("to_json", "value", wire, plain, text.decode())
        if not round_trip:
            return None
        try:
            again = mapper.to_wire(text)
        except MapperError as error:
            return self._disagreement("round trip", "refused", wire, text.decode(), f"{error.kind}: {error}")
        message = self.type.FromString(wire)
        got = self._other_than(message, again)
        return None if got is None else self._disagreement("round trip", "value", wire, text.decode(), got)

    def _other_than(self, expected: Message, wire: bytes) -> str | None:
        """Return what wire bytes are, or None if they are the expected message."""
        try:
            message = self.type.FromString(wire)
        except DecodeError as error:
            return f"not readable: {error}: {wire.hex()}"
        if encoded(message) == encoded(expected):
            return None
        normalise(message)
        normalise(expected)
        return None if encoded(message) == encoded(expected) else repr(message)

    def _disagreement(self, direction: str, what: str, given: bytes, expected: Any, got: str) -> Disagreement:
        return Disagreement(direction, what, self.name, self.options, given, str(expected), got)


def encoded(message: Message) -> bytes:
    """Return an encoding that equal messages share, NaN and -0.0 included."""
    return message.SerializePartialToString(deterministic=True)


def normalise(message: Any, *, discard: bool = False) -> None:
    """Give every google.protobuf.Any inside the encoding that `encoded` has: the order in it means nothing.

    With `discard`, unknown fields are left out, everywhere.
    """
    if discard:
        message.DiscardUnknownFields()
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        try:
            inner: Any = schemas.message_class(message.type_url.rpartition("/")[2])()
            inner.MergeFromString(message.value)
        except (KeyError, DecodeError):
            return
        normalise(inner, discard=discard)
        message.value = encoded(inner)
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    normalise(item, discard=discard)
        elif field.is_repeated:
            for item in value:
                normalise(item, discard=discard)
        else:
            normalise(value, discard=discard)


def canonical(text: str | bytes) -> str:
    """Return a text that equal JSON values share; 1 and 1.0 are equal, 0 and -0.0 or 1 and true are not."""
    return json.dumps(json.loads(text, parse_int=float), sort_keys=True)
