"""Functions of two images, pixel by pixel: arithmetic, comparison, logic, bits. What is computed are names and types.

One band goes against all of the other image, otherwise bands pair by name or by order. The result is a new image with
the grid of its first operand. Observed: docs/emulator.md; types and pairing: the descriptions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.image_functions import Keeps, image_function
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import BOOLEAN, NORMALIZED_DIFFERENCE, Band, PixelType
from eegrpc.emulator.images.type_rules import FLOAT, arithmetic_type, union, with_dimensions

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.images import Image

    TypeRule = Callable[[Context, PixelType, PixelType], PixelType]


def paired(context: Context, first: Image, second: Image, type_of: TypeRule) -> list[Band]:
    """Return the bands of a function of two images.

    Args:
        context: The request's context.
        first: The first operand.
        second: The second operand.
        type_of: Type of a band of the result, from the types of the two it is made of.

    Returns:
        The bands.

    Raises:
        AlgorithmError: The bands cannot be paired.

    """
    pairs = algebra.pair_bands(first.bands, second.bands)
    for _, left, right in pairs:
        if algebra.DEFAULT_GRID not in (left.grid, right.grid) and left.grid != right.grid:
            context.assume("binary-grid-first")
    return [
        Band(name, type_of(context, left.type, right.type), algebra.common_grid(left, right))
        for name, left, right in pairs
    ]


def united(context: Context, left: PixelType, right: PixelType) -> PixelType:
    """Return the union of two types, noting the assumption behind its range if it is neither's own.

    Args:
        context: The request's context.
        left: A type.
        right: Another.

    Returns:
        The type that holds the values of both.

    """
    result = union(left, right)
    if result.bounded and result not in (left, right):
        context.assume("union-range")
    return result


def _arithmetic(operator: str, context: Context, left: PixelType, right: PixelType) -> PixelType:
    if operator == "divide" and left.precision == right.precision == "INT":
        context.assume("integer-division-is-float")
    result = arithmetic_type(operator, left, right)
    if result.bounded:
        context.assume("range-by-interval")
    return result


def _array_of(rule: TypeRule, context: Context, left: PixelType, right: PixelType) -> PixelType:
    return with_dimensions(rule(context, left, right), max(left.dimensions, right.dimensions))


def _boolean(_: Context, _left: PixelType, _right: PixelType) -> PixelType:
    return BOOLEAN


def _float(_: Context, _left: PixelType, _right: PixelType) -> PixelType:
    return FLOAT


# What each gives, for pixels of two types. Sources: "the type of the output pixels is ..." in each description, and for
# the range of arithmetic public error texts (type_rules).
_TYPES: dict[str, tuple[TypeRule, str]] = {
    "add": (partial(_arithmetic, "add"), "Add, band by band."),
    "subtract": (partial(_arithmetic, "subtract"), "Subtract, band by band."),
    "multiply": (partial(_arithmetic, "multiply"), "Multiply, band by band."),
    "divide": (partial(_arithmetic, "divide"), "Divide, band by band."),
    **dict.fromkeys(("eq", "neq", "lt", "lte", "gt", "gte", "and", "or"), (_boolean, "0 or 1 for each pixel.")),
    **dict.fromkeys(
        ("pow", "atan2", "hypot", "gammainc"), (_float, "Compute it for each pair of bands; pixels are float.")
    ),
    **dict.fromkeys(
        (
            *("mod", "min", "max", "first", "firstNonZero", "first_nonzero"),
            *("bitwiseAnd", "bitwise_and", "bitwiseOr", "bitwise_or", "bitwiseXor", "bitwise_xor"),
            *("leftShift", "left_shift", "rightShift", "right_shift"),
        ),
        (united, "Compute it for each pair of bands; the type is the union of both."),
    ),
}


def _declare(name: str, type_of: TypeRule, summary: str) -> None:
    @image_function(f"Image.{name}(image1: Image, image2: Image) -> Image", keeps=Keeps.FOOTPRINT, summary=summary)
    def binary(context: Context, first: Image, second: Image) -> list[Band]:
        return paired(context, first, second, partial(_array_of, type_of))


for _name, (_type_of, _summary) in _TYPES.items():
    _declare(_name, _type_of, _summary)


@image_function("Image.not(value: Image) -> Image", keeps=Keeps.FOOTPRINT)
def not_(_: Context, image: Image) -> list[Band]:
    """0 or 1 for each pixel."""
    return [band.retyped(with_dimensions(BOOLEAN, band.type.dimensions)) for band in image.bands]


@image_function(
    "Image.normalizedDifference(input: Image, bandNames: List<String> = null) -> Image", keeps=Keeps.FOOTPRINT
)
def normalized_difference(_: Context, image: Image, names: list[str] | None) -> list[Band]:
    """One band ``nd`` from two; properties are not retained. Source: its description."""
    if names is None:
        chosen = list(image.bands[:2])
    elif len(names) == 2:
        chosen = algebra.select_bands(image.bands, names)
    else:
        raise AlgorithmError(f"Parameter 'bandNames' must have two names, got {len(names)}.")
    if len(chosen) != 2:
        raise AlgorithmError(f"Two bands are needed, got {len(chosen)}.")
    return [Band("nd", NORMALIZED_DIFFERENCE, algebra.common_grid(*chosen))]
