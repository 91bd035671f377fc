"""Filters: comparisons, nulls, text, calendar, geometry."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import ERA5, L8, MODIS, S2, call, graph, images, indexes, load, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.evaluator import evaluate_images
from eegrpc.emulator.filtering.filter_language import parse_filter
from eegrpc.emulator.values import Feature
from eegrpc.v1alpha import EarthEngineAsset


def _collection(*properties: dict[str, Any]) -> dict[str, Any]:
    features = [call("Element.setMulti", object=call("Image.constant", value=0), properties=row) for row in properties]
    return call("ImageCollection.fromImages", images=features)


def _passing(condition: Any, *properties: dict[str, Any]) -> list[int]:
    """Positions of the rows that pass."""
    found = images(call("Collection.filter", collection=_collection(*properties), filter=condition))
    return [int(index) for index in indexes(found)]


_ROWS: tuple[dict[str, Any], ...] = ({"p": 1}, {"p": 2}, {"p": 3}, {"p": "2"}, {})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("equals", "eq"), [1]),
        (("notEquals", "neq"), [0, 2, 3]),
        (("lessThan", "lt"), [0]),
        (("lessThanOrEquals", "lte"), [0, 1]),
        (("greaterThan", "gt"), [2]),
        (("greaterThanOrEquals", "gte"), [1, 2]),
    ],
)
def test_comparisons_with_a_number(names: tuple[str, ...], expected: list[int]) -> None:
    for name in names:
        assert _passing(call(f"Filter.{name}", leftField="p", rightValue=2), *_ROWS) == expected


def test_negated_comparisons_pass_what_is_missing() -> None:
    # gte of both clients is not(lessThan): plain negation.
    less = call("Filter.lessThan", leftField="p", rightValue=2)
    result = images(call("Collection.filter", collection=_collection(*_ROWS), filter=call("Filter.not", filter=less)))
    assert indexes(result) == ["1", "2", "3", "4"]
    assert "not-passes-missing" in result.assumptions
    assert "mixed-types-never-match" in result.assumptions


def test_comparison_of_two_fields() -> None:
    rows = ({"a": 1, "b": 2}, {"a": 2, "b": 2}, {"a": 3, "b": 2}, {"a": 1}, {})
    assert _passing(call("Filter.lessThan", leftField="a", rightField="b"), *rows) == [0]
    assert _passing(call("Filter.equals", leftField="a", rightField="b"), *rows) == [1, 4]  # both null are equal
    assert _passing(call("Filter.lessThan", leftValue=1, rightField="a"), *rows) == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"leftField": "a"}, "Specify one of 'rightField' and 'rightValue'; got neither."),
        ({"leftField": "a", "leftValue": 1, "rightValue": 1}, "Specify one of 'leftField' and 'leftValue'; got both."),
    ],
)
def test_each_side_needs_one_operand(arguments: dict[str, Any], problem: str) -> None:
    assert refusal(call("Filter.equals", **arguments)).message == f"Filter.equals: {problem}"


def test_dates_compare_with_milliseconds() -> None:
    condition = call(
        "Filter.lessThan", leftField="system:time_start", rightValue=call("Date", value="2022-12-19T00:00:00.001")
    )
    assert indexes(images(call("Collection.filter", collection=load(MODIS), filter=condition))) == [
        "2022_12_03",
        "2022_12_19",
    ]


def test_text_filters() -> None:
    rows = ({"p": "abc"}, {"p": "ABC"}, {"p": "xbcx"}, {"p": 5}, {})
    assert _passing(call("Filter.stringContains", leftField="p", rightValue="bc"), *rows) == [0, 2]
    assert _passing(call("Filter.stringStartsWith", leftField="p", rightValue="ab"), *rows) == [0]
    assert _passing(call("Filter.stringEndsWith", leftField="p", rightValue="C"), *rows) == [1]


def test_list_and_range_and_null_filters() -> None:
    rows = ({"p": 1}, {"p": "1"}, {"p": [1, 2]}, {"p": 2.5}, {})
    assert _passing(call("Filter.listContains", leftValue=[1, 5], rightField="p"), *rows) == [0]
    assert _passing(call("Filter.listContains", leftField="p", rightValue=2), *rows) == [2]
    assert _passing(call("Filter.rangeContains", field="p", minValue=1, maxValue=2.5), *rows) == [0, 3]
    assert _passing(call("Filter.notNull", properties=["p"]), *rows) == [0, 1, 2, 3]


def test_boolean_filters() -> None:
    always, never = call("Filter.always"), call("Filter.never")
    assert _passing(call("Filter.and", filters=[always, never]), {}) == []
    assert _passing(call("Filter.or", filters=[never, always]), {}) == [0]
    assert _passing(call("Filter.and", filters=[]), {}) == [0]
    assert _passing(call("Filter.or", filters=["p == 1", "p == 2"]), *_ROWS) == [0, 1]


def test_date_ranges_are_half_open() -> None:
    def found(start: str, end: str) -> list[str]:
        condition = call(
            "Filter.dateRangeContains",
            leftValue=call("DateRange", start=start, end=end),
            rightField="system:time_start",
        )
        return indexes(images(call("Collection.filter", collection=load(MODIS), filter=condition)))

    assert found("2023-01-01", "2023-01-17") == ["2023_01_01"]
    assert found("2023-01-01", "2023-01-17T00:00:00.001") == ["2023_01_01", "2023_01_17"]
    with pytest.raises(Exception, match="Empty date ranges not supported for the current operation"):
        found("2023-01-01", "2023-01-01")


def test_images_without_time_pass_no_date_filter() -> None:
    assert _passing(call("Filter.calendarRange", start=1, field="month"), {}) == []


@pytest.mark.parametrize(
    ("field", "start", "end", "expected"),
    [
        ("year", 2024, None, ["20240228", "20240229", "20240301"]),
        ("day_of_month", 1, 6, ["20230301", "20230302", "20230303", "20230304", "20230305", "20230306", "20240301"]),
        ("day_of_month", 29, 31, ["20230331", "20240229"]),
        ("day_of_year", 60, 60, ["20230301", "20240229"]),
        ("day_of_week", 7, 7, ["20230226", "20230305"]),  # Sundays
        ("hour", 1, 23, []),
        ("month", 12, 2, ["20230225", "20230226", "20230227", "20230228", "20240228", "20240229"]),
    ],
)  # fmt: skip
def test_calendar_ranges(field: str, start: int, end: int | None, expected: list[str]) -> None:
    condition = call("Filter.calendarRange", start=start, end=end, field=field)
    assert indexes(images(call("Collection.filter", collection=load(ERA5), filter=condition))) == expected


def test_calendar_fields_are_checked() -> None:
    assert "Invalid field 'week'" in refusal(call("Filter.calendarRange", start=1, field="week")).message


# ----------------------------------------------------------------------------------------------------- filter strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p < 2", [0]),
        ("p<=2", [0, 1]),
        ("p > 2", [2]),
        ("p >= 2", [1, 2]),
        ("p == 2", [1]),
        ("p == '2'", [3]),
        ('p == "2"', [3]),
        ("p != 2", [0, 2, 3]),
        ("2 < p", [2]),
        ("p == 1 || p == 3", [0, 2]),
        ("p == 1 or p == 3 and p == 2", [0]),  # 'and' binds stronger
        ("(p == 1 or p == 3) and p > 2", [2]),
        ("not p == 1", [1, 2, 3, 4]),
        ("!(p == 1) && p < 3", [1]),
        ("NOT p == 1 AND p < 3", [1]),
        ("p > -1.5e0 and p < +2.5", [0, 1]),
        ("not_this == 1", []),
        ("p == p", [0, 1, 2, 3, 4]),
        (r"'it\'s' == 'it\'s'", [0, 1, 2, 3, 4]),
    ],
)
def test_filter_strings(text: str, expected: list[int]) -> None:
    assert _passing(text, *_ROWS) == expected
    assert _passing(call("Filter.expression", expression=text), *_ROWS) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a property, a number or a string, found the end at column 1"),
        ("p <", "found the end at column 4"),
        ("p = 1", "unexpected '=' at column 3"),
        ("p < 1 q", "expected 'and', 'or' or the end, found 'q' at column 7"),
        ("(p < 1", "expected ')', found the end at column 7"),
        ("p < 1)", "found ')' at column 6"),
        ("p 1", "expected one of < <= > >= == != in, found '1' at column 3"),
        ("p in (1, 2", "expected ',' or ')', found the end at column 11"),
        ("p in (1 2)", "expected ',' or ')', found '2' at column 9"),
        ("p in (1, q)", "expected a number or a string, found 'q' at column 10"),
        ("p in (1]", "expected ',' or ')', found ']' at column 8"),
        ("p in", "expected a property, a number or a string, found the end at column 5"),
        ("p < 'open", "unexpected ''' at column 5"),
        ("p < 1a", "unexpected '1' at column 5"),
        ("and", "found '&&' at column 1"),
        ("(" * 100 + "p < 1" + ")" * 100, "more than 50 levels"),
        ("!" * 100 + "p < 1", "more than 50 levels"),
    ],
)
def test_filter_strings_that_are_wrong(text: str, problem: str) -> None:
    error = refusal(call("Collection.filter", collection=load(), filter=text))
    assert error.message.startswith("Collection.filter: Cannot parse filter")
    assert problem in error.message
    assert not error.unsupported


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p in (1, 3)", [0, 2]),
        ("p IN ['2', 1]", [0, 3]),
        ("not p in (1, 3) and p in (2)", [1]),
        ("p in ()", []),
        ("1 in many", [1]),
        ("p in many", [1]),
    ],
)
def test_the_operator_in(text: str, expected: list[int]) -> None:
    rows = ({"p": 1}, {"p": 2, "many": [1, 2]}, {"p": 3}, {"p": "2"}, {})
    assert _passing(text, *rows) == expected
    found = images(call("Collection.filter", collection=_collection(*rows), filter=text))
    assert "filter-string-in" in found.assumptions


_OPERATORS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@st.composite
def _filters(draw: st.DrawFn, depth: int = 3) -> tuple[str, Any]:
    """A filter string, and a Python function that gives the same answers."""
    kind = draw(st.sampled_from(["compare", "not", "and", "or"])) if depth else "compare"
    if kind == "compare":
        operator, number = draw(st.sampled_from(sorted(_OPERATORS))), draw(st.integers(-3, 3))
        return f"p {operator} {number}", lambda p: _OPERATORS[operator](p, number)
    text, test = draw(_filters(depth=depth - 1))
    if kind == "not":
        return f"not ({text})", lambda p: not test(p)
    other_text, other = draw(_filters(depth=depth - 1))
    if kind == "and":
        return f"({text}) and ({other_text})", lambda p: test(p) and other(p)
    return f"({text}) || ({other_text})", lambda p: test(p) or other(p)


@settings(deadline=None)
@given(_filters(), st.integers(-4, 4))
def test_filter_strings_mean_what_they_say(case: tuple[str, Any], number: int) -> None:
    text, test = case
    element = Feature(None, {"p": number})
    assert parse_filter(text).passes(Context(Catalog()), element, element) is test(number)


@settings(deadline=None)
@given(st.text(alphabet="p1<>=!&|() '\"andort.", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_filter(text)
    except AlgorithmError as error:
        assert "column" in error.message  # noqa: PT017 - either outcome is right


# ----------------------------------------------------------------------------------------------------------- geometry


def _found(collection: str, geometry: Any, selector: str = ".all") -> int:
    condition = call("Filter.intersects", leftField=selector, rightValue=geometry)
    return len(images(call("Collection.filter", collection=load(collection), filter=condition)))


def _point(x: float, y: float) -> dict[str, Any]:
    return call("GeometryConstructors.Point", coordinates=[x, y])


def test_the_right_side_may_be_a_geometry_a_feature_an_image_or_a_collection() -> None:
    point = _point(-121.82, 37.4)
    feature = call("Feature", geometry=point)
    geojson = {"constantValue": {"type": "Point", "coordinates": [-121.82, 37.4]}}
    for geometry in (point, feature, call("Collection", features=[feature]), geojson):
        for selector in (".all", ".geo"):
            assert _found(S2, geometry, selector) == 12
    scene = call("Image.load", id=f"{L8}/LC08_004065_20230809")
    assert _found(L8, scene) == 1
    assert "must be a Geometry" in refusal(call("Filter.intersects", leftField=".all", rightValue="here")).message


def _geometry_rows(*geometries: Any) -> dict[str, Any]:
    return call("Collection", features=[call("Feature", geometry=geometry) for geometry in geometries])


def _box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return call("GeometryConstructors.BBox", west=west, south=south, east=east, north=north)


_PLACES = _geometry_rows(_box(0, 0, 10, 10), _box(2, 2, 3, 3), _box(9, 9, 11, 11), _box(20, 20, 21, 21), None)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("intersects", {}, [0, 1, 2]),
        ("disjoint", {}, [3]),
        ("contains", {}, [0]),
        ("isContained", {}, [0, 1]),
        # From (10, 10) to (20, 20) it is about 1,546 km.
        ("withinDistance", {"distance": 1_560_000}, [0, 1, 2, 3]),
        ("withinDistance", {"distance": 1_530_000}, [0, 1, 2]),
        ("withinDistance", {"distance": 0}, [0, 1, 2]),
    ],
)
def test_relations_of_geometries(name: str, arguments: dict[str, Any], expected: list[int]) -> None:
    # Source: the descriptions of the filters; a missing geometry passes none of them.
    condition = call(f"Filter.{name}", leftField=".geo", rightValue=_box(0, 0, 10, 10), **arguments)
    found = value(call("Collection.filter", collection=_PLACES, filter=condition))
    assert [int(element.index) for element in found] == expected


def test_areas() -> None:
    # A cell of a degree at the equator has 12,308.5 square kilometers.
    def found(**arguments: Any) -> list[str | None]:
        places = _geometry_rows(_box(0, 0, 1, 1), _box(0, 60, 1, 61), _point(0, 0), None)
        kept = value(call("Collection.filter", collection=places, filter=call("Filter.area", **arguments)))
        return [element.index for element in kept]

    assert found(min=1.2308e10, max=1.2309e10) == ["0"]
    assert found(min=0, max=1e12, geometrySelector=".geo") == ["0", "1", "2"]
    assert found(min=1, max=1e12, geometrySelector="elsewhere") == []


def test_differences_between_numbers_and_times() -> None:
    rows = ({"p": 1}, {"p": 2.5}, {"p": 4}, {"p": "2"}, {"p": True}, {})
    assert _passing(call("Filter.maxDifference", difference=1.5, leftField="p", rightValue=2.5), *rows) == [0, 1, 2]
    assert _passing(call("Filter.maxDifference", difference=0, leftValue=4, rightField="p"), *rows) == [2]
    near = call(
        "Filter.maxDifference",
        difference=86_400_000,
        leftField="system:time_start",
        rightValue=call("Date", value="2023-01-02"),
    )
    assert indexes(images(call("Collection.filter", collection=load(MODIS), filter=near))) == ["2023_01_01"]


def test_has_geometry() -> None:
    found = value(call("Collection.filter", collection=_PLACES, filter=call("Filter.hasGeometry")))
    assert [element.index for element in found] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("Number", [0, 1]),
        ("Integer", [0]),
        ("Float", [1]),
        ("String", [2]),
        ("List", [3]),
        ("Object", [0, 1, 2, 3]),
        ("Image", []),
        ("", []),
    ],
)
def test_types_of_properties(wanted: str, expected: list[int]) -> None:
    rows = ({"p": 1}, {"p": 1.5}, {"p": "1"}, {"p": [1]}, {})
    assert _passing(call("Filter.hasType", leftField="p", rightValue=wanted), *rows) == expected


@pytest.mark.parametrize(("wanted", "passes"), [("Image", True), ("Element", True), ("Feature", False)])
def test_the_type_of_an_element(wanted: str, passes: bool) -> None:
    condition = call("Filter.hasType", leftField=".all", rightValue=wanted)
    found = images(call("Collection.filter", collection=load(), filter=condition))
    assert len(found) == len(images(load())) * passes


def test_sides_may_be_swapped() -> None:
    condition = call("Filter.intersects", leftValue=_point(-72.7, -2.3), rightField=".geo")
    assert len(images(call("Collection.filter", collection=load(S2), filter=condition))) == 4


@pytest.mark.parametrize("place", [(0, 0), (179.99, 10), (-180, 0), (180, 0), (12, 90), (370, 5)])
def test_global_footprints_are_everywhere(place: tuple[float, float]) -> None:
    assert _found(MODIS, _point(*place)) == 14
    assert _found(ERA5, _point(*place)) == 14  # without bounds


def test_an_empty_geometry_is_nowhere() -> None:
    assert _found(ERA5, call("Collection", features=[])) == 0
    assert _found(S2, call("Collection", features=[call("Feature")])) == 0


@pytest.mark.parametrize("time", [float("nan"), float("inf"), float("-inf")])
def test_a_time_that_is_no_number_passes_no_date_filter(time: float) -> None:
    """Messages can hold such numbers, and they are no milliseconds."""
    asset = EarthEngineAsset(type=EarthEngineAsset.IMAGE, id="A/1")
    asset.properties["system:time_start"] = time
    days = call("DateRange", start="2023-01-01", end="2024-01-01")
    test = call("Filter.dateRangeContains", leftValue=days, rightField="system:time_start")
    found = evaluate_images(graph(call("Collection.filter", collection=load("A"), filter=test)), Catalog([asset]))
    assert (len(found), found.assumptions) == (0, ("date-without-time-never-matches",))
