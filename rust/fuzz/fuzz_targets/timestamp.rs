//! google.protobuf.Timestamp, both ways, held against a calendar that counts day by day. Input: what is between the
//! quotation marks; its first twelve bytes are also taken as seconds and nanoseconds.

#![no_main]

use eegrpc_mapper_fuzz::{plan, time_of, time_wire, to_json, to_wire};

const MIN: i64 = -62_135_596_800;
const MAX: i64 = 253_402_300_799;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let plan = plan("google.protobuf.Timestamp", 0);
    if let Some(text) =
        std::str::from_utf8(data).ok().filter(|text| !text.contains(['"', '\\']) && !text.contains(char::is_control))
    {
        let wire = to_wire(&plan, format!("\"{text}\"").as_bytes());
        assert_eq!(
            wire.as_deref().ok().map(time_of),
            parse(text.as_bytes()),
            "{text}: {wire:?}",
            wire = wire.as_ref().err()
        );
    }
    if let Some((seconds, nanos)) = eegrpc_mapper_fuzz::raw_time(data, MAX) {
        let wire = time_wire(seconds, nanos);
        let is_good = (MIN..=MAX).contains(&seconds) && (0..1_000_000_000).contains(&nanos);
        let json = to_json(&plan, &wire);
        assert_eq!(json.is_ok(), is_good, "{seconds} {nanos}");
        if let Ok(json) = json {
            assert_eq!(parse(&json[1..json.len() - 1]), Some((seconds, nanos)));
            assert_eq!(to_wire(&plan, &json).ok(), Some(wire));
        }
    }
});

/// Seconds and nanoseconds of an RFC 3339 time in capitals.
fn parse(text: &[u8]) -> Option<(i64, i32)> {
    let shape = |byte: &u8| if byte.is_ascii_digit() { b'0' } else { *byte };
    let (head, rest) = text.split_at_checked(19)?;
    if head.iter().map(shape).ne(*b"0000-00-00T00:00:00") {
        return None;
    }
    let number =
        |from: usize, to: usize| head[from..to].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if year == 0 || !(1..=12).contains(&month) || !(1..=lengths[month as usize - 1]).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, zone) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = std::str::from_utf8(&rest[..count]).expect("digits");
            if count > 9 {
                return None;
            }
            (format!("{digits:0<9}").parse().expect("nine digits"), &rest[count..])
        }
        None => (0, rest),
    };
    let offset = if zone == b"Z" {
        0
    } else {
        let (sign, zone) = zone.split_first()?;
        if !matches!(sign, b'+' | b'-') || zone.iter().map(shape).ne(*b"00:00") {
            return None;
        }
        let part = |at: usize| i64::from(zone[at] - b'0') * 10 + i64::from(zone[at + 1] - b'0');
        if part(0) > 23 || part(3) > 59 {
            return None;
        }
        (part(0) * 60 + part(3)) * if *sign == b'+' { 60 } else { -60 }
    };
    let before = year - 1;
    let days = before * 365 + before / 4 - before / 100
        + before / 400
        + lengths[..month as usize - 1].iter().sum::<i64>()
        + day
        - 1;
    let seconds = MIN + days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    (MIN..=MAX).contains(&seconds).then_some((seconds, nanos))
}
