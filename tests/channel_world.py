"""The kinds of channel that the behaviour suites run on, each with a scripted server of the kind it is for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from servers import ScriptedServicer, free_port, grpc_server, rest_server

import eegrpc
from eegrpc._native_channel import NativeChannel
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("stock", "rest", "auto-grpc", "auto-rest")
"""grpc's own channel comes first: what it does is the standard. `auto` stands before a gRPC and an HTTP/1.1 server."""

SYNC_KINDS = (*KINDS, "native")
"""And grpc's own channel as `create_channel` has it, another one in each process."""


class World:
    """One kind of channel, and a server that answers by a script."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.servicer = ScriptedServicer()
        self.port = free_port()
        self._stack = contextlib.ExitStack()

    @property
    def is_stock(self) -> bool:
        """Whether grpc's own channel is looked at."""
        return self.kind in ("stock", "native")

    @property
    def code_of_streams(self) -> grpc.StatusCode:
        """What a stream ends with: `auto` sends them by gRPC alone, and one HTTP/1.1 server cannot be reached by it."""
        return grpc.StatusCode.UNAVAILABLE if self.kind == "auto-rest" else grpc.StatusCode.UNIMPLEMENTED

    @property
    def serves_rest(self) -> bool:
        """Whether the server speaks HTTP/1.1 only."""
        return self.kind.endswith("rest")

    def start(self) -> None:
        """Start the server; until then nothing listens there."""
        serve = rest_server if self.serves_rest else grpc_server
        self._stack.enter_context(serve(self.servicer, self.port))

    def open(self, interceptors: Sequence[Any] = ()) -> grpc.Channel:
        """Return a channel to the server; it is closed when the test ends."""
        address = f"127.0.0.1:{self.port}"
        if self.kind.startswith("auto"):
            channel = eegrpc.create_channel(f"http://{address}", interceptors=interceptors)
        else:
            channel = self._plain(address)
            channel = grpc.intercept_channel(channel, *interceptors) if interceptors else channel
        self._stack.callback(channel.close)
        return channel

    def _plain(self, address: str) -> grpc.Channel:
        if self.kind == "native":
            return NativeChannel(lambda: grpc.insecure_channel(address))
        return grpc.insecure_channel(address) if self.is_stock else TranscodingChannel(f"http://{address}")

    def open_aio(self, interceptors: Sequence[Any] = ()) -> grpc.aio.Channel:
        """Return an asyncio channel to the server; the test closes it."""
        address = f"127.0.0.1:{self.port}"
        if self.kind.startswith("auto"):
            return eegrpc.create_aio_channel(f"http://{address}", interceptors=interceptors)
        if self.is_stock:
            return grpc.aio.insecure_channel(address, interceptors=interceptors)
        return AioTranscodingChannel(f"http://{address}", interceptors=interceptors)

    def close(self) -> None:
        """Close the channels and stop the server."""
        self._stack.close()
