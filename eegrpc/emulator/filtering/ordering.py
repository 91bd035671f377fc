"""The order of elements by a property: what Collection.limit and joins share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filtering.filters import comparable
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from collections.abc import Collection

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Element


def ordered_by(context: Context, elements: Collection[Element], key: str, *, ascending: bool) -> list[Element]:
    """Return elements in the order of a property: stable in both directions, those without it last.

    Args:
        context: The request's context.
        elements: The elements.
        key: Name of the property.
        ascending: Whether small values come first.

    Returns:
        The same elements in order.

    Raises:
        AlgorithmError: A value is neither a number nor a string nor a date.

    """
    context.spend(len(elements))
    values: list[Any] = [element.get(key) for element in elements]
    if set(map(type, values)) == {int}:  # times, mostly
        known = list(elements)
        return [known[place] for place in sorted(range(len(known)), key=values.__getitem__, reverse=not ascending)]
    present: list[tuple[tuple[int, object], Element]] = []
    missing: list[Element] = []
    for element, found in zip(elements, values, strict=True):
        value = comparable(found)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            missing.append(element)
        elif isinstance(value, (int, float, str)):
            present.append(((1 if isinstance(value, str) else 0, value), element))
        else:
            raise AlgorithmError(f"Cannot sort by property '{key}' of type {describe_type(value)}.", unsupported=True)
    if missing:
        context.assume("sort-missing-last")
    if len({kind for (kind, _), _ in present}) > 1:
        context.assume("sort-mixed-types")
    present.sort(key=lambda pair: pair[0], reverse=not ascending)
    return [*(element for _, element in present), *missing]
