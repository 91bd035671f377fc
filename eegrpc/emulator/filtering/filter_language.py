"""Filters written as text: ``CLOUD_COVER < 10 and (WRS_PATH == 44 or SUN_ELEVATION > 35)``.

    filter     = conjunction { ("or" | "||") conjunction }
    conjunction = term { ("and" | "&&") term }
    term       = ("not" | "!") term | "(" filter ")" | comparison
    comparison = operand (">" | ">=" | "<" | "<=" | "==" | "!=") operand | operand "in" (list | property)
    list       = "(" [ literal { "," literal } ] ")" | "[" [ literal { "," literal } ] "]"
    operand    = property | literal
    literal    = number | string

A string stands in single or double quotes, with a backslash before a quote inside. A property is a name of letters,
digits, ``_``, ``:`` and ``.``. Source of the operators: the description of Collection.filter. It also names ``in``,
whose syntax is documented nowhere: the one here is an assumption (filter-string-in).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.filtering import filters
from eegrpc.emulator.filtering.filters import All, AnyOf, Comparison, Filter, Not, Operand
from eegrpc.emulator.properties import from_double

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.context import Context

# The parser calls itself for every parenthesis and every "not".
MAX_DEPTH = 50
MAX_LENGTH = 100_000

OPERATORS: dict[str, Callable[[Context, object, object], bool]] = {
    "<": filters.less_than,
    "<=": filters.less_than_or_equals,
    ">": filters.greater_than,
    ">=": filters.greater_than_or_equals,
    "==": filters.equals,
    "!=": filters.not_equals,
}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:]))
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<name>[A-Za-z_][\w:.]*)
      | (?P<symbol><=|>=|==|!=|&&|\|\||[<>!()\[\],])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@lru_cache(maxsize=256)
def parse_filter(text: str) -> Filter:
    """Parse a filter written as text.

    Args:
        text: The filter.

    Returns:
        The filter.

    Raises:
        AlgorithmError: It cannot be parsed; the message has the column.

    """
    if len(text) > MAX_LENGTH:
        raise AlgorithmError(f"The filter has {len(text)} characters; at most {MAX_LENGTH} are parsed.")
    return _Parser(text).parse()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def next(self) -> _Token:
        match = _TOKEN.match(self._text, self._position)
        if match is None or match.lastgroup is None:
            start = self._position + len(self._text[self._position :]) - len(self._text[self._position :].lstrip())
            self.fail(f"unexpected '{self._text[start]}'", start + 1)
        self._position = match.end()
        kind, text = match.lastgroup, match[match.lastgroup]
        if kind == "name" and text.lower() in _WORDS:
            kind, text = "symbol", _WORDS[text.lower()]
        return _Token(kind, text, match.start(match.lastgroup) + 1)

    def fail(self, problem: str, column: int) -> NoReturn:
        shown = self._text if len(self._text) <= 200 else self._text[:197] + "..."
        raise AlgorithmError(f'Cannot parse filter "{shown}": {problem} at column {column}.')


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = _Scanner(text)
        self._token = self._scanner.next()
        self._depth = 0

    def parse(self) -> Filter:
        result = self._disjunction()
        if self._token.kind != "end":
            self._unexpected("'and', 'or' or the end")
        return result

    def _disjunction(self) -> Filter:
        parts = [self._conjunction()]
        while self._accept("||"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self) -> Filter:
        parts = [self._term()]
        while self._accept("&&"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _term(self) -> Filter:
        if self._depth >= MAX_DEPTH:
            self._scanner.fail(f"more than {MAX_DEPTH} levels of parentheses and 'not'", self._token.column)
        self._depth += 1
        try:
            if self._accept("!"):
                return Not(self._term())
            if self._accept("("):
                inner = self._disjunction()
                if not self._accept(")"):
                    self._unexpected("')'")
                return inner
        finally:
            self._depth -= 1
        left = self._operand()
        if self._token.kind == "name" and self._token.text.lower() == "in":
            self._advance()
            return Comparison(left, self._list(), filters.in_list)
        operator = OPERATORS.get(self._token.text) if self._token.kind == "symbol" else None
        if operator is None:
            self._unexpected(f"one of {' '.join(OPERATORS)} in")
        self._advance()
        return Comparison(left, self._operand(), operator)

    def _list(self) -> Operand:
        closing = _CLOSING.get(self._token.text) if self._token.kind == "symbol" else None
        if closing is None:
            return self._operand()
        self._advance()
        items: list[object] = []
        while not self._accept(closing):
            if items and not self._accept(","):
                self._unexpected(f"',' or '{closing}'")
            item = self._token
            items.append(self._operand().value)
            if item.kind == "name":
                self._scanner.fail(f"expected a number or a string, found '{item.text}'", item.column)
        return Operand(value=items)

    def _operand(self) -> Operand:
        token = self._token
        if token.kind == "name":
            self._advance()
            return Operand(selector=token.text)
        if token.kind == "number":
            self._advance()
            return Operand(value=from_double(float(token.text)))
        if token.kind == "string":
            self._advance()
            return Operand(value=re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL))
        return self._unexpected("a property, a number or a string")

    def _accept(self, symbol: str) -> bool:
        if self._token.kind == "symbol" and self._token.text == symbol:
            self._advance()
            return True
        return False

    def _advance(self) -> None:
        self._token = self._scanner.next()

    def _unexpected(self, expected: str) -> NoReturn:
        found = "the end" if self._token.kind == "end" else f"'{self._token.text}'"
        self._scanner.fail(f"expected {expected}, found {found}", self._token.column)
