"""Reducers on values: what each gives, how they combine, and what they refuse."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from emulator_graphs import L8, call, dictionary, graph, load, refusal, sample, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.context import Context
from eegrpc.emulator.evaluation.evaluator import evaluate_images
from eegrpc.emulator.reducing.reducers import Column, Reducer
from eegrpc.emulator.reducing.simple_reducers import REDUCERS


def reducer(name: str, **arguments: Any) -> dict[str, Any]:
    return call(f"Reducer.{name}", **arguments)


def reduced(name: str, items: list[Any], **arguments: Any) -> Any:
    return value(call("List.reduce", list=items, reducer=reducer(name, **arguments)))


# -------------------------------------------------------------------------------------------------- a value for a list
#
# The first five are the examples of ee.Reducer.count in the API documentation, and the first of minMax is its example;
# the others follow from the descriptions in Earth Engine's list of algorithms.

VALUES: list[tuple[str, list[Any], Any]] = [
    ("count", [], 0),
    ("count", [0], 1),
    ("count", [-1], 1),
    ("count", [1, None, 3], 2),
    ("count", [1, "", 3], 3),
    ("minMax", [1, 2, 3, 4], {"max": 4, "min": 1}),
    ("countEvery", [1, None, 3], 3),
    ("countDistinct", [1, 1.0, "1", None, None, [1], [1]], 4),
    ("countDistinctNonNull", [1, 1.0, "1", None, None], 2),
    ("countRuns", [1, 1, None, 1, 2, 2, 1], 3),
    ("sum", [1, 2, 3.5], 6.5),
    ("sum", [2**53, 1], 2**53 + 1),
    ("product", [2, 3, 4], 24),
    ("mean", [1, 2, 6], 3),
    ("median", [3, 1, 2], 2),
    ("median", [4, 1, 3, 2], 2.5),  # the mean of the middle two: PyramidingPolicy MEDIAN in the REST reference
    ("mode", [3, 1, 3, 1, 2], 1),  # the smallest of several: the example of ee.ImageCollection.mode
    ("variance", [1, 2, 3, 4], 1.25),
    ("stdDev", [1, 3], 1),
    ("sampleVariance", [1, 2, 3, 4], 5 / 3),
    ("sampleStdDev", [1, 3], math.sqrt(2)),
    ("min", [3, 1, 2], 1),
    ("max", [3, 1, 2], 3),
    ("first", [None, 2], None),
    ("firstNonNull", [None, 2, 3], 2),
    ("last", [2, None], None),
    ("lastNonNull", [1, 2, None], 2),
    ("first", ["a", "b"], "a"),
    ("toList", [3, None, "a"], [3, "a"]),
    ("frequencyHistogram", ["b", "a", "b"], {"a": 1, "b": 2}),
    ("frequencyHistogram", [2, 2.0, 1.5], {"1.5": 1, "2": 2}),
    ("allNonZero", [1, 2], 1),
    ("and", [1, 0], 0),
    ("anyNonZero", [0, 0], 0),
    ("or", [0, -1], 1),
    ("bitwiseAnd", [7, 14], 6),
    ("bitwiseOr", [1, 4], 5),
    ("circularMean", [math.pi / 2, math.pi / 2], math.pi / 2),
    ("circularVariance", [1, 1], 0),
    ("circularStddev", [0, 0], 0),
    ("mean", [True, False], 0.5),
]


@pytest.mark.parametrize(("name", "items", "expected"), VALUES)
def test_a_list_is_reduced(name: str, items: list[Any], expected: Any) -> None:
    found = reduced(name, items)
    assert found == (expected if isinstance(expected, (dict, list, str, type(None))) else pytest.approx(expected))


@pytest.mark.parametrize(
    ("items", "expected"),
    [([2, 4, 6, 8], {"offset": 1, "scale": 2}), ([5, 5, 5, 5], {"offset": 5, "scale": 0})],
)
def test_linear_fit(items: list[float], expected: dict[str, float]) -> None:
    """Source: "inputs are expected to be x data followed by y data"; x here is half of 2y - 2."""
    pairs = (
        [[x, expected["scale"] * x + expected["offset"]] for x in items]
        if expected["scale"]
        else [[x, y] for x, y in enumerate(items)]
    )
    assert reduced("linearFit", pairs) == pytest.approx(expected)


def test_percentiles() -> None:
    """Source: "[0, 50, 100] will produce outputs named 'p0', 'p50', and 'p100' with the min, median, and max"."""
    assert reduced("percentile", [5, 1, 3], percentiles=[0, 50, 100]) == {"p0": 1, "p50": 3, "p100": 5}
    assert reduced("percentile", [0, 10], percentiles=[25]) == 2.5
    assert reduced("percentile", [1, 2], percentiles=[0, 100], outputNames=["low", "high"]) == {"low": 1, "high": 2}
    # Public scripts read these names of the percentiles 2.5 and 97.5.
    assert set(reduced("percentile", [1, 2], percentiles=[2.5, 97.5])) == {"p3", "p98"}


def test_the_extreme_and_what_goes_with_it() -> None:
    """Source: "also outputs the corresponding values of the additional inputs"; public scripts select max1."""
    assert reduced("max", [[1, "a"], [3, "b"], [2, None]], numInputs=2) == {"max": 3, "max1": "b"}
    assert reduced("min", [[None, "x"], [1, None]], numInputs=2) == {"min": 1, "min1": None}


def test_lists_of_tuples() -> None:
    """Source: the description of Reducer.toList, for which inputs are optional and which are not."""
    records = [[1, "a"], [None, "b"], [3, None]]
    assert reduced("toList", records, tupleSize=2) == [[1, "a"]]
    assert reduced("toList", records, tupleSize=2, numOptional=1) == [[1, "a"], [3, None]]
    assert reduced("toList", records, tupleSize=2, numOptional=2) == records
    assert reduced("toList", [1, None], numOptional=1) == [1, None]


@pytest.mark.parametrize("name", ["mean", "median", "mode", "min", "max", "variance", "sampleStdDev", "first", "last"])
def test_of_nothing_there_is_nothing(name: str) -> None:
    assert reduced(name, []) is None


def test_sums_of_nothing() -> None:
    assert (reduced("sum", []), reduced("product", []), reduced("toList", [])) == (0, 1, [])
    assert reduced("sampleVariance", [1]) is None
    assert reduced("linearFit", [[1, 1]]) == {"scale": None, "offset": None}


def _assumed(name: str, items: list[Any], **arguments: Any) -> tuple[str, ...]:
    made = call(
        "Element.set", object=1, key="a", value=call("List.reduce", list=items, reducer=reducer(name, **arguments))
    )
    return evaluate_images(graph(call("ImageCollection.fromImages", images=[made])), sample()).assumptions


def test_assumptions_are_named_when_they_matter() -> None:
    base = set(_assumed("sum", [1]))
    assert set(_assumed("sum", [1, None])) == base | {"reducers-skip-nulls"}
    assert set(_assumed("mean", [])) >= {"reducers-of-nothing"}
    assert set(_assumed("percentile", [1, 2, 3], percentiles=[50])) == base
    assert set(_assumed("percentile", [1, 2, 3], percentiles=[10])) == base | {"percentiles-in-proportion"}
    assert set(_assumed("median", list(range(100)))) == base
    assert set(_assumed("median", list(range(101)))) == base | {"never-from-histogram"}
    assert set(_assumed("median", [1, 2, 3], maxRaw=2)) == base | {"never-from-histogram"}


# ----------------------------------------------------------------------------------------- against plain formulas

_NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)


def _plain(name: str, columns: list[list[Any]], weights: list[Any] | None = None) -> Any:
    context = Context(sample())
    return REDUCERS[name][0].reduce(context, [Column(columns[0], weights), *map(Column, columns[1:])])


@settings(deadline=None)
@given(st.lists(_NUMBERS, min_size=2, max_size=50))
def test_statistics_agree_with_those_of_the_standard_library(numbers: list[float]) -> None:
    near = {"rel": 1e-9, "abs": 1e-6}
    for name, expected in {
        "mean": statistics.fmean(numbers),
        "sum": math.fsum(numbers),
        "variance": statistics.pvariance(numbers),
        "sampleVariance": statistics.variance(numbers),
    }.items():
        assert list(_plain(name, [numbers]).values()) == [pytest.approx(expected, **near)]
    assert reduced("median", numbers) == pytest.approx(statistics.median(numbers), **near)
    quartiles = statistics.quantiles(numbers, n=4, method="inclusive")
    found = reduced("percentile", numbers, percentiles=[25, 50, 75])
    assert [found["p25"], found["p50"], found["p75"]] == pytest.approx(quartiles, **near)


@settings(deadline=None)
@given(st.lists(st.tuples(_NUMBERS, st.integers(0, 20)), min_size=1, max_size=30))
def test_a_whole_weight_is_that_many_repetitions(pairs: list[tuple[float, int]]) -> None:
    values, weights = map(list, zip(*pairs, strict=True))
    repeated = [number for number, weight in pairs for _ in range(weight)]
    for name in ("sum", "mean", "circularMean", "circularVariance"):
        weighted, plain = _plain(name, [values], weights), _plain(name, [repeated])
        if None in plain.values():
            assert None in weighted.values()
        elif name != "circularMean" or _plain("circularVariance", [repeated])["circularVariance"] < 0.999:
            assert list(weighted.values()) == pytest.approx(list(plain.values()), rel=1e-9, abs=1e-6)
    counted = _plain("frequencyHistogram", [values], weights)["histogram"]
    assert {key: count for key, count in counted.items() if count} == _plain("frequencyHistogram", [repeated])[
        "histogram"
    ]


@settings(deadline=None)
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=30, unique=True), _NUMBERS, _NUMBERS)
def test_points_on_a_line_give_the_line(xs: list[int], scale: float, offset: float) -> None:
    fit = _plain("linearFit", [xs, [scale * x + offset for x in xs]])
    assert fit["scale"] == pytest.approx(scale, rel=1e-6, abs=1e-5)
    assert fit["offset"] == pytest.approx(offset, rel=1e-6, abs=1e-3)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([0.0, 1.5, -2.0, math.inf, -math.inf, math.nan, 1.7e308, -1.7e308, 2**62, None]), max_size=6
    )
)
def test_no_numbers_are_too_strange(numbers: list[float | None]) -> None:
    for name, (simple, _) in REDUCERS.items():
        if name in ("bitwiseAnd", "bitwiseOr") or simple.inputs > 1 or name in ("skew", "kurtosis"):
            continue
        assert _plain(name, [numbers])


# --------------------------------------------------------------------------------------------- reducers of reducers


def test_combine() -> None:
    """Source: its description, for prefix and inputs."""
    both = reducer("combine", reducer1=reducer("mean"), reducer2=reducer("minMax"), sharedInputs=True)
    assert value(call("List.reduce", list=[1, 5], reducer=both)) == {"mean": 3, "min": 1, "max": 5}
    apart = reducer("combine", reducer1=reducer("mean"), reducer2=reducer("mean"), outputPrefix="other_")
    assert value(call("List.reduce", list=[[1, 10], [3, 30]], reducer=apart)) == {"mean": 2, "other_mean": 20}
    uneven = reducer("combine", reducer1=reducer("mean"), reducer2=reducer("linearFit"), sharedInputs=True)
    assert "must have the same number" in refusal(uneven).message
    assert (
        "'mean': give one a prefix"
        in refusal(reducer("combine", reducer1=reducer("mean"), reducer2=reducer("mean"), sharedInputs=True)).message
    )


def test_repeat_and_for_each() -> None:
    """Source: their descriptions, and guides/reducers_grouping for repeat."""
    twice = reducer("repeat", reducer=reducer("minMax"), count=2)
    assert value(call("List.reduce", list=[[1, 10], [3, 30]], reducer=twice)) == {"min": [1, 10], "max": [3, 30]}
    named = reducer("forEach", reducer=reducer("sum"), outputNames=["a", "b"])
    assert value(call("List.reduce", list=[[1, 10], [3, 30]], reducer=named)) == {"a": 4, "b": 40}
    several = reducer("forEach", reducer=reducer("minMax"), outputNames=["a", "b"])
    assert value(reducer("getOutputs", reducer=several)) == ["a_min", "a_max", "b_min", "b_max"]
    bands = reducer("forEachBand", reducer=reducer("sum"), image=call("Image.constant", value=[1, 2]))
    assert value(reducer("getOutputs", reducer=bands)) == ["constant", "constant_1"]


def test_outputs_are_renamed_and_dropped() -> None:
    some = reducer("setOutputs", reducer=reducer("minMax"), outputs=["", "most"])
    assert value(reducer("getOutputs", reducer=some)) == ["most"]
    assert value(call("List.reduce", list=[1, 2], reducer=some)) == 2
    assert (
        "has 2 output(s), but 1 name(s)"
        in refusal(reducer("setOutputs", reducer=reducer("minMax"), outputs=["a"])).message
    )


def _table(*rows: dict[str, Any]) -> dict[str, Any]:
    return call("Collection", features=[call("Feature", metadata=dictionary(**row)) for row in rows])


def _columns(collection: Any, made: Any, *selectors: str, **arguments: Any) -> Any:
    return call("Collection.reduceColumns", collection=collection, reducer=made, selectors=list(selectors), **arguments)


_BLOCKS = _table(
    {"state": "b", "people": 1, "houses": 10},
    {"state": "a", "people": 2, "houses": 20},
    {"state": "b", "people": 3, "houses": 30},
    {"people": 4, "houses": 40},
)


def test_groups() -> None:
    """Source: the example of guides/reducers_grouping, with another table."""
    made = reducer("repeat", reducer=reducer("sum"), count=2)
    made = reducer("group", reducer=made, groupField=2, groupName="state-code")
    assert value(_columns(_BLOCKS, made, "people", "houses", "state")) == {
        "groups": [{"state-code": "a", "sum": [2, 20]}, {"state-code": "b", "sum": [4, 40]}]
    }
    first = reducer("group", reducer=reducer("count"))
    assert value(_columns(_BLOCKS, first, "state", "people"))["groups"] == [
        {"group": "a", "count": 1},
        {"group": "b", "count": 2},
    ]
    assert "'groupField' must be from 0 to 1" in refusal(reducer("group", reducer=reducer("sum"), groupField=2)).message


_TOY = _table({"foo": 1, "weight": 1}, {"foo": 2, "weight": 2}, {"foo": 3, "weight": 3})


def test_weights() -> None:
    """Source: the weighted example of guides/reducers_reduce_columns: (1 + 4 + 9) / 6."""
    assert value(_columns(_TOY, reducer("mean"), "foo", weightSelectors=["weight"])) == {"mean": pytest.approx(14 / 6)}
    assert value(_columns(_TOY, reducer("mean"), "foo")) == {"mean": 2}
    split = reducer("splitWeights", reducer=reducer("mean"))
    assert value(_columns(_TOY, split, "foo", "weight")) == {"mean": pytest.approx(14 / 6)}
    plain = reducer("unweighted", reducer=reducer("mean"))
    assert value(_columns(_TOY, plain, "foo")) == {"mean": 2}
    assert "has 0 weighted input(s), but 1" in refusal(_columns(_TOY, plain, "foo", weightSelectors=["weight"])).message
    assert (
        "has 0 weighted input(s), but 1"
        in refusal(_columns(_TOY, reducer("max"), "foo", weightSelectors=["weight"])).message
    )


def test_weights_reach_the_reducers_within() -> None:
    two = reducer("combine", reducer1=reducer("count"), reducer2=reducer("sum"))
    assert value(_columns(_TOY, two, "foo", "foo", weightSelectors=["weight"])) == {"count": 3, "sum": 14}
    grouped = reducer("group", reducer=reducer("sum"), groupField=0)
    assert value(_columns(_TOY, grouped, "weight", "foo", weightSelectors=["weight"]))["groups"] == [
        {"group": number, "sum": number * number} for number in (1, 2, 3)
    ]


def test_columns_of_images() -> None:
    """Source: guides/ic_info: a range of dates by minMax of system:time_start."""
    found = value(_columns(load(), reducer("minMax"), "system:time_start"))
    records = sample().collection(L8) or ()
    times = [record.get("system:time_start") for record in records]
    assert found == {"min": min(times), "max": max(times)}  # type: ignore[type-var]
    assert value(_columns(load(), reducer("count"), ".geo")) == {"count": len(records)}


# ----------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("graph_of", "message"),
    [
        (lambda: call("List.reduce", list=["a"], reducer=reducer("sum")), "not a value of type String"),
        (lambda: call("List.reduce", list=[[1]], reducer=reducer("mean")), "not a value of type List"),
        (lambda: call("List.reduce", list=[[1]], reducer=reducer("linearFit")), "a list of the reducer's 2 inputs"),
        (lambda: call("List.reduce", list=[1], reducer=reducer("linearFit")), "a list of the reducer's 2 inputs"),
        (lambda: call("List.reduce", list=[1], reducer=5), "Expected type: Reducer. Actual type: Integer"),
        (lambda: call("List.reduce", list=[[1]], reducer=reducer("frequencyHistogram")), "counts numbers and strings"),
        (lambda: call("List.reduce", list=[1, 2], reducer=reducer("skew")), "known for images only"),
        (lambda: call("List.reduce", list=[1e309], reducer=reducer("bitwiseAnd")), "Bits of infinity"),
        (lambda: _columns(_TOY, reducer("mean"), "foo", "weight"), "has 1 input(s), but 2 selector(s)"),
        (lambda: _columns(_TOY, reducer("linearFit"), "foo"), "has 2 input(s), but 1 selector(s)"),
        (lambda: reducer("percentile", percentiles=[101]), "numbers from 0 to 100"),
        (lambda: reducer("percentile", percentiles=[]), "numbers from 0 to 100"),
        (lambda: reducer("percentile", percentiles=[1, 1]), "Two outputs of the reducer are called 'p1'"),
        (lambda: reducer("percentile", percentiles=[1], outputNames=["a", "b"]), "has 1 output(s), but 2 name(s)"),
        (lambda: reducer("min", numInputs=0), "'numInputs' must be positive"),
        (lambda: reducer("toList", tupleSize=0), "'tupleSize' must be positive"),
        (lambda: reducer("toList", tupleSize=2, numOptional=3), "'numOptional' must be from 0 to 2"),
        (lambda: reducer("linearRegression", numX=0), "must be positive"),
        (lambda: reducer("kendallsCorrelation", numInputs=3), "must be 1 or 2"),
        (lambda: reducer("fixedHistogram", min=1, max=1, steps=1), "needs min < max"),
        (lambda: reducer("repeat", reducer=reducer("sum"), count=0), "at least one copy"),
        (lambda: reducer("repeat", reducer=reducer("sum"), count=10**9), "too large"),
        (lambda: reducer("min", numInputs=10**9), "too large"),
        (lambda: reducer("splitWeights", reducer=reducer("linearRegression", numX=10**9)), "too large"),
        (
            lambda: _columns(_table({"g": [1]}), reducer("group", reducer=reducer("count")), "g", "g"),
            "must be numbers or",
        ),
    ],
)
def test_refused(graph_of: Any, message: str) -> None:
    assert message in refusal(graph_of()).message


def test_a_reducer_doubled_many_times_is_refused() -> None:
    values: dict[str, Any] = {"r0": reducer("sum")}
    for level in range(60):
        one = {"valueReference": f"r{level}"}
        values[f"r{level + 1}"] = reducer("combine", reducer1=one, reducer2=one, outputPrefix=f"x{level}_")
    assert "too large" in refusal({"valueReference": "r60"}, **values).message
    repeated: dict[str, Any] = {"r0": reducer("sum")}
    for level in range(60):
        repeated[f"r{level + 1}"] = reducer("repeat", reducer={"valueReference": f"r{level}"}, count=2)
    assert "too large" in refusal({"valueReference": "r60"}, **repeated).message


def test_reducers_within_one_another_have_an_end() -> None:
    values: dict[str, Any] = {"r0": reducer("sum")}
    for level in range(100):
        values[f"r{level + 1}"] = reducer("unweighted", reducer={"valueReference": f"r{level}"})
    assert "more than 64 levels deep" in refusal({"valueReference": "r100"}, **values).message
    assert value({"valueReference": "r60"}, **values).depth == 61


def test_every_simple_reducer_is_a_value() -> None:
    for name, (simple, _) in REDUCERS.items():
        assert isinstance(value(reducer(name)), Reducer)
        assert value(reducer("getOutputs", reducer=reducer(name))) == [output.name for output in simple.outputs]
