"""The filter of listAssets: the part of https://google.aip.dev/160 that the reference promises.

    properties.CLOUD_COVER < 20 AND startTime >= "2023-01-01T00:00:00Z" AND intersects("{'type': 'Point', ...}")

    filter      = disjunction { "AND" disjunction }
    disjunction = term { "OR" term }                     OR binds stronger than AND, unlike everywhere else (AIP-160)
    term        = [ "NOT" | "-" ] ( "(" filter ")" | "intersects" "(" string ")" | comparison )
    comparison  = field ( "<=" | "<" | ">=" | ">" | "!=" | "=" ) ( string | word )

Fields are startTime, endTime and the members of properties; intersects takes GeoJSON, its quotes single or double, or
WKT. Source: REST reference, projects.assets.listAssets. What an asset does not have passes no comparison.
"""

from __future__ import annotations

import json
import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.geometry.shapes import Geometry
from eegrpc.emulator.primitives.dates import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.images.asset_record import AssetRecord

    Test = Callable[[AssetRecord], bool]

__all__ = ["parse_asset_filter"]

# The parser calls itself for every parenthesis and every NOT.
_MAX_DEPTH = 50
_MAX_LENGTH = 100_000

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<symbol><=|>=|!=|[<>=:(),]|-(?=[A-Za-z_(]))
      | (?P<word>[^\s"'<>=!:(),]+(?::[^\s"'<>=!(),]+)*)
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "!=": operator.ne,
    "=": operator.eq,
}
_TIMES = {"startTime": "system:time_start", "endTime": "system:time_end"}
_PROPERTIES = "properties."


def parse_asset_filter(text: str) -> Test:
    """Parse a filter.

    Args:
        text: The filter; empty for none.

    Returns:
        A function that says whether an asset passes.

    Raises:
        AlgorithmError: It cannot be parsed, or names what cannot be compared; the message has the column.
    """
    if not text.strip():
        return lambda _: True
    if len(text) > _MAX_LENGTH:
        raise AlgorithmError(f"The filter has {len(text)} characters; at most {_MAX_LENGTH} are parsed.")
    return _Parser(text).parse()


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self._token = self._scan()

    def parse(self) -> Test:
        test = self._conjunction()
        if self._token.kind != "end":
            self._unexpected("AND, OR or the end")
        return test

    def _conjunction(self) -> Test:
        parts = [self._disjunction()]
        while self._accept("word", "AND"):
            parts.append(self._disjunction())
        return parts[0] if len(parts) == 1 else lambda asset: all(part(asset) for part in parts)

    def _disjunction(self) -> Test:
        parts = [self._term()]
        while self._accept("word", "OR"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda asset: any(part(asset) for part in parts)

    def _term(self) -> Test:
        if self._depth >= _MAX_DEPTH:
            self._fail(f"more than {_MAX_DEPTH} levels of parentheses and NOT", self._token.column)
        self._depth += 1
        try:
            if self._accept("word", "NOT") or self._accept("symbol", "-"):
                negated = self._term()
                return lambda asset: not negated(asset)
            if self._accept("symbol", "("):
                inner = self._conjunction()
                if not self._accept("symbol", ")"):
                    self._unexpected("')'")
                return inner
        finally:
            self._depth -= 1
        field = self._take("word", "a field")
        if self._accept("symbol", "("):
            return self._function(field)
        return self._comparison(field)

    def _function(self, name: _Token) -> Test:
        if name.text != "intersects":
            self._fail(f"unknown function '{name.text:.64}'; there is intersects", name.column)
        region = _region(_unquoted(self._take("string", "a geometry in quotes").text))
        if not self._accept("symbol", ")"):
            self._unexpected("')'")
        return lambda asset: asset.footprint is not None and asset.footprint.intersects(region)

    def _comparison(self, field: _Token) -> Test:
        compare = _COMPARISONS.get(self._token.text) if self._token.kind == "symbol" else None
        if compare is None:
            self._unexpected(f"one of {' '.join(_COMPARISONS)}")
        self._token = self._scan()
        literal = self._token
        if literal.kind not in ("string", "word"):
            self._unexpected("a value")
        self._token = self._scan()
        value = _unquoted(literal.text) if literal.kind == "string" else literal.text
        if field.text in _TIMES:
            name, moment = _TIMES[field.text], parse_date(value)
            return lambda asset: _holds(compare, asset.get(name), moment)
        if not field.text.startswith(_PROPERTIES):
            known = f"{', '.join(_TIMES)} and {_PROPERTIES}*"
            self._fail(f"unknown field '{field.text:.64}'; there are {known}", field.column)
        name = field.text[len(_PROPERTIES) :]
        return lambda asset: _property_holds(compare, asset.get(name), value)

    def _scan(self) -> _Token:
        match = _TOKEN.match(self._text, self._position)
        if match is None or match.lastgroup is None:
            rest = self._text[self._position :]
            column = self._position + len(rest) - len(rest.lstrip()) + 1
            self._fail(f"unexpected {self._text[column - 1]!r}", column)
        self._position = match.end()
        return _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1)

    def _accept(self, kind: str, text: str) -> bool:
        if self._token.kind != kind or self._token.text != text:
            return False
        self._token = self._scan()
        return True

    def _take(self, kind: str, expected: str) -> _Token:
        token = self._token
        if token.kind != kind:
            self._unexpected(expected)
        self._token = self._scan()
        return token

    def _unexpected(self, expected: str) -> NoReturn:
        found = "the end" if self._token.kind == "end" else f"{self._token.text[:64]!r}"
        self._fail(f"expected {expected}, found {found}", self._token.column)

    def _fail(self, problem: str, column: int) -> NoReturn:
        raise AlgorithmError(f"Invalid filter: {problem} in column {column}.")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _region(text: str) -> Geometry:
    """Read GeoJSON, in which clients replace double quotes by single ones, or WKT."""
    if text.lstrip().startswith("{"):
        try:
            return Geometry.from_geojson(json.loads(text.replace("'", '"')))
        except (ValueError, RecursionError) as error:
            raise AlgorithmError("Invalid filter: the geometry is not GeoJSON.") from error
    import shapely

    try:
        return Geometry.from_geojson(json.loads(shapely.to_geojson(shapely.from_wkt(text))))
    except shapely.errors.ShapelyError as error:
        raise AlgorithmError("Invalid filter: the geometry is neither GeoJSON nor WKT.") from error


def _property_holds(compare: Callable[[Any, Any], bool], found: object, literal: str) -> bool:
    """Compare a property with a literal, which is of the property's type: AIP-160 has literals without types."""
    if isinstance(found, bool):
        return literal in ("true", "false") and compare(found, literal == "true")
    if isinstance(found, (int, float)):
        try:
            return compare(found, float(literal))
        except ValueError:
            return False
    return _holds(compare, found, literal)


def _holds(compare: Callable[[Any, Any], bool], found: object, wanted: object) -> bool:
    same = isinstance(found, str) if isinstance(wanted, str) else isinstance(found, (int, float))
    return same and compare(found, wanted)
