"""Array.reduce, accum and mask: what is left of the numbers along some axes.

Source: the descriptions that Earth Engine serves, and the examples in its documentation.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.arrays import built
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducing.reducers import Column, Reducer
from eegrpc.emulator.reducing.simple_reducers import REDUCERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.primitives.arrays import Number, Position
    from eegrpc.emulator.values import Array

# What looking at one number costs.
_ELEMENT = 16 * ITEM


@algorithm("Array.reduce(array: Array, reducer: Reducer, axes: List<Integer>, fieldAxis: Integer = null) -> Array")
def reduce_array(context: Context, values: Array, reducer: Reducer, axes: list[int], field: int | None) -> Array:
    """Reduce the numbers along some axes to one; a field axis holds the inputs of the reducer, and then its outputs."""
    for axis in axes:
        _check_axis(values, axis)
    one_to_one = reducer.inputs == len(reducer.outputs) == 1
    if one_to_one:
        field = None
    elif field is None:
        raise AlgorithmError("Parameter 'fieldAxis' is required if the reducer has several inputs or outputs.")
    else:
        _check_axis(values, field)
        if field in axes:
            raise AlgorithmError(f"Axis {field} is the field axis, and cannot be reduced.")
        if values.shape[field] != reducer.inputs:
            raise AlgorithmError(
                f"The reducer has {reducer.inputs} inputs, but axis {field} has the length {values.shape[field]}."
            )
    others = [axis for axis in range(len(values.shape)) if axis not in axes and axis != field]
    context.spend(prod(values.shape[axis] for axis in others) * reducer.inputs, _ELEMENT)
    columns: dict[Position, list[list[object]]] = {
        place: [[] for _ in range(reducer.inputs)] for place in product(*(range(values.shape[axis]) for axis in others))
    }
    context.spend(len(values.values), _ELEMENT)
    for position, value in zip(values.positions(), values.values, strict=True):
        place = tuple(position[axis] for axis in others)
        columns[place][0 if field is None else position[field]].append(value)
    results = {place: _outputs(context, reducer, found) for place, found in columns.items()}
    shape = [1 if axis in axes else length for axis, length in enumerate(values.shape)]
    if field is not None:
        shape[field] = len(reducer.outputs)

    def result(position: Position) -> Number:
        return results[tuple(position[axis] for axis in others)][0 if field is None else position[field]]

    return built(context, tuple(shape), result)


def _outputs(context: Context, reducer: Reducer, columns: Sequence[Sequence[object]]) -> list[Number]:
    found = reducer.reduce(context, [Column(column) for column in columns])
    return [_number(found[output.name]) for output in reducer.outputs]


def _number(value: object) -> Number:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise AlgorithmError(f"Each output of the reducer must be a number, not {describe_type(value)}.")
    return value


def _check_axis(values: Array, axis: int) -> None:
    if not 0 <= axis < len(values.shape):
        raise AlgorithmError(f"There is no axis {axis} in an array of the shape {list(values.shape)}.")


@algorithm("Array.accum(array: Array, axis: Integer, reducer: Reducer = null) -> Array")
def accumulate(context: Context, values: Array, axis: int, reducer: Reducer | None) -> Array:
    """Replace each number by the reduction of those up to it along an axis; without a reducer by their sum."""
    _check_axis(values, axis)
    chosen = reducer or REDUCERS["sum"][0]
    if not chosen.inputs == len(chosen.outputs) == 1:
        raise AlgorithmError("The reducer must have one input and one output.")

    def reduced(position: Position) -> Number:
        before, after = position[:axis], position[axis + 1 :]
        column = [values.at((*before, index, *after)) for index in range(position[axis] + 1)]
        context.spend(len(column), _ELEMENT)
        return _outputs(context, chosen, [column])[0]

    return built(context, values.shape, reduced)


@algorithm("Array.mask(input: Array, mask: Array) -> Array")
def mask(context: Context, values: Array, chosen: Array) -> Array:
    """Leave out what is beside a zero in a mask, which has the length 1 in all axes but one."""
    if len(values.shape) != len(chosen.shape) or not values.shape:
        raise AlgorithmError(
            f"Array and mask must have the same dimensions, at least one: {list(values.shape)}, {list(chosen.shape)}."
        )
    long = [axis for axis, length in enumerate(chosen.shape) if length != 1] or [0]
    if len(long) > 1 or values.shape[long[0]] != chosen.shape[long[0]]:
        raise AlgorithmError(
            f"A mask of the shape {list(chosen.shape)} is not along one axis of the array, {list(values.shape)}.",
            unsupported=True,
        )
    axis = long[0]
    kept = [index for index, value in enumerate(chosen.values) if value]
    shape = (*values.shape[:axis], len(kept), *values.shape[axis + 1 :])
    return built(
        context, shape, lambda position: values.at((*position[:axis], kept[position[axis]], *position[axis + 1 :]))
    )
