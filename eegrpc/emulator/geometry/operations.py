"""What can be made of geometries: set operations, hulls, boxes, simpler forms. Buffers are in `buffers`."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.measures import degrees_of, require_bounds
from eegrpc.emulator.geometry.relations import laid_out
from eegrpc.emulator.geometry.shapes import UNBOUNDED, Geometry
from eegrpc.emulator.geometry.sphere import MEAN_RADIUS, axes, filled, positions, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from shapely import GeometryCollection, Polygon
    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.sphere import Position, Vectors

# What it costs to look at a position, in the units of context.spend.
_POSITION = 10

# Edges that turn less than this, in radians, were one edge before they were laid out.
_STRAIGHT = 5e-4


# ------------------------------------------------------------------------------------------------------ set operations


def intersection(context: Context, left: Geometry, right: Geometry) -> Geometry:
    """Return what both have."""
    if left.unbounded or right.unbounded:
        return right if left.unbounded else left
    return _combined(context, left, right, "intersection")


def union(context: Context, left: Geometry, right: Geometry) -> Geometry:
    """Return what one of the two has."""
    if left.unbounded or right.unbounded:
        return UNBOUNDED
    return _combined(context, left, right, "union")


def difference(context: Context, left: Geometry, right: Geometry) -> Geometry:
    """Return what the left has and the right has not."""
    if right.unbounded:
        return from_shape(context, UNBOUNDED.shape.difference(UNBOUNDED.shape))
    require_bounds(left)
    return _combined(context, left, right, "difference")


def symmetric_difference(context: Context, left: Geometry, right: Geometry) -> Geometry:
    """Return what exactly one of the two has."""
    require_bounds(left)
    require_bounds(right)
    return _combined(context, left, right, "symmetric_difference")


def dissolve(context: Context, geometry: Geometry) -> Geometry:
    """Return the union of the parts; a single one is left as it is."""
    laid_out(context, geometry)
    if geometry.unbounded or len(geometry.parts()) < 2:
        return geometry
    return _made(context, geometry.shape, [geometry])


def _combined(context: Context, left: Geometry, right: Geometry, operation: str) -> Geometry:
    laid_out(context, left, right)
    context.spend(left.detail + right.detail, _POSITION)
    return _made(context, getattr(left.shape, operation)(right.shape), [left, right])


def _made(context: Context, shape: BaseGeometry, sources: Sequence[Geometry]) -> Geometry:
    """Return the geometry of a shape that was made of others: geodesic if they are, else with straight edges."""
    import shapely

    context.spend(int(shapely.get_num_coordinates(shape)), _POSITION)
    shape = rejoined(shape)
    geodesic = all(source.geodesic for source in sources)
    if not geodesic:
        return from_shape(context, shape, geodesic=False)
    given = {_rounded(position) for source in sources for part in source.members() for position in _vertices(part)}
    return from_shape(context, shape, lambda line: _straightened(line, given))


def _vertices(geometry: Geometry) -> Iterator[Position]:
    return chain.from_iterable(geometry.lines())


def _rounded(position: Sequence[float]) -> Position:
    """Return a position that is the same for all ways to write a place, small errors aside."""
    x = (position[0] + 180) % 360
    return round(x, 9) % 360, round(position[1], 9)


def _straightened(line: list[list[float]], given: set[Position]) -> list[list[float]]:
    """Return a line or ring without the positions that only lay out its geodesic edges."""
    import numpy as np

    points = units(np.asarray(line))
    if len(line) > 3 and line[0] == line[-1]:  # a ring has no ends: begin at a position that stays
        first = next((place for place, position in enumerate(line) if _rounded(position) in given), 0)
        order = [*range(first, len(line) - 1), *range(first + 1)]
        line, points = [line[place] for place in order], points[order]
    kept = [0]
    for place in range(1, len(line) - 1):
        if _rounded(line[place]) in (_rounded(line[kept[-1]]), _rounded(line[place + 1])):
            continue  # twice the same, but for rounding
        if _rounded(line[place]) in given or _turn(points[kept[-1]], points[place], points[place + 1]) > _STRAIGHT:
            kept.append(place)
    kept.append(len(line) - 1)
    return [line[place] for place in kept] if len(kept) > 3 or line[0] != line[-1] else line


def _turn(a: Vectors, b: Vectors, c: Vectors) -> float:
    """Angle between two edges, in radians."""
    import numpy as np

    first, second = np.cross(a, b), np.cross(b, c)
    return math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second))


def rejoined(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape that was cut at the antimeridian in one piece again, if it was."""
    import shapely
    from shapely.affinity import translate

    if shape.is_empty or shape.bounds[0] > -180 or shape.bounds[2] < 180:
        return shape
    parts = list(getattr(shape, "geoms", [shape]))
    western = [part for part in parts if part.bounds[0] == -180 and part.bounds[2] < 180]
    if not western or not any(part.bounds[2] == 180 and part.bounds[0] > -180 for part in parts):
        return shape
    others = [part for part in parts if part not in western]
    return shapely.union_all([*others, *(translate(part, 360.0) for part in western)])


def from_shape(
    context: Context,
    shape: BaseGeometry,
    line_of: Callable[[list[list[float]]], list[list[float]]] = lambda line: line,
    *,
    geodesic: bool = True,
) -> Geometry:
    """Return the geometry of a shape.

    Args:
        context: The request's context.
        shape: The shape.
        line_of: What becomes of each of its lines and rings.
        geodesic: How edges run.

    Returns:
        The geometry; a GeometryCollection without members if the shape is empty.

    """
    from shapely.geometry.polygon import orient

    if shape.is_empty:
        context.assume("empty-geometry-is-collection")
        return Geometry("GeometryCollection", [])
    kind = shape.geom_type
    if kind == "GeometryCollection":
        parts = [from_shape(context, part, line_of, geodesic=geodesic) for part in _geoms(shape)]
        return Geometry(kind, parts)
    if kind.startswith("Multi"):
        parts = [from_shape(context, part, line_of, geodesic=geodesic) for part in _geoms(shape)]
        return Geometry(kind, [part.coordinates for part in parts], geodesic=geodesic)
    if kind == "Polygon":
        turned = orient(cast("Polygon", shape))
        rings = [line_of(_coordinates(ring)) for ring in (turned.exterior, *turned.interiors)]
        return Geometry(kind, rings, geodesic=geodesic)
    line = line_of(_coordinates(shape))
    return Geometry(kind, line[0] if kind == "Point" else line, geodesic=geodesic)


def _geoms(shape: BaseGeometry) -> list[BaseGeometry]:
    return list(cast("GeometryCollection", shape).geoms)


def _coordinates(shape: BaseGeometry) -> list[list[float]]:
    import shapely

    return cast("list[list[float]]", shapely.get_coordinates(shape).tolist())


def components(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    """Return the points, lines and polygons of a shape."""
    if hasattr(shape, "geoms"):
        yield from chain.from_iterable(components(part) for part in _geoms(shape))
    else:
        yield shape


# ------------------------------------------------------------------------------------------------------- simpler forms


def bounds(context: Context, geometry: Geometry) -> Geometry:
    """Return the smallest rectangle of the map around a geometry, over the antimeridian if that is smaller."""
    laid_out(context, geometry)
    if geometry.unbounded or geometry.empty:
        return geometry
    spans = sorted(part.bounds for part in components(geometry.shape))
    context.spend(len(spans))
    south, north = min(span[1] for span in spans), max(span[3] for span in spans)
    # The widest gap between longitudes, going round, is what the rectangle leaves out.
    reached = spans[0][2]
    west, east, widest = spans[0][0], max(span[2] for span in spans), 0.0
    outside = west + 360 - east
    for span in spans:
        gap = span[0] - reached
        if gap > max(widest, outside):
            west, east, widest = span[0], reached + 360, gap
        reached = max(reached, span[2])
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Geometry("Polygon", [ring], geodesic=False)


def convex_hull(context: Context, geometry: Geometry) -> Geometry:
    """Return the smallest convex geometry around another, on the sphere.

    Args:
        context: The request's context.
        geometry: The geometry.

    Returns:
        A point, a line or a polygon with geodesic edges.

    Raises:
        AlgorithmError: It does not fit into a hemisphere.

    """
    from shapely import MultiPoint

    laid_out(context, geometry)
    if geometry.unbounded or geometry.empty:
        return geometry
    vertices = [
        position for member in geometry.members() for line in member.lines() for position in _laid(member, line)
    ]
    context.spend(len(vertices), _POSITION)
    chart = _Chart(vertices)
    return from_shape(context, MultiPoint(chart.places).convex_hull, chart.line)


def _laid(geometry: Geometry, line: list[Position]) -> Sequence[Sequence[float]]:
    return line if geometry.geodesic else cast("list[list[float]]", filled(line).tolist())


def simplify(context: Context, geometry: Geometry, margin: float) -> Geometry:
    """Return a geometry with fewer vertices, which differs by at most a margin.

    Args:
        context: The request's context.
        geometry: The geometry.
        margin: Meters.

    Returns:
        The geometry, of the same type as before.

    Raises:
        AlgorithmError: It is geodesic, and does not fit into a hemisphere.

    """
    import numpy as np
    import shapely

    if geometry.type == "GeometryCollection":
        members = cast("list[Geometry]", geometry.coordinates)
        return Geometry(geometry.type, [simplify(context, member, margin) for member in members])
    laid_out(context, geometry)
    if geometry.unbounded or geometry.empty:
        return geometry
    vertices = list(_vertices(geometry))
    context.spend(len(vertices), _POSITION)
    given = shapely.geometry.shape({"type": geometry.type, "coordinates": geometry.coordinates})
    if not geometry.geodesic:
        simple = given.simplify(degrees_of(margin))
        return geometry if simple.is_empty else from_shape(context, simple, geodesic=False)
    # Great circles are straight lines on this map, and no distance is shorter on it than on the ground.
    chart = _Chart(vertices)
    flat = shapely.transform(given, lambda _: np.asarray(chart.places_of(_)))
    simple = flat.simplify(margin / MEAN_RADIUS)
    return geometry if simple.is_empty else from_shape(context, simple, chart.line)


class _Chart:
    """The gnomonic map around some positions: great circles are straight on it."""

    def __init__(self, vertices: Sequence[Sequence[float]]) -> None:
        import numpy as np

        points = units(np.asarray(vertices, dtype=float))
        middle = points.sum(axis=0)
        size = float(np.linalg.norm(middle))
        if size > 1e-9:
            middle /= size
        if size <= 1e-9 or float((points @ middle).min()) < 0.05:
            raise AlgorithmError("The geometry is larger than a hemisphere, which is not supported.", unsupported=True)
        self._middle, self._axes = middle, np.stack(axes(middle), axis=1)
        self._longitude = float(positions(middle)[0, 0])
        self.places = [(x, y) for x, y in self.places_of(np.asarray(vertices, dtype=float)).tolist()]
        self._vertices = dict(zip(self.places, vertices, strict=True))

    def places_of(self, vertices: Vectors) -> Vectors:
        """Return where positions are on the map."""
        points = units(vertices)
        found: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (points @ self._axes) / (points @ self._middle)[
            :, None
        ]
        return found

    def line(self, line: list[list[float]]) -> list[list[float]]:
        """Return the positions of a line on the map all of whose places are those of given positions."""
        return [self._position(x, y) for x, y in line]

    def _position(self, x: float, y: float) -> list[float]:
        longitude, latitude = self._vertices[x, y]
        return [longitude + 360 * round((self._longitude - longitude) / 360), latitude]
