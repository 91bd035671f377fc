//! Protobuf wire bytes to proto3 JSON and back, in one pass, for any message of a FileDescriptorSet.
//!
//! A [`Plan`] is a schema compiled for one message type; it is immutable, and its two functions are pure: bytes in, bytes
//! out, nothing kept. The mapping is the one of <https://protobuf.dev/programming-guides/json/>. What is refused, and why,
//! is written in docs/mapper.md. Besides, [`is_sound_expression`] looks through an expression of Earth Engine.

mod base64;
mod compile;
mod distinct;
mod error;
mod expression;
mod numbers;
mod plan;
#[cfg(feature = "python")]
mod python;
mod repeats;
mod schema;
mod seen;
mod strings;
mod time;
mod to_json;
mod to_wire;
mod wire;
mod writer;

pub use error::{Error, Kind, Result};
pub use expression::is_sound_expression;
pub use plan::{Options, Plan};
pub use to_wire::Skipped;
pub use writer::{Output, Part, Take};
