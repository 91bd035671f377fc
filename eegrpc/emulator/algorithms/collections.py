"""Collection.* and ImageCollection.*: loading, filtering, ordering, mapping, merging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.evaluation.conversion import convert_argument, converter, load_collection
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.filters import QUESTION, Operand, fingerprint
from eegrpc.emulator.filtering.ordering import ordered_by
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.values import Collection, Element, LazyCollection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.filtering.filters import Filter
    from eegrpc.emulator.values import Function


@algorithm("ImageCollection.load(id: String, version: Long = null) -> ImageCollection")
def load(context: Context, asset_id: str, version: int | None) -> Collection:
    """Return the images of a collection asset, in the order of their index."""
    refuse_version(version)
    return load_collection(context, asset_id)


def refuse_version(version: int | None) -> None:
    """Refuse an explicit version of an asset: the catalog has only the latest, which -1 stands for."""
    if version is not None and version != -1:
        raise AlgorithmError("Argument 'version' is not supported by the emulator.", unsupported=True)


@algorithm("Collection.filter(collection: FeatureCollection, filter: Object) -> FeatureCollection")
def filter_collection(context: Context, collection: Collection, condition: object) -> Collection:
    """Return the elements that pass a filter, which may be written as text."""
    test: Filter = convert_argument(converter("Filter"), "Filter", "filter", context, condition)  # type: ignore[assignment]
    if isinstance(collection, LazyCollection):
        return collection.filtered(test)
    context.spend(len(collection))
    context.spend(len(collection) * test.size, QUESTION)
    return collection.replaced(tuple(element for element in collection if test.passes(context, element, element)))


@algorithm(
    "Collection.limit(collection: FeatureCollection, limit: Integer = null, key: String = null, "
    "ascending: Boolean = true) -> FeatureCollection"
)
def limit_collection(
    context: Context, collection: Collection, limit: int | None, key: str | None, ascending: bool
) -> Collection:
    """Return the first elements, after ordering by a property if there is a key."""
    if limit is not None and limit < 0:
        raise AlgorithmError(f"Parameter 'limit' must not be negative, got {limit}.")
    if key is not None:
        collection = _sorted(context, collection, key, ascending=ascending)
    return collection if limit is None else collection.part(0, limit)


def _sorted(context: Context, collection: Collection, key: str, *, ascending: bool) -> Collection:
    ordered = collection.ordered(key, ascending=ascending) if isinstance(collection, LazyCollection) else None
    if ordered is not None:
        return ordered
    return collection.replaced(tuple(ordered_by(context, collection.elements, key, ascending=ascending)))


@algorithm(
    "Collection.map(collection: FeatureCollection, baseAlgorithm: Algorithm, dropNulls: Boolean = false) "
    "-> FeatureCollection"
)
def map_collection(context: Context, collection: Collection, function: Function, drop_nulls: bool) -> Collection:
    """Return the results of a function, each with the index of its input."""
    context.spend(len(collection))
    results: list[Element] = []
    for element in collection:
        try:
            result = context.call(function, [element])
        except EvaluationError as error:
            raise error.replaced(f"Error in map(ID={element.index}):\n{error.message}") from error
        if result is None and drop_nulls:
            continue
        if not isinstance(result, Element):
            raise AlgorithmError("A mapped algorithm must return a Feature or Image.")
        results.append(reindexed(context, result, element.index))
    images = all(isinstance(result, Image) for result in results) if results else collection.of_images
    return Collection(tuple(results), images, collection.properties)


def reindexed(context: Context, element: Element, index: str | None) -> Element:
    """Return the element under another index."""
    if index is None or element.index == index:
        return element
    context.assume("map-keeps-index")
    if isinstance(element, Image) and element.record is not None:
        context.assume("map-collection-rekeyed-asset")
    return element.setting({"system:index": index})


@algorithm("Collection.iterate(collection: FeatureCollection, function: Algorithm, first: Object = null) -> Object")
def iterate(context: Context, collection: Collection, function: Function, first: object) -> object:
    """Return what a function returns for the last element, given each element and its own result for the one before."""
    context.spend(len(collection))
    accumulated = first
    for element in collection:
        accumulated = context.call(function, [element, accumulated])
    return accumulated


@algorithm("Collection.first(collection: FeatureCollection) -> Element")
def first_element(context: Context, collection: Collection) -> Element | None:
    """Return the first element; null if there is none."""
    first = collection.part(0, 1).elements
    if not first:
        context.assume("first-of-empty-is-null")
        return None
    return first[0]


@algorithm("Collection.size(collection: FeatureCollection) -> Integer")
def size(_: Context, collection: Collection) -> int:
    """Return the number of elements."""
    return len(collection)


@algorithm("Collection.toList(collection: FeatureCollection, count: Integer, offset: Integer = 0) -> List<Object>")
def to_list(context: Context, collection: Collection, count: int, offset: int) -> list[Element]:
    """Up to ``count`` elements after the first ``offset``."""
    if count < 0 or offset < 0:
        raise AlgorithmError(f"Parameters 'count' and 'offset' must not be negative, got {count} and {offset}.")
    found = list(collection.part(offset, offset + count))
    context.spend(len(found))
    return found


@algorithm("Collection.distinct(collection: FeatureCollection, properties: Object) -> FeatureCollection")
def distinct(context: Context, collection: Collection, properties: object) -> Collection:
    """Return the elements without those that equal an earlier one in the chosen properties."""
    names = [properties] if isinstance(properties, str) else properties
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AlgorithmError("Argument 'properties' must be a property name or a list of property names.")
    context.spend(len(collection))
    kept: dict[str, Element] = {}
    for element in collection:
        kept.setdefault(fingerprint(context, [Operand(str(name)).of(element) for name in names]), element)
    if len(kept) < len(collection):
        context.assume("distinct-keeps-first")
    return collection.replaced(tuple(kept.values()))


@algorithm("ImageCollection.merge(collection1: ImageCollection, collection2: ImageCollection) -> ImageCollection")
def merge_images(context: Context, first: Collection, second: Collection) -> Collection:
    """All images of the first collection, then all of the second, indexes prefixed with ``1_`` and ``2_``."""
    return Collection(_merged(context, first, second), of_images=True)


@algorithm("Collection.merge(collection1: FeatureCollection, collection2: FeatureCollection) -> FeatureCollection")
def merge_features(context: Context, first: Collection, second: Collection) -> Collection:
    """All elements of the first collection, then all of the second, indexes prefixed with ``1_`` and ``2_``."""
    return Collection(_merged(context, first, second), of_images=first.of_images and second.of_images)


def _merged(context: Context, first: Collection, second: Collection) -> tuple[Element, ...]:
    context.spend(len(first) + len(second))
    return tuple(
        element.setting({"system:index": prefixed(context, prefix, element.index or str(position))})
        for prefix, part in (("1", first), ("2", second))
        for position, element in enumerate(part)
    )


def prefixed(context: Context, prefix: str, name: str) -> str:
    """Return ``prefix_name``, with its letters counted: an index may be long, and many images may share one."""
    context.spend(len(prefix) + len(name), ITEM)
    return f"{prefix}_{name}"


@algorithm("ImageCollection.fromImages(images: List<Image>) -> ImageCollection")
def from_images(context: Context, images: list[Image]) -> Collection:
    """Return a collection of images; those without an index get their position."""
    if any(image.index is not None for image in images):
        context.assume("from-images-keeps-index")
    return Collection(_indexed(context, images), of_images=True)


@algorithm("Collection(features: List<Element>) -> FeatureCollection")
def collection_of(context: Context, elements: list[Element]) -> Collection:
    """Return a collection of elements; those without an index get their position."""
    images = bool(elements) and all(isinstance(element, Image) for element in elements)
    return Collection(_indexed(context, elements), of_images=images)


def _indexed(context: Context, elements: Iterable[Element]) -> tuple[Element, ...]:
    result: list[Element] = []
    for position, element in enumerate(elements):
        context.spend(1)
        result.append(element if element.index is not None else element.setting({"system:index": str(position)}))
    return tuple(result)


@algorithm("Collection.geometry(collection: FeatureCollection, maxError: ErrorMargin = null) -> Geometry")
def geometry_of(_: Context, collection: Collection, _error: object) -> Geometry:
    """Return the geometries of all elements as one."""
    return gathered(collection)


def gathered(collection: Collection) -> Geometry:
    """Return the geometries of all elements as one."""
    geometries = [element.geometry for element in collection if element.geometry is not None]
    return Geometry("GeometryCollection", geometries)
