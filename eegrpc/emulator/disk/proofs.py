"""What filters can be held to without asking them: which rows they refuse, silently and for sure.

A filter does two things with an element: it answers, and it notes assumptions or fails. Both must be as if it had been
asked about each. So a proof has two halves. `must`: a row without these conditions is refused. `loud`: where the filter
would note an assumption although it refuses; such rows are put to it until it has. All of it holds for rows that are
not odd (`layout`): those are put to the filter in any case, so errors and strange types need no thought here. A filter
without a proof is asked about every row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegrpc.emulator.disk.boxes import comparison_errors
from eegrpc.emulator.filtering import filters
from eegrpc.emulator.filtering.filters import (
    GEOMETRY_SELECTORS,
    All,
    AnyOf,
    CalendarRange,
    Comparison,
    Filter,
    Not,
    NotNull,
    RangeContains,
    comparable,
)
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.values import DateRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eegrpc.emulator.disk.boxes import Box

    ColumnOf = Callable[[str], str | None]

BOXES = "boxes"
NOTHING = "NULL"
"""The column of a property that no image of the collection has."""

_MISSING = "negated-comparison-missing-is-false"
_MIXED = "mixed-types-never-match"
_MOST_OF_A_LIST = 500


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of SQL on a row of `images`.

    Attributes:
        sql: The condition.
        values: Values for its question marks.
        column: The column whose index finds the rows, or BOXES; None if it only sorts them out.

    """

    sql: str
    values: tuple[object, ...] = ()
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Loud:
    """Rows on which a filter notes an assumption, or at least may."""

    assumption: str
    where: Condition


@dataclass(frozen=True, slots=True)
class Proof:
    """What a filter can be held to."""

    must: tuple[Condition, ...]
    loud: tuple[Loud, ...] = ()


def parts_of(test: Filter) -> Iterator[Filter]:
    """Yield the filters that must all pass, in the order in which they are asked."""
    if isinstance(test, All):
        for part in test.filters:
            yield from parts_of(part)
    else:
        yield test


def prove(test: Filter, column_of: ColumnOf) -> Proof | None:
    """Return what a filter that is no conjunction can be held to.

    Args:
        test: The filter.
        column_of: Returns the column of a property, NOTHING if no image has it, None if it is in no column.

    Returns:
        The proof; None if there is none.

    """
    if isinstance(test, Comparison):
        return _prove_comparison(test, column_of)
    if isinstance(test, NotNull):
        columns = [column_of(name) for name in test.properties]
        return Proof(tuple(Condition(f"{column} IS NOT NULL") for column in columns)) if None not in columns else None
    if isinstance(test, RangeContains):
        return _prove_range(column_of(test.selector), comparable(test.lowest), comparable(test.highest))
    return None


def columns_suffice(test: Filter, column_of: ColumnOf) -> bool:
    """Whether a filter is sure to ask for nothing but columns."""
    if isinstance(test, (All, AnyOf)):
        return all(columns_suffice(part, column_of) for part in test.filters)
    if isinstance(test, Not):
        return columns_suffice(test.filter, column_of)
    asked: Iterable[str]
    if isinstance(test, Comparison):
        asked = [side.selector for side in (test.left, test.right) if side.selector is not None]
    elif isinstance(test, NotNull):
        asked = test.properties
    elif isinstance(test, RangeContains):
        asked = [test.selector]
    elif isinstance(test, CalendarRange):
        asked = ["system:time_start"]
    else:
        return False
    return all(column_of(name) is not None for name in asked)


# ---------------------------------------------------------------------------------------------------- comparisons


def _prove_comparison(test: Comparison, column_of: ColumnOf) -> Proof | None:
    left, right = test.left, test.right
    if (left.selector is None) == (right.selector is None):
        return None
    selector, value = (left.selector, right.value) if left.selector is not None else (right.selector, left.value)
    assert selector is not None
    if test.operator is filters.intersects and selector in GEOMETRY_SELECTORS and isinstance(value, Geometry):
        return _prove_bounds(value)
    column = column_of(selector)
    if column is None:
        return None
    if left.selector is None and test.operator is filters.date_range_contains and isinstance(value, DateRange):
        return _prove_dates(column, value)
    if left.selector is None and test.operator is filters.list_contains and isinstance(value, list):
        return _prove_list(column, value)
    if test.operator is filters.equals:
        return _prove_equality(column, comparable(value))
    if left.selector is not None and test.operator is filters.string_starts_with and isinstance(value, str):
        return _prove_beginning(column, value)
    operator = _ORDERS.get(test.operator)
    if operator is None:
        return None
    return _prove_order(column, operator if left.selector is not None else _TURNED[operator], comparable(value))


_ORDERS: dict[object, str] = {
    filters.less_than: "<",
    filters.less_than_or_equals: "<=",
    filters.greater_than: ">",
    filters.greater_than_or_equals: ">=",
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _prove_equality(column: str, value: object) -> Proof | None:
    if not (_is_number(value) or _is_text(value)):
        return None
    return Proof(
        (Condition(f"{column} = ?", (value,), column),),
        (Loud("equals-missing-both-null", _null(column)),),
    )


def _prove_order(column: str, operator: str, value: object) -> Proof | None:
    compared = f"{column} {operator} ?"
    if _is_number(value):
        within = compared if "<" in operator else f"{compared} AND {column} < ''"
        others = _texts(column)
    elif _is_text(value):
        within = f"{compared} AND {column} >= ''" if "<" in operator else f"{compared} AND {column} < x''"
        others = _numbers(column)
    else:
        return None
    loud = [Loud(_MIXED, others)]
    if "=" in operator:
        loud.append(Loud(_MISSING, _null(column)))
    return Proof((Condition(within, (value,), column),), tuple(loud))


def _prove_range(column: str | None, lowest: object, highest: object) -> Proof | None:
    if column is None:
        return None
    if _is_number(lowest) and _is_number(highest):
        others = _texts(column)
    elif _is_text(lowest) and _is_text(highest):
        others = _numbers(column)
    else:
        return None
    within = f"{column} >= ? AND {column} <= ?"
    return Proof((Condition(within, (lowest, highest), column),), (Loud(_MIXED, others),))


def _prove_dates(column: str, dates: DateRange) -> Proof | None:
    if not (_is_number(dates.start) and _is_number(dates.end)):
        return None
    unnoticed = "date-without-time-never-matches"
    return Proof(
        (Condition(f"{column} >= ? AND {column} < ?", (dates.start, dates.end), column),),
        (Loud(unnoticed, _null(column)), Loud(unnoticed, _texts(column))),
    )


def _prove_list(column: str, wanted: list[object]) -> Proof | None:
    """Prove a list of one kind; of numbers whole ones only, since the filter tells an integer from a float."""
    if not 0 < len(wanted) <= _MOST_OF_A_LIST:
        return None
    loud = []
    if all(_is_text(item) for item in wanted):
        loud.append(_numbers(column))
    elif all(type(item) is int and _is_number(item) for item in wanted):
        loud += [_texts(column), Condition(f"typeof({column}) = 'real'")]
    else:
        return None
    marks = ", ".join("?" * len(wanted))
    return Proof(
        (Condition(f"{column} IN ({marks})", tuple(wanted), column),),
        tuple(Loud("list-contains-strict", where) for where in loud),
    )


def _prove_beginning(column: str, beginning: str) -> Proof | None:
    """Prove how a text begins. Loud are those that begin so in other letters: SQLite knows the case of ASCII alone."""
    if not beginning or not beginning.isascii() or "\0" in beginning:
        return None
    within = f"{column} >= ? AND {column} < ?"
    bounds = (beginning, beginning[:-1] + chr(ord(beginning[-1]) + 1))
    alike = f"{_texts(column).sql} AND NOT ({within}) AND (lower(substr({column}, 1, ?)) = ? OR {column} GLOB ?)"
    values = (*bounds, len(beginning), beginning.lower(), "*[^\x01-\x7f]*")
    return Proof(
        (Condition(within, bounds, column),), (Loud("string-filters-case-sensitive", Condition(alike, values)),)
    )


def _prove_bounds(place: Geometry) -> Proof | None:
    try:
        boxes = place.boxes()
    except comparison_errors():
        return None
    if not boxes or place.unbounded:
        return None
    return Proof((Condition(" OR ".join([_MEETS] * len(boxes)), tuple(n for box in boxes for n in _met(box)), BOXES),))


_MEETS = "(images.west <= ? AND images.east >= ? AND images.south <= ? AND images.north >= ?)"


def _met(box: Box) -> Box:
    west, south, east, north = box
    return east, west, north, south


# ----------------------------------------------------------------------------------------------------------- kinds


def _is_number(value: object) -> bool:
    """Whether SQLite can be given the number as it is."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) and not math.isnan(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _null(column: str) -> Condition:
    return Condition(f"{column} IS NULL", (), column)


# SQLite orders numbers before texts, and texts before blobs, of which OTHER is the first.


def _numbers(column: str) -> Condition:
    return Condition(f"{column} < ''", (), column)


def _texts(column: str) -> Condition:
    return Condition(f"{column} >= '' AND {column} < x''", (), column)
