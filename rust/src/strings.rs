//! JSON strings: read into and written from UTF-8, eight bytes at a time.

use crate::error::{Error, Kind, Result};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The lowest bit set is the highest bit of the first byte that a JSON string cannot hold as it is: `"`, `\`, a control.
#[inline(always)]
fn special(word: u64) -> u64 {
    let zero = |value: u64| value.wrapping_sub(ONES) & !value;
    let quote = zero(word ^ (ONES * 0x22));
    let backslash = zero(word ^ (ONES * 0x5c));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGH
}

#[inline(always)]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[inline(always)]
pub(crate) fn chunk(bytes: &[u8], at: usize) -> Option<&[u8; 8]> {
    bytes.get(at..).and_then(|rest| rest.first_chunk())
}

/// The first byte from `at` on that is special, or the end.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = chunk(bytes, at) {
        let mask = special(u64::from_le_bytes(*word));
        if mask != 0 {
            return at + mask.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| !is_special(byte)) {
        at += 1;
    }
    at
}

/// Append the string whose first byte (after the quotation mark) is at `at`; return the byte after its end.
///
/// The input is UTF-8, as the caller has made sure.
#[inline]
pub(crate) fn read(bytes: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize> {
    loop {
        if let Some(word) = chunk(bytes, at) {
            // Copied whole, then cut: a copy of fixed size is one instruction.
            out.extend_from_slice(word);
            let mask = special(u64::from_le_bytes(*word));
            if mask == 0 {
                at += 8;
                continue;
            }
            let plain = mask.trailing_zeros() as usize / 8;
            out.truncate(out.len() - 8 + plain);
            at += plain;
        } else {
            let end = plain_end(bytes, at);
            out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
            at = end;
        }
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => {
                let (code, next) = escape(bytes, at)?;
                let Some(character) = char::from_u32(code) else {
                    return Err(Error::at(Kind::Value, at, "half a surrogate pair, which UTF-8 cannot hold"));
                };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at = next;
            }
            _ => return Err(broken(bytes, at)),
        }
    }
}

/// Skip a string as `read` reads it, but for lone surrogates, which are allowed: nobody is going to hold this string.
#[inline]
pub(crate) fn skip(bytes: &[u8], mut at: usize) -> Result<usize> {
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at)?.1,
            _ => return Err(broken(bytes, at)),
        }
    }
}

/// The code point of the escape at `at`, and the byte after it. A surrogate pair is one escape; half of one is itself.
fn escape(bytes: &[u8], at: usize) -> Result<(u32, usize)> {
    let code = match bytes.get(at + 1) {
        Some(b'u') => {
            let code = hex(bytes, at + 2)?;
            if (0xd800..0xdc00).contains(&code) && bytes.get(at + 6) == Some(&b'\\') && bytes.get(at + 7) == Some(&b'u')
            {
                let low = hex(bytes, at + 8)?;
                if (0xdc00..0xe000).contains(&low) {
                    return Ok((0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), at + 12));
                }
            }
            // Half a pair is whole where the input goes on with something else; at its end, nobody knows.
            let rest = bytes.get(at + 6..).unwrap_or_default();
            if (0xd800..0xdc00).contains(&code) && b"\\u".starts_with(rest) {
                return Err(broken(bytes, bytes.len()));
            }
            return Ok((code, at + 6));
        }
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => 10,
        Some(b'r') => 13,
        Some(b't') => 9,
        Some(&byte @ (b'"' | b'\\' | b'/')) => u32::from(byte),
        Some(_) => return Err(Error::at(Kind::Json, at, "a string has an escape that JSON does not know")),
        None => return Err(broken(bytes, bytes.len())),
    };
    Ok((code, at + 2))
}

fn hex(bytes: &[u8], at: usize) -> Result<u32> {
    let mut code = 0;
    for index in at..at + 4 {
        let digit = match bytes.get(index) {
            Some(&byte) => (byte as char).to_digit(16),
            None => return Err(broken(bytes, bytes.len())),
        };
        let Some(digit) = digit else {
            return Err(Error::at(Kind::Json, index, "a \\u escape is not four hexadecimal digits"));
        };
        code = code << 4 | digit;
    }
    Ok(code)
}

#[cold]
fn broken(bytes: &[u8], at: usize) -> Error {
    match bytes.get(at) {
        Some(byte) => Error::at(Kind::Json, at, format!("a string has the control character {byte:#04x} as it is")),
        None => Error::at(Kind::Eof, bytes.len(), "not JSON: the input ends inside a string"),
    }
}

/// Whether `text` is UTF-8.
#[inline]
pub(crate) fn is_utf8(text: &[u8]) -> bool {
    simdutf8::basic::from_utf8(text).is_ok()
}

/// Append `text` as a JSON string.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text.as_bytes());
    out.push(b'"');
}

/// Append a string of the wire as a JSON string; false, and something appended, if it is not UTF-8.
#[inline]
pub(crate) fn push_quoted_bytes(out: &mut Vec<u8>, text: &[u8]) -> bool {
    out.push(b'"');
    let seen = push_escaped(out, text);
    out.push(b'"');
    seen & HIGH == 0 || is_utf8(text)
}

/// Append `text` with what JSON cannot hold escaped; return all of its words, or-ed: are there any but ASCII?
#[inline]
fn push_escaped(out: &mut Vec<u8>, text: &[u8]) -> u64 {
    let mut at = 0;
    let mut seen = 0;
    loop {
        if let Some(word) = chunk(text, at) {
            out.extend_from_slice(word);
            let word = u64::from_le_bytes(*word);
            seen |= word;
            let mask = special(word);
            if mask == 0 {
                at += 8;
                continue;
            }
            let plain = mask.trailing_zeros() as usize / 8;
            out.truncate(out.len() - 8 + plain);
            at += plain;
        } else {
            // The last bytes, fewer than eight.
            let rest = text.get(at..).unwrap_or_default();
            let plain = rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len());
            for &byte in &rest[..plain] {
                seen |= u64::from(byte);
                out.push(byte);
            }
            at += plain;
        }
        match text.get(at) {
            Some(&byte) => push_escape(out, byte),
            None => return seen,
        }
        at += 1;
    }
}

#[cold]
fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for byte in 0..=255 {
            for place in 0..8 {
                let mut word = [b'a'; 8];
                word[place] = byte;
                let mask = special(u64::from_le_bytes(word));
                let found = (mask != 0).then(|| mask.trailing_zeros() as usize / 8);
                assert_eq!(found, is_special(byte).then_some(place), "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn strings_and_back() {
        for text in
            ["", "a", "seven b", "eight by", "\"\\/\u{0}\u{1f}\u{7f}\u{8}\t\n\u{c}\r é 🌍 nine bytes and more\u{2028}"]
        {
            let mut json = Vec::new();
            assert!(push_quoted_bytes(&mut json, text.as_bytes()));
            let mut out = Vec::new();
            assert_eq!(read(&json, 1, &mut out).unwrap(), json.len());
            assert_eq!(skip(&json, 1).unwrap(), json.len());
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn what_is_not_utf8_is_noticed() {
        for text in [&b"\xff"[..], b"long enough \xed\xa0\x80", b"\xc0\xaf and more", b"12345678\xe2\x82"] {
            assert!(!push_quoted_bytes(&mut Vec::new(), text));
        }
    }
}
