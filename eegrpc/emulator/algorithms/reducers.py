"""Reducers, and what applies them to lists and to properties of collections.

Those whose values are arrays, or are not documented well enough, are known by their outputs only, which is all that
images need.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.filters import Operand
from eegrpc.emulator.images.bands import PixelType
from eegrpc.emulator.reducing import combined_reducers, statistics
from eegrpc.emulator.reducing.reducers import (
    Column,
    Output,
    Reducer,
    array_type,
    average_type,
    common_type,
    noted,
    numbers,
    of_pixels,
    real_type,
)
from eegrpc.emulator.reducing.simple_reducers import REDUCERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.images import Image
    from eegrpc.emulator.reducing.reducers import TypeRule
    from eegrpc.emulator.reducing.statistics import Number
    from eegrpc.emulator.values import Collection

# So few values are surely below maxRaw, whose default is not documented.
_FEW = 100


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
        (values,) = numbers(context, [columns[0].values])
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


def _directly(
    name: str, type_of: TypeRule, compute: Callable[[Sequence[Number]], Number | None], max_raw: int | None
) -> Reducer:
    """Return a reducer that uses every value, where Earth Engine may go by a histogram if there are many."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        values = _counted(context, columns, max_raw)
        return (noted(context, values, compute(values)),)

    return Reducer(1, (Output(name, type_of),), run)


def _counted(context: Context, columns: Sequence[Column], max_raw: int | None) -> list[Number]:
    (values,) = numbers(context, [columns[0].values])
    if len(values) > (_FEW if max_raw is None else max_raw):
        context.assume("never-from-histogram")
    return values


@algorithm(f"Reducer.median({_HISTOGRAM_OPTIONS}) -> Reducer")
def median(_: Context, _buckets: int | None, _width: float | None, max_raw: int | None) -> Reducer:
    """Find the median; output `median`."""
    return _directly("median", average_type, lambda values: statistics.percentile(sorted(values), 50), max_raw)


@algorithm(f"Reducer.mode({_HISTOGRAM_OPTIONS}) -> Reducer")
def mode(_: Context, _buckets: int | None, _width: float | None, max_raw: int | None) -> Reducer:
    """Find the most frequent input, of several the smallest; output `mode`."""
    return _directly("mode", common_type, statistics.mode, max_raw)


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
        values = sorted(_counted(context, columns, max_raw))
        if not values:
            context.assume("reducers-of-nothing")
        elif any((len(values) - 1) * percent % 100 and percent != 50 for percent in percents):
            context.assume("percentiles-in-proportion")
        return tuple(statistics.percentile(values, percent) for percent in percents)

    # A public script reads NDVI_p3 and NDVI_p98 of the percentiles 2.5 and 97.5: names are rounded.
    defaults = [f"p{math.floor(percent + 0.5)}" for percent in percents]
    outputs = tuple(Output(name, average_type) for name in defaults)
    return combined_reducers.rename(context, Reducer(1, outputs, run), defaults if names is None else names)


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


def _doubles(dimensions: int) -> TypeRule:
    return lambda _: PixelType("DOUBLE", dimensions=dimensions)


# --------------------------------------------------------------------------------------------------- made of others


@algorithm(
    'Reducer.combine(reducer1: Reducer, reducer2: Reducer, outputPrefix: String = "", sharedInputs: Boolean = false) '
    "-> Reducer"
)
def combine(context: Context, first: Reducer, second: Reducer, prefix: str, shared: bool) -> Reducer:
    """Run both side by side, on the same inputs or on those of the one and then of the other."""
    return combined_reducers.combine(context, first, second, prefix, shared=shared)


@algorithm("Reducer.repeat(reducer: Reducer, count: Integer) -> Reducer")
def repeat(context: Context, reducer: Reducer, count: int) -> Reducer:
    """Run copies side by side; each output is the list of the copies' outputs."""
    return combined_reducers.repeat(context, reducer, count)


@algorithm("Reducer.forEach(reducer: Reducer, outputNames: List<String>) -> Reducer")
def for_each(context: Context, reducer: Reducer, names: list[str]) -> Reducer:
    """Run a copy for each name, which becomes the name of its output."""
    return combined_reducers.for_each(context, reducer, names)


@algorithm("Reducer.forEachBand(reducer: Reducer, image: Image) -> Reducer")
def for_each_band(context: Context, reducer: Reducer, image: Image) -> Reducer:
    """Run a copy for each band, whose name becomes the name of its output."""
    return combined_reducers.for_each(context, reducer, [band.id for band in image.bands])


@algorithm("Reducer.setOutputs(reducer: Reducer, outputs: List<String>) -> Reducer")
def set_outputs(context: Context, reducer: Reducer, names: list[str]) -> Reducer:
    """Return the same with other names for its outputs; those with an empty name are dropped."""
    return combined_reducers.rename(context, reducer, names)


@algorithm("Reducer.getOutputs(reducer: Reducer) -> List<Object>")
def get_outputs(_: Context, reducer: Reducer) -> list[str]:
    """Return the names of the outputs."""
    return [output.name for output in reducer.outputs]


@algorithm("Reducer.unweighted(reducer: Reducer) -> Reducer")
def unweighted(context: Context, reducer: Reducer) -> Reducer:
    """Return the same without weighted inputs."""
    return combined_reducers.unweighted(context, reducer)


@algorithm("Reducer.splitWeights(reducer: Reducer) -> Reducer")
def split_weights(context: Context, reducer: Reducer) -> Reducer:
    """Return the same with two unweighted inputs, value and weight, for each weighted one."""
    return combined_reducers.split_weights(context, reducer)


@algorithm('Reducer.group(reducer: Reducer, groupField: Integer = 0, groupName: String = "group") -> Reducer')
def group(context: Context, reducer: Reducer, field: int, name: str) -> Reducer:
    """Give a result for each value of one more input; output `groups`, a list of dictionaries."""
    return combined_reducers.group(context, reducer, field, name)


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
