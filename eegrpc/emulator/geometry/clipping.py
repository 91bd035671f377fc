"""What clipping does to metadata: the footprint that is left, and the part of a grid that it covers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.geometry.projections import forward
from eegrpc.emulator.geometry.shapes import Geometry

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Grid

# What cutting geometries costs for each of their positions, and projecting a position, in units of Context.spend.
_POSITION = 10
_PROJECTED = 40

# An outline is followed in so many steps across its extent, as its edges are bent in other projections.
_STEPS = 16

Box = tuple[float, float, float, float]


def clipped_footprint(context: Context, footprint: Geometry | None, region: Geometry) -> Geometry:
    """Return the part of a footprint within a region.

    Args:
        context: The request's context.
        footprint: The footprint of an image; None stands for one without bounds.
        region: What it is clipped to.

    Returns:
        One of the two, if it lies within the other; else what they have in common, perhaps nothing.

    """
    import shapely

    if footprint is None or footprint.unbounded:
        return region
    if region.unbounded or region is footprint:
        return footprint
    image, mask = footprint.shape, region.shape
    context.spend(int(shapely.get_num_coordinates([image, mask]).sum()), _POSITION)
    if image.covers(mask):
        return region
    if mask.covers(image):
        return footprint
    context.assume("clip-footprint-intersection")
    return _geometry(image.intersection(mask))


def _geometry(shape: BaseGeometry) -> Geometry:
    """Return a shape as a geometry; its edges are laid out already, so that straight lines on the map are meant."""
    if shape.is_empty:
        return Geometry("MultiPolygon", [], geodesic=False)
    described = shape.__geo_interface__
    if described["type"] == "GeometryCollection":
        members = [_geometry(member) for member in shape.geoms]  # type: ignore[attr-defined]
        return Geometry("GeometryCollection", members, geodesic=False)
    return Geometry(described["type"], _listed(described["coordinates"]), geodesic=False)


def _listed(value: object) -> object:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def covered(context: Context, grid: Grid, region: Geometry) -> Box | None:
    """Return where a region is on a grid.

    Args:
        context: The request's context.
        grid: The grid.
        region: A region with bounds.

    Returns:
        The least column and row, and the greatest, as fractions; None if the emulator does not know the projection of
        the grid, or the region is empty.

    """
    import shapely

    project = forward(grid.crs)
    scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = grid.transform
    determinant = scale_x * scale_y - shear_x * shear_y
    outline = shapely.convex_hull(region.shape)
    if project is None or grid.wkt or not determinant or outline.is_empty:
        return None
    west, south, east, north = outline.bounds
    step = max(east - west, north - south) / _STEPS
    positions = shapely.get_coordinates(shapely.segmentize(outline, step) if step else outline).tolist()
    context.spend(len(positions), _PROJECTED)
    columns: list[float] = []
    rows: list[float] = []
    for longitude, latitude in cast("list[list[float]]", positions):
        x, y = project(longitude, latitude)
        x, y = x - translate_x, y - translate_y
        columns.append((scale_y * x - shear_x * y) / determinant)
        rows.append((scale_x * y - shear_y * x) / determinant)
    return min(columns), min(rows), max(columns), max(rows)


def clipped_grid(context: Context, grid: Grid, footprint: Geometry) -> Grid:
    """Return the part of a grid that a footprint covers, in whole pixels.

    Observed on a clipped image: `dimensions` shrink, an origin is added, the transform stays.

    Args:
        context: The request's context.
        grid: The grid.
        footprint: What is left of the image.

    Returns:
        The grid; the same one if its projection is not known.

    """
    box = covered(context, grid, footprint)
    if box is None:
        if footprint.coordinates:
            context.assume("clip-keeps-unknown-grid")
            return grid
        return replace(grid, width=0, height=0)
    # Positions that lie on the edge of a pixel do so up to rounding.
    left, top = (math.floor(round(end, 6)) for end in box[:2])
    right, bottom = (math.ceil(round(end, 6)) for end in box[2:])
    if grid.width is not None and grid.height is not None:
        column, row = grid.origin
        left, right = max(left, column), min(right, column + grid.width)
        top, bottom = max(top, row), min(bottom, row + grid.height)
    context.assume("clip-moves-grid")
    return replace(grid, origin=(left, top), width=max(right - left, 0), height=max(bottom - top, 0))
