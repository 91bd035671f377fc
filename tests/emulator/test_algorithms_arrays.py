"""Array.*, and functions of any object: types, margins of error."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import assumed, call, dictionary, image, only, ref, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.images.bands import PixelType
from eegrpc.emulator.primitives.arrays import to_array
from eegrpc.emulator.values import Array, ErrorMargin

CUBE_E = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
CUBE_F = [[[10, 11], [12, 13]], [[14, 15], [16, 17]]]
SIX = [1, 2, 3, 4, 5, 6]
ROWS = [[0, 1, 2], [3, 4, 5]]


def shown(built: dict[str, Any]) -> Any:
    found = value(built)
    return found.nested() if isinstance(found, Array) else found


# Source: the examples on the reference pages of the functions.
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", {"left": [0], "right": 1}, [1]),
        ("add", {"left": [5, 6], "right": [7, 8]}, [12, 14]),
        ("add", {"left": ROWS, "right": 1}, [[1, 2, 3], [4, 5, 6]]),
        ("divide", {"left": 2, "right": [1]}, [2]),
        ("divide", {"left": 2, "right": 0}, 0),
        ("divide", {"left": [3, 4], "right": [2, 4]}, [1.5, 1]),
        ("mod", {"left": [-1, -7, -8, -9], "right": [8, 8, 8, 8]}, [-1, -7, 0, -1]),
        ("mod", {"left": [2.5], "right": [1.2]}, [0.10000000000000009]),
        ("min", {"left": [0, 1, 2, 3], "right": [-1, 3, 0, 2]}, [-1, 1, 0, 2]),
        ("first", {"left": [0, 1, 2], "right": 1}, [0, 1, 2]),
        ("not", {"input": [-1, -0.1, 0, 0.1, 1]}, [0, 0, 1, 0, 0]),
        ("byte", {"input": [-0.1, 0.1, 0.5, 127.1, 255.1, 255.9]}, [0, 0, 1, 127, 255, 255]),
        ("cbrt", {"input": [[0, 1, 8], [27, 64, 125]]}, [[0, 1, 2], [3, 4, 5]]),
        ("floor", {"input": [2.1, -2.1]}, [2, -3]),
        ("bitwiseNot", {"input": 0xFF}, -256),
        ("acos", {"input": [-1]}, [math.pi]),
        ("get", {"array": ROWS, "position": [1, 2]}, 5),
        ("get", {"array": [9], "position": [0]}, 9),
        ("argmax", {"array": [[3, 4, 2], [6, 5, 7]]}, [1, 2]),
        ("argmax", {"array": [1, 1, 1, 9, 9, 9]}, [3]),
        ("dotProduct", {"array1": [1.5, 2.5], "array2": [3, 4]}, 14.5),
        ("identity", {"size": 2}, [[1, 0], [0, 1]]),
        ("identity", {"size": 0}, []),
        ("cat", {"arrays": [[1], [2]]}, [1, 2]),
        ("cat", {"arrays": [[0, 1, 2], [3, 4, 5]], "axis": 1}, [[0, 3], [1, 4], [2, 5]]),
        ("cat", {"arrays": [[[0], [1]], [[2], [3]]], "axis": 1}, [[0, 2], [1, 3]]),
        ("cat", {"arrays": [CUBE_E, CUBE_F], "axis": 0}, [*CUBE_E, *CUBE_F]),
        (
            "cat",
            {"arrays": [CUBE_E, CUBE_F], "axis": 1},
            [[[0, 1], [2, 3], [10, 11], [12, 13]], [[4, 5], [6, 7], [14, 15], [16, 17]]],
        ),
        (
            "cat",
            {"arrays": [CUBE_E, CUBE_F], "axis": 2},
            [[[0, 1, 10, 11], [2, 3, 12, 13]], [[4, 5, 14, 15], [6, 7, 16, 17]]],
        ),
        (
            "cat",
            {"arrays": [CUBE_E, CUBE_F], "axis": 3},
            [[[[0, 10], [1, 11]], [[2, 12], [3, 13]]], [[[4, 14], [5, 15]], [[6, 16], [7, 17]]]],
        ),
        ("slice", {"array": SIX}, SIX),
        ("slice", {"array": SIX, "start": 2}, [3, 4, 5, 6]),
        ("slice", {"array": SIX, "end": -3}, [1, 2, 3]),
        ("slice", {"array": SIX, "start": -2, "end": 6}, [5, 6]),
        ("slice", {"array": SIX, "start": 2, "end": 6, "step": 2}, [3, 5]),
        ("slice", {"array": SIX, "start": 6}, []),
        ("slice", {"array": [[1, 2], [3, 4], [5, 6]], "axis": 1, "start": 1}, [[2], [4], [6]]),
        ("slice", {"array": [[1, 2], [3, 4], [5, 6]], "end": 3, "step": 2}, [[1, 2], [5, 6]]),
        ("cut", {"array": ROWS, "position": [-1, 0]}, [[0], [3]]),
        ("cut", {"array": ROWS, "position": [1, -1]}, [[3, 4, 5]]),
        ("bitsToArray", {"input": 0}, [0]),
        ("bitsToArray", {"input": 0xFF}, [1] * 8),
        ("bitsToArray", {"input": -1}, [1] * 64),
        # And from their descriptions.
        ("length", {"array": ROWS}, [2, 3]),
        ("toList", {"array": ROWS}, ROWS),
        ("repeat", {"array": [1, 2], "axis": 0}, [1, 2, 1, 2]),
        ("repeat", {"array": [1, 2], "axis": 1, "copies": 3}, [[1, 1, 1], [2, 2, 2]]),
        ("project", {"array": [[1, 2, 3]], "axes": [1]}, [1, 2, 3]),
        ("transpose", {"array": ROWS}, [[0, 3], [1, 4], [2, 5]]),
        ("matrixTranspose", {"array": CUBE_E, "axis1": 1, "axis2": 2}, [[[0, 2], [1, 3]], [[4, 6], [5, 7]]]),
        ("pad", {"array": [[1], [2]], "lengths": [1, 3], "pad": 9}, [[1, 9, 9], [2, 9, 9]]),
        ("reshape", {"array": SIX, "shape": [2, -1]}, [[1, 2, 3], [4, 5, 6]]),
        ("reshape", {"array": ROWS, "shape": [-1]}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_arrays(name: str, arguments: dict[str, Any], expected: Any) -> None:
    assert shown(call(f"Array.{name}", **arguments)) == expected


def test_making() -> None:
    assert value(call("Array", values=[[0, 1], [2, 3]])) == Array((2, 2), (0, 1, 2, 3))
    assert value(call("Array", values=5)) == Array((), (5,))
    assert value(call("Array", values=call("Array", values=[1]))) == Array((1,), (1,))
    assert value(call("Array", values=[True])) == Array((1,), (1,))


@pytest.mark.parametrize(
    ("values", "pixel_type", "expected"),
    [
        ([], PixelType("INT", -128, 127), []),
        ([[], []], PixelType("FLOAT"), [[], []]),
        ([300, -1, 1.5], PixelType("INT", 0, 255), [255, 0, 2]),
        ([0.1], PixelType("FLOAT"), [0.10000000149011612]),
        ([1], PixelType("DOUBLE"), [1.0]),
    ],
)
def test_making_with_a_type(values: Any, pixel_type: PixelType, expected: Any) -> None:
    from eegrpc.emulator.algorithms.arrays import array

    assert array(Context(Catalog()), values, pixel_type).nested() == expected


def test_argmax_of_nothing() -> None:
    assert value(call("Array.argmax", array=call("Array.slice", array=[1], start=1))) is None


def test_arrays_in_properties() -> None:
    held = call("Element.set", object=image(), key="a", value=call("Array", values=ROWS))
    assert [list(row) for row in only(held).properties["a"]] == ROWS
    assert shown(call("Element.getArray", object=held, property="a")) == ROWS
    assert value(call("Element.getArray", object=held, property="nothing")) is None
    error = refusal(call("Element.getArray", object=image(), property="DATUM"))
    assert error.message == "Element.getArray: Property 'DATUM' is of type String, not Array."


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("abs", {"input": [[1], [1, 2]]}, "must have the same length"),
        ("abs", {"input": [1, [2]]}, "lists that are all equally deep"),
        ("abs", {"input": ["a"]}, "consists of numbers"),
        ("abs", {"input": "a"}, "Expected type: Array"),
        ("add", {"left": [1, 2], "right": [1]}, "[2] and [1] do not go together"),
        ("get", {"array": [1], "position": [1]}, "Position [1] is not in an array of the shape [1]"),
        ("get", {"array": [1], "position": [0, 0]}, "Position [0, 0]"),
        ("get", {"array": [1], "position": [-1]}, "Position [-1]"),
        ("toList", {"array": 5}, "no list"),
        ("dotProduct", {"array1": [1], "array2": [1, 2]}, "the same length"),
        ("identity", {"size": -1}, "must not be negative"),
        ("cat", {"arrays": []}, "At least one array"),
        ("cat", {"arrays": [[1]], "axis": 2}, "no axis 2"),
        ("cat", {"arrays": [[[1]], [[1, 2]]], "axis": 0}, "same length on all axes"),
        ("cat", {"arrays": [[1], [[1]]]}, "same length on all axes"),
        ("repeat", {"array": [1], "copies": 0}, "must be positive"),
        ("slice", {"array": [1], "axis": 1}, "no axis 1"),
        ("slice", {"array": [1], "step": 0}, "must be positive"),
        ("cut", {"array": [1], "position": [1]}, "Position [1]"),
        ("cut", {"array": [1], "position": []}, "0 positions for 1 dimensions"),
        ("project", {"array": ROWS, "axes": [0]}, "at most length 1"),
        ("project", {"array": ROWS, "axes": [0, 0]}, "named twice"),
        ("transpose", {"array": [1]}, "no axis 1"),
        ("pad", {"array": [1], "lengths": [1, 2]}, "2 lengths for 1 dimensions"),
        ("reshape", {"array": [1, 2, 3], "shape": [2, -1]}, "3 numbers do not have the shape"),
        ("reshape", {"array": [1], "shape": [-1, -1]}, "do not have the shape"),
        ("reshape", {"array": [1], "shape": [call("Number.exp", input=1000)]}, "a list of lengths"),
        ("reshape", {"array": [1], "shape": [-2]}, "a list of lengths"),
        ("reshape", {"array": [1], "shape": [1] * 17}, "at most 16 dimensions"),
        ("bitsToArray", {"input": 1.5}, "does not take 1.5 for bits"),
    ],
)
def test_what_is_refused(name: str, arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call(f"Array.{name}", **arguments)).message


def test_an_empty_array_needs_a_type() -> None:
    assert "'pixelType' is required" in refusal(call("Array", values=[])).message


@pytest.mark.parametrize(
    "built",
    [
        call("Array.identity", size=1e6),
        call("Array.repeat", array=[1], copies=1e12),
        call("Array.pad", array=[[1]], lengths=[1e6, 1e6]),
        ref("v0"),
    ],
)
def test_too_large(built: dict[str, Any]) -> None:
    doubled = {f"v{n}": call("Array.repeat", array=ref(f"v{n + 1}")) for n in range(40)}
    assert "too large" in refusal(built, **doubled, v40=[1]).message


def test_too_many_dimensions() -> None:
    deeper = {f"v{n}": call("Array.repeat", array=ref(f"v{n + 1}"), axis=40 - n, copies=1) for n in range(40)}
    assert "at most 16 dimensions" in refusal(ref("v0"), **deeper, v40=[1]).message


NUMBERS = st.lists(st.lists(st.integers(-99, 99), min_size=2, max_size=2), min_size=1, max_size=4)


@settings(deadline=None, max_examples=50)
@given(NUMBERS)
def test_there_and_back(rows: list[list[int]]) -> None:
    assert to_array(Context(Catalog()), rows).nested() == rows
    assert shown(call("Array.transpose", array=call("Array.transpose", array=rows))) == rows
    halves = [call("Array.slice", array=rows, axis=1, end=1), call("Array.slice", array=rows, axis=1, start=1)]
    assert shown(call("Array.cat", arrays=halves, axis=1)) == rows
    flat = call("Array.reshape", array=rows, shape=[-1])
    assert shown(call("Array.reshape", array=flat, shape=call("Array.length", array=rows))) == rows


# ---------------------------------------------------------------------------------------------------------- objects


@pytest.mark.parametrize(
    ("held", "name", "assumptions"),
    [
        # The example of ObjectType.
        (1, "Integer", ("object-type-names",)),
        ("a string", "String", ()),
        ([1, "a string"], "List", ()),
        (2**40, "Long", ("object-type-names",)),
        (2.5, "Float", ("object-type-names",)),
        (dictionary(a=1), "Dictionary", ()),
        (image(), "Image", ()),
        (call("Date", value=0), "Date", ()),
        (call("Array", values=[1]), "Array", ("object-type-names",)),
        ({"constantValue": None}, "Null", ("object-type-names",)),
    ],
)
def test_types(held: Any, name: str, assumptions: tuple[str, ...]) -> None:
    assert value(call("ObjectType", value=held)) == name
    assert assumed(call("ObjectType", value=held)) == assumptions


def test_margins_of_error() -> None:
    margin = call("ErrorMargin", value=10)
    assert value(margin) == ErrorMargin(10, "meters")
    assert value(call("ErrorMargin", value=10, unit="infinite")) == ErrorMargin(None, "infinite")
    assert "Invalid unit 'feet'" in refusal(call("ErrorMargin", value=1, unit="feet")).message
    assert "'value', a number, is required" in refusal(call("ErrorMargin")).message
    point = call("GeometryConstructors.Point", coordinates=[1, 2])
    geometry = call("Collection.geometry", collection=call("Feature", geometry=point), maxError=margin)
    assert value(geometry).type == "GeometryCollection"


def test_replaced_properties() -> None:
    source = call("Feature", metadata=dictionary(new=1))
    replaced = call("Element.replaceProperties", destination=image(), source=source)
    properties = value(call("Element.toDictionary", element=replaced))
    assert properties == {"new": 1}
    assert value(call("Element.get", object=replaced, property="system:index")) == "LC08_044034_20230122"
    assert value(call("Element.toDictionary", element=call("Element.replaceProperties", destination=image()))) == {}
    assert assumed(replaced) == ("replace-properties-keeps-system",)
