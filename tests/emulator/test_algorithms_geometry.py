"""Geometries: constructors, edges, and the antimeridian."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import call, refusal, value

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.shapes import UNBOUNDED, Geometry


def _make(kind: str, **arguments: Any) -> Geometry:
    made = value(call(f"GeometryConstructors.{kind}", **arguments))
    assert isinstance(made, Geometry)
    return made


def _at(x: float, y: float) -> Geometry:
    return Geometry("Point", [x, y])


def test_polygon_rings_need_not_be_closed_and_may_be_flat() -> None:
    ring = [[0, 0], [10, 0], [10, 10], [0, 10]]
    for coordinates in ([ring], ring, [[*ring, ring[0]]], [0, 0, 10, 0, 10, 10, 0, 10]):
        polygon = _make("Polygon", coordinates=coordinates)
        assert polygon.intersects(_at(5, 5))
        assert not polygon.intersects(_at(11, 5))


def test_polygons_have_holes() -> None:
    shell, hole = [[0, 0], [10, 0], [10, 10], [0, 10]], [[4, 4], [6, 4], [6, 6], [4, 6]]
    polygon = _make("Polygon", coordinates=[shell, hole])
    assert polygon.intersects(_at(1, 1))
    assert not polygon.intersects(_at(5, 5))


def test_a_ring_that_crosses_itself_follows_the_even_odd_rule() -> None:
    bow_tie = _make("Polygon", coordinates=[[0, 0], [10, 10], [10, 0], [0, 10]], geodesic=False)
    assert bow_tie.intersects(_at(9, 5))
    assert not bow_tie.intersects(_at(5, 1))


@pytest.mark.parametrize("points", [101, 5_001])
def test_stars_that_take_for_ever_are_refused(points: int) -> None:
    step = math.tau * (points // 2) / points
    star = [[10 * math.cos(step * place), 10 * math.sin(step * place)] for place in range(points)]
    made = call("GeometryConstructors.Polygon", coordinates=star, geodesic=False)
    error = refusal(call("Geometry.intersects", left=made, right=made))
    assert error.unsupported
    assert "crosses itself" in error.message


@pytest.mark.parametrize(
    ("inside", "outside"), [((179.5, 0), (175, 0)), ((-179.5, 0), (-175, 0)), ((180, 0), (0, 0)), ((-180, 0), (90, 0))]
)
@pytest.mark.parametrize(
    "polygon",
    [
        Geometry("Polygon", [[[179, -1], [-179, -1], [-179, 1], [179, 1]]]),
        Geometry("Polygon", [[[179, -1], [181, -1], [181, 1], [179, 1]]]),
        Geometry("Polygon", [[[-181, -1], [-179, -1], [-179, 1], [-181, 1]]], geodesic=False),
        Geometry("Polygon", [[[539, -1], [541, -1], [541, 1], [539, 1], [539, -1]]], geodesic=False),
    ],
)
def test_polygons_over_the_antimeridian(
    polygon: Geometry, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    assert polygon.intersects(_at(*inside))
    assert not polygon.intersects(_at(*outside))


def test_boxes_over_the_antimeridian() -> None:
    for box in (
        _make("Rectangle", coordinates=[170, -10, -170, 10]),
        _make("BBox", west=170, south=-10, east=-170, north=10),
    ):
        assert box.intersects(_at(175, 0))
        assert box.intersects(_at(-175, 0))
        assert not box.intersects(_at(0, 0))


def test_wide_boxes_are_not_turned_inside_out() -> None:
    for box in (
        _make("Rectangle", coordinates=[-120, -60, 120, 60]),
        _make("BBox", west=-120, south=-60, east=120, north=60),
        _make("Rectangle", coordinates=[[-180, -90], [180, 90]]),
    ):
        assert box.intersects(_at(0, 0))
    assert not _make("Rectangle", coordinates=[-120, -60, 120, 60]).intersects(_at(170, 0))
    assert _make("BBox", west=0, south=-90, east=400, north=90).intersects(_at(-170, 0))


def test_edges_are_geodesic_unless_told_otherwise() -> None:
    # Between (0, 60) and (60, 60) the great circle passes north of the parallel, at about 63.4 degrees.
    ring = [[0, 50], [60, 50], [60, 60], [0, 60]]
    curved, straight = _make("Polygon", coordinates=ring), _make("Polygon", coordinates=ring, geodesic=False)
    assert curved.intersects(_at(30, 63))
    assert not curved.intersects(_at(30, 64))
    assert not straight.intersects(_at(30, 61))
    assert straight.intersects(_at(30, 50.5))
    assert not curved.intersects(_at(30, 52))  # the southern edge bends too


def test_touching_counts() -> None:
    box = _make("BBox", west=0, south=0, east=10, north=10)
    assert box.intersects(_at(10, 10))
    assert box.intersects(_make("BBox", west=10, south=0, east=20, north=10))


def test_lines_and_groups() -> None:
    line = _make("LineString", coordinates=[[0, 0], [10, 0]])
    assert line.intersects(_at(5, 0))
    assert not line.intersects(_at(5, 1))
    assert _make("LinearRing", coordinates=[[0, 0], [10, 0], [10, 10]], geodesic=False).intersects(_at(5, 5))
    assert _make("MultiPoint", coordinates=[[0, 0], [5, 5]]).intersects(_at(5, 5))
    squares = [[[[0, 0], [1, 0], [1, 1], [0, 1]]], [[[5, 5], [6, 5], [6, 6], [5, 6]]]]
    assert _make("MultiPolygon", coordinates=squares).intersects(_at(5.5, 5.5))
    points = [
        call("GeometryConstructors.Point", coordinates=[1, 1]),
        {"constantValue": {"type": "Point", "coordinates": [2, 2]}},
    ]
    both = _make("MultiGeometry", geometries=points)
    assert both.intersects(_at(2, 2))
    assert not both.intersects(_at(3, 3))


def test_geojson_that_is_no_geometry() -> None:
    for geojson in ({}, {"type": "Blob"}, {"type": "Point"}, {"type": "Point", "coordinates": [1]}, 5):
        with pytest.raises(AlgorithmError):
            Geometry.from_geojson(geojson)
    read = Geometry.from_geojson(UNBOUNDED.geojson())
    assert read.unbounded


@pytest.mark.parametrize(
    ("kind", "arguments", "problem"),
    [
        ("Point", {"coordinates": [1]}, "expected [longitude, latitude], got [1]"),
        ("Point", {"coordinates": [1, 91]}, "latitude 91 is not within"),
        ("Polygon", {"coordinates": [[0, 0], [1, 1]]}, "at least three positions, got 2"),
        ("Polygon", {"coordinates": [0, 0, 1]}, "an odd number (3)"),
        ("Polygon", {"coordinates": [["a", 0], [1, 1], [2, 2]]}, "expected [longitude, latitude], got ['a', 0]"),
        ("Rectangle", {"coordinates": [0, 0, 1, 1, 2, 2]}, "needs two corners"),
        ("BBox", {"west": 0, "south": 1, "east": 1, "north": 0}, "south (1) of a BBox"),
        ("LineString", {"coordinates": [[0, 0]]}, "needs at least 2 positions"),
    ],
)
def test_wrong_coordinates(kind: str, arguments: dict[str, Any], problem: str) -> None:
    error = refusal(call(f"GeometryConstructors.{kind}", **arguments))
    assert problem in error.message
    assert not error.unsupported


def test_the_left_inside_rule_is_not_supported() -> None:
    error = refusal(call("GeometryConstructors.Polygon", coordinates=[[0, 0], [1, 0], [1, 1]], evenOdd=False))
    assert error.unsupported
