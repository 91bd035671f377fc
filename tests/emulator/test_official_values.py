"""getInfo() of Google's official client: the forms in which values are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ee
import pytest
from emulator_graphs import L8
from official_world import CLEAR, ROWS, SCENE, check, l8, rows

if TYPE_CHECKING:
    from official_world import Rows

pytestmark = pytest.mark.usefixtures("official_emulator")

# What getInfo gives: the expression, and the value worked out by hand or from the catalog's file.
VALUES: Rows = [
    (lambda: l8().size(), len(rows(L8))),
    (lambda: l8().filter(ee.Filter.lt("CLOUD_COVER", 20)).size(), len(CLEAR)),
    (lambda: l8().first().get("system:index"), rows(L8)[0]["id"].rpartition("/")[2]),
    (lambda: l8().first().id(), rows(L8)[0]["id"].rpartition("/")[2]),
    (lambda: l8().first().bandNames(), [band["id"] for band in rows(L8)[0]["bands"]]),
    (lambda: l8().first().get("CLOUD_COVER"), rows(L8)[0]["properties"]["CLOUD_COVER"]),
    (lambda: l8().first().get("no such property"), None),
    (lambda: l8().filter(ee.Filter.eq("WRS_PATH", -1)).first(), None),
    (lambda: ee.Image(SCENE).date().format("YYYY-MM-dd"), "2023-01-22"),
    (lambda: ee.Number(1).add(2), 3),
    (lambda: ee.Number(7).divide(2), 3.5),
    (lambda: ee.Number(6).divide(2), 3),
    (lambda: ee.Number(2**53 + 1), 2**53),  # the answer is a google.protobuf.Value, whose numbers are doubles
    (lambda: ee.Number(1e300), 1e300),
    (lambda: ee.String("a").cat('é✓"\\\n'), 'aé✓"\\\n'),
    (lambda: ee.List([1, "two", None, [3.5], {"a": True}]), [1, "two", None, [3.5], {"a": True}]),
    (lambda: ee.List.sequence(1, 10, 3), [1, 4, 7, 10]),
    (lambda: ee.List([1, 2, 3]).map(lambda n: ee.Number(n).multiply(2)), [2, 4, 6]),
    (lambda: ee.List([1, 2, 3]).get(-1), 3),
    (lambda: ee.Dictionary({"b": ee.Number(1).add(1), "a": [1]}), {"a": [1], "b": 2}),
    (lambda: ee.Date("2020-02-29"), {"type": "Date", "value": 1582934400000}),
    (lambda: ee.Date("2020-02-29").advance(1, "year").format("YYYY-MM-dd"), "2021-02-28"),
    (lambda: ee.Date("2020-02-29").millis(), 1582934400000),
    (
        lambda: ee.DateRange("2020-01-01", "2020-01-02"),
        {"type": "DateRange", "dates": [1577836800000, 1577923200000]},
    ),
    (lambda: ee.Algorithms.If(0, "yes", "no"), "no"),
    # Geometries: RFC 7946, and "geodesic": false where edges are straight, as in printouts of bounds().
    (lambda: ee.Geometry.Point(1, 2), {"type": "Point", "coordinates": [1, 2]}),
    (lambda: ee.Geometry.LineString([[0, 0], [1, 1]]), {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}),
    (
        lambda: ee.Geometry.Polygon([[0, 0], [1, 0], [1, 1]]),
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
    ),
    (
        lambda: ee.Geometry.Polygon([[0, 0], [1, 0], [1, 1], [0, 0]], None, False),
        {"geodesic": False, "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
    ),
    # The printout of a constant image in the documentation of ee.Image.
    (
        lambda: ee.Image(1),
        {
            "type": "Image",
            "bands": [
                {
                    "id": "constant",
                    "data_type": {"type": "PixelType", "precision": "int", "min": 1, "max": 1},
                    "crs": "EPSG:4326",
                    "crs_transform": [1, 0, 0, 0, 1, 0],
                }
            ],
        },
    ),
    (lambda: ee.Image(1.5).set("a", ee.Date(0)).toDictionary(), {"a": {"type": "Date", "value": 0}}),
    (
        lambda: ee.Feature(ee.Geometry.Point(1, 2), {"a": 1}),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"a": 1}},
    ),
    (lambda: ee.Feature(None, {}), {"type": "Feature", "geometry": None, "properties": {}}),
    # Answers of Earth Engine in eerepr's test data.
    (
        lambda: ee.Image(0).set("system:id", "foo"),
        {
            "type": "Image",
            "bands": [
                {
                    "id": "constant",
                    "data_type": {"type": "PixelType", "precision": "int", "min": 0, "max": 0},
                    "crs": "EPSG:4326",
                    "crs_transform": [1, 0, 0, 0, 1, 0],
                }
            ],
            "id": "foo",
        },
    ),
    (
        lambda: ee.ImageCollection([ee.Image(0).select([]), ee.Image(1).select([])]).set("test_prop", 42),
        {
            "type": "ImageCollection",
            "bands": [],
            "properties": {"test_prop": 42},
            "features": [
                {"type": "Image", "bands": [], "properties": {"system:index": "0"}},
                {"type": "Image", "bands": [], "properties": {"system:index": "1"}},
            ],
        },
    ),
    (
        lambda: ee.FeatureCollection([ee.Feature(ee.Geometry.Point(0, 0), {"foo": "bar"})]),
        {
            "type": "FeatureCollection",
            "columns": {"foo": "String", "system:index": "String"},
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [0, 0]},
                    "id": "0",
                    "properties": {"foo": "bar"},
                }
            ],
        },
    ),
    (lambda: ee.Date("2021-03-27T14:01:07"), {"type": "Date", "value": 1616853667000}),
    (
        lambda: ee.DateRange("2020-01-01T21:01:10", "2022-03-01T14:32:11"),
        {"type": "DateRange", "dates": [1577912470000, 1646145131000]},
    ),
    (lambda: ee.Geometry.MultiPoint([[1, 1], [2, 2]]), {"type": "MultiPoint", "coordinates": [[1, 1], [2, 2]]}),
    (
        lambda: ee.Geometry.LinearRing([[0, 0], [1, 1], [2, 2], [0, 0]]),
        {"type": "LinearRing", "coordinates": [[0, 0], [1, 1], [2, 2], [0, 0]]},
    ),
    (
        lambda: ee.Image(0).toInt64().get("system:bands"),
        {
            "constant": {
                "id": "constant",
                "data_type": {
                    "type": "PixelType",
                    "precision": "int",
                    "min": -9.223372036854776e18,
                    "max": 9.223372036854776e18,
                },
                "crs": "EPSG:4326",
                "crs_transform": [1, 0, 0, 0, 1, 0],
            }
        },
    ),
    (lambda: ee.ImageCollection("A/DESCRIBED").get("period"), 16),
    (
        lambda: ee.FeatureCollection([ee.Feature(None, {"DSM": 10})]),
        {
            "type": "FeatureCollection",
            "columns": {"DSM": "Integer", "system:index": "String"},
            "features": [{"type": "Feature", "geometry": None, "id": "0", "properties": {"DSM": 10}}],
        },
    ),
    (lambda: ee.FeatureCollection([]), {"type": "FeatureCollection", "columns": {}, "features": []}),
    (
        lambda: ee.FeatureCollection([ee.FeatureCollection([])]),
        {
            "type": "FeatureCollection",
            "columns": {},
            "features": [
                {"type": "FeatureCollection", "columns": {}, "properties": {"system:index": "0"}, "features": []}
            ],
        },
    ),
    # A collection inside of something else is printed without its elements, as observed.
    (lambda: ee.List([ee.FeatureCollection([])]), [{"type": "FeatureCollection", "columns": {}}]),
    (lambda: ee.Dictionary({"c": l8()}), {"c": {"type": "ImageCollection", "bands": [], "id": L8}}),
]


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_get_info(number: int) -> None:
    check(VALUES, number)


def test_an_image_is_printed_in_the_legacy_form() -> None:
    """The table in javascript/src/encodable.js of earthengine-api says where each field goes."""
    row = next(row for row in ROWS if row["id"] == SCENE)
    shown = ee.Image(SCENE).getInfo()
    assert list(shown) == ["type", "bands", "id", "version", "properties"]
    assert (shown["type"], shown["id"]) == ("Image", SCENE)
    assert isinstance(shown["version"], int)
    properties = dict(shown["properties"])
    assert {name: properties.pop(name) for name in row["properties"]} == row["properties"]
    assert properties.pop("system:index") == "LC08_044034_20230122"
    assert properties.pop("system:asset_size") == int(row["sizeBytes"])
    assert ee.Date(properties.pop("system:time_start")).format("YYYY-MM-dd").getInfo() == row["startTime"][:10]
    assert properties.pop("system:footprint")["type"] == row["geometry"]["type"]
    assert not properties
    assert [band["id"] for band in shown["bands"]] == [band["id"] for band in row["bands"]]
    band, message = shown["bands"][0], row["bands"][0]
    grid = message["grid"]
    affine = grid["affineTransform"]
    assert band == {
        "id": message["id"],
        "data_type": {"type": "PixelType", "precision": "int", "min": 0, "max": message["dataType"]["range"]["max"]},
        "dimensions": [grid["dimensions"]["width"], grid["dimensions"]["height"]],
        "crs": grid["crsCode"],
        "crs_transform": [affine["scaleX"], 0, affine["translateX"], 0, affine["scaleY"], affine["translateY"]],
    }


def test_a_computed_image_has_no_id() -> None:
    shown = ee.Image(SCENE).normalizedDifference(["SR_B5", "SR_B4"]).getInfo()
    assert list(shown) == ["type", "bands"]
    assert shown["bands"][0]["data_type"] == {"type": "PixelType", "precision": "float", "min": -1, "max": 1}


def test_collections_are_printed_with_what_they_were_loaded_from() -> None:
    shown = l8().filter(ee.Filter.lt("CLOUD_COVER", 20)).sort("CLOUD_COVER").limit(2).getInfo()
    assert list(shown) == ["type", "bands", "id", "features"]
    assert (shown["type"], shown["bands"], shown["id"]) == ("ImageCollection", [], L8)
    clearest = sorted(CLEAR, key=lambda row: row["properties"]["CLOUD_COVER"])[:2]
    assert [image["id"] for image in shown["features"]] == [row["id"] for row in clearest]
    assert all(image["type"] == "Image" for image in shown["features"])


def test_a_collection_that_is_an_asset_has_its_version_and_properties() -> None:
    shown = ee.ImageCollection("A/DESCRIBED").getInfo()
    assert shown["version"] == 1577836800_000001  # microseconds of updateTime
    assert shown["properties"] == {"period": 16}
    assert [image["id"] for image in shown["features"]] == ["A/DESCRIBED/1"]
    merged = ee.ImageCollection("A/DESCRIBED").merge(l8()).getInfo()
    assert merged.keys() == {"type", "bands", "features"}


def test_a_list_of_images() -> None:
    shown = l8().toList(2, 1).getInfo()
    assert [image["id"] for image in shown] == [row["id"] for row in rows(L8)[1:3]]
