"""Image.*: loading, constants, choosing and naming bands, and what keeps an image's identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator import bands as algebra
from eegrpc.emulator.algorithms.collections import refuse_version
from eegrpc.emulator.conversion import constant_image, load_image
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.registry import algorithm
from eegrpc.emulator.values import Date, Element

if TYPE_CHECKING:
    from eegrpc.emulator.bands import Band
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images import Image


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


@algorithm("Image.select(input: Image, bandSelectors: List<Object>, newNames: List<String> = null) -> Image")
def select(context: Context, image: Image, selectors: list[object], names: list[str] | None) -> Image:
    """Return the image with the selected bands only, under new names if there are some."""
    chosen = algebra.select_bands(image.bands, selectors)
    context.spend(len(chosen))
    if names is not None:
        chosen = algebra.rename_bands(chosen, names)
    return image.with_bands(_unique(context, chosen))


@algorithm("Image.rename(input: Image, names: List<String>) -> Image")
def rename(context: Context, image: Image, names: list[str]) -> Image:
    """Return the image with other names for its bands."""
    context.spend(len(names))
    return image.with_bands(_unique(context, algebra.rename_bands(image.bands, names)))


def _unique(context: Context, bands: list[Band]) -> list[Band]:
    if len({band.id for band in bands}) == len(bands):
        return bands
    context.assume("duplicate-band-names-suffixed")
    return algebra.append_bands([], bands)


@algorithm(
    "Image.addBands(dstImg: Image, srcImg: Image, names: List<String> = null, overwrite: Boolean = false) -> Image"
)
def add_bands(context: Context, image: Image, source: Image, names: list[str] | None, overwrite: bool) -> Image:
    """Return the first image with bands of the second; metadata and footprint of the first."""
    more = list(source.bands) if names is None else algebra.select_bands(source.bands, names)
    context.spend(len(image.bands) + len(more))
    return image.with_bands(algebra.append_bands(image.bands, more, overwrite=overwrite))


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


@algorithm("Image.updateMask(image: Image, mask: Image) -> Image")
def update_mask(_: Context, image: Image, mask: Image) -> Image:
    """Return the image with fewer visible pixels: nothing that metadata shows."""
    if len(mask.bands) not in (1, len(image.bands)):
        raise AlgorithmError(
            f"The mask must have one band or as many as the image: got {len(mask.bands)} and {len(image.bands)}."
        )
    return image.with_bands(image.bands)


@algorithm("Image.selfMask(image: Image) -> Image")
def self_mask(_: Context, image: Image) -> Image:
    """Return the image with its zero pixels masked: nothing that metadata shows."""
    return image.with_bands(image.bands)
