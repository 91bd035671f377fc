"""Functions as programs: the nodes of a body in the order in which they get their values, worked out once.

It is the order in which the machine would come upon them from the body, each after those that it needs, so that the
first thing wrong is the same. Nodes that do not depend on the function's arguments stand in it too: their values are
looked up outside, and computed when a call is the first to need them.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from eegrpc.emulator.context import CONSTANT
from eegrpc.emulator.evaluation.graph import Argument, Constant, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.evaluation.graph import Node
    from eegrpc.emulator.evaluation.registry import Parameter

__all__ = ["Program", "Source", "Step", "Where", "program_of"]


class Where(Enum):
    """Where the value of an argument is found."""

    HERE = "the source has it, converted"
    CONSTANT = "the source has it, not converted"
    ARGUMENT = "among the arguments of the call, by name"
    STEP = "among the values of earlier steps, by node"
    NODE = "the machine knows how to get it for a node, or what stands for it"


class Source(NamedTuple):
    """What gives a function one of its arguments.

    Attributes:
        where: Where its value is.
        key: What it is found by, or the value itself.
        parameter: What it must be.

    """

    where: Where
    key: Any
    parameter: Parameter


class Step:
    """One node of a program.

    Attributes:
        node: The node.
        outside: Whether it does not depend on the arguments of the call.
        implementation: The function to call; None if the node is no invocation.
        sources: Where that gets its arguments.

    """

    __slots__ = ("implementation", "node", "outside", "sources")

    def __init__(self, node: Node, names: tuple[str, ...], settle: Callable[[Source], Source]) -> None:
        self.node = node
        self.outside = node.free.isdisjoint(names)
        self.implementation: Callable[..., Any] | None = None
        self.sources: tuple[Source, ...] = ()
        if isinstance(node, Invocation) and not self.outside:
            self.implementation = node.algorithm.implementation
            pairs = zip(node.algorithm.parameters, node.arguments, strict=True)
            self.sources = tuple(settle(_source(parameter, child, names)) for parameter, child in pairs)


def _source(parameter: Parameter, child: Node | None, names: tuple[str, ...]) -> Source:
    if child is None:
        return Source(Where.HERE, parameter.default, parameter)
    if parameter.lazy:
        return Source(Where.NODE, child, parameter)
    if isinstance(child, Constant):
        return Source(Where.CONSTANT, child.value, parameter)
    if child.free.isdisjoint(names):
        return Source(Where.NODE, child, parameter)
    if isinstance(child, Argument):
        return Source(Where.ARGUMENT, child.name, parameter)
    return Source(Where.STEP, child, parameter)


class Program:
    """The steps to the value of a body.

    Attributes:
        steps: In order; the last is the body itself.

    """

    __slots__ = ("_needed_by", "steps")

    def __init__(self, steps: tuple[Step, ...], needed_by: dict[Node, Node]) -> None:
        self.steps = steps
        self._needed_by = needed_by

    def way_to(self, step: Step) -> list[Node]:
        """Return the nodes from the body to a step, each of which first needed the next one."""
        way = [step.node]
        while (node := self._needed_by.get(way[-1])) is not None:
            way.append(node)
        return way[::-1]


def program_of(
    body: Node, names: tuple[str, ...], spend: Callable[[int, int], None], settle: Callable[[Source], Source]
) -> Program | None:
    """Return the program of a function.

    Args:
        body: Its body.
        names: Names of its arguments.
        spend: `Context.spend` of the request.
        settle: Returns the source that is asked at each call for one that was found: what can be done once, it does.

    Returns:
        The program; None if the body is an argument or depends on none.

    Raises:
        AlgorithmError: The request has caused too much work.

    """
    if isinstance(body, Argument) or body.free.isdisjoint(names):
        return None
    steps: list[Step] = []
    needed_by: dict[Node, Node] = {}
    met = {body}
    open_steps = [Step(body, names, settle)]
    left = [iter(body.needs)]
    while open_steps:
        node = open_steps[-1].node
        child = next((child for child in left[-1] if child not in met), None)
        if child is None:
            steps.append(open_steps.pop())
            left.pop()
            continue
        spend(1, CONSTANT)
        met.add(child)
        needed_by[child] = node
        step = Step(child, names, settle)
        open_steps.append(step)
        left.append(iter(() if step.outside else child.needs))
    return Program(tuple(steps), needed_by)
