"""Rows MAP-17 to MAP-20: bytes, times, strings."""

from __future__ import annotations

import base64
import json

import pytest
from google.protobuf import duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2
from mapping import PAGE, delimited, message_class, parsed, printed, refused, refused_wire

TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xfb", b"\xfb\xff", b"\xfb\xef\xbe", bytes(range(256)), b"x" * 1000])
def test_map_17_bytes_are_read_in_either_alphabet_and_printed_in_one(implementation: str, data: bytes) -> None:
    standard, for_urls = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    for text in (standard, for_urls, standard.rstrip("="), for_urls.rstrip("="), json.dumps(standard)[1:-1]):
        assert parsed(implementation, "google.protobuf.BytesValue", f'"{text}"').value == data
    message = message_class("google.protobuf.BytesValue")(value=data)
    assert printed(implementation, "google.protobuf.BytesValue", message) == f'"{standard}"'


def test_map_17_both_alphabets_in_one_text(implementation: str) -> None:
    assert parsed(implementation, "google.protobuf.BytesValue", '"+-/_"').value == base64.b64decode("++//")


def test_map_17_escapes_in_base64(implementation: str) -> None:
    for text in ('"\\/\\/\\/\\/"', '"\\u002f///"', '"////"'):
        assert parsed(implementation, "google.protobuf.BytesValue", text).value == b"\xff" * 3


# What json_format drops, or does not look at: number 1 of the list of differences.
LOOSE_BASE64 = ["*", "a*b=", "A A=", "QUJD QUJD", "QUJD\\n", "AA===", "A=A=", "é"]


@pytest.mark.parametrize("text", LOOSE_BASE64)
def test_map_17_what_is_no_base64_is_refused(implementation: str, text: str) -> None:
    if implementation == "python":
        parsed(implementation, "Scalars", f'{{"fBytes":"{text}"}}')
        return
    error = refused(implementation, "Scalars", f'{{"fBytes":"{text}"}}')
    assert (error.kind, error.path) == ("value", "fBytes")


@pytest.mark.parametrize("value", ['"A"', '"AAAAA"', "1", "true", "[]", "{}", '["QUJD"]'])
def test_map_17_texts_that_no_bytes_give_are_refused(implementation: str, value: str) -> None:
    error = refused(implementation, "Scalars", f'{{"fBytes":{value}}}')
    assert (error.kind, error.path) == ("value", "fBytes")


@pytest.mark.parametrize(
    ("text", "seconds", "nanos", "shown"),
    [
        ("1970-01-01T00:00:00Z", 0, 0, None),
        ("0001-01-01T00:00:00Z", -62135596800, 0, None),
        ("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999, None),
        ("2024-02-29T12:34:56Z", 1709210096, 0, None),
        ("2023-01-01T00:00:00.5Z", 1672531200, 500000000, "2023-01-01T00:00:00.500Z"),
        ("2023-01-01T00:00:00.000001Z", 1672531200, 1000, None),
        ("2023-01-01T00:00:00.000000001Z", 1672531200, 1, None),
        ("2023-01-01T00:00:00.12345Z", 1672531200, 123450000, "2023-01-01T00:00:00.123450Z"),
        ("2023-01-01T00:00:00.100000000Z", 1672531200, 100000000, "2023-01-01T00:00:00.100Z"),
        ("1969-12-31T23:59:59.5Z", -1, 500000000, "1969-12-31T23:59:59.500Z"),
        ("2023-01-01T01:30:00+01:30", 1672531200, 0, "2023-01-01T00:00:00Z"),
        ("2022-12-31T16:00:00-08:00", 1672531200, 0, "2023-01-01T00:00:00Z"),
        ("2023-01-01T00:00:00-00:00", 1672531200, 0, "2023-01-01T00:00:00Z"),
        ("2023-01-01T23:59:00.25+23:59", 1672531200, 250000000, "2023-01-01T00:00:00.250Z"),
        ("9999-12-31T15:59:59-08:00", 253402300799, 0, "9999-12-31T23:59:59Z"),
    ],
)
def test_map_18_times_are_read_and_normalised(
    implementation: str, text: str, seconds: int, nanos: int, shown: str | None
) -> None:
    message = parsed(implementation, TIMESTAMP, f'"{text}"')
    assert (message.seconds, message.nanos) == (seconds, nanos)
    assert printed(implementation, TIMESTAMP, message) == f'"{shown or text}"'
    page = f'{{"images":[{{"updateTime":"{shown or text}"}}]}}'
    assert printed(implementation, PAGE, parsed(implementation, PAGE, page)) == page


def test_map_18_every_count_of_digits(implementation: str) -> None:
    digits = "123456789"
    for count in range(10):
        text = f"2023-01-01T00:00:00{'.' if count else ''}{digits[:count]}Z"
        message = parsed(implementation, TIMESTAMP, f'"{text}"')
        assert message.nanos == int(digits[:count].ljust(9, "0"))
        shown = json.loads(printed(implementation, TIMESTAMP, message))
        assert len(shown) == len("2023-01-01T00:00:00Z") + {0: 0, 1: 4, 2: 7, 3: 10}[-(-count // 3)]
        assert parsed(implementation, TIMESTAMP, f'"{shown}"') == message


@pytest.mark.parametrize(
    ("text", "seconds", "nanos", "shown"),
    [
        ("0s", 0, 0, None),
        ("1.5s", 1, 500000000, "1.500s"),
        ("-1.5s", -1, -500000000, "-1.500s"),
        ("-0.000000001s", 0, -1, None),
        ("3.000001s", 3, 1000, None),
        ("315576000000s", 315576000000, 0, None),
        ("-315576000000s", -315576000000, 0, None),
    ],
)
def test_map_18_durations_come_back(
    implementation: str, text: str, seconds: int, nanos: int, shown: str | None
) -> None:
    message = parsed(implementation, DURATION, f'"{text}"')
    assert (message.seconds, message.nanos) == (seconds, nanos)
    assert printed(implementation, DURATION, message) == f'"{shown or text}"'


BAD_TIMES = [
    "",
    "2023-01-01",
    "2023-01-01T00:00:00",
    "2023-01-01t00:00:00Z",
    "2023-01-01T00:00:00z",
    "2023-01-01 00:00:00Z",
    "2023-01-01T00:00:00.1234567890Z",
    "2023-01-01T00:00:60Z",
    "2016-12-31T23:59:60Z",
    "2023-01-01T24:00:00Z",
    "2023-01-01T00:60:00Z",
    "2023-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2023-13-01T00:00:00Z",
    "2023-00-01T00:00:00Z",
    "2023-01-00T00:00:00Z",
    "2020-1-01T00:00:00Z",
    "2020-01-1T00:00:00Z",
    "2020-01-01T0:00:00Z",
    "2023-01-01T00:00:00+25:00",
    "2023-01-01T00:00:00+00:99",
    "2023-01-01T00:00:00+01:60",
    "2023-01-01T00:00:00+0100",
    "2023-01-01T00:00:00+1:00",
    "2023-01-01T00:00:00+01",
    "2023-01-01T00:00:00+01:-5",
    "2023-01-01T00:00:00Z+01:00",
    "2023-01-01T00:00:00ZZ",
    "2023-01-01T00:00:00.1_2Z",
    "2023-01-01T00:00:00.-5Z",
    "2023-01-01T00:00:00,5Z",
    " 2023-01-01T00:00:00Z",
    "2023-01-01T00:00:00Z ",
    "2023-01-01T00:00:00Z\\n",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-2023-01-01T00:00:00Z",
    "9999-12-31T23:59:59-00:01",
    "0001-01-01T00:00:00+00:01",
    "\u0662\u0660\u0662\u0663-01-01T00:00:00Z",
    "2023-01-01T00:00:00.\u0665Z",
]


@pytest.mark.parametrize("text", BAD_TIMES)
def test_map_19_what_is_no_time_is_refused(implementation: str, text: str) -> None:
    error = refused(implementation, TIMESTAMP, f'"{text}"')
    assert (error.kind, error.path) == ("value", "")
    error = refused(implementation, PAGE, f'{{"images":[{{"updateTime":"{text}"}}]}}')
    assert (error.kind, error.path) == ("value", "images[0].updateTime")


@pytest.mark.parametrize("value", ["1672531200", "true", "{}", '{"seconds":1}', "[]", '["2023-01-01T00:00:00Z"]'])
def test_map_19_times_are_strings(implementation: str, value: str) -> None:
    for name in ("sTimestamp", "sDuration"):
        error = refused(implementation, "WellKnown", f'{{"{name}":{value}}}')
        assert (error.kind, error.path) == ("value", name)


BAD_DURATIONS = ["", "s", "-s", "1", "1S", "1ms", "1 s", " 1s", "1s ", "+1s", "--1s", "-+1s", "1e3s", "0x1s", ".5s"]
BAD_DURATIONS += ["1_0s", "1.5_0s", "1.-5s", "315576000001s", "-315576000001s", "\u0661s", "Infinitys"]


@pytest.mark.parametrize("text", BAD_DURATIONS)
def test_map_19_what_is_no_duration_is_refused(implementation: str, text: str) -> None:
    error = refused(implementation, DURATION, f'"{text}"')
    assert (error.kind, error.path) == ("value", "")


@pytest.mark.parametrize(
    ("name", "message", "path"),
    [
        (TIMESTAMP, timestamp_pb2.Timestamp(nanos=-1), ""),
        (TIMESTAMP, timestamp_pb2.Timestamp(nanos=10**9), ""),
        (TIMESTAMP, timestamp_pb2.Timestamp(seconds=253402300800), ""),
        (TIMESTAMP, timestamp_pb2.Timestamp(seconds=-62135596801), ""),
        (TIMESTAMP, timestamp_pb2.Timestamp(seconds=2**63 - 1), ""),
        (TIMESTAMP, timestamp_pb2.Timestamp(seconds=-(2**63)), ""),
        (DURATION, duration_pb2.Duration(nanos=10**9), ""),
        (DURATION, duration_pb2.Duration(nanos=-(10**9)), ""),
        (DURATION, duration_pb2.Duration(seconds=1, nanos=-1), ""),
        (DURATION, duration_pb2.Duration(seconds=-1, nanos=1), ""),
        (DURATION, duration_pb2.Duration(seconds=315576000001), ""),
        (DURATION, duration_pb2.Duration(seconds=-(2**63)), ""),
        ("google.protobuf.FieldMask", field_mask_pb2.FieldMask(paths=["aB"]), ""),
        ("google.protobuf.FieldMask", field_mask_pb2.FieldMask(paths=["a_1"]), ""),
        ("google.protobuf.FieldMask", field_mask_pb2.FieldMask(paths=["a__b"]), ""),
    ],
    ids=repr,
)
def test_map_19_times_and_masks_that_text_cannot_say_are_refused(
    implementation: str, name: str, message: object, path: str
) -> None:
    wire = message.SerializeToString()  # type: ignore[attr-defined]
    error = refused_wire(implementation, name, wire)
    assert (error.kind, error.path) == ("value", "")
    number = message_class("WellKnown").DESCRIPTOR.fields_by_name[f"r_{name.rpartition('.')[2].lower()}"].number
    error = refused_wire(implementation, "WellKnown", delimited(number, b"") + delimited(number, wire))
    assert error.path == f"r{name.rpartition('.')[2].capitalize()}[1]"


def test_field_masks_are_read_and_printed_in_camel_case(implementation: str) -> None:
    name = "google.protobuf.FieldMask"
    for text, paths in {"": [], "a": ["a"], "fooBar,baz.quxQuux": ["foo_bar", "baz.qux_quux"]}.items():
        message = parsed(implementation, name, f'"{text}"')
        assert list(message.paths) == paths
        assert printed(implementation, name, message) == f'"{text}"'
    assert refused(implementation, name, '"foo_bar"').kind == "value"


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\udc00", "\\udfff\\ud83d", "\\ud83d\\ud83d\\ude00", "a\\ud83dx", "\\udbff\\n"]
)
@pytest.mark.parametrize(
    ("name", "before", "after", "path"),
    [
        ("Scalars", '{"fString":"', '"}', "fString"),
        ("Repeated", '{"rString":["a","', '"]}', "rString[1]"),
        ("google.protobuf.Value", '{"a":["', '"]}', "a[0]"),
        ("google.protobuf.StringValue", '"', '"', ""),
        ("MapValues", '{"ofString":{"k":"', '"}}', "ofString.k"),
    ],
)
def test_map_20_half_a_surrogate_pair_is_refused(
    implementation: str, text: str, name: str, before: str, after: str, path: str
) -> None:
    error = refused(implementation, name, before + text + after)
    assert (error.kind, error.path) == ("value", path)


def test_map_20_half_a_surrogate_pair_is_refused_in_keys(implementation: str) -> None:
    for name, text in (("google.protobuf.Struct", '{"\\ud800":1}'), ("MapKeys", '{"byString":{"\\udc00":1}}')):
        assert refused(implementation, name, text).kind == "value"


BAD_UTF8 = [b"\xff", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf5\x80\x80\x80"]
BAD_UTF8 += [b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xfe", b"\xc3("]


@pytest.mark.parametrize("data", BAD_UTF8)
def test_map_20_invalid_utf8_is_refused_wherever_it_is(implementation: str, data: bytes) -> None:
    for text in (b'{"fString":"a%s"}', b'{"novel":"%s"}', b'{"%s":1}', b"%s{}", b'{"fInt32":%s}', b'{"fBytes":"%s"}'):
        error = refused(implementation, "Scalars", text % data)
        assert error.kind == "utf8", text
        assert error.offset == text.index(b"%")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_map_20_other_encodings_are_refused(implementation: str, encoding: str) -> None:
    for name, text in (("Scalars", '{"fInt32":1}'), ("google.protobuf.Value", "12"), ("Scalars", "{}")):
        assert refused(implementation, name, text.encode(encoding)).kind == "utf8"


@pytest.mark.parametrize("code", [*range(0x20)])
def test_map_20_raw_control_characters_are_refused(implementation: str, code: int) -> None:
    for text in ('{"fString":"a%c"}', '{"novel":"%c"}', '{"fInt32%c":1}'):
        assert refused(implementation, "Scalars", text % code).kind == "json"
    escaped = parsed(implementation, "Scalars", f'{{"fString":"a\\u{code:04x}"}}')
    assert escaped.f_string == f"a{chr(code)}"
    assert parsed(implementation, "Scalars", printed(implementation, "Scalars", escaped)) == escaped


def test_map_20_strings_that_are_not_utf8_on_the_wire_are_refused(implementation: str) -> None:
    for data in BAD_UTF8:
        assert refused_wire(implementation, "Scalars", delimited(14, data)).kind == "utf8"
        assert refused_wire(implementation, "Repeated", delimited(14, b"a") + delimited(14, data)).kind == "utf8"
        assert refused_wire(implementation, "MapKeys", delimited(12, delimited(1, data))).kind == "utf8"
        assert refused_wire(implementation, "google.protobuf.Value", delimited(3, data)).kind == "utf8"
        # Older syntaxes let it pass on the wire; JSON has no way to say it.
        error = refused_wire(implementation, "mapper.proto2.Scalars", delimited(14, data))
        assert (error.kind, error.path) == ("utf8", "fString")
        assert refused_wire(implementation, "mapper.editions.Loose", delimited(1, data)).path == "text"
        for entry in (delimited(1, data), delimited(1, b"a" + data) + delimited(2, b"")):
            assert refused_wire(implementation, "mapper.proto2.Maps", delimited(21, entry)).kind == "utf8"
            assert refused_wire(implementation, "mapper.proto2.Maps", delimited(22, entry)).kind == "utf8"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\u0000", "\0"),
        ("\\ud83d\\ude00", "\U0001f600"),
        ("\\uD83D\\uDE00x", "\U0001f600x"),
        ('\\"\\\\\\/\\b\\f\\n\\r\\t', '"\\/\b\f\n\r\t'),
        ("\\u00e9\\u20ac", "é€"),
        ("é€\U0001f600\U0010ffff", "é€\U0001f600\U0010ffff"),
        ("\x7f\u2028\ufeff", "\x7f\u2028\ufeff"),
    ],
    ids=ascii,
)
def test_map_20_strings_come_back(implementation: str, text: str, value: str) -> None:
    assert parsed(implementation, "Scalars", f'{{"fString":"{text}"}}').f_string == value
    assert (
        parsed(implementation, "google.protobuf.Struct", f'{{"{text}":"{text}"}}').fields[value].string_value == value
    )
    struct = struct_pb2.Struct(fields={value: struct_pb2.Value(string_value=value)})
    shown = printed(implementation, "google.protobuf.Struct", struct)
    assert json.loads(shown) == {value: value}
    assert parsed(implementation, "google.protobuf.Struct", shown).fields[value].string_value == value


@pytest.mark.parametrize("value", ["1", "true", "{}", "[]", '["a"]'])
def test_map_20_strings_are_strings(implementation: str, value: str) -> None:
    assert refused(implementation, "Scalars", f'{{"fString":{value}}}').kind == "value"
