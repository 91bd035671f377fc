"""AggregateFeatureCollection.*: a property of all elements of a collection, as one value.

What a mean of nothing is, and what becomes of nulls, are assumptions; the keys of `stats` are those of its example in
the API documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.filtering.filters import Operand, comparable, fingerprint
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.reducing import statistics
from eegrpc.emulator.reducing.reducers import numbers
from eegrpc.emulator.reducing.simple_reducers import histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.reducing.statistics import Number
    from eegrpc.emulator.values import Collection

_PROPERTY = "(collection: FeatureCollection, property: String)"


def _present(context: Context, collection: Collection, name: str) -> list[object]:
    """Return the values of a property that are not null, in the order of the elements."""
    context.spend(len(collection))
    operand = Operand(name)
    values = [value for element in collection if (value := operand.of(element)) is not None]
    if len(values) < len(collection):
        context.assume("aggregates-skip-nulls")
    return values


@algorithm(f"AggregateFeatureCollection.array{_PROPERTY} -> List<Object>")
def array(context: Context, collection: Collection, name: str) -> list[object]:
    """Return the values as a list, without nulls."""
    return _present(context, collection, name)


@algorithm(f"AggregateFeatureCollection.first{_PROPERTY} -> <any>")
def first(_: Context, collection: Collection, name: str) -> object:
    """Return the value that the first element has."""
    return next((Operand(name).of(element) for element in collection), None)


@algorithm(f"AggregateFeatureCollection.count{_PROPERTY} -> Number")
def count(context: Context, collection: Collection, name: str) -> int:
    """Return the number of values that are not null."""
    return len(_present(context, collection, name))


@algorithm(f"AggregateFeatureCollection.count_distinct{_PROPERTY} -> Number")
def count_distinct(context: Context, collection: Collection, name: str) -> int:
    """Return the number of different values, without nulls."""
    return len({fingerprint(context, [value]) for value in _present(context, collection, name)})


@algorithm(f"AggregateFeatureCollection.histogram{_PROPERTY} -> Dictionary<Object>")
def count_each(context: Context, collection: Collection, name: str) -> dict[str, Number]:
    """Return how often each value comes, by the value as text."""
    return histogram(_present(context, collection, name))


def _declare_extreme(name: str, choose: Callable[..., object], summary: str) -> None:
    @algorithm(f"AggregateFeatureCollection.{name}{_PROPERTY} -> <any>", summary=summary)
    def extreme(context: Context, collection: Collection, name: str) -> object:
        values = _present(context, collection, name)
        plain = [comparable(value) for value in values]
        kinds = {str if isinstance(value, str) else float for value in plain if isinstance(value, (int, float, str))}
        if len(kinds) > 1 or not all(isinstance(value, (int, float, str)) for value in plain):
            found = ", ".join(sorted({describe_type(value) for value in values}))
            raise AlgorithmError(f"Property '{name}' must be all numbers or all strings, but it is: {found}.")
        if not values:
            context.assume("reducers-of-nothing")
        return values[choose(range(len(plain)), key=plain.__getitem__)] if values else None  # type: ignore[call-overload]


_declare_extreme("min", min, "Return the lowest value: of numbers, or of strings in alphabetical order.")
_declare_extreme("max", max, "Return the highest value: of numbers, or of strings in alphabetical order.")


_STATISTICS: dict[str, tuple[Callable[[Sequence[Number]], Number | None], str]] = {
    "sum": (statistics.total, "Return the sum."),
    "product": (statistics.product, "Return the product."),
    "mean": (statistics.mean, "Return the arithmetic mean."),
    "total_var": (statistics.variance, "Return the variance of the values themselves."),
    "total_sd": (statistics.deviation, "Return the standard deviation of the values themselves."),
    "sample_var": (
        lambda values: statistics.variance(values, sample=True),
        "Return the variance of what the values are a sample of.",
    ),
    "sample_sd": (
        lambda values: statistics.deviation(values, sample=True),
        "Return the standard deviation of what the values are a sample of.",
    ),
}


def _numbers(context: Context, collection: Collection, name: str) -> list[Number]:
    """Return the values that are not null, all of which must be numbers."""
    return numbers(context, [_present(context, collection, name)])[0]


def _computed(context: Context, statistic: str, values: Sequence[Number]) -> Number | None:
    result = _STATISTICS[statistic][0](values)
    if not values or result is None:
        context.assume("reducers-of-nothing")
    return result


def _declare(statistic: str, summary: str) -> None:
    @algorithm(f"AggregateFeatureCollection.{statistic}{_PROPERTY} -> Number", summary=summary)
    def aggregate(context: Context, collection: Collection, name: str) -> Number | None:
        return _computed(context, statistic, _numbers(context, collection, name))


for _statistic, (_, _summary) in _STATISTICS.items():
    _declare(_statistic, _summary)


@algorithm(f"AggregateFeatureCollection.stats{_PROPERTY} -> Dictionary<Object>")
def stats(context: Context, collection: Collection, name: str) -> dict[str, Number | None]:
    """Return all statistics at once; every value weighs 1."""
    values = _numbers(context, collection, name)
    found = {each: _computed(context, each, values) for each in _STATISTICS if each != "product"}
    found |= {
        "max": max(values, default=None),
        "min": min(values, default=None),
        "sum_sq": statistics.total([value * value for value in values]),
        "total_count": len(collection),
        "valid_count": len(values),
        "weight_sum": len(values),
        "weighted_sum": found["sum"],
    }
    return dict(sorted(found.items()))
