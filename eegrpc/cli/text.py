"""Text for terminals: made harmless, measured in columns, cut to fit. A leaf."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["ELLIPSIS", "cut", "cut_middle", "pad", "printable", "width"]

ELLIPSIS: Final = "…"


def printable(text: str) -> str:
    r"""Return `text` with all that could steer a terminal, or reorder its letters, as escapes such as ``\x1b``.

    Those are control characters, line ends, and the invisible format characters (Unicode Cf) that bidi attacks use.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Return the terminal columns that printable `text` takes (Unicode UAX #11: wide letters take two)."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, room: int) -> str:
    """Return `text` in at most `room` columns; its end makes way for an ellipsis."""
    return text if width(text) <= room else _head(text, room - 1) + ELLIPSIS


def cut_middle(text: str, room: int) -> str:
    """Return `text` in at most `room` columns; its middle makes way for an ellipsis."""
    if width(text) <= room:
        return text
    tail = (room - 1) // 2
    return _head(text, room - 1 - tail) + ELLIPSIS + _head(text[::-1], tail)[::-1]


def _head(text: str, room: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _columns(character)
        if used > room:
            return text[:position]
    return text


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Return `text` filled up to `room` columns; `right` puts it at their right end."""
    space = " " * (room - width(text))
    return space + text if right else text + space
