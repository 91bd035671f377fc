"""The machine that evaluates nodes: the values of one request, and what is still missing.

A node's value depends only on the arguments that are free in it, so it is kept in the innermost frame that binds one of
them, and in the outermost frame if it depends on none: shared nodes are evaluated once per request, or once per call of
the function whose argument they mention. The nodes that wait for others stand on a list, not on Python's stack. Only a
function that calls another (map inside map) goes deeper in Python, and that depth is limited.

A function that is mapped over a collection is called a thousand times. So the order in which its nodes get their values
is worked out once, and each call goes through it (:mod:`eegrpc.emulator.evaluation.programs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegrpc.emulator.context import Context
from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.evaluation.conversion import TypeMismatch, convert_argument, shorten
from eegrpc.emulator.evaluation.graph import (
    Argument,
    Call,
    Constant,
    Definition,
    DictionaryLiteral,
    Invocation,
    ListLiteral,
    Node,
    required,
)
from eegrpc.emulator.evaluation.literals import Literals
from eegrpc.emulator.evaluation.programs import Program, Source, Step, Where, program_of
from eegrpc.emulator.properties import describe_type
from eegrpc.emulator.values import BuiltFunction, Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.evaluation.registry import Parameter

__all__ = ["Machine", "Thunk"]

# Functions in functions: each level takes a handful of Python's stack frames, of which there are a thousand.
MAX_CALL_DEPTH = 64

_MISSING = object()


class Frame:
    """The arguments of one call, and the values of nodes that depend on them."""

    __slots__ = ("arguments", "memo", "parent")

    def __init__(self, arguments: dict[str, object], parent: Frame | None) -> None:
        self.arguments = arguments
        self.parent = parent
        self.memo: dict[Node, object] = {}


@dataclass(frozen=True, slots=True)
class Thunk:
    """A value that is not computed yet: what a lazy parameter gets, and what an algorithm may return instead of it."""

    node: Node
    frame: Frame


class _Closure(Function):
    """A function of the expression, with the frame it was defined in."""

    __slots__ = ("body", "frame", "names")

    def __init__(self, names: tuple[str, ...], body: Node, frame: Frame) -> None:
        self.names = names
        self.body = body
        self.frame = frame

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.names


class _Waiting:
    """A node on the list of those that are being evaluated."""

    __slots__ = ("frame", "next", "node", "thunk")

    def __init__(self, node: Node, frame: Frame) -> None:
        self.node = node
        self.frame = frame
        self.next = 0
        self.thunk: Thunk | None = None


class Machine(Context):
    """The evaluation of one request.

    Args:
        catalog: Where assets come from.

    Attributes:
        root: The frame around all others, which binds nothing.

    """

    def __init__(self, catalog: AnyCatalog) -> None:
        super().__init__(catalog)
        self._literals = Literals()
        self.root = Frame({}, None)
        self._depth = 0
        self._programs: dict[tuple[Node, tuple[str, ...]], Program | None] = {}

    def call(self, function: Function, arguments: Sequence[object]) -> object:
        """Call a function that the expression defines."""
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
            frame = Frame(dict(zip(function.names, arguments, strict=True)), function.frame)
            program = self._program(function)
            return self.force(function.body, frame) if program is None else self._run(program, frame)
        finally:
            self._depth -= 1

    def _program(self, function: _Closure) -> Program | None:
        """Return the program of a function; None if its value is there already, or does not depend on its arguments."""
        key = (function.body, function.names)
        if key not in self._programs:
            self._programs[key] = program_of(*key, self.spend, self._settled)
        return self._programs[key]

    def _settled(self, source: Source) -> Source:
        """Return a source with its constant converted, unless that fails: it may never be needed."""
        parameter, constant = source.parameter, source.key
        if source.where is not Where.CONSTANT or constant is None:
            return source
        try:
            return Source(Where.HERE, parameter.convert(self, constant), parameter)
        except (AlgorithmError, TypeMismatch):
            return source

    def _run(self, program: Program, frame: Frame) -> object:
        """Take all steps of a program in a new frame; return the value of the last."""
        value: object = None
        for step in program.steps:
            try:
                if step.outside:
                    if self._find(step.node, frame, []) is _MISSING:
                        self.force(step.node, frame)
                    continue
                self.spend(1)
                if step.implementation is None:
                    value = self._compute(step.node, frame)
                else:
                    value = self._counted(step.implementation(self, *self._given(step, frame)))
                while isinstance(value, Thunk):
                    value = self.force(value.node, value.frame)
            except AlgorithmError as error:
                raise _located(error, program.way_to(step)) from error
            except EvaluationError as error:
                raise error.inside(_labels(program.way_to(step))) from error
            frame.memo[step.node] = value
        return value

    def _given(self, step: Step, frame: Frame) -> list[object]:
        """Return the arguments of a step."""
        given: list[object] = []
        for where, key, parameter in step.sources:
            if where is Where.HERE:
                given.append(key)
                continue
            if where is Where.ARGUMENT:
                value = frame.arguments[key]
            elif where is Where.STEP:
                value = frame.memo[key]
            elif where is Where.CONSTANT:
                value = key
            else:
                given.append(self._argument(step.node.label, parameter, key, frame))
                continue
            given.append(self._fitting(step.node.label, parameter, value))
        return given

    def force(self, node: Node, frame: Frame) -> object:
        """Return the value of a node in a frame, evaluating what is missing."""
        waiting: list[_Waiting] = []
        try:
            found = self._find(node, frame, waiting)
            while waiting:
                self._advance(waiting)
        except AlgorithmError as error:
            raise _located(error, [item.node for item in waiting]) from error
        except EvaluationError as error:
            raise error.inside(_labels(item.node for item in waiting)) from error
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

    def _find(self, node: Node, frame: Frame, waiting: list[_Waiting]) -> object:
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

    def _home(self, node: Node, frame: Frame) -> Frame:
        """Return the innermost frame that binds an argument on which the node depends."""
        if not node.free:
            return self.root
        here: Frame | None = frame
        while here is not None:
            if not node.free.isdisjoint(here.arguments):
                return here
            here = here.parent
        names = shorten(", ".join(sorted(node.free)))
        raise AlgorithmError(f"Argument reference '{names}' is not bound by a function around it.")

    def _compute(self, node: Node, frame: Frame) -> object:
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

    def _invoke(self, node: Invocation, frame: Frame) -> object:
        algorithm = node.algorithm
        arguments = [
            self._argument(algorithm.name, parameter, child, frame)
            for parameter, child in zip(algorithm.parameters, node.arguments, strict=True)
        ]
        return self._counted(algorithm.implementation(self, *arguments))

    def _counted(self, result: object) -> object:
        """Return what an algorithm returned, with what is in it counted."""
        return self._literals.checked(result, self) if isinstance(result, (list, dict)) else result

    def _argument(self, function: str, parameter: Parameter, node: Node | None, frame: Frame) -> object:
        if node is None:
            return parameter.default
        if parameter.lazy:
            return Thunk(node, frame)
        return self._fitting(function, parameter, self._known(node, frame))

    def _fitting(self, function: str, parameter: Parameter, value: object) -> object:
        """Return a value as a function takes it."""
        if value is None:  # an explicit null means the same as no argument
            if not parameter.optional:
                raise EvaluationError(required(function, parameter.name))
            return parameter.default
        return convert_argument(parameter.convert, parameter.type, parameter.name, self, value)

    def _enter(self, node: Call, frame: Frame) -> object:
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
        return Thunk(function.body, Frame(arguments, function.frame))

    def _known(self, node: Node, frame: Frame) -> object:
        """Return the value of a node that has been evaluated."""
        if isinstance(node, Constant):
            return node.value
        home = self._home(node, frame)
        return home.arguments[node.name] if isinstance(node, Argument) else home.memo[node]


def _located(error: AlgorithmError, way: Sequence[Node]) -> EvaluationError:
    """Return an algorithm's refusal, with the function's name and the nodes on the way to it."""
    name = way[-1].label if way else ""
    message = f"{name}: {error.message}" if name else error.message
    function = (name or None) if error.unsupported else None
    return EvaluationError(message, segments=_labels(way), unsupported=error.unsupported, function=function)


def _labels(way: Iterable[Node]) -> tuple[str, ...]:
    return tuple(node.label for node in way if node.label)
