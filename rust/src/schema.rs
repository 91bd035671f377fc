//! A FileDescriptorSet, read as far as JSON needs it, with the features of editions resolved.
//!
//! Field numbers are those of google/protobuf/descriptor.proto; defaults those of
//! <https://protobuf.dev/editions/features/>.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use crate::wire::{Part, Reader, Tag, LENGTH, VARINT};

/// Messages and enums by full name (without the leading dot), extensions by the message that they extend.
#[derive(Default)]
pub struct Schema {
    pub messages: HashMap<String, MessageType>,
    pub enums: HashMap<String, EnumType>,
    pub extensions: HashMap<String, Vec<FieldType>>,
}

#[derive(Default)]
pub struct MessageType {
    pub fields: Vec<FieldType>,
    pub is_map_entry: bool,
}

pub struct EnumType {
    /// In the order of the file: of several names of a number the first is the one to print.
    pub values: Vec<(String, i32)>,
    pub is_closed: bool,
}

#[derive(Clone, Default)]
pub struct FieldType {
    pub name: String,
    pub json_name: String,
    pub number: u32,
    /// FieldDescriptorProto.Type; a delimited message is a group.
    pub type_code: u32,
    pub type_name: String,
    pub is_repeated: bool,
    pub is_packed: bool,
    pub has_presence: bool,
    /// The index of the oneof in its message, unless that is the made-up one of a proto3 `optional` field.
    pub oneof: Option<u32>,
}

pub const TYPE_GROUP: u32 = 10;
pub const TYPE_MESSAGE: u32 = 11;
pub const TYPE_STRING: u32 = 9;
pub const TYPE_BYTES: u32 = 12;

/// The features that matter here.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a feature of its own")]
struct Features {
    implicit_presence: bool,
    closed_enums: bool,
    packed: bool,
    delimited: bool,
}

const PROTO2: u64 = 998;
const PROTO3: u64 = 999;

impl Features {
    fn of_edition(edition: u64) -> Self {
        Features {
            implicit_presence: edition == PROTO3,
            closed_enums: edition == PROTO2,
            packed: edition != PROTO2,
            delimited: false,
        }
    }

    /// These features, overridden by an encoded FeatureSet.
    fn with(mut self, set: Option<&[u8]>) -> Result<Self> {
        each(set.unwrap_or_default(), |number, value| {
            match (number, value) {
                (1, Item::Number(value)) => self.implicit_presence = value == 2,
                (2, Item::Number(value)) => self.closed_enums = value == 2,
                (3, Item::Number(value)) => self.packed = value == 1,
                (5, Item::Number(value)) => self.delimited = value == 2,
                _ => {}
            }
            Ok(())
        })?;
        Ok(self)
    }
}

enum Item<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Item<'_> {
    fn text(&self) -> Result<String> {
        match self {
            Item::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            Item::Number(_) => Err(Error::new(Kind::Wire, "a descriptor has a number where a name belongs")),
        }
    }
}

/// Call `visit` with each varint and each payload of an encoded message.
fn each<'a>(bytes: &'a [u8], mut visit: impl FnMut(u32, Item<'a>) -> Result<()>) -> Result<()> {
    let mut reader = Reader::new(bytes, Part { start: 0, end: bytes.len() });
    while !reader.is_done() {
        let Tag { number, wire_type } = reader.tag()?;
        match wire_type {
            VARINT => visit(number, Item::Number(reader.varint()?))?,
            LENGTH => {
                let part = reader.payload()?;
                visit(number, Item::Bytes(&bytes[part.start..part.end]))?;
            }
            _ => drop(reader.value(Tag { number, wire_type }, 0)?),
        }
    }
    Ok(())
}

/// The value of a field of bytes that is set at most once.
fn bytes_field(bytes: &[u8], wanted: u32) -> Result<Option<&[u8]>> {
    let mut found = None;
    each(bytes, |number, item| {
        if let (true, Item::Bytes(value)) = (number == wanted, item) {
            found = Some(value);
        }
        Ok(())
    })?;
    Ok(found)
}

fn number_field(bytes: &[u8], wanted: u32) -> Result<Option<u64>> {
    let mut found = None;
    each(bytes, |number, item| {
        if let (true, Item::Number(value)) = (number == wanted, item) {
            found = Some(value);
        }
        Ok(())
    })?;
    Ok(found)
}

impl Schema {
    /// Read an encoded google.protobuf.FileDescriptorSet.
    pub fn read(file_descriptor_set: &[u8]) -> Result<Self> {
        let mut schema = Schema::default();
        each(file_descriptor_set, |number, item| match (number, item) {
            (1, Item::Bytes(file)) => schema.file(file),
            _ => Ok(()),
        })?;
        Ok(schema)
    }

    fn file(&mut self, file: &[u8]) -> Result<()> {
        let mut package = String::new();
        let mut edition = PROTO2;
        let mut options = None;
        each(file, |number, item| {
            match (number, &item) {
                (2, _) => package = item.text()?,
                (8, Item::Bytes(value)) => options = Some(*value),
                (12, _) if item.text()? == "proto3" => edition = PROTO3,
                (14, Item::Number(value)) => edition = *value,
                _ => {}
            }
            Ok(())
        })?;
        let features = Features::of_edition(edition).with(feature_set(options, 50)?)?;
        each(file, |number, item| match (number, item) {
            (4, Item::Bytes(message)) => self.message(message, &package, features),
            (5, Item::Bytes(enumeration)) => self.enumeration(enumeration, &package, features),
            (7, Item::Bytes(extension)) => self.extension(extension, &package, features),
            _ => Ok(()),
        })
    }

    fn message(&mut self, message: &[u8], scope: &str, features: Features) -> Result<()> {
        let mut name = String::new();
        let mut options = None;
        each(message, |number, item| {
            match (number, &item) {
                (1, _) => name = join(scope, &item.text()?),
                (7, Item::Bytes(value)) => options = Some(*value),
                _ => {}
            }
            Ok(())
        })?;
        let features = features.with(feature_set(options, 12)?)?;
        let is_map_entry = number_field(options.unwrap_or_default(), 7)? == Some(1);
        // Maps are length-prefixed, entries and values, whatever the file says of other messages.
        let features = Features { delimited: features.delimited && !is_map_entry, ..features };
        let mut fields: Vec<FieldType> = Vec::new();
        each(message, |number, item| {
            match (number, item) {
                (2, Item::Bytes(value)) => fields.push(field(value, features)?.0),
                (3, Item::Bytes(value)) => self.message(value, &name, features)?,
                (4, Item::Bytes(value)) => self.enumeration(value, &name, features)?,
                (6, Item::Bytes(value)) => self.extension(value, &name, features)?,
                _ => {}
            }
            Ok(())
        })?;
        for field in &mut fields {
            if self.messages.get(&field.type_name).is_some_and(|message| message.is_map_entry) {
                field.type_code = TYPE_MESSAGE;
            }
        }
        self.messages.insert(name, MessageType { fields, is_map_entry });
        Ok(())
    }

    fn enumeration(&mut self, enumeration: &[u8], scope: &str, features: Features) -> Result<()> {
        let mut name = String::new();
        let mut options = None;
        let mut values = Vec::new();
        each(enumeration, |number, item| {
            match (number, &item) {
                (1, _) => name = join(scope, &item.text()?),
                (2, Item::Bytes(value)) => values.push((
                    Item::Bytes(bytes_field(value, 1)?.unwrap_or_default()).text()?,
                    number_field(value, 2)?.unwrap_or_default() as i32,
                )),
                (3, Item::Bytes(value)) => options = Some(*value),
                _ => {}
            }
            Ok(())
        })?;
        let is_closed = features.with(feature_set(options, 7)?)?.closed_enums;
        self.enums.insert(name, EnumType { values, is_closed });
        Ok(())
    }

    fn extension(&mut self, extension: &[u8], scope: &str, features: Features) -> Result<()> {
        let (mut field, extendee) = field(extension, features)?;
        field.json_name = format!("[{}]", join(scope, &field.name));
        field.name.clone_from(&field.json_name);
        field.has_presence = !field.is_repeated;
        self.extensions.entry(extendee).or_default().push(field);
        Ok(())
    }
}

/// Read a FieldDescriptorProto; also return the message that it extends, if it is an extension.
fn field(bytes: &[u8], features: Features) -> Result<(FieldType, String)> {
    const REQUIRED: u64 = 2;
    const REPEATED: u64 = 3;
    let mut field = FieldType::default();
    let mut extendee = String::new();
    let mut label = 0;
    let mut is_proto3_optional = false;
    let mut options = None;
    each(bytes, |number, item| {
        match (number, &item) {
            (1, _) => field.name = item.text()?,
            (2, _) => item.text()?.trim_start_matches('.').clone_into(&mut extendee),
            (3, Item::Number(value)) => field.number = *value as u32,
            (4, Item::Number(value)) => label = *value,
            (5, Item::Number(value)) => field.type_code = *value as u32,
            (6, _) => item.text()?.trim_start_matches('.').clone_into(&mut field.type_name),
            (8, Item::Bytes(value)) => options = Some(*value),
            (9, Item::Number(value)) => field.oneof = Some(*value as u32),
            (10, _) => field.json_name = item.text()?,
            (17, Item::Number(value)) => is_proto3_optional = *value == 1,
            _ => {}
        }
        Ok(())
    })?;
    let features = features.with(feature_set(options, 21)?)?;
    if field.json_name.is_empty() {
        field.json_name = camel_case(&field.name);
    }
    if field.type_code == TYPE_MESSAGE && features.delimited {
        field.type_code = TYPE_GROUP;
    }
    let is_message = matches!(field.type_code, TYPE_MESSAGE | TYPE_GROUP);
    field.is_repeated = label == REPEATED;
    field.has_presence =
        !field.is_repeated && (is_message || field.oneof.is_some() || label == REQUIRED || !features.implicit_presence);
    let can_be_packed = !is_message && !matches!(field.type_code, TYPE_STRING | TYPE_BYTES);
    let packed_option = number_field(options.unwrap_or_default(), 2)?.map(|value| value == 1);
    field.is_packed = field.is_repeated && can_be_packed && packed_option.unwrap_or(features.packed);
    if is_proto3_optional {
        field.oneof = None;
    }
    Ok((field, extendee))
}

fn feature_set(options: Option<&[u8]>, number: u32) -> Result<Option<&[u8]>> {
    bytes_field(options.unwrap_or_default(), number)
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}

/// The JSON name that protoc gives a field: underscores go, and the letter after each is a capital.
fn camel_case(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut after_underscore = false;
    for character in name.chars() {
        if character == '_' {
            after_underscore = true;
        } else {
            result.push(if after_underscore { character.to_ascii_uppercase() } else { character });
            after_underscore = false;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn json_names_are_protocs() {
        for (name, json) in
            [("size_bytes", "sizeBytes"), ("_a__b1_2c", "AB12c"), ("x", "x"), ("FieldName9", "FieldName9")]
        {
            assert_eq!(camel_case(name), json);
        }
    }
}
