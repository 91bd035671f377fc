"""Calling a subject: by several callers at once, or on schedule. One class for blocking clients and one for asyncio.

Both measure the same things by the same rules; what differs is what a caller is, a thread or a task.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.comparison.samples import Batch, Load

if TYPE_CHECKING:
    from benchmarks.comparison.subject import AsyncSubject, Servers, SyncSubject, Work

__all__ = ["AsyncCallers", "SyncCallers"]

_ON_SCHEDULE = 64  # threads that make calls on schedule: as many calls can be under way


class SyncCallers:
    """Calls a blocking subject from threads, which are kept."""

    def __init__(self, subject: SyncSubject, servers: Servers) -> None:
        self._subject = subject
        self._threads: dict[int, ThreadPoolExecutor] = {}
        subject.open(servers)

    def prepare(self, work: Work) -> Any:
        """Return the request in the client's own form."""
        return self._subject.prepare(work)

    def call(self, prepared: Any) -> int:
        """Make one call."""
        return self._subject.call(prepared)

    def iterate(self, work: Work) -> int:
        """Go through all pages."""
        return self._subject.iterate(work)

    def batch(self, prepared: Any, calls: int, callers: int) -> Batch:
        """Have each of the callers make its share of the calls, of which there is at least one."""
        share = max(1, calls // callers)
        if callers == 1:
            cpu, wall = time.process_time(), time.perf_counter()
            self._repeat(prepared, share)
        else:
            pool = self._pool(callers)
            cpu, wall = time.process_time(), time.perf_counter()
            for done in [pool.submit(self._repeat, prepared, share) for _ in range(callers)]:
                done.result()
        return Batch(share * callers, time.process_time() - cpu, time.perf_counter() - wall)

    def load(self, prepared: Any, rate: float, calls: int) -> Load:
        """Begin so many calls at a fixed rate.

        Each thread takes the next place in the schedule, sleeps until then, and calls: no hand-over is measured.
        """
        places = itertools.count()  # next() on it is atomic
        latencies: list[float] = []

        def work() -> None:
            while (place := next(places)) < calls:
                at = begin + place / rate
                time.sleep(max(0.0, at - time.perf_counter()))
                self._subject.call(prepared)
                latencies.append(time.perf_counter() - at)

        pool = self._pool(_ON_SCHEDULE)
        cpu, begin = time.process_time(), time.perf_counter()
        for done in [pool.submit(work) for _ in range(_ON_SCHEDULE)]:
            done.result()
        return Load(rate, latencies, time.process_time() - cpu, time.perf_counter() - begin)

    def close(self) -> None:
        """Close the client, and end the threads."""
        self._subject.close()
        for pool in self._threads.values():
            pool.shutdown()

    def _repeat(self, prepared: Any, times: int) -> None:
        call = self._subject.call
        for _ in range(times):
            call(prepared)

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        """Return a pool whose threads run already."""
        if threads not in self._threads:
            pool = self._threads[threads] = ThreadPoolExecutor(threads)
            together = threading.Barrier(threads)
            list(pool.map(lambda _: together.wait(), range(threads)))
        return self._threads[threads]


class AsyncCallers:
    """Calls an asyncio subject from tasks of one event loop."""

    def __init__(self, subject: AsyncSubject, servers: Servers) -> None:
        self._subject = subject
        self._loop = asyncio.new_event_loop()

        async def open_it() -> None:
            subject.open(servers)

        self._run(open_it())

    def prepare(self, work: Work) -> Any:
        """Return the request in the client's own form."""
        return self._subject.prepare(work)

    def call(self, prepared: Any) -> int:
        """Make one call."""
        return self._run(self._subject.call(prepared))

    def iterate(self, work: Work) -> int:
        """Go through all pages."""
        return self._run(self._subject.iterate(work))

    def batch(self, prepared: Any, calls: int, callers: int) -> Batch:
        """Have each of the callers make its share of the calls, of which there is at least one."""
        share = max(1, calls // callers)

        async def run() -> Batch:
            cpu, wall = time.process_time(), time.perf_counter()
            if callers == 1:
                await self._repeat(prepared, share)
            else:
                await asyncio.gather(*(self._repeat(prepared, share) for _ in range(callers)))
            return Batch(share * callers, time.process_time() - cpu, time.perf_counter() - wall)

        return self._run(run())

    def load(self, prepared: Any, rate: float, calls: int) -> Load:
        """Begin so many calls at a fixed rate.

        A thread keeps the schedule: the loop's own timers are a millisecond coarse, as epoll is.
        """
        latencies: list[float] = []

        async def one(at: float) -> None:
            await self._subject.call(prepared)
            latencies.append(time.perf_counter() - at)

        async def run() -> Load:
            loop = asyncio.get_running_loop()
            tasks: list[asyncio.Task[None]] = []
            cpu, begin = time.process_time(), time.perf_counter()

            def keep_schedule() -> None:
                for place in range(calls):
                    at = begin + place / rate
                    time.sleep(max(0.0, at - time.perf_counter()))
                    loop.call_soon_threadsafe(lambda at=at: tasks.append(loop.create_task(one(at))))

            await asyncio.to_thread(keep_schedule)  # its end reaches the loop after all that it scheduled
            await asyncio.gather(*tasks)
            return Load(rate, latencies, time.process_time() - cpu, time.perf_counter() - begin)

        return self._run(run())

    def close(self) -> None:
        """Close the client and the loop."""
        self._run(self._subject.close())
        self._loop.close()

    async def _repeat(self, prepared: Any, times: int) -> None:
        call = self._subject.call
        for _ in range(times):
            await call(prepared)

    def _run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)
