"""HTTP/2 frames (RFC 9113, section 4) and header blocks without compression (RFC 7541), as far as faults need them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ACK",
    "CONTINUATION",
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "HEADERS",
    "HEAD_SIZE",
    "NO_TABLE",
    "PREFACE_SIZE",
    "RST_STREAM",
    "SETTINGS",
    "Head",
    "frame",
    "goaway",
    "headers",
    "literal",
    "read_head",
    "rst_stream",
    "window_update",
]

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 7, 8, 9
"""Types of frames (RFC 9113, section 6)."""
END_STREAM, ACK, END_HEADERS = 1, 1, 4
"""Flags."""
HEAD_SIZE = 9
"""Bytes before a frame's payload."""
PREFACE_SIZE = 24
"""Bytes of the client's preface, before its first frame."""
NO_TABLE = b"\x00\x01\x00\x00\x00\x00"
"""The setting SETTINGS_HEADER_TABLE_SIZE = 0: header blocks then depend on none before, and may be left out."""

_STATUS = b"\x18"  # literal never indexed, name :status by its index in the static table
_NEVER_INDEXED = b"\x10"
_MOST_PAYLOAD = 16384  # what every peer takes


class Head(NamedTuple):
    """The nine bytes before a payload."""

    length: int
    kind: int
    flags: int
    stream: int


def read_head(data: bytes | bytearray | memoryview, start: int = 0) -> Head:
    """Return the head that begins at `start`."""
    high, low, kind, flags, stream = struct.unpack_from(">BHBBI", data, start)
    return Head(high << 16 | low, kind, flags, stream & 0x7FFFFFFF)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """Return a frame; with `length`, only its head and what there is of the payload."""
    size = len(payload) if length is None else length
    return struct.pack(">BHBBI", size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def headers(stream: int, status: int, fields: Iterable[tuple[str, str]], *, end: bool = False) -> bytes:
    """Return the frames of a response's header."""
    block = _STATUS + _text(str(status)) + b"".join(literal(name, value) for name, value in fields)
    pieces = [block[start : start + _MOST_PAYLOAD] for start in range(0, len(block), _MOST_PAYLOAD)]
    last = len(pieces) - 1
    return b"".join(
        frame(
            CONTINUATION if number else HEADERS,
            (END_HEADERS if number == last else 0) | (END_STREAM if end and not number else 0),
            stream,
            piece,
        )
        for number, piece in enumerate(pieces)
    )


def literal(name: str, value: str) -> bytes:
    """Return a header field that leaves no trace in the tables of compression."""
    return _NEVER_INDEXED + _text(name) + _text(value)


def rst_stream(stream: int, code: int) -> bytes:
    """Return a frame that ends a stream."""
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last_stream: int) -> bytes:
    """Return a frame that ends a connection, with NO_ERROR, after the stream `last_stream`."""
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, 0))


def window_update(size: int) -> bytes:
    """Return a frame that lets the other side send `size` more bytes on the connection."""
    return frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", size))


def _text(text: str) -> bytes:
    """Return a string literal, without Huffman coding (RFC 7541, section 5.2)."""
    data = text.encode("ascii")
    size = len(data)
    if size < 0x7F:
        return bytes((size,)) + data
    written = bytearray((0x7F,))
    size -= 0x7F
    while size >= 0x80:
        written.append(size & 0x7F | 0x80)
        size >>= 7
    written.append(size)
    return bytes(written) + data
