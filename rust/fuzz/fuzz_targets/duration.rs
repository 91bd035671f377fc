//! google.protobuf.Duration, both ways, held against arithmetic with the text as one integer. Input: what is between the
//! quotation marks; its first twelve bytes are also taken as seconds and nanoseconds.

#![no_main]

use eegrpc_mapper_fuzz::{plan, raw_time, time_of, time_wire, to_json, to_wire};

const MAX: i64 = 315_576_000_000;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let plan = plan("google.protobuf.Duration", 0);
    if let Some(text) =
        std::str::from_utf8(data).ok().filter(|text| !text.contains(['"', '\\']) && !text.contains(char::is_control))
    {
        let wire = to_wire(&plan, format!("\"{text}\"").as_bytes());
        let expected = parse(text);
        // What has over nine digits after the point is rounded, or refused: it is not said how.
        if text.len() - text.find('.').unwrap_or(text.len()) <= 11 {
            assert_eq!(wire.as_deref().ok().map(time_of), expected, "{text}: {wire:?}", wire = wire.as_ref().err());
        }
    }
    if let Some((seconds, nanos)) = raw_time(data, MAX) {
        let wire = time_wire(seconds, nanos);
        let is_good = seconds.unsigned_abs() <= MAX as u64
            && nanos.unsigned_abs() < 1_000_000_000
            && seconds.signum() * i64::from(nanos.signum()) >= 0;
        let json = to_json(&plan, &wire);
        assert_eq!(json.is_ok(), is_good, "{seconds} {nanos}");
        if let Ok(json) = json {
            assert_eq!(parse(std::str::from_utf8(&json[1..json.len() - 1]).expect("ASCII")), Some((seconds, nanos)));
            assert_eq!(to_wire(&plan, &json).ok(), Some(wire));
        }
    }
});

/// Seconds and nanoseconds, of a text with at most nine digits after the point.
fn parse(text: &str) -> Option<(i64, i32)> {
    let text = text.strip_suffix('s')?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !format!("{whole}{fraction}").bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole
        .trim_start_matches('0')
        .parse()
        .or_else(|error| if whole.trim_start_matches('0').is_empty() { Ok(0) } else { Err(error) })
        .ok()?;
    if seconds > MAX || fraction.len() > 9 {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().expect("nine digits");
    Some((sign * seconds, sign as i32 * nanos))
}
