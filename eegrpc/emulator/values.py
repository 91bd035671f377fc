"""The values that expressions compute, other than numbers, strings, lists and dictionaries, which are Python's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from eegrpc.emulator.filters import Filter
    from eegrpc.emulator.geometry import Geometry
    from eegrpc.emulator.images import Image

# Geometry of an element, as a property: the name that filters and distinct use for it.
GEOMETRY_FIELD = ".geo"

# What an element may carry that is not an ordinary property.
SYSTEM_PREFIX = "system:"


@dataclass(frozen=True, slots=True)
class Date:
    """A point in time: milliseconds since 1970 in UTC."""

    millis: int


@dataclass(frozen=True, slots=True)
class DateRange:
    """Milliseconds from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: int
    end: int


class Function:
    """A function as a value: what Collection.map takes. The evaluator defines the only kind there is so far."""

    __slots__ = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        raise NotImplementedError


class Element:
    """An image or a feature: something with properties and a geometry. Immutable."""

    __slots__ = ()

    def get(self, name: str) -> object:
        """Return the value of a property, virtual ones included; None if there is none."""
        raise NotImplementedError

    def setting(self, changes: Mapping[str, object]) -> Element:
        """Return the same element with some properties replaced; None removes one."""
        raise NotImplementedError

    def property_names(self) -> list[str]:
        """Names of the properties that are not null, ordinary ones first, each kind in alphabetical order."""
        raise NotImplementedError

    @property
    def geometry(self) -> Geometry | None:
        """The footprint of an image, the geometry of a feature."""
        raise NotImplementedError

    @property
    def index(self) -> str | None:
        """``system:index``: what identifies the element in its collection."""
        value = self.get("system:index")
        return value if isinstance(value, str) else None

    def ordinary_properties(self) -> dict[str, object]:
        """Return the properties that are not ``system:`` ones, in alphabetical order."""
        return {name: self.get(name) for name in self.property_names() if not name.startswith(SYSTEM_PREFIX)}


@dataclass(frozen=True, slots=True, eq=False)
class Feature(Element):
    """A geometry with properties."""

    shape: Geometry | None = None
    properties: Mapping[str, object] = field(default_factory=dict)

    def get(self, name: str) -> object:
        """Return the value of a property."""
        return self.shape if name == GEOMETRY_FIELD else self.properties.get(name)

    def setting(self, changes: Mapping[str, object]) -> Feature:
        """Return the same feature with some properties replaced; None removes one."""
        merged = {**self.properties, **changes}
        return Feature(self.shape, {name: value for name, value in merged.items() if value is not None})

    def property_names(self) -> list[str]:
        """Names of the properties."""
        return sorted(self.properties, key=lambda name: (name.startswith(SYSTEM_PREFIX), name))

    @property
    def geometry(self) -> Geometry | None:
        """The geometry."""
        return self.shape


class Collection:
    """Images or features in a certain order. Immutable.

    Args:
        elements: The elements.
        of_images: Whether it is an ImageCollection, which an empty one cannot show otherwise.

    """

    __slots__ = ("_elements", "of_images")

    def __init__(self, elements: tuple[Element, ...], of_images: bool = False) -> None:
        self._elements: tuple[Element, ...] | None = elements
        self.of_images = of_images

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements in order."""
        return self._elements or ()

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def replaced(self, elements: tuple[Element, ...]) -> Collection:
        """Return a collection of the same kind with other elements."""
        return Collection(elements, self.of_images)

    def part(self, start: int, stop: int) -> Collection:
        """Return the elements from the position `start` up to but not including `stop`."""
        return self.replaced(self.elements[start:stop])


class LazyCollection(Collection):
    """Images that are read when they are needed. What is lazy about it shows in nothing but time and memory.

    All that `Collection` can do it does as well, at the price of reading what it takes.
    """

    __slots__ = ()

    def filtered(self, test: Filter) -> Collection:
        """Return the elements that pass; errors of the filter are raised here, and not when they are read."""
        raise NotImplementedError

    def ordered(self, key: str, *, ascending: bool) -> Collection | None:
        """Return the elements ordered by a property, as Collection.limit does; None if they must be read for that."""
        raise NotImplementedError

    def result(self) -> Sequence[Image]:
        """Return the images for an answer: found now, and each read when it is asked for."""
        raise NotImplementedError
