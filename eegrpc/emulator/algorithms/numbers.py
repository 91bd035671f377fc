"""Number.*: the functions of number_functions.py, clamping, and numbers from and to text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import shorten
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.number_format import format_number
from eegrpc.emulator.primitives.number_functions import BINARY, UNARY, computed

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.primitives.number_functions import Binary, Number, Unary

# No number of 64 bits has more digits, unless it begins with zeros.
_WHOLE = re.compile(r"[+-]?([0-9A-Za-z]{1,100})")
_DECIMAL = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity)|NaN", re.ASCII)


def _declare_binary(name: str, compute: Binary) -> None:
    @algorithm(f"Number.{name}(left: Number, right: Number) -> Number", summary=f"Compute ``left {name} right``.")
    def binary(context: Context, left: Number, right: Number) -> Number:
        return computed(lambda: compute(context, left, right))


def _declare_unary(name: str, compute: Unary) -> None:
    @algorithm(f"Number.{name}(input: Number) -> Number", summary=f"Compute ``{name} input``.")
    def unary(context: Context, value: Number) -> Number:
        return computed(lambda: compute(context, value))


for _name, _binary in BINARY.items():
    _declare_binary(_name, _binary)
for _name, _unary in UNARY.items():
    _declare_unary(_name, _unary)


@algorithm("Number.clamp(number: Number, min: Float, max: Float) -> Number")
def clamp(_: Context, number: Number, least: float, most: float) -> Number:
    """Return the number, or the nearest end of the range if it is outside."""
    return max(least, min(most, number))


@algorithm("Number.unitScale(number: Number, min: Float, max: Float) -> Number")
def unit_scale(_: Context, number: Number, least: float, most: float) -> Number:
    """Return the number on a scale where the range goes from 0 to 1; 0 if the range is empty."""
    return computed(lambda: (number - least) / (most - least) if most != least else 0)


@algorithm('Number.format(number: Number, pattern: String = "%s") -> String')
def format_(context: Context, number: Number, pattern: str) -> str:
    """Return the number as text, by a pattern of java.util.Formatter."""
    return format_number(context, number, pattern)


@algorithm("Number.parse(input: String, radix: Integer = 10) -> Number")
def parse(context: Context, text: str, radix: int) -> Number:
    """Return the number that is written as text: a whole one in any radix from 2 to 36, others in radix 10."""
    if not 2 <= radix <= 36:
        raise AlgorithmError(f"Parameter 'radix' must be from 2 to 36, got {radix}.")
    context.spend_text(len(text))
    whole = _WHOLE.fullmatch(text)
    if whole is not None and all(int(digit, 36) < radix for digit in whole[1]):
        return computed(lambda: int(text, radix))
    if radix == 10 and _DECIMAL.fullmatch(text.strip()):
        return float(text)
    raise AlgorithmError(f"Cannot parse '{shorten(text)}' as a number of radix {radix}.")
