"""Protobuf wire bytes to proto3 JSON bytes and back, for any message descriptor.

    mapper = MessageMapper(ComputeImagesResponse.DESCRIPTOR)
    wire = mapper.to_wire(b'{"nextPageToken": "abc"}')
    json = mapper.to_json(wire)

One switch chooses the implementation, once, at import: `IMPLEMENTATION` says which. ``EEGRPC_MAPPER=python`` or
``EEGRPC_MAPPER=native`` forces one; forcing one that is not built is an ImportError, so that nothing falls back unseen.
"""

from __future__ import annotations

import os
from typing import Literal

from eegrpc.mapper._errors import MapperError
from eegrpc.mapper._python import MessageMapper

__all__ = ["IMPLEMENTATION", "MapperError", "MessageMapper"]


def _choose(wanted: str | None) -> Literal["native", "python"]:
    """Return the implementation to use, or raise ImportError when `wanted` cannot be had."""
    if wanted in (None, "", "python"):
        return "python"
    if wanted == "native":
        raise ImportError("EEGRPC_MAPPER=native, but this build of eegrpc has no native mapper; unset it or say python")
    raise ImportError(f"EEGRPC_MAPPER={wanted!r} is not one of: native, python")


IMPLEMENTATION: Literal["native", "python"] = _choose(os.environ.get("EEGRPC_MAPPER"))
"""The implementation in use."""
