"""Assets on top of a catalog that others share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from eegrpc.emulator.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eegrpc.emulator.catalog import AssetRecord
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["Assets", "Overlay"]


class Assets(Protocol):
    """What evaluation needs of a catalog; `Catalog` says what each method returns."""

    def __len__(self) -> int: ...

    def collections(self) -> Mapping[str, int]:
        """Ids of the image collections, and how many images each holds."""

    def collection(self, id_or_name: str) -> Sequence[AssetRecord] | None:
        """Return the images of a collection."""

    def image(self, id_or_name: str) -> AssetRecord | None:
        """Return an image."""

    def asset(self, id_or_name: str) -> EarthEngineAsset | None:
        """Return any asset."""


class Overlay:
    """A catalog of a few assets on top of another one. Immutable, so threads may share it.

    An image hides the one with its id below. A collection that both have is merged, in the order of the index; all
    others are handed on as they are.

    Args:
        base: What is below.
        assets: What is on top.

    Raises:
        ValueError: An asset has neither name nor id, or comes twice.

    """

    def __init__(self, base: Assets, assets: Iterable[EarthEngineAsset]) -> None:
        self._base = base
        self._own = Catalog(assets)
        counts = dict(base.collections())
        for name, count in self._own.collections().items():
            hidden = sum(base.image(record.id) is not None for record in self._own.collection(name) or ())
            counts[name] = counts.get(name, 0) + count - hidden
        self._counts = dict(sorted(counts.items()))

    def __len__(self) -> int:
        return sum(self._counts.values())

    def collections(self) -> Mapping[str, int]:
        """Ids of the image collections, in alphabetical order, and how many images each holds."""
        return MappingProxyType(self._counts)

    def collection(self, id_or_name: str) -> Sequence[AssetRecord] | None:
        """Return the images of a collection, in the order of their index, or None if there is none."""
        own = self._own.collection(id_or_name)
        below = self._base.collection(id_or_name)
        if own is None or below is None:
            return below if own is None else own
        records = {record.id: record for record in below} | {record.id: record for record in own}
        return tuple(sorted(records.values(), key=lambda record: record.id))

    def image(self, id_or_name: str) -> AssetRecord | None:
        """Return an image, or None if there is none."""
        own = self._own.asset(id_or_name)
        if own is not None:
            return self._own.image(id_or_name)
        return self._base.image(id_or_name)

    def asset(self, id_or_name: str) -> EarthEngineAsset | None:
        """Return any asset, or None if there is none; it must not be changed."""
        own = self._own.asset(id_or_name)
        return self._base.asset(id_or_name) if own is None else own
