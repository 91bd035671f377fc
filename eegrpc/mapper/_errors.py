"""The one error that mappers raise for input they refuse."""

from __future__ import annotations

from typing import Literal

__all__ = ["Kind", "MapperError"]

Kind = Literal["bug", "depth", "eof", "integer", "json", "range", "unknown", "utf8", "value", "wire"]


class MapperError(ValueError):
    """Input that is not the message: malformed JSON or wire bytes, or a value that its field cannot hold.

    Whoever made the input must act. The text quotes at most 64 bytes of the input.

    Attributes:
        kind: The sort of mistake.

            - ``eof``: the input just ends early, so that a cut reply can be told from a wrong one;
            - ``json``: not JSON, more than one document, or no object where a message is;
            - ``utf8``: not UTF-8;
            - ``unknown``: a field that the message does not have, in a mapper that refuses those;
            - ``integer``: not a whole number; ``range``: a number that its field cannot hold;
            - ``value``: any other value that its field cannot hold;
            - ``depth``: nested deeper than protobuf parsers read;
            - ``wire``: not an encoding of the message;
            - ``bug``: a mistake of the mapper's own, to be reported; the next call works as usual.
        problem: The text without the place.
        path: The field, ``images[3].sizeBytes``; empty if that is not known, or is the message itself.
        offset: The byte in the input; None if that is not known.
    """

    def __init__(self, kind: Kind, message: str, *, path: str = "", offset: int | None = None) -> None:
        where = f" at {path}" if path else ""
        where += f" (byte {offset})" if offset is not None else ""
        super().__init__(f"{message}{where}")
        self.kind: Kind = kind
        self.problem = message
        self.path = path
        self.offset = offset

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the arguments of the constructor, not by the text that was made of them."""
        return (_restore, (self.kind, self.problem, self.path, self.offset))


def _restore(kind: Kind, problem: str, path: str, offset: int | None) -> MapperError:
    return MapperError(kind, problem, path=path, offset=offset)
