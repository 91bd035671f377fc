"""Catalogs as people keep them: one EarthEngineAsset in JSON per line, in files, gzipped files, and folders of both."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

_SUFFIXES: Final = (".ndjson", ".jsonl", ".json")
_DESCRIPTOR: Final[Any] = EarthEngineAsset.DESCRIPTOR
_MAPPER: Final = MessageMapper(_DESCRIPTOR, ignore_unknown_fields=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is an asset: where it stands, as errors name it, and the message as wire bytes."""

    place: str
    wire: bytes


def catalog_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a path stands for.

    Args:
        path: A file, whatever its name; or a folder, for the files in it that end in ``.ndjson``, ``.jsonl`` or
            ``.json``, gzipped (``.gz``) or not.

    Returns:
        The files, a folder's in the order of their names.

    Raises:
        ValueError: The folder has no such file.

    """
    place = Path(path)
    if not place.is_dir():
        return [place]
    files = sorted(file for file in place.iterdir() if file.is_file() and _is_catalog(file.name))
    if not files:
        raise ValueError(f"{place} has no file that ends in {', '.join(_SUFFIXES)}, or one of these and .gz.")
    return files


def _is_catalog(name: str) -> bool:
    return name.removesuffix(".gz").endswith(_SUFFIXES)


def read_lines(file: Path) -> Iterator[Line]:
    """Read a file, line by line.

    Args:
        file: The file, UTF-8; gzipped if its name ends in ``.gz``.

    Yields:
        The assets in the order of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is no EarthEngineAsset; the text starts with file:line.

    """
    with gzip.open(file, "rb") if file.name.endswith(".gz") else file.open("rb") as lines:
        yield from parse_lines(lines, str(file))


def parse_lines(lines: Iterable[bytes], source: str) -> Iterator[Line]:
    """Read lines; empty ones are skipped.

    Args:
        lines: UTF-8.
        source: Where they are from, for errors.

    Yields:
        The assets in their order.

    Raises:
        OSError: The lines cannot be read.
        ValueError: A line is no EarthEngineAsset; the text starts with source:line.

    """
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            line.decode()
            if line.strip():
                yield Line(f"{source}:{number}", _MAPPER.to_wire(line))
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}:{number}: is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except MapperError as error:
        raise ValueError(f"{source}:{number}: not an EarthEngineAsset in JSON: {error}") from error
    except (EOFError, zlib.error) as error:
        raise ValueError(f"{source}:{number}: the gzip file is cut or damaged after this line: {error}") from error
