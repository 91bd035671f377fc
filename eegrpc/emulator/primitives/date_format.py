"""Joda-Time date patterns, which Date.format and Date.parse take.

Grammar: a run of one letter is a field, ``'text'`` stands for itself, ``''`` is a quote, and everything that is no
letter stands for itself. Source: org.joda.time.format.DateTimeFormat.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.dates import time_zone, to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

# What Date.format gives without a pattern. Source: guides/date, ISO without zone.
DEFAULT_PATTERN = "YYYY-MM-dd'T'HH:mm:ss"

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_TOKENS = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<field>([A-Za-z])\3*)|(?P<open>')|(?P<text>[^A-Za-z']+)")

# Fields that are a number, padded with zeros to the number of letters.
_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "M": lambda local: local.month,
    "d": lambda local: local.day,
    "D": lambda local: local.timetuple().tm_yday,
    "e": lambda local: local.isoweekday(),
    "w": lambda local: local.isocalendar()[1],
    "H": lambda local: local.hour,
    "k": lambda local: local.hour or 24,
    "K": lambda local: local.hour % 12,
    "h": lambda local: local.hour % 12 or 12,
    "m": lambda local: local.minute,
    "s": lambda local: local.second,
    "C": lambda local: local.year // 100,
}
_YEARS: dict[str, Callable[[datetime], int]] = {
    "Y": lambda local: local.year,
    "y": lambda local: local.year,
    "x": lambda local: local.isocalendar()[0],
}


def format_date(millis: int, pattern: str | None = None, zone_name: str | None = None) -> str:
    """Write a date.

    Args:
        millis: Milliseconds since 1970 in UTC.
        pattern: A Joda-Time pattern; None is the ISO form up to seconds.
        zone_name: The time zone; None is UTC.

    Returns:
        The text, in English.

    Raises:
        AlgorithmError: The pattern has a letter that means nothing, or an open quote.

    """
    local = to_datetime(millis, time_zone(zone_name))
    parts = scan(DEFAULT_PATTERN if pattern is None else pattern)
    return "".join(text if letter == "" else _field(local, letter, len(text), zone_name) for letter, text in parts)


@lru_cache(maxsize=256)
def scan(pattern: str) -> tuple[tuple[str, str], ...]:
    """Cut a pattern into (letter, run) for fields and ("", text) for text.

    Args:
        pattern: The pattern.

    Returns:
        Its parts.

    Raises:
        AlgorithmError: It has a letter that means nothing, or an open quote.

    """
    parts: list[tuple[str, str]] = []
    for match in _TOKENS.finditer(pattern):
        if match["open"]:
            raise AlgorithmError(f"Invalid date format '{pattern}': the quote at column {match.start() + 1} is open.")
        if match["quoted"] is not None:
            parts.append(("", match["quoted"].replace("''", "'") or "'"))
        elif match["text"] is not None:
            parts.append(("", match["text"]))
        else:
            letter = match["field"][0]
            if letter not in _NUMBERS and letter not in _YEARS and letter not in "GaESzZ":
                raise AlgorithmError(
                    f"Invalid date format '{pattern}': Illegal pattern component: '{match['field']}' at column "
                    f"{match.start() + 1}. Put text in single quotes."
                )
            parts.append((letter, match["field"]))
    return tuple(parts)


def _field(local: datetime, letter: str, length: int, zone_name: str | None) -> str:
    if letter == "M" and length >= 3:
        name = MONTHS[local.month - 1]
        return name if length >= 4 else name[:3]
    if letter in _NUMBERS:
        return str(_NUMBERS[letter](local)).zfill(length)
    if letter in _YEARS:
        year = _YEARS[letter](local)
        return str(year % 100).zfill(2) if length == 2 else str(year).zfill(length)
    if letter == "E":
        name = DAYS[local.weekday()]
        return name if length >= 4 else name[:3]
    if letter == "S":
        return f"{local.microsecond // 1000:03d}".ljust(length, "0")[:length]
    if letter == "a":
        return "AM" if local.hour < 12 else "PM"
    if letter == "G":
        return "AD"
    if letter == "z":
        return _zone_name(local, length)
    return _offset(local, length, zone_name)


def _zone_name(local: datetime, length: int) -> str:
    name = local.tzname() or "UTC"
    if length < 4:
        return name
    if name != "UTC":
        raise AlgorithmError("The emulator does not know the full names of time zones.", unsupported=True)
    return "Coordinated Universal Time"


def _offset(local: datetime, length: int, zone_name: str | None) -> str:
    if length >= 3:
        return zone_name or "UTC"
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{':' if length == 2 else ''}{abs(minutes) % 60:02d}"
