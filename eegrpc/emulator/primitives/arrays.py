"""The making of arrays."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.values import Array

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context

__all__ = ["Number", "Position", "built", "check_dimensions", "to_array"]

Number = int | float
Position = tuple[int, ...]

# An array of many dimensions of length 1 is as small as a number.
MAX_DIMENSIONS = 16


def check_dimensions(count: int) -> None:
    """Refuse an array of too many dimensions."""
    if count > MAX_DIMENSIONS:
        raise AlgorithmError(f"An array may have at most {MAX_DIMENSIONS} dimensions.", unsupported=True)


def to_array(context: Context, value: object) -> Array:
    """Return an array from a number, or from lists of numbers in lists.

    Args:
        context: The request's context.
        value: The number or list.

    Returns:
        The array.

    Raises:
        AlgorithmError: Lists side by side differ in length, or something else than a number is in them.

    """
    shape: list[int] = []
    level = [value]
    while level and all(isinstance(item, list) for item in level):
        check_dimensions(len(shape) + 1)
        lists: list[list[object]] = level  # type: ignore[assignment]
        lengths = {len(item) for item in lists}
        if len(lengths) != 1:
            raise AlgorithmError("All inner lists of an array at the same depth must have the same length.")
        shape.append(lengths.pop())
        context.spend(shape[-1] * len(lists), ITEM)
        level = [item for part in lists for item in part]
    if not all(isinstance(item, (int, float)) for item in level):
        raise AlgorithmError("An array consists of numbers, in lists that are all equally deep.")
    return Array(tuple(shape), tuple(int(item) if isinstance(item, bool) else item for item in level))  # type: ignore[misc]


def built(context: Context, shape: tuple[int, ...], value: Callable[[Position], Number]) -> Array:
    """Return an array of a shape.

    Args:
        context: The request's context.
        shape: The length of each axis.
        value: Returns the number for each position.

    Returns:
        The array.

    Raises:
        AlgorithmError: It is too large.

    """
    check_dimensions(len(shape))
    context.spend(prod(shape), 16 * ITEM)
    return Array(shape, tuple(map(value, product(*map(range, shape)))))
