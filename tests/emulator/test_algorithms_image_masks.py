"""Masks, replaced pixels, painting, and pixel types as values."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import MODIS, call, dictionary, image, only, refusal, value

from eegrpc.emulator.images.bands import PixelType
from eegrpc.v1alpha import PixelDataType

_MODIS = image("2023_01_01", MODIS)
_TWO = call("Image.select", input=_MODIS, bandSelectors=["NDVI", "SummaryQA"])
_BYTE = call("Image.toByte", value=call("Image.select", input=_MODIS, bandSelectors=["SummaryQA"]))


def _bands(built: Any) -> list[tuple[Any, ...]]:
    return [
        (
            band.id,
            PixelDataType.Precision.Name(band.data_type.precision),
            *((band.data_type.range.min, band.data_type.range.max) if band.data_type.HasField("range") else ()),
        )
        for band in only(built).bands
    ]


def test_a_mask_as_an_image() -> None:
    # "an image created from the mask of the input image, scaled to the range [0:1]"
    assert _bands(call("Image.mask", image=_TWO)) == [("NDVI", "FLOAT", 0, 1), ("SummaryQA", "FLOAT", 0, 1)]
    assert only(call("Image.mask", image=_TWO)).id == f"{MODIS}/2023_01_01"  # "retains the metadata and footprint"


def test_a_new_mask() -> None:
    for built in (
        call("Image.mask", image=_TWO, mask=1),
        call("Image.mask", image=_TWO, mask=_TWO),
        call("Image.updateMask", image=_TWO, mask=_BYTE),
    ):
        assert [band.id for band in only(built).bands] == ["NDVI", "SummaryQA"]
    assert "The mask must have one band" in refusal(call("Image.mask", image=1, mask=_TWO)).message


def test_an_image_of_nothing() -> None:
    nothing = call("Image.mask", image=call("Image.constant", value=0), mask=call("Image.constant", value=0))
    assert _bands(nothing) == [("constant", "INT", 0, 0)]  # what ee.Image() is


@pytest.mark.parametrize(
    ("pixels", "fill", "expected"),
    [
        (_BYTE, None, ("SummaryQA", "INT", 0, 255)),
        (_BYTE, 0, ("SummaryQA", "INT", 0, 255)),
        (_BYTE, -9999, ("SummaryQA", "INT", -9999, 255)),
        (_BYTE, 0.5, ("SummaryQA", "DOUBLE", 0, 255)),
        (_BYTE, call("Image.float", value=1), ("SummaryQA", "FLOAT")),
    ],
)
def test_types_of_unmask_and_where(pixels: Any, fill: Any, expected: tuple[Any, ...]) -> None:
    assert _bands(call("Image.unmask", input=pixels, value=fill)) == [expected]
    if fill is not None:
        # "The output type of each band is the larger of the input and value types."
        assert _bands(call("Image.where", input=pixels, test=1, value=fill)) == [expected]


def test_footprint_of_unmask() -> None:
    def footprint(**arguments: Any) -> Any:
        built = call("Image.unmask", input=_BYTE, **arguments)
        return value(call("Element.get", object=built, property="system:footprint"))

    own = value(call("Element.get", object=_BYTE, property="system:footprint"))
    assert footprint() == footprint(value=1) == footprint(sameFootprint=True) == own
    # "If false, the footprint of the output is the union of the input footprint with the footprint of the value image."
    assert footprint(sameFootprint=False).unbounded
    assert footprint(sameFootprint=False, value=3).unbounded
    assert footprint(sameFootprint=False, value=_BYTE) == own


def test_where_refuses() -> None:
    array = call("Image.toArray", image=_TWO)
    assert "may not be an array" in refusal(call("Image.where", input=_TWO, test=array, value=1)).message
    assert "The test must have one band" in refusal(call("Image.where", input=_BYTE, test=_TWO, value=1)).message
    assert "The value must have one band" in refusal(call("Image.where", input=_BYTE, test=1, value=_TWO)).message
    assert "The value must have one band" in refusal(call("Image.unmask", input=_BYTE, value=_TWO)).message


def test_blend() -> None:
    # "If either of the images has only 1 band, it is replicated to match the number of bands in the other image."
    assert [band.id for band in only(call("Image.blend", bottom=_TWO, top=0)).bands] == ["NDVI", "SummaryQA"]
    assert [band.id for band in only(call("Image.blend", bottom=0, top=_TWO)).bands] == ["NDVI", "SummaryQA"]
    assert not only(call("Image.blend", bottom=_TWO, top=0)).HasField("geometry")  # a constant is everywhere
    assert only(call("Image.blend", bottom=_TWO, top=_BYTE)).HasField("geometry")
    three = call("Image.constant", value=[1, 2, 3])
    assert "same number of bands" in refusal(call("Image.blend", bottom=_TWO, top=three)).message


def test_paint() -> None:
    built = call("Image.paint", image=_TWO, featureCollection=[], color="NDVI", width=2)
    assert only(built).bands == only(_TWO).bands
    assert "'color' must be a number or" in refusal(
        call("Image.paint", image=_TWO, featureCollection=[], color=[1])
    ).message  # fmt: skip
    assert "Expected type: FeatureCollection" in refusal(call("Image.paint", image=_TWO, featureCollection=3)).message


# ---------------------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"precision": "int", "minValue": 0, "maxValue": 9}, PixelType("INT", 0, 9)),
        ({"precision": "float"}, PixelType("FLOAT")),
        ({"precision": "double", "minValue": -1, "maxValue": 1}, PixelType("DOUBLE", -1, 1)),
        ({"precision": "double", "minValue": -1}, PixelType("DOUBLE")),  # null is infinite
        ({"precision": "float", "dimensions": 2}, PixelType("FLOAT", dimensions=2)),
        ({"precision": call("PixelType.int8")}, PixelType("INT", -128, 127)),
    ],
)
def test_pixel_type(arguments: dict[str, Any], expected: PixelType) -> None:
    built = call("PixelType", **arguments)
    assert value(built) == expected
    assert value(call("PixelType.precision", pixelType=built)) == expected.precision.lower()
    assert value(call("PixelType.minValue", pixelType=built)) == expected.minimum
    assert value(call("PixelType.maxValue", pixelType=built)) == expected.maximum
    assert value(call("PixelType.dimensions", pixelType=built)) == expected.dimensions


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"precision": "long"}, "must be 'int', 'float' or 'double', not: 'long'"),
        ({"precision": 3}, "not: 3"),
        ({"precision": "int"}, "are required for precision 'int'"),
        ({"precision": "int", "minValue": 2, "maxValue": 1}, "must not be greater"),
        ({"precision": "float", "dimensions": -1}, "from 0 to 2147483647, got -1"),
        ({"precision": "float", "dimensions": 2**31}, "2147483648"),
    ],
)
def test_pixel_type_refuses(arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call("PixelType", **arguments)).message


def test_named_types() -> None:
    assert value(call("PixelType.uint16")) == PixelType("INT", 0, 65535)
    assert value(call("PixelType.int32")) == PixelType("INT", -(2**31), 2**31 - 1)
    assert value(call("PixelType.double")) == PixelType("DOUBLE")
    assert value(call("PixelType.maxValue", pixelType="uint8")) == 255


def test_band_types_and_cast() -> None:
    types = value(call("Image.bandTypes", image=_TWO))
    assert list(types) == ["NDVI", "SummaryQA"]
    assert types["NDVI"] == PixelType("INT", -32768, 32767)
    cast = call("Image.cast", image=_TWO, bandTypes=dictionary(NDVI=call("PixelType.float"), z="int8"))
    assert [band[:2] for band in _bands(cast)] == [("NDVI", "FLOAT"), ("SummaryQA", "INT"), ("z", "INT")]
    assert "unknown type List" in refusal(call("Image.cast", image=_TWO, bandTypes={"NDVI": [1]})).message


def test_casts_keep_arrays() -> None:
    (band,) = only(call("Image.toFloat", value=call("Image.toArray", image=_TWO))).bands
    assert band.data_type.dimensions_count == 1
