"""What the tests of Google's official client share: what the emulator holds, and short ways to its collections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ee
import pytest
from emulator_graphs import DATA, L8, S2
from google.protobuf import json_format

from eegrpc.emulator import Catalog
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable

    # An expression, which cannot be made before the client is initialized, and what it gives.
    Rows = list[tuple[Callable[[], Any], Any]]

ROWS = [json.loads(line) for line in (DATA / "catalog_sample.ndjson").read_text().splitlines()]
APPROXIMATE = type(pytest.approx(0.0))
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


def held() -> Catalog:
    """The file, and assets that show what it has none of: a described collection, an empty folder, a user's image."""
    described = json_format.ParseDict(DESCRIBED, EarthEngineAsset())
    image = EarthEngineAsset(type="IMAGE", id="A/DESCRIBED/1")
    folder = EarthEngineAsset(type="FOLDER", name="projects/my-project/assets/empty")
    mine = EarthEngineAsset(type="IMAGE", name="projects/my-project/assets/folder/images/1")
    assets = [json_format.ParseDict(row, EarthEngineAsset()) for row in ROWS]
    return Catalog([*assets, described, image, folder, mine])


def l8() -> Any:
    return ee.ImageCollection(L8)


def s2() -> Any:
    return ee.ImageCollection(S2)


def four() -> Any:
    """Four points along the equator, as users make them: `n` counts them, `k` is a, b, a, b, and `w` half of `n`."""
    return ee.FeatureCollection(
        [ee.Feature(ee.Geometry.Point(n, 0), {"n": n, "k": "ab"[n % 2], "w": n / 2}) for n in range(4)]
    )


def feature(n: int) -> dict[str, Any]:
    """One of the four, as it is printed."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [n, 0]},
        "id": str(n),
        "properties": {"k": "ab"[n % 2], "n": n, "w": n / 2},
    }


def check(rows: Rows, number: int) -> None:
    """Ask for a row's expression, and compare."""
    expression, expected = rows[number]
    found = expression().getInfo()
    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, APPROXIMATE)


CLEAR = [row for row in rows(L8) if row["properties"]["CLOUD_COVER"] < 20]
