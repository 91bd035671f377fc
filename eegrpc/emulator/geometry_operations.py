"""What can be made of geometries: set operations, buffers, hulls, boxes, simpler forms."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry import UNBOUNDED, Geometry, wrap
from eegrpc.emulator.geometry_measures import degrees_of, require_bounds
from eegrpc.emulator.geometry_relations import laid_out
from eegrpc.emulator.sphere import MEAN_RADIUS, filled, positions, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from shapely import GeometryCollection, Polygon
    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.sphere import Position, Vectors

# What a piece of a boundary costs to be buffered, and a position to be looked at, in the units of context.spend.
_PIECE = 3_500
_POSITION = 10

# A boundary is buffered in pieces of at most so many degrees, each on a map of its own.
_PIECE_DEGREES = 1.0
# A quarter of a circle has so many edges: a buffer is too small by at most 0.12 % of its distance.
_QUARTER = 16
# A buffer may reach a quarter of the way round the world.
_LARGEST_BUFFER = 10_000_000.0

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
    shape = _rejoined(shape)
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


def _rejoined(shape: BaseGeometry) -> BaseGeometry:
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
    coordinates = _coordinates(shape)
    return Geometry(kind, coordinates[0] if kind == "Point" else line_of(coordinates), geodesic=geodesic)


def _geoms(shape: BaseGeometry) -> list[BaseGeometry]:
    return list(cast("GeometryCollection", shape).geoms)


def _coordinates(shape: BaseGeometry) -> list[list[float]]:
    import shapely

    return cast("list[list[float]]", shapely.get_coordinates(shape).tolist())


# -------------------------------------------------------------------------------------------------------------- buffer


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
    context.spend(len(geometry.arcs()), _PIECE)
    pieces = list(_pieces(geometry))
    context.spend(len(pieces) - len(geometry.arcs()), _PIECE)
    margin = shapely.union_all([wrap(_buffered(piece, abs(distance))) for piece in pieces])
    surfaces = [part for part in _components(geometry.shape) if part.geom_type == "Polygon"]
    surface = shapely.union_all(surfaces)
    shape = surface.union(margin) if distance > 0 else surface.difference(margin)
    # Pieces of one edge make more vertices than the precision is worth.
    return from_shape(context, _rejoined(shape).simplify(degrees_of(abs(distance) / 1000)), geodesic=False)


def _components(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    if hasattr(shape, "geoms"):
        yield from chain.from_iterable(_components(part) for part in _geoms(shape))
    else:
        yield shape


def _pieces(geometry: Geometry) -> Iterator[Vectors]:
    """Points and edges, the latter in pieces: arcs, as pairs of unit vectors."""
    import numpy as np

    for start, end in geometry.arcs():
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
    east, north = _axes(middle)
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


def _axes(middle: Vectors) -> tuple[Vectors, Vectors]:
    """Return two directions at right angles to one another and to a point."""
    import numpy as np

    pole = np.array([0.0, 0.0, 1.0]) if abs(middle[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, middle)
    east /= np.linalg.norm(east)
    return east, np.cross(middle, east)


def _around(ring: Vectors) -> Vectors:
    """Return a ring continuous in longitude; one that goes round a pole gets the pole's edge of the map."""
    import numpy as np

    x = np.unwrap(ring[:, 0], period=360)
    whole = x[-1] - x[0]
    if abs(whole) < 180:
        return np.column_stack((x, ring[:, 1]))
    pole = math.copysign(90, float(np.mean(ring[:, 1])))
    return np.concatenate((np.column_stack((x, ring[:, 1])), [[x[-1], pole], [x[0], pole]]))


# ------------------------------------------------------------------------------------------------------- simpler forms


def bounds(context: Context, geometry: Geometry) -> Geometry:
    """Return the smallest rectangle of the map around a geometry, over the antimeridian if that is smaller."""
    laid_out(context, geometry)
    if geometry.unbounded or geometry.empty:
        return geometry
    spans = sorted(part.bounds for part in _components(geometry.shape))
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
        return from_shape(context, given.simplify(degrees_of(margin)), geodesic=False)
    # Great circles are straight lines on this map, and no distance is shorter on it than on the ground.
    chart = _Chart(vertices)
    flat = shapely.transform(given, lambda _: np.asarray(chart.places_of(_)))
    return from_shape(context, flat.simplify(margin / MEAN_RADIUS), chart.line)


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
        self._middle, self._axes = middle, np.stack(_axes(middle), axis=1)
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
