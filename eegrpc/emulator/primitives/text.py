"""Values as text, in Java's manner, which is how Earth Engine writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

__all__ = ["digits_of", "float_text", "text_of"]


def text_of(context: Context, value: object) -> str:
    """Return a string, a number or a boolean as text.

    Args:
        context: The request's context, to note assumptions.
        value: The value.

    Returns:
        The text.

    Raises:
        AlgorithmError: It is something else; Earth Engine calls its text "not well-defined".

    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        context.assume("float-text-as-java")
        return float_text(value)
    raise AlgorithmError(f"The emulator does not convert {describe_type(value)} to a string.", unsupported=True)


def digits_of(value: float) -> tuple[str, int]:
    """Return the fewest digits that mean a finite number, and the place of the point after the first of them.

    Args:
        value: The number; its sign does not matter.

    Returns:
        The digits without zeros at either end ("0" for zero), and the exponent: (``"125"``, 1) is 12.5.

    """
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    place = len(whole) - 1 - (len(whole + fraction) - len(digits)) + int(exponent or 0)
    return (digits.rstrip("0"), place) if digits else ("0", 0)


def float_text(value: float) -> str:
    """Return a float as java.lang.Double.toString writes it: 2.0, 1.0E10, NaN."""
    if math.isnan(value):
        return "NaN"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if math.isinf(value):
        return f"{sign}Infinity"
    digits, exponent = digits_of(value)
    if digits == "0" or 1e-3 <= abs(value) < 1e7:
        if exponent < 0:
            digits, exponent = "0" * -exponent + digits, 0
        whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
        return f"{sign}{whole}.{fraction or '0'}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"
