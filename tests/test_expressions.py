"""Expressions from every form, the checks on the graph, and those on the request around it."""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
import sys

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2

from eegrpc import _requests
from eegrpc._expressions import check_expression, to_expression
from eegrpc._requests import build_request, call_metadata
from eegrpc.errors import EarthEngineError
from eegrpc.mapper import MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, Expression

LINES = (pathlib.Path(__file__).parent / "data" / "expressions.ndjson").read_text().splitlines()
CORPUS = {line["name"]: line["expression"] for line in map(json.loads, LINES)}
SIMPLE = CORPUS["load_plain"]


def refused(call, *args, **kwargs) -> EarthEngineError:
    with pytest.raises(EarthEngineError) as caught:
        call(*args, **kwargs)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return caught.value


def offending_field(error: EarthEngineError) -> str:
    """The path in the google.rpc.BadRequest of the error's status."""
    for detail in error.status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return bad.field_violations[0].field
    raise AssertionError("no BadRequest")


# ---- forms ----


@pytest.mark.parametrize("name", CORPUS)
def test_all_forms_of_the_official_serializers_output(name):
    document = CORPUS[name]
    text = json.dumps(document)
    expected = to_expression(document)
    check_expression(expected)
    assert expected.result == document["result"]
    for form in (text, text.encode(), bytearray(text.encode()), {"expression": document}, f' {{"expression": {text}}}'):
        assert to_expression(form) == expected
    assert to_expression(expected) is expected
    assert to_expression(MessageMapper(Expression.DESCRIPTOR).to_json(expected.SerializeToString())) == expected


def test_ee_objects():
    script = """
import ee, ee.apitestcase, json
from eegrpc._expressions import check_expression, to_expression
ee.apitestcase.ApiTestCase("setUp").setUp()
images = ee.ImageCollection("MODIS/061/MOD13Q1").filterDate("2023-01-01", "2023-02-01")
for value in (images, images.map(lambda image: image.set("n", 2**53 + 1)), images.first(), ee.Geometry.Point(1, 2)):
    expression = to_expression(value)
    check_expression(expression)
    assert expression == to_expression(ee.serializer.encode(value)) == to_expression(ee.serializer.toJSON(value))
"""
    # In a process of its own: the official client keeps its state in globals.
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_ee_objects_are_known_by_their_serialize_method():
    class Computed:
        def serialize(self, *, for_cloud_api):
            assert for_cloud_api
            return json.dumps(SIMPLE)

    assert to_expression(Computed()) == to_expression(SIMPLE)
    with pytest.raises(TypeError, match="expression is a type"):
        to_expression(Computed)


def test_what_ee_raises_flies_through():
    class Unbound:
        def serialize(self, *, for_cloud_api):
            raise LookupError("unbound variable")

    with pytest.raises(LookupError, match="unbound"):
        to_expression(Unbound())


@pytest.mark.parametrize("value", [None, 1, ["a"], object(), ComputeImagesRequest(), Expression])
def test_wrong_types(value):
    with pytest.raises(TypeError, match="pass an ee object"):
        to_expression(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "not an expression"),
        ("[]", "expected a JSON object"),
        ('{"result": "0", "values": {', "not JSON"),
        ('{"result": "0", "vaules": {}}', "vaules"),
        ('{"type": "CompoundValue", "scope": []}', "serializes it for the Cloud API"),
        ({"expression": SIMPLE, "pageSize": 5}, "page_size: pass these as arguments"),
        ({"expression": SIMPLE, "result": "0"}, "result"),
        ({"result": "0", "values": {"0": {"integerValue": "x"}}}, "not an expression"),
        ({"result": "0", "values": {"0": {"constantValue": float("nan")}}}, "is nan, which JSON has no number for"),
        ("\ud800", "lone surrogate"),
        (b"\xff", "UTF-8"),
        ("[" * 200_000, "expected a JSON object"),
        ('{"a":' * 200_000, "deep"),
    ],
    ids=range(13),
)
def test_malformed_documents(value, message):
    error = refused(to_expression, value)
    assert message in error.details()
    assert error.reason == "BAD_EXPRESSION"
    assert len(error.details()) < 1000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"values": {"a": {"constantValue": [1, {2}]}}}, r"expression\.values\.a\.constantValue\[1\] is a set"),
        ({"values": {"a": {"constantValue": object()}}}, r"expression\.values\.a\.constantValue is a object"),
        ({"values": {(1,): {}}}, r"expression\.values has a key of type tuple"),
    ],
    ids=["value", "object", "key"],
)
def test_dicts_with_foreign_objects(value, message):
    with pytest.raises(TypeError, match=message):
        to_expression(value)


def test_a_dict_that_contains_itself_or_nests_without_end():
    loop = {}
    loop["values"] = loop
    assert "contains itself" in refused(to_expression, loop).details()
    deep = inner = {}
    for _ in range(100_000):
        inner["a"] = inner = {}
    assert "nests too deeply" in refused(to_expression, deep).details()
    while deep:  # taken apart by hand: older interpreters recurse when they free it
        deep = deep.pop("a", {})


# ---- the graph ----


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
    for count in (most + 1, most + 2, 60, 110, 5000):
        deep = nested(kind, count)
        error = refused(check_expression, deep)
        assert "values.0 nests too deeply" in error.details()
        # Nothing that passes for too deep could have been read.
        with pytest.raises(Exception, match=r"Exceeded|maximum depth|Failed to serialize|Error parsing") as caught:
            ComputeImagesRequest.FromString(ComputeImagesRequest(expression=deep).SerializeToString())
        assert isinstance(caught.value, DecodeError) or "serialize" in str(caught.value)


# ---- the request around it ----


@pytest.mark.parametrize(
    ("project", "name"),
    [
        pytest.param("a", "projects/a", id="TPL-01-id"),
        pytest.param("projects/a", "projects/a", id="TPL-01-name"),
        pytest.param("123", "projects/123", id="TPL-01-number"),
        pytest.param("projects/123", "projects/123", id="TPL-01-number-name"),
        pytest.param("my-project-7", "projects/my-project-7", id="TPL-01-hyphens"),
        pytest.param("google.com:x", "projects/google.com:x", id="TPL-01-domain"),
        pytest.param("projects/google.com:x", "projects/google.com:x", id="TPL-01-domain-name"),
    ],
)
def test_projects(project, name):
    assert build_request(SIMPLE, project=project).project == name


def test_page_size_token_and_tag():
    request = build_request(SIMPLE, project="p", page_size=2**31 - 1, page_token='\0"\u2603', workload_tag="a-b_9")
    assert (request.page_size, request.page_token, request.workload_tag) == (2**31 - 1, '\0"\u2603', "a-b_9")
    assert build_request(SIMPLE, project="p", page_size=0) == build_request(SIMPLE, project="p")


@pytest.mark.parametrize("tag", ["A", "-a", "a-", "a b", "a.b", "a" * 64, "\u00e9", "a\n"])
def test_workload_tags_that_are_refused(tag):
    assert offending_field(refused(build_request, SIMPLE, project="p", workload_tag=tag)) == "workload_tag"


def test_a_missing_project_is_refused():
    error = refused(build_request, SIMPLE, project="")
    assert (error.reason, offending_field(error)) == ("BAD_PROJECT", "project")


@pytest.mark.parametrize(
    "arguments",
    [{"project": 5}, {"page_size": "5"}, {"page_size": True}, {"page_token": b"x"}, {"workload_tag": 5}],
    ids=str,
)
def test_wrong_types_of_arguments(arguments):
    with pytest.raises(TypeError, match=next(iter(arguments))):
        build_request(SIMPLE, **{"project": "p", **arguments})


def text_expression(size, character="x"):
    return {"result": "0", "values": {"0": {"constantValue": character * size}}}


def body_size(request):
    body = ComputeImagesRequest.FromString(request.SerializeToString())
    body.ClearField("project")
    return len(MessageMapper(ComputeImagesRequest.DESCRIPTOR).to_json(body.SerializeToString()))


def test_ten_million_bytes_of_json_pass_and_one_more_does_not():
    overhead = body_size(build_request(text_expression(2_000_000), project="p")) - 2_000_000
    request = build_request(text_expression(10_000_000 - overhead), project="p")
    assert body_size(request) == 10_000_000
    error = refused(build_request, text_expression(10_000_001 - overhead), project="p")
    assert error.reason == "REQUEST_TOO_LARGE"
    assert "10,000,001 bytes" in error.details()


def test_size_is_that_of_the_json_not_of_the_wire():
    # A control character is one byte on the wire and six in JSON.
    error = refused(build_request, text_expression(1_700_000, "\x01"), project="p")
    assert error.reason == "REQUEST_TOO_LARGE"
    assert build_request(text_expression(1_600_000, "\x01"), project="p")


def test_small_and_huge_requests_are_not_encoded_to_be_measured(monkeypatch):
    monkeypatch.setattr(_requests, "_MAPPER", None)
    assert build_request(text_expression(1_200_000), project="p")
    huge = Expression(result="0")
    huge.values["0"].bytes_value = bytes(61_000_000)
    assert refused(build_request, huge, project="p").reason == "REQUEST_TOO_LARGE"


WORST = [
    {"arrayValue": {"values": [{"functionInvocationValue": {"functionName": ""}}] * 100}},
    {"arrayValue": {"values": [{"functionDefinitionValue": {}}] * 100}},
    {"arrayValue": {"values": [{"argumentReference": ""}] * 100}},
    {"arrayValue": {"values": [{"constantValue": None}] * 100}},
    {"constantValue": [False] * 100},
    {"constantValue": [-2.2250738585072014e-308] * 100},
    {"constantValue": "\x01" * 100},
    {"constantValue": [1] * 100},
]


@pytest.mark.parametrize("node", WORST, ids=range(len(WORST)))
def test_json_stays_within_the_bounds_that_spare_encoding(node):
    request = ComputeImagesRequest(expression=to_expression({"result": "0", "values": {"0": node}}))
    ratio = body_size(request) / request.ByteSize()
    assert 1 / 6 < ratio < 8


def test_a_number_that_json_has_no_form_for(monkeypatch):
    monkeypatch.setattr(_requests, "_MAX_JSON", 100)
    expression = Expression(result="0")
    expression.values["0"].constant_value.number_value = float("nan")
    assert "no JSON form" in refused(build_request, expression, project="p").details()


# ---- metadata ----


def test_metadata_of_a_call():
    metadata = dict(call_metadata("projects/example.com:p", None, [("x-mine", "1")]))
    assert metadata["x-goog-request-params"] == "project=projects/example.com%3Ap"
    assert [part.split("/")[0] for part in metadata["x-goog-api-client"].split()] == ["gl-python", "grpc", "eegrpc"]
    assert metadata["x-mine"] == "1"
    assert "x-goog-fieldmask" not in metadata


@pytest.mark.parametrize(
    ("fields", "mask"),
    [
        ("images.name", "images.name,nextPageToken"),
        ("nextPageToken, images.name", "nextPageToken,images.name"),
        ("*", "*"),
        ("images(name,id)", "images(name,id),nextPageToken"),
        (["images.name", "images.id"], "images.name,images.id,nextPageToken"),
        (FieldMask(paths=["images.start_time", "next_page_token"]), "images.startTime,nextPageToken"),
    ],
    ids=range(6),
)
def test_field_masks_keep_the_next_pages_token(fields, mask):
    assert dict(call_metadata("projects/p", fields, ()))["x-goog-fieldmask"] == mask


@pytest.mark.parametrize("fields", ["", " ", "a,,b", "a\n", "a\0", "\u00e9", [], ["a", ""], FieldMask()])
def test_field_masks_that_are_refused(fields):
    assert offending_field(refused(call_metadata, "projects/p", fields, ())) == "fields"


def test_the_callers_metadata_replaces_ours():
    given = [("x-goog-api-client", "mine/1"), ("x-goog-fieldmask", "images.id")]
    metadata = call_metadata("projects/p", "images.name", given)
    assert [pair for pair in metadata if pair[0] != "x-goog-request-params"] == given


@pytest.mark.parametrize("metadata", [{"a": "b"}, ["ab"], [("a", "b", "c")]], ids=str)
def test_metadata_that_is_not_pairs(metadata):
    with pytest.raises(TypeError, match="pairs"):
        call_metadata("projects/p", None, metadata)


def test_fields_of_a_wrong_type():
    with pytest.raises(TypeError, match="fields"):
        call_metadata("projects/p", [5], ())
