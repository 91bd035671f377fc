"""Google's official client computes images: over its own channel, and as our client gets them over both of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import ERA5, L8, MODIS
from google.protobuf import json_format
from official_world import PALO_ALTO, SCENE, l8, rows, s2

import eegrpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator import Emulator

pytestmark = pytest.mark.usefixtures("official_emulator")

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
def test_compute_images_gives_what_our_client_gets(official_emulator: Emulator, name: str, transport: str) -> None:
    collection = COLLECTIONS[name]()
    theirs = ee.data.computeImages({"expression": collection}).get("images", [])
    with eegrpc.EarthEngineClient(
        "emulator-project", endpoint=official_emulator.endpoint, transport=transport
    ) as client:
        ours = [json_format.MessageToDict(image) for image in client.compute_images(collection)]
    assert theirs == ours
    assert theirs


def test_compute_images_in_pages() -> None:
    names, token = [], ""
    while True:
        page = ee.data.computeImages({"expression": l8(), "pageSize": 7, "pageToken": token, "workloadTag": "a-tag"})
        names += [image["name"] for image in page["images"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == [row["name"] for row in rows(L8)]
