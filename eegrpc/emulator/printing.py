"""Values as getInfo() shows them: the ``result`` of value:compute, and what the function Describe gives.

The forms are those of printouts in public notebooks and libraries (snapshots of eerepr and geetools, documentation of
ee.data.computeValue); what was not observed is refused, or is one of the assumptions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.projections import Projection
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.images.bands import PixelType
from eegrpc.emulator.images.images import BAND_PROPERTIES, Image, describe_band, describe_pixel_type
from eegrpc.emulator.primitives.text import float_text
from eegrpc.emulator.properties import describe_type, from_double
from eegrpc.emulator.values import (
    Array,
    Collection,
    ConfusionMatrix,
    Date,
    DateRange,
    Element,
    ErrorMargin,
    Feature,
    Kernel,
    Made,
    Weights,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Band
    from eegrpc.emulator.values import Call

__all__ = ["MAX_ELEMENTS", "printed"]

MAX_ELEMENTS = 5000
"""Elements of a collection that can be printed. Source: guides/debugging, with the text of the error."""

# What is an element within an element within an element (saved by a join, or set) has no end of its own.
_MAX_DEPTH = 100

# What showing costs, in units of 0.1 µs as all prices of Context.spend, with the writing of the JSON. A scene of eighty
# properties takes three times as long: priced so, 5,000 of them could not be printed, as Earth Engine does.
_VALUE = 12
_BAND = 15  # one that was shown before
_CHARACTERS = 32  # of them cost a unit

_IDENTITY = {"id": "system:id", "version": "system:version"}
_CLOSED = {"LinearRing": 0, "Polygon": 1, "MultiPolygon": 2}  # levels of lists around their rings
# Filter.equals is printed as Filter.eq (eerepr's test data); the others have two names likewise.
_SHORT_NAMES = {
    "Filter.equals": "Filter.eq",
    "Filter.notEquals": "Filter.neq",
    "Filter.lessThan": "Filter.lt",
    "Filter.lessThanOrEquals": "Filter.lte",
    "Filter.greaterThan": "Filter.gt",
    "Filter.greaterThanOrEquals": "Filter.gte",
}
_EDGELESS = ("Point", "MultiPoint", "GeometryCollection")


def printed(context: Context, value: object) -> object:
    """Return a value as JSON has it.

    Args:
        context: The request's context.
        value: What the expression gave.

    Returns:
        None, or bool, int, float, str, list and dict.

    Raises:
        AlgorithmError: It cannot be shown: it is too large, or of a type that is not.
    """
    return _Printer(context).show(value)


class _Printer:
    """Shows the parts of one value."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._bands: dict[Band, dict[str, object]] = {}  # images share them
        self._elements = 0  # shown so far

    def show(self, value: object, depth: int = 0) -> object:
        """Return one value; `depth` is how many others it is in."""
        if depth > _MAX_DEPTH:
            raise AlgorithmError(f"The result is nested more than {_MAX_DEPTH} levels deep.")
        self._context.spend(1, _VALUE)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._context.spend(len(value) // _CHARACTERS, 1)
            return value
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, (list, tuple)):
            return [self.show(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return self._dictionary(value.items(), depth)
        if isinstance(value, Date):
            return {"type": "Date", "value": _number(value.millis)}
        if isinstance(value, DateRange):
            return {"type": "DateRange", "dates": [_number(value.start), _number(value.end)]}
        if isinstance(value, Geometry):
            return self._geometry(value, depth)
        if isinstance(value, Image):
            return self._image(value, depth)
        if isinstance(value, Feature):
            return self._feature(value, depth)
        if isinstance(value, Collection):
            return self._collection(value, depth, with_elements=depth == 0)
        return self._description(value, depth)

    def _description(self, value: object, depth: int) -> object:
        """Return what is no data: what says of a computation where, how or how exactly."""
        if isinstance(value, Array):
            self._context.spend(len(value.values), _VALUE)
            return self.show(value.nested(), depth)
        if isinstance(value, ConfusionMatrix):
            return self._description(value.counts, depth)
        if isinstance(value, PixelType):
            return self._dictionary(describe_pixel_type(value).items(), depth)
        if isinstance(value, Projection):
            if not value.crs:
                self._context.assume("wkt-as-it-is")
            crs = {"crs": value.crs} if value.crs else {"wkt": value.wkt}
            return {"type": "Projection", **crs, "transform": self.show(value.transform, depth + 1)}
        if isinstance(value, ErrorMargin):
            shown = {"type": "ErrorMargin", "unit": value.unit}
            return shown if value.value is None else {**shown, "value": _number(value.value)}
        if isinstance(value, Made) and value.call is not None:
            return self._made(value, value.call, depth)
        raise AlgorithmError(f"The result holds {describe_type(value)}, which cannot be shown.", unsupported=True)

    def _made(self, value: Made, call: Call, depth: int) -> dict[str, object]:
        """Return a filter, join, reducer or kernel; seen were Filter.eq, Reducer.max and Kernel.gaussian."""
        self._context.assume("shown-as-called")
        arguments = self._dictionary(call.arguments.items(), depth)
        shown = {"type": _SHORT_NAMES.get(call.function, call.function), **arguments}
        if isinstance(value, Kernel):
            self._context.assume("kernel-whole-weights")
            weights = value.weights(self._context)
            shown |= {"center": [weights.x, weights.y], "weights": self.show(_table(weights), depth + 1)}
        return shown

    def _dictionary(self, items: Iterable[tuple[str, object]], depth: int) -> dict[str, object]:
        return {name: self.show(item, depth + 1) for name, item in items}

    def _geometry(self, geometry: Geometry, depth: int) -> dict[str, object]:
        shown: dict[str, object] = {}
        if not geometry.geodesic and not geometry.unbounded and geometry.type not in _EDGELESS:
            shown["geodesic"] = False
        shown["type"] = geometry.type
        if isinstance(geometry.coordinates, list) and geometry.type == "GeometryCollection":
            shown["geometries"] = [self._geometry(member, depth + 1) for member in geometry.coordinates]
        elif geometry.unbounded or geometry.type not in _CLOSED:
            shown["coordinates"] = self.show(geometry.coordinates, depth + 1)
        else:
            shown["coordinates"] = _closed(self.show(geometry.coordinates, depth + 1), _CLOSED[geometry.type])
        return shown

    def _image(self, image: Image, depth: int) -> dict[str, object]:
        shown: dict[str, object] = {"type": "Image", "bands": [self._band(band, depth) for band in image.bands]}
        self._identify(shown, image, depth)
        hidden = {*_IDENTITY.values(), *BAND_PROPERTIES}
        if image.record is None and image.geometry is not None:
            self._context.assume("computed-footprint-not-printed")
            hidden.add("system:footprint")
        names = (name for name in image.property_names() if name not in hidden)
        properties = self._dictionary(((name, image.get(name)) for name in names), depth + 1)
        return shown | {"properties": properties} if properties else shown

    def _band(self, band: Band, depth: int) -> dict[str, object]:
        self._context.spend(1, _BAND)
        shown = self._bands.get(band)
        if shown is None:
            shown = self._bands[band] = self._dictionary(describe_band(band).items(), depth + 2)
        return shown

    def _feature(self, feature: Feature, depth: int) -> dict[str, object]:
        geometry = feature.geometry
        shown: dict[str, object] = {
            "type": "Feature",
            "geometry": None if geometry is None else self._geometry(geometry, depth + 1),
        }
        if feature.index is not None:
            shown["id"] = feature.index
        names = (name for name in feature.property_names() if name != "system:index")
        return shown | {"properties": self._dictionary(((name, feature.get(name)) for name in names), depth + 1)}

    def _collection(self, collection: Collection, depth: int, *, with_elements: bool) -> dict[str, object]:
        if collection.of_images:
            shown: dict[str, object] = {"type": "ImageCollection", "bands": []}
        else:
            shown = {"type": "FeatureCollection", "columns": self._columns(collection)}
        if collection.get("system:id") is not None:
            self._note_whose_id_it_is(collection)
        self._identify(shown, collection, depth)
        names = (name for name in collection.property_names() if name not in _IDENTITY.values())
        properties = self._dictionary(((name, collection.get(name)) for name in names), depth + 1)
        if properties:
            shown["properties"] = properties
        if not with_elements:
            self._context.assume("collection-inside-shown-without-elements")
            return shown
        self._elements += len(collection)
        if self._elements > MAX_ELEMENTS:
            raise AlgorithmError(f"Collection query aborted after accumulating over {MAX_ELEMENTS} elements.")
        return shown | {"features": [self._element(element, depth + 1) for element in collection]}

    def _element(self, element: Element, depth: int) -> object:
        if isinstance(element, Collection):
            return self._collection(element, depth, with_elements=True)
        return self.show(element, depth)

    def _identify(self, shown: dict[str, object], element: Element, depth: int) -> None:
        """Add id and version, which are no properties when they are shown."""
        for key, name in _IDENTITY.items():
            value = element.get(name)
            if value is not None:
                shown[key] = self.show(value, depth + 1)

    def _columns(self, collection: Collection) -> dict[str, str]:
        first: Element | None = next(iter(collection), None)
        if not isinstance(first, Feature):
            return {}
        self._context.assume("columns-of-first-feature")
        return {name: describe_type(first.get(name)) for name in sorted(first.property_names())}

    def _note_whose_id_it_is(self, collection: Collection) -> None:
        """Note a choice of ours, unless the collection is as it was loaded."""
        records = self._context.catalog.collection(str(collection.get("system:id"))) or ()
        loaded = len(records) == len(collection) and all(
            isinstance(element, Image)
            and element.record is not None
            and element.record.id == record.id
            and not element.changes
            for element, record in zip(collection, records, strict=True)
        )
        if not loaded:
            self._context.assume("collection-keeps-id")


def _number(value: float) -> int | float:
    """Return a number as a google.protobuf.Value, which is what the service answers with, holds it."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise AlgorithmError(f"The result holds {number}, which JSON cannot.", unsupported=True)
    return from_double(number)


def _table(weights: Weights) -> str:
    """Return the weights of a kernel as text, a line for each row."""
    return "".join(f"\n  [{', '.join(map(_weight, row))}]" for row in weights.rows)


def _weight(weight: float) -> str:
    number = _number(weight)
    return str(number) if isinstance(number, int) else float_text(number)


def _closed(rings: object, levels: int) -> object:
    """Return rings with their first position at their end, as RFC 7946 has it."""
    assert isinstance(rings, list)
    if levels:
        return [_closed(each, levels - 1) for each in rings]
    return rings if not rings or rings[0] == rings[-1] else [*rings, rings[0]]
