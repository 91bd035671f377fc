"""Expression graphs made readable: as Python-like text for people, and as JSON for programs that show them.

    v1 = ImageCollection.load(id="COPERNICUS/S2")
    return Collection.map(collection=v1, baseAlgorithm=lambda x: Image.select(input=x, bandSelectors=["B4"]))

What is used more than once, or would make a line long, gets a name where it first is needed. Each value is looked at
once in the block it stands in, nothing calls itself, and there is an end to how often: a graph of any depth and any
sharing takes time by its size, and what is made of it has at most the length that was asked for, about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eegrpc.emulator.evaluation.graph_walk import argument_names, children_of, survey, walk
from eegrpc.emulator.properties import from_double

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.struct_pb2 import Value

    from eegrpc.v1alpha import Expression, ValueNode

__all__ = ["explain", "explain_json"]

DEFAULT_LENGTH = 20_000
"""Most characters of an explanation."""

_WIDTH = 100  # characters of one value; what is longer is split into named ones
_TEXT = 60  # characters of one string
_ITEMS = 8  # of one list or dictionary
_LEVELS = 4  # of constants in one another
_BLOCKS = 12  # functions in one another
_VISITS = 2  # to each node, on average: one that depends on arguments is explained in every function that uses it
_SPARE = 1_000  # visits besides
_INDENT = "    "


def explain(expression: Expression, *, max_length: int = DEFAULT_LENGTH) -> str:
    """Return an expression as readable text.

    Args:
        expression: The graph; it need not be valid.
        max_length: Most characters, about; of what is longer the middle is left out.

    Returns:
        Lines in the manner of Python.

    """
    return "\n".join(_Explainer(expression, max_length).explain().text)


def explain_json(expression: Expression, *, max_length: int = DEFAULT_LENGTH) -> dict[str, object]:
    """Return what `explain` writes, as a tree that JSON can hold, of small depth.

    Args:
        expression: The graph; it need not be valid.
        max_length: Most characters of its text, about; of what is longer the middle is left out.

    Returns:
        ``{"values": [{"name", "value"}, ...], "returns": value}``. A value is an object with one of the keys
        ``constant`` (shortened), ``name`` (of a value above), ``argument``, ``call`` or ``apply`` (with ``arguments``),
        ``list``, ``dictionary``, ``function`` (names of arguments, with ``values`` and ``returns``), or ``elided``.

    """
    return _Explainer(expression, max_length).explain().tree


@dataclass(slots=True)
class _Piece:
    """A value in both forms. ``plain`` is what needs no name, however often it is used."""

    text: str
    tree: dict[str, object]
    plain: bool = False


_ELIDED = _Piece("...", {"elided": True}, plain=True)


class _Statement(NamedTuple):
    """A named value, as lines and as an object."""

    lines: list[str]
    tree: dict[str, object]


class _Body(NamedTuple):
    """A block that is complete."""

    text: list[str]
    tree: dict[str, object]


@dataclass(slots=True)
class _Block:
    """The body of a function, or the whole: named values, then what it returns."""

    arguments: tuple[str, ...] = ()
    depth: int = 0
    statements: list[_Statement] = field(default_factory=list)
    known: dict[str, _Piece] = field(default_factory=dict)

    def end(self, returned: _Piece, max_length: int) -> _Body:
        """Return the block; of one that is too long without the statements in the middle."""
        statements = _shorten(self.statements, max_length)
        lines = [line for statement in statements for line in statement.lines]
        lines.extend(f"return {returned.text}".split("\n"))
        return _Body(lines, {"values": [each.tree for each in statements], "returns": returned.tree})


def _shorten(statements: list[_Statement], max_length: int) -> list[_Statement]:
    sizes = [sum(len(line) + 1 for line in statement.lines) for statement in statements]
    if sum(sizes) <= max_length:
        return statements
    first, last, left = 0, len(statements), max_length
    while True:  # what is last says most: one from the end, then one from the beginning
        is_end = len(statements) - last <= first
        left -= sizes[last - 1 if is_end else first]
        if left < 0:
            break
        if is_end:
            last -= 1
        else:
            first += 1
    text = f"... {last - first:,} left out ..."
    return [*statements[:first], _Statement([f"# {text}"], {"elided": text}), *statements[last:]]


@dataclass(slots=True)
class _Open:
    """A node whose text is being made."""

    node: ValueNode
    key: str | None
    block: _Block  # that it stands in
    inner: _Block  # that its parts stand in; another one if it is a function
    wanted: Iterator[ValueNode | str]
    pieces: list[_Piece] = field(default_factory=list)


class _Explainer:
    def __init__(self, expression: Expression, max_length: int) -> None:
        self._values = expression.values
        self._result = expression.result
        self._max_length = max_length
        self._free, self._uses = survey(expression)
        self._taken: set[str] = set()
        self._left = _SPARE
        for node in walk(expression):
            self._left += _VISITS
            if node.WhichOneof("value") == "function_definition_value":
                self._taken.update(node.function_definition_value.argument_names)
        self._count = 0
        self._in_work: set[str] = set()
        self._root = _Block()

    def explain(self) -> _Body:
        stack: list[_Open] = []
        done = self._begin(self._result, self._root, stack)
        while stack:
            top = stack[-1]
            child = next(top.wanted, None)
            if child is not None:
                piece = self._begin(child, top.inner, stack)
                if piece is not None:
                    top.pieces.append(piece)
                continue
            stack.pop()
            is_returned = not stack or stack[-1].inner is not stack[-1].block
            done = self._finish(top, is_returned)
            if stack:
                stack[-1].pieces.append(done)
        assert done is not None
        return self._root.end(done, self._max_length)

    def _begin(self, target: ValueNode | str, block: _Block, stack: list[_Open]) -> _Piece | None:
        """Return a piece that is at hand; otherwise None, and it is the next to be made."""
        key = None
        node = target
        if isinstance(node, str):
            if node not in self._values or node in self._in_work:
                what = "a cycle" if node in self._in_work else "missing"
                return _Piece(f"<{_quoted(node)}: {what}>", {"elided": f"{what}: {node[:_TEXT]}"}, plain=True)
            key = node
            if self._free[key] == frozenset():
                block = self._root  # it depends on nothing around it
            if key in block.known:
                return block.known[key]
            node = self._values[key]
        self._left -= 1
        if self._left < 0:
            return _ELIDED
        inner = block
        if node.WhichOneof("value") == "function_definition_value":
            if block.depth >= _BLOCKS:
                return _ELIDED
            inner = _Block(tuple(node.function_definition_value.argument_names), block.depth + 1)
        if key is not None:
            self._in_work.add(key)
        stack.append(_Open(node, key, block, inner, iter(children_of(node))))
        return None

    def _finish(self, done: _Open, is_returned: bool) -> _Piece:
        piece = self._compose(done)
        is_shared = done.key is not None and self._uses.get(done.key, 0) > 1
        if not piece.plain and (is_shared or (len(piece.text) > _WIDTH and not is_returned)):
            name = self._new_name()
            piece = _named(name, f"{name} = {piece.text}".split("\n"), piece.tree, done.block)
        if done.key is not None:
            self._in_work.discard(done.key)
            done.block.known[done.key] = piece
        return piece

    def _new_name(self) -> str:
        while True:
            self._count += 1
            if (name := f"v{self._count}") not in self._taken:
                return name

    def _compose(self, done: _Open) -> _Piece:
        node, pieces = done.node, done.pieces
        kind = node.WhichOneof("value")
        if kind == "value_reference":
            return pieces[0]
        if kind == "constant_value":
            return _constant(node.constant_value)
        if kind == "integer_value":
            return _Piece(str(node.integer_value), {"constant": node.integer_value}, plain=True)
        if kind == "bytes_value":
            return _Piece(f"<{len(node.bytes_value)} bytes>", {"elided": "bytes"}, plain=True)
        if kind == "argument_reference":
            name = _name(node.argument_reference)
            return _Piece(name, {"argument": name}, plain=True)
        if kind == "array_value":
            return _list(pieces)
        if kind == "dictionary_value":
            return _dictionary(sorted(node.dictionary_value.values), pieces)
        if kind == "function_definition_value":
            return self._function(done)
        if kind == "function_invocation_value":
            return _invocation(node, pieces)
        return _Piece("None", {"constant": None}, plain=True)

    def _function(self, done: _Open) -> _Piece:
        inner = done.inner
        (body,) = done.pieces
        shown = [_name(name) for name in inner.arguments[:_ITEMS]]
        if len(inner.arguments) > _ITEMS:
            shown.append("...")
        names = ", ".join(shown)
        if not inner.statements and "\n" not in body.text:
            text = f"lambda {names}: {body.text}" if names else f"lambda: {body.text}"
            return _Piece(text, {"function": shown, "values": [], "returns": body.tree})
        ended = inner.end(body, self._max_length >> inner.depth)
        name = self._new_name()
        lines = [f"def {name}({names}):", *(_INDENT + line for line in ended.text)]
        return _named(name, lines, {"function": shown, **ended.tree}, done.block)


def _named(name: str, lines: list[str], tree: dict[str, object], block: _Block) -> _Piece:
    block.statements.append(_Statement(lines, {"name": name, "value": tree}))
    return _Piece(name, {"name": name}, plain=True)


def _invocation(node: ValueNode, pieces: list[_Piece]) -> _Piece:
    invocation = node.function_invocation_value
    names = argument_names(node)
    tree: dict[str, object] = {}
    if invocation.WhichOneof("function") == "function_reference":
        function, pieces = pieces[0], pieces[1:]
        called = f"({function.text})" if function.text.startswith("lambda") else function.text
        tree["apply"] = function.tree
    else:
        called = _name(invocation.function_name) if invocation.function_name else "<no function>"
        tree["call"] = called
    shown = list(zip(names, pieces, strict=False))[:_ITEMS]
    tree["arguments"] = {_name(name): piece.tree for name, piece in shown}
    texts = [f"{_name(name)}={piece.text}" for name, piece in shown]
    return _Piece(_bracketed(f"{called}(", texts, ")", len(names) - len(shown)), tree)


def _list(pieces: list[_Piece]) -> _Piece:
    shown = pieces[:_ITEMS]
    tree: dict[str, object] = {"list": [piece.tree for piece in shown]}
    return _Piece(_bracketed("[", [piece.text for piece in shown], "]", len(pieces) - len(shown), tree), tree)


def _dictionary(keys: list[str], pieces: list[_Piece]) -> _Piece:
    shown = list(zip(keys, pieces, strict=False))[:_ITEMS]
    tree: dict[str, object] = {"dictionary": {key[:_TEXT]: piece.tree for key, piece in shown}}
    texts = [f"{_quoted(key)}: {piece.text}" for key, piece in shown]
    return _Piece(_bracketed("{", texts, "}", len(keys) - len(shown), tree), tree)


def _bracketed(start: str, texts: list[str], end: str, more: int, tree: dict[str, object] | None = None) -> str:
    """Return texts in brackets, on lines of their own if they are long."""
    if more:
        texts = [*texts, f"... {more:,} more"]
        if tree is not None:
            tree["more"] = more
    line = start + ", ".join(texts) + end
    if len(line) <= _WIDTH:
        return line
    return "\n".join([start, *(f"{_INDENT}{text}," for text in texts), end])


def _constant(value: Value) -> _Piece:
    shown, is_plain = _shortened(value, _LEVELS)
    text = _literal(shown)
    return _Piece(text, {"constant": shown}, plain=is_plain or len(text) <= _WIDTH // 2)


def _shortened(value: Value, levels: int) -> tuple[object, bool]:
    """Return a constant with what is long or deep in it cut, and whether it is a single value."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return from_double(value.number_value), True
    if kind == "string_value":
        text = value.string_value
        return (text if len(text) <= _TEXT else f"{text[:_TEXT]}... ({len(text):,} characters)"), True
    if kind == "bool_value":
        return value.bool_value, True
    if kind == "list_value":
        items = value.list_value.values
        if levels <= 0:
            return f"... list of {len(items):,}", False
        listed = [_shortened(item, levels - 1)[0] for item in items[:_ITEMS]]
        return (listed if len(items) <= _ITEMS else [*listed, f"... {len(items) - _ITEMS:,} more"]), False
    if kind == "struct_value":
        fields = value.struct_value.fields
        if levels <= 0:
            return f"... dictionary of {len(fields):,}", False
        names = sorted(fields)
        cut: dict[str, object] = {name[:_TEXT]: _shortened(fields[name], levels - 1)[0] for name in names[:_ITEMS]}
        if len(names) > _ITEMS:
            cut["..."] = f"{len(names) - _ITEMS:,} more"
        return cut, False
    return None, True


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_quoted(name)}: {_literal(item)}' for name, item in value.items())}}}"
    if isinstance(value, str):
        return value if value.startswith("... ") else json.dumps(value, ensure_ascii=False)
    return repr(value)


def _name(text: str) -> str:
    return text[:_TEXT] if text.isprintable() else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text[:_TEXT], ensure_ascii=False)
