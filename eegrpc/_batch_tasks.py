"""Batches for the asyncio client: tasks work, and the caller's task takes the pages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eegrpc._batch import Progress
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from eegrpc._batch import BatchPage, Job, Settings
    from eegrpc._calls import PreparedCall
    from eegrpc._retry import Attempts
    from eegrpc.v1alpha import ComputeImagesResponse

    Send = Callable[[PreparedCall, bytes, Attempts], Awaitable[ComputeImagesResponse]]

__all__ = ["run"]


async def run(
    send: Send, requests: Iterable[object] | AsyncIterable[object], settings: Settings
) -> AsyncGenerator[BatchPage, None]:
    """Yield the pages of all requests. Ending the generator cancels what is under way."""
    batch = _Batch(send, _asynchronous(requests), settings)
    try:
        async for page in batch.pages():
            yield page
    finally:
        await batch.stop()


async def _asynchronous(requests: Iterable[object] | AsyncIterable[object]) -> AsyncIterator[object]:
    if hasattr(requests, "__aiter__"):
        async for request in requests:
            yield request
    else:
        for request in requests:
            yield request


class _Batch:
    """The tasks of one batch, and what they share."""

    def __init__(self, send: Send, source: AsyncIterator[object], settings: Settings) -> None:
        self._send = send
        self._source = source
        self._concurrency = settings.concurrency
        self._progress = Progress(settings)
        self._changed = asyncio.Event()
        self._source_lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def pages(self) -> AsyncIterator[BatchPage]:
        """Start the tasks, and yield pages until all have ended."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        while True:
            while (page := self._progress.take()) is None:
                if self._progress.over:
                    return
                await self._wait()
            self._changed.set()
            yield page

    async def stop(self) -> None:
        """End the batch: nothing more is begun, and calls under way are cancelled. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> None:
        try:
            while (job := await self._begin()) is not None:
                await self._finish(job)
        except Exception as error:  # noqa: BLE001 - the caller's task raises it
            self._progress.fail(error)
        finally:
            self._progress.worker_ended()
            self._changed.set()

    async def _begin(self) -> Job | None:
        """Return the next computation when there is room for it; None after the last."""
        async with self._source_lock:
            while not self._progress.may_ask():
                await self._wait()
            if self._progress.exhausted or self._progress.failed:
                return None
            try:
                request = await anext(self._source)
            except StopAsyncIteration:
                self._progress.exhausted = True
                return None
            return self._progress.begin(request)

    async def _finish(self, job: Job) -> None:
        """Get the pages of a computation, one by one."""
        try:
            job.start()
            while (request := job.next_request()) is not None:
                attempts = job.call.attempts(job.number)
                response = await self._send(job.call, request, attempts)
                await self._add(job.page(response, attempts.made))
            if not job.done:
                await self._add(job.nothing())
        except EarthEngineError as error:
            await self._add(job.failed(error))

    async def _add(self, page: BatchPage) -> None:
        while not self._progress.add(page):
            await self._wait()
        self._changed.set()

    async def _wait(self) -> None:
        """Wait for a change. Nothing else runs between what was seen and the wait, so no change is missed."""
        self._changed.clear()
        await self._changed.wait()
