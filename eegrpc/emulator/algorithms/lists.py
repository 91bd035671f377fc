"""List.* and Dictionary: the few that collections need."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import from_double
from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Function


@algorithm("List.get(list: List<Object>, index: Integer) -> Object")
def get(_: Context, items: list[object], index: int) -> object:
    """Return the item at a position; negative ones count from the end."""
    if not -len(items) <= index < len(items):
        raise AlgorithmError(f"List index ({index}) must be between {-len(items)} and {len(items) - 1}.")
    return items[index]


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


@algorithm("Dictionary(input: Object = null) -> Dictionary<Object>")
def dictionary(_: Context, value: object) -> dict[str, object]:
    """Return a dictionary from a dictionary, or from a list of keys and values in turn."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) % 2 == 0 and all(isinstance(key, str) for key in value[::2]):
        return dict(sorted(zip(value[::2], value[1::2], strict=True)))
    raise AlgorithmError("Parameter 'input' must be a dictionary, or a list of keys and values in turn.")
