"""From the first statement of a new process to the first answer.

    python -m benchmarks.comparison.cold_start < pickle of a subject's class, the servers and a piece of work

prints four numbers: see `samples.ColdStart`. It imports little, because that is in everybody's figures.
"""

from __future__ import annotations

import time

_BEGIN = time.process_time(), time.perf_counter()

import os  # noqa: E402 - after the beginning
import pickle  # noqa: E402
import sys  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from benchmarks.comparison.subject import AsyncSubject, SyncSubject  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Work


def _since_beginning() -> tuple[float, float]:
    return time.process_time() - _BEGIN[0], time.perf_counter() - _BEGIN[1]


def _print(opened: tuple[float, float], answered: tuple[float, float]) -> None:
    print(opened[0], answered[0], opened[1], answered[1])


def _sync(subject: SyncSubject, servers: Servers, work: Work) -> None:
    subject.open(servers)
    opened = _since_beginning()
    subject.call(subject.prepare(work))
    _print(opened, _since_beginning())
    subject.close()


async def _async(subject: AsyncSubject, servers: Servers, work: Work) -> None:
    subject.open(servers)
    opened = _since_beginning()
    await subject.call(subject.prepare(work))
    _print(opened, _since_beginning())
    await subject.close()


def _main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    made, servers, work = pickle.load(sys.stdin.buffer)
    subject = made()
    if isinstance(subject, SyncSubject):
        _sync(subject, servers, work)
    else:
        import asyncio

        asyncio.run(_async(subject, servers, work))


if __name__ == "__main__":
    _main()
