"""``eegrpc batch`` under kills, and its memory: against a server in another process that answers at once.

    python benchmarks/batch.py [--requests 5000] [--kills 10] [--seed 1]

Runs a batch undisturbed, then the same with SIGKILL at random moments and --resume until it is done, and compares what
they wrote as sets of (request, page, images). Then measures the peak memory of batches of growing size.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from eegrpc.emulator import Emulator

COMMAND = (sys.executable, "-m", "eegrpc", "batch")
# From a small process, because Linux counts the memory of who started a process to that of the process.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def write_requests(path: Path, count: int) -> None:
    """Write requests of one to four pages, no two alike."""
    with path.open("w") as file:
        for number in range(count):
            load = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "MODIS/061/MOD13Q1"}}}
            graph = {"result": "0", "values": {"0": {"functionInvocationValue": load}}}
            limit = 2 + 2 * (number % 4)
            file.write(json.dumps({"key": f"{number}", "expression": graph, "pageSize": 2, "limit": limit}) + "\n")


def written(path: Path) -> Counter[tuple[Any, ...]]:
    """Return what a batch wrote: each page with its request and the names of its images."""
    found: Counter[tuple[Any, ...]] = Counter()
    with path.open("rb") as file:
        for line in file:
            page = json.loads(line)
            found[(page["index"], page["page"], page["last"], *(image["name"] for image in page["images"]))] += 1
    return found


def run(requests: Path, out: Path, endpoint: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a batch."""
    return subprocess.Popen([*command_of(requests, out, endpoint), *options], stderr=subprocess.PIPE)


def command_of(requests: Path, out: Path, endpoint: str) -> list[str]:
    """Return the command of a batch."""
    where = ("--endpoint", endpoint, "--project", "p", "--transport", "grpc")
    return [*COMMAND, str(requests), "-o", str(out), *where]


def finish(batch: subprocess.Popen[bytes]) -> str:
    """Wait for a batch, which must succeed; return what it said."""
    _, said = batch.communicate()
    assert batch.returncode == 0, said.decode()
    return said.decode().strip()


def kills(folder: Path, endpoint: str, count: int, times: int, seed: int) -> None:
    """Compare a batch that is killed with one that is not."""
    requests, plain, killed = folder / "requests.ndjson", folder / "plain.ndjson", folder / "killed.ndjson"
    write_requests(requests, count)
    started = time.perf_counter()
    print(finish(run(requests, plain, endpoint)))
    took = time.perf_counter() - started
    draws = random.Random(seed)
    done = 0
    while done < times:
        batch = run(requests, killed, endpoint, "--resume")
        time.sleep(draws.uniform(0.3, 0.3 + 1.5 * took / times))
        batch.send_signal(signal.SIGKILL)
        batch.communicate()
        assert batch.returncode == -signal.SIGKILL, "it was done before it was killed: give more requests"
        done += 1
        pages = sum(1 for _ in killed.open("rb")) if killed.exists() else 0  # it may not have begun
        print(f"killed {done} times: {pages:,} pages written")
    print(finish(run(requests, killed, endpoint, "--resume")))
    one, other = written(plain), written(killed)
    twice = sum(1 for value in other.values() if value > 1)
    print(f"pages: {len(one):,} undisturbed, {len(other):,} killed; missing {len(one - other)}, "
          f"other {len(other - one)}, twice {twice}")  # fmt: skip


def memory(folder: Path, endpoint: str, count: int) -> None:
    """Print the peak memory of a batch of so many requests."""
    requests, out = folder / f"requests-{count}.ndjson", folder / f"out-{count}.ndjson"
    write_requests(requests, count)
    command = command_of(requests, out, endpoint)
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, capture_output=True)
    print(f"{count:,} requests: {int(done.stdout) / 1024:.1f} MiB at the peak")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Emulator() as emulator:
        folder = Path(name)
        kills(folder, emulator.endpoint, arguments.requests, arguments.kills, arguments.seed)
        for share in (10, 1):
            memory(folder, emulator.endpoint, arguments.requests // share)
        memory(folder, emulator.endpoint, arguments.requests * 4)


if __name__ == "__main__":
    main()
