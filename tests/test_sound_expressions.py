"""The quick look at an expression says of every one what the slow one does, which also says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from expression_corpus import CORPUS
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc._expression_faults import check_graph
from eegrpc._expressions import to_expression, to_wire
from eegrpc.errors import EarthEngineError
from eegrpc.mapper import IMPLEMENTATION, is_sound_expression

pytestmark = pytest.mark.skipif(IMPLEMENTATION == "python", reason="the extension has it, and is not used here")

KEYS = ["0", "1", "2", "3", ""]
keys = st.sampled_from(KEYS)
names = st.sampled_from(["x", "y", ""])


def inner(nodes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arguments = st.dictionaries(names, nodes, max_size=2)
    return st.one_of(
        st.lists(nodes, max_size=3).map(lambda values: {"arrayValue": {"values": values}}),
        st.dictionaries(names, nodes, max_size=2).map(lambda values: {"dictionaryValue": {"values": values}}),
        st.builds(lambda given: {"functionInvocationValue": {"functionName": "f", "arguments": given}}, arguments),
        st.builds(
            lambda key, given: {"functionInvocationValue": {"functionReference": key, "arguments": given}},
            keys,
            arguments,
        ),
    )


leaves = st.one_of(
    st.sampled_from([{"constantValue": None}, {"constantValue": {"a": [1]}}, {"integerValue": "7"}]),
    st.sampled_from([{}, {"functionInvocationValue": {}}, {"bytesValue": ""}]),
    st.builds(lambda name: {"argumentReference": name}, names),
    st.builds(lambda key: {"valueReference": key}, keys),
    st.builds(
        lambda bound, body: {"functionDefinitionValue": {"argumentNames": bound, "body": body}},
        st.lists(names, max_size=2),
        keys,
    ),
)
nodes = st.recursive(leaves, inner, max_leaves=6)
expressions = st.builds(
    lambda result, values: {"result": result, "values": values}, keys, st.dictionaries(keys, nodes, min_size=1)
)


@settings(max_examples=1000)
@given(expressions)
def test_they_agree(expression: dict[str, Any]) -> None:
    try:
        check_graph(to_expression(expression))
    except EarthEngineError:
        sound = False
    else:
        sound = True
    assert is_sound_expression(to_wire(expression)) is sound


@pytest.mark.parametrize("name", CORPUS)
def test_what_the_official_client_makes_is_sound(name: str) -> None:
    encoded = to_wire(CORPUS[name])
    assert is_sound_expression(encoded)
    assert not any(is_sound_expression(encoded[:length]) for length in range(0, len(encoded), 7))


def test_long_chains_need_no_recursion() -> None:
    values = {str(number): {"valueReference": str(number + 1)} for number in range(100_000)}
    values["100000"] = {"constantValue": 1}
    assert is_sound_expression(to_wire({"result": "0", "values": values}))
    values["100000"] = {"valueReference": "50000"}
    assert not is_sound_expression(to_wire({"result": "0", "values": values}))


def test_only_bytes_are_taken() -> None:
    with pytest.raises(TypeError):
        is_sound_expression("")  # type: ignore[arg-type]
