//! The text forms of google.protobuf.Timestamp (RFC 3339) and google.protobuf.Duration.

use crate::numbers::push_integer;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const DURATION_SECONDS: i64 = 315_576_000_000;
const DAY: i64 = 86_400;
const BILLION: i32 = 1_000_000_000;

/// Seconds and nanoseconds.
pub(crate) type Time = (i64, i32);

const SHAPE: &str = "expected a time such as 2023-01-31T23:59:59.5Z or 2023-01-31T23:59:59+01:00";

/// Read a time as RFC 3339 has it, in capitals, with at most nine digits after the point.
pub(crate) fn parse_timestamp(text: &[u8]) -> Result<Time, &'static str> {
    let number = |from: usize, to: usize| decimal(text.get(from..to)?);
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
        return Err(SHAPE);
    }
    let fields = (number(0, 4), number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19));
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = fields else {
        return Err(SHAPE);
    };
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return Err("expected a day of the calendar, of the years 0001 to 9999");
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err("expected a time of day before 24:00:00");
    }
    let (nanos, zone) = if is(19, b'.') { fraction(&text[20..])? } else { (0, &text[19..]) };
    let offset = match *zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => match (decimal(&[h1, h2]), decimal(&[m1, m2])) {
            (Some(hours @ 0..=23), Some(minutes @ 0..=59)) => {
                (hours * 60 + minutes) * if sign == b'+' { 60 } else { -60 }
            }
            _ => return Err("expected an offset from -23:59 to +23:59"),
        },
        _ => return Err(SHAPE),
    };
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    if !TIMESTAMP_SECONDS.contains(&seconds) {
        return Err("expected a time of the years 0001 to 9999, in UTC");
    }
    Ok((seconds, nanos))
}

/// Append a timestamp in UTC.
pub(crate) fn push_timestamp(out: &mut Vec<u8>, (seconds, nanos): Time) -> Result<(), &'static str> {
    if !TIMESTAMP_SECONDS.contains(&seconds) {
        return Err("has seconds outside the years 0001 to 9999");
    }
    if !(0..BILLION).contains(&nanos) {
        return Err("has nanos outside 0 to 999999999");
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
    let time = seconds.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00";
    for (at, width, value) in
        [(0, 4, year), (5, 2, month), (8, 2, day), (11, 2, time / 3600), (14, 2, time / 60 % 60), (17, 2, time % 60)]
    {
        put_digits(&mut text[at..at + width], value);
    }
    out.extend_from_slice(&text);
    push_fraction(out, nanos);
    out.push(b'Z');
    Ok(())
}

/// Read a duration such as `-1.5s`.
pub(crate) fn parse_duration(text: &[u8]) -> Result<Time, &'static str> {
    const SHAPE: &str = "expected a duration such as 1.5s";
    let Some((b's', text)) = text.split_last() else { return Err(SHAPE) };
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let whole_end = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let Some(seconds) = decimal(&digits[..whole_end]) else { return Err(SHAPE) };
    let mut nanos = 0;
    if whole_end < digits.len() {
        let fraction = &digits[whole_end + 1..];
        if !fraction.iter().all(u8::is_ascii_digit) {
            return Err(SHAPE);
        }
        nanos = rounded_nanos(fraction);
    }
    if seconds > DURATION_SECONDS || nanos >= BILLION {
        return Err("expected a duration of at most 315576000000s");
    }
    Ok(if is_negative { (-seconds, -nanos) } else { (seconds, nanos) })
}

/// Append a duration.
pub(crate) fn push_duration(out: &mut Vec<u8>, (seconds, nanos): Time) -> Result<(), &'static str> {
    if !(-DURATION_SECONDS..=DURATION_SECONDS).contains(&seconds) {
        return Err("has seconds outside -315576000000 to 315576000000");
    }
    if nanos <= -BILLION || nanos >= BILLION {
        return Err("has nanos outside -999999999 to 999999999");
    }
    if (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0) {
        return Err("has seconds and nanos of different signs");
    }
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    push_integer(out, seconds.unsigned_abs());
    push_fraction(out, nanos.abs());
    out.push(b's');
    Ok(())
}

/// Digits, and nothing but digits, as a number; large ones as a larger one than any that is allowed.
fn decimal(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))))
}

/// The digits after a point as nanoseconds, and what follows them.
fn fraction(text: &[u8]) -> Result<(i32, &[u8]), &'static str> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count > 9 {
        return Err("expected at most nine digits after the point");
    }
    Ok((rounded_nanos(&text[..count]), &text[count..]))
}

/// Digits after a point as nanoseconds, rounded by the tenth digit, ties to even: what protobuf's own parsers do.
fn rounded_nanos(digits: &[u8]) -> i32 {
    let digit = |place: usize| i32::from(digits.get(place).map_or(0, |digit| digit - b'0'));
    let nanos = (0..9).fold(0, |value, place| value * 10 + digit(place));
    let rest = digits.get(10..).unwrap_or_default().iter().any(|&digit| digit != b'0');
    match digit(9) {
        0..=4 => nanos,
        5 if !rest && nanos % 2 == 0 => nanos,
        _ => nanos + 1,
    }
}

/// Append a fraction of a second in 0, 3, 6 or 9 digits.
fn push_fraction(out: &mut Vec<u8>, nanos: i32) {
    let (width, value) = match nanos {
        0 => return,
        _ if nanos % 1_000_000 == 0 => (3, nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => (6, nanos / 1_000),
        _ => (9, nanos),
    };
    let mut text = *b".000000000";
    put_digits(&mut text[1..=width], i64::from(value));
    out.extend_from_slice(&text[..=width]);
}

/// Fill `place` with the last digits of a number.
fn put_digits(place: &mut [u8], mut value: i64) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// The two that follow count from 1 March of year 0, so that the leap day is the last of its year, in eras of 400 years.

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of `days_from_civil`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(time: Time) -> String {
        let mut out = Vec::new();
        push_timestamp(&mut out, time).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_day_there_and_back() {
        let mut before = days_from_civil(1, 1, 1) - 1;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    let days = days_from_civil(year, month, day);
                    assert_eq!(days, before + 1);
                    assert_eq!(civil_from_days(days), (year, month, day));
                    before = days;
                }
            }
        }
        assert_eq!(days_from_civil(1970, 1, 1), 0);
    }

    #[test]
    fn timestamps() {
        for (text, normal) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
            ("2024-02-29T23:30:00.5-01:00", "2024-03-01T00:30:00.500Z"),
            ("1969-12-31T23:59:59.000001Z", "1969-12-31T23:59:59.000001Z"),
            ("2020-01-01T00:00:00.Z", "2020-01-01T00:00:00Z"),
        ] {
            assert_eq!(printed(parse_timestamp(text.as_bytes()).unwrap()), normal);
        }
        for text in [
            "",
            "2020",
            "2020-01-01",
            "2020-01-01t00:00:00Z",
            "2020-01-01T00:00:00z",
            "2020-01-01T00:00:00",
            "2020-1-01T00:00:00Z",
            "2020-01-01T00:00:00.0123456789Z",
            "2020-01-01T00:00:60Z",
            "2023-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00+25:00",
            "2020-01-01T00:00:00+00:99",
            "2020-01-01T00:00:00+0100",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-01-01T00:00:00Zx",
        ] {
            assert!(parse_timestamp(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, time) in [
            ("0s", (0, 0)),
            ("1.5s", (1, 500_000_000)),
            ("-0.5s", (0, -500_000_000)),
            ("-315576000000.999999999s", (-DURATION_SECONDS, 1 - BILLION)),
            ("1.s", (1, 0)),
            ("1.0000000015s", (1, 2)),
            ("1.0000000025s", (1, 2)),
        ] {
            assert_eq!(parse_duration(text.as_bytes()), Ok(time), "{text}");
        }
        for text in ["", "s", "1", "1.5", ".5s", "-s", "+1s", "1.5xs", "315576000001s", "0.9999999999s", "1e3s", " 1s"]
        {
            assert!(parse_duration(text.as_bytes()).is_err(), "{text}");
        }
    }
}
