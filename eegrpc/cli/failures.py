"""How a command ends other than well: exit codes, and the exceptions that lead there. A leaf."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eegrpc.errors import EarthEngineError

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "OK",
    "USAGE",
    "CommandError",
    "ReaderGoneError",
    "call_failed",
    "missing_extra",
    "redact",
    "request_refused",
]

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""

# What Google's tokens and keys look like: OAuth access and refresh tokens, API keys, client secrets, JWTs, PEM keys.
_SECRETS = re.compile(
    r"ya29\.[\w.~+/=-]+|1//[\w-]{16,}|AIza[\w-]{16,}|GOCSPX-[\w-]+|eyJ[\w-]{8,}(?:\.[\w-]*){1,2}|-----BEGIN [\s\S]*"
)


class CommandError(Exception):
    """The command ends here, with `code`; what is wrong and what to do about it goes to stderr.

    Args:
        code: Exit code.
        what: What is wrong, and where.
        hints: What to do next, a line each.
        output_failed: stdout cannot be written to any more.
    """

    def __init__(self, code: int, what: str, *hints: str, output_failed: bool = False) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.hints = hints
        self.output_failed = output_failed


class ReaderGoneError(Exception):
    """Whoever read our stdout has closed it: no failure, but nobody to write for."""


def request_refused(error: EarthEngineError) -> CommandError:
    """Return the end of a command whose request was refused before anything was sent: whoever typed it must act."""
    return CommandError(USAGE, error.details(), error.hint)


def call_failed(error: EarthEngineError, *hints: str) -> CommandError:
    """Return the end of a command whose call failed."""
    name = error.code().name
    reason = f" ({error.reason})" if error.reason != name else ""
    return CommandError(
        FAILED, f"{name}{reason}: {error.details() or 'the server did not say why'}", error.hint, *hints
    )


def missing_extra(extra: str, error: ImportError) -> CommandError:
    """Return the end of a command that needs packages of an extra."""
    return CommandError(FAILED, f"the package {error.name} is not installed", f'pip install "eegrpc[{extra}]"')


def redact(text: str) -> str:
    """Return `text` without what looks like a token or key: errors may quote arguments, and secrets stand in some."""
    return _SECRETS.sub("[redacted]", text)
