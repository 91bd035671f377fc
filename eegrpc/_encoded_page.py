"""A page as it came: its images are decoded one at a time, when they are handed out.

A decoded page takes four times as much memory as an encoded one, and each of its images keeps all of it alive. Decoded
one at a time, images cost no more, and on other threads than the main one half as much, for what one image needs is in
the processor's cache, while the memory of a page is given back to the system, and asked for again, with every page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eegrpc.transcoding import wire
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EncodedPage", "Page", "message_of", "read_page"]

_IMAGES: Final = ComputeImagesResponse.IMAGES_FIELD_NUMBER

_LARGE: Final = 1 << 16
"""Bytes from which on a page stays encoded."""
_PIECE: Final = 1 << 19
"""Bytes that are decoded at once where others have to go on meanwhile."""


class EncodedPage:
    """What the pagers need of a ComputeImagesResponse: `images` to count, cut and index, and `next_page_token`.

    Args:
        encoded: The message.

    Raises:
        MapperError, DecodeError: It is none. What is inside of its images is not looked at.
    """

    __slots__ = ("_count", "_others", "images", "next_page_token")

    def __init__(self, encoded: bytes) -> None:
        places: list[tuple[int, int, int]] = []
        others: list[bytes] = []
        for number, start, payload, end in wire.fields(encoded):
            if number == _IMAGES and encoded[start] & 7 == wire.LEN:
                places.append((start, payload, end))
            else:
                others.append(encoded[start:end])
        self._count = len(places)
        self._others = b"".join(others)
        self.images = _Images(encoded, places)
        self.next_page_token = ComputeImagesResponse.FromString(self._others).next_page_token

    @property
    def whole(self) -> bytes | None:
        """The encoded message; None if images were cut off."""
        return self.images.encoded if len(self.images) == self._count else None

    def pieces(self) -> Iterator[bytes]:
        """Return encodings which merged, in order, are the message; each is decoded in a millisecond."""
        encoded = self.images.encoded
        begin = end = 0
        for start, _, stop in self.images.places:
            if start != end or stop - begin >= _PIECE:
                yield encoded[begin:end]
                begin = start
            end = stop
        yield encoded[begin:end]
        yield self._others


class _Images:
    """The images of an encoded page, of which some may be cut off."""

    __slots__ = ("encoded", "places")

    def __init__(self, encoded: bytes, places: list[tuple[int, int, int]]) -> None:
        self.encoded = encoded
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> EarthEngineAsset:
        _, payload, end = self.places[index]
        return EarthEngineAsset.FromString(self.encoded[payload:end])

    def __delitem__(self, cut: slice) -> None:
        del self.places[cut]


Page = ComputeImagesResponse | EncodedPage


def read_page(encoded: bytes) -> Page:
    """Return a page, encoded still if it is large.

    Raises:
        MapperError, DecodeError: It is none.
    """
    return ComputeImagesResponse.FromString(encoded) if len(encoded) < _LARGE else EncodedPage(encoded)


def message_of(page: Page) -> ComputeImagesResponse:
    """Return a page as a message.

    Raises:
        DecodeError: One of its images is none.
    """
    if isinstance(page, ComputeImagesResponse):
        return page
    return ComputeImagesResponse.FromString(page.whole or b"".join(page.pieces()))
