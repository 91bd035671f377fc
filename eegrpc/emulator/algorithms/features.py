"""What geometries and features say of themselves: type, coordinates, parts, properties, and how edges run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from eegrpc.emulator.algorithms.geometry_functions import in_degrees, reshaped, shape_of
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.geometry.operations import from_shape
from eegrpc.emulator.geometry.relations import laid_out
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.images.band_patterns import compile_pattern
from eegrpc.emulator.values import Element, Feature

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context


@algorithm("Geometry.type(geometry: Geometry) -> String")
def type_of(_: Context, geometry: Geometry) -> str:
    """Return the type, as GeoJSON calls it, or ``LinearRing``."""
    return geometry.type


@algorithm("Geometry.coordinates(geometry: Geometry) -> List<Object>")
def coordinates(_: Context, geometry: Geometry) -> list[object]:
    """Return the coordinates in nested lists; rings are closed."""
    if geometry.type == "GeometryCollection":
        raise AlgorithmError("A GeometryCollection has no coordinates of its own.", unsupported=True)
    return geometry.closed_coordinates()


@algorithm("Geometry.geometries(geometry: Geometry) -> List<Geometry>")
def geometries(context: Context, geometry: Geometry) -> list[Geometry]:
    """Return the parts of a geometry; for a single one, itself."""
    if geometry.type == "GeometryCollection":
        return list(cast("list[Geometry]", geometry.coordinates))
    if not geometry.type.startswith("Multi"):
        return [geometry]
    context.assume("multi-geometry-has-parts")
    kind = geometry.type.removeprefix("Multi")
    parts = cast("list[object]", geometry.coordinates)
    context.spend(len(parts))
    return [Geometry(kind, part, geodesic=geometry.geodesic) for part in parts]


@algorithm("Geometry.isUnbounded(geometry: Geometry) -> Boolean")
def is_unbounded(_: Context, geometry: Geometry) -> bool:
    """Whether the geometry is without bounds, as the footprint of a constant image is."""
    return geometry.unbounded


@algorithm(
    "Geometry.geodesic(geometry: Geometry) -> Boolean", "Geometry.edgesAreGeodesics(geometry: Geometry) -> Boolean"
)
def edges_are_geodesics(_: Context, geometry: Geometry) -> bool:
    """Whether edges are shortest paths on the ground, rather than straight on the map."""
    return geometry.geodesic


_DEGREES = 'proj: Projection = {"type":"Projection","crs":"EPSG:4326","transform":[1.0,0.0,0.0,0.0,1.0,0.0]}'
_TO = f"{_DEGREES}, maxError: ErrorMargin = null, geodesic: Boolean = null"


@algorithm(
    f"Geometry.transform(geometry: Geometry, {_TO}) -> Geometry",
    f"Feature.transform(feature: Element, {_TO}) -> Feature",
    f"ProjectionTransform(feature: Element, {_TO}) -> Feature",
)
def transform(
    context: Context, thing: Geometry | Element, projection: object, _max_error: object, geodesic: bool | None
) -> Geometry | Feature | None:
    """Return the geometry with edges that run as is said, by default as geodesics; only in EPSG:4326."""
    _require_degrees(projection)
    return reshaped(thing, _with_edges(context, shape_of(thing), geodesic is not False))


@algorithm(
    *(
        f"{kind}.geometry(feature: Element, maxError: ErrorMargin = null, proj: Projection = null, "
        "geodesics: Boolean = null) -> Geometry"
        for kind in ("Feature", "Image")
    )
)
def geometry_of(
    context: Context, element: Element, _max_error: object, projection: object, geodesic: bool | None
) -> Geometry | None:
    """Return the geometry of a feature, or the footprint of an image; null if there is none."""
    _require_degrees(projection)
    geometry = element.geometry
    return geometry if geometry is None or geodesic is None else _with_edges(context, geometry, geodesic)


def _require_degrees(projection: object) -> None:
    default = isinstance(projection, dict)  # the parameter's own default, in the form in which it is declared
    if not default and not in_degrees(projection):
        raise AlgorithmError("Only EPSG:4326 is supported as 'proj'.", unsupported=True)


def _with_edges(context: Context, geometry: Geometry, geodesic: bool) -> Geometry:
    """Return the same places with edges of the other kind, laid out so that they stay where they are."""
    import shapely

    laid_out(context, geometry)
    if geometry.unbounded or geometry.empty or geometry.geodesic is geodesic or "Point" in geometry.type:
        return geometry
    shape = geometry.shape if geometry.geodesic else shapely.segmentize(geometry.shape, 0.1)
    context.spend(int(shapely.get_num_coordinates(shape)))
    return from_shape(context, shape, geodesic=geodesic)


@algorithm("Feature.setGeometry(feature: Element, geometry: Geometry = null) -> Element")
def set_geometry(_: Context, element: Element, geometry: Geometry | None) -> Element:
    """Return the element with another geometry, or with none."""
    return _with_geometry(element, geometry)


def _with_geometry(element: Element, geometry: Geometry | None) -> Element:
    if isinstance(element, Feature):
        return Feature(geometry, element.properties)
    return element.setting({"system:footprint": geometry})


@algorithm(
    "Feature.select(input: Element, propertySelectors: List<String>, newProperties: List<String> = null, "
    "retainGeometry: Boolean = true) -> Element"
)
def select(
    context: Context, element: Element, selectors: list[str], names: list[str] | None, retain_geometry: bool
) -> Element:
    """Return the element with the selected properties only, under new names if there are some."""
    ordinary = element.ordinary_properties()
    context.spend(len(selectors) + len(ordinary))
    chosen = [name for selector in selectors for name in _chosen(context, ordinary, selector, names is not None)]
    if names is not None and len(names) != len(chosen):
        raise AlgorithmError(f"{len(chosen)} properties are selected, but there are {len(names)} new names.")
    values = {new: ordinary.get(name) for name, new in zip(chosen, chosen if names is None else names, strict=True)}
    selected = element.setting({**dict.fromkeys(ordinary), **values})
    return selected if retain_geometry else _with_geometry(selected, None)


def _chosen(context: Context, properties: dict[str, object], selector: str, renaming: bool) -> list[str]:
    """Names that a selector chooses: the one it is, or those that it matches as a pattern."""
    if selector in properties:
        return [selector]
    pattern = compile_pattern(selector)
    context.spend(len(properties))
    found = [name for name in properties if pattern.fullmatch(name)]
    # A property that this element has not takes its new name along, so that the others get theirs.
    return found or ([selector] if renaming else [])
