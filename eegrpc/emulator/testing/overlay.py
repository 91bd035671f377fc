"""Assets on top of a catalog that others share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.values import Collection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.asset_record import AssetRecord
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["Overlay"]


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

    def __init__(self, base: AnyCatalog, assets: Iterable[EarthEngineAsset]) -> None:
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

    def load(self, context: Context, id_or_name: str) -> Collection | None:
        """Return a collection as a value of a request, in the order of its index, or None if there is none."""
        own, below = self._own.load(context, id_or_name), self._base.load(context, id_or_name)
        if own is None or below is None:
            return below if own is None else own
        images = {image.index: image for image in (*below, *own)}
        return Collection(tuple(images[index] for index in sorted(images, key=str)), of_images=True)

    def collection(self, id_or_name: str) -> Sequence[AssetRecord] | None:
        """Return the images of a collection, in the order of their index, or None if there is none."""
        own, below = self._own.collection(id_or_name), self._base.collection(id_or_name)
        if own is None or below is None:
            return below if own is None else own
        records = {record.index: record for record in (*below, *own)}
        return [records[index] for index in sorted(records)]

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
