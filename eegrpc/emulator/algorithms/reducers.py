"""Reducers, and what applies them to lists and to properties of collections.

On values they compute exactly what their descriptions say. A few are known by their outputs only, which is all that
images need: their formulas or parameters are not documented, or their values are arrays.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from eegrpc.emulator import reducers as building
from eegrpc.emulator import statistics
from eegrpc.emulator.bands import PixelType
from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filters import Operand, fingerprint
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducers import (
    Column,
    Output,
    Reducer,
    array_type,
    average_type,
    boolean_type,
    common_type,
    count_type,
    of_anything,
    of_numbers,
    of_pixels,
    of_weighted,
    real_type,
)
from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images import Image
    from eegrpc.emulator.statistics import Number
    from eegrpc.emulator.values import Collection

# So few values are surely below maxRaw, whose default is not documented.
_FEW = 100


# --------------------------------------------------------------------------------------------- without any parameters


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
    (heavy,) = building.numbers(context, [[weights[place] for place in kept]])
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
    (values,) = building.numbers(context, [columns[0].values])
    if not values:
        context.assume("reducers-of-nothing")
    return (min(values, default=None), max(values, default=None))


def _linear_fit(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
    x, y = building.numbers(context, [column.values for column in columns])
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


def _declare(name: str, reducer: Reducer, gives: str) -> None:
    outputs = ", ".join(f"`{output.name}`" for output in reducer.outputs)

    @algorithm(f"Reducer.{name}() -> Reducer", summary=f"{gives}; output {outputs}.")
    def made(_: Context) -> Reducer:
        return reducer


for _name, (_reducer, _gives) in REDUCERS.items():
    _declare(_name, _reducer, _gives)


# ----------------------------------------------------------------------------------------------------- with parameters


def _extreme(context: Context, name: str, choose: Callable[..., int], inputs: int) -> Reducer:
    if inputs < 1:
        raise AlgorithmError(f"Parameter 'numInputs' must be positive, got {inputs}.")
    context.spend(inputs)

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        rows = [row for row, value in enumerate(columns[0].values) if value is not None]
        (values,) = building.numbers(context, [columns[0].values])
        if not values:
            context.assume("reducers-of-nothing")
            return (None,) * inputs
        row = rows[choose(range(len(values)), key=values.__getitem__)]
        return tuple(column.values[row] for column in columns)

    def output(place: int) -> Output:
        return Output(f"{name}{place or ''}", lambda types: types[place])

    return Reducer(inputs, tuple(map(output, range(inputs))), run)


@algorithm("Reducer.min(numInputs: Integer = 1) -> Reducer")
def minimum(context: Context, inputs: int) -> Reducer:
    """Find the minimum of the first input, and what the others have there; outputs `min`, `min1`, `min2`, ..."""
    return _extreme(context, "min", min, inputs)


@algorithm("Reducer.max(numInputs: Integer = 1) -> Reducer")
def maximum(context: Context, inputs: int) -> Reducer:
    """Find the maximum of the first input, and what the others have there; outputs `max`, `max1`, `max2`, ..."""
    return _extreme(context, "max", max, inputs)


_HISTOGRAM_OPTIONS = "maxBuckets: Integer = null, minBucketWidth: Float = null, maxRaw: Integer = null"


def _directly(context: Context, values: Sequence[object], max_raw: int | None) -> None:
    """Note that values are used one by one where Earth Engine might go by a histogram of them."""
    if len(values) > (_FEW if max_raw is None else max_raw):
        context.assume("never-from-histogram")


@algorithm(f"Reducer.median({_HISTOGRAM_OPTIONS}) -> Reducer")
def median(_: Context, _buckets: int | None, _width: float | None, max_raw: int | None) -> Reducer:
    """Find the median, of the inputs themselves however many there are; output `median`."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        (values,) = building.numbers(context, [columns[0].values])
        _directly(context, values, max_raw)
        if not values:
            context.assume("reducers-of-nothing")
        return (statistics.percentile(sorted(values), 50),)

    return Reducer(1, (Output("median", average_type),), run)


@algorithm(f"Reducer.mode({_HISTOGRAM_OPTIONS}) -> Reducer")
def mode(_: Context, _buckets: int | None, _width: float | None, max_raw: int | None) -> Reducer:
    """Find the most frequent input, of several the smallest; output `mode`."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        (values,) = building.numbers(context, [columns[0].values])
        _directly(context, values, max_raw)
        if not values:
            context.assume("reducers-of-nothing")
        return (statistics.mode(values),)

    return Reducer(1, (Output("mode", common_type),), run)


@algorithm(
    f"Reducer.percentile(percentiles: List<Number>, outputNames: List<String> = null, {_HISTOGRAM_OPTIONS}) -> Reducer"
)
def percentile(
    context: Context,
    percents: list[float],
    names: list[str] | None,
    _buckets: int | None,
    _width: float | None,
    max_raw: int | None,
) -> Reducer:
    """Find percentiles, in proportion between two inputs; outputs `p10`, `p90`, ... unless named."""
    if not percents or not all(0 <= percent <= 100 for percent in percents):
        raise AlgorithmError(f"Parameter 'percentiles' must be numbers from 0 to 100, got {percents[:10]}.")
    context.spend(len(percents))

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        (values,) = building.numbers(context, [columns[0].values])
        _directly(context, values, max_raw)
        values.sort()
        if not values:
            context.assume("reducers-of-nothing")
        elif any((len(values) - 1) * percent % 100 and percent != 50 for percent in percents):
            context.assume("percentiles-in-proportion")
        return tuple(statistics.percentile(values, percent) for percent in percents)

    # A public script reads NDVI_p3 and NDVI_p98 of the percentiles 2.5 and 97.5: names are rounded.
    defaults = [f"p{math.floor(percent + 0.5)}" for percent in percents]
    outputs = tuple(Output(name, average_type) for name in defaults)
    return building.rename(context, Reducer(1, outputs, run), defaults if names is None else names)


@algorithm("Reducer.toList(tupleSize: Integer = null, numOptional: Integer = 0) -> Reducer")
def to_list(context: Context, size: int | None, optional: int) -> Reducer:
    """Collect the inputs as a list, or as a list of tuples; output `list`."""
    inputs = 1 if size is None else size
    if inputs < 1:
        raise AlgorithmError(f"Parameter 'tupleSize' must be positive, got {size}.")
    if not 0 <= optional <= inputs:
        raise AlgorithmError(f"Parameter 'numOptional' must be from 0 to {inputs}, got {optional}.")
    context.spend(inputs)

    def run(_: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        records = zip(*(column.values for column in columns), strict=True)
        kept = (record for record in records if None not in record[: inputs - optional])
        return ([record[0] for record in kept] if size is None else [list(record) for record in kept],)

    return Reducer(inputs, (Output("list", array_type(1 if size is None else 2)),), run, cost=inputs)


@algorithm("Reducer.linearRegression(numX: Integer, numY: Integer = 1) -> Reducer")
def linear_regression(_: Context, x: int, y: int) -> Reducer:
    """Fit a least squares regression; outputs `coefficients` and `residuals`; for images only."""
    return _regression(x, y)


@algorithm("Reducer.robustLinearRegression(numX: Integer, numY: Integer = 1, beta: Float = null) -> Reducer")
def robust_linear_regression(_: Context, x: int, y: int, _beta: float | None) -> Reducer:
    """Fit a robust regression; outputs `coefficients` and `residuals`; for images only."""
    return _regression(x, y)


def _regression(x: int, y: int) -> Reducer:
    if x < 1 or y < 1:
        raise AlgorithmError(f"Parameters 'numX' and 'numY' must be positive, got {x} and {y}.")
    matrix, vector = (_doubles(dimensions) for dimensions in (2, 1))
    return of_pixels(x + y, Output("coefficients", matrix), Output("residuals", vector))


@algorithm("Reducer.kendallsCorrelation(numInputs: Integer = 1) -> Reducer")
def kendalls_correlation(_: Context, inputs: int) -> Reducer:
    """Find Kendall's rank correlation; outputs `tau` and `p-value`; for images only."""
    if inputs not in (1, 2):
        raise AlgorithmError(f"Parameter 'numInputs' must be 1 or 2, got {inputs}.")
    return of_pixels(inputs, Output("tau", real_type), Output("p-value", real_type))


@algorithm(f"Reducer.autoHistogram({_HISTOGRAM_OPTIONS}, cumulative: Boolean = false) -> Reducer")
def auto_histogram(_: Context, *_options: object) -> Reducer:
    """Count in a histogram, as an array of lower bounds and counts; output `histogram`; for images only."""
    return of_pixels(1, Output("histogram", _doubles(2)))


@algorithm("Reducer.fixedHistogram(min: Float, max: Float, steps: Integer, cumulative: Boolean = false) -> Reducer")
def fixed_histogram(_: Context, low: float, high: float, steps: int, _cumulative: bool) -> Reducer:
    """Count in a histogram with given bounds, as an array; output `histogram`; for images only."""
    if not low < high or steps < 1:
        raise AlgorithmError(f"A histogram needs min < max and at least one step, got {low}, {high} and {steps}.")
    return of_pixels(1, Output("histogram", _doubles(2)))


def _doubles(dimensions: int) -> building.TypeRule:
    return lambda _: PixelType("DOUBLE", dimensions=dimensions)


# --------------------------------------------------------------------------------------------------- made of others


@algorithm(
    'Reducer.combine(reducer1: Reducer, reducer2: Reducer, outputPrefix: String = "", sharedInputs: Boolean = false) '
    "-> Reducer"
)
def combine(context: Context, first: Reducer, second: Reducer, prefix: str, shared: bool) -> Reducer:
    """Run both side by side, on the same inputs or on those of the one and then of the other."""
    return building.combine(context, first, second, prefix, shared=shared)


@algorithm("Reducer.repeat(reducer: Reducer, count: Integer) -> Reducer")
def repeat(context: Context, reducer: Reducer, count: int) -> Reducer:
    """Run copies side by side; each output is the list of the copies' outputs."""
    return building.repeat(context, reducer, count)


@algorithm("Reducer.forEach(reducer: Reducer, outputNames: List<String>) -> Reducer")
def for_each(context: Context, reducer: Reducer, names: list[str]) -> Reducer:
    """Run a copy for each name, which becomes the name of its output."""
    return building.for_each(context, reducer, names)


@algorithm("Reducer.forEachBand(reducer: Reducer, image: Image) -> Reducer")
def for_each_band(context: Context, reducer: Reducer, image: Image) -> Reducer:
    """Run a copy for each band, whose name becomes the name of its output."""
    return building.for_each(context, reducer, [band.id for band in image.bands])


@algorithm("Reducer.setOutputs(reducer: Reducer, outputs: List<String>) -> Reducer")
def set_outputs(context: Context, reducer: Reducer, names: list[str]) -> Reducer:
    """Return the same with other names for its outputs; those with an empty name are dropped."""
    return building.rename(context, reducer, names)


@algorithm("Reducer.getOutputs(reducer: Reducer) -> List<Object>")
def get_outputs(_: Context, reducer: Reducer) -> list[str]:
    """Return the names of the outputs."""
    return [output.name for output in reducer.outputs]


@algorithm("Reducer.unweighted(reducer: Reducer) -> Reducer")
def unweighted(context: Context, reducer: Reducer) -> Reducer:
    """Return the same without weighted inputs."""
    return building.unweighted(context, reducer)


@algorithm("Reducer.splitWeights(reducer: Reducer) -> Reducer")
def split_weights(context: Context, reducer: Reducer) -> Reducer:
    """Return the same with two unweighted inputs, value and weight, for each weighted one."""
    return building.split_weights(context, reducer)


@algorithm('Reducer.group(reducer: Reducer, groupField: Integer = 0, groupName: String = "group") -> Reducer')
def group(context: Context, reducer: Reducer, field: int, name: str) -> Reducer:
    """Give a result for each value of one more input; output `groups`, a list of dictionaries."""
    return building.group(context, reducer, field, name)


# ------------------------------------------------------------------------------------------------------------- applied


@algorithm("List.reduce(list: List<Object>, reducer: Reducer) -> Object")
def reduce_list(context: Context, items: list[object], reducer: Reducer) -> object:
    """Apply a reducer to items; with several inputs, to items that are lists of inputs."""
    context.spend(len(items) * reducer.inputs, ITEM)
    if reducer.inputs == 1:
        columns = [Column(items)]
    else:
        for item in items:
            if not isinstance(item, list) or len(item) != reducer.inputs:
                raise AlgorithmError(f"Each item must be a list of the reducer's {reducer.inputs} inputs.")
        columns = [Column([item[place] for item in items]) for place in range(reducer.inputs)]  # type: ignore[index]
    found = reducer.reduce(context, columns)
    return next(iter(found.values())) if len(found) == 1 else found


@algorithm(
    "Collection.reduceColumns(collection: FeatureCollection, reducer: Reducer, selectors: List<String>, "
    "weightSelectors: List<String> = null) -> Dictionary<Object>"
)
def reduce_columns(
    context: Context, collection: Collection, reducer: Reducer, selectors: list[str], weights: list[str] | None
) -> dict[str, object]:
    """Apply a reducer to properties of the elements; the results by name of the output."""
    if len(selectors) != reducer.inputs:
        raise AlgorithmError(f"The reducer has {reducer.inputs} input(s), but {len(selectors)} selector(s) are given.")
    if weights is not None and len(weights) != len(reducer.weighted):
        raise AlgorithmError(
            f"The reducer has {len(reducer.weighted)} weighted input(s), but {len(weights)} selector(s) of weights "
            "are given."
        )

    def values(selector: str) -> list[object]:
        context.spend(len(collection))
        operand = Operand(selector)
        return [operand.of(element) for element in collection]

    weighing = dict(zip(reducer.weighted, weights or [], strict=weights is not None))
    columns = [
        Column(values(selector), values(weighing[place]) if place in weighing else None)
        for place, selector in enumerate(selectors)
    ]
    return reducer.reduce(context, columns)
