"""Walks over expressions as they come, valid or not: linear in their size, however deep or shared they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.v1alpha import ValueNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc.v1alpha import Expression

__all__ = ["argument_names", "children_of", "functions_of", "survey", "walk"]

_TOLD = 8  # arguments that a value is known to depend on; one with more is taken to depend on its surroundings


def functions_of(expression: Expression) -> set[str]:
    """Return the names of the functions that an expression mentions."""
    return {
        node.function_invocation_value.function_name
        for node in walk(expression)
        if node.function_invocation_value.function_name
    }


def walk(expression: Expression) -> Iterator[ValueNode]:
    """Return every node that an expression writes out, once each, whether its result needs it or not."""
    waiting = list(expression.values.values())
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in children_of(node) if isinstance(child, ValueNode))


def children_of(node: ValueNode) -> list[ValueNode | str]:
    """Return what a node is made of: nodes, and keys of values."""
    kind = node.WhichOneof("value")
    if kind == "value_reference":
        return [node.value_reference]
    if kind == "array_value":
        return list(node.array_value.values)
    if kind == "dictionary_value":
        items = node.dictionary_value.values
        return [items[key] for key in sorted(items)]
    if kind == "function_definition_value":
        return [node.function_definition_value.body]
    if kind == "function_invocation_value":
        invocation = node.function_invocation_value
        arguments: list[ValueNode | str] = [invocation.arguments[name] for name in argument_names(node)]
        if invocation.WhichOneof("function") == "function_reference":
            return [invocation.function_reference, *arguments]
        return arguments
    return []


def argument_names(node: ValueNode) -> list[str]:
    """Return the names of an invocation's arguments in the order of the documentation, others by the alphabet."""
    invocation = node.function_invocation_value
    declared = algorithms().get(invocation.function_name)
    places = {} if declared is None else {each.name: place for place, each in enumerate(declared.parameters)}
    return sorted(invocation.arguments, key=lambda name: (places.get(name, len(places)), name))


def survey(expression: Expression) -> tuple[dict[str, frozenset[str] | None], dict[str, int]]:
    """Return of each value which arguments around it it depends on (None: many), and how often it is used."""
    values = expression.values
    free: dict[str, frozenset[str] | None] = {}
    uses: dict[str, int] = {}
    begun: set[str] = set()

    # One entry for each node under work: the node, its key, its children still to come, what they depend on so far.
    stack: list[tuple[ValueNode, str | None, Iterator[ValueNode | str], list[frozenset[str] | None]]] = []

    def begin(key: str) -> None:
        begun.add(key)
        stack.append((values[key], key, iter(children_of(values[key])), []))

    if expression.result in values:
        begin(expression.result)
    while stack:
        node, key, wanted, found = stack[-1]
        child = next(wanted, None)
        if isinstance(child, ValueNode):
            stack.append((child, None, iter(children_of(child)), []))
        elif child is not None:
            uses[child] = uses.get(child, 0) + 1
            if child in begun:
                found.append(free.get(child, frozenset()))  # in a cycle, nothing is known yet
            elif child in values:
                begin(child)
        else:
            stack.pop()
            mine = _depends(node, found)
            if key is not None:
                free[key] = mine
            if stack:
                stack[-1][3].append(mine)
    return free, uses


def _depends(node: ValueNode, parts: list[frozenset[str] | None]) -> frozenset[str] | None:
    kind = node.WhichOneof("value")
    if kind == "argument_reference":
        return frozenset((node.argument_reference,))
    names: set[str] = set()
    for part in parts:
        if part is None:
            return None
        names |= part
    if kind == "function_definition_value":
        names.difference_update(node.function_definition_value.argument_names)
    return None if len(names) > _TOLD else frozenset(names)
