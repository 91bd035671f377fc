"""Stubs: functions of a test that answer in the place of Earth Engine's.

A stub takes the arguments of the call by name. For a function that the emulator knows, also one that needs pixels, they
are all that its signature has, checked and converted; for any other, those that the call gives, as they are. What it
answers is checked, too: values of other kinds would fail far from here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.context import CONSTANT, MAX_STRING_LENGTH
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import TypeMismatch, converter, shorten
from eegrpc.emulator.evaluation.literals import MAX_LITERAL_DEPTH
from eegrpc.emulator.evaluation.registry import Algorithm
from eegrpc.emulator.images.asset_record import AssetRecord
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.properties import describe_type
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eegrpc.emulator.context import Context

__all__ = ["Stub", "with_stubs"]

Stub = Callable[..., Any]

_OWN = "eegrpc.emulator."

_log = logging.getLogger(__name__)


def with_stubs(algorithms: Mapping[str, Algorithm], stubs: Mapping[str, Stub]) -> Mapping[str, Algorithm]:
    """Return algorithms of which some are answered by stubs.

    Args:
        algorithms: Those that the emulator knows, by name.
        stubs: The stubs by name of the function, whether it is known or not.

    Returns:
        All algorithms by name.

    """
    if not stubs:
        return algorithms
    return {**algorithms, **{name: _stubbed(name, algorithms.get(name), stub) for name, stub in stubs.items()}}


def _stubbed(name: str, known: Algorithm | None, stub: Stub) -> Algorithm:
    if known is None:
        return Algorithm(name, (), "Object", partial(_ask, stub, "Object"), "Answered by a stub.", takes_anything=True)
    parameters = tuple(replace(parameter, lazy=False) for parameter in known.parameters)
    names = [parameter.name for parameter in parameters]
    return replace(known, parameters=parameters, implementation=partial(_ask, stub, known.returns, names))


def _ask(stub: Stub, returns: str, names: Sequence[str], context: Context, *arguments: object) -> object:
    context.is_stubbed = True
    try:
        answer = stub(**dict(zip(names, arguments, strict=True)))
    except AlgorithmError:
        raise  # how a stub fails as Earth Engine does
    except Exception as error:
        _log.exception("a stub failed")
        message = f"The stub raised {type(error).__name__}: {shorten(str(error), 300)}"
        raise AlgorithmError(message, unsupported=True) from error
    value = _checked(answer, context, MAX_LITERAL_DEPTH)
    if value is None:
        return None
    try:
        convert = converter(returns)
    except KeyError:  # no argument has this type
        return value
    try:
        return convert(context, value)
    except TypeMismatch:
        raise AlgorithmError(
            f"The stub answered {describe_type(value)}, but the function returns {returns}: {shorten(value)}",
            unsupported=True,
        ) from None


def _checked(value: Any, context: Context, levels: int) -> object:
    """Return what a stub answered as a value that expressions know."""
    context.spend(1, CONSTANT)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        if len(value) > MAX_STRING_LENGTH:
            raise AlgorithmError(f"The stub answered a text of more than {MAX_STRING_LENGTH:,} characters.")
        return value
    if isinstance(value, EarthEngineAsset):
        return Image(AssetRecord(value))
    if isinstance(value, (list, tuple, dict)):
        if levels <= 0:
            raise AlgorithmError(f"The stub answered what is nested more than {MAX_LITERAL_DEPTH} levels deep.")
        if not isinstance(value, dict):
            return [_checked(item, context, levels - 1) for item in value]
        if all(isinstance(name, str) for name in value):
            return {name: _checked(item, context, levels - 1) for name, item in value.items()}
        raise AlgorithmError("The stub answered a dictionary with keys that are no strings.", unsupported=True)
    if any(kind.__module__.startswith(_OWN) for kind in type(value).__mro__):
        return value
    raise AlgorithmError(
        f"The stub answered {type(value).__name__}, which no expression can hold. Answer None, a bool, number or text, "
        "a list or dict of such, an EarthEngineAsset, or one of eegrpc.emulator.values.",
        unsupported=True,
    )
