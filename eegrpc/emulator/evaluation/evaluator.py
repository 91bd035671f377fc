"""Evaluation of expression graphs on a catalog. No network, no protocol: an Expression in, values out.

How it works. A node's value depends only on the arguments that are free in it, so it is kept in the innermost frame
that binds one of them, and in the outermost frame if it depends on none: shared nodes are evaluated once per request,
or once per call of the function whose argument they mention. The nodes that wait for others stand on a list, not on
Python's stack. Only a function that calls another (map inside map) goes deeper in Python, and that depth is limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, overload

from eegrpc.emulator.context import Context
from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.evaluation.conversion import convert_argument, shorten
from eegrpc.emulator.evaluation.graph import (
    Argument,
    Call,
    Constant,
    Definition,
    DictionaryLiteral,
    Invocation,
    ListLiteral,
    Node,
    compile_expression,
    required,
)
from eegrpc.emulator.evaluation.literals import Literals
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.emulator.evaluation.stubs import with_stubs
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.properties import check_properties, describe_type
from eegrpc.emulator.values import BuiltFunction, Collection, Function, LazyCollection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.evaluation.registry import Parameter
    from eegrpc.emulator.evaluation.stubs import Stub
    from eegrpc.v1alpha import EarthEngineAsset, Expression

__all__ = ["EvaluationError", "ImageResult", "evaluate", "evaluate_images", "evaluate_to", "supported_functions"]

# Functions in functions: each level takes a handful of Python's stack frames, of which there are a thousand.
MAX_CALL_DEPTH = 64

T = TypeVar("T")

_MISSING = object()
_NO_STUBS: Mapping[str, Stub] = MappingProxyType({})


class ImageResult(Sequence["EarthEngineAsset"]):
    """The images that an expression gives, as messages that are built when asked for.

    Messages of untouched assets are the catalog's own, so they must not be changed.

    Attributes:
        assumptions: Names of the choices of ours on which the answer rests; docs/emulator.md explains them.
        is_stubbed: Whether it rests on the answer of a stub, too, which may be another one the next time.

    """

    def __init__(self, images: Sequence[Image], assumptions: tuple[str, ...], *, is_stubbed: bool = False) -> None:
        self._images = images
        self.assumptions = assumptions
        self.is_stubbed = is_stubbed

    @property
    def images(self) -> Sequence[EarthEngineAsset]:
        """The images, as a lazy sequence: this object."""
        return self

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, key: int) -> EarthEngineAsset: ...
    @overload
    def __getitem__(self, key: slice) -> list[EarthEngineAsset]: ...
    def __getitem__(self, key: int | slice) -> EarthEngineAsset | list[EarthEngineAsset]:
        if isinstance(key, slice):
            return [image.to_message() for image in self._images[key]]
        return self._images[key].to_message()


def evaluate_to(
    finish: Callable[[Context, object], T],
    expression: Expression,
    catalog: AnyCatalog,
    stubs: Mapping[str, Stub] = _NO_STUBS,
) -> tuple[T, tuple[str, ...]]:
    """Evaluate an expression of any type, and make an answer of its value, on one account of work.

    Args:
        finish: Makes the answer; what it raises as AlgorithmError is the expression's failure.
        expression: The graph.
        catalog: Where assets come from.
        stubs: What functions that need pixels answer, by name.

    Returns:
        The answer, and the names of the choices of ours on which it rests.

    Raises:
        EvaluationError: The expression is not valid, fails, is not supported, or gives what has no such answer.

    """
    value, context = _run(expression, catalog, stubs)
    try:
        return finish(context, value), context.assumptions
    except AlgorithmError as error:
        here = (f"values.{expression.result}",)
        raise EvaluationError(error.message, segments=here, unsupported=error.unsupported) from error


def supported_functions() -> list[str]:
    """Signatures of all functions that the emulator evaluates, in alphabetical order of their names."""
    return [declared.signature for _, declared in sorted(algorithms().items())]


def evaluate(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub] = _NO_STUBS) -> object:
    """Evaluate an expression of any type.

    Args:
        expression: The graph.
        catalog: Where assets come from.
        stubs: What functions answer, by name, in place of the emulator (:mod:`eegrpc.emulator.evaluation.stubs`).

    Returns:
        The value: None, bool, int, float, str, list, dict, or one of :mod:`eegrpc.emulator.values` and its kind.

    Raises:
        EvaluationError: The expression is not valid, fails, or is not supported.

    """
    return _run(expression, catalog, stubs)[0]


def evaluate_images(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub] = _NO_STUBS) -> ImageResult:
    """Evaluate an expression that gives an image collection.

    Everything is computed here; what the result builds later cannot fail.

    Args:
        expression: The graph.
        catalog: Where images come from.
        stubs: What functions answer, by name, in place of the emulator (:mod:`eegrpc.emulator.evaluation.stubs`).

    Returns:
        The images.

    Raises:
        EvaluationError: The expression is not valid, fails, is not supported, or gives something else.

    """
    value, context = _run(expression, catalog, stubs)
    here = (f"values.{expression.result}",)
    if not isinstance(value, Collection):
        raise EvaluationError(
            f"The expression must evaluate to an ImageCollection, but it gives: {describe_type(value)}.", segments=here
        )
    if isinstance(value, LazyCollection):
        try:
            return ImageResult(value.result(), context.assumptions, is_stubbed=context.is_stubbed)
        except AlgorithmError as error:
            raise EvaluationError(error.message, segments=here, unsupported=error.unsupported) from error
    images: list[Image] = []
    checked: set[int] = set()  # many images share the changes of one
    for position, element in enumerate(value):
        if not isinstance(element, Image):
            raise EvaluationError(
                f"The expression must evaluate to an ImageCollection, but element {position} is: "
                f"{describe_type(element)}.",
                segments=here,
            )
        if element.changes and id(element) not in checked:
            checked.add(id(element))
            _check_returnable(element, context, here)
        images.append(element)
    return ImageResult(images, context.assumptions, is_stubbed=context.is_stubbed)


def _check_returnable(image: Image, context: Context, here: tuple[str, ...]) -> None:
    try:
        check_properties(image.changes)
        image.check_fields()
    except AlgorithmError as error:
        raise EvaluationError(f"Image '{image.index}': {error.message}", segments=here) from error
    if image.record is None or "system:index" in image.changes:
        context.assume("system-index-in-properties")
    if "system:id" in image.changes:
        context.assume("system-id-replaced")


def _run(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub]) -> tuple[object, Context]:
    here = (f"values.{expression.result}",)
    machine = _Machine(catalog)
    try:
        root = compile_expression(expression, with_stubs(algorithms(), stubs), machine.spend)
        try:
            return machine.force(root, machine.root), machine
        except EvaluationError as error:
            raise error.inside(here) from error
    except RecursionError as error:
        # Values of great depth (a list in a list in a list ...) are compared and copied by Python's own recursion.
        raise EvaluationError("The expression is nested too deeply to be evaluated.", segments=here) from error


class _Frame:
    """The arguments of one call, and the values of nodes that depend on them."""

    __slots__ = ("arguments", "memo", "parent")

    def __init__(self, arguments: dict[str, object], parent: _Frame | None) -> None:
        self.arguments = arguments
        self.parent = parent
        self.memo: dict[Node, object] = {}


@dataclass(frozen=True, slots=True)
class Thunk:
    """A value that is not computed yet: what a lazy parameter gets, and what an algorithm may return instead of it."""

    node: Node
    frame: _Frame


class _Closure(Function):
    """A function of the expression, with the frame it was defined in."""

    __slots__ = ("body", "frame", "names")

    def __init__(self, names: tuple[str, ...], body: Node, frame: _Frame) -> None:
        self.names = names
        self.body = body
        self.frame = frame

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.names


class _Waiting:
    """A node on the list of those that are being evaluated."""

    __slots__ = ("frame", "next", "node", "thunk")

    def __init__(self, node: Node, frame: _Frame) -> None:
        self.node = node
        self.frame = frame
        self.next = 0
        self.thunk: Thunk | None = None


class _Machine(Context):
    """The evaluation of one request."""

    def __init__(self, catalog: AnyCatalog) -> None:
        super().__init__(catalog)
        self._literals = Literals()
        self.root = _Frame({}, None)
        self._depth = 0

    def call(self, function: Function, arguments: Sequence[object]) -> object:
        if not isinstance(function, (_Closure, BuiltFunction)):
            raise AlgorithmError("The function cannot be called.", unsupported=True)
        if len(arguments) != len(function.names):
            raise AlgorithmError(
                f"The function takes {len(function.names)} argument(s), but is called with {len(arguments)}."
            )
        if isinstance(function, BuiltFunction):
            return function.run(self, arguments)
        if self._depth >= MAX_CALL_DEPTH:
            raise AlgorithmError(f"Functions call one another more than {MAX_CALL_DEPTH} levels deep.")
        self._depth += 1
        try:
            frame = _Frame(dict(zip(function.names, arguments, strict=True)), function.frame)
            return self.force(function.body, frame)
        finally:
            self._depth -= 1

    def force(self, node: Node, frame: _Frame) -> object:
        """Return the value of a node in a frame, evaluating what is missing."""
        waiting: list[_Waiting] = []
        try:
            found = self._find(node, frame, waiting)
            while waiting:
                self._advance(waiting)
        except AlgorithmError as error:
            raise self._located(error, waiting) from error
        except EvaluationError as error:
            raise error.inside(_labels(waiting)) from error
        return found if found is not _MISSING else self._find(node, frame, waiting)

    def _advance(self, waiting: list[_Waiting]) -> None:
        """Take one step with the last of the waiting nodes."""
        top = waiting[-1]
        node, frame = top.node, top.frame
        if top.thunk is not None:
            value = self._find(top.thunk.node, top.thunk.frame, waiting)
            if value is _MISSING:
                return
        else:
            needs = node.needs
            while top.next < len(needs):
                child = needs[top.next]
                top.next += 1
                if self._find(child, frame, waiting) is _MISSING:
                    return
            self.spend(1)
            value = self._compute(node, frame)
            if isinstance(value, Thunk):
                top.thunk = value
                return
        frame.memo[node] = value
        waiting.pop()

    def _find(self, node: Node, frame: _Frame, waiting: list[_Waiting]) -> object:
        """Return the value of a node if it is known; otherwise _MISSING, and the node waits."""
        if isinstance(node, Constant):
            return node.value
        home = self._home(node, frame)
        if isinstance(node, Argument):
            return home.arguments[node.name]
        value = home.memo.get(node, _MISSING)
        if value is _MISSING:
            waiting.append(_Waiting(node, home))
        return value

    def _home(self, node: Node, frame: _Frame) -> _Frame:
        """Return the innermost frame that binds an argument on which the node depends."""
        if not node.free:
            return self.root
        here: _Frame | None = frame
        while here is not None:
            if not node.free.isdisjoint(here.arguments):
                return here
            here = here.parent
        names = shorten(", ".join(sorted(node.free)))
        raise AlgorithmError(f"Argument reference '{names}' is not bound by a function around it.")

    def _compute(self, node: Node, frame: _Frame) -> object:
        if isinstance(node, Invocation):
            return self._invoke(node, frame)
        if isinstance(node, Definition):
            return _Closure(node.names, node.body, frame)
        if isinstance(node, ListLiteral):
            return self._literals.checked([self._known(item, frame) for item in node.items], self)
        if isinstance(node, DictionaryLiteral):
            values = (self._known(item, frame) for item in node.items)
            return self._literals.checked(dict(zip(node.keys, values, strict=True)), self)
        if isinstance(node, Call):
            return self._enter(node, frame)
        raise TypeError(f"unknown node {node!r}")

    def _invoke(self, node: Invocation, frame: _Frame) -> object:
        algorithm = node.algorithm
        arguments = [
            self._argument(algorithm.name, parameter, child, frame)
            for parameter, child in zip(algorithm.parameters, node.arguments, strict=True)
        ]
        result = algorithm.implementation(self, *arguments)
        return self._literals.checked(result, self) if isinstance(result, (list, dict)) else result

    def _argument(self, function: str, parameter: Parameter, node: Node | None, frame: _Frame) -> object:
        if node is None:
            return parameter.default
        if parameter.lazy:
            return Thunk(node, frame)
        value = self._known(node, frame)
        if value is None:  # an explicit null means the same as no argument
            if not parameter.optional:
                raise EvaluationError(required(function, parameter.name))
            return parameter.default
        return convert_argument(parameter.convert, parameter.type, parameter.name, self, value)

    def _enter(self, node: Call, frame: _Frame) -> object:
        function = self._known(node.function, frame)
        if not isinstance(function, (_Closure, BuiltFunction)):
            raise AlgorithmError(f"functionReference must be a function, not: {describe_type(function)}.")
        arguments = {name: self._known(argument, frame) for name, argument in node.arguments.items()}
        if set(arguments) != set(function.names):
            raise AlgorithmError(
                f"The function takes the arguments ({', '.join(function.names)}), "
                f"but is called with ({', '.join(arguments)})."
            )
        if isinstance(function, BuiltFunction):
            return function.run(self, [arguments[name] for name in function.names])
        return Thunk(function.body, _Frame(arguments, function.frame))

    def _known(self, node: Node, frame: _Frame) -> object:
        """Return the value of a node that has been evaluated."""
        if isinstance(node, Constant):
            return node.value
        home = self._home(node, frame)
        return home.arguments[node.name] if isinstance(node, Argument) else home.memo[node]

    def _located(self, error: AlgorithmError, waiting: list[_Waiting]) -> EvaluationError:
        """Return an algorithm's refusal, with the function's name and place."""
        labels = _labels(waiting)
        name = waiting[-1].node.label if waiting else ""
        message = f"{name}: {error.message}" if name else error.message
        function = (name or None) if error.unsupported else None
        return EvaluationError(message, segments=labels, unsupported=error.unsupported, function=function)


def _labels(waiting: list[_Waiting]) -> tuple[str, ...]:
    return tuple(item.node.label for item in waiting if item.node.label)
