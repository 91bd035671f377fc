"""Arithmetic expressions on images, as text: ``2.5 * ((nir - red) / (nir + 6 * red - 7.5 * b('B2') + 1))``.

    expression = [ name "=" ] choice
    choice     = binary [ "?" choice ":" choice ]
    binary     = unary { operator unary }                      by the precedence of the operators
    unary      = ( "-" | "+" | "!" | "~" ) unary | power
    power      = operand [ "**" unary ]
    operand    = number | "(" choice ")" | bands | name "(" [ choice { "," choice } ] ")"
    bands      = "b" "(" [ selectors ] ")" | name [ "." name | "[" selectors "]" ]
    selectors  = ( number | string ) { "," ( number | string ) }

Operators from the weakest: ``||``, ``&&``, ``|``, ``^``, ``&``, ``== !=``, ``< <= > >=``, ``<< >>``, ``+ -``,
``* / %``. Sources: the description of Image.parseExpression for names and selectors, guides/image_math for operators;
their precedence is not documented, and taken to be C's. The parser makes a program for a stack in one pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.properties import from_double

# The parser calls itself for every parenthesis, sign, power and choice: a dozen frames of Python's stack each.
MAX_DEPTH = 30
MAX_LENGTH = 100_000

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<string>'[^'\\\n]*'|"[^"\\\n]*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<symbol>\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>!~&|^?:=(),.\[\]])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)

# Each with its binding power and the image function that computes it.
BINARY: dict[str, tuple[int, str]] = {
    "||": (1, "or"),
    "&&": (2, "and"),
    "|": (3, "bitwiseOr"),
    "^": (4, "bitwiseXor"),
    "&": (5, "bitwiseAnd"),
    "==": (6, "eq"),
    "!=": (6, "neq"),
    "<": (7, "lt"),
    "<=": (7, "lte"),
    ">": (7, "gt"),
    ">=": (7, "gte"),
    "<<": (8, "leftShift"),
    ">>": (8, "rightShift"),
    "+": (9, "add"),
    "-": (9, "subtract"),
    "*": (10, "multiply"),
    "/": (10, "divide"),
    "%": (10, "mod"),
}
UNARY = {"!": "not", "~": "bitwiseNot"}
POWER = "pow"


class Constant(NamedTuple):
    """Puts a number onto the stack."""

    value: int | float


class Bands(NamedTuple):
    """Puts bands of an image onto the stack; all of them without selectors."""

    variable: str
    selectors: tuple[str | int, ...]


class Apply(NamedTuple):
    """Replaces the last operands by the result of a function."""

    function: str
    arity: int


class Choose(NamedTuple):
    """Replaces a condition and two images by one of these for each pixel."""


Step = Constant | Bands | Apply | Choose


@dataclass(frozen=True, slots=True)
class Program:
    """A parsed expression.

    Attributes:
        name: What the result is called, if the expression says so.
        steps: What to do, in order; one image is left at the end.

    """

    name: str | None
    steps: tuple[Step, ...]

    @property
    def variables(self) -> set[str]:
        """Names of the images it uses."""
        return {step.variable for step in self.steps if isinstance(step, Bands)}


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str, default: str) -> Program:
    """Parse an expression, in time proportional to its length.

    Args:
        text: The expression.
        default: Name of the variable that ``b(...)`` stands for.

    Returns:
        The program.

    Raises:
        AlgorithmError: It cannot be parsed; the message has the column.

    """
    if len(text) > MAX_LENGTH:
        raise AlgorithmError(f"The expression has {len(text)} characters; at most {MAX_LENGTH} are parsed.")
    return _Parser(text, default).parse()


class _Parser:
    def __init__(self, text: str, default: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0
        self.default = default
        self.steps: list[Step] = []

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def parse(self) -> Program:
        name = None
        if self.token.kind == "name" and self.tokens[self.place + 1].text == "=":
            name = self.token.text
            self.place += 2
        self._choice()
        if self.token.kind != "end":
            self._fail("an operator or the end of the expression")
        return Program(name, tuple(self.steps))

    def _choice(self) -> None:
        self._deeper()
        self._binary(1)
        if self._accept("?"):
            self._choice()
            self._expect(":")
            self._choice()
            self.steps.append(Choose())
        self.depth -= 1

    def _binary(self, weakest: int) -> None:
        """Parse operands and the operators between them that bind at least so strongly."""
        self._unary()
        while self.token.kind == "symbol" and self.token.text in BINARY:
            power, function = BINARY[self.token.text]
            if power < weakest:
                return
            self.place += 1
            self._binary(power + 1)
            self.steps.append(Apply(function, 2))

    def _unary(self) -> None:
        symbol = self.token.text if self.token.kind == "symbol" else ""
        if symbol not in ("-", "+", *UNARY):
            self._power()
            return
        self._deeper()
        self.place += 1
        start = len(self.steps)
        self._unary()
        self.depth -= 1
        last = self.steps[-1]
        if symbol in UNARY:
            self.steps.append(Apply(UNARY[symbol], 1))
        elif symbol == "-" and len(self.steps) == start + 1 and isinstance(last, Constant):
            self.steps[-1] = Constant(-last.value)
        elif symbol == "-":
            # The operand comes first, so that the result is named for it.
            self.steps += [Constant(-1), Apply("multiply", 2)]

    def _power(self) -> None:
        self._operand()
        if self._accept("**"):
            self._deeper()
            self._unary()
            self.depth -= 1
            self.steps.append(Apply(POWER, 2))

    def _operand(self) -> None:
        token = self.token
        if token.kind == "number":
            self.place += 1
            self.steps.append(Constant(_number(token.text)))
        elif self._accept("("):
            self._choice()
            self._expect(")")
        elif token.kind == "name":
            self.place += 1
            self._named(token.text)
        else:
            self._fail("an operand")

    def _named(self, name: str) -> None:
        if self._accept("("):
            if name == "b":
                self.steps.append(Bands(self.default, self._selectors(")")))
            else:
                self._call(name)
        elif self._accept("["):
            self.steps.append(Bands(name, self._selectors("]")))
        elif self._accept("."):
            band = self.token
            if band.kind != "name":
                self._fail("the name of a band")
            self.place += 1
            self.steps.append(Bands(name, (band.text,)))
        else:
            self.steps.append(Bands(name, ()))

    def _call(self, name: str) -> None:
        count = 0
        if not self._accept(")"):
            self._choice()
            count = 1
            while self._accept(","):
                self._choice()
                count += 1
            self._expect(")")
        self.steps.append(Apply(name, count))

    def _selectors(self, end: str) -> tuple[str | int, ...]:
        selectors: list[str | int] = []
        while not self._accept(end):
            if selectors:
                self._expect(",")
            token = self.token
            if token.kind == "string":
                selectors.append(token.text[1:-1])
            elif token.kind == "number" and token.text.isdigit():
                selectors.append(int(token.text[:9]))  # no image has so many bands
            else:
                self._fail("the name or the number of a band")
            self.place += 1
        return tuple(selectors)

    def _accept(self, symbol: str) -> bool:
        found = self.token.kind == "symbol" and self.token.text == symbol
        self.place += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            self._fail(f"'{symbol}'")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise AlgorithmError(f"The expression is nested more than {MAX_DEPTH} levels deep.")

    def _fail(self, expected: str) -> NoReturn:
        token = self.token
        found = f"'{token.text[:40]}'" if token.text else "the end"
        raise AlgorithmError(
            f"Unable to parse the expression: column {token.column}: expected {expected}, got {found}."
        )


def _number(text: str) -> int | float:
    """Return a number; "1.0" is a real one, unlike in JSON, as the expression says so."""
    return from_double(float(text)) if text.isdigit() else float(text)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while not tokens or tokens[-1].kind != "end":
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            raise AlgorithmError(
                f"Unable to parse the expression: column {column}: '{text[column - 1]}' is unexpected."
            )
        kind = match.lastgroup
        tokens.append(_Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    return tokens
