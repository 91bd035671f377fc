"""What a table says of an image: short texts, empty where the image does not tell."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Value

    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["CLOUD_PROPERTIES", "bands", "centre", "cloud", "collection", "grid", "index", "property_text", "time"]

# https://developers.google.com/earth-engine/reference/rest/v1alpha/projects.assets: ids leave these out of names.
_PREFIXES: Final = ("projects/earthengine-public/assets/", "projects/earthengine-legacy/assets/")
CLOUD_PROPERTIES: Final = ("CLOUDY_PIXEL_PERCENTAGE", "CLOUD_COVER", "CLOUD_COVERAGE_ASSESSMENT", "cloud_cover")
_IN_METRES: Final = re.compile(r"EPSG:(32[67]\d\d|3857|3035|6933|6974)|SR-ORG:6974")
_IN_DEGREES: Final = re.compile(r"EPSG:4\d\d\d")


def time(image: EarthEngineAsset) -> str:
    """Return when it begins, in UTC, to the minute."""
    if not image.HasField("start_time"):
        return ""
    try:
        return image.start_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
    except ValueError:  # beyond the year 9999
        return "?"


def collection(image: EarthEngineAsset) -> str:
    """Return the collection it is in."""
    return _id(image).rpartition("/")[0]


def index(image: EarthEngineAsset) -> str:
    """Return its name within the collection."""
    return _id(image).rpartition("/")[2]


def _id(image: EarthEngineAsset) -> str:
    name = image.name or image.id
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def cloud(image: EarthEngineAsset) -> str:
    """Return its cloud cover in percent."""
    for name in CLOUD_PROPERTIES:
        if name in image.properties.fields:
            value = image.properties.fields[name]
            if value.WhichOneof("kind") == "number_value":
                return f"{value.number_value:.1f}"
    return ""


def bands(image: EarthEngineAsset) -> str:
    """Return its bands: of many the first ones, the last, which an expression may have added, and how many."""
    names = [band.id for band in image.bands]
    if len(names) <= 4:
        return " ".join(names)
    return f"{names[0]} {names[1]} … {names[-1]} ({len(names)})"


def grid(image: EarthEngineAsset) -> str:
    """Return projection and pixel size of its finest band."""
    grids = [band.grid for band in image.bands if band.grid.affine_transform.scale_x]
    if not grids:
        return ""
    finest = min(grids, key=lambda grid: (grid.crs_code == "EPSG:4326", abs(grid.affine_transform.scale_x)))
    size = f"{abs(finest.affine_transform.scale_x):.4g}"
    if _IN_METRES.fullmatch(finest.crs_code):
        size += " m"
    elif _IN_DEGREES.fullmatch(finest.crs_code):
        size += "°"
    return f"{finest.crs_code or 'own CRS'} {size}"


def centre(image: EarthEngineAsset) -> str:
    """Return the middle of its footprint."""
    if not image.HasField("geometry"):
        return ""
    longitudes: list[float] = []
    latitudes: list[float] = []
    try:
        _collect(json_format.MessageToDict(image.geometry), longitudes, latitudes)
    except (AttributeError, LookupError, TypeError, ValueError, json_format.Error):  # not GeoJSON: it says nothing
        return ""
    if not longitudes:
        return ""
    if not all(map(math.isfinite, (*longitudes, *latitudes))):
        return "unbounded"
    if max(longitudes) - min(longitudes) > 359:
        return "around the world"
    if max(longitudes) - min(longitudes) > 180:  # across the antimeridian
        shifted = [longitude + 360 if longitude < 0 else longitude for longitude in longitudes]
        if max(shifted) - min(shifted) < max(longitudes) - min(longitudes):
            longitudes = shifted
    latitude = (min(latitudes) + max(latitudes)) / 2
    longitude = ((min(longitudes) + max(longitudes)) / 2 + 180) % 360 - 180
    return f"{abs(latitude):.2f}°{'S' if latitude < 0 else 'N'} {abs(longitude):.2f}°{'W' if longitude < 0 else 'E'}"


def _collect(geometry: Any, longitudes: list[float], latitudes: list[float]) -> None:
    """Collect the positions of a GeoJSON geometry (RFC 7946); Earth Engine writes infinity as text."""
    for part in geometry.get("geometries", ()):
        _collect(part, longitudes, latitudes)
    stack = [geometry.get("coordinates", ())]
    while stack:
        item = stack.pop()
        if item and not isinstance(item[0], list):
            longitudes.append(float(item[0]))
            latitudes.append(float(item[1]))
        else:
            stack.extend(item)


def property_text(image: EarthEngineAsset, name: str) -> str:
    """Return the value of a property."""
    return _value(image.properties.fields[name]) if name in image.properties.fields else ""


def _value(value: Value) -> str:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"
    if kind == "bool_value":
        return str(value.bool_value).lower()
    if kind in ("list_value", "struct_value"):
        return json_format.MessageToJson(value, indent=None)
    return "null" if kind == "null_value" else ""
