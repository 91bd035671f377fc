r"""Regular expressions of RE2's syntax, run in time that is linear in the text and counted as work.

Requests bring both the pattern and the text, and a backtracking engine such as Python's can be made to run for ever.
This one follows all ways through a pattern at once, a character at a time (R. Cox, "Regular Expression Matching: the
Virtual Machine Approach"), preferring ways in the order in which a backtracking engine would try them. That Earth
Engine's is RE2 shows in the examples of String.split, where ``[[:space:]]`` is white space.

    choice      = sequence {"|" sequence}
    sequence    = {item [("*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}") ["?"]]}
    item        = "(" ["?:" | "?P<name>"] choice ")" | "[" ["^"] {class} "]" | "." | "^" | "$" | "\" escape | character
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from eegrpc.emulator.context import CHARACTERS
from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eegrpc.emulator.context import Context

__all__ = ["Match", "RegularExpression", "compile_expression"]

MAX_PATTERN_LENGTH = 1000
MAX_PROGRAM_LENGTH = 2000  # repeats are written out, so short patterns can mean long programs
MAX_GROUPS = 100
MAX_GROUP_DEPTH = 50
MAX_REPEAT = 1000  # RE2's own

# What a step of the program costs, and a character of a pattern that is read, in units of Context.spend.
_STEP_PRICE = 12
_PARSING_PRICE = 40

_Range = tuple[str, str]
_Ranges = tuple[_Range, ...]

_TAKE, _SPLIT, _JUMP, _SAVE, _ASSERT, _MATCH = range(6)


class _Characters(NamedTuple):
    """A set of characters: ranges that begin at some and end at others, in order and apart."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    negated: bool = False
    fold: bool = False

    def holds(self, character: str) -> bool:
        held = self._holds(character)
        if self.fold and not held:
            held = self._holds(character.lower()) or self._holds(character.upper())
        return held is not self.negated

    def _holds(self, character: str) -> bool:
        place = bisect_right(self.starts, character)
        return place > 0 and character <= self.ends[place - 1]


def _characters(ranges: Iterable[_Range], *, negated: bool = False, fold: bool = False) -> _Characters:
    starts: list[str] = []
    ends: list[str] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return _Characters(tuple(starts), tuple(ends), negated, fold)


class _Step(NamedTuple):
    """A step of a program: targets are relative to its own place."""

    kind: int
    target: int = 0  # of a jump, and the better way of a split; number of a saved place
    other: int = 0  # the worse way of a split
    characters: _Characters = _Characters((), ())
    condition: str = ""


_Program = list[_Step]
_DIGITS = (("0", "9"),)
_WORD = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_CLASSES: dict[str, _Ranges] = {
    "d": _DIGITS,
    "w": _WORD,
    "s": (("\t", "\n"), ("\f", "\r"), (" ", " ")),
}
_NAMED: dict[str, _Ranges] = {
    "alnum": (("0", "9"), ("A", "Z"), ("a", "z")),
    "alpha": (("A", "Z"), ("a", "z")),
    "ascii": (("\0", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
    "digit": _DIGITS,
    "graph": (("!", "~"),),
    "lower": (("a", "z"),),
    "print": ((" ", "~"),),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": (("A", "Z"),),
    "word": _WORD,
    "xdigit": (("0", "9"), ("A", "F"), ("a", "f")),
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_ANY = _characters((("\n", "\n"),), negated=True)
_WORD_CHARACTERS = _characters(_WORD)
_LAST = "\U0010ffff"


def _complement(ranges: _Ranges) -> _Ranges:
    """Return the characters that are in none of some ranges, which are in order."""
    gaps: list[_Range] = []
    start = 0
    for first, last in ranges:
        if start < ord(first):
            gaps.append((chr(start), chr(ord(first) - 1)))
        start = ord(last) + 1
    return (*gaps, (chr(start), _LAST))


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

    def __init__(self, program: _Program, group_count: int) -> None:
        self._program = tuple(program)
        self._prefix = _prefix(program)
        self.group_count = group_count

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
                if step.kind == _MATCH:
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
            if step.kind == _JUMP:
                waiting.append((at + step.target, places))
            elif step.kind == _SPLIT:
                waiting.append((at + step.other, places))
                waiting.append((at + step.target, places))
            elif step.kind == _SAVE:
                saved = (*places[: step.target], place, *places[step.target + 1 :])
                waiting.append((at + 1, saved))
            elif step.kind == _ASSERT:
                if _holds(step.condition, text, place):
                    waiting.append((at + 1, places))
            else:
                threads.append((at, places))


def _prefix(program: _Program) -> str:
    """Return the text with which every match begins, as far as it is plain."""
    prefix = ""
    for step in program[1:]:  # the first only saves the place
        characters = step.characters
        plain = step.kind == _TAKE and not characters.negated and not characters.fold
        if not plain or characters.starts != characters.ends or len(characters.starts) != 1:
            break
        prefix += characters.starts[0]
    return prefix


def _holds(condition: str, text: str, place: int) -> bool:
    if condition == "start":
        return place == 0
    if condition == "end":
        return place == len(text)
    before = place > 0 and _WORD_CHARACTERS.holds(text[place - 1])
    after = place < len(text) and _WORD_CHARACTERS.holds(text[place])
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
    return _compiled(pattern, ignore_case)


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool) -> RegularExpression:
    parser = _Parser(pattern, ignore_case=ignore_case)
    body = parser.whole()
    return RegularExpression([_Step(_SAVE, 0), *body, _Step(_SAVE, 1), _Step(_MATCH)], parser.groups)


class _Parser:
    """Reads a pattern into a program; parts of programs can be put together as their targets are relative."""

    def __init__(self, pattern: str, *, ignore_case: bool) -> None:
        self._pattern = pattern
        self._fold = ignore_case
        self._at = 0
        self._depth = 0
        self.groups = 0

    def whole(self) -> _Program:
        program = self._choice()
        if self._at < len(self._pattern):
            self._refuse("unexpected )", self._pattern)
        return program

    def _refuse(self, problem: str, fragment: str) -> NoReturn:
        raise AlgorithmError(f"error parsing regexp: {problem}: `{fragment}`")

    def _unsupported(self, what: str) -> NoReturn:
        raise AlgorithmError(f"The emulator does not run the pattern '{self._pattern}': {what}.", unsupported=True)

    def _ahead(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _accept(self, text: str) -> bool:
        if self._pattern.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _matched(self, expression: str) -> re.Match[str] | None:
        match = re.compile(expression, re.ASCII).match(self._pattern, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _choice(self) -> _Program:
        ways = [self._sequence()]
        while self._accept("|"):
            ways.append(self._sequence())
        program = ways.pop()
        while ways:
            way = ways.pop()
            program = [_Step(_SPLIT, 1, len(way) + 2), *way, _Step(_JUMP, len(program) + 1), *program]
        return program

    def _sequence(self) -> _Program:
        program: _Program = []
        while self._ahead() not in ("", "|", ")"):
            program += self._repeated(self._item())
            if len(program) > MAX_PROGRAM_LENGTH:
                self._unsupported("with its repeats written out it is too long")
        return program

    def _repeated(self, item: _Program) -> _Program:
        start = self._at
        repeat = self._matched(r"([*+?])|\{(\d{1,4})(,?)(\d{1,4})?\}")
        if repeat is None or (repeat[2] and repeat[4] and not repeat[3]):
            self._at = start
            return item
        lazy = self._accept("?")
        if self._matched(r"[*+?]|\{\d{1,4},?(\d{1,4})?\}"):
            self._refuse("invalid nested repetition operator", self._pattern[start : self._at])
        if repeat[1]:
            least, most = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[repeat[1]]
        else:
            least = int(repeat[2])
            most = int(repeat[4]) if repeat[4] else (-1 if repeat[3] else least)
        if max(least, most) > MAX_REPEAT or 0 <= most < least:
            self._refuse("invalid repeat count", repeat[0])
        if len(item) * max(least, most, 1) > MAX_PROGRAM_LENGTH:
            self._unsupported("with its repeats written out it is too long")
        return _repeat(item, least, most, lazy=lazy)

    def _item(self) -> _Program:
        start = self._at
        character = self._ahead()
        if character in ("*", "+", "?"):
            self._refuse("missing argument to repetition operator", character)
        self._at += 1
        if character == "(":
            return self._group()
        if character == "[":
            return [_Step(_TAKE, characters=self._class(start))]
        if character == ".":
            return [_Step(_TAKE, characters=_ANY)]
        if character in ("^", "$"):
            return [_Step(_ASSERT, condition="start" if character == "^" else "end")]
        if character == "\\":
            condition = {"A": "start", "z": "end", "b": "b", "B": "B"}.get(self._ahead())
            if condition is not None:
                self._at += 1
                return [_Step(_ASSERT, condition=condition)]
            return [_Step(_TAKE, characters=_characters(self._escape(), fold=self._fold))]
        return [_Step(_TAKE, characters=_characters(((character, character),), fold=self._fold))]

    def _group(self) -> _Program:
        self._depth += 1
        if self._depth > MAX_GROUP_DEPTH:
            self._unsupported(f"groups are nested more than {MAX_GROUP_DEPTH} levels deep")
        number = 0
        if not self._accept("?:"):
            if self._ahead() == "?" and not self._matched(r"\?P?<[A-Za-z_]\w*>"):
                if self._matched(r"\?[imsU]+(-[imsU]+)?[:)]"):
                    self._unsupported("it has flags inside")
                self._refuse("invalid or unsupported Perl syntax", self._pattern[self._at - 1 : self._at + 2])
            self.groups += 1
            number = self.groups
            if number > MAX_GROUPS:
                self._unsupported(f"it has more than {MAX_GROUPS} groups")
        body = self._choice()
        if not self._accept(")"):
            self._refuse("missing closing )", self._pattern)
        self._depth -= 1
        return [_Step(_SAVE, 2 * number), *body, _Step(_SAVE, 2 * number + 1)] if number else body

    def _class(self, start: int) -> _Characters:
        negated = self._accept("^")
        ranges: list[_Range] = []
        first = True
        while first or self._ahead() != "]":
            if not self._ahead():
                self._refuse("missing closing ]", self._pattern[start:])
            first = False
            named = self._matched(r"\[:(\^?)(\w+):\]")
            if named is not None:
                if named[2] not in _NAMED:
                    self._refuse("invalid character class range", named[0])
                ranges += _complement(_NAMED[named[2]]) if named[1] else _NAMED[named[2]]
                continue
            low = self._member()
            if len(low) == 1 and low[0][0] == low[0][1] and self._matched(r"-(?!\])"):
                high = self._member() if self._ahead() else ()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    self._refuse("invalid character class range", self._pattern[start : self._at])
                low = ((low[0][0], high[0][0]),)
            ranges += low
        self._at += 1
        return _characters(ranges, negated=negated, fold=self._fold)

    def _member(self) -> _Ranges:
        character = self._ahead()
        self._at += 1
        return self._escape() if character == "\\" else ((character, character),)

    def _escape(self) -> _Ranges:
        """Read what comes after a backslash: a character, or a class of them."""
        code = self._matched(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
        if code is not None:
            number = int(code[1] or code[2], 16)
            if number > ord(_LAST):
                self._refuse("invalid escape sequence", f"\\{code[0]}")
            return ((chr(number), chr(number)),)
        character = self._ahead()
        self._at += 1
        if character.lower() in _CLASSES:
            ranges = _CLASSES[character.lower()]
            return ranges if character.islower() else _complement(ranges)
        if character in _CONTROLS:
            character = _CONTROLS[character]
        elif character in ("p", "P", "Q", "C"):
            self._unsupported(f"\\{character} is not supported")
        elif not character or character.isalnum():
            problem = "invalid escape sequence" if character else "trailing backslash at end of expression"
            self._refuse(problem, f"\\{character}")
        return ((character, character),)


def _repeat(item: _Program, least: int, most: int, *, lazy: bool) -> _Program:
    """Return a program that runs another from ``least`` to ``most`` times, -1 being without end."""

    def split(inside: int, outside: int) -> _Step:
        return _Step(_SPLIT, outside, inside) if lazy else _Step(_SPLIT, inside, outside)

    if most < 0:
        if least == 0:
            return [split(1, len(item) + 2), *item, _Step(_JUMP, -len(item) - 1)]
        return [*item * least, split(-len(item), 1)]
    length = len(item) + 1
    optional: _Program = []
    for left in range(most - least, 0, -1):
        optional += [split(1, left * length), *item]
    return [*item * least, *optional]
