"""Response field masks: which fields of an answer the caller wants, in the syntax of Google's ``fields`` parameter."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.message import Message

__all__ = ["FieldMask", "FieldMaskError"]

# images(name,bands/id),nextPageToken: names joined by "." or "/", "(" opens what is wanted inside, "*" is everything.
_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_:-]*|`[^`]+`|[*.,/()])")
_Tree = dict[str, Any]


class FieldMaskError(ValueError):
    """A mask that is malformed or names a field that the message does not have; the text says which and where."""


class FieldMask:
    """A parsed mask.

    Args:
        text: Field paths, ``,`` between them, in JSON or proto spelling.

    Raises:
        FieldMaskError: `text` is malformed.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[int, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise FieldMaskError(f"field mask: unexpected {text[position]!r} in column {position + 1}")
            self._tokens.append((match.start(1), match.group(1)))
            position = match.end()
        self._next = 0
        self._tree = self._paths()
        if self._next < len(self._tokens):
            self._fail()

    def apply(self, message: Message) -> None:
        """Clear every field of `message` that the mask does not name.

        Raises:
            FieldMaskError: The mask names a field that the message does not have.
        """
        _check(self._tree, message.DESCRIPTOR, "")
        _keep(self._tree, message)

    def _paths(self) -> _Tree:
        """Parse ``paths = path *("," path)`` with ``path = name *(("." / "/") name) ["(" paths ")"]``."""
        tree: _Tree = {}
        while True:
            node = tree
            while True:
                name = self._take()
                if name in ".,/()":
                    self._next -= 1
                    self._fail()
                node = node.setdefault(name.strip("`"), {})
                if self._peek() not in (".", "/"):
                    break
                self._next += 1
            if self._peek() == "(":
                self._next += 1
                _merge(node, self._paths())
                if self._take() != ")":
                    self._next -= 1
                    self._fail()
            else:
                node["*"] = {}  # a path that ends here wants all below
            if self._peek() != ",":
                return tree
            self._next += 1

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        if self._next == len(self._tokens):
            raise FieldMaskError(f"field mask ends early: {self._text[:64]!r}")
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _fail(self) -> None:
        column, token = self._tokens[self._next]
        raise FieldMaskError(f"field mask: unexpected {token[:64]!r} in column {column + 1}")


def _merge(into: _Tree, tree: _Tree) -> None:
    for name, below in tree.items():
        _merge(into.setdefault(name, {}), below)


def _fields(descriptor: Any) -> dict[str, Any]:
    """Return the fields by both of their names."""
    return {name: field for field in descriptor.fields for name in (field.name, field.json_name)}


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _check(tree: _Tree, descriptor: Any, path: str) -> None:
    if descriptor.full_name == "google.protobuf.Struct":
        return  # its keys are data
    fields = _fields(descriptor)
    for name, below in tree.items():
        if name == "*":
            continue
        field = fields.get(name)
        if field is None:
            raise FieldMaskError(f"field mask: {descriptor.full_name} has no field {path + name!r:.96}")
        if field.message_type is None:
            if set(below) - {"*"}:
                raise FieldMaskError(f"field mask: {path + name!r:.96} has no fields inside")
        elif not _is_map(field):
            _check(below, field.message_type, f"{path}{name}.")


def _keep(tree: _Tree, message: Message) -> None:
    if "*" in tree:
        return
    if message.DESCRIPTOR.full_name == "google.protobuf.Struct":
        entries: Any = message.fields  # type: ignore[attr-defined]
        for key in [key for key in entries if key not in tree]:
            del entries[key]
        return
    for field, value in message.ListFields():
        wanted: _Tree = {}
        for name in (field.name, field.json_name):
            _merge(wanted, tree.get(name, {}))
        if not wanted:
            message.ClearField(field.name)
        elif field.message_type is not None and not _is_map(field):
            for item in [value] if isinstance(value, Message) else value:
                _keep(wanted, item)
