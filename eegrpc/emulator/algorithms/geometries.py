"""GeometryConstructors.*: geometries from coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.geometry.projections import require_lonlat
from eegrpc.emulator.geometry.shapes import Geometry, read_coordinates

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.projections import Projection


def _geodesic(geodesic: bool | None) -> bool:
    """Edges are geodesic by default. Source: the descriptions of the constructors."""
    return geodesic is not False


def _require_even_odd(even_odd: bool) -> None:
    if not even_odd:
        raise AlgorithmError(
            "The left-inside rule (evenOdd: false) is not supported by the emulator.", unsupported=True
        )


@algorithm("GeometryConstructors.Point(coordinates: List<Number>, crs: Projection = null) -> Geometry")
def point(_: Context, coordinates: list[float], crs: Projection | None) -> Geometry:
    """Return a point."""
    require_lonlat(crs)
    return Geometry("Point", read_coordinates(coordinates, 0, "Point"))


@algorithm("GeometryConstructors.MultiPoint(coordinates: List<Object>, crs: Projection = null) -> Geometry")
def multi_point(_: Context, coordinates: list[object], crs: Projection | None) -> Geometry:
    """Points."""
    require_lonlat(crs)
    return Geometry("MultiPoint", read_coordinates(_positions(coordinates), 1, "MultiPoint"))


_LINE = (
    "(coordinates: List<Object>, crs: Projection = null, geodesic: Boolean = null, maxError: ErrorMargin = null) "
    "-> Geometry"
)


@algorithm(f"GeometryConstructors.LineString{_LINE}")
def line_string(
    _: Context, coordinates: list[object], crs: Projection | None, geodesic: bool | None, _max_error: object
) -> Geometry:
    """Return a line through positions."""
    require_lonlat(crs)
    return _line("LineString", coordinates, 2, geodesic)


@algorithm(f"GeometryConstructors.LinearRing{_LINE}")
def linear_ring(
    _: Context, coordinates: list[object], crs: Projection | None, geodesic: bool | None, _max_error: object
) -> Geometry:
    """Return a closed line through positions; the last need not repeat the first."""
    require_lonlat(crs)
    return _line("LinearRing", coordinates, 3, geodesic)


@algorithm(f"GeometryConstructors.MultiLineString{_LINE}")
def multi_line_string(
    _: Context, coordinates: list[object], _crs: str | None, geodesic: bool | None, _max_error: object
) -> Geometry:
    """Return several lines; the positions of a single one will do."""
    if coordinates and _depth(coordinates) <= 2:
        coordinates = [coordinates]
    lines = [_line("LineString", _listed(item), 2, geodesic).coordinates for item in coordinates]
    return Geometry("MultiLineString", lines, geodesic=_geodesic(geodesic))


def _line(kind: str, coordinates: list[object], least: int, geodesic: bool | None) -> Geometry:
    positions = _positions(coordinates)
    if len(positions) < least:
        raise AlgorithmError(f"A {kind} needs at least {least} positions, got {len(positions)}.")
    return Geometry(kind, read_coordinates(positions, 1, kind), geodesic=_geodesic(geodesic))


_SURFACE = (
    "(coordinates: List<Object>, crs: Projection = null, geodesic: Boolean = null, maxError: ErrorMargin = null, "
    "evenOdd: Boolean = true) -> Geometry"
)


@algorithm(f"GeometryConstructors.Polygon{_SURFACE}")
def polygon(
    _: Context,
    coordinates: list[object],
    crs: Projection | None,
    geodesic: bool | None,
    _max_error: object,
    even_odd: bool,
) -> Geometry:
    """Return a polygon from rings, of which the first is the shell; or from the positions of the only ring."""
    require_lonlat(crs)
    _require_even_odd(even_odd)
    return Geometry("Polygon", _rings(coordinates), geodesic=_geodesic(geodesic))


@algorithm(f"GeometryConstructors.MultiPolygon{_SURFACE}")
def multi_polygon(
    _: Context,
    coordinates: list[object],
    crs: Projection | None,
    geodesic: bool | None,
    _max_error: object,
    even_odd: bool,
) -> Geometry:
    """Several polygons."""
    require_lonlat(crs)
    _require_even_odd(even_odd)
    if coordinates and _depth(coordinates) <= 3:  # the rings of a single polygon
        coordinates = [coordinates]
    polygons = [
        item.coordinates if isinstance(item, Geometry) and item.type == "Polygon" else _rings(_listed(item))
        for item in coordinates
    ]
    return Geometry("MultiPolygon", polygons, geodesic=_geodesic(geodesic))


@algorithm(
    "GeometryConstructors.Rectangle(coordinates: List<Object>, crs: Projection = null, geodesic: Boolean = null, "
    "evenOdd: Boolean = true) -> Geometry"
)
def rectangle(
    context: Context, coordinates: list[object], crs: Projection | None, geodesic: bool | None, even_odd: bool
) -> Geometry:
    """Return a rectangle from its low and its high corner."""
    require_lonlat(crs)
    _require_even_odd(even_odd)
    corners = _positions(coordinates)
    if len(corners) != 2:
        raise AlgorithmError(f"A Rectangle needs two corners, [west, south, east, north]; got {coordinates!r}.")
    (west, south), (east, north) = (_pair(corner) for corner in corners)
    if west > east:
        context.assume("rectangle-crosses-antimeridian")
        east += 360
    wide = east - west >= 180
    if wide and geodesic is None:
        # The shortest path between such corners is not the one through the middle of the rectangle.
        context.assume("wide-rectangle-planar")
    return _box(west, south, east, north, geodesic=_geodesic(geodesic) and not wide)


@algorithm("GeometryConstructors.BBox(west: Float, south: Float, east: Float, north: Float) -> Geometry")
def bbox(_: Context, west: float, south: float, east: float, north: float) -> Geometry:
    """Return a rectangle with edges along parallels and meridians; all the way round if it is 360 degrees wide."""
    if not south <= north:
        raise AlgorithmError(f"The south ({south}) of a BBox must not be greater than its north ({north}).")
    if east - west >= 360:
        west, east = -180, 180
    elif east < west:
        east += 360
    return _box(west, max(south, -90), east, min(north, 90), geodesic=False)


@algorithm(
    "GeometryConstructors.MultiGeometry(geometries: List<Geometry>, crs: Projection = null, geodesic: Boolean = null, "
    "maxError: ErrorMargin = null) -> Geometry"
)
def multi_geometry(
    _: Context, geometries: list[Geometry], crs: Projection | None, _geodesic: bool | None, _max_error: object
) -> Geometry:
    """Several geometries as one."""
    require_lonlat(crs)
    return Geometry("GeometryCollection", geometries)


def _box(west: float, south: float, east: float, north: float, *, geodesic: bool) -> Geometry:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Geometry("Polygon", read_coordinates([ring], 2, "Rectangle"), geodesic=geodesic)


def _pair(position: object) -> tuple[float, float]:
    x, y = read_coordinates(position, 0, "Rectangle")  # type: ignore[misc]
    return float(x), float(y)  # type: ignore[has-type]


def _listed(item: object) -> list[object]:
    if isinstance(item, Geometry) and item.type in ("LinearRing", "LineString"):
        item = item.coordinates
    if not isinstance(item, list):
        raise AlgorithmError(f"Invalid coordinates: expected a list, got {item!r}.")
    return item


def _positions(coordinates: list[object]) -> list[object]:
    """Positions, from positions or from a flat list of numbers."""
    if coordinates and all(isinstance(item, (int, float)) for item in coordinates):
        if len(coordinates) % 2:
            raise AlgorithmError(f"Invalid coordinates: an odd number ({len(coordinates)}) of values.")
        return [coordinates[place : place + 2] for place in range(0, len(coordinates), 2)]
    return coordinates


def _depth(coordinates: object) -> int:
    """How many lists stand in one another at the front; a Point stands for a position."""
    if isinstance(coordinates, Geometry):
        return {"Point": 1, "LinearRing": 2, "LineString": 2, "Polygon": 3}.get(coordinates.type, 0)
    depth = 0
    while isinstance(coordinates, list) and coordinates:
        depth, coordinates = depth + 1, coordinates[0]
    return depth + (_depth(coordinates) if isinstance(coordinates, Geometry) else 0)


def _rings(coordinates: list[object]) -> object:
    if _depth(coordinates) <= 2:
        coordinates = [_positions(coordinates)]
    rings = [_positions(_listed(ring)) for ring in coordinates]
    for ring in rings:
        if len(ring) < 3:
            raise AlgorithmError(f"The ring of a polygon needs at least three positions, got {len(ring)}.")
    return read_coordinates(rings, 2, "Polygon")
