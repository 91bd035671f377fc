//! Messages, their fields, lists and maps.

use super::scalar::key_scalar;
use super::{add_name, inside_key, key_text, Parser, ANY_TYPE, MAX_NAMES};
use crate::distinct::{fingerprint, Key};
use crate::error::{quote, Error, Kind, Result};
use crate::plan::{Cardinality, Field, Message, Shape, Type};
use crate::seen::Seen;
use crate::strings;

impl<'a> Parser<'a> {
    /// Map the value here to the content of a message of type `index`, which lies at `depth`.
    #[inline(always)]
    pub(super) fn message(&mut self, index: usize, depth: u32) -> Result<()> {
        let plan = self.plan;
        let message = &plan.messages[index];
        if message.shape == Shape::Object {
            return self.object(message, depth, false);
        }
        self.well_known(message, depth)
    }

    /// The same, but what stands here may have been mapped before.
    #[inline(always)]
    fn message_or_repeat(&mut self, index: usize, depth: u32) -> Result<()> {
        if let Some((length, made)) = self.repeats.find(index, depth, self.text, self.at) {
            self.at += length;
            self.out.push_again(made);
            return Ok(());
        }
        let (start, written, skipped) = (self.at, self.out.bytes.len(), self.skipped());
        self.message(index, depth)?;
        // Only an object says itself where it ends: of a number, more may follow. Longer output may have gaps, which are
        // filled later. The output is never taken back behind a message. And what is skipped has to be counted.
        let here = self.out.bytes.len();
        if self.text[start] == b'{' && here - written < 0x80 && self.skipped() == skipped {
            self.repeats.add(index, depth, self.text, start..self.at, written..here);
        }
        Ok(())
    }

    #[inline(never)]
    fn well_known(&mut self, message: &'a Message, depth: u32) -> Result<()> {
        match message.shape {
            Shape::Object => self.object(message, depth, false),
            Shape::Struct => self.struct_content(depth),
            Shape::Value => self.value_content(depth),
            Shape::ListValue => self.list_content(depth),
            Shape::Timestamp => self.timestamp(),
            Shape::Duration => self.duration(),
            Shape::FieldMask => self.field_mask(),
            Shape::Any => self.any(depth),
            Shape::Wrapper => self.single(&message.fields[0], true, depth),
        }
    }

    /// Map an object; in that of a google.protobuf.Any, `@type` is not a field.
    pub(super) fn object(&mut self, message: &'a Message, depth: u32, is_any: bool) -> Result<()> {
        if self.peek() != b'{' {
            return Err(self.not_an_object(message, depth));
        }
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        let mut seen = Seen::default();
        let keys = self.keys.len();
        let mut place = message.base;
        loop {
            let key_at = self.at;
            if let Some(index) = self.key(message, place)? {
                place = message.base + index + 1;
                let field = &message.fields[index];
                if seen.again(index) {
                    return Err(Error::at(Kind::Value, key_at, "a field that comes twice").inside(field.name()));
                }
                if self.peek() == b'n' && !self.takes_null(field) {
                    self.null().map_err(|error| error.inside(field.name()))?;
                } else {
                    if let Some(oneof) = field.oneof {
                        if self.peek() != b'n' && seen.again(message.fields.len() + oneof) {
                            if self.at >= self.text.len() {
                                return Err(self.unexpected("a JSON value"));
                            }
                            let text = "a second field of a oneof, which holds one";
                            return Err(Error::at(Kind::Value, key_at, text).inside(field.name()));
                        }
                    }
                    self.field(field, depth).map_err(|error| error.inside(field.name()))?;
                }
            } else {
                self.unknown_field(message, key_at, depth, is_any)?;
            }
            if !self.another(b'}')? {
                break;
            }
        }
        if self.keys.len() > keys {
            self.require_distinct_keys(keys)?;
        }
        Ok(())
    }

    /// Take the key here and its colon if it is that of a field, and tell which. `place` says after which field it comes.
    #[inline(always)]
    fn key(&mut self, message: &Message, place: usize) -> Result<Option<usize>> {
        let guess = self.successors[place] as usize;
        if let (Some(field), Some(head)) = (message.fields.get(guess), strings::chunk(self.text, self.at)) {
            if field.token.stands(self.text, self.at, u64::from_le_bytes(*head)) {
                self.at += field.token.bytes.len();
                self.space();
                return Ok(Some(guess));
            }
        }
        self.look_up_key(message, place)
    }

    /// Take any key here and its colon; one that is unknown is noted.
    #[inline(never)]
    fn look_up_key(&mut self, message: &Message, place: usize) -> Result<Option<usize>> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let start = self.at;
        let key = self.string_or_surrogates()?;
        let found = message.index_of_name(&key);
        match found {
            Some(index) => self.successors[place] = index as u32,
            None => self.note_key(&key, start),
        }
        self.colon()?;
        Ok(found)
    }

    /// Skip the value here, of an unknown field whose key is at `at`, or refuse it.
    #[cold]
    #[inline(never)]
    pub(super) fn unknown_field(&mut self, message: &Message, at: usize, depth: u32, is_any: bool) -> Result<()> {
        if is_any && *key_text(self.text, at) == *ANY_TYPE {
            return self.skip_value(depth);
        }
        // Malformed JSON is malformed first, and a field that nobody knows second.
        self.skip_value(depth).map_err(|error| inside_key(error, self.text, at))?;
        if !self.plan.options.ignore_unknown_fields {
            let text = format!("{} has no field of this name", message.name);
            return Err(inside_key(Error::at(Kind::Unknown, at, text), self.text, at));
        }
        self.skipped.fields += 1;
        if self.skipped.field_names.len() < MAX_NAMES {
            add_name(&mut self.skipped.field_names, &message.name, &key_text(self.text, at));
        }
        Ok(())
    }

    /// Whether null is a value of the field, rather than the lack of one.
    #[cold]
    fn takes_null(&self, field: &Field) -> bool {
        matches!(field.cardinality, Cardinality::Singular { .. })
            && (field.is_null_value(self.plan) || self.is_value(field.value))
    }

    fn is_value(&self, value: Type) -> bool {
        matches!(value, Type::Message(index) if self.plan.messages[index].shape == Shape::Value)
    }

    #[inline(always)]
    fn field(&mut self, field: &'a Field, depth: u32) -> Result<()> {
        match field.cardinality {
            Cardinality::Singular { implicit } => self.single(field, implicit, depth),
            Cardinality::Repeated { packed } => self.list(field, packed, depth),
            Cardinality::Map => self.map(field, depth),
        }
    }

    /// Map one value, tag and all; one that is its field's default is left out if `implicit`. `depth` is the message's.
    #[inline(always)]
    pub(super) fn single(&mut self, field: &'a Field, implicit: bool, depth: u32) -> Result<()> {
        match field.value {
            Type::Message(index) => {
                let depth = self.deeper(depth)?;
                let open = self.out.open(&field.tag);
                self.message_or_repeat(index, depth)?;
                self.out.close(open);
            }
            Type::Group(index) => {
                let depth = self.deeper(depth)?;
                self.out.push_tag(&field.tag);
                self.message(index, depth)?;
                self.out.push_tag(&field.end_tag);
            }
            Type::String | Type::Bytes => {
                let mark = self.out.mark();
                let open = self.out.open(&field.tag);
                if field.value == Type::String {
                    self.string_content()?;
                } else {
                    self.bytes_content()?;
                }
                if !self.out.close(open) && implicit {
                    self.out.rewind(mark);
                }
            }
            Type::Double => {
                let start = self.at;
                let bits = self.double().map_err(|error| self.number_error(error, start))?.to_bits();
                if !(implicit && bits == 0) {
                    self.out.push_fixed64(&field.tag, bits);
                }
            }
            value => {
                if let Some(scalar) = self.scalar(value)? {
                    if !(implicit && scalar.is_default()) {
                        self.out.push_tag(&field.tag);
                        scalar.write(&mut self.out);
                    }
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, field: &'a Field, packed: bool, depth: u32) -> Result<()> {
        if self.peek() != b'[' {
            return Err(self.mismatch("a list"));
        }
        self.at += 1;
        self.space();
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        let mark = self.out.mark();
        let payload = packed.then(|| self.out.open(&field.tag));
        let mut index = 0;
        loop {
            self.element(field, packed, depth).map_err(|error| error.inside_list(index))?;
            index += 1;
            if !packed {
                self.between_elements(depth)?;
            }
            if !self.another(b']')? {
                break;
            }
        }
        if let Some(payload) = payload {
            if !self.out.close(payload) {
                self.out.rewind(mark);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn element(&mut self, field: &'a Field, packed: bool, depth: u32) -> Result<()> {
        if self.peek() == b'n' && !self.is_value(field.value) {
            return Err(self.no_null("a list"));
        }
        if packed {
            if let Some(scalar) = self.scalar(field.value)? {
                scalar.write(&mut self.out);
            }
            return Ok(());
        }
        self.single(field, false, depth)
    }

    fn map(&mut self, field: &'a Field, depth: u32) -> Result<()> {
        let plan = self.plan;
        let Type::Message(entry) = field.value else { return Err(Error::new(Kind::Bug, "a map without entries")) };
        let [key, value] = &plan.messages[entry].fields[..] else {
            return Err(Error::new(Kind::Bug, "a map entry that is not a key and a value"));
        };
        if self.peek() != b'{' {
            return Err(self.mismatch("an object"));
        }
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        let entry_depth = self.deeper(depth)?;
        let keys = self.keys.len();
        loop {
            let key_at = self.at;
            self.map_entry(field, key, value, keys, entry_depth)
                .map_err(|error| inside_key(error, self.text, key_at))?;
            self.between_elements(depth)?;
            if !self.another(b'}')? {
                break;
            }
        }
        self.require_distinct_keys(keys)
    }

    #[inline]
    fn map_entry(&mut self, field: &Field, key: &'a Field, value: &'a Field, keys: usize, depth: u32) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let key_at = self.at;
        let mark = self.out.mark();
        let entry = self.out.open(&field.tag);
        if key.value == Type::String {
            self.string_key(&key.tag, keys)?;
        } else {
            self.out.push_tag(&key.tag);
            let text = self.string()?;
            self.note_key(&text, key_at);
            let scalar = key_scalar(key.value, &text).map_err(|error| error.or_at(key_at))?;
            scalar.write(&mut self.out);
        }
        self.colon()?;
        if self.peek() == b'n' && !self.is_value(value.value) {
            return Err(self.no_null("a map"));
        }
        let before = self.out.mark();
        self.single(value, false, depth)?;
        if self.out.is_at(before) {
            // An enum name that is skipped takes its entry with it.
            self.out.rewind(mark);
        } else {
            self.out.close(entry);
        }
        Ok(())
    }

    /// A key as the payload of a string field, noted; `keys` were noted before its object.
    #[inline(always)]
    pub(super) fn string_key(&mut self, tag: &[u8], keys: usize) -> Result<()> {
        let start = self.at + 1;
        let open = self.out.open(tag);
        if let Some(expected) = self.distinct.expected(self.keys.len() - keys) {
            // The objects of a list look alike: if the same key comes in the same place, all is known of it.
            let (from, length) = (expected.at() + 1, expected.length());
            let here = self.text.get(start..start + length + 1);
            if length > 0 && here == self.text.get(from..from + length + 1) {
                self.at = start + length + 1;
                self.keys.push(Key::new(expected.print, start - 1, length));
                self.out.push_all(here.unwrap_or_default().split_last().map_or(&[], |(_, key)| key));
                self.out.close(open);
                return Ok(());
            }
        }
        let written = self.out.bytes.len();
        self.at = strings::read(self.text, start, &mut self.out.bytes)?;
        let key = &self.out.bytes[written..];
        // Escapes make what is read shorter than what stands there.
        let length = if key.len() == self.at - 1 - start { key.len() } else { 0 };
        self.keys.push(Key::new(fingerprint(key), start - 1, length));
        self.out.close(open);
        Ok(())
    }

    #[cold]
    fn no_null(&mut self, place: &str) -> Error {
        let at = self.at;
        match self.null() {
            Ok(()) => Error::at(Kind::Value, at, format!("null, which {place} cannot hold")),
            Err(error) => error,
        }
    }

    #[cold]
    fn not_an_object(&mut self, message: &Message, depth: u32) -> Error {
        let what = format!("a JSON object for {}", message.name);
        if depth == 0 && self.at < self.text.len() {
            // A document of the wrong sort is the wrong document; there is no field to blame.
            let rest = &self.text[self.at..];
            return Error::at(
                Kind::Json,
                self.at,
                format!("expected {what}, not {}", quote(&rest[..rest.len().min(8)])),
            );
        }
        self.mismatch(&what)
    }
}
