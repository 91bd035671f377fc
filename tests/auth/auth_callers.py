"""Channels of every kind, and calls on them that are authenticated, by threads or by asyncio."""

import asyncio
import threading
from typing import Any

import grpc
import grpc.aio
from auth_server import AuthServer

from eegrpc._auth import AuthInterceptor, aio_auth_interceptors
from eegrpc._tokens import TokenSource
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

REQUEST = ComputeImagesRequest(project="projects/p", page_token="x")
STALE = "canary-stale-token"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
CALL: dict[str, Any] = {"timeout": 30}


def open_channel(kind: str, server: AuthServer) -> grpc.Channel:
    """Return a channel of this kind without authentication."""
    return TranscodingChannel(f"http://{server.target}") if kind == "rest" else grpc.insecure_channel(server.target)


def open_aio_channel(kind: str, server: AuthServer, interceptors: list[grpc.aio.ClientInterceptor]) -> grpc.aio.Channel:
    """Return an asyncio channel of this kind with these interceptors."""
    if kind == "rest":
        return AioTranscodingChannel(f"http://{server.target}", interceptors=interceptors)
    return grpc.aio.insecure_channel(server.target, interceptors=interceptors)


class Caller:
    """Makes one call, by threads or by asyncio, so that each test is written once."""

    def __init__(self, kind: str, colour: str, server: AuthServer) -> None:
        self.kind = kind
        self.colour = colour
        self.server = server

    async def calls(self, source: TokenSource, *calls: dict[str, Any], together: bool = False, **how: Any) -> list[Any]:
        """Make calls on one channel; return for each the response, or the error it raised."""
        if self.colour == "sync":
            return await asyncio.to_thread(self._sync, source, calls, together, how)
        async with open_aio_channel(self.kind, self.server, aio_auth_interceptors(source, **how)) as channel:
            stub = EarthEngineStub(channel)

            async def one(call: dict[str, Any]) -> Any:
                try:
                    return await stub.ComputeImages(REQUEST, **call)
                except grpc.RpcError as error:
                    return error

            if together:
                return await asyncio.gather(*(one(call) for call in calls))
            return [await one(call) for call in calls]

    def _sync(self, source: TokenSource, calls: tuple[dict[str, Any], ...], together: bool, how: Any) -> list[Any]:
        with open_channel(self.kind, self.server) as plain:
            stub = EarthEngineStub(grpc.intercept_channel(plain, AuthInterceptor(source, **how)))
            results: list[Any] = [None] * len(calls)

            def one(index: int) -> None:
                try:
                    results[index] = stub.ComputeImages(REQUEST, **calls[index])
                except grpc.RpcError as error:
                    results[index] = error

            if together:
                threads = [threading.Thread(target=one, args=(index,)) for index in range(len(calls))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                for index in range(len(calls)):
                    one(index)
            return results


async def await_call(call: Any) -> Any:
    """Await a call in a coroutine, of which a task can be made."""
    return await call
