"""Many images in one, or in pairs: composites, mosaics, bands side by side, arrays, joins by index.

A composite has the default grid, one degree of EPSG:4326 (guides/projections), and nothing of its inputs but bands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eegrpc.emulator.algorithms.collections import prefixed
from eegrpc.emulator.algorithms.image_reductions import reduced
from eegrpc.emulator.algorithms.pixel_types import cast_bands
from eegrpc.emulator.context import CONSTANT
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.filters import fingerprint
from eegrpc.emulator.geometry.shapes import UNBOUNDED
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.bands import Band
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.reducing.reducers import average_type, boolean_type, common_type, count_type, real_type
from eegrpc.emulator.values import Collection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import PixelType
    from eegrpc.emulator.reducing.reducers import Reducer, TypeRule
    from eegrpc.emulator.values import Element

# Source: the description of ImageCollection.toBands.
MAX_BANDS = 5000


def _images(collection: Collection) -> list[Image]:
    return [element for element in collection if isinstance(element, Image)]


def _types(context: Context, collection: Collection) -> dict[str, PixelType]:
    """Return the bands of all images, matched by name, with a type that holds the values of all of one name."""
    found: dict[str, PixelType] = {}
    names: set[tuple[str, ...]] = set()
    context.spend(len(collection))
    for image in _images(collection):
        context.spend(len(image.bands), CONSTANT)
        for band in image.bands:
            known = found.get(band.id)
            found[band.id] = band.type if known is None else common_type((known, band.type))
        names.add(tuple(band.id for band in image.bands))
    if len(names) > 1:
        context.assume("composite-bands-of-all")
    return found


def _composite(context: Context, types: Iterable[tuple[str, PixelType]]) -> Image:
    """Return an image that has nothing of its inputs but bands."""
    bands = [Band(name, pixel_type) for name, pixel_type in types]
    context.spend(len(bands))
    return _alone(context, bands)


def _alone(context: Context, bands: list[Band]) -> Image:
    """Return an image of bands whose names are checked and made different, and of nothing else."""
    context.assume("composite-unbounded")
    named = algebra.rename_bands(bands, [band.id for band in bands])
    return Image(None, algebra.append_bands([], named), {"system:footprint": UNBOUNDED})


# -------------------------------------------------------------------------------------------------------- reductions


@algorithm(
    "ImageCollection.reduce(collection: ImageCollection, reducer: Reducer, parallelScale: Float = 1) -> Image",
)
def reduce(context: Context, collection: Collection, reducer: Reducer, _scale: float) -> Image:
    """Apply a reducer to each band (`B4_mean`), or with several inputs to all bands together (`scale`, `offset`)."""
    types = _types(context, collection)
    return _composite(context, reduced(context, reducer, types) if types else [])


# Their bands keep their names. What the reducers of the same names compute, they do.
_SHORTCUTS: dict[str, tuple[TypeRule, str]] = {
    "and": (boolean_type, "1 where no value is 0, else 0"),
    "count": (count_type, "how many values there are"),
    "max": (common_type, "the highest value"),
    "mean": (average_type, "the mean"),
    "median": (average_type, "the median"),
    "min": (common_type, "the lowest value"),
    "mode": (common_type, "the most frequent value"),
    "or": (boolean_type, "1 where some value is not 0, else 0"),
    "product": (real_type, "the product"),
    "sum": (real_type, "the sum"),
}


def _declare_shortcut(name: str, type_of: TypeRule, gives: str) -> None:
    @algorithm(f"reduce.{name}(collection: ImageCollection) -> Image", summary=f"Composite: {gives}, band by band.")
    def shortcut(context: Context, collection: Collection) -> Image:
        types = _types(context, collection)
        context.assume("reduced-pixel-types")
        return _composite(context, [(band, type_of([pixel_type])) for band, pixel_type in types.items()])


for _name, (_type_of, _gives) in _SHORTCUTS.items():
    _declare_shortcut(_name, _type_of, _gives)


@algorithm("ImageCollection.mosaic(collection: ImageCollection) -> Image")
def mosaic(context: Context, collection: Collection) -> Image:
    """Return a composite of the last values that are not masked."""
    types = _types(context, collection)
    context.assume("reduced-pixel-types")
    return _composite(context, types.items())


@algorithm("ImageCollection.qualityMosaic(collection: ImageCollection, qualityBand: String) -> Image")
def quality_mosaic(context: Context, collection: Collection, quality: str) -> Image:
    """Return a composite of the values where one band is highest."""
    types = _types(context, collection)
    for image in _images(collection):
        if all(band.id != quality for band in image.bands):
            names = ", ".join(band.id for band in image.bands)
            raise AlgorithmError(f"Image '{image.index}' has no band '{quality}'. Available bands: [{names}]")
    context.assume("reduced-pixel-types")
    return _composite(context, types.items())


# ------------------------------------------------------------------------------------------------- bands side by side


@algorithm("ImageCollection.toBands(collection: ImageCollection) -> Image")
def to_bands(context: Context, collection: Collection) -> Image:
    """Put all bands of all images in one, called `index_band`."""
    context.spend(len(collection))
    count = sum(len(image.bands) for image in _images(collection))
    if count > MAX_BANDS:
        raise AlgorithmError(f"The collection has {count} bands, but an image may have {MAX_BANDS} at most.")
    context.spend(count)
    return _alone(
        context,
        [
            band.renamed(prefixed(context, image.index or str(position), band.id))
            for position, image in enumerate(_images(collection))
            for band in image.bands
        ],
    )


@algorithm("ImageCollection.toArray(collection: ImageCollection) -> Image")
def to_array(context: Context, collection: Collection) -> Image:
    """Make one band `array`, in which images are rows and bands are columns."""
    types = _types(context, collection)
    if not types:
        return _composite(context, [])
    for name, pixel_type in types.items():
        if pixel_type.dimensions:
            raise AlgorithmError(f"Band '{name}' has arrays for values; they must be numbers.")
    context.assume("array-band-name")
    return _composite(context, [("array", replace(common_type(list(types.values())), dimensions=2))])


@algorithm(
    "ImageCollection.toArrayPerBand(collection: ImageCollection, axis: Integer = 0, dropMasked: Boolean = false) "
    "-> Image"
)
def to_array_per_band(context: Context, collection: Collection, axis: int, _drop: bool) -> Image:
    """Put the values of each band one after the other in an array."""
    types = _types(context, collection)
    most = min((pixel_type.dimensions for pixel_type in types.values()), default=axis)
    if not 0 <= axis <= most:
        raise AlgorithmError(f"Parameter 'axis' must be from 0 to {most}, the least dimension of a band, got {axis}.")
    return _composite(
        context,
        [
            (name, replace(pixel_type, dimensions=max(pixel_type.dimensions, axis + 1)))
            for name, pixel_type in types.items()
        ],
    )


@algorithm(
    "ImageCollection.cast(collection: ImageCollection, bandTypes: Dictionary<Object>, bandOrder: List<String>) "
    "-> ImageCollection"
)
def cast(context: Context, collection: Collection, types: dict[str, object], order: list[str]) -> Collection:
    """Give the bands of all images these types and this order; bands that an image has not are added."""
    context.spend(len(collection))
    for image in _images(collection):
        for band in image.bands:
            if band.id not in types:
                raise AlgorithmError(f"Parameter 'bandTypes' must include all bands, but '{band.id}' is missing.")
    return collection.replaced(tuple(cast_bands(context, image, types, order) for image in _images(collection)))


# ------------------------------------------------------------------------------------------------------ image by image


@algorithm(
    "ImageCollection.combine(primary: ImageCollection, secondary: ImageCollection, overwrite: Boolean = false) "
    "-> ImageCollection"
)
def combine(context: Context, primary: Collection, secondary: Collection, overwrite: bool) -> Collection:
    """Return the images of the first collection with the bands of those in the second that have the same index."""
    others = _by_property(context, secondary, "system:index")
    combined: list[Element] = []
    for image in _images(primary):
        context.spend(1)
        other = others.get(fingerprint(context, [image.index])) if image.index is not None else None
        if other is not None:
            context.spend(len(image.bands) + len(other.bands))
            combined.append(image.with_bands(algebra.append_bands(image.bands, other.bands, overwrite=overwrite)))
    return Collection(tuple(combined), of_images=True)


@algorithm(
    "Image.linkCollection(input: Image, imageCollection: ImageCollection, linkedBands: Object = null, "
    'linkedProperties: Object = null, matchPropertyName: String = "system:index") -> Image'
)
def link_collection(
    context: Context, image: Image, collection: Collection, bands: object, properties: object, match: str
) -> Image:
    """Add bands and properties of the image that has the same index, or the same value of another property."""
    names = _names("linkedBands", bands)
    value = image.get(match)
    linked = None
    if value is not None:
        linked = _by_property(context, collection, match).get(fingerprint(context, [value]))
    source = linked
    if source is None and names:
        source = next(iter(_images(collection)), None)
        if source is None:
            raise AlgorithmError("There is no image to tell what the linked bands would be.", unsupported=True)
        context.assume("unlinked-bands-of-first")
    more = [] if source is None else algebra.select_bands(source.bands, names)
    context.spend(len(image.bands) + len(more))
    result = image.with_bands(algebra.append_bands(image.bands, more, overwrite=True))
    taken = {name: None if linked is None else linked.get(name) for name in _names("linkedProperties", properties)}
    return result.setting(taken) if taken else result


def _names(parameter: str, value: object) -> list[str]:
    names = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AlgorithmError(f"Argument '{parameter}' must be a name or a list of names.")
    return names


def _by_property(context: Context, collection: Collection, name: str) -> Mapping[str, Image]:
    """Return the images by the fingerprint of a property; of several with the same value, the first."""

    def build() -> dict[str, Image]:
        context.spend(len(collection))
        found: dict[str, Image] = {}
        for image in _images(collection):
            value = image.get(name)
            if value is not None:
                found.setdefault(fingerprint(context, [value]), image)
        return found

    return context.once(build, collection, name)
