"""Earth Engine's functions, in rooms by kind. Importing this package declares them all in the registry."""

from eegrpc.emulator.algorithms import (  # noqa: F401 - each module declares its algorithms when imported
    collections,
    control,
    dates,
    elements,
    features,
    filters,
    geometries,
    geometry_functions,
    image_arithmetic,
    images,
    joins,
    lists,
    numbers,
    pixels,
    strings,
)
