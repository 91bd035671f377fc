"""Reducers on the bands, the pixels and the arrays of one image, and on features: bands, names and types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eegrpc.emulator import bands as algebra
from eegrpc.emulator.algorithms.collections import prefixed
from eegrpc.emulator.bands import TYPE_NAMES, Band, PixelType
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry import UNBOUNDED
from eegrpc.emulator.image_functions import derived
from eegrpc.emulator.images import Image
from eegrpc.emulator.reducers import common_type
from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.reducers import Reducer
    from eegrpc.emulator.values import Collection


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


@algorithm("Image.reduce(image: Image, reducer: Reducer) -> Image")
def reduce_image(context: Context, image: Image, reducer: Reducer) -> Image:
    """Apply a reducer to the bands of an image: a band for each output."""
    if reducer.inputs != 1:
        raise AlgorithmError(f"The reducer must have a single input, but it has {reducer.inputs}.")
    if not image.bands:
        raise AlgorithmError("The image has no bands to reduce.")
    context.spend(len(image.bands) + len(reducer.outputs))
    context.assume("reduced-pixel-types")
    context.assume("reduced-image-like-arithmetic")
    grid = next((band.grid for band in image.bands if band.grid != algebra.DEFAULT_GRID), algebra.DEFAULT_GRID)
    types = reducer.types([common_type([band.type for band in image.bands])])
    return derived(image.geometry, _named([Band(name, kind, grid) for name, kind in types]))


@algorithm(
    "Image.reduceResolution(image: Image, reducer: Reducer, bestEffort: Boolean = false, maxPixels: Integer = 64) "
    "-> Image"
)
def reduce_resolution(context: Context, image: Image, reducer: Reducer, _best: bool, _pixels: int) -> Image:
    """Say how pixels are combined when the image is reprojected; the grid stays."""
    if not image.bands:
        return image
    context.assume("reduced-resolution-keeps-metadata")
    types = reduced(context, reducer, {band.id: band.type for band in image.bands}, keep_names=True)
    # Each band makes as many as the reducer has outputs; all bands together make those of several inputs.
    each = len(types) // len(image.bands) if reducer.inputs == 1 else len(types)
    bands = [Band(name, kind, image.bands[place // each].grid) for place, (name, kind) in enumerate(types)]
    return image.with_bands(_named(bands))


@algorithm("Image.arrayReduce(input: Image, reducer: Reducer, axes: List<Integer>, fieldAxis: Integer = null) -> Image")
def array_reduce(context: Context, image: Image, reducer: Reducer, axes: list[int], field: int | None) -> Image:
    """Reduce arrays along axes, whose length becomes 1: as many dimensions as before."""
    context.spend(len(image.bands))
    context.assume("reduced-pixel-types")
    context.assume("reduced-image-like-arithmetic")
    bands: list[Band] = []
    for band in image.bands:
        dimensions = band.type.dimensions
        for axis in (*axes, *(() if field is None else (field,))):
            if not 0 <= axis < dimensions:
                raise AlgorithmError(f"Axis {axis} is not one of the {dimensions} axes of band '{band.id}'.")
        bands.append(band.retyped(_array_type(context, reducer, band.type, field)))
    return derived(image.geometry, bands)


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


@algorithm(
    "Collection.reduceToImage(collection: FeatureCollection, properties: List<String>, reducer: Reducer) -> Image"
)
def reduce_to_image(context: Context, _: Collection, properties: list[str], reducer: Reducer) -> Image:
    """Apply a reducer to properties of the features at each pixel: a band for each output."""
    if len(properties) != reducer.inputs:
        raise AlgorithmError(f"The reducer has {reducer.inputs} input(s), but {len(properties)} properties are given.")
    context.spend(len(reducer.outputs))
    context.assume("reduced-pixel-types")
    context.assume("composite-unbounded")
    types = reducer.types([TYPE_NAMES["double"]] * reducer.inputs)
    return Image(None, _named([Band(name, kind) for name, kind in types]), {"system:footprint": UNBOUNDED})


@algorithm(
    "Collection.draw(collection: FeatureCollection, color: String, pointRadius: Integer = 3, strokeWidth: Integer = 2) "
    "-> Image",
    'Collection.style(collection: FeatureCollection, color: String = "black", pointSize: Integer = 3, '
    'pointShape: String = "circle", width: Float = 2, fillColor: String = null, styleProperty: String = null, '
    'neighborhood: Integer = 5, lineType: String = "solid") -> Image',
)
def draw(context: Context, _: Collection, *_style: object) -> Image:
    """Draw features: three bands of bytes."""
    context.assume("drawn-band-names")
    bands = [Band(name, TYPE_NAMES["uint8"]) for name in ("vis-red", "vis-green", "vis-blue")]
    return Image(None, bands, {"system:footprint": UNBOUNDED})


def _named(bands: Sequence[Band]) -> list[Band]:
    """Return bands, whose names are checked and made different."""
    return algebra.append_bands([], algebra.rename_bands(bands, [band.id for band in bands]))
