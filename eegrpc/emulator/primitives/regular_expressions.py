"""Regular expressions of RE2's syntax, run in time that is linear in the text and counted as work.

Requests bring both the pattern and the text, and a backtracking engine such as Python's can be made to run for ever.
This one follows all ways through a pattern at once, a character at a time (R. Cox, "Regular Expression Matching: the
Virtual Machine Approach"), preferring ways in the order in which a backtracking engine would try them. That Earth
Engine's is RE2 shows in the examples of String.split, where ``[[:space:]]`` is white space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.context import CHARACTERS
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.regular_expression_syntax import (
    ASSERT,
    JUMP,
    MATCH,
    SAVE,
    SPLIT,
    TAKE,
    WORD_CHARACTERS,
    Step,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc.emulator.context import Context

__all__ = ["Match", "RegularExpression", "compile_expression"]

MAX_PATTERN_LENGTH = 1000

# What it costs to take a step of a program, to read a character of a pattern, and to write a step of a program, in
# units of Context.spend.
_STEP_PRICE = 12
_PARSING_PRICE = 40
_WRITING_PRICE = 4


@dataclass(frozen=True, slots=True)
class Match:
    """Where an expression matches: for the whole and each group where it begins and ends, -1 if it is left out."""

    text: str
    places: tuple[int, ...]

    @property
    def start(self) -> int:
        """Where the match begins."""
        return self.places[0]

    @property
    def end(self) -> int:
        """Where the match ends."""
        return self.places[1]

    def groups(self) -> list[str | None]:
        """Return the texts of the whole match and of each group."""
        pairs = zip(self.places[::2], self.places[1::2], strict=True)
        return [None if start < 0 or end < 0 else self.text[start:end] for start, end in pairs]


class RegularExpression:
    """A compiled expression.

    Args:
        program: Its steps.
        group_count: How many groups it has.

    """

    __slots__ = ("_prefix", "_program", "group_count")

    def __init__(self, program: list[Step], group_count: int) -> None:
        self._program = tuple(program)
        self._prefix = _prefix(program)
        self.group_count = group_count

    @property
    def length(self) -> int:
        """How many steps the program has."""
        return len(self._program)

    def matches_all(self, context: Context, text: str) -> bool:
        """Whether the expression matches a text as a whole."""
        return self._run(context, text, 0, whole=True) is not None

    def find(self, context: Context, text: str, start: int = 0) -> Match | None:
        """Return the first match from a place on.

        Args:
            context: The request's context: steps are counted.
            text: The text.
            start: The place.

        Returns:
            The match, or None.

        Raises:
            AlgorithmError: It takes too much work.

        """
        return self._run(context, text, start, whole=False)

    def find_all(self, context: Context, text: str) -> Iterator[Match]:
        """All matches that do not overlap; after an empty one the search goes on with the next character."""
        start = 0
        while start <= len(text) and (match := self.find(context, text, start)) is not None:
            context.spend(1)
            yield match
            start = match.end + (match.start == match.end)

    def _run(self, context: Context, text: str, start: int, *, whole: bool) -> Match | None:
        program = self._program
        untouched = (-1,) * (2 * self.group_count + 2)
        best: tuple[int, ...] | None = None
        threads: list[tuple[int, tuple[int, ...]]] = []
        seen: set[int] = set()
        place = start - 1
        while place < len(text):
            place += 1
            if not threads and best is None and not whole:
                place = self._next(context, text, place)
            if best is None and not (whole and place > start):
                self._follow(0, untouched, text, place, threads, seen)
            if not threads and (best is not None or whole):
                break
            context.spend(1 + len(seen), _STEP_PRICE)
            character = text[place : place + 1]
            following: list[tuple[int, tuple[int, ...]]] = []
            seen = set()
            for at, places in threads:
                step = program[at]
                if step.kind == MATCH:
                    if whole and character:
                        continue
                    best = places
                    break  # ways that come after this one are worse
                if character and step.characters.holds(character):
                    self._follow(at + 1, places, text, place + 1, following, seen)
            threads = following
        return None if best is None else Match(text, best)

    def _next(self, context: Context, text: str, place: int) -> int:
        """Return the next place where a match may begin; the end of the text if there is none."""
        if not self._prefix:
            return place
        found = text.find(self._prefix, place)
        found = len(text) if found < 0 else found
        context.spend((found - place) // CHARACTERS, 1)
        return found

    def _follow(
        self,
        at: int,
        places: tuple[int, ...],
        text: str,
        place: int,
        threads: list[tuple[int, tuple[int, ...]]],
        seen: set[int],
    ) -> None:
        """Add the steps that take a character, or match, and that are reached from a step without taking any."""
        waiting = [(at, places)]
        while waiting:
            at, places = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            step = self._program[at]
            if step.kind == JUMP:
                waiting.append((at + step.target, places))
            elif step.kind == SPLIT:
                waiting.append((at + step.other, places))
                waiting.append((at + step.target, places))
            elif step.kind == SAVE:
                saved = (*places[: step.target], place, *places[step.target + 1 :])
                waiting.append((at + 1, saved))
            elif step.kind == ASSERT:
                if _holds(step.condition, text, place):
                    waiting.append((at + 1, places))
            else:
                threads.append((at, places))


def _prefix(program: list[Step]) -> str:
    """Return the text with which every match begins, as far as it is plain."""
    prefix = ""
    for step in program[1:]:  # the first only saves the place
        characters = step.characters
        plain = step.kind == TAKE and not characters.negated and not characters.fold
        if not plain or characters.starts != characters.ends or len(characters.starts) != 1:
            break
        prefix += characters.starts[0]
    return prefix


def _holds(condition: str, text: str, place: int) -> bool:
    if condition == "start":
        return place == 0
    if condition == "end":
        return place == len(text)
    before = place > 0 and WORD_CHARACTERS.holds(text[place - 1])
    after = place < len(text) and WORD_CHARACTERS.holds(text[place])
    return (before != after) == (condition == "b")


def compile_expression(context: Context, pattern: str, *, ignore_case: bool = False) -> RegularExpression:
    """Compile a pattern.

    Args:
        context: The request's context.
        pattern: The pattern.
        ignore_case: Whether letters match those of the other case.

    Returns:
        The expression.

    Raises:
        AlgorithmError: RE2 would refuse the pattern, or the emulator does not run it.

    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise AlgorithmError(
            f"The pattern has {len(pattern)} characters; the emulator takes at most {MAX_PATTERN_LENGTH}.",
            unsupported=True,
        )
    context.spend(len(pattern), _PARSING_PRICE)
    compiled = _compiled(pattern, ignore_case)
    context.spend(compiled.length, _WRITING_PRICE)
    return compiled


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool) -> RegularExpression:
    return RegularExpression(*parse(pattern, ignore_case=ignore_case))
