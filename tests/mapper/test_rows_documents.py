"""Rows MAP-21 and MAP-22: what is a document, and what only the beginning of one."""

from __future__ import annotations

import json
import random

import golden
import pytest
from mapping import PAGE, mapper, parsed, refused

from eegrpc.mapper import MapperError


def kinds_of_prefixes(implementation: str, name: str, text: bytes, ends: list[int]) -> set[str]:
    kinds = set()
    to_wire = mapper(implementation, name).to_wire
    for end in ends:
        try:
            to_wire(text[:end])
        except MapperError as error:
            kinds.add(error.kind if error.kind == "eof" else f"{error.kind} at {end}: {text[max(0, end - 20) : end]!r}")
        else:
            kinds.add(f"taken at {end}: {text[max(0, end - 20) : end]!r}")
    return kinds


@pytest.mark.parametrize("text", [golden.FIRST, golden.small_page()], ids=["everything", "4 kB"])
def test_map_21_every_prefix_of_a_page_ends_early(implementation: str, text: bytes) -> None:
    assert parsed(implementation, PAGE, text).images[0].name
    assert kinds_of_prefixes(implementation, PAGE, text, list(range(len(text.rstrip())))) == {"eof"}


DOCUMENTS = [
    (
        "Scalars",
        '{"fDouble":-1.5e-3,"fFloat":"NaN","fInt64":"-12","fUint32":1.0e1,"fBool":true,"fBytes":"+/8=","fEnum":"RED"}',
    ),
    (
        "Repeated",
        '{"rInt32":[1,-2,"3",4e0],"rString":["a","\\u00e9"],"rBool":[true,false],"rColour":["GREEN",7,"NOVEL"]}',
    ),
    ("MapKeys", '{"byInt32":{"1":1,"-2":2},"byString":{"":3,"k\\n":4},"byBool":{"true":5},"messageByInt64":{"9":{}}}'),
    (
        "MapValues",
        '{"ofColour":{"a":"RED","b":1},"ofBytes":{"c":"AA=="},"ofValue":{"d":null},"ofTree":{"e":{"name":"n"}}}',
    ),
    ("Oneofs", '{"kNull":null,"between":5,"left":"l"}'),
    ("Oneofs", '{"kInt32":null,"kStruct":{"a":[{},[],null]},"right":"AA"}'),
    ("Tree", '{"left":{"byName":{"a":{"children":[{},{"kinds":["OAK"]}]}}},"leaf":{"id":"1","mark":{"set":true}}}'),
    ("WellKnown", '{"sTimestamp":"2023-01-01T00:00:00.5+01:00","sDuration":"-1.5s","sFieldmask":"a.b,cD","sEmpty":{}}'),
    (
        "WellKnown",
        '{"sInt64value":"5","sBoolvalue":false,"sStringvalue":"s","sBytesvalue":"_-8","sNull":null,"sListvalue":[1]}',
    ),
    (
        "WellKnown",
        '{"sAny":{"@type":"x/mapper.proto3.Scalars","fInt32":5},"rAny":[{},{"value":"1s","@type":"x/google.protobuf.Duration"}]}',
    ),
    (
        "Names",
        '{"two_words":1,"other":2,"with space":3,"quo\\"te\\\\":4,"é€\U0001f600":5,"list_":[7],"map1":{"a":8}}',
    ),
    (
        "mapper.proto2.Extended",
        '{"own":1,"[mapper.proto2.x_strings]":["a"],"[mapper.proto2.Extended.nested]":{"text":"t"}}',
    ),
    (
        "mapper.editions.Delimited",
        '{"item":{"a":"1"},"items":[{"b":"2"}],"byName":{"n":{"time":"2023-01-01T00:00:00Z"}}}',
    ),
]


@pytest.mark.parametrize(("name", "text"), DOCUMENTS)
def test_map_21_every_prefix_of_a_message_ends_early(implementation: str, name: str, text: str) -> None:
    whole = text.encode()
    parsed(implementation, name, whole)
    assert kinds_of_prefixes(implementation, name, whole, list(range(len(whole)))) == {"eof"}
    spaced = json.dumps(json.loads(text), indent=1, separators=(" ,", " : ")).encode()
    assert kinds_of_prefixes(implementation, name, spaced, list(range(len(spaced)))) == {"eof"}


def test_map_21_prefixes_of_the_standard_page_end_early(implementation: str) -> None:
    # 10,000 cuts anywhere for the mapper that reads 9.8 MB in milliseconds. The other reads each prefix twice as slowly
    # as json.loads does, so its cuts are in a smaller page, and fewer.
    text, count = (golden.page(1000), 10_000) if implementation == "native" else (golden.page(100), 1000)
    draws = random.Random(21)
    # Most cuts near the start, so that all of them together are read in seconds; one in a hundred is anywhere.
    ends = [draws.randrange(len(text) // (1 if number % 100 == 0 else 50)) for number in range(count)]
    assert kinds_of_prefixes(implementation, PAGE, text, ends) == {"eof"}


CUT = [
    *("1.", "-", "1e", "1.5E+", "1e-", "-0.", "t", "tru", "fals", "nul"),
    *('"', '"a\\', '"\\u', '"\\u00', '"\\u00e9', '"\\ud83d', '"\\ud83d\\', '"\\ud83d\\ude'),
    *("[", "[1", "[1,", "[1, ", "{", '{"', '{"a', '{"a"', '{"a":', '{"a":1,', "[[]", '[{"a":[1,{"b":nul'),
    *("", " ", "\n\t\r "),
]


@pytest.mark.parametrize("text", CUT)
def test_map_21_values_that_end_early(implementation: str, text: str) -> None:
    for form in (text, f'{{"a":{text}', f'[0,{{"novel":[{text}'):
        assert refused(implementation, "google.protobuf.Value", form).kind == "eof"
    assert refused(implementation, PAGE, f'{{"novel":{text}').kind == "eof"
    assert refused(implementation, PAGE, '{"images":[{"properties":{"a":' + text).kind == "eof"


@pytest.mark.parametrize("text", ["é".encode()[:1], "€".encode()[:1], "€".encode()[:2], "\U0001f600".encode()[:3]])
def test_map_21_a_character_that_ends_early(implementation: str, text: bytes) -> None:
    for before in (b'"', b'{"', b'{"a":["x'):
        assert refused(implementation, "google.protobuf.Value", before + text).kind == "eof"
    # What was wrong before is what is wrong.
    assert refused(implementation, "google.protobuf.Value", b'[1 "' + text).kind != "eof"


BROKEN = [
    *("[1 1.", "[1 .", "[1.5.", "[1e5.", "[1e5e", "[01.", "[-.", "[.", "[+", "[- ", "[1. ", "[1.]", "[-]", "[1] 1."),
    *('["\\u00"', '["\\u00 ', '["\\x', "'"),
    *("{1.", "{,", "[,", "[1,,", "{tr", "[tru ", "[tr]", "{} tru", "N", "[Na", "-I", "/"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_map_21_what_no_more_input_makes_json_is_not_early(implementation: str, text: str) -> None:
    assert refused(implementation, "google.protobuf.Value", text).kind == "json"


NOT_A_PAGE = {
    "trailing text": "{} x",
    "trailing letter": '{"images":[]}x',
    "two documents": "{}{}",
    "two lines of documents": '{"images":[]}\n{"images":[]}\n',
    "trailing bracket": "{}]",
    "trailing comma after": "{},",
    "null": "null",
    "list": "[]",
    "list of pages": '[{"images":[]}]',
    "string": '"images"',
    "number": "5",
    "true": "true",
    "HTML": "<!DOCTYPE html><html><body>502</body></html>",
    "comment": '{"images":[] /* none */}',
    "line comment": "// none\n{}",
    "trailing comma in object": '{"images":[],}',
    "trailing comma in list": '{"images":[{},]}',
    "single quotes": "{'images':[]}",
    "no quotes": "{images:[]}",
    "leading zero": '{"images":[{"featureCount":01}]}',
    "no integer digits": '{"images":[{"featureCount":.5}]}',
    "no fraction digits": '{"images":[{"featureCount":1.}]}',
    "plus": '{"images":[{"featureCount":+1}]}',
    "hexadecimal": '{"images":[{"featureCount":0x1}]}',
    "capital": '{"images":Null}',
    "semicolon": '{"images":[];}',
    "equals": '{"images"=[]}',
    "no colon": '{"images" []}',
    "two colons": '{"images"::[]}',
    "no comma": '{"images":[] "nextPageToken":""}',
    "non-breaking space": '{"images":\u00a0[]}',
    "vertical tab": '{"images":\v[]}',
    "form feed": "{\f}",
    "NUL at the end": "{}\0",
    "key that is no string": "{1:2}",
    "JSONP": "callback({})",
    "guard against JSON hijacking": ")]}'\n{}",
}


@pytest.mark.parametrize("case", NOT_A_PAGE)
def test_map_22_what_is_not_one_json_object_is_refused(implementation: str, case: str) -> None:
    error = refused(implementation, PAGE, NOT_A_PAGE[case])
    assert error.kind == "json"
    assert error.offset is not None


def test_map_22_nothing_and_space_end_early(implementation: str) -> None:
    for text in ("", " ", "\r\n"):
        assert refused(implementation, PAGE, text).kind == "eof"


def test_map_22_the_offset_counts_bytes(implementation: str) -> None:
    assert refused(implementation, PAGE, '{"nextPageToken":"é€" x').offset == len('{"nextPageToken":"é€" '.encode())
    assert refused(implementation, PAGE, '{"nextPageToken":"é€","a":NaN}').offset == len(
        '{"nextPageToken":"é€","a":'.encode()
    )


def test_map_22_space_around_a_document_is_nothing(implementation: str) -> None:
    text = ' \t\r\n{ "images" : [ { "name" : "a" } , { } ] , "nextPageToken" : "t" } \r\n\t '
    page = parsed(implementation, PAGE, text)
    assert ([image.name for image in page.images], page.next_page_token) == (["a", ""], "t")


@pytest.mark.parametrize("name", ["Timestamp", "Duration", "FieldMask", "Struct", "ListValue", "Any", "Int32Value"])
def test_map_22_well_known_types_are_not_null(implementation: str, name: str) -> None:
    for text in ("null", "true", "5.5"):
        assert refused(implementation, f"google.protobuf.{name}", text).kind in ("value", "integer")
