"""Functions whose results depend on pixels: known by their signatures, answered only by the stubs of a test."""

from eegrpc.emulator.registry import needs_pixels

needs_pixels(
    "Image.sample(image: Image, region: Geometry = null, scale: Float = null, projection: Projection = null, "
    "factor: Float = null, numPixels: Long = null, seed: Integer = 0, dropNulls: Boolean = true, "
    "tileScale: Float = 1, geometries: Boolean = false) -> FeatureCollection",
)
