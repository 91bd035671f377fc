"""Faults in the bytes of an HTTP/2 connection, between a client and the gRPC server; without IO.

Frames pass as they are, but for three things on the client's side that make faults possible. Each request gets the
header `TICKET_KEY`, in a CONTINUATION frame after its header block, by which the servicer can name it. Each SETTINGS
frame says that header blocks shall not be compressed by a dynamic table, so that those of a reply may be left out. And
the flow-control window of the connection is given back for DATA that the client never sees.
"""

from __future__ import annotations

import gzip
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eegrpc.emulator.faults import http2_frames as h2
from eegrpc.emulator.faults.kinds import (
    GARBAGE,
    HTML_502,
    RST_CODES,
    BadGateway,
    CutGzip,
    Drip,
    Fault,
    Garbage,
    GoAway,
    HugeHeaders,
    NoMessage,
    Redirect,
    Reset,
    ResetInBody,
    RstStream,
    Truncate,
    WrongContentType,
)
from eegrpc.emulator.faults.tickets import TICKET_KEY

if TYPE_CHECKING:
    from eegrpc.emulator.faults.tickets import Tickets

__all__ = ["Http2Relay", "Step"]

_EDITED = (h2.HEADERS, h2.CONTINUATION, h2.SETTINGS, h2.RST_STREAM)
_MESSAGE_HEAD = 5  # bytes: whether it is compressed, and its length
_GRPC = ("content-type", "application/grpc")
_HTML = ("content-type", "text/html; charset=utf-8")


@dataclass(slots=True)
class Step:
    """What to do after something came from the server."""

    to_client: bytes = b""
    to_server: bytes = b""
    reset: bool = False
    """Whether to reset the connection to the client, after `to_client`."""
    drips: list[tuple[int, float]] = field(default_factory=list)
    """Streams for which `Http2Relay.drip` is to be called from now on, each with the seconds between two calls."""


@dataclass(slots=True)
class _Reply:
    """A reply that has a fault, and of which something has come."""

    fault: Fault
    begun: bool = False
    hidden: bool = False
    """Whether the client sees nothing of what is still to come."""
    left: int | None = None
    """Bytes of the body that may still pass; None before its first ones."""
    drops: deque[bytes] = field(default_factory=deque)
    """Frames that wait for their turn."""
    complete: bool = False


class Http2Relay:
    """Both directions of one connection.

    Args:
        name: Of the connection, without a point.
        tickets: Has the faults.
    """

    def __init__(self, name: str, tickets: Tickets) -> None:
        self._name = name
        self._tickets = tickets
        self._replies: dict[int, _Reply] = {}
        self._newest = 0  # stream of the client
        self._credit = 0  # bytes of the window to give back
        # From the client: the head of the next frame; how much passes as it is, and what comes after that.
        self._head = b""
        self._passing = h2.PREFACE_SIZE
        self._after = b""
        # From the server: how much passes as it is; the beginning of what has not come in full.
        self._rest = 0
        self._received = bytearray()
        self._is_reset = False

    def from_client(self, data: bytes) -> bytes:
        """Return what to send to the server when `data` came from the client."""
        out = bytearray()
        position = 0
        while position < len(data):
            if self._passing:
                part = data[position : position + self._passing]
                out += part
                self._passing -= len(part)
            else:
                part = data[position : position + h2.HEAD_SIZE - len(self._head)]
                self._head += part
                if len(self._head) == h2.HEAD_SIZE:
                    out += self._edited(self._head)
                    self._head = b""
            position += len(part)
            if not self._passing:
                out += self._after
                self._after = b""
        return bytes(out) + self._give_credit()

    def from_server(self, data: bytes) -> Step:
        """Return what to do when `data` came from the server."""
        if self._is_reset:
            return Step()
        if not self._replies and not self._tickets and not self._received:
            return Step(self._pass(data))
        step = Step()
        if self._rest:  # of a frame that passes
            step.to_client = data[: self._rest]
            data = data[self._rest :]
            self._rest -= len(step.to_client)
        self._received += data
        out = bytearray()
        position = 0
        while not step.reset:
            end = _end_of_unit(self._received, position)
            if end is None:
                break
            head = h2.read_head(self._received, position)
            reply = self._reply(head)
            if reply is None:
                out += self._received[position:end]
            else:
                out += self._faulty(head, bytes(self._received[position:end]), reply, step)
            position = end
        self._is_reset = step.reset
        del self._received[:position]
        step.to_client += bytes(out)
        step.to_server = self._give_credit()
        return step

    def drip(self, stream: int) -> bytes | None:
        """Return the next bytes of a reply that drips, for the client; None when there will be no more."""
        reply = self._replies.get(stream)
        if reply is None:
            return None
        data = reply.drops.popleft() if reply.drops else b""
        if reply.complete and not reply.drops:
            del self._replies[stream]
        return data

    def close(self) -> None:
        """Forget what was still to happen."""
        self._tickets.forget(self._name)
        self._replies.clear()

    def _pass(self, data: bytes) -> bytes:
        """Return what the client gets when no reply has a fault: everything, but for an incomplete head at the end."""
        end = self._rest
        size = len(data)
        while end + h2.HEAD_SIZE <= size:
            end += h2.HEAD_SIZE + int.from_bytes(data[end : end + 3], "big")
        if end < size:
            self._received += data[end:]
            self._rest = 0
            return data[:end]
        self._rest = end - size
        return data

    def _edited(self, received: bytes) -> bytes:
        """Return the head of a client's frame as the server gets it; its payload and `_after` follow."""
        if received[3] not in _EDITED:
            self._passing = int.from_bytes(received[:3], "big")
            return received
        head = h2.read_head(received)
        self._passing = head.length
        flags, length = head.flags, head.length
        if head.kind == h2.SETTINGS and not flags & h2.ACK:
            self._after = h2.NO_TABLE
            length += len(h2.NO_TABLE)
        elif head.kind in (h2.HEADERS, h2.CONTINUATION) and flags & h2.END_HEADERS:
            self._newest = max(self._newest, head.stream)
            ticket = h2.literal(TICKET_KEY, self._ticket(head.stream))
            self._after = h2.frame(h2.CONTINUATION, h2.END_HEADERS, head.stream, ticket)
            flags &= ~h2.END_HEADERS
        elif head.kind == h2.RST_STREAM:
            self._replies.pop(head.stream, None)
            self._tickets.take(self._ticket(head.stream))
        return h2.frame(head.kind, flags, head.stream, length=length)

    def _ticket(self, stream: int) -> str:
        return f"{self._name}.{stream}"

    def _give_credit(self) -> bytes:
        """Return the frame that gives the window back, if it is due and may be sent between the client's frames."""
        if not self._credit or self._passing or self._head:
            return b""
        credit, self._credit = self._credit, 0
        return h2.window_update(credit)

    def _reply(self, head: h2.Head) -> _Reply | None:
        """Return the faulty reply that something from the server belongs to."""
        reply = self._replies.get(head.stream)
        if reply is None and head.kind == h2.HEADERS:
            fault = self._tickets.take(self._ticket(head.stream))
            if fault is not None:
                reply = self._replies[head.stream] = _Reply(fault)
        return reply

    def _faulty(self, head: h2.Head, data: bytes, reply: _Reply, step: Step) -> bytes:
        """Return what the client gets in place of a frame, or of a whole header block, of a faulty reply."""
        if head.kind not in (h2.DATA, h2.HEADERS, h2.RST_STREAM):
            return data  # of flow control
        is_last = head.kind == h2.RST_STREAM or bool(head.flags & h2.END_STREAM)
        sent = self._go_on(head, data, reply, step) if reply.begun else self._begin(head, data, reply, step)
        if is_last:
            reply.complete = True
            if not reply.drops:
                self._replies.pop(head.stream, None)
        return sent

    def _begin(self, head: h2.Head, data: bytes, reply: _Reply, step: Step) -> bytes:
        """Return what the client gets in place of the header, by which a reply begins."""
        stream, fault = head.stream, reply.fault
        reply.begun = True
        if isinstance(fault, Reset):
            step.reset = True
            return b""
        if isinstance(fault, RstStream):
            reply.hidden = True
            return h2.rst_stream(stream, RST_CODES[fault.code])
        if isinstance(fault, Garbage):  # upon which the client closes the connection
            reply.hidden = True
            return GARBAGE
        if isinstance(fault, BadGateway):
            reply.hidden = True
            return h2.headers(stream, 502, [_HTML]) + h2.frame(h2.DATA, h2.END_STREAM, stream, HTML_502)
        if isinstance(fault, Redirect):
            reply.hidden = True
            return h2.headers(stream, 302, [("location", fault.location)], end=True)
        if isinstance(fault, GoAway):
            reply.hidden = not fault.processed
            return h2.goaway(self._newest) + data if fault.processed else h2.goaway(max(0, stream - 2))
        if head.flags & h2.END_STREAM:  # the servicer refused: there is no body
            return data
        if isinstance(fault, HugeHeaders):
            return h2.headers(stream, 200, [_GRPC, ("x-huge", "x" * (fault.kib << 10))])
        if isinstance(fault, WrongContentType):
            return h2.headers(stream, 200, [_HTML])
        if isinstance(fault, CutGzip):
            return h2.headers(stream, 200, [_GRPC, ("grpc-encoding", "gzip")])
        if isinstance(fault, Drip):
            step.drips.append((stream, fault.interval))
        return data

    def _go_on(self, head: h2.Head, data: bytes, reply: _Reply, step: Step) -> bytes:
        """Return what the client gets in place of anything after the header."""
        stream, fault = head.stream, reply.fault
        if reply.hidden:
            if head.kind == h2.DATA:
                self._credit += head.length
            return b""
        if isinstance(fault, Drip) and head.kind == h2.DATA:
            reply.drops += _pieces(head, data[h2.HEAD_SIZE :], fault.size)
            return b""
        if isinstance(fault, Drip) and head.kind == h2.HEADERS:
            reply.drops.append(data)
            return b""
        if isinstance(fault, (CutGzip, NoMessage)) and head.kind == h2.DATA:
            sent = b"" if isinstance(fault, NoMessage) or reply.left == 0 else _cut_gzip(data[h2.HEAD_SIZE :])
            reply.left = 0
            self._credit += head.length - len(sent)
            return h2.frame(h2.DATA, head.flags & h2.END_STREAM, stream, sent)
        if not isinstance(fault, (ResetInBody, Truncate)) or head.kind != h2.DATA:
            return data
        if reply.left is None:
            reply.left = min(fault.after, head.length // 2)
        if head.length <= reply.left:
            reply.left -= head.length
            return data
        body = data[h2.HEAD_SIZE : h2.HEAD_SIZE + reply.left]
        if isinstance(fault, ResetInBody):
            step.reset = True
            return h2.frame(h2.DATA, 0, stream, body)
        reply.hidden = True
        self._credit += head.length - reply.left
        return h2.frame(h2.DATA, h2.END_STREAM, stream, body)


def _end_of_unit(data: bytearray, start: int) -> int | None:
    """Return where a frame ends, or the whole header block that it begins; None if it has not come in full."""
    in_block = True
    end = start
    while in_block:
        if len(data) - end < h2.HEAD_SIZE:
            return None
        head = h2.read_head(data, end)
        end += h2.HEAD_SIZE + head.length
        in_block = head.kind in (h2.HEADERS, h2.CONTINUATION) and not head.flags & h2.END_HEADERS
    return end if end <= len(data) else None


def _cut_gzip(body: bytes) -> bytes:
    """Return a compressed message that ends too early, made of the beginning of one that is whole and is not."""
    packed = gzip.compress(body[_MESSAGE_HEAD:], 1)
    packed = packed[: min(len(packed), len(body) - _MESSAGE_HEAD) // 2]
    return b"\1" + len(packed).to_bytes(_MESSAGE_HEAD - 1, "big") + packed


def _pieces(head: h2.Head, body: bytes, size: int) -> list[bytes]:
    """Return DATA cut into smaller frames."""
    starts = range(0, len(body), size) if body else (0,)
    return [
        h2.frame(
            h2.DATA,
            head.flags & h2.END_STREAM if start + size >= len(body) else 0,
            head.stream,
            body[start : start + size],
        )
        for start in starts
    ]
