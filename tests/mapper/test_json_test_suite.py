"""JSONTestSuite's parsing tests (tests/data/json_test_suite.ndjson), read as google.protobuf.Value.

Its files are named by what a JSON parser must do: ``y_`` accept, ``n_`` reject, ``i_`` as it likes. protobuf's JSON is
stricter in one point, duplicate keys, and this mapper likes to reject what could not be written back.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from google.protobuf import struct_pb2

from eegrpc.mapper import MapperError, MessageMapper

FILE = Path(__file__).parents[1] / "data" / "json_test_suite.ndjson"
DUPLICATE_KEYS = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
# Of the i_ files: numbers that a double holds, if not to the last digit. Not: what overflows a double, lone surrogates,
# anything but UTF-8, a byte order mark, 500 levels.
FREELY_ACCEPTED = {
    "i_number_double_huge_neg_exp",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
}


def read_cases() -> dict[str, bytes]:
    """Return the content of each file by its name."""
    cases = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if "base64" in case:  # not UTF-8
            content = base64.b64decode(case["base64"], validate=True)
        elif "repeat" in case:
            content = (case["repeat"] * case["times"] + case["tail"]).encode()
        else:
            content = case["text"].encode()
        cases[case["name"]] = content
    return cases


CASES = read_cases()


@pytest.fixture
def mapper(implementation) -> MessageMapper:
    return MessageMapper(struct_pb2.Value.DESCRIPTOR, implementation=implementation)


def names(prefix: str) -> list[str]:
    return [name for name in CASES if name.startswith(prefix)]


def test_the_suite_is_whole() -> None:
    assert {prefix: len(names(prefix)) for prefix in ("y_", "n_", "i_")} == {"y_": 95, "n_": 188, "i_": 35}
    assert len(CASES) == 318
    assert set(CASES) > DUPLICATE_KEYS | FREELY_ACCEPTED


@pytest.mark.parametrize("name", names("n_"))
def test_what_is_not_json_is_rejected(mapper, name) -> None:
    with pytest.raises(MapperError):
        mapper.to_wire(CASES[name])


@pytest.mark.parametrize("name", sorted(set(names("y_")) - DUPLICATE_KEYS))
def test_what_is_json_is_accepted_and_keeps_its_value(mapper, name) -> None:
    wire = mapper.to_wire(CASES[name])
    assert json.loads(mapper.to_json(wire)) == json.loads(CASES[name], parse_int=float)


@pytest.mark.parametrize("name", sorted(DUPLICATE_KEYS))
def test_duplicate_keys_are_rejected(mapper, name) -> None:
    with pytest.raises(MapperError) as caught:
        mapper.to_wire(CASES[name])
    assert caught.value.kind == "value"


@pytest.mark.parametrize("name", names("i_"))
def test_what_parsers_may_decide_is_decided(mapper, name) -> None:
    if name in FREELY_ACCEPTED:
        wire = mapper.to_wire(CASES[name])
        assert json.loads(mapper.to_json(wire)) == json.loads(CASES[name], parse_int=float)
    else:
        with pytest.raises(MapperError):
            mapper.to_wire(CASES[name])
