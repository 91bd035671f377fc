"""Protobuf wire bytes to proto3 JSON bytes and back, for any message descriptor.

    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR)
    wire = mapper.to_wire(b'{"nextPageToken": "abc"}')
    json = mapper.to_json(wire)

Two engines do the work: the native one (``rust/``), and the Python one, which is google.protobuf.json_format with a few
guards, and always there. One switch chooses between them, once, at import: `IMPLEMENTATION` says which.
``EEGRPC_MAPPER=python`` or ``EEGRPC_MAPPER=native`` forces one; forcing one that is not built is an ImportError, so
that nothing falls back unseen. The native one is also quick to see that an expression can be evaluated, which has to be
known before it is sent: `is_sound_expression`.
"""

from __future__ import annotations

from eegrpc.mapper._errors import MapperError
from eegrpc.mapper._mapper import MessageMapper
from eegrpc.mapper._options import Skipped, Taker
from eegrpc.mapper._switch import IMPLEMENTATION, NATIVE_FAILURE, is_sound_expression

__all__ = [
    "IMPLEMENTATION",
    "NATIVE_FAILURE",
    "MapperError",
    "MessageMapper",
    "Skipped",
    "Taker",
    "is_sound_expression",
]
