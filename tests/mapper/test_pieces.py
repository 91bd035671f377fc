"""A large message comes in pieces of whole fields: together they are the encoding, merged they are the message."""

from __future__ import annotations

import random

import pytest
import schemas
from messages import Generator
from mutations import Writer
from test_repeats import LISTS, mappers, repeated

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import ComputeImagesResponse

LARGE = {"native": 400_000, "python": 20_000}  # bytes of JSON: the native mapper gives out 256 KiB at once
LEAST = 1 << 17  # bytes of a piece, but for the last


def pieces_of(mapper: MessageMapper, text: bytes) -> list[bytes]:
    message, _ = mapper.to_pieces_and_skipped(text)
    return [message] if isinstance(message, bytes) else list(message)


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


def test_they_are_had_once_whole_or_apart(implementation: str) -> None:
    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    text = b'{"nextPageToken":"%s"}' % (b"n" * LARGE[implementation])
    for _ in range(2):
        message, skipped = mapper.to_pieces_and_skipped(text)
        assert skipped is None
        whole = message if isinstance(message, bytes) else message.whole()
        assert whole == mapper.to_wire(text)


def test_what_is_skipped_is_told_of_large_messages_too(implementation: str) -> None:
    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation=implementation)  # type: ignore[arg-type]
    _, skipped = mapper.to_pieces_and_skipped(b'{"nextPageToken":"%s","new":1}' % (b"n" * LARGE[implementation]))
    assert skipped is not None
    assert skipped.field_names == ((ComputeImagesResponse.DESCRIPTOR.full_name, "new"),)
    assert mapper.skipped_fields == 1
