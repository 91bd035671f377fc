"""Query parameters: what a message becomes, what a server reads, and Google's system parameters."""

from __future__ import annotations

import math
import re

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_service import Inner, Item

from eegrpc.mapper import MapperError
from eegrpc.transcoding.query import parse_query, query_string
from eegrpc.transcoding.types import TranscodingError

ITEM = Item.DESCRIPTOR


def write(**fields):
    return query_string(ITEM, Item(**fields).SerializeToString())


def read(query, taken=None):
    return Item.FromString(parse_query(ITEM, query, {} if taken is None else taken).wire)


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, ""),
        ({"name": "a b+c&d=e/\u00e9"}, "name=a%20b%2Bc%26d%3De%2F%C3%A9"),
        ({"big": -(2**63)}, "big=-9223372036854775808"),
        ({"unsigned": 2**64 - 1}, "unsigned=18446744073709551615"),
        (
            {"zigzag": -5, "zigzag_big": -(2**63), "fixed": 7, "signed": -7},
            "zigzag=-5&fixed=7&signed=-7&zigzagBig=-9223372036854775808",
        ),
        ({"flag": True}, "flag=true"),
        ({"color": 1}, "color=RED"),
        ({"color": -1}, "color=NEGATIVE"),
        ({"color": 77}, "color=77"),
        ({"blob": b"\xfb\xff"}, "blob=-_8%3D"),
        ({"ratio": 0.1}, "ratio=0.1"),
        ({"ratio": 5e-324}, "ratio=5e-324"),
        ({"ratio": math.inf}, "ratio=Infinity"),
        ({"ratio": -math.inf}, "ratio=-Infinity"),
        ({"ratio": 1e21}, "ratio=1e%2B21"),
        ({"small": 0.1}, "small=0.1"),
        ({"small": 3.4028234663852886e38}, "small=3.4028235e%2B38"),
        ({"numbers": [1, -2, 1]}, "numbers=1&numbers=-2&numbers=1"),
        ({"colors": [1, 0]}, "colors=RED&colors=COLOR_UNSPECIFIED"),
        ({"opt": 0}, "opt=0"),
        ({"some_name": "x"}, "otherName=x"),
        (
            {"inner": {"name": "x", "child": {"count": 1, "tags": ["a", "b"]}}},
            "inner.name=x&inner.child.count=1&inner.child.tags=a&inner.child.tags=b",
        ),
        ({"at": {"seconds": 1}}, "at=1970-01-01T00%3A00%3A01Z"),
        ({"wait": {"nanos": 500_000_000}}, "wait=0.500s"),
        ({"mask": {"paths": ["a_b.c", "d"]}}, "mask=aB.c%2Cd"),
        ({"maybe_text": {"value": ""}}, "maybeText="),
        ({"maybe_big": {"value": 2**53 + 1}}, "maybeBig=9007199254740993"),
        ({"maybe_flag": {"value": False}}, "maybeFlag=false"),
        ({"maybe_small": {"value": 0.5}}, "maybeSmall=0.5"),
        ({"maybe_blob": {"value": b"\xfb"}}, "maybeBlob=%2Bw%3D%3D"),
        ({"times": [{"seconds": 0}, {"seconds": 1}]}, "times=1970-01-01T00%3A00%3A00Z&times=1970-01-01T00%3A00%3A01Z"),
    ],
)
def test_both_ways(fields, query):
    assert write(**fields) == query
    assert read(query) == Item(**fields)


def test_nan():
    assert write(ratio=math.nan, small=math.nan) == "ratio=NaN&small=NaN"
    assert math.isnan(read("ratio=NaN").ratio)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"labels": {"a": "b"}}, "'labels' is a map, which cannot be a query parameter"),
        ({"inners": [Inner()]}, "'inners' is a repeated probe.Inner"),
        ({"attributes": {}}, "'attributes' is a google.protobuf.Struct"),
        ({"value": {"bool_value": True}}, "'value' is a google.protobuf.Value"),
        ({"anything": {"type_url": "x"}}, "'anything' is a google.protobuf.Any"),
        ({"at": {"seconds": 2**40}}, "no JSON form"),
    ],
)
def test_what_cannot_be_a_parameter(fields, problem):
    with pytest.raises(MapperError, match=re.escape(problem)):
        write(**fields)


def test_bytes_that_are_no_message():
    with pytest.raises(MapperError):
        query_string(ITEM, b"\x0a\x01\xff")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("&&name=x&", {"name": "x"}),
        ("name=a+b%20c%2B", {"name": "a b c+"}),
        ("name", {}),
        ("some_name=x", {"some_name": "x"}),
        ("%6Eame=x", {"name": "x"}),
        ("maybe_big=1", {"maybe_big": {"value": 1}}),
        ("inner.child.name=x&inner.name=y", {"inner": Inner(name="y", child=Inner(name="x"))}),
        ("color=1", {"color": 1}),
        ("color=-1", {"color": -1}),
        ("blob=AQI", {"blob": b"\1\2"}),
        ("blob=%2B/8=", {"blob": b"\xfb\xff"}),
        ("blob=-_8", {"blob": b"\xfb\xff"}),
        ("ratio=1.5E3", {"ratio": 1500.0}),
        ("ratio=-0", {"ratio": -0.0}),
    ],
)
def test_read(query, fields):
    assert read(query) == Item(**fields)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            "nothing=1",
            "Invalid JSON payload received. Unknown name \"nothing\": Cannot bind query parameter. Field 'nothing'",
        ),
        ("inner.nothing=1", "Unknown name"),
        ("name.x=1", "Unknown name"),
        ("numbers.x=1", "Unknown name"),
        ("at.seconds=1", "Unknown name"),
        ("inners.name=1", "Unknown name"),
        ("=1", "Unknown name"),
        (".name=1", "Unknown name"),
        ("x" * 1000, "..."),
        ("name=a&name=b", "given twice"),
        ("some_name=a&otherName=b", "given twice"),
        ("inner=x", "'inner' is a probe.Inner, which cannot"),
        ("inners=x", "cannot be a query parameter"),
        ("labels=x", "'labels' is a map"),
        ("attributes=x", "cannot be a query parameter"),
        ("name=%ff", "not UTF-8"),
        *(
            (f"big={text}", "(TYPE_INT64)")
            for text in ("", "x", "1.0", "1_000", "%2B1", "01", "%D9%A1", "9" * 30, "1%0A")
        ),
        *((f"numbers={text}", "(TYPE_INT32)") for text in ("2147483648", "-2147483649")),
        *((f"unsigned={text}", "(TYPE_UINT64)") for text in ("-1", str(2**64))),
        *((f"flag={text}", "(TYPE_BOOL)") for text in ("", "1", "True", "yes")),
        *((f"color={text}", "probe.Color") for text in ("", "red", "2147483648", "1.5")),
        *((f"blob={text}", "(TYPE_BYTES)") for text in ("*", "A", "AQ!", "A=B=")),
        *(
            (f"ratio={text}", "(TYPE_DOUBLE)")
            for text in ("", "inf", "nan", "1e400", "1_0", ".5", "5.", "0x1", "1" * 500)
        ),
        ("small=3.5e38", "(TYPE_FLOAT)"),
        ("at=yesterday", "(type.googleapis.com/google.protobuf.Timestamp)"),
        ("wait=3", "google.protobuf.Duration"),
    ],
)
def test_refused(query, problem):
    with pytest.raises(TranscodingError, match=re.escape(problem)) as caught:
        parse_query(ITEM, query, {})
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(caught.value.details) < 400


def test_fields_of_path_and_body_are_no_parameters():
    taken = {"name": "path", "inner.name": "path", "at": "body", "attributes": "body"}
    assert read("inner.count=1", taken) == Item(inner=Inner(count=1))
    for query, where in (("name=x", "path"), ("inner.name=x", "path"), ("at=1970-01-01T00:00:00Z", "body")):
        with pytest.raises(TranscodingError, match=f"the field is in the {where}"):
            parse_query(ITEM, query, taken)
    with pytest.raises(TranscodingError, match="the field is in the body"):
        parse_query(ITEM, "inner.count=1", {"inner": "body"})
    with pytest.raises(TranscodingError, match="Unknown name"):
        parse_query(ITEM, "big=1", None)  # the whole request is in the body


@pytest.mark.parametrize(
    ("query", "metadata"),
    [
        ("$fields=a,b(c)", [("x-goog-fieldmask", "a,b(c)")]),
        ("fields=a", [("x-goog-fieldmask", "a")]),
        ("key=k&$key=l", [("x-goog-api-key", "k"), ("x-goog-api-key", "l")]),
        ("$alt=json&alt=json;enum-encoding=int", []),
        ("$alt=json%3Benum-encoding%3Dint", []),
        (
            "prettyPrint=false&$prettyPrint=true&callback=f&access_token=t&$.xgafv=2&quotaUser=u&uploadType=x&upload_protocol=y",
            [],
        ),
        pytest.param("_method=DELETE&X-HTTP-Method-Override=DELETE", [], id="TPL-10-override-by-query"),
    ],
)
@pytest.mark.parametrize("taken", [None, {}])
def test_system_parameters(query, metadata, taken):
    parsed = parse_query(ITEM, query, taken)
    assert parsed.wire == b""
    assert list(parsed.metadata) == metadata


@pytest.mark.parametrize("query", ["alt=proto", "$alt=media", "alt=json;x=y", "fields=%0A", "key=%C3%A9"])
def test_system_parameters_that_cannot_be_honoured(query):
    with pytest.raises(TranscodingError) as caught:
        parse_query(ITEM, query, {})
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    name=_TEXT,
    big=st.integers(-(2**63), 2**63 - 1),
    ratio=st.floats(allow_nan=False),
    small=st.floats(width=32, allow_nan=False),
    blob=st.binary(max_size=8),
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    colors=st.lists(st.sampled_from([0, 1, -1]), max_size=3),
    tags=st.lists(_TEXT, max_size=3),
    fixed=st.integers(0, 2**64 - 1),
    zigzag_big=st.integers(-(2**63), 2**63 - 1),
    maybe=st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_writing_then_reading_is_identity(tags, maybe, **fields):
    item = Item(**fields)
    item.inner.child.tags.extend(tags)
    if not tags:
        item.ClearField("inner")  # an empty submessage has no form in a query string
    if maybe is not None:
        item.maybe_big.value = maybe
    query = query_string(ITEM, item.SerializeToString())
    assert re.fullmatch(r"[-_.~0-9a-zA-Z%=&]*", query)
    assert read(query) == item
