"""Threads, and tasks of many loops, at one quota gate: whatever becomes of one that waits, its place is given back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import threading
from concurrent import futures

import pytest
from waiting import PATIENCE

import eegrpc
from eegrpc._admission import Admission
from eegrpc._aio_permit import TaskPermit
from eegrpc._permit import ThreadPermit
from eegrpc._retry import NO_RETRY, Attempts


def permit(kind, gate, timeout=PATIENCE):
    return kind(Admission(gate), Attempts(NO_RETRY, timeout, "projects/p"))


def test_a_wait_that_is_interrupted_leaves_the_queue(gate, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with permit(ThreadPermit, gate):
        monkeypatch.setattr("eegrpc._bell.Bell.wait", interrupted)
        with pytest.raises(KeyboardInterrupt), permit(ThreadPermit, gate):
            pass
        assert gate.stats("p").waiting == 0


@pytest.mark.parametrize("in_flight", [True, False])
def test_a_coroutine_that_is_never_resumed_gives_its_place_back(gate, in_flight):
    async def call():
        async with permit(TaskPermit, gate):
            await asyncio.Event().wait()

    async def drive():
        coroutine = call()
        with contextlib.nullcontext() if in_flight else permit(ThreadPermit, gate):
            coroutine.send(None)
            assert (gate.stats("p").in_flight, gate.stats("p").waiting) == (1, not in_flight)
        coroutine.close()  # as the garbage collector does
        del coroutine
        gc.collect()

    asyncio.run(drive())
    assert (gate.stats("p").in_flight, gate.stats("p").waiting) == (0, 0)


def test_a_waiter_whose_loop_was_closed_does_not_hold_up_the_others(gate):
    loop = asyncio.new_event_loop()
    with permit(ThreadPermit, gate):
        waiter = permit(TaskPermit, gate).__aenter__()
        loop.call_soon(lambda: None)
        task = loop.create_task(waiter)
        loop.run_until_complete(asyncio.sleep(0))
        assert gate.stats("p").waiting == 1
        loop.close()
    with permit(ThreadPermit, gate):
        assert gate.stats("p") == eegrpc.QuotaStats(1, math.inf, 1, 0, 0, 0)
    task._log_destroy_pending = False  # it cannot be ended without its loop
    waiter.close()


def test_threads_and_several_loops_share_a_gate():
    gate = eegrpc.QuotaGate(3, 1000.0)
    lock = threading.Lock()
    in_flight, most, done = 0, 0, 0

    def change(by):
        nonlocal in_flight, most, done
        with lock:
            in_flight += by
            most = max(most, in_flight)
            done += by < 0

    def thread():
        for _ in range(10):
            with permit(ThreadPermit, gate):
                change(1)
                change(-1)

    async def task(number):
        for turn in range(10):
            with contextlib.suppress(asyncio.TimeoutError):
                async with permit(TaskPermit, gate):
                    change(1)
                    try:
                        await asyncio.wait_for(asyncio.sleep(0 if (number + turn) % 3 else 60), 0.001)
                    finally:
                        change(-1)

    async def tasks():
        await asyncio.gather(*(task(number) for number in range(10)))

    with futures.ThreadPoolExecutor(12) as pool:
        runs = [pool.submit(thread) for _ in range(10)] + [pool.submit(asyncio.run, tasks()) for _ in range(2)]
        for run in runs:
            run.result(PATIENCE)
    assert (in_flight, done) == (0, 300)
    assert most <= 3
    assert gate.stats("p") == eegrpc.QuotaStats(3, 1000, 0, 0, 0, 0)
