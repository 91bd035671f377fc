"""Dates from text by a Joda-Time pattern: the inverse of date_format.py.

Source: org.joda.time.format.DateTimeFormat, and DateTimeParserBucket for fields that are missing.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.date_format import DAYS, MONTHS, scan
from eegrpc.emulator.primitives.dates import local_to_millis, time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["parse_by_pattern"]

# The most digits of a field; years take nine, or as many as there are letters if another number follows at once.
_MOST_DIGITS = {"C": 9, "D": 3, "e": 1} | dict.fromkeys("MdwHkKhms", 2)
_YEARS = "yYx"
_NUMERIC = "CDdwHkKhmseS" + _YEARS

# Joda takes two digits for the year nearest to thirty years before now; the emulator's now is 2026.
_FIRST_OF_TWO_DIGITS = 1946

# Ways to name a day, besides which nothing of the kind may be given.
_BY_MONTH, _BY_DAY_OF_YEAR, _BY_WEEK = set("yYMd"), set("yYD"), set("xw")


def parse_by_pattern(text: str, pattern: str, zone_name: str | None, assume: Callable[[str], None]) -> int:
    """Read a date.

    Args:
        text: The date.
        pattern: A Joda-Time pattern.
        zone_name: The time zone if the text has none; None is UTC.
        assume: Is told of choices on which the result rests.

    Returns:
        Milliseconds since 1970 in UTC.

    Raises:
        AlgorithmError: The pattern is not valid, or the text does not follow it, or is no date.

    """
    fields: dict[str, int] = {}
    zone = zone_name
    parts = scan(pattern)
    place = 0
    for number, (letter, run) in enumerate(parts):
        following = parts[number + 1] if number + 1 < len(parts) else ("", "")
        found = _expression(letter, run, following).match(text, place)
        if found is None:
            if place == len(text):
                raise AlgorithmError(f'Invalid format: "{text}" is too short.')
            raise AlgorithmError(f'Invalid format: "{text}" is malformed at "{text[place:]}".')
        place = found.end()
        if letter in ("z", "Z"):
            zone = found[0]
        elif letter:
            _keep(fields, letter, run, found[0], assume)
    if place < len(text):
        raise AlgorithmError(f'Invalid format: "{text}" is malformed at "{text[place:]}".')
    try:
        local = _day(fields) + _time_of_day(fields)
    except (ValueError, OverflowError) as error:
        raise AlgorithmError(f"Cannot parse '{text}': {error}.") from error
    return local_to_millis(local, time_zone(zone)) + fields.get("S", 0)


def _expression(letter: str, run: str, following: tuple[str, str]) -> re.Pattern[str]:
    """Return what a field or text may look like."""
    length = len(run)
    if letter == "":
        return re.compile(re.escape(run), re.IGNORECASE)
    if letter == "M" and length >= 3:
        return _one_of([*MONTHS, *(name[:3] for name in MONTHS)])
    if letter == "E":
        return _one_of([*DAYS, *(name[:3] for name in DAYS)])
    if letter == "a":
        return _one_of(["AM", "PM"])
    if letter == "G":
        return _one_of(["AD"])
    if letter == "z" or (letter == "Z" and length >= 3):
        return re.compile(r"[A-Za-z][A-Za-z0-9_+\-/]*|[+-]\d{2}:?\d{2}", re.ASCII)
    if letter == "Z":
        return re.compile(r"Z|[+-]\d{2}:?\d{2}", re.ASCII)
    if letter == "S":
        return re.compile(rf"\d{{1,{length}}}", re.ASCII)
    if letter in _YEARS:
        number_follows = (following[0] in _NUMERIC and following[0] != "") or following in (("M", "M"), ("M", "MM"))
        return re.compile(rf"\d{{1,{min(length, 9) if number_follows else 9}}}", re.ASCII)
    return re.compile(rf"\d{{1,{_MOST_DIGITS[letter]}}}", re.ASCII)


def _one_of(names: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(names), re.IGNORECASE)


def _keep(fields: dict[str, int], letter: str, run: str, text: str, assume: Callable[[str], None]) -> None:
    """Add the value of a field, and check that it says the same as before if it is there twice."""
    if letter == "G":
        return
    if letter == "M" and len(run) >= 3:
        value = [name[:3].lower() for name in MONTHS].index(text[:3].lower()) + 1
    elif letter == "E":
        letter, value = "e", [name[:3].lower() for name in DAYS].index(text[:3].lower()) + 1
    elif letter == "a":
        value = int(text.upper() == "PM")
    elif letter == "S":
        value = int(text.ljust(3, "0")[:3])
    else:
        value = int(text)
    if letter in _YEARS and len(run) == 2 and len(text) == 2:
        assume("two-digit-years")
        value = _FIRST_OF_TWO_DIGITS + (value - _FIRST_OF_TWO_DIGITS) % 100
    letter = "y" if letter == "Y" else letter
    if fields.setdefault(letter, value) != value:
        raise AlgorithmError(f"The field '{run}' contradicts another one.", unsupported=True)


def _day(fields: Mapping[str, int]) -> datetime:
    """Return the beginning of the day. Without a year, a month or day is one of 2000; without all, it is in 1970."""
    given = set(fields) & (_BY_MONTH | _BY_DAY_OF_YEAR | _BY_WEEK)
    if "C" in fields:
        raise AlgorithmError("The emulator does not read centuries.", unsupported=True)
    if not any(given <= way for way in (_BY_MONTH, _BY_DAY_OF_YEAR, _BY_WEEK)):
        raise AlgorithmError(f"The emulator does not read the fields {sorted(given)} together.", unsupported=True)
    if given & _BY_WEEK:
        return datetime.fromisocalendar(fields.get("x", 1970), fields.get("w", 1), fields.get("e", 1))
    year = fields.get("y", 2000 if given else 1970)
    if "D" in fields:
        day = datetime(year, 1, 1) + timedelta(days=fields["D"] - 1)
        if fields["D"] < 1 or day.year != year:
            raise ValueError(f"day {fields['D']} is out of range for year {year}")
    else:
        day = datetime(year, fields.get("M", 1), fields.get("d", 1))
    if "e" in fields:  # moves within the week, as setting the field does in Joda-Time
        if not 1 <= fields["e"] <= 7:
            raise ValueError(f"day of week {fields['e']} is not from 1 to 7")
        day += timedelta(days=fields["e"] - day.isoweekday())
    return day


def _time_of_day(fields: Mapping[str, int]) -> timedelta:
    hour = 0
    for letter, first, last in (("H", 0, 23), ("k", 1, 24), ("K", 0, 11), ("h", 1, 12)):
        if letter in fields:
            if not first <= fields[letter] <= last:
                raise ValueError(f"hour {fields[letter]} is not from {first} to {last}")
            hour = fields[letter] % (last - first + 1)
    if "a" in fields:
        if "H" in fields or "k" in fields:
            if hour // 12 != fields["a"]:
                raise ValueError("the half of the day contradicts the hour")
        else:
            hour += 12 * fields["a"]
    for letter, name in (("m", "minute"), ("s", "second")):
        if fields.get(letter, 0) > 59:
            raise ValueError(f"{name} {fields[letter]} is not from 0 to 59")
    return timedelta(hours=hour, minutes=fields.get("m", 0), seconds=fields.get("s", 0))
