//! The one error of the crate: what was wrong, what was expected, and where.

use std::fmt::{self, Write};

/// The sort of mistake; the names are the public ones of `eegrpc.mapper.MapperError.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A mistake of this crate's own.
    Bug,
    /// Nested deeper than protobuf parsers read.
    Depth,
    /// The input just ends early.
    Eof,
    /// Not a whole number.
    Integer,
    /// Not JSON, or not one document.
    Json,
    /// A number that its field cannot hold.
    Range,
    /// A field that the message does not have.
    Unknown,
    /// Not UTF-8.
    Utf8,
    /// Any other value that its field cannot hold.
    Value,
    /// Not an encoding of the message.
    Wire,
}

impl Kind {
    /// The kind's public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bug => "bug",
            Kind::Depth => "depth",
            Kind::Eof => "eof",
            Kind::Integer => "integer",
            Kind::Json => "json",
            Kind::Range => "range",
            Kind::Unknown => "unknown",
            Kind::Utf8 => "utf8",
            Kind::Value => "value",
            Kind::Wire => "wire",
        }
    }
}

/// One step of a path, as seen from the message around it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// Input that is not the message. Boxed, because results carry it through the hot paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    kind: Kind,
    message: String,
    /// From the inside out.
    path: Vec<Step>,
    offset: Option<usize>,
    missing_type: Option<String>,
}

/// The outcome of anything that reads input.
pub type Result<T> = std::result::Result<T, Error>;

/// Most bytes of a key that a path repeats.
const KEY_QUOTE: usize = 24;
/// Most bytes of a value that a message repeats.
const VALUE_QUOTE: usize = 32;
/// Most characters of a path; what lies in the middle of a longer one is left out.
const PATH_LIMIT: usize = 240;

impl Error {
    /// An error without a place yet.
    #[cold]
    #[inline(never)]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Error(Box::new(Detail { kind, message, path: Vec::new(), offset: None, missing_type: None }))
    }

    /// An error at a byte of the input.
    #[cold]
    #[inline(never)]
    pub fn at(kind: Kind, offset: usize, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.0.offset = Some(offset);
        error
    }

    /// A google.protobuf.Any of a type that the schema does not have: the caller may add it and try again.
    #[cold]
    #[must_use]
    pub fn missing_type(name: &str) -> Self {
        let text = format!("a google.protobuf.Any holds {}, a type that is not known here", quote(name.as_bytes()));
        let mut error = Self::new(Kind::Value, text);
        error.0.missing_type = Some(name.to_owned());
        error
    }

    /// The same error, seen from the message around the field or map entry.
    #[cold]
    #[must_use]
    pub fn inside(mut self, name: &[u8]) -> Self {
        let text = String::from_utf8_lossy(name);
        let step = if is_identifier(name) {
            text.into_owned()
        } else {
            format!("[\"{}\"]", clip(&text, KEY_QUOTE).escape_debug())
        };
        self.0.path.push(Step::Name(step));
        self
    }

    /// The same error, seen from the list around the element.
    #[cold]
    #[must_use]
    pub fn inside_list(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    /// The same error, with a place if it had none.
    #[cold]
    #[must_use]
    pub fn or_at(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// The sort of mistake.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What was wrong and what was expected, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The byte of the input, if known.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// The type that a google.protobuf.Any wanted and the schema does not have.
    #[must_use]
    pub fn wanted_type(&self) -> Option<&str> {
        self.0.missing_type.as_deref()
    }

    /// The field, `images[3].sizeBytes`; empty for the message itself.
    #[must_use]
    pub fn path(&self) -> String {
        let mut text = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Name(name) if text.is_empty() || name.starts_with('[') => text.push_str(name),
                Step::Name(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                Step::Index(index) => {
                    let _ = write!(text, "[{index}]");
                }
            }
        }
        if text.len() <= PATH_LIMIT {
            return text;
        }
        let tail: String = text.chars().rev().take(PATH_LIMIT / 2).collect();
        format!("{}...{}", clip(&text, PATH_LIMIT / 2), tail.chars().rev().collect::<String>())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        formatter.write_str(self.message())?;
        if !path.is_empty() {
            write!(formatter, " at {path}")?;
        }
        match self.offset() {
            Some(offset) => write!(formatter, " (byte {offset})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// The start of some input in quotation marks, with nothing in it that could harm a terminal or a log.
#[cold]
#[must_use]
pub fn quote(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(VALUE_QUOTE)]);
    let more = if input.len() > VALUE_QUOTE { "..." } else { "" };
    format!("\"{}{more}\"", text.escape_debug())
}

fn clip(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn is_identifier(name: &[u8]) -> bool {
    name.len() <= KEY_QUOTE * 2
        && name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
