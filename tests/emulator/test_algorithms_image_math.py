"""Bands and pixel types of functions of pixel values: two images, one image, ranges, remapping, visualization."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulator_graphs import L8, MODIS, call, image, only, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.emulator.images.bands import TYPE_NAMES, PixelType
from eegrpc.emulator.images.type_rules import absolute, arithmetic_type, clamped, union
from eegrpc.v1alpha import PixelDataType

_MODIS = image("2023_01_01", MODIS)
_NDVI = call("Image.select", input=_MODIS, bandSelectors=["NDVI"])  # int16
_QA = call("Image.select", input=_MODIS, bandSelectors=["SummaryQA"])
_BYTE = call("Image.toByte", value=_NDVI)
_UINT16 = call("Image.toUint16", value=_NDVI)

Kind = tuple[str, float | None, float | None]
_FLOAT: Kind = ("FLOAT", None, None)
_DOUBLE: Kind = ("DOUBLE", None, None)


def _kind(data_type: PixelDataType) -> Kind:
    bounds = (data_type.range.min, data_type.range.max) if data_type.HasField("range") else (None, None)
    return (PixelDataType.Precision.Name(data_type.precision), *bounds)


def _kinds(built: Any) -> list[tuple[Any, ...]]:
    return [(band.id, *_kind(band.data_type)) for band in only(built).bands]


def _type(built: Any) -> Kind:
    (band,) = only(built).bands
    return _kind(band.data_type)


def _constant(*numbers: float) -> dict[str, Any]:
    return call("Image.constant", value=list(numbers))


# ----------------------------------------------------------------------------------------------------- two images


def _binary() -> dict[str, str]:
    """Descriptions of the functions that say how bands are paired."""
    ee = pytest.importorskip("ee")
    listed = json.loads((Path(ee.__file__).parent / "tests" / "algorithms.json").read_text(encoding="utf-8"))
    rows = listed["algorithms"] if isinstance(listed, dict) else listed
    names = {row["name"].removeprefix("algorithms/"): row.get("description", "") for row in rows}
    return {name: text for name, text in names.items() if "for each matched pair of bands" in text}


def test_the_types_of_pairs_are_those_of_the_descriptions() -> None:
    described = _binary()
    assert len(described) > 20
    for name, text in described.items():
        if name.startswith("Image.matrix") or name not in algorithms():
            continue
        found = _type(call(name, image1=_NDVI, image2=2.5))
        if "output pixels is float" in text:
            assert found[0] == "FLOAT", name
        elif "output pixels is boolean" in text:
            assert found == ("INT", 0, 1), name
        elif "union of the input types" in text:
            assert found[0] == "DOUBLE", name  # int16 with a double
    assert set(described) <= set(algorithms())


@pytest.mark.parametrize(
    ("function", "left", "right", "expected"),
    [
        # "The type of the output pixels is the union of the input types": a range around both.
        ("bitwiseAnd", _UINT16, 8, ("INT", 0, 65535)),
        ("bitwiseOr", _BYTE, _NDVI, ("INT", -32768, 32767)),
        ("bitwiseXor", _BYTE, _BYTE, ("INT", 0, 255)),
        ("leftShift", _BYTE, 1000, ("INT", 0, 1000)),
        ("rightShift", _UINT16, 3, ("INT", 0, 65535)),
        ("min", _BYTE, -5, ("INT", -5, 255)),
        ("max", _BYTE, 0.5, ("DOUBLE", 0, 255)),
        ("mod", _NDVI, 10, ("INT", -32768, 32767)),
        ("firstNonZero", _BYTE, call("Image.float", value=_NDVI), _FLOAT),
        ("first", _BYTE, 300, ("INT", 0, 300)),
        # "The type of the output pixels is float."
        ("pow", 2, 3, _FLOAT),
        ("atan2", 1, 0.5, _FLOAT),
        ("hypot", _NDVI, _NDVI, _FLOAT),
    ],
)
def test_two_images(function: str, left: Any, right: Any, expected: Kind) -> None:
    assert _type(call(f"Image.{function}", image1=left, image2=right)) == expected


def test_old_names_are_the_same() -> None:
    for old, new in (("bitwise_and", "bitwiseAnd"), ("left_shift", "leftShift"), ("first_nonzero", "firstNonZero")):
        assert _kinds(call(f"Image.{old}", image1=_BYTE, image2=7)) == _kinds(
            call(f"Image.{new}", image1=_BYTE, image2=7)
        )


_BOUNDS = st.integers(-1000, 1000) | st.floats(-1000, 1000)


def _interval(draw: Any) -> tuple[PixelType, float]:
    low, value, high = sorted(draw(st.tuples(_BOUNDS, _BOUNDS, _BOUNDS)))
    return PixelType("DOUBLE", low, high), value


_INTERVALS = st.composite(_interval)()


@settings(deadline=None)
@given(_INTERVALS, _INTERVALS)
def test_a_type_holds_every_value_that_the_operation_can_give(
    left: tuple[PixelType, float], right: tuple[PixelType, float]
) -> None:
    (one, a), (two, b) = left, right

    def holds(kind: PixelType, result: float) -> bool:
        if kind.minimum is None or kind.maximum is None:
            return True
        slack = 1e-9 * max(abs(kind.minimum), abs(kind.maximum), 1)
        return kind.minimum - slack <= result <= kind.maximum + slack

    assert holds(arithmetic_type("add", one, two), a + b)
    assert holds(arithmetic_type("subtract", one, two), a - b)
    assert holds(arithmetic_type("multiply", one, two), a * b)
    if b:
        assert holds(arithmetic_type("divide", one, two), a / b)
    assert holds(union(one, two), a)
    assert holds(union(one, two), b)
    assert holds(absolute(one), abs(a))
    low, high = sorted((b, two.maximum or 0.0))
    assert holds(clamped(one, low, high), min(max(a, low), high))


@settings(deadline=None)
@given(st.sampled_from(sorted(TYPE_NAMES)), st.sampled_from(sorted(TYPE_NAMES)))
def test_a_union_does_not_depend_on_the_order(left: str, right: str) -> None:
    assert union(TYPE_NAMES[left], TYPE_NAMES[right]) == union(TYPE_NAMES[right], TYPE_NAMES[left])
    assert union(TYPE_NAMES[left], TYPE_NAMES[left]) == TYPE_NAMES[left]


# ------------------------------------------------------------------------------------------------------- one image


@pytest.mark.parametrize(
    ("function", "operand", "expected"),
    [
        ("abs", _NDVI, ("INT", 0, 32768)),
        ("abs", _constant(-3), ("INT", 3, 3)),
        ("signum", _NDVI, ("INT", -1, 1)),
        ("round", call("Image.double", value=_NDVI), _DOUBLE),
        ("ceil", _BYTE, ("INT", 0, 255)),
        ("floor", call("Image.float", value=_NDVI), _FLOAT),
        ("cos", _NDVI, _FLOAT),
        ("sqrt", call("Image.float", value=_NDVI), _FLOAT),
        ("log10", call("Image.double", value=_NDVI), _DOUBLE),
        ("exp", 1, _FLOAT),
        ("tanh", 0.5, _DOUBLE),
        # "in the smallest signed integer type that can hold the input"
        ("bitwiseNot", _BYTE, ("INT", -32768, 32767)),
        ("bitwiseNot", 127, ("INT", -128, 127)),
        ("bitwiseNot", _UINT16, ("INT", -2147483648, 2147483647)),
        ("bitwise_not", call("Image.uint32", value=_NDVI), ("INT", -(2.0**63), 2.0**63)),
        ("bitCount", _NDVI, ("INT", 0, 64)),
    ],
)
def test_one_image(function: str, operand: Any, expected: Kind) -> None:
    assert _type(call(f"Image.{function}", value=operand)) == expected


def test_names_and_grids_stay() -> None:
    for built in (call("Image.sqrt", value=_NDVI), call("Image.clamp", input=_NDVI, low=0, high=1)):
        (band,) = only(built).bands
        assert (band.id, band.grid.crs_code, band.grid.dimensions.width) == ("NDVI", "SR-ORG:6974", 172800)


def test_ranges() -> None:
    assert _type(call("Image.clamp", input=_NDVI, low=0, high=100)) == ("INT", 0, 100)
    assert _type(call("Image.clamp", input=_BYTE, low=-5, high=7)) == ("INT", 0, 7)
    assert _type(call("Image.clamp", input=_BYTE, low=0.5, high=7)) == ("FLOAT", 0.5, 7)
    assert _type(call("Image.clamp", input=call("Image.float", value=_NDVI), low=0, high=1)) == ("FLOAT", 0, 1)
    assert "must not be greater" in refusal(call("Image.clamp", input=1, low=2, high=1)).message
    # "This algorithm always produces floating point pixels."
    assert _type(call("Image.unitScale", input=_NDVI, low=0, high=10000)) == _FLOAT
    assert "must differ" in refusal(call("Image.unitScale", input=1, low=2, high=2)).message
    assert _type(call("Image.polynomial", image=_NDVI, coefficients=[1, 2])) == _FLOAT


def test_interpolate() -> None:
    def built(**arguments: Any) -> dict[str, Any]:
        return call("Image.interpolate", **({"image": _MODIS, "x": [0, 1], "y": [5, 6]} | arguments))

    assert _kinds(built()) == [("NDVI", *_FLOAT)]  # "the first band of the input image"
    assert "strictly increasing" in refusal(built(x=[1, 1])).message
    assert "as many: 2 and 1" in refusal(built(y=[1])).message
    assert "Unknown behavior" in refusal(built(behavior="guess")).message


def test_remap() -> None:
    def built(**arguments: Any) -> dict[str, Any]:
        return call("Image.remap", **({"image": _MODIS, "from": [1, 2], "to": [10, 20]} | arguments))

    message = only(built())
    assert [(band.id, *_kind(band.data_type)) for band in message.bands] == [("remapped", "INT", 10, 20)]
    assert message.id == f"{MODIS}/2023_01_01"  # the example of ee.Image.remap prints an image with its properties
    assert _kinds(built(defaultValue=-1, bandName="EVI")) == [("remapped", "INT", -1, 20)]
    assert _kinds(built(to=[0.5, 1])) == [("remapped", "DOUBLE", 0.5, 1)]
    assert "as many values: 2 and 1" in refusal(built(to=[1])).message
    assert "must not be empty" in refusal(built(**{"from": [], "to": []})).message
    assert "did not match" in refusal(built(bandName="x")).message
    assert "must have numbers, not: String" in refusal(built(to=["a", "b"])).message
    assert refusal(built(**{"from": [[1], [2]]})).unsupported


def test_colours_and_unmixing() -> None:
    three = call("Image.select", input=_MODIS, bandSelectors=[0, 1, 2])
    assert _kinds(call("Image.rgbToHsv", image=three)) == [
        (name, "FLOAT", 0, 1) for name in ("hue", "saturation", "value")
    ]
    assert [kind[0] for kind in _kinds(call("Image.hsvToRgb", image=three))] == ["red", "green", "blue"]
    assert "three bands, got 1" in refusal(call("Image.rgbToHsv", image=1)).message
    # "Returns an image of doubles with the same number of bands as endmembers."
    assert _kinds(call("Image.unmix", image=three, endmembers=[[1, 2, 3], [4, 5, 6]])) == [
        ("band_0", *_DOUBLE),
        ("band_1", *_DOUBLE),
    ]
    assert "Endmember 1 must have a value" in refusal(
        call("Image.unmix", image=three, endmembers=[[1, 2, 3], [4]])
    ).message  # fmt: skip


_RGB = ["vis-red", "vis-green", "vis-blue"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, _RGB),  # "If empty, the first 3 are used."
        ({"bands": []}, _RGB),
        ({"bands": ["EVI"]}, ["vis-gray"]),
        ({"bands": "EVI"}, ["vis-gray"]),
        ({"bands": "EVI, NDVI,SummaryQA", "min": [0, 1, 2], "max": 9}, _RGB),
        ({"bands": [0], "palette": ["red", "00FF00"]}, _RGB),
        ({"bands": [0], "forceRgbOutput": True}, _RGB),
    ],
)
def test_visualize(arguments: dict[str, Any], expected: list[str]) -> None:
    message = only(call("Image.visualize", image=_MODIS, **arguments))
    assert [(band.id, *_kind(band.data_type)) for band in message.bands] == [(name, "INT", 0, 255) for name in expected]
    # guides/ic_visualization copies properties to the result, so they are not there.
    assert dict(message.properties) == {"system:index": "0"}
    assert message.bands[0].grid.crs_code == "SR-ORG:6974"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"bands": ["NDVI", "EVI"]}, "One band or three"),
        ({"bands": {"a": 1}}, "must be a list of bands, not: Dictionary"),
        ({"bands": ["x"]}, "did not match"),
        ({"palette": ["red"]}, "A palette is for a single band: got 3."),
        ({"bands": [0], "palette": "red", "gamma": 2}, "exclude each other"),
        ({"min": [1, 2]}, "'min' must have one value or one for each band: got 2."),
    ],
)
def test_visualize_refuses(arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call("Image.visualize", image=_MODIS, **arguments)).message


def test_metadata() -> None:
    # "Generates a constant image of type double from a metadata property."
    built = call("Image.metadata", image=image(), property="WRS_PATH")
    message = only(built)
    assert [(band.id, *_kind(band.data_type)) for band in message.bands] == [("WRS_PATH", "DOUBLE", 44, 44)]
    assert message.bands[0].grid.crs_code == "EPSG:4326"
    assert _kinds(call("Image.metadata", image=image(), property="WRS_PATH", name="p"))[0][0] == "p"
    time = _kinds(call("Image.metadata", image=image(), property="system:time_start"))
    assert time[0][0] == "system:time_start"
    for name in ("SPACECRAFT_ID", "NO_SUCH"):
        assert "must be a number" in refusal(call("Image.metadata", image=image(), property=name)).message
    assert "Invalid band name 'a b'" in refusal(
        call("Image.metadata", image=image(), property="WRS_PATH", name="a b")
    ).message  # fmt: skip


def test_a_name_of_a_band_has_an_end() -> None:
    assert "has 5000 characters" in refusal(call("Image.rename", input=1, names=["a" * 5000])).message


def test_bands_of_one_name_are_suffixed_in_linear_time() -> None:
    copies = call("Image.cat", images=[1] * 20_000)
    names = [band.id for band in only(copies).bands]
    assert (len(names), names[0], names[1], names[-1]) == (20_000, "constant", "constant_1", "constant_19999")


def test_cat_and_slice() -> None:
    message = only(call("Image.cat", images=[_NDVI, image(), 5]))
    assert message.id == f"{MODIS}/2023_01_01"  # "the metadata from the first input image, only"
    assert [message.bands[0].id, message.bands[1].id, message.bands[-1].id] == ["NDVI", "SR_B1", "constant"]
    assert only(call("Image.cat", images=[f"{L8}/LC08_044034_20230122"])).id.startswith(L8)
    assert "must not be empty" in refusal(call("Image.cat", images=[])).message
    assert "Expected type: Image" in refusal(call("Image.cat", images=[[1]])).message
    for (start, end), expected in {
        (0, 2): ["NDVI", "EVI"],
        (-1, None): ["SummaryQA"],
        (10, 99): ["DayOfYear", "SummaryQA"],
        (1, -10): ["EVI"],
        (5, 5): [],
    }.items():
        built = call("Image.slice", image=_MODIS, start=start, end=end)
        assert [band.id for band in only(built).bands] == expected
