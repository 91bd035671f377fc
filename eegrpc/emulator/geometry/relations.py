"""What two geometries are to one another, for all who ask on behalf of a request.

Answers are remembered for the length of the request, since many images share one footprint, and their work is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.geometry.shapes import Geometry

    Answer = TypeVar("Answer")

# What it costs to lay out a position of an edge, and to look at one of two geometries, in the units of context.spend.
_LAYING = 30
_LOOKING = 8


def laid_out(context: Context, *geometries: Geometry) -> None:
    """Count the work of making the shapes of geometries, before it is done."""
    for geometry in geometries:
        if not geometry.made:
            context.spend(geometry.detail, _LAYING)


def intersects(context: Context, left: Geometry, right: Geometry) -> bool:
    """Whether two geometries have a point in common; touching counts."""
    return once(context, left, right, _intersects)


def contains(context: Context, left: Geometry, right: Geometry) -> bool:
    """Whether the left geometry contains the right one, which is not empty; its boundary belongs to it."""
    inside, touching = once(context, left, right, _contains)
    if touching:
        context.assume("footprint-boundary-contained")
    return inside or touching


def once(
    context: Context, left: Geometry, right: Geometry, relation: Callable[[Context, Geometry, Geometry], Answer]
) -> Answer:
    """Return what a function gives for two geometries, asking it at most once in a request.

    Args:
        context: The request's context.
        left: One geometry.
        right: The other.
        relation: The function.

    Returns:
        Its answer.

    """
    return context.once(lambda: relation(context, left, right), relation, left, right)


def _intersects(context: Context, left: Geometry, right: Geometry) -> bool:
    laid_out(context, left, right)
    return left.intersects(right)


def _contains(context: Context, left: Geometry, right: Geometry) -> tuple[bool, bool]:
    """Whether the right lies inside, and whether all of it lies on the boundary."""
    laid_out(context, left, right)
    context.spend(left.detail + right.detail, _LOOKING)
    if left.unbounded or right.unbounded or right.empty:
        return left.unbounded and not right.empty, False
    if left.shape.contains(right.shape):
        return True, False
    return False, bool(left.shape.covers(right.shape))
