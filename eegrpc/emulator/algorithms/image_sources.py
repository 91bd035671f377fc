"""Images that are made of no other: of numbers, of the places of pixels, or of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import Keeps, image_function
from eegrpc.emulator.images.bands import Band, Grid, PixelType, constant_type, rename_bands
from eegrpc.emulator.images.type_rules import DOUBLE, FLOAT
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.projections import Projection


@image_function(
    "Dictionary.toImage(dictionary: Dictionary<Object>, names: List<String> = null) -> Image", keeps=Keeps.NOTHING
)
def dictionary_to_image(context: Context, values: dict[str, object], names: list[str] | None) -> list[Band]:
    """Return a constant band for each number of a dictionary: in the order of the names, or of the alphabet."""
    context.spend(len(values))
    chosen = sorted(values) if names is None else names
    bands: list[Band] = []
    for name in chosen:
        number = values.get(name)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise AlgorithmError(
                f"The value of '{name}' must be a number, not: {describe_type(number)}.",
                unsupported=isinstance(number, list),
            )
        bands.append(Band("", constant_type(number)))
    return rename_bands(bands, chosen)


@image_function("Image.pixelLonLat() -> Image", keeps=Keeps.NOTHING)
def pixel_lon_lat(context: Context) -> list[Band]:
    """Return the degrees of each pixel in bands ``longitude`` and ``latitude``."""
    context.assume("place-band-types")
    return [Band("longitude", PixelType("FLOAT", -180, 180)), Band("latitude", PixelType("FLOAT", -90, 90))]


@image_function("Image.pixelArea() -> Image", keeps=Keeps.NOTHING)
def pixel_area(context: Context) -> list[Band]:
    """Return the square metres of each pixel in a band ``area``."""
    context.assume("place-band-types")
    return [Band("area", FLOAT)]


@image_function("Image.pixelCoordinates(projection: Projection) -> Image", keeps=Keeps.NOTHING)
def pixel_coordinates(context: Context, projection: Projection) -> list[Band]:
    """Return the coordinates of each pixel in bands ``x`` and ``y``."""
    context.assume("place-band-types")
    grid = Grid(projection.crs, projection.transform, wkt=projection.wkt)
    return [Band("x", DOUBLE, grid), Band("y", DOUBLE, grid)]


@image_function('Image.random(seed: Long = 0, distribution: String = "uniform") -> Image', keeps=Keeps.NOTHING)
def random(context: Context, _seed: int, distribution: str) -> list[Band]:
    """Return a random number for each pixel in a band ``random``: from 0 to 1, or without limits if normal."""
    if distribution not in ("uniform", "normal"):
        raise AlgorithmError(f"Unknown distribution '{distribution}': it is 'uniform' or 'normal'.")
    context.assume("random-band-type")
    return [Band("random", PixelType("DOUBLE", 0, 1) if distribution == "uniform" else DOUBLE)]
