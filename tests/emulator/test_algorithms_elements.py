"""Properties of elements, numbers and strings, and collections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emulator_graphs import (
    L8,
    MODIS,
    arg,
    call,
    dictionary,
    expressions,
    function,
    image,
    images,
    indexes,
    load,
    only,
    refusal,
    value,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.evaluation.coverage import functions_page
from eegrpc.emulator.evaluation.registry import algorithms

_SCENE = image()


def _set(key: str, to: Any, target: Any = None) -> dict[str, Any]:
    return call("Element.set", object=_SCENE if target is None else target, key=key, value=to)


# --------------------------------------------------------------------------------------------------------- properties


def test_get() -> None:
    assert value(call("Element.get", object=_SCENE, property="WRS_PATH")) == 44
    assert value(call("Element.get", object=_SCENE, property="nothing")) is None
    assert value(call("Element.getNumber", object=_SCENE, property="WRS_PATH")) == 44
    assert value(call("Element.getString", object=_SCENE, property="DATUM")) == "WGS84"
    assert value(call("Element.getString", object=_SCENE, property="nothing")) is None
    error = refusal(call("Element.getNumber", object=_SCENE, property="DATUM"))
    assert error.message == "Element.getNumber: Property 'DATUM' is of type String, not Number."


def test_a_missing_property_fails_only_when_it_is_used() -> None:
    error = refusal(call("Number.add", left=call("Element.get", object=_SCENE, property="nothing"), right=1))
    assert error.message == "Number.add: Parameter 'left' is required and may not be null."
    assert error.path == "values.result > Number.add"


def test_set_null_removes() -> None:
    assert "WRS_PATH" not in only(_set("WRS_PATH", None)).properties
    assert "WRS_PATH" not in value(call("Element.propertyNames", element=_set("WRS_PATH", None)))
    names = value(call("Element.toDictionary", element=_set("WRS_PATH", None)))
    assert "WRS_PATH" not in names
    assert names["WRS_ROW"] == 34
    assert not any(name.startswith("system:") for name in names)
    assert "set-null-removes" in images(call("ImageCollection.fromImages", images=[_set("a", None)])).assumptions


def test_system_properties_go_to_their_fields() -> None:
    message = only(_set("system:time_start", call("Date", value="2020-01-02T03:04:05.678")))
    assert message.start_time.ToJsonString() == "2020-01-02T03:04:05.678Z"
    assert only(_set("system:time_start", -1)).start_time.ToJsonString() == "1969-12-31T23:59:59.999Z"
    assert only(_set("system:time_end", 0)).end_time.ToJsonString() == "1970-01-01T00:00:00Z"
    assert not only(_set("system:time_start", None)).HasField("start_time")
    assert only(_set("system:asset_size", 5)).size_bytes == 5
    assert only(_set("system:version", 1500000)).update_time.ToJsonString() == "1970-01-01T00:00:01.500Z"
    assert only(_set("system:index", "me")).properties["system:index"] == "me"
    assert only(_set("system:other", "x")).properties["system:other"] == "x"
    named = only(_set("system:id", "foo"))
    assert (named.id, named.name) == ("foo", "")
    moved = only(_set("system:footprint", call("GeometryConstructors.Point", coordinates=[1, 2])))
    assert moved.geometry["type"] == "Point"
    assert not only(_set("system:footprint", None)).HasField("geometry")


def test_a_time_that_is_no_time() -> None:
    message = only(_set("system:time_start", "yesterday"))
    assert not message.HasField("start_time")
    assert message.properties["system:time_start"] == "yesterday"
    for key in ("system:time_start", "system:version"):
        with pytest.raises(Exception, match="is no time in"):
            only(_set(key, 1e19))
    with pytest.raises(Exception, match="is no size"):
        only(_set("system:asset_size", -1))


def test_the_asset_itself_is_never_changed() -> None:
    before = only(_SCENE).SerializeToString(deterministic=True)
    changed = only(_set("WRS_PATH", 1))
    assert changed.properties["WRS_PATH"] == 1
    assert only(_SCENE).SerializeToString(deterministic=True) == before


def test_copy_properties() -> None:
    def copied(**arguments: Any) -> set[str]:
        made = call("Element.copyProperties", destination=call("Image.constant", value=1), source=_SCENE, **arguments)
        return set(only(made).properties) - {"system:index"}

    everything = copied()
    assert len(everything) == 71
    assert copied(exclude=["WRS_PATH"]) == everything - {"WRS_PATH"}
    assert copied(properties=["WRS_PATH", "nothing"]) == {"WRS_PATH"}
    error = refusal(call("Image.copyProperties", destination=1, source=_SCENE, properties=["a"], exclude=["b"]))
    assert "'exclude' must not be specified if 'properties' is" in error.message
    assert "Parameter 'source' is required" in refusal(call("Image.copyProperties", destination=1)).message


def test_set_several() -> None:
    message = only(
        call("Element.setMulti", object=_SCENE, properties=dictionary(a=1, b=call("Number.add", left=1, right=2)))
    )
    assert (message.properties["a"], message.properties["b"]) == (1, 3)


# -------------------------------------------------------------------------------------------------------- collections


def _rows(*keys: Any) -> dict[str, Any]:
    made = [call("Element.set", object=call("Image.constant", value=0), key="k", value=key) for key in keys]
    return call("ImageCollection.fromImages", images=made)


def _sorted(keys: list[Any], *, ascending: bool = True) -> list[int]:
    found = images(call("Collection.limit", collection=_rows(*keys), key="k", ascending=ascending))
    return [int(index) for index in indexes(found)]


def test_sorting_is_stable_in_both_directions() -> None:
    keys = [2, 1, 2, 1, 2]
    assert _sorted(keys) == [1, 3, 0, 2, 4]
    assert _sorted(keys, ascending=False) == [0, 2, 4, 1, 3]


def test_elements_without_the_key_come_last_in_both_directions() -> None:
    keys = [None, 2, None, 1]
    assert _sorted(keys) == [3, 1, 0, 2]
    assert _sorted(keys, ascending=False) == [1, 3, 0, 2]
    result = images(call("Collection.limit", collection=_rows(*keys), key="k"))
    assert "sort-missing-last" in result.assumptions


def test_sorting_of_mixed_types() -> None:
    assert _sorted(["b", 2, "a", 10]) == [1, 3, 2, 0]
    assert refusal(call("Collection.limit", collection=_rows([1]), key="k")).unsupported


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-3, 3), max_size=8), st.booleans(), st.none() | st.integers(0, 9))
def test_sort_and_limit_against_a_model(keys: list[int | None], ascending: bool, limit: int | None) -> None:
    found = images(call("Collection.limit", collection=_rows(*keys), key="k", ascending=ascending, limit=limit))
    sign = 1 if ascending else -1
    model = sorted(range(len(keys)), key=lambda n: (keys[n] is None, sign * (keys[n] or 0)))
    assert [int(index) for index in indexes(found)] == model[:limit]


def test_limits() -> None:
    assert len(images(call("Collection.limit", collection=load(), limit=0))) == 0
    assert len(images(call("Collection.limit", collection=load(), limit=99))) == 16
    assert "must not be negative, got -1" in refusal(call("Collection.limit", collection=load(), limit=-1)).message


def test_map_must_return_an_element() -> None:
    to_number = call("Element.get", object=arg(), property="WRS_PATH")
    error = refusal(call("Collection.map", collection=load(), baseAlgorithm=function("f")), f=to_number)
    assert error.message == "Collection.map: A mapped algorithm must return a Feature or Image."
    keep = call(
        "If",
        condition=call("Number.lt", left=call("Element.get", object=arg(), property="WRS_PATH"), right=44),
        trueCase=arg(),
    )
    mapped = call("Collection.map", collection=load(), baseAlgorithm=function("f"), dropNulls=True)
    assert len(images(mapped, f=keep)) == 6


def test_map_gives_results_the_index_of_their_input() -> None:
    result = images(call("Collection.map", collection=load(MODIS), baseAlgorithm=function("f")), f=_SCENE)
    assert indexes(result)[:2] == ["2022_12_03", "2022_12_19"]
    assert {message.id for message in result.images} == {f"{L8}/LC08_044034_20230122"}
    assert {"map-keeps-index", "map-collection-rekeyed-asset"} <= set(result.assumptions)


def test_merge_prefixes_again_and_again() -> None:
    one = call("Collection.limit", collection=load(MODIS), limit=1)
    inner = call("ImageCollection.merge", collection1=one, collection2=one)
    outer = call("ImageCollection.merge", collection1=inner, collection2=one)
    assert indexes(images(outer)) == ["1_1_2022_12_03", "1_2_2022_12_03", "2_2022_12_03"]
    assert [message.id for message in images(outer).images] == [f"{MODIS}/2022_12_03"] * 3


def test_first_size_and_list() -> None:
    assert value(call("Image.id", element=call("Collection.first", collection=load(MODIS)))) == "2022_12_03"
    assert value(call("Collection.size", collection=load())) == 16
    assert value(call("Collection.size", collection=MODIS)) == 14  # a string stands for the collection
    listed = call("Collection.toList", collection=load(MODIS), count=3, offset=2)
    assert indexes(images(call("ImageCollection.fromImages", images=listed))) == [
        "2023_01_01",
        "2023_01_17",
        "2023_02_02",
    ]
    nothing = call("Collection.limit", collection=load(), limit=0)
    assert value(call("Collection.first", collection=nothing)) is None
    error = refusal(call("Image.select", input=call("Collection.first", collection=nothing), bandSelectors=[0]))
    assert error.message == "Image.select: Parameter 'input' is required and may not be null."


def test_iterate() -> None:
    joined = call("Collection.iterate", collection=load(MODIS), function=function("f", "x", "last"), first="")
    first_letters = call("String.cat", string1=arg("last"), string2=call("Image.id", element=arg("x")))
    text = value(joined, f=first_letters)
    assert text.startswith("2022_12_032022_12_192023_01_01")
    assert len(text) == 140


def test_distinct_tells_numbers_from_strings() -> None:
    found = images(call("Collection.distinct", collection=_rows(1, "1", 1.0, None, 2, None), properties=["k"]))
    assert indexes(found) == ["0", "1", "3", "4"]
    by_place = call("Collection.distinct", collection=load(), properties=".geo")
    assert len(images(by_place)) == 3
    assert "property name" in refusal(call("Collection.distinct", collection=load(), properties=3)).message


def test_from_images_keeps_indexes_and_numbers_the_rest() -> None:
    made = call("ImageCollection.fromImages", images=[1, _SCENE, 2])
    assert indexes(images(made)) == ["0", "LC08_044034_20230122", "2"]


def test_declared_signatures_are_those_of_earth_engine() -> None:
    """Names, order and defaults agree with the list that the official client's wheel carries."""
    resources = pytest.importorskip("importlib.resources")
    pytest.importorskip("ee")
    import json

    official = json.loads((resources.files("ee") / "tests" / "algorithms.json").read_text())
    known = {entry["name"].removeprefix("algorithms/"): entry for entry in official["algorithms"]}
    for name, declared in algorithms().items():
        entry = known[name]
        theirs = [
            (item["argumentName"], item["type"].replace("<unknown bands>", ""), bool(item.get("optional")))
            for item in entry.get("arguments", [])
        ]
        assert [(item.name, item.type, item.optional) for item in declared.parameters] == theirs, name
        assert declared.returns == entry["returnType"].replace("<unknown bands>", ""), name
        for ours, item in zip(declared.parameters, entry.get("arguments", []), strict=True):
            if ours.optional and ours.type != "ErrorMargin":  # which has an effect where it is required only
                assert ours.default == item.get("defaultValue"), (name, ours.name)


def test_every_assumption_has_a_name() -> None:
    with pytest.raises(KeyError):
        Context(Catalog()).assume("because")


def test_all_expressions_are_there() -> None:
    assert len(expressions()) == 50


def test_the_documentation_lists_every_assumption_and_function() -> None:
    page = Path(__file__).parents[2] / "docs" / "emulator-functions.md"
    assert page.read_text(encoding="utf-8") == functions_page(), "run python docs/build.py"


def test_every_function_says_what_it_does() -> None:
    assert [name for name, declared in algorithms().items() if not declared.summary] == []
