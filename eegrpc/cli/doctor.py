"""``eegrpc doctor``: what runs here and why, and what does not. Nothing secret is printed."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Final

from eegrpc.cli.doctor_checks import all_findings
from eegrpc.cli.failures import FAILED, OK, redact
from eegrpc.cli.terminal import Output
from eegrpc.cli.text import cut, printable

if TYPE_CHECKING:
    import argparse

    from eegrpc.cli.doctor_checks import Finding
    from eegrpc.cli.terminal import Messages

__all__ = ["run"]

_INDENT: Final = 20
_LONGEST: Final = 400  # characters of one line of a finding: errors may quote whole web pages
_MARKS: Final = {"ok": ("  ✓ ", "green"), "note": ("  · ", "dim"), "broken": ("  ✗ ", "bold red")}


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command."""
    messages.progress("looking around…")
    findings = all_findings(arguments)
    messages.clear()
    broken = [finding for finding in findings if finding.state == "broken"]
    output = Output()
    if arguments.json:
        report = {"ok": not broken, "findings": [_report(finding) for finding in findings]}
        output.line(json.dumps(report, indent=2))
    else:
        room = None if output.columns is None else max(output.columns - _INDENT, 20)
        for finding in findings:
            first, *rest = _lines(finding.text, room)
            name = finding.name.ljust(_INDENT - 4)
            output.line(_MARKS[finding.state], (name, "bold"), first)
            for line in rest:
                output.line(" " * _INDENT, line)
    output.flush()
    return FAILED if broken else OK


def _report(finding: Finding) -> dict[str, object]:
    return {"name": finding.name, "state": finding.state, "text": redact(finding.text), "facts": finding.facts}


def _lines(text: str, room: int | None) -> list[str]:
    """Return the lines of a text, none wider than `room`, nor endless."""
    lines = [cut(printable(line), _LONGEST) for line in redact(text).split("\n")]
    if room is None:
        return lines
    return [part for line in lines for part in textwrap.wrap(line, room, break_on_hyphens=False) or [""]]
