//! Wire bytes to JSON.
//!
//! Serializers write the fields of a message in order, each in one piece, and then it can be printed as it is read. That
//! is tried first. Where it turns out not to be so, all is done again, carefully: the pieces of each field are gathered
//! first, and the rules for several are applied: the last scalar wins, messages merge, lists are appended, of map entries
//! with the same key the last is kept. A message in several pieces is a list of parts of the input, so that merging
//! copies nothing. To begin again at the root, once, and not at the message in question, keeps hostile nesting linear.
//!
//! `object` prints messages, `scalar` single values, `map` maps and google.protobuf.Struct, `value` google.protobuf.Value
//! and ListValue, `well_known` the other types with a form of their own.

mod map;
mod object;
mod scalar;
mod value;
mod well_known;

use crate::distinct::{Distinct, Key};
use crate::error::{Error, Kind, Result};
use crate::plan::{Plan, Shape};
use crate::repeats::Repeats;
use crate::wire::{Part, MAX_DEPTH};
use crate::writer::Output;

pub(crate) struct Printer<'a> {
    plan: &'a Plan,
    input: &'a [u8],
    out: Vec<u8>,
    /// The keys of the maps that are being printed, those of the innermost last.
    keys: Vec<Key>,
    distinct: Distinct,
    repeats: Repeats,
    /// Whether messages may be out of order.
    is_careful: bool,
    /// Whether one was, when none should have been: then the error that ended the attempt is not one of the input.
    is_disordered: bool,
    /// Whether what is printed will be taken back: see `check`.
    is_checking: bool,
}

impl Plan {
    /// Map an encoded message to JSON, without insignificant space.
    ///
    /// # Errors
    /// The bytes are not an encoding of the message, or it holds what JSON cannot.
    pub fn to_json(&self, wire: &[u8]) -> Result<Output> {
        if wire.len() > i32::MAX as usize {
            return Err(Error::new(Kind::Wire, "the message is larger than protobuf's 2 GiB"));
        }
        // JSON is about twice as large, and memory that is not written to costs nothing.
        let out = Vec::with_capacity(wire.len().saturating_mul(2));
        let mut printer = Printer {
            plan: self,
            input: wire,
            out,
            keys: Vec::new(),
            distinct: Distinct::default(),
            repeats: Repeats::new(self.messages.len(), wire),
            is_careful: false,
            is_disordered: false,
            is_checking: false,
        };
        let whole = [Part { start: 0, end: wire.len() }];
        let mut outcome = printer.message(self.root, &whole, 0);
        // What has no JSON form may be undone by what comes later: then it is out of order, too.
        if printer.is_disordered || matches!(&outcome, Err(error) if error.kind() == Kind::Value) {
            printer.out.clear();
            printer.keys.clear();
            printer.repeats.stop(); // what it remembers is gone
            printer.is_careful = true;
            outcome = printer.message(self.root, &whole, 0);
        }
        outcome.map(|()| Output::whole(printer.out))
    }
}

impl<'a> Printer<'a> {
    /// Print a message of type `index` that lies at `depth`.
    #[inline]
    fn message(&mut self, index: usize, parts: &[Part], depth: u32) -> Result<()> {
        let plan = self.plan;
        let message = &plan.messages[index];
        match message.shape {
            Shape::Object => self.object(message, parts, depth),
            Shape::Struct => self.struct_message(parts, depth),
            Shape::Value => self.value_message(parts, depth),
            Shape::ListValue => self.list_message(parts, depth),
            Shape::Timestamp => self.timestamp(parts, depth),
            Shape::Duration => self.duration(parts, depth),
            Shape::FieldMask => self.field_mask(parts, depth),
            Shape::Any => self.any(parts, depth),
            Shape::Wrapper => self.wrapper(message, parts, depth),
        }
    }

    /// Give up the quick attempt.
    #[cold]
    #[inline(never)]
    fn disordered(&mut self) -> Error {
        self.is_disordered = true;
        Error::new(Kind::Bug, "a message out of order")
    }

    /// Print a value that a later one undoes, and take it back: it must be well-formed, but need not have a JSON form.
    fn check<T>(&mut self, print: impl FnOnce(&mut Self) -> Result<T>) -> Result<()> {
        self.repeats.stop(); // what is remembered must stay
        let mark = self.out.len();
        let outer = std::mem::replace(&mut self.is_checking, true);
        let outcome = print(self);
        self.is_checking = outer;
        self.out.truncate(mark);
        outcome.map(drop)
    }

    /// A value has no JSON form, which is an error if it is to be printed.
    #[cold]
    fn no_json_form(&self, at: usize, what: impl Into<String>) -> Result<()> {
        if self.is_checking {
            return Ok(());
        }
        Err(Error::at(Kind::Value, at, what))
    }

    fn bytes(&self, part: Part) -> &'a [u8] {
        &self.input[part.start..part.end]
    }

    /// What a later value undoes must be UTF-8 all the same, if it is a string.
    fn undo_string(&self, undone: Option<Part>) -> Result<()> {
        match undone {
            Some(part) if !crate::strings::is_utf8(self.bytes(part)) => Err(not_utf8(part)),
            _ => Ok(()),
        }
    }

    /// A string of the wire in quotation marks.
    #[inline]
    fn string(&mut self, part: Part) -> Result<()> {
        let text = self.bytes(part);
        if crate::strings::push_quoted_bytes(&mut self.out, text) {
            return Ok(());
        }
        Err(not_utf8(part))
    }
}

#[cold]
fn not_utf8(part: Part) -> Error {
    Error::at(Kind::Utf8, part.start, "a string that is not UTF-8")
}

/// One level down; the messages of an encoding nest as deep as upb reads.
#[inline(always)]
fn deeper(depth: u32, at: usize) -> Result<u32> {
    if depth < MAX_DEPTH {
        return Ok(depth + 1);
    }
    Err(Error::at(Kind::Depth, at, "nested deeper than the 100 levels that protobuf parsers read"))
}
