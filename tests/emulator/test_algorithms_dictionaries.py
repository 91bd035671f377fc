"""Dictionary.*."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import arg, assumed, call, dictionary, function, refusal, value

BANDS = dictionary(B3=443, B1=182, B2=219)  # the dictionary of the examples, not in order
NULL = {"constantValue": None}


def of_bands(name: str, **arguments: Any) -> Any:
    return value(call(f"Dictionary.{name}", dictionary=BANDS, **arguments))


# Source: the descriptions of the functions, and the examples on their reference pages.
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("get", {"key": "B1"}, 182),
        ("get", {"key": "Band_1", "defaultValue": -9999}, -9999),
        ("getNumber", {"key": "B2"}, 219),
        ("contains", {"key": "B1"}, True),
        ("contains", {"key": "Band_1"}, False),
        ("size", {}, 3),
        ("keys", {}, ["B1", "B2", "B3"]),
        ("values", {}, [182, 219, 443]),
        ("values", {"keys": ["B2", "B1"]}, [219, 182]),
        ("set", {"key": "B3", "value": -9999}, {"B1": 182, "B2": 219, "B3": -9999}),
        ("remove", {"selectors": ["B2", "B3"]}, {"B1": 182}),
        ("remove", {"selectors": ["B2", "B3", "Region"], "ignoreMissing": True}, {"B1": 182}),
        ("remove", {"selectors": ["B[23]"]}, {"B1": 182}),
        ("select", {"selectors": ["B2", "B1"]}, {"B1": 182, "B2": 219}),
        ("select", {"selectors": ["B[1-2]"]}, {"B1": 182, "B2": 219}),
        ("select", {"selectors": ["B1", "Region"], "ignoreMissing": True}, {"B1": 182}),
        ("rename", {"from": ["B2", "B3"], "to": ["Band_2", "Band_3"]}, {"B1": 182, "Band_2": 219, "Band_3": 443}),
        ("rename", {"from": ["B3"], "to": ["B1"], "overwrite": True}, {"B1": 443, "B2": 219}),
        ("rename", {"from": ["B1", "B2"], "to": ["B2", "B1"]}, {"B1": 219, "B2": 182, "B3": 443}),
    ],
)
def test_dictionaries(name: str, arguments: dict[str, Any], expected: Any) -> None:
    found = of_bands(name, **arguments)
    assert found == expected
    assert not isinstance(found, dict) or list(found) == sorted(found)


def test_making() -> None:
    assert value(call("Dictionary")) == {}
    assert value(call("Dictionary", input=["b", 1, "a", 2])) == {"a": 2, "b": 1}
    assert value(call("Dictionary", input={"constantValue": {"k": 1}})) == {"k": 1}
    assert value(call("Dictionary.fromLists", keys=["B1", "B2"], values=[182, None])) == {"B1": 182, "B2": None}
    twice = call("Dictionary", input=["a", 1, "a", 2])
    assert value(twice) == {"a": 2}
    assert assumed(twice) == ("repeated-keys-last",)


def test_combine() -> None:
    other = dictionary(Region="forest", B1=-9999, B2=NULL)

    def combined(**options: Any) -> Any:
        return value(call("Dictionary.combine", first=BANDS, second=other, **options))

    assert combined() == {"B1": -9999, "B2": 219, "B3": 443, "Region": "forest"}
    assert combined(overwrite=False) == {"B1": 182, "B2": 219, "B3": 443, "Region": "forest"}
    nulls = dictionary(a=NULL)
    assert value(call("Dictionary.combine", first=nulls, second=nulls)) == {}


def test_map() -> None:
    scaled = call("Dictionary.map", dictionary=BANDS, baseAlgorithm=function("scale", "key", "value"))
    assert value(scaled, scale=call("Number.divide", left=arg("value"), right=2)) == {
        "B1": 91,
        "B2": 109.5,
        "B3": 221.5,
    }
    assert value(scaled, scale=arg("key")) == {"B1": "B1", "B2": "B2", "B3": "B3"}
    nothing = call("Dictionary.get", dictionary=dictionary(B1=1, B2=NULL, B3=NULL), key=arg("key"))
    assert value(scaled, scale=nothing) == {"B1": 1}


def test_typed_values() -> None:
    held = dictionary(
        name="forest",
        rows=[[1, 2]],
        place=call("GeometryConstructors.Point", coordinates=[1, 2]),
        nothing=NULL,
    )
    assert value(call("Dictionary.getString", dictionary=held, key="name")) == "forest"
    assert value(call("Dictionary.getArray", dictionary=held, key="rows")).nested() == [[1, 2]]
    assert value(call("Dictionary.getGeometry", dictionary=held, key="place")).type == "Point"
    assert value(call("Dictionary.getNumber", dictionary=held, key="nothing")) is None
    error = refusal(call("Dictionary.getNumber", dictionary=held, key="name"))
    assert error.message == "Dictionary.getNumber: The value of 'name' is of type String, not Number."


def test_arrays() -> None:
    assert of_bands("toArray").nested() == [182, 219, 443]
    assert of_bands("toArray", keys=["B2", "B1"]).nested() == [219, 182]
    assert of_bands("toArray", axis=1).nested() == [[182, 219, 443]]


@pytest.mark.parametrize(
    ("built", "text"),
    [
        # The text is known from public error reports.
        (call("Dictionary.get", dictionary=BANDS, key="x"), "Dictionary.get: Dictionary does not contain key: 'x'."),
        (call("Dictionary.get", dictionary=BANDS, key="x", defaultValue=NULL), "does not contain key: 'x'."),
        (call("Dictionary.getNumber", dictionary=BANDS, key="x"), "does not contain key: 'x'."),
        (call("Dictionary.values", dictionary=BANDS, keys=["x"]), "does not contain key: 'x'."),
        (call("Dictionary.select", dictionary=BANDS, selectors=["C.*"]), "does not contain key: 'C.*'."),
        (call("Dictionary.remove", dictionary=BANDS, selectors=["B"]), "does not contain key: 'B'."),
        (call("Dictionary.select", dictionary=BANDS, selectors=["("]), "missing closing )"),
        (call("Dictionary.rename", dictionary=BANDS, from_=["x"], to=["y"]), "does not contain key: 'x'."),
        (call("Dictionary.rename", dictionary=BANDS, from_=["B1"], to=["B2"]), "already contains key: 'B2'."),
        (call("Dictionary.rename", dictionary=BANDS, from_=["B1", "B2"], to=["x", "x"]), "cannot get the same name"),
        (
            call("Dictionary.rename", dictionary=BANDS, from_=["B1"], to=[]),
            "There are 1 keys to rename, but 0 new names.",
        ),
        (call("Dictionary.fromLists", keys=["a"], values=[]), "There are 1 keys, but 0 values."),
        (call("Dictionary.fromLists", keys=[1], values=[1]), "Expected type: List<String>"),
        (call("Dictionary", input=["a"]), "a list of keys and values in turn"),
        (call("Dictionary", input=[1, 2]), "a list of keys and values in turn"),
        (call("Dictionary.toArray", dictionary=dictionary(a="x")), "must be numbers"),
        (call("Dictionary.toArray", dictionary=BANDS, axis=2), "axis 0 or 1, not 2"),
        (call("Dictionary.set", dictionary=BANDS, key="x", value=NULL), "'value' is required"),
        (call("Dictionary.keys", dictionary=[]), "Expected type: Dictionary"),
    ],
)
def test_what_is_refused(built: dict[str, Any], text: str) -> None:
    assert text in refusal(built).message


def test_selectors_cannot_run_for_ever() -> None:
    long = dictionary(**{"a" * 5000 + str(number): 1 for number in range(200)})
    error = refusal(call("Dictionary.select", dictionary=long, selectors=["(a|aa)+"] * 20, ignoreMissing=True))
    assert "too large" in error.message
