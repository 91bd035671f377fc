"""getInfo() of what users compute with Google's official client: statistics, joins, dates, texts, chains, geometries.

Values are worked out by hand from four features, from the catalog's file in plain Python, or are those in the examples
of Earth Engine's documentation (google/earthengine-community, samples/python/apidocs).
"""

from __future__ import annotations

from datetime import datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import L8
from official_world import check, feature, four, l8, rows

if TYPE_CHECKING:
    from official_world import Rows

pytestmark = pytest.mark.usefixtures("official_emulator")

CLOUDS = [row["properties"]["CLOUD_COVER"] for row in rows(L8)]
INDEXES = [row["id"].rpartition("/")[2] for row in rows(L8)]

# n is 0, 1, 2, 3: mean 1.5, squares 14, variance 14 / 4 - 1.5² = 1.25, and 4 / 3 of that for a sample.
STATISTICS: Rows = [
    (lambda: four().aggregate_array("k"), ["a", "b", "a", "b"]),
    (lambda: four().aggregate_histogram("k"), {"a": 2, "b": 2}),
    (lambda: four().aggregate_count_distinct("k"), 2),
    (lambda: four().aggregate_first("w"), 0),
    (lambda: four().aggregate_product("n"), 0),
    (lambda: four().aggregate_total_var("n"), 1.25),
    (lambda: four().aggregate_sample_var("n"), pytest.approx(5 / 3)),
    (lambda: l8().aggregate_array("CLOUD_COVER"), CLOUDS),
    (lambda: l8().aggregate_mean("CLOUD_COVER"), pytest.approx(fmean(CLOUDS))),
    (lambda: l8().aggregate_max("CLOUD_COVER"), max(CLOUDS)),
    (lambda: l8().aggregate_min("system:index"), INDEXES[0]),
    (lambda: four().reduceColumns(ee.Reducer.mean(), ["n"]), {"mean": 1.5}),
    (lambda: four().reduceColumns(ee.Reducer.mean().repeat(2), ["n", "w"]), {"mean": [1.5, 0.75]}),
    (lambda: four().reduceColumns(ee.Reducer.sum(), ["n"], ["w"]), {"sum": 7}),  # 1 * .5 + 2 * 1 + 3 * 1.5
    (
        lambda: four().reduceColumns(ee.Reducer.sum().group(1, "k"), ["n", "k"]),
        {"groups": [{"k": "a", "sum": 2}, {"k": "b", "sum": 4}]},
    ),
    (lambda: four().reduceColumns(ee.Reducer.toList(2), ["n", "k"]).get("list"), [[n, "abab"[n]] for n in range(4)]),
    (
        lambda: l8().reduceColumns(ee.Reducer.toList(2), ["system:index", "CLOUD_COVER"]).get("list"),
        [list(pair) for pair in zip(INDEXES, CLOUDS, strict=True)],
    ),
    (lambda: four().reduceColumns(ee.Reducer.frequencyHistogram(), ["k"]).get("histogram"), {"a": 2, "b": 2}),
    (
        lambda: ee.List([1, 2, 3, 4]).reduce(ee.Reducer.mean().combine(ee.Reducer.minMax(), sharedInputs=True)),
        {"max": 4, "mean": 2.5, "min": 1},
    ),
    (lambda: ee.List([1, None, 3]).reduce(ee.Reducer.count()), 2),
    (lambda: ee.List([[0, 1], [1, 3], [2, 5]]).reduce(ee.Reducer.linearFit()), {"offset": 1, "scale": 2}),
    (lambda: ee.Number(ee.List([3, 1, 2]).reduce(ee.Reducer.median())).add(1), 3),
    # The examples of Array.reduce and Array.accum, and of ee.Reducer.count.
    (lambda: ee.Array([[1, 0, 3], [1, 2, 3]]).reduce(ee.Reducer.count(), [0]), [[2, 2, 2]]),
    (lambda: ee.Array([[1, 0, 3], [1, 2, 3]]).reduce(ee.Reducer.count(), [1]), [[3], [3]]),
    (lambda: ee.Array([[1, 0, 3], [1, 2, 3]]).reduce(ee.Reducer.count(), [1, 0]), [[6]]),
    (lambda: ee.Array([2, -2, 3, 1]).accum(0, ee.Reducer.mean()), [2, 0, 1, 1]),
    (lambda: ee.Array([[1, 3], [5, 7]]).accum(1), [[1, 4], [5, 12]]),
    (lambda: ee.Array([2, -2, 3]).accum(0, ee.Reducer.product()), [2, -4, -12]),
    # "The axis must have length equal to the number of reducer inputs, and in the result ... outputs."
    (lambda: ee.Array([[1], [4], [3]]).reduce(ee.Reducer.minMax(), [0], 1), [[1, 4]]),
    (lambda: ee.Array([[0, 1], [1, 3], [2, 5]]).reduce(ee.Reducer.linearFit(), [0], 1), [[2, 1]]),
    # Matrices, by hand: of [[1, 2], [3, 4]] the determinant is -2.
    (lambda: ee.Array([[1, 2], [3, 4]]).matrixMultiply([[1], [10]]), [[21], [43]]),
    (lambda: ee.Array([[1, 2], [3, 4]]).matrixDeterminant(), pytest.approx(-2)),
    (lambda: ee.Array([[1, 2], [2, 4]]).matrixDeterminant(), 0),
    (lambda: ee.Array([[0, 2], [4, 0]]).matrixInverse(), [[0, 0.25], [0.5, 0]]),
    (lambda: ee.Array([[1, 2], [3, 4]]).matrixTrace(), 5),
    (lambda: ee.Array([[1, 2], [3, 4]]).matrixDiagonal(), [[1], [4]]),
    (lambda: ee.Array([[1], [4]]).matrixToDiag(), [[1, 0], [0, 4]]),
    (lambda: ee.Array([[3, 0], [0, 4]]).matrixFnorm(), 5),
    (lambda: ee.Array([[2, 0], [0, 4]]).matrixSolve([[2], [2]]), [[1], [0.5]]),
    # A line through (0, 1), (1, 3), (2, 5): three equations, two unknowns.
    (lambda: ee.Array([[1, 0], [1, 1], [1, 2]]).matrixSolve([[1], [3], [5]]).get([1, 0]), pytest.approx(2)),
    (lambda: ee.Array([3, 1, 2]).sort(), [1, 2, 3]),
    (lambda: ee.Array([[3, 1, 2], [6, 4, 5]]).sort([[3, 1, 2]]), [[1, 2, 3], [4, 5, 6]]),
    # The examples of Array.mask.
    (lambda: ee.Array([0, 1, 2, 3]).mask([0, 4, -1, 1.2]), [1, 2, 3]),
    (lambda: ee.Array([[1, 2, 3, 4]]).mask([[1, 0, 1, 1]]), [[1, 3, 4]]),
    (lambda: ee.Array([[1], [2], [3], [4]]).mask([[1], [0], [1], [1]]), [[1], [3], [4]]),
    (lambda: ee.Array([[1, 2, 3, 4]]).mask([[0, 0, 0, 0]]), [[]]),
]


def same(left: str, right: str = "") -> Any:
    return ee.Filter.equals(leftField=left, rightField=right or left)


def with_odd() -> Any:
    return four().map(lambda one: one.set("odd", ee.Number(one.get("n")).mod(2)))


JOINS: Rows = [
    (
        lambda: ee.Join.inner().apply(four(), four(), same("n", "w")).first(),
        {
            "type": "Feature",
            "geometry": None,
            "id": "0_0",
            "properties": {"primary": feature(0), "secondary": feature(0)},
        },
    ),
    # n = w are 0 and 0, 1 and 2 times a half.
    (
        lambda: (
            ee.Join.inner("one", "other")
            .apply(four(), four(), same("n", "w"))
            .map(lambda pair: ee.Feature(pair.get("one")).set("other", ee.Feature(pair.get("other")).get("n")))
            .aggregate_array("other")
        ),
        [0, 2],
    ),
    (
        lambda: ee.List(ee.Join.saveAll("same", "n", False).apply(four(), four(), same("k")).first().get("same")),
        [feature(2), feature(0)],
    ),
    (
        lambda: (
            ee.Join.saveBest("best", "far")
            .apply(four(), four().filter("n > 1"), ee.Filter.maxDifference(10, "n", None, "n"))
            .first()
            .get("best")
        ),
        {**feature(2), "properties": {**feature(2)["properties"], "far": 2}},
    ),
    (lambda: ee.Join.saveFirst("f").apply(four(), four(), same("k")).aggregate_count("f"), 4),
    (lambda: ee.Join.simple().apply(four(), four().filter("n < 2"), same("n", "w")).size(), 1),
    (
        lambda: ee.Join.inverted().apply(four(), four().filter("n < 3"), same("n")),
        {
            "type": "FeatureCollection",
            "columns": {"k": "String", "n": "Integer", "system:index": "String", "w": "Float"},
            "features": [feature(3)],
        },
    ),
    (
        lambda: (
            ee.ImageCollection(ee.Join.saveAll("others").apply(l8(), l8(), same("WRS_PATH")))
            .map(lambda image: image.set("count", ee.List(image.get("others")).size()))
            .aggregate_array("count")
        ),
        [
            sum(other["properties"]["WRS_PATH"] == row["properties"]["WRS_PATH"] for other in rows(L8))
            for row in rows(L8)
        ],
    ),
]


# The matrix in the examples of ee.ConfusionMatrix; a column of it is predicted, a row actual.
COUNTS = [
    [32, 0, 0, 0, 1, 0],
    [0, 5, 0, 0, 1, 0],
    [0, 0, 1, 3, 0, 0],
    [0, 1, 4, 26, 8, 0],
    [0, 0, 0, 7, 15, 0],
    [0, 0, 0, 1, 0, 5],
]
ACTUAL = [sum(row) for row in COUNTS]
PREDICTED = [sum(column) for column in zip(*COUNTS, strict=True)]
TOTAL = sum(ACTUAL)
CHANCE = sum(one * other for one, other in zip(ACTUAL, PREDICTED, strict=True)) / TOTAL**2
RIGHT = [COUNTS[place][place] for place in range(6)]


def matrix(order: list[int] | None = None) -> Any:
    return ee.ConfusionMatrix(ee.Array(COUNTS), order)


MATRICES: Rows = [
    (matrix, COUNTS),
    (lambda: matrix().array(), COUNTS),
    (lambda: matrix().order(), [0, 1, 2, 3, 4, 5]),
    (lambda: matrix([11, 22, 42, 52, 71, 81]).order(), [11, 22, 42, 52, 71, 81]),
    (lambda: matrix().accuracy(), pytest.approx(84 / 110)),
    # Cohen's kappa.
    (lambda: matrix().kappa(), pytest.approx((84 / 110 - CHANCE) / (1 - CHANCE))),
    # Public programs read producersAccuracy()[i][0] and consumersAccuracy()[0][i].
    (lambda: matrix().producersAccuracy().project([0]).get([3]), pytest.approx(26 / 39)),
    (lambda: matrix().consumersAccuracy().project([1]).get([3]), pytest.approx(26 / 37)),
    # Two of the harmonic mean: 2 x right / (actual + predicted).
    (lambda: matrix().fscore().get([3]), pytest.approx(2 * 26 / (39 + 37))),
    (lambda: matrix().fscore(2).get([3]), pytest.approx(5 * 26 / (4 * 39 + 37))),
    # Rows are n % 2, columns n: "the matrix will have dimensions and order matching this list".
    (
        lambda: with_odd().errorMatrix("odd", "n"),
        [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
    ),
    (
        lambda: with_odd().errorMatrix("odd", "n", [1, 0]),
        [[1, 0], [0, 1]],
    ),
    (lambda: four().errorMatrix("n", "n").accuracy(), 1),
]

DATES: Rows = [
    # The examples of ee.Date and its functions.
    (lambda: ee.Date("2020", "US/Mountain").format(), "2020-01-01T07:00:00"),
    (lambda: ee.Date("2017-6-24T00:14:46").format(), "2017-06-24T00:14:46"),
    (lambda: ee.Date("2020-08-18").format(None, "America/Los_Angeles"), "2020-08-17T17:00:00"),
    (lambda: ee.Date("1975-07-23T21:13:59").format("xxxx ww yy DDD e EEEE"), "1975 30 75 204 3 Wednesday"),
    (lambda: ee.Date("2020-01-15").difference(ee.Date("2020-01-01"), "days"), 14),
    (lambda: ee.Date("2020-01-01").difference(ee.Date("2020-01-15"), "weeks"), -2),
    (lambda: ee.Date("2021-4-30").getRelative("year", "month"), 0),  # "when unit is larger than inUnit"
    (lambda: ee.Date("2021-4-30").getRelative("day", "year"), 31 + 28 + 31 + 29),
    (lambda: ee.Date.unitRatio("day", "minute"), 1440),
    (lambda: ee.Date.parse("MM/dd/YY", "4/30/21").format("YYYY-MM-dd"), "2021-04-30"),
    (lambda: ee.Date.fromYMD(2021, 4, 30, "America/Los_Angeles").format(), "2021-04-30T07:00:00"),
    (lambda: ee.Date("2020-01-01").advance(1, "week").advance(-1, "second").format(), "2020-01-07T23:59:59"),
    (lambda: ee.Date(datetime(2020, 1, 1)), {"type": "Date", "value": 1577836800000}),
    (lambda: ee.Date("2021-04-30T07:15:31").getRange("month").start().format("YYYY-MM-dd"), "2021-04-01"),
    (lambda: ee.Date("2021-04-30T07:15:31").getRange("month").end().format("YYYY-MM-dd"), "2021-05-01"),
    (lambda: ee.DateRange("2017-06-24", "2017-07-24").contains(ee.DateRange("2017-06-30", "2017-07-10")), True),
    (lambda: ee.DateRange("2017-06-24", "2017-07-24").intersects(ee.DateRange("1970-06-24", "1971-07-24")), False),
    (lambda: ee.DateRange("2017-07-24", "2017-06-24").isEmpty(), True),
]


@pytest.mark.parametrize(
    ("table", "number"),
    [(table, number) for table in (STATISTICS, JOINS, MATRICES, DATES) for number in range(len(table))],
)
def test_computations(table: Rows, number: int) -> None:
    check(table, number)


def test_all_accuracies_of_a_matrix() -> None:
    pairs = matrix().producersAccuracy().getInfo()
    assert pairs == [[pytest.approx(right / all_)] for right, all_ in zip(RIGHT, ACTUAL, strict=True)]
    (row,) = matrix().consumersAccuracy().getInfo()
    assert row == pytest.approx([right / all_ for right, all_ in zip(RIGHT, PREDICTED, strict=True)])


def test_aggregate_stats() -> None:
    """The keys are those in the example of aggregate_stats; every value weighs 1."""
    assert four().aggregate_stats("n").getInfo() == pytest.approx(
        {
            "max": 3,
            "mean": 1.5,
            "min": 0,
            "sample_sd": (5 / 3) ** 0.5,
            "sample_var": 5 / 3,
            "sum": 6,
            "sum_sq": 14,
            "total_count": 4,
            "total_sd": 1.25**0.5,
            "total_var": 1.25,
            "valid_count": 4,
            "weight_sum": 4,
            "weighted_sum": 6,
        }
    )
