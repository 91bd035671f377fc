"""``eegrpc compute-images``: the images that an expression yields, on stdout."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import eegrpc
from eegrpc.cli import demonstration
from eegrpc.cli.connection import check_place, client_of, emulator_of
from eegrpc.cli.expression_file import read_expression
from eegrpc.cli.failures import INTERRUPTED, OK, USAGE, CommandError, call_failed, request_refused
from eegrpc.cli.formats import JsonObject, Ndjson, Table
from eegrpc.cli.table import interesting_names
from eegrpc.cli.terminal import Output
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    import argparse

    from eegrpc.cli.formats import Format
    from eegrpc.cli.terminal import Messages

__all__ = ["run"]


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command."""
    _check(arguments)
    is_demonstration = arguments.expression is None
    text = demonstration.expression() if is_demonstration else read_expression(arguments.expression, messages)
    output = Output()
    with ExitStack() as stack:
        endpoint = arguments.endpoint
        if arguments.emulator:
            endpoint = stack.enter_context(emulator_of(arguments.catalog)).endpoint

        def client(transport: str) -> eegrpc.EarthEngineClient:
            return client_of(eegrpc.EarthEngineClient, arguments, endpoint, transport)

        def pager(of: eegrpc.EarthEngineClient) -> eegrpc.ComputeImagesPager:
            return _pager(arguments, of, text)

        both = is_demonstration and arguments.transport == "auto" and arguments.format == "table"
        if both:
            try:
                demonstration.demonstrate(output, client, lambda of: list(pager(of)))
            except EarthEngineError as error:
                raise call_failed(error) from error
        images = pager(stack.enter_context(client(arguments.transport)))
        _write(images, _format(arguments, output, text), arguments, messages)
        if both and output.is_terminal:
            output.line()
            output.line(("Your own:  ", "dim"), "eegrpc compute-images EXPRESSION.json --project MY-PROJECT")
            output.flush()
    return OK


def _check(arguments: argparse.Namespace) -> None:
    """Refuse arguments that contradict each other."""
    if not arguments.emulator and arguments.expression is None:
        hint = "eegrpc compute-images --emulator shows a demonstration without one."
        raise CommandError(USAGE, "give the file of an expression, or - for stdin", hint)
    check_place(arguments)


def _pager(arguments: argparse.Namespace, client: eegrpc.EarthEngineClient, text: str) -> eegrpc.ComputeImagesPager:
    try:
        return client.compute_images(
            text,
            page_size=arguments.page_size,
            page_token=arguments.page_token,
            workload_tag=arguments.workload_tag,
            fields=arguments.fields,
            limit=arguments.limit,
            timeout=arguments.timeout,
        )
    except EarthEngineError as error:
        raise request_refused(error) from error
    except (TypeError, ValueError) as error:
        raise CommandError(USAGE, str(error)) from error


def _format(arguments: argparse.Namespace, output: Output, text: str) -> Format:
    if arguments.format == "ndjson":
        return Ndjson(output)
    if arguments.format == "json":
        return JsonObject(output)
    return Table(output, interesting_names(text) | set((arguments.fields or "").replace(",", ".").split(".")))


def _write(
    images: eegrpc.ComputeImagesPager, target: Format, arguments: argparse.Namespace, messages: Messages
) -> None:
    """Write all pages; after an error what came before it is there, and a token to go on with."""
    count = number = 0
    token = ""  # of the first page that is not written yet, unlike the pager's: that of the first not handed out
    messages.progress("computing…")
    try:
        for page in images.pages:
            messages.clear()
            now, following = count + len(page.images), images.next_page_token
            at_limit = arguments.limit is not None and now >= arguments.limit
            target.page(page.images, more=bool(following) and not at_limit)
            # At once: what is told after an interrupt must be what was written.
            count, number, token = now, number + 1, following
            messages.progress(f"{count:,} images, {number} pages, computing more…")
    except EarthEngineError as error:
        messages.clear()
        target.end(token, complete=False)
        raise call_failed(error, *_way_on(count, number, token)) from error
    except KeyboardInterrupt as interrupt:
        messages.clear()
        target.end(token, complete=False)
        raise CommandError(INTERRUPTED, "interrupted", *_way_on(count, number, token)) from interrupt
    messages.clear()
    target.end(token, complete=True)


def _way_on(count: int, number: int, token: str) -> list[str]:
    if not token:
        return []
    pages = "1 page" if number == 1 else f"{number} pages"
    return [f"{count:,} images in {pages} are written; to go on, repeat the command with --page-token {token}"]
