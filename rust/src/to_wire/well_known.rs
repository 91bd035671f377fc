//! The other well-known types: those that are a string in JSON, and google.protobuf.Any.

use std::borrow::Cow;

use super::Parser;
use crate::error::{quote, Error, Kind, Result};
use crate::plan::Shape;
use crate::strings;
use crate::time::{parse_duration, parse_timestamp, Time};

impl<'a> Parser<'a> {
    pub(super) fn timestamp(&mut self) -> Result<()> {
        self.time("a time in quotation marks", parse_timestamp)
    }

    pub(super) fn duration(&mut self) -> Result<()> {
        self.time("a duration in quotation marks", parse_duration)
    }

    fn time(&mut self, what: &str, parse: fn(&[u8]) -> std::result::Result<Time, &'static str>) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.mismatch(what));
        }
        let start = self.at;
        let text = self.string()?;
        let (seconds, nanos) =
            parse(&text).map_err(|what| Error::at(Kind::Value, start, format!("{what}, not {}", quote(&text))))?;
        if seconds != 0 {
            self.out.push(0x08);
            self.out.push_varint(seconds as u64);
        }
        if nanos != 0 {
            self.out.push(0x10);
            self.out.push_varint(i64::from(nanos) as u64);
        }
        Ok(())
    }

    /// Paths in camel case, with commas between them.
    pub(super) fn field_mask(&mut self) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.mismatch("a field mask in quotation marks"));
        }
        let start = self.at;
        let text = self.string()?;
        let text = std::str::from_utf8(&text).unwrap_or_default();
        if text.is_empty() {
            return Ok(());
        }
        for path in text.split(',') {
            let open = self.out.open(&[0x0a]);
            for character in path.chars() {
                if character == '_' {
                    let text = format!("expected paths in lowerCamelCase, not {}", quote(path.as_bytes()));
                    return Err(Error::at(Kind::Value, start, text));
                }
                if character.is_uppercase() {
                    self.out.push(b'_');
                    for lower in character.to_lowercase() {
                        self.out.push_all(lower.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                } else {
                    self.out.push_all(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            self.out.close(open);
        }
        Ok(())
    }

    /// An object that says in `@type` what it is. What it holds counts as a level, as a field of its type would.
    pub(super) fn any(&mut self, depth: u32) -> Result<()> {
        if self.peek() != b'{' {
            return Err(self.mismatch("an object with @type"));
        }
        let start = self.at;
        let Some(url) = self.any_type(depth)? else { return Ok(()) };
        let inner = self.deeper(depth)?;
        let url = std::str::from_utf8(&url).unwrap_or_default();
        let plan = self.plan;
        let index = plan.type_of_url(url).map_err(|error| error.or_at(start))?;
        let open = self.out.open(&[0x0a]);
        self.out.push_all(url.as_bytes());
        self.out.close(open);
        let mark = self.out.mark();
        let open = self.out.open(&[0x12]);
        let message = &plan.messages[index];
        self.at = start;
        if message.shape == Shape::Object {
            self.object(message, inner, true)?;
        } else {
            self.any_value(index, inner)?;
        }
        if !self.out.close(open) {
            self.out.rewind(mark);
        }
        Ok(())
    }

    /// The type of the google.protobuf.Any that starts here; None, and past it, if the object is empty.
    fn any_type(&mut self, depth: u32) -> Result<Option<Cow<'a, [u8]>>> {
        let start = self.at;
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !self.text[self.at..].starts_with(b"\"@type\"") {
            // It is not the first key, where everybody puts it. Looking for it also finds it for the objects inside.
            if !self.any_types.contains_key(&start) {
                self.at = start;
                let keys = self.keys.len();
                let found = self.skip_value(depth);
                self.keys.truncate(keys);
                found?;
            }
            let Some(&at) = self.any_types.get(&start) else {
                return Err(Error::at(Kind::Value, start, "expected @type in the object of a google.protobuf.Any"));
            };
            self.at = at;
        }
        self.at = strings::skip(self.text, self.at + 1)?;
        self.colon()?;
        if self.peek() != b'"' {
            return Err(self.mismatch("the type in quotation marks").inside(b"@type"));
        }
        self.string().map(Some)
    }

    /// The `value` of an Any whose type has a JSON form of its own.
    fn any_value(&mut self, index: usize, depth: u32) -> Result<()> {
        let plan = self.plan;
        let start = self.at;
        let keys = self.keys.len();
        let mut found = false;
        self.at += 1;
        self.space();
        loop {
            if self.peek() != b'"' {
                return Err(self.unexpected("a key in quotation marks"));
            }
            let key_at = self.at;
            let key = self.string_or_surrogates()?;
            self.note_key(&key, key_at);
            self.colon()?;
            if *key == *b"value" && !found {
                found = true;
                self.message(index, depth).map_err(|error| error.inside(b"value"))?;
            } else {
                self.unknown_field(&plan.messages[index], key_at, depth, true)?;
            }
            if !self.another(b'}')? {
                break;
            }
        }
        self.require_distinct_keys(keys)?;
        if !found {
            return Err(Error::at(Kind::Value, start, "expected a value beside the @type of a google.protobuf.Any"));
        }
        Ok(())
    }
}
