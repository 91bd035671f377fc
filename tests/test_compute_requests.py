"""The checks on a request around its expression: names, sizes, metadata, field masks."""

from __future__ import annotations

import pytest
from expression_corpus import SIMPLE, offending_field, refused
from google.protobuf.field_mask_pb2 import FieldMask
from prepared_calls import build_request, call_metadata

from eegrpc import _requests
from eegrpc._expressions import to_expression
from eegrpc.mapper import MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, Expression


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
    monkeypatch.setattr(_requests, "MessageMapper", None)
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
