//! google.protobuf.Any, whose type may come anywhere in its object. Input: the text.

#![no_main]

use eegrpc_mapper_fuzz::{check_text, plan};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    check_text(&plan("google.protobuf.Any", 0), data);
});
