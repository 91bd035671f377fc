"""Argument types: what each accepts, and what it promotes.

One converter per type name of the signatures. Promotions are those of Earth Engine's API: a string stands for the asset
with that id, a number for a constant image, a list for a collection, a string for a filter.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from eegrpc.emulator.context import ITEM, Context
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filtering.filter_language import parse_filter
from eegrpc.emulator.filtering.filters import Filter
from eegrpc.emulator.filtering.joins import Join
from eegrpc.emulator.geometry.projections import Projection
from eegrpc.emulator.geometry.shapes import UNBOUNDED, Geometry
from eegrpc.emulator.images.asset_record import AssetRecord, canonical_id
from eegrpc.emulator.images.bands import TYPE_NAMES, Band, PixelType, constant_type
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.primitives.arrays import to_array
from eegrpc.emulator.primitives.dates import parse_date
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducing.reducers import Reducer
from eegrpc.emulator.values import (
    Array,
    Collection,
    ConfusionMatrix,
    Date,
    DateRange,
    Element,
    ErrorMargin,
    Feature,
    Function,
    Kernel,
)
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Converter = Callable[[Context, object], object]

T = TypeVar("T")


class TypeMismatch(Exception):  # noqa: N818 - a signal between the functions here, never shown
    """The value is not of the type, nor can it be promoted."""


def shorten(value: object, limit: int = 80) -> str:
    """Return a value for a message, cut if it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _any(_: Context, value: object) -> object:
    return value


def _number(_: Context, value: object) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    raise TypeMismatch


def _integer(_: Context, value: object) -> int:
    if isinstance(value, (int, float)) and math.isfinite(value) and value == int(value):
        return int(value)
    raise TypeMismatch


def _float(_: Context, value: object) -> int | float:
    return _number(_, value)


def _boolean(_: Context, value: object) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    raise TypeMismatch


def _instance(kind: type[T]) -> Callable[[Context, object], T]:
    def convert(_: Context, value: object) -> T:
        if isinstance(value, kind):
            return value
        raise TypeMismatch

    return convert


def _image(context: Context, value: object) -> Image:
    if isinstance(value, Image):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return constant_image([value])
    if isinstance(value, str):
        return load_image(context, value)
    raise TypeMismatch


def _element(context: Context, value: object) -> Element:
    if isinstance(value, Element):
        return value
    if isinstance(value, Geometry):
        return Feature(value)
    return _image(context, value)


def _feature(_: Context, value: object) -> Feature:
    if isinstance(value, Feature):
        return value
    if isinstance(value, Geometry):
        return Feature(value)
    raise TypeMismatch


def _collection(context: Context, value: object) -> Collection:
    if isinstance(value, Collection):
        return value
    if isinstance(value, str):
        return load_collection(context, value)
    if isinstance(value, Element):
        return Collection((value,), of_images=isinstance(value, Image))
    if isinstance(value, Geometry):
        return Collection((Feature(value),))
    if isinstance(value, list):
        context.spend(len(value))
        elements = tuple(_element(context, item) for item in value)
        return Collection(elements, of_images=bool(elements) and all(isinstance(item, Image) for item in elements))
    raise TypeMismatch


def _image_collection(context: Context, value: object) -> Collection:
    collection = _collection(context, value)
    if collection.of_images or all(isinstance(element, Image) for element in collection):
        return collection
    raise TypeMismatch


def _date(_: Context, value: object) -> Date:
    return to_date(value)


def _geometry(_: Context, value: object) -> Geometry:
    if isinstance(value, Element) and value.geometry is not None:
        return value.geometry
    if isinstance(value, Geometry):
        return value
    if isinstance(value, dict) and "type" in value:
        return Geometry.from_geojson(value)
    raise TypeMismatch


def _filter(_: Context, value: object) -> Filter:
    if isinstance(value, Filter):
        return value
    if isinstance(value, str):
        return parse_filter(value)
    raise TypeMismatch


def _error_margin(context: Context, value: object) -> ErrorMargin:
    if isinstance(value, dict) and value.get("type") == "ErrorMargin":
        return ErrorMargin.of(value.get("value"), value.get("unit", "meters"))
    return value if isinstance(value, ErrorMargin) else ErrorMargin.of(_float(context, value), "meters")


def _array(context: Context, value: object) -> Array:
    if isinstance(value, Array):
        return value
    if isinstance(value, (int, float, list)):
        return to_array(context, value)
    raise TypeMismatch


def _projection(context: Context, value: object) -> Projection:
    if isinstance(value, Projection):
        return value
    if isinstance(value, str):
        return Projection.parse(context, value)
    raise TypeMismatch


def _pixel_type(_: Context, value: object) -> PixelType:
    if isinstance(value, PixelType):
        return value
    if isinstance(value, str) and value in TYPE_NAMES:
        return TYPE_NAMES[value]
    raise TypeMismatch


CONVERTERS: Mapping[str, Converter] = {
    "Object": _any,
    "<any>": _any,
    "Number": _number,
    "Float": _float,
    "Integer": _integer,
    "Long": _integer,
    "Boolean": _boolean,
    "String": _instance(str),
    "List": _instance(list),
    "Dictionary": _instance(dict),
    "Algorithm": _instance(Function),
    "DateRange": _instance(DateRange),
    "Date": _date,
    "Geometry": _geometry,
    "Element": _element,
    "Feature": _feature,
    "Image": _image,
    "ImageCollection": _image_collection,
    "FeatureCollection": _collection,
    "Filter": _filter,
    "Join": _instance(Join),
    "ConfusionMatrix": _instance(ConfusionMatrix),
    "Reducer": _instance(Reducer),
    "ErrorMargin": _error_margin,
    "Array": _array,
    "Projection": _projection,
    "PixelType": _pixel_type,
    "Kernel": _instance(Kernel),
    # Nothing makes these but stubs, so what they are is the tests' own affair.
    "Classifier": _any,
    "Clusterer": _any,
}


def converter(type_name: str) -> Converter:
    """Return the converter of a type.

    Args:
        type_name: A name of :data:`CONVERTERS`, or ``List<...>`` of one.

    Returns:
        A function from context and value to the converted value, which raises TypeMismatch.

    Raises:
        KeyError: There is no such type.

    """
    if type_name.startswith("List<"):
        item = converter(type_name[5:-1])
        if item is _any:
            return CONVERTERS["List"]

        def convert(context: Context, value: object) -> list[object]:
            if not isinstance(value, list):
                raise TypeMismatch
            context.spend(len(value), ITEM)
            return [item(context, entry) for entry in value]

        return convert
    return CONVERTERS[type_name.partition("<")[0] if type_name.startswith("Dictionary<") else type_name]


def convert_argument(convert: Converter, type_name: str, name: str, context: Context, value: object) -> object:
    """Convert one argument.

    Args:
        convert: The converter.
        type_name: The declared type, for the message.
        name: The argument's name, for the message.
        context: The request's context.
        value: The value, not null.

    Returns:
        The converted value.

    Raises:
        AlgorithmError: The value does not fit.

    """
    try:
        return convert(context, value)
    except TypeMismatch:
        raise AlgorithmError(
            f"Argument '{name}': Invalid type. Expected type: {type_name}. Actual type: {describe_type(value)}. "
            f"Actual value: {shorten(value)}"
        ) from None


def typed(context: Context, value: object, type_name: str, what: str) -> object:
    """Return a value that must be of a type, or null.

    Args:
        context: The request's context.
        value: The value.
        type_name: The type.
        what: What the value is, for the message.

    Returns:
        The value, promoted where arguments are.

    Raises:
        AlgorithmError: It is of another type.

    """
    try:
        return None if value is None else converter(type_name)(context, value)
    except TypeMismatch:
        raise AlgorithmError(f"{what} is of type {describe_type(value)}, not {type_name}.") from None


def to_date(value: object, zone: str | None = None) -> Date:
    """Return a date from a date, a number of milliseconds or a string.

    Args:
        value: The value.
        zone: Time zone in which a string is read.

    Returns:
        The date.

    Raises:
        TypeMismatch: The value is something else.
        AlgorithmError: The string is no date, or the number no time.

    """
    if isinstance(value, Date):
        return value
    if isinstance(value, str):
        return Date(parse_date(value, zone))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise AlgorithmError(f"Invalid date: {value}.")
        return Date(math.floor(value))
    raise TypeMismatch


def constant_image(values: list[int | float]) -> Image:
    """Return an image with one band per number, the same everywhere. Source: the description of Image.constant."""
    return Image(None, _constant_bands(*values), {"system:footprint": UNBOUNDED})


@lru_cache(maxsize=1024, typed=True)  # 1 is not 1.0
def _constant_bands(*values: float) -> tuple[Band, ...]:
    names = ["constant", *(f"constant_{number}" for number in range(1, len(values)))]
    return tuple(Band(name, constant_type(value)) for name, value in zip(names, values, strict=True))


def load_image(context: Context, asset_id: str) -> Image:
    """Return the image with an id or name.

    Args:
        context: The request's context.
        asset_id: Id or name.

    Returns:
        The image.

    Raises:
        AlgorithmError: There is none.

    """
    record = context.catalog.image(asset_id)
    if record is None:
        raise _not_found(context, "Image", asset_id)
    return context.image(record)


def load_collection(context: Context, asset_id: str) -> Collection:
    """Return the image collection with an id or name, in the order of its index.

    Args:
        context: The request's context.
        asset_id: Id or name.

    Returns:
        The collection.

    Raises:
        AlgorithmError: There is none.

    """
    collection = context.catalog.load(context, asset_id)
    if collection is None:
        raise _not_found(context, "ImageCollection", asset_id)
    return collection.with_properties(_collection_properties(context, asset_id))


def _collection_properties(context: Context, asset_id: str) -> dict[str, object]:
    """Return what a collection has of its own, which is an id at least; the catalog need not hold it as an asset."""
    asset = context.catalog.asset(asset_id)
    if asset is None or asset.type != EarthEngineAsset.IMAGE_COLLECTION:
        return {"system:id": canonical_id(asset_id)}
    record = AssetRecord(asset)
    identity = {name: record.get(name) for name in ("system:id", "system:version")}
    return {**record.properties, **{name: value for name, value in identity.items() if value is not None}}


def _not_found(context: Context, kind: str, asset_id: str) -> AlgorithmError:
    held = ", ".join(context.catalog.collections()) or "nothing"
    return AlgorithmError(
        f"{kind} asset '{shorten(asset_id)}' not found (does not exist or caller does not have access). "
        f"This emulator's catalog holds: {shorten(held, 300)}."
    )
