"""The reducers that take no parameters. On values they compute exactly what their descriptions say.

A few are known by their outputs only, which is all that images need: their formulas are not documented, or they give a
p-value.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filtering.filters import fingerprint
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducing import statistics
from eegrpc.emulator.reducing.reducers import (
    Column,
    Output,
    Reducer,
    average_type,
    boolean_type,
    common_type,
    count_type,
    numbers,
    of_anything,
    of_numbers,
    of_pixels,
    of_weighted,
    real_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.reducing.statistics import Number


def _present(values: Sequence[object]) -> list[object]:
    return [value for value in values if value is not None]


def _count_present(_: Context, values: Sequence[object]) -> int:
    return len(_present(values))


def _count_every(_: Context, values: Sequence[object]) -> int:
    return len(values)


def _count_distinct(context: Context, values: Sequence[object]) -> int:
    return len({fingerprint(context, [value]) for value in values})


def _count_distinct_present(context: Context, values: Sequence[object]) -> int:
    return _count_distinct(context, _present(values))


def _count_runs(context: Context, values: Sequence[object]) -> int:
    return sum(1 for _ in groupby(fingerprint(context, [value]) for value in _present(values)))


def histogram(values: Sequence[object], weights: Sequence[Number] | None = None) -> dict[str, Number]:
    """Return how often each value comes, or the sum of its weights, by the value as text."""
    found: Counter[str] = Counter()
    for value, weight in zip(values, weights or [1] * len(values), strict=True):
        found[_text(value)] += weight  # type: ignore[assignment]  # a Counter counts in anything
    return dict(sorted(found.items()))


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, (bool, int, float, str)):
        return str(int(value)) if isinstance(value, bool) else str(value)
    raise AlgorithmError(f"A histogram counts numbers and strings, not values of type {describe_type(value)}.")


def _frequencies(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
    values, weights = columns[0]
    if weights is None:
        return (histogram(_present(values)),)
    kept = [place for place, value in enumerate(values) if value is not None]
    (heavy,) = numbers(context, [[weights[place] for place in kept]])
    return (histogram([values[place] for place in kept], heavy),)


def _first(_: Context, values: Sequence[object]) -> object:
    return values[0] if values else None


def _last(_: Context, values: Sequence[object]) -> object:
    return values[-1] if values else None


def _first_present(context: Context, values: Sequence[object]) -> object:
    return _first(context, _present(values))


def _last_present(context: Context, values: Sequence[object]) -> object:
    return _last(context, _present(values))


def _bitwise(values: Sequence[Number], *, conjunction: bool) -> int | None:
    if not values:
        return None
    if any(value != value or math.isinf(value) for value in values):
        raise AlgorithmError("Bits of infinity and NaN cannot be combined.")
    found = int(values[0])
    for value in values[1:]:
        found = found & int(value) if conjunction else found | int(value)
    return found


def _circular(measure: Callable[[float, float], float]) -> Callable[..., float | None]:
    def compute(values: Sequence[Number], weights: Sequence[Number] | None) -> float | None:
        found = statistics.resultant(values, weights)
        return None if found is None else measure(*found)

    return compute


def _spread(_: float, length: float) -> float:
    return math.sqrt(-2 * math.log(length)) if length else math.inf


def _min_max(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
    (values,) = numbers(context, [columns[0].values])
    if not values:
        context.assume("reducers-of-nothing")
    return (min(values, default=None), max(values, default=None))


def _linear_fit(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
    x, y = numbers(context, [column.values for column in columns])
    fit = statistics.linear_fit(x, y)
    if fit is None:
        context.assume("reducers-of-nothing")
        return (None, None)
    return fit


_ALL = of_numbers("all", boolean_type, lambda values: int(all(values)))
_ANY = of_numbers("any", boolean_type, lambda values: int(any(values)))

# By name: the reducer, and what it gives.
REDUCERS: dict[str, tuple[Reducer, str]] = {
    "count": (of_anything("count", count_type, _count_present), "How many inputs are not null"),
    "countEvery": (of_anything("count", count_type, _count_every), "How many inputs there are"),
    "countDistinct": (of_anything("count", count_type, _count_distinct), "How many inputs differ"),
    "countDistinctNonNull": (
        of_anything("count", count_type, _count_distinct_present),
        "How many inputs differ, without nulls",
    ),
    "countRuns": (
        of_anything("count", count_type, _count_runs),
        "How many runs of equal inputs there are, without nulls",
    ),
    "sum": (of_weighted("sum", real_type, statistics.total), "The (weighted) sum"),
    "product": (of_numbers("product", real_type, statistics.product), "The product"),
    "mean": (of_weighted("mean", average_type, statistics.mean), "The (weighted) arithmetic mean"),
    "variance": (of_numbers("variance", real_type, statistics.variance), "The variance of the inputs themselves"),
    "stdDev": (
        of_numbers("stdDev", real_type, statistics.deviation),
        "The standard deviation of the inputs themselves",
    ),
    "sampleVariance": (
        of_numbers("variance", real_type, lambda values: statistics.variance(values, sample=True)),
        "The variance of what the inputs are a sample of",
    ),
    "sampleStdDev": (
        of_numbers("stdDev", real_type, lambda values: statistics.deviation(values, sample=True)),
        "The standard deviation of what the inputs are a sample of",
    ),
    "minMax": (Reducer(1, (Output("min", common_type), Output("max", common_type)), _min_max), "Minimum and maximum"),
    "first": (of_anything("first", common_type, _first), "The first input"),
    "firstNonNull": (of_anything("first", common_type, _first_present), "The first input that is not null"),
    "last": (of_anything("last", common_type, _last), "The last input"),
    "lastNonNull": (of_anything("last", common_type, _last_present), "The last input that is not null"),
    "allNonZero": (_ALL, "1 if no input is 0, else 0"),
    "and": (_ALL, "1 if no input is 0, else 0"),
    "anyNonZero": (_ANY, "1 if some input is not 0, else 0"),
    "or": (_ANY, "1 if some input is not 0, else 0"),
    "bitwiseAnd": (
        of_numbers("bitwiseAnd", common_type, lambda values: _bitwise(values, conjunction=True)),
        "The bits that all inputs have",
    ),
    "bitwiseOr": (
        of_numbers("bitwiseOr", common_type, lambda values: _bitwise(values, conjunction=False)),
        "The bits that some input has",
    ),
    "circularMean": (
        of_weighted("circularMean", real_type, _circular(lambda direction, _: direction)),
        "The (weighted) mean direction of angles in radians",
    ),
    "circularVariance": (
        of_weighted("circularVariance", real_type, _circular(lambda _, length: 1 - length)),
        "The (weighted) circular variance of angles in radians",
    ),
    "circularStddev": (
        of_weighted("circularStdDev", real_type, _circular(_spread)),
        "The (weighted) circular standard deviation of angles in radians",
    ),
    "frequencyHistogram": (
        Reducer(1, (Output("histogram", None),), _frequencies, weighted=(0,)),
        "How often each input comes, or its weight",
    ),
    "linearFit": (
        Reducer(2, (Output("scale", real_type), Output("offset", real_type)), _linear_fit),
        "Slope and offset of the least squares line; weights are not supported",
    ),
    "skew": (of_pixels(1, Output("skew", real_type)), "The skewness; for images only"),
    "kurtosis": (of_pixels(1, Output("kurtosis", real_type)), "The kurtosis; for images only"),
    "pearsonsCorrelation": (
        of_pixels(2, Output("correlation", real_type), Output("p-value", real_type)),
        "Pearson's correlation and its p-value; for images only",
    ),
    "spearmansCorrelation": (
        of_pixels(2, Output("correlation", real_type), Output("p-value", real_type)),
        "Spearman's rank correlation and its p-value; for images only",
    ),
    "sensSlope": (
        of_pixels(2, Output("slope", real_type), Output("offset", real_type)),
        "Sen's slope and offset; for images only",
    ),
}
