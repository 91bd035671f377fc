"""What is compared: clients, each in a process of its own, that all do the same work against the same servers.

The answer to a request depends on its project alone, and, where there are several pages, on its page token; so nothing
on the server's side has to understand an expression.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = ["AsyncSubject", "Servers", "Subject", "SyncSubject", "Work"]


@dataclass(frozen=True)
class Servers:
    """Where the answers are.

    Attributes:
        grpc: Port of the gRPC server, plaintext, on 127.0.0.1.
        rest: Port of the HTTP/1.1 server, plaintext, on 127.0.0.1; the routes of all API versions.
        envoy: Port of Envoy, which transcodes for the gRPC server; None where it cannot be had.
    """

    grpc: int
    rest: int
    envoy: int | None = None


@dataclass(frozen=True)
class Work:
    """One call.

    Attributes:
        name: What tables call it.
        project: ``projects/one-image``, ``projects/page``, ``projects/pages``, ... : which answer is wanted.
        expression: The graph as a plain dictionary, in the form that the JSON API has it; every client makes its own
            form of it once, before anything is measured.
        images: How many images an answer has: a subject that gets others has failed.
        fields: A field mask for the answer, as the ``x-goog-fieldmask`` header has it; "" for all.
        page_size: What is asked for.
    """

    name: str
    project: str
    expression: dict[str, Any] = field(hash=False)
    images: int
    fields: str = ""
    page_size: int = 1000


class Subject(abc.ABC):
    """A client as its users would use it, with one connection or pool for all calls, and no retries that hide anything.

    Attributes:
        name: What tables call it.
        transport: ``grpc`` or ``rest``: with which of ours it is compared.
        needs: Names of the modules without which it cannot be measured; it is left out, and said to be.
    """

    name: ClassVar[str]
    transport: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def open(self, servers: Servers) -> None:
        """Import what is needed, and make the client; the first call connects it. Not measured, but by cold start."""


class SyncSubject(Subject):
    """A client whose calls block; several threads may make them at once."""

    @abc.abstractmethod
    def prepare(self, work: Work) -> Any:
        """Return what `call` needs of a piece of work: the request in the client's own form.

        Raises:
            ValueError: The client cannot do such work; it is left out of this one.
        """

    @abc.abstractmethod
    def call(self, prepared: Any) -> int:
        """Make one call; return how many images were in the answer, decoded as far as the client's users get it."""

    @abc.abstractmethod
    def iterate(self, work: Work) -> int:
        """Go through all pages as a user of this client would, image by image; return how many images there were."""

    def close(self) -> None:
        """Close connections."""


class AsyncSubject(Subject):
    """A client for asyncio; `open` is called with the loop running."""

    @abc.abstractmethod
    def prepare(self, work: Work) -> Any:
        """Return what `call` needs of a piece of work: the request in the client's own form.

        Raises:
            ValueError: The client cannot do such work; it is left out of this one.
        """

    @abc.abstractmethod
    async def call(self, prepared: Any) -> int:
        """Make one call; return how many images were in the answer, decoded as far as the client's users get it."""

    @abc.abstractmethod
    async def iterate(self, work: Work) -> int:
        """Go through all pages as a user of this client would, image by image; return how many images there were."""

    async def close(self) -> None:
        """Close connections."""
