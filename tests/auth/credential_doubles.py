"""What tests of credentials share: endpoints, a provider that does as it is told, and looks at metadata and errors."""

from collections.abc import Iterator
from typing import Any

import google.auth.credentials

from eegrpc._options import DEFAULT_ENDPOINT
from eegrpc.transcoding.endpoint import Endpoint

GOOGLE = Endpoint.parse(DEFAULT_ENDPOINT)
GATEWAY = Endpoint.parse("https://gateway.example")


class Provider(google.auth.credentials.Credentials):  # type: ignore[misc]
    """Credentials whose refresh does what the test says."""

    def __init__(self, refresh: Any) -> None:
        super().__init__()
        self._do = refresh

    def refresh(self, request: object) -> None:
        self.token = self._do()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and all that hangs on it, shown or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)
