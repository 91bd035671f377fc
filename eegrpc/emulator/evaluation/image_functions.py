"""Image functions: what they compute are bands, what they keep of their images is declared.

    @image_function("Image.sqrt(value: Image) -> Image", keeps=Keeps.FOOTPRINT)
    def square_root(context, image): return [...]  # the bands

Sources of what is kept: the descriptions of the functions where they say so ("retains the metadata"), else the
observations that docs/emulator.md lists. Where there is neither, the declaration names the assumption. The page of the
functions has the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec

from eegrpc.emulator.evaluation.registry import algorithm, algorithms
from eegrpc.emulator.geometry.shapes import UNBOUNDED
from eegrpc.emulator.images.images import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.images.bands import Band

P = ParamSpec("P")

# What it costs to look at a band.
_LOOKED_AT = 2

# What answers rest on when the description of a function does not say what it keeps.
DROPS = "undocumented-drops-metadata"
RETAINS = "undocumented-keeps-metadata"


class Keeps(Enum):
    """What the result of an image function has of its images, besides bands; the value is for the documentation."""

    EVERYTHING = "id, version, properties and footprint of the first image"
    METADATA = "id, version and properties of the first image, with another footprint"
    FOOTPRINT = "the footprint of the first image that has bounds; no id, no properties"
    NOTHING = "no id, no properties, no bounds"


@dataclass(frozen=True, slots=True)
class Placed:
    """What a function returns that works out a footprint, too.

    Attributes:
        bands: The bands.
        footprint: Where they are.

    """

    bands: Sequence[Band]
    footprint: Geometry | None


class Rule(NamedTuple):
    """What a function keeps.

    Attributes:
        keeps: What it is.
        assumption: Name of the assumption behind it; empty if it is documented or was observed.

    """

    keeps: Keeps
    assumption: str


_RULES: dict[str, Rule] = {}


def rules() -> Mapping[str, Rule]:
    """Return what every image function keeps, by its name."""
    algorithms()  # each is declared with its rule
    return MappingProxyType(_RULES)


def note_rule(*names: str, keeps: Keeps, assumption: str = "") -> None:
    """Note what functions keep that build their images themselves.

    Args:
        names: Names of the functions.
        keeps: What they keep.
        assumption: Name of the assumption behind that, if it is one.

    """
    for name in names:
        _RULES[name] = Rule(keeps, assumption)


def image_function(
    *signatures: str, keeps: Keeps, assumption: str = "", summary: str = ""
) -> Callable[[Callable[Concatenate[Context, P], Sequence[Band] | Placed]], Callable[Concatenate[Context, P], Image]]:
    """Declare a function from images to an image: the decorated one computes the bands, if new also the footprint.

    Counted are the bands that it looks at and the bands that it makes, so that it need not do so if there are not many
    more of either.

    Args:
        signatures: As for `algorithm`; several are several names for one.
        keeps: What else the result has.
        assumption: Name of the assumption behind ``keeps``, if it is one.
        summary: As for `algorithm`.

    Returns:
        A decorator; what it returns gives the image.

    Raises:
        ValueError: A signature is malformed or declared twice.

    """

    def declare(
        bands_of: Callable[Concatenate[Context, P], Sequence[Band] | Placed],
    ) -> Callable[Concatenate[Context, P], Image]:
        @wraps(bands_of)
        def implementation(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> Image:
            images = [argument for argument in args if isinstance(argument, Image)]
            found = bands_of(context, *args, **kwargs) if kwargs else _found(context, bands_of, args, images)
            made = found.bands if isinstance(found, Placed) else found
            if assumption and images and _has_metadata(images[0]):
                context.assume(assumption)
            if isinstance(found, Placed):
                if keeps is Keeps.METADATA:
                    return images[0].with_bands(made).setting({"system:footprint": found.footprint})
                return derived(found.footprint, made)
            if keeps in (Keeps.EVERYTHING, Keeps.METADATA):
                return images[0].with_bands(made)
            return derived(shared_footprint(context, images) if keeps is Keeps.FOOTPRINT else UNBOUNDED, made)

        algorithm(*signatures, summary=summary)(implementation)
        note_rule(*(signature.partition("(")[0] for signature in signatures), keeps=keeps, assumption=assumption)
        return implementation

    return declare


class _LooksFurtherError(Exception):
    """A function asks an image for more than its bands."""


class _BandsOnly(Image):
    """An image of which nothing is told but its bands."""

    __slots__ = ()

    def __init__(self, image: Image) -> None:
        super().__init__(None, image.bands)

    def get(self, name: str) -> object:
        raise _LooksFurtherError(name)

    def property_names(self) -> list[str]:
        raise _LooksFurtherError


def _found(
    context: Context, bands_of: Callable[..., Sequence[Band] | Placed], args: tuple[object, ...], images: list[Image]
) -> Sequence[Band] | Placed:
    """Return the bands of a function, computed once for images that have the same ones.

    The images of a collection mostly have the bands of a few grids, and a function is mapped over a thousand of them.
    So it is given images that have bands and nothing else; if it asks for more, it gets the real ones, each time.
    """
    if not images:
        return _counted(context, bands_of, args, images)

    def made() -> Sequence[Band] | None:
        bare = [_BandsOnly(argument) if isinstance(argument, Image) else argument for argument in args]
        try:
            found = _counted(context, bands_of, bare, images)
        except _LooksFurtherError:
            return None
        return None if isinstance(found, Placed) else tuple(found)

    context.spend(1)
    parts = (argument.bands if isinstance(argument, Image) else argument for argument in args)
    found = context.once(made, bands_of, *parts)
    return _counted(context, bands_of, args, images) if found is None else found


def _counted(
    context: Context, bands_of: Callable[..., Sequence[Band] | Placed], args: Sequence[object], images: list[Image]
) -> Sequence[Band] | Placed:
    """Return the bands of a function; what it looks at is counted before, and what it makes when it is there."""
    context.spend(1 + sum(len(image.bands) for image in images), _LOOKED_AT)
    found = bands_of(context, *args)
    made = found.bands if isinstance(found, Placed) else found
    if all(made is not image.bands for image in images):
        context.spend(len(made))
    return found


def derived(footprint: Geometry | None, bands: Sequence[Band]) -> Image:
    """Return a new image: no id, no properties.

    Args:
        footprint: Its footprint.
        bands: Its bands.

    Returns:
        The image.

    """
    return Image(None, bands, {"system:footprint": footprint})


def shared_footprint(context: Context, images: Sequence[Image]) -> Geometry | None:
    """Return the footprint of what is computed from images: the only one that has bounds, else the first that has.

    Args:
        context: The request's context.
        images: The images.

    Returns:
        The footprint; None if no image has one.

    """
    if len(images) == 1:
        return images[0].geometry
    footprints = [image.geometry for image in images]
    bounded = [footprint for footprint in footprints if footprint is not None and not footprint.unbounded]
    if not bounded:
        return next((footprint for footprint in footprints if footprint is not None), None)
    if any(other is not bounded[0] and other != bounded[0] for other in bounded[1:]):
        context.assume("binary-footprint-first")
    return bounded[0]


def _has_metadata(image: Image) -> bool:
    return image.record is not None or any(name != "system:footprint" for name in image.changes)
