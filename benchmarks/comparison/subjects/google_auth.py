"""What Google's own examples for Earth Engine's REST API use: a requests session that adds credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.comparison.subject import SyncSubject
from benchmarks.comparison.subjects.json_pages import CONNECTIONS, JsonRequest, count_images, count_over_pages

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS", "AuthorizedSessionClient"]


class AuthorizedSessionClient(SyncSubject):
    """google-auth's AuthorizedSession: a dictionary is posted as JSON, and a dictionary is what comes.

    Its credentials are the anonymous ones, so no call has a token. It would keep ten connections; it is told to keep
    more, as whoever calls from more threads than that has to.
    """

    name = "AuthorizedSession"
    transport = "rest"
    needs = ("google.auth", "requests")

    def open(self, servers: Servers) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.auth.transport.requests import AuthorizedSession
        from requests.adapters import HTTPAdapter

        self._root = f"http://127.0.0.1:{servers.rest}"
        self._session = AuthorizedSession(AnonymousCredentials())
        self._session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))

    def prepare(self, work: Work) -> JsonRequest:
        return JsonRequest.of(work)

    def call(self, prepared: JsonRequest) -> int:
        return count_images(self._post(prepared, prepared.body))

    def iterate(self, work: Work) -> int:
        request = self.prepare(work)
        return count_over_pages(lambda body: self._post(request, body), request.body)

    def close(self) -> None:
        self._session.close()

    def _post(self, request: JsonRequest, body: dict[str, Any]) -> dict[str, Any]:
        response = self._session.post(self._root + request.path, json=body, headers=request.headers)
        response.raise_for_status()
        page: dict[str, Any] = response.json()
        return page


SUBJECTS: list[type[Subject]] = [AuthorizedSessionClient]
