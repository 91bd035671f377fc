"""Just enough of gRPC's server side to answer unary calls with bytes made beforehand, some ten times as fast as grpcio.

Names of methods and metadata are not looked at: headers are skipped unread, which HPACK allows to whoever needs none of
them. RFC 9113 for the frames and for flow control, RFC 7541 for the few headers that are sent.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GrpcProtocol"]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD = struct.Struct(">IBI")  # length and type, flags, stream
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
_END_STREAM, _ACK, _END_HEADERS, _PADDED = 1, 1, 4, 8
_INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE = 4, 5  # settings
_RECEIVE_WINDOW = 1 << 30  # requests are never held back; replenished when half of it is used

# The first answer of a connection puts two headers into the client's table, as servers do, and later ones refer to
# them: 62 is the newest entry, 63 the one before.
_OK = b"\x88"  # :status 200, of the static table
_CONTENT_TYPE = _OK + b"\x5f\x10application/grpc"
_CONTENT_TYPE_NEWEST, _CONTENT_TYPE_SECOND = _OK + b"\xbe", _OK + b"\xbf"
_STATUS_OK = b"\x40\x0bgrpc-status\x010"
_STATUS_OK_NEWEST = b"\xbe"
_NOT_FOUND = _OK + b"\x0f\x10\x10application/grpc\x00\x0bgrpc-status\x015"  # put into no table


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return _HEAD.pack(len(payload) << 8 | kind, flags, stream) + payload


class GrpcProtocol(asyncio.Protocol):
    """One connection.

    Args:
        respond: Gets a request message, and returns the answer, or None where there is no such project.
    """

    def __init__(self, respond: Callable[[bytes], bytes | None]) -> None:
        self._respond = respond
        self._rest = b""
        self._begun = False
        self._requests: dict[int, bytearray] = {}  # streams whose request is not complete
        self._received = 0  # bytes since the window was replenished
        self._window, self._stream_window, self._largest_frame = 65535, 65535, 16384  # the client's, as RFC 9113 begins
        self._windows: dict[int, int] = {}  # of the streams that are open
        self._sending: deque[tuple[int, memoryview]] = deque()  # what windows hold back
        self._in_table = 0  # how many of our headers the client's table has

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the settings."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, _RECEIVE_WINDOW)
        window = struct.pack(">I", _RECEIVE_WINDOW - 65535)
        self._transport.write(_frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, window))

    def data_received(self, data: bytes) -> None:
        """Read the frames that are complete, and write the answers to all of them at once."""
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        if not self._begun:
            if end < len(_PREFACE):
                self._rest = data
                return
            self._begun, at = True, len(_PREFACE)
        out: list[bytes | memoryview] = []
        while end - at >= _HEAD.size:
            length, flags, stream = _HEAD.unpack_from(data, at)
            kind, length = length & 0xFF, length >> 8
            start = at + _HEAD.size
            if end - start < length:
                break
            at = start + length
            self._frame(kind, flags, stream & 0x7FFFFFFF, data[start:at], out)
        self._rest = data[at:]
        if out:
            self._transport.write(b"".join(out))

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes, out: list[bytes | memoryview]) -> None:
        if kind == _DATA:
            self._data(flags, stream, payload, out)
        elif kind == _WINDOW_UPDATE:
            (more,) = struct.unpack(">I", payload)
            if stream == 0:
                self._window += more
            elif stream in self._windows:
                self._windows[stream] += more
            self._send_more(out)
        elif kind == _PING and not flags & _ACK:
            out.append(_frame(_PING, _ACK, 0, payload))
        elif kind == _SETTINGS and not flags & _ACK:
            self._settings(payload)
            out.append(_frame(_SETTINGS, _ACK, 0))
            self._send_more(out)
        elif kind == _RST_STREAM:
            self._requests.pop(stream, None)
            self._windows.pop(stream, None)
            self._sending = deque(each for each in self._sending if each[0] != stream)
        elif kind == _HEADERS and not flags & _END_STREAM:
            self._requests[stream] = bytearray()
            self._windows[stream] = self._stream_window  # may grow before the answer begins

    def _settings(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            if name == _INITIAL_WINDOW_SIZE:
                for stream in self._windows:
                    self._windows[stream] += value - self._stream_window
                self._stream_window = value
            elif name == _MAX_FRAME_SIZE:
                self._largest_frame = value

    def _data(self, flags: int, stream: int, payload: bytes, out: list[bytes | memoryview]) -> None:
        self._received += len(payload)
        if self._received > _RECEIVE_WINDOW // 2:
            out.append(_frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", self._received)))
            self._received = 0
        if flags & _PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        request = self._requests.get(stream)
        if request is None:  # was reset
            return
        request += payload
        if flags & _END_STREAM:
            del self._requests[stream]
            message = self._respond(bytes(request[5:]))
            if message is None:
                del self._windows[stream]
                out.append(_frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _NOT_FOUND))
                return
            out.append(_frame(_HEADERS, _END_HEADERS, stream, self._headers()))
            self._sending.append((stream, memoryview(b"\0" + struct.pack(">I", len(message)) + message)))
            self._send_more(out)

    def _headers(self) -> bytes:
        if self._in_table == 0:
            self._in_table = 1
            return _CONTENT_TYPE
        return _CONTENT_TYPE_NEWEST if self._in_table == 1 else _CONTENT_TYPE_SECOND

    def _trailers(self) -> bytes:
        if self._in_table == 1:
            self._in_table = 2
            return _STATUS_OK
        return _STATUS_OK_NEWEST

    def _send_more(self, out: list[bytes | memoryview]) -> None:
        """Send of each answer what the windows have room for, the oldest first."""
        for _ in range(len(self._sending)):
            stream, left = self._sending.popleft()
            while left and (size := min(self._largest_frame, self._window, self._windows[stream], len(left))) > 0:
                out.append(_HEAD.pack(size << 8 | _DATA, 0, stream))
                out.append(left[:size])
                left = left[size:]
                self._window -= size
                self._windows[stream] -= size
            if left:
                self._sending.append((stream, left))
            else:
                del self._windows[stream]
                out.append(_frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, self._trailers()))
