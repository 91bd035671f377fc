"""Image.*: loading, constants, choosing and naming bands, and what is known of an image without its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import refuse_version
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import constant_image, convert_argument, converter, load_image
from eegrpc.emulator.evaluation.image_functions import Keeps, image_function, note_rule
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Date, Element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Band
    from eegrpc.emulator.images.images import Image

# What it costs to compare a selector with the name of a band.
_COMPARED = 2


@algorithm("Image.load(id: String, version: Long = -1) -> Image")
def load(context: Context, asset_id: str, version: int | None) -> Image:
    """Return the image of an asset."""
    refuse_version(version)
    return load_image(context, asset_id)


@algorithm("Image.constant(value: Object) -> Image")
def constant(_: Context, value: object) -> Image:
    """Return a number everywhere, or several in as many bands."""
    values = value if isinstance(value, list) else [value]
    numbers = [item for item in values if isinstance(item, (int, float))]
    if not values or len(numbers) != len(values):
        raise AlgorithmError(
            f"Parameter 'value' must be a number or a list of numbers, not: {describe_type(value)}.",
            unsupported=isinstance(value, list),
        )
    return constant_image([int(item) if isinstance(item, bool) else item for item in numbers])


@image_function(
    "Image.select(input: Image, bandSelectors: List<Object>, newNames: List<String> = null) -> Image",
    keeps=Keeps.EVERYTHING,
)
def select(context: Context, image: Image, selectors: list[object], names: list[str] | None) -> list[Band]:
    """Return the image with the selected bands only, under new names if there are some."""
    context.spend(len(selectors) * len(image.bands), _COMPARED)
    chosen = algebra.select_bands(image.bands, selectors)
    if names is not None:
        chosen = algebra.rename_bands(chosen, names)
    return _unique(context, chosen)


@image_function("Image.rename(input: Image, names: List<String>) -> Image", keeps=Keeps.EVERYTHING)
def rename(context: Context, image: Image, names: list[str]) -> list[Band]:
    """Return the image with other names for its bands."""
    return _unique(context, algebra.rename_bands(image.bands, names))


def _unique(context: Context, bands: list[Band]) -> list[Band]:
    if len({band.id for band in bands}) == len(bands):
        return bands
    context.assume("duplicate-band-names-suffixed")
    return algebra.append_bands([], bands)


@image_function(
    "Image.addBands(dstImg: Image, srcImg: Image, names: List<String> = null, overwrite: Boolean = false) -> Image",
    keeps=Keeps.EVERYTHING,
)
def add_bands(context: Context, image: Image, source: Image, names: list[str] | None, overwrite: bool) -> list[Band]:
    """Return the first image with bands of the second; metadata and footprint of the first."""
    if names is not None:
        context.spend(len(names) * len(source.bands), _COMPARED)
    more = list(source.bands) if names is None else algebra.select_bands(source.bands, names)
    return algebra.append_bands(image.bands, more, overwrite=overwrite)


@image_function("Image.slice(image: Image, start: Integer, end: Integer = null) -> Image", keeps=Keeps.EVERYTHING)
def slice_bands(_: Context, image: Image, start: int, end: int | None) -> Sequence[Band]:
    """Return the image with a run of its bands only; negative positions count from the end."""
    return image.bands[start:end]


note_rule("Image.cat", keeps=Keeps.EVERYTHING)


@algorithm("Image.cat(images: List<Object>) -> Image")
def cat(context: Context, images: list[object]) -> Image:
    """Return the bands of all images in one, with the metadata of the first. Source: its description."""
    as_image = converter("Image")
    parts: list[Image] = [convert_argument(as_image, "Image", "images", context, item) for item in images]  # type: ignore[misc]
    if not parts:
        raise AlgorithmError("Parameter 'images' must not be empty.")
    context.spend(sum(len(part.bands) for part in parts))
    return parts[0].with_bands(algebra.append_bands([], [band for part in parts for band in part.bands]))


@algorithm("Image.bandNames(image: Image) -> List<Object>")
def band_names(_: Context, image: Image) -> list[str]:
    """Names of the bands."""
    return [band.id for band in image.bands]


@algorithm("Image.id(element: Element) -> String", "Feature.id(element: Element) -> String")
def element_id(_: Context, element: Element) -> str | None:
    """Return the index of an element in its collection."""
    return element.index


@algorithm("Image.date(image: Image) -> Date")
def date(_: Context, image: Image) -> Date:
    """``system:time_start`` as a date."""
    value = image.get("system:time_start")
    if isinstance(value, Date):
        return value
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise AlgorithmError(f"Image '{image.index}' has no 'system:time_start': {describe_type(value)}.")
    return Date(int(value // 1))
