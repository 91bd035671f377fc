"""List.*: reading, searching, sorting, and lists made of lists."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import L8, arg, assumed, call, dictionary, function, image, load, ref, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.values import Date

NULL = {"constantValue": None}
NESTED = [[], [[]], [1, [], "a"]]


def changed(name: str, items: Any, **arguments: Any) -> Any:
    return value(call(f"List.{name}", list=items, **arguments))


# Source: the descriptions of the functions, and the examples on their reference pages.
@pytest.mark.parametrize(
    ("name", "items", "arguments", "expected"),
    [
        ("get", [5, 10, 15], {"index": -1}, 15),
        ("get", [5, 10, 15], {"index": 0}, 5),
        ("size", [1, 2], {}, 2),
        ("length", [], {}, 0),
        ("getNumber", ["a", 2], {"index": 1}, 2),
        ("getString", ["a", 2], {"index": -2}, "a"),
        ("contains", [1, "a"], {"element": "a"}, True),
        ("contains", [1, "a"], {"element": "1"}, False),
        ("contains", [[1, [2]]], {"element": [1, [2]]}, True),
        ("containsAll", [1, 2, 3], {"other": [3, 1, 1]}, True),
        ("containsAll", [1, 2, 3], {"other": [4]}, False),
        ("containsAll", [], {"other": []}, True),
        ("equals", [1, [2]], {"other": [1, [2]]}, True),
        ("equals", [1, 2], {"other": [2, 1]}, False),
        ("frequency", [0, 1, 2, 2, 3, 4], {"element": 2}, 2),
        ("frequency", [0, 1], {"element": 9}, 0),
        ("indexOf", [1, 2, 2], {"element": 2}, 1),
        ("indexOf", [1], {"element": 2}, -1),
        ("indexOfSublist", [1, 2, 1, 2, 1], {"target": [2, 1]}, 1),
        ("indexOfSublist", [1], {"target": [1, 1]}, -1),
        ("lastIndexOfSubList", [1, 2, 1, 2, 1], {"target": [2, 1]}, 3),
        ("add", ["a"], {"element": 1}, ["a", 1]),
        ("add", ["a"], {"element": []}, ["a", []]),
        ("add", [], {"element": "b"}, ["b"]),
        ("cat", ["moose"], {"other": ["&", "squirrel"]}, ["moose", "&", "squirrel"]),
        ("cat", [], {"other": []}, []),
        ("insert", [1, 2], {"index": 2, "element": 3}, [1, 2, 3]),
        ("insert", [1, 2], {"index": 0, "element": 3}, [3, 1, 2]),
        ("set", [1, 2], {"index": -1, "element": 3}, [1, 3]),
        ("swap", [1, 2, 3], {"pos1": 0, "pos2": -1}, [3, 2, 1]),
        ("splice", [0, 1, 2, 3, 4], {"start": 2, "count": 1}, [0, 1, 3, 4]),
        ("splice", [0, 1, 2, 3, 4], {"start": -2, "count": 1}, [0, 1, 2, 4]),
        ("splice", [0, 1, 2, 3, 4], {"start": 2, "count": 0, "other": ["X", "Y"]}, [0, 1, "X", "Y", 2, 3, 4]),
        ("splice", [0, 1, 2, 3, 4], {"start": 2, "count": 3, "other": ["X", "Y"]}, [0, 1, "X", "Y"]),
        ("splice", [0], {"start": 1, "count": 0, "other": [1]}, [0, 1]),
        ("slice", [0, 1, 2, 3, 4], {"start": 1, "end": -1}, [1, 2, 3]),
        ("slice", [0, 1, 2, 3, 4], {"start": -2}, [3, 4]),
        ("slice", [0, 1, 2, 3, 4], {"start": 0, "end": 99, "step": 2}, [0, 2, 4]),
        ("slice", [0, 1, 2, 3, 4], {"start": 3, "end": 1}, []),
        ("remove", [1, 2, 1], {"element": 1}, [2, 1]),
        ("remove", [1], {"element": 2}, [1]),
        ("removeAll", [1, 2, 1, 3], {"other": [1, 3]}, [2]),
        ("replace", [1, 2, 1], {"oldval": 1, "newval": 9}, [9, 2, 1]),
        ("replaceAll", [1, 2, 1], {"oldval": 1, "newval": 9}, [9, 2, 9]),
        ("distinct", [1, "1", 1, [1], [1]], {}, [1, "1", [1]]),
        ("flatten", NESTED, {}, [1, "a"]),
        ("flatten", [], {}, []),
        ("reverse", [1, 2, 3], {}, [3, 2, 1]),
        ("rotate", [1, 2, 3], {"distance": 1}, [3, 1, 2]),
        ("rotate", [1, 2, 3], {"distance": -4}, [2, 3, 1]),
        ("rotate", [], {"distance": 1}, []),
        ("zip", [1, 2, 3], {"other": ["a", "b"]}, [[1, "a"], [2, "b"]]),
        ("unzip", [[1, 2, 3], [4, 5]], {}, [[1, 4], [2, 5]]),
        ("unzip", [], {}, []),
        ("sort", [3, 1, 2.5], {}, [1, 2.5, 3]),
        ("sort", ["b", "B", "a"], {}, ["B", "a", "b"]),
        ("sort", ["x", "y", "z"], {"keys": [3, 1, 2]}, ["y", "z", "x"]),
        ("sort", [], {}, []),
        ("join", ["a", 1, True], {"separator": ", "}, "a, 1, true"),
        ("join", [], {}, ""),
        ("join", ["a", "b"], {}, "ab"),
    ],
)
def test_lists(name: str, items: Any, arguments: dict[str, Any], expected: Any) -> None:
    assert changed(name, items, **arguments) == expected


def test_repeat() -> None:
    assert value(call("List.repeat", value=["a"], count=2)) == [["a"], ["a"]]
    assert value(call("List.repeat", value=1, count=0)) == []
    assert "must not be negative" in refusal(call("List.repeat", value=1, count=-1)).message


def test_iterate() -> None:
    """The example of List.iterate: each quantity is half of the one before."""
    halved = call("Number.divide", left=call("List.get", list=arg("before"), index=-1), right=2)
    steps = call("List.iterate", list=[1, 2, 3], function=function("half", "x", "before"), first=[1000])
    assert value(steps, half=call("List.add", list=arg("before"), element=halved)) == [1000, 500, 250, 125]
    assert value(call("List.iterate", list=[], function=function("half", "x", "y"), first=7), half=arg("y")) == 7


def test_filter_on_items() -> None:
    """The example of List.filter."""
    items = [1, 2, 3, None, 6, 7]

    def kept(name: str, **operands: Any) -> Any:
        return changed("filter", items, filter=call(f"Filter.{name}", **operands))

    assert kept("equals", leftField="item", rightValue=3) == [3]
    assert kept("greaterThan", leftField="item", rightValue=4) == [6, 7]
    assert kept("notNull", properties=["item"]) == [1, 2, 3, 6, 7]
    assert kept("listContains", leftValue=[1, 98, 99], rightField="item") == [1]


def test_filter_on_images() -> None:
    images = call("Collection.toList", collection=load(), count=3)
    kept = changed("filter", images, filter=call("Filter.greaterThan", leftField="WRS_PATH", rightValue=0))
    assert len(kept) == 3
    assert changed("filter", images, filter=call("Filter.notNull", properties=["item"])) == []


def test_nulls_and_dates_are_items() -> None:
    assert changed("contains", [1, None], element=2) is False
    assert changed("distinct", [None, None]) == [None]
    dates = [call("Date", value=5), call("Date", value=3)]
    assert changed("sort", dates) == [Date(3), Date(5)]
    assert changed("indexOf", dates, element=call("Date", value=3)) == 1
    assert changed("getArray", [[1, 2]], index=0).nested() == [1, 2]
    assert changed("getGeometry", [call("GeometryConstructors.Point", coordinates=[1, 2])], index=0).type == "Point"


def test_equality() -> None:
    assert value(call("IsEqual", left=1, right=call("Number.divide", left=2, right=2))) is True
    assert value(call("IsEqual", left=1, right=True)) is False
    assert value(call("IsEqual", left=dictionary(a=1, b=[2]), right=dictionary(b=[2], a=1))) is True
    assert value(call("IsEqual", left=NULL, right=NULL)) is True
    assert value(call("IsEqual", left=NULL)) is True
    assert value(call("IsEqual", left=0)) is False
    nan = call("Number.sqrt", input=-1)
    assert value(call("IsEqual", left=nan, right=nan)) is True


def test_equality_of_images() -> None:
    """An image equals itself and none with another index; all else would need a look at its pixels."""
    scene, other = image(), image("LC08_044034_20230207")
    assert len(changed("distinct", [scene, other, scene])) == 2
    assert changed("contains", [scene, 1], element=other) is False
    edited = call("Element.set", object=scene, key="k", value=1)
    error = refusal(call("IsEqual", left=scene, right=edited))
    assert (error.message, error.unsupported) == ("IsEqual: The emulator does not compare Image with Image.", True)
    collection = call("ImageCollection.load", id=L8)
    assert refusal(call("IsEqual", left=collection, right=call("Collection.limit", collection=load()))).unsupported


@pytest.mark.parametrize(
    ("name", "items", "arguments", "text"),
    [
        # The text is known from public error reports.
        ("get", list(range(19)), {"index": 19}, "List index must be between 0 and 18, or -19 and -1. Found 19."),
        ("get", [], {"index": 0}, "Found 0."),
        ("set", [1], {"index": -2, "element": 1}, "Found -2."),
        ("insert", [1], {"index": 2, "element": 1}, "Found 2."),
        ("swap", [1], {"pos1": 0, "pos2": 1}, "Found 1."),
        ("splice", [1], {"start": 0, "count": 2}, "There are 1 items from 0 on, not 2."),
        ("splice", [1], {"start": 0, "count": -1}, "not -1"),
        ("slice", [1], {"start": 0, "end": 1, "step": 0}, "steps of 0"),
        ("slice", [1], {"start": 0, "end": 1, "step": -1}, "steps of -1"),
        ("getNumber", ["a"], {"index": 0}, "Item 0 is of type String, not Number."),
        ("sort", [1, None], {}, "type Null"),
        ("sort", [[1], [2]], {}, "type List"),
        ("sort", [1, 2], {"keys": [1]}, "there are 1 keys"),
        ("unzip", [[1], 2], {}, "Every item must be a list."),
        ("join", [[1]], {}, "does not convert List"),
        ("shuffle", [1], {"seed": False}, "reproducible"),
        ("shuffle", [1], {"seed": "x"}, "must be a whole number"),
        ("contains", "abc", {"element": "a"}, "Expected type: List"),
    ],
)
def test_what_is_refused(name: str, items: Any, arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call(f"List.{name}", list=items, **arguments)).message


@pytest.mark.parametrize(
    ("built", "names"),
    [
        (call("List.insert", list=[1, 2], index=-1, element=9), ("list-insert-from-end",)),
        (call("List.rotate", list=[1, 2], distance=1), ("list-rotate-onwards",)),
        (call("List.shuffle", list=[1, 2]), ("list-shuffle-order",)),
        (call("List.sort", list=[1, "a"]), ("sort-mixed-types",)),
        (call("List.sort", list=[1, 2]), ()),
        (call("List.contains", list=[1, 2], element=1), ()),
    ],
)
def test_what_rests_on_assumptions(built: dict[str, Any], names: tuple[str, ...]) -> None:
    assert assumed(built) == names


ITEMS = st.lists(st.integers(0, 5) | st.sampled_from(["a", "b"]), max_size=8)


@settings(deadline=None, max_examples=50)
@given(ITEMS, st.integers(0, 9))
def test_shuffling_keeps_the_items(items: list[Any], seed: int) -> None:
    once, again = changed("shuffle", items, seed=seed), changed("shuffle", items, seed=seed)
    assert once == again
    assert sorted(map(repr, once)) == sorted(map(repr, items))


@settings(deadline=None, max_examples=50)
@given(ITEMS, ITEMS, st.integers(-9, 9))
def test_there_and_back(items: list[Any], other: list[Any], distance: int) -> None:
    pairs = list(zip(items, other, strict=False))
    zipped = call("List.zip", list=items, other=other)
    assert changed("unzip", zipped) == ([list(part) for part in zip(*pairs, strict=True)] if pairs else [])
    assert changed("rotate", call("List.rotate", list=items, distance=distance), distance=-distance) == items
    assert changed("reverse", call("List.reverse", list=items)) == items
    assert changed("slice", call("List.cat", list=items, other=other), start=len(items)) == other


# ------------------------------------------------------------------------------------------------------- sequences


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({"start": 2015, "end": 2018}, [2015, 2016, 2017, 2018]),
        ({"start": 0, "end": 1, "step": 0.25}, [0, 0.25, 0.5, 0.75, 1]),
        ({"start": 1, "end": 6, "step": 2}, [1, 3, 5]),
        ({"start": 2, "end": 1}, []),
        ({"start": 3, "count": 3}, [3, 4, 5]),
        ({"start": 3, "step": -1, "count": 3}, [3, 2, 1]),
        ({"start": 0, "end": 1, "count": 5}, [0, 0.25, 0.5, 0.75, 1]),
        ({"start": 7, "end": 9, "count": 1}, [7]),
        # The examples of List.sequence.
        ({"start": 0, "end": 10, "step": 2, "count": 3}, [0, 5, 10]),
        ({"start": 3, "step": 2, "end": 6}, [3, 5]),
        ({"start": -1e9, "end": 1e9, "count": 3}, [-1000000000, 0, 1000000000]),
    ],
)
def test_sequences(arguments: dict[str, Any], numbers: list[float]) -> None:
    assert value(call("List.sequence", **arguments)) == numbers


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"start": 0}, "At least one of 'end' and 'count'"),
        ({"start": 0, "count": 0}, "'count' must be positive"),
        ({"start": 0, "end": 1, "step": 0}, "not supported"),
        ({"start": 1, "end": 0, "step": -1}, "not supported"),
        ({"start": -1e308, "end": 1e308, "step": 1e-300}, "not supported"),
    ],
)
def test_sequences_that_are_refused(arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call("List.sequence", **arguments)).message


# ---------------------------------------------------------------------------------------------------- huge and deep


def chain(last: Any, levels: int, step: Any) -> dict[str, Any]:
    return {**{f"v{n}": step(ref(f"v{n + 1}")) for n in range(levels)}, f"v{levels}": last}


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (call("List.repeat", value=1, count=1e9), {}),
        (ref("v0"), chain([1], 40, lambda inner: call("List.repeat", value=inner, count=2))),
        (ref("v0"), chain([1], 40, lambda inner: call("List.cat", list=inner, other=inner))),
        (ref("v0"), chain([1], 40, lambda inner: call("List.add", list=[inner], element=inner))),
        (ref("v0"), chain([1], 40, lambda inner: call("List.zip", list=[inner], other=[inner]))),
        (
            ref("v0"),
            chain(
                [1],
                40,
                lambda inner: call(
                    "List.map",
                    list=[1, 1],
                    baseAlgorithm={
                        "functionDefinitionValue": {"argumentNames": ["x"], "body": inner["valueReference"]}
                    },
                ),
            ),
        ),
        (
            call("List.removeAll", list=ref("v0"), other=ref("v0")),
            {"v0": call("List.repeat", value=ref("v1"), count=2000), "v1": call("List.sequence", start=1, end=2000)},
        ),
        (
            call("List.indexOfSublist", list=ref("v0"), target=ref("v1")),
            {"v0": call("List.repeat", value=1, count=20000), "v1": call("List.repeat", value=1, count=10000)},
        ),
    ],
)
def test_too_much(result: Any, values: dict[str, Any]) -> None:
    assert "The computation is too large" in refusal(result, **values).message


def test_too_deep() -> None:
    deep = chain([1], 100, lambda inner: call("List.repeat", value=inner, count=1))
    assert "nested more than 64 levels" in refusal(ref("v0"), **deep).message
    assert "nested more than 64 levels" in refusal(call("List.flatten", list=ref("v0")), **deep).message
