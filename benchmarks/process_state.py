"""What this process has open, and how much memory it holds: for benchmarks that look for leaks. Needs Linux.

Resident memory is what a service pays, and what its limits are about, but it is a poor detector of leaks: glibc keeps
pages of which a few bytes are in use, in an arena for every few threads, and which ones is a matter of chance. What is
in use, as malloc itself counts it, has less of that; it leaves out what Python's own allocator has, of which the number
of blocks is told. `with_plain_malloc` takes most of the chance out of both.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import math
import os
import re
import statistics
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

MIB = 2**20
_PLAIN = "glibc.malloc.tcache_count=0:glibc.malloc.trim_threshold=131072"


class Open(NamedTuple):
    """What the process has open."""

    descriptors: int
    threads: int
    native_threads: int
    tasks: int
    names: dict[str, int]

    @classmethod
    def now(cls, loop: asyncio.AbstractEventLoop | None = None) -> Open:
        gc.collect()
        return cls(
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
            len(list(Path("/proc/self/task").iterdir())),
            0 if loop is None or loop.is_closed() else len(asyncio.all_tasks(loop)),
            Counter(re.sub(r"[0-9]+", "N", thread.name) for thread in threading.enumerate()),
        )


def connections(port: int) -> int:
    """Return how many connections to this port the process has."""
    own = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one by which the folder is read
            own.add(str(descriptor.readlink()))
    to_port = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:])
    return sum(row[2].endswith(to_port) and f"socket:[{row[9]}]" in own for row in rows)


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def with_plain_malloc() -> None:
    """Begin this program anew, with a malloc that neither hoards nor hides; does nothing the second time.

    By default glibc keeps some freed blocks of each size for each thread, counts them as in use, and takes hours to
    have all that it may have; and what is free at the end of an arena it gives back only from a size on that grows
    with the largest block that was ever freed. Both look like a leak, and end by themselves.
    """
    if os.environ.get("GLIBC_TUNABLES") != _PLAIN:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "GLIBC_TUNABLES": _PLAIN})


class Memory(NamedTuple):
    """The memory of the process, after its allocator has given back whole pages that it had free."""

    resident: float
    """MiB."""
    in_use: float
    """MiB that malloc has given out; NaN where glibc does not tell (before 2.33, or another library)."""
    blocks: int
    """Of Python's own allocator."""

    @classmethod
    def now(cls) -> Memory:
        gc.collect()
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        in_use = math.nan
        if hasattr(libc, "mallinfo2"):
            libc.mallinfo2.restype = _Mallinfo2
            told = libc.mallinfo2()
            in_use = (told.uordblks + told.hblkhd) / MIB
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(pages * os.sysconf("SC_PAGE_SIZE") / MIB, in_use, sys.getallocatedblocks())


class Slope(NamedTuple):
    """The slope of a line fitted to samples, per 10 minutes, and its standard error."""

    per_10_minutes: float
    error: float

    @classmethod
    def of(cls, samples: list[tuple[float, float]]) -> Slope:
        """Fit a line to samples of (seconds, value)."""
        xs, ys = zip(*samples, strict=True)
        slope, intercept = statistics.linear_regression(xs, ys)
        rest = sum((y - intercept - slope * x) ** 2 for x, y in samples) / (len(samples) - 2)
        middle = statistics.fmean(xs)
        return cls(600 * slope, 600 * math.sqrt(rest / sum((x - middle) ** 2 for x in xs)))

    def __str__(self) -> str:
        return f"{self.per_10_minutes:+.2f} ± {self.error:.2f}"
