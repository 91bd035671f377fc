"""The emulator's catalog: assets found by id or name, grouped into the collections their ids imply.

`Catalog` has them in memory, `eegrpc.emulator.disk` serves a file. Evaluation knows `AnyCatalog`, which both are.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from eegrpc.emulator.images.asset_record import AssetRecord, canonical_id
from eegrpc.emulator.ndjson import catalog_files, read_lines
from eegrpc.emulator.values import Collection
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.ndjson import Line


def read_assets(lines: Iterable[Line]) -> list[EarthEngineAsset]:
    """Return the assets of lines.

    Raises:
        ValueError: A line is no EarthEngineAsset, or repeats one; the text starts with its place.

    """
    assets: list[EarthEngineAsset] = []
    seen: dict[str, str] = {}
    for line in lines:
        asset, key = identified(line)
        if key in seen:
            raise comes_twice(line.place, key, seen[key])
        seen[key] = line.place
        assets.append(asset)
    return assets


def assets_in(path: str | os.PathLike[str]) -> list[EarthEngineAsset]:
    """Return the assets of a file, or of a folder of files; `Catalog.from_ndjson` says what of it can go wrong."""
    return read_assets(line for file in catalog_files(path) for line in read_lines(file))


class CollectionSource(Protocol):
    """Where a collection's images come from when they are first needed."""

    @property
    def count(self) -> int:
        """How many images there are; cheap."""

    def load(self) -> Iterable[EarthEngineAsset]:
        """Return the images; called at most once per catalog."""


@runtime_checkable
class AnyCatalog(Protocol):
    """What evaluation asks of a catalog; threads share one."""

    def __len__(self) -> int:
        """How many images are in collections."""

    def collections(self) -> Mapping[str, int]:
        """Ids of the image collections, in alphabetical order, and how many images each holds."""

    def load(self, context: Context, id_or_name: str) -> Collection | None:
        """Return a collection as a value of a request, in the order of its index; None if there is none."""

    def collection(self, id_or_name: str) -> Sequence[AssetRecord] | None:
        """Return the images of a collection, in the order of their index; None if there is none."""

    def image(self, id_or_name: str) -> AssetRecord | None:
        """Return an image, or None if there is none."""

    def asset(self, id_or_name: str) -> EarthEngineAsset | None:
        """Return any asset, or None if there is none."""


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
        """Read a catalog from files with one EarthEngineAsset in JSON per line.

        Args:
            path: A file, UTF-8, or gzipped if its name ends in ``.gz``; or a folder of such files (``.ndjson``,
                ``.jsonl``, ``.json``, each also with ``.gz``). Empty lines are skipped.

        Returns:
            The catalog.

        Raises:
            OSError: A file cannot be read.
            ValueError: A line is no EarthEngineAsset, or repeats one; the text starts with file:line.

        """
        return cls(assets_in(path))

    @staticmethod
    def prepare(
        sources: Iterable[str | os.PathLike[str] | EarthEngineAsset],
        path: str | os.PathLike[str],
        *,
        properties: Iterable[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write a file that `open` serves without reading it: for catalogs too large for memory.

        Args:
            sources: Paths as `from_ndjson` takes them, and assets.
            path: The file to write; it appears when it is complete, in the place of one that was there.
            properties: Properties by which filters and sorts shall be quick, numbers or texts; None for the usual ones
                (:data:`eegrpc.emulator.disk.DEFAULT_PROPERTIES`). The time and bounds always are.
            progress: Is told now and then how many assets have been read.

        Returns:
            How many assets there are.

        Raises:
            OSError: A file cannot be read or written.
            ValueError: A line is no EarthEngineAsset, an asset comes twice, or a property cannot be indexed.

        """
        from eegrpc.emulator.disk import DEFAULT_PROPERTIES, prepare

        chosen = DEFAULT_PROPERTIES if properties is None else tuple(properties)
        return prepare(sources, path, properties=chosen, progress=progress)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> AnyCatalog:
        """Open any catalog: a prepared file, or what `from_ndjson` reads.

        Args:
            path: The file or folder; what it is is told from its content.

        Returns:
            The catalog.

        Raises:
            OSError: A file cannot be read.
            ValueError: It is malformed, or was prepared by another version.

        """
        from eegrpc.emulator.disk import StoredCatalog, is_prepared

        return StoredCatalog(path) if is_prepared(path) else Catalog.from_ndjson(path)

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

    def load(self, context: Context, id_or_name: str) -> Collection | None:
        """Return a collection as a value of a request, in the order of its index.

        Args:
            context: The request's context, whose images they become.
            id_or_name: Id or name of the collection.

        Returns:
            The collection, or None if there is none.

        """
        records = self.collection(id_or_name)
        if records is None:
            return None
        context.spend(len(records))
        return Collection(tuple(context.image(record) for record in records), of_images=True)

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


def identified(line: Line) -> tuple[EarthEngineAsset, str]:
    """Return the asset of a line of a file, and its id.

    Raises:
        ValueError: It has none.

    """
    asset = EarthEngineAsset.FromString(line.wire)
    key = canonical_id(asset.id or asset.name)
    if not key:
        raise ValueError(f"{line.place}: the asset has neither name nor id: give it one of them.")
    return asset, key


def comes_twice(place: str, key: str, first: str) -> ValueError:
    """Return the error for an asset that an earlier line has already; places are file:line."""
    file, _, number = first.rpartition(":")
    where = f"line {number}" if file and file == place.rpartition(":")[0] else first
    return ValueError(f"{place}: '{key}' is already in {where}: remove one of the two.")


def _ordered(records: Iterable[AssetRecord]) -> dict[str, AssetRecord]:
    return {record.id: record for record in sorted(records, key=lambda record: record.id)}
