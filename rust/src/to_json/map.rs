//! Maps, and the google.protobuf.Struct and its kin.

use std::borrow::Cow;

use super::object::next_of;
use super::{deeper, scalar, Printer};
use crate::distinct::{fingerprint, Distinct, Key};
use crate::error::{Error, Kind, Result};
use crate::plan::{Field, Type};
use crate::wire::{Part, Reader, Tag, LENGTH};

/// One entry of a map, as far as it was there.
#[derive(Default)]
struct Entry {
    key: Option<Part>,
    /// The value; of a message that came in several parts the first.
    value: Option<Part>,
    /// The further parts.
    more: Vec<Part>,
}

/// The types of an entry's key and value: how they are read.
#[derive(Clone, Copy)]
struct EntryType<'a> {
    key: Type,
    /// None: a google.protobuf.Value.
    value: Option<&'a Field>,
}

const STRUCT_ENTRY: EntryType<'static> = EntryType { key: Type::String, value: None };
/// The tag of `fields` of Struct.
const FIELDS: Tag = Tag { number: 1, wire_type: LENGTH };

impl EntryType<'_> {
    fn value_wire_type(self) -> u32 {
        self.value.map_or(LENGTH, |field| field.value.wire_type())
    }

    fn merges(self) -> bool {
        self.value.is_none_or(|field| matches!(field.value, Type::Message(_) | Type::Group(_)))
    }
}

impl<'a> Printer<'a> {
    /// Print the entries from the one whose tag was read to the last; each must have a key and a value, in this order.
    pub(super) fn map_in_order(&mut self, field: &'a Field, reader: &mut Reader<'a>, depth: u32) -> Result<bool> {
        let types = self.entry_type(field)?;
        self.out.push(b'{');
        let start = self.out.len();
        let keys = self.keys.len();
        let depth = deeper(depth, reader.at)?;
        loop {
            let payload = reader.payload()?;
            self.entry_in_order(types, payload, depth, start)?;
            if next_of(field, reader).is_none() {
                break;
            }
            reader.tag()?;
        }
        self.require_distinct_keys(keys)?;
        let is_there = self.out.len() > start;
        self.out.push(b'}');
        Ok(is_there)
    }

    fn struct_in_order(&mut self, part: Part, depth: u32) -> Result<()> {
        self.out.push(b'{');
        let start = self.out.len();
        let keys = self.keys.len();
        let mut reader = Reader::new(self.input, part);
        while !reader.is_done() {
            let tag = reader.tag()?;
            if tag == FIELDS {
                let entry = deeper(depth, reader.at)?;
                let payload = reader.payload()?;
                self.entry_in_order(STRUCT_ENTRY, payload, entry, start)?;
            } else {
                reader.value(tag, depth)?;
            }
        }
        self.require_distinct_keys(keys)?;
        self.out.push(b'}');
        Ok(())
    }

    #[inline(always)]
    fn entry_in_order(&mut self, types: EntryType<'a>, payload: Part, depth: u32, start: usize) -> Result<()> {
        let mark = self.out.len();
        if mark > start {
            self.out.push(b',');
        }
        let mut reader = Reader::new(self.input, payload);
        if !reader.take(1 << 3 | types.key.wire_type() as u8) {
            return Err(self.disordered());
        }
        let key = reader.value(Tag { number: 1, wire_type: types.key.wire_type() }, depth)?;
        let print = if types.key == Type::String {
            self.string(key)?;
            fingerprint(self.bytes(key))
        } else {
            self.quoted_key(types.key, Some(key))?;
            fingerprint(&self.key_text(types.key, Some(key))?)
        };
        self.keys.push(Key::new(print, 0, 0));
        self.out.push(b':');
        let value_tag = Tag { number: 2, wire_type: types.value_wire_type() };
        if !reader.take(2 << 3 | value_tag.wire_type as u8) {
            return Err(self.disordered());
        }
        let outcome = match types.value {
            Some(field) => self.single(field, value_tag, &mut reader, depth, false),
            None => reader.payload().and_then(|value| {
                let depth = deeper(depth, value.start)?;
                self.value_message(&[value], depth).map(|()| true)
            }),
        };
        match outcome {
            Ok(is_there) if reader.is_done() => {
                if !is_there {
                    self.out.truncate(mark);
                }
                Ok(())
            }
            Ok(_) => Err(self.disordered()),
            Err(error) => Err(error.inside(&self.key_text(types.key, Some(key)).unwrap_or_default())),
        }
    }

    /// The keys noted since there were `base` must differ, if only by their fingerprints: carefully, it is looked into.
    #[inline]
    fn require_distinct_keys(&mut self, base: usize) -> Result<()> {
        let keys = &self.keys[base..];
        if keys.len() > 1 && !self.distinct.are_all(keys) {
            return Err(self.disordered());
        }
        self.keys.truncate(base);
        Ok(())
    }

    fn entry_type(&self, field: &Field) -> Result<EntryType<'a>> {
        let plan = self.plan;
        let fields = match field.value {
            Type::Message(index) => &plan.messages[index].fields[..],
            _ => &[],
        };
        match fields {
            [key, value] => Ok(EntryType { key: key.value, value: Some(value) }),
            _ => Err(Error::new(Kind::Bug, "a map entry that is not a key and a value")),
        }
    }

    /// Print a map of the given entries; false if there are none. `depth` is that of the message around the map.
    pub(super) fn map(&mut self, field: &Field, payloads: &[Part], depth: u32) -> Result<bool> {
        let types = self.entry_type(field)?;
        self.entries(types, payloads, depth)
    }

    pub(super) fn struct_message(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        if let (&[part], false) = (parts, self.is_careful) {
            return self.struct_in_order(part, depth);
        }
        let mut payloads = Vec::new();
        self.payloads(parts, depth, &mut payloads)?;
        self.entries(STRUCT_ENTRY, &payloads, depth)?;
        Ok(())
    }

    /// The payloads of field 1.
    fn payloads(&self, parts: &[Part], depth: u32, payloads: &mut Vec<Part>) -> Result<()> {
        for &part in parts {
            let mut reader = Reader::new(self.input, part);
            while !reader.is_done() {
                let tag = reader.tag()?;
                let value = reader.value(tag, depth)?;
                if tag == FIELDS {
                    payloads.push(value);
                }
            }
        }
        Ok(())
    }

    /// Print entries; of those with the same key the last.
    fn entries(&mut self, types: EntryType<'_>, payloads: &[Part], depth: u32) -> Result<bool> {
        self.out.push(b'{');
        let start = self.out.len();
        if let Some(first) = payloads.first() {
            let depth = deeper(depth, first.start)?;
            let undone = self.undone(types, payloads, depth)?;
            for (index, &payload) in payloads.iter().enumerate() {
                let mark = self.out.len();
                if mark > start {
                    self.out.push(b',');
                }
                if undone.binary_search(&index).is_ok() {
                    self.check(|printer| printer.entry(types, payload, depth))?;
                    self.out.truncate(mark);
                } else if !self.entry(types, payload, depth)? {
                    self.out.truncate(mark);
                }
            }
        }
        let is_there = self.out.len() > start;
        self.out.push(b'}');
        Ok(is_there)
    }

    /// The indices of the entries whose key comes again later, in order.
    fn undone(&mut self, types: EntryType<'_>, payloads: &[Part], depth: u32) -> Result<Vec<usize>> {
        if payloads.len() < 2 {
            return Ok(Vec::new());
        }
        let base = self.keys.len();
        for (at, &payload) in payloads.iter().enumerate() {
            let key = self.read_entry(types, payload, depth)?.key;
            let print = fingerprint(&self.key_text(types.key, key)?);
            self.keys.push(Key::new(print, at, 0));
        }
        let keys = self.keys.split_off(base);
        let key_of = |at: usize| -> Vec<u8> {
            let key = self.read_entry(types, payloads[at], depth).map(|entry| entry.key).unwrap_or_default();
            self.key_text(types.key, key).unwrap_or_default().into_owned()
        };
        let mut undone = Distinct::default().repeated(&keys, key_of);
        undone.sort_unstable();
        Ok(undone)
    }

    /// Where the key and the value of an entry lie.
    #[inline]
    fn read_entry(&self, types: EntryType<'_>, payload: Part, depth: u32) -> Result<Entry> {
        let mut entry = Entry::default();
        let mut reader = Reader::new(self.input, payload);
        while !reader.is_done() {
            let tag = reader.tag()?;
            let part = reader.value(tag, depth)?;
            if tag.number == 1 && tag.wire_type == types.key.wire_type() {
                let undone = entry.key.replace(part);
                if types.key == Type::String {
                    self.undo_string(undone)?;
                }
            } else if tag.number == 2 && tag.wire_type == types.value_wire_type() {
                if types.merges() && entry.value.is_some() {
                    entry.more.push(part);
                } else {
                    let undone = entry.value.replace(part);
                    if types.value.is_some_and(|field| field.value == Type::String) {
                        self.undo_string(undone)?;
                    }
                }
            }
        }
        Ok(entry)
    }

    /// A key as JSON has it, between its quotation marks and not yet escaped.
    #[inline]
    fn key_text(&self, key: Type, part: Option<Part>) -> Result<Cow<'a, [u8]>> {
        if key == Type::String {
            return Ok(Cow::Borrowed(part.map_or(b"", |part| self.bytes(part))));
        }
        let bits = part.map_or(Ok(0), |part| scalar::read(key, &mut Reader::new(self.input, part)))?;
        Ok(Cow::Owned(match key {
            Type::Bool if bits != 0 => b"true".to_vec(),
            Type::Bool => b"false".to_vec(),
            Type::Uint64 | Type::Fixed64 | Type::Uint32 | Type::Fixed32 => bits.to_string().into_bytes(),
            _ => (bits as i64).to_string().into_bytes(),
        }))
    }

    fn quoted_key(&mut self, key: Type, part: Option<Part>) -> Result<()> {
        let text = self.key_text(key, part)?;
        self.out.push(b'"');
        self.out.extend_from_slice(&text);
        self.out.push(b'"');
        Ok(())
    }

    /// Print one entry, which lies at `depth`; false if its value counts as not there.
    #[inline]
    fn entry(&mut self, types: EntryType<'_>, payload: Part, depth: u32) -> Result<bool> {
        let entry = self.read_entry(types, payload, depth)?;
        if types.key == Type::String {
            self.string(entry.key.unwrap_or(Part { start: payload.start, end: payload.start }))?;
        } else {
            self.quoted_key(types.key, entry.key)?;
        }
        self.out.push(b':');
        let outcome = self.entry_value(types, &entry, payload, depth);
        outcome.map_err(|error| error.inside(&self.key_text(types.key, entry.key).unwrap_or_default()))
    }

    #[inline]
    fn entry_value(&mut self, types: EntryType<'_>, entry: &Entry, payload: Part, depth: u32) -> Result<bool> {
        let nothing = Part { start: payload.end, end: payload.end };
        let value = entry.value.unwrap_or(nothing);
        let Some(field) = types.value else {
            return self.merged(None, value, &entry.more, deeper(depth, value.start)?).map(|()| true);
        };
        match field.value {
            Type::Message(index) | Type::Group(index) => {
                self.merged(Some(index), value, &entry.more, deeper(depth, value.start)?)?;
            }
            Type::String => self.string(value)?,
            Type::Bytes => self.base64(self.bytes(value)),
            kind => {
                let bits = match entry.value {
                    Some(part) => scalar::read(kind, &mut Reader::new(self.input, part))?,
                    None => 0,
                };
                if self.is_foreign(kind, bits) {
                    return Ok(false);
                }
                self.scalar(kind, bits);
            }
        }
        Ok(true)
    }

    /// Print a message, or a google.protobuf.Value, that came in one part or more.
    #[inline]
    fn merged(&mut self, index: Option<usize>, first: Part, more: &[Part], depth: u32) -> Result<()> {
        let all;
        let parts = if more.is_empty() {
            &[first][..]
        } else {
            all = [&[first], more].concat();
            &all
        };
        match index {
            Some(index) => self.message(index, parts, depth),
            None => self.value_message(parts, depth),
        }
    }
}
