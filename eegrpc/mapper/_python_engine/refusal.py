"""A refusal on its way out of nested values, and how paths and quotations of hostile input are written."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from eegrpc.mapper._errors import Kind, MapperError

__all__ = ["Refusal", "quote"]

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")
_MOST_KEY = 24  # characters of a key that a path repeats
_MOST_VALUE = 32  # characters of a value that a text repeats
_MOST_PATH = 240  # characters of a path; what lies in the middle of a longer one is left out


class Refusal(Exception):  # noqa: N818 - a signal between the functions of the Python engine
    """Input that is not the message. Each caller adds the step that it had taken: a name or key, or an index."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.steps: list[str | int] = []  # from the inside out

    def error(self) -> MapperError:
        """Return the error to raise outside."""
        return MapperError(self.kind, self.message, path=_path(self.steps))


def quote(value: Any) -> str:
    """Return what a JSON value begins with, in ASCII."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{_escape(value[:_MOST_VALUE])}{"..." * (len(value) > _MOST_VALUE)}"'
    if isinstance(value, int) and abs(value) >= 10**_MOST_VALUE:
        return "a longer number"
    return repr(value) if value not in (math.inf, -math.inf) else "a number too large for a double"


def _path(steps: list[str | int]) -> str:
    text = ""
    for step in reversed(steps):
        if isinstance(step, int):
            text += f"[{step}]"
        elif _IDENTIFIER.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{_escape(step[:_MOST_KEY])}"]'
    if len(text) > _MOST_PATH:
        text = f"{text[: _MOST_PATH // 2]}...{text[-_MOST_PATH // 2 :]}"
    return text


def _escape(text: str) -> str:
    """Return the text in ASCII, with nothing in it that could harm a terminal or a log."""
    return text.encode("unicode_escape").decode().replace('"', '\\"')
