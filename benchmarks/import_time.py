"""Time `import eegrpc` against `import ee`, each in processes of its own, taking turns in one run.

eegrpc's names load when they are used, so the import alone says little: what a service pays is measured too, the import
with the client of one colour and the stub.

    python benchmarks/import_time.py [--rounds 15]

Prints the medians, of wall time and of CPU time (user and system), and their ratios. Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

PROGRAM = """
import os, time
wall = time.perf_counter()
before = os.times()
{statement}
after = os.times()
print(time.perf_counter() - wall, after.user - before.user + after.system - before.system)
"""


STATEMENTS = {
    "eegrpc": "import eegrpc",
    "with the client": "import eegrpc; eegrpc.EarthEngineClient; eegrpc.create_channel",
    "with the asyncio client": "import eegrpc; eegrpc.EarthEngineAsyncClient; eegrpc.create_aio_channel",
    "ee": "import ee",
}


def measure(name: str) -> tuple[float, float]:
    """Return wall and CPU seconds that the statement takes in a new interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(statement=STATEMENTS[name])]
    wall, cpu = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(wall), float(cpu)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="processes for each (default 15)")
    rounds = parser.parse_args().rounds
    for name in STATEMENTS:
        measure(name)  # writes and warms the byte code
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in STATEMENTS}
    for _ in range(rounds):
        for name in STATEMENTS:
            taken[name].append(measure(name))
    median = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    for name, (wall, cpu) in median.items():
        ratio = wall / median["ee"][0]
        print(f"{name:24} wall {wall * 1e3:6.1f} ms   cpu {cpu * 1e3:6.1f} ms   wall, of ee's: {ratio:.2f}")


if __name__ == "__main__":
    main()
