"""Geometries as values, and what two of them can be to one another: intersecting, one containing the other.

Coordinates are degrees of longitude and latitude. shapely, which is part of the `emulator` extra, is imported when the
first geometry is compared, so that everything else works and starts without it. What is measured is in
`measures`, what is made of geometries in `operations` and `buffers`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.sphere import edge_count, filled, great_circle, units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.struct_pb2 import Struct
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from eegrpc.emulator.geometry.sphere import Position, Vectors

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
# Repairing a polygon takes time that grows with the square of its crossings: half a second for so many.
_MOST_CROSSINGS = 400
_MOST_REPAIRED = 2_000

_CLOSED = ("LinearRing", "Polygon", "MultiPolygon")


class Geometry:
    """A geometry on the ground. Immutable; the forms used for comparing and measuring are made at most once.

    Attributes:
        type: A GeoJSON type, or ``LinearRing``.
        coordinates: Nested lists of positions, or a list of Geometry for a ``GeometryCollection``.
        geodesic: Whether edges follow the shortest path on the ground, rather than straight lines on the map.
        unbounded: Whether it covers the whole world, as the footprint of a constant image does.
        message: The geometry as a Struct, once it was asked for (:func:`eegrpc.emulator.properties.to_struct`).

    """

    __slots__ = ("_arcs", "_shape", "coordinates", "geodesic", "message", "type", "unbounded")

    def __init__(self, kind: str, coordinates: object, *, geodesic: bool = True, unbounded: bool = False) -> None:
        self.type = kind
        self.coordinates = coordinates
        self.geodesic = geodesic
        self.unbounded = unbounded
        if kind == "GeometryCollection":
            members = cast("list[Geometry]", coordinates)
            self.unbounded = any(member.unbounded for member in members)
            self.geodesic = all(member.geodesic for member in members)
        self._shape: BaseGeometry | None = None
        self._arcs: Vectors | None = None
        self.message: Struct | None = None

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
            return not (self.empty or other.empty)
        return bool(self.shape.intersects(other.shape))

    def boxes(self, most: int = 8) -> list[tuple[float, float, float, float]]:
        """Boxes around its parts, in longitudes from -180 to 180: west, south, east, north.

        Args:
            most: How many there may be; a geometry of more parts has one box around all of them.

        Returns:
            The boxes; none for an empty geometry.

        """
        if self.unbounded:
            return [(-180.0, -90.0, 180.0, 90.0)]
        shape = self.shape
        parts = list(getattr(shape, "geoms", (shape,)))
        return [part.bounds for part in (parts if len(parts) <= most else [shape]) if not part.is_empty]

    @property
    def made(self) -> bool:
        """Whether `shape` is already there."""
        return self._shape is not None

    @property
    def detail(self) -> int:
        """How many positions `shape` will have, roughly."""
        if self.type == "GeometryCollection":
            return 1 + sum(member.detail for member in cast("list[Geometry]", self.coordinates))
        return 1 if self.unbounded else sum(edge_count(line, self.geodesic) for line in self.lines())

    @property
    def empty(self) -> bool:
        """Whether it has no points."""
        return not self.unbounded and bool(self.shape.is_empty)

    @property
    def shape(self) -> BaseGeometry:
        """All points, in longitudes from -180 to 180, cut at the antimeridian, with geodesic edges laid out."""
        if self._shape is None:
            import shapely

            shape = shapely.union_all(self.parts())
            shapely.prepare(shape)
            self._shape = shape
        return self._shape

    def parts(self) -> list[BaseGeometry]:
        """Return the points, lines and polygons it consists of, each as `shape` has them."""
        if self.type == "GeometryCollection":
            return [part for member in cast("list[Geometry]", self.coordinates) for part in member.parts()]
        if self.unbounded:
            return [_world()]
        return [wrap(self._part(item)) for item in _parts(self.coordinates, _LEVELS[self.type], self.type)]

    def members(self) -> list[Geometry]:
        """Return the geometries of a collection, those of collections in it too; for any other, itself."""
        if self.type != "GeometryCollection":
            return [self]
        return [part for member in cast("list[Geometry]", self.coordinates) for part in member.members()]

    def lines(self) -> list[list[Position]]:
        """Return the lines, rings (closed) and points it consists of, as positions; for one that has coordinates."""
        return [
            [*line, line[0]] if self.type in _CLOSED and line and line[0] != line[-1] else line
            for part in _parts(self.coordinates, _LEVELS[self.type], self.type)
            for line in part
        ]

    def closed_coordinates(self) -> list[object]:
        """Return the coordinates, with rings that end where they begin; for a geometry that has coordinates."""
        nested = cast("list[object]", self.coordinates)
        if self.type not in _CLOSED or self.unbounded:
            return nested
        return cast("list[object]", _closed(nested, _LEVELS[self.type]))

    def arcs(self, step: float | None = None) -> Vectors:
        """Return its points and edges as arcs of great circles: pairs of unit vectors.

        Args:
            step: How many degrees there may be between positions of an edge that is straight on the map; None takes
                what is good enough to measure distances.

        """
        if step is not None:
            return self._make_arcs(step)
        if self._arcs is None:
            self._arcs = self._make_arcs(None)
        return self._arcs

    def _make_arcs(self, step: float | None) -> Vectors:
        import numpy as np

        pieces = [np.empty((0, 2, 3))]
        for member in self.members():
            for line in member.lines():
                points = units(line if member.geodesic and not _spans_world(line) else filled(line, step))
                ends = points[1:] if len(points) > 1 else points
                pieces.append(np.stack((points[: len(ends)], ends), axis=1))
        return np.concatenate(pieces)

    def _part(self, item: list[list[Position]]) -> BaseGeometry:
        from shapely import LineString, Point, Polygon

        if self.type in ("Point", "MultiPoint"):
            return Point(item[0][0])
        lines = [self._edges(line) for line in item]
        if self.type in ("LineString", "LinearRing", "MultiLineString"):
            # A union drops lines without length, so that they would be nowhere.
            return LineString(lines[0]) if len(set(lines[0])) > 1 else Point(lines[0][0])
        shell, *holes = [line for line in lines if len(set(line)) > 2] or [[]]
        if not shell:
            return Point(item[0][0]) if item and item[0] else Polygon()
        # Holes of a ring that crosses the antimeridian may lie one turn away from their shell.
        holes = [[(x + _turns(shell, hole), y) for x, y in hole] for hole in holes]
        polygon = Polygon(shell, holes)
        return polygon if polygon.is_valid else _repaired(polygon)

    def _edges(self, line: list[Position]) -> list[Position]:
        """Return the line with its edges laid out: continuous in longitude, and bent where they are geodesic."""
        if self.type in _CLOSED and line and line[0] != line[-1]:
            line = [*line, line[0]]
        if not self.geodesic or _spans_world(line):
            return line
        laid: list[Position] = line[:1]
        for longitude, y in line[1:]:
            last_x, last_y = laid[-1]
            x = longitude + 360 * round((last_x - longitude) / 360)
            laid.extend(great_circle(last_x, last_y, x, y))
            laid.append((x, y))
        if line[0] == line[-1] and abs(laid[-1][0] - laid[0][0]) > 180:
            return line  # it goes round a pole: leave it on the map as it is
        return laid


def _repaired(polygon: Polygon) -> BaseGeometry:
    """Return the inside of rings that cross themselves or one another, by the even-odd rule."""
    import numpy as np
    import shapely
    from shapely.validation import make_valid

    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    crossings = 0
    if sum(map(len, rings)) <= _MOST_REPAIRED:
        pairs = np.concatenate([np.stack((ring[:-1], ring[1:]), axis=1) for ring in rings])
        edges = np.asarray(shapely.linestrings(pairs))
        crossings = shapely.STRtree(edges).query(edges, predicate="crosses").shape[1] // 2
    if crossings > _MOST_CROSSINGS or sum(map(len, rings)) > _MOST_REPAIRED:
        raise AlgorithmError(
            f"A polygon that crosses itself may do so {_MOST_CROSSINGS} times, and have {_MOST_REPAIRED:,} positions.",
            unsupported=True,
        )
    # Its line work method, which is the default, is the even-odd rule.
    return make_valid(polygon)


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


def _closed(coordinates: object, levels: int) -> object:
    nested = cast("list[object]", coordinates)
    if levels > 1:
        return [_closed(item, levels - 1) for item in nested]
    return nested if not nested or nested[0] == nested[-1] else [*nested, nested[0]]


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
