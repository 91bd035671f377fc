"""Expressions for tests, and what a refusal of one says."""

from __future__ import annotations

import json
import pathlib

import grpc
import pytest
from google.rpc import error_details_pb2

from eegrpc.errors import EarthEngineError

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
