"""What a catalog holds, for people: of each collection how many images, from when, and where."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.images.asset_record import AssetRecord

__all__ = ["summarised"]

_LOOKED_AT = 2_000  # images of a collection, spread over it; of more, dates and places are those of a sample
_SHOWN = 60  # footprints of a collection
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DETAIL = 0.05  # degrees; more cannot be seen on a map of the world


def summarised(catalog: AnyCatalog) -> list[dict[str, object]]:
    """Return of each collection its id, the number of its images, their first and last day, and some footprints.

    Args:
        catalog: The catalog. Of a large collection some images are read.

    Returns:
        Objects for JSON; footprints are rings of longitude and latitude.
    """
    return [_summary(name, count, catalog.collection(name) or ()) for name, count in catalog.collections().items()]


def _summary(name: str, count: int, records: Sequence[AssetRecord]) -> dict[str, object]:
    looked_at = records[:: 1 + len(records) // _LOOKED_AT]
    times = [record.asset.start_time.seconds for record in looked_at if record.asset.HasField("start_time")]
    return {
        "id": name,
        "count": count,
        "start": _day(min(times, default=None)),
        "end": _day(max(times, default=None)),
        "sampled": len(looked_at) < count,
        "footprints": _footprints(looked_at),
    }


def _footprints(records: Sequence[AssetRecord]) -> list[list[tuple[float, float]]]:
    """Return outlines of the different footprints, rounded: scenes of one tile share theirs."""
    different: dict[int, Geometry] = {}
    for record in records:
        footprint = record.footprint
        if footprint is not None:
            different.setdefault(id(footprint), footprint)
    rings: dict[tuple[tuple[float, float], ...], None] = {}
    for footprint in islice(different.values(), 4 * _SHOWN):
        for ring in _rings(footprint):
            rings.setdefault(tuple(ring))
    return [list(ring) for ring in islice(rings, _SHOWN)]


def _rings(footprint: Geometry) -> list[list[tuple[float, float]]]:
    if footprint.unbounded:
        return [[(-180, -90), (180, -90), (180, 90), (-180, 90)]]
    import shapely

    shape = shapely.simplify(footprint.shape, _DETAIL)
    outlines = [shapely.get_exterior_ring(part) for part in shapely.get_parts(shape)]
    return [
        [(round(x, 2), round(y, 2)) for x, y in shapely.get_coordinates(outline)[:-1].tolist()]
        for outline in outlines
        if outline is not None
    ]


def _day(seconds: int | None) -> str | None:
    return None if seconds is None else str((_EPOCH + timedelta(seconds=seconds)).date())
