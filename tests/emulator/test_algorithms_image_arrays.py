"""Array images: how many dimensions each function leaves."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import MODIS, call, image, only, ref, refusal

from eegrpc.v1alpha import PixelDataType

_MODIS = image("2023_01_01", MODIS)
_TWO = call("Image.select", input=_MODIS, bandSelectors=["NDVI", "EVI"])  # both int16
_VECTOR = call("Image.toArray", image=_TWO)
_MATRIX = call("Image.toArray", image=_VECTOR, axis=1)


def _kinds(built: Any) -> list[tuple[str, str, int]]:
    return [
        (band.id, PixelDataType.Precision.Name(band.data_type.precision), band.data_type.dimensions_count)
        for band in only(built).bands
    ]


def _shape(built: Any) -> int:
    ((_, _, dimensions),) = _kinds(built)
    return dimensions


def test_to_array() -> None:
    assert _kinds(_VECTOR) == [("array", "INT", 1)]
    (band,) = only(_VECTOR).bands
    assert (band.data_type.range.min, band.data_type.range.max) == (-32768, 32767)
    assert band.grid.crs_code == "SR-ORG:6974"
    # "If the axis equals the dimension of the inputs, the result will have 1 more dimension than the inputs."
    assert _shape(_MATRIX) == 2
    assert _shape(call("Image.toArray", image=_VECTOR, axis=0)) == 1
    mixed = call("Image.addBands", dstImg=_TWO, srcImg=0.5)
    assert _kinds(call("Image.toArray", image=mixed)) == [("array", "DOUBLE", 1)]
    assert "Axis 1 is out of range" in refusal(call("Image.toArray", image=_TWO, axis=1)).message
    assert "Axis -1 is out of range" in refusal(call("Image.toArray", image=_TWO, axis=-1)).message
    unequal = call("Image.addBands", dstImg=_VECTOR, srcImg=1)
    assert "equal dimensionality" in refusal(call("Image.toArray", image=unequal)).message
    assert "no bands" in refusal(call("Image.toArray", image=call("Image.slice", image=1, start=1))).message


def test_array_flatten() -> None:
    # The example in the description of its argument.
    labels = [["monday", "tuesday"], ["red", "green"]]
    built = call("Image.arrayFlatten", image=_MATRIX, coordinateLabels=labels)
    assert _kinds(built) == [
        ("monday_red", "INT", 0),
        ("monday_green", "INT", 0),
        ("tuesday_red", "INT", 0),
        ("tuesday_green", "INT", 0),
    ]
    joined = call("Image.arrayFlatten", image=_VECTOR, coordinateLabels=[["a", "b"]], separator=".")
    assert [name for name, _, _ in _kinds(joined)] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"coordinateLabels": [["a"]]}, "for each of the 2 axes of the array, got 1"),
        ({"image": _TWO}, "a single band, got 2"),
        ({"image": 1}, "must be an array, but its pixels are scalars"),
        ({"coordinateLabels": [["a b"], ["c"]]}, "Invalid band name"),
        ({"coordinateLabels": [["a"] * 1000, ["b"] * 1000]}, "would have 1000000 bands"),
        ({"coordinateLabels": [["a"] * 2000, ["b"]], "separator": "_" * 100_000}, "The computation is too large"),
        ({"coordinateLabels": ["a", "b"]}, "Expected type: List<List<String>>"),
    ],
)
def test_array_flatten_refuses(arguments: dict[str, Any], text: str) -> None:
    complete = {"image": _MATRIX, "coordinateLabels": [["a"], ["b"]]} | arguments
    assert text in refusal(call("Image.arrayFlatten", **complete)).message


@pytest.mark.parametrize(
    ("built", "dimensions"),
    [
        (call("Image.arrayProject", input=_MATRIX, axes=[0]), 1),
        (call("Image.arrayProject", input=_MATRIX, axes=[1, 0]), 2),
        (call("Image.arrayProject", input=_MATRIX, axes=[]), 0),
        (call("Image.arrayGet", image=_VECTOR, position=0), 0),
        (call("Image.arrayGet", image=_MATRIX, position=_TWO), 0),
        (call("Image.arrayLength", input=_MATRIX, axis=1), 0),
        (call("Image.arrayLengths", input=_MATRIX), 1),
        (call("Image.arrayDimensions", input=_MATRIX), 0),
        (call("Image.arraySlice", input=_MATRIX, axis=1, start=1, end=-1, step=2), 2),
        (call("Image.arraySort", image=_VECTOR), 1),
        (call("Image.arraySort", image=_VECTOR, keys=_VECTOR), 1),
        (call("Image.arrayCat", image1=_VECTOR, image2=_VECTOR, axis=0), 1),
        (call("Image.arrayCat", image1=_VECTOR, image2=_VECTOR, axis=1), 2),
        (call("Image.arrayCat", image1=_MATRIX, image2=_VECTOR, axis=1), 2),
        (call("Image.arrayRepeat", input=_VECTOR, axis=1, copies=3), 2),
        (call("Image.arrayRepeat", input=1, axis=0, copies=3), 1),
        (call("Image.arrayReshape", image=_MATRIX, lengths=_VECTOR, dimensions=1), 1),
        (call("Image.arrayMask", input=_VECTOR, mask=_VECTOR), 1),
        (call("Image.arrayPad", image=_VECTOR, lengths=[9], pad=-1), 1),
        (call("Image.arrayTranspose", input=_MATRIX), 2),
        (call("Image.matrixTranspose", input=_VECTOR), 2),
        (call("Image.arrayArgmax", image=_MATRIX), 1),
        (call("Image.arrayDotProduct", image1=_VECTOR, image2=_VECTOR), 0),
        (call("Image.bitsToArrayImage", input=5), 1),
        (call("Image.matrixMultiply", image1=_MATRIX, image2=_MATRIX), 2),
        (call("Image.matrixSolve", image1=_MATRIX, image2=_MATRIX), 2),
        (call("Image.matrixInverse", value=_MATRIX), 2),
        (call("Image.matrixDeterminant", value=_MATRIX), 0),
        (call("Image.matrixDiagonal", value=_MATRIX), 2),
        (call("Image.matrixIdentity", size=3), 2),
        (call("Image.neighborhoodToArray", image=1, kernel=call("Kernel.square", radius=1)), 2),
        # Element by element, as for scalars.
        (call("Image.add", image1=_MATRIX, image2=1), 2),
        (call("Image.gt", image1=1, image2=_VECTOR), 1),
        (call("Image.pow", image1=_VECTOR, image2=_VECTOR), 1),
        (call("Image.max", image1=_VECTOR, image2=_MATRIX), 2),
        (call("Image.not", value=_VECTOR), 1),
        (call("Image.sqrt", value=_MATRIX), 2),
        (call("Image.abs", value=_VECTOR), 1),
        (call("Image.clamp", input=_VECTOR, low=0, high=1), 1),
        (call("Image.bitwiseNot", value=_VECTOR), 1),
    ],
)
def test_dimensions(built: Any, dimensions: int) -> None:
    assert _shape(built) == dimensions


def test_decompositions() -> None:
    # Names: their descriptions.
    for name, expected in {
        "Cholesky": ["L"],
        "LU": ["L", "U", "P"],
        "QR": ["Q", "R"],
    }.items():
        built = call(f"Image.matrix{name}Decomposition", image=_MATRIX)
        assert _kinds(built) == [(each, "DOUBLE", 2) for each in expected]
    singular = call("Image.matrixSingularValueDecomposition", image=_MATRIX)
    assert [name for name, _, _ in _kinds(singular)] == ["U", "S", "V"]


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (call("Image.arrayProject", input=_VECTOR, axes=[1]), "Axis 1 is out of range: it must be from 0 to 0."),
        (call("Image.arrayProject", input=_MATRIX, axes=[0, 0]), "names an axis twice"),
        (call("Image.arrayProject", input=1, axes=[0]), "its pixels are scalars"),
        (call("Image.arrayGet", image=_MATRIX, position=0), "for each of the 2 dimensions of band 'array', got 1"),
        (call("Image.arrayLength", input=_VECTOR, axis=1), "Axis 1"),
        (call("Image.arraySlice", input=_VECTOR, step=0), "'step' must be positive"),
        (call("Image.arraySlice", input=_VECTOR, start=_TWO), "'start' must have one band"),
        (call("Image.arrayCat", image1=_VECTOR, image2=_VECTOR, axis=2), "Axis 2"),
        (call("Image.arrayPad", image=_VECTOR, lengths=[1, 2]), "a length for each dimension"),
        (call("Image.arrayReshape", image=_VECTOR, lengths=1, dimensions=10**9), "out of range"),
        (call("Image.arrayTranspose", input=_VECTOR, axis2=10**9), "Axes must be from 0 to 100"),
        (call("Image.arrayRepeat", input=_VECTOR, axis=7, copies=1), "Axis 7"),
        (call("Image.arraySort", image=_VECTOR, keys=_TWO), "The keys must have one band"),
        (call("Image.arrayMask", input=_VECTOR, mask=_TWO), "The mask must have one band"),
        (call("Image.matrixIdentity", size=0), "'size' must be positive"),
        (call("Image.matrixMultiply", image1=_MATRIX, image2=1), "its pixels are scalars"),
        (call("Image.matrixQRDecomposition", image=_TWO), "a single band, got 2"),
    ],
)
def test_refusals(built: Any, text: str) -> None:
    assert text in refusal(built).message


def test_many_axes_end() -> None:
    steps = {
        f"a{axis}": call("Image.toArray", image=ref(f"a{axis - 1}") if axis else 1, axis=axis) for axis in range(101)
    }
    more = call("Image.toArray", image=ref("a100"), axis=101)
    assert "Axis 101 is out of range" in refusal(more, **steps).message
