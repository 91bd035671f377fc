"""The clients: ours, what lies beneath ours, and its peers. One file each, or one for what belongs together.

Importing these modules imports no client: `Subject.open` does.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from typing import TYPE_CHECKING

from benchmarks.comparison.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["all_subjects", "missing_modules"]

MODULES = ("ours", "raw", "gapic", "google_auth", "earthengine_api", "envoy")
"""In the order of the tables."""


def all_subjects() -> list[type[Subject]]:
    """Return all subjects.

    Raises:
        ModuleNotFoundError: One of `MODULES` is not there; who named it must act.
    """
    found: list[type[Subject]] = []
    for name in MODULES:
        module = importlib.import_module(f"{__name__}.{name}")
        found += [
            each
            for each in vars(module).values()
            if inspect.isclass(each)
            and issubclass(each, Subject)
            and hasattr(each, "name")
            and not inspect.isabstract(each)
            and each.__module__ == module.__name__
        ]
    return found


def missing_modules(names: Iterable[str]) -> list[str]:
    """Return those of the modules that are not installed here."""
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a package above it
        return False
