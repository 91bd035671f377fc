"""getInfo() of what users chain with Google's official client: filters, collections, images, texts, geometries.

Values are worked out by hand from four features, from the catalog's file in plain Python, or are those in the examples
of Earth Engine's documentation (google/earthengine-community, samples/python/apidocs).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import ERA5, L8, MODIS
from official_world import PALO_ALTO, ROWS, SCENE, check, feature, four, l8, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from official_world import Rows

pytestmark = pytest.mark.usefixtures("official_emulator")

INDEXES = [row["id"].rpartition("/")[2] for row in rows(L8)]
ROW = next(row for row in ROWS if row["id"] == SCENE)
BANDS = [band["id"] for band in ROW["bands"]]


def started(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["startTime"].replace("Z", "+00:00")).astimezone(timezone.utc)


FILTERS: list[tuple[str, Callable[[], Any], Callable[[dict[str, Any]], bool]]] = [
    (
        L8,
        lambda: ee.Filter.Or(ee.Filter.lt("CLOUD_COVER", 5), ee.Filter.gt("CLOUD_COVER", 90)),
        lambda row: not 5 <= row["properties"]["CLOUD_COVER"] <= 90,
    ),
    (
        L8,
        lambda: ee.Filter.And(ee.Filter.eq("WRS_PATH", 44), ee.Filter.lte("CLOUD_COVER", 50)),
        lambda row: row["properties"]["WRS_PATH"] == 44 and row["properties"]["CLOUD_COVER"] <= 50,
    ),
    (
        L8,
        lambda: ee.Filter.Not(ee.Filter.inList("WRS_PATH", [43, 44])),
        lambda row: row["properties"]["WRS_PATH"] not in (43, 44),
    ),
    (
        L8,
        lambda: ee.Filter.rangeContains("CLOUD_COVER", 10, 60),
        lambda row: 10 <= row["properties"]["CLOUD_COVER"] <= 60,
    ),
    (L8, lambda: ee.Filter.stringContains("LANDSAT_PRODUCT_ID", "_044034_"), lambda row: "_044034_" in row["id"]),
    (L8, lambda: ee.Filter.stringEndsWith("system:index", "0122"), lambda row: row["id"].endswith("0122")),
    (L8, lambda: ee.Filter.eq("WRS_ROW", "34"), lambda _: False),  # a text is no number
    (L8, lambda: ee.Filter.notNull(["NO_SUCH"]), lambda _: False),
    (
        L8,
        lambda: ee.Filter.greaterThan(leftField="CLOUD_COVER_LAND", rightField="CLOUD_COVER"),
        lambda row: row["properties"]["CLOUD_COVER_LAND"] > row["properties"]["CLOUD_COVER"],
    ),
    (MODIS, lambda: ee.Filter.calendarRange(11, 2, "month"), lambda row: started(row).month in (11, 12, 1, 2)),
    (MODIS, lambda: ee.Filter.calendarRange(2023, 2023, "year"), lambda row: started(row).year == 2023),
    (ERA5, lambda: ee.Filter.calendarRange(1, field="day_of_week"), lambda row: started(row).isoweekday() == 1),
    (ERA5, lambda: ee.Filter.dayOfYear(10, 40), lambda row: 10 <= started(row).timetuple().tm_yday <= 40),
    (
        ERA5,
        lambda: ee.Filter.date("2023-01-10", "2023-02-01"),
        lambda row: "2023-01-10" <= row["startTime"] < "2023-02-01",
    ),
    (L8, lambda: ee.Filter.bounds(ee.Geometry.Point(PALO_ALTO)), lambda row: row["properties"]["WRS_PATH"] == 44),
]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_filters(number: int) -> None:
    collection, made, passes = FILTERS[number]
    found = ee.ImageCollection(collection).filter(made()).aggregate_array("system:index").getInfo()
    assert found == [row["id"].rpartition("/")[2] for row in rows(collection) if passes(row)]


def clearest(count: int) -> list[str]:
    return [row["id"] for row in sorted(rows(L8), key=lambda row: row["properties"]["CLOUD_COVER"])[:count]]


COLLECTIONS: Rows = [
    (lambda: l8().iterate(lambda _, count: ee.Number(count).add(1), 0), len(INDEXES)),
    (
        lambda: ee.List(l8().iterate(lambda image, names: ee.List(names).add(ee.Image(image).id()), [])).slice(0, 3),
        INDEXES[:3],
    ),
    (
        lambda: l8().toList(3, 2).map(lambda image: ee.Image(image).get("WRS_PATH")),
        [row["properties"]["WRS_PATH"] for row in rows(L8)[2:5]],
    ),
    (lambda: l8().distinct("WRS_PATH").size(), len({row["properties"]["WRS_PATH"] for row in rows(L8)})),
    (lambda: l8().sort("CLOUD_COVER").limit(3).aggregate_array("system:id"), clearest(3)),
    (lambda: ee.Image(l8().sort("CLOUD_COVER").first()).get("system:id"), clearest(1)[0]),
    (lambda: l8().limit(2, "system:time_start", False).size(), 2),
    (lambda: l8().map(lambda image: image.set("n", 1)).aggregate_sum("n"), len(INDEXES)),
    (lambda: l8().select("SR_B[1-3]").first().bandNames(), ["SR_B1", "SR_B2", "SR_B3"]),
    (lambda: l8().merge(l8()).size(), 2 * len(INDEXES)),
    (
        lambda: l8().limit(1).merge(l8().limit(1)).aggregate_array("system:index"),
        [f"1_{INDEXES[0]}", f"2_{INDEXES[0]}"],
    ),
    (lambda: ee.ImageCollection([ee.Image(1), ee.Image(2)]).toBands().bandNames(), ["0_constant", "1_constant"]),
    (lambda: four().first(), feature(0)),
    (lambda: four().toList(1, 1), [feature(1)]),
    (lambda: four().sort("n", False).limit(2).aggregate_array("n"), [3, 2]),
    (lambda: four().filter(ee.Filter.eq("k", "a").Not()).aggregate_array("n"), [1, 3]),
    (lambda: four().filter("n > 0 and k == 'a'").size(), 1),
    (lambda: four().filterBounds(ee.Geometry.Rectangle(-0.5, -0.5, 1.5, 0.5)).aggregate_array("n"), [0, 1]),
    (lambda: four().map(lambda one: one.set("s", ee.Number(one.get("n")).multiply(2))).aggregate_sum("s"), 12),
    (lambda: four().map(lambda one: one.buffer(10).centroid()).size(), 4),
    (lambda: four().remap(["a"], [0], "k").aggregate_array("n"), [0, 2]),
    (lambda: four().merge(four()).aggregate_array("system:index"), [f"{one}_{n}" for one in "12" for n in range(4)]),
    (lambda: ee.FeatureCollection([four(), four()]).flatten().size(), 8),
    (lambda: four().distinct("k").aggregate_array("n"), [0, 1]),
    (lambda: four().select(["n"]).first().propertyNames(), ["n", "system:index"]),
    (lambda: four().first().toDictionary(), {"k": "a", "n": 0, "w": 0}),
    (lambda: four().first().get("k"), "a"),
    (lambda: ee.Feature(four().toList(4).get(-1)).geometry().coordinates(), [3, 0]),
    (lambda: ee.Feature(ee.Geometry.Point(0, 0)).set({"a": 1}).setMulti({"b": 2}).toDictionary(), {"a": 1, "b": 2}),
]

IMAGES: Rows = [
    (lambda: ee.Image(SCENE).bandNames(), BANDS),
    (lambda: ee.Image(SCENE).select("SR_B.").bandNames(), [band for band in BANDS if band.startswith("SR_B")]),
    (
        lambda: ee.Image(SCENE).bandNames().map(lambda name: ee.String(name).toLowerCase()),
        [band.lower() for band in BANDS],
    ),
    (lambda: ee.Image(SCENE).toDictionary(["WRS_PATH", "WRS_ROW"]), {"WRS_PATH": 44, "WRS_ROW": 34}),
    (lambda: ee.Image(SCENE).getNumber("CLOUD_COVER"), ROW["properties"]["CLOUD_COVER"]),
    (lambda: ee.Image(SCENE).getString("SPACECRAFT_ID"), "LANDSAT_8"),
    (lambda: ee.Image(SCENE).date().get("day"), 22),
    (lambda: ee.Date(ee.Image(SCENE).get("system:time_start")).format("YYYY-MM-dd"), ROW["startTime"][:10]),
    (lambda: ee.Image(SCENE).propertyNames().contains("CLOUD_COVER"), True),
    (
        lambda: ee.Image(SCENE).propertyNames().removeAll(sorted(ROW["properties"])).sort(),
        # The system's own; which there are is in geetools' snapshots.
        [
            "system:asset_size",
            "system:band_names",
            "system:bands",
            "system:footprint",
            "system:id",
            "system:index",
            "system:time_start",
            "system:version",
        ],
    ),
    (lambda: ee.Image(SCENE).geometry().type(), ROW["geometry"]["type"]),
    (
        lambda: ee.Image(SCENE).select("SR_B4").bandTypes(),
        {"SR_B4": {"type": "PixelType", "precision": "int", "min": 0, "max": 65535}},
    ),
    (lambda: ee.Image([1, 2]).rename(["a", "b"]).addBands(ee.Image(3)).bandNames(), ["a", "b", "constant"]),
    (lambda: ee.Image(SCENE).normalizedDifference(["SR_B5", "SR_B4"]).bandNames(), ["nd"]),
    (lambda: ee.Image(SCENE).expression("b('SR_B5') - b('SR_B4')").bandNames().size(), 1),
    (lambda: ee.Image(SCENE).metadata("CLOUD_COVER").bandNames(), ["CLOUD_COVER"]),
    (lambda: ee.Image(SCENE).get("NO_SUCH"), None),
    # The example of Image.nominalScale in the guide to projections: a degree of the equator.
    (lambda: ee.Image(1).projection().nominalScale(), pytest.approx(111319.49079327357)),
]

TEXTS: Rows = [
    # The examples of ee.String, ee.Dictionary, ee.Number and ee.List.
    (lambda: ee.String("ABCabc123").match("AB", "ig"), ["AB", "ab"]),
    (lambda: ee.String("aBc-Abc").replace("abc", "Z", "ig"), "Z-Z"),
    (lambda: ee.String("aBAbcD").split("[bc]", "i"), ["a", "A", "", "D"]),
    (lambda: ee.String("abcdefghijklmnopqrstuvwxyz").slice(-4, 25), "wxy"),
    (lambda: ee.String("aBc-Abc").rindex("A"), 4),
    (lambda: ee.String("b").compareTo("a"), 1),
    (lambda: ee.String("\t\n\r abc\t\n\r ").trim(), "abc"),
    (lambda: ee.String.encodeJSON({"lc_name": "grassland", "lc_class": 3}), '{"lc_class":3,"lc_name":"grassland"}'),
    (lambda: ee.Dictionary(ee.String('{"a": "abc", "b": 1}').decodeJSON()).get("a"), "abc"),
    (lambda: ee.Number(1.23476).format("%.3f"), "1.235"),
    (lambda: ee.Number(1).format("%03d"), "001"),
    (lambda: ee.Dictionary(["B1", 182, "B2", 219]).keys(), ["B1", "B2"]),
    (lambda: ee.Dictionary({"B1": 182, "B2": 219}).values(["B2"]), [219]),
    (lambda: ee.Dictionary({"B1": 182}).get("Band_1", -9999), -9999),
    (lambda: ee.Dictionary({"B1": 182}).combine({"B1": -1, "x": "y"}, False), {"B1": 182, "x": "y"}),
    (lambda: ee.Dictionary({"B1": 1, "B2": 2}).map(lambda _, value: ee.Number(value).add(1)), {"B1": 2, "B2": 3}),
    (lambda: ee.Dictionary({"B1": 1, "B2": 2, "C": 3}).select(["B[1-2]"]), {"B1": 1, "B2": 2}),
    (lambda: ee.Dictionary({"B1": 1, "B2": 2}).rename(["B2"], ["b"]), {"B1": 1, "b": 2}),
    (lambda: ee.Dictionary({"B1": 1, "B2": 2}).toArray(), [1, 2]),
    (lambda: ee.Dictionary({"B1": 1, "B2": 2}).toImage().bandNames(), ["B1", "B2"]),
    (lambda: ee.List([1, 2, 3]).zip(["a", "b", "c"]), [[1, "a"], [2, "b"], [3, "c"]]),
    (
        lambda: ee.List.sequence(1, 3).iterate(
            lambda _, found: ee.List(found).add(ee.Number(ee.List(found).get(-1)).divide(2)), [1000]
        ),
        [1000, 500, 250, 125],
    ),
    (lambda: ee.Algorithms.If(ee.List([]), "yes", "no"), "no"),
    (lambda: ee.Algorithms.If(ee.String("x").equals("x"), ee.Dictionary({"a": 1}), None), {"a": 1}),
    (lambda: ee.Algorithms.ObjectType(ee.Number(1)), "Integer"),
    (lambda: ee.Algorithms.IsEqual([1, "a"], [1, "a"]), True),
]


def square() -> Any:
    return ee.Geometry.Polygon([[0, 0], [1, 0], [1, 1], [0, 1]])


PLANAR = {"type": "Polygon", "geodesic": False}
GEOMETRIES: Rows = [
    # GeographicLib's Planimeter for the square: 12308778361.469 m² and 443770.917248 m; half its side is 0.5 degrees.
    (lambda: square().area(1), pytest.approx(12308778361.469, rel=1e-6)),
    (lambda: square().perimeter(1), pytest.approx(443770.917248, rel=1e-9)),
    (lambda: ee.Feature(square(), {}).area(1), pytest.approx(12308778361.469, rel=1e-6)),
    # A circle of 1 km, within one percent (docs/emulator.md).
    (lambda: ee.Geometry.Point(0, 0).buffer(1000).area(1), pytest.approx(3.14159e6, rel=0.01)),
    (lambda: ee.Geometry.Point(0, 0).distance(ee.Geometry.Point(1, 0)), pytest.approx(111319.49079, rel=1e-6)),
    (
        lambda: ee.Geometry.Rectangle([0, 0, 2, 1], None, False).intersection(ee.Geometry.BBox(1, 0, 3, 3), 1).bounds(),
        {**PLANAR, "coordinates": [[[1, 0], [2, 0], [2, 1], [1, 1], [1, 0]]]},
    ),
    (
        lambda: ee.Geometry.LineString([[0, 0], [2, 1]]).bounds(),
        {**PLANAR, "coordinates": [[[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]]},
    ),
    (lambda: ee.Geometry.MultiPoint([[0, 0], [2, 0]]).centroid(1).coordinates().get(0), pytest.approx(1)),
    (lambda: square().contains(ee.Geometry.Point(0.5, 0.5), 1), True),
    (lambda: square().disjoint(ee.Geometry.Point(0.5, 0.5), 1), False),
    (lambda: square().coordinates().get(0), [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]),
    (lambda: square().simplify(maxError=100).coordinates(), [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]),
    (lambda: square().simplify(ee.ErrorMargin(100)).type(), "Polygon"),
    (lambda: square().isUnbounded(), False),
    (lambda: square().difference(square(), 1), {"type": "GeometryCollection", "geometries": []}),
    (lambda: ee.Geometry.BBox(0, 0, 1, 1).edgesAreGeodesics(), False),
    (lambda: ee.Geometry.MultiPoint([[0, 0], [2, 0]]).geometries().size(), 2),
]


@pytest.mark.parametrize(
    ("table", "number"),
    [(table, number) for table in (COLLECTIONS, IMAGES, TEXTS, GEOMETRIES) for number in range(len(table))],
)
def test_chains(table: Rows, number: int) -> None:
    check(table, number)
