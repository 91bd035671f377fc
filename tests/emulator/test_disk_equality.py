"""A prepared catalog answers as the one in memory: images, order, bytes, assumptions and errors, whatever the graph."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from emulator_graphs import DATA, arg, call, expressions, function, graph, load, ref
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import AnyCatalog, Catalog
from eegrpc.emulator.disk import StoredCatalog
from eegrpc.emulator.disk.table import Table
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation import evaluator
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate_images
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.values import Collection
from eegrpc.v1alpha import EarthEngineAsset, Expression

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED = ("a", "b", "system:index")  # there are c and d as well, without an index
NAMES = ("a", "b", "c", "d", "system:index", "system:time_start", "system:asset_size", "absent")


# ------------------------------------------------------------------------------------------------------------ catalogs

numbers = st.sampled_from([0, 1, 2, 3, -1, 2.5, 2**53, 1e300])
texts = st.sampled_from(["", "a", "ab", "B", "é", "a\0b"])
odd = st.sampled_from([True, False, math.nan, math.inf, [1, "a"], {"x": 1}, None])
values = st.one_of(numbers, numbers, texts, odd) | numbers
YEAR_2023 = 1_672_531_200


def polygon(west: float, south: float, width: float = 1.5) -> dict[str, Any]:
    north, east = min(south + 1.5, 90), west + width
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


UNBOUNDED = [[["-Infinity", -90], ["Infinity", -90], ["Infinity", 90], ["-Infinity", 90], ["-Infinity", -90]]]
geometries = st.one_of(
    st.builds(polygon, st.integers(-5, 5), st.integers(-5, 5)),
    st.builds(polygon, st.sampled_from([-180, -30, 150, 178, 179]), st.sampled_from([-89, -60, 60, 75, 88])),
    st.sampled_from(
        [
            polygon(-40, 60, 80),  # bulges to the north by degrees
            polygon(-180, -90, 360),
            {"type": "Point", "coordinates": [1, 1]},
            {"type": "MultiPoint", "coordinates": [[1, 1], [179, 1]]},
            {"type": "Polygon", "coordinates": []},
            {"type": "Polygon", "coordinates": UNBOUNDED},
            {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [3, 3]}]},
            {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]},  # crosses itself
            {"type": "Polygon", "coordinates": [[[0, 95], [1, 0], [0, 1]]]},  # no latitude
            {"type": "Nonsense"},
        ]
    ),
)


@st.composite
def assets(draw: st.DrawFn) -> EarthEngineAsset:
    asset = EarthEngineAsset(type=EarthEngineAsset.IMAGE, id=f"{draw(st.sampled_from('AAAB'))}/{draw(indexes)}")
    if draw(st.booleans()):
        asset.name = f"projects/p/assets/{asset.id}"
    properties = draw(st.dictionaries(st.sampled_from(["a", "a", "b", "c", "d"]), values, max_size=4))
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(["system:index", "system:time_start", "system:footprint"]))
        properties[name] = draw(values)
    asset.properties.update(properties)
    if draw(st.integers(0, 4)):
        asset.start_time.seconds = YEAR_2023 + 3600 * draw(st.integers(-3, 3))
    elif draw(st.integers(0, 4)) == 0:
        asset.start_time.seconds = 10**12  # beyond the year 9999
    if draw(st.integers(0, 4)):
        asset.geometry.update(draw(geometries))
    asset.size_bytes = draw(st.integers(0, 2))
    return asset


indexes = st.text("abcXé", min_size=1, max_size=3)
catalogs = st.lists(assets(), max_size=14, unique_by=lambda asset: asset.id)

# -------------------------------------------------------------------------------------------------------------- graphs

names = st.sampled_from(NAMES)
constants = st.one_of(
    numbers,
    texts,
    st.sampled_from([True, 2**70, [1, 2], ["a"], [1, "a"], [2.5, 1], [], {"x": 1}]),
)
OPERATORS = (
    *("equals", "notEquals", "lessThan", "lessThanOrEquals", "greaterThan", "greaterThanOrEquals"),
    *("stringContains", "stringStartsWith", "stringEndsWith", "listContains"),
)


def _date(hour: int) -> dict[str, Any]:
    return call("Date", value=1000 * (YEAR_2023 + 3600 * hour))


simple_filters = st.one_of(
    st.builds(
        lambda op, name, v: call(f"Filter.{op}", leftField=name, rightValue=v),
        st.sampled_from(OPERATORS),
        names,
        constants,
    ),
    st.builds(
        lambda op, name, v: call(f"Filter.{op}", rightField=name, leftValue=v),
        st.sampled_from(OPERATORS),
        names,
        constants,
    ),
    st.builds(
        lambda start, length, name: call(
            "Filter.dateRangeContains",
            leftValue=call("DateRange", start=_date(start), end=_date(start + length)),
            rightField=name,
        ),
        st.integers(-4, 4),
        st.integers(1, 4),
        st.sampled_from(["system:time_start", "a", "absent"]),
    ),
    st.builds(
        lambda west, south, size, field: call(
            "Filter.intersects",
            leftField=field,
            rightValue=call("GeometryConstructors.Rectangle", coordinates=[west, south, west + size, south + size]),
        ),
        st.sampled_from([-180, -5, -3, 0, 3, 179, 178.5]),
        st.integers(-6, 84),
        st.sampled_from([0.5, 2, 5]),
        st.sampled_from([".all", ".all", ".geo"]),
    ),
    st.builds(
        lambda latitude, longitude: call(
            "Filter.intersects",
            leftField=".all",
            rightValue=call("GeometryConstructors.Point", coordinates=[longitude, latitude]),
        ),
        st.sampled_from([0, 1, 64.5, 66, 70, 75]),
        st.sampled_from([0, 1, 180, -180]),
    ),
    st.builds(
        lambda name, low, high: call("Filter.rangeContains", field=name, minValue=low, maxValue=high),
        names,
        constants,
        constants,
    ),
    st.builds(lambda chosen: call("Filter.notNull", properties=chosen), st.lists(names, max_size=2)),
    st.builds(lambda start: call("Filter.calendarRange", start=start, end=start + 3, field="hour"), st.integers(0, 23)),
)
filters = st.recursive(
    simple_filters,
    lambda inner: st.one_of(
        st.builds(
            lambda parts: call("Filter.and", filters={"arrayValue": {"values": parts}}), st.lists(inner, max_size=3)
        ),
        st.builds(
            lambda parts: call("Filter.or", filters={"arrayValue": {"values": parts}}), st.lists(inner, max_size=2)
        ),
        st.builds(lambda part: call("Filter.not", filter=part), inner),
    ),
    max_leaves=4,
)
Step = Any  # from the graph of a collection to that of another
steps = st.one_of(
    st.builds(lambda test: lambda c: call("Collection.filter", collection=c, filter=test), filters),
    st.builds(lambda test: lambda c: call("Collection.filter", collection=c, filter=test), simple_filters),
    st.builds(lambda n: lambda c: call("Collection.limit", collection=c, limit=n), st.integers(0, 5)),
    st.builds(
        lambda key, up, n: (
            lambda c: call(
                "Collection.limit", collection=c, key=key, ascending=up, **({} if n is None else {"limit": n})
            )
        ),
        names,
        st.booleans(),
        st.none() | st.integers(0, 5),
    ),
    st.builds(lambda name: lambda c: call("Collection.distinct", collection=c, properties=[name]), names),
    st.just(lambda c: call("Collection.map", collection=c, baseAlgorithm=ref("mapped"))),
    st.just(lambda c: call("ImageCollection.merge", collection1=c, collection2=load("B"))),
)
ends = st.sampled_from(
    [
        *[lambda c: c] * 6,
        lambda c: call("Collection.first", collection=c),
        lambda c: call("Collection.size", collection=c),
        lambda c: call("Collection.toList", collection=c, count=2, offset=1),
        lambda c: call("Collection.iterate", collection=c, function=ref("iterated"), first="-"),
    ]
)
VALUES = {
    "mapped": function("body"),
    "body": call("Element.set", object=arg(), key="seen", value=call("Element.get", object=arg(), property="a")),
    "iterated": function("joined", "x", "before"),
    "joined": call("String.cat", string1=arg("before"), string2=call("Image.id", image=arg())),
}


def described(value: object) -> object:
    if isinstance(value, Image):
        return value.to_message().SerializeToString(deterministic=True)
    if isinstance(value, (list, Collection)):
        return [described(item) for item in value]
    return value


def answer(expression: Expression, catalog: AnyCatalog) -> object:
    """All that an answer shows: by pages if it is one of images."""
    try:
        value, context = evaluator._run(expression, catalog, {})
        if not isinstance(value, Collection):
            return described(value), context.assumptions
        result = evaluate_images(expression, catalog)
        pages = [message for start in range(0, len(result), 2) for message in result[start : start + 2]]
        return [message.SerializeToString(deterministic=True) for message in pages], result.assumptions
    except AlgorithmError as error:  # an image whose properties no message can hold
        return error.message
    except EvaluationError as error:
        return error.message, error.segments, error.unsupported, error.function


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    catalog=catalogs,
    graphs=st.lists(st.tuples(st.lists(steps, max_size=4), ends), min_size=1, max_size=4),
    has_boxes=st.booleans(),
    few=st.sampled_from([0, 3, 10_000]),
)
def test_answers_are_those_of_the_catalog_in_memory(
    folder: Path, catalog: list[EarthEngineAsset], graphs: list[Any], has_boxes: bool, few: int
) -> None:
    path = folder / "c.eecat"
    assert Catalog.prepare(catalog, path, properties=STORED) == len(catalog)
    memory, disk = Catalog(catalog), StoredCatalog(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eegrpc.emulator.disk.table._FEW", few)
        if not has_boxes:
            disk._table = Table(disk._connections, disk.properties, has_boxes=False)
        assert dict(disk.collections()) == dict(memory.collections())
        assert len(disk) == len(memory)
        for path_of_steps, end in graphs:
            built = load("A")
            for step in path_of_steps:
                built = step(built)
            expression = graph(end(built), **VALUES)
            assert answer(expression, disk) == answer(expression, memory)
    disk.close()


@pytest.mark.parametrize("name", sorted(expressions()))
def test_the_expressions_of_official_clients(sample_on_disk: StoredCatalog, name: str) -> None:
    memory = Catalog.from_ndjson(DATA / "catalog_sample.ndjson")
    assert answer(expressions()[name], sample_on_disk) == answer(expressions()[name], memory)


@pytest.fixture(scope="module")
def sample_on_disk(folder: Path) -> Iterator[StoredCatalog]:
    path = folder / "sample.eecat"
    Catalog.prepare([DATA / "catalog_sample.ndjson"], path)
    catalog = StoredCatalog(path)
    yield catalog
    catalog.close()
