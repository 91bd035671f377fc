"""Rows MAP-10 to MAP-16: keys, unknown fields and names, null, maps."""

from __future__ import annotations

import logging

import pytest
from mapping import PAGE, as_bytes, delimited, new_mapper, parsed, printed, refused, tag, varint

from eegrpc.mapper import MessageMapper


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("Scalars", '{"fInt32":1,"fInt32":1}', "fInt32"),
        ("Scalars", '{"fInt32":1,"fBool":true,"f\\u0049nt32":2}', "fInt32"),
        ("Tree", '{"children":[{},{"left":{"name":"a","name":"b"}}]}', "children[1].left.name"),
        ("Tree", '{"left":{},"right":{},"left":{}}', "left"),
        ("WellKnown", '{"sStruct":{"a":{"b c":1,"b c":1}}}', 'sStruct.a["b c"]'),
        ("google.protobuf.Value", '[0,{"":1,"":2}]', '[1][""]'),
        ("MapKeys", '{"byString":{"k":1,"k":2}}', "byString.k"),
        ("MapKeys", '{"byInt32":{"5":1,"5":1}}', 'byInt32["5"]'),
        ("MapKeys", '{"byBool":{"true":1,"true":0}}', "byBool.true"),
        (PAGE, '{"images":[{"properties":{"a":1,"a":1}}]}', "images[0].properties.a"),
    ],
)
def test_map_10_a_key_that_is_there_twice_is_refused_with_its_path(
    implementation: str, name: str, text: str, path: str
) -> None:
    error = refused(implementation, name, text)
    assert (error.kind, error.path) == ("value", path)


def test_map_10_unknown_fields_have_no_duplicate_keys_either(implementation: str) -> None:
    assert refused(implementation, "Scalars", '{"novel":{"a":[{"b":1,"b":2}]}}').kind == "value"


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        (PAGE, '{"images":[{"sizeBytes":"1","size_bytes":"1"}]}', "images[0].sizeBytes"),
        (PAGE, '{"images":[{"size_bytes":"1","sizeBytes":"1"}]}', "images[0].sizeBytes"),
        (PAGE, '{"next_page_token":"a","images":[],"nextPageToken":"b"}', "nextPageToken"),
        ("Names", '{"other":1,"renamed":1}', "other"),
        ("Tree", '{"by_name":{},"byName":{}}', "byName"),
    ],
)
def test_map_11_one_field_by_both_of_its_names_is_refused(implementation: str, name: str, text: str, path: str) -> None:
    error = refused(implementation, name, text)
    assert (error.kind, error.path) == ("value", path)


def test_map_11_keys_of_structs_and_maps_are_no_names(implementation: str) -> None:
    text = '{"sizeBytes":1.0,"size_bytes":2.0}'
    assert len(parsed(implementation, "google.protobuf.Struct", text).fields) == 2
    assert len(parsed(implementation, "MapKeys", '{"byString":{"twoWords":1,"two_words":2}}').by_string) == 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"kInt32":1,"kInt64":"2"}', "kInt64"),
        ('{"kString":"","kBytes":""}', "kBytes"),
        ('{"kSelf":{"kBool":true,"kEmpty":{}}}', "kSelf.kEmpty"),
        ('{"left":"a","right":"YQ=="}', "right"),
        ('{"kEnum":"RED","kEnum":"RED"}', "kEnum"),
    ],
)
def test_map_12_two_members_of_a_oneof_are_refused(implementation: str, text: str, path: str) -> None:
    error = refused(implementation, "Oneofs", text)
    assert (error.kind, error.path) == ("value", path)


def test_map_12_an_unknown_name_is_a_member_too(implementation: str) -> None:
    assert refused(implementation, "Oneofs", '{"kInt32":1,"kEnum":"BLUE"}').kind == "value"
    assert refused(implementation, "Oneofs", '{"kEnum":"BLUE","kInt32":1}').kind == "value"
    message = parsed(implementation, "Oneofs", '{"kEnum":"BLUE","kInt32":null,"left":"a"}')
    assert message.WhichOneof("kind") is None


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ('{"kInt32":1,"kInt64":null}', "k_int32"),
        ('{"kInt64":null,"kInt32":1}', "k_int32"),
        ('{"kStruct":null,"kWrapper":null}', None),
        ('{"kNull":null}', "k_null"),
        ('{"kNull":"NULL_VALUE"}', "k_null"),
        ('{"kValue":null}', "k_value"),
        ('{"kWrapper":0}', "k_wrapper"),
        ('{"kEmpty":{}}', "k_empty"),
    ],
)
def test_map_12_null_is_a_member_only_where_it_is_a_value(implementation: str, text: str, member: str | None) -> None:
    message = parsed(implementation, "Oneofs", text)
    assert message.WhichOneof("kind") == member
    if text.endswith("null}") and member is not None and "," not in text:
        assert printed(implementation, "Oneofs", message) == text


NOVEL = ["1", '"a"', "null", "true", "[]", "{}", '[1,{"a":[[]]}]', '{"a":{"b":[1,2,"\\u00e9"]}}', "1e999", "-0.5E+7"]


@pytest.mark.parametrize("value", NOVEL)
def test_map_13_unknown_fields_are_skipped_and_counted(implementation: str, value: str) -> None:
    mapper = new_mapper(implementation, PAGE)
    text = f'{{"novel":{value},"images":[{{"name":"a","n":{value},"bands":[{{"id":"b","":{value}}}]}}],"z":{value}}}'
    page = parsed(implementation, PAGE, text)
    assert (page.images[0].name, page.images[0].bands[0].id) == ("a", "b")
    assert mapper.to_wire(text.encode()) == page.SerializeToString()
    assert (mapper.skipped_fields, mapper.skipped_enum_names) == (4, 0)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b'"\xff"', "utf8"),
        (b'"\xed\xa0\x80"', "utf8"),
        (b'"\x01"', "json"),
        (b'"\\x"', "json"),
        (b'"\\u12"', "json"),
        (b"01", "json"),
        (b"1.", "json"),
        (b".5", "json"),
        (b"+1", "json"),
        (b"tru", "json"),
        (b"NaN", "json"),
        (b"[1,]", "json"),
        (b"[1 2]", "json"),
        (b"{a:1}", "json"),
        (b'{"a" 1}', "json"),
        (b"[}", "json"),
    ],
    ids=lambda value: value.decode("latin-1") if isinstance(value, bytes) else value,
)
def test_map_13_unknown_fields_must_be_json_nevertheless(implementation: str, value: bytes, kind: str) -> None:
    for text in (b'{"novel":%s}', b'{"images":[{"novel":[{"a":%s}]}]}'):
        assert refused(implementation, PAGE, text % value).kind == kind


def test_map_13_a_strict_mapper_names_the_unknown_field(implementation: str) -> None:
    for text, path in {
        '{"pageSiz":3}': "pageSiz",
        '{"images":[{},{"page-size":3}]}': 'images[1]["page-size"]',
        '{"images":[{"bands":[{"dataType":{"novel":null}}]}]}': "images[0].bands[0].dataType.novel",
        '{"Images":[]}': "Images",
    }.items():
        error = refused(implementation, PAGE, text, ignore_unknown_fields=False)
        assert (error.kind, error.path) == ("unknown", path)


def test_map_13_unknown_wire_fields_are_left_out(implementation: str) -> None:
    unknown = tag(200, 0) + b"\x05" + tag(201, 1) + bytes(8) + delimited(202, b"x") + tag(203, 5) + bytes(4)
    group = tag(204, 3) + unknown + tag(204, 4)
    wire = unknown + delimited(14, b"text") + group
    assert printed(implementation, "Scalars", wire) == '{"fString":"text"}'
    nested = delimited(2, unknown + group)
    assert printed(implementation, "Tree", nested) == '{"left":{}}'


def test_map_14_unknown_enum_names_leave_the_default_and_are_counted(
    implementation: str, caplog: pytest.LogCaptureFixture
) -> None:
    mapper = new_mapper(implementation, "Repeated")
    text = b'{"rColour":["RED","BLUE","GREEN","BLUE","MAUVE"]}'
    with caplog.at_level(logging.WARNING, "eegrpc.mapper"):
        for _ in range(2):
            assert mapper.to_json(mapper.to_wire(text)) == b'{"rColour":["RED","GREEN"]}'
    assert (mapper.skipped_fields, mapper.skipped_enum_names) == (0, 6)
    logged = [record.getMessage() for record in caplog.records]
    assert ["BLUE" in logged[0], "MAUVE" in logged[1], len(logged)] == [True, True, 2]

    mapper = new_mapper(implementation, "Scalars")
    assert mapper.to_wire(b'{"fEnum":"BLUE"}') == b""
    assert mapper.to_wire('{"fEnum":"Красный"}'.encode()) == b""
    assert mapper.to_wire(b'{"fEnum":""}') == b""
    assert mapper.skipped_enum_names == 3

    mapper = new_mapper(implementation, "MapValues")
    assert mapper.to_json(mapper.to_wire(b'{"ofColour":{"a":"BLUE","b":"RED"}}')) == b'{"ofColour":{"b":"RED"}}'
    assert mapper.skipped_enum_names == 1


@pytest.mark.parametrize("text", ['{"fEnum":"BLUE"}', '{"fEnum":"red"}', '{"fEnum":"RED "}', '{"fEnum":""}'])
def test_map_14_a_strict_mapper_refuses_unknown_enum_names(implementation: str, text: str) -> None:
    for options in ({"ignore_unknown_fields": False}, {"ignore_unknown_enum_names": False}):
        error = refused(implementation, "Scalars", text, **options)
        assert (error.kind, error.path) == ("value", "fEnum")


def test_map_14_fields_and_names_are_two_questions(implementation: str) -> None:
    only_names = {"ignore_unknown_fields": False, "ignore_unknown_enum_names": True}
    only_fields = {"ignore_unknown_fields": True, "ignore_unknown_enum_names": False}
    assert parsed(implementation, "Scalars", '{"fEnum":"BLUE","fInt32":1}', **only_names).f_int32 == 1
    assert parsed(implementation, "Scalars", '{"novel":"BLUE","fInt32":1}', **only_fields).f_int32 == 1
    assert refused(implementation, "Scalars", '{"fEnum":"BLUE","novel":1}', **only_names).path == "novel"
    assert refused(implementation, "Scalars", '{"novel":1,"fEnum":"BLUE"}', **only_fields).path == "fEnum"


def test_map_14_unknown_numbers_are_kept(implementation: str) -> None:
    for text in ('{"fEnum":77}', '{"fEnum":-77}', '{"fEnum":2147483646}'):
        assert printed(implementation, "Scalars", parsed(implementation, "Scalars", text)) == text
        wire = tag(16, 0) + varint(int(text[9:-1]) % 2**64)
        assert printed(implementation, "Scalars", wire) == text
    assert list(parsed(implementation, "Repeated", '{"rColour":[77,"RED",-7]}').r_Colour) == [77, 1, -7]


def test_map_14_enum_numbers_must_be_integers_of_32_bits(implementation: str) -> None:
    for value, kind in {"2147483648": "range", "-2147483649": "range", "1.5": "integer", "[]": "value"}.items():
        error = refused(implementation, "Scalars", f'{{"fEnum":{value}}}')
        assert (error.kind, error.path) == (kind, "fEnum")


def test_map_14_a_closed_enum_has_no_other_numbers(implementation: str) -> None:
    for name, text, path in (
        ("mapper.proto2.Scalars", '{"fEnum":99}', "fEnum"),
        ("mapper.proto2.Repeated", '{"rClosed":["FIRST","NOVEL",99]}', "rClosed[2]"),
        ("mapper.proto2.Maps", '{"closedByInt32":{"1":99}}', 'closedByInt32["1"]'),
    ):
        error = refused(implementation, name, text)
        assert (error.kind, error.path) == ("value", path)
    # The parser puts what it does not know aside, as a field that it does not know.
    assert printed(implementation, "mapper.proto2.Scalars", tag(16, 0) + varint(99)) == "{}"


@pytest.mark.parametrize("name", ["fInt32", "fString", "fBool", "fDouble", "fBytes", "fEnum"])
def test_map_15_null_leaves_a_scalar_unset(implementation: str, name: str) -> None:
    assert parsed(implementation, "Scalars", f'{{"{name}":null}}').ByteSize() == 0


@pytest.mark.parametrize("name", ["int32", "string", "Colour", "Scalars"])
def test_map_15_null_leaves_presence_unset(implementation: str, name: str) -> None:
    assert not parsed(implementation, "Optional", f'{{"o_{name}":null}}').HasField(f"o_{name}")


def test_map_15_null_leaves_messages_lists_and_maps_unset(implementation: str) -> None:
    known = ("Timestamp", "Duration", "Fieldmask", "Any", "Empty", "Struct", "Listvalue", "Int32value", "Stringvalue")
    members = ",".join(f'"s{name}":null,"r{name}":null' for name in known)
    assert parsed(implementation, "WellKnown", f"{{{members}}}").ByteSize() == 0
    assert parsed(implementation, "Tree", '{"left":null,"children":null,"byName":null}').ByteSize() == 0


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("Repeated", '{"rInt32":[1,null]}', "rInt32[1]"),
        ("Repeated", '{"rString":[null]}', "rString[0]"),
        ("Repeated", '{"rColour":[null]}', "rColour[0]"),
        ("Tree", '{"children":[{},null]}', "children[1]"),
        ("WellKnown", '{"rTimestamp":[null]}', "rTimestamp[0]"),
        ("WellKnown", '{"rStruct":[null]}', "rStruct[0]"),
        ("WellKnown", '{"rInt32value":[null]}', "rInt32value[0]"),
        ("MapKeys", '{"byString":{"a":null}}', "byString.a"),
        ("MapValues", '{"ofTree":{"a":null}}', "ofTree.a"),
        ("MapValues", '{"ofTimestamp":{"a":null}}', "ofTimestamp.a"),
        ("MapValues", '{"ofColour":{"a":null}}', "ofColour.a"),
    ],
)
def test_map_15_null_in_a_list_or_map_is_refused(implementation: str, name: str, text: str, path: str) -> None:
    error = refused(implementation, name, text)
    assert (error.kind, error.path) == ("value", path)


def test_map_15_null_is_a_value_of_value(implementation: str) -> None:
    for name, text in (
        ("google.protobuf.Value", "null"),
        ("google.protobuf.ListValue", "[null,[null]]"),
        ("google.protobuf.Struct", '{"a":null}'),
        ("WellKnown", '{"sValue":null}'),
        ("WellKnown", '{"rValue":[null,1.0,null]}'),
        ("MapValues", '{"ofValue":{"a":null}}'),
        ("Oneofs", '{"kNull":null}'),
    ):
        message = parsed(implementation, name, text)
        assert message.ByteSize() > 0
        assert printed(implementation, name, message) == text


MAP_KEYS = {
    "int32": ["-2147483648", "2147483647"],
    "int64": ["-9223372036854775808", "9223372036854775807"],
    "uint32": ["0", "4294967295"],
    "uint64": ["0", "18446744073709551615"],
    "sint32": ["-1"],
    "sint64": ["-9223372036854775808"],
    "fixed32": ["4294967295"],
    "fixed64": ["18446744073709551615"],
    "sfixed32": ["-2147483648"],
    "sfixed64": ["9223372036854775807"],
    "bool": ["true", "false"],
    "string": ["", "a", "é", "\U0001f600", "a.b", "01"],
}


@pytest.mark.parametrize("kind", MAP_KEYS)
def test_map_16_map_keys_come_back(implementation: str, kind: str) -> None:
    for key in MAP_KEYS[kind]:
        text = f'{{"by{kind.capitalize()}":{{"{key}":7}}}}'
        message = parsed(implementation, "MapKeys", text)
        assert list(getattr(message, f"by_{kind}").values()) == [7]
        assert printed(implementation, "MapKeys", message) == text


@pytest.mark.parametrize(
    ("field", "key", "kind"),
    [
        ("byBool", "True", "value"),
        ("byBool", "1", "value"),
        ("byBool", "", "value"),
        ("byInt32", "a", "integer"),
        ("byInt32", "", "integer"),
        ("byInt32", "1.5", "integer"),
        ("byInt32", " 1", "integer"),
        ("byInt32", "true", "integer"),
        ("byInt32", "2147483648", "range"),
        ("byUint64", "-1", "range"),
        ("byInt64", "9223372036854775808", "range"),
        ("messageByInt32", "a", "integer"),
        ("messageByBool", "a", "value"),
    ],
)
def test_map_16_other_map_keys_are_refused(implementation: str, field: str, key: str, kind: str) -> None:
    value = "{}" if field.startswith("message") else "1"
    error = refused(implementation, "MapKeys", f'{{"{field}":{{"{key}":{value}}}}}')
    assert error.kind == kind
    assert error.path in (f"{field}.{key}", f'{field}["{key}"]')


def test_map_16_keys_are_checked_where_the_value_is_skipped(implementation: str) -> None:
    for text, path in {
        '{"closedByBool":{"":"NOVEL"}}': 'closedByBool[""]',
        '{"closedByInt32":{"a":"NOVEL"}}': "closedByInt32.a",
        '{"closedByUint32":{"-1":"NOVEL"}}': 'closedByUint32["-1"]',
    }.items():
        assert refused(implementation, "mapper.proto2.Maps", text).path == path
    assert parsed(implementation, "mapper.proto2.Maps", '{"closedByInt32":{"-5":"NOVEL"}}').ByteSize() == 0


def test_map_16_map_keys_are_read_as_integers_are(implementation: str) -> None:
    for key in ("01", "+1", "1_0"):  # what Python's int() reads: number 2 of the list of differences
        text = f'{{"byInt32":{{"{key}":1}}}}'
        if implementation == "python":
            assert list(parsed(implementation, "MapKeys", text).by_int32) == [int(key)]
        else:
            assert refused(implementation, "MapKeys", text).kind == "integer"


def test_objects_are_no_lists_and_lists_no_objects(implementation: str) -> None:
    for name, text, path in (
        ("Tree", '{"left":[]}', "left"),
        ("Tree", '{"left":""}', "left"),
        ("Tree", '{"children":{}}', "children"),
        ("Tree", '{"children":[{},[]]}', "children[1]"),
        ("Tree", '{"byName":[]}', "byName"),
        ("Tree", '{"byName":{"a":[]}}', "byName.a"),
        ("Repeated", '{"rInt32":{}}', "rInt32"),
        ("Repeated", '{"rInt32":1}', "rInt32"),
        ("Repeated", '{"rInt32":[[1]]}', "rInt32[0]"),
        ("WellKnown", '{"sEmpty":[]}', "sEmpty"),
        ("WellKnown", '{"sStruct":[]}', "sStruct"),
        ("WellKnown", '{"sListvalue":{}}', "sListvalue"),
        ("WellKnown", '{"sAny":[]}', "sAny"),
        ("Scalars", '{"fString":["a"]}', "fString"),
    ):
        error = refused(implementation, name, text)
        assert (error.kind, error.path) == ("value", path)


def test_a_mapper_takes_both_names_and_prints_the_one_it_is_told(implementation: str) -> None:
    text = '{"next_page_token":"t","images":[{"size_bytes":"5"}]}'
    page = parsed(implementation, PAGE, text)
    assert printed(implementation, PAGE, page) == '{"images":[{"sizeBytes":"5"}],"nextPageToken":"t"}'
    proto = printed(implementation, PAGE, page, preserving_proto_field_name=True)
    assert proto == '{"images":[{"size_bytes":"5"}],"next_page_token":"t"}'
    assert (
        MessageMapper(page.DESCRIPTOR, implementation=implementation).to_wire(as_bytes(proto))
        == page.SerializeToString()
    )  # type: ignore[arg-type]
