"""What geometries are to one another, what is measured of them, and what is made of them; and the same for features."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import ERA5, L8, call, image, load, only, refusal, value
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.geometry.buffers import buffer
from eegrpc.emulator.geometry.measures import area, distance
from eegrpc.emulator.geometry.operations import difference, intersection, simplify, union
from eegrpc.emulator.geometry.shapes import Geometry

RADIUS = 6371008.7714  # meters: the mean radius of WGS84


def _box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return call("GeometryConstructors.BBox", west=west, south=south, east=east, north=north)


def _point(x: float, y: float) -> dict[str, Any]:
    return call("GeometryConstructors.Point", coordinates=[x, y])


def _shape(kind: str, coordinates: Any, **options: Any) -> dict[str, Any]:
    return call(f"GeometryConstructors.{kind}", coordinates=coordinates, **options)


def _of(name: str, geometry: Any, **arguments: Any) -> Any:
    return value(call(f"Geometry.{name}", geometry=geometry, **arguments))


def _both(name: str, left: Any, right: Any, **arguments: Any) -> Any:
    return value(call(f"Geometry.{name}", left=left, right=right, **arguments))


def _unbounded() -> dict[str, Any]:
    return call("Image.geometry", feature=call("Image.constant", value=1))


_SQUARE = _box(0, 0, 10, 10)
_EMPTY = call("Geometry.intersection", left=_box(0, 0, 1, 1), right=_box(5, 5, 6, 6))

# ------------------------------------------------------------------------------------------------------------ measures


def _cell_area(south: float, north: float, width: float) -> float:
    """Area between two parallels of WGS84, integrated from its radii of curvature (Simpson's rule)."""
    squared = 0.0066943799901413165

    def strip(latitude: float) -> float:
        sine = math.sin(latitude)
        return 6378137.0**2 * (1 - squared) * math.cos(latitude) / (1 - squared * sine * sine) ** 2

    low, high, steps = math.radians(south), math.radians(north), 200
    step = (high - low) / steps
    weights = [1, *([4, 2] * (steps // 2 - 1)), 4, 1]
    total = sum(weight * strip(low + place * step) for place, weight in enumerate(weights))
    return math.radians(width) * total * step / 3


@pytest.mark.parametrize(
    ("west", "south", "east", "north"),
    [
        (0, 0, 1, 1),
        (10, 60, 11, 61),
        (179.5, -45, 180.5, -44),
        (170, 10, -170, 20),
        (-180, 80, 180, 90),
        (0, -90, 1, 0),
    ],
)
def test_area_of_cells(west: float, south: float, east: float, north: float) -> None:
    width = east - west if east > west else east - west + 360
    expected = _cell_area(south, north, width)
    assert _of("area", _box(west, south, east, north)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        # The whole ellipsoid: WGS84's surface.
        (_box(-180, -90, 180, 90), 510_065_621_724_088.44),
        # A degree by a degree with geodesic edges: the example of GeographicLib's Planimeter.
        (_shape("Polygon", [[0, 0], [1, 0], [1, 1], [0, 1]]), 12_308_778_361.469),
        (_point(0, 0), 0),
        (_shape("LineString", [[0, 0], [1, 1]]), 0),
        # Intersecting areas are counted several times: the description of Geometry.area.
        (call("GeometryConstructors.MultiGeometry", geometries=[_box(0, 0, 1, 1)] * 3), 3 * _cell_area(0, 1, 1)),
        (
            _shape("Polygon", [[[0, 0], [10, 0], [10, 10], [0, 10]], [[4, 4], [6, 4], [6, 6], [4, 6]]], geodesic=False),
            _cell_area(0, 10, 10) - _cell_area(4, 6, 2),
        ),
        (_EMPTY, 0),
    ],
)
def test_areas(geometry: Any, expected: float) -> None:
    assert _of("area", geometry, maxError=1) == pytest.approx(expected, rel=1e-6)


# The ring around Antarctica of GeographicLib's documentation, latitude first; its perimeter is 16,831,067.893 m.
_ANTARCTICA = [
    *((-63.1, -58), (-72.9, -74), (-71.9, -102), (-74.9, -102), (-74.3, -131), (-77.5, -163), (-77.4, 163)),
    *((-71.7, 172), (-65.9, 140), (-65.7, 113), (-66.6, 88), (-66.9, 59), (-69.8, 25), (-70.0, -4), (-71.0, -14)),
    *((-77.3, -33), (-77.9, -46), (-74.7, -61)),
]


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (_shape("LineString", [[0, 0], [1, 0]]), 111_319.4908),
        (_shape("LineString", [[7, 0], [7, 90]]), 10_001_965.729),  # the quarter of a meridian
        (_shape("LineString", [[-73.8, 40.6], [-0.5, 51.6]]), 5_551_759.400),  # GeographicLib: JFK to LHR
        (_shape("LinearRing", [[x, y] for y, x in _ANTARCTICA]), 16_831_067.893),
        # Along the parallel of 60 degrees, which is no geodesic: a cos(60) / sqrt(1 - e2 sin2(60)) a radian.
        (_shape("LineString", [[0, 60], [10, 60]], geodesic=False), 557_999.1),
        (_shape("MultiLineString", [[[0, 0], [1, 0]], [[5, 0], [6, 0]]]), 2 * 111_319.4908),
        (_SQUARE, 0),
        (_point(1, 1), 0),
    ],
)
def test_lengths(geometry: Any, expected: float) -> None:
    assert _of("length", geometry) == pytest.approx(expected, rel=1e-5)


def test_perimeters() -> None:
    assert _of("perimeter", _shape("LineString", [[0, 0], [1, 0]])) == 0
    triangle = _shape("Polygon", [[0, 0], [90, 0], [0, 90]])  # an eighth of the world
    assert _of("perimeter", triangle) == pytest.approx(2 * 10_001_965.729 + 90 * 111_319.4908, rel=1e-5)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (_point(0, 0), _point(0, 1), 110_574.389),  # the first degree of the meridian
        (_point(179.5, 0), _point(-179.5, 0), 111_319.491),
        (_point(0, 0), _point(0, 0), 0),
        (_box(0, 0, 1, 1), _box(2, 0, 3, 1), 111_302.65),  # at one degree north, where parallels are shorter
        (_box(0, 0, 10, 10), _point(5, -1), 110_574.389),
        (_box(0, 0, 10, 10), _point(5, 5), 0),
        (_shape("LineString", [[-40, 0], [40, 0]]), _point(7, 1), 110_574.389),  # beside the line, not at its ends
        (_box(170, 0, -175, 1), _point(-174, 0), 111_319.491),
        (_unbounded(), _point(0, 0), 0),
        (_EMPTY, _point(0, 0), None),
    ],
)
def test_distances(left: Any, right: Any, expected: float | None) -> None:
    for one, other in ((left, right), (right, left)):
        found = _both("distance", one, other)
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-4, abs=1e-6))
        near = _both("withinDistance", one, other, distance=(expected or 0) * 1.001 + 1)
        assert near is (expected is not None)
        if expected:
            assert not _both("withinDistance", one, other, distance=expected * 0.999)


def test_distances_on_the_sphere_and_to_the_other_side() -> None:
    degree = math.radians(1) * RADIUS
    assert _both("distance", _point(0, 0), _point(0, 1), spherical=True) == pytest.approx(degree)
    assert _both("distance", _point(0, 0), _point(180, 0)) == pytest.approx(20_003_931.458, rel=6e-3)


def test_closest_points() -> None:
    found = _both("closestPoints", _SQUARE, _point(15, 5))
    assert found["left"].coordinates == pytest.approx([10, 5], abs=0.05)
    assert found["right"].coordinates == pytest.approx([15, 5])
    assert _both("closestPoint", _point(15, 5), _SQUARE).coordinates == pytest.approx([10, 5], abs=0.05)
    assert _both("closestPoint", _point(5, 5), _SQUARE).coordinates == [5, 5]
    assert _both("closestPoint", _unbounded(), _point(3, 4)).coordinates == [3, 4]
    assert _both("closestPoint", _EMPTY, _SQUARE) is None
    assert _both("closestPoints", _SQUARE, _EMPTY) == {}


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (_box(-1, -1, 1, 1), (0, 0)),
        (_box(170, -10, -170, 10), (180, 0)),
        (_shape("MultiPoint", [[0, 0], [10, 0]]), (5, 0)),
        (_shape("LineString", [[0, 0], [0, 80]]), (0, 40)),
        # Only the parts with the most dimensions count: the description.
        (call("GeometryConstructors.MultiGeometry", geometries=[_box(-1, -1, 1, 1), _point(50, 50)]), (0, 0)),
        (_shape("Polygon", [[[-9, -9], [9, -9], [9, 9], [-9, 9]], [[-1, -1], [1, -1], [1, 1], [-1, 1]]]), (0, 0)),
        (_box(-180, 80, 180, 90), (None, 90)),
    ],
)
def test_centroids(geometry: Any, expected: tuple[float | None, float]) -> None:
    x, y = _of("centroid", geometry).coordinates
    assert y == pytest.approx(expected[1], abs=1e-6)
    if expected[0] is not None and expected[1] != 90:
        assert math.cos(math.radians(x - expected[0])) == pytest.approx(1)


# ----------------------------------------------------------------------------------------------------------- relations


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (_SQUARE, _box(2, 2, 3, 3), {"intersects", "contains"}),
        (_box(2, 2, 3, 3), _SQUARE, {"intersects", "containedIn"}),
        (_SQUARE, _SQUARE, {"intersects", "contains", "containedIn"}),
        (_SQUARE, _box(9, 9, 11, 11), {"intersects"}),
        (_SQUARE, _box(20, 20, 21, 21), {"disjoint"}),
        (_SQUARE, _point(10, 10), {"intersects", "contains"}),  # its boundary belongs to it
        (_box(170, 0, -170, 10), _point(-175, 5), {"intersects", "contains"}),
        (_box(170, 0, -170, 10), _box(175, 1, -175, 2), {"intersects", "contains"}),
        (_unbounded(), _SQUARE, {"intersects", "contains"}),
        (_SQUARE, _unbounded(), {"intersects", "containedIn"}),
        (_SQUARE, _EMPTY, {"disjoint"}),  # empty geometries are not contained in anything
        (_unbounded(), _EMPTY, {"disjoint"}),
    ],
)
def test_relations(left: Any, right: Any, expected: set[str]) -> None:
    names = ("intersects", "disjoint", "contains", "containedIn")
    assert {name for name in names if _both(name, left, right, proj="EPSG:4326")} == expected
    features = call("Feature", geometry=left), call("Feature", geometry=right)
    assert {name for name in names if value(call(f"Feature.{name}", left=features[0], right=features[1]))} == expected


# ------------------------------------------------------------------------------------------------------ set operations


def _ring(geometry: Geometry) -> list[Any]:
    rings = geometry.geojson()["coordinates"]
    assert isinstance(rings, list)
    return sorted(rings[0][:-1])


def test_set_operations() -> None:
    left, right = _box(0, 0, 2, 2), _box(1, 1, 3, 3)
    assert _ring(_both("intersection", left, right)) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert len(_ring(_both("union", left, right))) == 8
    assert len(_ring(_both("difference", left, right))) == 6
    assert _both("symmetricDifference", left, right).type == "MultiPolygon"
    assert not _both("union", left, right).geodesic
    with_hole = _both("difference", _SQUARE, _box(4, 4, 6, 6))
    assert [len(ring) for ring in with_hole.coordinates] == [5, 5]


def test_what_geodesic_edges_pass_is_no_vertex() -> None:
    ring = [[0, 0], [20, 0], [20, 20], [0, 20]]
    made = _both("union", _shape("Polygon", ring), _shape("Polygon", [[20, 0], [40, 0], [40, 20], [20, 20]]))
    assert made.geodesic
    assert _ring(made) == [[0, 0], [0, 20], [20, 0], [20, 20], [40, 0], [40, 20]]
    assert made.intersects(Geometry("Point", [10, 20.2]))  # north of the parallel, as the edge goes


def test_what_was_cut_at_the_antimeridian_is_put_together() -> None:
    made = _both("union", _box(170, 0, 180, 10), _box(-180, 0, -170, 10))
    assert made.type == "Polygon"
    assert _of("bounds", made and _box(170, 0, -170, 10)).coordinates[0][:2] == [[170, 0], [190, 0]]
    crossing = _both("intersection", _box(170, 0, -170, 10), _box(175, 5, -160, 20))
    assert crossing.type == "Polygon"
    assert area(Context(Catalog()), crossing) == pytest.approx(_cell_area(5, 10, 15), rel=1e-9)


def test_geometries_without_bounds() -> None:
    assert _both("intersection", _unbounded(), _SQUARE) == value(_SQUARE)
    assert _both("union", _SQUARE, _unbounded()).unbounded
    assert _both("difference", _SQUARE, _unbounded()).geojson() == {"type": "GeometryCollection", "geometries": []}
    for name in ("bounds", "convexHull", "dissolve"):
        assert _of(name, _unbounded()).unbounded
    assert _of("buffer", _unbounded(), distance=10).unbounded
    for name in ("area", "length", "perimeter", "centroid"):
        assert refusal(call(f"Geometry.{name}", geometry=_unbounded())).unsupported
    assert refusal(call("Geometry.difference", left=_unbounded(), right=_SQUARE)).unsupported
    assert _of("isUnbounded", _unbounded())
    assert not _of("isUnbounded", _SQUARE)


def test_dissolving() -> None:
    overlapping = _shape("MultiPolygon", [[[[0, 0], [2, 0], [2, 2], [0, 2]]], [[[1, 1], [3, 1], [3, 3], [1, 3]]]])
    assert _of("dissolve", overlapping).type == "Polygon"
    assert _of("dissolve", _SQUARE) == value(_SQUARE)  # single geometries are left untouched: the description


_corner = st.integers(-8, 8)
_boxes = st.tuples(_corner, _corner, st.integers(1, 9), st.integers(1, 9), st.sampled_from([0, 60, 175, 184])).map(
    lambda drawn: Geometry(
        "Polygon",
        [
            [
                [drawn[0] + drawn[4] + dx * drawn[2], drawn[1] + dy * drawn[3]]
                for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
            ]
        ],
        geodesic=bool(drawn[2] % 2),
    )
)


@settings(deadline=None, max_examples=30)
@given(_boxes, _boxes)
def test_areas_of_set_operations_add_up(left: Geometry, right: Geometry) -> None:
    context = Context(Catalog())
    both, either = intersection(context, left, right), union(context, left, right)
    rest = difference(context, left, right)
    total = area(context, left) + area(context, right)
    assert area(context, both) + area(context, either) == pytest.approx(total, rel=1e-4)
    assert area(context, rest) + area(context, both) == pytest.approx(area(context, left), rel=1e-4)


# -------------------------------------------------------------------------------------------------------- other shapes


def _onward(x: float, y: float, bearing: float, meters: float) -> Geometry:
    """The point in a direction and at a distance on the sphere."""
    turn, start, angle = math.radians(bearing), math.radians(y), meters / RADIUS
    latitude = math.asin(math.sin(start) * math.cos(angle) + math.cos(start) * math.sin(angle) * math.cos(turn))
    aside = math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(start), math.cos(angle) - math.sin(start) * math.sin(latitude)
    )
    return Geometry("Point", [(x + math.degrees(aside) + 540) % 360 - 180, math.degrees(latitude)])


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([0.0, 100.0, 179.9999, -180.0]),
    st.sampled_from([-90.0, -89.9, -45.0, 0.0, 60.0, 89.999, 90.0]),
    st.sampled_from([5.0, 1e3, 1e5, 2e6]),
    st.floats(0, 360),
)
def test_buffers_of_points_are_circles(x: float, y: float, meters: float, bearing: float) -> None:
    circle = buffer(Context(Catalog()), Geometry("Point", [x, y]), meters)
    assert circle.intersects(_onward(x, y, bearing, 0.99 * meters))
    assert not circle.intersects(_onward(x, y, bearing, 1.01 * meters))


@settings(deadline=None, max_examples=25)
@given(_boxes, st.sampled_from([1e4, 3e5]), st.tuples(st.integers(-40, 40), st.integers(-30, 30)))
@example(Geometry("Polygon", [[[179, 2], [186, 2], [186, 3], [179, 3]]]), 3e5, (0, -9))  # a ring that closed inexactly
def test_buffers_are_what_is_near_enough(geometry: Geometry, meters: float, offset: tuple[int, int]) -> None:
    context = Context(Catalog())
    place = Geometry("Point", [geometry.lines()[0][0][0] + offset[0] / 3, geometry.lines()[0][0][1] + offset[1] / 3])
    found = buffer(context, geometry, meters).intersects(place)
    apart = distance(context, geometry, place, spherical=True)
    assert apart is not None
    if apart < 0.99 * meters:
        assert found
    elif apart > 1.01 * meters:
        assert not found


def test_buffers_inwards() -> None:
    # A margin of a tenth of a degree of the sphere: 11,119.5 m.
    smaller = _of("buffer", _box(0, 0, 1, 1), distance=-11_119.5, maxError=1)
    west, south, east, north = smaller.shape.bounds
    assert (west, south, east, north) == pytest.approx((0.1, 0.1, 0.9, 0.9), abs=1e-3)
    assert len(smaller.coordinates[0]) == 5
    for vanished in (_of("buffer", _box(0, 0, 1, 1), distance=-60_000), _of("buffer", _point(0, 0), distance=-1)):
        assert vanished.geojson() == {"type": "GeometryCollection", "geometries": []}
    assert _of("buffer", _SQUARE, distance=0) == value(_SQUARE)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (_box(1, 2, 3, 4), (1, 2, 3, 4)),
        (_shape("MultiPoint", [[179, 0], [-179, 5]]), (179, 0, 181, 5)),
        (_shape("MultiPoint", [[-60, 0], [0, 1], [60, 2]]), (-60, 0, 60, 2)),
        (_shape("MultiPoint", [[-170, 0], [0, 1], [170, 2]]), (0, 0, 190, 2)),
        (_shape("LineString", [[170, 0], [190, 10]], geodesic=False), (170, 0, 190, 10)),
        (_box(-180, -90, 180, 90), (-180, -90, 180, 90)),
        (_point(5, 6), (5, 6, 5, 6)),
        # The great circle from (0, 60) to (60, 60) reaches 63.4 degrees.
        (_shape("LineString", [[0, 60], [60, 60]]), (0, 60, 60, 63.435)),
    ],
)
def test_bounds(geometry: Any, expected: tuple[float, float, float, float]) -> None:
    found = _of("bounds", geometry)
    ((west, south), _, (east, north), _, last) = found.coordinates[0]
    assert (west, south, east, north) == pytest.approx(expected, abs=1e-3)
    assert last == [west, south]
    assert not found.geodesic


@pytest.mark.parametrize(
    ("geometry", "kind", "positions"),
    [
        # Points, collinear points, and everything else: the description of Geometry.convexHull.
        (_point(1, 2), "Point", 1),
        (_shape("MultiPoint", [[0, 0], [5, 0], [10, 0]]), "LineString", 2),
        (_shape("Polygon", [[0, 0], [5, 0], [10, 0], [5, 0]]), "LineString", 2),
        (_shape("MultiPoint", [[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]]), "Polygon", 5),
        (_shape("MultiPoint", [[170, 0], [-170, 0], [180, 10]]), "Polygon", 4),
        (_shape("MultiPoint", [[0, 80], [90, 80], [180, 80], [-90, 80], [0, 90]]), "Polygon", 5),
    ],
)
def test_convex_hulls(geometry: Any, kind: str, positions: int) -> None:
    hull = _of("convexHull", geometry)
    assert hull.type == kind
    assert hull.shape.covers(value(geometry).shape) or kind != "Point"
    assert sum(len(line) for line in hull.lines()) == positions


def test_hulls_of_more_than_a_hemisphere_are_refused() -> None:
    around = _shape("MultiPoint", [[0, 0], [120, 0], [-120, 0]])
    assert refusal(call("Geometry.convexHull", geometry=around)).unsupported


def test_simplifying() -> None:
    # A hundred-thousandth of a degree is about a meter.
    ring = [[0, 0], [1, 0.00001], [2, 0], [2, 2], [1, 2.00001], [0, 2]]
    for geodesic in (True, False):
        made = _shape("Polygon", ring, geodesic=geodesic)
        assert len(_of("simplify", made, maxError=0.1).coordinates[0]) == 7
        coarse = _of("simplify", made, maxError=500)
        assert (coarse.type, coarse.geodesic) == ("Polygon", geodesic)
        assert _ring(coarse) == [[0, 0], [0, 2], [2, 0], [2, 2]]
    margin = {"constantValue": {"type": "ErrorMargin", "value": 500, "unit": "meters"}}
    assert len(_of("simplify", _shape("LineString", ring), maxError=margin).coordinates) == 4
    made = call("ErrorMargin", value=-500)  # negative is positive: the example of ErrorMargin
    assert len(_of("simplify", _shape("LineString", ring), maxError=made).coordinates) == 4
    for unit in ("projected", "infinite"):
        margin = call("ErrorMargin", value=1, unit=unit)
        assert f"not '{unit}'" in refusal(call("Geometry.simplify", geometry=_SQUARE, maxError=margin)).message
    assert _of("simplify", _point(1, 2), maxError=10).coordinates == [1, 2]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=2, max_size=12),
    st.sampled_from([100.0, 50_000.0]),
    st.booleans(),
)
def test_simplified_lines_stay_within_the_margin(
    offsets: list[tuple[float, float]], margin: float, geodesic: bool
) -> None:
    context = Context(Catalog())
    line = Geometry("LineString", [[178 + x, 60 + y] for x, y in offsets], geodesic=geodesic)
    simple = simplify(context, line, margin)
    for x, y in line.lines()[0]:
        apart = distance(context, Geometry("Point", [x, y]), simple)
        assert apart is not None
        assert apart <= 1.01 * margin


# ---------------------------------------------------------------------------------------- what geometries say and are


def test_what_geometries_say_of_themselves() -> None:
    ring = [[0, 0], [10, 0], [10, 10]]
    assert _of("coordinates", _shape("Polygon", ring)) == [[*ring, ring[0]]]
    assert _of("coordinates", _shape("LinearRing", ring)) == [*ring, ring[0]]
    assert _of("coordinates", _point(1, 2)) == [1, 2]
    assert _of("type", _shape("MultiLineString", [[0, 0], [1, 1]])) == "MultiLineString"
    assert _of("type", _shape("LinearRing", ring)) == "LinearRing"
    group = call("GeometryConstructors.MultiGeometry", geometries=[_point(1, 2), _SQUARE])
    assert [part.type for part in _of("geometries", group)] == ["Point", "Polygon"]
    assert [part.coordinates for part in _of("geometries", _shape("MultiPoint", [[1, 2], [3, 4]]))] == [[1, 2], [3, 4]]
    assert _of("geometries", _SQUARE) == [value(_SQUARE)]
    assert refusal(call("Geometry.coordinates", geometry=group)).unsupported
    for name in ("geodesic", "edgesAreGeodesics"):
        assert _of(name, _shape("Polygon", ring))
        assert not _of(name, _SQUARE)


def test_edges_of_the_other_kind_stay_where_they_are() -> None:
    # Edges are geodesic by default, and only those of a geometry that has others are laid out: the description.
    curved = _shape("LineString", [[0, 60], [60, 60]])
    assert _of("transform", curved) == value(curved)
    laid = _of("transform", curved, proj="EPSG:4326", maxError=1, geodesic=False)
    assert not laid.geodesic
    assert max(y for _, y in laid.coordinates) == pytest.approx(63.435, abs=1e-3)
    straight = _of("transform", _SQUARE)
    assert straight.geodesic
    assert area(Context(Catalog()), straight) == pytest.approx(_cell_area(0, 10, 10), rel=1e-5)


@pytest.mark.parametrize(
    "built",
    [
        call("Geometry.area", geometry=_SQUARE, proj="EPSG:4326"),
        call("Geometry.bounds", geometry=_SQUARE, proj="EPSG:32633"),
        call("Geometry.buffer", geometry=_SQUARE, distance=1, proj="EPSG:4326"),
        call("Geometry.buffer", geometry=_SQUARE, distance=1e8),
        call("Geometry.intersects", left=_SQUARE, right=_SQUARE, proj="EPSG:3857"),
        call("Geometry.distance", left=_SQUARE, right=_SQUARE, proj="EPSG:4326"),
        call("Geometry.transform", geometry=_SQUARE, proj="EPSG:3857"),
    ],
)
def test_other_projections_and_units_are_not_supported(built: Any) -> None:
    assert refusal(built).unsupported


def test_lines_of_several_parts() -> None:
    lines = [[[0, 0], [10, 0]], [[0, 5], [10, 5]]]
    made = value(_shape("MultiLineString", lines))
    assert made.coordinates == lines
    assert made.intersects(Geometry("Point", [5, 0]))
    assert value(_shape("MultiLineString", [_shape("LineString", lines[0]), _shape("LineString", lines[1])])) == made
    assert "at least 2 positions" in refusal(_shape("MultiLineString", [[[0, 0]]])).message


# ------------------------------------------------------------------------------------------------------------ features


def _feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return call("Feature", geometry=geometry, metadata=properties)


def test_features_keep_their_properties() -> None:
    feature = _feature(_SQUARE, p=1)
    for built in (
        call("Feature.buffer", feature=feature, distance=100),
        call("Feature.bounds", feature=feature),
        call("Feature.centroid", feature=feature),
        call("Feature.convexHull", feature=feature),
        call("Feature.dissolve", feature=feature),
        call("Feature.simplify", feature=feature, maxError=5),
        call("Feature.transform", feature=feature),
        call("Feature.intersection", left=feature, right=_feature(_box(5, 5, 20, 20), q=2)),
        call("Feature.difference", left=feature, right=_box(5, 5, 20, 20)),
        call("Feature.union", left=feature, right=_feature(_box(5, 5, 20, 20), q=2)),
        call("Feature.symmetricDifference", left=feature, right=_feature(_box(5, 5, 20, 20), q=2)),
    ):
        made = value(built)
        assert made.properties == {"p": 1}
        assert isinstance(made.geometry, Geometry)
    assert value(call("Feature.area", feature=feature)) == pytest.approx(_cell_area(0, 10, 10))


def test_features_made_of_images() -> None:
    scene = value(image())
    made = value(call("Feature.centroid", feature=image(), maxError=1))
    assert made.geometry.type == "Point"
    assert scene.geometry.intersects(made.geometry)
    assert made.index == scene.index
    assert made.get("CLOUD_COVER") == scene.get("CLOUD_COVER")
    assert made.get("system:footprint") is None
    assert value(call("Image.geometry", feature=image())) is scene.geometry
    assert value(call("Feature.geometry", feature=_feature(None))) is None
    assert value(call("Feature.geometry", feature=_feature(_SQUARE), geodesics=True)).geodesic


def test_elements_without_geometry() -> None:
    for name in ("area", "bounds", "centroid"):
        message = refusal(call(f"Feature.{name}", feature=_feature(None))).message
        assert message == f"Feature.{name}: The element has no geometry."


def test_geometries_of_features_and_images_can_be_replaced() -> None:
    assert value(call("Feature.setGeometry", feature=_feature(_SQUARE, p=1), geometry=_point(1, 2))).get("p") == 1
    assert value(call("Feature.setGeometry", feature=_feature(_SQUARE))).geometry is None
    message = only(call("Feature.setGeometry", feature=image(), geometry=_SQUARE))
    assert message.geometry["type"] == "Polygon"
    assert message.id == f"{L8}/LC08_044034_20230122"
    # A scene without bounds has no geometry in the message.
    assert not only(call("Feature.setGeometry", feature=image(), geometry=_unbounded())).HasField("geometry")
    assert len(value(load(ERA5))) == 14


@pytest.mark.parametrize(
    ("selectors", "names", "expected"),
    [
        (["a"], None, {"a": 1}),
        (["b", "a"], ["x", "y"], {"x": 2, "y": 1}),
        (["a.*"], None, {"a": 1, "ab": 3}),
        (["a.*", "b"], ["x", "y", "z"], {"x": 1, "y": 3, "z": 2}),
        (["missing"], None, {}),
        (["missing", "a"], ["x", "y"], {"y": 1}),
        (["a"], ["b"], {"b": 1}),
        ([], None, {}),
    ],
)
def test_selecting_properties(selectors: list[str], names: list[str] | None, expected: dict[str, Any]) -> None:
    built = call(
        "Feature.select", input=_feature(_SQUARE, a=1, b=2, ab=3), propertySelectors=selectors, newProperties=names
    )
    assert value(built).properties == expected
    assert value(built).geometry is not None
    without = call("Feature.select", input=_feature(_SQUARE, a=1), propertySelectors=selectors, retainGeometry=False)
    assert value(without).geometry is None


def test_new_names_must_be_as_many_as_properties() -> None:
    built = call("Feature.select", input=_feature(None, a=1, ab=2), propertySelectors=["a.*"], newProperties=["x"])
    assert refusal(built).message == "Feature.select: 2 properties are selected, but there are 1 new names."


def test_selecting_properties_of_an_image() -> None:
    message = only(call("Feature.select", input=image(), propertySelectors=["CLOUD_COVER"], newProperties=["cloud"]))
    assert list(message.properties) == ["cloud"]
    assert message.name.endswith("LC08_044034_20230122")
    assert message.HasField("start_time")


# ---------------------------------------------------------------------------------------------------------------- work


@pytest.mark.parametrize("name", ["area", "buffer", "centroid", "bounds", "convexHull", "intersects", "distance"])
def test_geometries_of_endless_detail_are_ended(name: str) -> None:
    zigzag = [[170 * (place % 2), place / 50] for place in range(1_000)]
    line = _shape("LineString", zigzag)
    if name in ("intersects", "distance"):
        built = call(f"Geometry.{name}", left=line, right=_point(-100, 0))
    else:
        built = call(f"Geometry.{name}", geometry=line, **({"distance": 1} if name == "buffer" else {}))
    assert "The computation is too large" in refusal(built).message
