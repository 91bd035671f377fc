//! A schema compiled for mapping: what each direction needs of a field lies ready, and no name is looked up twice.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::strings;
use crate::wire::{FIXED32, FIXED64, LENGTH, START_GROUP, VARINT};

/// How a message type is mapped; the meanings are in `eegrpc.mapper.MessageMapper`.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent switches")]
pub struct Options {
    /// Skip JSON fields that the message does not have.
    pub ignore_unknown_fields: bool,
    /// Skip values whose name the enum does not have.
    pub ignore_unknown_enum_names: bool,
    /// Print names as the .proto file has them.
    pub preserving_proto_field_name: bool,
    /// Print fields that have no presence even when they have their default.
    pub always_print_fields_with_no_presence: bool,
    /// Print enum values as numbers.
    pub use_integers_for_enums: bool,
}

/// Maps one message type in both directions; immutable.
pub struct Plan {
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) root: usize,
    pub(crate) options: Options,
    /// The number of places in a table of all messages' fields.
    pub(crate) places: usize,
    pub(crate) by_name: HashMap<String, usize>,
}

/// What a message is in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    /// A wrapper such as google.protobuf.Int32Value: as its one field.
    Wrapper,
}

pub(crate) struct Message {
    pub name: String,
    pub shape: Shape,
    /// By number, which is the order in which serializers write, and so most JSON comes.
    pub fields: Vec<Field>,
    /// (name, index in `fields`) for JSON names and original names, sorted.
    pub names: Vec<(Box<[u8]>, u32)>,
    /// Index in `fields` by number, for small numbers; `NO_FIELD` where there is none.
    pub dense: Vec<u32>,
    /// One bit for each name: most that are unknown are by this already.
    pub sketch: u64,
    /// Where this message's part of a table of all messages' fields begins: one place more than it has fields.
    pub base: usize,
}

pub(crate) const NO_FIELD: u32 = u32::MAX;

/// What one value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Bytes,
    Uint32,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    Enum(usize),
    Message(usize),
    /// A message between a start and an end tag.
    Group(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cardinality {
    /// `implicit`: not written when it has its default.
    Singular {
        implicit: bool,
    },
    Repeated {
        packed: bool,
    },
    /// A repeated message of a key, field 1, and a value, field 2.
    Map,
}

pub(crate) struct Field {
    pub number: u32,
    pub value: Type,
    pub cardinality: Cardinality,
    pub oneof: Option<usize>,
    /// `"name":`, as JSON has it.
    pub token: Token,
    /// `"name":`, as it is printed.
    pub label: Label,
    /// The tag that is written before one value (or before all of them, if packed).
    pub tag: Box<[u8]>,
    /// The end tag of a group.
    pub end_tag: Box<[u8]>,
    pub is_extension: bool,
}

/// Some bytes to be copied often: in words, because copies of fixed size are quick.
pub(crate) struct Label {
    words: Box<[[u8; 8]]>,
    /// How much of the last word is not part of it.
    padding: usize,
}

impl Label {
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![[0; 8]; bytes.len().div_ceil(8)];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
            word[..chunk.len()].copy_from_slice(chunk);
        }
        Label { padding: words.len() * 8 - bytes.len(), words: words.into() }
    }

    #[inline(always)]
    pub fn push_to(&self, out: &mut Vec<u8>) {
        for word in &self.words {
            out.extend_from_slice(word);
        }
        out.truncate(out.len() - self.padding);
    }
}

/// A name as it stands in JSON, laid out for a quick comparison with the input.
pub(crate) struct Token {
    /// The first eight bytes, and which bits of them count.
    head: u64,
    mask: u64,
    /// The last eight bytes, if there are more than eight.
    tail: [u8; 8],
    pub bytes: Box<[u8]>,
}

impl Token {
    pub fn new(text: &str) -> Self {
        let bytes: Box<[u8]> = text.as_bytes().into();
        let mut head = [0; 8];
        let mut mask = [0; 8];
        for (index, &byte) in bytes.iter().take(8).enumerate() {
            head[index] = byte;
            mask[index] = 0xff;
        }
        let tail = bytes.last_chunk().copied().unwrap_or_default();
        Token { head: u64::from_le_bytes(head), mask: u64::from_le_bytes(mask), tail, bytes }
    }

    /// Whether this token stands at `at` in `text`, given the eight bytes there.
    #[inline(always)]
    pub fn stands(&self, text: &[u8], at: usize, head: u64) -> bool {
        let length = self.bytes.len();
        head & self.mask == self.head
            && (length <= 8
                || (strings::chunk(text, at + length - 8) == Some(&self.tail)
                    && (length <= 16 || text[at..].starts_with(&self.bytes))))
    }
}

impl Field {
    pub fn name(&self) -> &[u8] {
        &self.token.bytes[1..self.token.bytes.len() - 2]
    }

    /// Whether a google.protobuf.NullValue: null is its value, not the lack of one.
    pub fn is_null_value(&self, plan: &Plan) -> bool {
        matches!(self.value, Type::Enum(index) if plan.enums[index].is_null_value)
    }
}

pub(crate) struct Enum {
    pub name: String,
    pub is_closed: bool,
    pub is_null_value: bool,
    /// (name, number), sorted by name.
    pub names: Vec<(Box<[u8]>, i32)>,
    /// (number, quoted name), sorted by number, of several names the first.
    pub numbers: Vec<(i32, Token)>,
}

impl Enum {
    pub fn number(&self, name: &[u8]) -> Option<i32> {
        let index = self.names.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        Some(self.names[index].1)
    }

    /// The name of a number, in quotation marks.
    pub fn quoted_name(&self, number: i32) -> Option<&[u8]> {
        // Most enums are numbered from 0 without gaps.
        match self.numbers.get(number as usize) {
            Some((other, name)) if *other == number => return Some(&name.bytes),
            _ => {}
        }
        let index = self.numbers.binary_search_by_key(&number, |(other, _)| *other).ok()?;
        Some(&self.numbers[index].1.bytes)
    }

    /// The number and the quoted name in a place.
    #[inline]
    pub fn in_place(&self, place: usize) -> Option<&(i32, Token)> {
        self.numbers.get(place)
    }

    /// The place of a number.
    pub fn place(&self, number: i32) -> Option<usize> {
        self.numbers.binary_search_by_key(&number, |(other, _)| *other).ok()
    }
}

/// A bit that equal names share.
#[inline]
pub(crate) fn sketch(name: &[u8]) -> u64 {
    let first = name.first().copied().unwrap_or(0);
    let last = name.last().copied().unwrap_or(0);
    1 << ((usize::from(first) * 5 + usize::from(last) * 3 + name.len()) % 64)
}

impl Message {
    /// The index of the field of a name, as JSON or as the .proto file has it.
    pub fn index_of_name(&self, name: &[u8]) -> Option<usize> {
        if self.sketch & sketch(name) == 0 {
            return None;
        }
        let index = self.names.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        Some(self.names[index].1 as usize)
    }

    #[inline]
    pub fn index_of_number(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(&index) => (index != NO_FIELD).then_some(index as usize),
            None => self.fields.binary_search_by_key(&number, |field| field.number).ok(),
        }
    }
}

impl Plan {
    /// The message type of a google.protobuf.Any.
    pub(crate) fn type_of_url(&self, url: &str) -> Result<usize> {
        let name = url.rsplit('/').next().unwrap_or_default();
        self.by_name.get(name).copied().ok_or_else(|| Error::missing_type(name))
    }
}

impl Type {
    pub fn wire_type(self) -> u32 {
        match self {
            Type::Double | Type::Fixed64 | Type::Sfixed64 => FIXED64,
            Type::Float | Type::Fixed32 | Type::Sfixed32 => FIXED32,
            Type::String | Type::Bytes | Type::Message(_) => LENGTH,
            Type::Group(_) => START_GROUP,
            Type::Int64
            | Type::Uint64
            | Type::Int32
            | Type::Uint32
            | Type::Bool
            | Type::Enum(_)
            | Type::Sint32
            | Type::Sint64 => VARINT,
        }
    }
}
