"""Date.* and DateRange."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import TypeMismatch, to_date
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives import dates
from eegrpc.emulator.primitives.date_format import format_date
from eegrpc.emulator.primitives.date_parse import parse_by_pattern
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Date, DateRange

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

# What a letter of a Joda-Time pattern costs.
_PATTERN_PRICE = 20

# All of time: what a Java long can hold.
_UNBOUNDED = DateRange(-(2**63), 2**63 - 1)


def _date(value: object, zone: str | None, name: str) -> Date:
    try:
        return to_date(value, zone)
    except TypeMismatch:
        raise AlgorithmError(
            f"Argument '{name}': expected a Date, a number of milliseconds or a string, not: {describe_type(value)}."
        ) from None


@algorithm("Date(value: Object, timeZone: String = null) -> Date")
def date(_: Context, value: object, zone: str | None) -> Date:
    """Return a date from milliseconds or text; the time zone is that of the text."""
    return _date(value, zone, "value")


@algorithm("DateRange(start: Object, end: Object = null, timeZone: String = null) -> DateRange")
def date_range(_: Context, start: object, end: object, zone: str | None) -> DateRange:
    """From start (inclusive) to end (exclusive); one millisecond without an end."""
    if isinstance(start, DateRange) and end is None:
        return start  # filterDate of a DateRange arrives wrapped once more
    first = _date(start, zone, "start").millis
    return DateRange(first, first + 1 if end is None else _date(end, zone, "end").millis)


@algorithm("Date.fromYMD(year: Integer, month: Integer, day: Integer, timeZone: String = null) -> Date")
def from_ymd(_: Context, year: int, month: int, day: int, zone: str | None) -> Date:
    """Return the beginning of a day."""
    return Date(dates.from_ymd(year, month, day, zone))


@algorithm("Date.millis(date: Date) -> Long")
def millis(_: Context, value: Date) -> int:
    """Milliseconds since 1970."""
    return value.millis


@algorithm("Date.format(date: Date, format: String = null, timeZone: String = null) -> String")
def format_(context: Context, value: Date, pattern: str | None, zone: str | None) -> str:
    """Return the date as text, by a Joda-Time pattern."""
    _count_pattern(context, pattern or "")
    return format_date(value.millis, pattern, zone)


@algorithm("Date.parse(format: String, date: String, timeZone: String = null) -> Date")
def parse(context: Context, pattern: str, text: str, zone: str | None) -> Date:
    """Return the date that is written as text, by a Joda-Time pattern."""
    _count_pattern(context, pattern)
    return Date(parse_by_pattern(text, pattern, zone, context.assume))


def _count_pattern(context: Context, pattern: str) -> None:
    context.spend_text(len(pattern))
    context.spend(len(pattern), _PATTERN_PRICE)


@algorithm("Date.get(date: Date, unit: String, timeZone: String = null) -> Long")
def get(_: Context, value: Date, unit: str, zone: str | None) -> int:
    """One field of the date."""
    return dates.get(value.millis, dates.unit_of(unit), zone)


@algorithm("Date.getRelative(date: Date, unit: String, inUnit: String, timeZone: String = null) -> Long")
def get_relative(_: Context, value: Date, unit: str, in_unit: str, zone: str | None) -> int:
    """How many units have passed in a larger unit, from 0."""
    return dates.get_relative(value.millis, dates.unit_of(unit), dates.unit_of(in_unit), zone)


@algorithm("Date.getFraction(date: Date, unit: String, timeZone: String = null) -> Float")
def get_fraction(_: Context, value: Date, unit: str, zone: str | None) -> float:
    """How much of the unit has passed, from 0 to 1."""
    return dates.get_fraction(value.millis, dates.unit_of(unit), zone)


@algorithm("Date.advance(date: Date, delta: Float, unit: String, timeZone: String = null) -> Date")
def advance(context: Context, value: Date, delta: float, unit_name: str, zone: str | None) -> Date:
    """Return the date, so many units later."""
    unit = dates.unit_of(unit_name)
    if unit in ("month", "year") and delta != math.trunc(delta):
        context.assume("advance-fraction-by-average")
    return Date(dates.advance(value.millis, delta, unit, zone))


@algorithm(
    "Date.update(date: Date, year: Integer = null, month: Integer = null, day: Integer = null, hour: Integer = null, "
    "minute: Integer = null, second: Number = null, timeZone: String = null) -> Date"
)
def update(
    context: Context,
    value: Date,
    year: int | None,
    month: int | None,
    day: int | None,
    hour: int | None,
    minute: int | None,
    second: float | None,
    zone: str | None,
) -> Date:
    """Return the date with some of its fields replaced; a second brings its own fraction."""
    fields = {"year": year, "month": month, "day": day, "hour": hour, "minute": minute, "second": second}
    if second is not None:
        context.assume("update-second-with-fraction")
    return Date(dates.update(value.millis, {k: v for k, v in fields.items() if v is not None}, zone))


@algorithm("Date.difference(date: Date, start: Date, unit: String) -> Float")
def difference(context: Context, value: Date, start: Date, unit_name: str) -> float:
    """How many units of average length lie between two dates."""
    unit = dates.unit_of(unit_name)
    _assume_average(context, unit)
    return (value.millis - start.millis) / dates.UNIT_LENGTHS[unit]


@algorithm("Date.unitRatio(numerator: String, denominator: String) -> Float")
def unit_ratio(context: Context, numerator: str, denominator: str) -> float:
    """How many of one unit make the other."""
    units = dates.unit_of(numerator), dates.unit_of(denominator)
    _assume_average(context, *units)
    return dates.UNIT_LENGTHS[units[0]] / dates.UNIT_LENGTHS[units[1]]


def _assume_average(context: Context, *units: str) -> None:
    if "year" in units or "month" in units:
        context.assume("average-year-gregorian")


@algorithm("Date.getRange(date: Date, unit: String, timeZone: String = null) -> DateRange")
def get_range(_: Context, value: Date, unit_name: str, zone: str | None) -> DateRange:
    """Return the whole unit in which the date is."""
    unit = dates.unit_of(unit_name)
    start = dates.start_of(value.millis, unit, zone)
    return DateRange(start, dates.advance(start, 1, unit, zone))


@algorithm("DateRange.start(dateRange: DateRange) -> Date")
def range_start(_: Context, value: DateRange) -> Date:
    """Return the first moment of the range."""
    return Date(value.start)


@algorithm("DateRange.end(dateRange: DateRange) -> Date")
def range_end(_: Context, value: DateRange) -> Date:
    """Return the first moment after the range."""
    return Date(value.end)


@algorithm("DateRange.unbounded() -> DateRange")
def unbounded(context: Context) -> DateRange:
    """All dates."""
    context.assume("unbounded-range-64-bits")
    return _UNBOUNDED


@algorithm("DateRange.isUnbounded(dateRange: DateRange) -> Boolean")
def is_unbounded(_: Context, value: DateRange) -> bool:
    """Whether the range has all dates."""
    return value == _UNBOUNDED


@algorithm("DateRange.isEmpty(dateRange: DateRange) -> Boolean")
def is_empty(_: Context, value: DateRange) -> bool:
    """Whether the range has no dates."""
    return value.start >= value.end


@algorithm("DateRange.contains(dateRange: DateRange, other: Object) -> Boolean")
def contains(context: Context, value: DateRange, other: object) -> bool:
    """Whether a date or all dates of another range are in the range."""
    if isinstance(other, DateRange):
        return is_empty(context, other) or (value.start <= other.start and other.end <= value.end)
    return value.start <= _date(other, None, "other").millis < value.end


@algorithm("DateRange.intersection(dateRange: DateRange, other: DateRange) -> DateRange")
def intersection(_: Context, value: DateRange, other: DateRange) -> DateRange:
    """Return the range of the dates that are in both ranges; an empty one if there are none."""
    return DateRange(max(value.start, other.start), min(value.end, other.end))


@algorithm("DateRange.intersects(dateRange: DateRange, other: DateRange) -> Boolean")
def intersects(context: Context, value: DateRange, other: DateRange) -> bool:
    """Whether there are dates that are in both ranges."""
    return not any(is_empty(context, each) for each in (value, other, intersection(context, value, other)))


@algorithm("DateRange.union(dateRange: DateRange, other: DateRange) -> DateRange")
def union(context: Context, value: DateRange, other: DateRange) -> DateRange:
    """Return the range from the first to the last date of both, and so of what is between them."""
    if is_empty(context, other):
        return value
    return other if is_empty(context, value) else DateRange(min(value.start, other.start), max(value.end, other.end))
