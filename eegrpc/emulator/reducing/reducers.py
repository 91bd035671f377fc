"""Reducers as values: what makes few values of many, or few bands of the bands of many images.

A reducer takes records of as many values as it has inputs, and gives one value for each of its named outputs. Applied
to images, of which only metadata is known, it gives a band for each output, whose pixel type follows from the inputs'.
Sources: the descriptions of the Reducer functions that Earth Engine serves, and guides/reducers_intro.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.bands import BOOLEAN, PixelType
from eegrpc.emulator.images.type_rules import union
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import Made

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.reducing.statistics import Number


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
class Reducer(Made):
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
        """Return the outputs by name.

        Args:
            context: The request's context.
            columns: A column for each input, all of one length.

        Returns:
            The values, in alphabetical order of the outputs' names.

        Raises:
            AlgorithmError: A value is of the wrong type, or the reducer computes nothing but metadata.

        """
        context.spend((len(columns[0].values) + 1) * self.cost)
        values = self.compute(context, columns)
        return dict(sorted(zip((output.name for output in self.outputs), values, strict=True)))

    def types(self, inputs: Sequence[PixelType]) -> list[tuple[str, PixelType]]:
        """Return name and pixel type of each output.

        Args:
            inputs: The pixel type of each input.

        Returns:
            A pair for each output, in order.

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
    return reduce(union, inputs)


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
        return (noted(context, values, compute(values)),)

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
            return (noted(context, found, compute(found, None)),)
        found, heavy = numbers(context, [values, weights])
        return (noted(context, found, compute(found, heavy)),)

    return Reducer(1, (Output(name, type_of),), run, weighted=(0,))


def of_anything(name: str, type_of: TypeRule | None, compute: Callable[[Context, Sequence[object]], object]) -> Reducer:
    """Return a reducer of one input of values of any kind, nulls included."""
    return Reducer(1, (Output(name, type_of),), lambda context, columns: (compute(context, columns[0].values),))


def of_pixels(inputs: int, *outputs: Output) -> Reducer:
    """Return a reducer that is known by its outputs only: enough for images, and refused for values."""

    def run(_: Context, columns: Sequence[Column]) -> tuple[object, ...]:  # noqa: ARG001
        names = ", ".join(output.name for output in outputs)
        raise AlgorithmError(
            f"The reducer's outputs ({names}) are known for images only, not for values.", unsupported=True
        )

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


def noted(context: Context, values: Sequence[Number], result: object) -> object:
    """Return the result of a computation, after noting that it is a choice of ours if there were too few values."""
    if not values or result is None:
        context.assume("reducers-of-nothing")
    return result
