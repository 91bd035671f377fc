"""The built-in catalog: synthetic images in the shapes of four real data sets, made in code, always the same.

Nothing here was fetched from Earth Engine, and no value is an observation. docs/emulator.md says what is real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.builtin import global_grids, landsat8, sentinel2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eegrpc.emulator.catalog import CollectionSource

SOURCES: Mapping[str, CollectionSource] = {
    sentinel2.COLLECTION: sentinel2.SOURCE,
    landsat8.COLLECTION: landsat8.SOURCE,
    global_grids.MODIS: global_grids.MODIS_SOURCE,
    global_grids.ERA5_LAND: global_grids.ERA5_SOURCE,
}
