"""getInfo() of what is no data: types, projections, kernels, and what says how something is to be computed.

Sources: eerepr's test data (answers of Earth Engine), printouts in earthengine-api's own sources and in notebooks, and
the examples in Earth Engine's documentation (google/earthengine-community, samples/python/apidocs), which show types,
margins and the weights of kernels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ee
import pytest
from official_world import ROWS, SCENE, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from official_world import Rows

pytestmark = pytest.mark.usefixtures("official_emulator")

UINT8 = {"type": "PixelType", "precision": "int", "min": 0, "max": 255}
LONLAT = {"type": "Projection", "crs": "EPSG:4326", "transform": [1, 0, 0, 0, 1, 0]}
LAMBERT = (
    'PROJCS["NTF (Paris) / Lambert zone II", GEOGCS["NTF (Paris)", AUTHORITY["EPSG","4807"]], UNIT["m", 1.0], '
    'AXIS["Easting", EAST], AXIS["Northing", NORTH]%s]'
)
METERS = {"type": "ErrorMargin", "unit": "meters"}

DESCRIPTIONS: Rows = [
    # Pixel types: eerepr, ee/pixeltype.py, and the examples of ee.PixelType.
    (ee.PixelType.float, {"type": "PixelType", "precision": "float"}),
    (lambda: ee.PixelType(ee.PixelType.uint8()), UINT8),
    (
        ee.PixelType.int64,
        {"type": "PixelType", "precision": "int", "min": -9.223372036854776e18, "max": 9.223372036854776e18},
    ),
    (
        lambda: ee.PixelType("double", -1, 2, 3),
        {"type": "PixelType", "precision": "double", "min": -1, "max": 2, "dimensions": 3},
    ),
    (lambda: ee.PixelType("double", 3.4, None, 0), {"type": "PixelType", "precision": "double"}),
    (
        lambda: ee.PixelType("double", None, None, 1e8),
        {"type": "PixelType", "precision": "double", "dimensions": 100000000},
    ),
    (
        lambda: ee.Image([1, 2]).toByte().rename("a", "b").bandTypes(),
        {"a": UINT8, "b": UINT8},
    ),
    (lambda: ee.Image(1.5).toByte().bandTypes().get("constant"), UINT8),
    # Projections: eerepr, and printouts of Image.projection() in notebooks.
    (
        lambda: ee.Projection("EPSG:5070").atScale(100),
        {"type": "Projection", "crs": "EPSG:5070", "transform": [100, 0, 0, 0, 100, 0]},
    ),
    (lambda: ee.Projection("EPSG:3857"), {"type": "Projection", "crs": "EPSG:3857", "transform": [1, 0, 0, 0, 1, 0]}),
    (lambda: ee.Image(1).projection(), LONLAT),
    (lambda: ee.Geometry.Point(1, 2).projection(), LONLAT),
    (
        lambda: ee.Image(1).reproject("EPSG:4326", None, 100).projection(),
        {
            "type": "Projection",
            "crs": "EPSG:4326",
            "transform": [0.0008983152841195215, 0, 0, 0, -0.0008983152841195215, 0],
        },
    ),
    (
        lambda: ee.Projection("EPSG:32610", [10, 0, 500000, 0, -10, 4200000]),
        {"type": "Projection", "crs": "EPSG:32610", "transform": [10, 0, 500000, 0, -10, 4200000]},
    ),
    # WKT is printed as its code: the example of ee.Projection. Without one there is no printout to go by.
    (
        lambda: ee.Projection(LAMBERT % ', AUTHORITY["EPSG","27572"]'),
        {"type": "Projection", "crs": "EPSG:27572", "transform": [1, 0, 0, 0, 1, 0]},
    ),
    (
        lambda: ee.Projection(LAMBERT % ""),
        {"type": "Projection", "wkt": LAMBERT % "", "transform": [1, 0, 0, 0, 1, 0]},
    ),
    # Margins: the example of ee.ErrorMargin says which are infinite, and that negative ones are positive.
    (lambda: ee.ErrorMargin(0), {**METERS, "value": 0}),
    (lambda: ee.ErrorMargin(-1), {**METERS, "value": 1}),
    (lambda: ee.ErrorMargin(1e7, "meters"), {**METERS, "value": 10000000}),
    (lambda: ee.ErrorMargin(1e8), {"type": "ErrorMargin", "unit": "infinite"}),
    (lambda: ee.ErrorMargin(1, "projected"), {"type": "ErrorMargin", "unit": "projected", "value": 1}),
    (lambda: ee.ErrorMargin(1, "infinite"), {"type": "ErrorMargin", "unit": "infinite"}),
    # Dates and ranges, whose ends are doubles like all numbers.
    (ee.DateRange.unbounded, {"type": "DateRange", "dates": [-(2.0**63), 2.0**63]}),
    # Arrays and confusion matrices: eerepr.
    (lambda: ee.Array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (lambda: ee.Array([1.5, 2]), [1.5, 2]),
    (lambda: ee.Array(5), 5),
    (lambda: ee.Array([[], []], ee.PixelType.float()), [[], []]),
    (lambda: ee.ConfusionMatrix(ee.Array([[1, 2], [3, 4]])), [[1, 2], [3, 4]]),
    # What is shown as a call: eerepr's three. Others are by the same rule (assumption shown-as-called).
    (lambda: ee.Filter.eq("foo", "bar"), {"type": "Filter.eq", "rightValue": "bar", "leftField": "foo"}),
    (lambda: ee.Reducer.max(5), {"type": "Reducer.max", "numInputs": 5}),
    (ee.Reducer.mean, {"type": "Reducer.mean"}),
    (
        lambda: ee.Reducer.mean().combine(ee.Reducer.max(2), "x"),
        {
            "type": "Reducer.combine",
            "reducer1": {"type": "Reducer.mean"},
            "reducer2": {"type": "Reducer.max", "numInputs": 2},
            "outputPrefix": "x",
        },
    ),
    (
        # The client says "not less than" for gte.
        lambda: ee.Filter.And(ee.Filter.gte("a", 1), ee.Filter.lt("b", 2)),
        {
            "type": "Filter.and",
            "filters": [
                {"type": "Filter.not", "filter": {"type": "Filter.lt", "leftField": "a", "rightValue": 1}},
                {"type": "Filter.lt", "leftField": "b", "rightValue": 2},
            ],
        },
    ),
    (
        lambda: ee.Filter.date("2020-01-01", "2020-01-02"),
        {
            "type": "Filter.dateRangeContains",
            "leftValue": {"type": "DateRange", "dates": [1577836800000, 1577923200000]},
            "rightField": "system:time_start",
        },
    ),
    (
        lambda: ee.Filter.calendarRange(6, 8, "month"),
        {"type": "Filter.calendarRange", "start": 6, "end": 8, "field": "month"},
    ),
    (
        lambda: ee.Filter.bounds(ee.Geometry.Point(1, 2)),
        {
            "type": "Filter.intersects",
            "leftField": ".all",
            "rightValue": {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [1, 2]},
                "properties": {},
            },
        },
    ),
    (
        lambda: ee.Join.saveAll("m", "t", False),
        {"type": "Join.saveAll", "matchesKey": "m", "ordering": "t", "ascending": False},
    ),
    (lambda: ee.List([ee.Join.simple(), {"p": ee.PixelType.uint8()}]), [{"type": "Join.simple"}, {"p": UINT8}]),
    # Describe gives what is printed: "a simple JSON-compatible structure".
    (lambda: ee.Algorithms.Describe(ee.Date("2020-01-01")), {"type": "Date", "value": 1577836800000}),
    (lambda: ee.Dictionary(ee.Algorithms.Describe(ee.Image(1))).get("type"), "Image"),
    (lambda: ee.Algorithms.Describe(ee.List([1, "a", None])), [1, "a", None]),
]


@pytest.mark.parametrize("number", range(len(DESCRIPTIONS)))
def test_descriptions(number: int) -> None:
    check(DESCRIPTIONS, number)


def test_the_projection_of_a_band_is_that_of_the_asset() -> None:
    row = next(row for row in ROWS if row["id"] == SCENE)
    affine = row["bands"][0]["grid"]["affineTransform"]
    assert ee.Image(SCENE).select("SR_B1").projection().getInfo() == {
        "type": "Projection",
        "crs": row["bands"][0]["grid"]["crsCode"],
        "transform": [affine["scaleX"], 0, affine["translateX"], 0, affine["scaleY"], affine["translateY"]],
    }
    assert ee.Image(SCENE).select("SR_B1").projection().nominalScale().getInfo() == affine["scaleX"]


def weights(kernel: Any) -> list[list[float]]:
    """The weights as the text of a printed kernel has them; eerepr's has a row in brackets in each line."""
    shown = kernel.getInfo()["weights"]
    assert re.fullmatch(r"(\n  \[[^\[\]\n]+\])+", shown)
    return [[float(weight) for weight in row.strip(" []").split(", ")] for row in shown.strip().split("\n")]


def rows(text: str) -> list[list[float]]:
    """Rows of weights, written with | between them."""
    return [[float(weight) for weight in row.split()] for row in text.split("|")]


PLUS = "0 0 0 .076 0 0 0|0 0 0 .076 0 0 0|0 0 0 .076 0 0 0|.076 .076 .076 .076 .076 .076 .076"
MANHATTAN = "6 5 4 3 4 5 6|5 4 3 2 3 4 5|4 3 2 1 2 3 4|3 2 1 0 1 2 3|4 3 2 1 2 3 4|5 4 3 2 3 4 5|6 5 4 3 4 5 6"
CHEBYSHEV = "3 3 3 3 3 3 3|3 2 2 2 2 2 3|3 2 {1} {1} {1} 2 3|3 2 {1} {0} {1} 2 3|3 2 {1} {1} {1} 2 3|3 2 2 2 2 2 3"
GAUSSIAN = (
    "1.9651916124031917E-5 2.3940934949727E-4 0.001072958264978661 0.0017690091140438226 0.001072958264978661 "
    "2.3940934949727E-4 1.9651916124031917E-5|2.3940934949727E-4 0.0029166029543864387 0.013071307583189414 "
    "0.02155094284826827 0.013071307583189414 0.0029166029543864387 2.3940934949727E-4"
)
# The weights in the examples, to as many digits as these show, of the first rows; the first kernel is eerepr's.
KERNELS: list[tuple[Callable[[], Any], str, float]] = [
    (
        lambda: ee.Kernel.gaussian(3),
        GAUSSIAN,
        1e-15,
    ),
    (lambda: ee.Kernel.chebyshev(3), CHEBYSHEV.format(0, 1), 0),
    (lambda: ee.Kernel.chebyshev(3).add(ee.Kernel.square(1, "pixels", False, 100)), CHEBYSHEV.format(100, 101), 0),
    (lambda: ee.Kernel.manhattan(3), MANHATTAN, 0),
    (lambda: ee.Kernel.euclidean(3), "4.242 3.605 3.162 3 3.162 3.605 4.242", 1e-3),
    (lambda: ee.Kernel.circle(3), "0 0 0 .034 0 0 0|0 .034 .034 .034 .034 .034 0|0 .034 .034 .034 .034 .034 0", 1e-3),
    (lambda: ee.Kernel.cross(3), ".076 0 0 0 0 0 .076|0 .076 0 0 0 .076 0|0 0 .076 0 .076 0 0|0 0 0 .076 0 0 0", 1e-3),
    (lambda: ee.Kernel.diamond(3), "0 0 0 .04 0 0 0|0 0 .04 .04 .04 0 0|0 .04 .04 .04 .04 .04 0", 1e-12),
    (lambda: ee.Kernel.octagon(3), "0 0 .027 .027 .027 0 0|0 .027 .027 .027 .027 .027 0", 1e-3),
    (lambda: ee.Kernel.plus(3), PLUS, 1e-3),
    (lambda: ee.Kernel.square(3), ".02 .02 .02 .02 .02 .02 .02", 1e-2),
    (lambda: ee.Kernel.rectangle(2, 1), ".066 .066 .066 .066 .066|.066 .066 .066 .066 .066", 1e-3),
    (lambda: ee.Kernel.fixed(7, 3, [[4, 3, 2, 1, 2, 3, 4]] * 3), "4 3 2 1 2 3 4|4 3 2 1 2 3 4|4 3 2 1 2 3 4", 0),
    (ee.Kernel.compass, "1 1 -1|1 -2 -1|1 1 -1", 0),
    (ee.Kernel.kirsch, "5 -3 -3|5 0 -3|5 -3 -3", 0),
    (ee.Kernel.laplacian4, "0 1 0|1 -4 1|0 1 0", 0),
    (ee.Kernel.laplacian8, "1 1 1|1 -8 1|1 1 1", 0),
    (ee.Kernel.prewitt, "1 0 -1|1 0 -1|1 0 -1", 0),
    (ee.Kernel.roberts, "1 0|0 -1", 0),
    (ee.Kernel.sobel, "-1 0 1|-2 0 2|-1 0 1", 0),
    (lambda: ee.Kernel.sobel().inverse(), "-1 0 1|-.5 0 .5|-1 0 1", 0),
    (lambda: ee.Kernel.sobel().rotate(1), "-1 -2 -1|0 0 0|1 2 1", 0),
    (lambda: ee.Kernel.sobel().rotate(-2), "1 0 -1|2 0 -2|1 0 -1", 0),
]


@pytest.mark.parametrize("number", range(len(KERNELS)))
def test_the_weights_of_kernels(number: int) -> None:
    kernel, expected, precision = KERNELS[number]
    shown, first = weights(kernel()), rows(expected)
    assert len(shown) >= len(first)
    for row, one in zip(shown, first, strict=False):
        assert row == pytest.approx(one, rel=1e-12, abs=precision)


def test_a_kernel_is_printed_with_its_centre_and_arguments() -> None:
    assert {name: value for name, value in ee.Kernel.gaussian(3).getInfo().items() if name != "weights"} == {
        "type": "Kernel.gaussian",  # eerepr
        "radius": 3,
        "center": [3, 3],
    }
    assert ee.Kernel.fixed(7, 3, [[4, 3, 2, 1, 2, 3, 4]] * 3).getInfo()["center"] == [3, 1]
    assert ee.Kernel.roberts().getInfo()["center"] == [1, 1]  # said in its example


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: ee.Kernel.circle(30, "meters"), "depend on the scale of the pixels"),
    (lambda: ee.Kernel.circle(1.5), "a fraction of a pixel are not documented"),
    (lambda: ee.Kernel.laplacian4(normalize=True), "sum up to 0"),
    (lambda: ee.Filter.Or("a < 1", "b > 2"), "The result holds Filter, which cannot be shown"),
    (lambda: ee.ConfusionMatrix([[1, 0], [0, 1]]), "must be an Array, not: List"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_cannot_be_printed(number: int) -> None:
    expression, message = REFUSED[number]
    with pytest.raises(ee.EEException, match=message):
        expression().getInfo()


def test_kernels_within_kernels_end() -> None:
    kernel = ee.Kernel.sobel()
    for _ in range(70):
        kernel = kernel.rotate(1)
    with pytest.raises(ee.EEException, match="more than 64 levels"):
        kernel.getInfo()
    kernel = ee.Kernel.sobel()
    for _ in range(40):
        kernel = kernel.add(kernel)
    with pytest.raises(ee.EEException, match="too large"):
        kernel.getInfo()
