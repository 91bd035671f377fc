"""The evaluator: scopes, functions, invalid graphs, depth and size, results."""

from __future__ import annotations

from typing import Any

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

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate, evaluate_images, supported_functions
from eegrpc.v1alpha import EarthEngineAsset, Expression, ValueNode

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


def test_a_shared_node_without_arguments_is_evaluated_once() -> None:
    evaluated: list[str] = []

    def size(collection: Any) -> int:
        evaluated.append("size")
        return len(collection)

    def add(left: int, right: int) -> int:
        evaluated.append("add")
        return left + right

    listed = evaluate(
        graph(
            call("List.map", list=[1, 2, 3], baseAlgorithm=function("body")),
            body=call("Number.add", left=arg(), right=ref("shared")),
            shared=call("Collection.size", collection=load()),
        ),
        sample(),
        {"Collection.size": size, "Number.add": add},
    )
    count = len(sample().collection(S2) or ())
    assert listed == [count + 1, count + 2, count + 3]
    assert evaluated == ["size", "add", "add", "add"]


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
    assert len(found) == 9
    assert all(index.endswith("_T10SEG") for index in indexes(found))
    assert value(dictionary(a=ref("n"), b=[ref("n"), 2]), n=1) == {"a": 1, "b": [1, 2]}


def test_constants_keep_their_kind() -> None:
    assert value([1, 1.5, "a", True, None, [2], {"b": 3}]) == [1, 1.5, "a", True, None, [2], {"b": 3}]
    assert isinstance(value(3.0), int)  # JSON does not tell 3.0 from 3
    assert value({"integerValue": "9007199254740993"}) == 9007199254740993


# ---------------------------------------------------------------------------------------------------- invalid graphs


def test_unknown_functions_are_refused_with_their_place() -> None:
    masked = call("Image.select", input=call("Image.hersImage", image=arg()), bandSelectors=["a"])
    error = refusal(call("Collection.map", collection=load(), baseAlgorithm=function("f")), f=masked)
    assert error.unsupported
    assert error.function == "Image.hersImage"
    assert error.message == "The function 'Image.hersImage' is not supported by the emulator."
    assert error.path == "values.result > Collection.map > Image.select > Image.hersImage"


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
    assert next(iter(message.properties["l"])) == 1
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


# -------------------------------------------------------------------------------------------------------------- stubs

_SAMPLED = call("Image.sample", image=call("Image.constant", value=1), scale=30)


def test_what_needs_pixels_is_refused_by_name() -> None:
    error = refusal(_SAMPLED)
    assert error.message.startswith("Image.sample: The result depends on pixels")
    assert (error.unsupported, error.function) == (True, "Image.sample")


def test_a_stub_answers_what_needs_pixels_and_gets_checked_arguments() -> None:
    given: dict[str, Any] = {}

    def sample_of(**arguments: Any) -> Any:
        given.update(arguments)
        return [1, 2]

    answer = evaluate(graph(call("Collection.size", collection=_SAMPLED)), sample(), {"Image.sample": sample_of})
    assert answer == 2
    assert (given["scale"], given["dropNulls"], given["region"]) == (30, True, None)
    assert given["image"].bands[0].id == "constant"
