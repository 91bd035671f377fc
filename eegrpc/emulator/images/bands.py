"""Bands: pixel types, grids, and the algebra of both that needs no pixels.

Values here are immutable and shared between images. Sources of the rules are the algorithm descriptions that Earth
Engine serves, and the observations listed in docs/emulator.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.band_patterns import compile_pattern
from eegrpc.v1alpha import AffineTransform, DoubleRange, GridDimensions, ImageBand, PixelDataType, PixelGrid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Precision = Literal["INT", "FLOAT", "DOUBLE"]

_PRECISIONS: dict[int, Precision] = {
    PixelDataType.INT: "INT",
    PixelDataType.FLOAT: "FLOAT",
    PixelDataType.DOUBLE: "DOUBLE",
}
_WIDTH: dict[Precision, int] = {"INT": 0, "FLOAT": 1, "DOUBLE": 2}


@dataclass(frozen=True, slots=True)
class PixelType:
    """The type of a band's pixels: precision, and the range of values if one is known."""

    precision: Precision
    minimum: float | None = None
    maximum: float | None = None
    dimensions: int = 0

    @property
    def bounded(self) -> bool:
        """Whether the range is known."""
        return self.minimum is not None and self.maximum is not None


BOOLEAN = PixelType("INT", 0, 1)
NORMALIZED_DIFFERENCE = PixelType("FLOAT", -1, 1)

# int64 is shown as +-2^63 in a double. Source: the descriptions of Image.toInt8 and its kind.
TYPE_NAMES: dict[str, PixelType] = {
    "uint8": PixelType("INT", 0, 255),
    "int8": PixelType("INT", -128, 127),
    "uint16": PixelType("INT", 0, 65535),
    "int16": PixelType("INT", -32768, 32767),
    "uint32": PixelType("INT", 0, 4294967295),
    "int32": PixelType("INT", -2147483648, 2147483647),
    "int64": PixelType("INT", -(2.0**63), 2.0**63),
    "float": PixelType("FLOAT"),
    "double": PixelType("DOUBLE"),
}
TYPE_NAMES["byte"] = TYPE_NAMES["uint8"]
TYPE_NAMES["short"] = TYPE_NAMES["int16"]
TYPE_NAMES["int"] = TYPE_NAMES["int32"]
TYPE_NAMES["long"] = TYPE_NAMES["int64"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a band's pixels are. ``transform`` is scaleX, shearX, translateX, shearY, scaleY, translateY.

    ``origin`` is the column and row in which the pixels of a clipped band begin.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int | None = None
    height: int | None = None
    wkt: str = ""
    origin: tuple[int, int] = (0, 0)


# What a constant image and a composite have. Source: guides/projections.
DEFAULT_GRID = Grid("EPSG:4326", (1, 0, 0, 0, 1, 0))


class Band:
    """One band of an image. Immutable; the message is built at most once, as many images share a band."""

    __slots__ = ("_message", "grid", "id", "missing", "pyramiding", "type")

    def __init__(
        self,
        band_id: str,
        pixel_type: PixelType,
        grid: Grid = DEFAULT_GRID,
        pyramiding: ImageBand.PyramidingPolicy = ImageBand.PYRAMIDING_POLICY_UNSPECIFIED,
        missing: tuple[float, ...] = (),
    ) -> None:
        self.id = band_id
        self.type = pixel_type
        self.grid = grid
        self.pyramiding = pyramiding
        self.missing = missing
        self._message: ImageBand | None = None

    def __repr__(self) -> str:
        return f"Band({self.id!r}, {self.type}, {self.grid.crs})"

    def renamed(self, band_id: str) -> Band:
        """Return the same band under another name."""
        if band_id == self.id:
            return self
        return Band(band_id, self.type, self.grid, self.pyramiding, self.missing)

    def regridded(self, grid: Grid) -> Band:
        """Return the same band on another grid."""
        if grid == self.grid:
            return self
        return Band(self.id, self.type, grid, self.pyramiding, self.missing)

    def retyped(self, pixel_type: PixelType) -> Band:
        """Return the same band with pixels of another type."""
        return Band(self.id, pixel_type, self.grid, self.pyramiding)

    def message(self) -> ImageBand:
        """Return the band as Earth Engine returns it; shared, so it must not be changed."""
        if self._message is None:
            self._message = self._build()
        return self._message

    def _build(self) -> ImageBand:
        scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = self.grid.transform
        column, row = self.grid.origin  # the message has no place for it but the translation
        translate_x, translate_y = (
            translate_x + scale_x * column + shear_x * row,
            translate_y + shear_y * column + scale_y * row,
        )
        grid = PixelGrid(
            affine_transform=AffineTransform(
                scale_x=scale_x,
                shear_x=shear_x,
                translate_x=translate_x,
                shear_y=shear_y,
                scale_y=scale_y,
                translate_y=translate_y,
            )
        )
        if self.grid.wkt:
            grid.crs_wkt = self.grid.wkt
        else:
            grid.crs_code = self.grid.crs
        if self.grid.width is not None and self.grid.height is not None:
            grid.dimensions.CopyFrom(GridDimensions(width=self.grid.width, height=self.grid.height))
        data_type = PixelDataType(precision=self.type.precision, dimensions_count=self.type.dimensions)
        if self.type.minimum is not None and self.type.maximum is not None:
            data_type.range.CopyFrom(DoubleRange(min=self.type.minimum, max=self.type.maximum))
        message = ImageBand(id=self.id, data_type=data_type, grid=grid, pyramiding_policy=self.pyramiding)
        if self.missing:
            message.missing_data.values.extend(self.missing)
        return message


def bands_of(messages: Iterable[ImageBand]) -> tuple[Band, ...]:
    """Bands from an asset's messages; equal messages give the very same band, and equal lists the very same tuple.

    Args:
        messages: The ``bands`` of an asset.

    Returns:
        The bands in the same order.

    """
    return _shared(tuple(_band_from_wire(message.SerializeToString(deterministic=True)) for message in messages))


@lru_cache(maxsize=4096)
def _shared(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    return bands


@lru_cache(maxsize=8192)
def _band_from_wire(wire: bytes) -> Band:
    message = ImageBand.FromString(wire)
    data_type, grid = message.data_type, message.grid
    affine = grid.affine_transform
    has_range = data_type.HasField("range")
    has_size = grid.HasField("dimensions")
    band = Band(
        message.id,
        PixelType(
            _PRECISIONS.get(data_type.precision, "DOUBLE"),
            data_type.range.min if has_range else None,
            data_type.range.max if has_range else None,
            data_type.dimensions_count,
        ),
        Grid(
            grid.crs_code,
            (affine.scale_x, affine.shear_x, affine.translate_x, affine.shear_y, affine.scale_y, affine.translate_y),
            grid.dimensions.width if has_size else None,
            grid.dimensions.height if has_size else None,
            grid.crs_wkt,
        ),
        message.pyramiding_policy,
        tuple(message.missing_data.values),
    )
    band._message = message
    return band


# ---------------------------------------------------------------------------------------------- selection and names


def select_bands(bands: Sequence[Band], selectors: Iterable[object]) -> list[Band]:
    """Return the bands that a list of names, regular expressions and indices selects, in the order of the list.

    Args:
        bands: The bands of the image.
        selectors: Strings (a name, else an RE2 pattern that must match a whole name) and indices.

    Returns:
        The selected bands; one may come more than once.

    Raises:
        AlgorithmError: A selector matches nothing, or is no valid selector.

    """
    names = tuple(band.id for band in bands)
    selected: list[Band] = []
    for selector in selectors:
        if isinstance(selector, str):
            selected.extend(bands[index] for index in _matching(selector, names))
        elif isinstance(selector, (int, float)) and not isinstance(selector, bool) and selector == int(selector):
            if not 0 <= selector < len(bands):
                raise AlgorithmError(
                    f"Band index {int(selector)} is out of range: the image has {len(bands)} band(s)."
                    + (f" Available bands: [{', '.join(names)}]" if names else "")
                )
            selected.append(bands[int(selector)])
        else:
            raise AlgorithmError(f"A band selector must be a name, a pattern or an index, not {selector!r}.")
    return selected


@lru_cache(maxsize=1024)
def _matching(selector: str, names: tuple[str, ...]) -> tuple[int, ...]:
    if selector in names:
        return (names.index(selector),)
    if not names:
        raise AlgorithmError(f"Band pattern '{selector}' was applied to an Image with no bands.")
    pattern = compile_pattern(selector)
    found = tuple(index for index, name in enumerate(names) if pattern.fullmatch(name))
    if not found:
        raise AlgorithmError(
            f"Band pattern '{selector}' did not match any bands. Available bands: [{', '.join(names)}]"
        )
    return found


# No band of any public data set has a hundredth of that; names are copied wherever bands are renamed.
MAX_NAME_LENGTH = 1_000

_FORBIDDEN_IN_NAME = re.compile(r"[^A-Za-z0-9_.:\-]")


def rename_bands(bands: Sequence[Band], names: Sequence[str]) -> list[Band]:
    """Give bands new names.

    Args:
        bands: The bands.
        names: As many names.

    Returns:
        The renamed bands.

    Raises:
        AlgorithmError: The numbers differ, or a name has forbidden characters.

    """
    if len(bands) != len(names):
        raise AlgorithmError(f"The number of names ({len(names)}) must match the number of bands ({len(bands)}).")
    for name in names:
        if len(name) > MAX_NAME_LENGTH:
            raise AlgorithmError(f"Invalid band name: it has {len(name)} characters, more than {MAX_NAME_LENGTH:,}.")
        if not name or _FORBIDDEN_IN_NAME.search(name):
            raise AlgorithmError(f"Invalid band name '{name}': use letters, digits, '_', '-', '.' and ':'.")
    return [band.renamed(name) for band, name in zip(bands, names, strict=True)]


def append_bands(bands: Sequence[Band], more: Iterable[Band], *, overwrite: bool = False) -> list[Band]:
    """Append bands; one whose name is taken replaces that band, or is called ``name_1``, ``name_2``, ...

    Args:
        bands: The bands to start from.
        more: The bands to add.
        overwrite: Replace bands of the same name, where they stand.

    Returns:
        All bands, each name once.

    """
    result = list(bands)
    places = {band.id: place for place, band in enumerate(result)}
    suffixes: dict[str, int] = {}  # the last one tried for a name: none before it has become free
    for band in more:
        place = places.get(band.id)
        if place is not None and overwrite:
            result[place] = band
            continue
        name, suffix = band.id, suffixes.get(band.id, 0)
        while name in places:
            suffix += 1
            name = f"{band.id}_{suffix}"
        suffixes[band.id] = suffix
        places[name] = len(result)
        result.append(band.renamed(name))
    return result


# ---------------------------------------------------------------------------------------------------------- pairing


def pair_bands(first: Sequence[Band], second: Sequence[Band]) -> list[tuple[str, Band, Band]]:
    """Pair the bands of two images for a binary function.

    Source: the description of Image.add: one band goes against all; equal sets of names pair by name, else by order;
    names come from the longer input, or from the first.

    Args:
        first: Bands of image1.
        second: Bands of image2.

    Returns:
        For every output band its name and the two inputs.

    Raises:
        AlgorithmError: The bands cannot be paired.

    """
    if not first and not second:
        return []
    if not first or not second:
        raise AlgorithmError(
            f"If one image has no bands, the other must also have no bands. Got {len(first)} and {len(second)}."
        )
    if len(first) == len(second):
        by_name = {band.id: band for band in second}
        if all(band.id in by_name for band in first):
            return [(band.id, band, by_name[band.id]) for band in first]
        return [(left.id, left, right) for left, right in zip(first, second, strict=True)]
    if len(second) == 1:
        return [(band.id, band, second[0]) for band in first]
    if len(first) == 1:
        return [(band.id, first[0], band) for band in second]
    raise AlgorithmError(
        f"Images must have the same number of bands, or one of them a single band. Got {len(first)} and {len(second)}."
    )


def common_grid(left: Band, right: Band) -> Grid:
    """Return the grid of a band computed from two: the first one's, unless that has none of its own."""
    return right.grid if left.grid == DEFAULT_GRID else left.grid


def union_precision(left: PixelType, right: PixelType) -> Precision:
    """Return the wider of two precisions: INT, FLOAT, DOUBLE."""
    return max(left.precision, right.precision, key=_WIDTH.__getitem__)


def constant_type(value: float) -> PixelType:
    """Return the type of a constant image: its only value is its range."""
    return PixelType("INT" if isinstance(value, int) else "DOUBLE", value, value)
