"""PixelType.*, and the functions of images that tell or change the types of pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import Keeps, image_function
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.images.bands import TYPE_NAMES, Band, PixelType
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Precision
    from eegrpc.emulator.images.images import Image

# What a message can say; the examples of PixelType have 100,000,000.
_MOST_DIMENSIONS = 2**31 - 1

_PRECISIONS: dict[str, Precision] = {"int": "INT", "float": "FLOAT", "double": "DOUBLE"}


@algorithm(
    "PixelType(precision: Object, minValue: Number = null, maxValue: Number = null, dimensions: Integer = 0) "
    "-> PixelType"
)
def pixel_type(_: Context, precision: object, low: float | None, high: float | None, dimensions: int) -> PixelType:
    """Return a type by precision, range and number of dimensions."""
    if isinstance(precision, PixelType) and low is None and high is None and not dimensions:
        return precision
    kind = _PRECISIONS.get(precision) if isinstance(precision, str) else None
    if kind is None:
        raise AlgorithmError(f"Parameter 'precision' must be 'int', 'float' or 'double', not: {precision!r}.")
    if kind == "INT" and (low is None or high is None):
        raise AlgorithmError("Parameters 'minValue' and 'maxValue' are required for precision 'int'.")
    if low is not None and high is not None and not low <= high:
        raise AlgorithmError(f"Parameter 'minValue' ({low}) must not be greater than 'maxValue' ({high}).")
    if not 0 <= dimensions <= _MOST_DIMENSIONS:
        raise AlgorithmError(f"Parameter 'dimensions' must be from 0 to {_MOST_DIMENSIONS}, got {dimensions}.")
    # null stands for an infinite bound (description), and a range with one is shown as none.
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return PixelType(kind, dimensions=dimensions)
    return PixelType(kind, low, high, dimensions)


def _declare_constant(name: str) -> None:
    @algorithm(f"PixelType.{name}() -> PixelType", summary=f"Return the type {name}.")
    def named_type(_: Context) -> PixelType:
        return TYPE_NAMES[name]


for _name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float", "double"):
    _declare_constant(_name)


@algorithm("PixelType.dimensions(pixelType: PixelType) -> Integer")
def dimensions(_: Context, kind: PixelType) -> int:
    """Return the number of dimensions: 0 for scalars."""
    return kind.dimensions


@algorithm("PixelType.minValue(pixelType: PixelType) -> Number")
def min_value(_: Context, kind: PixelType) -> float | None:
    """Return the least value; null without a range."""
    return kind.minimum


@algorithm("PixelType.maxValue(pixelType: PixelType) -> Number")
def max_value(_: Context, kind: PixelType) -> float | None:
    """Return the greatest value; null without a range."""
    return kind.maximum


@algorithm("PixelType.precision(pixelType: PixelType) -> String")
def precision(_: Context, kind: PixelType) -> str:
    """Return ``int``, ``float`` or ``double``."""
    return kind.precision.lower()


@algorithm("Image.bandTypes(image: Image) -> Dictionary<Object>")
def band_types(context: Context, image: Image) -> dict[str, PixelType]:
    """Return the types of the bands by name, in alphabetical order."""
    context.spend(len(image.bands))
    return {band.id: band.type for band in sorted(image.bands, key=lambda band: band.id)}


def _declare_cast(type_name: str, names: tuple[str, ...]) -> None:
    kind = TYPE_NAMES[type_name]

    @image_function(
        *(f"Image.{name}(value: Image) -> Image" for name in names),
        keeps=Keeps.EVERYTHING,
        assumption="cast-keeps-metadata",
        summary=f"Cast all bands to {type_name}.",
    )
    def cast(_: Context, image: Image) -> list[Band]:
        return [
            band.retyped(PixelType(kind.precision, kind.minimum, kind.maximum, band.type.dimensions))
            for band in image.bands
        ]


for _name, _names in {
    "uint8": ("uint8", "toUint8", "byte", "toByte"),
    "int8": ("int8", "toInt8"),
    "uint16": ("uint16", "toUint16"),
    "int16": ("int16", "toInt16", "short", "toShort"),
    "uint32": ("uint32", "toUint32"),
    "int32": ("int32", "toInt32", "int", "toInt"),
    "int64": ("int64", "toInt64", "long", "toLong"),
    "float": ("float", "toFloat"),
    "double": ("double", "toDouble"),
}.items():
    _declare_cast(_name, _names)


@image_function(
    "Image.cast(image: Image, bandTypes: Dictionary<Object>, bandOrder: List<String> = null) -> Image",
    keeps=Keeps.EVERYTHING,
    assumption="cast-keeps-metadata",
)
def cast_bands(context: Context, image: Image, types: dict[str, object], order: list[str] | None) -> list[Band]:
    """Return some bands with other types; bands that are not there are added, in alphabetical order."""
    context.spend(len(types))
    wanted = {name: _named_type(name, kind) for name, kind in types.items()}
    present = {band.id for band in image.bands}
    bands = [band.retyped(wanted[band.id]) if band.id in wanted else band for band in image.bands]
    bands += [Band(name, wanted[name]) for name in sorted(wanted) if name not in present]
    if order is not None:
        by_name = {band.id: band for band in bands}
        if sorted(order) != sorted(by_name):
            raise AlgorithmError(f"Parameter 'bandOrder' must name all bands of the result: {', '.join(by_name)}.")
        bands = [by_name[name] for name in order]
    return bands


def _named_type(band: str, kind: object) -> PixelType:
    if isinstance(kind, PixelType):
        return kind
    found = TYPE_NAMES.get(kind) if isinstance(kind, str) else None
    if found is None:
        shown = repr(kind) if isinstance(kind, str) else describe_type(kind)
        raise AlgorithmError(f"Band '{band}': unknown type {shown}. Types: {', '.join(TYPE_NAMES)}.")
    return found
