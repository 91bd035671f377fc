"""Special functions that Python's math module has not, to about the precision of a double."""

from __future__ import annotations

import math
from statistics import NormalDist

from eegrpc.emulator.errors import AlgorithmError

__all__ = ["digamma", "erf_inverse", "erfc_inverse", "trigamma"]

# From here on the asymptotic series below are as precise as a double.
_LARGE = 10

# Below this, the slope of the error function is too small to make a guess better.
_TINY = 1e-300


def digamma(value: float) -> float:
    """Return the derivative of the logarithm of the gamma function; -infinity at its poles, as the examples have it."""
    if value <= 0:
        if math.isinf(value) or value.is_integer():
            return -math.inf
        return digamma(1 - value) - math.pi / math.tan(math.pi * value)
    result = 0.0
    while value < _LARGE:
        result -= 1 / value
        value += 1
    square = 1 / (value * value)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return result + math.log(value) - 0.5 / value - series


def trigamma(value: float) -> float:
    """Return the derivative of digamma; infinity at its poles, as the examples have it."""
    if value <= 0:
        if math.isinf(value) or value.is_integer():
            return math.inf
        return (math.pi / math.sin(math.pi * value)) ** 2 - trigamma(1 - value)
    result = 0.0
    while value < _LARGE:
        result += (1 / value) ** 2
        value += 1
    square = 1 / (value * value)
    series = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66))))
    return result + (1 + 0.5 / value + series) / value


def erf_inverse(value: float) -> float:
    """Return the number whose error function is the value; NaN outside of -1 to 1."""
    if not -1 < value < 1:
        return math.copysign(math.inf, value) if abs(value) == 1 else math.nan
    if abs(value) > 0.5:
        return math.copysign(erfc_inverse(1 - abs(value)), value)
    guess = NormalDist().inv_cdf((value + 1) / 2) / math.sqrt(2)
    return guess - (math.erf(guess) - value) / _slope(guess)


def erfc_inverse(value: float) -> float:
    """Return the number whose complementary error function is the value; NaN outside of 0 to 2."""
    if not 0 < value < 2:
        return math.copysign(math.inf, 1 - value) if value in (0, 2) else math.nan
    if value < _TINY:
        raise AlgorithmError(f"The emulator does not invert the error function at {value}.", unsupported=True)
    guess = -NormalDist().inv_cdf(value / 2) / math.sqrt(2)
    return guess + (math.erfc(guess) - value) / _slope(guess)


def _slope(value: float) -> float:
    return 2 / math.sqrt(math.pi) * math.exp(-value * value)
