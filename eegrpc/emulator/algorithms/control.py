"""Functions that decide what is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.evaluation.registry import algorithm

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context


@algorithm(
    "If(condition: Object = null, trueCase: Object = null, falseCase: Object = null) -> Object",
    lazy=("trueCase", "falseCase"),
)
def choose(_: Context, condition: object, true_case: object, false_case: object) -> object:
    """One of two cases, of which only that one is evaluated.

    Source: the description of If: 0, NaN, null, and empty strings, lists and dictionaries are false.
    """
    if isinstance(condition, (bool, int, float, str, list, dict)):
        return true_case if condition and condition == condition else false_case
    return false_case if condition is None else true_case
