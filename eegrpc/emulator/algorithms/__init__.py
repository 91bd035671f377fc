"""Earth Engine's functions, in rooms by kind. Importing this package declares them all in the registry."""

from eegrpc.emulator.algorithms import (  # noqa: F401 - each module declares its algorithms when imported
    arrays,
    collections,
    control,
    dates,
    dictionaries,
    elements,
    filters,
    geometries,
    image_arithmetic,
    images,
    list_changes,
    lists,
    numbers,
    objects,
    pixels,
    strings,
)
