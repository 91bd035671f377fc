"""Join.*: each makes a join, which Join.apply applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.joins import Inner, Join, Save, SaveBest, SaveFirst, Simple, joined
from eegrpc.emulator.values import Collection

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.filtering.filters import Filter


@algorithm("Join.simple() -> Join")
def simple(_: Context) -> Join:
    """Keep the primary elements that have a match."""
    return Simple()


@algorithm("Join.inverted() -> Join")
def inverted(_: Context) -> Join:
    """Keep the primary elements that have no match."""
    return Simple(inverted=True)


@algorithm(
    'Join.inner(primaryKey: String = "primary", secondaryKey: String = "secondary", measureKey: String = null) -> Join'
)
def inner(_: Context, primary_key: str, secondary_key: str, measure_key: str | None) -> Join:
    """Make a feature of each pair that matches."""
    _check_names(primary_key, secondary_key, measure_key)
    return Inner(primary_key, secondary_key, measure_key)


_ORDERED = "ordering: String = null, ascending: Boolean = true, measureKey: String = null, outer: Boolean = false"


@algorithm(f"Join.saveAll(matchesKey: String, {_ORDERED}) -> Join")
def save_all(_: Context, key: str, ordering: str | None, ascending: bool, measure_key: str | None, outer: bool) -> Join:
    """Save the list of matches in a property of the primary element."""
    _check_names(key, measure_key)
    return Save(key, ordering, ascending, measure_key, outer)


@algorithm(f"Join.saveFirst(matchKey: String, {_ORDERED}) -> Join")
def save_first(
    _: Context, key: str, ordering: str | None, ascending: bool, measure_key: str | None, outer: bool
) -> Join:
    """Save the first match in a property of the primary element."""
    _check_names(key, measure_key)
    return SaveFirst(key, ordering, ascending, measure_key, outer)


@algorithm("Join.saveBest(matchKey: String, measureKey: String, outer: Boolean = false) -> Join")
def save_best(_: Context, key: str, measure_key: str, outer: bool) -> Join:
    """Save the match with the smallest measure in a property of the primary element."""
    _check_names(key, measure_key)
    return SaveBest(key, key=measure_key, outer=outer)


def _check_names(*names: str | None) -> None:
    if "" in names:
        raise AlgorithmError("The name of a property must not be empty.")


@algorithm(
    "Join.apply(join: Join, primary: FeatureCollection, secondary: FeatureCollection, condition: Filter) "
    "-> FeatureCollection"
)
def apply(context: Context, join: Join, primary: Collection, secondary: Collection, condition: Filter) -> Collection:
    """Join two collections: the left side of the condition reads the primary one, the right side the secondary one."""
    results = tuple(joined(context, join, primary, secondary, condition))
    return Collection(results) if isinstance(join, Inner) else primary.replaced(results)
