"""Projection.*, and the functions of images that tell or change where pixels are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import gathered
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import RETAINS, Keeps, Placed, image_function
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.geometry.clipping import clipped_footprint, clipped_grid, covered
from eegrpc.emulator.geometry.projections import IDENTITY, Projection
from eegrpc.emulator.geometry.shapes import UNBOUNDED, Geometry
from eegrpc.emulator.images.bands import Grid
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Collection, Element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.projections import Transform
    from eegrpc.emulator.images.bands import Band
    from eegrpc.emulator.images.images import Image


@algorithm(
    "Projection(crs: Object, transform: List<Object> = null, transformWkt: String = null) -> Projection",
)
def projection_of(
    context: Context, crs: object, transform: list[object] | None, transform_wkt: str | None
) -> Projection:
    """Return a projection; without a transform its units are those of the coordinate reference system."""
    if transform is not None and transform_wkt is not None:
        raise AlgorithmError("Parameters 'transform' and 'transformWkt' exclude each other.")
    if transform_wkt is not None:
        raise AlgorithmError("Argument 'transformWkt' is not supported by the emulator.", unsupported=True)
    if isinstance(crs, str):
        crs = Projection.parse(context, crs)
    if not isinstance(crs, Projection):
        raise AlgorithmError(f"Parameter 'crs' must be a code or WKT, not: {describe_type(crs)}.")
    return crs if transform is None else replace(crs, transform=_transform(transform))


def _transform(values: Sequence[object]) -> Transform:
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) != 6 or len(values) != 6 or not all(map(math.isfinite, numbers)):
        raise AlgorithmError(f"A CRS transform must be a list of six numbers, got {len(values)} value(s).")
    scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = numbers
    return (scale_x, shear_x, translate_x, shear_y, scale_y, translate_y)


@algorithm("Projection.crs(projection: Projection) -> String")
def crs(_: Context, projection: Projection) -> str | None:
    """Return the authority code of the coordinate reference system; null if it is given as WKT."""
    return projection.crs or None


@algorithm("Projection.transform(projection: Projection) -> String")
def transform_wkt(context: Context, projection: Projection) -> str:
    """Return the transform as WKT, which leaves out what equals the identity."""
    context.assume("transform-wkt-form")
    shown = [
        f'PARAMETER["elt_{place // 3}_{place % 3}", {float(value)!r}]'
        for place, (value, usual) in enumerate(zip(projection.transform, IDENTITY, strict=True))
        if value != usual
    ]
    return ", \n  ".join(['PARAM_MT["Affine"', 'PARAMETER["num_row", 3]', 'PARAMETER["num_col", 3]', *shown]) + "]"


@algorithm("Projection.nominalScale(proj: Projection) -> Float")
def nominal_scale(_: Context, projection: Projection) -> float:
    """Return how many metres a pixel is wide at the point of true scale."""
    return projection.nominal_scale


@algorithm("Projection.atScale(projection: Projection, meters: Float) -> Projection")
def at_scale(_: Context, projection: Projection, meters: float) -> Projection:
    """Return the projection with pixels that many metres wide."""
    return projection.at_scale(meters)


@algorithm("Projection.scale(projection: Projection, x: Float, y: Float) -> Projection")
def scale(_: Context, projection: Projection, x: float, y: float) -> Projection:
    """Return the projection with pixels that many times as wide and as high."""
    return projection.scaled(x, y)


@algorithm("Projection.translate(projection: Projection, x: Float, y: Float) -> Projection")
def translate_projection(_: Context, projection: Projection, x: float, y: float) -> Projection:
    """Return the projection moved by a number of pixels."""
    return projection.translated(x, y)


@algorithm("Image.projection(image: Image) -> Projection")
def projection_of_image(context: Context, image: Image) -> Projection:
    """Return the projection of an image, which all of its bands must have. Source of the text: guides/projections."""
    context.spend(len(image.bands))
    found = {Projection.of(band.grid) for band in image.bands}
    if not found:
        raise AlgorithmError("The image has no bands.")
    if len(found) > 1:
        raise AlgorithmError(
            "The bands of the specified image contain different projections. Use Image.select to pick a single band."
        )
    return found.pop()


def _target(projection: Projection, transform: list[float] | None, meters: float | None) -> Grid:
    """Return the grid that three arguments of reproject and its kind describe. It has no size: nothing ends it."""
    if transform is not None and meters is not None:
        raise AlgorithmError("Parameters 'crsTransform' and 'scale' exclude each other.")
    if transform is not None:
        projection = replace(projection, transform=_transform(transform))
    if meters is not None:
        # Rows go down from the origin, as in a printed image after reproject('EPSG:4326', None, 100).
        scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = projection.at_scale(meters).transform
        if projection.transform == IDENTITY:
            scale_y = -scale_y
        projection = replace(projection, transform=(scale_x, shear_x, translate_x, shear_y, scale_y, translate_y))
    return Grid(projection.crs, projection.transform, wkt=projection.wkt)


_PROJECTED = "(image: Image, crs: Projection, crsTransform: List<Float> = null, scale: Float = null) -> Image"


@image_function(f"Image.reproject{_PROJECTED}", f"Image.setDefaultProjection{_PROJECTED}", keeps=Keeps.EVERYTHING)
def reproject(
    _: Context, image: Image, projection: Projection, transform: list[float] | None, meters: float | None
) -> list[Band]:
    """Return the image with its bands in another projection; their grids have no size then."""
    grid = _target(projection, transform, meters)
    return [band.regridded(grid) for band in image.bands]


@image_function('Image.resample(image: Image, mode: String = "bilinear") -> Image', keeps=Keeps.EVERYTHING)
def resample(_: Context, image: Image, mode: str) -> Sequence[Band]:
    """Return the image, "identical to its argument" (description) but for how its pixels are computed elsewhere."""
    if mode not in ("bilinear", "bicubic"):
        raise AlgorithmError(f"Unknown resampling mode '{mode}': it is 'bilinear' or 'bicubic'.")
    return image.bands


@image_function(
    "Image.changeProj(input: Image, srcProj: Projection, dstProj: Projection) -> Image",
    keeps=Keeps.EVERYTHING,
    assumption=RETAINS,
)
def change_projection(context: Context, image: Image, source: Projection, target: Projection) -> list[Band]:
    """Move pixels to the same coordinates in another projection."""
    context.assume("moved-pixels-keep-footprint")
    grid = _target(target, None, None)
    return [band.regridded(grid) if Projection.of(band.grid) == source else band for band in image.bands]


@image_function(
    'Image.translate(input: Image, x: Float, y: Float, units: String = "meters", proj: Projection = null) -> Image',
    keeps=Keeps.EVERYTHING,
    assumption=RETAINS,
)
def translate(
    context: Context, image: Image, _x: float, _y: float, units: str, _proj: Projection | None
) -> Sequence[Band]:
    """Move the pixels within their grid: nothing that metadata shows."""
    if units not in ("meters", "pixels"):
        raise AlgorithmError(f"Unknown units '{units}': they are 'meters' or 'pixels'.")
    context.assume("moved-pixels-keep-footprint")
    return image.bands


@image_function(
    'Image.displace(image: Image, displacement: Image, mode: String = "bicubic", maxOffset: Float = null) -> Image',
    keeps=Keeps.EVERYTHING,
    assumption=RETAINS,
)
def displace(context: Context, image: Image, displacement: Image, mode: str, _offset: float | None) -> Sequence[Band]:
    """Move the pixels by an image of displacements: nothing that metadata shows."""
    if len(displacement.bands) < 2:
        raise AlgorithmError(f"The displacement must have two bands, x and y: got {len(displacement.bands)}.")
    if mode not in ("nearest_neighbor", "bilinear", "bicubic"):
        raise AlgorithmError(f"Unknown mode '{mode}': it is 'nearest_neighbor', 'bilinear' or 'bicubic'.")
    context.assume("moved-pixels-keep-footprint")
    return image.bands


# ---------------------------------------------------------------------------------------------------------- clipping


@image_function(
    "Image.clip(input: Image, geometry: Object) -> Image",
    "Image.clipToCollection(input: Image, collection: Object) -> Image",
    keeps=Keeps.METADATA,
)
def clip(context: Context, image: Image, region: object) -> Sequence[Band] | Placed:
    """Return the image within a geometry, feature or collection: a smaller footprint, fewer pixels, all metadata.

    Source: the descriptions, and a printed image that was clipped.
    """
    own, within = image.geometry, _region(context, region)
    # Scenes of one tile share footprint and grids.
    footprint = context.once(lambda: clipped_footprint(context, own, within), "clipped", own, within)
    if footprint is own or footprint.unbounded:
        return image.bands
    bands = image.bands
    return Placed(context.once(lambda: _clipped(context, bands, footprint), "clipped", bands, footprint), footprint)


def _clipped(context: Context, bands: Sequence[Band], footprint: Geometry) -> tuple[Band, ...]:
    grids: dict[Grid, Grid] = {}
    for band in bands:
        if band.grid not in grids:
            grids[band.grid] = clipped_grid(context, band.grid, footprint)
    return tuple(band.regridded(grids[band.grid]) for band in bands)


def _region(context: Context, value: object) -> Geometry:
    if isinstance(value, Collection):
        context.spend(len(value))
        return gathered(value)
    if isinstance(value, dict):
        return Geometry.from_geojson(value)
    found = value.geometry if isinstance(value, Element) else value
    if not isinstance(found, Geometry):
        raise AlgorithmError(f"An image is clipped to a geometry or a feature with one, not: {describe_type(value)}.")
    return found


@image_function(
    "Image.clipToBoundsAndScale(input: Image, geometry: Geometry = null, width: Integer = null, "
    "height: Integer = null, maxDimension: Integer = null, scale: Float = null) -> Image",
    keeps=Keeps.METADATA,
    assumption=RETAINS,
)
def clip_to_bounds_and_scale(
    context: Context,
    image: Image,
    region: Geometry | None,
    width: int | None,
    height: int | None,
    largest: int | None,
    meters: float | None,
) -> Placed:
    """Return the image within the bounds of a geometry, in so many pixels."""
    chosen = [width is not None and height is not None, largest is not None, meters is not None]
    if sum(chosen) > 1 or (width is None) != (height is None):
        raise AlgorithmError("Give 'width' and 'height', or 'maxDimension', or 'scale'.")
    for name, value in (("width", width), ("height", height), ("maxDimension", largest), ("scale", meters)):
        if value is not None and not value > 0:
            raise AlgorithmError(f"Parameter '{name}' must be positive, got {value}.")
    region = region or image.geometry or UNBOUNDED
    if region.unbounded:
        raise AlgorithmError("The region must have bounds.")
    context.assume("bounds-and-scale-grid")
    grids: dict[Grid, Grid] = {}
    for band in image.bands:
        if band.grid not in grids:
            grids[band.grid] = _scaled(context, band.grid, region, (width, height, largest, meters))
    bands = [band.regridded(grids[band.grid]) for band in image.bands]
    return Placed(bands, clipped_footprint(context, image.geometry, _bounds(region)))


def _bounds(region: Geometry) -> Geometry:
    west, south, east, north = region.shape.bounds
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Geometry("Polygon", [ring], geodesic=False)


def _scaled(
    context: Context,
    grid: Grid,
    region: Geometry,
    size: tuple[int | None, int | None, int | None, float | None],
) -> Grid:
    """Return a grid over the bounds of a region: as large as told, or with pixels of so many metres."""
    box = covered(context, grid, region)
    if box is None:
        raise AlgorithmError(f"The projection '{grid.crs}' is not known to the emulator.", unsupported=True)
    left, top, right, bottom = box
    columns, rows = right - left, bottom - top
    if not columns or not rows:
        raise AlgorithmError("The bounds of the region have no area.")
    width, height, largest, meters = size
    across = down = 1.0
    if width is not None and height is not None:
        across, down = columns / width, rows / height
    elif largest is not None:
        across = down = max(columns, rows) / largest
    elif meters is not None:
        across = down = meters / Projection.of(grid).nominal_scale
    projection = Projection.of(grid).translated(left, top).scaled(across, down)
    return Grid(
        projection.crs,
        projection.transform,
        width or math.ceil(round(columns / across, 6)),
        height or math.ceil(round(rows / down, 6)),
    )
