//! Strings and their escapes, held against serde_json. Input: what is between the quotation marks.

#![no_main]

use eegrpc_mapper_fuzz::{plan, to_json, to_wire};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = [b"\"", data, b"\""].concat();
    let plan = plan("google.protobuf.StringValue", 0);
    let expected = serde_json::from_slice::<String>(&text);
    match (to_wire(&plan, &text), expected) {
        (Ok(wire), Ok(expected)) => {
            let json = to_json(&plan, &wire).expect("a string has a JSON form");
            assert_eq!(serde_json::from_slice::<String>(&json).expect("a JSON string"), expected);
            assert!(wire.ends_with(expected.as_bytes()), "the encoding does not hold the string");
        }
        (Ok(_), Err(error)) => panic!("accepted, but serde_json says {error}"),
        (Err(error), Ok(_)) => panic!("refused, but serde_json takes it: {error}"),
        (Err(_), Err(_)) => {}
    }
});
