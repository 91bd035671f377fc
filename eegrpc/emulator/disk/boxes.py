"""Boxes around geometries, in degrees: never too small, so that what two boxes do not share nobody's bounds do."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from eegrpc.emulator.geometry.shapes import Geometry

Box = tuple[float, float, float, float]
"""West, south, east, north."""

# Comparisons place points with errors far below this.
_MARGIN = 1e-6


def box_around(geometry: Geometry) -> Box | None:
    """Return a box around all of a geometry.

    One that crosses the antimeridian gets a box as wide as the world.

    Args:
        geometry: A footprint.

    Returns:
        The box; None for a geometry without a place.

    Raises:
        comparison_errors: The geometry cannot be compared to others.

    """
    boxes = [_box_of_scene(geometry)]
    if boxes[0] is None:
        boxes = list(geometry.boxes())
    found = [box for box in boxes if box is not None]
    if not found:
        return None
    west, south, east, north = zip(*found, strict=True)
    return min(west) - _MARGIN, min(south) - _MARGIN, max(east) + _MARGIN, max(north) + _MARGIN


def comparison_errors() -> tuple[type[Exception], ...]:
    """Return what is raised for geometries that cannot be compared: they are not GeoJSON, or shapely makes no shape."""
    from shapely.errors import ShapelyError

    return (AlgorithmError, ArithmeticError, IndexError, TypeError, ValueError, ShapelyError)


def _box_of_scene(geometry: Geometry) -> Box | None:
    """Return the box of one plain ring away from poles and antimeridian, without the cost of laying out its edges."""
    if geometry.type != "Polygon" or geometry.unbounded:
        return None
    rings = cast("list[list[list[float]]]", geometry.coordinates)
    if len(rings) != 1 or len({(x, y) for x, y in rings[0]}) < 3:
        return None
    ring = [*rings[0], rings[0][0]]
    longitudes, latitudes = [x for x, _ in ring], [y for _, y in ring]
    widest = max(abs(a - b) for a, b in pairwise(longitudes))
    west, south, east, north = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    if widest >= 90 or west <= -179 or east >= 179 or south <= -80 or north >= 80:
        return None
    if geometry.geodesic:
        south, north = -_farthest(-south, widest), _farthest(north, widest)
    return west, south, east, north


def _farthest(latitude: float, width: float) -> float:
    """Return how far north an edge between points south of a latitude can reach, over so many degrees of longitude.

    The great circle between two points of one latitude is the farthest, half way between the two; south of the
    equator it bends the other way.
    """
    if latitude <= 0:
        return latitude
    return math.degrees(math.atan(math.tan(math.radians(latitude)) / math.cos(math.radians(width / 2))))
