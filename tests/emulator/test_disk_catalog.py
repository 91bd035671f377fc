"""Prepared files: what they are made from and refused for, and what serving them reads."""

from __future__ import annotations

import contextlib
import gzip
import multiprocessing
import os
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from emulator_graphs import DATA, arg, call, expressions, function, graph, load, ref
from google.protobuf import json_format

from eegrpc.emulator import Catalog
from eegrpc.emulator.context import MAX_WORK, MOST_IMAGES, STORED, WORK_PER_IMAGE
from eegrpc.emulator.disk import DEFAULT_PROPERTIES, StoredCatalog
from eegrpc.emulator.disk.boxes import box_around
from eegrpc.emulator.disk.layout import OTHER, column_value
from eegrpc.emulator.disk.table import Table
from eegrpc.emulator.evaluation.evaluator import EvaluationError, ImageResult, evaluate_images
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Open = Callable[..., StoredCatalog]

SAMPLE = DATA / "catalog_sample.ndjson"


def image(index: str, collection: str = "A", **properties: Any) -> EarthEngineAsset:
    asset = EarthEngineAsset(type=EarthEngineAsset.IMAGE, id=f"{collection}/{index}")
    asset.properties.update(properties)
    return asset


def line(asset: EarthEngineAsset) -> str:
    return json_format.MessageToJson(asset, indent=None) + "\n"


@pytest.fixture
def opened(tmp_path: Path) -> Iterable[Open]:
    made: list[StoredCatalog] = []

    def prepare_and_open(sources: Iterable[Any], **options: Any) -> StoredCatalog:
        Catalog.prepare(sources, tmp_path / "c.eecat", **options)
        made.append(StoredCatalog(tmp_path / "c.eecat"))
        return made[-1]

    yield prepare_and_open
    for catalog in made:
        catalog.close()


def answer(catalog: StoredCatalog, built: Any, **values: Any) -> ImageResult:
    return evaluate_images(graph(built, **values), catalog)


def ids(result: Iterable[EarthEngineAsset]) -> list[str]:
    return [message.id for message in result]


# ------------------------------------------------------------------------------------------------------------- sources


def test_it_holds_what_the_catalog_in_memory_holds(opened: Open) -> None:
    collection = EarthEngineAsset(type=EarthEngineAsset.IMAGE_COLLECTION, id="EMPTY/ONE")
    table = EarthEngineAsset(type=EarthEngineAsset.TABLE, name="projects/p/assets/table")
    renamed = EarthEngineAsset(id="big/1", name="projects/p/assets/big/1")
    alone = EarthEngineAsset(type=EarthEngineAsset.IMAGE, id="ALONE")
    assets = [image("2"), image("1", n=1), image("1", "B"), collection, table, renamed, alone]
    disk, memory = opened(assets), Catalog(assets)
    assert dict(disk.collections()) == dict(memory.collections()) == {"A": 2, "B": 1, "EMPTY/ONE": 0, "big": 1}
    assert len(disk) == len(memory) == 4
    for name in (
        "A/1",
        "ALONE",
        "projects/p/assets/big/1",
        "big/1",
        "projects/p/assets/table",
        "EMPTY/ONE",
        "A/9",
        "A",
    ):
        assert disk.asset(name) == memory.asset(name), name
        assert (disk.image(name) is None) == (memory.image(name) is None), name
    assert ids(answer(disk, load("projects/p/assets/big"))) == ["big/1"]
    assert ids(answer(disk, load("EMPTY/ONE"))) == []
    record = disk.image("A/1")
    assert record is not None
    assert (record.id, record.collection_id, record.index, record.get("n")) == ("A/1", "A", "1", 1)
    assert list(record.property_names()) == ["n", "system:id", "system:index"]


def test_files_folders_and_gzip(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "b.ndjson").write_text("\n" + line(image("3")))
    (folder / "a.json").write_text(line(image("2")))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(line(image("1")).encode()))
    (folder / "notes.txt").write_text("not read")
    catalog = Catalog.open(folder)
    assert isinstance(catalog, Catalog)
    assert dict(catalog.collections()) == {"A": 3}
    more = tmp_path / "more"
    more.write_text(line(image("4")))
    told: list[int] = []
    assert Catalog.prepare([folder, more, image("5")], tmp_path / "c.eecat", progress=told.append) == 5
    prepared = Catalog.open(tmp_path / "c.eecat")
    assert isinstance(prepared, StoredCatalog)
    assert [message.id for message in answer(prepared, load("A"))] == [f"A/{number}" for number in range(1, 6)]
    prepared.close()
    (folder / "d.ndjson").write_text(line(image("2")))
    for read in (Catalog.open, lambda path: Catalog.prepare([path], tmp_path / "c.eecat")):
        with pytest.raises(ValueError, match=r"d\.ndjson:1: 'A/2' is already in .*a\.json:1: remove"):
            read(folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match="has no file that ends in"):
        Catalog.open(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        Catalog.open(tmp_path / "absent.ndjson")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "c.ndjson",
            b'{"id": "A/1"}\n{"id": "A/2"}\n{"id": "A/1"}\n',
            r"c\.ndjson:3: 'A/1' is already in line 1",
        ),
        ("c.ndjson", b'{"id": "A/1"}\nno json\n', r"c\.ndjson:2: not an EarthEngineAsset"),
        ("c.ndjson", b"{}\n", r"c\.ndjson:1: the asset has neither"),
        ("c.ndjson.gz", gzip.compress(b'{"id": "A/1"}\n', mtime=0)[:-9], r"gz:.* cut or damaged"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_nothing(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (Catalog.from_ndjson, lambda path: Catalog.prepare([path], tmp_path / "c.eecat")):
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_only_scalars_can_have_an_index(tmp_path: Path) -> None:
    for name in (".geo", ".all", "system:footprint", "system:bands"):
        with pytest.raises(ValueError, match="cannot be indexed"):
            Catalog.prepare([], tmp_path / "c.eecat", properties=[name])


def test_a_file_is_replaced_when_the_next_is_complete(tmp_path: Path, opened: Open) -> None:
    before = opened([image("1")])
    with pytest.raises(ValueError, match="asset 2: 'A/1' is already in asset 1"):
        Catalog.prepare([image("1"), image("1")], tmp_path / "c.eecat")
    assert ids(answer(before, load("A"))) == ["A/1"]
    after = opened([image("1"), image("2")])
    assert len(ids(answer(after, load("A")))) == 2
    assert os.listdir(tmp_path) == ["c.eecat"]


def test_many_collections_share_a_dictionary(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegrpc.emulator.disk.writer._MOST_DICTIONARIES", 2)
    assets = [image("1", name, text=name * 9) for name in "ABCD"]
    catalog = opened(assets)
    assert [catalog.asset(asset.id) for asset in assets] == assets


def test_properties_that_no_image_has_take_no_column(opened: Open) -> None:
    assert opened([image("1", CLOUD_COVER=1)]).properties == ("system:time_start", "system:index", "CLOUD_COVER")
    assert opened([image("1")], properties=["n", "m"]).properties == ("system:time_start",)
    assert "system:time_start" in DEFAULT_PROPERTIES


# -------------------------------------------------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PRAGMA application_id = 1", "no prepared catalog"),
        ("PRAGMA user_version = 9", "has format 9, and this version of eegrpc reads 1: prepare it again"),
        ("UPDATE facts SET value = 'x' WHERE name = 'schema'", "other tables or messages: prepare it again"),
        ("DROP TABLE facts", "damaged: no such table: facts"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "c.eecat"
    Catalog.prepare([image("1")], path)
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match=message):
        Catalog.open(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.eecat"
    Catalog.prepare([image("1")], path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no prepared catalog, or is damaged"):
        Catalog.open(path)


def test_the_file_is_not_changed_by_serving_it(tmp_path: Path, opened: Open) -> None:
    catalog = opened([SAMPLE])
    before = (tmp_path / "c.eecat").read_bytes()
    for expression in expressions().values():
        with contextlib.suppress(EvaluationError):
            evaluate_images(expression, catalog)[:1]
    assert (tmp_path / "c.eecat").read_bytes() == before
    assert os.listdir(tmp_path) == ["c.eecat"]
    with catalog._connections.lent() as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM images")


# --------------------------------------------------------------------------------------------------- threads, processes


def test_threads_share_a_catalog(opened: Open) -> None:
    catalog = opened([SAMPLE])
    expression = graph(filtered(load(), day("2023-01-01", "2024-01-01"), cloud_below(50)))
    expected = ids(evaluate_images(expression, catalog))
    barrier = threading.Barrier(8)

    def ask(_: int) -> list[list[str]]:
        barrier.wait()
        return [ids(evaluate_images(expression, catalog)) for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for answers in pool.map(ask, range(8)) for found in answers)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(opened: Open) -> None:
    catalog = opened([image(str(number)) for number in range(10)])
    expected = ids(answer(catalog, load("A")))
    inherited = list(catalog._connections._idle)
    assert inherited

    def child(pipe: Any) -> None:
        found = ids(answer(catalog, load("A")))
        pipe.send((found, any(connection in inherited for connection in catalog._connections._idle)))

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(theirs,))
    process.start()
    assert ours.recv() == (expected, False)
    process.join()
    assert ids(answer(catalog, load("A"))) == expected


# ------------------------------------------------------------------------------------------------ what a request reads


class Reading:
    """Counts the images that were read in full, and the rows that filters were asked about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images = self.rows = 0
        records, find = Table.records, Table.find

        def counted_records(table: Table, rows: Any) -> Any:
            self.images += len(rows)
            return records(table, rows)

        def counted_find(*arguments: Any, **options: Any) -> Any:
            for block in find(*arguments, **options):
                self.rows += len(block)
                yield block

        monkeypatch.setattr(Table, "records", counted_records)
        monkeypatch.setattr(Table, "find", counted_find)


COUNT = 3000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterable[StoredCatalog]:
    """Images in a row on the equator, one an hour."""

    def assets() -> Iterable[EarthEngineAsset]:
        for number in range(COUNT):
            asset = image(f"{number:05d}", CLOUD_COVER=number % 100, plain=number % 100)
            asset.start_time.seconds = 1_672_531_200 + 3600 * number
            west = -170 + number / 10
            ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
            asset.geometry.update({"type": "Polygon", "coordinates": [ring]})
            yield asset

    path = tmp_path_factory.mktemp("many") / "c.eecat"
    Catalog.prepare(assets(), path)
    catalog = StoredCatalog(path)
    yield catalog
    catalog.close()


def day(start: str, end: str) -> Any:
    days = call("DateRange", start=start, end=end)
    return call("Filter.dateRangeContains", leftValue=days, rightField="system:time_start")


def cloud_below(value: int, name: str = "CLOUD_COVER") -> Any:
    return call("Filter.lessThan", leftField=name, rightValue=value)


NEAR = call(
    "Filter.intersects",
    leftField=".all",
    rightValue=call("GeometryConstructors.Rectangle", coordinates=[0, 0.2, 0.55, 0.4]),
)


def filtered(built: Any, *tests: Any) -> Any:
    for test in tests:
        built = call("Collection.filter", collection=built, filter=test)
    return built


def test_a_page_of_everything_reads_that_page(many: StoredCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    result = answer(many, load("A"))
    assert len(result) == COUNT
    assert (reading.images, reading.rows) == (0, 0)
    assert ids(result[2000:2010]) == [f"A/{number:05d}" for number in range(2000, 2010)]
    assert (reading.images, reading.rows) == (10, 0)


def test_filters_by_date_and_property_ask_about_what_passes(
    many: StoredCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    result = answer(many, filtered(load("A"), day("2023-02-01", "2023-02-03"), cloud_below(50)))
    expected = [number for number in range(744, 792) if number % 100 < 50]  # hours of the two days
    assert ids(result) == [f"A/{number:05d}" for number in expected]
    assert reading.rows == len(expected)


def test_bounds_ask_about_boxes_that_meet(many: StoredCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    result = answer(many, filtered(load("A"), NEAR))
    # From -170 + n/10 to a degree farther: those that meet 0 to 0.55 are n = 1690 to 1705.
    assert ids(result) == [f"A/{number:05d}" for number in range(1690, 1706)]
    assert reading.rows == 16


def test_a_search_stops_at_the_limit(many: StoredCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegrpc.emulator.disk.table._FEW", 0)  # as if there were millions
    reading = Reading(monkeypatch)
    result = answer(many, call("Collection.limit", collection=filtered(load("A"), cloud_below(50)), limit=5))
    assert ids(result) == [f"A/{number:05d}" for number in range(5)]
    assert reading.rows <= 256


@pytest.mark.parametrize("few", [0, 10_000])
def test_a_sort_reads_what_it_gives(many: StoredCatalog, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("eegrpc.emulator.disk.table._FEW", few)
    reading = Reading(monkeypatch)
    late = call("Collection.limit", collection=load("A"), key="system:time_start", ascending=False)
    result = answer(many, call("Collection.limit", collection=filtered(late, cloud_below(2)), limit=3))
    assert ids(result) == ["A/02901", "A/02900", "A/02801"]
    assert reading.images == 3
    first = call("Collection.first", collection=late)
    assert ids(answer(many, call("ImageCollection.fromImages", images=[first]))) == ["A/02999"]


def test_a_property_without_an_index_is_searched_image_by_image(
    many: StoredCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    result = answer(many, filtered(load("A"), day("2023-02-01", "2023-02-03"), cloud_below(50, "plain")))
    assert ids(result) == [f"A/{number:05d}" for number in range(744, 750)]
    assert reading.rows == 48


def test_a_property_that_no_image_has_is_known_to_be_missing(
    many: StoredCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    equal = call("Filter.equals", leftField="absent", rightValue=1)
    result = answer(many, filtered(load("A"), equal))
    assert (len(result), result.assumptions) == (0, ("equals-missing-both-null",))
    assert reading.images == 0


def test_work_is_counted_and_what_reads_too_much_is_refused(
    many: StoredCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegrpc.emulator.context.MAX_WORK", 0)
    monkeypatch.setattr("eegrpc.emulator.context.WORK_PER_IMAGE", STORED - 1)
    mapped = call("Collection.map", collection=load("A"), baseAlgorithm=ref("f"))
    body = call("Element.set", object=arg(), key="k", value=1)
    with pytest.raises(EvaluationError, match="It reads too many of the 3,000 images of 'A': first filter by date"):
        answer(many, mapped, f=function("body"), body=body)
    assert len(answer(many, load("A"))) == COUNT


def test_what_sqlite_looks_at_is_work_too(many: StoredCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegrpc.emulator.disk.table._FEW", 0)
    monkeypatch.setattr("eegrpc.emulator.context.MAX_WORK", 10 * COUNT)
    monkeypatch.setattr("eegrpc.emulator.context.WORK_PER_IMAGE", 0)
    nothing = filtered(load("A"), *[cloud_below(0)] * 9)
    with pytest.raises(EvaluationError, match="The computation is too large"):
        answer(many, nothing)
    assert len(answer(many, filtered(load("A"), *[cloud_below(0)] * 2))) == 0


def test_a_million_images_cannot_be_mapped_and_one_column_of_each_can_be_looked_at() -> None:
    most = MAX_WORK + WORK_PER_IMAGE * MOST_IMAGES
    assert 40 * 10**6 < most < STORED * 10**6


# ---------------------------------------------------------------------------------------------------- columns and boxes


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        (3, 3),
        (2.5, 2.5),
        ("a", "a"),
        ("", ""),
        (True, OTHER),  # equals 1, and is none
        (2**63, OTHER),
        (float("nan"), OTHER),
        (float("inf"), OTHER),
        ("a\0b", OTHER),
        ([1], OTHER),
        ({"a": 1}, OTHER),
    ],
)
def test_columns_hold_what_sqlite_orders_as_python_does(value: object, stored: object) -> None:
    assert column_value(value) == stored
    assert type(column_value(value)) is type(stored)


@pytest.mark.parametrize(
    "coordinates",
    [
        [[-60, 60], [60, 60], [0, 50]],  # the edge along 60 degrees north reaches 73.9
        [[-40, 79], [40, 79], [0, 60]],
        [[-40, -79], [40, -79], [0, -60]],
        [[-40, -5], [40, 10], [0, 30]],
        [[170, 0], [-170, 0], [-170, 10], [170, 10]],
        [[0, 0], [0, 1], [1, 1]],
    ],
)
@pytest.mark.parametrize("geodesic", [True, False])
def test_boxes_are_never_too_small(coordinates: list[list[float]], geodesic: bool) -> None:
    geometry = Geometry("Polygon", [[*coordinates, coordinates[0]]], geodesic=geodesic)
    box = box_around(geometry)
    assert box is not None
    west, south, east, north = box
    for w, s, e, n in geometry.boxes():
        assert west <= w
        assert south <= s
        assert east >= e
        assert north >= n
