"""What only the Python engine has: a guard of json.loads, and names of enum values that newer json_formats know."""

from __future__ import annotations

import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.mapper import MessageMapper
from eegrpc.mapper._python_engine.json_text import _nests_deeper

TRICKY = st.text(alphabet='[]{}"\\a', max_size=8)
VALUES = st.recursive(
    TRICKY | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES)
def test_no_document_is_taken_for_a_deeper_one(value: object) -> None:
    text = json.dumps(value).encode()
    assert not _nests_deeper(text, depth(value))
    for end in range(0, len(text), 7):
        assert not _nests_deeper(text[:end], depth(value))


@given(VALUES, st.sampled_from([("[", "]"), ('{"a":', "}"), ('["[", ', "]"), ('{"\\\\":"}","b":', "}")]))
def test_what_nests_deeper_is_found(value: object, around: tuple[str, str]) -> None:
    before, after = around
    text = json.dumps(value)
    for times in (1100, 5000):
        assert _nests_deeper((before * times + text + after * times).encode(), 1000)
        assert _nests_deeper((before * times + text).encode(), 1000)
    assert not _nests_deeper((before * 900 + text + after * 900).encode(), 1000)


@pytest.mark.parametrize("text", [b"[" * 10**6, b'{"a":' * 10**6, b"[]" * 10**5 + b"[" * 10**5, b'["\\""' * 10**5])
def test_bombs_are_found_unless_they_are_broken_before(text: bytes) -> None:
    assert _nests_deeper(text, 1000)
    assert not _nests_deeper(b"]" + text, 1000)


def test_names_of_enum_values_for_json_are_known() -> None:
    options = pytest.importorskip("google.protobuf.json_enumvalue_options_pb2", reason="older protobufs have none")
    file = descriptor_pb2.FileDescriptorProto(name="mapper_renamed.proto", package="mapper.renamed", syntax="proto3")
    file.dependency.append(options.DESCRIPTOR.name)
    kind = file.enum_type.add(name="Kind")
    kind.value.add(name="NONE", number=0)
    kind.value.add(name="BEE", number=1).options.Extensions[options.json].string = "a bee"
    field = file.message_type.add(name="Holder").field.add(name="kind", number=1, type_name=".mapper.renamed.Kind")
    field.type, field.label = field.TYPE_ENUM, field.LABEL_OPTIONAL
    pool = descriptor_pool.Default()  # where json_format looks the option up
    pool.Add(file)
    mapper = MessageMapper(
        pool.FindMessageTypeByName("mapper.renamed.Holder"), ignore_unknown_fields=False, implementation="python"
    )
    assert mapper.to_json(b"\x08\x01") == b'{"kind":"a bee"}'
    assert mapper.to_wire(b'{"kind":"a bee"}') == mapper.to_wire(b'{"kind":"BEE"}') == b"\x08\x01"
