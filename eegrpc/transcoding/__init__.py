"""gRPC transcoding for any annotated service: channels over REST, and a REST face for servicers.

channel = TranscodingChannel("https://host")    # or AioTranscodingChannel, a grpc.aio.Channel
stub = LibraryStub(channel)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eegrpc.transcoding.aio_channel import AioTranscodingChannel
    from eegrpc.transcoding.channel import TranscodingChannel
    from eegrpc.transcoding.transcoder import Transcoder

__all__ = ["AioTranscodingChannel", "Transcoder", "TranscodingChannel"]

_HOMES = {"AioTranscodingChannel": "aio_channel", "Transcoder": "transcoder", "TranscodingChannel": "channel"}


def __getattr__(name: str) -> Any:
    # Found when asked for: each channel brings its own HTTP library, and most programs use one of them at most.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
