"""The emulator's catalog from the command line: the built-in one, or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.cli.failures import USAGE, CommandError, missing_extra

if TYPE_CHECKING:
    from eegrpc.emulator import Catalog

__all__ = ["load_catalog"]


def load_catalog(path: str | None) -> Catalog:
    """Return the catalog of an NDJSON file; the built-in one for None.

    Raises:
        CommandError: The file cannot be read or is malformed, or the emulator's packages are not installed.
    """
    try:
        from eegrpc.emulator import Catalog
    except ImportError as error:
        raise missing_extra("emulator", error) from error
    try:
        return Catalog.builtin() if path is None else Catalog.from_ndjson(path)
    except OSError as error:
        raise CommandError(USAGE, f"cannot read the catalog {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CommandError(USAGE, f"the catalog {path} is not UTF-8 text") from error
    except ValueError as error:
        raise CommandError(USAGE, str(error)) from error
