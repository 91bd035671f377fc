"""Image functions of pixel values: arithmetic, comparison, logic, casts. What they compute here is bands and types.

Their results are new images: identity and properties are lost, and the footprint stays (docs/emulator.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator import bands as algebra
from eegrpc.emulator.bands import BOOLEAN, NORMALIZED_DIFFERENCE, TYPE_NAMES, Band, PixelType
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images import Image
from eegrpc.emulator.registry import algorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context

_BINARY = "(image1: Image, image2: Image) -> Image"


def derived(image: Image, bands: Sequence[Band]) -> Image:
    """Return a new image with the footprint of another and nothing else of it."""
    return Image(None, bands, {"system:footprint": image.geometry})


def _combined(
    context: Context, first: Image, second: Image, type_of: Callable[[PixelType, PixelType], PixelType]
) -> Image:
    pairs = algebra.pair_bands(first.bands, second.bands)
    context.spend(len(pairs))
    bands = [
        Band(name, type_of(left.type, right.type), algebra.common_grid(left, right)) for name, left, right in pairs
    ]
    for _, left, right in pairs:
        if algebra.DEFAULT_GRID not in (left.grid, right.grid) and left.grid != right.grid:
            context.assume("binary-grid-first")
    return derived(_footprint_of(context, first, second), bands)


def _footprint_of(context: Context, first: Image, second: Image) -> Image:
    """Return the image whose footprint the result has: the bounded one, or the first."""
    one, two = first.geometry, second.geometry
    if two is None or two.unbounded or one is two:
        return first
    if one is None or one.unbounded:
        return second
    if one != two:
        context.assume("binary-footprint-first")
    return first


def _declare_arithmetic(operator: str) -> None:
    @algorithm(f"Image.{operator}{_BINARY}", summary=f"{operator.capitalize()}, band by band.")
    def arithmetic(context: Context, first: Image, second: Image) -> Image:
        def type_of(left: PixelType, right: PixelType) -> PixelType:
            if operator == "divide" and left.precision == right.precision == "INT":
                context.assume("integer-division-is-float")
            result = algebra.arithmetic_type(operator, left, right)
            if result.bounded:
                context.assume("range-by-interval")
            return result

        return _combined(context, first, second, type_of)


for _operator in ("add", "subtract", "multiply", "divide"):
    _declare_arithmetic(_operator)


@algorithm(*(f"Image.{name}{_BINARY}" for name in ("eq", "neq", "lt", "lte", "gt", "gte", "and", "or")))
def compare(context: Context, first: Image, second: Image) -> Image:
    """0 or 1 for each pixel."""
    return _combined(context, first, second, lambda _left, _right: BOOLEAN)


@algorithm("Image.not(value: Image) -> Image")
def not_(context: Context, image: Image) -> Image:
    """0 or 1 for each pixel."""
    context.spend(len(image.bands))
    return derived(image, [band.retyped(BOOLEAN) for band in image.bands])


@algorithm("Image.normalizedDifference(input: Image, bandNames: List<String> = null) -> Image")
def normalized_difference(_: Context, image: Image, names: list[str] | None) -> Image:
    """One band ``nd`` from two; properties are not retained. Source: its description."""
    if names is None:
        chosen = list(image.bands[:2])
    elif len(names) == 2:
        chosen = algebra.select_bands(image.bands, names)
    else:
        raise AlgorithmError(f"Parameter 'bandNames' must have two names, got {len(names)}.")
    if len(chosen) != 2:
        raise AlgorithmError(f"Two bands are needed, got {len(chosen)}.")
    return derived(image, [Band("nd", NORMALIZED_DIFFERENCE, algebra.common_grid(*chosen))])


def _declare_cast(type_name: str, names: tuple[str, ...]) -> None:
    pixel_type = TYPE_NAMES[type_name]

    @algorithm(*(f"Image.{name}(value: Image) -> Image" for name in names), summary=f"Cast all bands to {type_name}.")
    def cast(context: Context, image: Image) -> Image:
        context.spend(len(image.bands))
        if image.record is not None:
            context.assume("cast-keeps-metadata")
        return image.with_bands([band.retyped(pixel_type) for band in image.bands])


for _type_name, _names in {
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
    _declare_cast(_type_name, _names)


@algorithm("Image.cast(image: Image, bandTypes: Dictionary<Object>, bandOrder: List<String> = null) -> Image")
def cast_bands(context: Context, image: Image, types: dict[str, object], order: list[str] | None) -> Image:
    """Return some bands with other types; bands that are not there are added, in alphabetical order."""
    wanted = {name: _pixel_type(name, kind) for name, kind in types.items()}
    present = {band.id for band in image.bands}
    bands = [band.retyped(wanted[band.id]) if band.id in wanted else band for band in image.bands]
    bands += [Band(name, wanted[name]) for name in sorted(wanted) if name not in present]
    context.spend(len(bands))
    if order is not None:
        by_name = {band.id: band for band in bands}
        if sorted(order) != sorted(by_name):
            raise AlgorithmError(f"Parameter 'bandOrder' must name all bands of the result: {', '.join(by_name)}.")
        bands = [by_name[name] for name in order]
    if image.record is not None:
        context.assume("cast-keeps-metadata")
    return image.with_bands(bands)


def _pixel_type(band: str, kind: object) -> PixelType:
    found = TYPE_NAMES.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise AlgorithmError(f"Band '{band}': unknown type {kind!r}. Types: {', '.join(TYPE_NAMES)}.")
    return found
