"""The standard page: 1,000 Sentinel-2 L2A images as Earth Engine lists them, made from a fixed seed.

Names, types, grids and the form of every value are the real data set's; the values are random, computed numbers with
the 15 to 17 digits that doubles have. Fields stand in the order in which Google's servers print them.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["images"]

COLLECTION = "COPERNICUS/S2_SR_HARMONIZED"
SEED = 20230105

_INCIDENCE_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
# Band, metres of a pixel, largest value, how its pyramid is made.
_BANDS = (
    *((name, metres, 65535, "MEAN") for name, metres in (("B1", 60), ("B2", 10), ("B3", 10), ("B4", 10), ("B5", 20))),
    *((name, metres, 65535, "MEAN") for name, metres in (("B6", 20), ("B7", 20), ("B8", 10), ("B8A", 20), ("B9", 60))),
    *((name, metres, 65535, "MEAN") for name, metres in (("B11", 20), ("B12", 20), ("AOT", 10), ("WVP", 10))),
    ("SCL", 20, 255, "MODE"),
    *((name, 10, 255, "MEAN") for name in ("TCI_R", "TCI_G", "TCI_B")),
    *((name, 20, 255, "MEAN") for name in ("MSK_CLDPRB", "MSK_SNWPRB")),
    ("QA10", 10, 65535, "SAMPLE"),
    ("QA20", 20, 4294967295, "SAMPLE"),
    ("QA60", 60, 65535, "SAMPLE"),
)
_PASSED = ("FORMAT_CORRECTNESS", "GENERAL_QUALITY", "GEOMETRIC_QUALITY", "RADIOMETRIC_QUALITY", "SENSOR_QUALITY")
_ZERO = (
    "AOT_RETRIEVAL_ACCURACY",
    "NODATA_PIXEL_PERCENTAGE",
    "RADIATIVE_TRANSFER_ACCURACY",
    "SATURATED_DEFECTIVE_PIXEL_PERCENTAGE",
    "WATER_VAPOUR_RETRIEVAL_ACCURACY",
)
_SHARES = (
    "CLOUD_SHADOW_PERCENTAGE",
    "DARK_FEATURES_PERCENTAGE",
    "DEGRADED_MSI_DATA_PERCENTAGE",
    "HIGH_PROBA_CLOUDS_PERCENTAGE",
    "MEDIUM_PROBA_CLOUDS_PERCENTAGE",
    "NOT_VEGETATED_PERCENTAGE",
    "SNOW_ICE_PERCENTAGE",
    "THIN_CIRRUS_PERCENTAGE",
    "UNCLASSIFIED_PERCENTAGE",
    "VEGETATION_PERCENTAGE",
    "WATER_PERCENTAGE",
)


def images(count: int) -> list[dict[str, Any]]:
    """Return so many images as the JSON values that Earth Engine sends; a longer list begins with the shorter one."""
    draws = random.Random(SEED)
    return [_image(draws) for _ in range(count)]


def _image(draws: random.Random) -> dict[str, Any]:
    zone, letters = draws.randint(1, 60), draws.choice("CDEFGHJKLMNPQRSTUVWX") + "".join(draws.choices("ABCDEFGH", k=2))
    tile, orbit, satellite = f"{zone:02d}{letters}", draws.randint(1, 143), draws.choice("AB")
    sensed = datetime(2023, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=draws.randrange(365 * 86400))
    ground = sensed + timedelta(seconds=draws.randint(270, 540))
    started = ground + timedelta(milliseconds=draws.randint(60_000, 400_000))
    updated = started + timedelta(microseconds=draws.randint(20_000_000_000, 200_000_000_000))
    take, strip = f"{sensed:%Y%m%dT%H%M%S}", f"{ground:%Y%m%dT%H%M%S}"
    asset_id = f"{COLLECTION}/{take}_{strip}_T{tile}"
    time = f"{started:%Y-%m-%dT%H:%M:%S}.{started.microsecond // 1000:03d}Z"
    crs, corner = f"EPSG:{32600 + zone}", (draws.randrange(300000, 800000, 60), draws.randrange(100000, 9300000, 60))
    return {
        "type": "IMAGE",
        "name": f"projects/earthengine-public/assets/{asset_id}",
        "id": asset_id,
        "updateTime": f"{updated:%Y-%m-%dT%H:%M:%S.%fZ}",
        "properties": _properties(draws, tile, orbit, satellite, take, strip, ground),
        "startTime": time,
        "endTime": time,
        "geometry": _polygon(draws),
        "bands": [_band(*band, crs, corner) for band in _BANDS],
        "sizeBytes": str(draws.randint(400_000_000, 1_500_000_000)),
    }


def _band(name: str, metres: int, largest: int, policy: str, crs: str, corner: tuple[int, int]) -> dict[str, Any]:
    pixels = 109800 // metres
    scale = {"scaleX": metres, "translateX": corner[0], "scaleY": -metres, "translateY": corner[1]}
    return {
        "id": name,
        "dataType": {"precision": "INT", "range": {"max": largest}},
        "grid": {"dimensions": {"width": pixels, "height": pixels}, "affineTransform": scale, "crsCode": crs},
        "pyramidingPolicy": policy,
    }


def _polygon(draws: random.Random) -> dict[str, Any]:
    west, south = draws.uniform(-180, 178), draws.uniform(-60, 74)
    corners = [(west, south), (west + 1.23, south - 0.006), (west + 1.25, south + 0.98), (west, south + 0.99)]
    ring = [[x + draws.uniform(0, 0.01), y + draws.uniform(0, 0.01)] for x, y in corners]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _properties(
    draws: random.Random, tile: str, orbit: int, satellite: str, take: str, strip: str, ground: datetime
) -> dict[str, Any]:
    cloud, absolute = draws.uniform(0, 100), draws.randint(39000, 45000)
    properties: dict[str, Any] = {
        **dict.fromkeys(_PASSED, "PASSED"),
        **dict.fromkeys(_ZERO, 0),
        **{f"BOA_ADD_OFFSET_{band}": -1000 for band in _INCIDENCE_BANDS},
        **{share: draws.uniform(0, 40) for share in _SHARES},
        **{f"MEAN_INCIDENCE_AZIMUTH_ANGLE_{band}": draws.uniform(100, 290) for band in _INCIDENCE_BANDS},
        **{f"MEAN_INCIDENCE_ZENITH_ANGLE_{band}": draws.uniform(2, 11) for band in _INCIDENCE_BANDS},
        "CLOUDY_PIXEL_PERCENTAGE": cloud,
        "CLOUD_COVERAGE_ASSESSMENT": cloud,
        "DATASTRIP_ID": f"S2{satellite}_OPER_MSI_L2A_DS_SYNT_{strip}_S{take}_N05.09",
        "DATATAKE_IDENTIFIER": f"GS2{satellite}_{take}_{absolute:06d}_N05.09",
        "DATATAKE_TYPE": "INS-NOBS",
        "GENERATION_TIME": int((ground + timedelta(hours=draws.randint(2, 6))).timestamp()) * 1000,
        "GRANULE_ID": f"L2A_T{tile}_A{absolute:06d}_{take}",
        "MEAN_SOLAR_AZIMUTH_ANGLE": draws.uniform(60, 170),
        "MEAN_SOLAR_ZENITH_ANGLE": draws.uniform(15, 75),
        "MGRS_TILE": tile,
        "PROCESSING_BASELINE": "05.09",
        "PRODUCT_ID": f"S2{satellite}_MSIL2A_{take}_N0509_R{orbit:03d}_T{tile}_{strip}",
        "REFLECTANCE_CONVERSION_CORRECTION": draws.uniform(0.96, 1.04),
        "SENSING_ORBIT_DIRECTION": draws.choice(("DESCENDING", "ASCENDING")),
        "SENSING_ORBIT_NUMBER": orbit,
        "SPACECRAFT_NAME": f"Sentinel-2{satellite}",
    }
    return dict(sorted(properties.items()))
