"""Geometry.* and their twins for elements, Feature.*: relations, measures, and geometries made of others.

Each function of a geometry has a twin that does the same with the geometry of an element. A twin that makes a geometry
returns a feature: that geometry with the properties of the element, or of the left one of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering import filter_relations, filters
from eegrpc.emulator.geometry import buffers, measures, operations
from eegrpc.emulator.geometry.projections import LONLAT, Projection
from eegrpc.emulator.geometry.relations import intersects, laid_out
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.values import Element, Feature

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import ErrorMargin

_MARGINS = "maxError: ErrorMargin = null, proj: Projection = null"


def shape_of(thing: Geometry | Element) -> Geometry:
    """Return a geometry, or the geometry of an element.

    Args:
        thing: Either.

    Returns:
        The geometry.

    Raises:
        AlgorithmError: The element has none.

    """
    geometry = thing if isinstance(thing, Geometry) else thing.geometry
    if geometry is None:
        raise AlgorithmError("The element has no geometry.")
    return geometry


def reshaped(thing: Geometry | Element, geometry: Geometry | None) -> Geometry | Feature | None:
    """Return a geometry as the result of a function: for an element, as a feature with its properties."""
    if isinstance(thing, Geometry):
        return geometry
    names = (name for name in thing.property_names() if name == "system:index" or not name.startswith("system:"))
    return Feature(geometry, {name: thing.get(name) for name in names})


def in_degrees(projection: object) -> bool:
    """Whether a projection that was asked for is a plain map of degrees; also if none was asked for.

    Comparing and combining give the same there as on the sphere, where edges are those of the geometries. Lengths and
    areas are other numbers, which are not supported.
    """
    return projection is None or getattr(projection, "crs", projection) == "EPSG:4326"


def _require_meters(projection: object) -> None:
    if projection is not None:
        raise AlgorithmError("Only measures in meters, without 'proj', are supported.", unsupported=True)


def _require_degrees(projection: object) -> None:
    if not in_degrees(projection):
        raise AlgorithmError("Only EPSG:4326 is supported as 'proj'.", unsupported=True)


# ----------------------------------------------------------------------------------------------------- of one geometry


def _declare_measure(name: str, measure: Callable[[Context, Geometry], float], summary: str) -> None:
    @algorithm(
        f"Geometry.{name}(geometry: Geometry, {_MARGINS}) -> Float",
        f"Feature.{name}(feature: Element, {_MARGINS}) -> Float",
        summary=summary,
    )
    def measured(context: Context, thing: Geometry | Element, _max_error: object, projection: object) -> float:
        _require_meters(projection)
        return measure(context, shape_of(thing))


_declare_measure("area", measures.area, "Area in square meters, on the ellipsoid; parts are added up.")
_declare_measure("length", measures.length, "Length of the lines in meters, on the ellipsoid.")
_declare_measure("perimeter", measures.perimeter, "Length of polygons' boundaries in meters, on the ellipsoid.")


def _declare_form(
    name: str, form: Callable[[Context, Geometry], Geometry | None], summary: str, feature: str = "Feature"
) -> None:
    @algorithm(
        f"Geometry.{name}(geometry: Geometry, {_MARGINS}) -> Geometry",
        f"Feature.{name}(feature: Element, {_MARGINS}) -> {feature}",
        summary=summary,
    )
    def formed(
        context: Context, thing: Geometry | Element, _max_error: object, projection: object
    ) -> Geometry | Feature | None:
        _require_degrees(projection)
        return reshaped(thing, form(context, shape_of(thing)))


_declare_form("bounds", operations.bounds, "Smallest rectangle of the map, over the antimeridian if smaller.")
_declare_form("centroid", measures.centroid, "Center of the parts with the most dimensions, on the sphere.")
_declare_form("convexHull", operations.convex_hull, "Convex hull, on the sphere.")
_declare_form("dissolve", operations.dissolve, "Union of the parts.", feature="Element")


@algorithm(
    f"Geometry.buffer(geometry: Geometry, distance: Float, {_MARGINS}) -> Geometry",
    f"Feature.buffer(feature: Element, distance: Float, {_MARGINS}) -> Feature",
)
def buffer(
    context: Context, thing: Geometry | Element, distance: float, _max_error: object, projection: object
) -> Geometry | Feature | None:
    """Return all places within a distance in meters; a negative one takes the margin away."""
    _require_meters(projection)
    return reshaped(thing, buffers.buffer(context, shape_of(thing), distance))


@algorithm("Geometry.projection(geometry: Geometry) -> Projection")
def projection_of(_: Context, geometry: Geometry) -> Projection:  # noqa: ARG001 - all have the same
    """Return EPSG:4326, in which all geometries of the emulator are."""
    return Projection(LONLAT)


@algorithm(
    "Geometry.simplify(geometry: Geometry, maxError: ErrorMargin, proj: Projection = null) -> Geometry",
    "Feature.simplify(feature: Element, maxError: ErrorMargin, proj: Projection = null) -> Feature",
)
def simplify(
    context: Context, thing: Geometry | Element, max_error: ErrorMargin, projection: object
) -> Geometry | Feature | None:
    """Return the geometry with fewer vertices, within so many meters."""
    _require_degrees(projection)
    return reshaped(thing, operations.simplify(context, shape_of(thing), _meters(max_error)))


def _meters(margin: ErrorMargin) -> float:
    if margin.value is None or margin.unit != "meters":
        raise AlgorithmError(f"Parameter 'maxError' must be in meters, not '{margin.unit}'.", unsupported=True)
    return margin.value


# ---------------------------------------------------------------------------------------------------- of two geometries


def _declare_relation(name: str, relation: Callable[[Context, object, object], bool], summary: str) -> None:
    @algorithm(
        f"Geometry.{name}(left: Geometry, right: Geometry, {_MARGINS}) -> Boolean",
        f"Feature.{name}(left: Element, right: Element, {_MARGINS}) -> Boolean",
        summary=summary,
    )
    def related(
        context: Context, left: Geometry | Element, right: Geometry | Element, _max_error: object, projection: object
    ) -> bool:
        _require_degrees(projection)
        return relation(context, shape_of(left), shape_of(right))


_declare_relation("intersects", filters.intersects, "Whether they have a point in common.")
_declare_relation("disjoint", filter_relations.disjoint, "Whether they have no point in common.")
_declare_relation("contains", filter_relations.contains, "Whether the left contains the right.")
_declare_relation("containedIn", filter_relations.is_contained, "Whether the right contains the left.")


def _declare_set_operation(
    name: str, operation: Callable[[Context, Geometry, Geometry], Geometry], summary: str
) -> None:
    @algorithm(
        f"Geometry.{name}(left: Geometry, right: Geometry, {_MARGINS}) -> Geometry",
        f"Feature.{name}(left: Element, right: Element, {_MARGINS}) -> Feature",
        summary=summary,
    )
    def combined(
        context: Context, left: Geometry | Element, right: Geometry | Element, _max_error: object, projection: object
    ) -> Geometry | Feature | None:
        _require_degrees(projection)
        if isinstance(left, Element) and name in ("union", "symmetricDifference"):
            context.assume("combined-feature-is-left")
        return reshaped(left, operation(context, shape_of(left), shape_of(right)))


_declare_set_operation("intersection", operations.intersection, "What both have.")
_declare_set_operation("union", operations.union, "What one of the two has.")
_declare_set_operation("difference", operations.difference, "What the left has and the right has not.")
_declare_set_operation("symmetricDifference", operations.symmetric_difference, "What exactly one of the two has.")


@algorithm(
    f"Geometry.distance(left: Geometry, right: Geometry, {_MARGINS}, spherical: Boolean = false) -> Float",
    f"Feature.distance(left: Element, right: Element, {_MARGINS}, spherical: Boolean = false) -> Float",
)
def distance(
    context: Context,
    left: Geometry | Element,
    right: Geometry | Element,
    _max_error: object,
    projection: object,
    spherical: bool,
) -> float | None:
    """Smallest distance in meters, on the ellipsoid or on the sphere; null if one is empty."""
    _require_meters(projection)
    return measures.distance(context, shape_of(left), shape_of(right), spherical=spherical)


@algorithm(
    f"Geometry.withinDistance(left: Geometry, right: Geometry, distance: Float, {_MARGINS}) -> Boolean",
    f"Feature.withinDistance(left: Element, right: Element, distance: Float, {_MARGINS}) -> Boolean",
)
def within_distance(
    context: Context,
    left: Geometry | Element,
    right: Geometry | Element,
    limit: float,
    _max_error: object,
    projection: object,
) -> bool:
    """Whether they are at most so many meters apart."""
    _require_meters(projection)
    found = measures.distance(context, shape_of(left), shape_of(right))
    return found is not None and found <= limit


@algorithm(
    f"Geometry.closestPoint(left: Geometry, right: Geometry, {_MARGINS}) -> Object",
    f"Feature.closestPoint(left: Element, right: Element, {_MARGINS}) -> Object",
)
def closest_point(
    context: Context, left: Geometry | Element, right: Geometry | Element, _max_error: object, projection: object
) -> Geometry | None:
    """Point of the right one that is nearest to the left one; null if one is empty."""
    _require_degrees(projection)
    points = _closest(context, shape_of(left), shape_of(right))
    return None if points is None else points[1]


@algorithm(
    f"Geometry.closestPoints(left: Geometry, right: Geometry, {_MARGINS}) -> Object",
    f"Feature.closestPoints(left: Element, right: Element, {_MARGINS}) -> Object",
)
def closest_points(
    context: Context, left: Geometry | Element, right: Geometry | Element, _max_error: object, projection: object
) -> dict[str, Geometry]:
    """Nearest points of both, as ``left`` and ``right``; nothing if one is empty."""
    _require_degrees(projection)
    points = _closest(context, shape_of(left), shape_of(right))
    return {} if points is None else {"left": points[0], "right": points[1]}


def _closest(context: Context, left: Geometry, right: Geometry) -> tuple[Geometry, Geometry] | None:
    laid_out(context, left, right)
    if left.empty or right.empty:
        return None
    if intersects(context, left, right):
        # Any common point will do; of unbounded geometries the other one has them all.
        common = right if left.unbounded else left if right.unbounded else None
        shape = left.shape.intersection(right.shape) if common is None else common.shape
        place = shape.representative_point()
        point = Geometry("Point", [place.x, place.y])
        return point, point
    first, second = measures.closest(context, left, right)
    return Geometry("Point", first[0].tolist()), Geometry("Point", second[0].tolist())
