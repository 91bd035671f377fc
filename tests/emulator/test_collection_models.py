"""Collections against a model: what filters, orders, limits, merges and joins give is worked out again in plain Python.

The model knows rows of a table and the documented rules, and nothing of the emulator's code. Catalogs have ties, nulls,
missing properties, unicode and values of several types.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from emulator_graphs import call, graph
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate
from eegrpc.v1alpha import EarthEngineAsset


class Row(NamedTuple):
    """An image, as the model sees it."""

    index: str
    properties: dict[str, Any]
    start: int | None

    def get(self, name: str) -> Any:
        if name == "system:index":
            return self.index
        return self.start if name == "system:time_start" else self.properties.get(name)


Rows = list[Row]
Test = Callable[[Row, Row], bool]
DAY = 86_400_000

# ---------------------------------------------------------------------------------------------------------- catalogs

NAMES = ["p", "q", "größe", "名前"]
FIELDS = [*NAMES, "system:index", "system:time_start"]
scalars = st.one_of(
    st.integers(-2, 3),
    st.sampled_from([0.5, 1.5, -2.25]),
    st.sampled_from(["", "a", "ab", "B", "b", "é", "😀b"]),
)
values = st.one_of(scalars, st.none(), st.lists(scalars, max_size=2))
rows = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(NAMES), values), st.one_of(st.none(), st.integers(0, 6))), max_size=7
).map(lambda drawn: [Row(f"i{place}", found, day and day * DAY) for place, (found, day) in enumerate(drawn)])


def catalog_of(**collections: Rows) -> Catalog:
    assets = []
    for name, content in collections.items():
        for row in reversed(content):
            fields: dict[str, Any] = {"type": "IMAGE", "id": f"{name}/{row.index}", "properties": row.properties}
            if row.start is not None:
                fields["startTime"] = f"1970-01-{1 + row.start // DAY:02}T00:00:00Z"
            assets.append(json_format.ParseDict(fields, EarthEngineAsset()))
        assets.append(EarthEngineAsset(type=EarthEngineAsset.IMAGE_COLLECTION, id=name))
    return Catalog(assets)


def loaded(name: str) -> dict[str, Any]:
    return call("ImageCollection.load", id=name)


# ----------------------------------------------------------------------------------------- filters: graphs and a model


class Refused(Exception):  # noqa: N818 - what the model says of what the emulator refuses
    pass


def kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def below(left: Any, right: Any) -> bool:
    return kind(left) == kind(right) and kind(left) in ("number", "str") and left < right


def same(left: Any, right: Any) -> bool:
    return kind(left) == kind(right) and left == right


def holds(name: str, left: Any, right: Any) -> bool:
    """What the descriptions of the filters say; comparisons other than equals are false on a null."""
    if name == "equals":
        return same(left, right)
    if name in ("listContains", "inList"):
        return isinstance(left, list) and right is not None and any(same(item, right) for item in left)
    if left is None or right is None:
        return False
    if name.startswith("string"):
        return isinstance(left, str) and isinstance(right, str) and _TEXT[name](left, right)
    return _ORDER[name](left, right)


_TEXT: dict[str, Callable[[str, str], bool]] = {
    "stringContains": lambda left, right: left.find(right) >= 0,
    "stringStartsWith": lambda left, right: left[: len(right)] == right,
    "stringEndsWith": lambda left, right: right == "" or left[-len(right) :] == right,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "notEquals": lambda left, right: not same(left, right),
    "lessThan": below,
    "greaterThan": lambda left, right: below(right, left),
    "lessThanOrEquals": lambda left, right: (
        below(left, right) or (same(left, right) and kind(left) in ("number", "str"))
    ),
    "greaterThanOrEquals": lambda left, right: holds("lessThanOrEquals", right, left),
}
_SHORT = {"eq": "equals", "neq": "notEquals", "lt": "lessThan", "lte": "lessThanOrEquals", "gt": "greaterThan"}
_SHORT["gte"] = "greaterThanOrEquals"
_BINARY = ["equals", "listContains", "inList", *_TEXT, *_ORDER, *_SHORT]


class Condition(NamedTuple):
    """A filter: its graph, the model of it, and how far a pair is apart if it says so."""

    graph: dict[str, Any]
    passes: Test
    measure: Callable[[Row, Row], float | None] | None = None


class Side(NamedTuple):
    arguments: dict[str, Any]
    of: Callable[[Row], Any]


@st.composite
def sides(draw: st.DrawFn, side: str, joining: bool) -> Side:
    if joining or draw(st.booleans()):
        field = draw(st.sampled_from(FIELDS))
        return Side({f"{side}Field": field}, lambda row: row.get(field))
    value = draw(values.filter(lambda value: value is not None))
    return Side({f"{side}Value": value}, lambda _: value)


@st.composite
def comparisons(draw: st.DrawFn, joining: bool) -> Condition:
    left, right = draw(sides("left", joining)), draw(sides("right", joining))
    name = draw(st.sampled_from(_BINARY))
    return Condition(
        call(f"Filter.{name}", **left.arguments, **right.arguments),
        lambda one, other: holds(_SHORT.get(name, name), left.of(one), right.of(other)),
    )


@st.composite
def differences(draw: st.DrawFn, joining: bool) -> Condition:
    left, right = draw(sides("left", joining)), draw(sides("right", joining))
    limit = draw(st.sampled_from([0, 0.5, 2, DAY, -1]))

    def measure(one: Row, other: Row) -> float | None:
        first, second = left.of(one), right.of(other)
        return abs(first - second) if kind(first) == kind(second) == "number" else None

    def passes(one: Row, other: Row) -> bool:
        found = measure(one, other)
        return found is not None and found <= limit

    return Condition(
        call("Filter.maxDifference", difference=limit, **left.arguments, **right.arguments), passes, measure
    )


@st.composite
def of_one(draw: st.DrawFn) -> Condition:
    """Filters that read a single element: the primary one in a join, or the secondary one if that is on their right."""
    chosen = draw(st.sampled_from(["notNull", "range", "dates", "month day", "always", "never"]))
    if chosen == "notNull":
        names = draw(st.lists(st.sampled_from(FIELDS), max_size=2))
        return Condition(
            call("Filter.notNull", properties=names), lambda row, _: all(row.get(name) is not None for name in names)
        )
    if chosen == "range":
        name, low, high = draw(st.sampled_from(FIELDS)), draw(scalars), draw(scalars)
        return Condition(
            call("Filter.rangeContains", field=name, minValue=low, maxValue=high),
            lambda row, _: (
                holds("lessThanOrEquals", low, row.get(name)) and holds("lessThanOrEquals", row.get(name), high)
            ),
        )
    first, last = sorted(draw(st.lists(st.integers(0, 8), min_size=2, max_size=2, unique=True)))
    if chosen == "dates":
        period = call("DateRange", start=first * DAY, end=last * DAY)
        return Condition(
            call("Filter.dateRangeContains", leftValue=period, rightField="system:time_start"),
            lambda _, row: row.start is not None and first * DAY <= row.start < last * DAY,
        )
    if chosen == "month day":
        wraps = draw(st.booleans())
        start, end = (last, first) if wraps else (first, last)

        def passes(row: Row, _: Row) -> bool:
            day = None if row.start is None else 1 + row.start // DAY
            return day is not None and (day >= start or day <= end if wraps else start <= day <= end)

        return Condition(call("Filter.calendarRange", start=start, end=end, field="day_of_month"), passes)
    return Condition(call(f"Filter.{chosen}"), lambda _one, _other: chosen == "always")


def negated(condition: Condition) -> Condition:
    return Condition(call("Filter.not", filter=condition.graph), lambda one, other: not condition.passes(one, other))


def all_of(parts: list[Condition]) -> Condition:
    return Condition(
        call("Filter.and", filters=[part.graph for part in parts]),
        lambda one, other: all(part.passes(one, other) for part in parts),
        _first_measure(parts),
    )


def any_of(parts: list[Condition]) -> Condition:
    return Condition(
        call("Filter.or", filters=[part.graph for part in parts]),
        lambda one, other: any(part.passes(one, other) for part in parts),
        _first_measure(parts),
    )


def _first_measure(parts: list[Condition]) -> Callable[[Row, Row], float | None] | None:
    """The assumption measure-of-first-part."""
    if all(part.measure is None for part in parts):
        return None

    def measure(one: Row, other: Row) -> float | None:
        for part in parts:
            if part.measure is not None and part.passes(one, other):
                return part.measure(one, other)
        return None

    return measure


@functools.cache
def conditions(*, joining: bool) -> st.SearchStrategy[Condition]:
    simple = st.one_of(comparisons(joining), differences(joining), comparisons(joining), of_one())
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            inner.map(negated), st.lists(inner, max_size=3).map(all_of), st.lists(inner, max_size=3).map(any_of)
        ),
        max_leaves=5,
    )


# ----------------------------------------------------------------------------------------------- collections: the model


def in_order(content: Rows, key: str, ascending: bool) -> Rows:
    """Stable in both directions, what has no value last, numbers before strings."""
    present = [row for row in content if row.get(key) is not None]
    if any(isinstance(row.get(key), list) for row in present):
        raise Refused
    numbers = [row for row in present if kind(row.get(key)) == "number"]
    texts = [row for row in present if kind(row.get(key)) == "str"]
    groups = [sorted(part, key=lambda row: row.get(key), reverse=not ascending) for part in (numbers, texts)]
    missing = [row for row in content if row.get(key) is None]
    return [*groups[not ascending], *groups[ascending], *missing]


def renamed(content: Rows, prefix: str) -> Rows:
    return [row._replace(index=f"{prefix}_{row.index}") for row in content]


def distinct(content: Rows, names: list[str]) -> Rows:
    kept: list[tuple[list[Any], Row]] = []
    for row in content:
        found = [row.get(name) for name in names]
        if not any(all(map(equal, found, other)) for other, _ in kept):
            kept.append((found, row))
    return [row for _, row in kept]


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return same(left, right)


class Step(NamedTuple):
    """Something done to a collection: its graph around another, and the model of it."""

    graph: Callable[[dict[str, Any]], dict[str, Any]]
    rows: Callable[[Rows, Rows], Rows]


def _filtering(condition: Condition) -> Step:
    return Step(
        lambda inner: call("Collection.filter", collection=inner, filter=condition.graph),
        lambda content, _: [row for row in content if condition.passes(row, row)],
    )


def _ordering(drawn: tuple[str, bool, int | None]) -> Step:
    key, ascending, limit = drawn
    return Step(
        lambda inner: call("Collection.limit", collection=inner, limit=limit, key=key, ascending=ascending),
        lambda content, _: in_order(content, key, ascending)[:limit],
    )


def _limiting(limit: int) -> Step:
    return Step(
        lambda inner: call("Collection.limit", collection=inner, limit=limit), lambda content, _: content[:limit]
    )


def _merging(first: bool) -> Step:
    def merged(content: Rows, other: Rows) -> Rows:
        parts = (content, other) if first else (other, content)
        return [*renamed(parts[0], "1"), *renamed(parts[1], "2")]

    def build(inner: dict[str, Any]) -> dict[str, Any]:
        one, two = (inner, loaded("b")) if first else (loaded("b"), inner)
        return call("ImageCollection.merge", collection1=one, collection2=two)

    return Step(build, merged)


def _distinct(names: list[str]) -> Step:
    return Step(
        lambda inner: call("Collection.distinct", collection=inner, properties=names),
        lambda content, _: distinct(content, names),
    )


steps = st.one_of(
    conditions(joining=False).map(_filtering),
    st.tuples(st.sampled_from(FIELDS), st.booleans(), st.one_of(st.none(), st.integers(0, 5))).map(_ordering),
    st.integers(0, 6).map(_limiting),
    st.booleans().map(_merging),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2).map(_distinct),
)


def shown(elements: Any) -> list[str]:
    return [element.index for element in elements]


@settings(deadline=None, max_examples=200)
@given(rows, rows, st.lists(steps, min_size=1, max_size=4))
def test_collections_are_what_the_model_says(content: Rows, other: Rows, taken: list[Step]) -> None:
    built, expected, refused = loaded("a"), content, False
    for step in taken:
        built = step.graph(built)
        if not refused:
            try:
                expected = step.rows(expected, other)
            except Refused:
                refused = True
    catalog = catalog_of(a=content, b=other)
    if refused:
        with pytest.raises(EvaluationError, match="Cannot sort by property"):
            evaluate(graph(built), catalog)
        return
    assert shown(evaluate(graph(built), catalog)) == [row.index for row in expected]
    assert evaluate(graph(call("Collection.size", collection=built)), catalog) == len(expected)
    listed = call("Collection.toList", collection=built, count=2, offset=1)
    assert shown(evaluate(graph(listed), catalog)) == [row.index for row in expected[1:3]]


# ----------------------------------------------------------------------------------------------------- joins: the model


class Pair(NamedTuple):
    """A match of a row: the other row, with the measure among its properties if it is asked for."""

    row: Row
    measure: float | None


def matches(row: Row, others: Rows, condition: Condition, measured: bool) -> list[Pair]:
    found = [other for other in others if condition.passes(row, other)]
    if not measured:
        return [Pair(other, None) for other in found]
    if condition.measure is None:
        raise Refused
    return [Pair(other, condition.measure(row, other)) for other in found]


def described(element: Any, key: str | None) -> tuple[str, Any]:
    return element.index, element.get(key) if key else None


@st.composite
def join_conditions(draw: st.DrawFn) -> Condition:
    """Mostly such as have an index of their own, alone or among others."""
    indexed = st.one_of(
        differences(True),
        comparisons(True),
        st.sampled_from(FIELDS).map(
            lambda field: Condition(
                call("Filter.equals", leftField=field, rightField=field),
                lambda one, other: same(one.get(field), other.get(field)),
            )
        ),
    )
    return draw(st.one_of(indexed, conditions(joining=True), st.lists(indexed, min_size=2, max_size=3).map(all_of)))


def _joined(join: dict[str, Any], condition: Condition) -> dict[str, Any]:
    return call("Join.apply", join=join, primary=loaded("a"), secondary=loaded("b"), condition=condition.graph)


@settings(deadline=None, max_examples=100)
@given(rows, rows, join_conditions())
def test_simple_and_inverted_joins_part_the_primary_collection(
    content: Rows, others: Rows, condition: Condition
) -> None:
    catalog = catalog_of(a=content, b=others)
    matched = [row.index for row in content if matches(row, others, condition, False)]
    assert shown(evaluate(graph(_joined(call("Join.simple"), condition)), catalog)) == matched
    inverted = shown(evaluate(graph(_joined(call("Join.inverted"), condition)), catalog))
    assert inverted == [row.index for row in content if row.index not in matched]


@settings(deadline=None, max_examples=100)
@given(rows, rows, join_conditions(), st.booleans())
def test_inner_joins_give_every_pair(content: Rows, others: Rows, condition: Condition, measured: bool) -> None:
    key = "apart" if measured else None
    built = graph(_joined(call("Join.inner", secondaryKey="名前", measureKey=key), condition))
    catalog = catalog_of(a=content, b=others)
    try:
        expected = [
            (f"{row.index}_{pair.row.index}", row.index, pair.row.index, pair.measure)
            for row in content
            for pair in matches(row, others, condition, measured)
        ]
        if measured and condition.measure is None:
            raise Refused
    except Refused:
        with pytest.raises(EvaluationError, match="no measure"):
            evaluate(built, catalog)
        return
    found: Any = evaluate(built, catalog)
    assert [
        (pair.index, pair.get("primary").index, pair.get("名前").index, pair.get("apart")) for pair in found
    ] == expected


@settings(deadline=None, max_examples=200)
@given(
    rows,
    rows,
    join_conditions(),
    st.sampled_from(["saveAll", "saveFirst", "saveBest"]),
    st.one_of(st.none(), st.sampled_from(FIELDS)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_joins_that_save_matches(
    content: Rows,
    others: Rows,
    condition: Condition,
    name: str,
    ordering: str | None,
    ascending: bool,
    measured: bool,
    outer: bool,
) -> None:
    measured = measured or name == "saveBest"
    key = "apart" if measured else None
    options = {} if name == "saveBest" else {"ordering": ordering, "ascending": ascending}
    named = {"matchesKey": "found"} if name == "saveAll" else {"matchKey": "found"}
    built = graph(_joined(call(f"Join.{name}", **named, **options, measureKey=key, outer=outer), condition))
    catalog = catalog_of(a=content, b=others)
    expected: list[tuple[str, Any]] = []
    try:
        if measured and condition.measure is None:
            raise Refused
        for row in content:
            saved = _saved(name, matches(row, others, condition, measured), ordering, ascending)
            if saved or outer:
                expected.append((row.index, saved))
    except Refused:
        with pytest.raises(EvaluationError, match=r"no measure|Cannot sort"):
            evaluate(built, catalog)
        return
    results: Any = evaluate(built, catalog)
    found = [(element.index, element.get("found")) for element in results]
    assert [(index, _seen(saved, key)) for index, saved in found] == expected
    source = {row.index: row for row in content}
    assert all(element.get(name) == source[element.index].get(name) for element in results for name in NAMES)


def _saved(name: str, pairs: list[Pair], ordering: str | None, ascending: bool) -> Any:
    """What is saved of the matches, each as its index and its measure; None if there is none."""
    if name == "saveBest":
        found = [pair for pair in pairs if pair.measure is not None]
        best = min(found, key=lambda pair: pair.measure or 0, default=None)
        return None if best is None else (best.row.index, best.measure)
    if ordering is not None:
        by_index = {pair.row.index: pair for pair in pairs}
        pairs = [by_index[row.index] for row in in_order([pair.row for pair in pairs], ordering, ascending)]
    seen = [(pair.row.index, pair.measure) for pair in pairs]
    return (seen or None) if name == "saveAll" else next(iter(seen), None)


def _seen(saved: Any, key: str | None) -> Any:
    if isinstance(saved, list):
        return [described(element, key) for element in saved]
    return None if saved is None else described(saved, key)
