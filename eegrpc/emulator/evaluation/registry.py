"""Algorithms, each declared once.

A declaration is the signature in the notation of Earth Engine's documentation, above the function that does the work:

    @algorithm("Collection.limit(collection: FeatureCollection, limit: Integer = null, key: String = null, "
               "ascending: Boolean = true) -> FeatureCollection")
    def limit(context, collection, limit, key, ascending): ...

The same declaration drives argument checking, promotion, the algorithm list that official clients ask for, and the page
of what is supported: its room there is the module it stands in, its summary the first line of the function's docstring.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import partial, wraps
from types import MappingProxyType
from typing import TYPE_CHECKING

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import converter
from eegrpc.emulator.values import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.evaluation.conversion import Converter
    from eegrpc.emulator.values import Made

_SIGNATURE = re.compile(r"(?P<name>[A-Za-z][\w.]*)\((?P<parameters>.*)\) -> (?P<returns>[\w<>]+)")
# What is shown as the call that made it.
_SHOWN_AS_CALLS = frozenset({"Filter", "Join", "Kernel", "Reducer"})
_PARAMETER = re.compile(r"(?P<name>\w+): (?P<type>[\w<>]+)(?: = (?P<default>.+))?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an algorithm.

    Attributes:
        name: Its name on the wire.
        type: Name of its type.
        optional: Whether it may be absent or null.
        default: Its value then.
        lazy: Whether it is handed over unevaluated.
        convert: The converter of its type.

    """

    name: str
    type: str
    optional: bool
    default: object
    lazy: bool
    convert: Converter


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A function of Earth Engine's that the emulator knows.

    Attributes:
        name: Its name on the wire.
        parameters: In the order of the documentation, in which the implementation takes them, after the context.
        returns: Name of the type of what it returns.
        implementation: Does the work.
        summary: What it does, in a line.
        needs_pixels: Whether it is known by its signature only, and refused unless a test gives a stub for it.
        takes_anything: Whether its parameters are whatever a call gives; the implementation gets their names first.

    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    implementation: Callable[..., Any]
    summary: str
    needs_pixels: bool = False
    takes_anything: bool = False

    def called_with(self, names: Collection[str]) -> Algorithm:
        """Return the algorithm for a call with arguments of these names: this one, or one that has just them."""
        if not self.takes_anything:
            return self
        convert = converter("Object")
        parameters = tuple(Parameter(name, "Object", True, None, False, convert) for name in names)
        return replace(self, parameters=parameters, implementation=partial(self.implementation, names))

    @property
    def room(self) -> str:
        """Name of the module in which it is declared; those that need pixels are in one room of their own."""
        return "needs_pixels" if self.needs_pixels else self.implementation.__module__.rpartition(".")[2]

    @property
    def signature(self) -> str:
        """The declaration, as it was written."""
        shown = (
            f"{parameter.name}: {parameter.type}"
            + (f" = {json.dumps(parameter.default)}" if parameter.optional else "")
            for parameter in self.parameters
        )
        return f"{self.name}({', '.join(shown)}) -> {self.returns}"


_ALGORITHMS: dict[str, Algorithm] = {}


def algorithms() -> Mapping[str, Algorithm]:
    """All supported algorithms by name."""
    import eegrpc.emulator.algorithms  # noqa: F401 - importing it declares them

    return MappingProxyType(_ALGORITHMS)


def algorithm(
    *signatures: str, lazy: Collection[str] = (), summary: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an algorithm; several signatures are several names for one.

    Args:
        signatures: As in the module's description; defaults are JSON.
        lazy: Names of parameters that are handed over unevaluated, as thunks; the function may return one of them.
        summary: What it does, in a line; by default the first of the function's docstring.

    Returns:
        A decorator that leaves the function as it is.

    Raises:
        ValueError: A signature is malformed or declared twice.

    """

    def declare(implementation: Callable[..., Any]) -> Callable[..., Any]:
        for signature in signatures:
            declared = _parse(signature, lazy, implementation, summary)
            if declared.name in _ALGORITHMS:
                raise ValueError(f"{declared.name} is declared twice")
            _ALGORITHMS[declared.name] = _noting_calls(declared) if declared.returns in _SHOWN_AS_CALLS else declared
        return implementation

    return declare


def needs_pixels(*signatures: str) -> None:
    """Declare functions whose results depend on pixels: refused by name, unless a test has given a stub.

    Args:
        signatures: As for `algorithm`; arguments are checked before a stub gets them.

    Raises:
        ValueError: A signature is malformed or declared twice.

    """
    for signature in signatures:
        name = signature.partition("(")[0]

        def refuse(_: Context, *arguments: object, name: str = name) -> object:  # noqa: ARG001
            """Refused unless there is a stub: its result depends on pixels."""
            raise AlgorithmError(
                "The result depends on pixels, which the emulator has not. Tests can say what it is: "
                f"emulator.stub({name!r}, function).",
                unsupported=True,
            )

        algorithm(signature)(refuse)
        _ALGORITHMS[name] = replace(_ALGORITHMS[name], needs_pixels=True)


def _noting_calls(declared: Algorithm) -> Algorithm:
    """Return an algorithm whose results know how they were made."""

    @wraps(declared.implementation)
    def noting(context: Context, *arguments: object) -> Made:
        given = zip(declared.parameters, arguments, strict=True)
        call = Call(declared.name, {parameter.name: value for parameter, value in given if value != parameter.default})
        made: Made = declared.implementation(context, *arguments)
        return made.made_by(call)

    return replace(declared, implementation=noting)


def _parse(signature: str, lazy: Collection[str], implementation: Callable[..., Any], summary: str) -> Algorithm:
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise ValueError(f"malformed signature: {signature}")
    parameters: list[Parameter] = []
    # Defaults are scalars, "{}" or "[]", so that a comma always separates parameters.
    for text in filter(None, match["parameters"].split(", ")):
        part = _PARAMETER.fullmatch(text)
        if part is None:
            raise ValueError(f"malformed parameter '{text}' in signature: {signature}")
        default = None if part["default"] is None else json.loads(part["default"])
        parameters.append(
            Parameter(
                part["name"],
                part["type"],
                part["default"] is not None,
                default,
                part["name"] in lazy,
                converter(part["type"]),
            )
        )
    summary = summary or (implementation.__doc__ or "").partition("\n")[0]
    return Algorithm(match["name"], tuple(parameters), match["returns"], implementation, summary)
