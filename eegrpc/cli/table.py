"""The layout of a table of images: which columns there are, and how wide; colours and streams are not its business."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from eegrpc.cli import image_facts
from eegrpc.cli.text import cut, cut_middle, pad, printable, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eegrpc.cli.terminal import Part
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["Column", "Layout", "interesting_names", "lay_out"]

_GAP: Final = 2
_WIDEST: Final = 60  # of one column, where there is no terminal to fit into
_FEW: Final = 4  # so many properties are all shown, asked for or not


@dataclass(slots=True)
class Column:
    """One column: what it is called, what it says of an image, and how much it matters."""

    title: str
    text: Callable[[EarthEngineAsset], str]
    least: int
    """The width below which it says nothing any more."""
    essential: bool = False
    """Keeps its full width while others are left out."""
    always: bool = False
    """A column even when all images have the same in it."""
    style: str = ""
    right: bool = False
    middle: bool = False
    """Cut in the middle: both ends of an id matter."""
    width: int = 0
    natural: int = 0

    def measure(self, images: Sequence[EarthEngineAsset]) -> set[str]:
        """Work out the natural width; return the different texts."""
        texts = {printable(self.text(image)) for image in images}
        content = max(map(width, texts), default=0)
        self.natural = min(max(content, min(width(self.title), max(content, 14))), _WIDEST)
        self.least = min(self.least, self.natural)
        return texts

    def cell(self, text: str) -> str:
        """Return text as it stands in the column."""
        text = (cut_middle if self.middle else cut)(printable(text), self.width)
        return pad(text, self.width, right=self.right)


@dataclass(slots=True)
class Layout:
    """A table's columns, and what its images have in common and is therefore said only once."""

    columns: list[Column]
    collection: str = ""
    """The collection that all images are in."""
    common: list[str] = field(default_factory=list)
    """What else they have in common, such as ``grid EPSG:32610 10 m``."""

    def header(self) -> list[Part]:
        """Return the line of titles."""
        return _spaced([(column.cell(column.title), "dim") for column in self.columns])

    def row(self, image: EarthEngineAsset) -> list[Part]:
        """Return the line of an image."""
        cells: list[Part] = []
        for column in self.columns:
            text = column.text(image)
            cells.append((column.cell(text or "-"), column.style if text else "dim"))
        return _spaced(cells)


def _spaced(cells: list[Part]) -> list[Part]:
    spaced: list[Part] = []
    for cell in cells:
        spaced += [" " * _GAP, cell] if spaced else [cell]
    return spaced


def lay_out(
    images: Sequence[EarthEngineAsset], *, room: int | None, names: Iterable[str] = (), whole: bool = True
) -> Layout:
    """Choose the columns for images.

    Args:
        images: The images, or the first page of them.
        room: Columns of the terminal; None for as many as it takes.
        names: Words of the expression; properties called so are shown.
        whole: These are all the images: what they have in common is then said once, and is no column.
    """
    layout = Layout([])
    for column in _columns(images, names):
        texts = column.measure(images)
        if not any(texts):
            continue
        if not whole or column.always or len(texts) > 1 or len(images) == 1:
            layout.columns.append(column)
        elif column.text is image_facts.collection:
            layout.collection = texts.pop()
        else:
            layout.common.append(f"{column.title} {texts.pop()}")
    layout.columns = _fit(layout.columns, room)
    return layout


def _columns(images: Sequence[EarthEngineAsset], names: Iterable[str]) -> list[Column]:
    times = {image_facts.time(image)[10:] for image in images}
    if times <= {"", " 00:00"}:
        when = Column("date (UTC)", lambda image: image_facts.time(image)[:10], 10, essential=True, always=True)
    else:
        when = Column("time (UTC)", image_facts.time, 16, essential=True, always=True)
    return [
        when,
        Column("collection", image_facts.collection, 16, essential=True, middle=True),
        Column("image", image_facts.index, 24, essential=True, always=True, style="cyan", middle=True),
        Column("cloud %", image_facts.cloud, 7, essential=True, right=True),
        *(_property_column(name) for name in _property_names(images, names)),
        Column("bands", image_facts.bands, 12),
        Column("centre", image_facts.centre, 14),
        Column("grid", image_facts.grid, 10),
    ]


def _property_column(name: str) -> Column:
    return Column(printable(name), lambda image: image_facts.property_text(image, name), 10, style="green")


def _property_names(images: Sequence[EarthEngineAsset], names: Iterable[str]) -> list[str]:
    """Return the properties to show: those that the expression speaks of; all where there are hardly any."""
    present: set[str] = set()
    for image in images:
        present.update(image.properties.fields)
    present = {name for name in present if not name.startswith("system:")}
    if len(present) > _FEW:
        present.intersection_update(names)
    return sorted(present.difference(image_facts.CLOUD_PROPERTIES))


def _fit(columns: list[Column], room: int | None) -> list[Column]:
    """Give every column its width, and leave out what has no room, from the end, the essential ones last."""
    if room is None:
        for column in columns:
            column.width = column.natural
        return columns
    essential = [column for column in columns if column.essential]
    while len(essential) > 1 and _total(column.least for column in essential) > room:
        # The image's name is the last to go: all else can be asked for by it.
        essential.remove(next(column for column in reversed(essential) if column.text is not image_facts.index))
    for column in essential:
        column.width = min(column.least, room)
    left = room - _total(column.width for column in essential)
    for column in sorted(essential, key=lambda column: column.text is not image_facts.index):
        more = min(left, column.natural - column.width)
        column.width += more
        left -= more
    for column in columns:
        if not column.essential and column.least <= left - _GAP:
            column.width = min(column.natural, left - _GAP)
            left -= _GAP + column.width
    return [column for column in columns if column.width]


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + _GAP * max(len(each) - 1, 0)


def interesting_names(expression: str) -> set[str]:
    """Return the words in an expression's JSON; among them are the properties that it filters by, sorts by and sets."""
    names: set[str] = set()
    stack: list[Any] = [json.loads(expression)]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            names.update(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str):
            names.add(item)
            names.update(re.findall(r"\w+(?::\w+)*", item))  # filters can be text: "CLOUD_COVER < 10"
    return names
