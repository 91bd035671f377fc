"""Buffers: all places within a distance of a geometry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.measures import degrees_of
from eegrpc.emulator.geometry.operations import components, from_shape, rejoined
from eegrpc.emulator.geometry.relations import laid_out
from eegrpc.emulator.geometry.shapes import Geometry, wrap
from eegrpc.emulator.geometry.sphere import MEAN_RADIUS, axes, positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.sphere import Vectors

# What a piece of a boundary costs to be buffered, in the units of context.spend.
_PIECE = 3_500

# A boundary is buffered in pieces of at most so many degrees, each on a map of its own.
_PIECE_DEGREES = 1.0
# A quarter of a circle has so many edges: a buffer is too small by at most 0.12 % of its distance.
_QUARTER = 16
# A buffer may reach a quarter of the way round the world.
_LARGEST_BUFFER = 10_000_000.0


def buffer(context: Context, geometry: Geometry, distance: float) -> Geometry:
    """Return all places within a distance of a geometry; for a negative one, those that far from its boundary inside.

    Args:
        context: The request's context.
        geometry: The geometry.
        distance: Meters on the sphere.

    Returns:
        A polygon or several.

    Raises:
        AlgorithmError: The distance is more than a quarter of the way round the world.

    """
    import shapely

    if geometry.unbounded or distance == 0:
        return geometry
    if not abs(distance) <= _LARGEST_BUFFER:
        raise AlgorithmError(f"A buffer of {distance} meters is larger than the emulator makes.", unsupported=True)
    laid_out(context, geometry)
    context.assume("buffer-on-sphere")
    # Edges that are straight on the map are followed to a thousandth of the distance.
    step = math.degrees(math.sqrt(0.016 * abs(distance) / MEAN_RADIUS))
    arcs = geometry.arcs(min(max(step, 0.01), _PIECE_DEGREES))
    context.spend(len(arcs), _PIECE)
    pieces = list(_pieces(arcs))
    context.spend(len(pieces) - len(arcs), _PIECE)
    margin = shapely.union_all([wrap(_buffered(piece, abs(distance))) for piece in pieces])
    surfaces = [part for part in components(geometry.shape) if part.geom_type == "Polygon"]
    surface = shapely.union_all(surfaces)
    shape = surface.union(margin) if distance > 0 else surface.difference(margin)
    # Pieces of one edge make more vertices than the precision is worth.
    return from_shape(context, rejoined(shape).simplify(degrees_of(abs(distance) / 1000)), geodesic=False)


def _pieces(arcs: Vectors) -> Iterator[Vectors]:
    """Cut arcs into pieces, arcs too; points are left as they are."""
    import numpy as np

    for start, end in arcs:
        angle = math.atan2(float(np.linalg.norm(np.cross(start, end))), float(start @ end))
        count = max(1, math.ceil(math.degrees(angle) / _PIECE_DEGREES))
        shares = np.arange(count + 1) / count
        if angle == 0:
            yield np.stack((start, end))
            continue
        weights = np.sin(np.stack((1 - shares, shares), axis=1) * angle) / math.sin(angle)
        path = weights @ np.stack((start, end))
        for place in range(count):
            yield path[place : place + 2]


def _buffered(arc: Vectors, distance: float) -> BaseGeometry:
    """Buffer an arc on the map on which distances and directions from its middle are right."""
    import numpy as np
    from shapely import LineString, Polygon

    middle = arc[0] + arc[1]
    middle /= np.linalg.norm(middle)
    east, north = axes(middle)
    flat = []
    for point in arc:
        across = float(np.linalg.norm(np.cross(middle, point)))
        scale = math.atan2(across, float(middle @ point)) / across if across > 1e-15 else 1.0
        flat.append((float(point @ east) * scale, float(point @ north) * scale))
    outline = np.asarray(LineString(flat).buffer(distance / MEAN_RADIUS, quad_segs=_QUARTER).exterior.coords)
    angle = np.hypot(*outline.T)
    sines = np.divide(np.sin(angle), angle, out=np.ones_like(angle), where=angle > 0)
    points = np.cos(angle)[:, None] * middle + (outline * sines[:, None]) @ np.stack((east, north))
    return Polygon(_around(positions(points)))


def _around(ring: Vectors) -> Vectors:
    """Return a ring continuous in longitude; one that goes round a pole gets the pole's edge of the map."""
    import numpy as np

    x = np.unwrap(ring[:, 0], period=360)
    whole = x[-1] - x[0]
    if abs(whole) < 180:
        closed = np.column_stack((x, ring[:, 1]))
        closed[-1] = closed[0]  # summed up, it may be off by a rounding: such a ring crosses itself
        return closed
    pole = math.copysign(90, float(np.mean(ring[:, 1])))
    return np.concatenate((np.column_stack((x, ring[:, 1])), [[x[-1], pole], [x[0], pole]]))
