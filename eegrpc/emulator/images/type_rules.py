"""The pixel type of a result, from those of the operands. An array has the most dimensions of its operands.

Sources are the descriptions of the functions: "the type of the output pixels is the union of the input types", "... is
float", "... is the larger of the input and value types".
"""

from __future__ import annotations

import math
from dataclasses import replace

from eegrpc.emulator.images.bands import PixelType, union_precision

FLOAT = PixelType("FLOAT")
DOUBLE = PixelType("DOUBLE")
UNIT = PixelType("FLOAT", 0, 1)
INT32 = PixelType("INT", -(2**31), 2**31 - 1)
COUNT = PixelType("INT", 0, 2**31 - 1)


def with_range(kind: PixelType, low: float | None, high: float | None) -> PixelType:
    """Return a type with other bounds; without any if one of them is not a finite number."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        low = high = None
    return PixelType(kind.precision, low, high, kind.dimensions)


def with_dimensions(kind: PixelType, dimensions: int) -> PixelType:
    """Return the type of arrays of such pixels."""
    return kind if kind.dimensions == dimensions else replace(kind, dimensions=dimensions)


def union(left: PixelType, right: PixelType) -> PixelType:
    """Return the type that holds the values of both: the wider precision, and a range around both."""
    low = high = None
    if left.minimum is not None and right.minimum is not None:
        low = min(left.minimum, right.minimum)
    if left.maximum is not None and right.maximum is not None:
        high = max(left.maximum, right.maximum)
    dimensions = max(left.dimensions, right.dimensions)
    return with_range(PixelType(union_precision(left, right), dimensions=dimensions), low, high)


def floating(kind: PixelType) -> PixelType:
    """Return the floating-point type for results of a type's values: double for doubles, else float; no range."""
    return PixelType("DOUBLE" if kind.precision == "DOUBLE" else "FLOAT", dimensions=kind.dimensions)


def absolute(kind: PixelType) -> PixelType:
    """Return the type of absolute values."""
    if kind.minimum is None or kind.maximum is None:
        return kind
    ends = (abs(kind.minimum), abs(kind.maximum))
    return with_range(kind, 0 if kind.minimum <= 0 <= kind.maximum else min(ends), max(ends))


def sign(kind: PixelType) -> PixelType:
    """Return the type of signs: -1, 0, 1."""
    return with_range(kind, -1, 1)


def clamped(kind: PixelType, low: float, high: float) -> PixelType:
    """Return the type of values that are moved into a range; whole numbers stay whole if its ends are."""
    whole = kind.precision != "INT" or (float(low).is_integer() and float(high).is_integer())
    precision = kind.precision if whole else "FLOAT"
    ends = (low if kind.minimum is None else kind.minimum, high if kind.maximum is None else kind.maximum)
    least, most = (min(max(end, low), high) for end in ends)
    return with_range(PixelType(precision, dimensions=kind.dimensions), least, most)


def arithmetic_type(operator: str, left: PixelType, right: PixelType) -> PixelType:
    """Return the type of ``left operator right``.

    The precision is the union of the inputs' (algorithm descriptions). The range is worked out from theirs: public
    error texts show uint16 * 0.0000275 - 0.2 as ``Float<-0.2, 1.6022125>``, which no plain union gives.

    Args:
        operator: ``add``, ``subtract``, ``multiply`` or ``divide``.
        left: Type of the first operand.
        right: Type of the second operand.

    Returns:
        The type of the result; without a range when an operand has none.

    """
    precision = union_precision(left, right)
    if operator == "divide" and precision == "INT":
        precision = "FLOAT"
    result = PixelType(precision, dimensions=max(left.dimensions, right.dimensions))
    a, b, c, d = left.minimum, left.maximum, right.minimum, right.maximum
    if a is None or b is None or c is None or d is None:
        return result
    if operator == "add":
        corners = [a + c, b + d]
    elif operator == "subtract":
        corners = [a - d, b - c]
    elif operator == "multiply":
        corners = [a * c, a * d, b * c, b * d]
    elif c <= 0 <= d:
        return result  # a divisor near zero leaves no bound
    else:
        corners = [a / c, a / d, b / c, b / d]
    return with_range(result, min(corners), max(corners))
