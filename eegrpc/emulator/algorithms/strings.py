"""String.*. Characters are Unicode's code points; regular expressions have a module of their own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.regular_expressions import compile_expression
from eegrpc.emulator.primitives.text import text_of
from eegrpc.emulator.properties import describe_type, from_double

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.primitives.regular_expressions import Match, RegularExpression

# What java.lang.String.trim removes: control characters too.
_BLANKS = "".join(map(chr, range(0x21)))


@algorithm("String(input: Object) -> String")
def string(context: Context, value: object) -> str:
    """Return a string, a number or a boolean as text; how other values are written is not documented."""
    return text_of(context, value)


@algorithm("String.cat(string1: String, string2: String) -> String")
def cat(context: Context, first: str, second: str) -> str:
    """Two strings, one after the other."""
    context.spend_text(len(first) + len(second))
    return first + second


@algorithm("String.length(string: String) -> Integer")
def length(context: Context, text: str) -> int:
    """Return the number of characters."""
    _count_code_points(context, text)
    return len(text)


@algorithm("String.slice(string: String, start: Integer, end: Integer = null) -> String")
def slice_string(context: Context, text: str, start: int, end: int | None) -> str:
    """Return the characters from the start up to the end, which count from the string's end if they are negative."""
    _count_code_points(context, text)
    return text[start:end]


@algorithm("String.index(target: String, pattern: String) -> Integer")
def index(context: Context, text: str, wanted: str) -> int:
    """Return where a string first occurs within another, or -1."""
    _count_code_points(context, text)
    return text.find(wanted)


@algorithm("String.rindex(target: String, pattern: String) -> Integer")
def rindex(context: Context, text: str, wanted: str) -> int:
    """Return where a string last occurs within another, or -1."""
    _count_code_points(context, text)
    return text.rfind(wanted)


def _count_code_points(context: Context, text: str) -> None:
    context.spend_text(len(text))
    if not text.isascii() and max(text) > "\uffff":
        context.assume("text-by-code-points")


@algorithm("String.toLowerCase(string: String) -> String")
def to_lower_case(context: Context, text: str) -> str:
    """Return the string with its letters in lower case."""
    context.spend_text(len(text))
    return text.lower()


@algorithm("String.toUpperCase(string: String) -> String")
def to_upper_case(context: Context, text: str) -> str:
    """Return the string with its letters in upper case."""
    context.spend_text(len(text) if text.isascii() else 3 * len(text))  # one letter can become three
    return text.upper()


@algorithm("String.trim(string: String) -> String")
def trim(context: Context, text: str) -> str:
    """Return the string without white space at its ends."""
    context.spend_text(len(text))
    return text.strip(_BLANKS)


@algorithm("String.compareTo(string1: String, string2: String) -> Integer")
def compare_to(context: Context, first: str, second: str) -> int:
    """Return -1, 0 or 1 for a string that comes before the other, equals it, or comes after it."""
    _count_code_points(context, first)
    return (first > second) - (first < second)


@algorithm("String.equals(reference: String, target: Object) -> Boolean")
def equals(_: Context, reference: str, target: object) -> bool:
    """Whether a value is a string, and the same one."""
    return isinstance(target, str) and reference == target


# --------------------------------------------------------------------------------------------- regular expressions


def _expression(context: Context, pattern: str, flags: str, known: str = "gi") -> RegularExpression:
    if set(flags) - set(known):
        raise AlgorithmError(f"Invalid flags '{flags}': expected a combination of {' and '.join(known)}.")
    return compile_expression(context, pattern, ignore_case="i" in flags)


def _matches(context: Context, text: str, pattern: str, flags: str) -> Iterator[Match]:
    expression = _expression(context, pattern, flags)
    if "g" in flags:
        yield from expression.find_all(context, text)
    elif (match := expression.find(context, text)) is not None:
        yield match


@algorithm('String.match(input: String, regex: String, flags: String = "") -> List<String>')
def match_string(context: Context, text: str, pattern: str, flags: str) -> list[str | None]:
    """Return the first match of a regular expression and of its groups; with the flag g all matches instead."""
    found: list[str | None] = []
    for match in _matches(context, text, pattern, flags):
        groups = match.groups()
        if len(groups) > 1 and "g" not in flags:
            context.assume("match-lists-groups")
        found += groups[:1] if "g" in flags else groups
    context.spend_text(sum(len(part) for part in found if part is not None))
    return found


@algorithm('String.replace(input: String, regex: String, replacement: String, flags: String = "") -> String')
def replace(context: Context, text: str, pattern: str, replacement: str, flags: str) -> str:
    """Return the string with the first match of a regular expression replaced; with the flag g all of them."""
    template = _template(context, replacement)
    parts: list[str] = []
    end = 0
    for match in _matches(context, text, pattern, flags):
        groups = match.groups()
        filled = [part if isinstance(part, str) else _group(groups, part) for part in template]
        context.spend_text(sum(map(len, filled)))
        parts += (text[end : match.start], *filled)
        end = match.end
    parts.append(text[end:])
    context.spend_text(sum(map(len, parts)))
    return "".join(parts)


def _template(context: Context, replacement: str) -> list[str | int]:
    """Return a replacement as texts and numbers of groups, as java.util.regex.Matcher.appendReplacement reads it."""
    context.spend(len(replacement), ITEM)
    if "$" not in replacement and "\\" not in replacement:
        return [replacement]
    context.assume("replacement-groups-as-java")
    template: list[str | int] = []
    for part in re.finditer(r"\\(.)|\$(\d)|([^\\$]+)|(.)", replacement, re.DOTALL | re.ASCII):
        if part[4] is not None:
            raise AlgorithmError(f"Invalid replacement '{replacement}': '{part[4]}' at column {part.start() + 1}.")
        template.append(int(part[2]) if part[2] is not None else part[1] or part[3])
    return template


def _group(groups: list[str | None], number: int) -> str:
    if number >= len(groups):
        raise AlgorithmError(f"The regular expression has no group {number}.")
    return groups[number] or ""


@algorithm('String.split(string: String, regex: String, flags: String = "") -> List<String>')
def split(context: Context, text: str, pattern: str, flags: str) -> list[str]:
    """Return what is between the matches of a regular expression; empty strings at the end are left out."""
    if pattern == "":
        _count_code_points(context, text)
        context.spend(len(text), ITEM)
        return list(text)
    parts: list[str] = []
    end = 0
    for match in _expression(context, pattern, flags, "i").find_all(context, text):
        if match.start == match.end:
            raise AlgorithmError("The emulator does not split where nothing stands.", unsupported=True)
        parts.append(text[end : match.start])
        end = match.end
    parts.append(text[end:])
    context.spend_text(len(text))
    if text == "":
        context.assume("split-empty-string")
        return parts
    while parts and not parts[-1]:
        parts.pop()
    return parts


# ------------------------------------------------------------------------------------------------------------- JSON


@algorithm("String.encodeJSON(object: Object) -> String")
def encode_json(context: Context, value: object) -> str:
    """Return a value as JSON: null, booleans, numbers, strings, and lists and dictionaries of them."""
    parts: list[str] = []
    _encode(context, value, parts)
    context.spend_text(sum(map(len, parts)))
    return "".join(parts)


def _encode(context: Context, value: object, parts: list[str]) -> None:
    context.spend(1)
    if isinstance(value, str):
        context.spend_text(6 * len(value))  # a control character takes six
        if any(character in value for character in "<>&='") or not value.isascii():
            context.assume("json-escapes-least")
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            parts.append("," if place else "[")
            _encode(context, item, parts)
        parts.append("]" if value else "[]")
    elif isinstance(value, dict):
        for place, name in enumerate(sorted(value)):
            parts.append("," if place else "{")
            _encode(context, name, parts)
            parts.append(":")
            _encode(context, value[name], parts)
        parts.append("}" if value else "{}")
    elif value is None:
        parts.append("null")
    elif isinstance(value, float) and value - value != 0:
        raise AlgorithmError(f"JSON cannot hold {value}.")
    elif isinstance(value, (bool, int, float)):
        parts.append(text_of(context, value))
    else:
        raise AlgorithmError(f"An object of type {describe_type(value)} cannot be encoded as JSON.")


@algorithm("String.decodeJSON(string: String) -> Object")
def decode_json(context: Context, text: str) -> object:
    """Return the value that is written as JSON."""
    context.spend_text(len(text))
    context.spend(len(text), ITEM)
    try:
        value: object = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
        return value
    except ValueError as error:
        raise AlgorithmError(f"Invalid JSON: {error}.") from error


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() and len(text) < 19 else from_double(float(text))


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a value")
