"""Query parameters: the fields of a request that are neither in the path nor in the body, and Google's system ones.

http.proto: a parameter's name is the field path, dotted; repeated fields are repeated parameters; maps and repeated
messages cannot be parameters. Names are sent as JSON has them and accepted as proto has them, too. System parameters
are those of https://cloud.google.com/apis/docs/system-parameters, with ``$`` before the name or without.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from eegrpc.mapper import MapperError
from eegrpc.transcoding import scalars
from eegrpc.transcoding.binding import nest
from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

__all__ = ["Query", "parse_query", "query_string"]

_SYSTEM_METADATA = {"fields": "x-goog-fieldmask", "key": "x-goog-api-key"}
_SYSTEM_IGNORED = frozenset(
    ("access_token", "callback", "prettyPrint", ".xgafv", "quotaUser", "uploadType", "upload_protocol", "userIp")
)
_METHOD_OVERRIDES = frozenset(("_method", "x-http-method-override"))  # tunnels of other frameworks: of no effect here


class Query(NamedTuple):
    """A query string, taken apart."""

    wire: bytes
    """Encoding of the request fields that the parameters set."""
    metadata: tuple[tuple[str, str], ...]
    """What system parameters say, as the headers that say the same."""


def query_string(descriptor: Descriptor, wire: bytes) -> str:
    """Return the query string, without ``?``, for the fields of an encoded request message.

    A submessage in which nothing is set cannot be told from one that is not set.

    Raises:
        MapperError: A field cannot be a query parameter, or `wire` is not an encoded message. Whoever made the request
            must act.
    """
    if not wire:
        return ""
    try:
        message: Message = message_factory.GetMessageClass(descriptor).FromString(wire)
    except DecodeError as error:
        raise MapperError("wire", f"not an encoded {descriptor.full_name}: {error}") from error
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in _parameters(message, ""))


def parse_query(descriptor: Descriptor, query: str, taken: Mapping[str, str] | None) -> Query:
    """Return what a query string says.

    Args:
        descriptor: Type of the request message.
        query: The query string, without ``?``, percent-encoded; ``+`` is a space, as forms send it.
        taken: Fields at the top level that are set by path or body and so cannot be parameters: name to ``path`` or
            ``body``. None if the whole request is in the body, which leaves system parameters only.

    Raises:
        TranscodingError: INVALID_ARGUMENT: an unknown parameter, or a value that its field cannot hold.
    """
    wire: list[bytes] = []
    metadata: list[tuple[str, str]] = []
    seen: set[tuple[FieldDescriptor, ...]] = set()
    for pair in query.split("&") if query else ():
        if not pair:
            continue
        name, _, value = (_decode(part) for part in pair.partition("="))
        fields = None if taken is None else _field_path(descriptor, name, taken)
        if fields is not None:
            if fields in seen and not fields[-1].is_repeated:
                raise _invalid(f"Invalid value at '{name}': it is given twice, and the field is not repeated.")
            seen.add(fields)
            try:
                wire.append(nest(fields, scalars.encode(fields[-1], value)))
            except MapperError as error:
                raise _invalid(str(error)) from error
        elif not _system(name, value, metadata):
            raise _unknown(name)
    return Query(b"".join(wire), tuple(metadata))


def _parameters(message: Message, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every value in a message."""
    for field, value in message.ListFields():
        name = prefix + str(field.json_name)
        if _is_value(field):
            values: Any = value if field.is_repeated else (value,)
            for each in values:
                yield name, scalars.text(field, each)
        elif field.is_repeated or not _is_nestable(scalars.message_type(field)):
            raise MapperError("value", _no_parameter(name, field))
        else:
            yield from _parameters(value, f"{name}.")


def _field_path(descriptor: Descriptor, name: str, taken: Mapping[str, str]) -> tuple[FieldDescriptor, ...] | None:
    """Return the fields that a parameter's name refers to, None if there are none."""
    message: Descriptor | None = descriptor
    fields: list[FieldDescriptor] = []
    for part in name.split("."):
        field = None if message is None else _field(message, part)
        if field is None:
            return None
        fields.append(field)
        # Nothing is beyond a repeated field, nor beyond a type that is not an object in JSON.
        descend = not field.is_repeated and not _is_value(field) and _is_nestable(scalars.message_type(field))
        message = field.message_type if descend else None
    if not _is_value(fields[-1]):
        raise _invalid(f"{_no_parameter(name, fields[-1])}.")
    where = taken.get(".".join(field.name for field in fields)) or (
        "body" if taken.get(fields[0].name) == "body" else None
    )
    if where is not None:
        raise _invalid(f"Invalid query parameter {json.dumps(name)}: the field is in the {where} of this method.")
    return tuple(fields)


def _field(message: Descriptor, name: str) -> FieldDescriptor | None:
    found = message.fields_by_name.get(name)
    if found is None:
        found = next((field for field in message.fields if field.json_name == name), None)
    return found


def _is_value(field: FieldDescriptor) -> bool:
    """Whether a field, or each element of a repeated one, is a single value in a query string."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return scalars.message_type(field).full_name in scalars.TEXT_MESSAGES
    return bool(field.type != FieldDescriptor.TYPE_GROUP)


def _is_nestable(message: Descriptor) -> bool:
    """Whether a message is a JSON object of its fields."""
    return not message.full_name.startswith("google.protobuf.") or message.full_name == "google.protobuf.Empty"


def _no_parameter(name: str, field: FieldDescriptor) -> str:
    kind = scalars.message_type(field)
    if kind.GetOptions().map_entry:
        what = "a map"
    elif field.is_repeated:
        what = f"a repeated {kind.full_name}"
    else:
        what = f"a {kind.full_name}"
    return f"'{name}' is {what}, which cannot be a query parameter (google/api/http.proto)"


def _system(name: str, value: str, metadata: list[tuple[str, str]]) -> bool:
    """Take a system parameter; return whether it is one."""
    plain = name.removeprefix("$")
    if plain in _SYSTEM_METADATA:
        if not value.isascii() or not value.isprintable():
            raise _invalid(f"Invalid value at '{name}': not visible ASCII.")
        metadata.append((_SYSTEM_METADATA[plain], value))
        return True
    if plain == "alt":
        form, *options = value.split(";")
        if form != "json" or any(option not in ("enum-encoding=int", "enum-encoding=string") for option in options):
            raise _invalid(f"Invalid value at '{name}': only json can be answered.")
        return True
    return plain in _SYSTEM_IGNORED or name.lower() in _METHOD_OVERRIDES


def _decode(part: str) -> str:
    try:
        return unquote_to_bytes(part.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise _invalid("Invalid query string: the percent-encoding is not UTF-8.") from None


def _unknown(name: str) -> TranscodingError:
    shown = name if len(name) <= 64 else name[:61] + "..."
    return _invalid(
        f"Invalid JSON payload received. Unknown name {json.dumps(shown)}: Cannot bind query parameter. "
        f"Field {shown!r} could not be found in request message."
    )


def _invalid(details: str) -> TranscodingError:
    return TranscodingError(grpc.StatusCode.INVALID_ARGUMENT, details)
