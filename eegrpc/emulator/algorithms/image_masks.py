"""Masks, and what puts pixels of one image into another. Metadata shows little of it: names stay, types may widen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.image_arithmetic import paired, united
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, RETAINS, Keeps, Placed, image_function, shared_footprint
from eegrpc.emulator.geometry.shapes import UNBOUNDED
from eegrpc.emulator.images.type_rules import UNIT, with_dimensions
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.images.bands import Band
    from eegrpc.emulator.images.images import Image
    from eegrpc.emulator.values import Collection


@image_function("Image.updateMask(image: Image, mask: Image) -> Image", keeps=Keeps.EVERYTHING)
def update_mask(_: Context, image: Image, mask: Image) -> Sequence[Band]:
    """Return the image with fewer visible pixels: nothing that metadata shows."""
    _check_count("mask", image, mask)
    return image.bands


@image_function("Image.selfMask(image: Image) -> Image", keeps=Keeps.EVERYTHING)
def self_mask(_: Context, image: Image) -> Sequence[Band]:
    """Return the image with its zero pixels masked: nothing that metadata shows."""
    return image.bands


@image_function("Image.mask(image: Image, mask: Image = null) -> Image", keeps=Keeps.EVERYTHING)
def mask(context: Context, image: Image, new: Image | None) -> Sequence[Band]:
    """Return the image under another mask; without one the mask itself, "scaled to the range [0:1]" (description)."""
    if new is None:
        context.assume("mask-is-float")
        return [band.retyped(with_dimensions(UNIT, band.type.dimensions)) for band in image.bands]
    _check_count("mask", image, new)
    return image.bands


def _check_count(name: str, image: Image, other: Image) -> None:
    if len(other.bands) not in (1, len(image.bands)):
        raise AlgorithmError(
            f"The {name} must have one band or as many as the image: got {len(other.bands)} and {len(image.bands)}."
        )


def _widened(context: Context, image: Image, value: Image) -> list[Band]:
    """Return the bands of an image in types that hold the pixels of another, too."""
    _check_count("value", image, value)
    values = value.bands if len(value.bands) == len(image.bands) else value.bands * len(image.bands)
    return [
        band.retyped(united(context, band.type, other.type)) for band, other in zip(image.bands, values, strict=True)
    ]


@image_function("Image.where(input: Image, test: Image, value: Image) -> Image", keeps=Keeps.EVERYTHING)
def where(context: Context, image: Image, test: Image, value: Image) -> list[Band]:
    """Replace pixels; the type of a band is the larger of its own and the value's. Source: its description."""
    _check_count("test", image, test)
    if any(band.type.dimensions for band in test.bands):
        raise AlgorithmError("The test may not be an array image.")
    return _widened(context, image, value)


@image_function(
    "Image.unmask(input: Image, value: Image = null, sameFootprint: Boolean = true) -> Image", keeps=Keeps.METADATA
)
def unmask(context: Context, image: Image, value: Image | None, same_footprint: bool) -> Sequence[Band] | Placed:
    """Replace masked pixels, by 0 without a value; metadata is kept, the footprint unless told otherwise.

    Source: its description, save for the types of the bands.
    """
    bands: Sequence[Band] = image.bands
    if value is not None:
        context.assume("unmask-type-as-where")
        bands = _widened(context, image, value)
    return bands if same_footprint else Placed(bands, _joint_footprint(context, image, value))


@image_function("Image.blend(bottom: Image, top: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def blend(context: Context, bottom: Image, top: Image) -> Placed:
    """Lay one image over another; an image of one band goes with all of the other."""
    return Placed(paired(context, bottom, top, united), _joint_footprint(context, bottom, top))


def _joint_footprint(context: Context, first: Image, second: Image | None) -> Geometry | None:
    """Return the footprint that covers two images; no image is a constant, and so everywhere."""
    if second is None or any(image.geometry is not None and image.geometry.unbounded for image in (first, second)):
        return UNBOUNDED
    return shared_footprint(context, (first, second))


@image_function(
    "Image.paint(image: Image, featureCollection: FeatureCollection, color: Object = 0, width: Object = null) -> Image",
    keeps=Keeps.EVERYTHING,
    assumption=RETAINS,
)
def paint(_: Context, image: Image, _features: Collection, color: object, width: object) -> Sequence[Band]:
    """Paint geometries into every band: nothing that metadata shows."""
    for name, value in (("color", color), ("width", width)):
        if value is not None and not isinstance(value, (int, float, str)):
            raise AlgorithmError(
                f"Parameter '{name}' must be a number or the name of a property, not: {describe_type(value)}."
            )
    return image.bands
