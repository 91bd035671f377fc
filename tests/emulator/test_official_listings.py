"""Assets and listings of them, as Google's official client asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import ERA5, L8, S2
from official_world import DESCRIBED, PALO_ALTO, ROWS, SCENE, rows

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("official_emulator")


def test_assets() -> None:
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


def test_listings() -> None:
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


def test_folders() -> None:
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


def test_a_request_with_a_long_url_comes_as_post() -> None:
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
def test_list_images_filters(number: int) -> None:
    parameters, passes = LISTED[number]
    asked = {"parent": L8, **parameters}
    assert ee.data.listImages(asked)["images"] == [row for row in rows(asked["parent"]) if passes(row)]
