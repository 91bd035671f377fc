"""What a unary call is made of before and after the wire: shared by the channels that block and those that await."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import Message

from eegrpc.mapper import IMPLEMENTATION
from eegrpc.transcoding import wire as wire_format
from eegrpc.transcoding.status import HTTP_STATUS_KEY, TRANSPORT_LABEL, failure
from eegrpc.transcoding.types import Metadata, Reply, TranscodingError
from eegrpc.transcoding.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.transcoding.binding import Method
    from eegrpc.transcoding.deadline import Deadline
    from eegrpc.transcoding.transcoder import Transcoder
    from eegrpc.transcoding.types import HttpRequest, HttpResponse

__all__ = [
    "CANCELLED",
    "CLOSED",
    "DEFAULT_MAX_RECEIVE_BYTES",
    "DEFAULT_POOL_SIZE",
    "FORKED",
    "INLINE_BYTES",
    "MAPPERS",
    "MAX_ERROR_BYTES",
    "Backoff",
    "UnaryMethod",
    "refuse_call_credentials",
    "refuse_streaming",
]

DEFAULT_MAX_RECEIVE_BYTES = 128 << 20
DEFAULT_POOL_SIZE = 64

MAX_ERROR_BYTES = 1 << 20
"""Most bytes of an error's body that are read: enough for any google.rpc.Status, too little to hurt."""

INLINE_BYTES: Final = 1 << (18 if IMPLEMENTATION == "native" else 14)
"""What is smaller is mapped where it is: that takes up to 5 ms. The rest has to be waited for, on `MAPPERS`, so that
the deadline and cancelling hold meanwhile, and an event loop goes on."""

MAPPERS: Final = Workers(max(2, os.cpu_count() or 1), "eegrpc-mapper", linger=0.5)
"""To start a thread takes as long as to map a hundred kilobytes, and the next page is often near."""

_PIECE: Final = 1 << 16
"""Bytes of a message that are parsed at once: protobuf lets no other thread run meanwhile."""

_MERGED_WHILE_READ: Final = 16 << 20
"""A longer body is let go of before its message is made, as the two together would take too much memory."""

CANCELLED = Reply(grpc.StatusCode.CANCELLED, "Locally cancelled by application!")
CLOSED = Reply(grpc.StatusCode.CANCELLED, "Channel closed!")
FORKED = Reply(
    grpc.StatusCode.UNAVAILABLE,
    "the process was forked while this call ran: its answer goes to the parent; call again in the child",
)
"""How calls that were under way end in a forked child. Sent again there, they do what they would have done."""


class UnaryMethod:
    """One unary method with the caller's serializers: messages to HTTP requests, HTTP responses to messages.

    `labels` is trailing metadata for every reply; it is read each time, as the fallback adds its reason later.
    """

    __slots__ = (
        "_deserialize",
        "_labels",
        "_max_send_bytes",
        "_message_class",
        "_method",
        "_serialize",
        "_transcoder",
        "path",
    )

    def __init__(
        self,
        transcoder: Transcoder,
        path: str,
        serialize: Callable[[Any], bytes] | None,
        deserialize: Callable[[bytes], Any] | None,
        *,
        max_send_bytes: int | None = None,
        labels: Sequence[tuple[str, str]] = (TRANSPORT_LABEL,),
    ) -> None:
        self.path = path
        self._max_send_bytes = max_send_bytes
        self._labels = labels
        self._transcoder = transcoder
        self._serialize = serialize
        self._deserialize = deserialize
        self._message_class = _message_class(deserialize)
        self._method: Method | TranscodingError
        try:
            self._method = transcoder.method(path)
        except TranscodingError as error:
            self._method = error  # raised when called: a stub makes all its methods, also those nobody calls

    @property
    def replayable(self) -> bool:
        """Whether a call that got no answer may be sent again."""
        return not isinstance(self._method, TranscodingError) and self._method.replayable

    def serialized(self, message: Any) -> bytes | TranscodingError:
        """Return a request message in its wire form, or the error that `request` is to raise for it."""
        try:
            return message if self._serialize is None else self._serialize(message)
        except Exception as error:  # noqa: BLE001 - somebody else's code; stock grpc ends the call this way
            failed = TranscodingError(grpc.StatusCode.INTERNAL, "Exception serializing request!")
            failed.__cause__ = error  # the caller's own message, so the caller may see it
            return failed

    def request(self, wire: bytes | TranscodingError, metadata: Metadata, deadline: Deadline) -> HttpRequest:
        """Return what to send; `wire` is from `serialized`.

        Raises:
            TranscodingError: The message or the metadata cannot be sent, or the deadline has passed already.
        """
        if isinstance(self._method, TranscodingError):
            raise self._method
        left = deadline.wait()
        if isinstance(wire, TranscodingError):
            raise wire
        if self._max_send_bytes is not None and len(wire) > self._max_send_bytes:
            text = f"Sent message larger than max ({len(wire)} vs. {self._max_send_bytes})"
            raise TranscodingError(grpc.StatusCode.RESOURCE_EXHAUSTED, text, "TOO_LARGE")
        return self._transcoder.request(self._method, wire, metadata=metadata, timeout=left)

    def read(self, held: list[HttpResponse], deadline: Deadline) -> tuple[Reply, Any]:
        """Return the reply that a response means, and its message if it is OK.

        Args:
            held: The response alone; it is taken out, so that a body of many megabytes is let go of before its message
                is made.
            deadline: When it is too late.

        Raises:
            TranscodingError: DEADLINE_EXCEEDED.
        """
        response = held.pop()
        assert not isinstance(self._method, TranscodingError)
        merging = None
        if self._message_class is not None and _PIECE <= len(response.body) <= _MERGED_WHILE_READ:
            merging = _Merging(self._message_class(), deadline)
        http_status, reply = response.status, self._transcoder.response(self._method, response, merging)
        del response
        reply = self._labelled(reply)
        if reply.code is not grpc.StatusCode.OK:
            return reply, None
        try:
            message = self._message(reply.wire, merging, deadline)
        except TranscodingError:
            raise
        except Exception:  # noqa: BLE001 - somebody else's code; stock grpc ends the call this way
            answered = ((HTTP_STATUS_KEY, str(http_status)),)
            text = "Exception deserializing response!"
            return self._labelled(failure(grpc.StatusCode.INTERNAL, text, "", metadata=answered)), None
        return reply._replace(wire=b""), message  # the call holds its reply as long as it is held itself

    def _message(self, wire: bytes, merging: _Merging | None, deadline: Deadline) -> Any:
        """Return the message of which `merging` has taken a part, and `wire` is the rest."""
        if merging is None or not merging.has_taken:
            if self._message_class is None or len(wire) < _PIECE:
                return wire if self._deserialize is None else self._deserialize(wire)
            merging = _Merging(self._message_class(), deadline)
        for piece in wire_format.pieces(wire, _PIECE):
            merging.take(piece)
        return merging.message

    def failure(self, error: TranscodingError) -> Reply:
        """Return the reply of a call that ended with `error`."""
        return self._labelled(failure(error.code, error.details, error.reason))

    def _labelled(self, reply: Reply) -> Reply:
        return reply._replace(trailing_metadata=(*reply.trailing_metadata, *self._labels))


class _Merging:
    """A message that grows while the JSON of the rest of it is read."""

    __slots__ = ("_deadline", "has_taken", "message")

    def __init__(self, message: Message, deadline: Deadline) -> None:
        self.message = message
        self.has_taken = False
        self._deadline = deadline

    def take(self, piece: bytes) -> None:
        self._deadline.wait()
        self.has_taken = True
        self.message.MergeFromString(piece)

    def restart(self) -> None:
        self.has_taken = False
        self.message.Clear()


def _message_class(deserialize: Callable[[bytes], Any] | None) -> type[Message] | None:
    """Return the class of which `deserialize` is the FromString, as stubs have it; None for another function."""
    owner = getattr(deserialize, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, Message) and deserialize == owner.FromString:
        return owner
    return None


def refuse_call_credentials(credentials: grpc.CallCredentials | None, *, plaintext: bool) -> None:
    """Refuse the credentials of a single call, which only grpc's own core can read.

    Raises:
        TranscodingError: UNAUTHENTICATED on a plaintext channel, as stock grpc; UNIMPLEMENTED on a TLS one.
    """
    if credentials is None:
        return
    if plaintext:
        raise TranscodingError(
            grpc.StatusCode.UNAUTHENTICATED,
            "Established channel does not have a sufficient security level to transfer call credential.",
        )
    raise TranscodingError(
        grpc.StatusCode.UNIMPLEMENTED,
        "a transcoding channel cannot read grpc.CallCredentials: give the channel its credentials, or send metadata",
    )


def refuse_streaming(path: str) -> Reply:
    """Return the reply of any streaming call."""
    text = f"{path} streams; a transcoding channel serves unary methods only: use gRPC"
    return failure(grpc.StatusCode.UNIMPLEMENTED, text, "")


class Backoff:
    """How long wait_for_ready pauses between attempts to connect, in seconds."""

    def __init__(self) -> None:
        self._next = 0.1

    def next(self) -> float:
        """Return the next pause: from 0.1 s, by 1.6, to 10 s."""
        delay, self._next = self._next, min(self._next * 1.6, 10.0)
        return delay
