"""The checks on an expression's graph: references, cycles, depth."""

from __future__ import annotations

import contextlib
import random

import pytest
from expression_corpus import offending_field, refused
from google.protobuf.message import DecodeError, EncodeError
from prepared_calls import build_request

from eegrpc._expression_faults import check_expression
from eegrpc._expressions import to_expression
from eegrpc.mapper import IMPLEMENTATION, is_sound_expression
from eegrpc.v1alpha import ComputeImagesRequest, Expression


def call(function="f", /, **arguments):
    return {"functionInvocationValue": {"functionName": function, "arguments": arguments}}


def ref(key):
    return {"valueReference": key}


def arg(name):
    return {"argumentReference": name}


def function(body, *names):
    return {"functionDefinitionValue": {"argumentNames": list(names), "body": body}}


def graph(result="0", /, **values):
    """An expression; the keys of `values` are written n0, n1, ... for "0", "1", ..."""
    return to_expression({"result": result, "values": {key.removeprefix("n"): node for key, node in values.items()}})


@pytest.mark.parametrize(
    ("expression", "field", "message"),
    [
        pytest.param(graph("", n0=call()), "result", "is missing", id="no-result"),
        pytest.param(graph("1", n0=call()), "result", 'names "1", which is not in values', id="unknown-result"),
        pytest.param(
            graph(n0=call(collection=ref("7"))),
            "values.0.functionInvocationValue.arguments.collection.valueReference",
            'names "7", which is not in values',
            id="value-reference",
        ),
        pytest.param(
            graph(n0=call(), n1={"arrayValue": {"values": [call(), ref("x")]}}),
            "values.1.arrayValue.values[1].valueReference",
            'names "x"',
            id="value-reference-in-a-list-of-an-unused-node",
        ),
        pytest.param(
            graph(n0={"functionInvocationValue": {"functionReference": "f"}}),
            "values.0.functionInvocationValue.functionReference",
            'names "f"',
            id="function-reference",
        ),
        pytest.param(graph(n0=function("b")), "values.0.functionDefinitionValue.body", 'names "b"', id="body"),
        pytest.param(
            graph(n0={"dictionaryValue": {"values": {"k": {}}}}),
            "values.0.dictionaryValue.values.k",
            "has no value",
            id="no-value",
        ),
        pytest.param(
            graph(n0={"functionInvocationValue": {"arguments": {}}}),
            "values.0.functionInvocationValue",
            "has no function",
            id="no-function",
        ),
        pytest.param(graph(n0=ref("0")), "values.0.valueReference", 'closes a cycle: "0" -> "0"', id="self-reference"),
        pytest.param(
            graph(n0=call(f=function("0"))),
            "values.0.functionInvocationValue.arguments.f.functionDefinitionValue.body",
            'closes a cycle: "0" -> "0"',
            id="cycle-through-a-body",
        ),
        pytest.param(
            graph(n0=arg("x")), "values.0.argumentReference", 'names "x", which no function around it', id="argument"
        ),
        pytest.param(
            graph(n0=call(f=function("1", "x")), n1=call(a=arg("x"), b=arg("y"))),
            "values.1.functionInvocationValue.arguments.b.argumentReference",
            'names "y"',
            id="argument-of-another-name",
        ),
        pytest.param(
            graph(n0=call(f=function("1", "x"), a=ref("2")), n1=ref("2"), n2=arg("x")),
            "values.2.argumentReference",
            'names "x"',
            id="argument-used-inside-and-outside",
        ),
    ],
)
def test_what_no_server_can_evaluate(expression, field, message):
    error = refused(check_expression, expression)
    assert error.details().startswith(f"expression: {field} ")
    assert message in error.details()
    assert offending_field(error) == f"expression.{field}"
    assert (error.reason, error.retryable) == ("BAD_EXPRESSION", False)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(graph(n0={"constantValue": None}), id="null"),
        pytest.param(graph(n0=call(a=ref("1"), b=ref("1")), n1=call()), id="shared"),
        pytest.param(graph(n0=call(f=function("1", "x")), n1=ref("2"), n2=arg("x")), id="argument-through-a-reference"),
        pytest.param(
            graph(n0=call(f=function("1", "x")), n1=call(g=function("2", "y")), n2=call(a=arg("x"), b=arg("y"))),
            id="argument-of-the-outer-function",
        ),
        pytest.param(
            graph(
                n0={"functionInvocationValue": {"functionReference": "1", "arguments": {"x": call()}}},
                n1=function("2", "x"),
                n2=arg("x"),
            ),
            id="function-by-reference",
        ),
        pytest.param(graph(n0=call(), n1=arg("x")), id="unused-argument"),
        pytest.param(graph(n0=call(a={"bytesValue": "AA=="})), id="bytes"),
    ],
)
def test_what_passes(expression):
    check_expression(expression)


def test_a_cycle_is_named():
    expression = graph(n0=call(a=ref("1")), n1={"arrayValue": {"values": [ref("2")]}}, n2=call(b=ref("1")))
    details = refused(check_expression, expression).details()
    assert '"1" -> "2" -> "1"' in details or '"2" -> "1" -> "2"' in details
    long = {"result": "0", "values": {str(n): ref(str((n + 1) % 50_000)) for n in range(50_000)}}
    details = refused(check_expression, to_expression(long)).details()
    assert "..." in details
    assert len(details) < 300


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_long_chains_need_no_recursion(order):
    keys = list(range(100_000))
    if order == "backward":
        keys.reverse()
    if order == "shuffled":
        random.Random(1).shuffle(keys)
    expression = Expression(result="0")
    for n in keys:
        node = expression.values[str(n)]
        if n < 99_999:
            node.value_reference = str(n + 1)
        else:
            node.constant_value.number_value = 1
    check_expression(expression)


def test_shared_nodes_are_visited_once():
    # 2**200 paths lead from the result to the last node.
    values = {str(n): call(a=ref(str(n + 1)), b=ref(str(n + 1)), c=arg("x")) for n in range(200)}
    values["200"] = call()
    values["f"] = call(g=function("0", "x"))
    check_expression(to_expression({"result": "f", "values": values}))


def test_keys_are_shown_short_and_on_one_line():
    error = refused(check_expression, to_expression({"result": "0", "values": {"0": ref("\x1b[31m\n" + "k" * 10**6)}}))
    assert error.details().isprintable()
    assert len(error.details()) < 300


# ---- depth: the parser's own border, in a whole request ----


def nested(kind, count):
    """A request's expression with `count` nestings of a kind around a number."""
    expression = Expression(result="0")
    node = expression.values["0"]
    for index in range(count):
        if kind == "functions":
            node.function_invocation_value.function_name = "f"
            node = node.function_invocation_value.arguments["a"]
        elif kind == "empty functions":
            node.function_invocation_value.function_name = "f"
            if index < count - 1:
                node = node.function_invocation_value.arguments["a"]
        elif kind == "arrays":
            node = node.array_value.values.add()
        elif kind == "dictionaries":
            node = node.dictionary_value.values["a"]
    if kind == "empty functions":
        return expression
    value = node.constant_value
    for _ in range(count):
        if kind == "objects":
            value = value.struct_value.fields["a"]
        elif kind == "lists":
            value = value.list_value.values.add()
    value.number_value = 1
    return expression


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        pytest.param("functions", 32, id="MAP-23-functions"),
        pytest.param("empty functions", 33, id="MAP-23-empty-functions"),
        pytest.param("arrays", 48, id="MAP-23-arrays"),
        pytest.param("dictionaries", 32, id="MAP-23-dictionaries"),
        pytest.param("objects", 32, id="MAP-23-objects"),
        pytest.param("lists", 48, id="MAP-23-lists"),
    ],
)
def test_map_23_depth_has_the_parsers_border(kind, most):
    good = build_request(nested(kind, most), project="p")
    assert ComputeImagesRequest.FromString(good.SerializeToString()) == good
    if IMPLEMENTATION == "native":
        assert is_sound_expression(good.expression.SerializeToString())
        with contextlib.suppress(EncodeError):
            assert not is_sound_expression(nested(kind, most + 1).SerializeToString())
    for count in (most + 1, most + 2, 60, 110, 5000):
        deep = nested(kind, count)
        error = refused(check_expression, deep)
        assert "values.0 nests too deeply" in error.details()
        # Nothing that passes for too deep could have been read.
        with pytest.raises(Exception, match=r"Exceeded|maximum depth|Failed to serialize|Error parsing") as caught:
            ComputeImagesRequest.FromString(ComputeImagesRequest(expression=deep).SerializeToString())
        assert isinstance(caught.value, DecodeError) or "serialize" in str(caught.value)
