"""Rows MAP-01 to MAP-09: numbers."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from google.protobuf import struct_pb2
from mapping import parsed, printed, refused, refused_wire

INT64 = ["int64", "sint64", "sfixed64"]
UINT64 = ["uint64", "fixed64"]
INT32 = ["int32", "sint32", "sfixed32"]
UINT32 = ["uint32", "fixed32"]
LIMITS = {
    **dict.fromkeys(INT64, (-(2**63), 2**63 - 1)),
    **dict.fromkeys(UINT64, (0, 2**64 - 1)),
    **dict.fromkeys(INT32, (-(2**31), 2**31 - 1)),
    **dict.fromkeys(UINT32, (0, 2**32 - 1)),
}


def scalar(kind: str, value: str) -> str:
    return f'{{"f{kind.capitalize()}":{value}}}'


def one(implementation: str, kind: str, value: str) -> Any:
    return getattr(parsed(implementation, "Scalars", scalar(kind, value)), f"f_{kind}")


def kind_of_refusal(implementation: str, kind: str, value: str) -> str:
    error = refused(implementation, "Scalars", scalar(kind, value))
    assert error.path == f"f{kind.capitalize()}"
    return error.kind


@pytest.mark.parametrize("kind", LIMITS)
def test_map_01_integers_are_exact_as_numbers_and_as_strings(implementation: str, kind: str) -> None:
    numbers = [*LIMITS[kind], 1, 10, *([2**53 + 1] if kind.endswith("64") else [])]
    for number in numbers:
        for text in (f"{number}", f'"{number}"'):
            assert one(implementation, kind, text) == number
        message = parsed(implementation, "Scalars", scalar(kind, str(number)))
        shown = f'"{number}"' if kind.endswith("64") else str(number)
        assert printed(implementation, "Scalars", message) == (scalar(kind, shown) if number else "{}")


@pytest.mark.parametrize("kind", LIMITS)
def test_map_02_what_is_no_integer_of_the_field_is_refused_by_kind(implementation: str, kind: str) -> None:
    low, high = LIMITS[kind]
    for number in (low - 1, high + 1, 10**30, "1e400", "-1e400", "1e30"):
        for text in (f"{number}", f'"{number}"'):
            assert kind_of_refusal(implementation, kind, text) == "range", text
    for number in ("1.5", "1e-1", "-0.5"):
        for text in (number, f'"{number}"'):
            assert kind_of_refusal(implementation, kind, text) == "integer", text


@pytest.mark.parametrize("kind", LIMITS)
def test_map_03_integers_with_fraction_or_exponent_are_exact(implementation: str, kind: str) -> None:
    texts = {"1.0": 1, "1e3": 1000, "1E+3": 1000, "12.50e1": 125, "100e-2": 1, "-0": 0, "-0.0": 0, "0e99": 0}
    if kind.endswith("64"):
        texts["1e18"] = 10**18
    for text, number in texts.items():
        for form in (text, f'"{text}"'):
            message = parsed(implementation, "Scalars", scalar(kind, form))
            assert getattr(message, f"f_{kind}") == number, form
            assert bool(message.ByteSize()) == bool(number), form


def test_map_04_integers_with_a_fraction_do_not_go_by_way_of_doubles(implementation: str) -> None:
    # json_format reads a number with a fraction as a double: number 9 of the list of differences.
    exact = 9007199254740993
    expected = {"native": exact, "python": exact - 1}[implementation]
    assert one(implementation, "int64", f"{exact}.0") == expected
    assert one(implementation, "int64", f'"{exact}.0"') == expected
    assert one(implementation, "int64", str(exact)) == exact


# What json_format reads because Python's int() does: number 2 of the list of differences.
LOOSE_INTEGERS = {"1_000": 1000, "+1": 1, "01": 1, "\u0661": 1, "\t1": 1, "1\n": 1}


@pytest.mark.parametrize("kind", ["int64", "uint32", "sint32", "fixed64"])
def test_map_05_texts_that_are_no_json_integers_are_refused(implementation: str, kind: str) -> None:
    for text in ("", " 1", "1 ", "0x10", "1e", ".", "-", "--1", "1-", "NaN", "Infinity", "one", "1,0", "0b1"):
        assert kind_of_refusal(implementation, kind, json.dumps(text)) == "integer", text
    for text in ("true", "false", "{}", "[]", "[1]"):
        assert kind_of_refusal(implementation, kind, text) == "value", text
    for text, number in LOOSE_INTEGERS.items():
        if implementation == "python":
            assert one(implementation, kind, json.dumps(text)) == number
        else:
            assert kind_of_refusal(implementation, kind, json.dumps(text)) == "integer", text


DOUBLES = [-0.0, 0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1e21, 1e-7, 123456789.125, 1 / 3]


@pytest.mark.parametrize("number", [*DOUBLES, *(-number for number in DOUBLES)], ids=repr)
def test_map_06_doubles_come_back_bit_by_bit(implementation: str, number: float) -> None:
    wire = struct_pb2.Value(number_value=number).SerializeToString()
    text = printed(implementation, "google.protobuf.Value", wire)
    assert float(text) == number
    assert len(text.lstrip("-")) <= len(repr(abs(number)))  # the shortest that does
    back = parsed(implementation, "google.protobuf.Value", text).number_value
    assert struct.pack("d", back) == struct.pack("d", number)
    for form in (repr(number), f'"{number!r}"'):
        read = one(implementation, "double", form)
        assert struct.pack("d", read) == struct.pack("d", number)


def test_map_06_a_negative_zero_keeps_its_sign_however_it_is_written(implementation: str) -> None:
    for text in ("-0", "-0.0", "-0e5", '"-0"'):
        assert math.copysign(1, one(implementation, "double", text)) == -1, text
        assert math.copysign(1, one(implementation, "float", text)) == -1, text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", 0.10000000149011612),
        ("1.1", 1.100000023841858),
        ("16777217", 16777216.0),
        ("1e-45", 1.401298464324817e-45),
        ("3.4028235e38", 3.4028234663852886e38),
        ("-3.4028235e38", -3.4028234663852886e38),
    ],
)
def test_map_06_floats_are_the_nearest_and_come_back(implementation: str, text: str, number: float) -> None:
    message = parsed(implementation, "Scalars", scalar("float", text))
    assert message.f_float == number
    shown = printed(implementation, "Scalars", message)
    assert parsed(implementation, "Scalars", shown) == message
    assert parsed(implementation, "google.protobuf.FloatValue", text).value == number


def test_map_07_infinite_and_not_a_number_are_strings(implementation: str) -> None:
    for kind in ("float", "double"):
        for text, number in {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.items():
            message = parsed(implementation, "Scalars", scalar(kind, f'"{text}"'))
            read = getattr(message, f"f_{kind}")
            assert read == number or (math.isnan(read) and math.isnan(number))
            assert printed(implementation, "Scalars", message) == scalar(kind, f'"{text}"')


@pytest.mark.parametrize("kind", ["float", "double"])
def test_map_07_other_spellings_are_refused(implementation: str, kind: str) -> None:
    for text in ("nan", "inf", "-inf", "infinity", "INFINITY", "+Infinity", "NAN", "-NaN", "x", "", "0x1"):
        assert kind_of_refusal(implementation, kind, json.dumps(text)) == "value", text
    for text in ("{}", "[]"):
        assert kind_of_refusal(implementation, kind, text) == "value", text
    for text in ("NaN", "Infinity", "-Infinity"):
        assert refused(implementation, "Scalars", scalar(kind, text)).kind == "json", text
    large = ["1e400", "-1e400", "1" + "0" * 400] + (["3.5e38", "-3.5e38", "1" + "0" * 39] if kind == "float" else [])
    for text in large:
        for form in (text, f'"{text}"'):
            assert kind_of_refusal(implementation, kind, form) == "range", form
    # What json_format reads because Python's float() does (3), and bool, which is a number in Python (4).
    for text, number in {'"1_0"': 10, '" 1"': 1, '"01"': 1, '".5"': 0.5, '"5."': 5, "true": 1, "false": 0}.items():
        if implementation == "python":
            assert one(implementation, kind, text) == number
        else:
            assert kind_of_refusal(implementation, kind, text) == "value", text


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_map_08_bare_words_are_no_json_in_a_struct_either(implementation: str, text: str) -> None:
    for form in (text, f"[{text}]", f'{{"a":[1,{text}]}}'):
        assert refused(implementation, "google.protobuf.Value", form).kind == "json"
    assert parsed(implementation, "google.protobuf.Value", f'"{text}"').string_value == text


def test_map_08_numbers_too_large_are_refused_in_a_struct(implementation: str) -> None:
    for number in ("1e400", "-1e400", "1" + "0" * 400, "1" + "0" * 5000, "-1" + "0" * 5000):
        error = refused(implementation, "WellKnown", f'{{"sStruct":{{"a":[0,{{"b c":{number}}}]}}}}')
        assert (error.kind, error.path) == ("range", 'sStruct.a[1]["b c"]')
        assert refused(implementation, "google.protobuf.Value", number).kind == "range"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_map_08_a_struct_with_what_json_has_no_number_for_is_refused(implementation: str, number: float) -> None:
    value = struct_pb2.Value(number_value=number)
    assert refused_wire(implementation, "google.protobuf.Value", value).kind == "value"
    inner = struct_pb2.Struct(fields={"a": struct_pb2.Value(list_value=struct_pb2.ListValue(values=[value]))})
    error = refused_wire(implementation, "google.protobuf.Struct", inner)
    assert (error.kind, error.path) == ("value", "a[0]")


def test_map_09_large_integers_in_a_struct_are_the_nearest_double(implementation: str) -> None:
    for number in (2**53, 2**53 + 1, 2**63, 10**22 + 1, 2**64 + 2**11, -(2**53) - 1):
        assert parsed(implementation, "google.protobuf.Value", str(number)).number_value == float(number)
