"""Geometries: measures, relations, and what they say of themselves, against figures worked out or published."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import call, refusal, value
from geometry_graphs import EMPTY, RADIUS, SQUARE, both, box, cell_area, of, point, shape, unbounded

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.geometry.measures import area
from eegrpc.emulator.geometry.shapes import Geometry

# ------------------------------------------------------------------------------------------------------------ measures


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
    expected = cell_area(south, north, width)
    assert of("area", box(west, south, east, north)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        # The whole ellipsoid: WGS84's surface.
        (box(-180, -90, 180, 90), 510_065_621_724_088.44),
        # A degree by a degree with geodesic edges: the example of GeographicLib's Planimeter.
        (shape("Polygon", [[0, 0], [1, 0], [1, 1], [0, 1]]), 12_308_778_361.469),
        (point(0, 0), 0),
        (shape("LineString", [[0, 0], [1, 1]]), 0),
        # Intersecting areas are counted several times: the description of Geometry.area.
        (call("GeometryConstructors.MultiGeometry", geometries=[box(0, 0, 1, 1)] * 3), 3 * cell_area(0, 1, 1)),
        (
            shape("Polygon", [[[0, 0], [10, 0], [10, 10], [0, 10]], [[4, 4], [6, 4], [6, 6], [4, 6]]], geodesic=False),
            cell_area(0, 10, 10) - cell_area(4, 6, 2),
        ),
        (EMPTY, 0),
    ],
)
def test_areas(geometry: Any, expected: float) -> None:
    assert of("area", geometry, maxError=1) == pytest.approx(expected, rel=1e-6)


# The ring around Antarctica of GeographicLib's documentation, latitude first; its perimeter is 16,831,067.893 m.
_ANTARCTICA = [
    *((-63.1, -58), (-72.9, -74), (-71.9, -102), (-74.9, -102), (-74.3, -131), (-77.5, -163), (-77.4, 163)),
    *((-71.7, 172), (-65.9, 140), (-65.7, 113), (-66.6, 88), (-66.9, 59), (-69.8, 25), (-70.0, -4), (-71.0, -14)),
    *((-77.3, -33), (-77.9, -46), (-74.7, -61)),
]


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (shape("LineString", [[0, 0], [1, 0]]), 111_319.4908),
        (shape("LineString", [[7, 0], [7, 90]]), 10_001_965.729),  # the quarter of a meridian
        (shape("LineString", [[-73.8, 40.6], [-0.5, 51.6]]), 5_551_759.400),  # GeographicLib: JFK to LHR
        (shape("LinearRing", [[x, y] for y, x in _ANTARCTICA]), 16_831_067.893),
        # Along the parallel of 60 degrees, which is no geodesic: a cos(60) / sqrt(1 - e2 sin2(60)) a radian.
        (shape("LineString", [[0, 60], [10, 60]], geodesic=False), 557_999.1),
        (shape("MultiLineString", [[[0, 0], [1, 0]], [[5, 0], [6, 0]]]), 2 * 111_319.4908),
        (SQUARE, 0),
        (point(1, 1), 0),
    ],
)
def test_lengths(geometry: Any, expected: float) -> None:
    assert of("length", geometry) == pytest.approx(expected, rel=1e-5)


def test_perimeters() -> None:
    assert of("perimeter", shape("LineString", [[0, 0], [1, 0]])) == 0
    triangle = shape("Polygon", [[0, 0], [90, 0], [0, 90]])  # an eighth of the world
    assert of("perimeter", triangle) == pytest.approx(2 * 10_001_965.729 + 90 * 111_319.4908, rel=1e-5)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (point(0, 0), point(0, 1), 110_574.389),  # the first degree of the meridian
        (point(179.5, 0), point(-179.5, 0), 111_319.491),
        (point(0, 0), point(0, 0), 0),
        (box(0, 0, 1, 1), box(2, 0, 3, 1), 111_302.65),  # at one degree north, where parallels are shorter
        (box(0, 0, 10, 10), point(5, -1), 110_574.389),
        (box(0, 0, 10, 10), point(5, 5), 0),
        (shape("LineString", [[-40, 0], [40, 0]]), point(7, 1), 110_574.389),  # beside the line, not at its ends
        (box(170, 0, -175, 1), point(-174, 0), 111_319.491),
        (unbounded(), point(0, 0), 0),
        (EMPTY, point(0, 0), None),
    ],
)
def test_distances(left: Any, right: Any, expected: float | None) -> None:
    for one, other in ((left, right), (right, left)):
        found = both("distance", one, other)
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-4, abs=1e-6))
        near = both("withinDistance", one, other, distance=(expected or 0) * 1.001 + 1)
        assert near is (expected is not None)
        if expected:
            assert not both("withinDistance", one, other, distance=expected * 0.999)


def test_distances_on_the_sphere_and_to_the_other_side() -> None:
    degree = math.radians(1) * RADIUS
    assert both("distance", point(0, 0), point(0, 1), spherical=True) == pytest.approx(degree)
    assert both("distance", point(0, 0), point(180, 0)) == pytest.approx(20_003_931.458, rel=6e-3)


def test_closest_points() -> None:
    found = both("closestPoints", SQUARE, point(15, 5))
    assert found["left"].coordinates == pytest.approx([10, 5], abs=0.05)
    assert found["right"].coordinates == pytest.approx([15, 5])
    assert both("closestPoint", point(15, 5), SQUARE).coordinates == pytest.approx([10, 5], abs=0.05)
    assert both("closestPoint", point(5, 5), SQUARE).coordinates == [5, 5]
    assert both("closestPoint", unbounded(), point(3, 4)).coordinates == [3, 4]
    assert both("closestPoint", EMPTY, SQUARE) is None
    assert both("closestPoints", SQUARE, EMPTY) == {}


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (box(-1, -1, 1, 1), (0, 0)),
        (box(170, -10, -170, 10), (180, 0)),
        (shape("MultiPoint", [[0, 0], [10, 0]]), (5, 0)),
        (shape("LineString", [[0, 0], [0, 80]]), (0, 40)),
        # Only the parts with the most dimensions count: the description.
        (call("GeometryConstructors.MultiGeometry", geometries=[box(-1, -1, 1, 1), point(50, 50)]), (0, 0)),
        (shape("Polygon", [[[-9, -9], [9, -9], [9, 9], [-9, 9]], [[-1, -1], [1, -1], [1, 1], [-1, 1]]]), (0, 0)),
        (box(-180, 80, 180, 90), (None, 90)),
    ],
)
def test_centroids(geometry: Any, expected: tuple[float | None, float]) -> None:
    x, y = of("centroid", geometry).coordinates
    assert y == pytest.approx(expected[1], abs=1e-6)
    if expected[0] is not None and expected[1] != 90:
        assert math.cos(math.radians(x - expected[0])) == pytest.approx(1)


# ----------------------------------------------------------------------------------------------------------- relations


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (SQUARE, box(2, 2, 3, 3), {"intersects", "contains"}),
        (box(2, 2, 3, 3), SQUARE, {"intersects", "containedIn"}),
        (SQUARE, SQUARE, {"intersects", "contains", "containedIn"}),
        (SQUARE, box(9, 9, 11, 11), {"intersects"}),
        (SQUARE, box(20, 20, 21, 21), {"disjoint"}),
        (SQUARE, point(10, 10), {"intersects", "contains"}),  # its boundary belongs to it
        (box(170, 0, -170, 10), point(-175, 5), {"intersects", "contains"}),
        (box(170, 0, -170, 10), box(175, 1, -175, 2), {"intersects", "contains"}),
        (unbounded(), SQUARE, {"intersects", "contains"}),
        (SQUARE, unbounded(), {"intersects", "containedIn"}),
        (SQUARE, EMPTY, {"disjoint"}),  # empty geometries are not contained in anything
        (unbounded(), EMPTY, {"disjoint"}),
    ],
)
def test_relations(left: Any, right: Any, expected: set[str]) -> None:
    names = ("intersects", "disjoint", "contains", "containedIn")
    assert {name for name in names if both(name, left, right, proj="EPSG:4326")} == expected
    features = call("Feature", geometry=left), call("Feature", geometry=right)
    assert {name for name in names if value(call(f"Feature.{name}", left=features[0], right=features[1]))} == expected


# ---------------------------------------------------------------------------------------- what geometries say and are


def test_what_geometries_say_of_themselves() -> None:
    ring = [[0, 0], [10, 0], [10, 10]]
    assert of("coordinates", shape("Polygon", ring)) == [[*ring, ring[0]]]
    assert of("coordinates", shape("LinearRing", ring)) == [*ring, ring[0]]
    assert of("coordinates", point(1, 2)) == [1, 2]
    assert of("type", shape("MultiLineString", [[0, 0], [1, 1]])) == "MultiLineString"
    assert of("type", shape("LinearRing", ring)) == "LinearRing"
    group = call("GeometryConstructors.MultiGeometry", geometries=[point(1, 2), SQUARE])
    assert [part.type for part in of("geometries", group)] == ["Point", "Polygon"]
    assert [part.coordinates for part in of("geometries", shape("MultiPoint", [[1, 2], [3, 4]]))] == [[1, 2], [3, 4]]
    assert of("geometries", SQUARE) == [value(SQUARE)]
    assert refusal(call("Geometry.coordinates", geometry=group)).unsupported
    for name in ("geodesic", "edgesAreGeodesics"):
        assert of(name, shape("Polygon", ring))
        assert not of(name, SQUARE)


def test_edges_of_the_other_kind_stay_where_they_are() -> None:
    # Edges are geodesic by default, and only those of a geometry that has others are laid out: the description.
    curved = shape("LineString", [[0, 60], [60, 60]])
    assert of("transform", curved) == value(curved)
    laid = of("transform", curved, proj="EPSG:4326", maxError=1, geodesic=False)
    assert not laid.geodesic
    assert max(y for _, y in laid.coordinates) == pytest.approx(63.435, abs=1e-3)
    straight = of("transform", SQUARE)
    assert straight.geodesic
    assert area(Context(Catalog()), straight) == pytest.approx(cell_area(0, 10, 10), rel=1e-5)


@pytest.mark.parametrize(
    "built",
    [
        call("Geometry.area", geometry=SQUARE, proj="EPSG:4326"),
        call("Geometry.bounds", geometry=SQUARE, proj="EPSG:32633"),
        call("Geometry.buffer", geometry=SQUARE, distance=1, proj="EPSG:4326"),
        call("Geometry.buffer", geometry=SQUARE, distance=1e8),
        call("Geometry.intersects", left=SQUARE, right=SQUARE, proj="EPSG:3857"),
        call("Geometry.distance", left=SQUARE, right=SQUARE, proj="EPSG:4326"),
        call("Geometry.transform", geometry=SQUARE, proj="EPSG:3857"),
    ],
)
def test_other_projections_and_units_are_not_supported(built: Any) -> None:
    assert refusal(built).unsupported


def test_lines_of_several_parts() -> None:
    lines = [[[0, 0], [10, 0]], [[0, 5], [10, 5]]]
    made = value(shape("MultiLineString", lines))
    assert made.coordinates == lines
    assert made.intersects(Geometry("Point", [5, 0]))
    assert value(shape("MultiLineString", [shape("LineString", lines[0]), shape("LineString", lines[1])])) == made
    assert "at least 2 positions" in refusal(shape("MultiLineString", [[[0, 0]]])).message


# ---------------------------------------------------------------------------------------------------------------- work


@pytest.mark.parametrize("name", ["area", "buffer", "centroid", "bounds", "convexHull", "intersects", "distance"])
def test_geometries_of_endless_detail_are_ended(name: str) -> None:
    zigzag = [[170 * (place % 2), place / 50] for place in range(1_000)]
    line = shape("LineString", zigzag)
    if name in ("intersects", "distance"):
        built = call(f"Geometry.{name}", left=line, right=point(-100, 0))
    else:
        built = call(f"Geometry.{name}", geometry=line, **({"distance": 1} if name == "buffer" else {}))
    assert "The computation is too large" in refusal(built).message
