//! What the fuzz targets share: the schema, the plans for its types, and the properties that every input must keep.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use eegrpc_mapper::{Error, Kind, Options, Part, Plan};
use serde::de::IgnoredAny;

/// The types of tests/mapper/schemas.py; made by fuzz/make_corpus.py.
const SCHEMA: &[u8] = include_bytes!("../schema.binpb");

/// The types that the first byte of an input of the main targets chooses from. fuzz/make_corpus.py reads this list.
pub const ROOTS: &[&str] = &[
    "google.earthengine.v1alpha.ComputeImagesResponse",
    "google.earthengine.v1alpha.ComputeImagesRequest",
    "google.protobuf.Value",
    "google.protobuf.Struct",
    "google.protobuf.Any",
    "mapper.proto3.Scalars",
    "mapper.proto3.Optional",
    "mapper.proto3.Repeated",
    "mapper.proto3.Unpacked",
    "mapper.proto3.MapKeys",
    "mapper.proto3.MapValues",
    "mapper.proto3.Oneofs",
    "mapper.proto3.WellKnown",
    "mapper.proto3.Tree",
    "mapper.proto3.Names",
    "mapper.proto3.Wide",
    "mapper.proto2.Scalars",
    "mapper.proto2.Repeated",
    "mapper.proto2.Groups",
    "mapper.proto2.Maps",
    "mapper.proto2.Extended",
    "mapper.editions.Explicit",
    "mapper.editions.Implicit",
    "mapper.editions.Repeated",
    "mapper.editions.Delimited",
    "mapper.editions.Loose",
];

/// What a google.protobuf.Any may hold besides.
const OTHERS: &[&str] = &[
    "mapper.proto3.Scalars",
    "mapper.proto3.Tree",
    "mapper.proto3.WellKnown",
    "mapper.proto2.Groups",
    "mapper.editions.Delimited",
];

type Plans = RefCell<HashMap<(&'static str, u8), Rc<Plan>>>;

thread_local! {
    static PLANS: Plans = RefCell::new(HashMap::new());
}

/// The plan for a type, with the options that the bits of `switches` turn on.
pub fn plan(root: &'static str, switches: u8) -> Rc<Plan> {
    PLANS.with_borrow_mut(|plans| {
        let plan = plans.entry((root, switches & 15)).or_insert_with(|| {
            let options = Options {
                ignore_unknown_fields: switches & 1 == 0,
                ignore_unknown_enum_names: switches & 1 == 0,
                preserving_proto_field_name: switches & 2 != 0,
                always_print_fields_with_no_presence: switches & 4 != 0,
                use_integers_for_enums: switches & 8 != 0,
            };
            Rc::new(Plan::new(SCHEMA, root, OTHERS, options).expect("the schema is complete"))
        });
        Rc::clone(plan)
    })
}

/// The plan that the first two bytes of an input choose, and the rest of it.
pub fn chosen(data: &[u8]) -> Option<(Rc<Plan>, &[u8])> {
    let [root, switches, rest @ ..] = data else { return None };
    Some((plan(ROOTS[usize::from(*root) % ROOTS.len()], *switches), rest))
}

/// Map JSON to wire bytes.
pub fn to_wire(plan: &Plan, text: &[u8]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut take = |parts: &[Part<'_>]| {
        bytes.extend(parts.iter().flat_map(Part::to_vec));
        Ok(())
    };
    let (output, _) = plan.to_wire(text, &mut take)?;
    let length = output.len();
    let rest = output.into_vec();
    assert_eq!(rest.len(), length, "the length that was told is not the length of the output");
    bytes.extend(rest);
    Ok(bytes)
}

/// Map wire bytes to JSON.
pub fn to_json(plan: &Plan, wire: &[u8]) -> Result<Vec<u8>, Error> {
    plan.to_json(wire).map(|output| output.into_vec())
}

/// Whether a text is JSON, in the opinion of another parser. It looks for neither repeated keys nor lone surrogates.
pub fn is_json(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let read: Result<IgnoredAny, _> = serde::Deserialize::deserialize(&mut parser);
    read.is_ok() && parser.end().is_ok()
}

/// The properties of every JSON text, in whatever type: what is accepted is JSON and has a stable encoding; what is
/// refused as no JSON is none.
pub fn check_text(plan: &Plan, text: &[u8]) {
    match to_wire(plan, text) {
        Ok(wire) => {
            assert!(is_json(text), "accepted, but no JSON");
            if may_have_null_numbers(text) {
                check_wire(plan, &wire);
            } else {
                check_accepted(plan, &wire, has_respelled_keys(text) || has_null_in_oneof(text));
            }
        }
        Err(error) => check_refusal(&error, text),
    }
}

/// Whether a quoted number is spelled otherwise than it is printed. As the key of a map it may be there twice, and the
/// later entry takes the place of the earlier one: difference 26 of docs/mapper.md.
fn has_respelled_keys(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'"').any(|part| {
        part.first().is_some_and(|byte| matches!(byte, b'-' | b'0'..=b'9'))
            && (part == b"-0" || part.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')))
    })
}

/// Whether the google.protobuf.Value of a oneof may be null: that sets it, and yet another member may follow, which takes
/// its place (MAP-12).
fn has_null_in_oneof(text: &[u8]) -> bool {
    let holds = |what: &[u8]| text.windows(what.len()).any(|window| window == what);
    holds(b"null") && (holds(b"\"kValue\"") || holds(b"\"k_value\""))
}

/// Whether a field of google.protobuf.NullValue is there, which may hold a number that the enum does not have: it prints
/// as null, and that reads as 0.
fn may_have_null_numbers(text: &[u8]) -> bool {
    [&b"Null\""[..], b"_null\""].iter().any(|end| text.windows(end.len()).any(|window| window == *end))
}

/// What is refused as no JSON must be none.
pub fn check_refusal(error: &Error, text: &[u8]) {
    assert!(error.kind() != Kind::Bug, "{error}");
    assert!(error.to_string().len() < 1024, "an error text of {} bytes", error.to_string().len());
    assert!(error.offset().is_none_or(|offset| offset <= text.len()), "an offset outside the text");
    let wrong_document = error.kind() == Kind::Json && error.message().contains(" object for ");
    if matches!(error.kind(), Kind::Json | Kind::Eof | Kind::Utf8) && !wrong_document {
        assert!(!is_json(text), "refused as no JSON, but it is: {error}");
    }
}

/// The encoding of an accepted text has a JSON form; that has the same encoding, but for the order of fields, unless
/// something of it `may_be_undone`; and from there on nothing changes.
fn check_accepted(plan: &Plan, wire: &[u8], may_be_undone: bool) {
    let json = match to_json(plan, wire) {
        Ok(json) => json,
        Err(error) => {
            assert!(is_lossy_mask(&error), "the encoding of an accepted text has no JSON form: {error}");
            return;
        }
    };
    assert!(is_json(&json), "printed, but no JSON: {}", String::from_utf8_lossy(&json));
    let Some(again) = read_back(plan, &json) else { return };
    let (mut first, mut second) = (wire.to_vec(), again.clone());
    first.sort_unstable();
    second.sort_unstable();
    assert!(
        first == second || (may_be_undone && second.len() < first.len()),
        "printing and reading changed the message: {}",
        String::from_utf8_lossy(&json)
    );
    assert_eq!(to_json(plan, &again).ok(), Some(json), "printing is not stable");
}

/// The properties of every byte string as the encoding of a message: what is accepted prints as JSON, which is accepted
/// and prints as the same JSON.
pub fn check_wire(plan: &Plan, wire: &[u8]) {
    match to_json(plan, wire) {
        Ok(json) => {
            assert!(is_json(&json), "printed, but no JSON: {}", String::from_utf8_lossy(&json));
            let Some(again) = read_back(plan, &json) else { return };
            let printed = to_json(plan, &again).ok();
            if printed.as_ref() != Some(&json) {
                // All numbers of a google.protobuf.NullValue print as null, also those that it does not have; null reads
                // as 0, which a field without presence does not keep.
                let text = String::from_utf8_lossy(&json);
                assert!(
                    text.contains("\"s_null\":null") || text.contains("\"sNull\":null"),
                    "printing is not stable: {text}"
                );
                let again = printed.and_then(|json| to_wire(plan, &json).ok()).expect("what was printed is read");
                check_wire(plan, &again);
            }
        }
        Err(error) => {
            assert!(error.kind() != Kind::Bug, "{error}");
            assert!(error.to_string().len() < 1024, "an error text of {} bytes", error.to_string().len());
        }
    }
}

/// The encoding of what was printed. There is none in the few cases that are argued in docs/mapper.md.
fn read_back(plan: &Plan, json: &[u8]) -> Option<Vec<u8>> {
    match to_wire(plan, json) {
        Ok(wire) => Some(wire),
        Err(error) => {
            let text = String::from_utf8_lossy(json);
            assert!(is_null_in_list(&error), "printed, but not read: {error}: {text}");
            None
        }
    }
}

/// Lists and maps of google.protobuf.NullValue print as nulls, which lists and maps cannot hold when they are read.
fn is_null_in_list(error: &Error) -> bool {
    error.kind() == Kind::Value && error.message().starts_with("null, which")
}

/// Masks are read more freely than they are printed: `"é"` and `"A"` are paths of one way only.
fn is_lossy_mask(error: &Error) -> bool {
    error.kind() == Kind::Value && error.message().contains("path")
}

/// Seconds, of which the last bits matter most, and nanoseconds, from the first twelve bytes.
pub fn raw_time(data: &[u8], most: i64) -> Option<(i64, i32)> {
    let seconds = i64::from_le_bytes(*data.first_chunk()?);
    let nanos = i32::from_le_bytes(*data.get(8..)?.first_chunk()?);
    // Half of all inputs lie in the range, the others anywhere.
    Some(if nanos & 1 == 0 { (seconds % (most + 1), nanos / 3) } else { (seconds, nanos) })
}

/// The encoding of a time.
pub fn time_wire(seconds: i64, nanos: i32) -> Vec<u8> {
    let mut wire = Vec::new();
    for (tag, value) in [(0x08, seconds as u64), (0x10, i64::from(nanos) as u64)] {
        let mut rest = value;
        if rest != 0 {
            wire.push(tag);
            while rest > 127 {
                wire.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            wire.push(rest as u8);
        }
    }
    wire
}

/// The time of an encoding as the crate makes it.
pub fn time_of(wire: &[u8]) -> (i64, i32) {
    let mut parts = [0u64; 2];
    let mut bytes = wire.iter();
    while let Some(tag) = bytes.next() {
        let mut shift = 0;
        for byte in bytes.by_ref() {
            parts[usize::from(*tag == 0x10)] |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    (parts[0] as i64, parts[1] as i32)
}
