"""What every mapper does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from google.protobuf import struct_pb2, timestamp_pb2

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset

if TYPE_CHECKING:
    from eegrpc.mapper._switch import Implementation


@pytest.fixture
def response(implementation: Implementation) -> MessageMapper:
    return MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)


def images(mapper: MessageMapper, text: str) -> ComputeImagesResponse:
    return ComputeImagesResponse.FromString(mapper.to_wire(text.encode()))


def test_json_is_compact_and_uses_json_names(response: MessageMapper) -> None:
    asset = EarthEngineAsset(name="projects/p/assets/é", type=EarthEngineAsset.IMAGE, size_bytes=2**53 + 1)
    asset.update_time.FromJsonString("2023-01-01T00:00:00.5Z")
    asset.properties["a"] = 1
    wire = ComputeImagesResponse(images=[asset], next_page_token="t").SerializeToString()
    text = response.to_json(wire)
    assert (
        text
        == (
            '{"images":[{"type":"IMAGE","name":"projects/p/assets/é","updateTime":"2023-01-01T00:00:00.500Z",'
            '"properties":{"a":1.0},"sizeBytes":"9007199254740993"}],"nextPageToken":"t"}'
        ).encode()
    )
    assert ComputeImagesResponse.FromString(response.to_wire(text)) == ComputeImagesResponse.FromString(wire)


def test_unknown_fields_are_skipped_and_unknown_enum_names_do_not_fail_the_page(response: MessageMapper) -> None:
    page = images(response, '{"images":[{"name":"a","type":"HOLOGRAM","novel":{"x":[1,{}]}},{"name":"b"}],"more":null}')
    assert [image.name for image in page.images] == ["a", "b"]
    assert page.images[0].type == EarthEngineAsset.TYPE_UNSPECIFIED


def test_a_strict_mapper_refuses_unknown_fields(implementation: Implementation) -> None:
    strict = MessageMapper(ComputeImagesRequest.DESCRIPTOR, ignore_unknown_fields=False, implementation=implementation)
    with pytest.raises(MapperError, match="pageSiz"):
        strict.to_wire(b'{"pageSiz": 3}')


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", "eof"),
        (b'{"images":[{"name":"a"}', "eof"),
        (b'{"images":"a', "eof"),
        (b'{"images":[]} {}', "json"),
        (b"{'images':[]}", "json"),
        (b"[]", "json"),
        (b"3", "json"),
        (b'"a"', "json"),
        (b"null", "json"),
        (b"<html></html>", "json"),
        (b'\xff{"images":[]}', "utf8"),
        (b'{"images":[{"sizeBytes":"many"}]}', "integer"),
        (b'{"images":[{"name":"\\ud800"}]}', "value"),
        (b'{"images":[{"name":"a","name":"b"}]}', "value"),
        (b"[" * 100_000, "json"),
        (b'{"images":[{"properties":' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}]}", "depth"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "depth"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_what_is_not_the_message_is_refused_by_kind(response: MessageMapper, text: bytes, kind: str) -> None:
    with pytest.raises(MapperError) as caught:
        response.to_wire(text)
    assert caught.value.kind == kind
    assert len(str(caught.value)) < 512


@pytest.mark.parametrize(
    ("wire", "kind"),
    [(b"\x0a\x05ab", "wire"), (b"\x07", "wire")],
)
def test_what_is_not_an_encoding_is_refused(response: MessageMapper, wire: bytes, kind: str) -> None:
    with pytest.raises(MapperError) as caught:
        response.to_json(wire)
    assert caught.value.kind == kind


def test_what_json_cannot_hold_is_refused(implementation: Implementation) -> None:
    value = struct_pb2.Value(number_value=float("nan"))
    with pytest.raises(MapperError, match="JSON"):
        MessageMapper(value.DESCRIPTOR, implementation=implementation).to_json(value.SerializeToString())


def test_well_known_types_are_mapped_at_the_top(implementation: Implementation) -> None:
    mapper_ = MessageMapper(timestamp_pb2.Timestamp.DESCRIPTOR, implementation=implementation)
    assert mapper_.to_json(mapper_.to_wire(b'"2023-01-01T00:00:00Z"')) == b'"2023-01-01T00:00:00Z"'


@pytest.mark.parametrize("data", [bytearray(b"{}"), memoryview(b"{}"), "{}", None])
def test_only_bytes_enter(response: MessageMapper, data: object) -> None:
    for call in (response.to_wire, response.to_json):
        with pytest.raises(TypeError, match="bytes"):
            call(data)  # type: ignore[arg-type]


def test_large_pages_pass_whole(response: MessageMapper) -> None:
    page = {"images": [{"name": f"n{i}", "properties": {"i": i}} for i in range(5000)]}
    assert [image.properties["i"] for image in images(response, json.dumps(page)).images] == list(range(5000))
