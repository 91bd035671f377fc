"""The values that expressions compute, other than numbers, strings, lists and dictionaries, which are Python's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """A function as a value: what Collection.map takes. The evaluator defines the only kind there is so far."""

    __slots__ = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        raise NotImplementedError


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
        return Feature(self.shape, _merged(self.properties, changes))

    def property_names(self) -> list[str]:
        """Names of the properties."""
        return sorted(self.properties, key=_system_last)

    @property
    def geometry(self) -> Geometry | None:
        """The geometry."""
        return self.shape


@dataclass(frozen=True, slots=True, eq=False)
class Collection(Element):
    """Images or features in a certain order; also an element itself, of a collection of collections.

    Attributes:
        elements: What is in it.
        of_images: Whether that is images.
        properties: Its own properties; ``system:id`` and ``system:version`` are those of the asset it is from.

    """

    elements: tuple[Element, ...]
    of_images: bool = False
    properties: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.elements)

    def replaced(self, elements: tuple[Element, ...]) -> Collection:
        """Return the same collection, properties included, with other elements of the same kind."""
        return Collection(elements, self.of_images, self.properties)

    def get(self, name: str) -> object:
        """Return the value of a property of the collection itself."""
        return self.properties.get(name)

    def setting(self, changes: Mapping[str, object]) -> Collection:
        """Return the same collection with some properties replaced; None removes one."""
        return Collection(self.elements, self.of_images, _merged(self.properties, changes))

    def property_names(self) -> list[str]:
        """Names of the properties of the collection itself."""
        return sorted(self.properties, key=_system_last)

    @property
    def geometry(self) -> Geometry | None:
        """None: the geometries of the elements are gathered only where a function asks for it."""
        return None


def _merged(properties: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**properties, **changes}.items() if value is not None}


def _system_last(name: str) -> tuple[bool, str]:
    return (name.startswith(SYSTEM_PREFIX), name)
