"""java.util.Formatter for one number: what Number.format takes.

Source: the description of Number.format, and java.util.Formatter, whose rules on flags these are. Rounding is half up,
on the shortest decimal digits that mean the number, as Java does it: 0.125 to two places is 0.13.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.text import digits_of, text_of

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

__all__ = ["format_number"]

# Wider than any number of a double, whose digits end before a thousandth place.
MAX_WIDTH = 1000

_PATTERN = re.compile(
    r"(?P<before>[^%]*)%(?P<flags>[-#+ 0,(]*)(?P<width>[1-9]\d*)?(?:\.(?P<precision>\d+))?"
    r"(?P<conversion>[sdoxXeEfgGaA])(?P<after>[^%]*)",
    re.ASCII | re.DOTALL,
)

# Flags that a conversion takes, besides "-", which all take.
_FLAGS = {"s": "", "d": "+ 0,(", "o": "#0", "x": "#0", "e": "#+ 0(", "f": "#+ 0,(", "g": "+ 0,("}


def format_number(context: Context, number: float, pattern: str) -> str:
    """Write a number.

    Args:
        context: The request's context, to count the text and to note assumptions.
        number: The number.
        pattern: A pattern with exactly one conversion.

    Returns:
        The text.

    Raises:
        AlgorithmError: Java refuses the pattern, or it with this number; or the emulator does not write that.

    """
    context.spend_text(len(pattern) + MAX_WIDTH)
    match = _PATTERN.fullmatch(pattern)
    if match is None:
        raise AlgorithmError(f"Invalid format pattern '{pattern}'.")
    flags, kind = match["flags"], match["conversion"].lower()
    if kind == "a":
        raise AlgorithmError("The emulator does not write hexadecimal fractions (%a).", unsupported=True)
    width = int(match["width"] or 0) if len(match["width"] or "") < 5 else MAX_WIDTH + 1
    precision = None if match["precision"] is None else int(match["precision"][:5])
    if max(width, precision or 0) > MAX_WIDTH:
        raise AlgorithmError(f"The emulator writes at most {MAX_WIDTH} characters for a number.", unsupported=True)
    problem = _problem(flags, kind, width, precision)
    if problem:
        raise AlgorithmError(f"Invalid format pattern '{pattern}': {problem}.")
    if kind == "s":
        shown = text_of(context, number)[:precision]
    elif kind in "dox":
        shown = _integer(context, number, flags, kind, width)
    else:
        shown = _decimal(float(number), flags, kind, width, 6 if precision is None else precision)
    if match["conversion"].isupper():
        shown = shown.upper()
    shown = shown.ljust(width) if "-" in flags else shown.rjust(width)
    return f"{match['before']}{shown}{match['after']}"


def _problem(flags: str, kind: str, width: int, precision: int | None) -> str:
    """Return what Java has against a combination, or nothing."""
    if len(set(flags)) < len(flags):
        return f"a flag is there twice in '{flags}'"
    if "+" in flags and " " in flags:
        return "the flags '+' and ' ' exclude each other"
    if "-" in flags and "0" in flags:
        return "the flags '-' and '0' exclude each other"
    if ("-" in flags or "0" in flags) and not width:
        return "the flags '-' and '0' need a width"
    wrong = [flag for flag in flags if flag != "-" and flag not in _FLAGS[kind]]
    if wrong:
        return f"conversion '{kind}' takes no flag '{wrong[0]}'"
    if precision is not None and kind in "dox":
        return f"conversion '{kind}' takes no precision"
    return ""


def _integer(context: Context, number: float, flags: str, kind: str, width: int) -> str:
    if isinstance(number, float):
        if not math.isfinite(number) or number != int(number):
            raise AlgorithmError(f"The emulator does not write {number} as a whole number (%{kind}).", unsupported=True)
        context.assume("whole-floats-as-integers")
        number = int(number)
    if kind == "d":
        return _signed(str(abs(number)), number < 0, flags, width)
    if number < 0:
        raise AlgorithmError(f"The emulator does not write negative numbers with %{kind}.", unsupported=True)
    prefix = {"o": "0", "x": "0x"}[kind] if "#" in flags else ""
    digits = f"{number:{kind}}"
    return prefix + (digits.zfill(width - len(prefix)) if "0" in flags else digits)


def _decimal(value: float, flags: str, kind: str, width: int, precision: int) -> str:
    negative = math.copysign(1, value) < 0
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return _signed("Infinity", negative, flags.replace("0", "").replace(",", ""), width)
    point = "." if "#" in flags else ""
    digits, exponent = digits_of(value)
    if kind == "g":
        precision = max(1, precision)
        rounded = _rounded(digits, exponent, precision - 1 - exponent)[1]
        fixed = digits == "0" or -4 <= rounded < precision
        kind, precision = ("f", precision - 1 - rounded) if fixed else ("e", precision - 1)
        if digits == "0":
            precision = max(0, precision)
    if kind == "f":
        return _signed(_fixed(digits, exponent, precision, point), negative, flags, width)
    digits, exponent = _rounded(digits, exponent, precision - exponent)
    mantissa = _fixed(digits, 0, precision, point)
    sign = "-" if exponent < 0 else "+"
    return _signed(f"{mantissa}e{sign}{abs(exponent):02d}", negative, flags.replace(",", ""), width)


def _rounded(digits: str, exponent: int, places: int) -> tuple[str, int]:
    """Return digits and exponent, rounded half up to so many places after the point."""
    kept = exponent + 1 + places
    if kept >= len(digits):
        return digits, exponent
    if kept < 0:
        return "0", 0
    number = int(digits[:kept] or "0") + (digits[kept] >= "5")
    if number == 0:
        return "0", 0
    longer = len(str(number)) - kept
    return str(number), exponent + longer


def _fixed(digits: str, exponent: int, precision: int, point: str) -> str:
    """Return a number with so many places after the point."""
    digits, exponent = _rounded(digits, exponent, precision)
    if exponent < 0:
        digits, exponent = "0" * -exponent + digits, 0
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{fraction.ljust(precision, '0')}" if precision else whole + point


def _signed(digits: str, negative: bool, flags: str, width: int) -> str:
    """Return a number with its sign, groups of three and leading zeros, as the flags have them."""
    if "," in flags:
        whole = re.match(r"\d+", digits)
        end = whole.end() if whole else 0
        digits = f"{int(digits[:end]):,}{digits[end:]}"
    before = ("(" if "(" in flags else "-") if negative else "+" if "+" in flags else " " if " " in flags else ""
    after = ")" if before == "(" else ""
    if "0" in flags:
        digits = digits.zfill(width - len(before) - len(after))
    return before + digits + after
