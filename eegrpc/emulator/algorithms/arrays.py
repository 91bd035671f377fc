"""Array.*: numbers in any number of dimensions. Types of pixels matter when an array is made, and are not kept."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import convert_argument, converter
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.arrays import built, check_dimensions
from eegrpc.emulator.primitives.number_functions import BINARY, UNARY, cast, computed, to_float32
from eegrpc.emulator.values import Array

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import PixelType
    from eegrpc.emulator.primitives.arrays import Position
    from eegrpc.emulator.primitives.number_functions import Binary, Number, Unary

# What computing one number of an array costs.
_ELEMENT = 10 * ITEM

_LEAST, _MOST = -(2**63), 2**63 - 1


@algorithm("Array(values: Object, pixelType: PixelType = null) -> Array")
def array(context: Context, values: object, pixel_type: PixelType | None) -> Array:
    """Return an array from a number, from lists of numbers in lists, or from an array; its numbers get the type."""
    made: Array = convert_argument(converter("Array"), "Array", "values", context, values)  # type: ignore[assignment]
    if pixel_type is None:
        if not made.values:
            raise AlgorithmError("Parameter 'pixelType' is required for an array without numbers.")
        return made
    context.spend(len(made.values), _ELEMENT)
    return Array(made.shape, tuple(_typed(context, value, pixel_type) for value in made.values))


def _typed(context: Context, value: Number, pixel_type: PixelType) -> Number:
    if pixel_type.precision == "INT":
        least, most = pixel_type.minimum, pixel_type.maximum
        return cast(context, value, _LEAST if least is None else least, _MOST if most is None else min(most, _MOST))
    return to_float32(value) if pixel_type.precision == "FLOAT" else float(value)


# ----------------------------------------------------------------------------------------------- element by element


def _declare_unary(name: str, compute: Unary) -> None:
    @algorithm(f"Array.{name}(input: Array) -> Array", summary=f"Compute ``{name}`` of each element.")
    def unary(context: Context, values: Array) -> Array:
        context.spend(len(values.values), _ELEMENT)
        return Array(values.shape, tuple(computed(lambda: compute(context, value)) for value in values.values))  # noqa: B023


def _declare_binary(name: str, compute: Binary) -> None:
    @algorithm(f"Array.{name}(left: Array, right: Array) -> Array", summary=f"Compute ``{name}`` of each pair.")
    def binary(context: Context, left: Array, right: Array) -> Array:
        shape, pairs = _pairs(left, right)
        context.spend(prod(shape), _ELEMENT)
        return Array(shape, tuple(computed(lambda: compute(context, *pair)) for pair in pairs))  # noqa: B023


def _pairs(left: Array, right: Array) -> tuple[tuple[int, ...], list[tuple[Number, Number]]]:
    """Elements in the same places; one without dimensions goes with each of the other: the examples of Array.divide."""
    if left.shape == right.shape:
        return left.shape, list(zip(left.values, right.values, strict=True))
    if not right.shape:
        return left.shape, [(value, right.values[0]) for value in left.values]
    if not left.shape:
        return right.shape, [(left.values[0], value) for value in right.values]
    raise AlgorithmError(f"Arrays of the shapes {list(left.shape)} and {list(right.shape)} do not go together.")


for _name, _unary in UNARY.items():
    _declare_unary(_name, _unary)
for _name, _binary in BINARY.items():
    _declare_binary(_name, _binary)


# ---------------------------------------------------------------------------------------------------------- reading


@algorithm("Array.get(array: Array, position: List<Integer>) -> Number")
def get(_: Context, values: Array, position: list[int]) -> Number:
    """Return the number at a position."""
    inside = len(position) == len(values.shape) and all(
        0 <= index < length for index, length in zip(position, values.shape, strict=True)
    )
    if not inside:
        raise AlgorithmError(f"Position {position} is not in an array of the shape {list(values.shape)}.")
    return values.at(position)


@algorithm("Array.length(array: Array) -> Array")
def length(_: Context, values: Array) -> Array:
    """Return the length of each axis."""
    return Array((len(values.shape),), values.shape)


@algorithm("Array.toList(array: Array) -> List<Object>")
def to_list(context: Context, values: Array) -> list[object]:
    """Return the array as lists of numbers in lists."""
    context.spend(len(values.values) + len(values.shape), ITEM)
    nested = values.nested()
    if not isinstance(nested, list):
        raise AlgorithmError("An array without dimensions is no list.")
    return nested


@algorithm("Array.argmax(array: Array) -> List<Integer>")
def argmax(context: Context, values: Array) -> list[int] | None:
    """Return the position of the greatest number, the first if there are several; null for an empty array."""
    context.spend(len(values.values), ITEM)
    if not values.values:
        return None
    place = max(range(len(values.values)), key=values.values.__getitem__)
    position: list[int] = []
    for axis_length in reversed(values.shape):
        place, index = divmod(place, axis_length)
        position.insert(0, index)
    return position


@algorithm("Array.dotProduct(array1: Array, array2: Array) -> Number")
def dot_product(context: Context, left: Array, right: Array) -> Number:
    """Return the sum of the products of two vectors' elements."""
    if len(left.shape) != 1 or left.shape != right.shape:
        raise AlgorithmError("The arrays must have one dimension, and the same length.")
    context.spend(len(left.values), _ELEMENT)
    return computed(lambda: sum(one * other for one, other in zip(left.values, right.values, strict=True)))


# ----------------------------------------------------------------------------------------------------------- shapes


def _axis(values: Array, axis: int) -> int:
    if not 0 <= axis < len(values.shape):
        raise AlgorithmError(f"An array of {len(values.shape)} dimensions has no axis {axis}.")
    return axis


@algorithm("Array.identity(size: Integer) -> Array")
def identity(context: Context, size: int) -> Array:
    """Return a square matrix with ones on its diagonal."""
    if size < 0:
        raise AlgorithmError(f"Parameter 'size' must not be negative, got {size}.")
    return built(context, (size, size), lambda position: int(position[0] == position[1]))


@algorithm("Array.cat(arrays: List<Array>, axis: Integer = 0) -> Array")
def cat(context: Context, arrays: list[Array], axis: int) -> Array:
    """Return arrays one after the other along an axis, which may be one more than they have."""
    if not arrays:
        raise AlgorithmError("At least one array is needed.")
    if axis == len(arrays[0].shape):
        arrays = [Array((*each.shape, 1), each.values) for each in arrays]
    shape = list(arrays[0].shape)
    _axis(arrays[0], axis)
    check_dimensions(len(shape))
    for each in arrays[1:]:
        if len(each.shape) != len(shape) or any(
            one != other for place, (one, other) in enumerate(zip(each.shape, shape, strict=True)) if place != axis
        ):
            raise AlgorithmError("Arrays must have the same length on all axes except the one they are joined along.")
    shape[axis] = sum(each.shape[axis] for each in arrays)
    context.spend(prod(shape) + len(arrays), _ELEMENT)
    rows = prod(shape[:axis])
    parts: list[Number] = []
    for row in range(rows):
        for each in arrays:
            size = len(each.values) // rows
            parts += each.values[row * size : (row + 1) * size]
    return Array(tuple(shape), tuple(parts))


@algorithm("Array.repeat(array: Array, axis: Integer = 0, copies: Integer = 2) -> Array")
def repeat(context: Context, values: Array, axis: int, copies: int) -> Array:
    """Return so many copies of an array, one after the other along an axis."""
    if copies < 1:
        raise AlgorithmError(f"Parameter 'copies' must be positive, got {copies}.")
    context.spend(copies, _ELEMENT)
    repeated: Array = cat(context, [values] * copies, axis)
    return repeated


@algorithm(
    "Array.slice(array: Array, axis: Integer = 0, start: Integer = 0, end: Integer = null, step: Integer = 1) -> Array"
)
def slice_array(context: Context, values: Array, axis: int, start: int, end: int | None, step: int) -> Array:
    """Return the places from the start up to the end of an axis; negative ones count from its end."""
    axis = _axis(values, axis)
    if step < 1:
        raise AlgorithmError(f"Parameter 'step' must be positive, got {step}.")
    places = range(values.shape[axis])[start:end:step]
    return _taken(context, values, {axis: places})


@algorithm("Array.cut(array: Array, position: List<Integer>) -> Array")
def cut(context: Context, values: Array, position: list[int]) -> Array:
    """Return one place of each axis, or all of it for -1."""
    if len(position) != len(values.shape):
        raise AlgorithmError(f"There are {len(position)} positions for {len(values.shape)} dimensions.")
    for index, axis_length in zip(position, values.shape, strict=True):
        if not -1 <= index < axis_length:
            raise AlgorithmError(f"Position {position} is not in an array of the shape {list(values.shape)}.")
    return _taken(context, values, {axis: range(i, i + 1) for axis, i in enumerate(position) if i >= 0})


def _taken(context: Context, values: Array, places: dict[int, range]) -> Array:
    axes = [places.get(axis, range(axis_length)) for axis, axis_length in enumerate(values.shape)]
    return built(
        context,
        tuple(map(len, axes)),
        lambda position: values.at([axis[index] for axis, index in zip(axes, position, strict=True)]),
    )


@algorithm("Array.project(array: Array, axes: List<Integer>) -> Array")
def project(context: Context, values: Array, axes: list[int]) -> Array:
    """Return the array with the named axes only; the others must have length 1, or less."""
    if len(set(axes)) < len(axes):
        raise AlgorithmError(f"An axis is named twice in {axes}.")
    for axis in axes:
        _axis(values, axis)
    if any(axis_length > 1 for axis, axis_length in enumerate(values.shape) if axis not in axes):
        raise AlgorithmError("Dropped axes must be at most length 1.")
    if not all(values.shape):
        return Array(tuple(values.shape[axis] for axis in axes), ())
    return built(
        context,
        tuple(values.shape[axis] for axis in axes),
        lambda position: values.at(_placed(len(values.shape), axes, position)),
    )


def _placed(dimensions: int, axes: list[int], position: Position) -> list[int]:
    placed = [0] * dimensions
    for axis, index in zip(axes, position, strict=True):
        placed[axis] = index
    return placed


_TRANSPOSE = "(array: Array, axis1: Integer = 0, axis2: Integer = 1) -> Array"


@algorithm(f"Array.transpose{_TRANSPOSE}", f"Array.matrixTranspose{_TRANSPOSE}")
def transpose(context: Context, values: Array, first: int, second: int) -> Array:
    """Return the array with two of its axes in each other's place."""
    order = list(range(len(values.shape)))
    order[_axis(values, first)], order[_axis(values, second)] = second, first
    return built(
        context,
        tuple(values.shape[axis] for axis in order),
        lambda position: values.at([position[axis] for axis in order]),
    )


@algorithm("Array.pad(array: Array, lengths: List<Integer>, pad: Number = 0) -> Array")
def pad(context: Context, values: Array, lengths: list[int], filling: Number) -> Array:
    """Return the array with each axis made as long as is asked for, unless it is longer."""
    if len(lengths) != len(values.shape):
        raise AlgorithmError(f"There are {len(lengths)} lengths for {len(values.shape)} dimensions.")

    def at(position: Position) -> Number:
        inside = all(index < axis_length for index, axis_length in zip(position, values.shape, strict=True))
        return values.at(position) if inside else filling

    return built(context, tuple(map(max, values.shape, lengths)), at)


@algorithm("Array.reshape(array: Array, shape: Array) -> Array")
def reshape(_: Context, values: Array, wanted: Array) -> Array:
    """Return the same numbers in another shape; one length may be -1, and follows from the others."""
    check_dimensions(len(wanted.values))
    if len(wanted.shape) != 1 or any(number < -1 or number % 1 for number in wanted.values):
        raise AlgorithmError("Parameter 'shape' must be a list of lengths.")
    lengths = [int(number) for number in wanted.values]
    if lengths.count(-1) == 1:
        others = prod(number for number in lengths if number != -1)
        lengths[lengths.index(-1)] = len(values.values) // others if others else 0
    if prod(lengths) != len(values.values) or -1 in lengths:
        raise AlgorithmError(f"{len(values.values)} numbers do not have the shape {lengths}.")
    return Array(tuple(lengths), values.values)


@algorithm("Array.bitsToArray(input: Number) -> Array")
def bits_to_array(context: Context, number: Number) -> Array:
    """Return the bits of a whole number of 64 bits, from the lowest up to the highest that is set."""
    context.assume("bits-lowest-first")
    bits = BINARY["bitwiseAnd"](context, number, -1)
    text = f"{int(bits) % 2**64:b}"
    return Array((len(text),), tuple(map(int, reversed(text))))
