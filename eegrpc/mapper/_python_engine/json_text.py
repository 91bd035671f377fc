"""JSON text to Python values for the Python engine: by the standard library, with its refusals told apart.

Beside what json.loads refuses, these are refused: duplicate keys, the bare words NaN, Infinity and -Infinity, and any
encoding but UTF-8 without a byte order mark.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final, NoReturn

from eegrpc.mapper._errors import MapperError
from eegrpc.mapper._python_engine.message_types import TOO_DEEP
from eegrpc.mapper._python_engine.refusal import Refusal, quote

__all__ = ["read"]

_SPACE: Final = " \t\r\n"  # str.strip() alone would take what JSON does not call space
_WORD_OR_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', re.DOTALL)
_CUT_ESCAPE: Final = re.compile(r"[0-9a-fA-F]{0,4}")
_CUT_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?[eE][+-]?)")
_CUT_WORD: Final = ("-", *(word[:end] for word in ("true", "false", "null") for end in range(1, len(word))))
_NEGATIVE_ZERO: Final = re.compile(r"-0(?=[,}\]\s]|\Z)")  # it has a sign in a double, and none in an int
_MOST_NUMBER: Final = 5000  # characters of a cut number that are looked at


# Python 3.13 lets json.loads recurse 10,000 times, which takes over 1 MiB of stack; threads may have less. Earlier
# versions stop at sys.getrecursionlimit(), later ones look how much stack there is.
_OVERFLOWS: Final = sys.version_info[:2] == (3, 13)
_MOST_LEVELS: Final = 1000
_HEAD: Final = 2**16
_ALL_BUT_BRACKETS_AND_QUOTES: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')


class _DuplicateKeyError(ValueError):
    pass


class _BareWordError(ValueError):
    pass


class _Duplicate(dict[str, Any]):
    """An object in which `key` was given twice."""

    key: str


def read(data: bytes, *, expected: str | None) -> Any:
    """Return the value of a JSON document, as json.loads has it.

    Args:
        data: One document in UTF-8.
        expected: The message that the document must be an object for; None if any value will do.

    Raises:
        MapperError: `eof`, `json`, `utf8`, `depth`, or `value` for a duplicate key.
    """
    text = _decode(data)
    start = text.lstrip(_SPACE)[:1] if text[:1] in _SPACE else text[:1]
    if expected is not None and start not in ("{", ""):
        raise MapperError("json", f"expected a JSON object for {expected}", offset=data.find(start.encode()))
    try:
        return _load(text, data)
    except json.JSONDecodeError as error:
        kind = "eof" if _is_cut(text, error) else "json"
        raise MapperError(kind, f"not JSON: {error.msg}", offset=_offset(text, error.pos)) from error  # type: ignore[arg-type]
    except _DuplicateKeyError as error:
        refusal = Refusal("value", f"the key {quote(str(error))} is there twice")
        refusal.steps = _steps_to_duplicate(text)
        raise refusal.error() from error
    except _BareWordError as error:
        words = (match for match in _WORD_OR_STRING.finditer(text) if not match[0].startswith('"'))
        word = next(words, None)
        offset = None if word is None else _offset(text, word.start())
        raise MapperError("json", f"not JSON: the bare word {error}", offset=offset) from error
    except RecursionError as error:
        raise MapperError("depth", TOO_DEEP) from error


def _decode(data: bytes) -> str:
    if data[:3] == b"\xef\xbb\xbf":
        raise MapperError("utf8", "expected UTF-8 without a byte order mark", offset=0)
    if len(data) > 1 and b"\0" in data[:2]:  # UTF-16 and UTF-32 of ASCII are UTF-8, of other characters
        raise MapperError("utf8", "expected UTF-8, got what looks like UTF-16 or UTF-32", offset=0)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        refused = MapperError("utf8", "not UTF-8", offset=error.start)
        cause = error
    if cause.end == len(data) and cause.reason == "unexpected end of data":
        # Cut inside a character: if all before is the start of a document, the document ends early.
        try:
            _load(data[: cause.start].decode(), data[: cause.start])
        except json.JSONDecodeError as error:
            if _is_cut(error.doc, error):
                raise MapperError("eof", "not JSON: ends inside a character", offset=cause.start) from error
        except (ValueError, RecursionError):
            pass
    raise refused from cause


def _nests_deeper(data: bytes, levels: int) -> bool:
    """Return whether lists and objects nest more than so many levels, and at most a hundred more; it may be no JSON."""
    if len(data) > _HEAD and _nests_deeper(data[:_HEAD], levels):  # bombs need not be read to their end
        return True
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    brackets = data.translate(None, _ALL_BUT_BRACKETS_AND_QUOTES).replace(b'""', b"")
    if b'"' in brackets or b"\\" in data:  # brackets in strings, maybe
        outside = b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
        brackets = outside.translate(None, _ALL_BUT_BRACKETS_AND_QUOTES)
    before = 2 * len(brackets)
    while len(brackets) < 0.9 * before:  # take out the innermost ones: of most documents, soon nothing is left
        if len(brackets) <= levels:
            return False
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    level = 0
    for bracket in brackets:
        level += 1 if bracket in b"[{" else -1
        if not 0 <= level <= levels:
            return level > 0
    return False


def _load(text: str, data: bytes) -> Any:
    if _OVERFLOWS and _nests_deeper(data, _MOST_LEVELS):
        raise RecursionError
    if _NEGATIVE_ZERO.search(text) is None:
        try:
            return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_word)
        except (json.JSONDecodeError, _DuplicateKeyError, _BareWordError):
            raise
        except ValueError:  # more digits than int() reads
            pass
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_word, parse_int=_integer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _DuplicateKeyError(_first_duplicate(pairs))
    return result


def _marked_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        result = _Duplicate(result)
        result.key = _first_duplicate(pairs)
    return result


def _first_duplicate(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _refuse_word(word: str) -> NoReturn:
    raise _BareWordError(word)


def _integer(digits: str) -> int | float:
    try:
        return -0.0 if digits == "-0" else int(digits)
    except ValueError:
        return float(digits)  # infinite: no field holds it


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogatepass"))


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Return whether the text is the beginning of a document, so that the error is that it ends."""
    rest = text[error.pos :].rstrip(_SPACE)
    if not rest or error.msg.startswith("Unterminated string"):
        return True
    if len(rest) != len(text) - error.pos:  # space after it: nothing that can go on
        return False
    if error.msg.startswith("Invalid \\uXXXX escape"):
        return _CUT_ESCAPE.fullmatch(rest.lstrip("\\").removeprefix("u")) is not None
    if error.msg.startswith("Expecting value"):
        return rest in _CUT_WORD
    if rest[0] not in ".eE":
        return False
    # The scanner takes the 1 of a cut 1. and the 1.5 of a cut 1.5e for the number, and stumbles over what follows.
    number = text[max(0, error.pos - _MOST_NUMBER) :]
    number = number[len(number.rstrip("0123456789.eE+-")) :]
    return _CUT_NUMBER.fullmatch(number) is not None


def _steps_to_duplicate(text: str) -> list[str | int]:
    """Return the way from the innermost step of the first object with a duplicate key to the outermost."""
    steps: list[str | int] = []

    def search(value: Any) -> bool:
        if type(value) is _Duplicate:
            steps.append(value.key)
            return True
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, item in items:
            if search(item):
                steps.append(step)
                return True
        return False

    try:
        search(json.loads(text, object_pairs_hook=_marked_object, parse_int=float))
    except (ValueError, RecursionError):
        return []  # the path is worth a second look, but not a second error
    return steps
