"""List.*: lists made of other lists. No list is ever changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.lists import position
from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.equality import identity

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

# Where each is made, the evaluator counts the items of the result; only what grows otherwise is counted here.


@algorithm("List.add(list: List<Object>, element: Object) -> List<Object>")
def add(_: Context, items: list[object], element: object) -> list[object]:
    """Return the list with an item more at its end."""
    return [*items, element]


@algorithm("List.cat(list: List<Object>, other: List<Object>) -> List<Object>")
def cat(context: Context, items: list[object], other: list[object]) -> list[object]:
    """Return the items of one list, then those of the other."""
    context.spend(len(items) + len(other), ITEM)
    return [*items, *other]


@algorithm("List.insert(list: List<Object>, index: Integer, element: Object) -> List<Object>")
def insert(context: Context, items: list[object], index: int, element: object) -> list[object]:
    """Return the list with an item more at a position."""
    if index < 0:
        context.assume("list-insert-from-end")
    place = len(items) if index == len(items) else position(items, index)
    return [*items[:place], element, *items[place:]]


@algorithm("List.set(list: List<Object>, index: Integer, element: Object) -> List<Object>")
def set_item(_: Context, items: list[object], index: int, element: object) -> list[object]:
    """Return the list with another item at a position."""
    place = position(items, index)
    return [*items[:place], element, *items[place + 1 :]]


@algorithm("List.swap(list: List<Object>, pos1: Integer, pos2: Integer) -> List<Object>")
def swap(_: Context, items: list[object], first: int, second: int) -> list[object]:
    """Return the list with two items in each other's place."""
    changed = list(items)
    one, other = position(items, first), position(items, second)
    changed[one], changed[other] = items[other], items[one]
    return changed


@algorithm(
    "List.splice(list: List<Object>, start: Integer, count: Integer, other: List<Object> = null) -> List<Object>"
)
def splice(context: Context, items: list[object], start: int, count: int, other: list[object] | None) -> list[object]:
    """Return the list with ``count`` items from the start replaced by those of the other list."""
    place = len(items) if start == len(items) else position(items, start)
    if not 0 <= count <= len(items) - place:
        raise AlgorithmError(f"There are {len(items) - place} items from {start} on, not {count}.", unsupported=True)
    inserted = other or []
    context.spend(len(items) + len(inserted), ITEM)
    return [*items[:place], *inserted, *items[place + count :]]


@algorithm("List.slice(list: List<Object>, start: Integer, end: Integer = null, step: Integer = null) -> List<Object>")
def slice_list(_: Context, items: list[object], start: int, end: int | None, step: int | None) -> list[object]:
    """Return the items from the start up to the end, which count from the list's end if they are negative."""
    if step is not None and step < 1:
        raise AlgorithmError(f"The emulator does not slice in steps of {step}.", unsupported=True)
    return items[start:end:step]


@algorithm("List.remove(list: List<Object>, element: Object) -> List<Object>")
def remove(context: Context, items: list[object], element: object) -> list[object]:
    """Return the list without the first item that equals the element."""
    return _first_replaced(context, items, element, [])


@algorithm("List.replace(list: List<Object>, oldval: Object, newval: Object) -> List<Object>")
def replace(context: Context, items: list[object], old: object, new: object) -> list[object]:
    """Return the list with the first item that equals the old value replaced."""
    return _first_replaced(context, items, old, [new])


def _first_replaced(context: Context, items: list[object], old: object, new: list[object]) -> list[object]:
    wanted = identity(context, old)
    for place, item in enumerate(items):
        if identity(context, item) == wanted:
            return [*items[:place], *new, *items[place + 1 :]]
    return items


@algorithm("List.replaceAll(list: List<Object>, oldval: Object, newval: Object) -> List<Object>")
def replace_all(context: Context, items: list[object], old: object, new: object) -> list[object]:
    """Return the list with all items that equal the old value replaced."""
    wanted = identity(context, old)
    return [new if identity(context, item) == wanted else item for item in items]


@algorithm("List.removeAll(list: List<Object>, other: List<Object>) -> List<Object>")
def remove_all(context: Context, items: list[object], other: list[object]) -> list[object]:
    """Return the items that are not in the other list."""
    unwanted = {identity(context, item) for item in other}
    return [item for item in items if identity(context, item) not in unwanted]


@algorithm("List.distinct(list: List<Object>) -> List<Object>")
def distinct(context: Context, items: list[object]) -> list[object]:
    """Return the items without those that equal an earlier one."""
    kept: dict[object, object] = {}
    for item in items:
        kept.setdefault(identity(context, item), item)
    return list(kept.values())


@algorithm("List.flatten(list: List<Object>) -> List<Object>")
def flatten(context: Context, items: list[object]) -> list[object]:
    """Return the items of lists in the list, and of lists in those, as one list."""
    flat: list[object] = []
    waiting = [iter(items)]
    while waiting:
        for item in waiting[-1]:
            context.spend(1, ITEM)
            if isinstance(item, list):
                waiting.append(iter(item))
                break
            flat.append(item)
        else:
            waiting.pop()
    return flat


@algorithm("List.repeat(value: Object, count: Integer) -> List<Object>")
def repeat(context: Context, value: object, count: int) -> list[object]:
    """Return a list of the same value, so many times."""
    if count < 0:
        raise AlgorithmError(f"Parameter 'count' must not be negative, got {count}.")
    context.spend(count, ITEM)
    return [value] * count


@algorithm("List.reverse(list: List<Object>) -> List<Object>")
def reverse(_: Context, items: list[object]) -> list[object]:
    """Return the items from the last to the first."""
    return items[::-1]


@algorithm("List.rotate(list: List<Object>, distance: Integer) -> List<Object>")
def rotate(context: Context, items: list[object], distance: int) -> list[object]:
    """Return the items so many places further on; what leaves at the end comes in at the beginning."""
    if not items:
        return items
    context.assume("list-rotate-onwards")
    first = -distance % len(items)
    return [*items[first:], *items[:first]]


@algorithm("List.shuffle(list: List<Object>, seed: Object = null) -> List<Object>")
def shuffle(context: Context, items: list[object], seed: object) -> list[object]:
    """Return the items in an order that depends on the seed alone."""
    if seed is False:
        raise AlgorithmError("The emulator shuffles in reproducible orders only: give a seed.", unsupported=True)
    if seed is not None and not isinstance(seed, int):
        raise AlgorithmError("Parameter 'seed' must be a whole number.")
    context.assume("list-shuffle-order")
    context.spend(len(items), 10 * ITEM)
    shuffled = list(items)
    random.Random(seed or 0).shuffle(shuffled)  # noqa: S311 - nothing secret
    return shuffled


@algorithm("List.zip(list: List<Object>, other: List<Object>) -> List<List<Object>>")
def zip_lists(context: Context, items: list[object], other: list[object]) -> list[object]:
    """Return pairs of the items in the same places, as many as the shorter list has items."""
    context.spend(min(len(items), len(other)), 10 * ITEM)
    return [[left, right] for left, right in zip(items, other)]  # noqa: B905 - the shorter one decides


@algorithm("List.unzip(list: List<Object>) -> List<List<Object>>")
def unzip(context: Context, items: list[object]) -> list[object]:
    """Return the first items of all lists in the list, then the second ones, up to the end of the shortest."""
    lists = [item for item in items if isinstance(item, list)]
    if len(lists) != len(items):
        raise AlgorithmError("Every item must be a list.")
    shortest = min(map(len, lists), default=0)
    context.spend(shortest, 10 * ITEM)
    context.spend(shortest * len(lists), ITEM)
    return [[item[place] for item in lists] for place in range(shortest)]
