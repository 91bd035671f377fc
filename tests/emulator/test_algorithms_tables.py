"""Collections as tables: flattening, union, bounds, random columns, remapping, and tables that are not there."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from emulator_graphs import (
    L8,
    MODIS,
    arg,
    call,
    dictionary,
    function,
    graph,
    images,
    indexes,
    load,
    node,
    ref,
    refusal,
    sample,
    value,
)
from google.protobuf import json_format

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.v1alpha import EarthEngineAsset


def _feature(position: list[float] | None = None, **properties: Any) -> dict[str, Any]:
    geometry = {} if position is None else {"geometry": call("GeometryConstructors.Point", coordinates=position)}
    return call("Feature", **geometry, metadata=dictionary(**properties))


def _collection(*features: dict[str, Any]) -> dict[str, Any]:
    return call("Collection", features=list(features))


def _array(collection: Any, name: str, **values: Any) -> Any:
    return value(call("AggregateFeatureCollection.array", collection=collection, property=name), **values)


# ----------------------------------------------------------------------------------------------------------- flatten


def test_flatten() -> None:
    """Source: its description, and public tables of flattened reductions, whose indexes are `image_feature`."""
    nested = _collection(_collection(_feature(n=1), _feature(n=2)), _collection(), _collection(_feature(n=3)))
    flat = call("Collection.flatten", collection=nested)
    assert _array(flat, "n") == [1, 2, 3]
    assert _array(flat, "system:index") == ["0_0", "0_1", "2_0"]
    assert value(call("Collection.size", collection=call("Collection.flatten", collection=_collection()))) == 0
    error = refusal(call("Collection.flatten", collection=_collection(_feature(n=1))))
    assert "A collection of collections is needed, but element 0 is: Feature" in error.message


def test_flatten_what_a_map_made() -> None:
    """A mapped function may return collections: the example of ee.FeatureCollection.flatten does."""
    values = {
        "around": function("near"),
        "near": call("Collection.limit", collection=load(MODIS), limit=2),
    }
    made = call("Collection.map", collection=load(L8), baseAlgorithm=ref("around"))
    flat = images(call("Collection.flatten", collection=call("Collection.limit", collection=made, limit=1)), **values)
    first = (sample().collection(L8) or ())[0].index
    assert indexes(flat) == [f"{first}_2022_12_03", f"{first}_2022_12_19"]
    # A collection of collections is no answer of computeImages.
    with pytest.raises(EvaluationError, match="element 0 is: ImageCollection"):
        images(made, **values)


def test_a_collection_has_properties_of_its_own() -> None:
    tagged = call("Element.set", object=load(L8), key="tag", value="x")
    assert value(call("Element.get", object=tagged, property="tag")) == "x"
    assert value(call("Element.propertyNames", element=tagged)) == ["tag", "system:id"]
    assert len(images(tagged)) == len(sample().collection(L8) or ())
    gone = call("Element.set", object=tagged, key="tag", value=None)
    assert value(call("Element.propertyNames", element=gone)) == ["system:id"]


# ------------------------------------------------------------------------------------------------- geometries as one


def test_union() -> None:
    """Source: "a single feature with only an ID of 'union_result' and a geometry"."""
    made = call("Collection.union", collection=_collection(_feature([1, 2], n=1), _feature([3, 4]), _feature()))
    assert _array(made, "system:index") == ["union_result"]
    assert value(call("Element.propertyNames", element=call("Collection.first", collection=made))) == ["system:index"]

    def met(x: float, y: float) -> int:
        here = call("Feature", geometry=call("GeometryConstructors.Point", coordinates=[x, y]))
        condition = call("Filter.intersects", leftField=".all", rightValue=here)
        found: int = value(
            call("Collection.size", collection=call("Collection.filter", collection=made, filter=condition))
        )
        return found

    assert (met(1, 2), met(3, 4), met(2, 3)) == (1, 1, 0)


def test_bounds() -> None:
    """Source: "a bounding box around the geometries in a collection"."""
    box = value(call("Collection.bounds", collection=_collection(_feature([1, 5]), _feature([3, -4]), _feature())))
    assert box.type == "Polygon"
    assert {tuple(position) for position in box.coordinates[0]} == {(1, -4), (3, -4), (3, 5), (1, 5)}
    assert not box.geodesic
    world = value(call("Collection.bounds", collection=_collection(_feature([1, 5]), node(1))))
    assert all(world.intersects(Geometry("Point", place)) for place in ([-179.9, 0], [0, 89.9], [179.9, -89.9]))
    assert value(call("Collection.bounds", collection=_collection())).coordinates == []
    north = call("Collection.filter", collection=load(L8), filter="WRS_ROW == 34")
    footprints = value(call("Collection.bounds", collection=north))
    assert all(-125 < x < -118 and 35 < y < 39 for x, y in footprints.coordinates[0])


# ------------------------------------------------------------------------------------------------------------ columns


def test_remap() -> None:
    """Source: the example of ee.FeatureCollection.remap."""
    trees = _collection(_feature(isTree="Tree"), _feature(isTree="NotTree"), _feature(isTree="nonsense"), _feature())
    made = call(
        "Collection.remap", collection=trees, lookupIn=["NotTree", "Tree"], lookupOut=[0, 1], columnName="isTree"
    )
    assert _array(made, "isTree") == [1, 0]
    assert _array(made, "system:index") == ["0", "1"]


@pytest.mark.parametrize(
    ("lookup", "results", "message"),
    [
        ([1, 2], [1], "must be of the same size. Got 2 and 1"),
        ([1.5], [1], "takes strings and integers, not: Float"),
        ([None], [1], "takes strings and integers, not: Null"),
        ([1, 1], [1, 2], "more than once"),
    ],
)
def test_remap_refuses(lookup: list[Any], results: list[int], message: str) -> None:
    made = call("Collection.remap", collection=load(), lookupIn=lookup, lookupOut=results, columnName="WRS_PATH")
    assert message in refusal(made).message


def _thousand() -> dict[str, Any]:
    """A thousand features, in a function called `row`."""
    numbers = call("List.sequence", start=1, end=1000)
    return {
        "row": function("made", "n"),
        "made": call("Feature", metadata=dictionary(n=arg("n"))),
        "rows": call("Collection", features=call("List.map", list=numbers, baseAlgorithm=ref("row"))),
    }


def _random(**arguments: Any) -> list[float]:
    column = arguments.get("columnName", "random")
    made = call("Collection.randomColumn", collection=ref("rows"), **arguments)
    found: list[float] = _array(made, column, **_thousand())
    return found


def test_uniform_numbers() -> None:
    """Source: "outputs are in the range of [0, 1)", deterministic."""
    numbers = _random()
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) == 1000
    # A thousand uniform numbers: mean and quartiles within five standard errors.
    assert abs(statistics.fmean(numbers) - 1 / 2) < 5 * (1 / 12 / 1000) ** 0.5
    assert abs(sum(number < 0.25 for number in numbers) - 250) < 5 * (1000 * 0.25 * 0.75) ** 0.5
    assert numbers == _random(columnName="other")
    assert numbers != _random(seed=1)


def test_normal_numbers() -> None:
    """Source: "outputs have mean 0 and standard deviation 1"."""
    numbers = _random(distribution="normal", seed=3)
    assert abs(statistics.fmean(numbers)) < 5 / 1000**0.5
    assert abs(statistics.pstdev(numbers) - 1) < 5 / 2000**0.5


def test_numbers_depend_on_the_keys() -> None:
    same = _random(rowKeys=["missing"])
    assert len(set(same)) == 1
    assert _random(rowKeys=["n"]) != _random(rowKeys=["system:index"])
    made = call("Collection.randomColumn", collection=load(), distribution="poisson")
    assert "must be 'uniform' or 'normal', got 'poisson'" in refusal(made).message
    assert "must not be empty" in refusal(call("Collection.randomColumn", collection=load(), columnName="")).message
    assert "random-by-own-hash" in images(call("Collection.randomColumn", collection=load())).assumptions


# ------------------------------------------------------------------------------------------------------------- tables


def test_tables_have_no_features() -> None:
    rows = [
        {"type": "TABLE", "name": "projects/p/assets/fields"},
        {"type": "IMAGE", "name": "projects/p/assets/c/image"},
    ]
    catalog = Catalog([json_format.ParseDict(row, EarthEngineAsset()) for row in rows])

    def refused(table: str) -> EvaluationError:
        with pytest.raises(EvaluationError) as caught:
            evaluate(graph(call("Collection.loadTable", tableId=table)), catalog)
        return caught.value

    assert "holds no features of table 'projects/p/assets/fields'" in refused("projects/p/assets/fields").message
    assert refused("projects/p/assets/fields").unsupported
    assert "is not a Table" in refused("projects/p/assets/c/image").message
    assert "Table asset 'nowhere' not found" in refused("nowhere").message
