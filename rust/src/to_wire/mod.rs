//! JSON to wire bytes, in one pass over the text.
//!
//! `Parser` holds the text and where the pass is; this file has what all of JSON shares. `object` maps messages, `scalar`
//! single values, `structs` google.protobuf.Struct and its kin, `well_known` the other types with a form of their own,
//! `skip` what nobody wants. Recursion is as deep as messages nest, which is at most `MAX_DEPTH`; what is skipped may nest
//! without recursion.

mod object;
mod scalar;
mod skip;
mod structs;
mod well_known;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::distinct::{fingerprint, Distinct, Key, MAX_INPUT};
use crate::error::{quote, Error, Kind, Result};
use crate::numbers::{self, Number};
use crate::plan::{Plan, Shape};
use crate::repeats::Repeats;
use crate::strings;
use crate::wire::MAX_DEPTH;
use crate::writer::{Output, Take, Writer};

/// What was left out of one document, because its message has no place for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The number of unknown fields.
    pub fields: u64,
    /// The number of unknown enum names.
    pub enum_names: u64,
    /// (message, field), the first few.
    pub field_names: Vec<(String, String)>,
    /// (enum, name), the first few.
    pub value_names: Vec<(String, String)>,
}

/// The key that says what a google.protobuf.Any holds.
const ANY_TYPE: &[u8] = b"@type";

/// Most names that are told of each sort, and most bytes of each.
const MAX_NAMES: usize = 16;
const MAX_NAME: usize = 128;

fn add_name(names: &mut Vec<(String, String)>, owner: &str, name: &[u8]) {
    if names.len() < MAX_NAMES {
        let name = String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]);
        if !names.iter().any(|(known, other)| known == owner && *other == name) {
            names.push((owner.to_owned(), name.into_owned()));
        }
    }
}

pub(crate) struct Parser<'a> {
    plan: &'a Plan,
    text: &'a [u8],
    at: usize,
    out: Writer,
    /// The keys of the objects that are being read, those of the innermost last.
    keys: Vec<Key>,
    distinct: Distinct,
    /// Which field came after which the last time, by `Message::base`: the objects of a list look alike.
    successors: Vec<u32>,
    /// Which value each enum had the last time, by its place.
    enum_places: Vec<u32>,
    repeats: Repeats,
    skipped: Skipped,
    /// Where the `@type` of an object is, by the object's place: found once, also for the objects inside it.
    any_types: HashMap<usize, usize>,
    /// What comes before is UTF-8. Looked at soon after it was read, it is in the processor's cache.
    checked: usize,
    take: &'a mut Take<'a>,
    /// How many bytes were given to `take`.
    given: usize,
    /// From how many bytes of output on it is cut.
    cut_from: usize,
}

/// So much is one part: what reads it is done before anybody has to wait, and it stays in the processor's cache.
const PART: usize = if cfg!(fuzzing) { 32 } else { 128 << 10 };
/// So much is given at once: who takes it may have to wait for its turn.
const GIVEN_AT_ONCE: usize = if cfg!(fuzzing) { 100 } else { 1 << 20 };

impl Plan {
    /// Map a JSON document to the wire encoding of its message; also tell what was skipped, if anything was.
    ///
    /// Of much output, parts are given to `take` as they are ready, and what is returned is the rest. They are for
    /// nothing if there is an error in the end.
    ///
    /// # Errors
    /// The document is not JSON, or not this message; or what `take` returned.
    pub fn to_wire(&self, json: &[u8], take: &mut Take<'_>) -> Result<(Output, Option<Skipped>)> {
        let refused = match Parser::new(self, json, take).document() {
            Ok(made) => return Ok(made),
            Err(error) if error.kind() == Kind::Bug => return Err(error), // nobody takes it
            Err(error) => error,
        };
        // What is wrong with the bytes is wrong before what they say is.
        let Err(error) = std::str::from_utf8(json) else {
            return Err(refused);
        };
        if error.error_len().is_some() {
            return Err(not_utf8(json, error.valid_up_to()));
        }
        // Cut inside a character: what is wrong before the cut is the better thing to tell.
        let (valid, _) = json.split_at(error.valid_up_to());
        match Parser::new(self, valid, &mut |_| Ok(())).document() {
            Ok(_) => Err(not_utf8(json, valid.len())),
            Err(error) if error.kind() == Kind::Eof => {
                Err(Error::at(Kind::Eof, valid.len(), "not JSON: the input ends inside a character"))
            }
            Err(error) => Err(error),
        }
    }
}

#[cold]
fn not_utf8(json: &[u8], at: usize) -> Error {
    let text = match json {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16, where JSON is UTF-8",
        _ => "not UTF-8",
    };
    Error::at(Kind::Utf8, at, text)
}

impl<'a> Parser<'a> {
    fn new(plan: &'a Plan, text: &'a [u8], take: &'a mut Take<'a>) -> Self {
        // Only the fields of a plain message can be told apart: what is inside a payload has to wait for its length.
        let is_plain = plan.messages[plan.root].shape == Shape::Object;
        Parser {
            plan,
            text,
            at: 0,
            // Most messages are smaller on the wire, and memory that is not written to costs nothing.
            out: Writer::with_capacity((text.len() / 8 * 5).min(GIVEN_AT_ONCE + 2 * PART)),
            keys: Vec::new(),
            distinct: Distinct::default(),
            successors: vec![0; plan.places],
            enum_places: vec![0; plan.enums.len()],
            repeats: Repeats::new(plan.messages.len(), text),
            skipped: Skipped::default(),
            any_types: HashMap::new(),
            checked: 0,
            take,
            given: 0,
            cut_from: if is_plain { PART } else { usize::MAX },
        }
    }

    fn document(mut self) -> Result<(Output, Option<Skipped>)> {
        if self.text.len() > MAX_INPUT {
            return Err(Error::new(Kind::Range, "the document is larger than 4 GiB, and no message is"));
        }
        if self.text.starts_with(b"\xef\xbb\xbf") {
            return Err(Error::at(Kind::Utf8, 0, "a byte order mark, which JSON does not have"));
        }
        if self.text.len() > 1 && (self.text[0] == 0 || self.text[1] == 0) {
            return Err(Error::at(Kind::Utf8, 0, "UTF-16 or UTF-32, where JSON is UTF-8"));
        }
        self.space();
        self.message(self.plan.root, 0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.unexpected("nothing after the document"));
        }
        self.require_utf8()?;
        if self.given > 0 || self.out.has_cuts() {
            self.out.cut();
            self.give()?;
        }
        self.require_size()?;
        let skipped = (self.skipped != Skipped::default()).then_some(self.skipped);
        Ok((self.out.finish(), skipped))
    }

    /// Between two elements of a field of the message at `depth`: if that is the outermost one, output may be given away.
    #[inline(always)]
    fn between_elements(&mut self, depth: u32) -> Result<()> {
        if depth == 0 && self.out.bytes.len() >= self.cut_from {
            return self.cut();
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn cut(&mut self) -> Result<()> {
        self.require_utf8()?;
        self.out.cut();
        if self.out.len() >= GIVEN_AT_ONCE {
            self.give()?;
        }
        self.cut_from = self.out.bytes.len() + PART;
        Ok(())
    }

    fn give(&mut self) -> Result<()> {
        self.require_size()?;
        self.given += self.out.len();
        self.out.give(self.take)?;
        self.repeats.forget(); // what it remembers is gone
        Ok(())
    }

    /// What was read since the last time must be UTF-8; it ends between two elements, and so between two characters.
    fn require_utf8(&mut self) -> Result<()> {
        if !strings::is_utf8(&self.text[self.checked..self.at]) {
            return Err(not_utf8(self.text, self.checked));
        }
        self.checked = self.at;
        Ok(())
    }

    fn require_size(&self) -> Result<()> {
        if self.given + self.out.len() > i32::MAX as usize {
            return Err(Error::new(Kind::Range, "the message is larger than protobuf's 2 GiB"));
        }
        Ok(())
    }

    /// The next byte; 0, which JSON never has, at the end.
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn space(&mut self) {
        if self.peek() <= b' ' {
            self.more_space();
        }
    }

    /// Pretty-printed text has runs of spaces: skip eight at a time.
    #[inline(never)]
    fn more_space(&mut self) {
        loop {
            match self.peek() {
                b' ' => {
                    while let Some(word) = strings::chunk(self.text, self.at) {
                        let others = u64::from_le_bytes(*word) ^ 0x2020_2020_2020_2020;
                        self.at += others.trailing_zeros() as usize / 8;
                        if others != 0 {
                            break;
                        }
                    }
                    self.at += usize::from(self.peek() == b' ');
                }
                b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return,
            }
        }
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek() == byte {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    /// Take `word`, of which the first letter is there.
    fn literal(&mut self, word: &'static str) -> Result<()> {
        let rest = &self.text[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        let common = rest.iter().zip(word.as_bytes()).take_while(|(a, b)| a == b).count();
        if common == rest.len() {
            self.at = self.text.len();
        }
        Err(self.unexpected(word))
    }

    #[inline]
    fn null(&mut self) -> Result<()> {
        self.literal("null")
    }

    /// The number that starts here.
    #[inline]
    fn number(&mut self) -> Result<Number<'a>> {
        match numbers::scan(self.text, self.at) {
            Ok(number) => {
                self.at += number.text.len();
                Ok(number)
            }
            Err(error) if error.at >= self.text.len() => {
                Err(Error::at(Kind::Eof, self.text.len(), "not JSON: the input ends inside a number"))
            }
            Err(error) => {
                self.at = error.at;
                Err(self.unexpected("a number as JSON writes it"))
            }
        }
    }

    /// The string that starts here with its quotation mark; borrowed if nothing in it is escaped.
    #[inline]
    fn string(&mut self) -> Result<Cow<'a, [u8]>> {
        let start = self.at + 1;
        let end = strings::plain_end(self.text, start);
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        let mut out = Vec::new();
        self.at = strings::read(self.text, start, &mut out)?;
        Ok(Cow::Owned(out))
    }

    /// The same, but half a surrogate pair is no error, and stays as it is written: nobody is going to hold this string.
    fn string_or_surrogates(&mut self) -> Result<Cow<'a, [u8]>> {
        let start = self.at;
        let end = strings::plain_end(self.text, start + 1);
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start + 1..end]));
        }
        self.at = strings::skip(self.text, start + 1)?;
        Ok(key_text(self.text, start))
    }

    /// One level down; the messages of a document nest as deep as upb reads.
    #[inline(always)]
    fn deeper(&self, depth: u32) -> Result<u32> {
        if depth < MAX_DEPTH {
            return Ok(depth + 1);
        }
        Err(Error::at(Kind::Depth, self.at, "nested deeper than the 100 levels that protobuf parsers read"))
    }

    /// After a member or an element: true, and past the comma, if there is another one; false, and past `close`, if not.
    #[inline(always)]
    fn another(&mut self, close: u8) -> Result<bool> {
        if self.peek() == b',' {
            self.at += 1;
            self.space();
            return Ok(true);
        }
        if self.peek() == close {
            self.at += 1;
            return Ok(false);
        }
        self.another_after_space(close)
    }

    #[inline(never)]
    fn another_after_space(&mut self, close: u8) -> Result<bool> {
        self.space();
        match self.peek() {
            b',' => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            byte if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.unexpected(if close == b'}' { "a comma or }" } else { "a comma or ]" })),
        }
    }

    /// How much was skipped so far.
    #[inline(always)]
    fn skipped(&self) -> u64 {
        self.skipped.fields + self.skipped.enum_names
    }

    /// Past the colon after a key.
    #[inline(always)]
    fn colon(&mut self) -> Result<()> {
        if self.peek() != b':' {
            self.space();
        }
        self.expect(b':', "a colon")?;
        self.space();
        Ok(())
    }

    /// Note a key, of which `at` is the quotation mark.
    #[inline]
    fn note_key(&mut self, key: &[u8], at: usize) {
        self.keys.push(Key::new(fingerprint(key), at, 0));
    }

    /// The keys noted since there were `base` must differ.
    #[inline]
    fn require_distinct_keys(&mut self, base: usize) -> Result<()> {
        if self.keys.len() - base > 1 {
            let text = self.text;
            let found = self.distinct.repeated(&self.keys[base..], |at| key_text(text, at));
            if !found.is_empty() {
                let first = found.into_iter().min().unwrap_or_default();
                let key = key_text(text, first);
                let error = Error::at(Kind::Value, first, "a key that comes twice in its object");
                return Err(error.inside(&key));
            }
        }
        self.keys.truncate(base);
        Ok(())
    }

    /// What stands here is not what JSON has here: `what` was expected.
    #[cold]
    #[inline(never)]
    fn unexpected(&self, what: &str) -> Error {
        if self.at >= self.text.len() {
            return Error::at(
                Kind::Eof,
                self.text.len(),
                format!("not JSON: the input ends where {what} was expected"),
            );
        }
        let rest = &self.text[self.at..];
        let found = quote(&rest[..rest.len().min(8)]);
        Error::at(Kind::Json, self.at, format!("not JSON: expected {what}, not {found}"))
    }

    /// An error of the number that ends here. One that ends with the input is not all there: but for a document that is
    /// just a number, the input has been cut.
    #[cold]
    #[inline(never)]
    fn number_error(&self, error: Error, start: usize) -> Error {
        let is_cut = self.at >= self.text.len() && matches!(self.text.trim_ascii_start().first(), Some(b'{' | b'['));
        if is_cut {
            return Error::at(Kind::Eof, self.text.len(), "not JSON: the input ends inside a number");
        }
        error.or_at(start)
    }

    /// The value here is JSON, but not what its field holds. If it is not even JSON, that is the error.
    #[cold]
    #[inline(never)]
    fn mismatch(&mut self, what: &str) -> Error {
        let start = self.at;
        if let Err(error) = self.skip_value(0) {
            return error;
        }
        Error::at(Kind::Value, start, format!("expected {what}, not {}", quote(&self.text[start..self.at])))
    }
}

/// The same error, seen from the object around the key at `at`; the error itself if no key stands there.
#[cold]
#[inline(never)]
fn inside_key(error: Error, text: &[u8], at: usize) -> Error {
    if text.get(at) == Some(&b'"') {
        error.inside(&key_text(text, at))
    } else {
        error
    }
}

/// The key at a quotation mark, decoded; half a surrogate pair stays as it is written.
fn key_text(text: &[u8], at: usize) -> Cow<'_, [u8]> {
    let end = strings::plain_end(text, at + 1);
    if text.get(end) == Some(&b'"') {
        return Cow::Borrowed(&text[at + 1..end]);
    }
    let mut key = Vec::new();
    if strings::read(text, at + 1, &mut key).is_ok() {
        return Cow::Owned(key);
    }
    let end = strings::skip(text, at + 1).map_or(text.len(), |after| after - 1);
    Cow::Borrowed(text.get(at + 1..end).unwrap_or_default())
}
