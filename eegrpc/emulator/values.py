"""The values that expressions compute, other than numbers, strings, lists and dictionaries, which are Python's own."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, field
from itertools import product
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from typing_extensions import Self

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.filtering.filters import Filter
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.images.images import Image

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


# From here on a margin of error is infinite: half the way round the world.
_INFINITE_METERS = 2e7


@dataclass(frozen=True, slots=True)
class ErrorMargin:
    """How far a result may be from the truth; ``value`` is None if it does not matter at all."""

    value: float | None
    unit: str

    @classmethod
    def of(cls, value: float | None, unit: str) -> ErrorMargin:
        """Return a margin; of negative and of huge ones the examples of ErrorMargin in the documentation say what.

        Args:
            value: How far; needed unless the unit is ``infinite``.
            unit: The unit.

        Returns:
            The margin.

        Raises:
            AlgorithmError: There is no such margin.

        """
        if unit not in ("meters", "projected", "infinite"):
            raise AlgorithmError(f"Invalid unit '{unit}': expected 'meters', 'projected' or 'infinite'.")
        if unit == "infinite":
            return cls(None, unit)
        if not isinstance(value, (int, float)) or math.isnan(value):
            raise AlgorithmError(f"Parameter 'value', a number, is required if the unit is '{unit}'.")
        if unit == "meters" and abs(value) >= _INFINITE_METERS:
            return cls(None, "infinite")
        return cls(abs(value), unit)


_MOST_EMPTY = 100_000


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers in a grid, which a number by itself is as well, of no dimensions.

    Attributes:
        shape: The length of each axis.
        values: All numbers, those along the last axis next to one another.

    """

    shape: tuple[int, ...]
    values: tuple[int | float, ...]

    def __post_init__(self) -> None:
        # Its numbers are paid for; without any it may still be a million of lists, as soon as somebody looks at it.
        if not self.values and prod(max(length, 1) for length in self.shape) > _MOST_EMPTY:
            raise AlgorithmError(f"An array of the shape {list(self.shape)} is too large.")

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


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often each value was predicted (a column) where each value was right (a row).

    Attributes:
        counts: A square of whole numbers.
        order: The values that rows and columns stand for.

    """

    counts: Array
    order: tuple[int, ...]


class Function:
    """A function as a value: what Collection.map takes. One that the graph defines is known to the evaluator only."""

    __slots__ = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BuiltFunction(Function):
    """A function that an algorithm has made.

    Attributes:
        names: Names of the parameters.
        run: Takes the request's context and the arguments, in order.

    """

    names: tuple[str, ...]
    run: Callable[[Context, Sequence[object]], object]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.names


class Call(NamedTuple):
    """A function and what it was called with, by name, apart from defaults."""

    function: str
    arguments: Mapping[str, object]


MadeT = TypeVar("MadeT", bound="Made")


class Made:
    """What is shown as the call that made it: a filter, join, reducer or kernel."""

    __slots__ = ("_call",)

    _call: Call

    @property
    def call(self) -> Call | None:
        """The call; None if nothing but the emulator itself has made it."""
        return getattr(self, "_call", None)

    def made_by(self, call: Call) -> Self:
        """Return the same value, as made by a call."""
        # Another object: a function may give one that it was given, or one that it gives everybody.
        found = copy(self)
        object.__setattr__(found, "_call", call)
        return found


class Weights(NamedTuple):
    """What the pixels around one weigh: row by row, with column and row of that one."""

    rows: Sequence[Sequence[float]]
    x: int
    y: int

    def at(self, right: int, down: int) -> float:
        """Return the weight so far from the pixel; 0 outside."""
        row, column = self.y + down, self.x + right
        return self.rows[row][column] if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]) else 0

    def mapped(self, change: Callable[[float], float]) -> Weights:
        """Return other weights for the same pixels."""
        return Weights([[change(weight) for weight in row] for row in self.rows], self.x, self.y)


@dataclass(frozen=True, slots=True, eq=False)
class Kernel(Made):
    """A neighbourhood of pixels with weights.

    Attributes:
        weights: Works them out; only who prints a kernel wants to see them.
        depth: How many kernels are within one another in it.

    """

    weights: Callable[[Context], Weights]
    depth: int = 1


class Element:
    """An image, a feature or a collection: something with properties, and mostly a geometry. Immutable."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Feature(Element):
    """A geometry with properties."""

    shape: Geometry | None = None
    properties: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        # Not the properties: they may be features with features in turn, twice as many at each level.
        return f"Feature({self.index})"

    def get(self, name: str) -> object:
        """Return the value of a property."""
        return self.shape if name == GEOMETRY_FIELD else self.properties.get(name)

    def setting(self, changes: Mapping[str, object]) -> Feature:
        """Return the same feature with some properties replaced; None removes one."""
        return Feature(self.shape, _merged(self.properties, changes))

    def property_names(self) -> list[str]:
        """Names of the properties."""
        return sorted(self.properties, key=_system_last)

    @property
    def geometry(self) -> Geometry | None:
        """The geometry."""
        return self.shape


class Collection(Element):
    """Images or features in a certain order; also an element itself, of a collection of collections. Immutable.

    Args:
        elements: What is in it.
        of_images: Whether that is images, which an empty one cannot show otherwise.
        properties: Its own properties; ``system:id`` and ``system:version`` are those of the asset it is from.

    """

    __slots__ = ("_elements", "of_images", "properties")

    def __init__(
        self,
        elements: tuple[Element, ...],
        of_images: bool = False,
        properties: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self._elements: tuple[Element, ...] | None = elements
        self.of_images = of_images
        self.properties = properties

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements in order."""
        return self._elements or ()

    def __repr__(self) -> str:
        return "ImageCollection" if self.of_images else "FeatureCollection"

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def replaced(self, elements: tuple[Element, ...]) -> Collection:
        """Return the same collection, properties included, with other elements of the same kind."""
        return Collection(elements, self.of_images, self.properties)

    def part(self, start: int, stop: int) -> Collection:
        """Return the elements from the position `start` up to but not including `stop`."""
        return self.replaced(self.elements[start:stop])

    def with_properties(self, properties: Mapping[str, object]) -> Collection:
        """Return the same collection with other properties of its own."""
        return Collection(self.elements, self.of_images, properties)

    def get(self, name: str) -> object:
        """Return the value of a property of the collection itself."""
        return self.properties.get(name)

    def setting(self, changes: Mapping[str, object]) -> Collection:
        """Return the same collection with some properties replaced; None removes one."""
        return self.with_properties(_merged(self.properties, changes))

    def property_names(self) -> list[str]:
        """Names of the properties of the collection itself."""
        return sorted(self.properties, key=_system_last)

    @property
    def geometry(self) -> Geometry | None:
        """None: the geometries of the elements are gathered only where a function asks for it."""
        return None


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


def _merged(properties: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**properties, **changes}.items() if value is not None}


def _system_last(name: str) -> tuple[bool, str]:
    return (name.startswith(SYSTEM_PREFIX), name)
