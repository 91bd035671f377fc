//! Compiles a schema into a plan: from the root on, whatever it refers to.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use crate::plan::{sketch, Cardinality, Enum, Field, Label, Message, Options, Plan, Shape, Token, Type, NO_FIELD};
use crate::schema::{FieldType, Schema, TYPE_BYTES, TYPE_GROUP, TYPE_MESSAGE, TYPE_STRING};
use crate::strings;
use crate::wire::{push_varint, END_GROUP, LENGTH};

/// Numbers below this one are looked up in a table.
const DENSE: u32 = 256;

impl Plan {
    /// Compile the message type `root`, and what it contains, from an encoded google.protobuf.FileDescriptorSet.
    ///
    /// `others` are the types that a google.protobuf.Any may hold besides those.
    ///
    /// # Errors
    /// The descriptors are not what protoc makes, or lack a type that is needed.
    pub fn new(file_descriptor_set: &[u8], root: &str, others: &[&str], options: Options) -> Result<Self> {
        let schema = Schema::read(file_descriptor_set)?;
        let mut builder = Builder { schema: &schema, options, found: HashMap::new(), queue: Vec::new() };
        let mut enums = Enums::default();
        let root = builder.index(root)?;
        for other in others {
            builder.index(other)?;
        }
        let mut messages: Vec<Message> = Vec::new();
        let mut places = 0;
        while let Some(name) = builder.queue.get(messages.len()).cloned() {
            let message = builder.message(name, places, &mut enums)?;
            places += message.fields.len() + 1;
            messages.push(message);
        }
        Ok(Plan { messages, enums: enums.list, root, options, places, by_name: builder.found })
    }
}

#[derive(Default)]
struct Enums {
    list: Vec<Enum>,
    found: HashMap<String, usize>,
}

struct Builder<'a> {
    schema: &'a Schema,
    options: Options,
    found: HashMap<String, usize>,
    /// The names of the messages, by index: those found while others are built are built in turn.
    queue: Vec<String>,
}

impl Builder<'_> {
    fn index(&mut self, name: &str) -> Result<usize> {
        if let Some(&index) = self.found.get(name) {
            return Ok(index);
        }
        if !self.schema.messages.contains_key(name) {
            return Err(Error::new(Kind::Value, format!("the descriptors lack the message type {name}")));
        }
        self.queue.push(name.to_owned());
        self.found.insert(name.to_owned(), self.queue.len() - 1);
        Ok(self.queue.len() - 1)
    }

    fn message(&mut self, name: String, base: usize, enums: &mut Enums) -> Result<Message> {
        let schema = self.schema;
        let own = schema.messages.get(&name).map(|message| message.fields.as_slice()).unwrap_or_default();
        let extensions = schema.extensions.get(&name).map(Vec::as_slice).unwrap_or_default();
        let mut fields = Vec::with_capacity(own.len() + extensions.len());
        let mut spellings = Vec::new();
        for (index, declared) in own.iter().chain(extensions).enumerate() {
            fields.push(self.field(declared, index >= own.len(), enums)?);
            spellings.push((declared.json_name.as_bytes(), declared.number));
        }
        spellings.extend(own.iter().map(|declared| (declared.name.as_bytes(), declared.number)));
        fields.sort_by_key(|field| field.number);
        let mut dense = vec![NO_FIELD; fields.last().map_or(0, |field| field.number.min(DENSE - 1) as usize + 1)];
        for (index, field) in fields.iter().enumerate() {
            if let Some(slot) = dense.get_mut(field.number as usize) {
                *slot = index as u32;
            }
        }
        let mut names: Vec<(Box<[u8]>, u32)> = Vec::with_capacity(spellings.len());
        for (name, number) in spellings {
            if let Ok(index) = fields.binary_search_by_key(&number, |field| field.number) {
                names.push((name.into(), index as u32));
            }
        }
        // Stable: a JSON name goes before another field's original name that is the same.
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        names.dedup_by(|(a, _), (b, _)| a == b);
        let sketch = names.iter().fold(0, |bits, (name, _)| bits | sketch(name));
        Ok(Message { shape: shape(&name), name, fields, names, dense, sketch, base })
    }

    fn field(&mut self, declared: &FieldType, is_extension: bool, enums: &mut Enums) -> Result<Field> {
        let value = self.type_of(declared, enums)?;
        let is_map = matches!(value, Type::Message(_))
            && self.schema.messages.get(&declared.type_name).is_some_and(|entry| entry.is_map_entry);
        let cardinality = match (declared.is_repeated, is_map) {
            (true, true) => Cardinality::Map,
            (true, false) => Cardinality::Repeated { packed: declared.is_packed },
            _ => Cardinality::Singular { implicit: !declared.has_presence },
        };
        let printed = if self.options.preserving_proto_field_name { &declared.name } else { &declared.json_name };
        let mut label = Vec::new();
        strings::push_quoted(&mut label, printed);
        label.push(b':');
        let wire_type = if declared.is_packed { LENGTH } else { value.wire_type() };
        Ok(Field {
            number: declared.number,
            value,
            cardinality,
            oneof: declared.oneof.map(|oneof| oneof as usize),
            token: Token::new(&format!("\"{}\":", declared.json_name)),
            label: Label::new(&label),
            tag: tag_bytes(declared.number, wire_type),
            end_tag: tag_bytes(declared.number, END_GROUP),
            is_extension,
        })
    }

    fn type_of(&mut self, declared: &FieldType, enums: &mut Enums) -> Result<Type> {
        Ok(match declared.type_code {
            1 => Type::Double,
            2 => Type::Float,
            3 => Type::Int64,
            4 => Type::Uint64,
            5 => Type::Int32,
            6 => Type::Fixed64,
            7 => Type::Fixed32,
            8 => Type::Bool,
            TYPE_STRING => Type::String,
            TYPE_GROUP => Type::Group(self.index(&declared.type_name)?),
            TYPE_MESSAGE => Type::Message(self.index(&declared.type_name)?),
            TYPE_BYTES => Type::Bytes,
            13 => Type::Uint32,
            14 => Type::Enum(self.enumeration(&declared.type_name, enums)?),
            15 => Type::Sfixed32,
            16 => Type::Sfixed64,
            17 => Type::Sint32,
            18 => Type::Sint64,
            code => {
                let text = format!("the descriptor of the field {} has the unknown type {code}", declared.name);
                return Err(Error::new(Kind::Value, text));
            }
        })
    }

    fn enumeration(&self, name: &str, enums: &mut Enums) -> Result<usize> {
        if let Some(&index) = enums.found.get(name) {
            return Ok(index);
        }
        let Some(declared) = self.schema.enums.get(name) else {
            return Err(Error::new(Kind::Value, format!("the descriptors lack the enum {name}")));
        };
        let mut names: Vec<(Box<[u8]>, i32)> =
            declared.values.iter().map(|(name, number)| (name.as_bytes().into(), *number)).collect();
        names.sort();
        let mut numbers: Vec<(i32, Token)> =
            declared.values.iter().map(|(name, number)| (*number, Token::new(&format!("\"{name}\"")))).collect();
        numbers.sort_by_key(|(number, _)| *number);
        numbers.dedup_by_key(|(number, _)| *number);
        let is_null_value = name == "google.protobuf.NullValue";
        enums.list.push(Enum { name: name.to_owned(), is_closed: declared.is_closed, is_null_value, names, numbers });
        enums.found.insert(name.to_owned(), enums.list.len() - 1);
        Ok(enums.list.len() - 1)
    }
}

fn tag_bytes(number: u32, wire_type: u32) -> Box<[u8]> {
    let mut bytes = Vec::new();
    push_varint(&mut bytes, u64::from(number) << 3 | u64::from(wire_type));
    bytes.into()
}

fn shape(name: &str) -> Shape {
    match name.strip_prefix("google.protobuf.") {
        Some("Any") => Shape::Any,
        Some("Timestamp") => Shape::Timestamp,
        Some("Duration") => Shape::Duration,
        Some("FieldMask") => Shape::FieldMask,
        Some("Struct") => Shape::Struct,
        Some("Value") => Shape::Value,
        Some("ListValue") => Shape::ListValue,
        Some(
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value" | "BoolValue"
            | "StringValue" | "BytesValue",
        ) => Shape::Wrapper,
        _ => Shape::Object,
    }
}
