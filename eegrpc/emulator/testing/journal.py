"""The journal: which requests reached the emulator, and what became of them.

It knows no protocol. Whoever takes requests tells it of each:

    with keeper.record("rest", "computeImages", request, metadata) as record:
        response = ...
        record.images = len(response.images)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from eegrpc.emulator.evaluation.graph_walk import functions_of
from eegrpc.emulator.explain import explain, explain_json
from eegrpc.v1alpha import ComputeImagesRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from eegrpc.v1alpha import Expression

__all__ = ["Entry", "Journal", "JournalKeeper", "Record"]

KEPT_ENTRIES = 10_000
"""Most entries that are kept; the oldest go first."""
KEPT_BYTES = 64 * 1024 * 1024
"""Most bytes of requests that are kept; the latest is, whatever its size."""
_ENTRY_BYTES = 500  # of an entry without its request, about

SHOWN_METADATA = (
    "eegrpc-attempt",
    "eegrpc-retry-reason",
    "user-agent",
    "x-goog-api-client",
    "x-goog-user-project",
    "x-server-timeout",
)
"""Metadata that the journal keeps. All other is left out, as it may be secret: tokens, keys, cookies."""
FIELD_MASK = "x-goog-fieldmask"
_SHOWN_CHARACTERS = 200  # of one value of metadata


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that was answered, or failed. Immutable."""

    number: int
    """In the order of arrival, from 1."""
    time: float
    """When it arrived: seconds since 1970."""
    duration: float
    """Seconds it took to work out the answer."""
    protocol: str
    """``grpc`` or ``rest``."""
    method: str
    """The method by its name over REST, such as ``computeImages``."""
    project: str
    """As it was asked for: ``projects/my-project``."""
    page_size: int
    """As it was asked for; 0 for none."""
    page_token: str
    workload_tag: str
    field_mask: str
    metadata: tuple[tuple[str, str], ...]
    """Those of `SHOWN_METADATA` that came."""
    status: str
    """Name of the status code; ``OK`` if all went well."""
    message: str
    """Of the error."""
    images: int
    """How many images were returned."""
    next_page_token: str
    assumptions: tuple[str, ...]
    """Names of the choices of ours on which the answer rests."""
    is_abandoned: bool
    """Whether the caller had gone, or its time was up, before the answer was there."""
    request: bytes = field(repr=False)
    """The request, encoded as a ComputeImagesRequest."""

    @property
    def expression(self) -> Expression:
        """The expression, as a message of its own; empty if the method takes none."""
        return ComputeImagesRequest.FromString(self.request).expression

    @property
    def functions(self) -> frozenset[str]:
        """Names of the functions in the expression."""
        return frozenset(functions_of(self.expression))

    def explain(self) -> str:
        """Return the expression as readable text (:func:`eegrpc.emulator.explain.explain`)."""
        return explain(self.expression)

    def to_json(self) -> dict[str, object]:
        """Return the entry as an object for JSON, the expression as :func:`explain_json` gives it."""
        shown: dict[str, object] = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("metadata", "request")
        }
        expression = self.expression
        return shown | {
            "metadata": dict(self.metadata),
            "expression": explain_json(expression) if expression.values else None,
        }

    def text(self) -> str:
        """Return the entry as text, with its expression."""
        lines = [str(self), *(f"    {line}" for line in self.explain().split("\n"))]
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return a line that says what it was and what became of it."""
        page = f", page {self.page_token[:8]}..." if self.page_token else ""
        outcome = (
            f"OK, {self.images} image{'' if self.images == 1 else 's'}"
            if self.status == "OK"
            else f"{self.status}: {self.message}"
        )
        return f"#{self.number} {self.protocol} {self.method} {self.project[:_SHOWN_CHARACTERS]}{page}: {outcome}"


class Record:
    """What becomes of a request while it is worked on; its attributes are the entry's."""

    def __init__(self) -> None:
        self.status = "OK"
        self.message = ""
        self.images = 0
        self.next_page_token = ""
        self.assumptions: tuple[str, ...] = ()
        self.is_abandoned = False


class JournalKeeper:
    """Keeps the latest requests; thread-safe.

    Args:
        clock: Says what time it is, in seconds since 1970.
        entries: Most entries to keep.
        size: Most bytes of requests to keep.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, *, entries: int = KEPT_ENTRIES, size: int = KEPT_BYTES
    ) -> None:
        self._clock = clock
        self._most_entries = entries
        self._most_bytes = size
        self._changed = threading.Condition()
        self._arrived = 0
        self._entries: deque[Entry] = deque()  # in the order of their ends
        self._bytes = 0
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many entries went because there were too many, since all were cleared."""
        with self._changed:
            return self._dropped

    def entries(self, project: str | None = None) -> list[Entry]:
        """Return what is kept, in the order of arrival; only requests of one project (``projects/...``) if given."""
        with self._changed:
            kept = [entry for entry in self._entries if project is None or entry.project == project]
        return sorted(kept, key=lambda entry: entry.number)

    def wait(self, count: int, timeout: float | None = None, project: str | None = None) -> bool:
        """Wait until so many requests, of one project if given, have been answered; return whether they have."""

        def are_there() -> bool:
            return sum(project is None or entry.project == project for entry in self._entries) >= count

        with self._changed:
            return self._changed.wait_for(are_there, timeout)

    def clear(self, project: str | None = None) -> None:
        """Forget the entries of one project, or all, after which requests are counted from 1 again."""
        with self._changed:
            kept = [entry for entry in self._entries if project is not None and entry.project != project]
            self._entries = deque(kept)
            self._bytes = sum(map(_size, kept))
            if project is None:
                self._arrived = self._dropped = 0

    @contextlib.contextmanager
    def record(
        self,
        protocol: str,
        method: str,
        request: ComputeImagesRequest,
        metadata: Iterable[Sequence[Any]] = (),
        wire: bytes | None = None,
    ) -> Iterator[Record]:
        """Enter a request when what is done in the ``with`` block has ended.

        Args:
            protocol: ``grpc`` or ``rest``.
            method: The method's name over REST, such as ``computeImages``.
            request: What was asked for. Other methods have the same fields, or fewer.
            metadata: What came with it, of which only the field mask and `SHOWN_METADATA` are kept.
            wire: The encoded request, if it is at hand.

        Yields:
            A record to be filled in.
        """
        with self._changed:
            self._arrived += 1
            number = self._arrived
        given = {key: str(value)[:_SHOWN_CHARACTERS] for key, value in metadata if key in (*SHOWN_METADATA, FIELD_MASK)}
        record = Record()
        began = self._clock()
        try:
            yield record
        finally:
            ended = self._clock()
            entry = Entry(
                number=number,
                time=began,
                duration=max(0.0, ended - began),
                protocol=protocol,
                method=method,
                project=request.project,
                page_size=request.page_size,
                page_token=request.page_token,
                workload_tag=request.workload_tag,
                field_mask=given.pop(FIELD_MASK, ""),
                metadata=tuple(sorted(given.items())),
                status=record.status,
                message=record.message,
                images=record.images,
                next_page_token=record.next_page_token,
                assumptions=record.assumptions,
                is_abandoned=record.is_abandoned,
                request=request.SerializeToString() if wire is None else wire,
            )
            self._keep(entry)

    def _keep(self, entry: Entry) -> None:
        with self._changed:
            self._entries.append(entry)
            self._bytes += _size(entry)
            while len(self._entries) > 1 and (
                len(self._entries) > self._most_entries or self._bytes > self._most_bytes
            ):
                self._bytes -= _size(self._entries.popleft())
                self._dropped += 1
            self._changed.notify_all()


def _size(entry: Entry) -> int:
    return len(entry.request) + len(entry.message) + _ENTRY_BYTES


class Journal(Sequence[Entry]):
    """The requests that were answered so far, or those of one project: a list that grows, in the order of arrival.

    Args:
        keeper: Has the entries.
        project: Only requests of this project (``projects/my-project``); None for all.
    """

    def __init__(self, keeper: JournalKeeper, project: str | None = None) -> None:
        self._keeper = keeper
        self._project = project

    def __len__(self) -> int:
        return len(self._keeper.entries(self._project))

    @overload
    def __getitem__(self, key: int) -> Entry: ...
    @overload
    def __getitem__(self, key: slice) -> list[Entry]: ...
    def __getitem__(self, key: int | slice) -> Entry | list[Entry]:
        return self._keeper.entries(self._project)[key]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._keeper.entries(self._project))

    def __str__(self) -> str:
        """Return the entries as text, each with its expression."""
        return "\n".join(entry.text() for entry in self)

    @property
    def dropped(self) -> int:
        """How many entries of all projects went because there were too many, since all were cleared."""
        return self._keeper.dropped

    def clear(self) -> None:
        """Forget the entries."""
        self._keeper.clear(self._project)

    def wait(self, count: int, timeout: float | None = None) -> bool:
        """Wait until so many requests have been answered.

        Args:
            count: How many entries to wait for.
            timeout: Seconds, None for any time.

        Returns:
            Whether there are so many.
        """
        return self._keeper.wait(count, timeout, self._project)
