"""Reducers as values: what makes few values of many, or few bands of the bands of many images.

A reducer takes records of as many values as it has inputs, and gives one value for each of its named outputs. Applied
to images, of which only metadata is known, it gives a band for each output, whose pixel type follows from the inputs'.
Sources: the descriptions of the Reducer functions that Earth Engine serves, and guides/reducers_intro.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from eegrpc.emulator.bands import BOOLEAN, PixelType, union_precision
from eegrpc.emulator.context import ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import describe_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.statistics import Number

# Reducers of reducers of reducers: each level takes a stack frame or two when it computes.
MAX_DEPTH = 64


class Column(NamedTuple):
    """What one input gets: a value from each record, and their weights if they do not all weigh 1."""

    values: Sequence[object]
    weights: Sequence[object] | None = None


TypeRule = Callable[[Sequence[PixelType]], PixelType]
Compute = Callable[["Context", Sequence[Column]], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a reducer.

    Attributes:
        name: Its name.
        type_of: Gives its pixel type, from those of the inputs; None if it is nothing that a pixel can hold.

    """

    name: str
    type_of: TypeRule | None


@dataclass(frozen=True, slots=True, eq=False)
class Reducer:
    """What combines many values into few.

    Attributes:
        inputs: How many values a record has.
        outputs: In order.
        compute: Gives a value for each output, from a column for each input.
        weighted: Positions of the inputs that take weights.
        cost: How many simple reducers it consists of.
        depth: How many reducers are within one another in it.

    """

    inputs: int
    outputs: tuple[Output, ...]
    compute: Compute
    weighted: tuple[int, ...] = ()
    cost: int = 1
    depth: int = 1

    def reduce(self, context: Context, columns: Sequence[Column]) -> dict[str, object]:
        """Return the outputs by name, for a column for each input.

        Raises:
            AlgorithmError: A value is of the wrong type, or the reducer computes nothing but metadata.

        """
        context.spend((len(columns[0].values) + 1) * self.cost)
        values = self.compute(context, columns)
        return dict(sorted(zip((output.name for output in self.outputs), values, strict=True)))

    def types(self, inputs: Sequence[PixelType]) -> list[tuple[str, PixelType]]:
        """Return name and pixel type of each output, for the pixel types of the inputs.

        Raises:
            AlgorithmError: An output is nothing that a pixel can hold.

        """
        found = []
        for output in self.outputs:
            if output.type_of is None:
                raise AlgorithmError(f"Output '{output.name}' of the reducer is neither a number nor an array.")
            found.append((output.name, output.type_of(inputs)))
        return found


# ------------------------------------------------------------------------------------------------------ pixel types


def common_type(inputs: Sequence[PixelType]) -> PixelType:
    """Return the narrowest pixel type that holds the values of all."""
    found = inputs[0]
    for other in inputs[1:]:
        if other is not found and other != found:
            low, high = None, None
            if found.minimum is not None and other.minimum is not None:
                low = min(found.minimum, other.minimum)
            if found.maximum is not None and other.maximum is not None:
                high = max(found.maximum, other.maximum)
            dimensions = max(found.dimensions, other.dimensions)
            found = PixelType(union_precision(found, other), low, high, dimensions)
    return found


def average_type(inputs: Sequence[PixelType]) -> PixelType:
    """Return the type of what lies between the values: real, within their range."""
    found = common_type(inputs)
    return replace(found, precision="FLOAT" if found.precision == "FLOAT" else "DOUBLE")


def real_type(inputs: Sequence[PixelType]) -> PixelType:
    """Return the type of what may be any number."""
    return PixelType("DOUBLE", dimensions=common_type(inputs).dimensions)


def count_type(_: Sequence[PixelType]) -> PixelType:
    """Return the type of a number of values."""
    return PixelType("INT", 0, 4294967295)


def boolean_type(_: Sequence[PixelType]) -> PixelType:
    """Return the type of 0 or 1."""
    return BOOLEAN


def array_type(dimensions: int) -> TypeRule:
    """Return the rule for an array with so many dimensions, more than the inputs have, of their values."""

    def type_of(inputs: Sequence[PixelType]) -> PixelType:
        found = common_type(inputs)
        return replace(found, dimensions=found.dimensions + dimensions)

    return type_of


# --------------------------------------------------------------------------------------------------- simple reducers


def of_numbers(
    name: str,
    type_of: TypeRule,
    compute: Callable[[Sequence[Number]], object],
) -> Reducer:
    """Return a reducer of one input of numbers, whose nulls are left out."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        (values,) = numbers(context, [columns[0].values])
        return (_noted(context, values, compute(values)),)

    return Reducer(1, (Output(name, type_of),), run)


def of_weighted(
    name: str,
    type_of: TypeRule | None,
    compute: Callable[[Sequence[Number], Sequence[Number] | None], object],
) -> Reducer:
    """Return a reducer of one input of numbers that may have weights; what has no value or no weight is left out."""

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        values, weights = columns[0]
        if weights is None:
            (found,) = numbers(context, [values])
            return (_noted(context, found, compute(found, None)),)
        found, heavy = numbers(context, [values, weights])
        return (_noted(context, found, compute(found, heavy)),)

    return Reducer(1, (Output(name, type_of),), run, weighted=(0,))


def of_anything(name: str, type_of: TypeRule | None, compute: Callable[[Context, Sequence[object]], object]) -> Reducer:
    """Return a reducer of one input of values of any kind, nulls included."""
    return Reducer(1, (Output(name, type_of),), lambda context, columns: (compute(context, columns[0].values),))


def of_pixels(inputs: int, *outputs: Output) -> Reducer:
    """Return a reducer that is known by its outputs only: enough for images, and refused for values."""

    def run(_: Context, columns: Sequence[Column]) -> tuple[object, ...]:  # noqa: ARG001
        names = ", ".join(output.name for output in outputs)
        raise AlgorithmError(f"A reducer to {names} is supported for images only, not for values.", unsupported=True)

    return Reducer(inputs, outputs, run)


def numbers(context: Context, columns: Sequence[Sequence[object]]) -> list[list[Number]]:
    """Return columns of numbers without the records that have a null.

    Args:
        context: The request's context, to note that records are left out.
        columns: Equally long.

    Returns:
        The same columns, without some records.

    Raises:
        AlgorithmError: A value is no number.

    """
    kept: list[list[Number]] = [[] for _ in columns]
    for record in zip(*columns, strict=True):
        if None in record:
            context.assume("reducers-skip-nulls")
            continue
        for column, value in zip(kept, record, strict=True):
            if not isinstance(value, (int, float)):
                raise AlgorithmError(f"Only numbers can be reduced so, not a value of type {describe_type(value)}.")
            column.append(int(value) if isinstance(value, bool) else value)
    return kept


def _noted(context: Context, values: Sequence[Number], result: object) -> object:
    """Return the result, after noting the choice of ours that it is when there were too few values."""
    if not values or result is None:
        context.assume("reducers-of-nothing")
    return result


# ------------------------------------------------------------------------------------------------ reducers of reducers


def combine(context: Context, first: Reducer, second: Reducer, prefix: str = "", *, shared: bool = False) -> Reducer:
    """Return a reducer that runs two side by side: on the same inputs, or on those of the one and then of the other.

    Raises:
        AlgorithmError: The numbers of inputs differ though they are shared, or two outputs have one name.

    """
    if shared and first.inputs != second.inputs:
        raise AlgorithmError(
            f"Reducers that share inputs must have the same number of them. Got {first.inputs} and {second.inputs}."
        )
    start = 0 if shared else first.inputs

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return first.compute(context, columns[: first.inputs]) + second.compute(context, columns[start:])

    outputs = [*first.outputs]
    outputs += [Output(prefix + output.name, _shifted(output.type_of, start)) for output in second.outputs]
    weighted = {*first.weighted, *(place + start for place in second.weighted)}
    return _built(
        context,
        Reducer(start + second.inputs, tuple(outputs), run, tuple(sorted(weighted)), first.cost + second.cost),
        (first, second),
    )


def repeat(context: Context, reducer: Reducer, count: int) -> Reducer:
    """Return a reducer that runs copies of one side by side, and whose outputs are lists of the copies' outputs."""
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

    If the reducer has several outputs, the names stand before theirs. The description does not say with what between;
    Earth Engine joins band and output names with an underscore.
    """
    copies = _Copies(context, reducer, len(names))

    def run(context: Context, columns: Sequence[Column]) -> tuple[object, ...]:
        return tuple(value for result in copies.compute(context, columns) for value in result)

    single = len(reducer.outputs) == 1
    outputs = tuple(
        Output(name if single else f"{name}_{one.name}", _shifted(one.type_of, place * reducer.inputs))
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


def _shifted(rule: TypeRule | None, start: int) -> TypeRule | None:
    """Return the rule of a reducer whose inputs begin later."""
    if rule is None or not start:
        return rule
    return lambda inputs: rule(inputs[start:])


def _built(context: Context, reducer: Reducer, parts: Sequence[Reducer]) -> Reducer:
    """Count and check a reducer made of others."""
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise AlgorithmError(f"Reducers are within one another more than {MAX_DEPTH} levels deep.")
    names = [output.name for output in reducer.outputs]
    context.spend(len(names))
    context.spend(sum(map(len, names)), ITEM)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise AlgorithmError(f"Two outputs of the reducer are called '{twice}': give one a prefix.", unsupported=True)
    return replace(reducer, depth=depth)
