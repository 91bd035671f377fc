"""Pages that stay encoded until their images are handed out."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

import eegrpc
from eegrpc._encoded_page import EncodedPage, message_of
from eegrpc._pages import Pages
from eegrpc.errors import EarthEngineError
from eegrpc.mapper import MapperError
from eegrpc.transcoding import wire
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

LONG = "x" * 700  # a hundred images make a page that is large enough to stay encoded


def page(count: int, token: str = "") -> ComputeImagesResponse:
    images = [EarthEngineAsset(name=f"image {number}", id=LONG) for number in range(count)]
    return ComputeImagesResponse(images=images, next_page_token=token)


responses = st.builds(
    ComputeImagesResponse,
    images=st.lists(st.builds(EarthEngineAsset, name=st.text(max_size=5), id=st.sampled_from(["", LONG, LONG * 30]))),
    next_page_token=st.text(max_size=200),
)


@given(responses)
def test_it_says_what_the_message_says(response: ComputeImagesResponse) -> None:
    encoded = EncodedPage(response.SerializeToString())
    assert encoded.next_page_token == response.next_page_token
    assert [encoded.images[number] for number in range(len(encoded.images))] == list(response.images)
    assert message_of(encoded) == response


@given(responses, st.integers(0, 5), st.integers(0, 5))
def test_it_can_be_cut_at_both_ends(response: ComputeImagesResponse, start: int, count: int) -> None:
    encoded = EncodedPage(response.SerializeToString())
    del encoded.images[start + count :]
    del encoded.images[:start]
    del response.images[start + count :]
    del response.images[:start]
    assert message_of(encoded) == response


@given(responses, st.integers(1, 3))
def test_its_pieces_merged_are_the_message(response: ComputeImagesResponse, repeat: int) -> None:
    response.images.extend(list(response.images) * repeat * 20)
    merged = ComputeImagesResponse()
    for piece in EncodedPage(response.SerializeToString()).pieces():
        merged.MergeFromString(piece)
    assert merged == response


def test_fields_that_are_not_known_here_and_several_tokens() -> None:
    unknown = wire.length_delimited(99, b"new") + wire.tag(98, wire.VARINT) + b"\x01"
    first = ComputeImagesResponse(next_page_token="first").SerializeToString()
    encoded = first + unknown + page(2, "last").SerializeToString()
    kept = EncodedPage(encoded)
    assert kept.next_page_token == "last"
    assert message_of(kept).SerializeToString(deterministic=True).count(b"new") == 1
    del kept.images[1:]
    assert message_of(kept) == ComputeImagesResponse.FromString(first + unknown + page(1, "last").SerializeToString())


@pytest.mark.parametrize("wrong", [b"\x0a\x05ab", b"\x0a", b"\x00\x00", b"\x12\x01\xff", b"\xff" * 20])
def test_what_is_no_message(wrong: bytes) -> None:
    with pytest.raises((MapperError, DecodeError)):
        EncodedPage(page(1).SerializeToString() + wrong)


def test_an_image_that_is_none_is_told_when_it_is_its_turn_and_nothing_is_lost() -> None:
    name = wire.length_delimited(EarthEngineAsset.NAME_FIELD_NUMBER, b"\xff")  # not UTF-8
    wrong = wire.length_delimited(ComputeImagesResponse.IMAGES_FIELD_NUMBER, name)
    encoded = page(1).SerializeToString() + wrong + ComputeImagesResponse(next_page_token="next").SerializeToString()
    pages = Pages(b"", "this", "projects/p")
    pages.feed(EncodedPage(encoded))
    assert pages.turn()
    first = pages.take_image()
    assert first is not None
    assert first.name == "image 0"
    for _ in range(2):
        with pytest.raises(EarthEngineError, match="image 1 of a page cannot be decoded") as caught:
            pages.take_image()
        assert (caught.value.code(), caught.value.reason) == (grpc.StatusCode.INTERNAL, "BAD_RESPONSE")
        assert pages.next_page_token == "this"


class Watcher(grpc.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.seen: list[type] = []

    def intercept_unary_unary(self, continuation, client_call_details, request):
        call = continuation(client_call_details, request)
        self.seen.append(type(call.result()))
        return call


def test_interceptors_get_messages_however_large(ee_emulator) -> None:
    """And the same images come with and without them."""
    watcher = Watcher()
    images = {"functionInvocationValue": {"functionName": "ImageCollection.load", "arguments": {"id": SENTINEL}}}
    expression = {"result": "0", "values": {"0": images}}
    found = []
    for interceptors in ([], [watcher]):
        with eegrpc.EarthEngineClient(
            ee_emulator.project_id, endpoint=ee_emulator.endpoint, interceptors=interceptors
        ) as client:
            found.append(list(client.compute_images(expression, page_size=1000)))
            pages = list(client.compute_images(expression, page_size=1000).pages)
            assert [image for each in pages for image in each.images] == found[-1]
            assert {type(each) for each in pages} == {ComputeImagesResponse}
    assert found[0] == found[1] != []
    assert set(watcher.seen) == {ComputeImagesResponse}


SENTINEL = {"constantValue": "COPERNICUS/S2_SR_HARMONIZED"}
