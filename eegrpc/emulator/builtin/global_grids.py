"""Two data sets that cover the globe: MODIS vegetation indices and ERA5-Land daily aggregates.

Names, types, grids and the calendar are the real data sets'. Sizes, tile counts and times of change are synthetic.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.builtin.common import (
    DOUBLE,
    INT8,
    INT16,
    UINT16,
    Draws,
    Source,
    band,
    every,
    grid,
    image,
    set_polygon,
    set_properties,
    utc,
)

if TYPE_CHECKING:
    from eegrpc.v1alpha import EarthEngineAsset, ImageBand

MODIS = "MODIS/061/MOD13Q1"
ERA5_LAND = "ECMWF/ERA5_LAND/DAILY_AGGR"

_WORLD = ((-180, -90), (180, -90), (180, 90), (-180, 90), (-180, -90))
# A footprint without bounds, as Earth Engine writes it.
_EVERYWHERE = (
    ("-Infinity", "-Infinity"),
    ("Infinity", "-Infinity"),
    ("Infinity", "Infinity"),
    ("-Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
)


@lru_cache(maxsize=1)
def _modis_bands() -> tuple[ImageBand, ...]:
    where = grid(
        "SR-ORG:6974", (231.65635826395825, -231.65635826395834), (-20015109.354, 10007554.677), (172800, 86400)
    )
    bands = [band("NDVI", INT16, where), band("EVI", INT16, where), band("DetailedQA", UINT16, where, "SAMPLE")]
    bands += [band(f"sur_refl_b{number}", INT16, where) for number in ("01", "02", "03", "07")]
    bands += [band(name, INT16, where) for name in ("ViewZenith", "SolarZenith", "RelativeAzimuth", "DayOfYear")]
    return (*bands, band("SummaryQA", INT8, where, "SAMPLE"))


def _make_modis(day: datetime) -> EarthEngineAsset:
    draws = Draws(MODIS, f"{day:%Y%m%d}")
    end = day + timedelta(days=16)
    asset = image(
        MODIS,
        f"{day:%Y_%m_%d}",
        start=day,
        end=end,
        updated=end + timedelta(days=9, microseconds=draws.whole(0, 999_999)),
    )
    asset.size_bytes = draws.whole(9_000_000_000, 11_000_000_000)
    asset.bands.extend(_modis_bands())
    set_polygon(asset, _WORLD)
    source_time = int((end + timedelta(days=3)).timestamp()) * 1000
    set_properties(asset, {"google:max_source_file_timestamp": source_time, "num_tiles": 285 + draws.whole(0, 1)})
    return asset


# Daily means first, then the extremes of each; of what accumulates the mean is a sum.
_MEANS = (
    "dewpoint_temperature_2m",
    "temperature_2m",
    "skin_temperature",
    "soil_temperature_level_1",
    "soil_temperature_level_2",
    "soil_temperature_level_3",
    "soil_temperature_level_4",
    "lake_bottom_temperature",
    "lake_ice_depth",
    "lake_ice_temperature",
    "lake_mix_layer_depth",
    "lake_mix_layer_temperature",
    "lake_shape_factor",
    "lake_total_layer_temperature",
    "snow_albedo",
    "snow_cover",
    "snow_density",
    "snow_depth",
    "snow_depth_water_equivalent",
    "snowfall_sum",
    "snowmelt_sum",
    "temperature_of_snow_layer",
    "skin_reservoir_content",
    "volumetric_soil_water_layer_1",
    "volumetric_soil_water_layer_2",
    "volumetric_soil_water_layer_3",
    "volumetric_soil_water_layer_4",
    "forecast_albedo",
    "surface_latent_heat_flux_sum",
    "surface_net_solar_radiation_sum",
    "surface_net_thermal_radiation_sum",
    "surface_sensible_heat_flux_sum",
    "surface_solar_radiation_downwards_sum",
    "surface_thermal_radiation_downwards_sum",
    "evaporation_from_bare_soil_sum",
    "evaporation_from_open_water_surfaces_excluding_oceans_sum",
    "evaporation_from_the_top_of_canopy_sum",
    "evaporation_from_vegetation_transpiration_sum",
    "potential_evaporation_sum",
    "runoff_sum",
    "snow_evaporation_sum",
    "sub_surface_runoff_sum",
    "surface_runoff_sum",
    "total_evaporation_sum",
    "u_component_of_wind_10m",
    "v_component_of_wind_10m",
    "surface_pressure",
    "total_precipitation_sum",
    "leaf_area_index_high_vegetation",
    "leaf_area_index_low_vegetation",
)


@lru_cache(maxsize=1)
def _era5_bands() -> tuple[ImageBand, ...]:
    where = grid("EPSG:4326", (0.1, -0.1), (-180.05, 90.05), (3601, 1801))
    extremes = [f"{name.removesuffix('_sum')}_{kind}" for name in _MEANS for kind in ("min", "max")]
    return tuple(band(name, DOUBLE, where) for name in (*_MEANS, *extremes))


def _make_era5(day: datetime) -> EarthEngineAsset:
    draws = Draws(ERA5_LAND, f"{day:%Y%m%d}")
    asset = image(
        ERA5_LAND,
        f"{day:%Y%m%d}",
        start=day,
        end=day + timedelta(days=1),
        updated=day + timedelta(days=9, microseconds=draws.whole(0, 999_999)),
    )
    asset.size_bytes = draws.whole(1_200_000_000, 1_400_000_000)
    asset.bands.extend(_era5_bands())
    set_polygon(asset, _EVERYWHERE)
    set_properties(asset, {"day": day.day, "month": day.month, "year": day.year})
    return asset


def _modis_days() -> list[datetime]:
    # The periods of 16 days begin anew with every year.
    days = [day for year in (2022, 2023) for day in every(16, utc(year, 1, 1), utc(year, 12, 31))]
    return days + every(16, utc(2024, 1, 1), utc(2024, 3, 31))


MODIS_SOURCE = Source(_modis_days(), _make_modis)
ERA5_SOURCE = Source(
    every(1, utc(2022, 12, 1), utc(2023, 3, 31)) + every(1, utc(2024, 2, 20), utc(2024, 3, 5)), _make_era5
)
