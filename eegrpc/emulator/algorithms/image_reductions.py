"""Reducers on the bands, the pixels and the arrays of one image, and on features: bands, names and types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import prefixed
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, Keeps, image_function
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import TYPE_NAMES, Band, PixelType
from eegrpc.emulator.reducing.reducers import common_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.images import Image
    from eegrpc.emulator.reducing.reducers import Reducer
    from eegrpc.emulator.values import Collection, Kernel


def reduced(
    context: Context, reducer: Reducer, types: Mapping[str, PixelType], *, keep_names: bool = False
) -> list[tuple[str, PixelType]]:
    """Return name and type of the bands that a reducer makes of some.

    Source: the descriptions of ImageCollection.reduce and Image.reduceResolution.

    Args:
        context: The request's context.
        reducer: With one input, it is applied to each band; else it must have one for each.
        types: Types of the bands by name; at least one.
        keep_names: Whether a reducer with one input and one output leaves the names as they are.

    Returns:
        Names like `B4_mean` of a reducer with one input, else the names of its outputs.

    Raises:
        AlgorithmError: The numbers of inputs and bands differ, or a pixel cannot hold an output.

    """
    context.assume("reduced-pixel-types")
    if reducer.inputs > 1:
        if len(types) != reducer.inputs:
            raise AlgorithmError(f"The reducer has {reducer.inputs} inputs, but there are {len(types)} band(s).")
        context.spend(len(reducer.outputs))
        return reducer.types(list(types.values()))
    found: list[tuple[str, PixelType]] = []
    for name, pixel_type in types.items():
        context.spend(len(reducer.outputs))
        for output, kind in reducer.types([pixel_type]):
            same = keep_names and len(reducer.outputs) == 1
            found.append((name if same else prefixed(context, name, output), kind))
    return found


@image_function(
    "Image.reduce(image: Image, reducer: Reducer) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption="reduced-image-like-arithmetic",
)
def reduce_image(context: Context, image: Image, reducer: Reducer) -> list[Band]:
    """Apply a reducer to the bands of an image: a band for each output."""
    if reducer.inputs != 1:
        raise AlgorithmError(f"The reducer must have a single input, but it has {reducer.inputs}.")
    if not image.bands:
        raise AlgorithmError("The image has no bands to reduce.")
    context.spend(len(reducer.outputs))
    context.assume("reduced-pixel-types")
    grid = next((band.grid for band in image.bands if band.grid != algebra.DEFAULT_GRID), algebra.DEFAULT_GRID)
    types = reducer.types([common_type([band.type for band in image.bands])])
    return _named([Band(name, kind, grid) for name, kind in types])


@image_function(
    "Image.reduceResolution(image: Image, reducer: Reducer, bestEffort: Boolean = false, maxPixels: Integer = 64) "
    "-> Image",
    keeps=Keeps.EVERYTHING,
    assumption="reduced-resolution-keeps-metadata",
)
def reduce_resolution(context: Context, image: Image, reducer: Reducer, _best: bool, _pixels: int) -> list[Band]:
    """Say how pixels are combined when the image is reprojected; the grid stays."""
    types = reduced(context, reducer, {band.id: band.type for band in image.bands}, keep_names=True)
    return _on_grids(image, reducer, types)


@image_function(
    'Image.reduceNeighborhood(image: Image, reducer: Reducer, kernel: Kernel, inputWeight: String = "kernel", '
    "skipMasked: Boolean = true, optimization: String = null) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def reduce_neighborhood(
    context: Context,
    image: Image,
    reducer: Reducer,
    _kernel: Kernel,
    weight: str,
    _skip: bool,
    optimization: str | None,
) -> list[Band]:
    """Apply a reducer to the neighbourhood of each pixel: bands `B4_mean` of a reducer with one input."""
    if weight not in ("mask", "kernel", "min"):
        raise AlgorithmError(f"Unknown input weight '{weight}': it is 'mask', 'kernel' or 'min'.")
    if optimization not in (None, "boxcar", "window"):
        raise AlgorithmError(f"Unknown optimization '{optimization}': it is 'boxcar' or 'window'.")
    return _on_grids(image, reducer, reduced(context, reducer, {band.id: band.type for band in image.bands}))


def _on_grids(image: Image, reducer: Reducer, types: Sequence[tuple[str, PixelType]]) -> list[Band]:
    """Return bands on the grids of those they are made of: each makes as many as a reducer of one input has outputs."""
    if not image.bands:
        return []
    each = len(types) // len(image.bands) if reducer.inputs == 1 else len(types)
    return _named([Band(name, kind, image.bands[place // each].grid) for place, (name, kind) in enumerate(types)])


@image_function(
    "Image.arrayReduce(input: Image, reducer: Reducer, axes: List<Integer>, fieldAxis: Integer = null) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption="reduced-image-like-arithmetic",
)
def array_reduce(context: Context, image: Image, reducer: Reducer, axes: list[int], field: int | None) -> list[Band]:
    """Reduce arrays along axes, whose length becomes 1: as many dimensions as before."""
    context.assume("reduced-pixel-types")
    bands: list[Band] = []
    for band in image.bands:
        dimensions = band.type.dimensions
        for axis in (*axes, *(() if field is None else (field,))):
            if not 0 <= axis < dimensions:
                raise AlgorithmError(f"Axis {axis} is not one of the {dimensions} axes of band '{band.id}'.")
        bands.append(band.retyped(_array_type(context, reducer, band.type, field)))
    return bands


def _array_type(context: Context, reducer: Reducer, pixel_type: PixelType, field: int | None) -> PixelType:
    if field is None and (reducer.inputs > 1 or len(reducer.outputs) != 1):
        raise AlgorithmError("Parameter 'fieldAxis' is required if the reducer has several inputs or outputs.")
    context.spend(reducer.inputs + len(reducer.outputs))
    element = replace(pixel_type, dimensions=0)
    outputs = [kind for _, kind in reducer.types([element] * reducer.inputs)]
    if any(kind.dimensions for kind in outputs):
        raise AlgorithmError("Each output of the reducer must be a number, not an array.")
    return replace(common_type(outputs), dimensions=pixel_type.dimensions)


# ---------------------------------------------------------------------------------------------------- from features


@image_function(
    "Collection.reduceToImage(collection: FeatureCollection, properties: List<String>, reducer: Reducer) -> Image",
    keeps=Keeps.NOTHING,
)
def reduce_to_image(context: Context, _: Collection, properties: list[str], reducer: Reducer) -> list[Band]:
    """Apply a reducer to properties of the features at each pixel: a band for each output."""
    if len(properties) != reducer.inputs:
        raise AlgorithmError(f"The reducer has {reducer.inputs} input(s), but {len(properties)} properties are given.")
    context.spend(len(reducer.outputs))
    context.assume("reduced-pixel-types")
    context.assume("composite-unbounded")
    types = reducer.types([TYPE_NAMES["double"]] * reducer.inputs)
    return _named([Band(name, kind) for name, kind in types])


@image_function(
    "Collection.draw(collection: FeatureCollection, color: String, pointRadius: Integer = 3, strokeWidth: Integer = 2) "
    "-> Image",
    'Collection.style(collection: FeatureCollection, color: String = "black", pointSize: Integer = 3, '
    'pointShape: String = "circle", width: Float = 2, fillColor: String = null, styleProperty: String = null, '
    'neighborhood: Integer = 5, lineType: String = "solid") -> Image',
    keeps=Keeps.NOTHING,
)
def draw(context: Context, _: Collection, *_style: object) -> list[Band]:
    """Draw features: three bands of bytes."""
    context.assume("drawn-band-names")
    return [Band(name, TYPE_NAMES["uint8"]) for name in ("vis-red", "vis-green", "vis-blue")]


def _named(bands: Sequence[Band]) -> list[Band]:
    """Return bands, whose names are checked and made different."""
    return algebra.append_bands([], algebra.rename_bands(bands, [band.id for band in bands]))
