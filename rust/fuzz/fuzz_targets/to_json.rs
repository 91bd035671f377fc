//! Wire bytes of any type to JSON. Input: a byte for the type, one for the options, the encoding.

#![no_main]

use eegrpc_mapper_fuzz::{check_wire, chosen};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((plan, wire)) = chosen(data) {
        check_wire(&plan, wire);
    }
});
