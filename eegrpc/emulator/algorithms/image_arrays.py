"""Functions of array images: how many dimensions the pixels of each band have. Their lengths are pixels' own."""

from __future__ import annotations

import math
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.image_arithmetic import paired, united
from eegrpc.emulator.algorithms.image_math import first_band, first_grid
from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, Keeps, image_function
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import Band, PixelType
from eegrpc.emulator.images.type_rules import COUNT, DOUBLE, floating, with_dimensions

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.images import Image

# The bands of one image, as many as ImageCollection.toBands may make (its description).
MAX_BANDS = 5000

# Nobody has arrays of more dimensions, and a message could not say so.
MAX_DIMENSIONS = 100


def _check_axis(axis: int, most: int) -> None:
    if not 0 <= axis <= min(most, MAX_DIMENSIONS):
        raise AlgorithmError(f"Axis {axis} is out of range: it must be from 0 to {most}.")


def _arrays(image: Image) -> list[Band]:
    """Return the bands, all of which must be arrays."""
    for band in image.bands:
        if not band.type.dimensions:
            raise AlgorithmError(f"Band '{band.id}' must be an array, but its pixels are scalars.")
    return list(image.bands)


@image_function("Image.toArray(image: Image, axis: Integer = 0) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def to_array(context: Context, image: Image, axis: int) -> list[Band]:
    """Return one band ``array``, of the pixels of all bands one after another along an axis."""
    first = first_band(image)
    if any(band.type.dimensions != first.type.dimensions for band in image.bands):
        raise AlgorithmError("Bands must have scalar pixels, or array pixels with equal dimensionality.")
    _check_axis(axis, first.type.dimensions)
    kind = first.type
    for band in image.bands:
        kind = united(context, kind, band.type)
    context.assume("to-array-band-name")
    return [Band("array", with_dimensions(kind, max(first.type.dimensions, axis + 1)), first_grid(context, image))]


@image_function(
    'Image.arrayFlatten(image: Image, coordinateLabels: List<List<String>>, separator: String = "_") -> Image',
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def array_flatten(context: Context, image: Image, labels: list[list[str]], separator: str) -> list[Band]:
    """Return a scalar band for each element of the arrays of the only band, named for its labels along each axis."""
    if len(image.bands) != 1:
        raise AlgorithmError(f"The image must have a single band, got {len(image.bands)}.")
    (band,) = _arrays(image)
    if len(labels) != band.type.dimensions:
        raise AlgorithmError(
            f"There must be labels for each of the {band.type.dimensions} axes of the array, got {len(labels)}."
        )
    count = math.prod(len(names) for names in labels)
    if count > MAX_BANDS:
        raise AlgorithmError(f"The result would have {count} bands; an image may have {MAX_BANDS}.")
    # Names are made before they can be refused for their length.
    longest = sum(max(map(len, names)) for names in labels) + len(separator) * len(labels) if count else 0
    context.spend(count * longest, ITEM)
    names = [separator.join(parts) for parts in product(*labels)]
    return algebra.rename_bands([Band("", with_dimensions(band.type, 0), band.grid)] * count, names)


@image_function(
    "Image.arrayProject(input: Image, axes: List<Integer>) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS
)
def array_project(_: Context, image: Image, axes: list[int]) -> list[Band]:
    """Return arrays that have only the named axes left."""
    if len(set(axes)) != len(axes):
        raise AlgorithmError(f"Parameter 'axes' names an axis twice: {axes}.")
    bands = _arrays(image)
    for band in bands:
        for axis in axes:
            _check_axis(axis, band.type.dimensions - 1)
    return [band.retyped(with_dimensions(band.type, len(axes))) for band in bands]


@image_function("Image.arrayGet(image: Image, position: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def array_get(_: Context, image: Image, position: Image) -> list[Band]:
    """Return the scalar at a position in each band."""
    bands = _arrays(image)
    for band in bands:
        if len(position.bands) != band.type.dimensions:
            raise AlgorithmError(
                f"The position must have a band for each of the {band.type.dimensions} dimensions of band "
                f"'{band.id}', got {len(position.bands)}."
            )
    return [band.retyped(with_dimensions(band.type, 0)) for band in bands]


@image_function("Image.arrayLength(input: Image, axis: Integer) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def array_length(_: Context, image: Image, axis: int) -> list[Band]:
    """Return the length of the arrays along an axis."""
    bands = _arrays(image)
    for band in bands:
        _check_axis(axis, band.type.dimensions - 1)
    return [band.retyped(COUNT) for band in bands]


@image_function(
    "Image.arraySlice(input: Image, axis: Integer = 0, start: Image = null, end: Image = null, step: Integer = 1) "
    "-> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def array_slice(_: Context, image: Image, axis: int, start: Image | None, end: Image | None, step: int) -> list[Band]:
    """Return a part of the arrays along an axis: as many dimensions, and the same types."""
    bands = _arrays(image)
    if step < 1:
        raise AlgorithmError(f"Parameter 'step' must be positive, got {step}.")
    for name, bound in (("start", start), ("end", end)):
        if bound is not None and len(bound.bands) not in (1, len(bands)):
            raise AlgorithmError(
                f"Parameter '{name}' must have one band or as many as the input: got {len(bound.bands)}."
            )
    for band in bands:
        _check_axis(axis, band.type.dimensions - 1)
    return bands


@image_function("Image.arraySort(image: Image, keys: Image = null) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def array_sort(_: Context, image: Image, keys: Image | None) -> list[Band]:
    """Return the arrays with their elements in order: the same types."""
    if keys is not None and len(keys.bands) not in (1, len(image.bands)):
        raise AlgorithmError(f"The keys must have one band or as many as the image: got {len(keys.bands)}.")
    return _arrays(image)


@image_function("Image.arrayCat(image1: Image, image2: Image, axis: Integer) -> Image", keeps=Keeps.FOOTPRINT)
def array_cat(context: Context, first: Image, second: Image, axis: int) -> list[Band]:
    """Put the arrays of each pair of bands one after the other along an axis."""

    def type_of(context: Context, left: PixelType, right: PixelType) -> PixelType:
        dimensions = max(left.dimensions, right.dimensions)
        _check_axis(axis, dimensions)
        return with_dimensions(united(context, left, right), max(dimensions, axis + 1))

    return paired(context, first, second, type_of)


@image_function(
    "Image.arrayRepeat(input: Image, axis: Integer, copies: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS
)
def array_repeat(_: Context, image: Image, axis: int, copies: Image) -> list[Band]:
    """Return the arrays, or scalars, several times along an axis."""
    first_band(copies)
    for band in image.bands:
        _check_axis(axis, band.type.dimensions)
    return [band.retyped(with_dimensions(band.type, max(band.type.dimensions, axis + 1))) for band in image.bands]


@image_function(
    "Image.arrayReshape(image: Image, lengths: Image, dimensions: Integer) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def array_reshape(_: Context, image: Image, lengths: Image, dimensions: int) -> list[Band]:
    """Return the elements in arrays of other lengths, with so many dimensions."""
    _check_axis(dimensions, MAX_DIMENSIONS)
    if len(lengths.bands) != 1:
        raise AlgorithmError(f"The lengths must have a single band, got {len(lengths.bands)}.")
    return [band.retyped(with_dimensions(band.type, dimensions)) for band in _arrays(image)]


@image_function("Image.arrayMask(input: Image, mask: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def array_mask(_: Context, image: Image, mask: Image) -> list[Band]:
    """Return the elements where a mask is not zero: the same types."""
    if len(mask.bands) not in (1, len(image.bands)):
        raise AlgorithmError(f"The mask must have one band or as many as the image: got {len(mask.bands)}.")
    return _arrays(image)


@image_function(
    "Image.arrayPad(image: Image, lengths: List<Integer>, pad: Number = 0) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def array_pad(_: Context, image: Image, lengths: list[int], _pad: float) -> list[Band]:
    """Return the arrays made longer: the same types."""
    if any(length < 0 for length in lengths):
        raise AlgorithmError(f"Lengths must not be negative: {lengths}.")
    bands = _arrays(image)
    if any(band.type.dimensions != len(lengths) for band in bands):
        raise AlgorithmError(f"There must be a length for each dimension of the arrays, got {len(lengths)}.")
    return bands


_TRANSPOSE = "(input: Image, axis1: Integer = 0, axis2: Integer = 1) -> Image"


@image_function(
    f"Image.arrayTranspose{_TRANSPOSE}",
    f"Image.matrixTranspose{_TRANSPOSE}",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def transpose(_: Context, image: Image, axis1: int, axis2: int) -> list[Band]:
    """Return the arrays with two axes exchanged; a vector becomes a row."""
    bands = _arrays(image)
    if not 0 <= axis1 <= MAX_DIMENSIONS or not 0 <= axis2 <= MAX_DIMENSIONS:
        raise AlgorithmError(f"Axes must be from 0 to {MAX_DIMENSIONS}, got {axis1} and {axis2}.")
    least = max(axis1, axis2) + 1
    return [band.retyped(with_dimensions(band.type, max(band.type.dimensions, least))) for band in bands]


# --------------------------------------------------------------------------------------- one array, a fixed outcome


def _dimensions(dimensions: int, rule: Callable[[PixelType], PixelType], kind: PixelType) -> PixelType:
    return with_dimensions(rule(kind), dimensions)


def _same(kind: PixelType) -> PixelType:
    return kind


def _count(_: PixelType) -> PixelType:
    return COUNT


# Dimensions are what the descriptions say of the results.
_ONE_ARRAY: dict[str, tuple[str, str, Callable[[PixelType], PixelType]]] = {
    "arrayArgmax": ("image", "Where the greatest element is, as a vector.", partial(_dimensions, 1, _count)),
    "arrayLengths": ("input", "The lengths of all axes, as a vector.", partial(_dimensions, 1, _count)),
    "matrixDeterminant": ("value", "The determinant.", partial(_dimensions, 0, floating)),
    "matrixTrace": ("value", "The trace.", partial(_dimensions, 0, floating)),
    "matrixFnorm": ("value", "The Frobenius norm.", partial(_dimensions, 0, floating)),
    "matrixDiagonal": ("value", "The diagonal, in a single column.", partial(_dimensions, 2, _same)),
    "matrixToDiag": ("value", "A square matrix with the column on its diagonal.", partial(_dimensions, 2, _same)),
    "matrixInverse": ("value", "The inverse.", partial(_dimensions, 2, floating)),
    "matrixPseudoInverse": ("value", "The Moore-Penrose inverse.", partial(_dimensions, 2, floating)),
}


def _declare_one_array(name: str, parameter: str, summary: str, rule: Callable[[PixelType], PixelType]) -> None:
    @image_function(
        f"Image.{name}({parameter}: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS, summary=summary
    )
    def one_array(context: Context, image: Image) -> list[Band]:
        context.assume("array-types")
        return [band.retyped(rule(band.type)) for band in _arrays(image)]


for _name, (_parameter, _summary, _rule) in _ONE_ARRAY.items():
    _declare_one_array(_name, _parameter, _summary, _rule)


@image_function("Image.arrayDimensions(input: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def array_dimensions(_: Context, image: Image) -> list[Band]:
    """Return the number of dimensions of each band: 0 for scalars."""
    return [band.retyped(COUNT) for band in image.bands]


@image_function("Image.bitsToArrayImage(input: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def bits_to_array(_: Context, image: Image) -> list[Band]:
    """Return the bits of whole numbers, as vectors."""
    return [band.retyped(PixelType("INT", 0, 1, 1)) for band in image.bands]


_DECOMPOSITIONS = {
    "matrixCholeskyDecomposition": ("L",),
    "matrixLUDecomposition": ("L", "U", "P"),
    "matrixQRDecomposition": ("Q", "R"),
    "matrixSingularValueDecomposition": ("U", "S", "V"),
}


def _declare_decomposition(name: str, names: tuple[str, ...]) -> None:
    @image_function(
        f"Image.{name}(image: Image) -> Image",
        keeps=Keeps.FOOTPRINT,
        assumption=DROPS,
        summary=f"Return the matrices {', '.join(names)} in bands of these names.",
    )
    def decomposition(context: Context, image: Image) -> list[Band]:
        context.assume("array-types")
        if len(image.bands) != 1:
            raise AlgorithmError(f"The image must have a single band, got {len(image.bands)}.")
        (band,) = _arrays(image)
        return [Band(title, with_dimensions(DOUBLE, 2), band.grid) for title in names]


for _name, _names in _DECOMPOSITIONS.items():
    _declare_decomposition(_name, _names)


# ------------------------------------------------------------------------------------------------------- two arrays


def _declare_two_arrays(name: str, dimensions: int, summary: str) -> None:
    @image_function(f"Image.{name}(image1: Image, image2: Image) -> Image", keeps=Keeps.FOOTPRINT, summary=summary)
    def two_arrays(context: Context, first: Image, second: Image) -> list[Band]:
        _arrays(first), _arrays(second)
        return paired(context, first, second, lambda *operands: with_dimensions(united(*operands), dimensions))


_declare_two_arrays("matrixMultiply", 2, "Multiply matrices; the type is the union of both.")
_declare_two_arrays("matrixSolve", 2, "Solve A x = B; the type is the union of both.")
_declare_two_arrays("arrayDotProduct", 0, "The dot product of vectors.")


@image_function("Image.matrixIdentity(size: Integer) -> Image", keeps=Keeps.NOTHING)
def matrix_identity(context: Context, size: int) -> list[Band]:
    """Return a constant image of identity matrices."""
    if size < 1:
        raise AlgorithmError(f"Parameter 'size' must be positive, got {size}.")
    context.assume("array-types")
    return [Band("constant", PixelType("INT", 0, 1, 2))]
