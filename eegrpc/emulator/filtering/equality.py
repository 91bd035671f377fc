"""When two values are the same: for lists, dictionaries and IsEqual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.context import CHARACTERS
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Array, Collection, Date, DateRange, Element, Function

if TYPE_CHECKING:
    from collections.abc import Hashable

    from eegrpc.emulator.context import Context

__all__ = ["identity", "same"]

# What a value costs, in units of Context.spend.
_PRICE = 8


def same(context: Context, left: object, right: object) -> bool:
    """Whether two values are equal; arguments and errors are those of `identity`."""
    return identity(context, left) == identity(context, right)


def identity(context: Context, value: object) -> Hashable:
    """Return what stands for a value in comparisons: those of two values are equal if the values are.

    Numbers are equal by value; a number equals no boolean and no text.

    Args:
        context: The request's context: everything in the value is counted.
        value: The value.

    Returns:
        A key for dictionaries and sets; comparing it may raise AlgorithmError.

    Raises:
        AlgorithmError: There is too much in the value.

    """
    context.spend(1, _PRICE)
    if isinstance(value, str):
        context.spend(len(value) // CHARACTERS, 1)
        return value
    if isinstance(value, bool):
        return ("Boolean", value)
    if isinstance(value, (int, float)):
        return value if value == value else ("NaN",)
    if value is None or isinstance(value, (Date, DateRange, Geometry)):
        return value
    if isinstance(value, list):
        return ("List", *(identity(context, item) for item in value))
    if isinstance(value, dict):
        return ("Dictionary", frozenset((name, identity(context, item)) for name, item in value.items()))
    if isinstance(value, Array):
        context.spend(len(value.values), 1)
        return value
    return _Opaque(value)


class _Opaque:
    """A value of many parts, of which only some are compared here."""

    __slots__ = ("index", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self.index = value.index if isinstance(value, Element) else None

    def __hash__(self) -> int:
        return hash(self.index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Opaque):
            return False
        if self.value is other.value:
            return True
        if self.index != other.index or describe_type(self.value) != describe_type(other.value):
            return False
        kind = describe_type(self.value) if isinstance(self.value, (Element, Collection, Function)) else "such values"
        raise AlgorithmError(f"The emulator does not compare {kind} with {kind}.", unsupported=True)
