"""The mappers and google.protobuf.json_format are equal in both directions, but for the list in differences.py.

The nightly run: ``EEGRPC_EXAMPLES=100000 python -m pytest tests/mapper/test_equal.py --timeout 0``.
fuzz/differential.py does the same without hypothesis, and much faster.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
from typing import TYPE_CHECKING

import differences
import pytest
import schemas
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from messages import Generator, spoiled
from mutations import Writer
from reference import Reference

from eegrpc.mapper import NATIVE_FAILURE, MapperError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from eegrpc.mapper import MessageMapper

EXAMPLES = int(os.environ.get("EEGRPC_EXAMPLES", "150"))
OPTIONS: list[dict[str, bool]] = [
    {},
    {"ignore_unknown_fields": False},
    {"preserving_proto_field_name": True},
    {"always_print_fields_with_no_presence": True},
    {"use_integers_for_enums": True},
]

# A Struct of NaN, which has no JSON form, and of a string that is not UTF-8; then another member of its oneof.
UNDONE_STRUCT = bytes.fromhex("9a011b 0a0e 0a0161 1209 11000000000000f87f 0a09 0a0162 1204 1a02ffff 1801")

equal = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
randoms = st.randoms(use_true_random=False)
roots = st.sampled_from(schemas.ROOTS)
options = st.sampled_from(OPTIONS)


@st.composite
def messages(draw: st.DrawFn, *, hostile: bool = False) -> Message:
    """Messages of all types."""
    return Generator(draw(randoms), hostile=hostile).message(draw(roots))


@st.composite
def encodings(draw: st.DrawFn) -> tuple[str, bytes]:
    """Wire bytes that may be malformed, and the types that they are for."""
    name = draw(roots)
    choices = draw(randoms)
    return name, spoiled(choices, Generator(choices).message(name).SerializePartialToString())


@st.composite
def texts(draw: st.DrawFn, *, mild: bool) -> tuple[str, bytes]:
    """JSON texts, and the types that they are for."""
    name = draw(roots)
    choices = draw(randoms)
    return name, Writer(choices, mild=mild).write(Generator(choices).message(name))


@functools.cache
def _pair(name: str, implementation: str, which: int) -> tuple[Reference, MessageMapper]:
    reference = Reference(name, **OPTIONS[which])
    return reference, reference.mapper(implementation)


def pair(name: str, implementation: str, chosen: dict[str, bool]) -> tuple[Reference, MessageMapper]:
    """Return json_format and the mapper for a type."""
    return _pair(name, implementation, OPTIONS.index(chosen))


@equal
@given(message=messages(), chosen=options)
def test_messages_have_the_same_json_and_come_back(
    implementation: str, message: Message, chosen: dict[str, bool]
) -> None:
    reference, mapper = pair(message.DESCRIPTOR.full_name, implementation, chosen)
    found = reference.check_wire(mapper, message.SerializePartialToString())
    assert found is None or differences.explain(found, mapper), found


@equal
@given(message=messages(hostile=True), chosen=options)
def test_what_has_no_json_form_has_none_in_either(
    implementation: str, message: Message, chosen: dict[str, bool]
) -> None:
    reference, mapper = pair(message.DESCRIPTOR.full_name, implementation, chosen)
    found = reference.check_wire(mapper, message.SerializePartialToString(), round_trip=False)
    assert found is None or differences.explain(found, mapper), found


@equal
@given(case=encodings(), chosen=options)
@example(case=("google.protobuf.StringValue", b"\n\x01\xff\n\x01a"), chosen={})
@example(case=("mapper.proto3.Oneofs", UNDONE_STRUCT), chosen={})
@example(case=("mapper.proto2.Maps", b"\xb2\x01\x07\n\x03a\xffb\x12\x00"), chosen={})
@example(case=("google.longrunning.Operation", b"\x12\x03\n\x01a\x12\x18\n\x16x/google.protobuf.Empty"), chosen={})
def test_encodings_are_malformed_for_both(
    implementation: str, case: tuple[str, bytes], chosen: dict[str, bool]
) -> None:
    reference, mapper = pair(case[0], implementation, chosen)
    found = reference.check_wire(mapper, case[1], round_trip=False)
    assert found is None or differences.explain(found, mapper), found


@equal
@given(case=texts(mild=True), chosen=options)
def test_other_spellings_are_the_same_message(
    implementation: str, case: tuple[str, bytes], chosen: dict[str, bool]
) -> None:
    reference, mapper = pair(case[0], implementation, chosen)
    found = reference.check_json(mapper, case[1])
    assert found is None or differences.explain(found, mapper), found


@equal
@given(case=texts(mild=False), chosen=options)
@example(case=("mapper.proto3.Scalars", b'{"fInt32":1,"fInt32":2}'), chosen={})
@example(case=("google.protobuf.Value", b"\xef\xbb\xbf1"), chosen={})
def test_mistakes_are_mistakes_in_both(implementation: str, case: tuple[str, bytes], chosen: dict[str, bool]) -> None:
    reference, mapper = pair(case[0], implementation, chosen)
    found = reference.check_json(mapper, case[1])
    assert found is None or differences.explain(found, mapper), found


@equal
@given(case=texts(mild=True), where=st.floats(0, 1, exclude_max=True))
@example(case=("mapper.editions.Maps", b'{"open":{"1":0}}'), where=0.6)
@example(case=("mapper.proto3.Scalars", rb'{"fString":"\ud83d\ude00"}'), where=0.75)
@example(case=("mapper.proto3.Scalars", b'{"fInt32":21474836470e-1}'), where=0.85)
@example(case=("mapper.proto3.Oneofs", b'{"kInt32":1,"kInt64":null}'), where=0.82)
def test_what_is_cut_ends_early(implementation: str, case: tuple[str, bytes], where: float) -> None:
    """MAP-21: a cut reply must not pass for a wrong one, or a wrong one for a cut one."""
    name, text = case
    _, mapper = pair(name, implementation, {})
    text = text.strip()
    try:
        mapper.to_wire(text)
    except MapperError:
        return
    if text.startswith(b"{"):
        with pytest.raises(MapperError) as caught:
            mapper.to_wire(text[: int(where * len(text))])
        assert caught.value.kind == "eof"


@equal
@given(case=texts(mild=True))
def test_both_implementations_count_what_they_skip(case: tuple[str, bytes]) -> None:
    name, text = case
    counts = []
    for implementation in ("native", "python"):
        if implementation == "native" and NATIVE_FAILURE:
            return
        _, mapper = pair(name, implementation, {})
        before = mapper.skipped_fields, mapper.skipped_enum_names
        with contextlib.suppress(MapperError):  # a few spellings are none that json_format reads
            mapper.to_wire(text)
            counts.append((mapper.skipped_fields - before[0], mapper.skipped_enum_names - before[1]))
    assert len(counts) < 2 or counts[0] == counts[1]


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [(name, text, item.number) for item in differences.DIFFERENCES for name, text in item.examples],
)
def test_known_differences_are_still_there_and_explained(
    implementation: str, name: str, text: str, number: str
) -> None:
    """One that is gone must leave the list: it would hide a new mistake."""
    reference, mapper = pair(name, implementation, {})
    found = reference.check_json(mapper, text.encode())
    if implementation == "python" and found is None:
        return  # it may have json_format's answer
    assert found is not None
    assert differences.explain(found, mapper) == [number]


@pytest.mark.parametrize("name", schemas.OWN)
def test_the_generator_sets_every_field(name: str) -> None:
    generator = Generator(random.Random(name), most_fields=8)
    wanted = {field.name for field in schemas.message_class(name).DESCRIPTOR.fields} - {"s_null"}  # which has one value
    seen: set[str] = set()
    for _ in range(1000):
        if wanted <= seen:
            break
        seen |= {field.name for field, _ in generator.message(name).ListFields()}
    assert wanted <= seen


def test_a_seed_gives_the_same_texts() -> None:
    first, second = (
        [Writer(r := random.Random(5)).write(Generator(r).message(name)) for name in schemas.ROOTS] for _ in "ab"
    )
    assert first == second
