"""Number.*: arithmetic and comparison."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context

Number = int | float

# Whole numbers are 64 bits wide; what goes beyond continues as a float.
_LONG = 2**63


def _bounded(compute: Callable[[], Number]) -> Number:
    try:
        result = compute()
    except OverflowError:
        return math.inf
    return result if isinstance(result, float) or -_LONG <= result < _LONG else float(result)


def _divide(left: Number, right: Number) -> Number:
    return left / right if right else 0  # 0 for a division by 0: the description of Number.divide


_BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": _divide,
    "min": min,
    "max": max,
    # Comparisons give 1 or 0.
    "eq": lambda left, right: int(left == right),
    "neq": lambda left, right: int(left != right),
    "lt": lambda left, right: int(left < right),
    "lte": lambda left, right: int(left <= right),
    "gt": lambda left, right: int(left > right),
    "gte": lambda left, right: int(left >= right),
    "and": lambda left, right: int(bool(left) and bool(right)),
    "or": lambda left, right: int(bool(left) or bool(right)),
}
_UNARY: dict[str, Callable[[Number], Number]] = {
    "abs": abs,
    "not": lambda value: int(not value),
}


def _declare_binary(name: str, compute: Callable[[Number, Number], Number]) -> None:
    @algorithm(f"Number.{name}(left: Number, right: Number) -> Number", summary=f"Compute ``left {name} right``.")
    def binary(_: Context, left: Number, right: Number) -> Number:
        return _bounded(lambda: compute(left, right))


def _declare_unary(name: str, compute: Callable[[Number], Number]) -> None:
    @algorithm(f"Number.{name}(input: Number) -> Number", summary=f"Compute ``{name} input``.")
    def unary(_: Context, value: Number) -> Number:
        return _bounded(lambda: compute(value))


for _name, _binary in _BINARY.items():
    _declare_binary(_name, _binary)
for _name, _unary in _UNARY.items():
    _declare_unary(_name, _unary)
