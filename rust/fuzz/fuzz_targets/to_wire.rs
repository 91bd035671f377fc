//! JSON of any type to wire bytes. Input: a byte for the type, one for the options, the text.

#![no_main]

use eegrpc_mapper_fuzz::{check_text, chosen};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((plan, text)) = chosen(data) {
        check_text(&plan, text);
    }
});
