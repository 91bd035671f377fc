//! A value that nobody wants: skipped exactly if another parser takes it too. Input: the value.

#![no_main]

use eegrpc_mapper::Kind;
use eegrpc_mapper_fuzz::{check_refusal, is_json, plan, to_wire};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = [br#"{"unknown":"#, data, b"}"].concat();
    let plan = plan("mapper.proto3.Nothing", 0);
    match to_wire(&plan, &text) {
        Ok(wire) => {
            assert!(is_json(&text), "skipped, but no JSON");
            assert!(wire.is_empty(), "something was left of what was skipped");
        }
        Err(error) => {
            check_refusal(&error, &text);
            // Repeated keys and lone surrogates, which the other parser does not look for, are wrong values.
            let known = matches!(error.kind(), Kind::Depth | Kind::Value);
            assert!(known || !is_json(&text), "refused, but JSON: {error}");
        }
    }
});
