"""What an HTTP/1.1 response says and where it begins and ends, read strictly, without IO: RFC 9112.

Whoever disagrees with a proxy on the way about the end of a response takes part of it for the next one (RFC 9112
section 11.1). HTTP libraries are lenient, and differ in what they forgive: two lengths, a length beside chunks, folded
lines, lines that end in a bare LF, chunk sizes like ``+5``; and an endless header or trailer takes memory without end.
So both channels read responses by these rules.
"""

from __future__ import annotations

import re
from typing import Final

import grpc

from eegrpc.transcoding.content_coding import truncated
from eegrpc.transcoding.types import TranscodingError

__all__ = ["LARGE_BODY", "MAX_HEAD_BYTES", "ResponseFraming", "not_http"]

MAX_HEAD_BYTES = 1 << 16
"""Most bytes of a header, and of the trailers behind chunks."""

LARGE_BODY = 1 << 20
"""From so many bytes on, a body of a told length is received in a way of its own."""

_MAX_LINES = 100  # of a header or of trailers, the empty one at their end included; http.client's limit, too
_MAX_CHUNK_LINE = 1 << 10
_START = b"HTTP/1."
# Patterns that few responses need stay text, which re compiles when one does.
_STATUS_LINE = rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?"
_FIELD = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t -~\x80-\xff]*)"
# A whole header, as nearly all come; others are read line by line. To match takes memory for each line: not too many.
_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n){0,99})\r\n"
)
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,15})(?: *|;[\t -~\x80-\xff]*)"
_CLOSES, _KEEPS = (rf"(?:^|,)[ \t]*{option}[ \t]*(?:,|$)" for option in ("close", "keep-alive"))
_HTTP2_FRAMES = (4, 7)  # SETTINGS or GOAWAY, the first that a server which speaks HTTP/2 sends


class _Expect:
    STATUS: Final = 0
    FIELD: Final = 1
    BYTES: Final = 2  # as many as Content-Length told
    CHUNK_SIZE: Final = 3
    CHUNK: Final = 4
    CHUNK_END: Final = 5
    TRAILER: Final = 6
    CLOSE: Final = 7  # the body lasts until the connection ends
    NOTHING: Final = 8


class ResponseFraming:
    """Follows the bytes of one response, and of the interim ones (1xx) before it, which are left out."""

    __slots__ = (
        *("_chunked", "_excess", "_expect", "_length", "_line", "_lines", "_pieces", "_size", "_version"),
        *("begun", "bodiless", "headers", "left", "status"),
    )

    status: int
    """The status code; 0 until it has come."""
    headers: list[tuple[str, str]]
    """The fields of the header, their names in lower case; whole once `has_head`."""
    _expect: int  # one of `_Expect`
    _version: int  # the minor one
    _length: int | None
    _chunked: bool
    _size: int  # of the header's lines, or the trailers'
    _lines: int

    def __init__(self) -> None:
        self.begun = False
        """Whether any byte has come."""
        self.bodiless = False
        """Whether the request was HEAD: its response tells the length of a body that does not come."""
        self._line = b""  # the beginning of a line whose end has not come
        self.left = 0
        """Bytes that are still to come of the body, or of a chunk of it, as far as is told."""
        self._excess = False
        self._pieces: list[bytes] = []
        self._expect_head()

    @property
    def has_head(self) -> bool:
        """Whether the header has come, and the body comes next."""
        return self._expect not in (_Expect.STATUS, _Expect.FIELD)

    @property
    def has_told_length(self) -> bool:
        """Whether nothing comes but `left` bytes of the body, as they are."""
        return self._expect == _Expect.BYTES

    @property
    def coding(self) -> str:
        """The Content-Encoding of the response; "" for none."""
        return ", ".join([value for name, value in self.headers if name == "content-encoding"])

    def is_large(self, limit: int) -> bool:
        """Whether what comes is a large body as it is, of a told length within `limit`, and no error's."""
        return self.has_told_length and self.status < 300 and LARGE_BODY <= self.left <= limit and not self.coding

    @property
    def finished(self) -> bool:
        """Whether the response has come to its end."""
        return self._expect == _Expect.NOTHING

    @property
    def reusable(self) -> bool:
        """Whether the next request can be sent on its connection: it is finished, and so is not the connection.

        Nothing came behind it, which the next request would get as its response; and the server does not hang up (RFC
        9112 section 9.3).
        """
        if not self.finished or self._excess:
            return False
        options = ",".join([value for name, value in self.headers if name == "connection"]).lower()
        if self._version == 0:
            return re.search(_KEEPS, options) is not None
        return not options or re.search(_CLOSES, options) is None

    def feed(self, data: bytes | memoryview) -> int:
        """Take `data`; return how many bytes of it belong to the response. What comes behind it belongs to nobody.

        Raises:
            TranscodingError: UNAVAILABLE with the reason ``PROTOCOL``. The connection must not be used any more.
        """
        size = len(data)
        if size:
            self.begun = True
        data = bytes(data)
        if self._expect == _Expect.BYTES and size <= self.left:  # nearly all bytes come by here
            self._pieces.append(data)
            self.received(size)
            return size
        at = 0
        chunks: list[bytes] = []
        while at < size and self._expect != _Expect.NOTHING:
            if self._expect == _Expect.CLOSE:
                chunks.append(data[at:])
                at = size
            elif self._expect in (_Expect.BYTES, _Expect.CHUNK):
                step = min(self.left, size - at)
                chunks.append(data[at : at + step])
                self.received(step)
                at += step
            elif self._at_head and (head := _HEAD.match(data, at, at + MAX_HEAD_BYTES)):
                self._take_head(head)
                at = head.end()
            else:
                at = self._feed_line(data, at)
        if chunks:
            self._pieces.append(b"".join(chunks))  # in one piece, however many there were
        self._excess |= at < size
        return at

    def end(self) -> None:
        """Note that the connection has ended.

        Raises:
            TranscodingError: UNAVAILABLE with the reason ``TRUNCATED``: the response had begun, and more was to come.
        """
        if self._expect == _Expect.CLOSE:
            self._expect, self._excess = _Expect.NOTHING, True
        elif self.begun and self._expect != _Expect.NOTHING:
            raise truncated("the connection ended before the response did")

    def take(self) -> list[bytes]:
        """Return what has come of the body since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def received(self, size: int) -> None:
        """Count bytes of a body whose length is told: they were received, wherever they are."""
        self.left -= size
        if self.left == 0:
            self._expect = _Expect.NOTHING if self._expect == _Expect.BYTES else _Expect.CHUNK_END

    @property
    def _at_head(self) -> bool:
        return self._expect == _Expect.STATUS and not self._line

    def _feed_line(self, data: bytes, start: int) -> int:
        """Take what `data` has of a line; return where it ends."""
        newline = data.find(b"\n", start)
        end = len(data) if newline < 0 else newline + 1
        limit = (_MAX_CHUNK_LINE if self._expect == _Expect.CHUNK_SIZE else MAX_HEAD_BYTES) - self._size
        if len(self._line) + end - start > limit:
            raise not_http("a header or a chunk's size is too long")
        line = self._line + data[start:end]
        if self._expect == _Expect.STATUS:
            _check_start(line)
        if newline < 0:
            self._line = line
            return end
        self._line = b""
        if not line.endswith(b"\r\n"):
            raise not_http("a line ends in a bare LF")
        self._take_line(line[:-2])
        return end

    def _take_head(self, head: re.Match[bytes]) -> None:
        self._version, self.status = int(head[1]), int(head[2])
        for line in head[3].decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            self._take_field(name.lower(), value.strip(" \t"))
        self._end_head()

    def _take_line(self, line: bytes) -> None:
        match self._expect:
            case _Expect.STATUS:
                self._take_status(line)
                self._counted_lines(1, len(line) + 2)
            case _Expect.FIELD if line:
                self._take_field(*_field(line))
                self._counted_lines(1, len(line) + 2)
            case _Expect.FIELD:
                self._end_head()
            case _Expect.CHUNK_SIZE:
                self._take_chunk_size(line)
            case _Expect.CHUNK_END:
                if line:
                    raise not_http("a chunk is longer than it told")
                self._expect = _Expect.CHUNK_SIZE
            case _Expect.TRAILER if line:
                _field(line)
                self._counted_lines(1, len(line) + 2)
            case _Expect.TRAILER:
                self._expect = _Expect.NOTHING

    def _counted_lines(self, lines: int, size: int) -> None:
        self._size += size
        self._lines += lines
        if self._lines > _MAX_LINES:
            raise not_http(f"more than {_MAX_LINES} lines of header")

    def _take_status(self, line: bytes) -> None:
        match = re.fullmatch(_STATUS_LINE, line)
        if match is None:
            raise not_http(f"the status line is {line[:40]!r}")
        self._version, self.status = int(match[1]), int(match[2])
        self._expect = _Expect.FIELD

    def _take_field(self, name: str, value: str) -> None:
        self.headers.append((name, value))
        if name == "content-length":
            if self._length is not None or not _LENGTH.fullmatch(value):
                raise not_http("Content-Length is given twice, or is not a number")
            self._length = int(value)
        elif name == "transfer-encoding":
            if self._chunked or value.lower() != "chunked":
                raise not_http("Transfer-Encoding is something else than chunked")
            self._chunked = True

    def _end_head(self) -> None:
        if self._chunked and (self._length is not None or self._version == 0 or self.status < 200):
            raise not_http("Transfer-Encoding stands beside Content-Length, or where there is no body")
        if self.status == 101:
            raise not_http("101 to a request that asked for no other protocol")
        if self.status < 200:
            self._expect_head()
        elif self.bodiless or self.status in (204, 304):
            self._expect = _Expect.NOTHING
        elif self._chunked:
            self._expect, self._size, self._lines = _Expect.CHUNK_SIZE, 0, 0
        elif self._length is None:
            self._expect = _Expect.CLOSE
        else:
            self.left = self._length
            self._expect = _Expect.BYTES if self.left else _Expect.NOTHING

    def _take_chunk_size(self, line: bytes) -> None:
        match = re.fullmatch(_CHUNK_SIZE, line)
        if match is None:
            raise not_http("a chunk's size is not a number")
        self.left = int(match[1], 16)
        self._expect = _Expect.CHUNK if self.left else _Expect.TRAILER

    def _expect_head(self) -> None:
        self._expect = _Expect.STATUS
        self._size = self._lines = self.status = self._version = 0
        self.headers = []
        self._length = None
        self._chunked = False


def not_http(what: str) -> TranscodingError:
    """Return the status of a response that is not proper HTTP/1.1; `what` says how, and quotes little of it."""
    return TranscodingError(grpc.StatusCode.UNAVAILABLE, f"not a valid HTTP response: {what}", "PROTOCOL")


def _check_start(line: bytes) -> None:
    """Raise as soon as it is clear that this is no status line: the end of it may never come."""
    if line[: len(_START)] == _START[: len(line)]:
        return
    if line[0] == 0 and len(line) >= 4 and line[3] in _HTTP2_FRAMES:
        raise not_http("the server speaks HTTP/2, and perhaps nothing else")
    if line[0] == 0 and len(line) < 4:
        return
    raise not_http(f"it begins with {line[:40]!r}")


def _field(line: bytes) -> tuple[str, str]:
    match = re.fullmatch(_FIELD, line)
    if match is None:
        raise not_http("a header line is folded, has no name, or has control characters")
    return match[1].decode().lower(), match[2].decode("latin-1").strip(" \t")
