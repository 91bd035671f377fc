"""Statistics of plain numbers, as reducers and aggregations compute them.

Whole numbers are added exactly, others with one rounding at the end; variances take two passes. What has no value, such
as the mean of nothing, is None.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from eegrpc.emulator.properties import from_double

if TYPE_CHECKING:
    from collections.abc import Sequence

Number = int | float

# Whole numbers are 64 bits wide; a sum that goes beyond continues as a float.
_LONG = 2**63


def total(values: Sequence[Number], weights: Sequence[Number] | None = None) -> Number:
    """Return the sum, of values times weights if there are weights."""
    if weights is not None:
        values = [value * weight for value, weight in zip(values, weights, strict=True)]
    if all(isinstance(value, int) for value in values):
        exact = sum(values)
        return exact if -_LONG <= exact < _LONG else float(exact)
    return _added([float(value) for value in values])


def product(values: Sequence[Number]) -> Number:
    """Return the product, as a whole number if it is one that a double holds exactly."""
    return from_double(math.prod(values, start=1.0))


def mean(values: Sequence[Number], weights: Sequence[Number] | None = None) -> float | None:
    """Return the arithmetic mean; None without values, or if all weights are 0."""
    weight = len(values) if weights is None else total(weights)
    return total(values, weights) / weight if weight else None


def variance(values: Sequence[Number], *, sample: bool = False) -> float | None:
    """Return the variance: of the values themselves, or of what they are a sample of."""
    middle = mean(values)
    count = len(values) - 1 if sample else len(values)
    if middle is None or count < 1:
        return None
    return _added([_square(value - middle) for value in values]) / count


def deviation(values: Sequence[Number], *, sample: bool = False) -> float | None:
    """Return the standard deviation."""
    found = variance(values, sample=sample)
    return None if found is None else math.sqrt(found)


def percentile(ordered: Sequence[Number], percent: float) -> Number | None:
    """Return a percentile of values in ascending order; between two of them, in proportion."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    low = ordered[below]
    if place == below:
        return low
    high = ordered[below + 1]
    share = place - below
    return low if low == high else low * (1 - share) + high * share


def mode(values: Sequence[Number]) -> Number | None:
    """Return the most frequent value, and of several the smallest. Source: the example of ee.ImageCollection.mode."""
    counts = Counter(values)
    most = max(counts.values(), default=0)
    return min((value for value, count in counts.items() if count == most), default=None)


def linear_fit(x: Sequence[Number], y: Sequence[Number]) -> tuple[float, float] | None:
    """Return slope and offset of the least squares line; None if the points do not determine one."""
    middle_x, middle_y = mean(x), mean(y)
    if middle_x is None or middle_y is None:
        return None
    spread = _added([_square(value - middle_x) for value in x])
    if not spread:
        return None
    common = _added([(a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)])
    slope = common / spread
    return slope, middle_y - slope * middle_x


def resultant(angles: Sequence[Number], weights: Sequence[Number] | None = None) -> tuple[float, float] | None:
    """Return direction and length, from 0 to 1, of the mean of unit vectors in the directions of angles in radians."""
    if not all(map(math.isfinite, angles)):
        return None
    x = mean([math.cos(angle) for angle in angles], weights)
    y = mean([math.sin(angle) for angle in angles], weights)
    return None if x is None or y is None else (math.atan2(y, x), min(1.0, math.hypot(x, y)))


def _square(value: float) -> float:
    return value * value  # unlike value ** 2, it overflows to infinity


def _added(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # sums beyond the largest double, and infinity less infinity
        return sum(values)
