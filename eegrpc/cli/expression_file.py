"""Reading the expression: bounded, and with the place of what is wrong in it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from eegrpc.cli.failures import USAGE, CommandError

if TYPE_CHECKING:
    from typing import BinaryIO

    from eegrpc.cli.terminal import Messages

__all__ = ["MAX_BYTES", "read_expression"]

MAX_BYTES: Final = 10_000_000
"""Largest expression that is read: what Earth Engine accepts as a request ("10 MB")."""

_HINT: Final = "An expression is what ee.ImageCollection(...).serialize(for_cloud_api=True) gives."


def read_expression(path: str, messages: Messages) -> str:
    """Return the JSON text of an expression; that it is JSON is checked, what it says is not.

    Args:
        path: A file, or ``-`` for stdin.
        messages: Told when stdin is a terminal, which otherwise looks like a command that hangs.

    Raises:
        CommandError: It cannot be read, is too large, or is not JSON: with line and column.
    """
    if path == "-":
        if sys.stdin is None:
            raise CommandError(USAGE, "there is no stdin to read an expression from")
        if sys.stdin.isatty():
            messages.say("eegrpc: reading an expression in JSON from the terminal; Ctrl-D ends it")
        return _text(_read(sys.stdin.buffer, "stdin"), "stdin")
    try:
        with open(path, "rb") as file:
            return _text(_read(file, path), path)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise CommandError(USAGE, f"cannot read the expression from {path}: {reason}") from error


def _read(file: BinaryIO, name: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CommandError(
            USAGE,
            f"{name} is larger than {MAX_BYTES:,} bytes, the most that Earth Engine accepts",
            "Simplify the geometries in it, or upload them as a table asset.",
        )
    return data


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")  # some editors put a byte order mark in front
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        where = f"{name}, line {before.count(10) + 1}, column {column}"
        raise CommandError(USAGE, f"{where}: not UTF-8 text, so not an expression in JSON", _HINT) from error
    if not text.strip():
        raise CommandError(USAGE, f"{name}, line 1, column 1: empty, where an expression in JSON is expected", _HINT)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{name}, line {error.lineno}, column {error.colno}"
        raise CommandError(USAGE, f"{where}: not JSON: {error.msg}", _HINT) from error
    except RecursionError as error:
        raise CommandError(USAGE, f"{name}: nests too deeply for an expression", _HINT) from error
    except ValueError as error:  # a whole number with more digits than Python converts
        raise CommandError(USAGE, f"{name}: not an expression in JSON: {error}", _HINT) from error
    return text
