"""What eegrpc is built on, with nothing around it: grpcio's channels, urllib3 and aiohttp.

The HTTP clients post a dictionary as JSON and get dictionaries, as somebody's own script would.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.comparison.subject import AsyncSubject, SyncSubject
from benchmarks.comparison.subjects import stubs

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS"]

_CONNECTIONS = 64  # as many as eegrpc keeps
_LARGE_MESSAGES = (("grpc.max_receive_message_length", 128 << 20),)  # gRPC's own 4 MiB are less than a page


class RawStub(stubs.StubSubject):
    name = "raw stub, grpc"
    transport = "grpc"

    def channel(self, servers: Servers) -> Any:
        import grpc

        return grpc.insecure_channel(f"127.0.0.1:{servers.grpc}", options=_LARGE_MESSAGES)


class AsyncRawStub(stubs.AsyncStubSubject):
    name = "raw stub, grpc, asyncio"
    transport = "grpc"

    def channel(self, servers: Servers) -> Any:
        import grpc.aio

        return grpc.aio.insecure_channel(f"127.0.0.1:{servers.grpc}", options=_LARGE_MESSAGES)


def _parts(work: Work) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return path, body and headers of a request."""
    headers = {"content-type": "application/json"}
    if work.fields:
        headers["x-goog-fieldmask"] = work.fields
    body = {"expression": work.expression, "pageSize": work.page_size}
    return f"/v1alpha/{work.project}/imageCollection:computeImages", body, headers


class RawUrllib3(SyncSubject):
    name = "raw urllib3"
    transport = "rest"
    needs = ("urllib3",)

    def open(self, servers: Servers) -> None:
        import urllib3

        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, block=True)
        self._address = f"http://127.0.0.1:{servers.rest}"

    def prepare(self, work: Work) -> Any:
        return _parts(work)

    def call(self, prepared: Any) -> int:
        return len(self._post(*prepared)["images"])

    def iterate(self, work: Work) -> int:
        path, body, headers = _parts(work)
        count = 0
        while True:
            page = self._post(path, body, headers)
            for _ in page["images"]:
                count += 1
            if "nextPageToken" not in page:
                return count
            body["pageToken"] = page["nextPageToken"]

    def close(self) -> None:
        self._pool.clear()

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        response = self._pool.request("POST", self._address + path, body=json.dumps(body), headers=headers)
        if response.status != 200:
            raise RuntimeError(f"HTTP status {response.status}")
        answer: dict[str, Any] = json.loads(response.data)
        return answer


class RawAiohttp(AsyncSubject):
    name = "raw aiohttp"
    transport = "rest"
    needs = ("aiohttp",)

    def open(self, servers: Servers) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(
            f"http://127.0.0.1:{servers.rest}", connector=aiohttp.TCPConnector(limit=_CONNECTIONS)
        )

    def prepare(self, work: Work) -> Any:
        return _parts(work)

    async def call(self, prepared: Any) -> int:
        return len((await self._post(*prepared))["images"])

    async def iterate(self, work: Work) -> int:
        path, body, headers = _parts(work)
        count = 0
        while True:
            page = await self._post(path, body, headers)
            for _ in page["images"]:
                count += 1
            if "nextPageToken" not in page:
                return count
            body["pageToken"] = page["nextPageToken"]

    async def close(self) -> None:
        await self._session.close()

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        async with self._session.post(path, data=json.dumps(body).encode(), headers=headers) as response:
            response.raise_for_status()
            answer: dict[str, Any] = json.loads(await response.read())
            return answer


SUBJECTS: list[type[Subject]] = [RawStub, AsyncRawStub, RawUrllib3, RawAiohttp]
