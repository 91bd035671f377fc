"""One blocking face for calls of either colour, for tests in which the colour makes no difference to what is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.rpc import status_pb2

COLOURS = ("sync", "aio")


class Outcome(NamedTuple):
    """How a call ended."""

    code: grpc.StatusCode
    details: str = ""
    response: ComputeImagesResponse | None = None
    status: status_pb2.Status | None = None
    trailing: tuple[tuple[str, Any], ...] = ()

    @property
    def reason(self) -> str:
        """The reason in the google.rpc.ErrorInfo among the details; "" if there is none."""
        info = error_details_pb2.ErrorInfo()
        for detail in self.status.details if self.status else ():
            if detail.Unpack(info):
                return info.reason
        return ""


class Caller:
    """A channel made by `eegrpc.create_channel` or `create_aio_channel`."""

    def __init__(self, colour: str, transport: str, port: int, *, secure: bool = False, **options: Any) -> None:
        self.colour = colour
        self.loop = asyncio.new_event_loop()
        pairs = [(name.replace("__", "."), value) for name, value in options.items()]
        endpoint = f"{'https' if secure else 'http'}://127.0.0.1:{port}"
        arguments: dict[str, Any] = {"endpoint": endpoint, "transport": transport, "options": pairs}
        self.channel: Any
        if colour == "sync":
            self.channel = eegrpc.create_channel(**arguments)
        else:
            self.channel = self.loop.run_until_complete(_made(lambda: eegrpc.create_aio_channel(**arguments)))
        self.stub = EarthEngineStub(self.channel)

    def call(self, message: ComputeImagesRequest | None = None, **kwargs: Any) -> Outcome:
        """Call ComputeImages and return how it ended; other exceptions than gRPC's fly on."""
        message = message or ComputeImagesRequest(project="projects/p")
        kwargs.setdefault("timeout", 20)
        try:
            if self.colour == "sync":
                response = self.stub.ComputeImages(message, **kwargs)
            else:
                response = self.loop.run_until_complete(self._call(message, kwargs))
        except grpc.RpcError as error:
            trailing = tuple((key, value) for key, value in error.trailing_metadata() or ())
            return Outcome(error.code(), error.details(), None, rpc_status.from_call(error), trailing)
        return Outcome(grpc.StatusCode.OK, response=response)

    def calls(self, count: int, **kwargs: Any) -> list[Outcome]:
        """Call `count` times at once."""
        if self.colour == "sync":
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(count) as pool:
                return list(pool.map(lambda _: self.call(**kwargs), range(count)))

        async def one() -> Outcome:
            try:
                return Outcome(grpc.StatusCode.OK, response=await self._call(message, kwargs))
            except grpc.RpcError as error:
                return Outcome(error.code(), error.details())

        async def all_of_them() -> list[Outcome]:
            return list(await asyncio.gather(*(one() for _ in range(count))))

        message = ComputeImagesRequest(project="projects/p")
        kwargs.setdefault("timeout", 20)
        return self.loop.run_until_complete(all_of_them())

    def close(self) -> None:
        """Close the channel, once or again."""
        if self.colour == "sync":
            self.channel.close()
        elif not self.loop.is_closed():
            self.loop.run_until_complete(self.channel.close())
        self.loop.close()

    async def _call(self, message: ComputeImagesRequest, kwargs: dict[str, Any]) -> ComputeImagesResponse:
        return await self.stub.ComputeImages(message, **kwargs)


async def _made(make: Callable[[], Any]) -> Any:
    return make()
