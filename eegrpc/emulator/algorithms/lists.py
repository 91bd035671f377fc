"""List.*: reading, searching and comparing lists; list_changes.py makes new ones of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import typed
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.equality import identity, same
from eegrpc.emulator.filtering.filters import comparable
from eegrpc.emulator.primitives.text import text_of
from eegrpc.emulator.properties import describe_type, from_double
from eegrpc.emulator.values import Element, Feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.filtering.filters import Filter
    from eegrpc.emulator.values import Function

# The name that filters use for an item that is no element. Source: the description of List.filter.
ITEM_PROPERTY = "item"


def position(items: Sequence[object], index: int) -> int:
    """Return a position from the beginning; negative ones count from the end."""
    size = len(items)
    if not -size <= index < size:
        # Known from public error reports.
        raise AlgorithmError(f"List index must be between 0 and {size - 1}, or {-size} and -1. Found {index}.")
    return index % size


@algorithm("List.get(list: List<Object>, index: Integer) -> Object")
def get(_: Context, items: list[object], index: int) -> object:
    """Return the item at a position; negative ones count from the end."""
    return items[position(items, index)]


@algorithm("List.getNumber(list: List<Object>, index: Integer) -> Number")
def get_number(context: Context, items: list[object], index: int) -> object:
    """Return the item at a position, a number."""
    return typed(context, items[position(items, index)], "Number", f"Item {index}")


@algorithm("List.getString(list: List<Object>, index: Integer) -> String")
def get_string(context: Context, items: list[object], index: int) -> object:
    """Return the item at a position, a string."""
    return typed(context, items[position(items, index)], "String", f"Item {index}")


@algorithm("List.getArray(list: List<Object>, index: Integer) -> Array")
def get_array(context: Context, items: list[object], index: int) -> object:
    """Return the item at a position, an array."""
    return typed(context, items[position(items, index)], "Array", f"Item {index}")


@algorithm("List.getGeometry(list: List<Object>, index: Integer) -> Geometry")
def get_geometry(context: Context, items: list[object], index: int) -> object:
    """Return the item at a position, a geometry."""
    return typed(context, items[position(items, index)], "Geometry", f"Item {index}")


@algorithm("List.size(list: List<Object>) -> Integer", "List.length(list: List<Object>) -> Integer")
def size(_: Context, items: list[object]) -> int:
    """Return the number of items."""
    return len(items)


@algorithm("List.map(list: List<Object>, baseAlgorithm: Algorithm, dropNulls: Boolean = false) -> List<Object>")
def map_list(context: Context, items: list[object], function: Function, drop_nulls: bool) -> list[object]:
    """Return the results of a function for each item."""
    context.spend(len(items))
    results = [context.call(function, [item]) for item in items]
    return [result for result in results if result is not None] if drop_nulls else results


@algorithm("List.iterate(list: List<Object>, function: Algorithm, first: Object) -> Object")
def iterate(context: Context, items: list[object], function: Function, first: object) -> object:
    """Return what a function returns for the last item, given each item and its own result for the one before."""
    context.spend(len(items))
    accumulated = first
    for item in items:
        accumulated = context.call(function, [item, accumulated])
    return accumulated


@algorithm("List.filter(list: List<Object>, filter: Filter) -> List<Object>")
def filter_list(context: Context, items: list[object], condition: Filter) -> list[object]:
    """Return the items that pass a filter; those that are no elements have one property, ``item``."""
    context.spend(len(items))

    def passes(item: object) -> bool:
        element = item if isinstance(item, Element) else Feature(None, {ITEM_PROPERTY: item})
        return condition.passes(context, element, element)

    return [item for item in items if passes(item)]


@algorithm("List.sequence(start: Number, end: Number = null, step: Number = 1, count: Integer = null) -> List<Object>")
def sequence(context: Context, start: float, end: float | None, step: float, count: int | None) -> list[int | float]:
    """Return numbers from start to end, in steps, or in as many equal steps as make ``count`` numbers.

    Source: the description of List.sequence, which is silent about steps that lead away from the end.
    """
    if count is None:
        if end is None:
            raise AlgorithmError("At least one of 'end' and 'count' must be specified.")
        steps = (end - start) / step if step > 0 else math.nan
        if not math.isfinite(steps):
            raise AlgorithmError(f"Steps of {step} from {start} to {end} are not supported.", unsupported=True)
        count = max(0, math.floor(steps) + 1)
    elif count < 1:
        raise AlgorithmError(f"Parameter 'count' must be positive, got {count}.")
    elif end is not None:
        step = (end - start) / (count - 1) if count > 1 else 0
    context.spend(count)
    numbers = (start + step * position for position in range(count))
    return [from_double(number) if isinstance(number, float) else number for number in numbers]


# ------------------------------------------------------------------------------------------------------- searching


@algorithm("List.contains(list: List<Object>, element: Object) -> Boolean")
def contains(context: Context, items: list[object], element: object) -> bool:
    """Whether an item equals the element."""
    return bool(index_of(context, items, element) >= 0)


@algorithm("List.containsAll(list: List<Object>, other: List<Object>) -> Boolean")
def contains_all(context: Context, items: list[object], other: list[object]) -> bool:
    """Whether every item of the other list is in this one."""
    return {identity(context, item) for item in other} <= {identity(context, item) for item in items}


@algorithm("List.equals(list: List<Object>, other: List<Object>) -> Boolean")
def equals(context: Context, items: list[object], other: list[object]) -> bool:
    """Whether two lists have the same items in the same order."""
    return same(context, items, other)


@algorithm("List.frequency(list: List<Object>, element: Object) -> Integer")
def frequency(context: Context, items: list[object], element: object) -> int:
    """Return how many items equal the element."""
    wanted = identity(context, element)
    return sum(identity(context, item) == wanted for item in items)


@algorithm("List.indexOf(list: List<Object>, element: Object) -> Integer")
def index_of(context: Context, items: list[object], element: object) -> int:
    """Return the position of the first item that equals the element, or -1."""
    wanted = identity(context, element)
    return next((place for place, item in enumerate(items) if identity(context, item) == wanted), -1)


@algorithm("List.indexOfSublist(list: List<Object>, target: List<Object>) -> Integer")
def index_of_sublist(context: Context, items: list[object], target: list[object]) -> int:
    """Return the position where the target first begins within the list, or -1."""
    return min(_occurrences(context, items, target), default=-1)


@algorithm("List.lastIndexOfSubList(list: List<Object>, target: List<Object>) -> Integer")
def last_index_of_sublist(context: Context, items: list[object], target: list[object]) -> int:
    """Return the position where the target last begins within the list, or -1."""
    return max(_occurrences(context, items, target), default=-1)


def _occurrences(context: Context, items: list[object], target: list[object]) -> list[int]:
    wanted = [identity(context, item) for item in target]
    held = [identity(context, item) for item in items]
    places = range(len(held) - len(wanted) + 1)
    context.spend(len(places) * (len(wanted) + 1), ITEM)
    return [place for place in places if held[place : place + len(wanted)] == wanted]


# ---------------------------------------------------------------------------------------------------- order and text


@algorithm("List.sort(list: List<Object>, keys: List<Object> = null) -> List<Object>")
def sort(context: Context, items: list[object], keys: list[object] | None) -> list[object]:
    """Return the items in ascending order of themselves, or of the keys in the same places."""
    if keys is None:
        keys = items
    elif len(keys) != len(items):
        raise AlgorithmError(f"The list has {len(items)} items, but there are {len(keys)} keys.")
    context.spend(len(keys) * len(keys).bit_length(), ITEM)
    ranks = [_rank(key) for key in keys]
    if len({kind for kind, _ in ranks}) > 1:
        context.assume("sort-mixed-types")
    return [items[place] for place in sorted(range(len(items)), key=lambda place: ranks[place])]


def _rank(key: object) -> tuple[int, int | float | str]:
    value = comparable(key)
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, (int, float)) and not math.isnan(value):
        return (0, value)
    shown = "NaN" if isinstance(value, float) else describe_type(value)
    raise AlgorithmError(f"The emulator does not sort lists with an item of type {shown}.", unsupported=True)


@algorithm('List.join(list: List<Object>, separator: String = "") -> String')
def join(context: Context, items: list[object], separator: str) -> str:
    """Return the items as one text: strings, numbers and booleans."""
    texts = [text_of(context, item) for item in items]
    context.spend_text(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)
