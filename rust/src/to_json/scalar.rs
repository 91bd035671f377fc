//! Single values of the scalar types.

use super::Printer;
use crate::base64;
use crate::error::Result;
use crate::numbers::{push_double, push_float, push_integer};
use crate::plan::Type;
use crate::wire::{unzigzag, Reader, FIXED32, FIXED64};

/// Read the number that `value` encodes, as the bits that its type gives it.
#[inline]
pub(super) fn read(value: Type, reader: &mut Reader<'_>) -> Result<u64> {
    let raw = match value.wire_type() {
        FIXED32 => u64::from(reader.fixed32()?),
        FIXED64 => reader.fixed64()?,
        _ => reader.varint()?,
    };
    // What does not fit is cut off, as all parsers do.
    Ok(match value {
        Type::Int32 | Type::Enum(_) | Type::Sfixed32 => i64::from(raw as i32) as u64,
        Type::Uint32 => u64::from(raw as u32),
        Type::Sint32 => unzigzag(u64::from(raw as u32)) as u64,
        Type::Sint64 => unzigzag(raw) as u64,
        Type::Bool => u64::from(raw != 0),
        _ => raw,
    })
}

impl Printer<'_> {
    /// Whether the closed enum of `value` lacks a number: then the field counts as unknown.
    #[inline]
    pub(super) fn is_foreign(&self, value: Type, bits: u64) -> bool {
        matches!(value, Type::Enum(index)
            if self.plan.enums[index].is_closed && self.plan.enums[index].quoted_name(bits as i32).is_none())
    }

    /// Print a number of type `value`.
    #[inline]
    pub(super) fn scalar(&mut self, value: Type, bits: u64) {
        let out = &mut self.out;
        match value {
            Type::Double => self.double(f64::from_bits(bits)),
            Type::Float => self.float(f32::from_bits(bits as u32)),
            Type::Int32 | Type::Sint32 | Type::Sfixed32 => push_integer(out, bits as i32),
            Type::Uint32 | Type::Fixed32 => push_integer(out, bits as u32),
            Type::Int64 | Type::Sint64 | Type::Sfixed64 => {
                out.push(b'"');
                push_integer(out, bits as i64);
                out.push(b'"');
            }
            Type::Uint64 | Type::Fixed64 => {
                out.push(b'"');
                push_integer(out, bits);
                out.push(b'"');
            }
            Type::Bool => out.extend_from_slice(if bits != 0 { b"true" } else { b"false" }),
            Type::Enum(index) => self.enum_value(index, bits as i32),
            // These are not numbers, and are printed where they are read.
            Type::String | Type::Bytes | Type::Message(_) | Type::Group(_) => {}
        }
    }

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            push_double(&mut self.out, value);
        } else {
            self.special(value);
        }
    }

    fn float(&mut self, value: f32) {
        if value.is_finite() {
            push_float(&mut self.out, value);
        } else {
            self.special(f64::from(value));
        }
    }

    #[cold]
    fn special(&mut self, value: f64) {
        let text = match value {
            _ if value.is_nan() => "\"NaN\"",
            _ if value > 0.0 => "\"Infinity\"",
            _ => "\"-Infinity\"",
        };
        self.out.extend_from_slice(text.as_bytes());
    }

    fn enum_value(&mut self, index: usize, number: i32) {
        let plan = self.plan;
        let kind = &plan.enums[index];
        if plan.options.use_integers_for_enums {
            push_integer(&mut self.out, number);
        } else if kind.is_null_value {
            self.out.extend_from_slice(b"null");
        } else if let Some(name) = kind.quoted_name(number) {
            self.out.extend_from_slice(name);
        } else {
            push_integer(&mut self.out, number);
        }
    }

    /// Print the number_value of a google.protobuf.Value, which JSON must be able to hold.
    #[inline]
    pub(super) fn value_number(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let at = reader.at;
        let value = f64::from_bits(reader.fixed64()?);
        if !value.is_finite() {
            return self.no_json_form(at, format!("{value} in a google.protobuf.Value, which JSON cannot hold"));
        }
        push_double(&mut self.out, value);
        Ok(())
    }

    pub(super) fn base64(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        base64::encode(&mut self.out, bytes);
        self.out.push(b'"');
    }
}
