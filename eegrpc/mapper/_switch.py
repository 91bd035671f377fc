"""Which engine maps: decided once, at import, and visible."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.mapper._options import Engine

__all__ = ["IMPLEMENTATION", "NATIVE_FAILURE", "Implementation", "engine", "is_sound_expression"]

Implementation = Literal["native", "python"]


def _load_native() -> tuple[type[Engine] | None, ImportError | None]:
    """Return the native engine, or why it cannot be had."""
    try:
        from eegrpc.mapper._native import NativeEngine
    except ImportError as error:
        return None, error
    return NativeEngine, None


def _choose(wanted: str | None, native: type[Engine] | None, failure: ImportError | None) -> Implementation:
    """Return the implementation to use, or raise ImportError when `wanted` cannot be had."""
    if wanted not in (None, "", "native", "python"):
        raise ImportError(f"EEGRPC_MAPPER={wanted!r} is not one of: native, python")
    if wanted == "native" and native is None:
        raise ImportError(
            f"EEGRPC_MAPPER=native, but the native mapper cannot be loaded ({failure}); reinstall eegrpc with a Rust "
            "toolchain on PATH, or from a wheel for this platform, or unset EEGRPC_MAPPER"
        ) from failure
    if native is None and not isinstance(failure, ModuleNotFoundError):
        # Not built is a choice; built and broken is a surprise: the service would be slow for no visible reason.
        warnings.warn(f"eegrpc's native mapper is broken, so the slow one is used: {failure}", stacklevel=2)
    return "python" if wanted == "python" or native is None else "native"


_NATIVE, _failure = _load_native()

NATIVE_FAILURE: Final[str | None] = str(_failure) if _failure else None
"""Why the native engine is not there; None if it is."""

IMPLEMENTATION: Implementation = _choose(os.environ.get("EEGRPC_MAPPER"), _NATIVE, _failure)
"""The implementation that mappers use when they are not told one."""


def engine(implementation: Implementation | None) -> type[Engine]:
    """Return the engine of a name; None is `IMPLEMENTATION`.

    Raises:
        ImportError: The native engine was asked for and is not built.
        ValueError: There is no such implementation.
    """
    wanted = IMPLEMENTATION if implementation is None else implementation
    if wanted == "python":
        from eegrpc.mapper._python_engine import PythonEngine  # google.protobuf.json_format and more, if need be

        return PythonEngine
    if wanted != "native":
        raise ValueError(f"implementation={wanted!r} is not one of: native, python")
    if _NATIVE is None:
        raise ImportError(f"this build of eegrpc has no native mapper: {NATIVE_FAILURE}")
    return _NATIVE


def _find_sound() -> Callable[[bytes], bool]:
    if IMPLEMENTATION == "python":
        return lambda _: False
    from eegrpc.mapper._rust import is_sound_expression

    return is_sound_expression


is_sound_expression: Final = _find_sound()
"""Whether it is certain that an encoded Expression can be evaluated; False: that must be looked into."""
