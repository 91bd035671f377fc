"""ConfusionMatrix.*, and Collection.errorMatrix: how often what is predicted of features is what they are.

Rows are actual values, columns predicted ones (description). The descriptions of the two accuracies say "for each row"
and "for each column" the other way round than the examples in the documentation, which equate the consumer's accuracy
with the complement of the error of commission; public programs read a row of it, and a column of the producer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.arrays import built
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Array, ConfusionMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Collection

# Whole numbers up to here are exact as doubles.
_MOST = 2**53


@algorithm("ConfusionMatrix(array: Object, order: List<Integer> = null) -> ConfusionMatrix")
def confusion_matrix(_: Context, counts: object, order: list[int] | None) -> ConfusionMatrix:
    """Return a matrix of counts; without an order the values are 0, 1, 2, ..."""
    if not isinstance(counts, Array):  # "Unlike the ee.Array constructor, this argument cannot take a list."
        raise AlgorithmError(f"Parameter 'array' must be an Array, not: {describe_type(counts)}.")
    if len(counts.shape) != 2 or counts.shape[0] != counts.shape[1]:
        raise AlgorithmError(f"A confusion matrix must be square, but the array has the shape {list(counts.shape)}.")
    if not all(0 <= count <= _MOST and count == int(count) for count in counts.values):
        raise AlgorithmError("A confusion matrix must consist of whole numbers, none of them negative.")
    if order is not None and len(order) != counts.shape[0]:
        raise AlgorithmError(f"Parameter 'order' must have {counts.shape[0]} values, but has {len(order)}.")
    return ConfusionMatrix(counts, tuple(range(counts.shape[0]) if order is None else order))


@algorithm(
    "Collection.errorMatrix(collection: FeatureCollection, actual: String, predicted: String, "
    "order: List<Integer> = null) -> ConfusionMatrix"
)
def error_matrix(
    context: Context, collection: Collection, actual: str, predicted: str, order: list[int] | None
) -> ConfusionMatrix:
    """Count the elements by actual and predicted value; with an order, only those whose values are in it."""
    context.spend(len(collection))
    pairs = [(_whole(element.get(actual), actual), _whole(element.get(predicted), predicted)) for element in collection]
    if order is None:
        if any(value < 0 for pair in pairs for value in pair):
            raise AlgorithmError("Without parameter 'order' the values must not be negative.")
        size = max((value for pair in pairs for value in pair), default=-1) + 1
        context.spend(size * size)
        order = list(range(size))
    places = {value: place for place, value in enumerate(order)}
    if len(places) != len(order):
        raise AlgorithmError("Parameter 'order' must not have a value twice.")
    counts: dict[tuple[int, ...], int] = {}
    for one, other in pairs:
        if one in places and other in places:
            cell = (places[one], places[other])
            counts[cell] = counts.get(cell, 0) + 1
    return ConfusionMatrix(built(context, (len(order), len(order)), lambda cell: counts.get(cell, 0)), tuple(order))


def _whole(value: object, name: str) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _MOST and value == int(value):
        return int(value)
    shown = value if isinstance(value, float) else describe_type(value)
    raise AlgorithmError(f"Property '{name}' must be a whole number in all elements, but is: {shown}.")


@algorithm("ConfusionMatrix.array(confusionMatrix: ConfusionMatrix) -> Array")
def as_array(_: Context, matrix: ConfusionMatrix) -> Array:
    """Return the counts."""
    return matrix.counts


@algorithm("ConfusionMatrix.order(confusionMatrix: ConfusionMatrix) -> List<Integer>")
def order_of(_: Context, matrix: ConfusionMatrix) -> list[int]:
    """Return the values of rows and columns."""
    return list(matrix.order)


@algorithm("ConfusionMatrix.accuracy(confusionMatrix: ConfusionMatrix) -> Float")
def accuracy(context: Context, matrix: ConfusionMatrix) -> float:
    """Return the proportion of what is predicted rightly."""
    return _ratio(context, sum(_right(matrix)), sum(matrix.counts.values))


@algorithm("ConfusionMatrix.kappa(confusionMatrix: ConfusionMatrix) -> Float")
def kappa(context: Context, matrix: ConfusionMatrix) -> float:
    """Return Cohen's kappa: how much better the predictions are than chance."""
    total = sum(matrix.counts.values)
    expected = _ratio(context, sum(map(float.__mul__, _rows(matrix), _columns(matrix))), total * total)
    observed = _ratio(context, sum(_right(matrix)), total)
    return _ratio(context, observed - expected, 1 - expected)


@algorithm("ConfusionMatrix.producersAccuracy(confusionMatrix: ConfusionMatrix) -> Array")
def producers_accuracy(context: Context, matrix: ConfusionMatrix) -> Array:
    """Return for each actual value, in a column, the proportion that is predicted rightly."""
    context.assume("accuracies-as-in-examples")
    return Array((len(matrix.order), 1), _ratios(context, _right(matrix), _rows(matrix)))


@algorithm("ConfusionMatrix.consumersAccuracy(confusionMatrix: ConfusionMatrix) -> Array")
def consumers_accuracy(context: Context, matrix: ConfusionMatrix) -> Array:
    """Return for each predicted value, in a row, the proportion that is right."""
    context.assume("accuracies-as-in-examples")
    return Array((1, len(matrix.order)), _ratios(context, _right(matrix), _columns(matrix)))


@algorithm("ConfusionMatrix.fscore(confusionMatrix: ConfusionMatrix, beta: Float = 1) -> Array")
def fscore(context: Context, matrix: ConfusionMatrix, beta: float) -> Array:
    """Return for each value the mean of precision and recall, which counts beta times as much."""
    context.assume("accuracies-as-in-examples")
    weight = beta * beta
    right, actual, predicted = _right(matrix), _rows(matrix), _columns(matrix)
    scores = _ratios(
        context,
        [(1 + weight) * each for each in right],
        [weight * row + column for row, column in zip(actual, predicted, strict=True)],
    )
    return Array((len(matrix.order),), scores)


def _right(matrix: ConfusionMatrix) -> list[float]:
    size = len(matrix.order)
    return [float(matrix.counts.values[place * (size + 1)]) for place in range(size)]


def _rows(matrix: ConfusionMatrix) -> list[float]:
    size = len(matrix.order)
    return [float(sum(matrix.counts.values[row * size : (row + 1) * size])) for row in range(size)]


def _columns(matrix: ConfusionMatrix) -> list[float]:
    size = len(matrix.order)
    return [float(sum(matrix.counts.values[column::size])) for column in range(size)]


def _ratios(context: Context, parts: Sequence[float], wholes: Sequence[float]) -> tuple[float, ...]:
    return tuple(_ratio(context, part, whole) for part, whole in zip(parts, wholes, strict=True))


def _ratio(context: Context, part: float, whole: float) -> float:
    if not whole:
        context.assume("accuracy-of-nothing-is-zero")
        return 0.0
    return part / whole
