"""The one error that mappers raise for input they refuse."""

from __future__ import annotations

from typing import Literal

__all__ = ["MapperError"]

Kind = Literal["depth", "eof", "json", "utf8", "value", "wire"]


class MapperError(ValueError):
    """Input that is not the message: malformed JSON or wire bytes, or a value that its field cannot hold.

    Whoever made the input must act. `kind` says what sort of mistake it is (``eof`` for input that just ends early, so
    that a cut reply can be told from a wrong one), `path` the field if known (``images[3].sizeBytes``), `offset` the
    byte in the input if known. The text quotes at most 64 bytes of the input.
    """

    def __init__(self, kind: Kind, message: str, *, path: str = "", offset: int | None = None) -> None:
        where = f" at {path}" if path else ""
        where += f" (byte {offset})" if offset is not None else ""
        super().__init__(f"{message}{where}")
        self.kind: Kind = kind
        self.path = path
        self.offset = offset
