"""Functions of the neighbourhood of each pixel: filters, distances, connected pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.image_math import first_band
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, RETAINS, Keeps, image_function
from eegrpc.emulator.images.bands import BOOLEAN, TYPE_NAMES, Band, append_bands
from eegrpc.emulator.images.type_rules import COUNT, FLOAT, floating, with_dimensions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import PixelType
    from eegrpc.emulator.images.images import Image
    from eegrpc.emulator.values import Kernel

_FOCAL = (
    '(image: Image, radius: Float = 1.5, kernelType: String = "circle", units: String = "pixels", '
    "iterations: Integer = 1, kernel: Kernel = null) -> Image"
)
_SHAPES = frozenset({"circle", "square", "cross", "plus", "octagon", "diamond"})


def _same(kind: PixelType) -> PixelType:
    return kind


def _declare_focal(name: str, type_of: Callable[[PixelType], PixelType]) -> None:
    names = (f"focal_{name}", f"focal{name.capitalize()}")

    @image_function(
        *(f"Image.{each}{_FOCAL}" for each in names),
        keeps=Keeps.FOOTPRINT,
        assumption=DROPS,
        summary=f"Return the {name} of each pixel's neighbourhood.",
    )
    def focal(
        context: Context, image: Image, _radius: float, shape: str, units: str, iterations: int, kernel: Kernel | None
    ) -> list[Band]:
        if kernel is None and shape not in _SHAPES:
            raise AlgorithmError(f"Unknown kernel type '{shape}': it is one of {', '.join(sorted(_SHAPES))}.")
        if units not in ("pixels", "meters"):
            raise AlgorithmError(f"Unknown units '{units}': they are 'pixels' or 'meters'.")
        if iterations < 1:
            raise AlgorithmError(f"Parameter 'iterations' must be positive, got {iterations}.")
        context.assume("neighbourhood-types")
        return [band.retyped(type_of(band.type)) for band in image.bands]


for _name, _type_of in {"max": _same, "min": _same, "mode": _same, "median": floating, "mean": floating}.items():
    _declare_focal(_name, _type_of)


@image_function("Image.convolve(image: Image, kernel: Kernel) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def convolve(context: Context, image: Image, _kernel: Kernel) -> list[Band]:
    """Return each band convolved with a kernel."""
    context.assume("neighbourhood-types")
    return [band.retyped(floating(band.type)) for band in image.bands]


@image_function("Image.entropy(image: Image, kernel: Kernel) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def entropy(context: Context, image: Image, _kernel: Kernel) -> list[Band]:
    """Return the entropy of each pixel's neighbourhood in each band of whole numbers."""
    for band in image.bands:
        if band.type.precision != "INT":
            raise AlgorithmError(f"Band '{band.id}' must have whole numbers for pixels.")
    context.assume("neighbourhood-types")
    return [band.retyped(FLOAT) for band in image.bands]


@image_function("Image.zeroCrossing(image: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def zero_crossing(context: Context, image: Image) -> list[Band]:
    """Return where each band crosses zero."""
    context.assume("neighbourhood-types")
    return [band.retyped(BOOLEAN) for band in image.bands]


@image_function("Image.gradient(input: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def gradient(context: Context, image: Image) -> list[Band]:
    """Return the slopes of the first band, in bands ``x`` and ``y``."""
    context.assume("neighbourhood-types")
    band = first_band(image)
    return [band.retyped(floating(band.type)).renamed(name) for name in ("x", "y")]


@image_function("Image.derivative(image: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def derivative(context: Context, image: Image) -> list[Band]:
    """Return the derivatives of each band in two, whose names end in ``_x`` and ``_y``."""
    context.assume("neighbourhood-types")
    bands = [band.retyped(floating(band.type)) for band in image.bands]
    return append_bands([], [band.renamed(f"{band.id}_{axis}") for band in bands for axis in "xy"])


@image_function(
    "Image.distance(image: Image, kernel: Kernel = null, skipMasked: Boolean = true) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def distance(context: Context, image: Image, _kernel: Kernel | None, _skip: bool) -> list[Band]:
    """Return the distance to the nearest pixel that is not zero, in each band."""
    context.assume("neighbourhood-types")
    return [band.retyped(FLOAT) for band in image.bands]


@image_function(
    "Image.neighborhoodToArray(image: Image, kernel: Kernel, defaultValue: Float = 0) -> Image", keeps=Keeps.EVERYTHING
)
def neighborhood_to_array(_: Context, image: Image, _kernel: Kernel, _default: float) -> list[Band]:
    """Return the neighbourhood of each pixel as a matrix; metadata and footprint stay. Source: its description."""
    for band in image.bands:
        if band.type.dimensions:
            raise AlgorithmError(f"Band '{band.id}' must have scalar pixels.")
    return [band.retyped(with_dimensions(band.type, 2)) for band in image.bands]


@image_function(
    "Image.connectedPixelCount(input: Image, maxSize: Integer = 100, eightConnected: Boolean = true) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def connected_pixel_count(context: Context, image: Image, size: int, _eight: bool) -> list[Band]:
    """Return the number of pixels connected with each, in each band."""
    _check_size(size)
    context.assume("neighbourhood-types")
    return [band.retyped(COUNT) for band in image.bands]


@image_function(
    "Image.connectedComponents(image: Image, connectedness: Kernel, maxSize: Integer) -> Image",
    keeps=Keeps.EVERYTHING,
    assumption=RETAINS,
)
def connected_components(context: Context, image: Image, _kernel: Kernel, size: int) -> Sequence[Band]:
    """Return the image with a band ``labels``, the same for connected pixels (guides/image_objects)."""
    _check_size(size)
    context.assume("neighbourhood-types")
    first = first_band(image)
    return append_bands(image.bands, [Band("labels", TYPE_NAMES["int32"], first.grid)])


def _check_size(size: int) -> None:
    if size < 1:
        raise AlgorithmError(f"Parameter 'maxSize' must be positive, got {size}.")
