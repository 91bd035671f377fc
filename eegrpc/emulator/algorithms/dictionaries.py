"""Dictionary.*: keys come in natural order, whatever order they were given in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import typed
from eegrpc.emulator.evaluation.registry import algorithm
from eegrpc.emulator.primitives.arrays import to_array
from eegrpc.emulator.primitives.regular_expressions import compile_expression

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.values import Array, Function


@algorithm("Dictionary(input: Object = null) -> Dictionary<Object>")
def dictionary(context: Context, value: object) -> dict[str, object]:
    """Return a dictionary from a dictionary, or from a list of keys and values in turn."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) % 2 == 0 and all(isinstance(key, str) for key in value[::2]):
        return _paired(context, value[::2], value[1::2])
    raise AlgorithmError("Parameter 'input' must be a dictionary, or a list of keys and values in turn.")


@algorithm("Dictionary.fromLists(keys: List<String>, values: List<Object>) -> Dictionary<Object>")
def from_lists(context: Context, keys: list[str], values: list[object]) -> dict[str, object]:
    """Return a dictionary of the values in one list, under the keys in the same places of the other."""
    if len(keys) != len(values):
        raise AlgorithmError(f"There are {len(keys)} keys, but {len(values)} values.")
    return _paired(context, keys, values)


def _paired(context: Context, keys: list[str], values: list[object]) -> dict[str, object]:
    paired = dict(zip(keys, values, strict=True))
    if len(paired) < len(keys):
        context.assume("repeated-keys-last")
    return _ordered(paired)


def _ordered(values: dict[str, object]) -> dict[str, object]:
    return dict(sorted(values.items()))


# ---------------------------------------------------------------------------------------------------------- reading


def _value(values: dict[str, object], key: str) -> object:
    if key not in values:
        raise AlgorithmError(f"Dictionary does not contain key: '{key}'.")  # known from public error reports
    return values[key]


@algorithm("Dictionary.get(dictionary: Dictionary<Object>, key: String, defaultValue: Object = null) -> Object")
def get(_: Context, values: dict[str, object], key: str, default: object) -> object:
    """Return the value of a key; without it the default, or an error if there is none."""
    return values.get(key, default) if default is not None else _value(values, key)


@algorithm("Dictionary.getNumber(dictionary: Dictionary<Object>, key: String) -> Number")
def get_number(context: Context, values: dict[str, object], key: str) -> object:
    """Return the value of a key, a number."""
    return typed(context, _value(values, key), "Number", f"The value of '{key}'")


@algorithm("Dictionary.getString(dictionary: Dictionary<Object>, key: String) -> String")
def get_string(context: Context, values: dict[str, object], key: str) -> object:
    """Return the value of a key, a string."""
    return typed(context, _value(values, key), "String", f"The value of '{key}'")


@algorithm("Dictionary.getArray(dictionary: Dictionary<Object>, key: String) -> Array")
def get_array(context: Context, values: dict[str, object], key: str) -> object:
    """Return the value of a key, an array."""
    return typed(context, _value(values, key), "Array", f"The value of '{key}'")


@algorithm("Dictionary.getGeometry(dictionary: Dictionary<Object>, key: String) -> Geometry")
def get_geometry(context: Context, values: dict[str, object], key: str) -> object:
    """Return the value of a key, a geometry."""
    return typed(context, _value(values, key), "Geometry", f"The value of '{key}'")


@algorithm("Dictionary.contains(dictionary: Dictionary<Object>, key: String) -> Boolean")
def contains(_: Context, values: dict[str, object], key: str) -> bool:
    """Whether there is a key."""
    return key in values


@algorithm("Dictionary.size(dictionary: Dictionary<Object>) -> Integer")
def size(_: Context, values: dict[str, object]) -> int:
    """Return the number of keys."""
    return len(values)


@algorithm("Dictionary.keys(dictionary: Dictionary<Object>) -> List<String>")
def keys_of(_: Context, values: dict[str, object]) -> list[str]:
    """Return the keys, in natural order."""
    return sorted(values)


@algorithm("Dictionary.values(dictionary: Dictionary<Object>, keys: List<String> = null) -> List<Object>")
def values_of(_: Context, values: dict[str, object], keys: list[str] | None) -> list[object]:
    """Return the values of the keys, or all of them in the natural order of their keys."""
    return [_value(values, key) for key in (sorted(values) if keys is None else keys)]


@algorithm("Dictionary.toArray(dictionary: Dictionary<Object>, keys: List<String> = null, axis: Integer = 0) -> Array")
def to_array_(context: Context, values: dict[str, object], keys: list[str] | None, axis: int) -> Array:
    """Return the numbers of the keys, or all of them in the natural order of their keys, as an array along an axis."""
    chosen = values_of(context, values, keys)
    if not 0 <= axis <= 1:
        raise AlgorithmError(f"The emulator makes arrays along axis 0 or 1, not {axis}.", unsupported=True)
    if not all(isinstance(value, (int, float)) for value in chosen):
        raise AlgorithmError("The values of the dictionary must be numbers.")
    return to_array(context, chosen if axis == 0 else [chosen])


# ---------------------------------------------------------------------------------------------------------- changing


@algorithm("Dictionary.set(dictionary: Dictionary<Object>, key: String, value: Object) -> Dictionary<Object>")
def set_value(_: Context, values: dict[str, object], key: str, value: object) -> dict[str, object]:
    """Return the dictionary with another value of one key."""
    return _ordered({**values, key: value})


@algorithm(
    "Dictionary.combine(first: Dictionary<Object>, second: Dictionary<Object>, overwrite: Boolean = true) "
    "-> Dictionary<Object>"
)
def combine(_: Context, first: dict[str, object], second: dict[str, object], overwrite: bool) -> dict[str, object]:
    """Return what is in either dictionary and not null; in both, the second's unless ``overwrite`` is false."""
    weaker, stronger = (first, second) if overwrite else (second, first)
    both = [*weaker.items(), *stronger.items()]
    return _ordered({key: value for key, value in both if value is not None})


@algorithm("Dictionary.map(dictionary: Dictionary<Object>, baseAlgorithm: Algorithm) -> Dictionary<Object>")
def map_values(context: Context, values: dict[str, object], function: Function) -> dict[str, object]:
    """Return the results of a function for each key and value; keys with a null are dropped."""
    context.spend(len(values))
    results = {key: context.call(function, [key, values[key]]) for key in sorted(values)}
    return {key: value for key, value in results.items() if value is not None}


_SELECTORS = (
    "(dictionary: Dictionary<Object>, selectors: List<String>, ignoreMissing: Boolean = false) -> Dictionary<Object>"
)


@algorithm(f"Dictionary.select{_SELECTORS}")
def select(context: Context, values: dict[str, object], selectors: list[str], ignore_missing: bool) -> object:
    """Return the keys that are selected, by name or by a regular expression."""
    selected = _selected(context, values, selectors, ignore_missing)
    return {key: values[key] for key in sorted(selected)}


@algorithm(f"Dictionary.remove{_SELECTORS}")
def remove(context: Context, values: dict[str, object], selectors: list[str], ignore_missing: bool) -> object:
    """Return the keys that are not selected, by name or by a regular expression."""
    selected = _selected(context, values, selectors, ignore_missing)
    return {key: values[key] for key in sorted(values) if key not in selected}


def _selected(context: Context, values: dict[str, object], selectors: list[str], ignore_missing: bool) -> set[str]:
    selected: set[str] = set()
    for selector in selectors:
        found = {selector}
        if selector not in values:
            expression = compile_expression(context, selector)
            found = {key for key in values if expression.matches_all(context, key)}
        if not found and not ignore_missing:
            raise AlgorithmError(f"Dictionary does not contain key: '{selector}'.")
        selected |= found
    return selected


@algorithm(
    "Dictionary.rename(dictionary: Dictionary<Object>, from: List<String>, to: List<String>, "
    "overwrite: Boolean = false) -> Dictionary<Object>"
)
def rename(_: Context, values: dict[str, object], old: list[str], new: list[str], overwrite: bool) -> dict[str, object]:
    """Return the dictionary with some keys under other names."""
    if len(old) != len(new):
        raise AlgorithmError(f"There are {len(old)} keys to rename, but {len(new)} new names.")
    renamed = {name: _value(values, key) for key, name in zip(old, new, strict=True)}
    if len(renamed) < len(new):
        raise AlgorithmError("Two keys cannot get the same name.")
    kept = {key: value for key, value in values.items() if key not in set(old)}
    taken = sorted(kept.keys() & renamed.keys())
    if taken and not overwrite:
        raise AlgorithmError(f"Dictionary already contains key: '{taken[0]}'.")
    return _ordered({**kept, **renamed})
