//! base64, held against a decoder that goes bit by bit. Input: what is between the quotation marks, in ASCII.

#![no_main]

use eegrpc_mapper_fuzz::{plan, to_json, to_wire};

/// Both alphabets, and padding, which nobody counts up to two, or none; bits that belong to no byte are dropped.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &text[..text.len() - padding];
    if body.len() % 4 == 1 || padding > 2 {
        return None;
    }
    let mut bits = Vec::new();
    for byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits.extend((0..6).rev().map(|shift| value >> shift & 1));
    }
    let whole = bits.len() / 8 * 8;
    Some(bits[..whole].chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect())
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if data.iter().any(|byte| !(0x20..0x7f).contains(byte) || matches!(byte, b'"' | b'\\')) {
        return;
    }
    let text = [b"\"", data, b"\""].concat();
    let plan = plan("google.protobuf.BytesValue", 0);
    match (to_wire(&plan, &text), decode(data)) {
        (Ok(wire), Some(expected)) => {
            assert!(wire.ends_with(&expected) && (wire.len() > expected.len() || wire.is_empty()));
            let json = to_json(&plan, &wire).expect("bytes have a JSON form");
            assert_eq!(decode(&json[1..json.len() - 1]), Some(expected), "printed otherwise");
            assert_eq!(to_wire(&plan, &json).ok(), Some(wire));
        }
        (Ok(_), None) => panic!("accepted, but it is no base64"),
        (Err(error), Some(_)) => panic!("refused, but it is base64: {error}"),
        (Err(_), None) => {}
    }
});
