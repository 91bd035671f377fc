"""Element.*: properties of images and features, and the making of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import typed
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.values import Element, Feature

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.shapes import Geometry


@algorithm(
    "Feature(geometry: Geometry = null, metadata: Dictionary<Object> = {}, geometryKey: String = null) -> Feature"
)
def feature(_: Context, geometry: Geometry | None, metadata: dict[str, object], _key: str | None) -> Feature:
    """Return a feature. ``geometryKey`` is obsolete and has no effect."""
    return Feature(geometry, {name: value for name, value in metadata.items() if value is not None})


@algorithm("Element.get(object: Element, property: String) -> <any>")
def get(_: Context, element: Element, name: str) -> object:
    """Return a property; null if there is none."""
    return element.get(name)


@algorithm("Element.getNumber(object: Element, property: String) -> Number")
def get_number(context: Context, element: Element, name: str) -> object:
    """Return a property that is a number."""
    return typed(context, element.get(name), "Number", f"Property '{name}'")


@algorithm("Element.getString(object: Element, property: String) -> String")
def get_string(context: Context, element: Element, name: str) -> object:
    """Return a property that is a string."""
    return typed(context, element.get(name), "String", f"Property '{name}'")


@algorithm("Element.getArray(object: Element, property: String) -> Array")
def get_array(context: Context, element: Element, name: str) -> object:
    """Return a property that is an array, or a list that makes one."""
    return typed(context, element.get(name), "Array", f"Property '{name}'")


@algorithm("Element.set(object: Element, key: String, value: Object = null) -> Element")
def set_property(context: Context, element: Element, key: str, value: object) -> Element:
    """Return the element with one property replaced."""
    return _set(context, element, {key: value})


@algorithm("Element.setMulti(object: Element, properties: Dictionary<Object>) -> Element")
def set_properties(context: Context, element: Element, properties: dict[str, object]) -> Element:
    """Return the element with several properties replaced."""
    return _set(context, element, properties)


def _set(context: Context, element: Element, changes: dict[str, object]) -> Element:
    if "" in changes:
        raise AlgorithmError("The name of a property must not be empty.")
    if None in changes.values():
        context.assume("set-null-removes")
    return element.setting(changes)


@algorithm("Element.propertyNames(element: Element) -> List<Object>")
def property_names(_: Context, element: Element) -> list[str]:
    """Names of all properties, virtual ones included."""
    return element.property_names()


@algorithm("Element.toDictionary(element: Element, properties: List<String> = null) -> Dictionary<Object>")
def to_dictionary(_: Context, element: Element, names: list[str] | None) -> dict[str, object]:
    """Return the named properties; without names, all but the ``system:`` ones."""
    if names is None:
        return element.ordinary_properties()
    return {name: element.get(name) for name in sorted(names)}


_COPY = (
    "(destination: Element = null, source: Element = null, properties: List<String> = null, "
    "exclude: List<String> = null) -> Element"
)


@algorithm(f"Element.copyProperties{_COPY}", f"Image.copyProperties{_COPY}")
def copy_properties(
    _: Context,
    destination: Element | None,
    source: Element | None,
    properties: list[str] | None,
    exclude: list[str] | None,
) -> Element:
    """Copy the named properties, or all but the ``system:`` and the excluded ones, to the destination."""
    if destination is None or source is None:
        missing = "destination" if destination is None else "source"
        raise AlgorithmError(f"Parameter '{missing}' is required and may not be null.")
    if properties is not None and exclude:
        raise AlgorithmError("Parameter 'exclude' must not be specified if 'properties' is.")
    if properties is None:
        excluded = set(exclude or ())
        copied = {name: value for name, value in source.ordinary_properties().items() if name not in excluded}
    else:
        copied = {name: source.get(name) for name in properties}
    return destination.setting({name: value for name, value in copied.items() if value is not None})


@algorithm("Element.replaceProperties(destination: Element, source: Element = null) -> Element")
def replace_properties(context: Context, destination: Element, source: Element | None) -> Element:
    """Return the destination with the source's properties instead of its own; ``system:`` ones stay."""
    context.assume("replace-properties-keeps-system")
    gone: dict[str, object] = dict.fromkeys(destination.ordinary_properties())
    return destination.setting({**gone, **(source.ordinary_properties() if source is not None else {})})
