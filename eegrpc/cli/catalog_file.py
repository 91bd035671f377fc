"""The emulator's catalog from the command line: the built-in one, or a file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from eegrpc.cli.failures import USAGE, CommandError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc.emulator import AnyCatalog, Catalog

__all__ = ["catalog_class", "load_catalog", "reading"]


def load_catalog(path: str | None) -> AnyCatalog:
    """Return the catalog of a file or folder; the built-in one for None.

    Raises:
        CommandError: The file cannot be read or is malformed, or the emulator's packages are not installed.
    """
    kind = catalog_class()
    if path is None:
        return kind.builtin()
    with reading(path):
        return kind.open(path)


def catalog_class() -> type[Catalog]:
    """Return the class of catalogs.

    Raises:
        CommandError: The emulator's packages are not installed.
    """
    try:
        from eegrpc.emulator import Catalog
    except ImportError as error:
        raise missing_extra("emulator", error) from error
    return Catalog


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what is wrong with a catalog into the end of the command.

    Raises:
        CommandError: Something was.
    """
    try:
        yield
    except OSError as error:
        raise CommandError(USAGE, f"cannot read the catalog {what}: {error.strerror or error}") from error
    except ValueError as error:
        raise CommandError(USAGE, str(error)) from error
