//! Single values of the scalar types.

use super::Parser;
use crate::base64;
use crate::error::{quote, Error, Kind, Result};
use crate::numbers::{self, Number};
use crate::plan::Type;
use crate::strings;
use crate::to_wire::add_name;
use crate::wire::zigzag;
use crate::writer::Writer;

/// A number as it is encoded.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
}

impl Scalar {
    #[inline]
    pub fn is_default(self) -> bool {
        matches!(self, Scalar::Varint(0) | Scalar::Fixed32(0) | Scalar::Fixed64(0))
    }

    #[inline(always)]
    pub fn write(self, out: &mut Writer) {
        match self {
            Scalar::Varint(value) => out.push_varint(value),
            Scalar::Fixed32(value) => out.push_all(&value.to_le_bytes()),
            Scalar::Fixed64(value) => out.push_all(&value.to_le_bytes()),
        }
    }
}

/// The range of a type of integers.
fn range(value: Type) -> (i64, u64) {
    match value {
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => (i64::MIN, i64::MAX as u64),
        Type::Uint64 | Type::Fixed64 => (0, u64::MAX),
        Type::Uint32 | Type::Fixed32 => (0, u64::from(u32::MAX)),
        _ => (i64::from(i32::MIN), i32::MAX as u64),
    }
}

/// An integer of a type that can hold it, as that type encodes it.
fn encoded(value: Type, integer: i128) -> Scalar {
    match value {
        Type::Fixed64 | Type::Sfixed64 => Scalar::Fixed64(integer as u64),
        Type::Fixed32 | Type::Sfixed32 => Scalar::Fixed32(integer as u32),
        Type::Sint32 | Type::Sint64 => Scalar::Varint(zigzag(integer as i64)),
        // A negative int32 is ten bytes long, like the int64 of the same value.
        _ => Scalar::Varint(integer as u64),
    }
}

impl Parser<'_> {
    /// The number, bool or enum value here; None for an enum name that is skipped.
    #[inline(always)]
    pub(super) fn scalar(&mut self, value: Type) -> Result<Option<Scalar>> {
        let start = self.at;
        let scalar = match value {
            Type::Double => self.double().map(|value| Scalar::Fixed64(value.to_bits())),
            Type::Float => self.float().map(|value| Scalar::Fixed32(value.to_bits())),
            Type::Bool => self.bool().map(|value| Scalar::Varint(u64::from(value))),
            Type::Enum(index) => return self.enum_value(index).map_err(|error| self.number_error(error, start)),
            _ => self.integer(value).map(|integer| encoded(value, integer)),
        };
        scalar.map(Some).map_err(|error| self.number_error(error, start))
    }

    #[inline(always)]
    fn integer(&mut self, value: Type) -> Result<i128> {
        let (min, max) = range(value);
        if let Some((integer, end)) = numbers::short_integer(self.text, self.at) {
            let integer = i128::from(integer);
            if integer >= i128::from(min) && integer <= i128::from(max) {
                self.at = end;
                return Ok(integer);
            }
        }
        self.long_integer(min, max)
    }

    #[inline(never)]
    fn long_integer(&mut self, min: i64, max: u64) -> Result<i128> {
        match self.peek() {
            b'"' => {
                let text = self.string()?;
                whole_number(&text)?.integer(min, max)
            }
            b'-' | b'0'..=b'9' => self.number()?.integer(min, max),
            _ => Err(self.mismatch("an integer")),
        }
    }

    #[inline(always)]
    pub(super) fn double(&mut self) -> Result<f64> {
        if let Some((value, end)) = numbers::short_double(self.text, self.at) {
            self.at = end;
            return Ok(value);
        }
        self.long_double()
    }

    #[inline(never)]
    fn long_double(&mut self) -> Result<f64> {
        match self.peek() {
            b'"' => {
                let text = self.string()?;
                match special_double(&text) {
                    Some(value) => Ok(value),
                    None => not_integer(whole_number(&text), &text)?.double(),
                }
            }
            b'-' | b'0'..=b'9' => self.number()?.double(),
            _ => Err(self.mismatch("a number")),
        }
    }

    fn float(&mut self) -> Result<f32> {
        match self.peek() {
            b'"' => {
                let text = self.string()?;
                match special_double(&text) {
                    Some(value) => Ok(value as f32),
                    None => not_integer(whole_number(&text), &text)?.float(),
                }
            }
            b'-' | b'0'..=b'9' => self.number()?.float(),
            _ => Err(self.mismatch("a number")),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        match self.peek() {
            b't' => self.literal("true").map(|()| true),
            b'f' => self.literal("false").map(|()| false),
            _ => Err(self.mismatch("true or false")),
        }
    }

    #[inline(always)]
    fn enum_value(&mut self, index: usize) -> Result<Option<Scalar>> {
        let plan = self.plan;
        let kind = &plan.enums[index];
        let guess = kind.in_place(self.enum_places[index] as usize);
        if let (Some((number, token)), Some(head)) = (guess, strings::chunk(self.text, self.at)) {
            if token.stands(self.text, self.at, u64::from_le_bytes(*head)) {
                self.at += token.bytes.len();
                return Ok(Some(Scalar::Varint(i64::from(*number) as u64)));
            }
        }
        self.other_enum_value(index)
    }

    #[inline(never)]
    fn other_enum_value(&mut self, index: usize) -> Result<Option<Scalar>> {
        let plan = self.plan;
        let kind = &plan.enums[index];
        let number = match self.peek() {
            b'"' => {
                let name = self.string()?;
                if let Some(number) = kind.number(&name) {
                    self.enum_places[index] = kind.place(number).unwrap_or(0) as u32;
                    return Ok(Some(Scalar::Varint(i64::from(number) as u64)));
                }
                // A number in quotation marks is a number everywhere else, and so it is here.
                match as_number(&name).filter(Number::is_plain) {
                    Some(number) => number.integer(i64::from(i32::MIN), i32::MAX as u64)?,
                    None if plan.options.ignore_unknown_enum_names => {
                        self.skipped.enum_names += 1;
                        add_name(&mut self.skipped.value_names, &kind.name, &name);
                        return Ok(None);
                    }
                    None => {
                        let text = format!("{} has no value of the name {}", kind.name, quote(&name));
                        return Err(Error::new(Kind::Value, text));
                    }
                }
            }
            b'-' | b'0'..=b'9' => self.number()?.integer(i64::from(i32::MIN), i32::MAX as u64)?,
            b'n' if kind.is_null_value => {
                self.null()?;
                0
            }
            _ => return Err(self.mismatch("the name or number of an enum value")),
        };
        if kind.is_closed && kind.quoted_name(number as i32).is_none() {
            return Err(Error::new(Kind::Value, format!("{} has no value of the number {number}", kind.name)));
        }
        Ok(Some(Scalar::Varint(number as u64)))
    }

    /// The content of a string field.
    #[inline(always)]
    pub(super) fn string_content(&mut self) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.mismatch("a string"));
        }
        self.at = strings::read(self.text, self.at + 1, &mut self.out.bytes)?;
        Ok(())
    }

    /// The content of a bytes field.
    pub(super) fn bytes_content(&mut self) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.mismatch("a string in base64"));
        }
        let start = self.at;
        let text = self.string()?;
        base64::decode(&mut self.out.bytes, &text)
            .map_err(|what| Error::at(Kind::Value, start, format!("expected base64, not {}: {what}", quote(&text))))
    }
}

/// The key of a map, of a type other than string.
pub(super) fn key_scalar(key: Type, text: &[u8]) -> Result<Scalar> {
    if key == Type::Bool {
        return match text {
            b"true" => Ok(Scalar::Varint(1)),
            b"false" => Ok(Scalar::Varint(0)),
            _ => Err(Error::new(Kind::Value, format!("expected the key \"true\" or \"false\", not {}", quote(text)))),
        };
    }
    let (min, max) = range(key);
    Ok(encoded(key, whole_number(text)?.integer(min, max)?))
}

/// A string that is a number, and nothing else.
#[inline]
fn whole_number(text: &[u8]) -> Result<Number<'_>> {
    as_number(text).ok_or_else(|| not_a_number(text))
}

#[inline]
fn as_number(text: &[u8]) -> Option<Number<'_>> {
    numbers::scan(text, 0).ok().filter(|number| number.text.len() == text.len())
}

#[cold]
fn not_a_number(text: &[u8]) -> Error {
    Error::new(Kind::Integer, format!("expected an integer, not {}", quote(text)))
}

/// The same for a field that need not be an integer.
fn not_integer<'t>(number: Result<Number<'t>>, text: &[u8]) -> Result<Number<'t>> {
    number.map_err(|_| Error::new(Kind::Value, format!("expected a number, not {}", quote(text))))
}

fn special_double(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
