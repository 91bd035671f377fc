"""From the first statement of a new process to the first answer.

    python -m benchmarks.comparison.cold_start < pickle of a subject's class, the servers and a piece of work

prints four numbers: see `samples.ColdStart`. What this program itself imports, some 30 ms, is in everybody's figures.
"""

from __future__ import annotations

import time

_BEGIN = time.process_time(), time.perf_counter()

import pickle  # noqa: E402 - after the beginning
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from benchmarks.comparison.samples import ColdStart  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["cold_start"]

_ROOT = Path(__file__).resolve().parents[2]


def cold_start(subject: type[Subject], servers: Servers, work: Work) -> ColdStart:
    """Measure it once.

    Raises:
        subprocess.CalledProcessError: The subject failed; its `stderr` says how.
    """
    command = [sys.executable, "-m", "benchmarks.comparison.cold_start"]
    given = pickle.dumps((subject, servers, work))
    told = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, cwd=_ROOT).stdout
    return ColdStart(*map(float, told.split()))


def _since_beginning() -> tuple[float, float]:
    return time.process_time() - _BEGIN[0], time.perf_counter() - _BEGIN[1]


def _main() -> None:
    from benchmarks.comparison.worker import callers_of
    from benchmarks.mapper.measure import pin

    pin()
    subject, servers, work = pickle.load(sys.stdin.buffer)
    callers = callers_of(subject, servers)
    opened, opened_wall = _since_beginning()
    callers.call(callers.prepare(work))
    cpu, wall = _since_beginning()
    callers.close()
    print(opened, cpu, opened_wall, wall)


if __name__ == "__main__":
    _main()
