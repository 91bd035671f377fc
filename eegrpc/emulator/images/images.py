"""Images as values: what an asset has, what a request changed, and how both look as a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.properties import to_struct, to_struct_value
from eegrpc.emulator.values import GEOMETRY_FIELD, SYSTEM_PREFIX, Date, Element
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp

    from eegrpc.emulator.images.asset_record import AssetRecord
    from eegrpc.emulator.images.bands import Band, PixelType

BAND_PROPERTIES = ("system:band_names", "system:bands")
_MADE_OF_OTHERS = frozenset({GEOMETRY_FIELD, *BAND_PROPERTIES})

# The years that a protobuf Timestamp can hold, in milliseconds.
_FIRST_MILLI = -62135596800000
_LAST_MILLI = 253402300799999


class Image(Element):
    """An image: an asset or not, with its bands and the properties that were set since it was loaded."""

    __slots__ = ("_bands", "changes", "record")

    def __init__(
        self,
        record: AssetRecord | None = None,
        bands: Sequence[Band] | None = None,
        changes: Mapping[str, object] | None = None,
    ) -> None:
        self.record = record
        self._bands = None if bands is None else tuple(bands)
        self.changes: Mapping[str, object] = changes or {}

    def __repr__(self) -> str:
        return f"Image({self.get('system:id') or self.index})"

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands in order."""
        if self._bands is not None:
            return self._bands
        return () if self.record is None else self.record.bands

    def get(self, name: str) -> object:
        """Return the value of a property, virtual ones included."""
        if name in self.changes:
            return self.changes[name]
        if name in _MADE_OF_OTHERS:
            return self._made(name)
        return None if self.record is None else self.record.get(name)

    def _made(self, name: str) -> object:
        """Return the value of one of `_MADE_OF_OTHERS`."""
        if name == GEOMETRY_FIELD:
            return self.get("system:footprint")
        if name == "system:band_names":
            return [band.id for band in self.bands]
        return {band.id: describe_band(band) for band in self.bands}

    def setting(self, changes: Mapping[str, object]) -> Image:
        """Return the same image with some properties replaced; None removes one."""
        return Image(self.record, self._bands, {**self.changes, **changes})

    def with_bands(self, bands: Sequence[Band]) -> Image:
        """Return the same image, metadata included, with other bands."""
        return Image(self.record, bands, self.changes)

    def property_names(self) -> list[str]:
        """Names of all properties that are not null."""
        names = {*self.changes}
        if self.record is not None:
            names.update(self.record.property_names())
        present = [name for name in names if self.get(name) is not None]
        present += [name for name in BAND_PROPERTIES if name not in self.changes]  # which take time to make
        return sorted(present, key=lambda name: (name.startswith(SYSTEM_PREFIX), name))

    @property
    def geometry(self) -> Geometry | None:
        """The footprint."""
        footprint = self.get("system:footprint")
        return footprint if isinstance(footprint, Geometry) else None

    def check_fields(self) -> None:
        """Check that changed properties fit the fields of the message they go to.

        Raises:
            AlgorithmError: One does not; the text names it.

        """
        for name, value in self.changes.items():
            _check_field(name, value)

    def to_message(self) -> EarthEngineAsset:
        """Return the image as computeImages returns it.

        An untouched asset gives the catalog's own message, which must not be changed. The rules for computed images
        are in docs/emulator.md.

        Returns:
            The message.

        Raises:
            AlgorithmError: A property cannot be put into a message.

        """
        if self.record is not None and self._bands is None and not self.changes:
            return self.record.asset
        message = EarthEngineAsset()
        if self.record is not None:
            message.CopyFrom(self.record.asset)
        message.type = EarthEngineAsset.IMAGE
        if self._bands is not None:
            del message.bands[:]
            message.bands.extend([band.message() for band in self._bands])
        for name, value in sorted(self.changes.items()):
            _put(message, name, value)
        return message


def _check_field(name: str, value: object) -> None:
    """Refuse a value that the field of a ``system:`` property cannot hold."""
    if isinstance(value, Date):
        value = value.millis
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if name in ("system:time_start", "system:time_end") and not _FIRST_MILLI <= value <= _LAST_MILLI:
        raise AlgorithmError(f"Property '{name}' is {value}, which is no time in the years 1 to 9999.")
    if name == "system:version" and not _FIRST_MILLI <= value / 1000 <= _LAST_MILLI:
        raise AlgorithmError(f"Property '{name}' is {value}, which is no time in microseconds.")
    if name == "system:asset_size" and not 0 <= value < 2**63:
        raise AlgorithmError(f"Property '{name}' is {value}, which is no size in bytes.")


def describe_pixel_type(kind: PixelType) -> dict[str, object]:
    """Return a pixel type as getInfo() shows it. Source: the printout in ee/pixeltype.py of earthengine-api."""
    shown: dict[str, object] = {"type": "PixelType", "precision": kind.precision.lower()}
    if kind.minimum is not None and kind.maximum is not None:
        shown |= {"min": kind.minimum, "max": kind.maximum}
    if kind.dimensions:
        shown["dimensions"] = kind.dimensions
    return shown


def describe_band(band: Band) -> dict[str, object]:
    """Return a band as getInfo() shows it, and as the virtual property ``system:bands`` holds it.

    Source: printouts in public notebooks, collected in eerepr's and geetools' snapshots.

    Args:
        band: The band.

    Returns:
        Id, pixel type, size if it is known, and grid.
    """
    description: dict[str, object] = {
        "id": band.id,
        "data_type": describe_pixel_type(band.type),
        "crs": band.grid.wkt or band.grid.crs,
        "crs_transform": list(band.grid.transform),
    }
    if band.grid.width is not None and band.grid.height is not None:
        description["dimensions"] = [band.grid.width, band.grid.height]
        if band.grid.origin != (0, 0):
            description["origin"] = list(band.grid.origin)
    return description


def _put(message: EarthEngineAsset, name: str, value: object) -> None:
    """Put one changed property where it belongs in the message.

    Which have a field of their own, and so are not in `properties`, is the table in earthengine-api's
    javascript/src/encodable.js that turns an asset back into its legacy form.
    """
    if name in ("system:time_start", "system:time_end"):
        _put_time(message, name, value)
    elif name == "system:footprint":
        message.ClearField("geometry")
        if isinstance(value, Geometry) and not value.unbounded:
            message.geometry.CopyFrom(to_struct(value))
    elif name == "system:id":
        message.ClearField("name")
        message.id = "" if value is None else str(value)
    elif name == "system:version":
        message.ClearField("update_time")
        if isinstance(value, (int, float)):
            _set_time(message.update_time, int(value))
    elif name == "system:asset_size":
        message.size_bytes = int(value) if isinstance(value, (int, float)) else 0
    elif name in BAND_PROPERTIES:
        return  # they describe the bands, whatever they were set to
    elif value is None:
        message.properties.fields.pop(name, None)
    else:
        message.properties.fields[name].CopyFrom(to_struct_value(value))


def _put_time(message: EarthEngineAsset, name: str, value: object) -> None:
    field = "start_time" if name == "system:time_start" else "end_time"
    message.ClearField(field)
    millis = value.millis if isinstance(value, Date) else value
    if isinstance(millis, (int, float)) and not isinstance(millis, bool):
        _set_time(message.start_time if field == "start_time" else message.end_time, int(millis * 1000))
    elif value is not None:  # no time, so it has no place but this
        message.properties.fields[name].CopyFrom(to_struct_value(value))


def _set_time(timestamp: Timestamp, microseconds: int) -> None:
    seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.seconds = seconds
    timestamp.nanos = rest * 1000
