"""The values that expressions compute, other than numbers, strings, lists and dictionaries, which are Python's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from eegrpc.emulator.geometry import Geometry

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


@dataclass(frozen=True, slots=True)
class ErrorMargin:
    """How far a result may be from the truth; ``value`` is None if it does not matter at all."""

    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers in a grid, which a number by itself is as well, of no dimensions.

    Attributes:
        shape: The length of each axis.
        values: All numbers, those along the last axis next to one another.

    """

    shape: tuple[int, ...]
    values: tuple[int | float, ...]

    def at(self, position: Sequence[int]) -> int | float:
        """Return the number at a position, which must be inside."""
        offset = 0
        for index, length in zip(position, self.shape, strict=True):
            offset = offset * length + index
        return self.values[offset]

    def positions(self) -> Iterator[tuple[int, ...]]:
        """All positions, in the order of the values."""
        return product(*map(range, self.shape))

    def nested(self) -> object:
        """Return the array as lists in lists; a number if it has no dimensions."""
        rows: list[object] = list(self.values)
        if not self.shape:
            return rows[0]
        for axis in range(len(self.shape) - 1, 0, -1):
            length = self.shape[axis]
            rows = [rows[start * length : (start + 1) * length] for start in range(prod(self.shape[:axis]))]
        return rows


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


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Images or features in a certain order."""

    elements: tuple[Element, ...]
    of_images: bool = False

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def replaced(self, elements: tuple[Element, ...]) -> Collection:
        """Return a collection of the same kind with other elements."""
        return Collection(elements, self.of_images)
