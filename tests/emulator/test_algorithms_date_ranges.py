"""Dates from text by a pattern, Date.update, and ranges of dates."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from emulator_graphs import assumed, call, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.primitives import dates
from eegrpc.emulator.primitives.date_format import format_date
from eegrpc.emulator.primitives.date_parse import parse_by_pattern
from eegrpc.emulator.values import Date, DateRange


def _millis(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=timezone.utc).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        # The examples of Date.parse.
        ("yyyy MM dd", "2021 4 30", _millis(2021, 4, 30)),
        ("yyyy-MM-dd", "2021-4-30", _millis(2021, 4, 30)),
        ("yyyy/MM/dd", "2021/4/30", _millis(2021, 4, 30)),
        ("MMM. dd, yyyy", "Apr. 30, 2021", _millis(2021, 4, 30)),
        ("yyyy-MM-dd HH:mm:ss", "2021-4-30 00:00:00", _millis(2021, 4, 30)),
        # org.joda.time.format.DateTimeFormat.
        ("yyyyMMdd'T'HHmmss", "20210430T071531", _millis(2021, 4, 30, 7, 15, 31)),
        ("yyyyDDD", "2020366", _millis(2020, 12, 31)),
        ("D.yyyy", "60.2020", _millis(2020, 2, 29)),
        ("xxxx-'W'ww-e", "2020-W53-5", _millis(2021, 1, 1)),
        ("xxxx-'W'ww", "2021-W01", _millis(2021, 1, 4)),
        ("EEE, d MMMM yyyy", "fri, 30 APRIL 2021", _millis(2021, 4, 30)),
        ("EEEE d.M.y", "Mon 30.4.2021", _millis(2021, 4, 26)),  # the day of the week moves the date within its week
        ("h:mm a yyyy", "12:05 am 1970", _millis(1970, 1, 1, 0, 5)),
        ("K:mm a yyyy", "11:05 PM 1970", _millis(1970, 1, 1, 23, 5)),
        ("k yyyy", "24 1970", 0),
        ("a", "PM", _millis(1970, 1, 1, 12)),
        ("HH:mm:ss.SSS", "00:00:01.5", 1500),
        ("s.S", "1.2", 1200),
        ("MM-dd", "02-29", _millis(2000, 2, 29)),  # without a year it is 2000
        ("HH", "07", _millis(1970, 1, 1, 7)),  # without any day it is in 1970
        ("yyyy-MM-dd HH:mm Z", "2021-04-30 12:00 +0200", _millis(2021, 4, 30, 10)),
        ("yyyy-MM-dd HH:mm ZZ", "2021-04-30 12:00 -05:30", _millis(2021, 4, 30, 17, 30)),
        ("yyyy-MM-dd'T'HH:mmZZ", "2021-04-30T12:00Z", _millis(2021, 4, 30, 12)),
        ("yyyy-MM-dd ZZZ", "2021-07-01 America/Los_Angeles", _millis(2021, 7, 1, 7)),
        ("yyyy G", "2021 AD", _millis(2021, 1, 1)),
        ("'on' d ''M'' y", "ON 1 '5' 2021", _millis(2021, 5, 1)),
    ],
)
def test_parse_by_pattern(pattern: str, text: str, expected: int) -> None:
    assert value(call("Date.parse", format=pattern, date=text)) == Date(expected)
    assert assumed(call("Date.parse", format=pattern, date=text)) == ()


def test_parse_in_a_time_zone() -> None:
    parsed = call("Date.parse", format="yyyy-MM-dd", date="2020-01-01", timeZone="US/Mountain")
    assert value(parsed) == Date(_millis(2020, 1, 1, 7))


def test_two_digits_of_a_year() -> None:
    """The example of Date.parse with MM/dd/yy; the turn of the century is an assumption."""
    parsed = call("Date.parse", format="MM/dd/yy", date="4/30/21")
    assert value(parsed) == Date(_millis(2021, 4, 30))
    assert assumed(parsed) == ("two-digit-years",)
    for text, year in (("45", 2045), ("46", 1946), ("00", 2000), ("1987", 1987)):
        assert value(call("Date.parse", format="yy", date=text)) == Date(_millis(year, 1, 1))


@pytest.mark.parametrize(
    ("pattern", "text", "problem"),
    [
        ("yyyy-MM-dd", "2021", 'Invalid format: "2021" is too short.'),
        ("yyyy-MM-dd", "2021-04-30T", 'Invalid format: "2021-04-30T" is malformed at "T".'),
        ("yyyy-MM-dd", "x", 'malformed at "x"'),
        ("yyyy", "", "too short"),
        ("MMM", "Foo", 'malformed at "Foo"'),
        ("yyyy-MM-dd", "2021-02-29", "day is out of range"),
        ("yyyy-MM-dd", "2021-13-01", "month must be in 1..12"),
        ("yyyy", "123456789", "Cannot parse '123456789'"),
        ("yyyyDDD", "2021366", "day 366 is out of range for year 2021"),
        ("HH", "24", "hour 24 is not from 0 to 23"),
        ("hh", "13", "hour 13 is not from 1 to 12"),
        ("HH a", "13 AM", "contradicts the hour"),
        ("mm", "60", "minute 60"),
        ("ss", "99", "second 99"),
        ("yyyy e", "2021 8", "day of week 8"),
        ("xxxx ww", "2021 54", "Invalid week"),
        ("yyyy-MM DDD", "2021-01 001", "together"),
        ("CC", "20", "centuries"),
        ("MM MMM", "01 Feb", "contradicts another"),
        ("ZZZ", "Mars/Olympus", "is not recognised"),
        ("yyyy-MM-ddTHH", "x", "Illegal pattern component"),
    ],
)
def test_parse_by_pattern_refuses(pattern: str, text: str, problem: str) -> None:
    assert problem in refusal(call("Date.parse", format=pattern, date=text)).message


COMPLETE = [
    "YYYY-MM-dd'T'HH:mm:ss.SSS",
    "yyyyMMddHHmmssSSS",
    "SSS:ss:mm:HH, d MMMM yyyy",
    "EEEE DDD YYYY kk.mm.ss SSS G",
    "xxxx-'W'ww-e hh:mm:ss.SSS a",
    "MMM d y K:m:s:SSS a 'o''clock' Z",
    "y D H m s SSS ZZ",
    "yyyy-MM-dd HH:mm:ss.SSS ZZZ",
]


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),
    st.sampled_from(COMPLETE),
    st.sampled_from(["UTC", "Asia/Kolkata", "+05:30"]),
)
def test_parsing_is_the_inverse_of_formatting(moment: datetime, pattern: str, zone: str) -> None:
    millis = dates.to_millis(moment.replace(tzinfo=timezone.utc))
    if zone == "Asia/Kolkata" and moment.year < 1950:
        return  # local mean time has seconds, which no offset shows
    text = format_date(millis, pattern, zone)
    assert parse_by_pattern(text, pattern, zone, lambda _: None) == millis


def test_update() -> None:
    """The example of Date.update, and what it says about time zones."""
    date = "2021-4-30T07:15:31.24"
    assert value(call("Date.update", date=date, year=2010, minute=59)) == Date(_millis(2010, 4, 30, 7, 59, 31) + 240)
    assert value(call("Date.update", date=date)) == Date(_millis(2021, 4, 30, 7, 15, 31) + 240)
    assert value(call("Date.update", date=date, month=1, day=31, hour=0)) == Date(_millis(2021, 1, 31, 0, 15, 31) + 240)
    noon = call("Date.update", date="2021-07-01", hour=12, timeZone="America/Los_Angeles")
    assert value(noon) == Date(_millis(2021, 6, 30, 19))
    exact = call("Date.update", date=date, second=1.5)
    assert value(exact) == Date(_millis(2021, 4, 30, 7, 15, 1) + 500)
    assert assumed(exact) == ("update-second-with-fraction",)
    for wrong in (
        {"month": 2},
        {"year": 0},
        {"hour": 24},
        {"second": 60},
        {"second": -1},
        {"second": call("Number.exp", input=1000)},
        {"year": 10**20},
    ):
        assert "There is no such date" in refusal(call("Date.update", date="2021-4-30", **wrong)).message


# ---------------------------------------------------------------------------------------------------------- ranges


def _range(start: int, end: int) -> dict[str, Any]:
    return call("DateRange", start=start, end=end)


@pytest.mark.parametrize(
    ("function", "one", "other", "expected"),
    [
        ("contains", (3, 9), (4, 9), True),
        ("contains", (3, 9), (4, 10), False),
        ("contains", (3, 9), (5, 5), True),
        ("intersects", (3, 9), (8, 20), True),
        ("intersects", (3, 9), (9, 20), False),
        ("intersects", (3, 9), (5, 5), False),
        ("intersection", (3, 9), (5, 20), DateRange(5, 9)),
        ("union", (3, 9), (5, 20), DateRange(3, 20)),
        ("union", (3, 5), (8, 9), DateRange(3, 9)),
        ("union", (3, 5), (9, 9), DateRange(3, 5)),
        ("union", (9, 9), (3, 5), DateRange(3, 5)),
    ],
)
def test_two_ranges(function: str, one: tuple[int, int], other: tuple[int, int], expected: object) -> None:
    assert value(call(f"DateRange.{function}", dateRange=_range(*one), other=_range(*other))) == expected


def test_ranges() -> None:
    assert value(call("DateRange.isEmpty", dateRange=_range(9, 3))) is True
    assert value(call("DateRange.isEmpty", dateRange=_range(3, 4))) is False
    apart = call("DateRange.intersection", dateRange=_range(1, 2), other=_range(5, 6))
    assert value(call("DateRange.isEmpty", dateRange=apart)) is True
    for moment, inside in ((2, False), (3, True), ("1970-01-01T00:00:00.008", True), (call("Date", value=9), False)):
        assert value(call("DateRange.contains", dateRange=_range(3, 9), other=moment)) is inside
    assert "Argument 'other'" in refusal(call("DateRange.contains", dateRange=_range(3, 9), other=[])).message


def test_unbounded_ranges() -> None:
    unbounded = call("DateRange.unbounded")
    assert value(call("DateRange.isUnbounded", dateRange=unbounded)) is True
    assert value(call("DateRange.isUnbounded", dateRange=_range(3, 9))) is False
    assert value(call("DateRange.contains", dateRange=unbounded, other=_range(3, 9))) is True
    assert assumed(unbounded) == ("unbounded-range-64-bits",)
