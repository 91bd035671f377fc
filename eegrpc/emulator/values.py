"""The values that expressions compute, other than numbers, strings, lists and dictionaries, which are Python's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from eegrpc.emulator.context import Context
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


@dataclass(frozen=True, slots=True)
class Kernel:
    """A neighbourhood of pixels with weights, of which the emulator knows how it was described.

    Attributes:
        name: The function that made it, such as ``Kernel.circle``.
        arguments: Its arguments, in order.

    """

    name: str
    arguments: tuple[object, ...]


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
