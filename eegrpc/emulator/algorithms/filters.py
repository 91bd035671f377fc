"""Filter.*: each makes a filter, which Collection.filter applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import gathered
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import TypeMismatch, converter, to_date
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering import filter_relations, filters
from eegrpc.emulator.filtering.filter_language import parse_filter
from eegrpc.emulator.filtering.filter_relations import Area, HasType, Within
from eegrpc.emulator.filtering.filters import (
    All,
    AnyOf,
    CalendarRange,
    Comparison,
    Filter,
    Not,
    NotNull,
    Operand,
    RangeContains,
)
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import GEOMETRY_FIELD, Collection, DateRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context

_OPERANDS = "leftField: String = null, rightValue: Object = null, rightField: String = null, leftValue: Object = null"

_OPERATORS: dict[Callable[[Context, object, object], bool], tuple[str, ...]] = {
    filters.equals: ("equals", "eq"),
    filters.not_equals: ("notEquals", "neq"),
    filters.less_than: ("lessThan", "lt"),
    filters.less_than_or_equals: ("lessThanOrEquals", "lte"),
    filters.greater_than: ("greaterThan", "gt"),
    filters.greater_than_or_equals: ("greaterThanOrEquals", "gte"),
    # On the server both names have the list on the left; the clients swap the operands of inList.
    filters.list_contains: ("listContains", "inList"),
    filters.string_contains: ("stringContains",),
    filters.string_starts_with: ("stringStartsWith",),
    filters.string_ends_with: ("stringEndsWith",),
}


def _binary(
    operator: Callable[[Context, object, object], bool],
    left_field: str | None,
    right_value: object,
    right_field: str | None,
    left_value: object,
) -> Comparison:
    return Comparison(_operand("left", left_field, left_value), _operand("right", right_field, right_value), operator)


def _operand(side: str, selector: str | None, value: object) -> Operand:
    if (selector is None) == (value is None):
        problem = "neither" if selector is None else "both"
        raise AlgorithmError(f"Specify one of '{side}Field' and '{side}Value'; got {problem}.")
    return Operand(selector, value)


def _declare(operator: Callable[[Context, object, object], bool], names: tuple[str, ...]) -> None:
    @algorithm(*(f"Filter.{name}({_OPERANDS}) -> Filter" for name in names), summary=_summary(operator))
    def binary(
        _: Context, left_field: str | None, right_value: object, right_field: str | None, left_value: object
    ) -> Filter:
        return _binary(operator, left_field, right_value, right_field, left_value)


def _summary(operator: Callable[[Context, object, object], bool]) -> str:
    return (operator.__doc__ or "").partition("\n")[0].replace("Whether", "Pass if", 1)


for _operator, _names in _OPERATORS.items():
    _declare(_operator, _names)


@algorithm(f"Filter.dateRangeContains({_OPERANDS}) -> Filter")
def date_range_contains(
    _: Context, left_field: str | None, right_value: object, right_field: str | None, left_value: object
) -> Filter:
    """Pass if the left operand, a range, contains the right one, a date."""
    if left_value is not None and not isinstance(left_value, DateRange):
        raise AlgorithmError(f"Argument 'leftValue' must be a DateRange, not: {describe_type(left_value)}.")
    if isinstance(left_value, DateRange) and left_value.start >= left_value.end:
        raise AlgorithmError("Empty date ranges not supported for the current operation.")
    if right_value is not None:
        try:
            right_value = to_date(right_value)
        except TypeMismatch:
            raise AlgorithmError(f"Argument 'rightValue' must be a Date, not: {describe_type(right_value)}.") from None
    return _binary(filters.date_range_contains, left_field, right_value, right_field, left_value)


_BETWEEN_GEOMETRIES = {
    "intersects": filters.intersects,
    "disjoint": filter_relations.disjoint,
    "contains": filter_relations.contains,
    "isContained": filter_relations.is_contained,
}


def _declare_spatial(name: str, operator: Callable[[Context, object, object], bool]) -> None:
    # Comparisons are exact, so every error margin is kept.
    @algorithm(f"Filter.{name}({_OPERANDS}, maxError: ErrorMargin = null) -> Filter", summary=_summary(operator))
    def spatial(
        context: Context,
        left_field: str | None,
        right_value: object,
        right_field: str | None,
        left_value: object,
        _max_error: object,
    ) -> Filter:
        left, right = _geometries(context, left_field, right_value, right_field, left_value)
        return Comparison(left, right, operator)


for _name, _spatial in _BETWEEN_GEOMETRIES.items():
    _declare_spatial(_name, _spatial)


@algorithm(f"Filter.withinDistance(distance: Float, {_OPERANDS}, maxError: ErrorMargin = null) -> Filter")
def within_distance(
    context: Context,
    distance: float,
    left_field: str | None,
    right_value: object,
    right_field: str | None,
    left_value: object,
    _max_error: object,
) -> Filter:
    """Pass if the geometries are at most so many meters apart; the distance is the measure of a join."""
    left, right = _geometries(context, left_field, right_value, right_field, left_value)
    return Within(left, right, filter_relations.distance, distance)


@algorithm(f"Filter.maxDifference(difference: Float, {_OPERANDS}) -> Filter")
def max_difference(
    _: Context,
    difference: float,
    left_field: str | None,
    right_value: object,
    right_field: str | None,
    left_value: object,
) -> Filter:
    """Pass if two numbers, or times, differ by at most so much; the difference is the measure of a join."""
    left, right = _operand("left", left_field, left_value), _operand("right", right_field, right_value)
    return Within(left, right, filter_relations.difference, difference)


@algorithm(f"Filter.hasType({_OPERANDS}) -> Filter")
def has_type(
    _: Context, left_field: str | None, right_value: object, right_field: str | None, left_value: object
) -> Filter:
    """Pass if the left operand has the type that the right one names, or a subtype of it."""
    return HasType(_operand("left", left_field, left_value), _operand("right", right_field, right_value))


@algorithm(
    "Filter.area(min: Float, max: Float, maxError: ErrorMargin = null, geometrySelector: String = null) -> Filter"
)
def area(_: Context, lowest: float, highest: float, _max_error: object, selector: str | None) -> Filter:
    """Pass if the area of the geometry is within the bounds, inclusive, in square meters."""
    return Area(selector or GEOMETRY_FIELD, lowest, highest)


def _geometries(
    context: Context, left_field: str | None, right_value: object, right_field: str | None, left_value: object
) -> tuple[Operand, Operand]:
    right = _operand("right", right_field, _geometry(context, "rightValue", right_value))
    return _operand("left", left_field, _geometry(context, "leftValue", left_value)), right


def _geometry(context: Context, name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, Collection):
        return gathered(value)
    try:
        return converter("Geometry")(context, value)
    except TypeMismatch:
        raise AlgorithmError(
            f"Argument '{name}' must be a Geometry, a Feature or a collection, not: {describe_type(value)}."
        ) from None


@algorithm("Filter.and(filters: List<Filter>) -> Filter")
def and_(_: Context, parts: list[Filter]) -> Filter:
    """Pass if all do."""
    return All(tuple(parts))


@algorithm("Filter.or(filters: List<Filter>) -> Filter")
def or_(_: Context, parts: list[Filter]) -> Filter:
    """Pass if one does."""
    return AnyOf(tuple(parts))


@algorithm("Filter.not(filter: Filter) -> Filter")
def not_(_: Context, part: Filter) -> Filter:
    """Pass if the filter does not."""
    return Not(part)


@algorithm("Filter.always() -> Filter")
def always(_: Context) -> Filter:
    """Pass."""
    return All()


@algorithm("Filter.never() -> Filter")
def never(_: Context) -> Filter:
    """Never pass."""
    return AnyOf()


@algorithm("Filter.hasGeometry() -> Filter")
def has_geometry(_: Context) -> Filter:
    """Pass if the element has a geometry."""
    return NotNull((GEOMETRY_FIELD,))


@algorithm("Filter.expression(expression: String) -> Filter")
def expression(_: Context, text: str) -> Filter:
    """Return the filter that a text describes."""
    return parse_filter(text)


@algorithm("Filter.notNull(properties: List<String>) -> Filter")
def not_null(_: Context, properties: list[str]) -> Filter:
    """Pass if all properties have a value."""
    return NotNull(tuple(properties))


@algorithm("Filter.rangeContains(field: String, minValue: Object, maxValue: Object) -> Filter")
def range_contains(_: Context, field: str, lowest: object, highest: object) -> Filter:
    """Pass if the property is within the bounds, inclusive."""
    return RangeContains(field, lowest, highest)


@algorithm('Filter.calendarRange(start: Integer, end: Integer = null, field: String = "day_of_year") -> Filter')
def calendar_range(_: Context, start: int, end: int | None, field: str) -> Filter:
    """Pass if a calendar field of the time is within the bounds, inclusive, or wraps around."""
    if field not in filters.CALENDAR_FIELDS:
        raise AlgorithmError(f"Invalid field '{field}': expected one of {', '.join(filters.CALENDAR_FIELDS)}.")
    return CalendarRange(field, start, start if end is None else end)


@algorithm("Filter.dayOfYear(start: Integer, end: Integer) -> Filter")
def day_of_year(_: Context, start: int, end: int) -> Filter:
    """Pass if the day of the year is within the bounds, inclusive."""
    return CalendarRange("day_of_year", start, end, assumption="day-of-year-wraps")
