"""Filters on how two things are related: geometries, distances, differences, types.

Source: the descriptions of the Filter functions that Earth Engine serves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegrpc.emulator.filtering.filters import Binary, Filter, Operand, comparable
from eegrpc.emulator.geometry import measures, relations
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Element

# Larger numbers have no difference that a double holds.
_LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Within(Binary):
    """A binary filter with a measure: how far the operands are apart, which may be at most a limit."""

    gap: Callable[[Context, object, object], float | None]
    limit: float

    @property
    def measured(self) -> bool:
        """True."""
        return True

    def measure(self, context: Context, left: Element, right: Element) -> float | None:
        """Return how far the operands are apart; None if one is missing or of another kind."""
        return self.gap(context, self.left.of(left), self.right.of(right))

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether they are near enough."""
        gap = self.measure(context, left, right)
        return gap is not None and gap <= self.limit


@dataclass(frozen=True, slots=True)
class HasType(Binary):
    """Passes if the left operand is of the type that the right one names; ``.all`` is the element itself."""

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether it is."""
        value = left if self.left.selector == ".all" else self.left.of(left)
        wanted = self.right.of(right)
        return isinstance(wanted, str) and has_type(context, value, wanted)


@dataclass(frozen=True, slots=True)
class Area(Filter):
    """Passes if the area of a geometry is within two bounds, both inclusive, in square meters."""

    selector: str
    lowest: float
    highest: float

    def passes(self, context: Context, left: Element, right: Element) -> bool:  # noqa: ARG002
        """Whether it is; a missing geometry has no area."""
        geometry = Operand(self.selector).of(left)
        if not isinstance(geometry, Geometry):
            return False
        if geometry.unbounded:
            return self.highest == math.inf
        return self.lowest <= measures.area(context, geometry) <= self.highest


def disjoint(context: Context, left: object, right: object) -> bool:
    """Whether two geometries have no point in common; false if one is missing."""
    if not isinstance(left, Geometry) or not isinstance(right, Geometry):
        context.assume("negated-comparison-missing-is-false")
        return False
    return not relations.intersects(context, left, right)


def contains(context: Context, left: object, right: object) -> bool:
    """Whether the left geometry contains the right one, which is not empty; false if one is missing."""
    if not isinstance(left, Geometry) or not isinstance(right, Geometry):
        return False
    return relations.contains(context, left, right)


def is_contained(context: Context, left: object, right: object) -> bool:
    """Whether the right geometry contains the left one, which is not empty; false if one is missing."""
    return contains(context, right, left)


def distance(context: Context, left: object, right: object) -> float | None:
    """Return the distance of two geometries in meters; None if one is missing or empty."""
    if not isinstance(left, Geometry) or not isinstance(right, Geometry):
        return None
    return relations.once(context, left, right, measures.distance)


def difference(context: Context, left: object, right: object) -> float | None:  # noqa: ARG001
    """Return the difference of two numbers, or in milliseconds of two dates; None if one is missing."""
    left, right = number(left), number(right)
    return None if left is None or right is None else abs(left - right)


def number(value: object) -> int | float | None:
    """Return a number, or the milliseconds of a date; None if the value is neither, or not finite."""
    value = comparable(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= _LARGEST else None


# ----------------------------------------------------------------------------------------------------------- types

# What each type is besides itself and an Object. Source: the classes of the official clients.
_SUPERTYPES: dict[str, tuple[str, ...]] = {
    "Image": ("Element",),
    "Feature": ("Element",),
    "ImageCollection": ("FeatureCollection", "Collection", "Element"),
    "FeatureCollection": ("Collection", "Element"),
    "Integer": ("Number", "Long"),
    "Float": ("Number",),
}


def has_type(context: Context, value: object, wanted: str) -> bool:
    """Whether a value has a type or a subtype of it; null has none.

    Args:
        context: The request's context.
        value: The value.
        wanted: Name of the type, as ObjectType gives it.

    Returns:
        The answer.

    """
    if value is None:
        return False
    actual = describe_type(value)
    if actual in ("Integer", "Float") and wanted in ("Integer", "Long", "Float", "Double", "Short", "Byte"):
        context.assume("number-type-by-value")
    return wanted in (actual, "Object", *_SUPERTYPES.get(actual, ()))
