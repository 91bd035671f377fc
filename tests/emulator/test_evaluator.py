"""The evaluator: whole expressions of the official client on the sample catalog, and the graph's own rules."""

from __future__ import annotations

import pytest
from emulator_graphs import (
    ERA5,
    L8,
    MODIS,
    S2,
    apply,
    arg,
    call,
    dictionary,
    expressions,
    function,
    graph,
    image,
    images,
    indexes,
    load,
    node,
    only,
    ref,
    refusal,
    sample,
    value,
)

from eegrpc.emulator import evaluator
from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluator import EvaluationError, evaluate, evaluate_images, supported_functions
from eegrpc.v1alpha import EarthEngineAsset, Expression, ImageBand, PixelDataType, ValueNode

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
    "map_scale_factors": [_P43[4], _P44[5], _P44[6]],
    "merge_two": [f"1_{_P44[1]}", f"1_{_P44[2]}", f"2_{_P43[1]}", f"2_{_P43[2]}"],
    "from_constant_images": ["0", "1", "2"],
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
        assert len(evaluate_images(expressions()[name], sample())) > 0
    except EvaluationError as error:
        assert error.unsupported  # noqa: PT017 - either outcome is right
        assert error.function is not None
        assert error.path.startswith("values.0 > ")
        assert error.path.endswith(error.function)


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


# ----------------------------------------------------------------------------------------------- scopes and functions


def test_a_closure_sees_the_arguments_around_it() -> None:
    # list.map(x -> list.map(y -> 10 x + y))
    table = value(
        call("List.map", list=[1, 2], baseAlgorithm=function("outer")),
        outer=call("List.map", list=[3, 4], baseAlgorithm=function("inner", "y")),
        inner=call("Number.add", left=call("Number.multiply", left=arg("x"), right=10), right=arg("y")),
    )
    assert table == [[13, 14], [23, 24]]


def test_an_inner_argument_hides_an_outer_one_of_the_same_name() -> None:
    table = value(
        call("List.map", list=[1, 2], baseAlgorithm=function("outer")),
        outer=call("List.map", list=[ref("doubled")], baseAlgorithm=function("doubled")),
        doubled=call("Number.multiply", left=arg("x"), right=2),
    )
    assert table == [[4], [8]]


def test_a_shared_node_with_an_argument_is_evaluated_for_each_call() -> None:
    shared = call("Number.add", left=arg(), right=1)
    assert value(
        call("List.map", list=[1, 2], baseAlgorithm=function("body")),
        body=[ref("shared"), ref("shared")],
        shared=shared,
    ) == [[2, 2], [3, 3]]


def test_a_shared_node_without_arguments_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[str] = []
    compute = evaluator._Machine._compute

    def recording(self: object, item: object, frame: object) -> object:
        evaluated.append(getattr(item, "label", ""))
        return compute(self, item, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluator._Machine, "_compute", recording)
    value(
        call("List.map", list=[1, 2, 3], baseAlgorithm=function("body")),
        body=call("Number.add", left=arg(), right=ref("shared")),
        shared=call("Collection.size", collection=load()),
    )
    assert evaluated.count("Collection.size") == 1
    assert evaluated.count("Number.add") == 3


def test_a_function_can_be_called_by_reference() -> None:
    assert value(
        apply("inc", x=4),
        inc=function("body"),
        body=call("Number.add", left=arg(), right=1),
    ) == 5  # fmt: skip
    error = refusal(apply("inc", y=4), inc=function("body"), body=arg())
    assert "takes the arguments (x), but is called with (y)" in error.message


def test_if_evaluates_only_the_chosen_case() -> None:
    fails = call("List.get", list=[], index=0)
    assert value(call("If", condition=1, trueCase="yes", falseCase=fails)) == "yes"
    assert value(call("If", condition="", trueCase=fails, falseCase="no")) == "no"
    assert value(call("If", condition=0, trueCase=fails)) is None


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [(0, False), (0.5, True), ("", False), ("0", True), ([], False), ([0], True), ({}, False), (None, False)],
)
def test_truth_of_conditions(condition: object, chosen: bool) -> None:
    assert value(call("If", condition={"constantValue": condition}, trueCase=True, falseCase=False)) is chosen


def test_null_and_absent_arguments_mean_the_same() -> None:
    with_null = call("Collection.limit", collection=load(), limit=None, key=None, ascending=None)
    assert indexes(images(with_null)) == indexes(images(load()))
    error = refusal(call("Image.select", input=image(), bandSelectors=None))
    assert error.message == "Image.select: Parameter 'bandSelectors' is required and may not be null."


def test_references_are_resolved_inside_lists_dictionaries_and_coordinates() -> None:
    # The client's serializer shares equal vertices, so that a closed ring arrives like this.
    ring = [ref("corner"), node([-122.1, 37.2]), node([-122.1, 37.7]), node([-122.6, 37.7]), ref("corner")]
    polygon = call("GeometryConstructors.Polygon", coordinates=[{"arrayValue": {"values": ring}}])
    found = images(
        call(
            "Collection.filter",
            collection=load(S2),
            filter=call("Filter.intersects", leftField=".geo", rightValue=polygon),
        ),
        corner=[-122.6, 37.2],
    )
    assert indexes(found) == _SEG
    assert value(dictionary(a=ref("n"), b=[ref("n"), 2]), n=1) == {"a": 1, "b": [1, 2]}


def test_constants_keep_their_kind() -> None:
    assert value([1, 1.5, "a", True, None, [2], {"b": 3}]) == [1, 1.5, "a", True, None, [2], {"b": 3}]
    assert isinstance(value(3.0), int)  # JSON does not tell 3.0 from 3
    assert value({"integerValue": "9007199254740993"}) == 9007199254740993


# ---------------------------------------------------------------------------------------------------- invalid graphs


def test_unknown_functions_are_refused_with_their_place() -> None:
    masked = call("Image.select", input=call("Image.reduceRegion", image=arg()), bandSelectors=["a"])
    error = refusal(call("Collection.map", collection=load(), baseAlgorithm=function("f")), f=masked)
    assert error.unsupported
    assert error.function == "Image.reduceRegion"
    assert error.message == "The function 'Image.reduceRegion' is not supported by the emulator."
    assert error.path == "values.result > Collection.map > Image.select > Image.reduceRegion"


def test_unknown_arguments_are_refused_with_the_known_ones() -> None:
    error = refusal(call("Image.rename", input=image(), names=["a"], colour="red"))
    assert error.unsupported
    assert error.function == "Image.rename"
    assert "'colour'" in error.message
    assert "Arguments: input, names." in error.message


def test_arguments_that_are_declared_but_not_supported() -> None:
    error = refusal(call("ImageCollection.load", id=L8, version=17))
    assert (error.unsupported, error.function) == (True, "ImageCollection.load")
    error = refusal(call("GeometryConstructors.Point", coordinates=[1, 2], crs="EPSG:32610"))
    assert (error.unsupported, error.function) == (True, "GeometryConstructors.Point")


def test_missing_arguments_are_refused() -> None:
    error = refusal(call("Image.select", input=image()))
    assert not error.unsupported
    assert error.function is None
    assert error.message == "Image.select: Parameter 'bandSelectors' is required and may not be null."


def test_wrong_types_are_refused() -> None:
    error = refusal(call("Collection.limit", collection=load(), limit="three"))
    assert error.message == (
        "Collection.limit: Argument 'limit': Invalid type. Expected type: Integer. Actual type: String. "
        "Actual value: three"
    )
    assert error.path == "values.result > Collection.limit"
    assert "Expected type: Algorithm" in refusal(call("Collection.map", collection=load(), baseAlgorithm=1)).message


def test_errors_in_a_mapped_function_name_the_element() -> None:
    error = refusal(
        call("Collection.map", collection=load(MODIS), baseAlgorithm=function("f")),
        f=call("Image.select", input=arg(), bandSelectors=["x"]),
    )
    assert error.message.startswith(
        "Error in map(ID=2022_12_03):\nImage.select: Band pattern 'x' did not match any bands. "
        "Available bands: [NDVI, EVI, "
    )
    assert error.path == "values.result > Collection.map > Image.select"


def test_cycles_are_refused() -> None:
    assert refusal(ref("a"), a=ref("b"), b=ref("a")).message == "The values form a cycle: a -> b -> a."
    recursive = refusal(
        call("List.map", list=[1], baseAlgorithm=function("f")),
        f=call("List.map", list=[1], baseAlgorithm=function("f")),
    )
    assert "The values form a cycle: f -> f." in recursive.message


def test_dangling_references_are_refused() -> None:
    assert "Reference to 'nowhere'" in refusal([ref("nowhere")]).message
    assert (
        "Reference to 'nowhere'"
        in refusal(call("Collection.map", collection=[], baseAlgorithm=function("nowhere"))).message
    )
    assert "'x' is not bound" in refusal(call("Number.abs", input=arg())).message


def test_a_result_is_needed() -> None:
    with pytest.raises(EvaluationError, match="has no 'result'"):
        evaluate(Expression(), sample())
    with pytest.raises(EvaluationError, match="The result 'r' is not among"):
        evaluate(Expression(result="r"), sample())


def test_only_image_collections_are_images() -> None:
    with pytest.raises(EvaluationError, match="must evaluate to an ImageCollection, but it gives: Image"):
        images(image())
    with pytest.raises(EvaluationError, match="element 0 is: Feature"):
        images(call("Collection", features=[call("Feature")]))


# ------------------------------------------------------------------------------------------------------ depth and size

DEPTH = 3000


def test_a_deep_chain_of_references() -> None:
    links = {f"v{n}": call("Number.add", left=ref(f"v{n + 1}"), right=1) for n in range(DEPTH)}
    assert value(ref("v0"), **links, **{f"v{DEPTH}": 0}) == DEPTH


def test_a_deep_chain_of_nested_nodes() -> None:
    expression = Expression(result="r")
    here = expression.values["r"]
    for _ in range(DEPTH):
        invocation = here.function_invocation_value
        invocation.function_name = "Number.add"
        invocation.arguments["right"].constant_value.number_value = 1
        here = invocation.arguments["left"]
    here.constant_value.number_value = 0
    assert evaluate(expression, sample()) == DEPTH


def test_a_deep_chain_of_conditions() -> None:
    links = {f"v{n}": call("If", condition=1, trueCase=ref(f"v{n + 1}")) for n in range(DEPTH)}
    assert value(ref("v0"), **links, **{f"v{DEPTH}": "end"}) == "end"


def test_functions_within_functions_are_limited() -> None:
    links = {f"v{n}": call("List.map", list=[1], baseAlgorithm=function(f"v{n + 1}", f"x{n}")) for n in range(DEPTH)}
    error = refusal(ref("v0"), **links, **{f"v{DEPTH}": 1})
    assert f"more than {evaluator.MAX_CALL_DEPTH} levels deep" in error.message
    assert "more)" in error.path  # the path is cut


def test_lists_within_lists_are_limited() -> None:
    links = {f"v{n}": [ref(f"v{n + 1}"), arg()] for n in range(DEPTH)}
    error = refusal(call("List.map", list=[1], baseAlgorithm=function("v0")), **links, **{f"v{DEPTH}": 1})
    assert "nested more than" in error.message


def test_a_constant_of_great_depth_is_no_recursion_error() -> None:
    expression = Expression(result="r")
    here = expression.values["r"].constant_value
    for _ in range(DEPTH):
        here = here.list_value.values.add()
    here.number_value = 1
    with pytest.raises(EvaluationError, match="nested too deeply"):
        evaluate(expression, sample())


def test_work_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegrpc.emulator.context.MAX_WORK", 10_000)
    links = {
        f"v{n}": call("ImageCollection.merge", collection1=ref(f"v{n + 1}"), collection2=ref(f"v{n + 1}"))
        for n in range(40)
    }
    assert "The computation is too large" in refusal(ref("v0"), **links, v40=load()).message
    literals = {f"v{n}": [ref(f"v{n + 1}"), arg()] * 2 for n in range(40)}
    error = refusal(call("List.map", list=[1], baseAlgorithm=function("v0")), **literals, v40=1)
    assert "The computation is too large" in error.message


def test_text_is_limited() -> None:
    links = {f"v{n}": call("String.cat", string1=ref(f"v{n + 1}"), string2=ref(f"v{n + 1}")) for n in range(40)}
    assert "longer than" in refusal(ref("v0"), **links, v40="x").message


# ------------------------------------------------------------------------------------------------------------ results


def test_results_are_lazy_sequences() -> None:
    result = images(load(MODIS))
    assert len(result) == len(result.images) == 14
    assert [message.id for message in result.images[2:4]] == [f"{MODIS}/2023_01_01", f"{MODIS}/2023_01_17"]
    assert result.images[-1].id == f"{MODIS}/2024_02_18"
    assert result.images[20:] == []
    with pytest.raises(IndexError):
        result.images[14]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (call("Number.multiply", left=1e308, right=10), "Property 'p': A property is inf, which JSON cannot hold"),
        (image(), "Property 'p': A property holds Image, which cannot be returned"),
        ([call("Collection.first", collection=load(MODIS))], "Property 'p': A property holds Image"),
    ],
)
def test_properties_that_cannot_be_returned_fail_before_the_first_page(bad: object, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        only(call("Element.set", object=image(), key="p", value=bad))
    assert caught.value.message.startswith(f"Image 'LC08_044034_20230122': {message}")


def test_property_values_of_every_kind() -> None:
    message = only(
        call(
            "Element.setMulti",
            object=image(),
            properties=dictionary(
                n=1,
                s="a",
                b=True,
                l=[1, ref("date")],
                d=dictionary(k=ref("date")),
                when=ref("date"),
                where=call("GeometryConstructors.Point", coordinates=[1, 2]),
            ),
        ),
        date=call("Date", value=86400000),
    )
    date = {"type": "Date", "value": 86400000}
    assert dict(message.properties["d"]) == {"k": date}
    assert [*message.properties["l"]][0] == 1
    assert dict(message.properties["when"]) == date
    assert message.properties["where"]["type"] == "Point"
    assert message.properties["b"] is True


def test_an_asset_without_bands_or_type_is_still_an_image() -> None:
    catalog = Catalog([EarthEngineAsset(id="A/1")])
    assert [m.id for m in evaluate_images(graph(load("A")), catalog).images] == ["A/1"]


def test_the_list_of_functions() -> None:
    functions = supported_functions()
    assert functions == sorted(functions)
    assert (
        "Collection.limit(collection: FeatureCollection, limit: Integer = null, key: String = null, "
        "ascending: Boolean = true) -> FeatureCollection" in functions
    )


def test_an_empty_node_is_null() -> None:
    expression = Expression(result="r", values={"r": ValueNode()})
    assert evaluate(expression, sample()) is None


def test_every_collection_of_the_sample_loads() -> None:
    assert [len(images(load(name))) for name in (S2, L8, MODIS, ERA5)] == [16, 16, 14, 14]
