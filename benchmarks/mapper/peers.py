"""Who is measured, by direction. A subject that lacks its library says so, and is left out."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from google.protobuf import json_format

from benchmarks.mapper import buf_peer, msgspec_peer
from eegrpc.mapper import MessageMapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.mapper.inputs import Case

__all__ = ["DIRECTIONS", "MissingError", "Subject", "UnsuitedError"]

Gives = Literal["wire", "message", "objects", "typed objects", "JSON"]


class MissingError(Exception):
    """A subject that cannot run here."""


class UnsuitedError(Exception):
    """A subject that is not for this input."""


@dataclass(frozen=True)
class Subject:
    """Something to measure.

    Attributes:
        name: What tables call it.
        gives: What a call returns.
        make: From a case, the call to measure; what it needs is made ready here. May raise the errors above.
    """

    name: str
    gives: Gives
    make: Callable[[Case], Callable[[], Any]]

    def check(self, case: Case, result: Any) -> None:
        """Raise AssertionError when `result` is not what the case says; a wrong answer needs no stopwatch."""
        if self.gives == "JSON":
            assert json.loads(result) in (case.printed, json.loads(case.json)), f"{self.name}: {case.name}"
        elif self.gives in ("wire", "message"):
            wire = result if isinstance(result, bytes) else _serialized(result)
            assert case.message_class.FromString(wire) == case.message, f"{self.name}: {case.name}"


def _serialized(message: Any) -> bytes:
    return message.to_binary() if hasattr(message, "to_binary") else message.SerializeToString()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError(f"not installed ({error})") from error


def _mapper(case: Case, implementation: Literal["native", "python"]) -> MessageMapper:
    try:
        return MessageMapper(case.message_class.DESCRIPTOR, implementation=implementation)
    except ImportError as error:
        raise MissingError(str(error)) from error


# --- from JSON -------------------------------------------------------------------------------------------------------


def _eegrpc_to_wire(implementation: Literal["native", "python"]) -> Callable[[Case], Callable[[], bytes]]:
    def make(case: Case) -> Callable[[], bytes]:
        to_wire, data = _mapper(case, implementation).to_wire, case.json
        return lambda: to_wire(data)

    return make


def _native_to_message(case: Case) -> Callable[[], Any]:
    to_wire, from_string, data = _mapper(case, "native").to_wire, case.message_class.FromString, case.json
    return lambda: from_string(to_wire(data))


def _parse(case: Case) -> Callable[[], Any]:
    message_class, data = case.message_class, case.json
    return lambda: json_format.Parse(data, message_class(), ignore_unknown_fields=True)


def _parse_to_wire(case: Case) -> Callable[[], bytes]:
    parse = _parse(case)
    return lambda: parse().SerializeToString()


def _from_string(case: Case) -> Callable[[], Any]:
    from_string, data = case.message_class.FromString, case.wire
    return lambda: from_string(data)


def _loads(case: Case) -> Callable[[], Any]:
    return lambda: json.loads(case.json)


def _orjson_loads(case: Case) -> Callable[[], Any]:
    loads, data = _library("orjson").loads, case.json
    return lambda: loads(data)


def _msgspec_decode(case: Case) -> Callable[[], Any]:
    decode, data = _library("msgspec").json.Decoder().decode, case.json
    return lambda: decode(data)


def _msgspec_typed_decode(case: Case) -> Callable[[], Any]:
    decode, data = _msgspec_decoder(case).decode, case.json
    return lambda: decode(data)


def _msgspec_decoder(case: Case) -> Any:
    msgspec = _library("msgspec")
    if case.message_class.DESCRIPTOR.name != "ComputeImagesResponse":
        raise UnsuitedError("typed for answers only")
    return msgspec.json.Decoder(msgspec_peer.answer_class(msgspec))


def _buf_class(case: Case) -> Any:
    _library("protobuf")
    return buf_peer.message_class(case.message_class.DESCRIPTOR)


def _buf_from_json(case: Case) -> Callable[[], Any]:
    from_json, data = _buf_class(case).from_json, case.json
    return lambda: from_json(data, ignore_unknown_fields=True)


_FROM_JSON = (
    Subject("eegrpc native", "wire", _eegrpc_to_wire("native")),
    Subject("eegrpc native + FromString", "message", _native_to_message),
    Subject("eegrpc python", "wire", _eegrpc_to_wire("python")),
    Subject("json_format.Parse", "message", _parse),
    Subject("json_format.Parse + SerializeToString", "wire", _parse_to_wire),
    Subject("protobuf-py from_json", "message", _buf_from_json),
    Subject("json.loads", "objects", _loads),
    Subject("orjson.loads", "objects", _orjson_loads),
    Subject("msgspec decode", "objects", _msgspec_decode),
    Subject("msgspec decode, typed", "typed objects", _msgspec_typed_decode),
    Subject("upb FromString (of wire)", "message", _from_string),
)


# --- to JSON ---------------------------------------------------------------------------------------------------------


def _eegrpc_to_json(implementation: Literal["native", "python"]) -> Callable[[Case], Callable[[], bytes]]:
    def make(case: Case) -> Callable[[], bytes]:
        to_json, data = _mapper(case, implementation).to_json, case.wire
        return lambda: to_json(data)

    return make


def _message_to_json(case: Case) -> Callable[[], str]:
    message = case.message
    return lambda: json_format.MessageToJson(message)


def _message_to_dict_dumps(case: Case) -> Callable[[], str]:
    message = case.message
    return lambda: json.dumps(json_format.MessageToDict(message), separators=(",", ":"), ensure_ascii=False)


def _serialize(case: Case) -> Callable[[], bytes]:
    message = case.message
    return message.SerializeToString


def _dumps(case: Case) -> Callable[[], str]:
    value = json.loads(case.json)
    return lambda: json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _orjson_dumps(case: Case) -> Callable[[], bytes]:
    dumps, value = _library("orjson").dumps, json.loads(case.json)
    return lambda: dumps(value)


def _msgspec_encode(case: Case) -> Callable[[], bytes]:
    encode, value = _library("msgspec").json.Encoder().encode, json.loads(case.json)
    return lambda: encode(value)


def _msgspec_typed_encode(case: Case) -> Callable[[], bytes]:
    value = _msgspec_decoder(case).decode(case.json)
    encode = _library("msgspec").json.Encoder().encode
    return lambda: encode(value)


def _buf_to_json(case: Case) -> Callable[[], str]:
    message = _buf_class(case).from_binary(case.wire)
    return message.to_json


_TO_JSON = (
    Subject("eegrpc native", "JSON", _eegrpc_to_json("native")),
    Subject("eegrpc python", "JSON", _eegrpc_to_json("python")),
    Subject("json_format.MessageToJson", "JSON", _message_to_json),
    Subject("MessageToDict + json.dumps", "JSON", _message_to_dict_dumps),
    Subject("protobuf-py to_json", "JSON", _buf_to_json),
    Subject("json.dumps", "JSON", _dumps),
    Subject("orjson.dumps", "JSON", _orjson_dumps),
    Subject("msgspec encode", "JSON", _msgspec_encode),
    Subject("msgspec encode, typed", "JSON", _msgspec_typed_encode),
    Subject("upb SerializeToString", "wire", _serialize),
)

DIRECTIONS = {"from JSON": _FROM_JSON, "to JSON": _TO_JSON}
