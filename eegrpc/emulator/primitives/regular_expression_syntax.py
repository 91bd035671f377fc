r"""The syntax of regular expressions, RE2's, and the programs that are written for them.

choice      = sequence {"|" sequence}
sequence    = {item [("*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}") ["?"]]}
item        = "(" ["?:" | "?P<name>"] choice ")" | "[" ["^"] {class} "]" | "." | "^" | "$" | "\" escape | character
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from eegrpc.emulator.errors import AlgorithmError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ASSERT", "JUMP", "MATCH", "SAVE", "SPLIT", "TAKE", "WORD_CHARACTERS", "Characters", "Step", "parse"]

MAX_PROGRAM_LENGTH = 2000  # repeats are written out, so short patterns can mean long programs
MAX_GROUPS = 100
MAX_GROUP_DEPTH = 50
MAX_REPEAT = 1000  # RE2's own

_Range = tuple[str, str]
_Ranges = tuple[_Range, ...]

TAKE, SPLIT, JUMP, SAVE, ASSERT, MATCH = range(6)


class Characters(NamedTuple):
    """A set of characters: ranges that begin at some and end at others, in order and apart."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    negated: bool = False
    fold: bool = False

    def holds(self, character: str) -> bool:
        """Whether a character is in the set."""
        held = self._holds(character)
        if self.fold and not held:
            held = self._holds(character.lower()) or self._holds(character.upper())
        return held is not self.negated

    def _holds(self, character: str) -> bool:
        place = bisect_right(self.starts, character)
        return place > 0 and character <= self.ends[place - 1]


def _characters(ranges: Iterable[_Range], *, negated: bool = False, fold: bool = False) -> Characters:
    starts: list[str] = []
    ends: list[str] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return Characters(tuple(starts), tuple(ends), negated, fold)


class Step(NamedTuple):
    """A step of a program: targets are relative to its own place."""

    kind: int
    target: int = 0  # of a jump, and the better way of a split; number of a saved place
    other: int = 0  # the worse way of a split
    characters: Characters = Characters((), ())
    condition: str = ""


_Program = list[Step]
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
WORD_CHARACTERS = _characters(_WORD)
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


def parse(pattern: str, *, ignore_case: bool) -> tuple[list[Step], int]:
    """Return the program of a pattern, and how many groups it has.

    Args:
        pattern: The pattern.
        ignore_case: Whether letters match those of the other case.

    Returns:
        The program, which saves where the whole match and each group begin and end, and the number of groups.

    Raises:
        AlgorithmError: RE2 would refuse the pattern, or the emulator does not run it.

    """
    parser = _Parser(pattern, ignore_case=ignore_case)
    body = parser.whole()
    return [Step(SAVE, 0), *body, Step(SAVE, 1), Step(MATCH)], parser.groups


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
            program = [Step(SPLIT, 1, len(way) + 2), *way, Step(JUMP, len(program) + 1), *program]
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
            return [Step(TAKE, characters=self._class(start))]
        if character == ".":
            return [Step(TAKE, characters=_ANY)]
        if character in ("^", "$"):
            return [Step(ASSERT, condition="start" if character == "^" else "end")]
        if character == "\\":
            condition = {"A": "start", "z": "end", "b": "b", "B": "B"}.get(self._ahead())
            if condition is not None:
                self._at += 1
                return [Step(ASSERT, condition=condition)]
            return [Step(TAKE, characters=_characters(self._escape(), fold=self._fold))]
        return [Step(TAKE, characters=_characters(((character, character),), fold=self._fold))]

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
        return [Step(SAVE, 2 * number), *body, Step(SAVE, 2 * number + 1)] if number else body

    def _class(self, start: int) -> Characters:
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

    def split(inside: int, outside: int) -> Step:
        return Step(SPLIT, outside, inside) if lazy else Step(SPLIT, inside, outside)

    if most < 0:
        if least == 0:
            return [split(1, len(item) + 2), *item, Step(JUMP, -len(item) - 1)]
        return [*item * least, split(-len(item), 1)]
    length = len(item) + 1
    optional: _Program = []
    for left in range(most - least, 0, -1):
        optional += [split(1, left * length), *item]
    return [*item * least, *optional]
