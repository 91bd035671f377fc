"""The command line: ``eegrpc compute-images``, ``eegrpc batch``, ``eegrpc emulator`` and ``eegrpc doctor``.

Each command is a module of its own with a function ``run(arguments, messages)`` that returns the exit code. It is
imported when it is chosen, so that ``eegrpc --help`` is quick, and `rich` and the emulator load only where needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from eegrpc.cli.failures import INTERRUPTED, OK, CommandError, ReaderGoneError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code.

    Args:
        argv: The arguments without the program's name; None for those of this process.

    Returns:
        0 when all went well, 1 when a call or a server failed, 2 for wrong usage or bad input, 130 after Ctrl-C.
    """
    from eegrpc.cli.arguments import parse
    from eegrpc.cli.terminal import Messages, abandon_stdout

    messages = Messages()
    try:
        arguments = parse(argv)
        messages.log(arguments.verbose)
        command = importlib.import_module(f"eegrpc.cli.{arguments.module}")
        code: int = command.run(arguments, messages)
    except CommandError as stop:
        messages.failure(stop)
        if stop.output_failed:
            abandon_stdout()
        return stop.code
    except ReaderGoneError:  # `| head -1` has what it wants
        abandon_stdout()
        return OK
    except KeyboardInterrupt:
        messages.clear()
        return INTERRUPTED
    except SystemExit as leave:  # argparse, after --help, --version and usage errors
        return leave.code if isinstance(leave.code, int) else OK
    finally:
        messages.close()
    return code
