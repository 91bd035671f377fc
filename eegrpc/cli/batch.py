"""``eegrpc batch``: many computations, their pages in one file, which is also what an interrupted run goes on from."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc

import eegrpc
from eegrpc.cli.batch_journal import Journal, digest
from eegrpc.cli.connection import check_place, client_of, emulator_of
from eegrpc.cli.failures import FAILED, INTERRUPTED, OK, USAGE, CommandError
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from typing_extensions import Self

    from eegrpc.cli.terminal import Messages

__all__ = ["run"]

_MAX_LINE: Final = 10_000_000  # what Earth Engine accepts as a request
_FIELDS: Final = {
    "key": str,
    "project": str,
    "pageSize": int,
    "workloadTag": str,
    "fields": str,
    "limit": int,
}
"""What a request may say beside its expression, and the type of it."""
_EVERY: Final = 0.1  # seconds between two looks of the line of progress


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command."""
    check_place(arguments)
    output = Path(arguments.output)
    failures = Path(arguments.failures) if arguments.failures else output.with_name(f"{output.name}.failed")
    total = _count_lines(arguments.requests)
    with contextlib.ExitStack() as stack:
        endpoint = arguments.endpoint
        if arguments.emulator:
            endpoint = stack.enter_context(emulator_of(arguments.catalog)).endpoint
        journal = Journal(output, resume=arguments.resume)
        stack.callback(journal.close)
        batch = _Batch(arguments, messages, journal, stack.enter_context(_Failures(failures)), total)
        return asyncio.run(batch.run(endpoint))


def _count_lines(path: str) -> int:
    """Return how many requests there are.

    Raises:
        CommandError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError as error:
        raise CommandError(USAGE, f"cannot read the requests from {path}: {error.strerror or error}") from error


class _Failures:
    """The file of the requests that failed, with why, and with all that sending them again needs. None: no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: Any = None

    def __enter__(self) -> Self:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)  # an earlier run's: its requests are tried again
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, line: bytes, index: int, key: str, error: EarthEngineError) -> None:
        """Note a request that failed."""
        self.count += 1
        if self._file is None:
            self._file = open(self.path, "ab")  # noqa: SIM115 - closed by __exit__
        what = {
            "line": index + 1,
            "key": key,
            "code": error.code().name,
            "reason": error.reason,
            "message": error.details(),
            "hint": error.hint,
            "page": error.context.page,
            "attempts": error.context.attempt,
        }
        text = json.dumps(what, ensure_ascii=False)[:-1].encode(errors="surrogatepass")
        self._file.write(b'%s, "request": %s}\n' % (text, line.strip() or b"null"))
        self._file.flush()


class _Batch:
    """One run of the command."""

    def __init__(
        self, arguments: argparse.Namespace, messages: Messages, journal: Journal, failures: _Failures, total: int
    ) -> None:
        self._arguments = arguments
        self._messages = messages
        self._journal = journal
        self._failures = failures
        self._total = total
        self._lines: dict[int, tuple[bytes, str, str]] = {}  # of what is under way: the line, its digest, its key
        self._interrupted = False
        self._retries = 0
        self._before = journal.done_count
        self._started = time.monotonic()
        self._shown = 0.0

    async def run(self, endpoint: str | None) -> int:
        """Compute all that is not done, and return the exit code."""
        arguments = self._arguments
        client = client_of(eegrpc.EarthEngineAsyncClient, arguments, endpoint, arguments.transport)
        async with client:
            pages = await client.compute_images_many(
                self._requests(), concurrency=arguments.concurrency, timeout=arguments.timeout
            )
            with self._interruptible(asyncio.current_task()):
                try:
                    async for page in pages:
                        self._take(page)
                except asyncio.CancelledError:
                    if not self._interrupted:
                        raise
                finally:
                    await pages.aclose()
        return self._end()

    def _requests(self) -> Iterator[eegrpc.BatchRequest]:
        """Read the requests that are not done, as they are wanted."""
        with open(self._arguments.requests, "rb") as file:
            lines = (line for line in file if line.strip())
            for index, line in enumerate(lines):
                if self._interrupted:
                    return
                if self._journal.is_done(index):
                    continue
                line_digest = digest(line)
                progress = self._journal.progress(index, line_digest)
                try:
                    fields = _read_request(line)
                except ValueError as error:
                    refused = EarthEngineError(grpc.StatusCode.INVALID_ARGUMENT, f"line {index + 1}: {error}")
                    self._failures.add(b"", index, "", refused)
                    continue
                key = fields.pop("key", "")
                self._lines[index] = line, line_digest, key
                limit = fields.pop("limit", None)
                yield eegrpc.BatchRequest(
                    **fields,
                    key=str(index),
                    limit=None if limit is None else limit - progress.images,
                    page_token=progress.token or None,
                    first_page=progress.pages + 1,
                )

    def _take(self, page: eegrpc.BatchPage) -> None:
        index = int(page.key)
        line, line_digest, key = self._lines[index]
        self._retries += max(0, page.attempts - 1)
        if page.error is not None:
            self._failures.add(line, index, key, page.error)
        else:
            self._journal.write(index, line_digest, key, page)
        if page.is_last:
            del self._lines[index]
        now = time.monotonic()
        if now - self._shown >= _EVERY:
            self._shown = now
            self._messages.progress(self._state(now))

    def _state(self, now: float) -> str:
        """Return the line of progress."""
        done, failed = self._journal.done_count, self._failures.count
        elapsed = max(now - self._started, 1e-9)
        rate = (done - self._before + failed) / elapsed
        left = self._total - done - failed
        filled = 20 * done // max(self._total, 1)
        parts = [
            f"[{'#' * filled}{'.' * (20 - filled)}] {done:,} of {self._total:,}",
            f"{rate:,.1f}/s",
            f"{_duration(left / rate)} left" if rate else "",
            f"{self._retries:,} retries" if self._retries else "",
            f"{failed:,} failed" if failed else "",
            "ending…" if self._interrupted else "",
        ]
        return " · ".join(part for part in parts if part)

    @contextlib.contextmanager
    def _interruptible(self, task: asyncio.Task[Any] | None) -> Iterator[None]:
        """Ctrl-C lets what is under way end, and begins nothing more; a second one stops at once."""
        assert task is not None
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            if self._interrupted:
                task.cancel()
                return
            self._interrupted = True
            self._messages.say(f"eegrpc: {len(self._lines)} under way are finished; Ctrl-C again stops at once")

        try:
            loop.add_signal_handler(signal.SIGINT, interrupt)
        except (NotImplementedError, RuntimeError):  # on Windows, and beside the main thread: KeyboardInterrupt
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _end(self) -> int:
        """Say what was done, and return the exit code."""
        self._messages.clear()
        done, failed = self._journal.done_count, self._failures.count
        took = _duration(time.monotonic() - self._started)
        earlier = f", {self._before:,} of them in earlier runs" if self._before else ""
        self._messages.say(
            f"eegrpc: {done:,} of {self._total:,} requests are done{earlier}: {self._journal.images:,} images, "
            f"{took}, {self._retries:,} retries"
        )
        if failed:
            self._messages.say(f"        {failed:,} failed: {self._failures.path} says why; --resume tries them again")
        if self._interrupted:
            raise CommandError(INTERRUPTED, "interrupted", "To go on, repeat the command with --resume.")
        return FAILED if failed else OK


def _read_request(line: bytes) -> dict[str, Any]:
    """Return the fields of a request.

    Raises:
        ValueError: The line is not a request; the text says why.
    """
    if len(line) > _MAX_LINE:
        raise ValueError(f"larger than {_MAX_LINE:,} bytes, the most that Earth Engine accepts")
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise ValueError("nests too deeply for a request") from error
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    if not isinstance(value, dict):
        raise ValueError('not an object: an expression, or {"expression": …, "key": …}')
    if "expression" not in value:
        return {"expression": value}
    unknown = sorted(value.keys() - _FIELDS.keys() - {"expression"})
    if unknown:
        raise ValueError(f"{unknown[0]!r:.64} is not a field of a request: {', '.join(['expression', *_FIELDS])}")
    for name, kind in _FIELDS.items():
        if name in value and (not isinstance(value[name], kind) or isinstance(value[name], bool)):
            raise ValueError(f"{name} is not a {'text' if kind is str else 'whole number'}")
    names = {"pageSize": "page_size", "workloadTag": "workload_tag"}
    return {names.get(str(name), str(name)): each for name, each in value.items()}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
