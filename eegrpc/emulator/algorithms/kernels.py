"""Kernel.*: neighbourhoods of pixels. Which pixels they have matters to pixels only, so they are kept as described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.values import Kernel

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

_MAGNITUDE = "magnitude: Float = 1"
_REST = f'units: String = "pixels", normalize: Boolean = true, {_MAGNITUDE}'
_DISTANCE = f'units: String = "pixels", normalize: Boolean = false, {_MAGNITUDE}'

_PARAMETERS: dict[str, str] = {
    **dict.fromkeys(("circle", "cross", "diamond", "octagon", "plus", "square"), f"radius: Float, {_REST}"),
    **dict.fromkeys(("chebyshev", "euclidean", "manhattan"), f"radius: Float, {_DISTANCE}"),
    **dict.fromkeys(
        ("compass", "kirsch", "laplacian4", "laplacian8", "prewitt", "roberts", "sobel"),
        f"{_MAGNITUDE}, normalize: Boolean = false",
    ),
    "gaussian": f"radius: Float, sigma: Float = 1, {_REST}",
    "rectangle": f"xRadius: Float, yRadius: Float, {_REST}",
}


def _declare(name: str, parameters: str) -> None:
    names = [part.partition(":")[0] for part in parameters.split(", ")]

    @algorithm(f"Kernel.{name}({parameters}) -> Kernel", summary=f"Return the kernel {name}.")
    def kernel(_: Context, *arguments: object) -> Kernel:
        for parameter, value in zip(names, arguments, strict=True):
            if parameter == "units" and value not in ("pixels", "meters"):
                raise AlgorithmError(f"Unknown units '{value}': they are 'pixels' or 'meters'.")
            if parameter in ("radius", "xRadius", "yRadius", "sigma") and isinstance(value, (int, float)) and value < 0:
                raise AlgorithmError(f"Parameter '{parameter}' must not be negative, got {value}.")
        return Kernel(f"Kernel.{name}", arguments)


for _name, _parameters in _PARAMETERS.items():
    _declare(_name, _parameters)


@algorithm(
    "Kernel.fixed(width: Integer = -1, height: Integer = -1, weights: List<List<Object>>, x: Integer = -1, "
    "y: Integer = -1, normalize: Boolean = false) -> Kernel"
)
def fixed(_: Context, width: int, height: int, weights: list[list[object]], x: int, y: int, scaled: bool) -> Kernel:
    """Return a kernel of weights, given row by row."""
    if not weights or not weights[0]:
        raise AlgorithmError("Parameter 'weights' must not be empty.")
    if any(len(row) != len(weights[0]) for row in weights):
        raise AlgorithmError("The rows of parameter 'weights' must have the same length.")
    if width not in (-1, len(weights[0])) or height not in (-1, len(weights)):
        raise AlgorithmError(f"The weights are {len(weights[0])} x {len(weights)}, not {width} x {height}.")
    if any(isinstance(weight, bool) or not isinstance(weight, (int, float)) for row in weights for weight in row):
        raise AlgorithmError("Parameter 'weights' must be a list of lists of numbers.")
    return Kernel("Kernel.fixed", (tuple(tuple(row) for row in weights), x, y, scaled))


@algorithm("Kernel.add(kernel1: Kernel, kernel2: Kernel, normalize: Boolean = false) -> Kernel")
def add(_: Context, first: Kernel, second: Kernel, normalize: bool) -> Kernel:
    """Add two kernels, weight by weight."""
    return Kernel("Kernel.add", (first, second, normalize))


@algorithm("Kernel.inverse(kernel: Kernel) -> Kernel")
def inverse(_: Context, kernel: Kernel) -> Kernel:
    """Return the kernel of the inverse weights."""
    return Kernel("Kernel.inverse", (kernel,))


@algorithm("Kernel.rotate(kernel: Kernel, rotations: Integer) -> Kernel")
def rotate(_: Context, kernel: Kernel, rotations: int) -> Kernel:
    """Return the kernel turned by quarters."""
    return Kernel("Kernel.rotate", (kernel, rotations))
