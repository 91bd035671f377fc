"""Reducers made of others: side by side, one for each group, with other names or weights.

Making one is counted as work, because a small graph can double a reducer many times over. Sources: the descriptions of
the Reducer functions that Earth Engine serves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducing.reducers import Column, Output, Reducer, array_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import PixelType
    from eegrpc.emulator.reducing.reducers import Compute, TypeRule
    from eegrpc.emulator.reducing.statistics import Number

# Each level takes a stack frame or two when it computes.
MAX_DEPTH = 64


def combine(context: Context, first: Reducer, second: Reducer, prefix: str = "", *, shared: bool = False) -> Reducer:
    """Return a reducer that runs two side by side: on the same inputs, or on those of the one and then of the other.

    Args:
        context: The request's context.
        first: One reducer, whose outputs come first.
        second: The other.
        prefix: What stands before the names of the second one's outputs.
        shared: Whether both have the same inputs.

    Returns:
        The combined reducer.

    Raises:
        AlgorithmError: The numbers of inputs differ though they are shared, or two outputs have one name.

    """
    if shared and first.inputs != second.inputs:
        raise AlgorithmError(
            f"Reducers that share inputs must have the same number of them. Got {first.inputs} and {second.inputs}."
        )
    start = 0 if shared else first.inputs
    _count_names(context, first.outputs, 0)
    _count_names(context, second.outputs, len(prefix))

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return first.compute(context, columns[: first.inputs]) + second.compute(context, columns[start:])

    outputs = [
        Output(more + output.name, output.type_of if shared else _part(output.type_of, begin, reducer.inputs))
        for reducer, begin, more in ((first, 0, ""), (second, start, prefix))
        for output in reducer.outputs
    ]
    weighted = {*first.weighted, *(place + start for place in second.weighted)}
    return _built(
        context,
        Reducer(start + second.inputs, tuple(outputs), run, tuple(sorted(weighted)), first.cost + second.cost),
        (first, second),
    )


def repeat(context: Context, reducer: Reducer, count: int) -> Reducer:
    """Return a reducer that runs copies of one side by side, and whose outputs are lists of the copies' outputs.

    Args:
        context: The request's context.
        reducer: What is copied.
        count: How many copies there are.

    Returns:
        A reducer with so many times the inputs, and as many outputs.

    Raises:
        AlgorithmError: There would be no copies.

    """
    copies = _Copies(context, reducer, count)

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        results = copies.compute(context, columns)
        return tuple(list(outputs) for outputs in zip(*results, strict=True))

    def type_of(rule: TypeRule) -> TypeRule:
        def of_all(inputs: Sequence[PixelType]) -> PixelType:
            return array_type(1)([rule(part) for part in copies.parts(inputs)])

        return of_all

    outputs = tuple(Output(one.name, None if one.type_of is None else type_of(one.type_of)) for one in reducer.outputs)
    return _built(context, copies.reducer(outputs, run), (reducer,))


def for_each(context: Context, reducer: Reducer, names: Sequence[str]) -> Reducer:
    """Return a reducer that runs a copy of one for each name, and gives the outputs those names.

    If the reducer has several outputs, the names stand before theirs.

    Args:
        context: The request's context.
        reducer: What is copied.
        names: A name for each copy.

    Returns:
        A reducer with so many times the inputs and the outputs.

    Raises:
        AlgorithmError: There are no names, or a name comes twice.

    """
    copies = _Copies(context, reducer, len(names))
    single = len(reducer.outputs) == 1
    if not single:
        context.assume("for-each-underscore")
    for name in names:
        _count_names(context, reducer.outputs, 0 if single else len(name) + 1)

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return tuple(value for result in copies.compute(context, columns) for value in result)

    outputs = tuple(
        Output(name if single else f"{name}_{one.name}", _part(one.type_of, place * reducer.inputs, reducer.inputs))
        for place, name in enumerate(names)
        for one in reducer.outputs
    )
    return _built(context, copies.reducer(outputs, run), (reducer,))


class _Copies:
    """Copies of a reducer, whose inputs are one after the other."""

    def __init__(self, context: Context, reducer: Reducer, count: int) -> None:
        if count < 1:
            raise AlgorithmError(f"There must be at least one copy of a reducer, not {count}.")
        context.spend(count * max(reducer.cost, reducer.inputs))
        self._reducer = reducer
        self._count = count

    def parts(self, inputs: Sequence[PixelType]) -> Iterable[Sequence[PixelType]]:
        width = self._reducer.inputs
        return (inputs[place * width : (place + 1) * width] for place in range(self._count))

    def compute(self, context: Context, columns: Sequence[Column]) -> list[tuple[object, ...]]:
        width = self._reducer.inputs
        return [
            self._reducer.compute(context, columns[place * width : (place + 1) * width]) for place in range(self._count)
        ]

    def reducer(self, outputs: tuple[Output, ...], run: Compute) -> Reducer:
        one = self._reducer
        weighted = tuple(place * one.inputs + each for place in range(self._count) for each in one.weighted)
        return Reducer(self._count * one.inputs, outputs, run, weighted, self._count * one.cost)


def rename(context: Context, reducer: Reducer, names: Sequence[str]) -> Reducer:
    """Return a reducer with other names for its outputs; an output whose new name is empty is dropped.

    Args:
        context: The request's context.
        reducer: The reducer.
        names: A name for each of its outputs.

    Returns:
        A reducer with the same inputs.

    Raises:
        AlgorithmError: There are more or fewer names than outputs, or a name comes twice.

    """
    if len(names) != len(reducer.outputs):
        raise AlgorithmError(f"The reducer has {len(reducer.outputs)} output(s), but {len(names)} name(s) are given.")
    kept = [place for place, name in enumerate(names) if name]

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        values = reducer.compute(context, columns)
        return tuple(values[place] for place in kept)

    outputs = tuple(Output(names[place], reducer.outputs[place].type_of) for place in kept)
    return _built(context, replace(reducer, outputs=outputs, compute=run), (reducer,))


def unweighted(context: Context, reducer: Reducer) -> Reducer:
    """Return the same reducer without weighted inputs."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return reducer.compute(context, [Column(column.values) for column in columns])

    return _built(context, replace(reducer, compute=run, weighted=()), (reducer,))


def split_weights(context: Context, reducer: Reducer) -> Reducer:
    """Return the same reducer with two unweighted inputs, value and weight, for each weighted one."""
    context.spend(reducer.inputs)
    weighted = frozenset(reducer.weighted)
    places: list[tuple[int, int | None]] = []  # of the value and of its weight among the new inputs
    width = 0
    for place in range(reducer.inputs):
        places.append((width, width + 1 if place in weighted else None))
        width += 2 if place in weighted else 1

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return reducer.compute(
            context,
            [
                Column(columns[value].values, None if weight is None else columns[weight].values)
                for value, weight in places
            ],
        )

    def type_of(rule: TypeRule) -> TypeRule:
        return lambda inputs: rule([inputs[value] for value, _ in places])

    outputs = tuple(Output(one.name, None if one.type_of is None else type_of(one.type_of)) for one in reducer.outputs)
    return _built(context, replace(reducer, inputs=width, outputs=outputs, compute=run, weighted=()), (reducer,))


def group(context: Context, reducer: Reducer, field: int, name: str) -> Reducer:
    """Return a reducer that runs one for each value of a further input.

    Its output is the list ``groups`` of a dictionary for each value, in ascending order: the value under `name`, and
    the outputs of the reducer. Source: guides/reducers_grouping.

    Args:
        context: The request's context.
        reducer: Runs on the records of a group, without the group's value.
        field: Position of the group's value among the inputs.
        name: Key of the group's value.

    Returns:
        A reducer with one input more.

    Raises:
        AlgorithmError: There is no such position.

    """
    if not 0 <= field <= reducer.inputs:
        raise AlgorithmError(f"Parameter 'groupField' must be from 0 to {reducer.inputs}, got {field}.")

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        members: dict[tuple[bool, Number | str], list[int]] = {}
        for row, key in enumerate(columns[field].values):
            if key is None:
                context.assume("reducers-skip-nulls")
            elif isinstance(key, (int, float, str)):
                members.setdefault((isinstance(key, str), key), []).append(row)
            else:
                raise AlgorithmError(f"Groups must be numbers or strings, not values of type {describe_type(key)}.")
        inner = [column for place, column in enumerate(columns) if place != field]
        groups = []
        for sort_key in sorted(members):
            rows = members[sort_key]
            values = reducer.compute(context, [_taken(column, rows) for column in inner])
            outputs = zip((output.name for output in reducer.outputs), values, strict=True)
            groups.append(dict(sorted([*outputs, (name, sort_key[1])])))
        context.assume("groups-ascending")
        return (groups,)

    weighted = tuple(place + (place >= field) for place in reducer.weighted)
    grouped = Reducer(reducer.inputs + 1, (Output("groups", None),), run, weighted, reducer.cost + 1)
    return _built(context, grouped, (reducer,))


def _taken(column: Column, rows: Sequence[int]) -> Column:
    weights = column.weights
    return Column([column.values[row] for row in rows], None if weights is None else [weights[row] for row in rows])


def _part(rule: TypeRule | None, start: int, width: int) -> TypeRule | None:
    """Return the rule of a reducer whose inputs are some of all."""
    return None if rule is None else lambda inputs: rule(inputs[start : start + width])


def _count_names(context: Context, outputs: Sequence[Output], more: int) -> None:
    """Count outputs that are about to be made, and the letters of their names, each with so many more."""
    context.spend(len(outputs))
    context.spend(sum(len(output.name) + more for output in outputs), ITEM)


def _built(context: Context, reducer: Reducer, parts: Sequence[Reducer]) -> Reducer:
    """Check a reducer made of others."""
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise AlgorithmError(f"Reducers are within one another more than {MAX_DEPTH} levels deep.")
    context.spend(len(reducer.outputs))
    times = Counter(output.name for output in reducer.outputs)
    twice = next((name for name, count in times.items() if count > 1), None)
    if twice is not None:
        raise AlgorithmError(f"Two outputs of the reducer are called '{twice}': give one a prefix.", unsupported=True)
    return replace(reducer, depth=depth)
