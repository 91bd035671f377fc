"""Collections as tables: loading, flattening, their geometries as one, and columns that are made or mapped."""

from __future__ import annotations

import hashlib
from statistics import NormalDist
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import gathered, prefixed, refuse_version
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import shorten
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.filters import fingerprint
from eegrpc.emulator.geometry import operations
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Collection, Feature
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.values import Element

_NORMAL = NormalDist()


@algorithm(
    "Collection.loadTable(tableId: String, geometryColumn: String = null, version: Long = -1) -> FeatureCollection"
)
def load_table(context: Context, table_id: str, _column: str | None, version: int | None) -> Collection:
    """Refused: the catalog may hold the asset of a table, but no features."""
    refuse_version(version)
    asset = context.catalog.asset(table_id)
    name = shorten(table_id)
    if asset is None:
        raise AlgorithmError(f"Table asset '{name}' not found (does not exist or caller does not have access).")
    if asset.type != EarthEngineAsset.TABLE:
        raise AlgorithmError(f"Asset '{name}' is not a Table.")
    raise AlgorithmError(f"The catalog holds no features of table '{name}', only its asset.", unsupported=True)


@algorithm("Collection.flatten(collection: FeatureCollection) -> FeatureCollection")
def flatten(context: Context, collection: Collection) -> Collection:
    """Return the elements of all collections in a collection, each with both indexes: `outer_inner`."""
    elements: list[Element] = []
    for place, inner in enumerate(collection):
        if not isinstance(inner, Collection):
            raise AlgorithmError(
                f"A collection of collections is needed, but element {place} is: {describe_type(inner)}."
            )
        context.spend(len(inner) + 1)
        outer = inner.index or str(place)
        elements += [
            element.setting({"system:index": prefixed(context, outer, element.index or str(position))})
            for position, element in enumerate(inner)
        ]
    return Collection(tuple(elements), of_images=bool(elements) and all(isinstance(each, Image) for each in elements))


@algorithm("Collection.union(collection: FeatureCollection, maxError: ErrorMargin = null) -> FeatureCollection")
def union(context: Context, collection: Collection, _error: object) -> Collection:
    """Return one feature `union_result` with the geometries of all elements."""
    context.spend(len(collection))
    return Collection((Feature(gathered(collection), {"system:index": "union_result"}),))


@algorithm(
    "Collection.bounds(collection: FeatureCollection, maxError: ErrorMargin = null, "
    'proj: Projection = {"type":"Projection","crs":"EPSG:4326","transform":[1,0,0,0,1,0]}) -> Geometry'
)
def bounds(context: Context, collection: Collection, _error: object, _projection: object) -> Geometry:
    """Return the rectangle around the geometries of all elements."""
    context.spend(len(collection))
    return operations.bounds(context, gathered(collection))


@algorithm(
    'Collection.randomColumn(collection: FeatureCollection, columnName: String = "random", seed: Long = 0, '
    'distribution: String = "uniform", rowKeys: List<String> = ["system:index"]) -> FeatureCollection'
)
def random_column(
    context: Context, collection: Collection, column: str, seed: int, distribution: str, keys: list[str]
) -> Collection:
    """Set a property to a random number that depends on the keys and the seed only."""
    if distribution not in ("uniform", "normal"):
        raise AlgorithmError(f"Parameter 'distribution' must be 'uniform' or 'normal', got '{shorten(distribution)}'.")
    if not column:
        raise AlgorithmError("The name of a property must not be empty.")
    context.spend(len(collection) * (1 + len(keys)))
    context.assume("random-by-own-hash")

    def number(element: Element) -> float:
        identity = fingerprint(context, [seed, *(element.get(key) for key in keys)])
        digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
        bits = int.from_bytes(digest[:8], "big")
        if distribution == "uniform":
            return (bits >> 11) / 2**53  # one of the doubles from 0 up to but not including 1
        return _NORMAL.inv_cdf(((bits >> 12) + 0.5) / 2**52)  # which has no value for 0 and 1

    return collection.replaced(tuple(element.setting({column: number(element)}) for element in collection))


@algorithm(
    "Collection.remap(collection: FeatureCollection, lookupIn: List<Object>, lookupOut: List<Integer>, "
    "columnName: String) -> FeatureCollection"
)
def remap(
    context: Context, collection: Collection, values: list[object], results: list[int], column: str
) -> Collection:
    """Replace the values of a property by others; drop elements whose value is not listed."""
    if len(values) != len(results):
        raise AlgorithmError(f"The lists must be of the same size. Got {len(values)} and {len(results)}.")
    lookup: dict[str, int] = {}
    for value, result in zip(values, results, strict=True):
        if not isinstance(value, (int, str)):
            raise AlgorithmError(f"Parameter 'lookupIn' takes strings and integers, not: {describe_type(value)}.")
        lookup[fingerprint(context, [value])] = result
    if len(lookup) < len(values):
        raise AlgorithmError("Parameter 'lookupIn' has a value more than once.")
    context.spend(len(collection))
    kept: list[Element] = []
    for element in collection:
        found = lookup.get(fingerprint(context, [element.get(column)]))
        if found is not None:
            kept.append(element.setting({column: found}))
    return collection.replaced(tuple(kept))
