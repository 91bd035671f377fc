"""HTTP rules against descriptors: what is refused at once, and how a message splits on its wire bytes."""

from __future__ import annotations

import re

import pytest
from google.api import http_pb2
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from hypothesis import given
from hypothesis import strategies as st
from probe_service import SERVICE, Inner, Item, service_with

from eegrpc import v1alpha
from eegrpc.mapper import MapperError
from eegrpc.transcoding import wire
from eegrpc.transcoding.binding import methods_of
from eegrpc.transcoding.template import TemplateError

METHODS = {method.full_name.rpartition(".")[2]: method for method in methods_of(SERVICE)}


def binding(name, index=0):
    return METHODS[name].bindings[index]


def test_methods_of_real_services():
    (compute,) = methods_of(v1alpha.ComputeImagesRequest.DESCRIPTOR.file.services_by_name["EarthEngine"])
    assert compute.path == "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
    assert compute.full_name == "google.earthengine.v1alpha.EarthEngine.ComputeImages"
    assert compute.input is v1alpha.ComputeImagesRequest.DESCRIPTOR
    assert compute.output is v1alpha.ComputeImagesResponse.DESCRIPTOR
    assert compute.replayable  # NO_SIDE_EFFECTS
    (rule,) = compute.bindings
    assert (rule.http_method, rule.body, rule.response_body) == ("POST", "*", None)

    operations = methods_of(operations_pb2.DESCRIPTOR.services_by_name["Operations"])
    summary = {m.path.rpartition("/")[2]: (m.replayable, [b.http_method for b in m.bindings]) for m in operations}
    assert summary == {
        "ListOperations": (True, ["GET"]),
        "GetOperation": (True, ["GET"]),
        "DeleteOperation": (True, ["DELETE"]),
        "CancelOperation": (False, ["POST"]),
        "WaitOperation": (False, []),
    }
    locations = methods_of(locations_pb2.DESCRIPTOR.services_by_name["Locations"])
    assert [len(method.bindings) for method in locations] == [2, 2]


def test_methods_of_the_probe():
    assert METHODS["Stream"].server_streaming
    assert not METHODS["Get"].server_streaming
    assert binding("Custom").http_method == "HEAD"
    assert METHODS["Custom"].replayable
    assert binding("Anything").http_method == "*"
    assert not METHODS["Anything"].replayable
    assert METHODS["Wrong"].replayable  # IDEMPOTENT
    assert METHODS["BodyMap"].replayable  # PUT
    assert METHODS["Plain"].bindings == ()
    assert [b.template.text for b in METHODS["Two"].bindings] == ["/v1/{name=a/*}", "/v1/{name=b/*}/c", "/v1/two"]
    assert "Nested" in repr(METHODS["Nested"])


def test_rules_take_precedence_and_the_last_one_wins():
    rules = [
        http_pb2.HttpRule(selector="probe.Probe.Get", get="/v2/{name=first/*}"),
        http_pb2.HttpRule(selector="probe.Probe.Get", post="/v2/{name=items/*}:get", body="*"),
        http_pb2.HttpRule(selector="probe.Probe.Plain", get="/v2/plain"),
        http_pb2.HttpRule(selector="other.Probe.Two", get="/v2/two"),
    ]
    methods = {method.path.rpartition("/")[2]: method for method in methods_of(SERVICE, rules)}
    assert [(b.http_method, b.template.text) for b in methods["Get"].bindings] == [("POST", "/v2/{name=items/*}:get")]
    assert methods["Plain"].bindings[0].template.text == "/v2/plain"
    assert len(methods["Two"].bindings) == 3


@pytest.mark.parametrize(
    ("rule", "column", "problem"),
    [
        pytest.param('get: "/v1/{name={x}}"', 11, "another variable", id="TPL-08-nested-variable"),
        pytest.param('get: "/v1/{name=**}/x"', 15, "must be the last", id="TPL-08-many-not-last"),
        pytest.param('get: "/v1/{numbers}"', 6, "numbers is repeated", id="TPL-08-repeated"),
        pytest.param('get: "/v1/{labels}"', 6, "repeated or a map", id="TPL-08-map"),
        pytest.param('get: "/v1/{inners.name}"', 6, "inners is repeated", id="TPL-08-through-repeated"),
        pytest.param('get: "/v1/{inner}"', 6, "inner is a message", id="TPL-08-message"),
        pytest.param('get: "/v1/{at}"', 6, "at is a message", id="TPL-08-timestamp"),
        pytest.param('get: "/v1/{nothing}"', 6, "has no field nothing", id="TPL-08-unknown"),
        pytest.param('get: "/v1/{inner.nothing}"', 12, "probe.Inner has no field nothing", id="TPL-08-unknown-nested"),
        pytest.param('get: "/v1/{name.x}"', 11, "name is not a message", id="TPL-08-below-scalar"),
        pytest.param('get: "/v1/{someName}"', 6, "has no field someName", id="TPL-08-json-name"),
        pytest.param('post: "/v1/x" body: "inner.name"', 6, "must be a top-level field", id="TPL-08-dotted-body"),
        pytest.param('post: "/v1/x" body: "nothing"', 1, "is not a field", id="TPL-08-unknown-body"),
        pytest.param('post: "/v1/x/{name}" body: "name"', 7, "name is the body as well", id="TPL-08-body-in-path"),
        pytest.param('get: "/v1/x" response_body: "nothing"', 1, "is not a field", id="TPL-08-unknown-response-body"),
        pytest.param('get: "/v1/x" response_body: "inner.name"', 6, "top-level", id="TPL-08-dotted-response-body"),
        pytest.param('body: "*"', 1, "has no pattern", id="TPL-08-no-pattern"),
        pytest.param('custom { kind: "A B" path: "/x" }', 1, "not an HTTP method", id="TPL-08-method"),
        pytest.param('custom { kind: "" path: "/x" }', 1, "not an HTTP method", id="TPL-08-no-method"),
        pytest.param('get: "/ok" additional_bindings { get: "x" }', 1, "begins with '/'", id="TPL-08-additional"),
        pytest.param(
            'get: "/ok" additional_bindings { get: "/x" additional_bindings { get: "/y" } }',
            1,
            "nested",
            id="TPL-08-nesting",
        ),
    ],
)
def test_tpl_08_wrong_rules_are_refused_when_they_are_read(rule, column, problem):
    with pytest.raises(TemplateError, match=re.escape(problem)) as caught:
        methods_of(service_with(rule))
    assert isinstance(caught.value, ValueError)
    assert caught.value.column == column
    assert "probe.Probe.M: " in str(caught.value)


def test_custom_verbs_are_right():
    (method,) = methods_of(service_with('custom { kind: "query" path: "/v1/{name}:find" } body: "*"'))
    assert method.bindings[0].http_method == "QUERY"


def message(**fields):
    return Item(**fields).SerializeToString()


def test_split_with_a_whole_body():
    split = binding("Nested").split(
        message(name="n", inner=Inner(name="items/1", count=9, child=Inner(count=7, name="c")), numbers=[1, 2])
    )
    assert split.path == {"inner.name": "items/1", "inner.child.count": "7"}
    assert Item.FromString(split.body) == Item(name="n", inner=Inner(count=9, child=Inner(name="c")), numbers=[1, 2])
    assert split.query == b""


def test_split_with_a_body_field():
    split = binding("BodyMessage").split(message(big=5, inner=Inner(name="items/1", count=9), flag=True))
    assert split.path == {"inner.name": "items/1"}
    assert Item.FromString(split.body) == Item(inner=Inner(count=9))
    assert Item.FromString(split.query) == Item(big=5, flag=True)


def test_split_without_a_body():
    split = binding("Get").split(message(name="items/1", big=5))
    assert (split.path, split.body) == ({"name": "items/1"}, b"")
    assert Item.FromString(split.query) == Item(big=5)


def test_concatenated_encodings_merge_and_the_last_scalar_wins():
    first = message(name="a", inner=Inner(name="old", count=1, child=Inner(count=1)))
    second = message(name="b", inner=Inner(name="items/2", tags=["t"], child=Inner(name="c")))
    split = binding("Nested").split(first + second)
    assert split.path == {"inner.name": "items/2", "inner.child.count": "1"}
    assert Item.FromString(split.body) == Item(name="b", inner=Inner(count=1, tags=["t"], child=Inner(name="c")))


def test_a_submessage_that_is_all_path_leaves_nothing_behind():
    assert binding("BodyMessage").split(message(inner=Inner(name="items/1"))).body == b""
    # ... but an empty one that was set stays set.
    assert Item.FromString(binding("BodyMessage").split(message(inner=Inner())).body).HasField("inner")


def test_path_values_of_every_scalar_type():
    item = message(big=-5, flag=True, color=1, blob=b"\xfb\xff", ratio=0.1, opt=0, zigzag=-3, fixed=7)
    split = binding("Typed").split(item)
    expected = {"big": "-5", "flag": "true", "color": "RED", "blob": "-_8=", "ratio": "0.1"}
    expected |= {"opt": "0", "zigzag": "-3", "fixed": "7"}
    assert split.path == expected
    assert Item.FromString(binding("Typed").path_wire(split.path)) == Item.FromString(item)


def test_what_unset_path_fields_are():
    path = binding("Typed").split(b"").path
    # Without presence the default is the value. `opt` has presence, so it is not there, and no template takes that.
    assert path == {
        "big": "0",
        "flag": "false",
        "color": "COLOR_UNSPECIFIED",
        "blob": "",
        "ratio": "0.0",
        "zigzag": "0",
        "fixed": "0",
    }


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ({"big": "x"}, "Invalid value at 'big' (TYPE_INT64), \"x\""),
        ({"big": str(2**63)}, "TYPE_INT64"),
        ({"flag": "yes"}, "TYPE_BOOL"),
        ({"color": "BLUE"}, "type.googleapis.com/probe.Color"),
        ({"blob": "*"}, "TYPE_BYTES"),
        ({"ratio": "1e400"}, "TYPE_DOUBLE"),
        ({"opt": "9" * 1000}, "TYPE_INT32"),
    ],
)
def test_texts_that_are_no_values(path, problem):
    with pytest.raises(MapperError, match=re.escape(problem)) as caught:
        binding("Typed").path_wire(path)
    assert len(str(caught.value)) < 200


def test_tpl_11_conflict():
    path = {"inner.name": "items/1", "inner.child.count": "0"}
    rule = binding("Nested")
    for agreeing in ({}, {"big": 3}, {"inner": Inner(name="items/1", child=Inner(name="c"))}):
        assert rule.conflict(message(**agreeing), path) is None
    assert rule.conflict(message(inner=Inner(name="items/2")), path) == "inner.name"
    assert rule.conflict(message(inner=Inner(child=Inner(count=1))), path) == "inner.child.count"
    assert binding("Post").conflict(message(name="x"), {}) is None


def test_a_default_in_the_path_does_not_set_the_messages_around_it():
    path = {"inner.name": "items/1", "inner.child.count": "0"}
    assert Item.FromString(binding("Nested").path_wire(path)) == Item(inner=Inner(name="items/1"))
    assert Item.FromString(binding("Typed").path_wire({"opt": "0"})) == Item(opt=0)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"\x0a",
            b"\x0a\x05abc",
            b"\x00\x01",
            b"\x0f",
            b"\x0e\x00",
            b"\x08" + b"\xff" * 11,
            b"\x0a" + b"\xff" * 9 + b"\x7f",
        ),
        *(
            b"\x80",
            b"\x0c",
            b"\x0b",
            b"\x0b\x0b\x0c",
            b"\x09\x00",
            b"\x0d\x00",
            b"\xff\xff\xff\xff\xff\x01\x00",
            b"\x0a\x01\xff",
        ),
    ],
    ids=bytes.hex,
)
def test_bytes_that_are_no_message(data):
    with pytest.raises(MapperError):
        binding("Get").split(data)


def test_groups_are_skipped():
    # Field 100 as a group that holds a nested group, and fields of every wire type.
    group = (
        b"\xa3\x06" + b"\x08\x01" + b"\x0b\x0c" + b"\x12\x01a" + b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\xa4\x06"
    )
    split = binding("Get").split(group + message(name="items/1") + group)
    assert split.path == {"name": "items/1"}
    assert split.query == group + group


_INNERS = st.recursive(
    st.builds(
        Inner,
        name=st.text(max_size=3),
        count=st.integers(-9, 9),
        tags=st.lists(st.text(max_size=2), max_size=2),
    ),
    lambda below: st.builds(lambda child, name: Inner(child=child, name=name), below, st.text(max_size=3)),
    max_leaves=3,
)


@given(st.text(max_size=3), _INNERS, st.lists(st.integers(0, 9), max_size=3))
def test_the_parts_concatenated_are_the_message(name, inner, numbers):
    item = Item(name=name, inner=inner, numbers=numbers)
    tree = wire.union([{2: {1: None}}, {2: {3: {2: None}}}, {9: None}])
    inside, rest = wire.split(item.SerializeToString(), tree)
    assert Item.FromString(inside + rest) == item
    assert Item.FromString(rest + inside) == item
    assert not Item.FromString(rest).inner.name
    assert not Item.FromString(rest).numbers


def test_varint():
    assert [wire.varint(n) for n in (0, 127, 128, 2**64 - 1)] == [b"\0", b"\x7f", b"\x80\x01", b"\xff" * 9 + b"\x01"]
    assert wire.payloads(message(inner=Inner(count=1)) * 2, 2) == b"\x10\x01" * 2
    assert wire.payloads(b"", 2) is None
