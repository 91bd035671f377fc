"""Rows MAP-23 to MAP-25: what nests too deeply.

One rule for both directions and both implementations: what a mapper takes, protobuf's parsers read back. They read 100
levels of messages below the outermost one, and a map entry is a message. What is in an Any, or in a field that the
message does not have, counts on from the message around it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from mapping import PAGE, REQUEST, delimited, mapper, message_class, parsed, printed, refused, refused_wire, tag, varint

from eegrpc.mapper import MapperError

if TYPE_CHECKING:
    from collections.abc import Callable

TREE = "Tree"


def nested(times: int, wrap: Callable[[Any], Any], inside: Any) -> Any:
    for _ in range(times):
        inside = wrap(inside)
    return inside


def objects(times: int) -> Any:
    return nested(times, lambda inner: {"a": inner}, 1)


def lists(times: int) -> Any:
    return nested(times, lambda inner: [inner], 1)


def functions(times: int) -> Any:
    return nested(times, lambda inner: {"functionInvocationValue": {"arguments": {"x": inner}}}, {"constantValue": 1})


def arrays(times: int) -> Any:
    return nested(times, lambda inner: {"arrayValue": {"values": [inner]}}, {"constantValue": 1})


def page(properties: Any) -> Any:
    return {"images": [{"name": "a", "properties": properties}]}


def request(value: Any) -> Any:
    return {"expression": {"values": {"0": value}, "result": "0"}}


# The type, JSON that nests so many times, and the most times that are read.
BORDERS = {
    "objects in a page": (PAGE, lambda times: page(objects(times)), 33),
    "lists in a page": (PAGE, lambda times: page({"a": lists(times)}), 48),
    "empty lists in a page": (PAGE, lambda times: page({"a": nested(times - 1, lambda inner: [inner], [])}), 48),
    "objects in a request": (REQUEST, lambda times: request({"constantValue": objects(times)}), 32),
    "lists in a request": (REQUEST, lambda times: request({"constantValue": lists(times)}), 48),
    "functions in a request": (REQUEST, lambda times: request(functions(times)), 32),
    "arrays in a request": (REQUEST, lambda times: request(arrays(times)), 48),
    "objects": ("google.protobuf.Struct", objects, 33),
    "objects in a Value": ("google.protobuf.Value", objects, 33),
    "lists": ("google.protobuf.ListValue", lists, 50),
    "lists in a Value": ("google.protobuf.Value", lists, 50),
    "messages": (TREE, lambda times: nested(times, lambda inner: {"left": inner}, {}), 100),
    "lists of messages": (TREE, lambda times: nested(times, lambda inner: {"children": [inner]}, {}), 100),
    "maps of messages": (TREE, lambda times: nested(times, lambda inner: {"byName": {"k": inner}}, {}), 50),
    "groups": ("mapper.editions.Delimited", lambda times: nested(times, lambda inner: {"recursive": inner}, {}), 100),
    "a map in messages": (TREE, lambda times: nested(times, lambda inner: {"left": inner}, {"byName": {"": {}}}), 98),
    "a list in messages": (
        "Oneofs",
        lambda times: nested(times, lambda inner: {"kSelf": inner}, {"kValue": [0]}),
        97,
    ),
}


@pytest.mark.parametrize("case", BORDERS)
def test_map_23_the_border_is_what_protobuf_reads_back(implementation: str, case: str) -> None:
    name, build, most = BORDERS[case]
    message = parsed(implementation, name, json.dumps(build(most)))  # protobuf has read it
    assert json.loads(printed(implementation, name, message)) == json.loads(json.dumps(build(most)))

    error = refused(implementation, name, json.dumps(build(most + 1)))
    assert error.kind == "depth"
    deeper = json_format.ParseDict(build(most + 1), message_class(name)(), max_recursion_depth=500)
    assert refused_wire(implementation, name, deeper).kind == "depth"


def held(type_name: str, value: Any) -> Any:
    if isinstance(value, dict) and type_name.startswith("mapper."):
        return {"@type": f"x/{type_name}", **value}
    return {"@type": f"x/{type_name}", "value": value}


ANY_BORDERS = {
    "messages": (lambda times: held("mapper.proto3.Tree", nested(times, lambda inner: {"left": inner}, {})), 99),
    "objects": (lambda times: held("google.protobuf.Struct", objects(times)), 33),
    "lists": (lambda times: held("google.protobuf.ListValue", lists(times)), 50),
    "lists in a Value": (lambda times: held("google.protobuf.Value", lists(times)), 49),
    "Any in Any": (
        lambda times: nested(
            times, lambda inner: held("google.protobuf.Any", inner), held("mapper.proto3.Nothing", {})
        ),
        99,
    ),
    "messages and Any": (
        lambda times: nested(times, lambda inner: held("mapper.proto3.Tree", {"detail": inner}), {}),
        50,
    ),
}


@pytest.mark.parametrize("case", ANY_BORDERS)
def test_map_23_what_is_in_an_any_counts_on_from_it(implementation: str, case: str) -> None:
    build, most = ANY_BORDERS[case]
    name = "google.protobuf.Any"
    message = parsed(implementation, name, json.dumps(build(most)))
    assert json.loads(printed(implementation, name, message)) == json.loads(json.dumps(build(most)))
    error = refused(implementation, name, json.dumps(build(most + 1)))
    assert error.kind == "depth"
    pool = {"descriptor_pool": mapper(implementation, name).descriptor.file.pool}
    deeper = json_format.ParseDict(build(most + 1), message_class(name)(), max_recursion_depth=500, **pool)
    assert refused_wire(implementation, name, deeper).kind == "depth"


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "objects"])
@pytest.mark.parametrize(
    ("name", "around", "level"),
    [
        (TREE, lambda value: {"novel": value}, 0),
        (TREE, lambda value: {"left": {"novel": value}}, 1),
        (TREE, lambda value: {"byName": {"k": {"novel": value}}}, 2),
        (PAGE, lambda value: {"images": [{"bands": [{"novel": value}]}]}, 2),
        (TREE, lambda value: nested(99, lambda inner: {"left": inner}, {"novel": value}), 99),
        ("google.protobuf.Any", lambda value: held("mapper.proto3.Tree", {"novel": value}), 1),
    ],
    ids=["root", "message", "map", "page", "deep", "Any"],
)
def test_map_23_unknown_fields_count_each_list_and_object(
    implementation: str, name: str, around: Callable[[Any], Any], level: int, wrap: Callable[[Any], Any]
) -> None:
    parsed(implementation, name, json.dumps(around(nested(100 - level, wrap, 1))))
    error = refused(implementation, name, json.dumps(around(nested(101 - level, wrap, 1))))
    assert error.kind == "depth"


def test_map_23_unknown_wire_fields_count_each_group(implementation: str) -> None:
    def groups(times: int) -> bytes:
        return tag(99, 3) * times + tag(99, 4) * times

    assert printed(implementation, TREE, groups(100)) == "{}"
    assert refused_wire(implementation, TREE, groups(101)).kind == "depth"
    assert printed(implementation, TREE, delimited(2, groups(99))) == '{"left":{}}'
    assert refused_wire(implementation, TREE, delimited(2, groups(100))).kind == "depth"


CHILD = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from mapping import PAGE, mapper
from eegrpc.mapper import MapperError

MEGABYTES = 10
CASES = [
    ("google.protobuf.Value", b"[" * MEGABYTES * 10**6),
    ("google.protobuf.Value", b"[" * 10**6 + b"]" * 10**6),
    ("google.protobuf.Value", b'{"a":' * 10**6 + b"1" + b"}" * 10**6),
    (PAGE, b"[" * MEGABYTES * 10**6),
    (PAGE, b'{"novel":' + b"[" * MEGABYTES * 10**6),
    (PAGE, b'{"novel":' + b"[" * 10**6 + b"]" * 10**6 + b"}"),
    (PAGE, b'{"images":[{"properties":{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}}]}"),
    (PAGE, b'{"images":' * 10**5),
    ("Tree", b'{"left":' * 10**6 + b"{}" + b"}" * 10**6),
    ("Tree", b'{"novel":' + b'{"a":' * 10**6),
    ("Scalars", b'{"fString":' + b"[" * 10**6 + b"]" * 10**6 + b"}"),
]

def run():
    for name, text in CASES:
        to_wire = mapper(sys.argv[2], name).to_wire
        best = 9.0
        for _ in range(3):
            start = time.thread_time()
            try:
                to_wire(text)
            except MapperError as error:
                kind = error.kind
            else:
                kind = "taken"
            best = min(best, time.thread_time() - start)
        print(kind, best)

threading.stack_size(256 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def test_map_24_bombs_of_brackets_are_refused_at_once_on_a_small_stack(implementation: str) -> None:
    child = [sys.executable, "-c", CHILD, str(Path(__file__).parent), implementation]
    lines = subprocess.run(child, capture_output=True, text=True, check=True).stdout.split("\n")
    results = [line.split() for line in lines if line]
    kinds = [kind for kind, _ in results]
    # An object for a list, and a list for a string: either is told, that or the depth.
    assert {kinds.pop(), kinds.pop(7)} <= {"value", "depth"}
    assert kinds == ["depth", "depth", "depth", "json", "depth", "depth", "depth", "depth", "depth"]
    assert max(float(seconds) for _, seconds in results) < 0.05


def bomb(times: int, *headers: bytes, inside: bytes = b"") -> bytes:
    """Return messages in each other, made of headers in turn, from the inside out; each is followed by a length."""
    parts = [inside]
    length = len(inside)
    for number in range(times):
        parts.append(headers[number % len(headers)] + varint(length))
        length += len(parts[-1])
    return b"".join(reversed(parts))


def test_map_25_wire_bombs_are_refused(implementation: str) -> None:
    groups = tag(99, 3) * 10**6
    for name, wire in (
        ("google.protobuf.Value", bomb(10**6, tag(1, 2), tag(6, 2))),
        ("google.protobuf.Struct", bomb(999_999, tag(5, 2), tag(2, 2), tag(1, 2))),
        (TREE, bomb(10**6, tag(2, 2))),
        ("google.protobuf.ListValue", groups),
        ("google.protobuf.ListValue", groups + tag(99, 4) * 10**6),
        (TREE, delimited(2, groups)),
        ("mapper.editions.Delimited", tag(4, 3) * 10**6),
    ):
        assert refused_wire(implementation, name, wire).kind == "depth"


def test_map_25_any_in_any_is_refused(implementation: str) -> None:
    url = delimited(1, b"x/google.protobuf.Any")
    wire = bomb(10**5, url + tag(2, 2))
    assert refused_wire(implementation, "google.protobuf.Any", wire).kind == "depth"
    assert refused_wire(implementation, TREE, delimited(8, wire)).kind == "depth"
    text = b'{"@type":"x/google.protobuf.Any","value":' * 10**5
    for form in (text, text + b"{}" + b"}" * 10**5):
        with pytest.raises(MapperError) as caught:
            mapper(implementation, "google.protobuf.Any").to_wire(form)
        assert caught.value.kind == "depth"
