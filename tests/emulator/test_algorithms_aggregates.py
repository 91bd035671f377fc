"""AggregateFeatureCollection.*: a property of all elements as one value."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from emulator_graphs import L8, S2, call, dictionary, graph, load, refusal, sample, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.evaluation.evaluator import evaluate_images


def _table(*values: Any) -> dict[str, Any]:
    return call("Collection", features=[call("Feature", metadata=dictionary(p=value)) for value in values])


def _aggregated(name: str, *values: Any) -> Any:
    return value(call(f"AggregateFeatureCollection.{name}", collection=_table(*values), property="p"))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("array", [2, 1, "a", None], [2, 1, "a"]),
        ("first", [2, 1], 2),
        ("first", [None, 1], None),
        ("count", [2, None, "a"], 2),
        ("count_distinct", [1, 1.0, "1", None], 2),
        ("histogram", ["b", "a", "b", None], {"a": 1, "b": 2}),
        ("histogram", [1, 1.0, 2.5], {"1": 2, "2.5": 1}),
        ("min", [3, None, 1.5], 1.5),
        ("max", [3, None, 1.5], 3),
        ("min", ["b", "a"], "a"),  # "alphanumeric order": the example of ee.ImageCollection.aggregate_array
        ("max", ["b", "a"], "b"),
        ("sum", [1, 2.5, None], 3.5),
        ("product", [2, 3, None], 6),
        ("mean", [1, 2, 6], 3),
        ("total_var", [1, 2, 3, 4], 1.25),
        ("total_sd", [1, 3], 1),
        ("sample_var", [1, 2, 3, 4], 5 / 3),
        ("sample_sd", [1, 3], math.sqrt(2)),
        # Of nothing.
        ("array", [], []),
        ("first", [], None),
        ("count", [], 0),
        ("count_distinct", [None], 0),
        ("histogram", [], {}),
        ("min", [], None),
        ("mean", [None], None),
        ("sum", [], 0),
        ("product", [], 1),
        ("sample_sd", [1], None),
        ("total_sd", [1], 0),
    ],
)
def test_a_property_is_aggregated(name: str, values: list[Any], expected: Any) -> None:
    found = _aggregated(name, *values)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)


# Keys and figures of the example of ee.FeatureCollection.aggregate_stats in the API documentation: power plants.
_EXAMPLE = {
    "mean": 201.34242424242427,
    "sample_sd": 466.4808892319684,
    "sample_var": 217604.42001864797,
    "sum": 13288.600000000002,
    "sum_sq": 16819846.24,
    "total_sd": 462.9334545609107,
    "total_var": 214307.38335169878,
    "total_count": 66,
    "valid_count": 66,
    "weight_sum": 66,
    "weighted_sum": 13288.600000000002,
    "max": 2910,
    "min": 1.8,
}


def _example_values() -> list[float]:
    """Values with the count, extremes, sum and sum of squares of the example: two extremes, and two clusters."""
    rest = 64
    total = _EXAMPLE["sum"] - 2910 - 1.8
    squares = _EXAMPLE["sum_sq"] - 2910**2 - 1.8**2
    middle = total / rest
    spread = math.sqrt(squares / rest - middle**2)
    return [2910, 1.8, *([middle - spread] * 32), *([middle + spread] * 32)]


def test_stats_are_those_of_the_documented_example() -> None:
    found = _aggregated("stats", *_example_values())
    # The clusters lie below the least plant, so that only the minimum differs.
    assert {**found, "min": 1.8} == pytest.approx(_EXAMPLE, rel=1e-9)
    assert list(found) == sorted(found)


def test_stats_of_nulls() -> None:
    found = _aggregated("stats", None, 2, None)
    assert (found["total_count"], found["valid_count"], found["mean"], found["sample_sd"]) == (3, 1, 2, None)
    nothing = _aggregated("stats")
    assert (nothing["sum"], nothing["max"], nothing["total_var"], nothing["weight_sum"]) == (0, None, None, 0)


@settings(deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_stats_agree_with_the_standard_library(numbers: list[float]) -> None:
    found = _aggregated("stats", *numbers)
    near = {"rel": 1e-9, "abs": 1e-6}
    assert found["sum"] == pytest.approx(math.fsum(numbers), **near)
    assert found["mean"] == pytest.approx(statistics.fmean(numbers), **near)
    assert found["total_var"] == pytest.approx(statistics.pvariance(numbers), **near)
    assert found["sample_var"] == pytest.approx(statistics.variance(numbers), **near)
    assert found["total_sd"] == pytest.approx(statistics.pstdev(numbers), rel=1e-6, abs=1e-3)
    assert (found["min"], found["max"]) == (min(numbers), max(numbers))


def test_virtual_properties_of_images() -> None:
    indexes = value(call("AggregateFeatureCollection.array", collection=load(L8), property="system:index"))
    assert indexes == [record.index for record in sample().collection(L8) or ()]
    tiles = value(call("AggregateFeatureCollection.histogram", collection=load(S2), property="MGRS_TILE"))
    assert tiles == {"10SEG": 9, "10SFG": 3, "18MYC": 4}
    assert len(value(call("AggregateFeatureCollection.array", collection=load(L8), property=".geo"))) == len(indexes)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("mean", ["a"], "not a value of type String"),
        ("stats", [[1]], "not a value of type List"),
        ("max", [1, "a"], "must be all numbers or all strings, but it is: Integer, String"),
        ("min", [[1]], "must be all numbers or all strings, but it is: List"),
        ("histogram", [[1]], "not values of type List"),
    ],
)
def test_what_cannot_be_aggregated_is_refused(name: str, values: list[Any], message: str) -> None:
    aggregate = call(f"AggregateFeatureCollection.{name}", collection=_table(*values), property="p")
    assert message in refusal(aggregate).message


def test_dates_are_ordered_by_time() -> None:
    dates = [call("Date", value=day) for day in ("2020-03-01", "2020-01-01")]
    assert _aggregated("min", *dates).millis < _aggregated("max", *dates).millis


def test_assumptions() -> None:
    def assumed(*values: Any) -> set[str]:
        mean = call("AggregateFeatureCollection.mean", collection=_table(*values), property="p")
        made = call("Element.set", object=1, key="a", value=mean)
        result = evaluate_images(graph(call("ImageCollection.fromImages", images=[made])), sample())
        return set(result.assumptions)

    assert assumed(1, None) - assumed(1) == {"aggregates-skip-nulls"}
    assert assumed() >= {"reducers-of-nothing"}
