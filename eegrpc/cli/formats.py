"""How images are written to stdout: a table, a line of JSON each, or one JSON object. Page by page, as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from eegrpc.cli.failures import FAILED, CommandError
from eegrpc.cli.table import Layout, lay_out
from eegrpc.cli.text import width
from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eegrpc.cli.terminal import Output

__all__ = ["Format", "JsonObject", "Ndjson", "Table"]

_DESCRIPTOR: Final[Any] = EarthEngineAsset.DESCRIPTOR
_MAPPER: Final = MessageMapper(_DESCRIPTOR)


class Format(Protocol):
    """What writes images. After the last page comes `end`, also after an error that left some pages out."""

    def page(self, images: Sequence[EarthEngineAsset], *, more: bool) -> None:
        """Write a page, and flush it.

        Args:
            images: The images; possibly none.
            more: There are pages to come.
        """

    def end(self, next_page_token: str, *, complete: bool) -> None:
        """Write what comes after the last page.

        Args:
            next_page_token: Where another call can go on; empty after all images, and when not even one page came.
            complete: No error cut the pages short.
        """


class Ndjson:
    """One image per line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def page(self, images: Sequence[EarthEngineAsset], *, more: bool) -> None:  # noqa: ARG002
        """Write a page."""
        for image in images:
            self._output.write(_json(image) + b"\n")
        self._output.flush()

    def end(self, next_page_token: str, *, complete: bool) -> None:
        """Nothing comes after the last line."""


class JsonObject:
    """A ComputeImagesResponse with all images, complete also when an error came: then its token says where to go on."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._images = 0
        self._open = False

    def page(self, images: Sequence[EarthEngineAsset], *, more: bool) -> None:  # noqa: ARG002
        """Write a page."""
        self._begin()
        for image in images:
            self._output.write((b",\n" if self._images else b"\n") + _json(image))
            self._images += 1
        self._output.flush()

    def end(self, next_page_token: str, *, complete: bool) -> None:
        """Close the object."""
        if not complete and not self._open:
            return
        self._begin()
        self._output.write(b"\n]" if self._images else b"]")
        if next_page_token:
            self._output.write(b',"nextPageToken":' + json.dumps(next_page_token).encode())
        self._output.write(b"}\n")
        self._output.flush()

    def _begin(self) -> None:
        if not self._open:
            self._open = True
            self._output.write(b'{"images":[')


def _json(image: EarthEngineAsset) -> bytes:
    try:
        return _MAPPER.to_json(image.SerializeToString())
    except MapperError as error:  # gRPC can carry a NaN in a property, JSON cannot
        raise CommandError(FAILED, f"an image cannot be written as JSON: {error}", "Use --format table.") from error


class Table:
    """A table, laid out by the first page that has images.

    Args:
        output: Where it goes.
        names: Words of the expression, see `lay_out`.
    """

    def __init__(self, output: Output, names: Iterable[str]) -> None:
        self._output = output
        self._names = names
        self._room = output.columns
        self._layout: Layout | None = None
        self._images = 0
        self._pages = 0

    def page(self, images: Sequence[EarthEngineAsset], *, more: bool) -> None:
        """Write a page."""
        self._pages += 1
        self._images += len(images)
        if not images:
            return
        if self._layout is None:
            self._layout = lay_out(images, room=self._room, names=self._names, whole=not more)
            self._begin(self._layout, whole=not more)
        if self._layout.columns:
            for image in images:
                self._output.line(*self._layout.row(image))
        self._output.flush()

    def end(self, next_page_token: str, *, complete: bool) -> None:
        """Write the count where the title has it not, and whether there is more."""
        if not complete:
            return
        if self._images == 0:
            self._output.line(("0 images", "bold"))
        elif self._pages > 1:
            self._output.line((f"{_count(self._images)} in {self._pages} pages", "bold"))
        if next_page_token:
            self._output.line(("there are more: raise --limit, or see nextPageToken in --format json", "dim"))
        self._output.flush()

    def _begin(self, layout: Layout, *, whole: bool) -> None:
        if whole:  # else neither the count nor what they have in common is known yet
            of = f" of {layout.collection}" if layout.collection else ""
            self._output.line((_count(self._images), "bold"), of)
            for line in _joined(layout.common, self._room):
                self._output.line((line, "dim"))
            self._output.line()
        if layout.columns:
            self._output.line(*layout.header())


def _joined(facts: Iterable[str], room: int | None) -> list[str]:
    """Return the facts in as few lines as they fit into."""
    lines: list[str] = []
    for fact in facts:
        if lines and (room is None or width(lines[-1]) + 3 + width(fact) <= room):
            lines[-1] += f" · {fact}"
        else:
            lines.append(fact if lines else f"all with {fact}")
    return lines


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images:,} images"
