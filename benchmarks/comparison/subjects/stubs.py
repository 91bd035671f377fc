"""The generated stub, on whatever channel: what is left of a call where there is no client."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from benchmarks.comparison.subject import AsyncSubject, SyncSubject

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Work

__all__ = ["AsyncStubSubject", "StubSubject"]

_TIMEOUT = 330  # seconds: the deadline that eegrpc's client gives its calls


def _request_and_metadata(work: Work) -> tuple[Any, tuple[tuple[str, str], ...]]:
    from google.protobuf import json_format

    from eegrpc.v1alpha import ComputeImagesRequest, Expression

    expression = json_format.ParseDict(work.expression, Expression())
    request = ComputeImagesRequest(project=work.project, expression=expression, page_size=work.page_size)
    return request, (("x-goog-fieldmask", work.fields),) if work.fields else ()


class StubSubject(SyncSubject):
    """A stub on a channel."""

    @abc.abstractmethod
    def channel(self, servers: Servers) -> Any:
        """Return the channel."""

    def open(self, servers: Servers) -> None:
        from eegrpc.v1alpha import EarthEngineStub

        self._channel = self.channel(servers)
        self._method = EarthEngineStub(self._channel).ComputeImages

    def prepare(self, work: Work) -> Any:
        return _request_and_metadata(work)

    def call(self, prepared: Any) -> int:
        request, metadata = prepared
        return len(self._method(request, metadata=metadata, timeout=_TIMEOUT).images)

    def iterate(self, work: Work) -> int:
        request, metadata = _request_and_metadata(work)
        count = 0
        while True:
            page = self._method(request, metadata=metadata, timeout=_TIMEOUT)
            for _ in page.images:
                count += 1
            if not page.next_page_token:
                return count
            request.page_token = page.next_page_token

    def close(self) -> None:
        self._channel.close()


class AsyncStubSubject(AsyncSubject):
    """A stub on an asyncio channel."""

    @abc.abstractmethod
    def channel(self, servers: Servers) -> Any:
        """Return the channel."""

    def open(self, servers: Servers) -> None:
        from eegrpc.v1alpha import EarthEngineStub

        self._channel = self.channel(servers)
        self._method = EarthEngineStub(self._channel).ComputeImages

    def prepare(self, work: Work) -> Any:
        return _request_and_metadata(work)

    async def call(self, prepared: Any) -> int:
        request, metadata = prepared
        return len((await self._method(request, metadata=metadata, timeout=_TIMEOUT)).images)

    async def iterate(self, work: Work) -> int:
        request, metadata = _request_and_metadata(work)
        count = 0
        while True:
            page = await self._method(request, metadata=metadata, timeout=_TIMEOUT)
            for _ in page.images:
                count += 1
            if not page.next_page_token:
                return count
            request.page_token = page.next_page_token

    async def close(self) -> None:
        await self._channel.close()
