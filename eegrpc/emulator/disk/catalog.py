"""A catalog that is served from a prepared file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.disk.collection import Search, StoredCollection, StoredRecords
from eegrpc.emulator.disk.connections import Connections
from eegrpc.emulator.disk.layout import APPLICATION_ID, VERSION, schema_hash
from eegrpc.emulator.disk.table import Table
from eegrpc.emulator.images.asset_record import canonical_id

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.asset_record import AssetRecord
    from eegrpc.v1alpha import EarthEngineAsset

_AGAIN = "prepare it again with: eegrpc emulator prepare CATALOG.ndjson -o FILE"


class StoredCatalog:
    """A catalog in a file that `Catalog.prepare` wrote. Threads may share one, and so may forked processes.

    The file must not be changed while it is served; replacing it, as `Catalog.prepare` does, is no change.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It was not prepared, or by another version.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with Path(path).open("rb"):
            pass  # SQLite does not say why it cannot open a file
        self._connections = Connections(path)
        try:
            facts = self._facts(Path(path))
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} is no prepared catalog, or is damaged: {error}.") from error
        self._properties: tuple[str, ...] = tuple(json.loads(facts["properties"]))
        self._table = Table(self._connections, self._properties, has_boxes=self._has_boxes(facts))
        self._sets = {of.id: of for of in self._table.sets()}
        self._counts = MappingProxyType({name: len(self._sets[name]) for name in sorted(self._sets) if name})

    @property
    def properties(self) -> tuple[str, ...]:
        """Properties by which filters and sorts are quick, because they have an index."""
        return self._properties

    def __len__(self) -> int:
        return sum(self._counts.values())

    def collections(self) -> Mapping[str, int]:
        """Ids of the image collections, in alphabetical order, and how many images each holds."""
        return self._counts

    def load(self, context: Context, id_or_name: str) -> StoredCollection | None:
        """Return a collection as a value of a request; nothing is read yet.

        Args:
            context: The request's context, whose images they become.
            id_or_name: Id or name of the collection.

        Returns:
            The collection, or None if there is none.

        """
        of = self._sets.get(self._id(id_or_name))
        return None if of is None else StoredCollection(context, self._table, of, Search())

    def collection(self, id_or_name: str) -> StoredRecords | None:
        """Return the images of a collection, in the order of their index; each is read when it is asked for.

        Args:
            id_or_name: Id or name of the collection.

        Returns:
            The images, or None if there is no such collection.

        """
        of = self._sets.get(self._id(id_or_name))
        return None if of is None else StoredRecords(self._table, range(of.first, of.last + 1))

    def image(self, id_or_name: str) -> AssetRecord | None:
        """Return an image.

        Args:
            id_or_name: Id or name of the image.

        Returns:
            The image, or None if there is none.

        """
        collection_id, _, index = self._id(id_or_name).rpartition("/")
        of = self._sets.get(collection_id)
        return None if of is None else self._table.row_of(of, index)

    def asset(self, id_or_name: str) -> EarthEngineAsset | None:
        """Any asset: an image, or one of another type.

        Args:
            id_or_name: Id or name of the asset.

        Returns:
            The message, which must not be changed; None if there is no such asset.

        """
        record = self.image(id_or_name)
        if record is not None:
            return record.asset
        key = self._one("SELECT message FROM others WHERE id = ?", self._id(id_or_name))
        return None if key is None else self._table.message(key)

    def close(self) -> None:
        """Close the connections that are not in use; the catalog opens others when it is asked again."""
        self._connections.close()

    def _id(self, id_or_name: str) -> str:
        asset_id = canonical_id(id_or_name)
        other: str | None = self._one("SELECT id FROM aliases WHERE alias = ?", asset_id)
        return asset_id if other is None else other

    def _one(self, sql: str, value: str) -> Any:
        with self._connections.lent() as connection:
            row = connection.execute(sql, (value,)).fetchone()
        return None if row is None else row[0]

    def _facts(self, path: Path) -> dict[str, str]:
        with self._connections.lent() as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if application != APPLICATION_ID:
                raise ValueError(f"{path} is an SQLite database, but no prepared catalog.")
            if version != VERSION:
                raise ValueError(f"{path} has format {version}, and this version of eegrpc reads {VERSION}: {_AGAIN}.")
            facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
        if facts.get("schema") != schema_hash():
            raise ValueError(f"{path} was prepared by a version of eegrpc with other tables or messages: {_AGAIN}.")
        return facts

    def _has_boxes(self, facts: Mapping[str, str]) -> bool:
        """Whether bounds have an index that this SQLite can read; without one they are compared row by row."""
        if facts.get("boxes") != "rtree":
            return False
        try:
            with self._connections.lent() as connection:
                connection.execute("SELECT id FROM boxes LIMIT 1")
        except sqlite3.OperationalError:
            return False
        return True
