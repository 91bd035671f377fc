"""Lists and dictionaries that an expression writes out or computes: references make small graphs of huge ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from eegrpc.emulator.context import CHARACTERS, ITEM
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.values import Array

if TYPE_CHECKING:
    from eegrpc.emulator.context import Context

__all__ = ["MAX_LITERAL_DEPTH", "Literals"]

# Lists and dictionaries in one another: comparing and returning them follows their depth.
MAX_LITERAL_DEPTH = 64

# A list or dictionary with more items in it is counted once.
_LARGE = 64

_Literal = TypeVar("_Literal", bound="list[Any] | dict[str, Any]")


class _Counted(NamedTuple):
    """A list or dictionary, how many items are in it, and how deep they nest. While it is held, its id is its own."""

    literal: object
    items: int
    depth: int


class Literals:
    """Counts what is in the lists and dictionaries of one request.

    What is in a large one that was counted before is not counted again piece by piece, or to find out that a graph is
    too large would be the work that it is too large for.
    """

    def __init__(self) -> None:
        self._large: dict[int, _Counted] = {}

    def checked(self, literal: _Literal, context: Context) -> _Literal:
        """Return a list or dictionary after counting what is in it as work of `context`.

        Raises:
            AlgorithmError: There is too much in it, or it nests too deeply.
        """
        context.spend(1, ITEM)
        level: list[Any] = [literal]
        depth = deepest = 0
        items = 1
        while level:
            depth += 1
            inside = 0
            holders: list[Any] = []
            for value in level:
                kind = type(value)
                if kind is list or kind is dict:
                    counted = self._large.get(id(value))
                    if counted is None:
                        inside += len(value)
                        holders.append(value)
                    else:
                        inside += counted.items
                        deepest = max(deepest, depth - 1 + counted.depth)
                elif kind is str:
                    inside += len(value) // CHARACTERS
                elif kind is Array:
                    inside += len(value.values)
            context.spend(inside, ITEM)
            items += inside
            deepest = max(deepest, depth)
            if deepest > MAX_LITERAL_DEPTH:
                raise AlgorithmError(f"Lists and dictionaries are nested more than {MAX_LITERAL_DEPTH} levels deep.")
            level = [item for holder in holders for item in (holder if type(holder) is list else holder.values())]
        if items > _LARGE:
            self._large[id(literal)] = _Counted(literal, items - 1, deepest)
        return literal
