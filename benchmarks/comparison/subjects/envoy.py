"""The other way to have REST of a gRPC server: Envoy's transcoder before it, and a plain HTTP client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.comparison.subject import SyncSubject
from benchmarks.comparison.subjects.json_pages import CONNECTIONS, JsonRequest, count_images, count_over_pages

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS", "EnvoyClient"]


class EnvoyClient(SyncSubject):
    """urllib3 by itself, and the standard library's JSON; Envoy is another process, whose CPU time is not the client's.

    Where `Servers.envoy` is None it cannot be opened.
    """

    name = "Envoy before gRPC, urllib3"
    transport = "rest"
    needs = ("envoy", "urllib3")

    def open(self, servers: Servers) -> None:
        import urllib3

        if servers.envoy is None:
            raise ValueError("Envoy is not running")
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", servers.envoy, maxsize=CONNECTIONS, retries=False)

    def prepare(self, work: Work) -> JsonRequest:
        return JsonRequest.of(work)

    def call(self, prepared: JsonRequest) -> int:
        return count_images(self._post(prepared, prepared.body))

    def iterate(self, work: Work) -> int:
        request = self.prepare(work)
        return count_over_pages(lambda body: self._post(request, body), request.body)

    def close(self) -> None:
        self._pool.close()

    def _post(self, request: JsonRequest, body: dict[str, Any]) -> dict[str, Any]:
        response = self._pool.request("POST", request.path, json=body, headers=request.headers)
        if response.status != 200:
            raise OSError(f"HTTP {response.status}: {response.data[:200]!r}")
        page: dict[str, Any] = json.loads(response.data)
        return page


SUBJECTS: list[type[Subject]] = [EnvoyClient]
