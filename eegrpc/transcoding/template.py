"""Path templates of google.api.http: scanner, parser, and two inverse functions, `expand` and `match`.

The grammar is the one in the documentation of google/api/http.proto:

    Template  = "/" Segments [ Verb ] ;
    Segments  = Segment { "/" Segment } ;
    Segment   = "*" | "**" | LITERAL | Variable ;
    Variable  = "{" FieldPath [ "=" Segments ] "}" ;
    FieldPath = IDENT { "." IDENT } ;
    Verb      = ":" LITERAL ;

A LITERAL is made of the characters that RFC 3986 allows in a path segment, except those of the grammar (``*``, ``:``,
``=``), and of percent-encoded ones. ``**`` may only come last, and variables do not contain variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PathTemplate", "PathValueError", "TemplateError", "Variable"]

_LITERAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;@]|%[0-9A-Fa-f]{2})+")
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")

# One segment of a request's path: visible ASCII except "/", "?", "#", and "%" only before two hexadecimal digits.
_RAW_SEGMENT = r"(?:[!-\"$&-.0->@-~]|%[0-9A-Fa-f]{2})+"

_ENCODED_SLASH = r"(%2[Ff])"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_SEGMENT = re.compile(r"(?:^|/|%2[Ff])\.\.?(?:$|/|%2[Ff])")

_ONE = "*"
_MANY = "**"


class TemplateError(ValueError):
    """A path template, or the rule around it, that is wrong; whoever wrote the annotation must act.

    `problem` is what, `column` is where, counted from 1.
    """

    def __init__(self, message: str, text: str, column: int) -> None:
        super().__init__(f"{message}, at column {column} of {text!r}")
        self.problem = message
        self.column = column


class PathValueError(ValueError):
    """A value that cannot become part of a path; whoever set the field of the request must act."""


class Variable(NamedTuple):
    """One variable of a template."""

    field_path: tuple[str, ...]
    """Names of the fields that lead to the value, from the request message on."""
    template: str
    """What the value must look like: ``*`` where the template says nothing."""
    multi_segment: bool
    """Whether ``/`` in the value separates segments; otherwise it is a character like any other."""
    column: int
    """Where it stands in the template, counted from 1."""
    pattern: re.Pattern[str]
    """What a whole value must match."""

    @property
    def name(self) -> str:
        """The field path, dotted."""
        return ".".join(self.field_path)


_Part = str | Variable


class PathTemplate:
    """A compiled path template; immutable.

    Args:
        text: The template, such as ``/v1/{name=projects/*/locations/*}:cancel``.

    Raises:
        TemplateError: `text` is not in the grammar; says where.

    `expand` and `match` are inverses, with the escaping that http.proto prescribes: in a variable of one segment
    everything but ``[-_.~0-9a-zA-Z]`` is percent-encoded, in one of several segments ``/`` is kept as well; matching
    decodes, but leaves ``%2F`` in a variable of several segments, where it would turn into a separator. Literals are
    sent as they are written. Two things are stricter than http.proto, both ways: values with ``.`` or ``..`` as a
    segment, empty segments and control characters are refused, because every hop may resolve them differently; and no
    variable is empty, because an unset field is a mistake far more often than the name of everything.
    """

    __slots__ = ("_is_pattern", "_match", "_parts", "literals", "rank", "text", "variables", "verb")

    def __init__(self, text: str) -> None:
        parser = _Parser(text)
        parser.template()
        segments = parser.segments
        self.text = text
        """The template as it was given."""
        self.variables = tuple(parser.variables)
        """The variables, from left to right."""
        self.verb = parser.verb
        """The custom verb after the colon, None if there is none."""
        self._parts: tuple[_Part, ...] = tuple(parser.parts)
        self._is_pattern = any(part == _ONE for part in self._parts)
        self._match: re.Pattern[str] | None = None  # compiled when it is needed, which is on servers
        wild = next((i for i, segment in enumerate(segments) if segment in (_ONE, _MANY)), len(segments))
        if wild < len(segments) and segments[wild] == _MANY:
            wild -= 1  # matches no segment as well
        self.literals = tuple(unquote(segment) for segment in segments[: max(0, min(wild, len(segments) - 1))])
        """Decoded segments with which every matching path begins, without the path's last; for an index."""
        self.rank = tuple((_ONE, _MANY).index(s) + 1 if s in (_ONE, _MANY) else 0 for s in segments)
        """Sorts templates that match the same path: the most specific first."""

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"

    def expand(self, values: Mapping[str, str]) -> str:
        """Return the percent-encoded path for the values of the variables, by dotted field path.

        Raises:
            PathValueError: A value is missing or does not fit the template. Whoever made the request must act.
        """
        if self._is_pattern:
            raise PathValueError(
                f"{self.text!r} has a wildcard outside of a variable: there is no value to send for it"
            )
        parts = []
        for part in self._parts:
            if isinstance(part, Variable):
                parts.append(_encode(part, values.get(part.name, "")))
            elif part != _MANY:
                parts.append(part)
        path = "/" + "/".join(parts)
        return path if self.verb is None else f"{path}:{self.verb}"

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the variables, by dotted field path, or None if the percent-encoded path does not match.

        A path with a broken percent-encoding, or with values that `expand` would refuse, does not match.
        """
        if self.verb is not None:
            if not path.endswith(":" + self.verb):
                return None
            path = path[: -len(self.verb) - 1]
        if self._match is None:
            self._match = re.compile(_path_pattern(self._parts))
        found = self._match.fullmatch(path)
        if found is None:
            return None
        values = {}
        for variable, raw in zip(self.variables, found.groups(), strict=True):
            value = _decode(variable, raw)
            if value is None or _objection(variable, value) is not None:
                return None
            values[variable.name] = value
        return values


def _encode(variable: Variable, value: str) -> str:
    objection = _objection(variable, value)
    if objection is not None:
        raise PathValueError(f"{variable.name}: {objection}")
    try:
        return quote(value, safe="/" if variable.multi_segment else "")
    except UnicodeEncodeError:
        raise PathValueError(f"{variable.name}: {_cut(value)} has a lone surrogate, which has no UTF-8 form") from None


def _decode(variable: Variable, raw: str) -> str | None:
    try:
        if "%" not in raw:
            return raw
        if not variable.multi_segment:
            return unquote_to_bytes(raw).decode()
        pieces = re.split(_ENCODED_SLASH, raw)
        pieces[::2] = [unquote_to_bytes(piece).decode() for piece in pieces[::2]]
        return "".join(pieces)
    except UnicodeDecodeError:
        return None


def _objection(variable: Variable, value: str) -> str | None:
    """Return why the value cannot be sent or accepted, None if it can."""
    if not value:
        return f"'' does not match {variable.template}: the field is part of the path and must be set"
    if variable.pattern.fullmatch(value) is None:
        return f"{_cut(value)} does not match {variable.template}"
    if _CONTROL.search(value):
        return f"{_cut(value)} contains a control character"
    if _DOT_SEGMENT.search(value):
        return f"{_cut(value)} contains '.' or '..' as a path segment"
    return None


def _cut(value: str) -> str:
    return ascii(value if len(value) <= 64 else value[:61] + "...")


def _path_pattern(parts: tuple[_Part, ...]) -> str:
    """Return the pattern of paths, one group for each variable."""
    pattern = ""
    for part in parts:
        if part == _MANY:
            pattern += f"(?:/{_RAW_SEGMENT})*" if pattern else f"/(?:{_RAW_SEGMENT}(?:/{_RAW_SEGMENT})*)?"
        elif isinstance(part, Variable):
            pattern += f"/({_segments_pattern(part.template, _RAW_SEGMENT, _literal_pattern)})"
        else:
            pattern += "/" + _segments_pattern(part, _RAW_SEGMENT, _literal_pattern)
    return pattern


def _segments_pattern(template: str, one: str, literal: Callable[[str], str]) -> str:
    """Return the pattern of what a variable's template, or a single segment, stands for."""
    pattern = ""
    for segment in template.split("/"):
        if segment == _MANY:
            pattern += f"(?:/{one})*" if pattern else f"{one}(?:/{one})*"
        else:
            pattern += ("/" if pattern else "") + (one if segment == _ONE else literal(segment))
    return pattern


def _literal_pattern(literal: str) -> str:
    """Return the pattern of a literal segment in a request: reserved characters may come encoded or not."""
    return "".join(
        re.escape(char) if _UNRESERVED.match(char) else "(?:" + "|".join((re.escape(char), *_escapes(char))) + ")"
        for char in unquote(literal)
    )


def _escapes(char: str) -> tuple[str, ...]:
    encoded = quote(char, safe="")
    return (encoded, encoded.lower())


def _value_pattern(template: str) -> re.Pattern[str]:
    if template == _ONE:
        return re.compile(r"[\s\S]+")  # of one segment, in which "/" is a character like any other
    return re.compile(_segments_pattern(template, "[^/]+", lambda literal: re.escape(unquote(literal))))


class _Parser:
    """Recursive descent over the grammar in the module's docstring."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.parts: list[_Part] = []
        self.segments: list[str] = []  # the same, with the variables' templates in place of the variables
        self.variables: list[Variable] = []
        self.verb: str | None = None

    def template(self) -> None:
        self.expect("/", "a path template begins with '/'")
        while True:
            if self.peek() == "{":
                self.parts.append(self.variable())
            else:
                self.parts.append(self.segment())
            if not self.take("/"):
                break
        if self.take(":"):
            self.verb = self.literal("a verb after ':'")
        if self.position < len(self.text):
            raise self.error(f"unexpected {self.peek()!r}")

    def variable(self) -> Variable:
        column = self.position + 1
        self.expect("{", "expected '{'")
        field_path = [self.ident()]
        while self.take("."):
            field_path.append(self.ident())
        if self.take("="):
            segments = [self.segment()]
            while self.take("/"):
                segments.append(self.segment())
        else:
            segments = [_ONE]
            self.not_after_many()
            self.segments.append(_ONE)
        self.expect("}", "expected '}' at the end of the variable")
        path = tuple(field_path)
        if any(path == other.field_path for other in self.variables):
            raise TemplateError(f"the variable {'.'.join(path)} occurs twice", self.text, column)
        template = "/".join(segments)
        multi_segment = len(segments) > 1 or segments == [_MANY]
        variable = Variable(path, template, multi_segment, column, _value_pattern(template))
        self.variables.append(variable)
        return variable

    def segment(self) -> str:
        self.not_after_many()
        if self.peek() == "{":
            raise self.error("a variable must not contain another variable")
        if self.take("*"):
            segment = _MANY if self.take("*") else _ONE
        else:
            start = self.position
            segment = self.literal("a segment")
            if unquote(segment) in (".", ".."):
                raise TemplateError(f"{segment!r} must not be a segment", self.text, start + 1)
        self.segments.append(segment)
        return segment

    def not_after_many(self) -> None:
        if self.segments and self.segments[-1] == _MANY:
            raise self.error("'**' must be the last segment")

    def literal(self, expected: str) -> str:
        found = _LITERAL.match(self.text, self.position)
        if found is None:
            raise self.error(f"expected {expected}")
        start, self.position = self.position, found.end()
        try:
            unquote_to_bytes(found[0]).decode()
        except UnicodeDecodeError:
            raise TemplateError("the percent-encoding is not UTF-8", self.text, start + 1) from None
        return found[0]

    def ident(self) -> str:
        found = _IDENT.match(self.text, self.position)
        if found is None:
            raise self.error("expected a field name")
        self.position = found.end()
        return found[0]

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, char: str) -> bool:
        if self.peek() != char:
            return False
        self.position += 1
        return True

    def expect(self, char: str, message: str) -> None:
        if not self.take(char):
            raise self.error(message)

    def error(self, message: str) -> TemplateError:
        return TemplateError(message, self.text, self.position + 1)
