"""Joins: what they add, what they keep, indexes, and what they refuse. Which pairs match: test_collection_models.py."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import (
    L8,
    MODIS,
    S2,
    arg,
    call,
    function,
    graph,
    images,
    indexes,
    load,
    ref,
    refusal,
    sample,
    value,
)

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate, evaluate_images
from eegrpc.emulator.filtering.filter_relations import Within, difference
from eegrpc.emulator.filtering.filters import Comparison, Operand, equals
from eegrpc.emulator.filtering.joins import Save, Simple, joined
from eegrpc.emulator.values import Feature
from eegrpc.v1alpha import EarthEngineAsset

DAY = 86_400_000


def _rows(*properties: dict[str, Any]) -> dict[str, Any]:
    features = [call("Feature", metadata=row) for row in properties]
    return call("Collection", features=features)


def _near(difference: float = 1, field: str = "t") -> dict[str, Any]:
    return call("Filter.maxDifference", difference=difference, leftField=field, rightField=field)


def _same(field: str = "system:index") -> dict[str, Any]:
    return call("Filter.equals", leftField=field, rightField=field)


def _apply(join: dict[str, Any], primary: Any, secondary: Any, condition: Any) -> dict[str, Any]:
    return call("Join.apply", join=join, primary=primary, secondary=secondary, condition=condition)


_LEFT = _rows({"t": 0}, {"t": 10}, {"t": 20}, {})
_RIGHT = _rows({"t": 21, "o": 1}, {"t": 20, "o": 2}, {"t": 9.5, "o": 3}, {"t": 20, "o": 0}, {})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # In the order of the secondary collection, as nothing else is said.
        ({}, {"1": [2], "2": [0, 1, 3]}),
        ({"ordering": "o"}, {"1": [2], "2": [3, 0, 1]}),
        ({"ordering": "o", "ascending": False}, {"1": [2], "2": [1, 0, 3]}),
        ({"ordering": "missing"}, {"1": [2], "2": [0, 1, 3]}),
        ({"measureKey": "gap", "ordering": "gap"}, {"1": [2], "2": [1, 3, 0]}),
        ({"outer": True}, {"0": None, "1": [2], "2": [0, 1, 3], "3": None}),
    ],
)
def test_save_all(options: dict[str, Any], expected: dict[str, list[int] | None]) -> None:
    found = value(_apply(call("Join.saveAll", matchesKey="m", **options), _LEFT, _RIGHT, _near()))
    saved = {element.index: element.get("m") for element in found}
    assert {
        index: None if matches is None else [int(match.index) for match in matches] for index, matches in saved.items()
    } == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, "0"), ({"ordering": "o"}, "3"), ({"ordering": "o", "ascending": False}, "1")],
)
def test_save_first(options: dict[str, Any], expected: str) -> None:
    found = value(_apply(call("Join.saveFirst", matchKey="m", **options), _LEFT, _RIGHT, _near()))
    assert [(element.index, element.get("m").index) for element in found] == [("1", "2"), ("2", expected)]


def test_save_best_takes_the_smallest_measure_and_writes_it_on_the_match() -> None:
    found = value(_apply(call("Join.saveBest", matchKey="m", measureKey="gap"), _LEFT, _RIGHT, _near()))
    assert [(element.get("m").index, element.get("m").get("gap")) for element in found] == [("2", 0.5), ("1", 0)]


def test_the_distance_is_a_measure() -> None:
    places = [call("GeometryConstructors.Point", coordinates=[x, 0]) for x in (0, 1, 3)]
    features = call("Collection", features=[call("Feature", geometry=place) for place in places])
    condition = call("Filter.withinDistance", distance=250_000, leftField=".geo", rightField=".geo")
    found = value(_apply(call("Join.saveAll", matchesKey="m", measureKey="d"), features, features, condition))
    measures = [[round(match.get("d")) for match in element.get("m")] for element in found]
    # A degree of the equator has 111,319.49 m on WGS84.
    assert measures == [[0, 111319], [111319, 0, 222639], [222639, 0]]


def test_inner_joins_make_features_of_pairs() -> None:
    join = call("Join.inner", primaryKey="left", measureKey="gap")
    found = value(_apply(join, _LEFT, _RIGHT, _near()))
    assert [(pair.index, pair.get("gap")) for pair in found] == [("1_2", 0.5), ("2_0", 1), ("2_1", 0), ("2_3", 0)]
    assert found.elements[1].get("left").get("t") == 20
    assert found.elements[1].get("secondary").get("t") == 21
    assert all(pair.geometry is None for pair in found)


def test_a_joined_image_is_the_image_with_one_property_more() -> None:
    join = call("Join.saveFirst", matchKey="match", ordering="system:time_start")
    condition = _near(8 * DAY, "system:time_start")
    built = _apply(join, load(L8), load(S2), condition)
    cleared = call("Collection.map", collection=built, baseAlgorithm=function("f"))
    body = call("Element.set", object=arg(), key="match")
    result = images(cleared, f=body)
    source = {message.id: message for message in images(load(L8)).images}
    assert len(result) > 0
    for message in result.images:
        asset = source[message.id]
        assert (message.name, message.bands, message.properties) == (asset.name, asset.bands, asset.properties)
        assert message.start_time == asset.start_time


def test_simple_joins_keep_the_assets_untouched() -> None:
    result = images(_apply(call("Join.simple"), load(MODIS), load(MODIS), _same()))
    assert all(message is asset for message, asset in zip(result.images, images(load(MODIS)).images, strict=True))


def test_an_image_in_a_property_cannot_be_returned() -> None:
    join = _apply(call("Join.saveFirst", matchKey="match"), load(MODIS), load(MODIS), _same())
    with pytest.raises(EvaluationError, match=r"Property 'match': A property holds Image.*Set it to null") as raised:
        images(join)
    assert "Image '2022_12_03'" in raised.value.message


def test_pairs_are_no_images() -> None:
    with pytest.raises(EvaluationError, match="element 0 is: Feature"):
        images(_apply(call("Join.inner"), load(MODIS), load(MODIS), _same()))


@pytest.mark.parametrize(
    ("join", "condition", "assumption"),
    [
        (call("Join.inner"), _same("t"), "inner-join-index"),
        (call("Join.saveFirst", matchKey="m"), _near(), "save-first-in-order"),
        (call("Join.saveBest", matchKey="m", measureKey="g"), _near(), "save-best-first-of-equals"),
        (call("Join.saveAll", matchesKey="m", outer=True), _near(), "outer-join-without-match"),
        (call("Join.simple"), _same("t"), "equals-missing-both-null"),
        (call("Join.saveAll", matchesKey="m", ordering="none"), _near(), "sort-missing-last"),
        (
            call("Join.saveBest", matchKey="m", measureKey="g"),
            call("Filter.and", filters=[_near(), _near(5)]),
            "measure-of-first-part",
        ),
    ],
)
def test_assumptions_are_named(join: Any, condition: Any, assumption: str) -> None:
    assert assumption in ASSUMPTIONS
    # Every element as an image, without the matches, so that the collection can be returned.
    plain = function("plain")
    built = call("Collection.map", collection=_apply(join, _LEFT, _RIGHT, condition), baseAlgorithm=plain)
    result = evaluate_images(graph(built, plain=call("Image.constant", value=1)), sample())
    assert assumption in result.assumptions


@pytest.mark.parametrize(
    ("join", "condition", "problem"),
    [
        (call("Join.saveBest", matchKey="m", measureKey="g"), _same(), "Join.apply: The join condition has no measure"),
        (call("Join.saveAll", matchesKey="m", measureKey="g"), _same(), "no measure to save"),
        (call("Join.inner", measureKey="g"), call("Filter.not", filter=_near()), "no measure to save"),
        (call("Join.saveAll", matchesKey=""), _same(), "must not be empty"),
        (call("Join.inner", secondaryKey=""), _same(), "must not be empty"),
        ("simple", _same(), "Argument 'join': Invalid type. Expected type: Join. Actual type: String."),
        (_same(), _same(), "Expected type: Join. Actual type: Filter."),
        (call("Join.simple"), call("Join.simple"), "Expected type: Filter. Actual type: Join."),
        (call("Join.simple"), "p <", "Cannot parse filter"),
    ],
)
def test_refusals(join: Any, condition: Any, problem: str) -> None:
    assert problem in refusal(_apply(join, _LEFT, _RIGHT, condition)).message


def test_empty_collections() -> None:
    empty = call("Collection", features=[])
    assert len(value(_apply(call("Join.simple"), empty, _RIGHT, _near()))) == 0
    assert len(value(_apply(call("Join.simple"), _LEFT, empty, _near()))) == 0
    assert len(value(_apply(call("Join.inverted"), _LEFT, empty, _near()))) == 4
    assert len(value(_apply(call("Join.saveAll", matchesKey="m", outer=True), _LEFT, empty, _near()))) == 4


# ------------------------------------------------------------------------------------------------------- work and size


def _many(count: int) -> list[Feature]:
    return [Feature(None, {"k": f"k{number}", "t": number, "list": [number]}) for number in range(count)]


def _work(condition: Any, count: int) -> int:
    context = Context(Catalog())
    context._most = 10**12
    assert len(joined(context, Simple(), _many(count), _many(count), condition)) == count
    return context.work


@pytest.mark.parametrize(
    "condition",
    [
        Comparison(Operand("k"), Operand("k"), equals),
        Within(Operand("t"), Operand("t"), difference, 3),
        Within(Operand("t"), Operand("t"), difference, 0.5),
    ],
)
def test_indexed_joins_are_not_quadratic(condition: Any) -> None:
    assert _work(condition, 2_000) < 2.1 * _work(condition, 1_000)


def test_a_join_that_has_to_look_at_every_pair_is_ended() -> None:
    assets = [EarthEngineAsset(id=f"c/{number:04}", type=EarthEngineAsset.IMAGE) for number in range(1_000)]
    less = call("Filter.greaterThan", leftField="system:time_start", rightField="system:time_start")
    built = _apply(call("Join.inverted"), load("c"), load("c"), less)
    with pytest.raises(EvaluationError, match="The computation is too large"):
        evaluate(graph(built), Catalog(assets))


def test_a_join_may_not_save_more_than_can_be_counted() -> None:
    always = call("Filter.always")
    built: Any = load(MODIS)
    for _ in range(12):  # pairs of pairs of pairs
        built = _apply(call("Join.inner"), built, built, always)
    with pytest.raises(EvaluationError, match="The computation is too large"):
        value(built)


def _nested(join: Any, levels: int) -> dict[str, Any]:
    """Nodes of a collection joined with itself, and that with itself, and so on; the last is called by its number."""
    nodes = {"0": _rows({"t": 1})}
    for level in range(levels):
        nodes[str(level + 1)] = _apply(join(level), ref(str(level)), ref(str(level)), call("Filter.always"))
    return nodes


def test_features_in_features_are_not_spelt_out() -> None:
    # Each level holds the two before it, so that their text would grow with the numbers of Fibonacci.
    nodes = _nested(lambda level: call("Join.saveFirst", matchKey="ab"[level % 2]), 60)
    error = refusal(call("Number.add", left=call("Collection.first", collection=ref("60")), right=1), **nodes)
    assert error.message.endswith("Actual value: Feature(0)")


def test_the_index_of_pairs_does_not_double_for_ever() -> None:
    error = refusal(ref("60"), **_nested(lambda _: call("Join.inner"), 60))
    assert error.message == "Join.apply: The index of a pair has more than 10,000 characters."


def test_values_that_no_index_holds() -> None:
    context = Context(Catalog())
    rights = [Feature(None, {"v": found}) for found in ([1], float("nan"), 10**400, float("inf"), "1", True, 1, None)]
    same = Comparison(Operand("v"), Operand("v"), equals)
    near = Within(Operand("v"), Operand("v"), difference, float("inf"))

    def matched(condition: Any, found: object) -> list[object]:
        results = joined(context, Save("m"), [Feature(None, {"v": found})], rights, condition)
        return [match.get("v") for element in results for match in element.get("m")]  # type: ignore[attr-defined]

    assert matched(same, [1]) == [[1]]
    assert matched(same, float("nan")) == []
    assert matched(same, 10**400) == [10**400]
    assert matched(same, 1) == [True, 1]  # a boolean is a number
    assert matched(same, None) == [None]
    assert matched(near, 5) == [1]
    assert matched(near, float("inf")) == []
    assert matched(near, 10**400) == []


def test_join_of_places() -> None:
    condition = call("Filter.intersects", leftField=".geo", rightField=".all")
    scenes, tiles = value(load(L8)), value(load(S2))
    touched = [tile.index for tile in tiles if any(tile.geometry.intersects(scene.geometry) for scene in scenes)]
    assert 0 < len(touched) < len(tiles)
    assert indexes(images(_apply(call("Join.simple"), load(S2), load(L8), condition))) == touched
    # Footprints without bounds are everywhere, on either side.
    everywhere = _apply(call("Join.simple"), load("ECMWF/ERA5_LAND/DAILY_AGGR"), load(S2), condition)
    assert len(images(everywhere)) == 14
    assert len(images(_apply(call("Join.simple"), load(S2), load("ECMWF/ERA5_LAND/DAILY_AGGR"), condition))) == 16
