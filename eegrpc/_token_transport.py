"""What fetches an access token: the HTTP that google-auth does it by, and the search for application defaults."""

from __future__ import annotations

import importlib.util
import urllib.parse
from typing import TYPE_CHECKING, Any, Union

import grpc

from eegrpc.transcoding.endpoint import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import google.auth.credentials

__all__ = ["CredentialsError", "DefaultCredentials", "Resolved", "TokenTransport"]


class CredentialsError(Exception):
    """No usable token; the call ends with this status before anything is sent.

    UNAUTHENTICATED: the operator must repair the credentials. UNAVAILABLE: the token endpoint did not answer, which may
    pass. DEADLINE_EXCEEDED: the call's time ran out first. INVALID_ARGUMENT: the caller must correct the call's
    metadata. `details` is fixed text, never a provider's or server's.
    """

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return self.details


class DefaultCredentials:
    """Application default credentials, looked for when the first token is needed.

    The search may ask Google Cloud's metadata server, and channels are also made on event loops.
    """

    __slots__ = ("quota_project", "scopes")

    def __init__(self, scopes: Sequence[str], quota_project: str | None) -> None:
        self.scopes = tuple(scopes)
        self.quota_project = quota_project

    def __repr__(self) -> str:
        return "DefaultCredentials()"

    def load(self, transport: TokenTransport) -> google.auth.credentials.Credentials:
        """Return what google.auth.default finds; blocks.

        Raises:
            CredentialsError: UNAUTHENTICATED, there is nothing.
        """
        import google.auth
        import google.auth.exceptions

        default: Any = google.auth.default
        try:
            credentials, _ = default(scopes=self.scopes, quota_project_id=self.quota_project, request=transport)
        except google.auth.exceptions.DefaultCredentialsError:
            credentials = None
        if credentials is None:
            raise CredentialsError(grpc.StatusCode.UNAUTHENTICATED, _no_default_credentials())
        return credentials  # type: ignore[no-any-return]


Resolved = Union["google.auth.credentials.Credentials", DefaultCredentials, None]
"""What a channel authenticates by; None is anonymous."""


def _no_default_credentials() -> str:
    text = (
        "no Google credentials found: run `gcloud auth application-default login`, "
        "set GOOGLE_APPLICATION_CREDENTIALS, or pass credentials="
    )
    if importlib.util.find_spec("requests") is None:  # google-auth then skips the metadata server; few see its log line
        text += "; on Google Cloud itself, pip install 'google-auth[requests]'"
    return text


class _Answer:
    """A token endpoint's answer, in the shape of google.auth.transport.Response."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


class TokenTransport:
    """One refresh's HTTP, in the shape of google.auth.transport.Request, over urllib3.

    Not google.auth.transport.urllib3: that logs request headers, tokens included, at DEBUG, follows redirects, reads
    without limit, and needs a package of its own. Not for sharing between threads.
    """

    _MOST_BYTES = 1 << 20
    _TIMEOUT = 30.0  # seconds for connecting, and for each wait for bytes

    def __init__(self) -> None:
        import urllib3

        self._pool = urllib3.PoolManager(retries=False)
        self.last_status: int | None = None
        """HTTP status of the last answer, None before the first."""

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> _Answer:
        """Send one request and return the whole answer.

        Raises:
            google.auth.exceptions.TransportError: No complete answer, or HTML, which no token endpoint speaks.
            CredentialsError: The request would carry a secret over plaintext to another machine.
        """
        import google.auth.exceptions
        import urllib3

        _refuse_plaintext(url, method, headers)
        problem = ""
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(self._TIMEOUT if timeout is None else timeout),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            try:
                self.last_status = response.status
                data = response.read(self._MOST_BYTES + 1)
            finally:
                response.close()
            answer = _Answer(response.status, response.headers, data)
            if len(data) > self._MOST_BYTES:
                problem = "an answer of more than 1 MiB"
            elif response.status < 500 and response.headers.get("content-type", "").startswith("text/html"):
                problem = "HTML"
        except urllib3.exceptions.HTTPError as error:
            problem = type(error).__name__
        if problem:
            transport_error: Any = google.auth.exceptions.TransportError
            raise transport_error(f"token endpoint: {problem}")
        return answer


def _refuse_plaintext(url: str, method: str, headers: Mapping[str, str] | None) -> None:
    """Refuse secrets (bodies, authorization) over plaintext. GETs of metadata servers are plaintext by design."""
    parts = urllib.parse.urlsplit(url)
    carries_secret = method == "POST" or any(name.lower() == "authorization" for name in headers or ())
    if parts.scheme != "https" and carries_secret and not is_loopback_host(parts.hostname or ""):
        raise CredentialsError(
            grpc.StatusCode.UNAUTHENTICATED,
            "the credentials name a token endpoint without TLS on another machine: correct its URL to https://",
        )
