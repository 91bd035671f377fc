"""``eegrpc emulator prepare``: a file of a large catalog, which the emulator serves without reading it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from eegrpc.cli.catalog_file import catalog_class, reading
from eegrpc.cli.failures import OK, USAGE, CommandError

if TYPE_CHECKING:
    import argparse

    from eegrpc.cli.terminal import Messages

__all__ = ["run"]


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command."""
    start = time.monotonic()

    def progress(count: int) -> None:
        messages.progress(f"{count:,} assets read, {count / (time.monotonic() - start):,.0f} per second…")

    messages.progress("reading…")
    catalog = catalog_class()
    with reading(", ".join(arguments.sources)):
        try:
            count = catalog.prepare(arguments.sources, arguments.output, properties=arguments.index, progress=progress)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise CommandError(USAGE, f"cannot prepare {arguments.output}: {why}") from error
    size = os.path.getsize(arguments.output) / 1e6
    messages.say(f"{count:,} assets in {arguments.output}, {size:,.1f} MB, after {time.monotonic() - start:.0f} s")
    return OK
