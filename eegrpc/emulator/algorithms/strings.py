"""String.*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.context import MAX_STRING_LENGTH
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context


@algorithm("String(input: Object) -> String")
def string(_: Context, value: object) -> str:
    """Return a string from a string or a whole number; how other values are written is not documented."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise AlgorithmError(f"The emulator does not convert {describe_type(value)} to a string.", unsupported=True)


@algorithm("String.cat(string1: String, string2: String) -> String")
def cat(_: Context, first: str, second: str) -> str:
    """Two strings, one after the other."""
    if len(first) + len(second) > MAX_STRING_LENGTH:
        raise AlgorithmError(f"The string is longer than {MAX_STRING_LENGTH:,} characters.")
    return first + second
