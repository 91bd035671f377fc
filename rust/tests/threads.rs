//! One plan serves many threads. Under ThreadSanitizer this looks for data races: see docs/fuzzing.md.

use std::thread;

use eegrpc_mapper::{Options, Part, Plan};

fn delimited(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 0x80, "a length of one byte");
    [&[number << 3 | 2, length], payload].concat()
}

/// A google.protobuf.FieldDescriptorProto.
fn field(name: &str, number: u8, label: u8, kind: u8, type_name: &str) -> Vec<u8> {
    let type_name = if type_name.is_empty() { Vec::new() } else { delimited(6, type_name.as_bytes()) };
    [delimited(1, name.as_bytes()), vec![3 << 3, number, 4 << 3, label, 5 << 3, kind], type_name].concat()
}

/// A google.protobuf.FileDescriptorSet of `message Tree { string name = 1; double size = 2; repeated Tree trees = 3; }`.
fn schema() -> Vec<u8> {
    const OPTIONAL: u8 = 1;
    const REPEATED: u8 = 3;
    let fields = [
        field("name", 1, OPTIONAL, 9, ""),
        field("size", 2, OPTIONAL, 1, ""),
        field("trees", 3, REPEATED, 11, ".Tree"),
    ];
    let tree = [delimited(1, b"Tree"), fields.iter().flat_map(|field| delimited(2, field)).collect()].concat();
    delimited(1, &[delimited(1, b"tree.proto"), delimited(4, &tree), delimited(12, b"proto3")].concat())
}

#[test]
fn a_plan_serves_many_threads() {
    let plan = Plan::new(&schema(), "Tree", &[], Options::default()).unwrap();
    let plan = &plan;
    thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                let tree = format!(r#"{{"name":"thread {number}","size":{number}.5}}"#);
                // Enough to be given away in parts, and for what comes again to be remembered.
                let json = format!(r#"{{"trees":[{}]}}"#, vec![tree; 60_000].join(","));
                for _ in 0..3 {
                    let mut wire = Vec::new();
                    let mut take = |parts: &[Part<'_>]| {
                        wire.extend(parts.iter().flat_map(Part::to_vec));
                        Ok(())
                    };
                    let (rest, skipped) = plan.to_wire(json.as_bytes(), &mut take).unwrap();
                    assert!(skipped.is_none());
                    wire.extend(rest.into_vec());
                    assert_eq!(plan.to_json(&wire).unwrap().into_vec(), json.as_bytes());
                }
            });
        }
    });
}
