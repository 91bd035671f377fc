"""From an Expression message to nodes that can be evaluated, checking all that needs no values.

References become the nodes they point to, so that a shared value is one node. Cycles, dangling references, unknown
functions, unknown arguments and missing ones are refused here, for every node that the result can reach. Nothing calls
itself, so the depth of a graph does not matter; its size is counted before anything is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from eegrpc.emulator.context import CONSTANT, NODE
from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.properties import from_struct_value
from eegrpc.v1alpha import Expression, ValueNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eegrpc.emulator.evaluation.registry import Algorithm

NO_NAMES: frozenset[str] = frozenset()


class Node:
    """A node of the graph.

    Attributes:
        needs: Nodes that must have a value before this one can get its own.
        free: Names of arguments that it depends on and does not bind itself.
        label: The function's name, for paths; empty for other nodes.

    """

    __slots__ = ("free", "label", "needs")

    def __init__(self, needs: tuple[Node, ...], free: frozenset[str], label: str = "") -> None:
        self.needs = tuple(node for node in needs if not isinstance(node, (Constant, Argument)))
        self.free = free
        self.label = label


class Constant(Node):
    """A literal."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        super().__init__((), NO_NAMES)
        self.value = value


class Argument(Node):
    """A reference to an argument of a function around it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__((), frozenset((name,)))
        self.name = name


class ListLiteral(Node):
    """A list with computed items."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...]) -> None:
        super().__init__(items, _free(items))
        self.items = items


class DictionaryLiteral(Node):
    """A dictionary with computed values."""

    __slots__ = ("items", "keys")

    def __init__(self, keys: tuple[str, ...], items: tuple[Node, ...]) -> None:
        super().__init__(items, _free(items))
        self.keys = keys
        self.items = items


class Definition(Node):
    """A function that the expression defines."""

    __slots__ = ("body", "names")

    def __init__(self, names: tuple[str, ...], body: Node) -> None:
        super().__init__((), body.free - frozenset(names))
        self.names = names
        self.body = body


class Invocation(Node):
    """A call of one of Earth Engine's functions. ``arguments`` are in the order of its parameters; None is absent."""

    __slots__ = ("algorithm", "arguments")

    def __init__(self, algorithm: Algorithm, arguments: tuple[Node | None, ...]) -> None:
        present = tuple(node for node in arguments if node is not None)
        eager = (
            node
            for node, parameter in zip(arguments, algorithm.parameters, strict=True)
            if node is not None and not parameter.lazy
        )
        super().__init__(tuple(eager), _free(present), algorithm.name)
        self.algorithm = algorithm
        self.arguments = arguments


class Call(Node):
    """A call of a function that the expression defines, by name of argument."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Node, arguments: dict[str, Node]) -> None:
        nodes = (function, *arguments.values())
        super().__init__(nodes, _free(nodes), "functionReference")
        self.function = function
        self.arguments = arguments


def _free(nodes: tuple[Node, ...]) -> frozenset[str]:
    return NO_NAMES.union(*(node.free for node in nodes)) if nodes else NO_NAMES


@dataclass(slots=True)
class _Open:
    """A node under construction: its message, the messages it needs, and what of them is built."""

    message: ValueNode
    key: str | None
    wanted: Iterator[ValueNode | str]
    label: str
    built: list[Node] = field(default_factory=list)


def compile_expression(
    expression: Expression, algorithms: Mapping[str, Algorithm], spend: Callable[[int, int], None]
) -> Node:
    """Compile an expression.

    Args:
        expression: The graph.
        algorithms: The functions there are.
        spend: `Context.spend` of the request.

    Returns:
        The node of the result.

    Raises:
        EvaluationError: The graph is not valid, is too large, or uses what is not supported.

    """
    compiler = _Compiler(expression, algorithms, spend)
    try:
        return compiler.compile()
    except AlgorithmError as error:
        raise compiler.located(error.message) from error


class _Compiler:
    def __init__(
        self, expression: Expression, algorithms: Mapping[str, Algorithm], spend: Callable[[int, int], None]
    ) -> None:
        self._values = expression.values
        self._result = expression.result
        self._algorithms = algorithms
        self._spend = spend
        self._done: dict[str, Node] = {}
        self._stack: list[_Open] = []
        self._in_work: dict[str, None] = {}

    def compile(self) -> Node:
        if not self._result:
            self._fail("The expression has no 'result': set it to the key of the value to compute.")
        if self._result not in self._values:
            self._fail(f"The result '{self._result}' is not among the expression's values.")
        self._open(self._result)
        while True:
            top = self._stack[-1]
            child = next(top.wanted, None)
            if child is not None:
                if isinstance(child, str) and child in self._done:
                    top.built.append(self._done[child])
                else:
                    self._open(child)
                continue
            node = self._build(top)
            self._spend(
                len(node.free), CONSTANT
            )  # nodes that each depend on one argument more take space by the square
            self._stack.pop()
            if top.key is not None:
                self._done[top.key] = node
                del self._in_work[top.key]
            if not self._stack:
                return node
            self._stack[-1].built.append(node)

    def _open(self, target: ValueNode | str) -> None:
        """Begin a message, or the value with a key."""
        if isinstance(target, ValueNode):
            message, key = target, None
        else:
            if target not in self._values:
                self._fail(f"Reference to '{target}', which is not among the expression's values.")
            if target in self._in_work:
                keys = [*self._in_work]
                self._fail(f"The values form a cycle: {' -> '.join([*keys[keys.index(target) :], target])}.")
            self._in_work[target] = None
            message, key = self._values[target], target
        label = ""
        if message.WhichOneof("value") == "function_invocation_value":
            invocation = message.function_invocation_value
            label = invocation.function_name or "functionReference"
        self._stack.append(_Open(message, key, iter(()), label))
        self._stack[-1].wanted = iter(self._children(message))

    def _children(self, message: ValueNode) -> list[ValueNode | str]:
        kind = message.WhichOneof("value")
        if kind == "value_reference":
            self._spend(1, NODE)
            return [message.value_reference]
        if kind == "array_value":
            self._spend(len(message.array_value.values), NODE)
            return list(message.array_value.values)
        if kind == "dictionary_value":
            items = message.dictionary_value.values
            self._spend(len(items), NODE)
            return [items[key] for key in sorted(items)]
        if kind == "function_definition_value":
            definition = message.function_definition_value
            if len(set(definition.argument_names)) != len(definition.argument_names):
                self._fail(f"A function has two arguments of one name: {', '.join(definition.argument_names)}.")
            self._spend(1, NODE)
            return [definition.body]
        if kind == "function_invocation_value":
            invocation = message.function_invocation_value
            self._spend(1 + len(invocation.arguments), NODE)
            arguments: list[ValueNode | str] = [invocation.arguments[name] for name in self._argument_names(message)]
            if invocation.WhichOneof("function") == "function_reference":
                return [invocation.function_reference, *arguments]
            return arguments
        return []

    def _argument_names(self, message: ValueNode) -> list[str]:
        """Names of the arguments of an invocation, after checking them against the declaration."""
        invocation = message.function_invocation_value
        given = sorted(invocation.arguments)
        if invocation.WhichOneof("function") == "function_reference":
            return given
        name = invocation.function_name
        if not name:
            self._fail("A function invocation has neither functionName nor functionReference.")
        algorithm = self._algorithms.get(name)
        if algorithm is None:
            self._fail(f"The function '{name}' is not supported by the emulator.", unsupported=name)
        algorithm = algorithm.called_with(given)
        known = {parameter.name for parameter in algorithm.parameters}
        for argument in given:
            if argument not in known:
                self._fail(
                    f"{name}: The argument '{argument}' is not supported by the emulator. "
                    f"Arguments: {', '.join(parameter.name for parameter in algorithm.parameters) or 'none'}.",
                    unsupported=name,
                )
        for parameter in algorithm.parameters:
            if not parameter.optional and parameter.name not in invocation.arguments:
                self._fail(required(name, parameter.name))
        return given

    def _build(self, done: _Open) -> Node:
        message, built = done.message, tuple(done.built)
        kind = message.WhichOneof("value")
        if kind == "value_reference":
            return built[0]
        if kind == "constant_value":
            return Constant(from_struct_value(message.constant_value, lambda count: self._spend(count, CONSTANT)))
        if kind == "integer_value":
            return Constant(message.integer_value)
        if kind == "bytes_value":
            self._fail("Values of type bytes are not supported by the emulator.", unsupported="bytesValue")
        if kind == "argument_reference":
            return Argument(message.argument_reference)
        if kind == "array_value":
            if all(isinstance(node, Constant) for node in built):
                return Constant([node.value for node in built if isinstance(node, Constant)])
            return ListLiteral(built)
        if kind == "dictionary_value":
            return DictionaryLiteral(tuple(sorted(message.dictionary_value.values)), built)
        if kind == "function_definition_value":
            return Definition(tuple(message.function_definition_value.argument_names), built[0])
        if kind == "function_invocation_value":
            return self._build_invocation(message, built)
        # A ValueNode without a value is what a JSON null becomes on the wire.
        return Constant(None)

    def _build_invocation(self, message: ValueNode, built: tuple[Node, ...]) -> Node:
        invocation = message.function_invocation_value
        names = sorted(invocation.arguments)
        if invocation.WhichOneof("function") == "function_reference":
            return Call(built[0], dict(zip(names, built[1:], strict=True)))
        algorithm = self._algorithms[invocation.function_name].called_with(names)
        given = dict(zip(names, built, strict=True))
        return Invocation(algorithm, tuple(given.get(parameter.name) for parameter in algorithm.parameters))

    def located(self, message: str, unsupported: str | None = None) -> EvaluationError:
        """Return an error at the place where the work is."""
        labels = tuple(item.label for item in self._stack if item.label)
        root = (f"values.{self._result}",) if self._result else ()
        return EvaluationError(
            message, segments=root + labels, unsupported=unsupported is not None, function=unsupported
        )

    def _fail(self, message: str, *, unsupported: str | None = None) -> NoReturn:
        raise self.located(message, unsupported)


def required(function: str, parameter: str) -> str:
    """Return the message for a required argument that is absent or null."""
    return f"{function}: Parameter '{parameter}' is required and may not be null."
