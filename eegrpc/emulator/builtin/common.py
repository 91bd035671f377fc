"""What the makers of the built-in collections share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from eegrpc.emulator.images.asset_record import PUBLIC_PREFIX
from eegrpc.v1alpha import (
    AffineTransform,
    DoubleRange,
    EarthEngineAsset,
    GridDimensions,
    ImageBand,
    PixelDataType,
    PixelGrid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """A collection: the scenes it consists of, and how to make the image of each."""

    scenes: Sequence[object]
    make: Callable[..., EarthEngineAsset]

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.scenes)

    def load(self) -> Iterable[EarthEngineAsset]:
        """Return the images."""
        return [self.make(scene) for scene in self.scenes]


class Draws:
    """Numbers that look random and are the same everywhere: they come from a hash of the name they are for."""

    def __init__(self, *name: object) -> None:
        self._name = "/".join(map(str, name)).encode()
        self._block = b""
        self._used = 0

    def fraction(self) -> float:
        """Return a number from 0 (inclusive) to 1 (exclusive)."""
        place = self._used % 8
        if place == 0:
            self._block = blake2b(self._name, salt=self._used.to_bytes(8, "big")).digest()
        self._used += 1
        return int.from_bytes(self._block[8 * place : 8 * place + 6], "big") / 2**48

    def number(self, low: float, high: float, digits: int) -> float:
        """Return a number from low to high with so many decimals."""
        return round(low + (high - low) * self.fraction(), digits)

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both inclusive."""
        return low + int(self.fraction() * (high - low + 1))

    def cloud(self, digits: int) -> float:
        """Return a percentage of cloud: often little, now and then none, now and then all."""
        luck = self.fraction()
        if luck < 0.04:
            return 0
        if luck > 0.94:
            return 100
        amount = self.fraction()
        return round(100 * amount * amount, digits)


def image(collection: str, index: str, *, start: datetime, end: datetime | None, updated: datetime) -> EarthEngineAsset:
    """Return an image asset with names and times.

    Args:
        collection: Id of the collection.
        index: Last part of the id.
        start: Acquisition time.
        end: End of the acquisition, if the data set has one.
        updated: Time of the last change.

    Returns:
        The message, to be completed.

    """
    asset_id = f"{collection}/{index}"
    asset = EarthEngineAsset(type=EarthEngineAsset.IMAGE, name=PUBLIC_PREFIX + asset_id, id=asset_id)
    asset.start_time.FromDatetime(start)
    if end is not None:
        asset.end_time.FromDatetime(end)
    asset.update_time.FromDatetime(updated)
    return asset


def set_properties(asset: EarthEngineAsset, properties: Mapping[str, float | str]) -> None:
    """Fill the properties of an asset."""
    fields = asset.properties.fields
    for name, value in properties.items():
        if isinstance(value, str):
            fields[name].string_value = value
        else:
            fields[name].number_value = value


def set_polygon(asset: EarthEngineAsset, ring: Sequence[tuple[float | str, float | str]]) -> None:
    """Fill the geometry of an asset with a polygon of one ring."""
    asset.geometry.update({"type": "Polygon", "coordinates": [[list(position) for position in ring]]})


def whole_number_type(low: int, high: int) -> PixelDataType:
    """Return the type of whole numbers in a range."""
    return PixelDataType(precision=PixelDataType.INT, range=DoubleRange(min=low, max=high))


UINT8 = whole_number_type(0, 255)
UINT16 = whole_number_type(0, 65535)
UINT32 = whole_number_type(0, 4294967295)
INT8 = whole_number_type(-128, 127)
INT16 = whole_number_type(-32768, 32767)
DOUBLE = PixelDataType(precision=PixelDataType.DOUBLE)


def grid(crs: str, scale: tuple[float, float], corner: tuple[float, float], size: tuple[int, int] | None) -> PixelGrid:
    """Return a grid from the scale, the upper left corner, and width and height."""
    message = PixelGrid(
        crs_code=crs,
        affine_transform=AffineTransform(
            scale_x=scale[0], translate_x=corner[0], scale_y=scale[1], translate_y=corner[1]
        ),
    )
    if size is not None:
        message.dimensions.CopyFrom(GridDimensions(width=size[0], height=size[1]))
    return message


def band(band_id: str, kind: PixelDataType, where: PixelGrid, policy: str | None = "MEAN") -> ImageBand:
    """Return a band; the policy is that of its pyramid."""
    return ImageBand(id=band_id, data_type=kind, grid=where, pyramiding_policy=policy)


def utc(year: int, month: int, day: int) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime(year, month, day, tzinfo=timezone.utc)


def every(days: int, first: datetime, last: datetime) -> list[datetime]:
    """Every so many days from the first to the last."""
    return [first + timedelta(days=days * step) for step in range((last - first).days // days + 1)]


def sun(latitude: float, day: datetime) -> tuple[float, float]:
    """Elevation and azimuth of the sun in mid-morning, in degrees, as well as a simple formula knows them."""
    declination = -0.4093 * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365)
    here, hour = math.radians(latitude), math.radians(-25)
    height = math.asin(math.sin(here) * math.sin(declination) + math.cos(here) * math.cos(declination) * math.cos(hour))
    azimuth = math.atan2(math.sin(hour), math.cos(hour) * math.sin(here) - math.tan(declination) * math.cos(here))
    return round(math.degrees(height), 6), round((math.degrees(azimuth) + 180) % 360, 6)


def sun_distance(day: datetime) -> float:
    """Distance of the sun in astronomical units."""
    return round(1 - 0.01672 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 4) / 365.25), 7)
