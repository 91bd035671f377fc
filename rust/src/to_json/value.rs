//! google.protobuf.Value and ListValue.

use super::{deeper, Printer};
use crate::error::Result;
use crate::plan::Type;
use crate::wire::{Part, Reader, Tag, FIXED64, LENGTH, VARINT};

/// The tag of `values` of ListValue.
const VALUES: Tag = Tag { number: 1, wire_type: LENGTH };

impl Printer<'_> {
    pub(super) fn list_message(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        self.out.push(b'[');
        let start = self.out.len();
        let mut index = 0;
        for &part in parts {
            let mut reader = Reader::new(self.input, part);
            while !reader.is_done() {
                let tag = reader.tag()?;
                let value = reader.value(tag, depth)?;
                if tag == VALUES {
                    if self.out.len() > start {
                        self.out.push(b',');
                    }
                    let depth = deeper(depth, value.start)?;
                    self.value_message(&[value], depth).map_err(|error| error.inside_list(index))?;
                    index += 1;
                }
            }
        }
        self.out.push(b']');
        Ok(())
    }

    /// Print a google.protobuf.Value. Its kinds are a oneof: the last wins, and merges with those of its kind before it.
    #[inline]
    pub(super) fn value_message(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        if let [part] = *parts {
            let mut reader = Reader::new(self.input, part);
            if !reader.is_done() {
                let tag = reader.tag()?;
                let value = reader.value(tag, depth)?;
                if reader.is_done() {
                    return self.value_kind(tag, &[value], depth);
                }
            }
        }
        self.value_in_pieces(parts, depth)
    }

    #[inline(never)]
    fn value_in_pieces(&mut self, parts: &[Part], depth: u32) -> Result<()> {
        let mut last = None;
        let mut pieces: Vec<Part> = Vec::new();
        for &part in parts {
            let mut reader = Reader::new(self.input, part);
            while !reader.is_done() {
                let tag = reader.tag()?;
                let value = reader.value(tag, depth)?;
                if !matches!((tag.number, tag.wire_type), (1 | 4, VARINT) | (2, FIXED64) | (3 | 5 | 6, LENGTH)) {
                    continue;
                }
                if last != Some(tag) || matches!(tag.number, 1..=4) {
                    // What is undone must be well-formed all the same.
                    let undone = std::mem::take(&mut pieces);
                    if let (Some(tag), false) = (last, undone.is_empty()) {
                        self.check(|printer| printer.value_kind(tag, &undone, depth))?;
                    }
                }
                pieces.push(value);
                last = Some(tag);
            }
        }
        if let Some(tag) = last {
            return self.value_kind(tag, &pieces, depth);
        }
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    /// Print a Value of the kind that `tag` says.
    #[inline]
    fn value_kind(&mut self, tag: Tag, parts: &[Part], depth: u32) -> Result<()> {
        let part = parts[parts.len() - 1];
        match (tag.number, tag.wire_type) {
            (2, FIXED64) => self.value_number(&mut Reader::new(self.input, part)),
            (3, LENGTH) => self.string(part),
            (4, VARINT) => {
                let bits = Reader::new(self.input, part).varint()?;
                self.scalar(Type::Bool, bits);
                Ok(())
            }
            (5, LENGTH) => self.struct_message(parts, deeper(depth, part.start)?),
            (6, LENGTH) => self.list_message(parts, deeper(depth, part.start)?),
            // Null, or nothing that a Value has: then it has no kind, which JSON can only call null.
            _ => {
                self.out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}
