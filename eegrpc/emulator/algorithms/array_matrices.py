"""Array.matrix*: products, inverses and what else is computed of matrices as a whole; and Array.sort.

Source: the descriptions that Earth Engine serves. The last digits depend on the order of the operations, which is ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.arrays import built
from eegrpc.emulator.values import Array

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.primitives.arrays import Number

Rows = list[list[float]]


def _rows(matrix: Array) -> Rows:
    if len(matrix.shape) != 2 or not matrix.values:
        raise AlgorithmError(f"A matrix is needed, but the array has the shape {list(matrix.shape)}.")
    width = matrix.shape[1]
    return [list(map(_real, matrix.values[start : start + width])) for start in range(0, len(matrix.values), width)]


def _real(value: Number) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise AlgorithmError("A number of the matrix is too large.") from error


def _square(matrix: Array) -> Rows:
    rows = _rows(matrix)
    if len(rows) != len(rows[0]):
        raise AlgorithmError(f"The matrix must be square, but has the shape {list(matrix.shape)}.")
    return rows


def _array(rows: Rows) -> Array:
    return Array((len(rows), len(rows[0])), tuple(value for row in rows for value in row))


@algorithm("Array.matrixMultiply(left: Array, right: Array) -> Array")
def multiply(context: Context, left: Array, right: Array) -> Array:
    """Return the product of two matrices."""
    rows, columns = _rows(left), list(zip(*_rows(right), strict=True))
    if len(rows[0]) != len(columns[0]):
        raise AlgorithmError(f"Matrices of the shapes {list(left.shape)} and {list(right.shape)} have no product.")
    context.spend(len(rows) * len(columns) * len(rows[0]), ITEM)
    return built(
        context,
        (len(rows), len(columns)),
        lambda place: sum(one * other for one, other in zip(rows[place[0]], columns[place[1]], strict=True)),
    )


@algorithm("Array.matrixTrace(input: Array) -> Number")
def trace(_: Context, matrix: Array) -> float:
    """Return the sum of the diagonal."""
    return sum(row[place] for place, row in enumerate(_square(matrix)))


@algorithm("Array.matrixFnorm(input: Array) -> Number")
def norm(_: Context, matrix: Array) -> float:
    """Return the Frobenius norm: the root of the sum of all squares."""
    return math.hypot(*(value for row in _rows(matrix) for value in row))


@algorithm("Array.matrixDiagonal(input: Array) -> Array")
def diagonal(_: Context, matrix: Array) -> Array:
    """Return the diagonal as a column."""
    return _array([[row[place]] for place, row in enumerate(_rows(matrix)) if place < len(row)])


@algorithm("Array.matrixToDiag(input: Array) -> Array")
def to_diagonal(context: Context, column: Array) -> Array:
    """Return the square matrix whose diagonal is a column."""
    rows = _rows(column)
    if len(rows[0]) != 1:
        raise AlgorithmError(f"A column is needed, but the array has the shape {list(column.shape)}.")
    return built(context, (len(rows), len(rows)), lambda place: rows[place[0]][0] if place[0] == place[1] else 0)


@algorithm("Array.matrixDeterminant(input: Array) -> Number")
def determinant(context: Context, matrix: Array) -> float:
    """Return the determinant."""
    rows = _square(matrix)
    return _eliminated(context, rows, [[] for _ in rows])


@algorithm("Array.matrixInverse(input: Array) -> Array")
def inverse(context: Context, matrix: Array) -> Array:
    """Return the inverse of a square matrix."""
    rows = _square(matrix)
    return _solved(context, rows, [[float(place == other) for other in range(len(rows))] for place in range(len(rows))])


@algorithm("Array.matrixSolve(left: Array, right: Array) -> Array")
def solve(context: Context, left: Array, right: Array) -> Array:
    """Return x in left * x = right; of more equations than unknowns the solution of least squares."""
    rows, results = _rows(left), _rows(right)
    if len(rows) != len(results) or len(rows) < len(rows[0]):
        raise AlgorithmError(
            f"There must be a row of results for each of at least as many equations as unknowns: "
            f"{list(left.shape)}, {list(right.shape)}."
        )
    if len(rows) > len(rows[0]):
        turned = _array([list(column) for column in zip(*rows, strict=True)])
        rows, results = _rows(multiply(context, turned, left)), _rows(multiply(context, turned, right))
    return _solved(context, rows, results)


def _solved(context: Context, rows: Rows, results: Rows) -> Array:
    if not _eliminated(context, rows, results):
        raise AlgorithmError("The matrix is singular.")
    return _array(results)


def _eliminated(context: Context, rows: Rows, results: Rows) -> float:
    """Turn a square matrix into the identity, and do the same to the results beside it; return its determinant."""
    size = len(rows)
    context.spend(size * size * (size + len(results[0])), ITEM)
    product = 1.0
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(rows[row][place]))
        head = rows[pivot][place]
        if not head:
            return 0.0
        if pivot != place:
            product = -product
            rows[place], rows[pivot] = rows[pivot], rows[place]
            results[place], results[pivot] = results[pivot], results[place]
        product *= head
        rows[place] = [value / head for value in rows[place]]
        results[place] = [value / head for value in results[place]]
        for other in range(size):
            factor = rows[other][place]
            if other != place and factor:
                rows[other] = [one - factor * two for one, two in zip(rows[other], rows[place], strict=True)]
                results[other] = [one - factor * two for one, two in zip(results[other], results[place], strict=True)]
    return product


@algorithm("Array.sort(array: Array, keys: Array = null) -> Array")
def sort(context: Context, values: Array, keys: Array | None) -> Array:
    """Sort along the axis in which the keys, by default the values themselves, have more than one element."""
    chosen = values if keys is None else keys
    long = [axis for axis, length in enumerate(chosen.shape) if length != 1]
    if len(long) > 1 or len(chosen.shape) != len(values.shape):
        raise AlgorithmError(
            f"Keys must have several elements along one axis only, not the shape {list(chosen.shape)}."
        )
    if not long:
        return values
    axis = long[0]
    if values.shape[axis] != chosen.shape[axis]:
        raise AlgorithmError(f"There are {values.shape[axis]} elements to sort, but {chosen.shape[axis]} keys.")
    context.spend(len(chosen.values), 16 * ITEM)
    order = sorted(range(len(chosen.values)), key=chosen.values.__getitem__)
    return built(
        context, values.shape, lambda place: values.at((*place[:axis], order[place[axis]], *place[axis + 1 :]))
    )
