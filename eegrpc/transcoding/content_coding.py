"""Response bodies as they come off the wire: undoing gzip, within a size limit, and noticing what was cut."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import grpc

from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BodyReader", "truncated"]

_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to say: expect a gzip header and check the trailer
_PIECE = 1 << 20  # decompress at most this much at once, so that a bomb never gets far past the limit


class BodyReader:
    """Collects one body, piece by piece, and undoes gzip; it never holds more than `limit` bytes of the result.

    HTTP libraries take a gzip stream that just ends for a complete one, and pass unknown codings through; both would be
    silent loss of data, so the coding is undone here.

    Args:
        coding: The Content-Encoding header, or "".
        limit: Most bytes of the decoded body.
    """

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding = coding.strip().lower()
        self._gzip = zlib.decompressobj(_GZIP) if "gzip" in coding else None
        self._limit = limit
        self._size = 0
        self._inflated = 0  # since the caller looked at the clock
        self._pieces: list[bytes] = []

    @property
    def to_join(self) -> int:
        """Bytes that `finish` would have to copy."""
        return self._size if len(self._pieces) > 1 else 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes off the wire.

        Raises:
            TranscodingError: RESOURCE_EXHAUSTED, past the limit; INTERNAL, not gzip, or a coding that was not asked
                for; UNAVAILABLE, damaged on the way.
        """
        for _ in self.steps(data):
            pass

    def steps(self, data: bytes) -> Iterator[None]:
        """Do what `feed` does in steps of a few milliseconds, so that the caller can look at the clock between them."""
        self._check_coding()
        if self._gzip is None:
            self._keep(data)
            return
        while data:
            if self._gzip.eof:
                raise _bad_response("bytes follow the end of the gzip stream")
            try:
                inflated = self._gzip.decompress(data, _PIECE)
            except zlib.error as error:
                raise _not_gzip(error) from error
            self._keep(inflated)
            self._inflated += len(inflated)
            data = self._gzip.unconsumed_tail or self._gzip.unused_data
            if self._inflated >= _PIECE:  # of one piece, or of several small ones
                self._inflated = 0
                yield

    def finish(self) -> bytes:
        """Return the whole decoded body.

        Raises:
            TranscodingError: UNAVAILABLE, the gzip stream did not end, or failed its checksum; else as `feed`.
        """
        self._check_coding()
        if self._gzip is not None and not self._gzip.eof:
            try:
                self._keep(self._gzip.flush())
            except zlib.error as error:
                raise _not_gzip(error) from error
            if not self._gzip.eof:
                raise truncated("the gzip stream ended early")
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def so_far(self) -> bytes:
        """Return what has been decoded; for an error's body, whose status counts even when its text is cut."""
        return b"".join(self._pieces)

    def _check_coding(self) -> None:
        if self._coding not in ("", "identity", "gzip", "x-gzip"):
            raise _bad_response(f"content-encoding {self._coding[:64]!r} was not asked for")

    def _keep(self, data: bytes) -> None:
        if data:
            self._size += len(data)
            if self._size > self._limit:
                self._pieces.append(data[: self._limit - self._size])
                raise TranscodingError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"Received message larger than max ({self._size} vs. {self._limit})",
                    "TOO_LARGE",
                )
            self._pieces.append(data)


def truncated(what: str) -> TranscodingError:
    """Return the status of a response that was cut; asking again may help."""
    return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"the response was cut: {what}", "TRUNCATED")


def _bad_response(what: str) -> TranscodingError:
    return TranscodingError(grpc.StatusCode.INTERNAL, f"the response cannot be read: {what}", "BAD_RESPONSE")


def _not_gzip(error: zlib.error) -> TranscodingError:
    # A failed checksum means that bytes were lost or changed on the way: asking again helps, as it does for a cut.
    if "incorrect data check" in str(error) or "incorrect length" in str(error):
        return truncated("the gzip checksum is wrong")
    return _bad_response(f"not a gzip stream: {error}")
