"""Terrain.*, Landsat.* and Sentinel2.*: what is made of images of one kind."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.image_math import first_grid
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, RETAINS, Keeps, image_function
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import TYPE_NAMES, Band, PixelType
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.images.type_rules import FLOAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Collection

# ----------------------------------------------------------------------------------------------------------- terrain

# Names: the description of Terrain.products, as is the type of the hillshade.
_TERRAIN = {
    "slope": PixelType("FLOAT", 0, 90),
    "aspect": PixelType("FLOAT", 0, 360),
    "hillshade": TYPE_NAMES["uint8"],
}


def _elevation(image: Image) -> Band:
    """Return the band of elevations: "a single band", or "one named 'elevation'" (Terrain.products)."""
    if len(image.bands) == 1:
        return image.bands[0]
    found = [band for band in image.bands if band.id == "elevation"]
    if not found:
        raise AlgorithmError(f"A single band or a band 'elevation' is needed, got {len(image.bands)} bands.")
    return found[0]


def _terrain(context: Context, image: Image, names: Sequence[str]) -> list[Band]:
    context.assume("terrain-types")
    grid = _elevation(image).grid
    return [Band(name, _TERRAIN[name], grid) for name in names]


@image_function("Terrain.slope(input: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def slope(context: Context, image: Image) -> list[Band]:
    """Return the slope in degrees, in a band ``slope``."""
    return _terrain(context, image, ["slope"])


@image_function("Terrain.aspect(input: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def aspect(context: Context, image: Image) -> list[Band]:
    """Return the aspect in degrees, in a band ``aspect``."""
    return _terrain(context, image, ["aspect"])


@image_function(
    "Terrain.hillshade(input: Image, azimuth: Float = 270, elevation: Float = 45) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def hillshade(context: Context, image: Image, _azimuth: float, _sun: float) -> list[Band]:
    """Return a shaded relief, in a band ``hillshade``."""
    return _terrain(context, image, ["hillshade"])


@image_function("Terrain.products(input: Image) -> Image", "Terrain(input: Image) -> Image", keeps=Keeps.EVERYTHING)
def products(context: Context, image: Image) -> list[Band]:
    """Return the image with bands ``slope``, ``aspect`` and ``hillshade``. Source: its description."""
    return algebra.append_bands(image.bands, _terrain(context, image, list(_TERRAIN)))


# ---------------------------------------------------------------------------------------------------------- Landsat

_SPECTRAL_BAND = re.compile(r"B\d\w*")


@image_function("Landsat.simpleCloudScore(image: Image) -> Image", keeps=Keeps.EVERYTHING, assumption=RETAINS)
def simple_cloud_score(context: Context, image: Image) -> list[Band]:
    """Return the image with a band ``cloud``, from 0 to 100."""
    context.assume("landsat-types")
    return algebra.append_bands(image.bands, [Band("cloud", PixelType("INT", 0, 100), first_grid(context, image))])


@image_function("Landsat.TOA(input: Image) -> Image", keeps=Keeps.EVERYTHING, assumption=RETAINS)
def top_of_atmosphere(context: Context, image: Image) -> list[Band]:
    """Return the spectral bands (B1, B2, ...) as float reflectance and temperature, the others as they are."""
    context.assume("landsat-types")
    return [band.retyped(FLOAT) if _SPECTRAL_BAND.fullmatch(band.id) else band for band in image.bands]


@algorithm(
    "Landsat.pathRowLimit(collection: ImageCollection, maxScenesPerPathRow: Integer = 25, "
    "maxScenesTotal: Integer = 100) -> ImageCollection"
)
def path_row_limit(context: Context, collection: Collection, most_each: int, most: int) -> Collection:
    """Return a collection that is within the limits as it is. Which scenes are the best is not documented."""
    context.spend(len(collection))
    counts = Counter((image.get("WRS_PATH"), image.get("WRS_ROW")) for image in collection if _hashable(image))
    if len(collection) <= most and all(count <= most_each for count in counts.values()):
        return collection
    raise AlgorithmError("Which scenes are the best is not known to the emulator.", unsupported=True)


def _hashable(image: object) -> bool:
    return isinstance(image, Image) and all(
        isinstance(image.get(name), (int, float, str)) for name in ("WRS_PATH", "WRS_ROW")
    )


@image_function(
    "Landsat.simpleComposite(collection: ImageCollection, percentile: Integer = 50, cloudScoreRange: Integer = 10, "
    "maxDepth: Integer = 40, asFloat: Boolean = false) -> Image",
    keeps=Keeps.NOTHING,
)
def simple_composite(
    context: Context, collection: Collection, percentile: int, _range: int, _depth: int, as_float: bool
) -> list[Band]:
    """Return a composite of the spectral bands: bytes, or float if told so; on the grid of composites."""
    if not 0 <= percentile <= 100:
        raise AlgorithmError(f"Parameter 'percentile' must be from 0 to 100, got {percentile}.")
    context.assume("landsat-types")
    first = next((image for image in collection if isinstance(image, Image)), None)
    kind = FLOAT if as_float else TYPE_NAMES["uint8"]
    return [Band(band.id, kind) for band in (first.bands if first else ()) if _SPECTRAL_BAND.fullmatch(band.id)]


# -------------------------------------------------------------------------------------------------------- Sentinel-2


@image_function("Sentinel2.CDI(source: Image) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def cloud_displacement_index(context: Context, image: Image) -> list[Band]:
    """Return a band ``cdi`` of float, from an image of level 1C. Source: its description."""
    return [Band("cdi", FLOAT, first_grid(context, image))]
