"""CPU time and wall time of calls that take turns, all in one process on one core."""

from __future__ import annotations

import gc
import os
import statistics
import time
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Times", "measure", "pin"]


@dataclass(frozen=True)
class Times:
    """What one subject took per call, in seconds, round by round. CPU time is that of user and system together."""

    cpu: list[float]
    wall: list[float]
    calls: int

    @property
    def median(self) -> float:
        """Median of the CPU time."""
        return statistics.median(self.cpu)

    @property
    def spread(self) -> float:
        """Distance of the quartiles of the CPU time, as a share of the median."""
        if len(self.cpu) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.cpu, n=4, method="inclusive")
        return (high - low) / self.median


def pin(which: int = -1) -> int | None:
    """Keep this process on one of its cores, the last unless told; return which, or None where that cannot be done."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = sorted(os.sched_getaffinity(0))[which]
    os.sched_setaffinity(0, {core})
    return core


def measure(calls: Mapping[str, Callable[[], Any]], *, rounds: int, least: float) -> dict[str, Times]:
    """Measure each call once per round, and begin each round with another one.

    The garbage collector runs before each sample and is off during it, as in timeit: that favours whoever makes many
    objects. What a call returns is freed within its time, as it would be in a service.

    Args:
        calls: What to measure, by name. Each is called once or more before.
        rounds: How many samples of each.
        least: Seconds that a sample should take: a short call is repeated within it.
    """
    repeats = {name: _repeats(call, least) for name, call in calls.items()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    names = list(calls)
    gc.collect()
    gc.freeze()  # the inputs are not searched again and again
    try:
        for number in range(rounds):
            start = number % len(names)
            for name in names[start:] + names[:start]:
                samples[name].append(_sample(calls[name], repeats[name]))
    finally:
        gc.unfreeze()
    return {
        name: Times([cpu for cpu, _ in taken], [wall for _, wall in taken], repeats[name])
        for name, taken in samples.items()
    }


def _sample(call: Callable[[], Any], times: int) -> tuple[float, float]:
    """Return CPU and wall seconds of one call, as the mean of so many."""
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in repeat(None, times):
            call()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        gc.enable()
    return cpu / times, wall / times


def _repeats(call: Callable[[], Any], least: float) -> int:
    """Return how often to call within a sample, so that it takes `least` seconds."""
    times = 1
    while True:
        cpu, _ = _sample(call, times)
        if cpu * times >= least / 4 or times >= 1_000_000:
            return max(1, round(least / max(cpu, 1e-9)))
        times *= 4
