"""Joins as values: what is made of an element of the primary collection and its matches in the secondary one.

A condition is a filter of pairs: its left side reads the primary element, its right side the secondary one. Source: the
descriptions of the Join functions that Earth Engine serves, and its guide to joins.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from eegrpc.emulator.context import STEP
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filtering import filter_relations, filters
from eegrpc.emulator.filtering.filter_relations import Within
from eegrpc.emulator.filtering.filters import All, Comparison, Filter, comparable
from eegrpc.emulator.filtering.ordering import ordered_by
from eegrpc.emulator.geometry.relations import laid_out
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.values import Element, Feature, Made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from eegrpc.emulator.context import Context

    # Positions of the secondary elements that may match a primary one, in ascending order.
    Candidates = Callable[[Element], Sequence[int]]

MAX_INDEX_LENGTH = 10_000


class Match(NamedTuple):
    """A secondary element that passes the condition.

    Attributes:
        element: The element.
        measure: How far the two are from one another, if the condition says so.

    """

    element: Element
    measure: float | None

    def measured(self, key: str | None) -> Element:
        """Return the element, with the measure as a property if there is a key for it."""
        return self.element if key is None else self.element.setting({key: self.measure})


class Join(Made):
    """What is made of the elements of two collections."""

    __slots__ = ()

    type_name: ClassVar[str] = "Join"

    @property
    def measure_key(self) -> str | None:
        """The property that takes the measure of a match; None if none is asked for."""
        return None

    def results(self, context: Context, primary: Element, matches: Iterator[Match]) -> Iterable[Element]:
        """Return what the join makes of one primary element.

        Args:
            context: The request's context.
            primary: The element.
            matches: Its matches in the order of the secondary collection, found as they are asked for.

        Returns:
            Elements of the result.

        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Simple(Join):
    """The primary elements that have a match, or, if inverted, those that have none."""

    inverted: bool = False

    def results(self, context: Context, primary: Element, matches: Iterator[Match]) -> Iterable[Element]:  # noqa: ARG002
        """Return the element or nothing."""
        return [primary] if (next(matches, None) is None) is self.inverted else []


@dataclass(frozen=True, slots=True)
class Inner(Join):
    """A feature for each pair, which holds both elements."""

    primary_key: str
    secondary_key: str
    key: str | None = None

    @property
    def measure_key(self) -> str | None:
        """The property of the pair that takes the measure."""
        return self.key

    def results(self, context: Context, primary: Element, matches: Iterator[Match]) -> Iterable[Element]:
        """Return the pairs of one element."""
        for match in matches:
            properties: dict[str, object] = {self.primary_key: primary, self.secondary_key: match.element}
            if self.key is not None:
                properties[self.key] = match.measure
            one, other = primary.index, match.element.index
            if one is not None and other is not None:
                # Pairs of pairs of pairs double it each time.
                if len(one) + len(other) > MAX_INDEX_LENGTH:
                    raise AlgorithmError(f"The index of a pair has more than {MAX_INDEX_LENGTH:,} characters.")
                context.assume("inner-join-index")
                properties["system:index"] = f"{one}_{other}"
            context.spend(1)
            yield Feature(None, properties)


@dataclass(frozen=True, slots=True)
class Save(Join):
    """The primary elements, each with its matches in a property.

    Attributes:
        match_key: The property.
        ordering: The property of the matches by which they are sorted.
        ascending: Whether small values come first.
        key: The property of each match that takes the measure.
        outer: Whether primary elements without a match stay.

    """

    match_key: str
    ordering: str | None = None
    ascending: bool = True
    key: str | None = None
    outer: bool = False

    @property
    def measure_key(self) -> str | None:
        """The property of each match that takes the measure."""
        return self.key

    def results(self, context: Context, primary: Element, matches: Iterator[Match]) -> Iterable[Element]:
        """Return the element with what is saved of its matches, if there are some."""
        saved = self._saved(context, matches)
        if saved is not None:
            return [primary.setting({self.match_key: saved})]
        if not self.outer:
            return []
        context.assume("outer-join-without-match")
        return [primary]

    def _saved(self, context: Context, matches: Iterator[Match]) -> object:
        """Return the value of the property; None if there is no match."""
        return self._ordered(context, matches) or None

    def _ordered(self, context: Context, matches: Iterator[Match]) -> list[Element]:
        # The measure is a property by then, so that it may be what they are sorted by.
        elements = [match.measured(self.key) for match in matches]
        if self.ordering is None:
            return elements
        return ordered_by(context, elements, self.ordering, ascending=self.ascending)


@dataclass(frozen=True, slots=True)
class SaveFirst(Save):
    """The primary elements, each with the first of its matches."""

    def _saved(self, context: Context, matches: Iterator[Match]) -> object:
        if self.ordering is not None:
            return next(iter(self._ordered(context, matches)), None)
        first = next(matches, None)
        if first is None:
            return None
        if next(matches, None) is not None:
            context.assume("save-first-in-order")
        return first.measured(self.key)


@dataclass(frozen=True, slots=True)
class SaveBest(Save):
    """The primary elements, each with the match of the smallest measure."""

    def _saved(self, context: Context, matches: Iterator[Match]) -> object:
        found = [(match.measure, match) for match in matches if match.measure is not None]
        if not found:
            return None
        least = min(measure for measure, _ in found)
        best = [match for measure, match in found if measure == least]
        if len(best) > 1:
            context.assume("save-best-first-of-equals")
        return best[0].measured(self.key)


def joined(
    context: Context, join: Join, primary: Iterable[Element], secondary: Iterable[Element], condition: Filter
) -> list[Element]:
    """Apply a join.

    Args:
        context: The request's context.
        join: The join.
        primary: The elements that are kept or given matches.
        secondary: The elements to match.
        condition: The filter that says which pairs match.

    Returns:
        The elements of the result.

    Raises:
        AlgorithmError: The join needs a measure, and the condition has none.

    """
    if join.measure_key is not None and not condition.measured:
        raise AlgorithmError(
            "The join condition has no measure to save: use Filter.maxDifference or Filter.withinDistance."
        )
    rights = tuple(secondary)
    context.spend(len(rights))
    context.spend(condition.size, filters.QUESTION)
    candidates, all_pass = _index(context, rights, condition)
    price = STEP + condition.size * filters.QUESTION

    def matches(left: Element) -> Iterator[Match]:
        positions = candidates(left)
        if all_pass:
            context.spend(len(positions), price)
        for position in positions:
            right = rights[position]
            if not all_pass:
                context.spend(1, price)
                if not condition.passes(context, left, right):
                    continue
            yield Match(right, condition.measure(context, left, right) if join.measure_key is not None else None)

    results: list[Element] = []
    for left in primary:
        context.spend(1)
        results.extend(join.results(context, left, matches(left)))
    return results


# ------------------------------------------------------------------------------------------------------------- indexes
#
# An index names the pairs that may pass; whether they do is the filter's word, unless the index does all of its
# arithmetic. So an index may name too many, and none is needed for an answer.


# Relations of geometries which intersect.
_OF_PLACES = (filters.intersects, filter_relations.contains, filter_relations.is_contained)


def _index(context: Context, rights: Sequence[Element], condition: Filter) -> tuple[Candidates, bool]:
    """Return an index, and whether all that it names pass."""
    for part in _conjuncts(condition):
        if isinstance(part, Comparison) and part.joins and part.operator is filters.equals:
            return _by_value(context, rights, part), False
        if isinstance(part, Comparison) and part.joins and part.operator in _OF_PLACES:
            return _by_place(context, rights, part), False
        if isinstance(part, Within) and part.joins and part.gap is filter_relations.difference:
            return _by_number(rights, part), part is condition
    everything = range(len(rights))
    return lambda _: everything, False


def _conjuncts(condition: Filter) -> Iterable[Filter]:
    if isinstance(condition, All):
        return chain.from_iterable(_conjuncts(part) for part in condition.filters)
    return (condition,)


def _by_value(context: Context, rights: Sequence[Element], condition: Comparison) -> Candidates:
    places: dict[object, list[int]] = {}
    others: list[int] = []  # lists and the like, which equal no scalar
    for position, right in enumerate(rights):
        value = comparable(condition.right.of(right))
        (places.setdefault(value, []) if _is_scalar(value) else others).append(position)

    def candidates(left: Element) -> Sequence[int]:
        value = comparable(condition.left.of(left))
        if value is None or None in places:
            context.assume("equals-missing-both-null")
        return places.get(value, ()) if _is_scalar(value) else others

    return candidates


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _by_number(rights: Sequence[Element], condition: Within) -> Candidates:
    values = ((filter_relations.number(condition.right.of(right)), position) for position, right in enumerate(rights))
    found = sorted((value, position) for value, position in values if value is not None)
    numbers = [value for value, _ in found]

    def candidates(left: Element) -> Sequence[int]:
        value = filter_relations.number(condition.left.of(left))
        if value is None:
            return ()
        # A little more than the difference, as sums are rounded.
        reach = condition.limit + 1e-12 * (abs(value) + abs(condition.limit))
        near = found
        if math.isfinite(reach):
            near = found[bisect_left(numbers, value - reach) : bisect_right(numbers, value + reach)]
        return sorted(position for number, position in near if abs(value - number) <= condition.limit)

    return candidates


def _by_place(context: Context, rights: Sequence[Element], condition: Comparison) -> Candidates:
    import shapely

    geometries = [condition.right.of(right) for right in rights]
    laid_out(context, *(geometry for geometry in geometries if isinstance(geometry, Geometry)))
    nowhere = shapely.Point()
    shapes = [geometry.shape if isinstance(geometry, Geometry) else nowhere for geometry in geometries]
    tree = shapely.STRtree(shapes)

    def candidates(left: Element) -> Sequence[int]:
        geometry = condition.left.of(left)
        if not isinstance(geometry, Geometry):
            return ()
        laid_out(context, geometry)
        return sorted(tree.query(geometry.shape).tolist())

    return candidates
