"""Kernel.*: neighbourhoods of pixels. Their weights matter to pixels only, and are worked out when they are printed.

Source: the examples of the Kernel functions in Earth Engine's documentation, which show the weights of each.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.values import Kernel, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context

_MAGNITUDE = "magnitude: Float = 1"
# Whoever works out the weights goes down all levels at once.
_MOST_LEVELS = 64
_UNITS = 'units: String = "pixels"'


def _window(
    context: Context, x_radius: float, y_radius: float, units: str, weight: Callable[[int, int], float]
) -> Weights:
    """Return the weights around a pixel: of each place to the right of it and below."""
    if units != "pixels":
        raise AlgorithmError("The weights of a kernel in meters depend on the scale of the pixels.", unsupported=True)
    if x_radius != int(x_radius) or y_radius != int(y_radius):
        raise AlgorithmError("The weights of a kernel with a fraction of a pixel are not documented.", unsupported=True)
    x, y = int(x_radius), int(y_radius)
    context.spend((2 * x + 1) * (2 * y + 1))
    return Weights([[weight(right, down) for right in range(-x, x + 1)] for down in range(-y, y + 1)], x, y)


def _scaled(context: Context, weights: Weights, normalize: bool, magnitude: float) -> Weights:
    if normalize:
        total = sum(weight for row in weights.rows for weight in row)
        if not total:
            raise AlgorithmError("The weights of the kernel sum up to 0, so that they cannot sum up to 1.")
        if magnitude != 1:
            context.assume("kernel-scaled-after-normalizing")
        magnitude /= total
    return weights.mapped(lambda weight: weight * magnitude)


def _check(units: str, **lengths: float) -> None:
    if units not in ("pixels", "meters"):
        raise AlgorithmError(f"Unknown units '{units}': they are 'pixels' or 'meters'.")
    for name, length in lengths.items():
        if not 0 <= length < math.inf:
            raise AlgorithmError(f"Parameter '{name}' must not be negative, got {length}.")


# ---------------------------------------------------------------------------------------------------- shapes, distances

_SHAPES: dict[str, Callable[[int, int, float], bool]] = {
    "circle": lambda x, y, radius: x * x + y * y <= radius * radius,
    "cross": lambda x, y, _: abs(x) == abs(y),
    "diamond": lambda x, y, radius: abs(x) + abs(y) <= radius,
    "octagon": lambda x, y, radius: abs(x) + abs(y) <= 1.5 * radius,
    "plus": lambda x, y, _: x == 0 or y == 0,
    "square": lambda *_: True,
}

_DISTANCES: dict[str, Callable[[int, int], float]] = {
    "chebyshev": lambda x, y: max(abs(x), abs(y)),
    "euclidean": math.hypot,
    "manhattan": lambda x, y: abs(x) + abs(y),
}


def _declare_shape(name: str, inside: Callable[[int, int, float], bool]) -> None:
    signature = f"Kernel.{name}(radius: Float, {_UNITS}, normalize: Boolean = true, {_MAGNITUDE}) -> Kernel"

    @algorithm(signature, summary=f"Return the kernel {name}.")
    def shape(_: Context, radius: float, units: str, normalize: bool, magnitude: float) -> Kernel:
        _check(units, radius=radius)

        def weights(context: Context) -> Weights:
            if name == "octagon":
                context.assume("kernel-octagon-corners")
            found = _window(context, radius, radius, units, lambda x, y: float(inside(x, y, radius)))
            return _scaled(context, found, normalize, magnitude)

        return Kernel(weights)


def _declare_distance(name: str, distance: Callable[[int, int], float]) -> None:
    signature = f"Kernel.{name}(radius: Float, {_UNITS}, normalize: Boolean = false, {_MAGNITUDE}) -> Kernel"

    @algorithm(signature, summary=f"Return the kernel {name}.")
    def distances(_: Context, radius: float, units: str, normalize: bool, magnitude: float) -> Kernel:
        _check(units, radius=radius)

        def weights(context: Context) -> Weights:
            return _scaled(context, _window(context, radius, radius, units, distance), normalize, magnitude)

        return Kernel(weights)


for _name, _inside in _SHAPES.items():
    _declare_shape(_name, _inside)
for _name, _distance in _DISTANCES.items():
    _declare_distance(_name, _distance)


@algorithm(
    f"Kernel.gaussian(radius: Float, sigma: Float = 1, {_UNITS}, normalize: Boolean = true, {_MAGNITUDE}) -> Kernel"
)
def gaussian(_: Context, radius: float, sigma: float, units: str, normalize: bool, magnitude: float) -> Kernel:
    """Return the kernel gaussian."""
    _check(units, radius=radius, sigma=sigma)

    def weight(x: int, y: int) -> float:
        if not sigma:
            return float(not x and not y)
        right, down = x / sigma, y / sigma
        return math.exp(-(right * right + down * down) / 2)

    return Kernel(
        lambda context: _scaled(context, _window(context, radius, radius, units, weight), normalize, magnitude)
    )


@algorithm(
    f"Kernel.rectangle(xRadius: Float, yRadius: Float, {_UNITS}, normalize: Boolean = true, {_MAGNITUDE}) -> Kernel"
)
def rectangle(_: Context, x_radius: float, y_radius: float, units: str, normalize: bool, magnitude: float) -> Kernel:
    """Return the kernel rectangle."""
    _check(units, xRadius=x_radius, yRadius=y_radius)
    return Kernel(
        lambda context: _scaled(
            context, _window(context, x_radius, y_radius, units, lambda *_: 1.0), normalize, magnitude
        )
    )


# ---------------------------------------------------------------------------------------------------- fixed weights

_EDGES: dict[str, Sequence[Sequence[float]]] = {
    "compass": ((1, 1, -1), (1, -2, -1), (1, 1, -1)),
    "kirsch": ((5, -3, -3), (5, 0, -3), (5, -3, -3)),
    "laplacian4": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "laplacian8": ((1, 1, 1), (1, -8, 1), (1, 1, 1)),
    "prewitt": ((1, 0, -1), (1, 0, -1), (1, 0, -1)),
    "roberts": ((1, 0), (0, -1)),
    "sobel": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
}


def _declare_edges(name: str, rows: Sequence[Sequence[float]]) -> None:
    signature = f"Kernel.{name}({_MAGNITUDE}, normalize: Boolean = false) -> Kernel"

    @algorithm(signature, summary=f"Return the kernel {name}.")
    def edges(_: Context, magnitude: float, normalize: bool) -> Kernel:
        return Kernel(lambda context: _scaled(context, Weights(rows, 1, 1), normalize, magnitude))


for _name, _rows in _EDGES.items():
    _declare_edges(_name, _rows)


@algorithm(
    "Kernel.fixed(width: Integer = -1, height: Integer = -1, weights: List<List<Object>>, x: Integer = -1, "
    "y: Integer = -1, normalize: Boolean = false) -> Kernel"
)
def fixed(_: Context, width: int, height: int, weights: list[list[float]], x: int, y: int, normalize: bool) -> Kernel:
    """Return a kernel of weights, given row by row."""
    if not weights or not weights[0]:
        raise AlgorithmError("Parameter 'weights' must not be empty.")
    columns, rows = len(weights[0]), len(weights)
    if any(len(row) != columns for row in weights):
        raise AlgorithmError("The rows of parameter 'weights' must have the same length.")
    if width not in (-1, columns) or height not in (-1, rows):
        raise AlgorithmError(f"The weights are {columns} x {rows}, not {width} x {height}.")
    if any(isinstance(weight, bool) or not isinstance(weight, (int, float)) for row in weights for weight in row):
        raise AlgorithmError("Parameter 'weights' must be a list of lists of numbers.")
    if any(not abs(weight) <= sys.float_info.max for row in weights for weight in row):
        raise AlgorithmError("Parameter 'weights' must consist of finite numbers.")
    given = Weights(weights, columns // 2 if x == -1 else x, rows // 2 if y == -1 else y)

    def scaled(context: Context) -> Weights:
        context.spend(columns * rows)
        return _scaled(context, given, normalize, 1)

    return Kernel(scaled)


# ------------------------------------------------------------------------------------------------- kernels of kernels


def _made_of(weights: Callable[[Context], Weights], *parts: Kernel) -> Kernel:
    depth = 1 + max(part.depth for part in parts)
    if depth > _MOST_LEVELS:
        raise AlgorithmError(f"Kernels are made of one another more than {_MOST_LEVELS} levels deep.")
    return Kernel(weights, depth)


@algorithm("Kernel.add(kernel1: Kernel, kernel2: Kernel, normalize: Boolean = false) -> Kernel")
def add(_: Context, first: Kernel, second: Kernel, normalize: bool) -> Kernel:
    """Add two kernels, weight by weight."""

    def total(context: Context) -> Weights:
        one, other = first.weights(context), second.weights(context)
        left, above = max(one.x, other.x), max(one.y, other.y)
        right = max(len(each.rows[0]) - each.x for each in (one, other))
        below = max(len(each.rows) - each.y for each in (one, other))
        context.spend((left + right) * (above + below))
        rows = [[one.at(x, y) + other.at(x, y) for x in range(-left, right)] for y in range(-above, below)]
        return _scaled(context, Weights(rows, left, above), normalize, 1)

    return _made_of(total, first, second)


@algorithm("Kernel.inverse(kernel: Kernel) -> Kernel")
def inverse(_: Context, kernel: Kernel) -> Kernel:
    """Return the kernel of the inverse weights."""
    return _made_of(lambda context: kernel.weights(context).mapped(lambda weight: 1 / weight if weight else 0), kernel)


@algorithm("Kernel.rotate(kernel: Kernel, rotations: Integer) -> Kernel")
def rotate(_: Context, kernel: Kernel, rotations: int) -> Kernel:
    """Return the kernel turned by quarters, clockwise."""

    def turned(context: Context) -> Weights:
        found = kernel.weights(context)
        for _ in range(rotations % 4):
            rows = [list(column) for column in zip(*reversed(found.rows), strict=True)]
            found = Weights(rows, len(found.rows) - 1 - found.y, found.x)
        return found

    return _made_of(turned, kernel)
