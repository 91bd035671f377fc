"""The process in which one subject is measured, and its handle. It imports the subject's client, and no other.

Processes are spawned; one command is answered at a time. The garbage collector runs before each measurement, and is on
during it, as in a service.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
from typing import TYPE_CHECKING, Any

from benchmarks.comparison.callers import AsyncCallers, SyncCallers
from benchmarks.comparison.resident import Peak
from benchmarks.comparison.samples import Iteration
from benchmarks.comparison.subject import AsyncSubject, SyncSubject

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.comparison.samples import Batch, Load
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SubjectError", "UnsuitedError", "Worker", "callers_of"]

_WARM = 3  # calls before the first measurement of a piece of work
_MOST_CALLS = 1_000_000
_TO_CLOSE = 10  # seconds
_PATIENCE = 300  # seconds for one measurement; going through all pages with the slowest of clients takes one minute


class SubjectError(Exception):
    """A subject failed, or gave another answer than was wanted."""


class UnsuitedError(Exception):
    """A subject cannot do a piece of work; others it can."""


class Worker:
    """A process with one subject in it, on the last core."""

    def __init__(self, subject: type[Subject], servers: Servers) -> None:
        self._name = subject.name
        context = multiprocessing.get_context("spawn")
        self._pipe, its = context.Pipe()
        self._process = context.Process(target=_work, args=(its, subject, servers), daemon=True)
        self._process.start()
        its.close()
        self._receive()

    def batch(self, work: Work, callers: int, least: float) -> Batch:
        """Make calls for at least so many seconds of wall time; how many that are is found out once."""
        return self._ask("batch", work, callers, least)  # type: ignore[no-any-return]

    def load(self, work: Work, rate: float, calls: int) -> Load:
        """Begin calls on schedule."""
        return self._ask("load", work, rate, calls)  # type: ignore[no-any-return]

    def iteration(self, warm_up: Work, page: Work, pages: Work) -> Iteration:
        """Go through all pages; in a new worker, or the memory is not what it seems."""
        return self._ask("iteration", warm_up, page, pages)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join(_TO_CLOSE)
        self._process.kill()
        self._process.join()

    def _ask(self, *command: Any) -> Any:
        try:
            self._pipe.send(command)
        except BrokenPipeError:
            raise SubjectError(f"{self._name}: its process has ended") from None
        return self._receive()

    def _receive(self) -> Any:
        if not self._pipe.poll(_PATIENCE):
            raise SubjectError(f"{self._name}: no result after {_PATIENCE} s")
        try:
            result = self._pipe.recv()
        except EOFError:
            raise SubjectError(f"{self._name}: its process ended") from None
        if isinstance(result, UnsuitedError):
            raise result
        if isinstance(result, str):
            raise SubjectError(f"{self._name}: {result}")
        return result


def callers_of(subject: type[Subject], servers: Servers) -> SyncCallers | AsyncCallers:
    """Return what calls a subject, opened."""
    made = subject()
    if isinstance(made, AsyncSubject):
        return AsyncCallers(made, servers)
    assert isinstance(made, SyncSubject)
    return SyncCallers(made, servers)


def _work(pipe: Connection, subject: type[Subject], servers: Servers) -> None:
    from benchmarks.mapper.measure import pin

    pin()
    try:
        measuring = _Measuring(callers_of(subject, servers))
        pipe.send(None)
        while True:
            name, *arguments = pipe.recv()
            try:
                pipe.send(getattr(measuring, name)(*arguments))
            except UnsuitedError as error:
                pipe.send(error)
    except EOFError:  # the handle is closed
        measuring.callers.close()
    except Exception:  # noqa: BLE001 - told to whoever asked
        pipe.send(traceback.format_exc())


class _Measuring:
    """The commands of a worker."""

    def __init__(self, callers: SyncCallers | AsyncCallers) -> None:
        self.callers = callers
        self._prepared: dict[str, Any] = {}
        self._calls: dict[tuple[str, int], int] = {}

    def batch(self, work: Work, callers: int, least: float) -> Batch:
        prepared = self._prepare(work)
        key = work.name, callers
        if key not in self._calls:
            self._calls[key] = self._enough(prepared, callers, least)
        gc.collect()
        return self.callers.batch(prepared, self._calls[key], callers)

    def load(self, work: Work, rate: float, calls: int) -> Load:
        prepared = self._prepare(work)
        self.callers.load(prepared, rate, min(calls, 100))  # starts threads and connections
        gc.collect()
        return self.callers.load(prepared, rate, calls)

    def iteration(self, warm_up: Work, page: Work, pages: Work) -> Iteration:
        self._prepare(warm_up)
        prepared = self.callers.prepare(page)
        peak = Peak()
        self.callers.call(prepared)
        page_peak = peak.bytes()
        peak = Peak()
        cpu, wall = time.process_time(), time.perf_counter()
        images = self.callers.iterate(pages)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        _require(images, pages)
        return Iteration(images, cpu, wall, page_peak, peak.bytes())

    def _prepare(self, work: Work) -> Any:
        """Return the prepared request; the first time, try it."""
        if work.name not in self._prepared:
            try:
                prepared = self._prepared[work.name] = self.callers.prepare(work)
            except ValueError as error:
                raise UnsuitedError(str(error)) from error
            for _ in range(_WARM):
                _require(self.callers.call(prepared), work)
        return self._prepared[work.name]

    def _enough(self, prepared: Any, callers: int, least: float) -> int:
        """Return how many calls take so many seconds."""
        calls = callers
        while True:
            took = self.callers.batch(prepared, calls, callers)
            if took.wall >= least / 4 or calls >= _MOST_CALLS:
                share = round(least / took.wall * took.calls / callers)
                return callers * max(1, share)
            calls *= 4


def _require(images: int, work: Work) -> None:
    if images != work.images:
        raise SubjectError(f"{work.name}: {images} images instead of {work.images}")
