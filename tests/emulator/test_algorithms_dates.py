"""Dates: parsing, fields, arithmetic, time zones and formats."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from emulator_graphs import assumed, call, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator import dates
from eegrpc.emulator.date_format import format_date
from eegrpc.emulator.date_parse import parse_by_pattern
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.values import Date, DateRange


def _millis(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=timezone.utc).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2020", None, _millis(2020, 1, 1)),
        ("2020-06", None, _millis(2020, 6, 1)),
        ("2017-6-24", None, _millis(2017, 6, 24)),
        ("1996-001", None, _millis(1996, 1, 1)),
        ("1996-366", None, _millis(1996, 12, 31)),
        ("1996-01-01T08:00", None, _millis(1996, 1, 1, 8)),
        ("1996-01-01T08", None, _millis(1996, 1, 1, 8)),
        ("2017-06-24T01:02:03", None, _millis(2017, 6, 24, 1, 2, 3)),
        ("2017-06-24 01:02:03.5", None, _millis(2017, 6, 24, 1, 2, 3) + 500),
        ("2017-06-24T01:02:03.123456789Z", None, _millis(2017, 6, 24, 1, 2, 3) + 123),
        ("2017-06-24T01:02:03+02:00", None, _millis(2017, 6, 23, 23, 2, 3)),
        ("2020", "US/Mountain", _millis(2020, 1, 1, 7)),  # guides: the zone shifts how the text is read
        ("2020-07-01", "America/Los_Angeles", _millis(2020, 7, 1, 7)),
        ("2020-07-01T00:00Z", "America/Los_Angeles", _millis(2020, 7, 1)),
        ("1969-12-31T23:59:59.999", None, -1),
    ],
)
def test_parse(text: str, zone: str | None, expected: int) -> None:
    assert value(call("Date", value=text, timeZone=zone)) == Date(expected)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2020-13", "2021-02-29", "2021-366", "20-01-01", "2020-01-01T25", "2020-01-01T00:00 UTC"]
)
def test_parse_refuses(text: str) -> None:
    assert refusal(call("Date", value=text)).message.startswith(f"Date: Invalid date string '{text}'")


def test_unknown_time_zones() -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", "America"):
        assert "is not recognised" in refusal(call("Date", value="2020", timeZone=name)).message


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_format_and_parse_are_inverse(moment: datetime) -> None:
    millis = dates.to_millis(moment.replace(tzinfo=timezone.utc))
    for pattern in ("YYYY-MM-dd'T'HH:mm:ss.SSS", "YYYY-DDD'T'HH:mm:ss.SSS'Z'", "YYYY-M-d H:m:s.SSSZZ"):
        assert dates.parse_date(format_date(millis, pattern)) == millis


_WHEN = _millis(2021, 3, 7, 14, 5, 9) + 42  # a Sunday, day 66, ISO week 9


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (None, "2021-03-07T14:05:09"),
        ("YYYY-MM-dd", "2021-03-07"),
        ("yyyy/M/d", "2021/3/7"),
        ("YY", "21"),
        ("D DD DDD", "66 66 066"),
        ("E EEE EEEE", "Sun Sun Sunday"),
        ("MMM MMMM", "Mar March"),
        ("H HH h hh k K a", "14 14 2 02 14 2 PM"),
        ("m mm s ss", "5 05 9 09"),
        ("S SS SSS SSSSS", "0 04 042 04200"),
        ("xxxx 'W'ww e", "2021 W09 7"),
        ("Z ZZ ZZZ z", "+0000 +00:00 UTC UTC"),
        ("'Month' M 'o''clock' ''", "Month 3 o'clock '"),
        ("[dd.MM.]", "[07.03.]"),
        ("G C", "AD 20"),
    ],
)
def test_format(pattern: str | None, expected: str) -> None:
    assert value(call("Date.format", date=call("Date", value=_WHEN), format=pattern)) == expected


@pytest.mark.parametrize(
    ("pattern", "zone", "expected"),
    [
        ("YYYY GG", None, "1975 AD"),
        ("CC YY", None, "19 75"),
        ("xxxx ww", None, "1975 30"),
        ("yy DDD", None, "75 204"),
        ("e E", None, "3 Wed"),
        ("e EEEEEEEE", None, "3 Wednesday"),
        ("a KK hh", None, "PM 09 09"),
        ("HH kk mm ss SS", None, "21 21 13 59 00"),
        ("z", None, "UTC"),
        ("zzzz", None, "Coordinated Universal Time"),
        ("z Z ZZ ZZZ", "PST8PDT", "PDT -0700 -07:00 PST8PDT"),
        ("YY 'yada' MM", None, "75 yada 07"),
        ("YY ''MM'' dd", None, "75 '07' 23"),
    ],
)
def test_examples_of_format(pattern: str, zone: str | None, expected: str) -> None:
    assert value(call("Date.format", date="1975-07-23T21:13:59", format=pattern, timeZone=zone)) == expected


def test_format_in_time_zones() -> None:
    def shown(pattern: str, zone: str) -> object:
        return value(call("Date.format", date=call("Date", value=_WHEN), format=pattern, timeZone=zone))

    assert shown("YYYY-MM-dd HH:mm ZZ", "America/Los_Angeles") == "2021-03-07 06:05 -08:00"
    assert shown("HH:mm Z z", "America/Los_Angeles") == "06:05 -0800 PST"
    assert shown("HH:mm ZZ", "+05:30") == "19:35 +05:30"
    assert shown("ZZZ", "Asia/Kolkata") == "Asia/Kolkata"
    assert refusal(call("Date.format", date=0, format="zzzz", timeZone="US/Pacific")).unsupported


def test_year_of_week() -> None:
    # 1 January 2021 belongs to week 53 of 2020.
    assert format_date(_millis(2021, 1, 1), "xxxx-'W'ww YYYY") == "2020-W53 2021"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [("YYYY-MM-ddTHH", "Illegal pattern component: 'T' at column 11"), ("bb", "column 1"), ("YYYY 'open", "column 6")],
)
def test_format_refuses(pattern: str, problem: str) -> None:
    with pytest.raises(AlgorithmError, match=problem):
        format_date(0, pattern)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("year", 2021), ("month", 3), ("week", 9), ("day", 7), ("hour", 14), ("minute", 5), ("second", 9), ("days", 7)],
)
def test_get(unit: str, expected: int) -> None:
    assert value(call("Date.get", date=_WHEN, unit=unit)) == expected


@pytest.mark.parametrize(
    ("unit", "in_unit", "expected"),
    [
        ("month", "year", 2),
        ("week", "year", 9),
        ("day", "year", 65),
        ("day", "month", 6),
        ("day", "week", 6),
        ("hour", "day", 14),
        ("minute", "day", 14 * 60 + 5),
        ("second", "minute", 9),
    ],
)
def test_get_relative(unit: str, in_unit: str, expected: int) -> None:
    assert value(call("Date.getRelative", date=_WHEN, unit=unit, inUnit=in_unit)) == expected


def test_relative_units_must_be_smaller() -> None:
    assert "must be smaller" in refusal(call("Date.getRelative", date=0, unit="year", inUnit="day")).message
    assert "Invalid unit 'fortnight'" in refusal(call("Date.get", date=0, unit="fortnight")).message


@pytest.mark.parametrize(
    ("start", "delta", "unit", "zone", "expected"),
    [
        ("2023-01-31", 1, "month", None, "2023-02-28T00:00:00"),
        ("2024-01-31", 1, "months", None, "2024-02-29T00:00:00"),
        ("2024-02-29", -1, "year", None, "2023-02-28T00:00:00"),
        ("2023-12-15", 2, "month", None, "2024-02-15T00:00:00"),
        ("2023-01-01", 1, "week", None, "2023-01-08T00:00:00"),
        ("2023-01-01", 1.5, "day", None, "2023-01-02T12:00:00"),
        ("2023-01-01", -0.5, "hour", None, "2022-12-31T23:30:00"),
        ("2023-01-01", 90, "seconds", None, "2023-01-01T00:01:30"),
        # The day with the change to summer time has 23 hours in Los Angeles.
        ("2023-03-12T08:00", 1, "day", "America/Los_Angeles", "2023-03-13T07:00:00"),
        ("2023-03-12T08:00", 24, "hour", "America/Los_Angeles", "2023-03-13T08:00:00"),
    ],
)
def test_advance(start: str, delta: float, unit: str, zone: str | None, expected: str) -> None:
    moved = call("Date.advance", date=start, delta=delta, unit=unit, timeZone=zone)
    assert value(call("Date.format", date=moved)) == expected


def test_advance_stays_in_the_calendar() -> None:
    for delta in (1e6, -1e6, 1e200):
        assert "1 to 9999" in refusal(call("Date.advance", date=0, delta=delta, unit="year")).message
        assert "1 to 9999" in refusal(call("Date.advance", date=0, delta=delta, unit="week")).message
    assert "1 to 9999" in refusal(call("Date.advance", date=0, delta=1e15, unit="second")).message
    assert "Cannot advance" in refusal(call("Date.advance", date=0, delta=1e307, unit="second")).message


@settings(deadline=None)
@given(st.integers(-(10**12), 10**13), st.integers(-10000, 10000), st.sampled_from(["week", "day", "hour", "second"]))
def test_advancing_back_and_forth(millis: int, delta: int, unit: str) -> None:
    assert dates.advance(dates.advance(millis, delta, unit), -delta, unit) == millis


def test_difference_and_ratio() -> None:
    assert value(call("Date.difference", date="2023-01-03", start="2023-01-01", unit="days")) == 2
    assert value(call("Date.difference", date="2023-01-01T12", start="2023-01-02", unit="hour")) == -12
    assert value(call("Date.difference", date="2024-01-01", start="2023-01-01", unit="year")) == 365 / 365.2425
    assert value(call("Date.unitRatio", numerator="day", denominator="minute")) == 1440


def test_fraction_and_range() -> None:
    assert value(call("Date.getFraction", date="2023-01-01T06:00", unit="day")) == 0.25
    assert value(call("Date.getFraction", date="2024-07-01", unit="year")) == 182 / 366
    year = call("Date.getRange", date="2023-05-05", unit="year")
    assert value(year) == DateRange(_millis(2023, 1, 1), _millis(2024, 1, 1))
    assert value(call("DateRange.end", dateRange=year)) == Date(_millis(2024, 1, 1))
    assert value(call("DateRange.start", dateRange=call("Date.getRange", date="2023-05-05", unit="week"))) == Date(
        _millis(2023, 5, 1)
    )


def test_from_year_month_day() -> None:
    assert value(call("Date.fromYMD", year=2023, month=2, day=28)) == Date(_millis(2023, 2, 28))
    assert value(call("Date.millis", date=call("Date.fromYMD", year=1970, month=1, day=2))) == 86400000
    assert "Invalid date 2023-2-29" in refusal(call("Date.fromYMD", year=2023, month=2, day=29)).message


def test_date_ranges() -> None:
    assert value(call("DateRange", start=5)) == DateRange(5, 6)
    assert value(call("DateRange", start=call("DateRange", start=5, end=9))) == DateRange(5, 9)
    assert value(call("DateRange", start="2020", end="2021", timeZone="US/Mountain")) == DateRange(
        _millis(2020, 1, 1, 7), _millis(2021, 1, 1, 7)
    )
    assert "expected a Date" in refusal(call("DateRange", start=[])).message


# ------------------------------------------------------------------------------------------------ parse and update


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
    for wrong in ({"month": 2}, {"year": 0}, {"hour": 24}, {"second": 60}, {"second": -1}, {"year": 10**20}):
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
