"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from eegrpc.cli.failures import FAILED, CommandError, ReaderGoneError, redact
from eegrpc.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

__all__ = ["Messages", "Output", "Part", "abandon_stdout"]

Part = str | tuple[str, str]
"""A piece of a line: text, or text and its style in the words of `rich`."""

_LOGGER: Final = logging.getLogger("eegrpc")
_ASCII: Final = str.maketrans({"…": "~", "·": "-", "°": " ", "─": "-", "✓": "+", "✗": "x"})
_LONGEST: Final = 2000  # characters of an error that are shown; the rest is hardly for reading


class Output:
    """stdout: lines with styles, which only a terminal shows, and bytes. All of it is flushed where a page ends.

    Raises (every method that writes):
        ReaderGoneError: Whoever reads it has closed it.
        CommandError: It cannot be written, for instance because the disk is full.
    """

    def __init__(self) -> None:
        if sys.stdout is None:  # closed by whoever started us
            raise CommandError(FAILED, "there is no stdout to write to")
        self._stream = sys.stdout
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")
        self.is_terminal: bool = self._stream.isatty()
        self._rich: Console | None = _rich_console(self._stream) if self.is_terminal else None
        self._ascii = not _can_write("".join(map(chr, _ASCII)), self._stream)

    @property
    def columns(self) -> int | None:
        """The width to fit into; None where there is none to keep to, as in a pipe."""
        stated = os.environ.get("COLUMNS", "")
        if stated.isdecimal() and int(stated) > 0:
            return int(stated)
        if not self.is_terminal:
            return None
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or None
        except OSError:
            return 80

    def line(self, *parts: Part) -> None:
        """Write a line."""
        pieces = [(part, "") if isinstance(part, str) else part for part in parts]
        if self._ascii:
            pieces = [(text.translate(_ASCII), style) for text, style in pieces]
        with _writing():
            if self._rich is None:
                self._stream.write("".join(text for text, _ in pieces).rstrip() + "\n")
            else:
                from rich.text import Text

                self._rich.print(Text.assemble(*pieces), soft_wrap=True)

    def write(self, data: bytes) -> None:
        """Write bytes."""
        with _writing():
            self._stream.buffer.write(data)

    def flush(self) -> None:
        """Hand on what was written."""
        with _writing():
            self._stream.flush()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except OSError as error:
        if sys.platform == "win32" and error.errno == errno.EINVAL:  # what a closed pipe is there
            raise ReaderGoneError from error
        raise CommandError(FAILED, f"cannot write the output: {error.strerror or error}", output_failed=True) from error


def abandon_stdout() -> None:
    """Let Python's own last flush of stdout go nowhere: it would fail again, and say so at length."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Messages:
    """stderr: errors, notes, the log, and on a terminal a line of progress that goes when something else is written."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")
        self._is_terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._rich: Console | None = None
        self._progress = False
        self._handler: logging.Handler | None = None

    def say(self, *parts: Part) -> None:
        """Write a line."""
        self.clear()
        pieces = [(part, "") if isinstance(part, str) else part for part in parts]
        if self._is_terminal and self._rich is None and any(style for _, style in pieces):
            self._rich = _rich_console(self._stream)
        # Nobody to tell when stderr is gone.
        with contextlib.suppress(OSError, ValueError):
            if self._rich is None:
                self._stream.write("".join(text for text, _ in pieces) + "\n")
            else:
                from rich.text import Text

                self._rich.print(Text.assemble(*pieces), soft_wrap=True)
            self._stream.flush()

    def failure(self, stop: CommandError) -> None:
        """Say why the command ends."""
        what = printable(redact(stop.what))
        what = what if len(what) <= _LONGEST else f"{what[:_LONGEST]} [...]"
        self.say(("eegrpc: ", "bold red"), what)
        for hint in stop.hints:
            self.say("        ", printable(redact(hint)))

    def progress(self, text: str) -> None:
        """Show where the command is, on a terminal."""
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._progress = True

    def clear(self) -> None:
        """Remove the progress."""
        if self._progress:
            self._progress = False
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def log(self, verbose: int) -> None:
        """Show the library's log: with one -v what it does, with two everything; without, errors say all there is."""
        self._handler = _Handler(self)
        _LOGGER.addHandler(self._handler)
        _LOGGER.setLevel((logging.ERROR, logging.INFO, logging.DEBUG)[min(verbose, 2)])

    def close(self) -> None:
        """Remove the progress, and let go of the log."""
        self.clear()
        if self._handler is not None:
            _LOGGER.removeHandler(self._handler)
            _LOGGER.setLevel(logging.NOTSET)


class _Handler(logging.Handler):
    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.say(printable(redact(self.format(record))))


def _rich_console(stream: Any) -> Console | None:
    """Return what writes styles to a terminal; None without `rich`, and then it is black and white."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _can_write(text: str, stream: Any) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
