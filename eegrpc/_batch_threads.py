"""Batches for the synchronous client: threads work, and the caller's thread takes the pages."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from eegrpc._admission import Admission
from eegrpc._batch import Progress
from eegrpc._client import send
from eegrpc._stop import Stop
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from eegrpc._batch import BatchPage, Job, Settings
    from eegrpc._gate import QuotaGate

__all__ = ["run"]


def run(
    method: Any, gate: QuotaGate | None, requests: Iterable[object], settings: Settings
) -> Generator[BatchPage, None, None]:
    """Yield the pages of all requests. Ending the generator cancels what is under way."""
    batch = _Batch(method, Admission(gate), iter(requests), settings)
    try:
        yield from batch.pages()
    finally:
        batch.stop()


class _Stopped(Exception):  # noqa: N818 - not an error
    """The batch has ended."""


class _Batch:
    """The threads of one batch, and what they share under one lock."""

    def __init__(self, method: Any, admission: Admission, source: Iterator[object], settings: Settings) -> None:
        self._method = method
        self._admission = admission  # of its own, so that those who wait at the gate can be sent away
        self._source = source
        self._progress = Progress(settings)
        self._changed = threading.Condition()
        self._source_lock = threading.Lock()
        self._stopped = False
        self._stops = [Stop() for _ in range(settings.concurrency)]  # one for each thread

    def pages(self) -> Iterator[BatchPage]:
        """Start the threads, and yield pages until all have ended."""
        for number, stop in enumerate(self._stops):
            threading.Thread(target=self._work, args=(stop,), name=f"eegrpc-batch-{number}", daemon=True).start()
        while True:
            with self._changed:
                while (page := self._progress.take()) is None:
                    if self._progress.over:
                        return
                    self._changed.wait()
                self._changed.notify_all()
            yield page

    def stop(self) -> None:
        """End the batch: nothing more is begun, and calls under way are cancelled. Idempotent."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._admission.close()
        for stop in self._stops:
            stop()

    def _work(self, stop: Stop) -> None:
        try:
            while (job := self._begin()) is not None:
                self._finish(job, stop)
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            with self._changed:
                self._progress.fail(error)
                self._stopped = True
        finally:
            with self._changed:
                self._progress.worker_ended()
                self._changed.notify_all()

    def _begin(self) -> Job | None:
        """Return the next computation when there is room for it; None after the last."""
        with self._source_lock:  # not the other one: the source is the caller's, and may take its time
            with self._changed:
                while not self._progress.may_ask():
                    self._wait()
                if self._progress.exhausted or self._stopped:
                    return None
            try:
                request = next(self._source)
            except StopIteration:
                self._progress.exhausted = True
                return None
            with self._changed:
                return self._progress.begin(request)

    def _finish(self, job: Job, stop: Stop) -> None:
        """Get the pages of a computation, one by one."""
        try:
            job.start()
            while (request := job.next_request()) is not None:
                attempts = job.call.attempts(job.number)
                method = stop.method(self._method)
                response = send(method, request, job.call.terms.metadata, attempts, self._admission, stop.sleep)
                self._add(job.page(response, attempts.made))
            if not job.done:
                self._add(job.nothing())
        except EarthEngineError as error:
            self._add(job.failed(error))

    def _add(self, page: BatchPage) -> None:
        with self._changed:
            while not self._progress.add(page):
                self._wait()
            self._changed.notify_all()

    def _wait(self) -> None:
        """Wait for a change, with the lock."""
        if self._stopped:
            raise _Stopped
        self._changed.wait()
        if self._stopped:
            raise _Stopped
