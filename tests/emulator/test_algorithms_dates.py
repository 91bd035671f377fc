"""Dates: parsing, fields, arithmetic, time zones and formats."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from emulator_graphs import call, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives import dates
from eegrpc.emulator.primitives.date_format import format_date
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


def test_units_that_are_none() -> None:
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
