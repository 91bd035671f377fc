//! Numbers, bare and quoted, for fields of every sort of number, held against the standard library's parser of floats and
//! a decimal one of integers. Input: a byte for the type, the text.

#![no_main]

use eegrpc_mapper_fuzz::{plan, to_json, to_wire};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [which, text @ ..] = data else { return };
    if !text.iter().all(|byte| (0x21..0x7f).contains(byte) && !matches!(byte, b'"' | b'\\')) {
        return;
    }
    let text = std::str::from_utf8(text).expect("it is ASCII");
    let number = is_number(text).then_some(text);
    for form in [text.to_owned(), format!("\"{text}\"")] {
        let is_quoted = form.starts_with('"');
        match which % 6 {
            0 => check(
                "google.protobuf.DoubleValue",
                &form,
                double(number, text, is_quoted).map(|value| {
                    if value.to_bits() == 0 {
                        Vec::new()
                    } else {
                        [&[0x09][..], &value.to_le_bytes()].concat()
                    }
                }),
            ),
            1 => check(
                "google.protobuf.FloatValue",
                &form,
                double(number, text, is_quoted).and_then(float).map(|value| {
                    if value.to_bits() == 0 {
                        Vec::new()
                    } else {
                        [&[0x0d][..], &value.to_le_bytes()].concat()
                    }
                }),
            ),
            2 => check(
                "google.protobuf.Int64Value",
                &form,
                integer(number, i64::MIN.into(), i64::MAX.into()).map(varint),
            ),
            3 => check("google.protobuf.UInt64Value", &form, integer(number, 0, u64::MAX.into()).map(varint)),
            4 => check(
                "google.protobuf.Int32Value",
                &form,
                integer(number, i32::MIN.into(), i32::MAX.into()).map(varint),
            ),
            _ => check("google.protobuf.UInt32Value", &form, integer(number, 0, u32::MAX.into()).map(varint)),
        }
    }
});

fn check(root: &'static str, text: &str, expected: Option<Vec<u8>>) {
    let plan = plan(root, 0);
    let wire = to_wire(&plan, text.as_bytes());
    assert_eq!(wire.as_ref().ok(), expected.as_ref(), "{root} {text}: {:?}", wire.as_ref().err());
    if let Ok(wire) = wire {
        let json = to_json(&plan, &wire).expect("a number has a JSON form");
        assert_eq!(
            to_wire(&plan, &json).ok(),
            Some(wire),
            "{root} {text} prints as {}",
            String::from_utf8_lossy(&json)
        );
    }
}

/// Whether a text has the form of a number in JSON.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|character: char| character.is_ascii_digit());
        if rest.len() == fraction.len() {
            return false;
        }
    }
    let Some(power) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let power = power.strip_prefix(['+', '-']).unwrap_or(power);
    !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit())
}

fn double(number: Option<&str>, text: &str, is_quoted: bool) -> Option<f64> {
    match (text, is_quoted) {
        ("NaN", true) => Some(f64::NAN),
        ("Infinity", true) => Some(f64::INFINITY),
        ("-Infinity", true) => Some(f64::NEG_INFINITY),
        _ => number?.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// The nearest float; none if that is infinite, and the double is not.
fn float(value: f64) -> Option<f32> {
    let float = value as f32;
    (float.is_finite() || !value.is_finite()).then_some(float)
}

/// The exact value, by shifting the decimal point through the digits.
fn integer(number: Option<&str>, min: i128, max: i128) -> Option<i128> {
    let text = number?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let power: i64 = match power.trim_start_matches(['+', '-']).trim_start_matches('0') {
        "" => 0,
        long if long.len() > 12 => 1_000_000_000_000,
        short => short.parse().expect("twelve digits"),
    } * if power.starts_with('-') { -1 } else { 1 };
    let zeros = power - fraction.len() as i64 + trailing as i64;
    if zeros < 0 || significant.len() as i64 + zeros > 30 {
        return None;
    }
    let value = sign * significant.parse::<i128>().expect("thirty digits") * 10i128.pow(zeros as u32);
    (min..=max).contains(&value).then_some(value)
}

/// The field of a wrapper of an integer.
fn varint(value: i128) -> Vec<u8> {
    let mut rest = value as u64;
    if rest == 0 {
        return Vec::new();
    }
    let mut wire = vec![0x08];
    while rest > 127 {
        wire.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    wire.push(rest as u8);
    wire
}
