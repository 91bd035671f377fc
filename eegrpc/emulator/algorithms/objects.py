"""Functions of any object: its type, equality, and margins of error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.equality import same
from eegrpc.emulator.printing import printed
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import ErrorMargin

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

# The names that the examples of ObjectType and the description of Filter.hasType give.
_KNOWN_TYPES = {"String", "List", "Dictionary", "Image", "Feature", "ImageCollection", "FeatureCollection", "Date"}
_INTEGERS = range(-(2**31), 2**31)


@algorithm("ObjectType(value: Object = null) -> String")
def object_type(context: Context, value: object) -> str:
    """Return the name of a value's type."""
    name = describe_type(value)
    if name not in _KNOWN_TYPES:
        context.assume("object-type-names")
    return "Long" if name == "Integer" and value not in _INTEGERS else name


@algorithm("Describe(input: Object) -> Object")
def describe(context: Context, value: object) -> object:
    """Return a value as getInfo() shows it: strings, numbers, lists and dictionaries."""
    return printed(context, value)


@algorithm("IsEqual(left: Object = null, right: Object = null) -> Boolean")
def is_equal(context: Context, left: object, right: object) -> bool:
    """Whether two values are equal; two nulls are."""
    return same(context, left, right)


@algorithm('ErrorMargin(value: Float = null, unit: String = "meters") -> ErrorMargin')
def error_margin(_: Context, value: float | None, unit: str) -> ErrorMargin:
    """Return a margin of error."""
    return ErrorMargin.of(value, unit)
