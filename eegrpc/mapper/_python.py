"""The reference mapper: google.protobuf.json_format behind the mapper's interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, message_factory
from google.protobuf.message import DecodeError, Message

from eegrpc.mapper._errors import MapperError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from eegrpc.mapper._options import Options, Skipped

__all__ = ["PythonEngine"]

_QUOTE = 64  # most characters of the input that an error text repeats


class PythonEngine:
    """Maps one message type by google.protobuf.json_format."""

    __slots__ = ("_class", "_descriptor", "_is_object", "_options")

    def __init__(self, descriptor: Descriptor, options: Options) -> None:
        self._descriptor = descriptor
        self._options = options
        self._class: type[Message] = message_factory.GetMessageClass(descriptor)
        # Only well-known types, such as Timestamp and Value, are anything but an object in JSON.
        self._is_object = not descriptor.full_name.startswith("google.protobuf.")

    def to_json(self, wire: bytes) -> bytes:
        """Return the JSON encoding (UTF-8, no insignificant space) of an encoded message.

        Raises:
            TypeError: `wire` is not bytes.
            MapperError: `wire` is not an encoding of the message, nests too deeply, or holds what JSON cannot.
        """
        try:
            message = self._class.FromString(wire)
        except DecodeError as error:
            raise MapperError("wire", f"not an encoded {self._descriptor.full_name}: {error}") from error
        try:
            fields: Any = json_format.MessageToDict(message)
            return json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        except (json_format.Error, ValueError, TypeError) as error:
            # TypeError: an Any of unknown type; ValueError: a number, time or string that has no JSON form.
            raise MapperError("value", f"{self._descriptor.full_name} has no JSON form: {_short(error)}") from error

    def to_wire(self, json: bytes) -> tuple[bytes, Skipped | None]:
        """Return the wire encoding of a message given as JSON (UTF-8).

        Raises:
            TypeError: `json` is not bytes.
            MapperError: `json` is not JSON, not this message, or nests deeper than protobuf parsers read (100 levels).
        """
        try:
            text = json.decode()
        except UnicodeDecodeError as error:
            raise MapperError("utf8", "not UTF-8", offset=error.start) from error
        if self._is_object and text.lstrip(" \t\r\n")[:1] not in ("{", ""):  # json_format takes [] for {}
            raise MapperError("json", f"expected a JSON object for {self._descriptor.full_name}", offset=0)
        try:
            message = json_format.Parse(text, self._class(), ignore_unknown_fields=self._options.ignore_unknown_fields)
            wire = message.SerializeToString()
        except (json_format.ParseError, RecursionError, UnicodeEncodeError) as error:
            raise _parse_failure(error, text, self._descriptor.full_name) from error
        try:
            # json_format writes nestings that no parser reads back. Reading costs 2 % of what writing did.
            self._class.FromString(wire)
        except DecodeError as error:
            raise MapperError("depth", f"nested too deeply for {self._descriptor.full_name} (100 levels)") from error
        return wire, None


def _parse_failure(error: BaseException, text: str, name: str) -> MapperError:
    """Return the MapperError for what json_format raised."""
    cause = error.__cause__
    if isinstance(error, RecursionError) or isinstance(cause, RecursionError) or "too deep" in str(error):
        return MapperError("depth", f"nested too deeply for {name}")
    if isinstance(cause, json.JSONDecodeError):
        ended = cause.pos >= len(text.rstrip()) or cause.msg.startswith("Unterminated string")
        offset = len(text[: cause.pos].encode())
        return MapperError("eof" if ended else "json", f"not JSON: {cause.msg}", offset=offset)
    return MapperError("value", f"not a {name}: {_short(error)}")


def _short(error: BaseException) -> str:
    """Return the error's text without what may be a long quotation of the input."""
    text = str(error).rstrip(".")
    return text if len(text) <= 4 * _QUOTE else f"{text[: 2 * _QUOTE]}...{text[-_QUOTE:]}"
