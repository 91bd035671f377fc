"""Functions of the pixels of one image: mathematics, ranges, colours, unmixing. What is computed are bands."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import DROPS, Keeps, image_function
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import DEFAULT_GRID, TYPE_NAMES, Band, PixelType, constant_type
from eegrpc.emulator.images.type_rules import DOUBLE, UNIT, absolute, clamped, floating, sign, union, with_range
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Grid
    from eegrpc.emulator.images.images import Image


def _unchanged(kind: PixelType) -> PixelType:
    return kind


def _inverted(kind: PixelType) -> PixelType:
    """Return "the smallest signed integer type that can hold the input" (its description)."""
    if kind.bounded:
        for name in ("int8", "int16", "int32"):
            found = TYPE_NAMES[name]
            if union(found, kind).minimum == found.minimum and union(found, kind).maximum == found.maximum:
                return replace(found, dimensions=kind.dimensions)
    return replace(TYPE_NAMES["int64"], dimensions=kind.dimensions)


def _bit_count(kind: PixelType) -> PixelType:
    return PixelType("INT", 0, 64, kind.dimensions)


# Types are documented for bitwiseNot and bitCount only; the others are the assumption "unary-types".
_UNARY: dict[Callable[[PixelType], PixelType], tuple[str, ...]] = {
    _unchanged: ("ceil", "floor", "round"),
    absolute: ("abs",),
    sign: ("signum",),
    floating: (
        *("acos", "asin", "atan", "cbrt", "cos", "cosh", "digamma", "erf", "erfInv", "erfc", "erfcInv", "exp"),
        *("gamma", "lanczos", "log", "log10", "sin", "sinh", "sqrt", "tan", "tanh", "trigamma"),
    ),
    _inverted: ("bitwiseNot", "bitwise_not"),
    _bit_count: ("bitCount",),
}


def _declare_unary(names: tuple[str, ...], type_of: Callable[[PixelType], PixelType], summary: str) -> None:
    @image_function(
        *(f"Image.{name}(value: Image) -> Image" for name in names),
        keeps=Keeps.FOOTPRINT,
        assumption=DROPS,
        summary=summary,
    )
    def unary(context: Context, image: Image) -> list[Band]:
        if type_of not in (_inverted, _bit_count):
            context.assume("unary-types")
        return [band.retyped(type_of(band.type)) for band in image.bands]


for _type_of, _names in _UNARY.items():
    _declare_unary(_names, _type_of, f"Compute it for each pixel; {'float' if _type_of is floating else 'same type'}.")


@image_function("Image.clamp(input: Image, low: Float, high: Float) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS)
def clamp(context: Context, image: Image, low: float, high: float) -> list[Band]:
    """Move all values into a range."""
    if not low <= high:
        raise AlgorithmError(f"Parameter 'low' ({low}) must not be greater than 'high' ({high}).")
    context.assume("unary-types")
    return [band.retyped(clamped(band.type, low, high)) for band in image.bands]


@image_function(
    "Image.unitScale(input: Image, low: Float, high: Float) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS
)
def unit_scale(_: Context, image: Image, low: float, high: float) -> list[Band]:
    """Scale a range to 0 ... 1; pixels are floating point, values outside of the range stay outside."""
    if low == high:
        raise AlgorithmError(f"Parameters 'low' and 'high' must differ: both are {low}.")
    return [band.retyped(floating(band.type)) for band in image.bands]


@image_function(
    "Image.polynomial(image: Image, coefficients: List<Float>) -> Image", keeps=Keeps.FOOTPRINT, assumption=DROPS
)
def polynomial(context: Context, image: Image, _coefficients: list[float]) -> list[Band]:
    """Compute a polynomial of each pixel."""
    context.assume("unary-types")
    return [band.retyped(floating(band.type)) for band in image.bands]


@image_function(
    'Image.interpolate(image: Image, x: List<Float>, y: List<Float>, behavior: String = "extrapolate") -> Image',
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def interpolate(context: Context, image: Image, x: list[float], y: list[float], behavior: str) -> list[Band]:
    """Put the first band into a piecewise-linear function."""
    if len(x) != len(y) or len(x) < 2:
        raise AlgorithmError(f"Parameters 'x' and 'y' must have two values or more, as many: {len(x)} and {len(y)}.")
    if not all(left < right for left, right in pairwise(x)):
        raise AlgorithmError("Parameter 'x' must be strictly increasing.")
    if behavior not in ("extrapolate", "clamp", "mask", "input"):
        raise AlgorithmError(f"Unknown behavior '{behavior}': it is one of extrapolate, clamp, mask, input.")
    context.assume("unary-types")
    first = first_band(image)
    return [first.retyped(floating(first.type))]


def first_band(image: Image) -> Band:
    """Return the first band of an image.

    Args:
        image: The image.

    Returns:
        The band.

    Raises:
        AlgorithmError: It has none.

    """
    if not image.bands:
        raise AlgorithmError("The image has no bands.")
    return image.bands[0]


def first_grid(context: Context, image: Image) -> Grid:
    """Return the grid of a band that is made of all bands of an image: the first one's.

    Args:
        context: The request's context.
        image: The image.

    Returns:
        The grid; that of constants if there are no bands.

    """
    grids = [band.grid for band in image.bands]
    if any(grid != grids[0] for grid in grids):
        context.assume("several-bands-first-grid")
    return grids[0] if grids else DEFAULT_GRID


@image_function(
    "Image.remap(image: Image, from: List<Object>, to: List<Object>, defaultValue: Object = null, "
    "bandName: String = null) -> Image",
    keeps=Keeps.EVERYTHING,
)
def remap(
    context: Context, image: Image, source: list[object], target: list[object], default: object, name: str | None
) -> list[Band]:
    """Replace values of one band, which is then called ``remapped``; the rest of the image is kept.

    Source: the example of ee.Image.remap, whose printed image has its properties.
    """
    if len(source) != len(target):
        raise AlgorithmError(f"Parameters 'from' and 'to' must have as many values: {len(source)} and {len(target)}.")
    if not target:
        raise AlgorithmError("Parameters 'from' and 'to' must not be empty.")
    context.spend(len(source), 4)
    context.assume("remap-type-of-values")
    _numbers("from", source)
    values = _numbers("to", target if default is None else [*target, default])
    band = first_band(image) if name is None else algebra.select_bands(image.bands, [name])[0]
    widest = union(constant_type(min(values)), constant_type(max(values)))
    whole = all(isinstance(value, int) for value in values)
    return [band.retyped(replace(widest, precision="INT" if whole else "DOUBLE")).renamed("remapped")]


def _numbers(parameter: str, values: list[object]) -> list[int | float]:
    numbers: list[int | float] = []
    for value in values:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise AlgorithmError(
                f"Parameter '{parameter}' must have numbers, not: {describe_type(value)}.",
                unsupported=isinstance(value, list),
            )
        numbers.append(value)
    return numbers


def _declare_colours(name: str, names: tuple[str, str, str]) -> None:
    @image_function(
        f"Image.{name}(image: Image) -> Image",
        keeps=Keeps.FOOTPRINT,
        assumption=DROPS,
        summary=f"Return three bands: {', '.join(names)}.",
    )
    def colours(context: Context, image: Image) -> list[Band]:
        if len(image.bands) != 3:
            raise AlgorithmError(f"The image must have three bands, got {len(image.bands)}.")
        context.assume("colour-types")
        return [Band(title, UNIT, band.grid) for title, band in zip(names, image.bands, strict=True)]


# Names: their descriptions.
_declare_colours("hsvToRgb", ("red", "green", "blue"))
_declare_colours("rgbToHsv", ("hue", "saturation", "value"))


@image_function(
    "Image.unmix(image: Image, endmembers: List<List<Float>>, sumToOne: Boolean = false, "
    "nonNegative: Boolean = false) -> Image",
    keeps=Keeps.FOOTPRINT,
    assumption=DROPS,
)
def unmix(context: Context, image: Image, endmembers: list[list[float]], _sum: bool, _sign: bool) -> list[Band]:
    """Return as many bands of doubles as there are endmembers: ``band_0``, ``band_1``, ..."""
    for number, member in enumerate(endmembers):
        if len(member) != len(image.bands):
            raise AlgorithmError(
                f"Endmember {number} must have a value for each of {len(image.bands)} band(s), got {len(member)}."
            )
    context.spend(len(endmembers))
    context.assume("unmix-band-names")
    grid = first_grid(context, image)
    return [Band(f"band_{number}", DOUBLE, grid) for number in range(len(endmembers))]


@image_function(
    "Image.visualize(image: Image, bands: Object = null, gain: Object = null, bias: Object = null, "
    "min: Object = null, max: Object = null, gamma: Object = null, opacity: Number = null, palette: Object = null, "
    "forceRgbOutput: Boolean = false) -> Image",
    keeps=Keeps.FOOTPRINT,
)
def visualize(
    context: Context,
    image: Image,
    selected: object,
    gain: object,
    bias: object,
    least: object,
    most: object,
    gamma: object,
    _opacity: float | None,
    palette: object,
    force_rgb: bool,
) -> list[Band]:
    """Return bands for a picture: ``vis-red``, ``vis-green`` and ``vis-blue``, or ``vis-gray``, of bytes.

    Source for what is kept: guides/ic_visualization, where properties are copied to the result by hand.
    """
    bands = _visualized(image, selected)
    for name, value in (("gain", gain), ("bias", bias), ("min", least), ("max", most), ("gamma", gamma)):
        if isinstance(value, list) and len(value) not in (1, len(bands)):
            raise AlgorithmError(f"Parameter '{name}' must have one value or one for each band: got {len(value)}.")
    coloured = palette is not None and palette not in ("", [])
    if coloured and len(bands) != 1:
        raise AlgorithmError(f"A palette is for a single band: got {len(bands)}.")
    if coloured and gamma is not None:
        raise AlgorithmError("Parameters 'palette' and 'gamma' exclude each other.")
    context.assume("visualize-band-names")
    names = ("vis-red", "vis-green", "vis-blue") if coloured or force_rgb or len(bands) == 3 else ("vis-gray",)
    sources = bands if len(bands) == len(names) else bands * len(names)
    return [Band(name, TYPE_NAMES["uint8"], band.grid) for name, band in zip(names, sources, strict=True)]


def _visualized(image: Image, selected: object) -> list[Band]:
    """Return the chosen bands; "if empty, the first 3 are used" (description)."""
    if isinstance(selected, str):
        selected = [name.strip() for name in selected.split(",") if name.strip()]
    if isinstance(selected, (int, float)) and not isinstance(selected, bool):
        selected = [selected]
    if selected is not None and not isinstance(selected, list):
        raise AlgorithmError(f"Parameter 'bands' must be a list of bands, not: {describe_type(selected)}.")
    bands = algebra.select_bands(image.bands, selected) if selected else list(image.bands[:3])
    if len(bands) not in (1, 3):
        raise AlgorithmError(f"One band or three can be visualized, got {len(bands)}.")
    return bands


@image_function(
    "Image.metadata(image: Image, property: String, name: String = null) -> Image",
    keeps=Keeps.NOTHING,
    assumption="metadata-image-is-constant",
)
def metadata(_: Context, image: Image, name: str, band_name: str | None) -> list[Band]:
    """Return a constant image of a property: type double, one band, named for the property unless there is a name."""
    value = image.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise AlgorithmError(f"Property '{name}' must be a number, not: {describe_type(value)}.")
    (band,) = algebra.rename_bands([Band("", with_range(DOUBLE, value, value))], [band_name or name])
    return [band]
