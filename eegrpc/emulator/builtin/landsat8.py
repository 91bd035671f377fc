"""Landsat 8 Collection 2 Level 2: two neighbouring paths in California and one in the Amazon.

Names, types, footprints and the rhythm of 16 days are the real data set's. Every value of an image is synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.builtin.common import (
    INT16,
    UINT8,
    UINT16,
    Draws,
    Source,
    band,
    every,
    grid,
    image,
    set_polygon,
    set_properties,
    sun,
    sun_distance,
    utc,
)

if TYPE_CHECKING:
    from eegrpc.v1alpha import EarthEngineAsset, ImageBand

COLLECTION = "LANDSAT/LC08/C02/T1_L2"


@dataclass(frozen=True, slots=True)
class Frame:
    """A path and row: where it is, and when the satellite passes it."""

    path: int
    row: int
    zone: int
    crs: str
    corner: tuple[float, float]
    first: datetime
    passes_at: timedelta
    ring: tuple[tuple[float, float], ...]


_EVENING = timedelta(hours=18, minutes=45)
_FRAMES = (
    Frame(
        44,
        34,
        10,
        "EPSG:32610",
        (460785, 4264215),
        utc(2022, 12, 5),
        _EVENING,
        (
            (-121.362277, 36.414763),
            (-120.792005, 38.127069),
            (-122.911325, 38.526634),
            (-123.404194, 36.806786),
            (-121.362277, 36.414763),
        ),
    ),
    Frame(
        43,
        34,
        10,
        "EPSG:32610",
        (598485, 4264215),
        utc(2022, 12, 14),
        _EVENING,
        (
            (-119.817477, 36.414763),
            (-119.247205, 38.127069),
            (-121.366525, 38.526634),
            (-121.859394, 36.806786),
            (-119.817477, 36.414763),
        ),
    ),
    Frame(
        4,
        65,
        18,
        "EPSG:32718",
        (640185, 9360015),
        utc(2022, 12, 12),
        timedelta(hours=14, minutes=50),
        (
            (-63.062277, -5.885237),
            (-62.492005, -4.172931),
            (-64.611325, -3.773366),
            (-65.104194, -5.493214),
            (-63.062277, -5.885237),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One pass over one frame."""

    frame: Frame
    day: datetime


def _scenes() -> list[Scene]:
    return [Scene(frame, day) for frame in _FRAMES for day in every(16, frame.first, utc(2024, 3, 31))]


@lru_cache(maxsize=64)
def _bands(frame: Frame, width: int, height: int) -> tuple[ImageBand, ...]:
    where = grid(frame.crs, (30, -30), frame.corner, (width, height))
    bands = [band(f"SR_B{number}", UINT16, where) for number in range(1, 8)]
    bands += [band("SR_QA_AEROSOL", UINT8, where, "SAMPLE"), band("ST_B10", UINT16, where)]
    for name in ("ATRAN", "CDIST", "DRAD", "EMIS", "EMSD", "QA", "TRAD", "URAD"):
        bands.append(band(f"ST_{name}", INT16, where))
    return (*bands, band("QA_PIXEL", UINT16, where, "SAMPLE"), band("QA_RADSAT", UINT16, where, "SAMPLE"))


def _make(scene: Scene) -> EarthEngineAsset:
    frame, day = scene.frame, scene.day
    place, date = f"{frame.path:03d}{frame.row:03d}", f"{day:%Y%m%d}"
    draws = Draws(COLLECTION, place, date)
    started = day + frame.passes_at + timedelta(milliseconds=draws.whole(0, 59_999))
    produced = day + timedelta(days=9, seconds=draws.whole(0, 86_399))
    width, height = 7641 + 10 * draws.whole(0, 4), 7791 + 10 * draws.whole(0, 3)
    # Now and then there is surface reflectance only, and no temperature.
    level = "L2SR" if draws.fraction() < 0.06 else "L2SP"
    asset = image(COLLECTION, f"LC08_{place}_{date}", start=started, end=None, updated=produced + timedelta(days=2))
    asset.size_bytes = draws.whole(780_000_000, 1_100_000_000)
    asset.bands.extend(_bands(frame, width, height))
    set_polygon(asset, frame.ring)
    cloud = draws.cloud(2)
    elevation, azimuth = sun(frame.ring[0][1], day)
    set_properties(
        asset,
        {
            **_CONSTANT,
            **(_TEMPERATURE if level == "L2SP" else {}),
            **{f"REFLECTANCE_ADD_BAND_{number}": -0.2 for number in range(1, 8)},
            **{f"REFLECTANCE_MULT_BAND_{number}": 2.75e-05 for number in range(1, 8)},
            "CLOUD_COVER": cloud,
            "CLOUD_COVER_LAND": round(0.93 * cloud, 2),
            "DATE_ACQUIRED": f"{day:%Y-%m-%d}",
            "DATE_PRODUCT_GENERATED": int(produced.timestamp()) * 1000,
            "EARTH_SUN_DISTANCE": sun_distance(day),
            "GEOMETRIC_RMSE_MODEL": draws.number(4.5, 8, 3),
            "GEOMETRIC_RMSE_MODEL_X": draws.number(3, 6, 3),
            "GEOMETRIC_RMSE_MODEL_Y": draws.number(3, 6, 3),
            "GROUND_CONTROL_POINTS_MODEL": draws.whole(400, 1100),
            "L1_DATE_PRODUCT_GENERATED": f"{produced:%Y-%m-%dT%H:%M:%SZ}",
            "L1_LANDSAT_PRODUCT_ID": f"LC08_L1TP_{place}_{date}_{produced:%Y%m%d}_02_T1",
            "LANDSAT_PRODUCT_ID": f"LC08_{level}_{place}_{date}_{produced:%Y%m%d}_02_T1",
            "LANDSAT_SCENE_ID": f"LC8{place}{day:%Y%j}LGN00",
            "PROCESSING_LEVEL": level,
            "REFLECTIVE_LINES": height,
            "REFLECTIVE_SAMPLES": width,
            "ROLL_ANGLE": draws.whole(-1, 1) / 1000,
            "SCENE_CENTER_TIME": f"{started:%H:%M:%S}.{started.microsecond:06d}0Z",
            "SUN_AZIMUTH": azimuth,
            "SUN_ELEVATION": elevation,
            "TARGET_WRS_PATH": frame.path,
            "TARGET_WRS_ROW": frame.row,
            "UTM_ZONE": frame.zone,
            "WRS_PATH": frame.path,
            "WRS_ROW": frame.row,
        },
    )
    return asset


_TEMPERATURE: dict[str, float | str] = {
    "ALGORITHM_SOURCE_SURFACE_TEMPERATURE": "st_1.3.0",
    "DATA_SOURCE_REANALYSIS": "GEOS-5 FP-IT",
    "TEMPERATURE_ADD_BAND_ST_B10": 149,
    "TEMPERATURE_MAXIMUM_BAND_ST_B10": 372.999941,
    "TEMPERATURE_MINIMUM_BAND_ST_B10": 149.003418,
    "TEMPERATURE_MULT_BAND_ST_B10": 0.00341802,
}
_CONSTANT: dict[str, float | str] = {
    "ALGORITHM_SOURCE_SURFACE_REFLECTANCE": "LaSRC_1.6.0",
    "COLLECTION_CATEGORY": "T1",
    "COLLECTION_NUMBER": 2,
    "DATA_SOURCE_ELEVATION": "GLS2000",
    "DATA_SOURCE_OZONE": "VIIRS",
    "DATA_SOURCE_TIRS_STRAY_LIGHT_CORRECTION": "TIRS",
    "DATA_SOURCE_WATER_VAPOR": "VIIRS",
    "DATUM": "WGS84",
    "ELLIPSOID": "WGS84",
    "GRID_CELL_SIZE_REFLECTIVE": 30,
    "GRID_CELL_SIZE_THERMAL": 30,
    "GROUND_CONTROL_POINTS_VERSION": 5,
    "IMAGE_QUALITY_OLI": 9,
    "IMAGE_QUALITY_TIRS": 9,
    "L1_PROCESSING_LEVEL": "L1TP",
    "MAP_PROJECTION": "UTM",
    "NADIR_OFFNADIR": "NADIR",
    "ORIENTATION": "NORTH_UP",
    "PROCESSING_SOFTWARE_VERSION": "LPGS_16.2.0",
    "SENSOR_ID": "OLI_TIRS",
    "SPACECRAFT_ID": "LANDSAT_8",
    "STATION_ID": "LGN",
    "TIRS_SSM_MODEL": "FINAL",
    "TIRS_SSM_POSITION_STATUS": "ESTIMATED",
    "TRUNCATION_OLI": "UPPER",
    "WRS_TYPE": 2,
}

SOURCE = Source(_scenes(), _make)
