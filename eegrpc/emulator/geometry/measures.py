"""What can be measured of geometries: areas, lengths, distances, centers.

Edges run where `Geometry` says, and are measured on the WGS84 ellipsoid. Errors are below a ten-thousandth.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.relations import intersects, laid_out
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.geometry.sphere import (
    MEAN_RADIUS,
    SEMI_MAJOR_AXIS,
    angles,
    area_below,
    filled,
    lengths,
    positions,
    units,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.sphere import Vectors

# What things cost, in the units of context.spend.
_POSITION = 10  # a position looked at
_PAIR = 2  # a position and an edge, of which the distance is taken

# Pairs of a position and an edge whose distances are worked out at once: a few megabytes.
_PAIRS_AT_ONCE = 30_000


def area(context: Context, geometry: Geometry) -> float:
    """Return the area in square meters: the sum of the areas of the parts, whether or not they overlap.

    Args:
        context: The request's context.
        geometry: The geometry.

    Returns:
        The area; zero for points and lines.

    Raises:
        AlgorithmError: The geometry is unbounded.

    """
    require_bounds(geometry)
    laid_out(context, geometry)
    context.assume("measures-on-ellipsoid")
    return math.fsum(_polygon_area(context, polygon) for part in geometry.parts() for polygon in polygons(part))


def polygons(shape: BaseGeometry) -> Iterator[Polygon]:
    """Return the polygons of a shape."""
    from shapely import Polygon

    parts = getattr(shape, "geoms", None)
    if parts is not None:
        yield from chain.from_iterable(polygons(part) for part in parts)
    elif isinstance(shape, Polygon) and not shape.is_empty:
        yield shape


def _polygon_area(context: Context, polygon: Polygon) -> float:
    return _ring_area(context, polygon.exterior) - sum(_ring_area(context, ring) for ring in polygon.interiors)


def _ring_area(context: Context, ring: BaseGeometry) -> float:
    """Area inside a ring with straight edges on the map: Simpson's rule for each degree of an edge."""
    import numpy as np
    import shapely

    found = shapely.get_coordinates(shapely.segmentize(ring, 1.0))
    context.spend(len(found), _POSITION)
    y, turns = found[:, 1], np.radians(np.diff(found[:, 0]))
    below = area_below(np.concatenate((y[:-1], y[1:], (y[:-1] + y[1:]) / 2))).reshape(3, -1)
    return abs(float(np.sum(turns * (below[0] + below[1] + 4 * below[2]) / 6)))


def length(context: Context, geometry: Geometry) -> float:
    """Return the length in meters of the lines; points and polygons have none."""
    return _length(context, geometry, ("LineString", "MultiLineString", "LinearRing"))


def perimeter(context: Context, geometry: Geometry) -> float:
    """Return the length in meters of the boundaries of the polygons; points and lines have none."""
    return _length(context, geometry, ("Polygon", "MultiPolygon"))


def _length(context: Context, geometry: Geometry, kinds: tuple[str, ...]) -> float:
    import numpy as np

    require_bounds(geometry)
    context.assume("measures-on-ellipsoid")
    total = 0.0
    for member in geometry.members():
        for line in member.lines() if member.type in kinds else ():
            path = np.asarray(line, dtype=float) if member.geodesic else filled(line)
            context.spend(len(path), _POSITION)
            total += float(np.sum(lengths(path[:-1], path[1:])))
    return total


def distance(context: Context, left: Geometry, right: Geometry, *, spherical: bool = False) -> float | None:
    """Return the distance of two geometries in meters.

    Args:
        context: The request's context.
        left: One geometry.
        right: The other.
        spherical: Whether to measure on the sphere rather than on the ellipsoid.

    Returns:
        The distance; None if one is empty.

    """
    laid_out(context, left, right)
    if left.empty or right.empty:
        return None
    if intersects(context, left, right):
        return 0.0
    context.assume("spherical-distance-in-meters" if spherical else "measures-on-ellipsoid")
    one, other = closest(context, left, right)
    return MEAN_RADIUS * float(angles(one, other)[0]) if spherical else float(lengths(one, other)[0])


def closest(context: Context, left: Geometry, right: Geometry) -> tuple[Vectors, Vectors]:
    """Return the positions, one of each geometry, that are nearest to one another.

    Args:
        context: The request's context.
        left: A geometry that is neither empty nor unbounded.
        right: Another, which it does not intersect.

    Returns:
        Two arrays of one position.

    """
    # Two great circles that do not meet are nearest at an end of one of them.
    one, other = left.arcs(), right.arcs()
    context.spend(4 * len(one) * len(other), _PAIR)
    forth, back = _nearest(one, other), _nearest(other, one)
    first, second = forth[1:] if forth[0] <= back[0] else (back[2], back[1])
    return positions(first), positions(second)


def _nearest(starts: Vectors, arcs: Vectors) -> tuple[float, Vectors, Vectors]:
    """Return the end of some arcs and the point of others that are nearest, after a number that grows with distance."""
    import numpy as np

    points = starts.reshape(-1, 3)
    best: tuple[float, Vectors, Vectors] = (math.inf, points[0], arcs[0, 0])
    rows = max(1, _PAIRS_AT_ONCE // len(arcs))
    a, b = arcs[:, 0], arcs[:, 1]
    normals = np.cross(a, b)
    sines = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, sines, out=np.zeros_like(normals), where=sines > 1e-15)
    after, before = np.cross(normals, a), np.cross(b, normals)
    for first in range(0, len(points), rows):
        some = points[first : first + rows]
        beside = (some @ after.T > 0) & (some @ before.T > 0)
        ends = np.minimum(
            np.linalg.norm(some[:, None] - a[None], axis=2), np.linalg.norm(some[:, None] - b[None], axis=2)
        )
        # The chord to the foot of the perpendicular, from the sine of its angle.
        height = np.abs(some @ normals.T)
        feet = np.sqrt(np.maximum(0, 2 - 2 * np.sqrt(np.maximum(0, 1 - height**2))))
        feet = np.where(height < 1e-3, height, feet)
        chords = np.where(beside, feet, ends)
        row, column = np.unravel_index(int(np.argmin(chords)), chords.shape)
        if chords[row, column] < best[0]:
            point = some[row]
            if beside[row, column]:
                foot = point - (point @ normals[column]) * normals[column]
            else:
                foot = min((a[column], b[column]), key=lambda end: float(np.linalg.norm(point - end)))
            best = (float(chords[row, column]), point, foot)
    return best


def centroid(context: Context, geometry: Geometry) -> Geometry | None:
    """Return the center of the parts with the most dimensions: the mean of their points, on the sphere.

    Args:
        context: The request's context.
        geometry: The geometry.

    Returns:
        A point; None if the geometry is empty.

    Raises:
        AlgorithmError: The geometry is unbounded.

    """
    import numpy as np
    import shapely

    require_bounds(geometry)
    laid_out(context, geometry)
    if geometry.empty:
        return None
    context.assume("centroid-on-sphere")
    dimensions = int(shapely.get_dimensions(geometry.shape))
    parts = [part for part in _flat(geometry.shape) if shapely.get_dimensions(part) == dimensions]
    total = sum((_moment(context, part, dimensions) for part in parts), np.zeros(3))
    if float(np.linalg.norm(total)) < 1e-12:  # spread evenly around the world
        middle = shapely.union_all(parts).centroid
        return Geometry("Point", [middle.x, middle.y])
    x, y = positions(total)[0]
    return Geometry("Point", [float(x), float(y)])


def _flat(shape: BaseGeometry) -> Iterable[BaseGeometry]:
    parts = getattr(shape, "geoms", None)
    return [shape] if parts is None else chain.from_iterable(_flat(part) for part in parts)


def _moment(context: Context, shape: BaseGeometry, dimensions: int) -> Vectors:
    """Return the integral of the points of a point, a line or a polygon."""
    import numpy as np
    import shapely
    from shapely import Polygon

    if dimensions == 0:
        point: Vectors = units(shapely.get_coordinates(shape))[0]
        return point
    if isinstance(shape, Polygon):
        # Stokes' theorem makes of it an integral along the rings. The shell turns left, the holes right.
        turned = shapely.geometry.polygon.orient(shape)
        return sum((_along(context, ring)[1] for ring in (turned.exterior, *turned.interiors)), np.zeros(3))
    return _along(context, shape)[0]


def _along(context: Context, line: BaseGeometry) -> tuple[Vectors, Vectors]:
    """Return the integral of the points along a line, and half of that of its normals."""
    import numpy as np
    import shapely

    points = units(filled(shapely.get_coordinates(line)))
    context.spend(len(points), _POSITION)
    a, b = points[:-1], points[1:]
    normals = np.cross(a, b)
    sines = np.linalg.norm(normals, axis=1, keepdims=True)
    turns = np.arctan2(sines, np.sum(a * b, axis=1, keepdims=True))
    normals = np.divide(normals, sines, out=np.zeros_like(normals), where=sines > 1e-15)
    return np.sum((a + b) / 2 * turns, axis=0), np.sum(normals * turns, axis=0) / 2


def degrees_of(meters: float) -> float:
    """Return so few degrees, in any direction, that they are at most so many meters."""
    return math.degrees(meters / SEMI_MAJOR_AXIS * (1 - 0.005))


def require_bounds(geometry: Geometry) -> None:
    """Refuse a geometry without bounds."""
    if geometry.unbounded:
        raise AlgorithmError("The geometry is unbounded, which is not supported here.", unsupported=True)
