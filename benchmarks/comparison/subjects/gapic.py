"""The client that Google would release for our protos: made by its generator, on proto-plus and google-api-core.

It is made by ``python -m benchmarks.comparison.generate_gapic``. Its messages have the full names of those of
`eegrpc.v1alpha`, and a process can only have one of each: where one of these is opened, eegrpc cannot be imported.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.comparison.generate_gapic import GENERATED
from benchmarks.comparison.subject import AsyncSubject, SyncSubject

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS", "GapicAsyncio", "GapicGrpc", "GapicRest"]

sys.path.append(str(GENERATED))  # before anybody asks whether what the subjects need is there

_NEEDS = ("google.earthengine_v1alpha", "proto", "google.api_core")
# Those of the channel that the client makes for itself, which would use TLS.
_CHANNEL_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class _Prepared(NamedTuple):
    request: Any
    metadata: tuple[tuple[str, str], ...]


def _prepare(work: Work) -> _Prepared:
    """Return the request as a message of proto-plus, and the metadata that go with it."""
    from google.earthengine_v1alpha import ComputeImagesRequest

    fields = {"project": work.project, "expression": work.expression, "pageSize": work.page_size}
    request = ComputeImagesRequest.from_json(json.dumps(fields))
    return _Prepared(request, (("x-goog-fieldmask", work.fields),) if work.fields else ())


class _SyncGapic(SyncSubject):
    """Both blocking transports: all but how the client is made."""

    needs = _NEEDS
    _client: Any

    def prepare(self, work: Work) -> _Prepared:
        return _prepare(work)

    def call(self, prepared: _Prepared) -> int:
        return len(self._client.compute_images(prepared.request, metadata=prepared.metadata).images)

    def iterate(self, work: Work) -> int:
        request, metadata = _prepare(work)
        return sum(1 for _image in self._client.compute_images(request, metadata=metadata))

    def close(self) -> None:
        self._client.transport.close()


class GapicGrpc(_SyncGapic):
    """Over grpc. It has no retries: a client has those of its service's configuration, and ours has none."""

    name = "GAPIC, grpc"
    transport = "grpc"

    def open(self, servers: Servers) -> None:
        import grpc
        from google.earthengine_v1alpha import EarthEngineClient

        channel = grpc.insecure_channel(f"127.0.0.1:{servers.grpc}", _CHANNEL_OPTIONS)
        self._client = EarthEngineClient(transport=EarthEngineClient.get_transport_class("grpc")(channel=channel))


class GapicRest(_SyncGapic):
    """Over REST: an AuthorizedSession, whose pool keeps ten connections, and protobuf's json_format."""

    name = "GAPIC, rest"
    transport = "rest"

    def open(self, servers: Servers) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.earthengine_v1alpha import EarthEngineClient

        transport = EarthEngineClient.get_transport_class("rest")(
            host=f"127.0.0.1:{servers.rest}", url_scheme="http", credentials=AnonymousCredentials()
        )
        self._client = EarthEngineClient(transport=transport)


class GapicAsyncio(AsyncSubject):
    """Over grpc.aio."""

    name = "GAPIC, grpc asyncio"
    transport = "grpc"
    needs = _NEEDS

    def open(self, servers: Servers) -> None:
        import grpc.aio
        from google.earthengine_v1alpha import EarthEngineAsyncClient

        channel = grpc.aio.insecure_channel(f"127.0.0.1:{servers.grpc}", _CHANNEL_OPTIONS)
        transport = EarthEngineAsyncClient.get_transport_class("grpc_asyncio")(channel=channel)
        self._client = EarthEngineAsyncClient(transport=transport)

    def prepare(self, work: Work) -> _Prepared:
        return _prepare(work)

    async def call(self, prepared: _Prepared) -> int:
        pager = await self._client.compute_images(prepared.request, metadata=prepared.metadata)
        return len(pager.images)

    async def iterate(self, work: Work) -> int:
        request, metadata = _prepare(work)
        count = 0
        async for _image in await self._client.compute_images(request, metadata=metadata):
            count += 1
        return count

    async def close(self) -> None:
        await self._client.transport.close()


SUBJECTS: list[type[Subject]] = [GapicGrpc, GapicAsyncio, GapicRest]
