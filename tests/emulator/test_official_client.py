"""Google's official Python client against a running emulator: unpatched, on a real socket, and with nobody else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import DATA, ERA5, L8, MODIS, S2
from google.protobuf import json_format

import eegrpc
from eegrpc.emulator import Catalog, Emulator
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = [json.loads(line) for line in (DATA / "catalog_sample.ndjson").read_text().splitlines()]
PALO_ALTO = (-122.1, 37.4)
SCENE = f"{L8}/LC08_044034_20230122"
DESCRIBED = {
    "type": "IMAGE_COLLECTION",
    "name": "projects/earthengine-public/assets/A/DESCRIBED",
    "id": "A/DESCRIBED",
    "updateTime": "2020-01-01T00:00:00.000001Z",
    "properties": {"period": 16},
}


def rows(collection: str) -> list[dict[str, Any]]:
    """The collection as the file has it, in the order of its index."""
    found = [row for row in ROWS if row["id"].rpartition("/")[0] == collection]
    return sorted(found, key=lambda row: row["id"])


@pytest.fixture(autouse=True, scope="module")
def only_loopback() -> Iterator[None]:
    """Nobody is connected to, or looked up, but this machine."""
    with pytest.MonkeyPatch.context() as patch:
        strangers: list[object] = []
        connect, look_up = socket.socket.connect, socket.getaddrinfo

        def checked_connect(self: socket.socket, address: Any) -> None:
            if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
                strangers.append(address)
                raise OSError(f"not this machine: {address}")
            connect(self, address)

        def checked_look_up(host: Any, *rest: Any, **named: Any) -> Any:
            if host not in (None, "127.0.0.1", "::1", "localhost"):
                strangers.append(host)
                raise socket.gaierror(f"not this machine: {host}")
            return look_up(host, *rest, **named)

        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket, "getaddrinfo", checked_look_up)
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield
        assert strangers == []


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    described = json_format.ParseDict(DESCRIBED, EarthEngineAsset())
    image = EarthEngineAsset(type="IMAGE", id="A/DESCRIBED/1")
    folder = EarthEngineAsset(type="FOLDER", name="projects/my-project/assets/empty")
    mine = EarthEngineAsset(type="IMAGE", name="projects/my-project/assets/folder/images/1")
    assets = [json_format.ParseDict(row, EarthEngineAsset()) for row in ROWS]
    with Emulator(Catalog([*assets, described, image, folder, mine])) as running:
        running.initialize_ee()
        yield running
    ee.Reset()


def l8() -> Any:
    return ee.ImageCollection(L8)


def s2() -> Any:
    return ee.ImageCollection(S2)


COLLECTIONS: dict[str, Callable[[], Any]] = {
    "load": l8,
    "filter_date": lambda: l8().filterDate("2023-01-01", "2023-03-01"),
    "filter_date_objects": lambda: l8().filterDate(ee.Date("2023-01-01"), ee.Date("2023-01-01").advance(2, "month")),
    "filter_date_range": lambda: l8().filterDate(ee.DateRange("2023-01-01", "2023-03-01")),
    "filter_bounds_point": lambda: s2().filterBounds(ee.Geometry.Point(*PALO_ALTO)),
    "filter_bounds_polygon": lambda: s2().filterBounds(ee.Geometry.Polygon([[-122, 37], [-121, 37], [-121, 38]])),
    "filter_bounds_bbox": lambda: s2().filterBounds(ee.Geometry.BBox(-122.2, 37.3, -122, 37.5)),
    "filter_bounds_feature": lambda: s2().filterBounds(ee.Feature(ee.Geometry.Point(*PALO_ALTO), {"a": 1})),
    "filter_bounds_features": lambda: s2().filterBounds(ee.FeatureCollection([ee.Geometry.Point(*PALO_ALTO)])),
    "filter_lt": lambda: l8().filter(ee.Filter.lt("CLOUD_COVER", 20)),
    "filter_gte": lambda: l8().filter(ee.Filter.gte("CLOUD_COVER", 20)),
    "filter_neq": lambda: l8().filter(ee.Filter.neq("WRS_PATH", 44)),
    "filter_text": lambda: l8().filter("CLOUD_COVER < 20 or WRS_PATH == 43"),
    "filter_metadata": lambda: l8().filterMetadata("CLOUD_COVER", "not_greater_than", 30),
    "filter_in_list": lambda: l8().filter(ee.Filter.inList("WRS_ROW", [34, 65])),
    "filter_and_or": lambda: l8().filter(
        ee.Filter.And(
            ee.Filter.eq("WRS_PATH", 44),
            ee.Filter.Or(ee.Filter.lt("CLOUD_COVER", 50), ee.Filter.gt("SUN_ELEVATION", 60)),
        )
    ),
    "filter_not": lambda: l8().filter(ee.Filter.eq("WRS_PATH", 44).Not()),
    "filter_calendar_range": lambda: ee.ImageCollection(MODIS).filter(ee.Filter.calendarRange(11, 2, "month")),
    "filter_day_of_year": lambda: ee.ImageCollection(ERA5).filter(ee.Filter.dayOfYear(1, 60)),
    "filter_not_null": lambda: l8().filter(ee.Filter.notNull(["CLOUD_COVER"])),
    "filter_starts_with": lambda: l8().filter(ee.Filter.stringStartsWith("system:index", "LC08_044034")),
    "sort": lambda: l8().sort("CLOUD_COVER"),
    "sort_descending": lambda: s2().sort("CLOUDY_PIXEL_PERCENTAGE", False),
    "limit": lambda: l8().limit(3),
    "limit_by_key": lambda: l8().limit(3, "CLOUD_COVER", False),
    "select": lambda: l8().select(["SR_B4", "SR_B5"]),
    "select_regex": lambda: l8().select("SR_B[2-4]"),
    "select_renamed": lambda: l8().select(["SR_B4", "SR_B5"], ["red", "nir"]),
    "map_ndvi": lambda: l8().map(
        lambda image: image.addBands(image.normalizedDifference(["SR_B5", "SR_B4"]).rename("NDVI"))
    ),
    "map_scaled": lambda: l8().map(
        lambda image: image.select("SR_B.").multiply(0.0000275).add(-0.2).copyProperties(image, ["system:time_start"])
    ),
    "map_cast": lambda: l8().select("SR_B4").map(lambda image: image.toFloat()),
    "map_set": lambda: l8().map(
        lambda image: image.set("month", image.date().get("month")).set({"a": 1, "b": [1, "x"]})
    ),
    "map_date_text": lambda: l8().map(lambda image: image.set("day", image.date().format("YYYY-MM-dd"))),
    "map_if": lambda: l8().map(
        lambda image: ee.Image(
            ee.Algorithms.If(ee.Number(image.get("CLOUD_COVER")).lt(20), image, image.select("SR_B4"))
        )
    ),
    "map_drop_nulls": lambda: l8().map(
        lambda image: ee.Algorithms.If(ee.Number(image.get("CLOUD_COVER")).lt(20), image, None), True
    ),
    "merge": lambda: l8().limit(2).merge(ee.ImageCollection(MODIS).limit(2)),
    "distinct": lambda: l8().distinct("WRS_PATH"),
    "from_images": lambda: ee.ImageCollection([ee.Image(SCENE), ee.Image(5)]),
    "from_constants": lambda: ee.ImageCollection(ee.List.sequence(0, 3).map(lambda n: ee.Image(0).set("n", n))),
    "by_id": lambda: ee.ImageCollection([SCENE]),
    "updated_mask": lambda: l8().map(lambda image: image.updateMask(image.select("SR_B4").gt(100))),
    "named_property_set": lambda: (
        l8().filter(ee.Filter.eq("WRS_PATH", 44)).map(lambda image: image.set("system:time_start", 0))
    ),
}


@pytest.mark.parametrize("name", COLLECTIONS)
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_compute_images_gives_what_our_client_gets(emulator: Emulator, name: str, transport: str) -> None:
    collection = COLLECTIONS[name]()
    theirs = ee.data.computeImages({"expression": collection}).get("images", [])
    with eegrpc.EarthEngineClient("emulator-project", endpoint=emulator.endpoint, transport=transport) as client:
        ours = [json_format.MessageToDict(image) for image in client.compute_images(collection)]
    assert theirs == ours
    assert theirs


def test_compute_images_in_pages(emulator: Emulator) -> None:
    names, token = [], ""
    while True:
        page = ee.data.computeImages({"expression": l8(), "pageSize": 7, "pageToken": token, "workloadTag": "a-tag"})
        names += [image["name"] for image in page["images"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == [row["name"] for row in rows(L8)]


CLEAR = [row for row in rows(L8) if row["properties"]["CLOUD_COVER"] < 20]

# What getInfo gives: the expression, and the value worked out by hand or from the catalog's file.
VALUES: list[tuple[Callable[[], Any], Any]] = [
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
def test_get_info(emulator: Emulator, number: int) -> None:
    expression, expected = VALUES[number]
    found = expression().getInfo()
    assert found == expected
    assert type(found) is type(expected)


def test_an_image_is_printed_in_the_legacy_form(emulator: Emulator) -> None:
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


def test_a_computed_image_has_no_id(emulator: Emulator) -> None:
    shown = ee.Image(SCENE).normalizedDifference(["SR_B5", "SR_B4"]).getInfo()
    assert list(shown) == ["type", "bands"]
    assert shown["bands"][0]["data_type"] == {"type": "PixelType", "precision": "float", "min": -1, "max": 1}


def test_collections_are_printed_with_what_they_were_loaded_from(emulator: Emulator) -> None:
    shown = l8().filter(ee.Filter.lt("CLOUD_COVER", 20)).sort("CLOUD_COVER").limit(2).getInfo()
    assert list(shown) == ["type", "bands", "id", "features"]
    assert (shown["type"], shown["bands"], shown["id"]) == ("ImageCollection", [], L8)
    clearest = sorted(CLEAR, key=lambda row: row["properties"]["CLOUD_COVER"])[:2]
    assert [image["id"] for image in shown["features"]] == [row["id"] for row in clearest]
    assert all(image["type"] == "Image" for image in shown["features"])


def test_a_collection_that_is_an_asset_has_its_version_and_properties(emulator: Emulator) -> None:
    shown = ee.ImageCollection("A/DESCRIBED").getInfo()
    assert shown["version"] == 1577836800_000001  # microseconds of updateTime
    assert shown["properties"] == {"period": 16}
    assert [image["id"] for image in shown["features"]] == ["A/DESCRIBED/1"]
    merged = ee.ImageCollection("A/DESCRIBED").merge(l8()).getInfo()
    assert merged.keys() == {"type", "bands", "features"}


def test_a_list_of_images(emulator: Emulator) -> None:
    shown = l8().toList(2, 1).getInfo()
    assert [image["id"] for image in shown] == [row["id"] for row in rows(L8)[1:3]]


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: ee.FeatureCollection([]).errorMatrix("a", "b"),
        r"'Collection.errorMatrix' is not supported by the emulator",
    ),
    (lambda: ee.Image("no/such"), r"Image asset 'no/such' not found \(does not exist or caller does not have access\)"),
    (lambda: ee.ImageCollection("no/such"), r"ImageCollection asset 'no/such' not found"),
    (lambda: ee.Image(SCENE).select("zz"), r"^Image.select: Band pattern 'zz' did not match any bands"),
    (lambda: l8().map(lambda image: image.select("zz")), r"Error in map\(ID="),
    (lambda: ee.Number(ee.List(["x"]).get(0)).add(1), r"^Number.add: Argument 'left': Invalid type"),
    (lambda: ee.Date("not a date"), r"date"),
    (lambda: ee.List.sequence(1, 1e9), r"too large"),
    (lambda: ee.Filter.eq("a", 1), r"which cannot be shown"),
    (
        lambda: ee.FeatureCollection(ee.List.sequence(1, 5001).map(lambda _: ee.Feature(None, {}))),
        r"^Collection query aborted after accumulating over 5000 elements\.$",
    ),
    (
        lambda: ee.FeatureCollection(
            [ee.FeatureCollection(ee.List.sequence(1, 2500).map(lambda _: ee.Feature(None, {}))) for _ in range(2)]
        ),
        r"^Collection query aborted after accumulating over 5000 elements\.$",  # the collections count too
    ),
    (lambda: ee.Image(1).sample(ee.Geometry.Point(0, 0)), r"depends on pixels"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused_comes_as_their_exception_at_once(emulator: Emulator, number: int) -> None:
    """400, which googleapiclient does not send again; with the number of attempts as it is by default."""
    expression, message = REFUSED[number]
    ee.data.setMaxRetries(5)
    with pytest.raises(ee.EEException, match=message):
        expression().getInfo()
    ee.data.setMaxRetries(0)


def test_five_thousand_elements_are_printed(emulator: Emulator) -> None:
    features = ee.List.sequence(1, 5000).map(lambda _: ee.Feature(None, {}))
    assert len(ee.FeatureCollection(features).getInfo()["features"]) == 5000


def test_a_result_that_doubles_is_refused_before_it_is_made(emulator: Emulator) -> None:
    doubled = ee.List([1])
    for _ in range(40):
        doubled = ee.List([doubled, doubled])
    with pytest.raises(ee.EEException, match="too large"):
        doubled.getInfo()


def test_images_in_images_end(emulator: Emulator) -> None:
    image = ee.Image(0)
    for _ in range(150):
        image = ee.Image(1).set("inner", image)
    with pytest.raises(ee.EEException, match="nested more than 100 levels"):
        image.getInfo()


def test_assets(emulator: Emulator) -> None:
    assert ee.data.getAsset(SCENE) == next(row for row in ROWS if row["id"] == SCENE)
    name = f"projects/earthengine-public/assets/{S2}"
    assert ee.data.getAsset(S2) == {"type": "IMAGE_COLLECTION", "id": S2, "name": name}
    assert ee.data.getAsset(name)["id"] == S2
    assert ee.data.getAsset("COPERNICUS")["type"] == "FOLDER"
    assert ee.data.getAsset("A/DESCRIBED") == DESCRIBED
    assert ee.data.getAsset("projects/my-project/assets/folder/images/1")["type"] == "IMAGE"
    assert ee.data.getAsset("projects/my-project/assets/folder")["id"] == "projects/my-project/assets/folder"
    with pytest.raises(ee.EEException, match="not found"):
        ee.data.getAsset("no/such")
    with pytest.deprecated_call():
        assert ee.data.getInfo("no/such") is None


def test_listings(emulator: Emulator) -> None:
    assert ee.data.listAssets(L8) == {"assets": rows(L8)}
    assert ee.data.listImages(L8) == {"images": rows(L8)}
    in_brief = [{"type": "IMAGE", "name": row["name"], "id": row["id"]} for row in rows(L8)]
    assert ee.data.listAssets({"parent": L8, "view": "BASIC"}) == {"assets": in_brief}
    with pytest.deprecated_call():
        assert ee.data.getList({"id": L8, "num": 2}) == [{"id": row["name"], "type": "Image"} for row in rows(L8)[:2]]
    first = ee.data.listAssets({"parent": L8, "pageSize": 5})
    rest = ee.data.listAssets({"parent": L8, "pageSize": 1000, "pageToken": first["nextPageToken"]})
    assert first["assets"] + rest["assets"] == rows(L8)
    assert "nextPageToken" not in rest
    with pytest.raises(ee.EEException, match="page token"):
        ee.data.listAssets({"parent": S2, "pageToken": first["nextPageToken"]})
    with pytest.raises(ee.EEException, match="not found"):
        ee.data.listAssets(SCENE)


def test_folders(emulator: Emulator) -> None:
    def found(parent: str) -> list[tuple[str, str]]:
        return [(asset["type"], asset["id"]) for asset in ee.data.listAssets(parent)["assets"]]

    assert found("LANDSAT/LC08/C02") == [("IMAGE_COLLECTION", L8)]
    assert found("LANDSAT") == [("FOLDER", "LANDSAT/LC08")]
    assert found("projects/my-project/assets") == [("FOLDER", "projects/my-project/assets/folder")]
    assert found("projects/my-project/assets/") == found("projects/my-project/assets")
    assert found("projects/my-project/assets/empty") == []
    buckets = ee.data.listBuckets("projects/earthengine-public")["assets"]
    assert [asset["id"] for asset in buckets] == ["A", "COPERNICUS", "ECMWF", "LANDSAT", "MODIS"]
    assert ee.data.getAssetRoots() == []


def test_a_request_with_a_long_url_comes_as_post(emulator: Emulator) -> None:
    """googleapiclient sends the query in the body when the URL has more than 2048 characters."""
    ring = [[-123 + number / 1000, 37.0] for number in range(200)] + [[-122.8, 38], [-123, 38], [-123, 37.0]]
    region = {"type": "Polygon", "coordinates": [ring]}
    found = ee.data.listImages({"parent": L8, "region": region})["images"]
    assert (
        found
        == ee.data.listImages({"parent": L8, "region": "POLYGON((-123 37, -122.8 37, -122.8 38, -123 38, -123 37))"})[
            "images"
        ]
    )
    assert 0 < len(found) < len(rows(L8))


LISTED: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({"startTime": "2023-02-01T00:00:00Z"}, lambda row: row["startTime"] >= "2023-02-01"),
    ({"parent": ERA5, "endTime": "2023-02-01T00:00:00.000Z"}, lambda row: row["endTime"] < "2023-02-01"),
    ({"endTime": "2023-02-01T00:00:00.000Z"}, lambda row: "endTime" in row),  # which no scene of Landsat has
    ({"properties": ["CLOUD_COVER<20"]}, lambda row: row["properties"]["CLOUD_COVER"] < 20),
    (
        {"properties": ["properties.WRS_PATH = 44", "CLOUD_COVER>=20"]},
        lambda row: row["properties"]["WRS_PATH"] == 44 and row["properties"]["CLOUD_COVER"] >= 20,
    ),
    ({"filter": 'properties.SPACECRAFT_ID="LANDSAT_8"'}, lambda row: row["properties"]["SPACECRAFT_ID"] == "LANDSAT_8"),
    (
        {"filter": "properties.SPACECRAFT_ID != LANDSAT_8"},
        lambda row: row["properties"]["SPACECRAFT_ID"] != "LANDSAT_8",
    ),
    (
        {"filter": "properties.WRS_PATH=44 OR properties.WRS_PATH=43 AND properties.CLOUD_COVER<20"},
        lambda row: row["properties"]["WRS_PATH"] in (43, 44) and row["properties"]["CLOUD_COVER"] < 20,
    ),
    ({"region": {"type": "Point", "coordinates": PALO_ALTO}}, lambda row: row["properties"]["WRS_PATH"] == 44),
    ({"region": f"POINT({PALO_ALTO[0]} {PALO_ALTO[1]})"}, lambda row: row["properties"]["WRS_PATH"] == 44),
]


@pytest.mark.parametrize("number", range(len(LISTED)))
def test_list_images_filters(emulator: Emulator, number: int) -> None:
    parameters, passes = LISTED[number]
    asked = {"parent": L8, **parameters}
    assert ee.data.listImages(asked)["images"] == [row for row in rows(asked["parent"]) if passes(row)]


def test_emulators_one_after_another() -> None:
    for count in (1, 2):
        with Emulator([EarthEngineAsset(type="IMAGE", id=f"c/{number}") for number in range(count)]) as emulator:
            emulator.initialize_ee("another-project")
            assert ee.ImageCollection("c").size().getInfo() == count
    ee.Reset()


def test_the_journal_has_what_was_asked_for_and_not_what_initializing_takes() -> None:
    with Emulator(Catalog([EarthEngineAsset(type="IMAGE", id="c/1")])) as emulator:
        emulator.initialize_ee("project-one")
        assert len(emulator.journal) == 0
        assert ee.ImageCollection("c").limit(1).size().getInfo() == 1
        ee.data.listAssets({"parent": "c", "pageSize": 1})
        ee.data.getAsset("c/1")
        with pytest.raises(ee.EEException):
            ee.Image("none").getInfo()
        entries = list(emulator.journal)
        methods = ["value.compute", "assets.listAssets", "assets.get", "value.compute"]
        assert [entry.method for entry in entries] == methods
        assert [entry.status for entry in entries] == ["OK", "OK", "OK", "INVALID_ARGUMENT"]
        assert {entry.project for entry in entries} == {"projects/project-one"}
        assert entries[1].page_size == 1
        assert "Collection.size" in entries[0].functions
        assert "not found" in entries[3].message
    ee.Reset()


def test_projects_have_assets_and_stubs_of_their_own() -> None:
    with Emulator(Catalog([])) as emulator:
        emulator.load([EarthEngineAsset(type="IMAGE", id="c/1")], "project-one")
        emulator.stub("Number.add", lambda **_: 5, "project-one")
        emulator.initialize_ee("project-one")
        assert ee.Number(1).add(1).getInfo() == 5
        assert ee.data.getAsset("c/1")["id"] == "c/1"
        emulator.initialize_ee("project-two")
        with pytest.raises(ee.EEException, match="not found"):
            ee.data.getAsset("c/1")
        assert ee.Number(1).add(1).getInfo() == 2
    ee.Reset()


def test_a_url_with_a_slash_at_its_end() -> None:
    with Emulator([EarthEngineAsset(type="IMAGE", id="c/1")]) as emulator:
        emulator.initialize_ee(url=f"{emulator.endpoint}/")
        assert ee.ImageCollection("c").size().getInfo() == 1
        assert len(ee.data.computeImages({"expression": ee.ImageCollection("c")})["images"]) == 1
    ee.Reset()


@pytest.mark.parametrize("version", ["v1alpha", "v1beta"])
def test_other_api_versions_in_a_process_that_may_connect_to_nobody_else(version: str) -> None:
    program = """
import sys

def allow_loopback(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "127.0.0.1"):
        raise OSError(f"look-up of {arguments[0]}")
    if event == "socket.connect" and not isinstance(arguments[1], str) and arguments[1][0] != "127.0.0.1":
        raise OSError(f"connection to {arguments[1]}")

sys.addaudithook(allow_loopback)
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Package google.api_core depends on grpcio")  # it warns of the oldest that is allowed
import ee
from eegrpc.emulator import Emulator
with Emulator() as emulator:
    emulator.initialize_ee()
    collection = ee.ImageCollection("MODIS/061/MOD13Q1").limit(2)
    print(len(ee.data.computeImages({"expression": collection})["images"]), collection.size().getInfo())
    print(ee._cloud_api_utils.VERSION)
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"EE_CLOUD_API_VERSION": version, "NO_PROXY": "127.0.0.1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["2", "2", version], result.stderr


def test_without_the_client_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ee", None)
    with Emulator([]) as emulator, pytest.raises(ImportError, match="pip install earthengine-api"):
        emulator.initialize_ee()
