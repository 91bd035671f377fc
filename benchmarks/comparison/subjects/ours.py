"""eegrpc as its users call it, and the generated stub on its channels; by gRPC and by REST, blocking and with asyncio.

Everything is as it comes: retries, deadlines, checks of the request, and a page fetched ahead where there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.comparison.subject import AsyncSubject, SyncSubject
from benchmarks.comparison.subjects import stubs

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS"]


def _endpoint(servers: Servers, transport: str) -> str:
    return f"http://127.0.0.1:{servers.grpc if transport == 'grpc' else servers.rest}"


def _arguments(work: Work) -> dict[str, Any]:
    """Return what `compute_images` is called with for a piece of work; its expression is parsed once."""
    from eegrpc._expressions import to_expression  # what each call would do with a dict

    return {
        "expression": to_expression(work.expression),
        "project": work.project,
        "page_size": work.page_size,
        "fields": work.fields or None,
    }


class _Client(SyncSubject):
    def open(self, servers: Servers) -> None:
        from eegrpc import EarthEngineClient

        self._client = EarthEngineClient(endpoint=_endpoint(servers, self.transport), transport=self.transport)

    def prepare(self, work: Work) -> Any:
        return _arguments(work)

    def call(self, prepared: Any) -> int:
        return len(next(iter(self._client.compute_images(**prepared).pages)).images)

    def iterate(self, work: Work) -> int:
        return sum(1 for _ in self._client.compute_images(**_arguments(work)))

    def close(self) -> None:
        self._client.close()


class ClientGrpc(_Client):
    name = "eegrpc, grpc"
    transport = "grpc"


class ClientRest(_Client):
    name = "eegrpc, rest"
    transport = "rest"


class _AsyncClient(AsyncSubject):
    def open(self, servers: Servers) -> None:
        from eegrpc import EarthEngineAsyncClient

        self._client = EarthEngineAsyncClient(endpoint=_endpoint(servers, self.transport), transport=self.transport)

    def prepare(self, work: Work) -> Any:
        return _arguments(work)

    async def call(self, prepared: Any) -> int:
        pager = await self._client.compute_images(**prepared)
        return len((await anext(aiter(pager.pages))).images)

    async def iterate(self, work: Work) -> int:
        count = 0
        async for _ in await self._client.compute_images(**_arguments(work)):
            count += 1
        return count

    async def close(self) -> None:
        await self._client.close()


class AsyncClientGrpc(_AsyncClient):
    name = "eegrpc, grpc, asyncio"
    transport = "grpc"


class AsyncClientRest(_AsyncClient):
    name = "eegrpc, rest, asyncio"
    transport = "rest"


class _Stub(stubs.StubSubject):
    def channel(self, servers: Servers) -> Any:
        from eegrpc import create_channel

        return create_channel(_endpoint(servers, self.transport), transport=self.transport)


class StubGrpc(_Stub):
    name = "eegrpc stub, grpc"
    transport = "grpc"


class StubRest(_Stub):
    name = "eegrpc stub, rest"
    transport = "rest"


class _AsyncStub(stubs.AsyncStubSubject):
    def channel(self, servers: Servers) -> Any:
        from eegrpc import create_aio_channel

        return create_aio_channel(_endpoint(servers, self.transport), transport=self.transport)


class AsyncStubGrpc(_AsyncStub):
    name = "eegrpc stub, grpc, asyncio"
    transport = "grpc"


class AsyncStubRest(_AsyncStub):
    name = "eegrpc stub, rest, asyncio"
    transport = "rest"


SUBJECTS: list[type[Subject]] = [
    ClientGrpc,
    ClientRest,
    AsyncClientGrpc,
    AsyncClientRest,
    StubGrpc,
    StubRest,
    AsyncStubGrpc,
    AsyncStubRest,
]
