"""A large message comes in pieces of whole fields: together they are the encoding, merged they are the message."""

from __future__ import annotations

import random
from typing import Any

import pytest
import schemas
from google.protobuf import struct_pb2
from google.rpc import status_pb2
from messages import Generator
from mutations import Writer
from test_repeats import LISTS, mappers, repeated

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import ComputeImagesResponse

LARGE = {"native": 3_000_000, "python": 20_000}  # bytes of JSON: the native mapper gives out 1 MiB at once
LEAST = 1 << 17  # bytes of a piece, but for the last


class Pieces:
    """Takes pieces, and counts how often it had to begin anew."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.restarts = 0

    @property
    def has_taken(self) -> bool:
        return bool(self.taken)

    def take(self, piece: bytes) -> None:
        self.taken.append(piece)

    def restart(self) -> None:
        self.taken.clear()
        self.restarts += 1


def pieces_of(mapper: MessageMapper, text: bytes) -> list[bytes]:
    taker = Pieces()
    rest, _ = mapper.to_wire_and_skipped(text, taker)
    return [*taker.taken, rest] if rest else taker.taken


@pytest.mark.parametrize("name", schemas.ROOTS)
def test_together_they_are_what_comes_at_once(implementation: str, name: str) -> None:
    choices = random.Random(name)
    alone, together = mappers(name, implementation)
    generator, writer = Generator(choices), Writer(choices, mild=True)
    texts = []
    while len(texts) < 20:
        text = writer.write(generator.message(name)).strip()
        try:
            alone.to_wire(text)
        except MapperError:  # a few spellings are refused
            continue
        if text not in (b"", b"null"):
            texts.append(text)
    text = b'{"items":[' + b",".join(repeated(choices, texts, LARGE[implementation])) + b"]}"
    wire = together.to_wire(text)
    pieces = pieces_of(together, text)
    assert b"".join(pieces) == wire
    assert all(pieces)
    assert all(len(piece) >= LEAST for piece in pieces[:-1])
    merged = schemas.message_class(f"{LISTS.package}.List{schemas.ROOTS.index(name)}")()
    for piece in pieces:
        merged.MergeFromString(piece)  # each is an encoding by itself
    assert merged.SerializeToString(deterministic=True) == type(merged).FromString(wire).SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("sizes", [(10,), (1 << 20,), (300_000, 5, 127, 128, 40_000, 0), (100,) * 9000])
def test_fields_of_all_sizes(implementation: str, sizes: tuple[int, ...]) -> None:
    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    images = b",".join(b'{"name":"%s","properties":{"a":[%d]}}' % (b"n" * size, size) for size in sizes)
    text = b'{"images":[' + images + b'],"nextPageToken":"t"}'
    pieces = pieces_of(mapper, text)
    assert b"".join(pieces) == mapper.to_wire(text)
    response = ComputeImagesResponse()
    for piece in pieces:
        response.MergeFromString(piece)
    assert [len(image.name) for image in response.images] == list(sizes)
    assert response.next_page_token == "t"


def test_a_map_comes_in_pieces(implementation: str) -> None:
    values = schemas.message_class("mapper.proto3.MapValues")
    mapper = MessageMapper(values.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    entries = b",".join(b'"%d":"%s"' % (number, b"v" * 1000) for number in range(3000))
    pieces = pieces_of(mapper, b'{"ofString":{%s}}' % entries)
    assert len(pieces) > 10 or implementation == "python"
    merged: Any = values()
    for piece in pieces:
        merged.MergeFromString(piece)
    assert len(merged.of_string) == 3000


def test_what_is_inside_a_field_comes_at_once(implementation: str) -> None:
    """How long a field is has to be known before it is given away."""
    mapper = MessageMapper(struct_pb2.Value.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    assert len(pieces_of(mapper, b"[%s]" % b",".join([b'"a text"'] * (LARGE[implementation] // 9)))) == 1


def test_when_a_type_has_to_be_learnt_the_message_comes_anew(implementation: str) -> None:
    mapper = MessageMapper(status_pb2.Status.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    first = b'{"@type":"type.googleapis.com/google.rpc.DebugInfo","detail":"%s"}' % (b"n" * 1000)
    last = b'{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}'
    text = b'{"details":[%s,%s]}' % (b",".join([first] * (LARGE[implementation] // 1000)), last)
    taker = Pieces()
    rest, _ = mapper.to_wire_and_skipped(text, taker)
    assert taker.restarts == {"native": 2, "python": 0}[implementation]
    merged = status_pb2.Status.FromString(b"".join([*taker.taken, rest]))
    assert len(merged.details) == LARGE[implementation] // 1000 + 1
    assert b"".join([*taker.taken, rest]) == mapper.to_wire(text)


def test_who_takes_may_refuse(implementation: str) -> None:
    """The deadline may pass while a page is mapped: the rest of it is of no use."""

    class FullError(Exception):
        pass

    class Full(Pieces):
        def take(self, piece: bytes) -> None:
            super().take(piece)
            raise FullError

    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    text = b'{"images":[%s]}' % b",".join([b'{"name":"%s"}' % (b"n" * 1000)] * 5000)
    taker = Full()
    if implementation == "native":
        with pytest.raises(FullError):
            mapper.to_wire_and_skipped(text, taker)
        assert len(taker.taken) == 1
        assert len(pieces_of(mapper, text)) > 10
    else:
        rest, _ = mapper.to_wire_and_skipped(text, taker)  # all of it is the rest
        assert rest == mapper.to_wire(text)


def test_an_error_behind_what_was_taken_is_told_like_any_other(implementation: str) -> None:
    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    images = b",".join([b'{"name":"%s"}' % (b"n" * 1000)] * (LARGE[implementation] // 1000))
    with pytest.raises(MapperError) as raised:
        mapper.to_wire_and_skipped(b'{"images":[%s,{"name":7}]}' % images, Pieces())
    assert raised.value.path == f"images[{LARGE[implementation] // 1000}].name"
    assert raised.value.kind == "value"


def test_what_is_skipped_is_told_of_large_messages_too(implementation: str) -> None:
    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    _, skipped = mapper.to_wire_and_skipped(
        b'{"nextPageToken":"%s","new":1}' % (b"n" * LARGE[implementation]), Pieces()
    )
    assert skipped is not None
    assert skipped.field_names == ((ComputeImagesResponse.DESCRIPTOR.full_name, "new"),)
    assert mapper.skipped_fields == 1
