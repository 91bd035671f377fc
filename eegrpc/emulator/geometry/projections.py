"""Projections as values, the size of their units, and the way from longitude and latitude into the common ones."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Grid

Transform = tuple[float, float, float, float, float, float]

IDENTITY: Transform = (1, 0, 0, 0, 1, 0)
LONLAT = "EPSG:4326"

# A degree on the equator of WGS 84, which is what Earth Engine calls the nominal scale of EPSG:4326.
_DEGREE = math.pi / 180 * 6378137.0

_AUTHORITY_CODE = re.compile(r"[A-Za-z][A-Za-z-]*:\d{1,9}")
_WKT = re.compile(r"\s*(?:PROJCS|GEOGCS|PROJCRS|GEOGCRS|BOUNDCRS|COMPD_CS|LOCAL_CS)\s*\[")
_CODE_OF_WKT = re.compile(r'AUTHORITY\s*\[\s*"EPSG"\s*,\s*"?(\d{1,9})"?\s*\]\s*\]\s*\Z')
_UTM = re.compile(r"EPSG:32([67])(\d\d)")

_GEOGRAPHIC = frozenset({LONLAT, "EPSG:4269", "EPSG:4258", "EPSG:4283", "EPSG:4674", "CRS:84", "OGC:84"})
_WEB_MERCATOR = frozenset({"EPSG:3857", "EPSG:900913", "EPSG:3785"})
_MODIS_SINUSOIDAL = "SR-ORG:6974"
_METRIC = _WEB_MERCATOR | {_MODIS_SINUSOIDAL, "SR-ORG:6842", "EPSG:3035", "EPSG:5070", "EPSG:3395"}


@dataclass(frozen=True, slots=True)
class Projection:
    """A coordinate reference system, and where pixels lie in it.

    Attributes:
        crs: Its authority code; empty if it is given as WKT.
        transform: scaleX, shearX, translateX, shearY, scaleY, translateY.
        wkt: The coordinate reference system as WKT, if it has no code.

    """

    crs: str
    transform: Transform = IDENTITY
    wkt: str = ""

    @classmethod
    def parse(cls, context: Context, text: str) -> Projection:
        """Read an authority code or WKT.

        Args:
            context: The request's context, to note assumptions.
            text: For example ``EPSG:4326``.

        Returns:
            The projection, in units of the coordinate reference system.

        Raises:
            AlgorithmError: It is neither.

        """
        if _AUTHORITY_CODE.fullmatch(text):
            found = cls(text)
        elif not _WKT.match(text):
            raise AlgorithmError(f"The CRS of a map projection could not be parsed: '{text[:80]}'.")
        elif code := _CODE_OF_WKT.search(text):
            # "Printing the projection will show the EPSG code if it is a direct match" (example of ee.Projection).
            context.assume("wkt-is-its-code")
            found = cls(f"EPSG:{code[1]}")
        else:
            found = cls("", wkt=text)
        if not found.known:
            context.assume("crs-codes-unchecked")
        return found

    @classmethod
    def of(cls, grid: Grid) -> Projection:
        """Return the projection of a grid."""
        return cls(grid.crs, grid.transform, grid.wkt)

    @property
    def known(self) -> bool:
        """Whether it is sure that there is such a coordinate reference system."""
        return _meters_per_unit(self.crs) is not None

    @property
    def nominal_scale(self) -> float:
        """Metres that a pixel is wide at the point of true scale; of oblong pixels the root of the area."""
        unit = _meters_per_unit(self.crs)
        if unit is None:
            raise AlgorithmError(
                f"The units of '{self.crs or self.wkt[:80]}' are not known to the emulator.", unsupported=True
            )
        scale_x, shear_x, _, shear_y, scale_y, _ = self.transform
        if not shear_x and not shear_y and abs(scale_x) == abs(scale_y):
            return abs(scale_x) * unit
        return math.sqrt(abs(scale_x * scale_y - shear_x * shear_y)) * unit

    def scaled(self, x: float, y: float) -> Projection:
        """Return the projection with pixels that many times as large; the origin stays."""
        scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = self.transform
        return replace(self, transform=(scale_x * x, shear_x * y, translate_x, shear_y * x, scale_y * y, translate_y))

    def translated(self, x: float, y: float) -> Projection:
        """Return the projection moved by a number of pixels."""
        scale_x, shear_x, translate_x, shear_y, scale_y, translate_y = self.transform
        moved_x, moved_y = translate_x + scale_x * x + shear_x * y, translate_y + shear_y * x + scale_y * y
        return replace(self, transform=(scale_x, shear_x, moved_x, shear_y, scale_y, moved_y))

    def at_scale(self, meters: float) -> Projection:
        """Return the projection with pixels that many metres wide.

        Args:
            meters: The width.

        Returns:
            The projection.

        Raises:
            AlgorithmError: The width is not positive, or the units of the projection are not known.

        """
        if not (meters > 0 and math.isfinite(meters)):
            raise AlgorithmError(f"A scale must be a positive number of metres, got {meters}.")
        nominal = self.nominal_scale
        if not nominal:
            raise AlgorithmError("The transform of the projection has no area.")
        return self.scaled(meters / nominal, meters / nominal)


def _meters_per_unit(crs: str) -> float | None:
    if crs in _GEOGRAPHIC:
        return _DEGREE
    if crs in _METRIC or _zone(crs) is not None:
        return 1.0
    return None


def _zone(crs: str) -> tuple[bool, int] | None:
    """Return hemisphere (True: south) and number of a UTM zone."""
    match = _UTM.fullmatch(crs)
    if match is None or not 1 <= int(match[2]) <= 60:
        return None
    return match[1] == "7", int(match[2])


def forward(crs: str) -> Callable[[float, float], tuple[float, float]] | None:
    """Return the function from longitude and latitude to the coordinates of a reference system.

    Args:
        crs: Its code.

    Returns:
        The function, or None if the emulator does not know it: it has WGS 84, UTM, web and MODIS's sinusoidal.

    """
    if crs in _GEOGRAPHIC:
        return lambda longitude, latitude: (longitude, latitude)
    if crs in _WEB_MERCATOR:
        return _web_mercator
    if crs == _MODIS_SINUSOIDAL:
        return _sinusoidal
    zone = _zone(crs)
    if zone is not None:
        south, number = zone
        return lambda longitude, latitude: _utm(longitude, latitude, 6 * number - 183, 1e7 if south else 0.0)
    return None


def _web_mercator(longitude: float, latitude: float) -> tuple[float, float]:
    latitude = max(-85.06, min(85.06, latitude))
    return _DEGREE * longitude, 6378137.0 * math.asinh(math.tan(math.radians(latitude)))


def _sinusoidal(longitude: float, latitude: float) -> tuple[float, float]:
    radius = 6371007.181
    return radius * math.radians(longitude) * math.cos(math.radians(latitude)), radius * math.radians(latitude)


# Krueger's series for the transverse Mercator projection, in the third flattening of WGS 84: good to a millimetre.
_N = (1 / 298.257223563) / (2 - 1 / 298.257223563)
_RECTIFYING = 0.9996 * 6378137.0 / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_SERIES = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)
_ECCENTRICITY = 2 * math.sqrt(_N) / (1 + _N)
_FARTHEST = 60.0  # degrees from the meridian: the series is of no use there, and atanh ends at 90


def _utm(longitude: float, latitude: float, meridian: float, false_northing: float) -> tuple[float, float]:
    sine = math.sin(math.radians(max(-89.999, min(89.999, latitude))))
    away = (longitude - meridian + 180) % 360 - 180
    angle = math.radians(max(-_FARTHEST, min(_FARTHEST, away)))
    t = math.sinh(math.atanh(sine) - _ECCENTRICITY * math.atanh(_ECCENTRICITY * sine))
    xi = math.atan2(t, math.cos(angle))
    eta = math.atanh(math.sin(angle) / math.hypot(1, t))
    easting, northing = eta, xi
    for order, factor in enumerate(_SERIES, 1):
        easting += factor * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
        northing += factor * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
    return 500_000 + _RECTIFYING * easting, false_northing + _RECTIFYING * northing


def require_lonlat(projection: Projection | None) -> None:
    """Refuse coordinates in anything but longitude and latitude, rather than misplace them.

    Args:
        projection: What the coordinates are in; None stands for longitude and latitude.

    Raises:
        AlgorithmError: It is another.

    """
    if projection is not None and projection != Projection(LONLAT):
        shown = projection.crs or projection.wkt[:80]
        raise AlgorithmError(f"Coordinates in '{shown}': only EPSG:4326 is supported.", unsupported=True)
