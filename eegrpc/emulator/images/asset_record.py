"""Assets as a catalog has them: a message, its id, and what evaluation needs of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf.struct_pb2 import Struct

from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.images.bands import Band, bands_of
from eegrpc.emulator.properties import from_struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

    from eegrpc.v1alpha import EarthEngineAsset

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
        id: The id; worked out from the name if the message has none.
        collection_id: The id of the collection it is in; empty if it is in none.
        index: The last part of the id.

    """

    __slots__ = ("_asset", "_bands", "_footprint", "_properties", "_virtual", "collection_id", "id", "index")

    def __init__(self, asset: EarthEngineAsset) -> None:
        self._asset = asset
        self.id = canonical_id(asset.id or asset.name)
        self.collection_id, _, self.index = self.id.rpartition("/")
        self._properties: Mapping[str, object] | None = None
        self._bands: tuple[Band, ...] | None = None
        self._footprint: Geometry | None = None
        self._virtual: dict[str, object] = {}  # which joins and sorts ask for again and again

    def __repr__(self) -> str:
        return f"AssetRecord({self.id!r})"

    @property
    def asset(self) -> EarthEngineAsset:
        """The message; shared with answers, so it must not be changed."""
        return self._asset

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
        properties = self._properties
        if properties is None:
            properties = self.properties
        value = properties.get(name)
        if value is not None or not name.startswith("system:"):
            return value
        if name not in self._virtual:
            self._virtual[name] = self.virtual(name)
        return self._virtual[name]

    def property_names(self) -> Iterator[str]:
        """Names of the properties that have a value."""
        yield from self.properties
        for name in _VIRTUAL:
            if name not in self.properties and self.virtual(name) is not None:
                yield name

    def virtual(self, name: str) -> object:
        """Return the value of a ``system:`` property as fields of the message have it; None if they have none."""
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


@lru_cache(maxsize=4096)
def _footprint(wire: bytes) -> Geometry:
    """Scenes of one tile share a footprint, and with it the form that comparisons need."""
    return Geometry.from_geojson(from_struct(Struct.FromString(wire)))
