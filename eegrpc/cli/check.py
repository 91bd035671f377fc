"""``eegrpc emulator check``: whether the emulator can evaluate an expression, and what its answer would rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc._expression_faults import check_expression
from eegrpc._expressions import to_expression
from eegrpc.cli.catalog_file import load_catalog
from eegrpc.cli.expression_file import read_expression
from eegrpc.cli.failures import FAILED, OK, CommandError, request_refused
from eegrpc.cli.terminal import Output
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    import argparse

    from eegrpc.cli.terminal import Messages
    from eegrpc.emulator.context import Context

__all__ = ["run"]


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command: what the expression gives goes to stdout, why it cannot be evaluated to stderr."""
    catalog = load_catalog(arguments.catalog)
    try:
        expression = to_expression(read_expression(arguments.expression, messages))
        check_expression(expression)
    except EarthEngineError as error:
        raise request_refused(error) from error
    from eegrpc.emulator.assumptions import ASSUMPTIONS
    from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate_to

    try:
        kind, assumptions = evaluate_to(_kind, expression, catalog)
    except EvaluationError as error:
        hint = "Earth Engine may know it: the emulator does not." if error.unsupported else "Correct the expression."
        raise CommandError(FAILED, error.message, f"It is at {error.path}.", hint) from error
    output = Output()
    output.line((kind, "bold"))
    for name in assumptions:
        output.line("rests on ", (name, "bold"), f": {ASSUMPTIONS[name]}")
    output.flush()
    return OK


def _kind(_: Context, value: object) -> str:
    from eegrpc.emulator.properties import describe_type
    from eegrpc.emulator.values import Collection

    size = f" of {len(value):,}" if isinstance(value, (Collection, list)) else ""
    return f"{describe_type(value)}{size}"
