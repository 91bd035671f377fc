"""Filters as values: questions about one element, or about a pair of them in a join.

In a join ``left`` is the element of the primary collection and ``right`` that of the secondary one; as a filter of a
collection both are the same element. Source: the descriptions of the Filter functions that Earth Engine serves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.geometry import relations
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.primitives import dates
from eegrpc.emulator.values import GEOMETRY_FIELD, Date, DateRange, Element, Made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eegrpc.emulator.context import Context

# Selectors that mean the geometry of an element: both official clients send the first, hand-written requests the other.
GEOMETRY_SELECTORS = (".all", GEOMETRY_FIELD)


# What a question costs, in the units of context.spend.
QUESTION = 10


class Filter(Made):
    """A question that an element, or a pair of elements, passes or not."""

    __slots__ = ()

    type_name: ClassVar[str] = "Filter"

    def __repr__(self) -> str:
        return f"Filter({type(self).__name__})"

    @property
    def size(self) -> int:
        """How many questions it may have to ask."""
        return 1

    @property
    def measured(self) -> bool:
        """Whether pairs that pass have a measure."""
        return False

    def measure(self, context: Context, left: Element, right: Element) -> float | None:  # noqa: ARG002
        """Return the measure of a pair that passes, for joins; None if there is none."""
        return None

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether the pair passes.

        Args:
            context: The request's context, to note assumptions.
            left: The element, or the primary one.
            right: The same element, or the secondary one.

        Returns:
            The answer.

        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison: a property of the element, or a value."""

    selector: str | None = None
    value: object = None

    def of(self, element: Element) -> object:
        """Return the operand for an element."""
        if self.selector is None:
            return self.value
        if self.selector in GEOMETRY_SELECTORS:
            return element.geometry
        return element.get(self.selector)


@dataclass(frozen=True, slots=True)
class Binary(Filter):
    """A filter with two operands."""

    left: Operand
    right: Operand

    @property
    def joins(self) -> bool:
        """Whether each side reads its own element, as the condition of a join does."""
        return self.left.selector is not None and self.right.selector is not None

    def has_null(self, left: Element, right: Element) -> bool:
        """Whether an operand is null for this pair."""
        return self.left.of(left) is None or self.right.of(right) is None


@dataclass(frozen=True, slots=True)
class Comparison(Binary):
    """A binary filter: an operator between two operands."""

    operator: Callable[[Context, object, object], bool]

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether the operator holds between the operands."""
        return self.operator(context, self.left.of(left), self.right.of(right))


@dataclass(frozen=True, slots=True, repr=False)
class Several(Filter):
    """A filter that consists of others."""

    filters: tuple[Filter, ...] = ()
    # Kept, because filters may share parts, of which walks would meet each as often as there are ways to it.
    size: int = field(init=False, compare=False)
    measured: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", 1 + sum(part.size for part in self.filters))
        object.__setattr__(self, "measured", any(part.measured for part in self.filters))


@dataclass(frozen=True, slots=True, repr=False)
class All(Several):
    """Passes if every filter does; without filters, always."""

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether all pass."""
        return all(part.passes(context, left, right) for part in self.filters)

    def measure(self, context: Context, left: Element, right: Element) -> float | None:
        """Return the measure of the first part that has one."""
        context.assume("measure-of-first-part")
        return next((part.measure(context, left, right) for part in self.filters if part.measured), None)


@dataclass(frozen=True, slots=True, repr=False)
class AnyOf(Several):
    """Passes if one of the filters does; without filters, never."""

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Whether one passes."""
        return any(part.passes(context, left, right) for part in self.filters)

    def measure(self, context: Context, left: Element, right: Element) -> float | None:
        """Return the measure of the first part that has one and passes."""
        context.assume("measure-of-first-part")
        measured = (part for part in self.filters if part.measured and part.passes(context, left, right))
        return next((part.measure(context, left, right) for part in measured), None)


@dataclass(frozen=True, slots=True, repr=False)
class Not(Filter):
    """Passes if the filter does not."""

    filter: Filter
    size: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", 1 + self.filter.size)

    def passes(self, context: Context, left: Element, right: Element) -> bool:
        """Return the opposite."""
        if isinstance(self.filter, Binary) and self.filter.has_null(left, right):
            context.assume("not-passes-missing")
        return not self.filter.passes(context, left, right)


@dataclass(frozen=True, slots=True)
class NotNull(Filter):
    """Passes if all the properties have a value."""

    properties: tuple[str, ...]

    def passes(self, context: Context, left: Element, right: Element) -> bool:  # noqa: ARG002
        """Whether all are there."""
        return all(Operand(name).of(left) is not None for name in self.properties)


@dataclass(frozen=True, slots=True)
class RangeContains(Filter):
    """Passes if a property is within two bounds, both inclusive."""

    selector: str
    lowest: object
    highest: object

    def passes(self, context: Context, left: Element, right: Element) -> bool:  # noqa: ARG002
        """Whether it is."""
        value = Operand(self.selector).of(left)
        return not ordered(context, value, self.lowest, below=True) and not ordered(
            context, self.highest, value, below=True
        )


_CALENDAR_FIELDS: dict[str, Callable[[int], int]] = {
    "year": lambda millis: dates.get(millis, "year"),
    "month": lambda millis: dates.get(millis, "month"),
    "hour": lambda millis: dates.get(millis, "hour"),
    "minute": lambda millis: dates.get(millis, "minute"),
    "day_of_year": lambda millis: dates.get_relative(millis, "day", "year") + 1,
    "day_of_month": lambda millis: dates.get(millis, "day"),
    "day_of_week": lambda millis: dates.to_datetime(millis).isoweekday(),
}
CALENDAR_FIELDS = tuple(_CALENDAR_FIELDS)


@dataclass(frozen=True, slots=True)
class CalendarRange(Filter):
    """Passes if a field of ``system:time_start``, in UTC, is in a range; one with end < start wraps around."""

    field: str
    start: int
    end: int
    assumption: str | None = None

    def passes(self, context: Context, left: Element, right: Element) -> bool:  # noqa: ARG002
        """Whether it is."""
        millis = milliseconds(left.get("system:time_start"))
        if millis is None:
            context.assume("date-without-time-never-matches")
            return False
        value = _CALENDAR_FIELDS[self.field](millis)
        if self.start <= self.end:
            return self.start <= value <= self.end
        if self.assumption is not None:
            context.assume(self.assumption)
        return value >= self.start or value <= self.end


def milliseconds(value: object) -> int | None:
    """Return the milliseconds of a date or a finite number; None if the value is neither."""
    if isinstance(value, Date):
        return value.millis
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return int(value // 1)
    return None


def comparable(value: object) -> object:
    """Return a value as comparisons see it: dates are their milliseconds."""
    return value.millis if isinstance(value, Date) else value


def fingerprint(context: Context, values: Iterable[object]) -> str:
    """Return values in a form in which equal ones are equal, and 1 is not '1'.

    Args:
        context: The request's context, to count the work: values may be large, and many elements may share one.
        values: Values of properties.

    Returns:
        A text that is the same for equal values only.

    """
    plain = (value.geojson() if isinstance(value, Geometry) else comparable(value) for value in values)
    text = repr([float(value) if isinstance(value, (int, float)) else value for value in plain])
    context.spend(len(text), ITEM)
    return text


# ------------------------------------------------------------------------------------------------------- operators


def equals(context: Context, left: object, right: object) -> bool:
    """Whether two operands are equal; numbers by value, everything else by type too."""
    if left is None or right is None:
        context.assume("equals-missing-both-null")
        return left is None and right is None
    return bool(comparable(left) == comparable(right))


def not_equals(context: Context, left: object, right: object) -> bool:
    """Whether two operands differ; false if one is null."""
    if left is None or right is None:
        context.assume("negated-comparison-missing-is-false")
        return False
    return bool(comparable(left) != comparable(right))


def ordered(context: Context, left: object, right: object, *, below: bool) -> bool:
    """Whether ``left < right``; what cannot be ordered gives ``not below`` where ``below`` asks for a denial.

    Args:
        context: The request's context.
        left: One value.
        right: The other.
        below: What to answer for a null, or for a number against a string.

    Returns:
        The answer.

    """
    left, right = comparable(left), comparable(right)
    if left is None or right is None:
        return below
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    context.assume("mixed-types-never-match")
    return below


def less_than(context: Context, left: object, right: object) -> bool:
    """Whether left < right; false on a null."""
    return ordered(context, left, right, below=False)


def greater_than(context: Context, left: object, right: object) -> bool:
    """Whether left > right; false on a null."""
    return ordered(context, right, left, below=False)


def less_than_or_equals(context: Context, left: object, right: object) -> bool:
    """Whether left <= right; false on a null."""
    if left is None or right is None:
        context.assume("negated-comparison-missing-is-false")
    return not ordered(context, right, left, below=True)


def greater_than_or_equals(context: Context, left: object, right: object) -> bool:
    """Whether left >= right; false on a null."""
    return less_than_or_equals(context, right, left)


def list_contains(context: Context, left: object, right: object) -> bool:
    """Whether the left operand, a list, contains the right one."""
    if not isinstance(left, list) or right is None:
        return False
    wanted = comparable(right)
    if any(type(item) is not type(wanted) for item in left):
        context.assume("list-contains-strict")
    return any(comparable(item) == wanted for item in left)


def in_list(context: Context, left: object, right: object) -> bool:
    """Whether the right operand, a list, contains the left one: ``in`` of filter strings."""
    context.assume("filter-string-in")
    return list_contains(context, right, left)


def date_range_contains(context: Context, left: object, right: object) -> bool:
    """Whether the left operand, a range of dates, contains the right one, a date."""
    millis = milliseconds(right)
    if millis is None or not isinstance(left, DateRange):
        context.assume("date-without-time-never-matches")
        return False
    return left.start <= millis < left.end


def intersects(context: Context, left: object, right: object) -> bool:
    """Whether two geometries have a point in common; false if one is missing."""
    if not isinstance(left, Geometry) or not isinstance(right, Geometry):
        return False
    return relations.intersects(context, left, right)


def _text_operator(test: Callable[[str, str], bool], relation: str) -> Callable[[Context, object, object], bool]:
    def operator(context: Context, left: object, right: object) -> bool:
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        if not test(left, right) and test(left.casefold(), right.casefold()):
            context.assume("string-filters-case-sensitive")
        return test(left, right)

    operator.__doc__ = f"Whether the left operand, a text, {relation} the right one."
    return operator


string_contains = _text_operator(lambda text, part: part in text, "contains")
string_starts_with = _text_operator(str.startswith, "starts with")
string_ends_with = _text_operator(str.endswith, "ends with")
