"""Whole expressions, as the official client writes them, on the sample catalog and on the built-in one."""

from __future__ import annotations

import pytest
from emulator_graphs import L8, MODIS, expressions, graph, indexes, sample

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate, evaluate_images
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.v1alpha import EarthEngineAsset, ImageBand, PixelDataType

# ------------------------------------------------------------------------------- whole expressions: which images
#
# Worked out by hand from the rows of the sample catalog and the documented meaning of each function.

_SEG = [
    "20230105T184741_20230105T185258_T10SEG",
    "20230110T184729_20230110T185237_T10SEG",
    "20230115T184701_20230115T185412_T10SEG",
    "20230120T184639_20230120T185255_T10SEG",
    "20230125T184621_20230125T185130_T10SEG",
    "20230204T184551_20230204T185109_T10SEG",
    "20230209T184539_20230209T185415_T10SEG",
    "20230629T184921_20230629T185701_T10SEG",
    "20230704T184919_20230704T185818_T10SEG",
]
_SFG = [
    "20230120T184639_20230120T185715_T10SFG",
    "20230209T184539_20230209T185536_T10SFG",
    "20230704T184919_20230704T185851_T10SFG",
]
_MYC = [
    "20210102T150719_20210102T150942_T18MYC",
    "20210926T150801_20210926T151207_T18MYC",
    "20230331T150711_20230331T151330_T18MYC",
    "20230401T000000_20230401T000500_T18MYC",
]
_MODIS = [
    "2022_12_03",
    "2022_12_19",
    "2023_01_01",
    "2023_01_17",
    "2023_02_02",
    "2023_02_18",
    "2023_03_06",
    "2023_03_22",
    "2023_04_07",
    "2023_04_23",
    "2023_05_09",
    "2023_05_25",
    "2023_06_10",
    "2024_02_18",
]
_P43 = [f"LC08_043034_{day}" for day in ("20221230", "20230115", "20230131", "20230216", "20230304")]
_P44 = [
    f"LC08_044034_{day}"
    for day in (
        "20221221",
        "20230106",
        "20230122",
        "20230207",
        "20230223",
        "20230311",
        "20230327",
        "20230412",
        "20230428",
        "20230514",
    )
]
_MAY_FEBRUARY = ["20230207", "20230223", "20230311", "20230327", "20230412", "20230428"]

EXPECTED: dict[str, list[str]] = {
    "load_plain": _MODIS,
    "filter_date_strings": sorted([*_SEG[:5], _SFG[0]]),
    "filter_date_single_instant": ["2023_01_17"],
    "filter_date_computed_end": [_P43[1], _P43[2], _P44[1], _P44[2]],
    "filter_date_millis": ["2023_01_01", "2023_01_17"],
    "filter_date_iso_time": ["20230227", "20230228", "20230301"],
    "filter_bounds_point": sorted([*_SEG, *_SFG]),
    "filter_bounds_polygon": _SEG,
    "filter_bounds_rectangle": _MYC,
    "filter_bounds_bbox": _P43,
    "filter_bounds_features": sorted([*_SEG, *_MYC]),
    "filter_lt": sorted([*_SEG[3:], _SFG[0], _SFG[2], _MYC[1]]),
    "filter_metadata_legacy": [_P43[2], _P43[3], _P44[2], _P44[3], *_P44[7:]],
    # Row 34 and not L2SR, and path 44 or a sun of at least 40: path 43 only on 4 March.
    "filter_boolean_tree": [_P43[4], *(name for name in _P44 if name != "LC08_044034_20230223")],
    "filter_string_expression": [_P43[3], _P44[2], _P44[3], *_P44[7:]],
    "filter_in_list": sorted([*_SFG, *_MYC]),
    "filter_month_wrap": [*_MODIS[:6], "2024_02_18"],
    "filter_day_of_year": ["20230227", "20230228", "20230301", "20230302"],
    "filter_not_null_and_prefix": _MYC[:3],
    "filter_index": ["LC08_044034_20230207"],
    "sort_limit": ["LC08_044034_20230412", "LC08_044034_20230122", "LC08_044034_20230428"],
    "sort_descending_limit": [_SFG[2], _SEG[8], _SEG[7], _MYC[3]],
    "limit_with_key": list(reversed(_P44))[:5],
    "select_regex_rename": [f"1_{_P43[1]}", f"1_{_P44[1]}", f"2_{_P43[3]}", f"2_{_P44[3]}"],
    "map_set_date_string": [_P43[3], _P43[4], *(f"LC08_044034_{day}" for day in _MAY_FEBRUARY)],
    "map_set_dictionary": sorted([*_SEG[3:7], _SFG[0], _SFG[1]]),
    "map_ndvi_add_band": _SEG[:7],
    "map_ndvi_only": _MODIS[:4],
    "map_bitmask_cloud": [*_P43[2:4], *_P44[2:4], *_P44[6:]],  # less than 15 % of cloud
    "map_cast_types": _MODIS[6:10],
    "map_clip": [_SEG[8]],
    "map_expression_evi": _SFG,
    "map_metadata_band": _P44[7:9],
    "map_scale_factors": [_P43[4], _P44[5], _P44[6]],
    "merge_two": [f"1_{_P44[1]}", f"1_{_P44[2]}", f"2_{_P43[1]}", f"2_{_P43[2]}"],
    "from_constant_images": ["0", "1", "2"],
    "monthly_means": ["0", "1"],
    "aggregate_in_map": _P43,
    "combine_bands": _MODIS[2:6],
    "link_collection": _MODIS[4:8],
    # Winter scenes with less than 40 % of clouds; those of path 44 with a tile within eight days.
    "join_simple_index": [_P43[0], *_P43[2:4], *_P44[2:5]],
    "join_save_all_count": [_P44[1], _P44[2], _P44[3], _P44[6]],
    "load_images_by_id": ["LC08_044034_20230122", "LC08_043034_20230131"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_expression_gives_the_images_that_the_documentation_says(name: str) -> None:
    result = evaluate_images(expressions()[name], sample())
    assert indexes(result) == EXPECTED[name]


def test_distinct_gives_one_image_for_each_day() -> None:
    result = evaluate_images(expressions()["distinct_property"], sample())
    days = [message.properties["day"] for message in result.images]
    assert sorted(days) == [
        "2023-01-20",
        "2023-01-25",
        "2023-02-04",
        "2023-02-09",
        "2023-03-31",
        "2023-04-01",
        "2023-06-29",
        "2023-07-04",
    ]
    assert "distinct-keeps-first" in result.assumptions


@pytest.mark.parametrize("name", [*EXPECTED, "distinct_property"])
def test_expression_has_an_answer_on_the_builtin_catalog(name: str) -> None:
    result = evaluate_images(expressions()[name], Catalog.builtin())
    assert len(result) > 0
    assert all(isinstance(message, EarthEngineAsset) and message.bands for message in result.images)
    assert set(result.assumptions) <= set(ASSUMPTIONS)


@pytest.mark.parametrize("name", sorted(set(expressions()) - set(EXPECTED) - {"distinct_property"}))
def test_every_other_expression_is_answered_or_refused_by_name(name: str) -> None:
    try:
        result = evaluate_images(expressions()[name], sample())
    except EvaluationError as error:
        refused = error
    else:
        assert len(result) > 0
        return
    assert refused.unsupported
    assert refused.function is not None
    assert refused.path.startswith("values.0 > ")
    assert refused.path.endswith(refused.function)


# ----------------------------------------------------------------------------- whole expressions: what they look like


def _messages(name: str) -> list[EarthEngineAsset]:
    return evaluate_images(expressions()[name], sample()).images[:]


def _types(message: EarthEngineAsset) -> list[tuple[str, int, float, float]]:
    return [
        (band.id, band.data_type.precision, band.data_type.range.min, band.data_type.range.max)
        for band in message.bands
    ]


def test_untouched_images_are_the_assets() -> None:
    records = {record.id: record for record in sample().collection(MODIS) or ()}
    for message in _messages("load_plain"):
        assert message is records[message.id].asset


def test_selected_and_renamed_bands() -> None:
    first, _, third, _ = _messages("select_regex_rename")
    uint16 = (PixelDataType.INT, 0, 65535)
    assert _types(first) == [("SR_B2", *uint16), ("SR_B3", *uint16), ("SR_B4", *uint16)]
    assert _types(third) == [("red", *uint16), ("green", *uint16), ("blue", *uint16)]
    # Select keeps identity and everything else of the band.
    assert first.name == f"projects/earthengine-public/assets/{L8}/LC08_043034_20230115"
    assert third.bands[0].grid.crs_code == "EPSG:32610"
    assert third.bands[0].grid.dimensions.width > 7000
    assert third.bands[0].pyramiding_policy == ImageBand.MEAN
    assert third.properties["WRS_PATH"] == 43
    assert third.HasField("start_time")


def test_properties_set_from_dates() -> None:
    for message in _messages("map_set_date_string"):
        day = message.id[-8:]
        assert message.properties["date"] == f"{day[:4]}-{day[4:6]}-{day[6:]}"
        assert message.properties["month"] == int(day[4:6])
        assert message.properties["source"] == "emulator"
        assert message.name.endswith(message.id)
        assert "system:index" not in message.properties


def test_properties_set_from_a_dictionary() -> None:
    by_index = {message.id.rpartition("/")[2]: message.properties for message in _messages("map_set_dictionary")}
    clear = by_index["20230120T184639_20230120T185255_T10SEG"]
    assert clear["year"] == 2023
    assert clear["doy"] == 20
    assert clear["cloud_fraction"] == pytest.approx(0.032)
    assert clear["label"] == "S2_10SEG"


def test_added_band() -> None:
    for message in _messages("map_ndvi_add_band"):
        assert len(message.bands) == 27
        ndvi = message.bands[26]
        assert ndvi.id == "NDVI"
        assert ndvi.data_type.precision == PixelDataType.FLOAT
        assert (ndvi.data_type.range.min, ndvi.data_type.range.max) == (-1, 1)
        assert ndvi.grid == message.bands[7].grid  # that of B8
        assert message.properties["MGRS_TILE"] == "10SEG"


def test_derived_image_keeps_only_what_is_copied() -> None:
    for message, index in zip(_messages("map_ndvi_only"), _MODIS[:4], strict=True):
        assert dict(message.properties) == {"system:index": index}
        assert (message.id, message.name, message.size_bytes) == ("", "", 0)
        assert not message.HasField("update_time")
        assert not message.HasField("end_time")
        assert message.start_time.ToJsonString() == index.replace("_", "-") + "T00:00:00Z"
        assert message.geometry["type"] == "Polygon"
        assert message.type == EarthEngineAsset.IMAGE
        assert [band.id for band in message.bands] == ["ratio"]


def test_scaled_bands_take_the_place_of_the_originals() -> None:
    source = sample().image(f"{L8}/LC08_044034_20230311")
    assert source is not None
    message = _messages("map_scale_factors")[1]
    assert [band.id for band in message.bands] == [band.id for band in source.bands]
    types = {name: kind for name, *kind in _types(message)}
    # Public error texts of Earth Engine show these ranges for the same computation.
    assert types["SR_B4"][0] == PixelDataType.DOUBLE
    assert types["SR_B4"][1:] == [pytest.approx(-0.2), pytest.approx(1.6022125)]
    assert types["ST_B10"][1:] == [pytest.approx(149), pytest.approx(149 + 65535 * 0.00341802)]
    assert types["QA_PIXEL"] == [PixelDataType.INT, 0, 65535]
    assert message.properties["WRS_PATH"] == 44


def test_merged_images_keep_their_ids() -> None:
    for message in _messages("merge_two"):
        assert message.properties["system:index"][2:] == message.id.rpartition("/")[2]


def test_constant_images() -> None:
    for number, message in enumerate(_messages("from_constant_images"), 1):
        assert _types(message) == [("v", PixelDataType.INT, number, number)]
        band = message.bands[0]
        assert band.grid.crs_code == "EPSG:4326"
        assert band.grid.affine_transform.scale_x == band.grid.affine_transform.scale_y == 1
        assert not band.grid.HasField("dimensions")
        assert not message.HasField("geometry")  # without bounds
        assert message.start_time.ToJsonString() == f"2023-0{number}-01T00:00:00Z"
        assert dict(message.properties) == {"n": number, "system:index": str(number - 1)}


def test_monthly_means() -> None:
    for month, message in enumerate(_messages("monthly_means"), 2):
        assert [band.id for band in message.bands] == ["temperature_2m", "total_precipitation_sum"]
        assert dict(message.properties) == {"month": month, "system:index": str(month - 2)}
        assert message.start_time.ToJsonString() == f"2023-0{month}-01T00:00:00Z"
        assert not message.HasField("geometry")


def test_ranks_from_aggregates() -> None:
    ranks = [message.properties["rank"] for message in _messages("aggregate_in_map")]
    assert (min(ranks), max(ranks)) == (0, 1)
    assert {message.properties["of"] for message in _messages("aggregate_in_map")} == {5}


def test_combined_and_linked_bands() -> None:
    assert {tuple(band.id for band in each.bands) for each in _messages("combine_bands")} == {("NDVI", "NDVI_1", "EVI")}
    for message in _messages("link_collection"):
        assert [band.id for band in message.bands] == ["NDVI", "EVI"]
        assert message.id.rpartition("/")[2] in _MODIS
        assert message.properties["num_tiles"] > 0


# ---------------------------------------------------------------------------------------- anything at all as arguments

_ANYTHING = [
    *(0, -1, 2, 1.5, 1e300, 1e19, True, None),
    *("", "a", "day", "2020-01-01", ".*", "p < 1", "system:time_start", MODIS, f"{MODIS}/2023_01_01"),
    *([], [1, 2], ["a"], [None], [[0, 0], [1, 1], [2, 0]], [[[0, 0], [0, 0], [0, 0]]], [-170, 0, 170, 10]),
    *({"a": None}, {"EVI": "float"}, {"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": ["x"]}),
]


@pytest.mark.parametrize("name", sorted(algorithms()))
def test_any_arguments_are_answered_or_refused(name: str) -> None:
    """What is not an EvaluationError is a bug of the emulator, and would reach a user as INTERNAL."""
    parameters = algorithms()[name].parameters
    for position in range(len(_ANYTHING)):
        values = {
            parameter.name: {"constantValue": _ANYTHING[(position * (place + 1) + place) % len(_ANYTHING)]}
            for place, parameter in enumerate(parameters)
        }
        expression = graph({"functionInvocationValue": {"functionName": name, "arguments": values}})
        refused: EvaluationError | None = None
        try:
            evaluate(expression, sample())
        except EvaluationError as error:
            refused = error
        assert refused is None or (refused.message and refused.path == f"values.result > {name}")
