"""Geometries as values, and the one question asked of them so far: whether two intersect.

Coordinates are degrees of longitude and latitude. shapely, which is part of the `emulator` extra, is imported when the
first geometry is compared, so that everything else works and starts without it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]

# How many levels of lists stand around the positions of each type.
_LEVELS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "LinearRing": 1,
    "Polygon": 2,
    "MultiLineString": 2,
    "MultiPolygon": 3,
}

# A geodesic edge is followed in steps of at most this many degrees; the error left is below a metre for the footprints
# of scenes. One edge can be at most half way round the world.
_STEP_DEGREES = 0.1


class Geometry:
    """A geometry on the ground. Immutable; the form used for comparisons is made at most once.

    Attributes:
        type: A GeoJSON type, or ``LinearRing``.
        coordinates: Nested lists of positions, or a list of Geometry for a ``GeometryCollection``.
        geodesic: Whether edges follow the shortest path on the ground, rather than straight lines on the map.
        unbounded: Whether it covers the whole world, as the footprint of a constant image does.

    """

    __slots__ = ("_shape", "coordinates", "geodesic", "type", "unbounded")

    def __init__(self, kind: str, coordinates: object, *, geodesic: bool = True, unbounded: bool = False) -> None:
        self.type = kind
        self.coordinates = coordinates
        self.geodesic = geodesic
        self.unbounded = unbounded
        self._shape: BaseGeometry | None = None

    def __repr__(self) -> str:
        return f"Geometry({self.type})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Geometry):
            return NotImplemented
        return self.geojson() == other.geojson() and self.geodesic == other.geodesic

    def __hash__(self) -> int:
        return hash(repr(self.geojson()))

    @classmethod
    def from_geojson(cls, geojson: object, *, geodesic: bool | None = None) -> Geometry:
        """Read a GeoJSON geometry, the strings "Infinity" and "-Infinity" of Earth Engine's footprints included.

        Args:
            geojson: The geometry, as dictionaries and lists.
            geodesic: Edge interpretation; None takes the object's own ``geodesic`` member, or geodesic.

        Returns:
            The geometry.

        Raises:
            AlgorithmError: It is not a GeoJSON geometry.

        """
        if not isinstance(geojson, dict) or not isinstance(geojson.get("type"), str):
            raise AlgorithmError("A geometry must be a GeoJSON object with a 'type'.")
        kind = geojson["type"]
        if geodesic is None:
            geodesic = geojson.get("geodesic") is not False
        if kind == "GeometryCollection":
            members = geojson.get("geometries")
            if not isinstance(members, list):
                raise AlgorithmError("A GeometryCollection needs a list of 'geometries'.")
            return cls(kind, [cls.from_geojson(member, geodesic=geodesic) for member in members], geodesic=geodesic)
        if kind not in _LEVELS:
            raise AlgorithmError(f"Unknown geometry type '{kind}'.")
        coordinates = geojson.get("coordinates")
        if _has_infinity(coordinates):
            return cls(kind, coordinates, geodesic=False, unbounded=True)
        return cls(kind, read_coordinates(coordinates, _LEVELS[kind], kind), geodesic=geodesic)

    def geojson(self) -> dict[str, object]:
        """Return the geometry as a GeoJSON object; rings as they were given."""
        if self.type == "GeometryCollection":
            members = cast("list[Geometry]", self.coordinates)
            return {"type": self.type, "geometries": [member.geojson() for member in members]}
        return {"type": self.type, "coordinates": self.coordinates}

    def intersects(self, other: Geometry) -> bool:
        """Whether the two have a point in common; touching counts."""
        if self.unbounded or other.unbounded:
            return not (self._empty or other._empty)
        return bool(self._prepared().intersects(other._prepared()))

    def shape(self) -> BaseGeometry:
        """Return the form for comparisons: longitudes from -180 to 180, edges laid out. It has bounds."""
        return self._prepared()

    @property
    def _empty(self) -> bool:
        return not self.unbounded and not self.coordinates

    def _prepared(self) -> BaseGeometry:
        if self._shape is None:
            import shapely

            shape = self._build()
            shapely.prepare(shape)
            self._shape = shape
        return self._shape

    def _build(self) -> BaseGeometry:
        """Return the geometry in longitudes from -180 to 180, cut where it crosses the antimeridian."""
        import shapely

        if self.type == "GeometryCollection":
            members = cast("list[Geometry]", self.coordinates)
            return shapely.union_all([_world() if member.unbounded else member._prepared() for member in members])
        parts = [self._part(item) for item in _parts(self.coordinates, _LEVELS[self.type], self.type)]
        return wrap(parts[0] if len(parts) == 1 else shapely.union_all(parts))

    def _part(self, item: list[list[Position]]) -> BaseGeometry:
        from shapely import LineString, Point, Polygon
        from shapely.validation import make_valid

        if self.type in ("Point", "MultiPoint"):
            return Point(item[0][0])
        lines = [self._edges(line) for line in item]
        if self.type in ("LineString", "LinearRing", "MultiLineString"):
            return LineString(lines[0])
        shell, *holes = [line for line in lines if len(set(line)) > 2] or [[]]
        if not shell:
            return Point(item[0][0]) if item and item[0] else Polygon()
        # Holes of a ring that crosses the antimeridian may lie one turn away from their shell.
        holes = [[(x + _turns(shell, hole), y) for x, y in hole] for hole in holes]
        polygon = Polygon(shell, holes)
        # Even-odd is what make_valid's line work method gives a ring that crosses itself.
        return polygon if polygon.is_valid else make_valid(polygon)

    def _edges(self, line: list[Position]) -> list[Position]:
        """Return the line with its edges laid out: continuous in longitude, and bent where they are geodesic."""
        if self.type not in ("LineString", "MultiLineString") and line and line[0] != line[-1]:
            line = [*line, line[0]]
        if not self.geodesic or _spans_world(line):
            return line
        laid: list[Position] = line[:1]
        for longitude, y in line[1:]:
            last_x, last_y = laid[-1]
            x = longitude + 360 * round((last_x - longitude) / 360)
            laid.extend(_great_circle(last_x, last_y, x, y))
            laid.append((x, y))
        if line[0] == line[-1] and abs(laid[-1][0] - laid[0][0]) > 180:
            return line  # it goes round a pole: leave it on the map as it is
        return laid


def _world() -> BaseGeometry:
    from shapely import box

    return box(-180, -90, 180, 90)


def wrap(shape: BaseGeometry) -> BaseGeometry:
    """Bring a shape into longitudes from -180 to 180, cutting it at the antimeridian.

    Args:
        shape: Any shape; its longitudes may lie outside.

    Returns:
        The same places with ordinary longitudes.

    """
    import shapely
    from shapely.affinity import translate

    if shape.is_empty:
        return shape
    west, _, east, _ = shape.bounds
    if west >= -180 and east <= 180:
        if west > -180 and east < 180:
            return shape
        # The antimeridian is one line with two names; a shape that touches it must be met from both sides.
        turns: list[int] = [-1, 0, 1]
    else:
        turns = list(range(math.floor((west + 180) / 360) - 1, math.ceil((east + 180) / 360) + 1))
    cuts = (translate(shape, -360.0 * turn).intersection(_world()) for turn in turns)
    return shapely.union_all([cut for cut in cuts if not cut.is_empty])


def _turns(shell: Sequence[Position], hole: Sequence[Position]) -> float:
    middle = (min(x for x, _ in shell) + max(x for x, _ in shell)) / 2
    return 360.0 * round((middle - hole[0][0]) / 360)


def _spans_world(line: Sequence[Position]) -> bool:
    """Whether an edge goes along a pole or a whole turn: boxes of global data, whose edges are meant on the map."""
    longitudes = [x for x, _ in line]
    return bool(longitudes) and (
        max(longitudes) - min(longitudes) >= 359 or any(abs(a[1]) == abs(b[1]) == 90 for a, b in pairwise(line))
    )


def _great_circle(x1: float, y1: float, x2: float, y2: float) -> Iterator[Position]:
    """Points between two, along the shortest path on a sphere; longitudes continue from the first."""
    steps = math.ceil(max(abs(x2 - x1), abs(y2 - y1)) / _STEP_DEGREES)
    if steps <= 1 or x1 == x2:
        return
    start, end = _unit(x1, y1), _unit(x2, y2)
    angle = math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(start, end, strict=True)))))
    if math.sin(angle) < 1e-12:
        return
    last = x1
    for step in range(1, steps):
        a, b = math.sin(angle * (1 - step / steps)), math.sin(angle * step / steps)
        vx, vy, vz = ((a * p + b * q) / math.sin(angle) for p, q in zip(start, end, strict=True))
        longitude = math.degrees(math.atan2(vy, vx))
        longitude += 360 * round((last - longitude) / 360)
        last = longitude
        yield longitude, math.degrees(math.atan2(vz, math.hypot(vx, vy)))


def _unit(longitude: float, latitude: float) -> tuple[float, float, float]:
    x, y = math.radians(longitude), math.radians(latitude)
    return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)


def _parts(coordinates: object, levels: int, kind: str) -> Iterator[list[list[Position]]]:
    """Return the points, lines or polygons of a geometry, each as a list of lines."""
    nested = cast("list[object]", coordinates)
    if kind == "Point":
        yield [[cast("Position", tuple(cast("list[float]", coordinates)))]]
    elif kind == "MultiPoint":
        for point in nested:
            yield [[cast("Position", tuple(cast("list[float]", point)))]]
    elif levels == 1:
        yield [_line(coordinates)]
    elif kind == "MultiLineString":
        for line in nested:
            yield [_line(line)]
    elif kind == "Polygon":
        yield [_line(ring) for ring in nested]
    else:
        for polygon in nested:
            yield [_line(ring) for ring in cast("list[object]", polygon)]


def _line(positions: object) -> list[Position]:
    return [(position[0], position[1]) for position in cast("list[list[float]]", positions)]


def read_coordinates(coordinates: object, levels: int, what: str) -> object:
    """Check nested coordinates, and drop elevations.

    Args:
        coordinates: Lists of lists of numbers; a position may also be a Point.
        levels: How many lists stand around a position.
        what: The geometry's type, for the message.

    Returns:
        The same nesting, each position a list of two finite numbers.

    Raises:
        AlgorithmError: The nesting is wrong, or a coordinate is no number.

    """
    if isinstance(coordinates, Geometry) and coordinates.type == "Point" and levels == 0:
        return coordinates.coordinates
    if not isinstance(coordinates, (list, tuple)):
        raise AlgorithmError(f"Invalid coordinates for a {what}: expected a list, got {coordinates!r}.")
    if levels:
        return [read_coordinates(item, levels - 1, what) for item in coordinates]
    numbers = [item for item in coordinates if isinstance(item, (int, float)) and not isinstance(item, bool)]
    if len(numbers) != len(coordinates) or not 2 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)):
        raise AlgorithmError(f"Invalid coordinates for a {what}: expected [longitude, latitude], got {coordinates!r}.")
    if not -90 <= numbers[1] <= 90:
        raise AlgorithmError(f"Invalid coordinates for a {what}: latitude {numbers[1]} is not within -90 and 90.")
    return [numbers[0], numbers[1]]


def _has_infinity(coordinates: object) -> bool:
    if isinstance(coordinates, list):
        return any(_has_infinity(item) for item in coordinates)
    if isinstance(coordinates, str):
        return coordinates in ("Infinity", "-Infinity")
    return isinstance(coordinates, float) and math.isinf(coordinates)


UNBOUNDED = Geometry(
    "Polygon",
    [
        [
            ["-Infinity", "-Infinity"],
            ["Infinity", "-Infinity"],
            ["Infinity", "Infinity"],
            ["-Infinity", "Infinity"],
            ["-Infinity", "-Infinity"],
        ]
    ],
    geodesic=False,
    unbounded=True,
)
