"""Images: bands by name, pattern and index, pixel types, and what a computed image keeps."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import L8, MODIS, call, image, only, refusal, value

from eegrpc.emulator.images.bands import TYPE_NAMES
from eegrpc.v1alpha import PixelDataType

_MODIS_IMAGE = image("2023_01_01", MODIS)


def _names(built: Any) -> list[str]:
    return [band.id for band in only(built).bands]


def _select(*selectors: Any, names: list[str] | None = None) -> dict[str, Any]:
    return call("Image.select", input=_MODIS_IMAGE, bandSelectors=list(selectors), newNames=names)


def _constant(*numbers: float) -> dict[str, Any]:
    return call("Image.constant", value=list(numbers))


# ---------------------------------------------------------------------------------------------------------- selection


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["EVI"], ["EVI"]),
        (["EVI", "NDVI"], ["EVI", "NDVI"]),
        ([".*VI"], ["NDVI", "EVI"]),
        (["sur_refl_b0[12]"], ["sur_refl_b01", "sur_refl_b02"]),
        (["NDVI|Sum.*"], ["NDVI", "SummaryQA"]),
        ([r"sur_refl_b\d{2}"], ["sur_refl_b01", "sur_refl_b02", "sur_refl_b03", "sur_refl_b07"]),
        (["(Solar|View)Zenith"], ["ViewZenith", "SolarZenith"]),
        (["(?i)evi"], ["EVI"]),
        ([0, 11], ["NDVI", "SummaryQA"]),
        (["[^N].*QA"], ["DetailedQA", "SummaryQA"]),
        ([], []),
    ],
)
def test_select(selectors: list[Any], expected: list[str]) -> None:
    assert _names(_select(*selectors)) == expected


def test_select_the_same_band_twice() -> None:
    assert _names(_select("EVI", ".*VI")) == ["EVI", "NDVI", "EVI_1"]


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        (["VI"], "Band pattern 'VI' did not match any bands. Available bands: [NDVI, EVI, DetailedQA, "),
        (["B["], "Invalid pattern 'B['"),
        (["*"], "Invalid pattern '*'"),
        ([12], "Band index 12 is out of range: the image has 12 band(s)."),
        ([-1], "Band index -1 is out of range"),
        ([1.5], "A band selector must be a name, a pattern or an index, not 1.5."),
        ([True], "A band selector must be"),
        ([r"(a)\1"], "Invalid pattern"),
        (["(?=N).*"], "Invalid pattern"),
        (["(?<!N).*"], "Invalid pattern"),
        (["a++"], "Invalid pattern"),
    ],
)
def test_select_refuses(selectors: list[Any], message: str) -> None:
    error = refusal(_select(*selectors))
    assert error.message.startswith(f"Image.select: {message}")
    assert error.path == "values.result > Image.select"


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)*b", "(a*){9}", "((a)|b)+", "a*a*a*a*a*b", "[ab]*.*.*.*x*", "x" * 300, "(a?)*"]
)
def test_select_runs_no_pattern_that_could_take_for_ever(pattern: str) -> None:
    error = refusal(_select(pattern))
    assert (error.unsupported, error.function) == (True, "Image.select")


def test_select_from_no_bands() -> None:
    empty = call("Image.select", input=_MODIS_IMAGE, bandSelectors=[])
    error = refusal(call("Image.select", input=empty, bandSelectors=["x"]))
    assert error.message == "Image.select: Band pattern 'x' was applied to an Image with no bands."


def test_new_names() -> None:
    assert _names(_select("NDVI", "EVI", names=["a", "b"])) == ["a", "b"]
    error = refusal(_select("NDVI", "EVI", names=["a"]))
    assert error.message == "Image.select: The number of names (1) must match the number of bands (2)."
    renamed = call("Image.rename", input=_select("NDVI", "EVI"), names=["a", "a"])
    assert _names(renamed) == ["a", "a_1"]
    for bad in ("", "a b", "é", "a/b"):
        error = refusal(call("Image.rename", input=_select("NDVI"), names=[bad]))
        assert error.message.startswith(f"Image.rename: Invalid band name '{bad}'")


def test_add_bands() -> None:
    two = _select("NDVI", "EVI")
    assert _names(call("Image.addBands", dstImg=two, srcImg=two)) == ["NDVI", "EVI", "NDVI_1", "EVI_1"]
    more = call("Image.addBands", dstImg=call("Image.addBands", dstImg=two, srcImg=two), srcImg=two, names=["EVI"])
    assert _names(more) == ["NDVI", "EVI", "NDVI_1", "EVI_1", "EVI_2"]
    over = only(
        call("Image.addBands", dstImg=two, srcImg=call("Image.float", value=two), names=["EVI"], overwrite=True)
    )
    assert [(band.id, band.data_type.precision) for band in over.bands] == [
        ("NDVI", PixelDataType.INT),
        ("EVI", PixelDataType.FLOAT),
    ]
    assert over.name.endswith("2023_01_01")
    assert "did not match" in refusal(call("Image.addBands", dstImg=two, srcImg=two, names=["x"])).message


def test_band_names_and_virtual_properties() -> None:
    assert value(call("Image.bandNames", image=_select(".*VI"))) == ["NDVI", "EVI"]
    assert value(call("Element.get", object=_select(".*VI"), property="system:band_names")) == ["NDVI", "EVI"]
    bands = value(call("Element.get", object=_select("NDVI"), property="system:bands"))
    assert bands["NDVI"]["data_type"] == {"type": "PixelType", "precision": "int", "min": -32768, "max": 32767}
    assert bands["NDVI"]["dimensions"] == [172800, 86400]


# --------------------------------------------------------------------------------------------------------- arithmetic

_INT, _FLOAT, _DOUBLE = PixelDataType.INT, PixelDataType.FLOAT, PixelDataType.DOUBLE


@pytest.mark.parametrize(
    ("function", "left", "right", "expected"),
    [
        ("add", [2], [3], (_INT, 5, 5)),
        ("subtract", [2], [3], (_INT, -1, -1)),
        ("multiply", [2], [-3], (_INT, -6, -6)),
        ("divide", [1], [2], (_FLOAT, 0.5, 0.5)),
        ("add", [2], [0.5], (_DOUBLE, 2.5, 2.5)),
        ("divide", [1], [0.5], (_DOUBLE, 2, 2)),
        ("divide", [1], [0], (_FLOAT, None, None)),
        ("lt", [1], [2.5], (_INT, 0, 1)),
        ("and", [1], [2], (_INT, 0, 1)),
    ],
)
def test_types_of_constants(function: str, left: list[float], right: list[float], expected: tuple[Any, ...]) -> None:
    (band,) = only(call(f"Image.{function}", image1=_constant(*left), image2=_constant(*right))).bands
    bounds = (band.data_type.range.min, band.data_type.range.max)
    assert (band.data_type.precision, *(bounds if band.data_type.HasField("range") else (None, None))) == expected
    assert band.grid.crs_code == "EPSG:4326"


def test_ranges_of_images() -> None:
    ndvi, scaled = _select("NDVI"), call("Image.multiply", image1=_select("NDVI"), image2=0.5)
    (band,) = only(call("Image.subtract", image1=ndvi, image2=ndvi)).bands
    assert (band.data_type.range.min, band.data_type.range.max) == (-65535, 65535)
    (band,) = only(scaled).bands
    assert (band.data_type.range.min, band.data_type.range.max) == (-16384, 16383.5)
    (band,) = only(call("Image.multiply", image1=call("Image.double", value=ndvi), image2=2)).bands
    assert band.data_type.precision == _DOUBLE
    assert not band.data_type.HasField("range")


def test_computed_images_keep_grid_and_footprint_and_nothing_else() -> None:
    for built in (
        call("Image.add", image1=_select("NDVI"), image2=1),
        call("Image.add", image1=1, image2=_select("NDVI")),
        call("Image.lte", image1=_select("NDVI"), image2=40),
        call("Image.not", value=_select("NDVI")),
    ):
        message = only(built)
        assert (message.id, message.name, message.size_bytes) == ("", "", 0)
        assert dict(message.properties) == {"system:index": "0"}
        assert message.geometry["coordinates"][0][2] == [180, 90]
        assert message.bands[0].grid.crs_code == "SR-ORG:6974"
        assert message.bands[0].grid.dimensions.width == 172800
        assert value(call("Element.propertyNames", element=built)) == [
            "system:band_names",
            "system:bands",
            "system:footprint",
        ]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (("NDVI", "EVI"), ("SummaryQA",), ["NDVI", "EVI"]),  # one band against all
        (("SummaryQA",), ("NDVI", "EVI"), ["NDVI", "EVI"]),  # named for the longer
        (("NDVI", "EVI"), ("SummaryQA", "DetailedQA"), ["NDVI", "EVI"]),  # by order
    ],
)
def test_pairing_of_bands(left: tuple[str, ...], right: tuple[str, ...], expected: list[str]) -> None:
    assert _names(call("Image.add", image1=_select(*left), image2=_select(*right))) == expected


def test_equal_names_pair_by_name() -> None:
    first = call("Image.rename", input=_constant(1, 10), names=["a", "b"])
    second = call("Image.rename", input=_constant(200, 3), names=["b", "a"])
    bands = only(call("Image.add", image1=first, image2=second)).bands
    assert [(band.id, band.data_type.range.max) for band in bands] == [("a", 4), ("b", 210)]


def test_bands_that_cannot_be_paired() -> None:
    error = refusal(call("Image.add", image1=_select(0, 1), image2=_select(0, 1, 2)))
    assert error.message.startswith("Image.add: Images must have the same number of bands, or one of them a single")
    error = refusal(call("Image.multiply", image1=_select(), image2=2))
    assert error.message == (
        "Image.multiply: If one image has no bands, the other must also have no bands. Got 0 and 1."
    )
    assert only(call("Image.multiply", image1=_select(), image2=_select())).bands == []


def test_normalized_difference() -> None:
    for built in (
        call("Image.normalizedDifference", input=_MODIS_IMAGE, bandNames=["NDVI", "EVI"]),
        call("Image.normalizedDifference", input=_MODIS_IMAGE),
    ):
        message = only(built)
        (band,) = message.bands
        assert (band.id, band.data_type.precision) == ("nd", _FLOAT)
        assert (band.data_type.range.min, band.data_type.range.max) == (-1, 1)
        assert "num_tiles" not in message.properties
    assert "two names, got 1" in refusal(call("Image.normalizedDifference", input=image(), bandNames=["a"])).message
    assert "Two bands are needed, got 1" in refusal(call("Image.normalizedDifference", input=_constant(1))).message


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("toByte", "uint8"),
        ("int8", "int8"),
        ("toUint16", "uint16"),
        ("toShort", "int16"),
        ("uint32", "uint32"),
        ("int", "int32"),
        ("long", "int64"),
        ("toFloat", "float"),
        ("double", "double"),
    ],
)
def test_casts(function: str, kind: str) -> None:
    message = only(call(f"Image.{function}", value=_select("NDVI")))
    expected = TYPE_NAMES[kind]
    (band,) = message.bands
    assert PixelDataType.Precision.Name(band.data_type.precision) == expected.precision
    assert band.data_type.HasField("range") == (expected.minimum is not None)
    assert band.data_type.range.max == (expected.maximum or 0)
    assert message.properties["num_tiles"] == 285


def test_cast_by_band_name() -> None:
    two = _select("NDVI", "EVI")
    cast = call("Image.cast", image=two, bandTypes={"EVI": "float", "z": "int8", "y": "byte"})
    assert _names(cast) == ["NDVI", "EVI", "y", "z"]
    ordered = call("Image.cast", image=two, bandTypes={"EVI": "float"}, bandOrder=["EVI", "NDVI"])
    assert _names(ordered) == ["EVI", "NDVI"]
    assert "unknown type" in refusal(call("Image.cast", image=two, bandTypes={"EVI": "int7"})).message
    assert "must name all bands" in refusal(call("Image.cast", image=two, bandTypes={}, bandOrder=["EVI"])).message


# ------------------------------------------------------------------------------------------------- constants, loading


def test_constants() -> None:
    message = only(_constant(1, 2.5, True))
    assert [(band.id, band.data_type.precision, band.data_type.range.min) for band in message.bands] == [
        ("constant", _INT, 1),
        ("constant_1", _DOUBLE, 2.5),
        ("constant_2", _INT, 1),
    ]
    assert refusal(call("Image.constant", value=[[1]])).unsupported
    assert "must be a number" in refusal(call("Image.constant", value="a")).message


def test_promotions_to_images() -> None:
    assert _names(call("Image.rename", input=5, names=["five"])) == ["five"]
    assert only(call("Image.select", input=f"{MODIS}/2023_01_01", bandSelectors=[0])).id == f"{MODIS}/2023_01_01"
    name = f"projects/earthengine-public/assets/{MODIS}/2023_01_01"
    assert only(call("Image.load", id=name, version=-1)).name == name


def test_assets_that_do_not_exist() -> None:
    error = refusal(call("Image.load", id="NO/SUCH"))
    assert error.message.startswith(
        "Image.load: Image asset 'NO/SUCH' not found (does not exist or caller does not have access)."
    )
    error = refusal(call("ImageCollection.load", id="NO/SUCH"))
    assert error.message.startswith("ImageCollection.load: ImageCollection asset 'NO/SUCH' not found")
    assert L8 in error.message  # what there is


def test_masks_keep_everything() -> None:
    message = only(call("Image.updateMask", image=_select("NDVI", "EVI"), mask=_select("SummaryQA")))
    assert message.id == f"{MODIS}/2023_01_01"
    assert [band.id for band in message.bands] == ["NDVI", "EVI"]
    assert "The mask must have one band" in refusal(
        call("Image.updateMask", image=_select(0), mask=_select(0, 1))
    ).message  # fmt: skip


def test_date_and_id() -> None:
    assert value(call("Date.format", date=call("Image.date", image=_MODIS_IMAGE))) == "2023-01-01T00:00:00"
    assert value(call("Image.id", element=_MODIS_IMAGE)) == "2023_01_01"
    assert "has no 'system:time_start'" in refusal(call("Image.date", image=1)).message
