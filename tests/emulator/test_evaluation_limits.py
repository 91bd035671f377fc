"""Expressions that are deep, large, or make much of little: evaluated, or refused before it takes long."""

from __future__ import annotations

import pytest
from emulator_graphs import (
    arg,
    call,
    function,
    graph,
    load,
    ref,
    refusal,
    sample,
    value,
)

from eegrpc.emulator.evaluation import machine
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate, evaluate_images
from eegrpc.emulator.evaluation.literals import MAX_LITERAL_DEPTH
from eegrpc.v1alpha import Expression

DEPTH = 3000


def test_a_deep_chain_of_references() -> None:
    links = {f"v{n}": call("Number.add", left=ref(f"v{n + 1}"), right=1) for n in range(DEPTH)}
    assert value(ref("v0"), **links, **{f"v{DEPTH}": 0}) == DEPTH


def test_a_deep_chain_of_nested_nodes() -> None:
    expression = Expression(result="r")
    here = expression.values["r"]
    for _ in range(DEPTH):
        invocation = here.function_invocation_value
        invocation.function_name = "Number.add"
        invocation.arguments["right"].constant_value.number_value = 1
        here = invocation.arguments["left"]
    here.constant_value.number_value = 0
    assert evaluate(expression, sample()) == DEPTH


def test_a_deep_chain_of_conditions() -> None:
    links = {f"v{n}": call("If", condition=1, trueCase=ref(f"v{n + 1}")) for n in range(DEPTH)}
    assert value(ref("v0"), **links, **{f"v{DEPTH}": "end"}) == "end"


def test_functions_within_functions_are_limited() -> None:
    links = {f"v{n}": call("List.map", list=[1], baseAlgorithm=function(f"v{n + 1}", f"x{n}")) for n in range(DEPTH)}
    error = refusal(ref("v0"), **links, **{f"v{DEPTH}": 1})
    assert f"more than {machine.MAX_CALL_DEPTH} levels deep" in error.message
    assert "more)" in error.path  # the path is cut


def test_lists_within_lists_are_limited() -> None:
    links = {f"v{n}": [ref(f"v{n + 1}"), arg()] for n in range(DEPTH)}
    error = refusal(call("List.map", list=[1], baseAlgorithm=function("v0")), **links, **{f"v{DEPTH}": 1})
    assert "nested more than" in error.message


@pytest.mark.parametrize("items", [1, 100])
def test_lists_are_as_deep_as_they_are_whether_counted_before_or_not(items: int) -> None:
    def nested(levels: int) -> dict[str, object]:
        links = {f"v{n}": [ref(f"v{n + 1}"), ref(f"v{n + 1}") if n == 2 else n] for n in range(levels)}
        return {**links, f"v{levels}": call("List.sequence", start=1, count=items)}

    assert len(value(ref("v0"), **nested(MAX_LITERAL_DEPTH - 2))) == 2
    assert "nested more than" in refusal(ref("v0"), **nested(MAX_LITERAL_DEPTH)).message


def test_a_constant_of_great_depth_is_no_recursion_error() -> None:
    expression = Expression(result="r")
    here = expression.values["r"].constant_value
    for _ in range(DEPTH):
        here = here.list_value.values.add()
    here.number_value = 1
    with pytest.raises(EvaluationError, match="nested too deeply"):
        evaluate(expression, sample())


def test_work_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegrpc.emulator.context.MAX_WORK", 10_000)
    links = {
        f"v{n}": call("ImageCollection.merge", collection1=ref(f"v{n + 1}"), collection2=ref(f"v{n + 1}"))
        for n in range(40)
    }
    assert "The computation is too large" in refusal(ref("v0"), **links, v40=load()).message
    literals = {f"v{n}": [ref(f"v{n + 1}"), arg()] * 2 for n in range(40)}
    error = refusal(call("List.map", list=[1], baseAlgorithm=function("v0")), **literals, v40=1)
    assert "The computation is too large" in error.message


def test_text_is_limited() -> None:
    links = {f"v{n}": call("String.cat", string1=ref(f"v{n + 1}"), string2=ref(f"v{n + 1}")) for n in range(40)}
    assert "longer than" in refusal(ref("v0"), **links, v40="x").message


def test_a_large_property_costs_as_often_as_it_is_returned() -> None:
    """A reference is short, and a message with what it stands for is not."""
    mapped = call("Collection.map", collection=ref("many"), baseAlgorithm=function("body"))
    many = call("ImageCollection.fromImages", images=ref("images"))
    images = call("List.map", list=call("List.sequence", start=1, end=400), baseAlgorithm=function("image", "n"))
    values = {
        "many": many,
        "images": images,
        "image": call("Image.constant", value=arg("n")),
        "body": call("Element.set", object=arg(), key="large", value=ref("large")),
    }
    small = graph(mapped, **values, large=call("List.repeat", value=1, count=10))
    assert len(evaluate_images(small, sample())) == 400
    large = graph(mapped, **values, large=call("List.repeat", value=1, count=5000))
    with pytest.raises(EvaluationError, match="The computation is too large"):
        evaluate_images(large, sample())
