"""What is wrong with an expression, and where: what Earth Engine is sure to refuse, to spare a useless request.

What a function means, and which arguments it takes, is for the server to judge. Loaded when an expression may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union

import grpc
from google.protobuf.message import DecodeError, EncodeError

from eegrpc.errors import EarthEngineError, make_error
from eegrpc.v1alpha import ComputeImagesRequest, Expression

if TYPE_CHECKING:
    from eegrpc.v1alpha import ValueNode

__all__ = ["MAX_LEVELS", "check_expression", "check_graph", "check_levels", "refuse", "unfit"]

MAX_LEVELS: Final = 100
"""Most messages inside one another that protobuf parsers read; an entry of a map is one, the request itself is not."""

_MAX_NAMES: Final = 1024  # of function arguments; what goes beyond is left to the server, so that checking stays linear
_QUOTE: Final = 64  # most characters of a key or name that a message repeats

_DESCRIPTOR: Final[Any] = Expression.DESCRIPTOR


def check_expression(expression: Expression) -> None:
    """Refuse an expression that no server can evaluate.

    Checked are: `result` and every reference name a node; no node depends on itself; every node has a value, every
    invocation a function; arguments are used only where a function binds them; and the request nests no deeper than
    parsers read. The time is linear in the size of the expression, whatever its shape.

    Raises:
        EarthEngineError: INVALID_ARGUMENT, reason BAD_EXPRESSION, with the path of the offender, also as a
            google.rpc.BadRequest field violation. Whoever made the expression must act.
    """
    check_graph(expression)
    check_levels(expression)


def check_levels(expression: Expression) -> None:
    """Refuse a request that its receiver could not read: the parser itself is asked, so that the border is the same.

    Raises:
        EarthEngineError: As `check_expression`.
    """
    if not _is_readable(expression.values):
        for key, node in expression.values.items():
            if not _is_readable({key: node}):
                raise _too_deep(((None, "values"), key))
        raise _too_deep(None)


def unfit(value: object, cause: Exception) -> Exception:
    """Return the error for a dict that json.dumps refused: TypeError for what is no JSON, else EarthEngineError."""
    if isinstance(cause, RecursionError):
        return _too_deep(None)
    path, what = _find_unfit(value)
    if isinstance(cause, TypeError):
        return TypeError(f"expression{path} {what}")
    return refuse(path.lstrip("."), what)


def _find_unfit(value: object) -> tuple[str, str]:
    """Return path and description of what keeps a dict from being JSON."""
    stack: list[tuple[object, str]] = [(value, "")]
    seen: set[int] = set()
    while stack:
        item, path = stack.pop()
        if isinstance(item, (Mapping, list, tuple)):
            if id(item) in seen:  # json.dumps refused something, and a container met twice may be that
                continue
            seen.add(id(item))
            if isinstance(item, Mapping):
                for key, child in item.items():
                    if not isinstance(key, (str, int, float, bool, type(None))):
                        return path, f"has a key of type {type(key).__name__}: keys are text"
                    stack.append((child, f"{path}.{_label(str(key))}"))
                if not isinstance(item, dict):
                    return path, f"is a {type(item).__name__}: use a dict"
            else:
                stack.extend((child, f"{path}[{index}]") for index, child in enumerate(item))
        elif isinstance(item, float) and (item != item or item in (float("inf"), float("-inf"))):
            return path, f"is {item}, which JSON has no number for"
        elif not isinstance(item, (str, int, float, bool, type(None))):
            return path, f"is a {type(item).__name__}, which JSON has no form for: serialize it with ee, or convert it"
    return "", "contains itself"


# ---- the graph ----

_JSON_NAMES: Final[dict[str, str]] = {
    value.name: value.json_name
    for value in _DESCRIPTOR.fields_by_name["values"].message_type.fields_by_name["value"].message_type.fields
}

# A place in the expression: the place around it and a label; text is made of it only when something is wrong.
_Path = tuple[Union["_Path", None], str]


class _Edge(NamedTuple):
    """A reference from a node to another."""

    target: str
    path: _Path | None
    binds: tuple[str, ...] = ()
    """Arguments that the target may use because of this reference: it is the body of a function."""


class _Node(NamedTuple):
    """What one entry of `values`, with all nodes inside it, refers to."""

    edges: list[_Edge]
    arguments: dict[str, _Path | None]


def check_graph(expression: Expression) -> None:
    """Do what `check_expression` does, but for how deep the request nests.

    Raises:
        EarthEngineError: As there.
    """
    values = expression.values
    if not expression.result:
        raise refuse("result", "is missing: name the node in values that is the answer")
    if expression.result not in values:
        raise refuse("result", f"names {_quote(expression.result)}, which is not in values")
    nodes = {key: _scan(key, values[key]) for key in values}
    for seen in nodes.values():
        for edge in seen.edges:
            if edge.target not in nodes:
                raise refuse(edge.path, f"names {_quote(edge.target)}, which is not in values")
    order = _dependencies_first(nodes)
    _check_arguments(nodes, order, expression.result)


def _scan(key: str, root: ValueNode) -> _Node:
    """Collect what an entry of `values` refers to; refuse a node without a value, and an invocation of nothing."""
    found = _Node([], {})
    stack: list[tuple[ValueNode, _Path]] = [(root, ((None, "values"), key))]
    while stack:
        node, path = stack.pop()
        kind = node.WhichOneof("value")
        if kind is None:
            raise refuse(path, "has no value: a node is one of constantValue, functionInvocationValue, ...")
        here = (path, _JSON_NAMES[kind])
        if kind == "function_invocation_value":
            call = node.function_invocation_value
            function = call.WhichOneof("function")
            if function is None:
                raise refuse(here, "has no function: set functionName or functionReference")
            if function == "function_reference":
                found.edges.append(_Edge(call.function_reference, (here, "functionReference")))
            arguments = (here, "arguments")
            stack.extend((child, (arguments, name)) for name, child in call.arguments.items())
        elif kind == "dictionary_value":
            values = (here, "values")
            stack.extend((child, (values, name)) for name, child in node.dictionary_value.values.items())
        elif kind == "array_value":
            stack.extend((child, (here, f"values[{i}]")) for i, child in enumerate(node.array_value.values))
        elif kind == "function_definition_value":
            function_definition = node.function_definition_value
            binds = tuple(function_definition.argument_names)
            found.edges.append(_Edge(function_definition.body, (here, "body"), binds))
        elif kind == "value_reference":
            found.edges.append(_Edge(node.value_reference, here))
        elif kind == "argument_reference":
            found.arguments.setdefault(node.argument_reference, here)
    return found


def _dependencies_first(nodes: dict[str, _Node]) -> list[str]:
    """Return the keys so that each comes after all that it refers to; refuse a cycle, and name it."""
    order: list[str] = []
    finished: set[str] = set()
    for start in nodes:
        if start in finished:
            continue
        # Depth first: `trail` leads from `start` to where we are; each key in it has its edges yet to follow.
        trail = [start]
        ahead = {start: iter(nodes[start].edges)}
        while trail:
            key = trail[-1]
            for edge in ahead[key]:
                if edge.target in ahead:
                    cycle = [*trail[trail.index(edge.target) :], edge.target]
                    shown = cycle if len(cycle) <= 12 else [*cycle[:10], "...", cycle[-1]]
                    raise refuse(edge.path, f"closes a cycle: {' -> '.join(map(_quote, shown))}")
                if edge.target not in finished:
                    trail.append(edge.target)
                    ahead[edge.target] = iter(nodes[edge.target].edges)
                    break
            else:
                trail.pop()
                del ahead[key]
                finished.add(key)
                order.append(key)
    return order


def _check_arguments(nodes: dict[str, _Node], order: list[str], result: str) -> None:
    """Refuse an argumentReference that is reached from the result without passing a function that binds the name."""
    bits: dict[str, int] = {}
    for node in nodes.values():
        for name in node.arguments:
            if name not in bits and len(bits) < _MAX_NAMES:
                bits[name] = 1 << len(bits)
    if not bits:
        return
    free: dict[str, int] = {}  # of each node, the set of names that it needs from outside, as a bit set
    for key in order:
        needs = 0
        for name in nodes[key].arguments:
            needs |= bits.get(name, 0)
        for edge in nodes[key].edges:
            inner = free[edge.target]
            for name in edge.binds if inner else ():
                inner &= ~bits.get(name, 0)
            needs |= inner
        free[key] = needs
    if free[result]:
        name = next(name for name, bit in bits.items() if bit & free[result])
        path = _find_argument(nodes, result, name)
        raise refuse(path, f"names {_quote(name)}, which no function around it has as an argument")


def _find_argument(nodes: dict[str, _Node], result: str, name: str) -> _Path | None:
    """Return where the name is used and not bound; there is such a place."""
    stack, seen = [result], {result}
    while True:
        node = nodes[stack.pop()]
        if name in node.arguments:
            return node.arguments[name]
        for edge in node.edges:
            if edge.target not in seen and name not in edge.binds:
                seen.add(edge.target)
                stack.append(edge.target)


def _is_readable(values: Mapping[str, ValueNode]) -> bool:
    """Return whether a parser reads a request with these nodes."""
    request = ComputeImagesRequest()
    try:
        for key, node in values.items():
            request.expression.values[key].CopyFrom(node)  # copying a message encodes and parses it
        ComputeImagesRequest.FromString(request.SerializeToString())
    except (DecodeError, EncodeError):
        return False
    return True


# ---- saying what is wrong ----


def _too_deep(path: _Path | None) -> EarthEngineError:
    return refuse(
        path, f"nests too deeply: at most {MAX_LEVELS} messages inside one another; make it a node of its own"
    )


def refuse(path: _Path | str | None, what: str) -> EarthEngineError:
    """Return the error for an expression that is wrong at a place."""
    where = path if isinstance(path, str) else _join(path)
    return make_error(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"expression: {where} {what}" if where else f"expression {what}",
        reason="BAD_EXPRESSION",
        field=f"expression.{where}" if where else "expression",
    )


def _join(path: _Path | None) -> str:
    labels: list[str] = []
    while path is not None:
        path, label = path
        labels.append(_label(label))
    return ".".join(reversed(labels))


def _label(text: str) -> str:
    """Return a key as part of a path: short, on one line, printable."""
    short = text if len(text) <= _QUOTE else f"{text[:_QUOTE]}..."
    return short if short.isprintable() else repr(short)[1:-1]


def _quote(text: str) -> str:
    return f'"{_label(text)}"'
