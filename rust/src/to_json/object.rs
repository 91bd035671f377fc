//! Messages, their fields and lists.

use super::{deeper, scalar, Printer};
use crate::error::Result;
use crate::plan::{Cardinality, Field, Message, Type};
use crate::seen::Seen;
use crate::wire::{Part, Reader, Tag, LENGTH};

/// Where one occurrence of a field lies.
#[derive(Clone, Copy)]
struct Occurrence {
    /// Index of the field.
    field: usize,
    tag: Tag,
    /// Where its value begins, behind the tag.
    at: usize,
    part: Part,
}

/// Whether a tag is one of the field: anything else under its number is an unknown field.
#[inline(always)]
fn fits(field: &Field, tag: Tag) -> bool {
    let own = field.value.wire_type();
    tag.wire_type == own || (tag.wire_type == LENGTH && is_packable(field))
}

fn is_packable(field: &Field) -> bool {
    matches!(field.cardinality, Cardinality::Repeated { .. })
        && !matches!(field.value, Type::String | Type::Bytes | Type::Message(_) | Type::Group(_))
}

impl<'a> Printer<'a> {
    pub(super) fn object(&mut self, message: &'a Message, parts: &[Part], depth: u32) -> Result<()> {
        self.out.push(b'{');
        let start = self.out.len();
        self.members(message, parts, depth, start)?;
        self.out.push(b'}');
        Ok(())
    }

    /// Print the members of an object whose first byte after the brace is `start`.
    pub(super) fn members(&mut self, message: &'a Message, parts: &[Part], depth: u32, start: usize) -> Result<()> {
        let mut printed = Seen::default();
        match *parts {
            [part] if !self.is_careful => self.members_in_order(message, part, depth, start, &mut printed)?,
            _ => self.members_gathered(message, parts, depth, start, &mut printed)?,
        }
        if self.plan.options.always_print_fields_with_no_presence {
            self.defaults(message, start, &mut printed);
        }
        Ok(())
    }

    /// Print members as they come, as long as they come by number, and one of a oneof at most.
    fn members_in_order(
        &mut self,
        message: &'a Message,
        part: Part,
        depth: u32,
        start: usize,
        printed: &mut Seen,
    ) -> Result<()> {
        let mut reader = Reader::new(self.input, part);
        let mut next = 0;
        let mut oneofs = Seen::default();
        while !reader.is_done() {
            let tag = reader.tag()?;
            let index = match message.index_of_number(tag.number) {
                Some(index) if fits(&message.fields[index], tag) => index,
                _ => {
                    reader.value(tag, depth)?;
                    continue;
                }
            };
            let field = &message.fields[index];
            if index < next || field.oneof.is_some_and(|oneof| oneofs.again(oneof)) {
                return Err(self.disordered());
            }
            next = index + 1;
            let mark = self.label(field, start);
            let is_there = match field.cardinality {
                Cardinality::Singular { implicit } => self.single(field, tag, &mut reader, depth, implicit),
                Cardinality::Repeated { .. } => self.list_in_order(field, tag, &mut reader, depth),
                Cardinality::Map => self.map_in_order(field, &mut reader, depth),
            };
            self.keep(is_there.map_err(|error| error.inside(field.name()))?, mark, index, printed);
        }
        Ok(())
    }

    /// The comma, if one is needed, and the name of a field; returns where they began.
    #[inline(always)]
    fn label(&mut self, field: &Field, start: usize) -> usize {
        let mark = self.out.len();
        if mark > start {
            self.out.push(b',');
        }
        field.label.push_to(&mut self.out);
        mark
    }

    /// Keep what was printed since `mark`, or take it back.
    #[inline(always)]
    fn keep(&mut self, is_there: bool, mark: usize, index: usize, printed: &mut Seen) {
        if is_there {
            printed.again(index);
        } else {
            self.out.truncate(mark);
        }
    }

    /// Print the value that follows `tag`; false if it counts as not there. `depth` is that of the message around it.
    #[inline]
    pub(super) fn single(
        &mut self,
        field: &Field,
        tag: Tag,
        reader: &mut Reader<'a>,
        depth: u32,
        implicit: bool,
    ) -> Result<bool> {
        match field.value {
            Type::Message(index) | Type::Group(index) => {
                let at = reader.at;
                let part = reader.value(tag, depth)?;
                self.message_or_repeat(index, part, deeper(depth, at)?)?;
            }
            Type::String => {
                let part = reader.payload()?;
                if implicit && part.start == part.end {
                    return Ok(false);
                }
                self.string(part)?;
            }
            Type::Bytes => {
                let part = reader.payload()?;
                if implicit && part.start == part.end {
                    return Ok(false);
                }
                self.base64(self.bytes(part));
            }
            value => {
                let bits = scalar::read(value, reader)?;
                if (implicit && bits == 0) || self.is_foreign(value, bits) {
                    return Ok(false);
                }
                self.scalar(value, bits);
            }
        }
        Ok(true)
    }

    /// Print a message that is in one piece; it may have been printed before.
    #[inline(always)]
    fn message_or_repeat(&mut self, index: usize, part: Part, depth: u32) -> Result<()> {
        match self.repeats.find(index, depth, self.input, part.start) {
            Some((length, made)) if length == part.end - part.start => {
                self.out.extend_from_within(made.at..made.at + made.length);
            }
            _ => {
                let start = self.out.len();
                self.message(index, &[part], depth)?;
                self.repeats.add(index, depth, self.input, part.start..part.end, start..self.out.len());
            }
        }
        Ok(())
    }

    /// Print the elements from the one that follows `tag` to the last; false if there are none.
    fn list_in_order(&mut self, field: &Field, mut tag: Tag, reader: &mut Reader<'a>, depth: u32) -> Result<bool> {
        self.out.push(b'[');
        let start = self.out.len();
        let mut index = 0;
        loop {
            self.elements(field, tag, reader, depth, start, &mut index)?;
            match next_of(field, reader) {
                Some(next) => {
                    tag = next;
                    reader.tag()?;
                }
                None => break,
            }
        }
        let is_there = self.out.len() > start;
        self.out.push(b']');
        Ok(is_there)
    }

    /// Print the element, or the packed elements, that follow `tag`.
    #[inline(always)]
    fn elements(
        &mut self,
        field: &Field,
        tag: Tag,
        reader: &mut Reader<'a>,
        depth: u32,
        start: usize,
        index: &mut usize,
    ) -> Result<()> {
        if tag.wire_type == field.value.wire_type() {
            return self.element(field, tag, reader, depth, start, index);
        }
        let part = reader.payload()?;
        let mut packed = Reader::new(self.input, part);
        let own = Tag { number: tag.number, wire_type: field.value.wire_type() };
        while !packed.is_done() {
            self.element(field, own, &mut packed, depth, start, index)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn element(
        &mut self,
        field: &Field,
        tag: Tag,
        reader: &mut Reader<'a>,
        depth: u32,
        start: usize,
        index: &mut usize,
    ) -> Result<()> {
        let mark = self.out.len();
        if mark > start {
            self.out.push(b',');
        }
        if !self.single(field, tag, reader, depth, false).map_err(|error| error.inside_list(*index))? {
            self.out.truncate(mark);
        }
        *index += 1;
        Ok(())
    }

    /// Print the members of a message that is in several parts, or out of order.
    #[inline(never)]
    fn members_gathered(
        &mut self,
        message: &'a Message,
        parts: &[Part],
        depth: u32,
        start: usize,
        printed: &mut Seen,
    ) -> Result<()> {
        let found = self.gather(message, parts, depth)?;
        for run in found.chunk_by(|a, b| a.field == b.field) {
            let index = run[0].field;
            let field = &message.fields[index];
            let mark = self.label(field, start);
            let is_there = self.gathered_field(field, run, depth).map_err(|error| error.inside(field.name()))?;
            self.keep(is_there, mark, index, printed);
        }
        Ok(())
    }

    /// All occurrences of known fields, by field, but for those that a later one of their oneof undoes.
    fn gather(&mut self, message: &'a Message, parts: &[Part], depth: u32) -> Result<Vec<Occurrence>> {
        let mut found: Vec<Occurrence> = Vec::new();
        for &part in parts {
            let mut reader = Reader::new(self.input, part);
            while !reader.is_done() {
                let tag = reader.tag()?;
                let at = reader.at;
                let part = reader.value(tag, depth)?;
                if let Some(field) = message.index_of_number(tag.number) {
                    if fits(&message.fields[field], tag) {
                        found.push(Occurrence { field, tag, at, part });
                    }
                }
            }
        }
        // Backwards, so that the last member of each oneof is met first.
        let mut winners: Vec<(usize, usize)> = Vec::new();
        let mut kept = Vec::with_capacity(found.len());
        for occurrence in found.into_iter().rev() {
            let field = &message.fields[occurrence.field];
            let Some(oneof) = field.oneof else {
                kept.push(occurrence);
                continue;
            };
            match winners.iter_mut().find(|(of, _)| *of == oneof) {
                Some((_, winner)) if *winner == occurrence.field => kept.push(occurrence),
                Some((_, winner)) => {
                    // What came before it does not merge into the winner.
                    *winner = usize::MAX;
                    self.check_occurrence(field, occurrence, depth)?;
                }
                None => {
                    winners.push((oneof, occurrence.field));
                    kept.push(occurrence);
                }
            }
        }
        kept.reverse();
        kept.sort_by_key(|occurrence| occurrence.field);
        Ok(kept)
    }

    /// Print the value of a field that came in several pieces; false if it counts as not there.
    fn gathered_field(&mut self, field: &Field, run: &[Occurrence], depth: u32) -> Result<bool> {
        let Some((last, earlier)) = run.split_last() else { return Ok(false) };
        match (field.cardinality, field.value) {
            (Cardinality::Singular { .. }, Type::Message(index) | Type::Group(index)) => {
                let parts: Vec<Part> = run.iter().map(|occurrence| occurrence.part).collect();
                self.message(index, &parts, deeper(depth, last.part.start)?)?;
                Ok(true)
            }
            (Cardinality::Singular { implicit }, _) => {
                // A number that a closed enum lacks is no value: the one before it stands.
                let mut winner = *last;
                for &occurrence in earlier {
                    self.check_occurrence(field, occurrence, depth)?;
                }
                for &occurrence in run.iter().rev() {
                    winner = occurrence;
                    if !self.is_foreign_occurrence(field, occurrence)? {
                        break;
                    }
                }
                self.single(field, winner.tag, &mut self.value_reader(winner), depth, implicit)
            }
            (Cardinality::Repeated { .. }, _) => {
                self.out.push(b'[');
                let start = self.out.len();
                let mut index = 0;
                for &occurrence in run {
                    self.elements(field, occurrence.tag, &mut self.value_reader(occurrence), depth, start, &mut index)?;
                }
                let is_there = self.out.len() > start;
                self.out.push(b']');
                Ok(is_there)
            }
            (Cardinality::Map, _) => {
                let payloads: Vec<Part> = run.iter().map(|occurrence| occurrence.part).collect();
                self.map(field, &payloads, depth)
            }
        }
    }

    /// A reader that is at the value of an occurrence, behind its tag.
    fn value_reader(&self, occurrence: Occurrence) -> Reader<'a> {
        Reader::new(self.input, Part { start: occurrence.at, end: self.input.len() })
    }

    fn is_foreign_occurrence(&self, field: &Field, occurrence: Occurrence) -> Result<bool> {
        match field.value {
            Type::Enum(_) => {
                let bits = scalar::read(field.value, &mut Reader::new(self.input, occurrence.part))?;
                Ok(self.is_foreign(field.value, bits))
            }
            _ => Ok(false),
        }
    }

    /// Check a value that is not printed, because a later one takes its place.
    fn check_occurrence(&mut self, field: &Field, occurrence: Occurrence, depth: u32) -> Result<()> {
        let mut reader = self.value_reader(occurrence);
        self.check(|printer| printer.single(field, occurrence.tag, &mut reader, depth, false))
            .map_err(|error| error.inside(field.name()))
    }

    /// Print the default of each field that has no presence and was not printed.
    #[cold]
    fn defaults(&mut self, message: &'a Message, start: usize, printed: &mut Seen) {
        for (index, field) in message.fields.iter().enumerate() {
            if field.is_extension || printed.again(index) {
                continue;
            }
            let text: &[u8] = match (field.cardinality, field.value) {
                (Cardinality::Singular { implicit: false }, _) => continue,
                (Cardinality::Map, _) => b"{}",
                (Cardinality::Repeated { .. }, _) => b"[]",
                (_, Type::String | Type::Bytes) => b"\"\"",
                _ => b"",
            };
            self.label(field, start);
            self.out.extend_from_slice(text);
            if text.is_empty() {
                self.scalar(field.value, 0);
            }
        }
    }
}

/// The next tag, if it is one of the same field.
#[inline(always)]
pub(super) fn next_of(field: &Field, reader: &Reader<'_>) -> Option<Tag> {
    if reader.is_done() {
        return None;
    }
    let tag = reader.clone().tag().ok()?;
    (tag.number == field.number && fits(field, tag)).then_some(tag)
}
