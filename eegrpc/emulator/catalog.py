"""The emulator's catalog: assets in memory, found by id or name, grouped into the collections their ids imply."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from eegrpc.emulator.bands import Band, bands_of
from eegrpc.emulator.geometry import Geometry
from eegrpc.emulator.properties import from_struct
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

PUBLIC_PREFIX = "projects/earthengine-public/assets/"
LEGACY_PREFIX = "projects/earthengine-legacy/assets/"


def canonical_id(id_or_name: str) -> str:
    """Return the id of an asset, whichever way it is written.

    Source: REST reference, projects.assets: an id is the name without its prefix, except in Cloud projects, where the
    whole name is the id.

    Args:
        id_or_name: ``COPERNICUS/S2/x`` or ``projects/earthengine-public/assets/COPERNICUS/S2/x``.

    Returns:
        The id.

    """
    for prefix in (PUBLIC_PREFIX, LEGACY_PREFIX):
        if id_or_name.startswith(prefix):
            return id_or_name[len(prefix) :]
    return id_or_name


class AssetRecord:
    """An asset and what evaluation needs of it, each worked out when first asked for.

    Attributes:
        asset: The message; shared with answers, so it must not be changed.
        id: The id; worked out from the name if the message has none.
        collection_id: The id of the collection it is in; empty if it is in none.
        index: The last part of the id.

    """

    __slots__ = ("_bands", "_footprint", "_properties", "asset", "collection_id", "id", "index")

    def __init__(self, asset: EarthEngineAsset) -> None:
        self.asset = asset
        self.id = canonical_id(asset.id or asset.name)
        self.collection_id, _, self.index = self.id.rpartition("/")
        self._properties: dict[str, object] | None = None
        self._bands: tuple[Band, ...] | None = None
        self._footprint: Geometry | None = None

    def __repr__(self) -> str:
        return f"AssetRecord({self.id!r})"

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands; equal ones are shared with other assets."""
        if self._bands is None:
            self._bands = bands_of(self.asset.bands)
        return self._bands

    @property
    def properties(self) -> Mapping[str, object]:
        """The properties of the message, without the virtual ones."""
        if self._properties is None:
            self._properties = from_struct(self.asset.properties)
        return self._properties

    @property
    def footprint(self) -> Geometry | None:
        """The geometry of the message."""
        if self._footprint is None and self.asset.HasField("geometry"):
            self._footprint = _footprint(self.asset.geometry.SerializeToString(deterministic=True))
        return self._footprint

    def get(self, name: str) -> object:
        """Return the value of a property; those in fields of the message go by their ``system:`` names.

        Source: the conversion table in earthengine-api's javascript/src/encodable.js.

        Args:
            name: Name of the property.

        Returns:
            The value, or None.

        """
        value = self.properties.get(name)
        if value is not None or not name.startswith("system:"):
            return value
        return self._virtual(name)

    def property_names(self) -> Iterator[str]:
        """Names of the properties that have a value."""
        yield from self.properties
        for name in _VIRTUAL:
            if name not in self.properties and self._virtual(name) is not None:
                yield name

    def _virtual(self, name: str) -> object:
        asset = self.asset
        if name == "system:index":
            return self.index
        if name == "system:id":
            return self.id
        if name == "system:time_start":
            return _millis(asset.start_time) if asset.HasField("start_time") else None
        if name == "system:time_end":
            return _millis(asset.end_time) if asset.HasField("end_time") else None
        if name == "system:footprint":
            return self.footprint
        if name == "system:asset_size":
            return asset.size_bytes or None
        if name == "system:version":
            moment = asset.update_time
            return moment.seconds * 1_000_000 + moment.nanos // 1000 if asset.HasField("update_time") else None
        return None


_VIRTUAL = (
    "system:asset_size",
    "system:footprint",
    "system:id",
    "system:index",
    "system:time_end",
    "system:time_start",
    "system:version",
)


def _millis(timestamp: Timestamp) -> int:
    return timestamp.seconds * 1000 + timestamp.nanos // 1_000_000


def read_assets(lines: Iterable[str], source: str) -> list[EarthEngineAsset]:
    """Read assets, one EarthEngineAsset in JSON per line.

    Args:
        lines: The text; empty lines are skipped.
        source: Where it is from, for errors.

    Returns:
        The assets.

    Raises:
        ValueError: A line is no EarthEngineAsset, or repeats one; the text starts with source:line.

    """
    assets: list[EarthEngineAsset] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            asset = json_format.Parse(line, EarthEngineAsset())
        except json_format.ParseError as error:
            raise ValueError(f"{source}:{number}: not an EarthEngineAsset in JSON: {error}") from error
        key = canonical_id(asset.id or asset.name)
        if not key:
            raise ValueError(f"{source}:{number}: the asset has neither name nor id: give it one of them.")
        if key in seen:
            raise ValueError(f"{source}:{number}: '{key}' is already in line {seen[key]}: remove one of the two.")
        seen[key] = number
        assets.append(asset)
    return assets


class CollectionSource(Protocol):
    """Where a collection's images come from when they are first needed."""

    @property
    def count(self) -> int:
        """How many images there are; cheap."""

    def load(self) -> Iterable[EarthEngineAsset]:
        """Return the images; called at most once per catalog."""


class Catalog:
    """Assets in memory. Immutable, so threads may share one.

    Images are in the order of their index, as Earth Engine lists them, whatever the order they came in. An asset whose
    id is not the one its name implies is found by both.

    Args:
        assets: The assets. Collections need not be among them: every image implies the one its id is in.

    Raises:
        ValueError: An asset has neither name nor id, or comes twice.

    """

    def __init__(self, assets: Iterable[EarthEngineAsset] = ()) -> None:
        self._others: dict[str, EarthEngineAsset] = {}
        self._sources: dict[str, CollectionSource] = {}
        self._aliases: dict[str, str] = {}  # ids that names imply, where the assets have others
        groups: dict[str, dict[str, AssetRecord]] = {}
        for position, asset in enumerate(assets, 1):
            record = AssetRecord(asset)
            if not record.id:
                raise ValueError(f"Asset {position} has neither name nor id: give it one of them.")
            if record.id in self._others or record.id in groups.get(record.collection_id, ()):
                raise ValueError(f"Asset {position}, '{record.id}', comes twice: remove one of the two.")
            implied = canonical_id(asset.name)
            if implied and implied != record.id:
                self._aliases[implied] = record.id
                self._aliases[implied.rpartition("/")[0]] = record.collection_id
            if asset.type in (EarthEngineAsset.IMAGE, EarthEngineAsset.TYPE_UNSPECIFIED):
                groups.setdefault(record.collection_id, {})[record.id] = record
            else:
                self._others[record.id] = asset
                if asset.type == EarthEngineAsset.IMAGE_COLLECTION:
                    groups.setdefault(record.id, {})
        self._loaded = {name: _ordered(group.values()) for name, group in groups.items()}

    @classmethod
    def from_ndjson(cls, path: str | os.PathLike[str]) -> Catalog:
        """Read a catalog from a file with one EarthEngineAsset in JSON per line.

        Args:
            path: The file, UTF-8; empty lines are skipped.

        Returns:
            The catalog.

        Raises:
            OSError: The file cannot be read.
            ValueError: A line is no EarthEngineAsset, or repeats one; the text starts with file:line.

        """
        with Path(path).open(encoding="utf-8") as lines:
            return cls(read_assets(lines, str(Path(path))))

    @classmethod
    def builtin(cls) -> Catalog:
        """Return the catalog that comes with eegrpc: synthetic images in the shapes of four real data sets.

        Each collection is made when it is first used, always the same.

        Returns:
            The catalog.

        """
        from eegrpc.emulator.builtin import SOURCES

        catalog = cls()
        catalog._sources.update(SOURCES)
        return catalog

    def __len__(self) -> int:
        return sum(self.collections().values())

    def collections(self) -> Mapping[str, int]:
        """Ids of the image collections, in alphabetical order, and how many images each holds."""
        counts = {name: source.count for name, source in self._sources.items()}
        counts.update((name, len(records)) for name, records in self._loaded.items())
        return MappingProxyType(dict(sorted((name, count) for name, count in counts.items() if name)))

    def collection(self, id_or_name: str) -> tuple[AssetRecord, ...] | None:
        """Return the images of a collection, in the order of their index.

        Args:
            id_or_name: Id or name of the collection.

        Returns:
            The images, or None if there is no such collection.

        """
        group = self._group(self._id(id_or_name))
        return None if group is None else tuple(group.values())

    def image(self, id_or_name: str) -> AssetRecord | None:
        """Return an image.

        Args:
            id_or_name: Id or name of the image.

        Returns:
            The image, or None if there is none.

        """
        asset_id = self._id(id_or_name)
        group = self._group(asset_id.rpartition("/")[0])
        return None if group is None else group.get(asset_id)

    def asset(self, id_or_name: str) -> EarthEngineAsset | None:
        """Any asset: an image, or one of another type that was in the file.

        Args:
            id_or_name: Id or name of the asset.

        Returns:
            The message, which must not be changed; None if there is no such asset.

        """
        record = self.image(id_or_name)
        return self._others.get(self._id(id_or_name)) if record is None else record.asset

    def _id(self, id_or_name: str) -> str:
        asset_id = canonical_id(id_or_name)
        return self._aliases.get(asset_id, asset_id)

    def _group(self, collection_id: str) -> Mapping[str, AssetRecord] | None:
        group = self._loaded.get(collection_id)
        if group is None and collection_id in self._sources:
            # Two threads may both get here; they make equal records, and the last one's stay.
            group = _ordered(map(AssetRecord, self._sources[collection_id].load()))
            self._loaded[collection_id] = group
        return group


@lru_cache(maxsize=4096)
def _footprint(wire: bytes) -> Geometry:
    """Scenes of one tile share a footprint, and with it the form that comparisons need."""
    return Geometry.from_geojson(from_struct(Struct.FromString(wire)))


def _ordered(records: Iterable[AssetRecord]) -> dict[str, AssetRecord]:
    return {record.id: record for record in sorted(records, key=lambda record: record.id)}
