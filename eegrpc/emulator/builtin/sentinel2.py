"""Sentinel-2 Level-2A, harmonized: two neighbouring tiles in California and one in the Amazon.

Names, types, grids and tiles are the real data set's. Every value of an image is synthetic, and so is its time of day;
DATASTRIP_ID says SYNT where the processing centre stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.builtin.common import (
    UINT8,
    UINT16,
    UINT32,
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

COLLECTION = "COPERNICUS/S2_SR_HARMONIZED"

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of the grid: where it is, and how the satellites pass it."""

    name: str
    crs: str
    corner: tuple[float, float]
    orbit: int
    passes_at: timedelta
    ring: Ring


_TILES = (
    Tile(
        "10SEG",
        "EPSG:32610",
        (499980, 4200000),
        70,
        timedelta(hours=18, minutes=46),
        (
            (-123.000224655692, 36.957881096477),
            (-121.766994751769, 36.951479473109),
            (-121.750645708411, 37.940956231376),
            (-123.000227635455, 37.947589572791),
            (-123.000224655692, 36.957881096477),
        ),
    ),
    Tile(
        "10SFG",
        "EPSG:32610",
        (600000, 4200000),
        70,
        timedelta(hours=18, minutes=46),
        (
            (-121.876819685152, 36.952569123768),
            (-120.644267630526, 36.934510754494),
            (-120.61305784243, 37.923373496276),
            (-121.861926068057, 37.942085320997),
            (-121.876819685152, 36.952569123768),
        ),
    ),
    Tile(
        "18MYC",
        "EPSG:32718",
        (699960, 9800020),
        82,
        timedelta(hours=15, minutes=7),
        (
            (-73.20117063126, -2.801266184865),
            (-72.21406213436, -2.79932495657),
            (-72.215990513447, -1.807127364704),
            (-73.202416894676, -1.808379981513),
            (-73.20117063126, -2.801266184865),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One pass over one tile. ``old`` is a processing baseline from before 2022, which names properties otherwise."""

    tile: Tile
    day: datetime
    old: bool = False


def _scenes() -> list[Scene]:
    california, valley, amazon = _TILES
    scenes = [
        Scene(tile, day) for tile in (california, valley) for day in every(5, utc(2022, 12, 6), utc(2023, 12, 31))
    ]
    scenes += [Scene(amazon, day) for day in every(5, utc(2023, 1, 5), utc(2023, 12, 31))]
    scenes += [Scene(amazon, day, old=True) for day in every(45, utc(2021, 1, 2), utc(2021, 12, 31))]
    return scenes


_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")
_ALL_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
_METRES = {"B1": 60, "B5": 20, "B6": 20, "B7": 20, "B8A": 20, "B9": 60, "B11": 20, "B12": 20}


@lru_cache(maxsize=8)
def _bands(tile: Tile, old: bool) -> tuple[ImageBand, ...]:
    def at(metres: int):  # type: ignore[no-untyped-def]
        return grid(tile.crs, (metres, -metres), tile.corner, (109800 // metres, 109800 // metres))

    nowhere = grid("EPSG:4326", (1, 1), (0, 0), None)
    bands = [band(name, UINT16, at(_METRES.get(name, 10))) for name in _BANDS]
    bands += [band("AOT", UINT16, at(10)), band("WVP", UINT16, at(10)), band("SCL", UINT8, at(20), "MODE")]
    bands += [band(name, UINT8, at(10)) for name in ("TCI_R", "TCI_G", "TCI_B")]
    bands += [band(name, UINT8, at(20)) for name in ("MSK_CLDPRB", "MSK_SNWPRB")]
    bands += [
        band("QA10", UINT16, at(10), "SAMPLE"),
        band("QA20", UINT32, at(20), "SAMPLE"),
        band("QA60", UINT16, at(60), "SAMPLE"),
    ]
    for name in ("MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS", "MSK_CLASSI_SNOW_ICE"):
        bands.append(band(name, UINT8, nowhere, None) if old else band(name, UINT8, at(60), "SAMPLE"))
    return tuple(bands)


def _make(scene: Scene) -> EarthEngineAsset:
    tile, day = scene.tile, scene.day
    datatake = Draws(COLLECTION, tile.orbit, f"{day:%Y%m%d}")  # neighbours on an orbit share it
    draws = Draws(COLLECTION, tile.name, f"{day:%Y%m%d}")
    sensed = day + tile.passes_at + timedelta(seconds=datatake.whole(0, 179))
    ground = sensed + timedelta(seconds=draws.whole(270, 540))
    started = ground + timedelta(milliseconds=draws.whole(60_000, 400_000))
    satellite = "A" if (day.toordinal() // 5) % 2 else "B"
    baseline = "03.01" if scene.old else "05.09"
    take, strip = f"{sensed:%Y%m%dT%H%M%S}", f"{ground:%Y%m%dT%H%M%S}"
    asset = image(
        COLLECTION,
        f"{take}_{strip}_T{tile.name}",
        start=started,
        end=started,
        updated=started + timedelta(microseconds=draws.whole(20_000_000_000, 200_000_000_000)),
    )
    asset.size_bytes = draws.whole(400_000_000, 1_500_000_000)
    asset.bands.extend(_bands(tile, scene.old))
    set_polygon(asset, tile.ring)
    absolute_orbit = 39000 + tile.orbit
    latitude = tile.ring[0][1]
    set_properties(
        asset,
        {
            **_quality(scene.old),
            **_cover(draws, old=scene.old),
            **_angles(draws, latitude, day),
            "DATASTRIP_ID": f"S2{satellite}_OPER_MSI_L2A_DS_SYNT_{strip}_S{take}_N{baseline}",
            "DATATAKE_IDENTIFIER": f"GS2{satellite}_{take}_{absolute_orbit:06d}_N{baseline}",
            "DATATAKE_TYPE": "INS-NOBS",
            "GENERATION_TIME": int((ground + timedelta(hours=draws.whole(2, 6))).timestamp()) * 1000,
            "GRANULE_ID": f"L2A_T{tile.name}_A{absolute_orbit:06d}_{take}",
            "MGRS_TILE": tile.name,
            "PROCESSING_BASELINE": baseline,
            "PRODUCT_ID": (
                f"S2{satellite}_MSIL2A_{take}_N{baseline.replace('.', '')}_R{tile.orbit:03d}_T{tile.name}_{strip}"
            ),
            "REFLECTANCE_CONVERSION_CORRECTION": round(1 / sun_distance(day) ** 2, 12),
            "SENSING_ORBIT_DIRECTION": "DESCENDING",
            "SENSING_ORBIT_NUMBER": tile.orbit,
            "SPACECRAFT_NAME": f"Sentinel-2{satellite}",
        },
    )
    return asset


def _quality(old: bool) -> dict[str, float | str]:
    flag = "_FLAG" if old else ""
    properties: dict[str, float | str] = {
        f"{name}{flag}": "PASSED"
        for name in (
            "FORMAT_CORRECTNESS",
            "GENERAL_QUALITY",
            "GEOMETRIC_QUALITY",
            "RADIOMETRIC_QUALITY",
            "SENSOR_QUALITY",
        )
    }
    if not old:
        properties |= {f"BOA_ADD_OFFSET_{name}": -1000 for name in _ALL_BANDS}
    for name in (
        "AOT_RETRIEVAL_ACCURACY",
        "DEGRADED_MSI_DATA_PERCENTAGE",
        "NODATA_PIXEL_PERCENTAGE",
        "RADIATIVE_TRANSFER_ACCURACY",
        "SATURATED_DEFECTIVE_PIXEL_PERCENTAGE",
        "SNOW_ICE_PERCENTAGE",
        "WATER_VAPOUR_RETRIEVAL_ACCURACY",
    ):
        properties[name] = 0
    return properties


def _cover(draws: Draws, *, old: bool) -> dict[str, float | str]:
    cloud = draws.cloud(6)
    clear = (100 - cloud) / 100
    bare = "BARE_SOILS_PERCENTAGE" if old else "NOT_VEGETATED_PERCENTAGE"
    return {
        "CLOUDY_PIXEL_PERCENTAGE": cloud,
        "CLOUD_COVERAGE_ASSESSMENT": cloud,
        "CLOUD_SHADOW_PERCENTAGE": round(0.09 * cloud * clear, 6),
        "DARK_FEATURES_PERCENTAGE": round(clear * draws.number(0.1, 0.6, 6), 6),
        "HIGH_PROBA_CLOUDS_PERCENTAGE": round(0.31 * cloud, 6),
        "MEDIUM_PROBA_CLOUDS_PERCENTAGE": round(0.42 * cloud, 6),
        "THIN_CIRRUS_PERCENTAGE": round(0.27 * cloud, 6),
        bare: round(clear * draws.number(5, 25, 6), 6),
        "UNCLASSIFIED_PERCENTAGE": round(clear * draws.number(0.5, 4, 6), 6),
        "VEGETATION_PERCENTAGE": round(clear * draws.number(20, 45, 6), 6),
        "WATER_PERCENTAGE": round(clear * draws.number(2, 22, 6), 6),
    }


def _angles(draws: Draws, latitude: float, day: datetime) -> dict[str, float | str]:
    elevation, azimuth = sun(latitude, day)
    properties: dict[str, float | str] = {
        "MEAN_SOLAR_AZIMUTH_ANGLE": azimuth,
        "MEAN_SOLAR_ZENITH_ANGLE": round(90 - elevation, 6),
    }
    for name in _ALL_BANDS:
        properties[f"MEAN_INCIDENCE_AZIMUTH_ANGLE_{name}"] = draws.number(100, 290, 9)
        properties[f"MEAN_INCIDENCE_ZENITH_ANGLE_{name}"] = draws.number(2, 11, 9)
    return properties


SOURCE = Source(_scenes(), _make)
