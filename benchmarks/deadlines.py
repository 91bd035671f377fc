"""Deadlines in every phase of a call: by how much calls end too late, for each phase, transport and colour.

    python benchmarks/deadlines.py --calls 200 --markdown

In each phase calls are held (tests/phases.py says how) until their deadline ends them, several at a time. In phases of
work and not of waiting there is one call at a time, and the deadlines are spread over the time that the work takes; who
was done before it is asked again. Requests of 9 MB, which it takes to fill the buffers on the way, are also sent one at
a time. A call that ends in another way than by DEADLINE_EXCEEDED is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from phases import KINDS, NOT_THERE, PHASES, AioCaller, Scene, SyncCaller, scene

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TIMEOUT = 0.2  # seconds, in phases that are waiting
WORK = ("inflate", "map")
SPREAD = (0.25, 0.9)  # of the time that a call takes undisturbed, in phases that are work


@dataclass(frozen=True)
class Ended:
    """How a call ended: its code, and the seconds since its deadline."""

    code: grpc.StatusCode
    late: float


@dataclass(frozen=True)
class Figures:
    """Seconds by which calls ended too late."""

    calls: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, late: list[float]) -> Figures:
        ranked = sorted(late)
        return cls(len(ranked), ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)], ranked[-1])

    def __str__(self) -> str:
        return " / ".join(f"{seconds * 1000:.1f}" for seconds in (self.p50, self.p99, self.most))


def measure(phase: str, transport: str, colour: str, *, calls: int, together: int, size: int) -> Figures:
    """Return the figures of so many calls.

    Args:
        phase, transport, colour: What to measure.
        calls: How many.
        together: How many at a time, in phases that are waiting.
        size: Bytes of bodies that are inflated; those that are mapped have a quarter of it.

    Raises:
        AssertionError: A call ended in another way than by its deadline.
    """
    with scene(phase, transport, size=size) as made:
        run = _run_threads if colour == "sync" else _run_tasks
        ended = run(made, calls, 1 if phase in ("write", *WORK) else together, work=phase in WORK)
    wrong = {each.code for each in ended} - {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert not wrong, f"{phase}, {transport}, {colour}: calls ended with {wrong}"
    return Figures.of([each.late for each in ended])


def _run_threads(made: Scene, calls: int, together: int, *, work: bool = False) -> list[Ended]:
    caller = SyncCaller(made)

    def call(timeout: float) -> Ended:
        began = time.monotonic()
        try:
            caller.call(timeout)
            code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            code = error.code()
        return Ended(code, time.monotonic() - began - timeout)

    try:
        if work:
            whole = min(call(60.0).late for _ in range(3)) + 60.0
            return [_late(call, whole, number / calls) for number in range(calls)]
        call(TIMEOUT)  # what the first call of all compiles is no part of a phase
        with ThreadPoolExecutor(together) as pool:
            return list(pool.map(call, [TIMEOUT] * calls))
    finally:
        caller.close()


def _late(call: Callable[[float], Ended], whole: float, place: float) -> Ended:
    timeout = whole * (SPREAD[0] + (SPREAD[1] - SPREAD[0]) * place)
    for _ in range(20):
        if (ended := call(timeout)).code is not grpc.StatusCode.OK:
            return ended
        timeout *= 0.8  # it was faster than before
    raise AssertionError("the work was always done in time")


def _run_tasks(made: Scene, calls: int, together: int, *, work: bool = False) -> list[Ended]:
    return asyncio.run(_tasks(made, calls, together, work=work))


async def _tasks(made: Scene, calls: int, together: int, *, work: bool) -> list[Ended]:
    caller = AioCaller(made)

    async def call(timeout: float) -> Ended:
        began = time.monotonic()
        try:
            await caller.call(timeout)
            code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            code = error.code()
        return Ended(code, time.monotonic() - began - timeout)

    try:
        if work:
            whole = min([(await call(60.0)).late for _ in range(3)]) + 60.0
            return [await _late_task(call, whole, number / calls) for number in range(calls)]
        await call(TIMEOUT)
        ended: list[Ended] = []
        while len(ended) < calls:
            ended += await asyncio.gather(*(call(TIMEOUT) for _ in range(min(together, calls - len(ended)))))
        return ended
    finally:
        await caller.close()


async def _late_task(call: Callable[[float], Awaitable[Ended]], whole: float, place: float) -> Ended:
    timeout = whole * (SPREAD[0] + (SPREAD[1] - SPREAD[0]) * place)
    for _ in range(20):
        if (ended := await call(timeout)).code is not grpc.StatusCode.OK:
            return ended
        timeout *= 0.8
    raise AssertionError("the work was always done in time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200, help="for each phase, transport and colour")
    parser.add_argument("--together", type=int, default=10, help="calls at a time, in phases that are waiting")
    parser.add_argument("--mib", type=int, default=32, help="of bodies that are inflated; a quarter of it is mapped")
    parser.add_argument("--phase", choices=PHASES, action="append", help="only these")
    parser.add_argument("--kind", choices=["-".join(kind) for kind in KINDS], action="append", help="only these")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    kinds = [kind for kind in KINDS if arguments.kind is None or "-".join(kind) in arguments.kind]
    titles = [f"{transport} {colour}" for transport, colour in kinds]
    head, row = ("| phase | ", " | ") if arguments.markdown else (f"{'phase':9}", "")
    end = " |" if arguments.markdown else ""
    print(f"Seconds after the deadline, in ms: p50 / p99 / most of {arguments.calls} calls\n")
    print(head + row.join(f"{title:24}" if not arguments.markdown else title for title in titles) + end)
    if arguments.markdown:
        print("|" + "---|" * (len(titles) + 1))
    for phase in arguments.phase or PHASES:
        cells = []
        for transport, colour in kinds:
            if (phase, transport) in NOT_THERE:
                cells.append("-")
                continue
            size = arguments.mib << 20
            figures = measure(phase, transport, colour, calls=arguments.calls, together=arguments.together, size=size)
            cells.append(str(figures))
        line = f"| {phase} | " if arguments.markdown else f"{phase:9}"
        print(line + row.join(f"{cell:24}" if not arguments.markdown else cell for cell in cells) + end, flush=True)


if __name__ == "__main__":
    main()
