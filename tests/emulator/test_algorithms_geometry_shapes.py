"""What is made of geometries: set operations, buffers, bounds, hulls, simpler lines."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import call, refusal, value
from geometry_graphs import RADIUS, SQUARE, both, box, cell_area, of, point, shape, unbounded
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.geometry.buffers import buffer
from eegrpc.emulator.geometry.measures import area, distance
from eegrpc.emulator.geometry.operations import difference, intersection, simplify, union
from eegrpc.emulator.geometry.shapes import Geometry

# ------------------------------------------------------------------------------------------------------ set operations


def _ring(geometry: Geometry) -> list[Any]:
    rings = geometry.geojson()["coordinates"]
    assert isinstance(rings, list)
    return sorted(rings[0][:-1])


def test_set_operations() -> None:
    left, right = box(0, 0, 2, 2), box(1, 1, 3, 3)
    assert _ring(both("intersection", left, right)) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert len(_ring(both("union", left, right))) == 8
    assert len(_ring(both("difference", left, right))) == 6
    assert both("symmetricDifference", left, right).type == "MultiPolygon"
    assert not both("union", left, right).geodesic
    with_hole = both("difference", SQUARE, box(4, 4, 6, 6))
    assert [len(ring) for ring in with_hole.coordinates] == [5, 5]


def test_what_geodesic_edges_pass_is_no_vertex() -> None:
    ring = [[0, 0], [20, 0], [20, 20], [0, 20]]
    made = both("union", shape("Polygon", ring), shape("Polygon", [[20, 0], [40, 0], [40, 20], [20, 20]]))
    assert made.geodesic
    assert _ring(made) == [[0, 0], [0, 20], [20, 0], [20, 20], [40, 0], [40, 20]]
    assert made.intersects(Geometry("Point", [10, 20.2]))  # north of the parallel, as the edge goes


def test_what_was_cut_at_the_antimeridian_is_put_together() -> None:
    made = both("union", box(170, 0, 180, 10), box(-180, 0, -170, 10))
    assert made.type == "Polygon"
    assert of("bounds", made and box(170, 0, -170, 10)).coordinates[0][:2] == [[170, 0], [190, 0]]
    crossing = both("intersection", box(170, 0, -170, 10), box(175, 5, -160, 20))
    assert crossing.type == "Polygon"
    assert area(Context(Catalog()), crossing) == pytest.approx(cell_area(5, 10, 15), rel=1e-9)


def test_geometries_without_bounds() -> None:
    assert both("intersection", unbounded(), SQUARE) == value(SQUARE)
    assert both("union", SQUARE, unbounded()).unbounded
    assert both("difference", SQUARE, unbounded()).geojson() == {"type": "GeometryCollection", "geometries": []}
    for name in ("bounds", "convexHull", "dissolve"):
        assert of(name, unbounded()).unbounded
    assert of("buffer", unbounded(), distance=10).unbounded
    for name in ("area", "length", "perimeter", "centroid"):
        assert refusal(call(f"Geometry.{name}", geometry=unbounded())).unsupported
    assert refusal(call("Geometry.difference", left=unbounded(), right=SQUARE)).unsupported
    assert of("isUnbounded", unbounded())
    assert not of("isUnbounded", SQUARE)


def test_dissolving() -> None:
    overlapping = shape("MultiPolygon", [[[[0, 0], [2, 0], [2, 2], [0, 2]]], [[[1, 1], [3, 1], [3, 3], [1, 3]]]])
    assert of("dissolve", overlapping).type == "Polygon"
    assert of("dissolve", SQUARE) == value(SQUARE)  # single geometries are left untouched: the description


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
    smaller = of("buffer", box(0, 0, 1, 1), distance=-11_119.5, maxError=1)
    west, south, east, north = smaller.shape.bounds
    assert (west, south, east, north) == pytest.approx((0.1, 0.1, 0.9, 0.9), abs=1e-3)
    assert len(smaller.coordinates[0]) == 5
    for vanished in (of("buffer", box(0, 0, 1, 1), distance=-60_000), of("buffer", point(0, 0), distance=-1)):
        assert vanished.geojson() == {"type": "GeometryCollection", "geometries": []}
    assert of("buffer", SQUARE, distance=0) == value(SQUARE)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (box(1, 2, 3, 4), (1, 2, 3, 4)),
        (shape("MultiPoint", [[179, 0], [-179, 5]]), (179, 0, 181, 5)),
        (shape("MultiPoint", [[-60, 0], [0, 1], [60, 2]]), (-60, 0, 60, 2)),
        (shape("MultiPoint", [[-170, 0], [0, 1], [170, 2]]), (0, 0, 190, 2)),
        (shape("LineString", [[170, 0], [190, 10]], geodesic=False), (170, 0, 190, 10)),
        (box(-180, -90, 180, 90), (-180, -90, 180, 90)),
        (point(5, 6), (5, 6, 5, 6)),
        # The great circle from (0, 60) to (60, 60) reaches 63.4 degrees.
        (shape("LineString", [[0, 60], [60, 60]]), (0, 60, 60, 63.435)),
    ],
)
def test_bounds(geometry: Any, expected: tuple[float, float, float, float]) -> None:
    found = of("bounds", geometry)
    ((west, south), _, (east, north), _, last) = found.coordinates[0]
    assert (west, south, east, north) == pytest.approx(expected, abs=1e-3)
    assert last == [west, south]
    assert not found.geodesic


@pytest.mark.parametrize(
    ("geometry", "kind", "positions"),
    [
        # Points, collinear points, and everything else: the description of Geometry.convexHull.
        (point(1, 2), "Point", 1),
        (shape("MultiPoint", [[0, 0], [5, 0], [10, 0]]), "LineString", 2),
        (shape("Polygon", [[0, 0], [5, 0], [10, 0], [5, 0]]), "LineString", 2),
        (shape("MultiPoint", [[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]]), "Polygon", 5),
        (shape("MultiPoint", [[170, 0], [-170, 0], [180, 10]]), "Polygon", 4),
        (shape("MultiPoint", [[0, 80], [90, 80], [180, 80], [-90, 80], [0, 90]]), "Polygon", 5),
    ],
)
def test_convex_hulls(geometry: Any, kind: str, positions: int) -> None:
    hull = of("convexHull", geometry)
    assert hull.type == kind
    assert hull.shape.covers(value(geometry).shape) or kind != "Point"
    assert sum(len(line) for line in hull.lines()) == positions


def test_hulls_of_more_than_a_hemisphere_are_refused() -> None:
    around = shape("MultiPoint", [[0, 0], [120, 0], [-120, 0]])
    assert refusal(call("Geometry.convexHull", geometry=around)).unsupported


def test_simplifying() -> None:
    # A hundred-thousandth of a degree is about a meter.
    ring = [[0, 0], [1, 0.00001], [2, 0], [2, 2], [1, 2.00001], [0, 2]]
    for geodesic in (True, False):
        made = shape("Polygon", ring, geodesic=geodesic)
        assert len(of("simplify", made, maxError=0.1).coordinates[0]) == 7
        coarse = of("simplify", made, maxError=500)
        assert (coarse.type, coarse.geodesic) == ("Polygon", geodesic)
        assert _ring(coarse) == [[0, 0], [0, 2], [2, 0], [2, 2]]
    margin = {"constantValue": {"type": "ErrorMargin", "value": 500, "unit": "meters"}}
    assert len(of("simplify", shape("LineString", ring), maxError=margin).coordinates) == 4
    made = call("ErrorMargin", value=-500)  # negative is positive: the example of ErrorMargin
    assert len(of("simplify", shape("LineString", ring), maxError=made).coordinates) == 4
    for unit in ("projected", "infinite"):
        margin = call("ErrorMargin", value=1, unit=unit)
        assert f"not '{unit}'" in refusal(call("Geometry.simplify", geometry=SQUARE, maxError=margin)).message
    assert of("simplify", point(1, 2), maxError=10).coordinates == [1, 2]


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
