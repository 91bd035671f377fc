"""One run: the server, a worker for each subject and kind of work, and rounds in which they take turns."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparison.decoded import page_bytes
from benchmarks.comparison.results import Results
from benchmarks.comparison.samples import ColdStart
from benchmarks.comparison.server import canned_server
from benchmarks.comparison.subject import Servers
from benchmarks.comparison.work import CALLS, ONE, PAGE, PAGES, works
from benchmarks.comparison.worker import SubjectError, UnsuitedError, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.comparison.server import Server
    from benchmarks.comparison.subject import Subject, Work

__all__ = ["COLD_START", "LATENCY", "MEASURED", "Settings", "kinds", "run"]

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 60  # seconds for a cold start

CONCURRENT = {f"{callers} callers": callers for callers in (40, 200)}
LATENCY, COLD_START = "latency", "cold start"
MEASURED = (*CALLS, *CONCURRENT, LATENCY, PAGES, COLD_START)
"""Names of all that can be measured."""


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        rounds: Samples of calls.
        least: Seconds that such a sample takes at least.
        rate, load_calls, load_rounds: Of calls on schedule: how many a second, how many in a sample, and samples.
        pages, iterations: Pages of 1,000 images, and how often all of them are gone through.
        cold_starts: Processes.
    """

    rounds: int = 9
    least: float = 0.3
    rate: float = 200.0
    load_calls: int = 1000
    load_rounds: int = 3
    pages: int = 50
    iterations: int = 3
    cold_starts: int = 9

    @staticmethod
    def quick() -> Settings:
        """Return what shows that everything works, and measures little."""
        return Settings(rounds=1, least=0.01, load_calls=20, load_rounds=1, pages=3, iterations=1, cold_starts=1)


def kinds(measured: Sequence[str]) -> list[tuple[str, int]]:
    """Return the kinds of work, with how many callers, among what is measured."""
    single = [(name, 1) for name in CALLS if name in measured]
    return single + [(ONE, callers) for name, callers in CONCURRENT.items() if name in measured]


def run(
    subjects: Sequence[type[Subject]], measured: Sequence[str], settings: Settings, say: Callable[[str], None]
) -> Results:
    """Measure.

    Args:
        subjects: Whose modules are all there; one that fails is left out of the results from then on.
        measured: Some of `MEASURED`.
        settings: How much.
        say: Told what is being done.
    """
    results = Results([subject.name for subject in subjects])
    say("starting the server")
    with canned_server(settings.pages) as server, _envoy(server, subjects) as envoy:
        servers = Servers(server.grpc, server.rest, envoy)
        _Run(subjects, measured, settings, say, results, server, servers).all()
    return results


@contextmanager
def _envoy(server: Server, subjects: Sequence[type[Subject]]) -> Iterator[int | None]:
    """Run Envoy where one of the subjects needs it, on the server's core; yield its port."""
    if not any("envoy" in subject.needs for subject in subjects):
        yield None
        return
    from benchmarks.comparison.envoy import envoy_transcoder

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})  # which it inherits
        try:
            port = stack.enter_context(envoy_transcoder(server.grpc, Path(folder)))
        finally:
            os.sched_setaffinity(0, cores)
        yield port


class _Run:
    """What the parts of a run share."""

    def __init__(
        self,
        subjects: Sequence[type[Subject]],
        measured: Sequence[str],
        settings: Settings,
        say: Callable[[str], None],
        results: Results,
        server: Server,
        servers: Servers,
    ) -> None:
        self._subjects = {subject.name: subject for subject in subjects}
        self._measured = measured
        self._settings = settings
        self._say = say
        self._results = results
        self._server = server
        self._servers = servers
        self._works = works(settings.pages)

    def all(self) -> None:
        """Measure everything that is asked for."""
        settings, measured = self._settings, self._measured
        for work, callers in kinds(measured):
            what = f"{work}, callers: {callers}"
            with self._workers(what) as workers:
                self._calls(what, workers, self._works[work], callers)
        if LATENCY in measured:
            with self._workers(LATENCY) as workers:
                self._rounds(LATENCY, settings.load_rounds, self._load, workers)
        if PAGES in measured:
            self._results.page_bytes = page_bytes()
            self._rounds(PAGES, settings.iterations, self._iteration)
        if COLD_START in measured:
            self._rounds(f"{COLD_START}, unmeasured", 1, self._start)  # writes byte code, and fills the disk's cache
            self._rounds(COLD_START, settings.cold_starts, self._cold_start)

    @contextmanager
    def _workers(self, what: str) -> Iterator[dict[str, Worker]]:
        """Start a worker for each subject; they live for all rounds of one kind of work.

        What other work leaves behind in a heap makes a page cost half or double (docs/performance.md).
        """
        workers: dict[str, Worker] = {}
        with ExitStack() as stack:

            def start(name: str) -> None:
                workers[name] = Worker(self._subjects[name], self._servers)
                stack.callback(workers[name].close)

            self._rounds(f"{what}, workers", 1, start)
            yield workers

    def _calls(self, what: str, workers: Mapping[str, Worker], work: Work, callers: int) -> None:
        """Measure calls, and before that make some unmeasured, to warm up."""
        self._rounds(f"{what}, unmeasured", 1, self._warm_up, workers, work, callers)
        self._rounds(what, self._settings.rounds, self._batch, workers, work, callers)

    def _warm_up(self, name: str, workers: Mapping[str, Worker], work: Work, callers: int) -> None:
        try:
            workers[name].batch(work, callers, self._settings.least)
        except UnsuitedError as error:
            self._results.unsuited[work.name, name] = str(error)

    def _batch(self, name: str, workers: Mapping[str, Worker], work: Work, callers: int) -> None:
        if (work.name, name) in self._results.unsuited:
            return
        before = self._server.usage()
        batch = workers[name].batch(work, callers, self._settings.least)
        used = self._server.usage().since(before)
        if used.requests != batch.calls:
            raise SubjectError(f"{name}: {batch.calls} calls were {used.requests} requests")
        self._results.batches[work.name, callers][name].append(batch)
        self._results.server[work.name, callers][name].append(used.cpu / batch.wall)

    def _load(self, name: str, workers: Mapping[str, Worker]) -> None:
        load = workers[name].load(self._works[ONE], self._settings.rate, self._settings.load_calls)
        self._results.loads[name].append(load)

    def _iteration(self, name: str) -> None:
        """Go through all pages in a worker of its own."""
        worker = Worker(self._subjects[name], self._servers)
        try:
            iteration = worker.iteration(self._works[ONE], self._works[PAGE], self._works[PAGES])
        finally:
            worker.close()
        self._results.iterations[name].append(iteration)

    def _cold_start(self, name: str) -> None:
        self._results.cold_starts[name].append(self._start(name))

    def _start(self, name: str) -> ColdStart:
        command = [sys.executable, "-m", "benchmarks.comparison.cold_start"]
        given = pickle.dumps((self._subjects[name], self._servers, self._works[ONE]))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as in this process
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or a source tree would be compiled each time
        done = subprocess.run(
            command, input=given, capture_output=True, timeout=_PATIENCE, check=False, cwd=_ROOT, env=environment
        )
        if done.returncode:
            raise SubjectError(f"{name}: {done.stderr.decode()}")
        return ColdStart(*map(float, done.stdout.split()))

    def _rounds(self, what: str, rounds: int, measure: Callable[..., object], *arguments: object) -> None:
        """Measure each subject once in each round: `measure` gets its name and the arguments."""
        for number in range(rounds):
            self._say(what if rounds == 1 else f"{what}, round {number + 1} of {rounds}")
            for name in self._turns(number):
                self._try(name, measure, *arguments)

    def _turns(self, number: int) -> list[str]:
        """Return the subjects; each round begins with another one."""
        names = self._results.subjects
        start = number % len(names) if names else 0
        return names[start:] + names[:start]

    def _try(self, name: str, measure: Callable[..., object], *arguments: object) -> None:
        """Measure a subject, or leave it out from now on."""
        try:
            measure(name, *arguments)
        except (SubjectError, subprocess.TimeoutExpired) as error:
            self._say(f"{name} failed: {error}")
            self._results.drop(name, f"failed: {str(error).strip().splitlines()[-1]}")
