//! Whether an expression of Earth Engine can be evaluated, seen quickly: the graph is closed and has no cycle, and nests
//! no deeper than parsers read.
//!
//! Nearly all expressions are sound, and are only to be let through; one that may not be is left to the caller, who
//! looks again, slowly, to say what is wrong and where. The time is linear in the size of the expression.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use crate::wire::{Part, Reader, Tag, LENGTH, VARINT};

/// Field numbers, from protos/eegrpc/v1alpha/expression.proto.
mod fields {
    pub const EXPRESSION_VALUES: u32 = 1;
    pub const EXPRESSION_RESULT: u32 = 2;
    pub const ENTRY_KEY: u32 = 1;
    pub const ENTRY_VALUE: u32 = 2;
    pub const NODE_CONSTANT: u32 = 1;
    pub const NODE_INTEGER: u32 = 2;
    pub const NODE_ARRAY: u32 = 4;
    pub const NODE_DICTIONARY: u32 = 5;
    pub const NODE_DEFINITION: u32 = 6;
    pub const NODE_INVOCATION: u32 = 7;
    pub const NODE_ARGUMENT: u32 = 8;
    pub const NODE_REFERENCE: u32 = 9;
    pub const LAST_OF_NODE: u32 = 9;
    pub const ARRAY_VALUES: u32 = 1;
    pub const DICTIONARY_VALUES: u32 = 1;
    pub const DEFINITION_ARGUMENT: u32 = 1;
    pub const DEFINITION_BODY: u32 = 2;
    pub const INVOCATION_NAME: u32 = 1;
    pub const INVOCATION_REFERENCE: u32 = 2;
    pub const INVOCATION_ARGUMENTS: u32 = 3;

    // And from google/protobuf/struct.proto.
    pub const VALUE_STRUCT: u32 = 5;
    pub const VALUE_LIST: u32 = 6;
    pub const STRUCT_FIELDS: u32 = 1;
    pub const LIST_VALUES: u32 = 1;
}

/// Most messages inside one another that protobuf's parsers read, the request around the expression not counted.
const MAX_LEVELS: u32 = 100;
/// Where a node at the root of an entry is: in the entry, in the expression.
const ROOT_LEVEL: u32 = 3;

/// Names of function arguments, as bits.
type Names = u64;

/// Whether it is certain that an encoded `Expression` can be evaluated: `result` and every reference name a node, no
/// node depends on itself, every node has a value and every invocation a function, and arguments are used only where a
/// function binds them; and that parsers read the request that it becomes, for it nests no deeper than they go.
///
/// False says that it cannot, or that this is not the place to find out: the bytes are not what an encoder writes, or
/// there are more than 64 names of arguments.
#[must_use]
pub fn is_sound_expression(wire: &[u8]) -> bool {
    Graph::read(wire).is_ok_and(|graph| graph.is_sound())
}

/// A reference from a node to another.
struct Edge<'a> {
    target: &'a [u8],
    /// Arguments that the target may use because of this reference: it is the body of a function.
    binds: Names,
}

/// Nodes to be read, and how deep in the request each is.
type Pending = Vec<(Part, u32)>;

/// What one entry of `values`, with all nodes inside it, refers to.
struct Node {
    /// Where its edges begin; they end where those of the next node do.
    edges: usize,
    arguments: Names,
}

struct Graph<'a> {
    keys: Places<'a>,
    nodes: Vec<Node>,
    edges: Vec<Edge<'a>>,
    result: &'a [u8],
    names: Places<'a>,
}

/// Texts and their places, from 0. A table pays only when there are many: most expressions are small.
struct Places<'a> {
    texts: Vec<&'a [u8]>,
    table: Option<HashMap<&'a [u8], usize>>,
}

impl<'a> Places<'a> {
    const FEW: usize = 24;

    fn new() -> Self {
        Places { texts: Vec::with_capacity(Self::FEW), table: None }
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        match &self.table {
            Some(table) => table.get(text).copied(),
            None => self.texts.iter().position(|each| *each == text),
        }
    }

    /// Add a text that is not there; return its place.
    fn add(&mut self, text: &'a [u8]) -> usize {
        let place = self.texts.len();
        self.texts.push(text);
        if let Some(table) = &mut self.table {
            table.insert(text, place);
        } else if place == Self::FEW {
            self.table = Some(self.texts.iter().copied().zip(0..).collect());
        }
        place
    }
}

impl<'a> Graph<'a> {
    fn read(wire: &'a [u8]) -> Result<Self> {
        let mut graph = Graph {
            keys: Places::new(),
            nodes: Vec::with_capacity(Places::FEW),
            edges: Vec::with_capacity(Places::FEW),
            result: b"",
            names: Places::new(),
        };
        let mut pending = Pending::with_capacity(Places::FEW);
        let mut reader = Reader::new(wire, Part { start: 0, end: wire.len() });
        while !reader.is_done() {
            let tag = reader.tag()?;
            let part = reader.value(tag, 0)?;
            match (tag.number, tag.wire_type) {
                (fields::EXPRESSION_VALUES, LENGTH) => graph.read_entry(wire, part, &mut pending)?,
                (fields::EXPRESSION_RESULT, LENGTH) => graph.result = bytes(wire, part),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn read_entry(&mut self, wire: &'a [u8], part: Part, pending: &mut Pending) -> Result<()> {
        let (key, root) = entry(wire, part)?;
        if self.keys.find(bytes(wire, key)).is_some() {
            return Err(unsure());
        }
        self.keys.add(bytes(wire, key));
        self.nodes.push(Node { edges: self.edges.len(), arguments: 0 });
        pending.push((root, ROOT_LEVEL));
        while let Some((node, level)) = pending.pop() {
            self.read_node(wire, node, level, pending)?;
        }
        Ok(())
    }

    /// Take note of what a node refers to; the nodes inside it are added to `pending`.
    fn read_node(&mut self, wire: &'a [u8], node: Part, level: u32, pending: &mut Pending) -> Result<()> {
        check_level(level)?;
        let Some((tag, value)) = only_field(wire, node, fields::LAST_OF_NODE)? else {
            return Err(unsure());
        };
        if tag.wire_type != if tag.number == fields::NODE_INTEGER { VARINT } else { LENGTH } {
            return Err(unsure()); // to decoders it is an unknown field
        }
        let inner = level + 1;
        match tag.number {
            fields::NODE_ARRAY => each(wire, value, inner, |tag, part| {
                if tag.number == fields::ARRAY_VALUES {
                    pending.push((part, inner + 1));
                }
                Ok(())
            }),
            fields::NODE_DICTIONARY => each(wire, value, inner, |tag, part| {
                if tag.number == fields::DICTIONARY_VALUES {
                    pending.push((entry(wire, part)?.1, inner + 2));
                }
                Ok(())
            }),
            fields::NODE_DEFINITION => self.read_definition(wire, value, inner),
            fields::NODE_INVOCATION => self.read_invocation(wire, value, inner, pending),
            fields::NODE_CONSTANT => check_constant(wire, value, inner),
            fields::NODE_ARGUMENT => {
                let name = self.name(bytes(wire, value))?;
                self.nodes.last_mut().ok_or_else(unsure)?.arguments |= name;
                Ok(())
            }
            fields::NODE_REFERENCE => {
                self.edges.push(Edge { target: bytes(wire, value), binds: 0 });
                Ok(())
            }
            _ => Ok(()), // a number or bytes
        }
    }

    fn read_definition(&mut self, wire: &'a [u8], definition: Part, level: u32) -> Result<()> {
        let mut edge = Edge { target: b"", binds: 0 };
        each(wire, definition, level, |tag, part| {
            match tag.number {
                fields::DEFINITION_ARGUMENT => edge.binds |= self.name(bytes(wire, part))?,
                fields::DEFINITION_BODY => edge.target = bytes(wire, part),
                _ => {}
            }
            Ok(())
        })?;
        self.edges.push(edge);
        Ok(())
    }

    fn read_invocation(&mut self, wire: &'a [u8], invocation: Part, level: u32, pending: &mut Pending) -> Result<()> {
        let mut functions = 0;
        each(wire, invocation, level, |tag, part| {
            match tag.number {
                fields::INVOCATION_NAME => functions += 1,
                fields::INVOCATION_REFERENCE => {
                    functions += 1;
                    self.edges.push(Edge { target: bytes(wire, part), binds: 0 });
                }
                fields::INVOCATION_ARGUMENTS => pending.push((entry(wire, part)?.1, level + 2)),
                _ => {}
            }
            Ok(())
        })?;
        if functions == 1 {
            Ok(())
        } else {
            Err(unsure())
        }
    }

    /// The bit of an argument's name.
    fn name(&mut self, name: &'a [u8]) -> Result<Names> {
        let bit = self.names.find(name).unwrap_or_else(|| self.names.add(name));
        1u64.checked_shl(bit as u32).ok_or_else(unsure)
    }

    fn is_sound(&self) -> bool {
        let Some(result) = self.keys.find(self.result).filter(|_| !self.result.is_empty()) else {
            return false;
        };
        let Some(targets) = self.edges.iter().map(|edge| self.keys.find(edge.target)).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        self.free_names(&targets).is_some_and(|free| free[result] == 0)
    }

    /// For each node, the names that it needs from outside; None if one depends on itself.
    fn free_names(&self, targets: &[usize]) -> Option<Vec<Names>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Visit {
            No,
            Begun,
            Done,
        }
        let mut visits = vec![Visit::No; self.nodes.len()];
        let mut free: Vec<Names> = self.nodes.iter().map(|node| node.arguments).collect();
        // Depth first: the trail leads to where we are; with each node, the edge to follow next.
        let mut trail: Vec<(usize, usize)> = Vec::new();
        for start in 0..self.nodes.len() {
            if visits[start] == Visit::No {
                visits[start] = Visit::Begun;
                trail.push((start, self.nodes[start].edges));
            }
            while let Some((node, edge)) = trail.last_mut() {
                let end = self.nodes.get(*node + 1).map_or(self.edges.len(), |next| next.edges);
                if *edge == end {
                    visits[*node] = Visit::Done;
                    trail.pop();
                    continue;
                }
                let target = targets[*edge];
                match visits[target] {
                    Visit::Begun => return None,
                    Visit::Done => {
                        free[*node] |= free[target] & !self.edges[*edge].binds;
                        *edge += 1;
                    }
                    Visit::No => {
                        visits[target] = Visit::Begun;
                        trail.push((target, self.nodes[target].edges));
                    }
                }
            }
        }
        Some(free)
    }
}

/// Look whether a constant, a `google.protobuf.Value` at `level`, nests too deeply. It calls itself as often.
fn check_constant(wire: &[u8], value: Part, level: u32) -> Result<()> {
    let inner = level + 1;
    each(wire, value, level, |tag, part| match tag.number {
        fields::VALUE_STRUCT => each(wire, part, inner, |tag, part| {
            if tag.number == fields::STRUCT_FIELDS {
                check_constant(wire, entry(wire, part)?.1, inner + 2)?;
            }
            Ok(())
        }),
        fields::VALUE_LIST => each(wire, part, inner, |tag, part| {
            if tag.number == fields::LIST_VALUES {
                check_constant(wire, part, inner + 1)?;
            }
            Ok(())
        }),
        _ => Ok(()),
    })
}

fn bytes(wire: &[u8], part: Part) -> &[u8] {
    wire.get(part.start..part.end).unwrap_or_default()
}

/// Key and value of an entry of a map, each of which an encoder writes once.
fn entry(wire: &[u8], part: Part) -> Result<(Part, Part)> {
    let (mut key, mut value) = (None, None);
    each(wire, part, 0, |tag, part| {
        let field = match tag.number {
            fields::ENTRY_KEY => &mut key,
            fields::ENTRY_VALUE => &mut value,
            _ => return Ok(()),
        };
        if field.replace(part).is_some() {
            return Err(unsure());
        }
        Ok(())
    })?;
    key.zip(value).ok_or_else(unsure)
}

fn check_level(level: u32) -> Result<()> {
    if level > MAX_LEVELS {
        return Err(unsure());
    }
    Ok(())
}

/// Give each field that is a string or a message of a message at `level`.
fn each(wire: &[u8], part: Part, level: u32, mut field: impl FnMut(Tag, Part) -> Result<()>) -> Result<()> {
    check_level(level)?;
    let mut reader = Reader::new(wire, part);
    while !reader.is_done() {
        let tag = reader.tag()?;
        let value = reader.value(tag, 0)?;
        if tag.wire_type == LENGTH {
            field(tag, value)?;
        }
    }
    Ok(())
}

/// The one field of a message, of those up to `last`; encoders write no more than one of a oneof.
fn only_field(wire: &[u8], part: Part, last: u32) -> Result<Option<(Tag, Part)>> {
    let mut reader = Reader::new(wire, part);
    let mut only = None;
    while !reader.is_done() {
        let tag = reader.tag()?;
        let value = reader.value(tag, 0)?;
        if tag.number <= last && only.replace((tag, value)).is_some() {
            return Err(unsure());
        }
    }
    Ok(only)
}

/// Nobody sees it.
fn unsure() -> Error {
    Error::new(Kind::Value, "not certain to be sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u32, payload: &[u8]) -> Vec<u8> {
        let mut encoded = vec![(number << 3 | LENGTH) as u8];
        crate::wire::push_varint(&mut encoded, payload.len() as u64);
        encoded.extend(payload);
        encoded
    }

    fn expression(result: &str, nodes: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entry = |(key, node): &(&str, Vec<u8>)| field(1, &[field(1, key.as_bytes()), field(2, node)].concat());
        [nodes.iter().flat_map(entry).collect(), field(2, result.as_bytes())].concat()
    }

    fn constant() -> Vec<u8> {
        field(1, &[0x08, 0x00])
    }

    fn reference(key: &str) -> Vec<u8> {
        field(fields::NODE_REFERENCE, key.as_bytes())
    }

    fn argument(name: &str) -> Vec<u8> {
        field(fields::NODE_ARGUMENT, name.as_bytes())
    }

    fn function(names: &[&str], body: &str) -> Vec<u8> {
        let names = names.iter().flat_map(|name| field(1, name.as_bytes())).collect();
        field(fields::NODE_DEFINITION, &[names, field(2, body.as_bytes())].concat())
    }

    fn call(name: &str, arguments: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entry = |(key, node): &(&str, Vec<u8>)| field(3, &[field(1, key.as_bytes()), field(2, node)].concat());
        let arguments = arguments.iter().flat_map(entry).collect();
        field(fields::NODE_INVOCATION, &[field(1, name.as_bytes()), arguments].concat())
    }

    #[test]
    fn what_can_be_evaluated_is_sound() {
        let mapped = [
            ("0", call("Collection.map", &[("collection", reference("1")), ("baseAlgorithm", reference("2"))])),
            ("1", field(fields::NODE_ARRAY, &[field(1, &constant()), field(1, &reference("4"))].concat())),
            ("2", function(&["x"], "3")),
            ("3", call("Image", &[("id", argument("x"))])),
            ("4", constant()),
        ];
        assert!(is_sound_expression(&expression("0", &mapped)));
        assert!(is_sound_expression(&expression("4", &mapped)));
        assert!(!is_sound_expression(&expression("3", &mapped)), "x is not bound there");
        assert!(!is_sound_expression(&expression("9", &mapped)), "there is no such node");
    }

    #[test]
    fn what_cannot_be_evaluated_is_not_sound() {
        assert!(!is_sound_expression(b""));
        assert!(!is_sound_expression(&expression("", &[("", constant())])), "no result is named");
        assert!(!is_sound_expression(&expression("0", &[("0", reference("1"))])), "dangles");
        assert!(!is_sound_expression(&expression("0", &[("0", reference("0"))])), "refers to itself");
        assert!(!is_sound_expression(&expression("0", &[("0", constant()), ("1", reference("1"))])), "so does another");
        assert!(!is_sound_expression(&expression("0", &[("0", Vec::new())])), "a node without a value");
        assert!(!is_sound_expression(&expression("0", &[("0", field(fields::NODE_INVOCATION, b""))])), "no function");
        assert!(!is_sound_expression(&expression("0", &[("0", function(&[], "2"))])), "no body");
    }

    #[test]
    fn what_no_encoder_writes_is_left_to_the_caller() {
        let twice = expression("0", &[("0", constant()), ("0", constant())]);
        assert!(!is_sound_expression(&twice));
        assert!(!is_sound_expression(&expression("0", &[("0", [constant(), constant()].concat())])));
        let sound = expression("0", &[("0", constant())]);
        assert!(is_sound_expression(&sound));
        assert!(!is_sound_expression(&expression("0", &[("0", vec![1 << 3, 0])])), "a number where a message belongs");
        for length in 0..sound.len() {
            assert!(!is_sound_expression(&sound[..length]), "cut at {length}");
        }
    }

    #[test]
    fn what_nests_too_deeply_is_left_to_the_caller() {
        fn nested(inmost: &[u8], times: usize, around: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
            let node = (0..times).fold(inmost.to_vec(), |node, _| around(node));
            expression("0", &[("0", node)])
        }
        let list = |node: Vec<u8>| field(fields::NODE_ARRAY, &field(1, &node));
        for (inmost, times) in [(vec![0x10, 0x07], 48), (constant(), 48), (field(fields::NODE_ARRAY, b""), 48)] {
            assert!(is_sound_expression(&nested(&inmost, times, list)));
            assert!(!is_sound_expression(&nested(&inmost, times + 1, list)));
        }
        let of_lists = |times| {
            let value = (0..times).fold(vec![0x08, 0x00], |value, _| field(fields::VALUE_LIST, &field(1, &value)));
            expression("0", &[("0", field(fields::NODE_CONSTANT, &value))])
        };
        assert!(is_sound_expression(&of_lists(48)));
        assert!(!is_sound_expression(&of_lists(49)));
    }

    #[test]
    fn sixty_four_names_are_known_apart() {
        let names: Vec<String> = (0..65).map(|number| format!("x{number}")).collect();
        for (count, sound) in [(64, true), (65, false)] {
            let names: Vec<&str> = names[..count].iter().map(String::as_str).collect();
            let body =
                field(fields::NODE_ARRAY, &names.iter().flat_map(|name| field(1, &argument(name))).collect::<Vec<_>>());
            let nodes = [("f", function(&names, "body")), ("body", body.clone())];
            assert_eq!(is_sound_expression(&expression("f", &nodes)), sound);
            assert!(!is_sound_expression(&expression("body", &nodes)));
        }
    }
}
