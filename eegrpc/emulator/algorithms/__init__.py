"""Earth Engine's functions, in rooms by kind. Importing this package declares them all in the registry."""

from eegrpc.emulator.algorithms import (  # noqa: F401 - each module declares its algorithms when imported
    aggregates,
    collections,
    composites,
    control,
    dates,
    elements,
    filters,
    geometries,
    image_arithmetic,
    image_reductions,
    images,
    lists,
    numbers,
    pixels,
    reducers,
    strings,
    tables,
)
