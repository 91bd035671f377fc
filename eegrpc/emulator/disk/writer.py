"""The making of a prepared file, in a stream: memory does not grow with the catalog."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from eegrpc.emulator.catalog import comes_twice, identified
from eegrpc.emulator.disk.boxes import Box, box_around, comparison_errors
from eegrpc.emulator.disk.layout import (
    APPLICATION_ID,
    BOXES,
    IMAGES,
    INDEXES,
    OTHER,
    TABLES,
    VERSION,
    Packing,
    check_properties,
    column_of,
    column_value,
    schema_hash,
)
from eegrpc.emulator.images.asset_record import AssetRecord, canonical_id
from eegrpc.emulator.ndjson import catalog_files, read_lines
from eegrpc.emulator.properties import from_struct_value
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

_BLOCK = 256  # rows that are inserted at a time
_NO_BOX = (None, None, None, None)
_PROGRESS_EVERY = 1000  # assets
_MOST_NAMES = 10_000  # names of properties that are remembered for a collection
_MOST_BOXES = 4096  # footprints whose boxes are remembered: scenes of one tile share theirs
_MOST_DICTIONARIES = 256  # collections beyond these share one, as all are in memory when the file is served
_LARGEST_DICTIONARY = 32_768  # bytes, which is as far back as deflate looks

# What comes is kept aside until all is there: only then is the order known, and which properties there are.
_ARRIVALS = """
CREATE TEMP TABLE arrivals(
    message INTEGER PRIMARY KEY, is_image INTEGER, collection TEXT, name TEXT, place TEXT,
    odd INTEGER, west REAL, south REAL, east REAL, north REAL{columns}
);
"""
_SECOND = """
SELECT collection, name, place, before FROM (
    SELECT message, collection, name, place,
        lag(place) OVER (PARTITION BY collection, name ORDER BY message) AS before, lag(message) OVER (
            PARTITION BY collection, name ORDER BY message) AS earlier
    FROM arrivals
) WHERE earlier IS NOT NULL ORDER BY message LIMIT 1
"""


def prepare(
    sources: Iterable[str | os.PathLike[str] | EarthEngineAsset],
    path: str | os.PathLike[str],
    *,
    properties: Sequence[str],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write a prepared file; `eegrpc.emulator.Catalog.prepare` describes it.

    Args:
        sources: Paths of NDJSON, and assets.
        path: The file to write.
        properties: Properties that get a column and an index.
        progress: Is told now and then how many assets have been read.

    Returns:
        How many assets there are.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: A line is no EarthEngineAsset, an asset comes twice, or a property cannot be indexed.

    """
    chosen = check_properties(properties)
    target = Path(path).absolute()
    unfinished = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    unfinished.touch()  # SQLite does not say why it cannot
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            count = _Writer(connection, chosen).write(_assets(sources), progress)
        unfinished.replace(target)
    except sqlite3.OperationalError as error:  # the disk is full, or something of that kind
        raise OSError(f"cannot write {target}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _assets(
    sources: Iterable[str | os.PathLike[str] | EarthEngineAsset],
) -> Iterator[tuple[str, AssetRecord, bytes]]:
    """Yield where each asset stands, the asset, and its wire bytes."""
    for position, source in enumerate(sources, 1):
        if isinstance(source, EarthEngineAsset):
            record = AssetRecord(source)
            if not record.id:
                raise ValueError(f"Asset {position} has neither name nor id: give it one of them.")
            yield f"asset {position}", record, source.SerializeToString(deterministic=True)
            continue
        for file in catalog_files(source):
            for line in read_lines(file):
                yield line.place, AssetRecord(identified(line)[0]), line.wire


class _Writer:
    """Writes one file."""

    def __init__(self, connection: sqlite3.Connection, properties: Sequence[str]) -> None:
        self._connection = connection
        self._properties = properties
        self._columns = [column_of(position) for position in range(len(properties))]
        self._packings: dict[str, tuple[int, Packing]] = {}
        self._names: dict[str, set[str]] = {}
        self._declared: set[str] = set()
        self._boxes: dict[bytes, Box | None] = {}
        self._messages: list[tuple[object, ...]] = []
        self._arrivals: list[tuple[object, ...]] = []

    def write(
        self, assets: Iterator[tuple[str, AssetRecord, bytes]], progress: Callable[[int], None] | None = None
    ) -> int:
        """Write the file, and return how many assets there are."""
        connection = self._connection
        # Nobody reads the file before it is complete, so that it need not survive a crash.
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.executescript(TABLES + _ARRIVALS.format(columns=self._list(self._columns)))
        connection.execute("BEGIN")
        count = 0
        for count, (place, record, wire) in enumerate(assets, 1):
            self._take(count, place, record, wire)
            if progress is not None and count % _PROGRESS_EVERY == 0:
                progress(count)
        self._flush()
        self._refuse_second()
        self._finish()
        connection.execute("COMMIT")
        return count

    # ------------------------------------------------------------------------------------------------------- one asset

    def _take(self, number: int, place: str, record: AssetRecord, wire: bytes) -> None:
        asset, of = record.asset, record.collection_id
        is_image = asset.type in (EarthEngineAsset.IMAGE, EarthEngineAsset.TYPE_UNSPECIFIED)
        dictionary, packing = self._packing(of, wire)
        self._messages.append((number, dictionary, packing.pack(wire)))
        implied = canonical_id(asset.name)
        if implied and implied != record.id:
            aliases = ((implied, record.id), (implied.rpartition("/")[0], of))
            self._connection.executemany("INSERT OR REPLACE INTO aliases VALUES (?, ?)", aliases)
        box, is_odd = None, False
        values: list[object] = [None] * len(self._properties)
        if is_image:
            present = set(asset.properties.fields)
            names = self._names.setdefault(of, set())
            if len(names) <= _MOST_NAMES:
                names |= present
            values = [column_value(_property(record, name, present)) for name in self._properties]
            box, is_odd = self._box(record, present)
        elif asset.type == EarthEngineAsset.IMAGE_COLLECTION:
            self._declared.add(record.id)
        self._arrivals.append(
            (
                number,
                is_image,
                of,
                record.index,
                place,
                is_odd or any(value is OTHER for value in values),
                *(box or _NO_BOX),
                *values,
            )
        )
        if len(self._arrivals) == _BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO messages VALUES (?, ?, ?)", self._messages)
        marks = ", ".join("?" * (10 + len(self._properties)))
        self._connection.executemany(f"INSERT INTO arrivals VALUES ({marks})", self._arrivals)  # noqa: S608
        self._messages.clear()
        self._arrivals.clear()

    def _packing(self, collection_id: str, wire: bytes) -> tuple[int, Packing]:
        known = self._packings.get(collection_id)
        if known is None and len(self._packings) < _MOST_DICTIONARIES:
            dictionary = wire[-_LARGEST_DICTIONARY:]
            key = len(self._packings) + 1
            self._connection.execute("INSERT INTO dictionaries VALUES (?, ?)", (key, dictionary))
            known = self._packings[collection_id] = (key, Packing(dictionary))
        return known or next(iter(self._packings.values()))

    def _box(self, record: AssetRecord, present: Collection[str]) -> tuple[Box | None, bool]:
        """Return the box of an image, and whether there is no telling what its geometry does to a filter."""
        asset = record.asset
        if "system:footprint" in present and from_struct_value(asset.properties.fields["system:footprint"]) is not None:
            return None, False  # no geometry: a property of that name comes before the field
        if not asset.HasField("geometry"):
            return None, False
        wire = asset.geometry.SerializeToString(deterministic=True)
        if wire not in self._boxes:
            try:
                footprint = record.footprint
                box = None if footprint is None else box_around(footprint)
            except comparison_errors():
                return None, True
            if len(self._boxes) >= _MOST_BOXES:
                self._boxes.clear()
            self._boxes[wire] = box
        return self._boxes[wire], False

    # ---------------------------------------------------------------------------------------------------- all of them

    def _refuse_second(self) -> None:
        second = self._connection.execute(_SECOND).fetchone()
        if second is not None:
            collection_id, name, place, before = second
            raise comes_twice(place, f"{collection_id}/{name}" if collection_id else name, before)

    def _finish(self) -> None:
        connection = self._connection
        counts = ", ".join(f"count({column})" for column in self._columns)
        found = connection.execute(f"SELECT {counts} FROM arrivals WHERE is_image").fetchone()  # noqa: S608
        used = [position for position, count in enumerate(found) if count or position == 0]  # the time in any case
        columns = [column_of(position) for position in range(len(used))]
        sources = [self._columns[position] for position in used]
        connection.execute(
            "INSERT INTO others SELECT CASE collection WHEN '' THEN name ELSE collection || '/' || name END, message "
            "FROM arrivals WHERE NOT is_image"
        )
        self._write_collections()
        connection.execute(IMAGES.format(columns=self._list(columns)))
        connection.execute(
            "INSERT INTO images SELECT row_number() OVER (ORDER BY arrivals.collection, arrivals.name), "  # noqa: S608
            "collections.id, arrivals.name, message, arrivals.odd, west, south, east, north"
            f"{self._list(sources)} FROM arrivals JOIN collections ON collections.name = arrivals.collection "
            "WHERE is_image ORDER BY arrivals.collection, arrivals.name"
        )
        connection.execute("DROP TABLE arrivals")
        ranges = connection.execute(
            "SELECT min(id), max(id), sum(odd), collection FROM images GROUP BY collection"
        ).fetchall()
        connection.executemany("UPDATE collections SET first = ?, last = ?, odd = ? WHERE id = ?", ranges)
        for statement in filter(None, map(str.strip, INDEXES.split(";"))):
            connection.execute(statement)
        for column in columns[1:]:
            connection.execute(f"CREATE INDEX by_{column} ON images(collection, {column})")
        facts = {
            "schema": schema_hash(),
            "properties": json.dumps([self._properties[position] for position in used]),
            "boxes": "rtree" if self._write_boxes() else "none",
        }
        connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())

    def _write_collections(self) -> None:
        for key, name in enumerate(sorted({*self._names, *self._declared}), 1):
            names = self._names.get(name, set())
            listed = None if len(names) > _MOST_NAMES else json.dumps(sorted(names))
            values = (key, name, 1, 0, 0, listed)  # an empty range, if no image comes
            self._connection.execute("INSERT INTO collections VALUES (?, ?, ?, ?, ?, ?)", values)

    def _write_boxes(self) -> bool:
        """Write the index of bounds, where SQLite has R*Trees."""
        try:
            self._connection.execute(BOXES)
        except sqlite3.OperationalError as error:
            if "no such module" in str(error):
                return False
            raise
        self._connection.execute(
            "INSERT INTO boxes SELECT id, west, east, south, north FROM images WHERE west IS NOT NULL"
        )
        return True

    @staticmethod
    def _list(columns: Sequence[str]) -> str:
        return "".join(f", {column}" for column in columns)


def _property(record: AssetRecord, name: str, present: Collection[str]) -> object:
    """Return what `record.get` does, without reading all properties for one; `present` are the names it has."""
    if name in present:
        value = from_struct_value(record.asset.properties.fields[name])
        if value is not None:
            return value
    return record.virtual(name) if name.startswith("system:") else None
