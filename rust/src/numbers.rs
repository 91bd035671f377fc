//! Numbers: exactly what the digits say, in both directions.

use crate::error::{quote, Error, Kind, Result};
use crate::strings::chunk;

/// A JSON number, scanned.
#[derive(Clone, Copy)]
pub(crate) struct Number<'a> {
    pub text: &'a [u8],
    is_negative: bool,
    /// The digits, without the point: all of them if there are at most 19.
    digits: u64,
    is_whole: bool,
    /// The power of ten that `digits` is multiplied with.
    exponent: i32,
}

/// Digits that fit a u64, whatever they are.
const MAX_DIGITS: usize = 19;

const TENS: [u64; 18] = {
    let mut tens = [1; 18];
    let mut index = 1;
    while index < tens.len() {
        tens[index] = tens[index - 1] * 10;
        index += 1;
    }
    tens
};

/// One divided by each of `TENS`: 64 bits, rounded down, and the power of two by which they have to be divided.
const INVERSES: [(u64, u32); 18] = {
    let mut inverses = [(1 << 63, 63); 18];
    let mut index = 1;
    while index < inverses.len() {
        let scale = 127 - TENS[index].leading_zeros(); // no power of ten but one is a power of two
        inverses[index] = (((1u128 << scale) / TENS[index] as u128) as u64, scale);
        index += 1;
    }
    inverses
};

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Why some bytes are not a number.
pub(crate) struct NotANumber {
    /// Where the number goes wrong; the length of the input if it just ends.
    pub at: usize,
}

/// Scan the number that starts at `at`, by JSON's grammar; the bytes after it are the caller's.
#[inline]
pub(crate) fn scan(bytes: &[u8], start: usize) -> std::result::Result<Number<'_>, NotANumber> {
    let mut at = start;
    let is_negative = bytes.get(at) == Some(&b'-');
    at += usize::from(is_negative);
    let mut digits = 0u64;
    let whole_start = at;
    at = scan_digits(bytes, at, &mut digits);
    let mut count = at - whole_start;
    if count == 0 || (count > 1 && bytes[whole_start] == b'0') {
        return Err(NotANumber { at: whole_start + usize::from(count > 1) });
    }
    let mut exponent = 0i32;
    let mut is_whole = true;
    if bytes.get(at) == Some(&b'.') {
        is_whole = false;
        let fraction_start = at + 1;
        at = scan_digits(bytes, fraction_start, &mut digits);
        if at == fraction_start {
            return Err(NotANumber { at });
        }
        count += at - fraction_start;
        exponent = -i32::try_from(at - fraction_start).unwrap_or(i32::MAX);
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        is_whole = false;
        at += 1;
        let sign = bytes.get(at).copied();
        at += usize::from(matches!(sign, Some(b'+' | b'-')));
        let power_start = at;
        let mut power = 0i32;
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            power = power.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
            at += 1;
        }
        if at == power_start {
            return Err(NotANumber { at });
        }
        exponent = exponent.saturating_add(if sign == Some(b'-') { -power } else { power });
    }
    // Leading zeros count as digits here: that only costs 0.000…1 the quick way.
    let is_whole = is_whole && count <= MAX_DIGITS;
    if count > MAX_DIGITS {
        digits = u64::MAX;
    }
    Ok(Number { text: &bytes[start..at], is_negative, digits, is_whole, exponent })
}

/// The integer of at most seven digits at `at`, and where it ends; None if that is not what stands there.
///
/// Most numbers are this; they need neither a `Number` nor an error.
#[inline(always)]
pub(crate) fn short_integer(bytes: &[u8], start: usize) -> Option<(i64, usize)> {
    let is_negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(is_negative);
    let (digits, count) = leading_digits(u64::from_le_bytes(*chunk(bytes, first)?));
    // Not 0 as the start of a longer number, and not -0, which is no integer.
    let is_plain = match bytes.get(first + count) {
        Some(b'.' | b'e' | b'E') | None => false,
        Some(_) => (1..8).contains(&count) && (bytes[first] != b'0' || (count == 1 && !is_negative)),
    };
    let value = digits as i64;
    is_plain.then_some((if is_negative { -value } else { value }, first + count))
}

/// The double of a number at `at` with at most seven digits before the point and 19 in all, and where it ends; None if
/// that is not what stands there. All measured values are this, and it is exact without a table.
#[inline(always)]
pub(crate) fn short_double(bytes: &[u8], start: usize) -> Option<(f64, usize)> {
    let is_negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(is_negative);
    let (digits, count) = leading_digits(u64::from_le_bytes(*chunk(bytes, first)?));
    if !(1..8).contains(&count) || (bytes[first] == b'0' && count > 1) {
        return None;
    }
    let (value, end) = match bytes.get(first + count) {
        Some(b'.') => fraction(bytes, digits, count, first + count)?,
        Some(b'e' | b'E') | None => return None,
        Some(_) => (digits as f64, first + count),
    };
    Some((if is_negative { -value } else { value }, end))
}

/// The double that `digits`, `count` of them, and the decimal places behind the point at `point` make, and its end.
#[inline(never)]
fn fraction(bytes: &[u8], mut digits: u64, count: usize, point: usize) -> Option<(f64, usize)> {
    let end = scan_digits(bytes, point + 1, &mut digits);
    let places = end - point - 1;
    if places == 0 || places + count > MAX_DIGITS || matches!(bytes.get(end), Some(b'e' | b'E') | None) {
        return None;
    }
    let value = if digits <= 1 << 53 {
        // Both are exact doubles, and so the one rounding is the right one (Clinger's quick case).
        digits as f64 / POWERS[places]
    } else if places <= 17 {
        quotient(digits, places)
    } else {
        return None;
    };
    Some((value, end))
}

/// The double nearest to `digits`, which are over 2^53, divided by ten to the power of `places`, which are at most 17.
#[inline(always)]
fn quotient(digits: u64, places: usize) -> f64 {
    /// Half of the mantissa's last bit, in the 64 bits that are known of the quotient, and by how much those may be too
    /// small: by one for the inverse and by one for the rest of the product; twice that after the shift.
    const HALF: u64 = 1 << 10;
    const MISSING: u64 = 4;
    let (inverse, scale) = INVERSES[places];
    let zeros = digits.leading_zeros();
    // Both factors have their highest bit, so the product has it, or the next one.
    let product = u128::from(digits << zeros) * u128::from(inverse);
    let shift = product.leading_zeros();
    let bits = (product << shift >> 64) as u64;
    let rest = bits % (2 * HALF);
    let is_down = rest + MISSING < HALF;
    if is_down || (rest > HALF && rest + MISSING < 2 * HALF) {
        let mantissa = (bits >> 11) + u64::from(!is_down);
        let exponent = 11 + 64 - (shift + zeros + scale) as i32;
        return mantissa as f64 * f64::from_bits(((1023 + exponent) as u64) << 52);
    }
    // The quotient has at least 60 bits, and its last bit stands for all that follow: it rounds like the number.
    let numerator = u128::from(digits) << 64;
    let divisor = u128::from(TENS[places]);
    let quotient = (numerator / divisor) | u128::from(numerator % divisor != 0);
    quotient as f64 / (1u128 << 64) as f64
}

/// Read digits from `at` on, appending them to `value`, which wraps around after 19; return where they end.
#[inline(always)]
fn scan_digits(bytes: &[u8], mut at: usize, value: &mut u64) -> usize {
    while let Some(word) = chunk(bytes, at) {
        let (digits, count) = leading_digits(u64::from_le_bytes(*word));
        *value = value.wrapping_mul(TENS[count]).wrapping_add(digits);
        at += count;
        if count < 8 {
            return at;
        }
    }
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    at
}

/// The value of the ASCII digits that a word begins with, the first in the lowest byte, and how many they are.
///
/// All at once: how many digits a number has is what a loop over them would have to guess.
#[inline(always)]
fn leading_digits(word: u64) -> (u64, usize) {
    // A byte that is no digit may disturb those after it, but they do not matter.
    let low = word.wrapping_sub(0x3030_3030_3030_3030);
    let high = word.wrapping_add(0x4646_4646_4646_4646);
    let others = (low | high) & 0x8080_8080_8080_8080;
    let count = others.trailing_zeros() / 8;
    if count == 0 {
        return (0, 0);
    }
    // Leading zeros take the place of the missing digits.
    let eight = low << (64 - 8 * count);
    let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8);
    let first = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let second = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    (first.wrapping_add(second) >> 32, count as usize)
}

impl Number<'_> {
    /// Whether it is digits and nothing else, but for a minus.
    pub fn is_plain(&self) -> bool {
        self.text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    }

    /// The nearest double; an error of kind `Range` if there is none but infinity.
    #[inline]
    pub fn double(&self) -> Result<f64> {
        // Both factors are exact doubles, and so the one rounding is the right one (Clinger's quick case).
        if self.digits <= 1 << 53 && self.exponent.unsigned_abs() <= 22 {
            let power = POWERS[self.exponent.unsigned_abs() as usize];
            let digits = self.digits as f64;
            let value = if self.exponent < 0 { digits / power } else { digits * power };
            return Ok(if self.is_negative { -value } else { value });
        }
        let text = std::str::from_utf8(self.text).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.error(Kind::Range, "is larger than any double")),
        }
    }

    /// The nearest float, by way of the nearest double, as protobuf's parsers do it.
    ///
    /// What is a little larger than the largest float rounds to it, as its own shortest text, 3.4028235e38, does.
    pub fn float(&self) -> Result<f32> {
        let float = self.double()? as f32;
        if float.is_infinite() {
            return Err(self.error(Kind::Range, "is larger than any float"));
        }
        Ok(float)
    }

    /// The exact integer, which must lie in the given range.
    #[inline]
    pub fn integer(&self, min: i64, max: u64) -> Result<i128> {
        let magnitude = if self.is_whole { u128::from(self.digits) } else { self.exact_magnitude()? };
        let value = if self.is_negative { -(magnitude as i128) } else { magnitude as i128 };
        if value < i128::from(min) || value > i128::from(max) {
            return Err(self.error(Kind::Range, &format!("is not in the range {min} to {max}")));
        }
        Ok(value)
    }

    /// The magnitude of a number with a point, an exponent or many digits; what is out of all ranges is just large.
    fn exact_magnitude(&self) -> Result<u128> {
        const LARGE: u128 = 1 << 100;
        let mantissa_end = self.text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(self.text.len());
        let mantissa = &self.text[..mantissa_end];
        let digits = || mantissa.iter().filter(|byte| byte.is_ascii_digit());
        if digits().all(|&digit| digit == b'0') {
            return Ok(0);
        }
        let count = i64::try_from(digits().count()).unwrap_or(i64::MAX);
        let whole = count.saturating_add(i64::from(self.exponent));
        let mut magnitude = 0u128;
        for (place, &digit) in digits().enumerate() {
            if (place as i64) >= whole {
                if digit != b'0' {
                    return Err(self.error(Kind::Integer, "is not a whole number"));
                }
            } else if magnitude < LARGE {
                magnitude = magnitude * 10 + u128::from(digit - b'0');
            }
        }
        for _ in count..whole {
            if magnitude >= LARGE {
                break;
            }
            magnitude *= 10;
        }
        Ok(magnitude)
    }

    #[cold]
    fn error(&self, kind: Kind, what: &str) -> Error {
        Error::new(kind, format!("{} {what}", quote(self.text)))
    }
}

/// Append the shortest text that reads back as the same double; the double is finite.
#[inline]
#[allow(clippy::float_cmp, reason = "the same double is meant")]
pub(crate) fn push_double(out: &mut Vec<u8>, value: f64) {
    // Whole numbers up to 10^15 are the common case, and print faster as integers.
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() < 1_000_000_000_000_000 && (whole != 0 || value.is_sign_positive())
    {
        push_integer(out, whole);
        out.extend_from_slice(b".0");
    } else {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Append the shortest text that reads back as the same float; the float is finite.
pub(crate) fn push_float(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

/// Append a decimal integer.
#[inline]
pub(crate) fn push_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Number<'_>> {
        scan(text.as_bytes(), 0).ok().filter(|number| number.text.len() == text.len())
    }

    #[test]
    fn digits_are_read_at_once() {
        for text in [
            "12345678",
            "1234567,",
            "7]      ",
            "0123.456",
            "99999999",
            "        ",
            "1\u{0}234567",
            "5\u{7f}\u{7f}12345",
            "12\u{c4}\u{b0}3456",
        ] {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            let word = u64::from_le_bytes(*text.as_bytes().first_chunk().unwrap());
            assert_eq!(leading_digits(word), (digits.parse().unwrap_or(0), digits.len()), "{text}");
        }
        for (text, expected) in [
            ("1234567, ", Some((1_234_567, 7))),
            ("-12}       ", Some((-12, 3))),
            ("0,       ", Some((0, 1))),
            ("-0,       ", None),
            ("01,       ", None),
            ("1.5,      ", None),
            ("1e5,     ", None),
            ("12345678, ", None),
            ("a        ", None),
        ] {
            assert_eq!(short_integer(text.as_bytes(), 0), expected, "{text}");
        }
    }

    #[test]
    fn short_doubles_are_the_nearest() {
        // A multiplicative generator: digits of all sorts, and those around the halves between two doubles.
        let mut state = 88_172_645_463_325_252_u64;
        for round in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = 0x3f80_0000_0000_0000 + (state >> 8 & 0x00ff_ffff_ffff_ffff);
            let text = match round % 5 {
                0 => format!("{:.*}", (state % 17) as usize + 1, f64::from_bits(bits)),
                1 => format!("{}.{}", state % 10_000_000, state >> 20),
                2 => format!("-{}.{:017}", state % 10, state % 100_000_000_000_000_000),
                3 => format!("{}{}", if state & 64 == 0 { "-" } else { "" }, state % 100),
                _ => format!("{:.15}", (state % 1_000_000) as f64 + 0.5),
            };
            if let Some((value, end)) = short_double(format!("{text},       ").as_bytes(), 0) {
                assert_eq!(end, text.len());
                assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            }
        }
        for text in
            ["01.5,      ", "1.,        ", ".5,        ", "1.5e3,     ", "1.5", "12345678.5,      ", "1e3,       "]
        {
            assert_eq!(short_double(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn the_grammar_is_jsons() {
        for text in
            ["0", "-0", "1", "-12", "0.5", "1e5", "1E+5", "1.25e-7", "123456789012345678901234567890", "0e999999999999"]
        {
            assert!(number(text).is_some(), "{text}");
        }
        for text in
            ["", "-", "+1", "01", "-01", ".5", "1.", "1.e5", "1e", "1e+", "0x10", "1_0", "NaN", "Infinity", "--1"]
        {
            assert!(number(text).is_none(), "{text}");
        }
    }

    #[test]
    fn doubles_are_the_nearest() {
        let texts = [
            "0.1",
            "5e-324",
            "1.7976931348623157e308",
            "9007199254740993",
            "123456789012345678",
            "0.30000000000000004",
            "1e22",
            "1e23",
            "8.41",
            "-122.08384519123456",
            "179769313486231570000e288",
            "0.000000000000000000000000001",
            "12345678.12345678",
            "1234567890123456789012345678901234567890",
        ];
        for text in texts {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(number(text).unwrap().double().unwrap().to_bits(), expected.to_bits(), "{text}");
        }
        assert!(number("-0.0").unwrap().double().unwrap().is_sign_negative());
        assert_eq!(number("1e400").unwrap().double().unwrap_err().kind(), Kind::Range);
        assert_eq!(number("3.5e38").unwrap().float().unwrap_err().kind(), Kind::Range);
        assert_eq!(number("3.4028235e38").unwrap().float().unwrap().to_bits(), f32::MAX.to_bits());
    }

    #[test]
    fn integers_are_exact() {
        let cases = [
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("1e18", 1_000_000_000_000_000_000),
            ("-0", 0),
            ("-0.0", 0),
            ("1.50e1", 15),
            ("100e-2", 1),
            ("0e99999999999", 0),
            ("0.0e-99999999999", 0),
            ("-9223372036854775808", i128::from(i64::MIN)),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("1844674407370955161.5e1", i128::from(u64::MAX)),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).unwrap().integer(i64::MIN, u64::MAX).unwrap(), expected, "{text}");
        }
        for (text, kind) in [
            ("1.5", Kind::Integer),
            ("1e-1", Kind::Integer),
            ("18446744073709551616", Kind::Range),
            ("1e400", Kind::Range),
            ("1e99999999999", Kind::Range),
            ("0.00001e-99999999999", Kind::Integer),
        ] {
            assert_eq!(number(text).unwrap().integer(i64::MIN, u64::MAX).unwrap_err().kind(), kind, "{text}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for value in
            [0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, f64::MAX, 1e15, 1e16, 1e21, 123_456_789.0, 9_007_199_254_740_993.0]
        {
            let mut text = Vec::new();
            push_double(&mut text, value);
            let text = String::from_utf8(text).unwrap();
            assert_eq!(number(&text).unwrap().double().unwrap().to_bits(), value.to_bits(), "{text}");
        }
    }
}
