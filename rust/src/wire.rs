//! The protobuf wire format: a reader over a part of the input, and the sizes and bytes of varints.
//!
//! What is refused is what upb refuses, so that no message is JSON here and an error there
//! (<https://protobuf.dev/programming-guides/encoding/>).

use crate::error::{Error, Kind, Result};

/// How deep messages may nest below the outermost one, map entries and groups counted: what upb reads.
pub const MAX_DEPTH: u32 = 100;

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const LENGTH: u32 = 2;
pub const START_GROUP: u32 = 3;
pub const END_GROUP: u32 = 4;
pub const FIXED32: u32 = 5;

/// Payloads and messages are smaller than 2 GiB.
const MAX_LENGTH: u64 = i32::MAX as u64;

/// A field's number and wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub number: u32,
    pub wire_type: u32,
}

/// A range of the input that holds one payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub start: usize,
    pub end: usize,
}

/// Reads one part of the input; `at` counts from the start of the whole input, so that it can be told in errors.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of `part` of `input`. An empty reader if the input has no such part.
    #[inline]
    pub fn new(input: &'a [u8], part: Part) -> Self {
        Reader { bytes: input.get(..part.end).unwrap_or_default(), at: part.start }
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64> {
        match self.bytes.get(self.at..) {
            Some([byte @ 0..=0x7f, ..]) => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            Some([low, high @ 0..=0x7f, ..]) => {
                self.at += 2;
                Ok(u64::from(low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    /// Take one byte, if it is the next.
    #[inline(always)]
    pub fn take(&mut self, byte: u8) -> bool {
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut value = 0;
        for (index, &byte) in rest.iter().take(10).enumerate() {
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.at += index + 1;
                return Ok(value);
            }
        }
        if rest.len() < 10 {
            return Err(self.ends("a varint"));
        }
        Err(Error::at(Kind::Wire, self.at, "a varint has more than 64 bits"))
    }

    /// The next tag.
    #[inline(always)]
    pub fn tag(&mut self) -> Result<Tag> {
        let start = self.at;
        let value = self.varint()?;
        let tag = Tag { number: (value >> 3) as u32 & 0x1fff_ffff, wire_type: (value & 7) as u32 };
        if tag.number == 0 || value > u64::from(u32::MAX) || self.at - start > 5 || tag.wire_type > FIXED32 {
            return Err(impossible(start, "tag", value));
        }
        Ok(tag)
    }

    /// The payload that follows a tag of type `LENGTH`.
    #[inline(always)]
    pub fn payload(&mut self) -> Result<Part> {
        let start = self.at;
        let length = self.varint()?;
        if length > MAX_LENGTH || self.at - start > 5 {
            return Err(impossible(start, "length", length));
        }
        let part = Part { start: self.at, end: self.at + length as usize };
        if part.end > self.bytes.len() {
            return Err(self.ends("a payload"));
        }
        self.at = part.end;
        Ok(part)
    }

    #[inline]
    pub fn fixed32(&mut self) -> Result<u32> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(chunk) => {
                self.at += 4;
                Ok(u32::from_le_bytes(*chunk))
            }
            None => Err(self.ends("a fixed32")),
        }
    }

    #[inline]
    pub fn fixed64(&mut self) -> Result<u64> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(chunk) => {
                self.at += 8;
                Ok(u64::from_le_bytes(*chunk))
            }
            None => Err(self.ends("a fixed64")),
        }
    }

    /// Skip the value of a field, and return where it lies: for a group, without its end tag.
    ///
    /// `depth` is that of the message around the field.
    #[inline]
    pub fn value(&mut self, tag: Tag, depth: u32) -> Result<Part> {
        let start = self.at;
        match tag.wire_type {
            LENGTH => return self.payload(),
            VARINT => drop(self.varint()?),
            FIXED32 => drop(self.fixed32()?),
            FIXED64 => drop(self.fixed64()?),
            START_GROUP => return self.group(tag.number, depth),
            _ => return Err(Error::at(Kind::Wire, start, "a group ends that did not start")),
        }
        Ok(Part { start, end: self.at })
    }

    /// Skip a group without recursion: its nesting is the sender's choice.
    fn group(&mut self, number: u32, depth: u32) -> Result<Part> {
        let start = self.at;
        let mut open = vec![number];
        loop {
            if depth as usize + open.len() > MAX_DEPTH as usize {
                return Err(Error::at(Kind::Depth, self.at, "groups nest deeper than 100 levels"));
            }
            let end = self.at;
            if self.is_done() {
                return Err(self.ends("a group"));
            }
            let tag = self.tag()?;
            match tag.wire_type {
                START_GROUP => open.push(tag.number),
                END_GROUP => {
                    if open.pop() != Some(tag.number) {
                        return Err(Error::at(Kind::Wire, end, "a group ends that did not start"));
                    }
                    if open.is_empty() {
                        return Ok(Part { start, end });
                    }
                }
                _ => drop(self.value(tag, depth)?),
            }
        }
    }

    #[cold]
    fn ends(&self, what: &str) -> Error {
        Error::at(Kind::Wire, self.bytes.len(), format!("the message ends inside {what}"))
    }
}

#[cold]
#[inline(never)]
fn impossible(at: usize, what: &str, value: u64) -> Error {
    Error::at(Kind::Wire, at, format!("a field has the impossible {what} {value}"))
}

/// The number of bytes of a varint.
#[inline]
pub fn varint_length(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Append a varint.
#[inline]
pub fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed integer as sint32 and sint64 are encoded.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of `zigzag`.
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_long_as_told() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                push_varint(&mut bytes, value);
                assert_eq!(bytes.len(), varint_length(value), "{value}");
                let mut reader = Reader::new(&bytes, Part { start: 0, end: bytes.len() });
                assert_eq!(reader.varint().unwrap(), value);
                assert!(reader.is_done());
            }
        }
    }

    #[test]
    fn zigzag_and_back() {
        for value in [0, -1, 1, i64::MIN, i64::MAX, i64::from(i32::MIN)] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }
}
