"""Property values and google.protobuf.Struct, both ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.values import Array, Collection, Date, DateRange, Element, Function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# upb reads at most 100 wire levels, a nested list takes two, a nested object three, and the answer around it six.
MAX_NESTING = 30

# Larger numbers lose digits in a double, so they are not turned into int.
_EXACT = 2.0**53


def _uncounted(_: int) -> None:
    pass


def from_struct_value(value: Value, count: Callable[[int], None] = _uncounted) -> object:
    """Return a Python value from a Struct's.

    Args:
        value: The value; its numbers are doubles, as JSON's are.
        count: Is told, before they are made, of how many values a list or dictionary consists; may raise.

    Returns:
        None, bool, int (for whole numbers), float, str, list or dict.

    """
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return from_double(value.number_value)
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return from_struct(value.struct_value, count)
    if kind == "list_value":
        items = value.list_value.values
        count(len(items))
        return [from_struct_value(item, count) for item in items]
    return None


def from_struct(struct: Struct, count: Callable[[int], None] = _uncounted) -> dict[str, object]:
    """Return a Python dictionary from a Struct; `count` is `from_struct_value`'s."""
    count(len(struct.fields))
    return {name: from_struct_value(value, count) for name, value in struct.fields.items()}


def from_double(number: float) -> int | float:
    """Return a whole number as int: JSON does not tell 1 from 1.0, and Earth Engine takes both for an integer."""
    if number.is_integer() and abs(number) <= _EXACT:
        return int(number)
    return number


def to_struct_value(value: object, depth: int = 0) -> Value:
    """Return a Struct's value from a computed one.

    Args:
        value: The value of a property.
        depth: How deep in the property it stands.

    Returns:
        The value as Earth Engine would return it; dates and geometries as objects.

    Raises:
        AlgorithmError: JSON, and so a Struct, has no such value.

    """
    if depth > MAX_NESTING:
        raise AlgorithmError(f"A property is nested more than {MAX_NESTING} levels deep.")
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, (int, float)):
        return Value(number_value=_finite(value))
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, (list, tuple)):
        return Value(list_value=ListValue(values=[to_struct_value(item, depth + 1) for item in value]))
    if isinstance(value, dict):
        struct = Struct()
        for name, item in value.items():
            struct.fields[name].CopyFrom(to_struct_value(item, depth + 1))
        return Value(struct_value=struct)
    if isinstance(value, Date):
        return to_struct_value({"type": "Date", "value": value.millis}, depth)
    if isinstance(value, DateRange):
        return to_struct_value({"type": "DateRange", "dates": [value.start, value.end]}, depth)
    if isinstance(value, Geometry):
        return to_struct_value(value.geojson(), depth)
    if isinstance(value, Array):
        return to_struct_value(value.nested(), depth)
    raise AlgorithmError(
        f"A property holds {describe_type(value)}, which cannot be returned. Set it to null before the end."
    )


def to_struct(geometry: Geometry) -> Struct:
    """Return a geometry's GeoJSON object as a message; shared, so it must not be changed.

    Raises:
        AlgorithmError: A coordinate is not finite.

    """
    if geometry.message is None:
        geometry.message = to_struct_value(geometry.geojson()).struct_value
    return geometry.message


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise AlgorithmError(f"A property is {number}, which JSON cannot hold. Replace it, or set it to null.")
    return number


def check_properties(changes: Mapping[str, object]) -> None:
    """Check that changed properties can be returned, without building the message.

    Args:
        changes: Properties by name.

    Raises:
        AlgorithmError: One of them cannot; the text names it.

    """
    for name, value in changes.items():
        if isinstance(value, str) or value is None:
            continue
        try:
            if isinstance(value, Geometry):
                to_struct(value)
            else:
                to_struct_value(value)
        except AlgorithmError as error:
            raise AlgorithmError(f"Property '{name}': {error.message}") from error


def describe_type(value: object) -> str:
    """Return the name of a value's type, as Earth Engine's messages call it."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    if isinstance(value, float):
        return "Float"
    if isinstance(value, str):
        return "String"
    if isinstance(value, (list, tuple)):
        return "List"
    if isinstance(value, dict):
        return "Dictionary"
    if isinstance(value, Collection):
        return "ImageCollection" if value.of_images else "FeatureCollection"
    if isinstance(value, Function):
        return "Algorithm"
    if isinstance(value, (Element, Date, DateRange, Geometry)):
        return type(value).__name__
    kind = type(value)
    return str(getattr(kind, "type_name", kind.__name__.lstrip("_")))
