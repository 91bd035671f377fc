"""Geometries as expressions write them, and functions of theirs, for tests."""

from __future__ import annotations

import math
from typing import Any

from emulator_graphs import call, value

RADIUS = 6371008.7714  # meters: the mean radius of WGS84


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return call("GeometryConstructors.BBox", west=west, south=south, east=east, north=north)


def point(x: float, y: float) -> dict[str, Any]:
    return call("GeometryConstructors.Point", coordinates=[x, y])


def shape(kind: str, coordinates: Any, **options: Any) -> dict[str, Any]:
    return call(f"GeometryConstructors.{kind}", coordinates=coordinates, **options)


def of(name: str, geometry: Any, **arguments: Any) -> Any:
    return value(call(f"Geometry.{name}", geometry=geometry, **arguments))


def both(name: str, left: Any, right: Any, **arguments: Any) -> Any:
    return value(call(f"Geometry.{name}", left=left, right=right, **arguments))


def unbounded() -> dict[str, Any]:
    return call("Image.geometry", feature=call("Image.constant", value=1))


SQUARE = box(0, 0, 10, 10)
EMPTY = call("Geometry.intersection", left=box(0, 0, 1, 1), right=box(5, 5, 6, 6))


def cell_area(south: float, north: float, width: float) -> float:
    """Area between two parallels of WGS84, integrated from its radii of curvature (Simpson's rule)."""
    squared = 0.0066943799901413165

    def strip(latitude: float) -> float:
        sine = math.sin(latitude)
        return 6378137.0**2 * (1 - squared) * math.cos(latitude) / (1 - squared * sine * sine) ** 2

    low, high, steps = math.radians(south), math.radians(north), 200
    step = (high - low) / steps
    weights = [1, *([4, 2] * (steps // 2 - 1)), 4, 1]
    total = sum(weight * strip(low + place * step) for place, weight in enumerate(weights))
    return math.radians(width) * total * step / 3
