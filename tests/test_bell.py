"""The bell that wakes waiting threads: every wait ends."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from waiting import PATIENCE

from eegrpc._bell import Bell


def waiting(bell: Bell, seconds: float | None = None) -> threading.Thread:
    thread = threading.Thread(target=bell.wait, args=(seconds,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 2e-6, 1e-4])
def test_short_waits_end_however_busy_the_machine_is(seconds):
    """With a queue.SimpleQueue, some of these never end (CPython 3.10 to 3.12)."""

    def wait() -> None:
        for _ in range(4000):
            Bell().wait(seconds)

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("seconds", [None, PATIENCE * 10])
@pytest.mark.parametrize("rings", [1, 3])
def test_it_wakes_whoever_waits_and_whoever_comes_too_late(seconds, rings):
    bell = Bell()
    for _ in range(200):
        thread = waiting(bell, seconds)
        for _ in range(rings):
            bell.ring()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        bell.wait(0)  # what was rung in excess


def test_it_lets_sleep_who_was_not_called():
    bell = Bell()
    began = time.monotonic()
    bell.wait(0.05)
    assert time.monotonic() - began >= 0.05


def test_the_garbage_collector_may_ring_it():
    bell = Bell()

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    thread = waiting(bell)
    weakref.finalize(Cycle(), bell.ring)
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()
