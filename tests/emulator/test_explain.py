"""Expressions as text and as JSON: readable, bounded, and indifferent to how deep or shared a graph is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_graphs import apply, arg, call, dictionary, expressions, function, graph, load, ref
from google.protobuf import json_format

from eegrpc.emulator.evaluation.graph_walk import functions_of
from eegrpc.emulator.explain import explain, explain_json
from eegrpc.v1alpha import Expression, ValueNode

DEEP = 2_000


@pytest.mark.parametrize(
    ("graph_of", "text"),
    [
        ((call("ImageCollection.load", id="a"), {}), 'return ImageCollection.load(id="a")'),
        ((3, {}), "return 3"),
        ((2.5, {}), "return 2.5"),
        ((None, {}), "return None"),
        ((True, {}), "return True"),
        (([1, "two", [3]], {}), 'return [1, "two", [3]]'),
        (({"constantValue": {"b": 1, "a": None}}, {}), 'return {"a": None, "b": 1}'),
        (({"integerValue": "7"}, {}), "return 7"),
        ((dictionary(x=call("F")), {}), 'return {"x": F()}'),
        (([call("F"), 1], {}), "return [F(), 1]"),
        # In the order of the documentation, whatever the order of the alphabet; unknown ones come last.
        (
            (call("Collection.limit", ascending=False, collection="c", zzz=1, limit=2), {}),
            'return Collection.limit(collection="c", limit=2, ascending=False, zzz=1)',
        ),
        (
            (
                call("Collection.map", collection="c", baseAlgorithm=function("f")),
                {"f": call("Image.abs", value=arg())},
            ),
            'return Collection.map(collection="c", baseAlgorithm=lambda x: Image.abs(value=x))',
        ),
        ((apply("f", x=1), {"f": function("b"), "b": arg()}), "return (lambda x: x)(x=1)"),
        # What two places share has a name.
        ((call("F", a=ref("s"), b=ref("s")), {"s": call("G")}), "v1 = G()\nreturn F(a=v1, b=v1)"),
        # ... but a short constant has none, and an argument of the graph's keeps its own.
        ((call("F", a=ref("s"), b=ref("s")), {"s": 5}), "return F(a=5, b=5)"),
        (
            (apply("f", v1=ref("s"), v2=ref("s")), {"f": function("b", "v1", "v2"), "b": arg("v2"), "s": call("G")}),
            "v3 = G()\nreturn (lambda v1, v2: v2)(v1=v3, v2=v3)",
        ),
        # A shared value that depends on an argument stands in the function.
        (
            (
                call("M", f=function("body")),
                {
                    "body": call("F", a=ref("s"), b=ref("s"), c=ref("o"), d=ref("o")),
                    "s": call("G", x=arg()),
                    "o": call("O"),
                },
            ),
            "v2 = O()\ndef v3(x):\n    v1 = G(x=x)\n    return F(a=v1, b=v1, c=v2, d=v2)\nreturn M(f=v3)",
        ),
    ],
)
def test_texts(graph_of: tuple[Any, dict[str, Any]], text: str) -> None:
    assert explain(graph(graph_of[0], **graph_of[1])) == text


def test_a_long_line_is_split() -> None:
    long = call("Filter.equals", leftField="a" * 50, rightValue="b" * 50)
    text = explain(graph(call("Collection.filter", collection=load(), filter=call("Filter.not", filter=long))))
    assert text.split("\n")[0] == "v1 = Filter.equals("
    assert text.split("\n")[-1] == ")"
    assert max(map(len, text.split("\n"))) <= 120


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, 'return <"result": missing>'),
        ({"result": {"valueReference": "gone"}}, 'return <"gone": missing>'),
        ({"result": {"valueReference": "result"}}, 'return <"result": a cycle>'),
        ({"result": call("F", a=ref("result"))}, 'return F(a=<"result": a cycle>)'),
        ({"result": {"functionInvocationValue": {}}}, "return <no function>()"),
        ({"result": {}}, "return None"),
        ({"result": call("a\nb", **{"\x1b": 1})}, 'return "a\\nb"("\\u001b"=1)'),
        ({"result": {"bytesValue": "AAA="}}, "return <2 bytes>"),
        ({"result": {"functionDefinitionValue": {"argumentNames": [], "body": "b"}}, "b": 1}, "return lambda: 1"),
    ],
)
def test_graphs_that_are_not_valid(values: dict[str, Any], text: str) -> None:
    nodes = {key: {"constantValue": node} if isinstance(node, int) else node for key, node in values.items()}
    assert explain(json_format.ParseDict({"result": "result", "values": nodes}, Expression())) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 1000, '"' + "x" * 60 + '... (1,000 characters)"'),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 992 more]"),
        ({"constantValue": {f"k{number:03}": 0 for number in range(100)}}, '"...": "92 more"}'),
        ([[[[[[1]]]]]], "[[[[... list of 1]]]]"),
    ],
)
def test_long_constants_are_cut(value: Any, text: str) -> None:
    assert explain(graph(value)).endswith(text)


def chain() -> Expression:
    links = {
        f"{number}": call("Collection.limit", collection=ref(f"{number - 1}"), limit=number)
        for number in range(1, DEEP)
    }
    return graph(ref(f"{DEEP - 1}"), **{"0": load("first")}, **links)


def doubled() -> Expression:
    links = {
        f"{number}": call("Image.add", image1=ref(f"{number - 1}"), image2=ref(f"{number - 1}"))
        for number in range(1, DEEP)
    }
    return graph(ref(f"{DEEP - 1}"), **{"0": call("Image.constant", value=1)}, **links)


def functions_doubled() -> Expression:
    """Each function uses both of the next level, which depend on its argument: written out, 2 to the power of 200."""
    values: dict[str, Any] = {"a200": arg("p199"), "b200": arg("p199")}
    for level in range(200):
        for name in "ab":
            values[f"{name}{level}"] = function(f"body_{name}{level}", f"p{level}")
            values[f"body_{name}{level}"] = call(
                "F", outer=arg(f"p{level - 1}"), x=ref(f"a{level + 1}"), y=ref(f"b{level + 1}"), own=arg(f"p{level}")
            )
    return graph(ref("a0"), **values)


def many_arguments() -> Expression:
    links = {f"{number}": call("F", a=ref(f"{number - 1}"), b=arg(f"n{number}")) for number in range(1, DEEP)}
    return graph(ref(f"{DEEP - 1}"), **{"0": call("F")}, **links)


def wide() -> Expression:
    return graph({"arrayValue": {"values": [call("F", x=number) for number in range(DEEP)]}})


@pytest.mark.parametrize("made", [chain, doubled, functions_doubled, many_arguments, wide])
def test_deep_and_shared_graphs_end_soon_and_stay_short(made: Any) -> None:
    expression = made()
    assert len(explain(expression, max_length=2_000)) < 4_000
    assert len(json.dumps(explain_json(expression, max_length=2_000))) < 20_000


def test_of_a_long_explanation_both_ends_are_kept() -> None:
    lines = explain(chain(), max_length=2_000).split("\n")
    assert 'ImageCollection.load(id="first")' in lines[1]
    assert f"limit={DEEP - 1})" in lines[-1]
    assert sum(line.endswith("left out ...") for line in lines) == 1


def test_messages_as_deep_as_they_can_be() -> None:
    node = ValueNode(argument_reference="x")
    for _ in range(40):
        node = ValueNode(array_value={"values": [node]})
    expression = Expression(result="0", values={"0": node})
    assert explain(expression) == f"return {'[' * 40}x{']' * 40}"
    assert json.dumps(explain_json(expression))


def test_json() -> None:
    made = graph(
        call("M", a=ref("s"), b=ref("s"), f=function("body"), list_=[call("G"), 1]),
        s=call("G", t=[1, 2]),
        body=call("H", x=arg()),
    )
    assert explain_json(made) == {
        "values": [{"name": "v1", "value": {"call": "G", "arguments": {"t": {"constant": [1, 2]}}}}],
        "returns": {
            "call": "M",
            "arguments": {
                "a": {"name": "v1"},
                "b": {"name": "v1"},
                "f": {
                    "function": ["x"],
                    "values": [],
                    "returns": {"call": "H", "arguments": {"x": {"argument": "x"}}},
                },
                "list": {"list": [{"call": "G", "arguments": {}}, {"constant": 1}]},
            },
        },
    }


@pytest.mark.parametrize("name", sorted(expressions()))
def test_every_sample_is_explained_alike_each_time_and_names_its_functions(name: str) -> None:
    expression = expressions()[name]
    text = explain(expression)
    again = Expression.FromString(expression.SerializeToString())
    assert (explain(again), explain_json(again)) == (text, explain_json(expression))
    for called in functions_of(expression):
        assert f"{called}(" in text
