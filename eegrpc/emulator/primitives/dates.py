"""Calendar arithmetic on milliseconds since 1970: parsing, fields, units, time zones.

Sources: the descriptions of the Date functions that Earth Engine serves, and Joda-Time, whose formats and calendar it
names. Only the years 1 to 9999 exist here.
"""

from __future__ import annotations

import calendar
import math
import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
# The Gregorian calendar's average; documentation says "average length" and no more.
YEAR = 31_556_952_000
MONTH = YEAR // 12

UNIT_LENGTHS = {
    "year": YEAR,
    "month": MONTH,
    "week": WEEK,
    "day": DAY,
    "hour": HOUR,
    "minute": MINUTE,
    "second": SECOND,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLI = timedelta(milliseconds=1)

_TEXT = re.compile(
    r"(?P<year>\d{4})(?:-(?:(?P<ordinal>\d{3})|(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?))?"
    r"(?:[T ](?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)


@lru_cache(maxsize=256)
def time_zone(name: str | None) -> tzinfo:
    """Return a time zone by name.

    Args:
        name: As in the tz database, an offset like ``+02:00``, or None for UTC.

    Returns:
        The zone.

    Raises:
        AlgorithmError: There is no such zone.

    """
    if name is None or name in ("UTC", "GMT", "Z", "Etc/UTC"):
        return timezone.utc
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*", name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # a folder of the database raises OSError
    raise AlgorithmError(f"The datetime zone id '{name}' is not recognised.")


def to_datetime(millis: float, zone: tzinfo = timezone.utc) -> datetime:
    """Return the local time of a moment.

    Args:
        millis: Milliseconds since 1970 in UTC.
        zone: The time zone.

    Returns:
        The time, with its zone.

    Raises:
        AlgorithmError: It is outside the years 1 to 9999.

    """
    try:
        return (_EPOCH + timedelta(milliseconds=math.floor(millis))).astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise AlgorithmError(f"The date {millis} is not within the years 1 to 9999.") from error


def to_millis(moment: datetime) -> int:
    """Milliseconds since 1970 of a time with a zone."""
    return (moment - _EPOCH) // _MILLI


def parse_date(text: str, zone_name: str | None = None) -> int:
    """Read a date as Earth Engine writes it: ``2020``, ``2020-06``, ``2017-6-24``, ``1996-001``, and times of day.

    Args:
        text: The date; after the time may stand ``Z`` or an offset.
        zone_name: The time zone if the text has none; None is UTC.

    Returns:
        Milliseconds since 1970 in UTC.

    Raises:
        AlgorithmError: It is no date.

    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise AlgorithmError(f"Invalid date string '{text}': expected a form such as '2020-06-24T08:00:00'.")
    part = match.groupdict()
    zone = time_zone(part["zone"] or zone_name)
    try:
        day = datetime(int(part["year"]), int(part["month"] or 1), int(part["day"] or 1))
        if part["ordinal"]:
            if not 1 <= int(part["ordinal"]) <= 365 + calendar.isleap(day.year):
                raise ValueError(f"day {part['ordinal']} is out of range for year {day.year}")
            day += timedelta(days=int(part["ordinal"]) - 1)
        millis = int(((part["fraction"] or "") + "000")[:3])
        local = day.replace(
            hour=int(part["hour"] or 0), minute=int(part["minute"] or 0), second=int(part["second"] or 0)
        )
    except (ValueError, OverflowError) as error:
        raise AlgorithmError(f"Invalid date string '{text}': {error}.") from error
    return local_to_millis(local, zone) + millis


def local_to_millis(local: datetime, zone: tzinfo) -> int:
    """Milliseconds since 1970 of a local time in a zone."""
    try:
        return to_millis(local.replace(tzinfo=zone))
    except OverflowError as error:
        raise AlgorithmError(f"The date {local} is not within the years 1 to 9999.") from error


def from_ymd(year: int, month: int, day: int, zone_name: str | None = None) -> int:
    """Milliseconds since 1970 of the beginning of a day."""
    try:
        return local_to_millis(datetime(year, month, day), time_zone(zone_name))
    except (ValueError, OverflowError) as error:
        raise AlgorithmError(f"Invalid date {year}-{month}-{day}: {error}.") from error


def unit_of(name: str) -> str:
    """Return a unit by its name, which may be plural.

    Args:
        name: ``day``, ``days``, ``Week``, ...

    Returns:
        The singular in lower case.

    Raises:
        AlgorithmError: There is no such unit.

    """
    unit = name.strip().lower()
    unit = unit[:-1] if unit.endswith("s") else unit
    if unit not in UNIT_LENGTHS:
        raise AlgorithmError(f"Invalid unit '{name}': expected one of {', '.join(UNIT_LENGTHS)}.")
    return unit


def advance(millis: int, delta: float, unit: str, zone_name: str | None = None) -> int:
    """Add units to a date. Days and longer ones keep the local time of day, months clip to the month's last day.

    Args:
        millis: The date.
        delta: How many units; may be negative and have a fraction.
        unit: One of :data:`UNIT_LENGTHS`.
        zone_name: The time zone whose calendar counts.

    Returns:
        Milliseconds since 1970.

    Raises:
        AlgorithmError: The result is out of range.

    """
    length = UNIT_LENGTHS[unit]
    if not math.isfinite(delta * length):
        raise AlgorithmError(f"Cannot advance a date by {delta} {unit}s.")
    if length < DAY:
        result = millis + math.floor(delta * length)
        to_datetime(result)
        return result
    whole = math.trunc(delta)
    rest = math.floor((delta - whole) * length)
    zone = time_zone(zone_name)
    local = to_datetime(millis, zone)
    try:
        if unit in ("year", "month"):
            months = local.year * 12 + local.month - 1 + (whole * 12 if unit == "year" else whole)
            year, month = divmod(months, 12)
            last_day = calendar.monthrange(year, month + 1)[1]
            moved = local.replace(year=year, month=month + 1, day=min(local.day, last_day))
        else:
            moved = local + timedelta(days=whole * (7 if unit == "week" else 1))
        result = to_millis(moved) + rest
    except (ValueError, OverflowError) as error:
        raise AlgorithmError(f"Advancing a date by {delta} {unit}s leaves the years 1 to 9999.") from error
    to_datetime(result)
    return result


def update(millis: int, fields: Mapping[str, float], zone_name: str | None = None) -> int:
    """Replace fields of a date.

    Args:
        millis: The date.
        fields: Values by name of the unit: whole numbers, only the second may have a fraction.
        zone_name: The time zone whose calendar counts.

    Returns:
        Milliseconds since 1970.

    Raises:
        AlgorithmError: There is no such date.

    """
    local = to_datetime(millis, time_zone(zone_name))
    try:
        changes = {unit: int(value) for unit, value in fields.items()}
        if "second" in fields:
            seconds, fraction = divmod(math.floor(fields["second"] * SECOND), SECOND)
            changes |= {"second": seconds, "microsecond": fraction * 1000}
        return to_millis(local.replace(**changes, fold=0))  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        raise AlgorithmError(f"There is no such date: {error}.") from error


def start_of(millis: int, unit: str, zone_name: str | None = None) -> int:
    """Return the beginning of the unit that a date is in; weeks begin on Monday."""
    local = to_datetime(millis, time_zone(zone_name))
    if unit == "second":
        start = local.replace(microsecond=0)
    elif unit == "minute":
        start = local.replace(second=0, microsecond=0)
    elif unit == "hour":
        start = local.replace(minute=0, second=0, microsecond=0)
    else:
        start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if unit == "week":
            start -= timedelta(days=start.weekday())
        elif unit == "month":
            start = start.replace(day=1)
        elif unit == "year":
            start = start.replace(month=1, day=1)
    return to_millis(start)


def get(millis: int, unit: str, zone_name: str | None = None) -> int:
    """One field of a date: month from 1, week of the ISO year from 1, day of the month."""
    local = to_datetime(millis, time_zone(zone_name))
    return local.isocalendar()[1] if unit == "week" else int(getattr(local, unit))


def get_relative(millis: int, unit: str, in_unit: str, zone_name: str | None = None) -> int:
    """How many whole units have passed since the beginning of a larger unit.

    Args:
        millis: The date.
        unit: The unit to count.
        in_unit: The larger unit.
        zone_name: The time zone whose calendar counts.

    Returns:
        The number, from 0.

    """
    order = list(UNIT_LENGTHS)
    if order.index(unit) <= order.index(in_unit):
        return 0  # documented in the example of Date.getRelative
    zone = time_zone(zone_name)
    start = to_datetime(start_of(millis, in_unit, zone_name), zone)
    local = to_datetime(millis, zone)
    if unit == "month":
        return (local.year - start.year) * 12 + local.month - start.month
    if UNIT_LENGTHS[unit] >= DAY:
        days = (local.date() - start.date()).days
        return days // 7 if unit == "week" else days
    return (millis - to_millis(start)) // UNIT_LENGTHS[unit]


def get_fraction(millis: int, unit: str, zone_name: str | None = None) -> float:
    """How much of the unit that a date is in has passed, from 0 to 1."""
    start = start_of(millis, unit, zone_name)
    return (millis - start) / (advance(start, 1, unit, zone_name) - start)
