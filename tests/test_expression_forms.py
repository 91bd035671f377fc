"""Expressions from every form."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from expression_corpus import CORPUS, SIMPLE, refused

from eegrpc._expression_faults import check_expression
from eegrpc._expressions import to_expression
from eegrpc.mapper import MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, Expression


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
from eegrpc._expression_faults import check_expression
from eegrpc._expressions import to_expression
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
