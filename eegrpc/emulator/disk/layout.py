"""The prepared file: its tables, how a property is kept in a column, and how a message is kept small."""

from __future__ import annotations

import math
import zlib
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from eegrpc.emulator.filtering.filters import GEOMETRY_SELECTORS
from eegrpc.emulator.images.images import BAND_PROPERTIES
from eegrpc.v1alpha import asset_pb2

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

APPLICATION_ID = 0x45454341  # "EECA": what the file says it is, to `file` too
VERSION = 1

DEFAULT_PROPERTIES = (
    "system:time_start",
    "system:time_end",
    "system:index",
    # Clouds, and what they stand on: path and row, tile, orbit. Source: the properties that the data sets' pages of
    # the Earth Engine catalog list for Landsat, Sentinel-1 and Sentinel-2, and that their examples filter by.
    "CLOUD_COVER",
    "CLOUDY_PIXEL_PERCENTAGE",
    "WRS_PATH",
    "WRS_ROW",
    "MGRS_TILE",
    "SENSING_ORBIT_NUMBER",
    "SPACECRAFT_ID",
    "SPACECRAFT_NAME",
    "instrumentMode",
    "orbitProperties_pass",
    "relativeOrbitNumber_start",
)
"""Properties with an index, unless `prepare` is told others; those that no image has take no room."""

NEVER_STORED = frozenset({*GEOMETRY_SELECTORS, *BAND_PROPERTIES, "system:footprint"})
"""What filters can ask for and what is no scalar of the asset."""

# `images` is in the order of collection and index, so that a collection is a range of ids, and `messages` in that in
# which they came. A column of `images` holds a property, see `column_value`; `odd` says that SQL cannot know what a
# filter will make of the image: one of its columns holds OTHER, or its geometry cannot be compared. The time is
# always in the first column, and its index has the boxes, too: months of a region are found without reading rows.
TABLES = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first INTEGER, last INTEGER, odd INTEGER, properties TEXT
);
CREATE TABLE dictionaries(id INTEGER PRIMARY KEY, wire BLOB NOT NULL);
CREATE TABLE messages(id INTEGER PRIMARY KEY, dictionary INTEGER, wire BLOB NOT NULL);
CREATE TABLE others(id TEXT PRIMARY KEY, message INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE aliases(alias TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
"""
IMAGES = """
CREATE TABLE images(
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, name TEXT NOT NULL, message INTEGER NOT NULL,
    odd INTEGER NOT NULL, west REAL, south REAL, east REAL, north REAL{columns}
);
"""
INDEXES = """
CREATE UNIQUE INDEX by_name ON images(collection, name);
CREATE INDEX by_oddity ON images(collection) WHERE odd;
CREATE INDEX by_p0 ON images(collection, p0, west, south, east, north);
"""
BOXES = "CREATE VIRTUAL TABLE boxes USING rtree(id, west, east, south, north);"

OTHER = b""
"""Stands in a column for a value that SQL does not compare as filters do: it comes after all numbers and texts."""


def schema_hash() -> str:
    """Return what names the tables, and the messages in them."""
    described = asset_pb2.DESCRIPTOR.serialized_pb
    return blake2b(TABLES.encode() + IMAGES.encode() + INDEXES.encode() + described, digest_size=16).hexdigest()


def is_prepared(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an SQLite database, and so no NDJSON; a folder is none."""
    place = Path(path)
    if not place.is_file():
        return False
    with place.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


TIME = "p0"
"""The column of the time, whose index has the boxes."""


def column_of(position: int) -> str:
    """Return the column that holds the property at a position in the list of stored ones; its index is `by_...`."""
    return f"p{position}"


def column_value(value: object) -> object:
    """Return what a column holds for a property.

    Numbers and texts are what they are, because SQLite orders them as Python does: numbers by value, texts by code
    point. OTHER stands for all else, booleans and NaN among them.
    """
    if value is None:
        return None
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else OTHER
    if type(value) is float:
        return value if math.isfinite(value) else OTHER
    return value if type(value) is str and "\0" not in value else OTHER


class Packing:
    """Makes messages small: deflate with a dictionary, an earlier message of the collection.

    Bands and most properties are the same from image to image: a message of 5.7 kB takes 1 kB so, 1.8 kB without the
    dictionary, and unpacking it a third of the time that parsing takes.
    """

    LEVEL = 1

    def __init__(self, dictionary: bytes) -> None:
        self._dictionary = dictionary

    def pack(self, wire: bytes) -> bytes:
        """Return the wire bytes, deflated."""
        packer = zlib.compressobj(self.LEVEL, zdict=self._dictionary)
        return packer.compress(wire) + packer.flush()

    def unpack(self, packed: bytes) -> bytes:
        """Return the wire bytes."""
        return zlib.decompressobj(zdict=self._dictionary).decompress(packed)


def check_properties(names: Sequence[str]) -> tuple[str, ...]:
    """Return the properties to be stored: the time always, each once.

    Raises:
        ValueError: One of them is no scalar property.

    """
    for name in names:
        if name in NEVER_STORED:
            raise ValueError(f"{name!r} cannot be indexed: bounds always are, and bands are no numbers or texts.")
    return tuple(dict.fromkeys(("system:time_start", *names)))
