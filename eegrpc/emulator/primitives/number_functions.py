"""What Earth Engine computes on single numbers: for Number.*, and for Array.* element by element.

Sources: the descriptions of the functions, and the examples on their reference pages where the comment says so.
"""

from __future__ import annotations

import math
import operator
import struct
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.special_functions import digamma, erf_inverse, erfc_inverse, trigamma
from eegrpc.emulator.properties import from_double

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context

    Number = int | float
    Unary = Callable[[Context, Number], Number]
    Binary = Callable[[Context, Number, Number], Number]

__all__ = ["BINARY", "UNARY", "cast", "computed", "to_float32"]

# Whole numbers are 64 bits wide; what goes beyond continues as a float.
_LONG = 2**63


def computed(compute: Callable[[], Number]) -> Number:
    """Return a result as Earth Engine has it: infinite where it is too large, NaN where it is not defined."""
    try:
        result = compute()
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan
    return result if isinstance(result, float) or -_LONG <= result < _LONG else float(result)


# --------------------------------------------------------------------------------------------------------- rounding


def _whole(value: Number, rounding: Callable[[float], int]) -> Number:
    return rounding(value) if isinstance(value, int) or math.isfinite(value) else value


def _round(context: Context, value: Number) -> Number:
    """Halves go up: the example of Number.round has 11 for 10.5."""
    if value < 0 and value % 1 == 0.5:
        context.assume("round-half-up")
    return _whole(value, lambda number: math.floor(number) + (number - math.floor(number) >= 0.5))


_INTEGERS = {
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-_LONG, _LONG - 1),
}
_INTEGERS |= {"byte": _INTEGERS["uint8"], "short": _INTEGERS["int16"]}
_INTEGERS |= {"int": _INTEGERS["int32"], "long": _INTEGERS["int64"]}


def cast(context: Context, value: Number, least: float, most: float) -> int:
    """Return the nearest whole number within a range. The example of Array.byte rounds, those of Number.* clamp."""
    if isinstance(value, float):
        if value != value or value % 1:
            context.assume("casts-round")
        value = 0 if math.isnan(value) else _round(context, value)
    return int(max(least, min(most, value)))


def to_float32(value: Number) -> float:
    """Return the nearest number that 32 bits can hold."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


# ------------------------------------------------------------------------------------------------------- arithmetic


def _divide(left: Number, right: Number) -> Number:
    return left / right if right else 0  # 0 for a division by 0: the description of Number.divide


def _mod(context: Context, left: Number, right: Number) -> Number:
    """Return the remainder, which has the sign of the dividend: the examples of Number.mod."""
    if right == 0:
        context.assume("mod-by-zero-is-zero")
        return 0
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) % abs(right) * (-1 if left < 0 else 1)
    return math.fmod(left, right)


def _pow(left: Number, right: Number) -> Number:
    if left == 0 and right < 0:
        return math.inf
    try:
        power = math.pow(left, right)
    except OverflowError:
        power = -math.inf if left < 0 and right % 2 else math.inf
    return from_double(power) if isinstance(left, int) and isinstance(right, int) else power


def _cbrt(value: Number) -> float:
    if not math.isfinite(value):
        return float(value)
    root = abs(value) ** (1 / 3)
    nearest = round(root)
    return math.copysign(nearest if nearest**3 == abs(value) else root, value)


def _sinh(value: Number) -> float:
    try:
        return math.sinh(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _log(value: Number, logarithm: Callable[[float], float]) -> float:
    return logarithm(value) if value else -math.inf


def _gamma(value: Number) -> float:
    return math.gamma(value) if value > 0 else math.nan  # "values less than or equal to 0 are invalid": its example


def _signum(value: Number) -> Number:
    return value if value != value else (value > 0) - (value < 0)


# ------------------------------------------------------------------------------------------------------------- bits


def _bits(value: Number) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise AlgorithmError(f"The emulator does not take {value} for bits.", unsupported=True)
    return int(value)


def _shift(context: Context, value: Number, distance: Number) -> Number:
    """Shift to the left, or by a negative distance to the right, within 64 bits."""
    bits, places = _bits(value), _bits(distance)
    if abs(places) > 63:
        raise AlgorithmError(f"The emulator does not shift by {abs(places)} bits.", unsupported=True)
    if places < 0:
        return bits >> -places
    shifted = bits << places
    if not -_LONG <= shifted < _LONG:
        context.assume("shifts-drop-bits")
    return (shifted + _LONG) % (2 * _LONG) - _LONG


def _plain(compute: Callable[..., Number]) -> Callable[..., Number]:
    return lambda _context, *values: compute(*values)


_PLAIN_BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": _divide,
    "pow": _pow,
    "min": min,
    "max": max,
    "first": lambda left, _: left,
    "firstNonZero": lambda left, right: left or right,
    # The left number is x, the right one y: the example of Number.atan2.
    "atan2": lambda x, y: math.atan2(y, x),
    "hypot": math.hypot,
    "bitwiseAnd": lambda left, right: _bits(left) & _bits(right),
    "bitwiseOr": lambda left, right: _bits(left) | _bits(right),
    "bitwiseXor": lambda left, right: _bits(left) ^ _bits(right),
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

BINARY: dict[str, Binary] = {
    **{name: _plain(compute) for name, compute in _PLAIN_BINARY.items()},
    "mod": _mod,
    "leftShift": _shift,
    "rightShift": lambda context, left, right: _shift(context, left, -right),
}

_PLAIN_UNARY: dict[str, Callable[[Number], Number]] = {
    "abs": abs,
    "not": lambda value: int(not value),
    "signum": _signum,
    "ceil": lambda value: _whole(value, math.ceil),
    "floor": lambda value: _whole(value, math.floor),
    "sqrt": math.sqrt,
    "cbrt": _cbrt,
    "exp": math.exp,
    "log": lambda value: _log(value, math.log),
    "log10": lambda value: _log(value, math.log10),
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": _sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "erf": math.erf,
    "erfc": math.erfc,
    "gamma": _gamma,
    "erfInv": lambda value: erf_inverse(float(value)),
    "erfcInv": lambda value: erfc_inverse(float(value)),
    "digamma": lambda value: digamma(float(value)),
    "trigamma": lambda value: trigamma(float(value)),
    "bitCount": lambda value: bin(_bits(value) % (2 * _LONG)).count("1"),
    "bitwiseNot": lambda value: ~_bits(value),
    "float": to_float32,
    "double": float,
}


def _caster(least: int, most: int) -> Unary:
    return lambda context, value: cast(context, value, least, most)


UNARY: dict[str, Unary] = {
    **{name: _plain(compute) for name, compute in _PLAIN_UNARY.items()},
    "round": _round,
    **{name: _caster(least, most) for name, (least, most) in _INTEGERS.items()},
}

# Some have several names.
_CASTS = (*_INTEGERS, "float", "double")
UNARY |= {f"to{name[0].upper()}{name[1:]}": UNARY[name] for name in _CASTS}
UNARY["bitwise_not"] = UNARY["bitwiseNot"]
BINARY |= {
    "bitwise_and": BINARY["bitwiseAnd"],
    "bitwise_or": BINARY["bitwiseOr"],
    "bitwise_xor": BINARY["bitwiseXor"],
    "first_nonzero": BINARY["firstNonZero"],
    "left_shift": BINARY["leftShift"],
    "right_shift": BINARY["rightShift"],
}
