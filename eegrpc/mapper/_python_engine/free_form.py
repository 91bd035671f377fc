"""What may be in google.protobuf.Struct, Value and ListValue, and how deep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eegrpc.mapper._python_engine.message_types import MAX_LEVELS, TOO_DEEP
from eegrpc.mapper._python_engine.refusal import Refusal, quote

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["require_shallow_value", "require_value"]


def require_shallow_value(value: Any, level: int) -> None:
    """Refuse JSON that nests too deeply in a google.protobuf.Value at `level`."""
    _visit(value, level, lambda _: None)


def require_value(value: Any, level: int) -> None:
    """Refuse JSON that a google.protobuf.Value at `level` cannot hold."""
    _visit(value, level, _require_scalar)


def _visit(value: Any, level: int, require: Callable[[Any], None]) -> None:
    if not isinstance(value, (dict, list)):
        require(value)
        return
    # Between one Value and the next are a Struct and its map entry, or a ListValue.
    items, below = (value.items(), 3) if isinstance(value, dict) else (enumerate(value), 2)
    if level + (below if value else 1) > MAX_LEVELS:
        raise Refusal("depth", TOO_DEEP)
    for step, item in items:
        try:
            require(step)
            _visit(item, level + below, require)
        except Refusal as refusal:
            refusal.steps.append(step)
            raise


def _require_scalar(value: Any) -> None:
    try:
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, (int, float)) and float(value) - float(value) != 0:  # infinite
            raise OverflowError
    except UnicodeEncodeError:
        raise Refusal("value", f"half of a surrogate pair, in {quote(value)}") from None
    except OverflowError:
        raise Refusal("range", f"{quote(value)} is out of the range of double") from None
