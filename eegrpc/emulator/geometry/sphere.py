"""The ground as a sphere, on which edges run, and as the WGS84 ellipsoid, on which they are measured. A leaf.

Positions are degrees of longitude and latitude; points are unit vectors, with the latitude as it is on maps. numpy
comes with shapely, and is imported when the first geometry is measured.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

Position = tuple[float, float]

# Meters. WGS84 by definition; the sphere is the one with the ellipsoid's mean radius.
SEMI_MAJOR_AXIS = 6378137.0
FLATTENING = 1 / 298.257223563
MEAN_RADIUS = SEMI_MAJOR_AXIS * (1 - FLATTENING / 3)

# A geodesic edge is followed in steps of at most this many degrees; the error left is below a metre for the footprints
# of scenes. One edge can be at most half way round the world.
STEP_DEGREES = 0.1

# A straight edge on the map is no great circle: as arcs it has at least so many parts, each at least so long.
_PARTS = 200
_SHORTEST_DEGREES = 0.01


def great_circle(x1: float, y1: float, x2: float, y2: float) -> Iterator[Position]:
    """Points between two, along the shortest path; longitudes continue from the first."""
    steps = math.ceil(max(abs(x2 - x1), abs(y2 - y1)) / STEP_DEGREES)
    if steps <= 1 or x1 == x2:
        return
    start, end = unit(x1, y1), unit(x2, y2)
    angle = math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(start, end, strict=True)))))
    if math.sin(angle) < 1e-12:
        return
    last = x1
    for step in range(1, steps):
        a, b = math.sin(angle * (1 - step / steps)), math.sin(angle * step / steps)
        vx, vy, vz = ((a * p + b * q) / math.sin(angle) for p, q in zip(start, end, strict=True))
        longitude = math.degrees(math.atan2(vy, vx))
        longitude += 360 * round((last - longitude) / 360)
        last = longitude
        yield longitude, math.degrees(math.atan2(vz, math.hypot(vx, vy)))


def edge_count(line: Sequence[Position], geodesic: bool) -> int:
    """Return in how many pieces the edges of a line are followed, which are one each if they are not geodesic."""
    if not geodesic:
        return len(line)
    return len(line) + sum(int(max(abs(x2 - x1), abs(y2 - y1)) / STEP_DEGREES) for (x1, y1), (x2, y2) in pairwise(line))


def unit(longitude: float, latitude: float) -> tuple[float, float, float]:
    """Return the point at a position."""
    x, y = math.radians(longitude), math.radians(latitude)
    return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)


def units(positions: Sequence[Position] | Vectors) -> Vectors:
    """Return the points at positions, one a row."""
    import numpy as np

    x, y = np.radians(np.asarray(positions, dtype=float).reshape(-1, 2)).T
    points: Vectors = np.column_stack((np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)))
    return points


def positions(points: Vectors) -> Vectors:
    """Return the positions of points, which need not be of unit length, one a row."""
    import numpy as np

    x, y, z = points.reshape(-1, 3).T
    found: Vectors = np.degrees(np.column_stack((np.arctan2(y, x), np.arctan2(z, np.hypot(x, y)))))
    return found


def axes(middle: Vectors) -> tuple[Vectors, Vectors]:
    """Return two directions at right angles to one another and to a point."""
    import numpy as np

    pole = np.array([0.0, 0.0, 1.0]) if abs(middle[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, middle)
    east /= np.linalg.norm(east)
    return east, np.cross(middle, east)


def filled(line: Sequence[Position] | Vectors, step: float | None = None) -> Vectors:
    """Return a line of the map with more positions, between which it hardly differs from great circles.

    Args:
        line: Positions; edges are straight on the map.
        step: How many degrees there may be between positions. By default it goes by the width of the line: one wider
            than twenty degrees differs by a metre at most, others by centimeters.

    Returns:
        Positions, one a row.

    """
    import numpy as np

    given = np.asarray(line, dtype=float).reshape(-1, 2)
    width = float(np.ptp(given[:, 0]))
    step = min(STEP_DEGREES, max(_SHORTEST_DEGREES, width / _PARTS)) if step is None else step
    pieces = [given[:1]]
    for start, end in pairwise(given):
        # Meridians and the equator are great circles, whatever their length.
        straight = start[0] == end[0] or start[1] == end[1] == 0
        count = math.ceil(math.hypot(*(end - start)) / (90 if straight else step)) or 1
        pieces.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(pieces)


def lengths(starts: Vectors, ends: Vectors) -> Vectors:
    """Return the distances on the ellipsoid, in meters, from positions to others, row by row.

    Lambert's formula on reduced latitudes: exact to a hundred-thousandth, but for places nearly opposite one another,
    to which the distance is the sphere's (half a percent).

    Args:
        starts: Positions, one a row.
        ends: As many.

    Returns:
        The distances.

    """
    import numpy as np

    (x1, y1), (x2, y2) = np.radians(starts).T, np.radians(ends).T
    b1, b2 = (np.arctan((1 - FLATTENING) * np.tan(y)) for y in (y1, y2))
    angle = 2 * np.arcsin(np.sqrt(np.minimum(1, _haversine(b1, b2, x2 - x1))))
    middle, half = (b1 + b2) / 2, (b2 - b1) / 2
    near = (angle > 0) & (angle < math.pi - 0.1)
    safe = np.where(near, angle, 1.0)
    first = (safe - np.sin(safe)) * (np.sin(middle) * np.cos(half) / np.cos(safe / 2)) ** 2
    second = (safe + np.sin(safe)) * (np.cos(middle) * np.sin(half) / np.sin(safe / 2)) ** 2
    found: Vectors = np.where(near, SEMI_MAJOR_AXIS * (safe - FLATTENING / 2 * (first + second)), MEAN_RADIUS * angle)
    return found


def angles(starts: Vectors, ends: Vectors) -> Vectors:
    """Return the angles, in radians, from positions to others, row by row."""
    import numpy as np

    (x1, y1), (x2, y2) = np.radians(starts).T, np.radians(ends).T
    return 2 * np.arcsin(np.sqrt(np.minimum(1, _haversine(y1, y2, x2 - x1))))


def _haversine(y1: Vectors, y2: Vectors, turn: Vectors) -> Vectors:
    import numpy as np

    found: Vectors = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin(turn / 2) ** 2
    return found


def area_below(latitudes: Vectors) -> Vectors:
    """Return the area of the ellipsoid between the equator and parallels, in square meters for a radian of longitude.

    Source: the authalic latitude's definition (Snyder, Map Projections: A Working Manual, equation 3-12).
    """
    import numpy as np

    squared = FLATTENING * (2 - FLATTENING)
    eccentricity = math.sqrt(squared)
    sine = np.sin(np.radians(latitudes))
    found: Vectors = (
        SEMI_MAJOR_AXIS**2
        * (1 - squared)
        / 2
        * (sine / (1 - squared * sine**2) + np.arctanh(eccentricity * sine) / eccentricity)
    )
    return found
