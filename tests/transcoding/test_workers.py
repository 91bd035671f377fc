"""Worker threads: as many at a time as there is work for, and none soon after."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from waiting import PATIENCE

from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.exchange import Exchange
from eegrpc.transcoding.workers import Workers


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def join(name: str) -> None:
    for thread in threads(name):
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("linger", [0.0, 0.5])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_all_threads_work_at_once_whether_they_are_new_or_have_waited(most, linger):
    workers = Workers(most, f"test-{most}-at-once", linger=linger)
    for _ in range(200):
        together = threading.Barrier(most)
        futures = [workers.submit(lambda together=together: together.wait(PATIENCE)) for _ in range(most)]
        assert sorted(future.result(PATIENCE) for future in futures) == list(range(most))
    join(f"test-{most}-at-once")


def test_threads_are_used_again_and_end():
    workers = Workers(4, "test-again", linger=0.5)
    idents = {workers.submit(threading.get_ident).result(PATIENCE) for _ in range(100)}
    assert len(idents) <= 2  # the next may come before the thread of the last one waits
    join("test-again")
    assert workers.submit(lambda: 7).result(PATIENCE) == 7
    join("test-again")


def test_what_waits_is_done_in_order_and_errors_reach_whoever_waits():
    workers = Workers(1, "test-order")
    go, done = threading.Event(), []
    first = workers.submit(lambda: go.wait(PATIENCE))
    others = [workers.submit(lambda number=number: done.append(number)) for number in range(20)]
    failing = workers.submit(lambda: 1 / 0)
    cancelled = workers.submit(lambda: done.append("cancelled"))
    assert cancelled.cancel()
    go.set()
    assert first.result(PATIENCE)
    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE)
    for other in others:
        other.result(PATIENCE)
    assert done == list(range(20))


@pytest.mark.parametrize("linger", [0.0, 0.001])
def test_many_threads_hand_in_work(linger):
    workers = Workers(3, "test-many", linger=linger)
    results = []

    def hand_in(caller: int) -> None:
        results.extend(workers.submit(lambda number=number: (caller, number)).result(PATIENCE) for number in range(300))

    callers = [threading.Thread(target=hand_in, args=(caller,)) for caller in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE)
    assert sorted(results) == [(caller, number) for caller in range(8) for number in range(300)]
    join("test-many")


class Large:
    """What work has in its hands when it fails."""


@pytest.mark.parametrize("waits", ["future", "exchange"])
def test_what_failed_work_held_is_let_go_without_a_collection(waits):
    kept = []

    def work():
        large = Large()
        kept.append(weakref.ref(large))
        raise ValueError("it failed")

    def call():
        future = Workers(1, "test-fails").submit(work)
        try:
            future.result(PATIENCE) if waits == "future" else Exchange(Deadline(PATIENCE)).result(future)
        except ValueError:
            pass
        finally:
            del future

    gc.disable()
    try:
        call()
        until = time.monotonic() + PATIENCE
        while kept[0]() is not None and time.monotonic() < until:  # the thread may not have returned yet
            pass
        assert kept[0]() is None
    finally:
        gc.enable()
