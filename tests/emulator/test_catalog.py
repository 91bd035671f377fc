"""The catalog: lookups, files, and the built-in collections."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.images.asset_record import canonical_id
from eegrpc.v1alpha import EarthEngineAsset

SAMPLE = Path(__file__).parent.parent / "data" / "catalog_sample.ndjson"


def _image(asset_id: str) -> EarthEngineAsset:
    return EarthEngineAsset(type=EarthEngineAsset.IMAGE, id=asset_id)


def test_ids_imply_collections_in_order_of_their_index() -> None:
    catalog = Catalog([_image("A/X/2"), _image("A/X/1"), _image("B/3")])
    assert len(catalog) == 3
    assert dict(catalog.collections()) == {"A/X": 2, "B": 1}
    assert [record.index for record in catalog.collection("A/X") or ()] == ["1", "2"]
    assert catalog.collection("A") is None
    assert catalog.image("A/X/9") is None


@pytest.mark.parametrize(
    ("name", "asset_id"),
    [
        ("projects/earthengine-public/assets/A/B", "A/B"),
        ("projects/earthengine-legacy/assets/users/me/B", "users/me/B"),
        ("projects/mine/assets/A/B", "projects/mine/assets/A/B"),
        ("A/B", "A/B"),
    ],
)
def test_names_and_ids_mean_the_same_asset(name: str, asset_id: str) -> None:
    assert canonical_id(name) == asset_id
    catalog = Catalog([EarthEngineAsset(type=EarthEngineAsset.IMAGE, name=name)])
    for spelling in (name, asset_id):
        record = catalog.image(spelling)
        assert record is not None
        assert record.id == asset_id
        assert catalog.asset(spelling) is record.asset


def test_an_id_may_differ_from_what_the_name_implies() -> None:
    name = "projects/p/assets/big/1"
    catalog = Catalog([EarthEngineAsset(type=EarthEngineAsset.IMAGE, id="big/1", name=name)])
    assert dict(catalog.collections()) == {"big": 1}
    for spelling in ("big", "projects/p/assets/big"):
        assert len(catalog.collection(spelling) or ()) == 1
    for spelling in ("big/1", name):
        assert catalog.image(spelling) is not None


def test_an_asset_that_comes_twice_is_refused() -> None:
    again = EarthEngineAsset(type=EarthEngineAsset.IMAGE, name="projects/earthengine-public/assets/A/1")
    with pytest.raises(ValueError, match="'A/1', comes twice"):
        Catalog([_image("A/1"), again])
    with pytest.raises(ValueError, match="Asset 1 has neither name nor id"):
        Catalog([EarthEngineAsset()])


def test_a_declared_collection_may_be_empty() -> None:
    catalog = Catalog([EarthEngineAsset(type=EarthEngineAsset.IMAGE_COLLECTION, id="A/EMPTY")])
    assert dict(catalog.collections()) == {"A/EMPTY": 0}
    assert catalog.collection("A/EMPTY") == ()
    assert catalog.asset("A/EMPTY") is not None


def test_the_sample_file() -> None:
    catalog = Catalog.from_ndjson(SAMPLE)
    assert len(catalog) == 60
    assert dict(catalog.collections()) == {
        "COPERNICUS/S2_SR_HARMONIZED": 16,
        "ECMWF/ERA5_LAND/DAILY_AGGR": 14,
        "LANDSAT/LC08/C02/T1_L2": 16,
        "MODIS/061/MOD13Q1": 14,
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "A/1"}\n\nno json\n', r"bad\.ndjson:3: not an EarthEngineAsset"),
        ('{"id": "A/1", "colour": 3}\n', r"bad\.ndjson:1: .*colour"),
        ('{"id": "A/1"}\n{"id": "A/1"}\n', r"bad\.ndjson:2: 'A/1' is already in line 1"),
        ("{}\n", r"bad\.ndjson:1: the asset has neither"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, lines: str, message: str) -> None:
    file = tmp_path / "bad.ndjson"
    file.write_text(lines)
    with pytest.raises(ValueError, match=message):
        Catalog.from_ndjson(file)


def test_virtual_properties_come_from_fields() -> None:
    record = Catalog.from_ndjson(SAMPLE).image("LANDSAT/LC08/C02/T1_L2/LC08_044034_20230122")
    assert record is not None
    assert record.get("system:index") == "LC08_044034_20230122"
    assert record.get("system:id") == "LANDSAT/LC08/C02/T1_L2/LC08_044034_20230122"
    assert record.get("system:time_start") == 1674413151429  # 2023-01-22T18:45:51.429Z
    assert record.get("system:time_end") is None
    assert record.get("system:asset_size") == 974823017
    assert record.get("system:version") == 1675318062967812  # 2023-02-02T06:07:42.967812Z
    assert record.get("WRS_PATH") == 44
    assert record.get("nothing") is None


# ------------------------------------------------------------------------------------------------- built-in catalog


@pytest.fixture(scope="module")
def builtin() -> Catalog:
    return Catalog.builtin()


def test_builtin_counts_are_those_of_the_images(builtin: Catalog) -> None:
    counts = builtin.collections()
    assert list(counts) == [
        "COPERNICUS/S2_SR_HARMONIZED",
        "ECMWF/ERA5_LAND/DAILY_AGGR",
        "LANDSAT/LC08/C02/T1_L2",
        "MODIS/061/MOD13Q1",
    ]
    assert 400 <= len(builtin) <= 600
    for name, count in counts.items():
        assert len(builtin.collection(name) or ()) == count


def test_counting_the_builtin_catalog_makes_no_image() -> None:
    catalog = Catalog.builtin()
    assert len(catalog) > 0
    assert catalog._loaded == {}


@pytest.mark.parametrize("name", sorted(Catalog.builtin().collections()))
def test_builtin_images_have_the_shapes_of_the_sample(builtin: Catalog, name: str) -> None:
    """Bands, their types and policies, and property names are those of the sample, whose sources are documented."""

    def shapes(catalog: Catalog) -> set[tuple[tuple[str, str, str, int], ...]]:
        return {
            tuple(
                (band.id, str(band.data_type), band.grid.crs_code, band.pyramiding_policy)
                for band in record.asset.bands
            )
            for record in catalog.collection(name) or ()
        }

    def names(catalog: Catalog) -> set[str]:
        return {key for record in catalog.collection(name) or () for key in record.properties}

    sample = Catalog.from_ndjson(SAMPLE)
    assert shapes(builtin) == shapes(sample)
    assert names(sample) <= names(builtin)
    extra = {key for key in names(builtin) - names(sample) if not key.startswith("MEAN_INCIDENCE_")}
    assert extra == set()
    for record in builtin.collection(name) or ():
        assert record.asset.HasField("start_time")
        assert record.asset.HasField("geometry")
        assert record.asset.size_bytes > 0
        assert record.asset.name == f"projects/earthengine-public/assets/{record.id}"


def test_builtin_sentinel_images_say_that_they_are_synthetic(builtin: Catalog) -> None:
    records = builtin.collection("COPERNICUS/S2_SR_HARMONIZED") or ()
    assert all("_SYNT_" in str(record.get("DATASTRIP_ID")) for record in records)
    assert len(records[-1].asset.bands) == 26
    assert len(records[-1].properties) > 70


def test_builtin_bytes_are_equal_in_another_process() -> None:
    program = (
        "import hashlib\n"
        "from eegrpc.emulator.catalog import Catalog\n"
        "digest, catalog = hashlib.sha256(), Catalog.builtin()\n"
        "for name in catalog.collections():\n"
        "    for record in catalog.collection(name):\n"
        "        digest.update(record.asset.SerializeToString(deterministic=True))\n"
        "print(digest.hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_importing_the_evaluator_does_not_import_shapely() -> None:
    program = (
        "import sys\n"
        "from eegrpc.emulator import catalog\nfrom eegrpc.emulator.evaluation import evaluator\n"
        "evaluator.supported_functions()\n"
        "print('shapely' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
