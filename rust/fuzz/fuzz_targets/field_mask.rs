//! Field masks. Input: the text, and the same bytes as paths of an encoded mask.

#![no_main]

use eegrpc_mapper_fuzz::{check_text, check_wire, plan, to_wire};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let plan = plan("google.protobuf.FieldMask", 0);
    if let Ok(text) = std::str::from_utf8(data) {
        let quoted = serde_json::to_vec(text).expect("text is JSON");
        check_text(&plan, &quoted);
        if text.is_ascii() && !text.is_empty() {
            let paths = text.split(',').map(|path| {
                path.bytes().fold(Vec::new(), |mut snake, byte| {
                    if byte.is_ascii_uppercase() {
                        snake.push(b'_');
                    }
                    snake.push(byte.to_ascii_lowercase());
                    snake
                })
            });
            let expected: Vec<u8> = paths.flat_map(|path| encoded(&path)).collect();
            assert_eq!(to_wire(&plan, &quoted).ok(), (!text.contains('_')).then_some(expected));
        }
    }
    let wire: Vec<u8> = data.split(|byte| *byte == b',').flat_map(encoded).collect();
    check_wire(&plan, &wire);
});

/// A path as a field of a mask.
fn encoded(path: &[u8]) -> Vec<u8> {
    let mut field = vec![0x0a];
    let mut length = path.len();
    while length > 127 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend(path);
    field
}
