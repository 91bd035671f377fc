"""The clients: ours, what lies beneath ours, and its peers. One file each, or one for what belongs together.

Each module has its list `SUBJECTS`. Importing these modules imports no client: `Subject.open` does.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.comparison.subject import Subject

__all__ = ["all_subjects", "missing_modules"]

MODULES = ("ours", "raw", "gapic", "google_auth", "earthengine_api", "envoy")
"""In the order of the tables; those of the peers and of Envoy among them."""


def all_subjects() -> list[type[Subject]]:
    """Return all subjects.

    Raises:
        ModuleNotFoundError: One of `MODULES` is not there; who named it must act.
    """
    modules = [importlib.import_module(f"{__name__}.{name}") for name in MODULES]
    return [subject for module in modules for subject in module.SUBJECTS]


def missing_modules(names: Iterable[str]) -> list[str]:
    """Return those of the modules that are not installed here."""
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a package above it
        return False
