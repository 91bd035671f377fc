//! The other well-known types: those that are a string in JSON, wrappers, and google.protobuf.Any.

use super::{deeper, not_utf8, scalar, Printer};
use crate::error::{quote, Result};
use crate::plan::{Message, Shape, Type};
use crate::time::{push_duration, push_timestamp, Time};
use crate::wire::{Part, Reader, Tag, LENGTH, VARINT};

impl<'a> Printer<'a> {
    pub(super) fn timestamp(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        self.time("google.protobuf.Timestamp", push_timestamp, parts, depth)
    }

    pub(super) fn duration(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        self.time("google.protobuf.Duration", push_duration, parts, depth)
    }

    fn time(
        &mut self,
        name: &str,
        push: fn(&mut Vec<u8>, Time) -> std::result::Result<(), &'static str>,
        parts: &[Part],
        depth: u32,
    ) -> Result<()> {
        let mut time: Time = (0, 0);
        self.fields(parts, depth, |input, tag, part| {
            match tag {
                Tag { number: 1, wire_type: VARINT } => time.0 = Reader::new(input, part).varint()? as i64,
                Tag { number: 2, wire_type: VARINT } => time.1 = Reader::new(input, part).varint()? as i32,
                _ => {}
            }
            Ok(())
        })?;
        self.out.push(b'"');
        if let Err(what) = push(&mut self.out, time) {
            return self.no_json_form(start(parts), format!("a {name} that {what}, so that it has no JSON form"));
        }
        self.out.push(b'"');
        Ok(())
    }

    pub(super) fn field_mask(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        let mut paths = Vec::new();
        self.fields(parts, depth, |_, tag, part| {
            if tag == (Tag { number: 1, wire_type: LENGTH }) {
                paths.push(part);
            }
            Ok(())
        })?;
        let mut text = String::new();
        for (index, &part) in paths.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let path = std::str::from_utf8(self.bytes(part)).map_err(|_| not_utf8(part))?;
            let camel = camel_case(path, &mut text);
            if !camel {
                let what = format!(
                    "a google.protobuf.FieldMask with the path {}, which no JSON reads back",
                    quote(path.as_bytes())
                );
                self.no_json_form(part.start, what)?;
            }
        }
        crate::strings::push_quoted(&mut self.out, &text);
        Ok(())
    }

    /// A wrapper is printed as its value, a missing one as the default.
    pub(super) fn wrapper(&mut self, message: &'a Message, parts: &[Part], depth: u32) -> Result<()> {
        let kind = message.fields[0].value;
        let wire_type = kind.wire_type();
        let mut value = None;
        self.fields(parts, depth, |_, tag, part| {
            if tag == (Tag { number: 1, wire_type }) {
                let undone = value.replace(part);
                return if kind == Type::String { self.undo_string(undone) } else { Ok(()) };
            }
            Ok(())
        })?;
        let nothing = Part { start: start(parts), end: start(parts) };
        match kind {
            Type::String => self.string(value.unwrap_or(nothing))?,
            Type::Bytes => self.base64(self.bytes(value.unwrap_or(nothing))),
            _ => {
                let bits = value.map_or(Ok(0), |part| scalar::read(kind, &mut Reader::new(self.input, part)))?;
                self.scalar(kind, bits);
            }
        }
        Ok(())
    }

    /// What an Any holds counts as a level, as a field of its type would.
    pub(super) fn any(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        let nothing = Part { start: start(parts), end: start(parts) };
        let (mut url, mut value) = (nothing, nothing);
        self.fields(parts, depth, |_, tag, part| {
            match tag {
                Tag { number: 1, wire_type: LENGTH } => {
                    return self.undo_string(Some(std::mem::replace(&mut url, part)))
                }
                Tag { number: 2, wire_type: LENGTH } => value = part,
                _ => {}
            }
            Ok(())
        })?;
        if url.start == url.end && value.start == value.end {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        let inner = deeper(depth, value.start)?;
        let name = std::str::from_utf8(self.bytes(url)).map_err(|_| not_utf8(url))?;
        if self.is_checking {
            return Ok(()); // what it holds is bytes to its parser
        }
        let plan = self.plan;
        let index = plan.type_of_url(name).map_err(|error| error.or_at(url.start))?;
        self.out.push(b'{');
        let members = self.out.len();
        self.out.extend_from_slice(b"\"@type\":");
        self.string(url)?;
        let message = &plan.messages[index];
        if message.shape == Shape::Object {
            self.members(message, &[value], inner, members)?;
        } else {
            self.out.extend_from_slice(b",\"value\":");
            self.message(index, &[value], inner).map_err(|error| error.inside(b"value"))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Call `visit` with the tag and the value of each field.
    fn fields(
        &self,
        parts: &[Part],
        depth: u32,
        mut visit: impl FnMut(&'a [u8], Tag, Part) -> Result<()>,
    ) -> Result<()> {
        for &part in parts {
            let mut reader = Reader::new(self.input, part);
            while !reader.is_done() {
                let tag = reader.tag()?;
                let value = reader.value(tag, depth)?;
                visit(self.input, tag, value)?;
            }
        }
        Ok(())
    }
}

fn start(parts: &[Part]) -> usize {
    parts.first().map_or(0, |part| part.start)
}

/// Append a path in camel case; false if it would not read back as the same path.
fn camel_case(path: &str, out: &mut String) -> bool {
    let mut after_underscore = false;
    for character in path.chars() {
        if character.is_uppercase() || (after_underscore && !character.is_lowercase()) {
            return false;
        }
        if after_underscore {
            out.extend(character.to_uppercase());
            after_underscore = false;
        } else if character == '_' {
            after_underscore = true;
        } else {
            out.push(character);
        }
    }
    !after_underscore
}
