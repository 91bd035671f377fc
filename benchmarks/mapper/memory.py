"""Peak memory of one call, in a process of its own.

    python -m benchmarks.mapper.memory "from JSON"|"to JSON" SUBJECT < pickle of a small case and the case

prints the bytes by which the call raised the resident memory at most (what it returns included), and the bytes that it
returned, 0 if not bytes. It is a warm call: one on the small case goes before. The kernel counts pages in batches, so
one figure may be a hundred kilobytes off: `peak` takes the median of several.
"""

from __future__ import annotations

import ctypes
import gc
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.mapper.peers import DIRECTIONS

if TYPE_CHECKING:
    from benchmarks.mapper.inputs import Case

__all__ = ["peak"]

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5


def peak(direction: str, subject: str, case: Case, warm_up: Case) -> tuple[int, int] | None:
    """Return the extra bytes at the peak of a call, and the bytes it returned; None where that cannot be measured."""
    found = [_one_peak(direction, subject, case, warm_up) for _ in range(RUNS)]
    taken = sorted(each for each in found if each is not None)
    return taken[len(taken) // 2] if len(taken) == RUNS else None


def _one_peak(direction: str, subject: str, case: Case, warm_up: Case) -> tuple[int, int] | None:
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, "-m", "benchmarks.mapper.memory", direction, subject]
    done = subprocess.run(command, input=pickle.dumps((warm_up, case)), capture_output=True, check=False, cwd=ROOT)
    if done.returncode:
        print(f"memory of {subject}, {case.name}: {done.stderr.decode()[-500:]}", file=sys.stderr)
        return None
    extra, returned = done.stdout.split()
    return int(extra), int(returned)


def _status(name: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _give_back() -> None:
    """Return freed memory to the system: what preparing left would otherwise hide what the call takes."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _main(direction: str, name: str) -> None:
    subject = next(subject for subject in DIRECTIONS[direction] if subject.name == name)
    warm_up, case = pickle.load(sys.stdin.buffer)
    subject.make(warm_up)()
    call = subject.make(case)
    _give_back()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew from the present
    result = call()
    print(_status("VmHWM") - before, len(result) if isinstance(result, (bytes, str)) else 0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
