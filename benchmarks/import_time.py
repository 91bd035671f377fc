"""Time `import eegrpc` against `import ee`, each in processes of its own, taking turns in one run.

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
import {module}
after = os.times()
print(time.perf_counter() - wall, after.user - before.user + after.system - before.system)
"""


def measure(module: str) -> tuple[float, float]:
    """Return wall and CPU seconds that importing `module` takes in a new interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    wall, cpu = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(wall), float(cpu)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="processes per module (default 15)")
    rounds = parser.parse_args().rounds
    modules = ("eegrpc", "ee")
    for module in modules:
        measure(module)  # writes and warms the byte code
    taken = {module: [] for module in modules}
    for _ in range(rounds):
        for module in modules:
            taken[module].append(measure(module))
    median = {m: [statistics.median(column) for column in zip(*taken[m], strict=True)] for m in modules}
    for module in modules:
        print(f"import {module:7} wall {median[module][0] * 1e3:7.1f} ms   cpu {median[module][1] * 1e3:7.1f} ms")
    wall, cpu = (ours / theirs for ours, theirs in zip(median["eegrpc"], median["ee"], strict=True))
    print(f"eegrpc / ee    wall {wall:7.2f}      cpu {cpu:7.2f}")


if __name__ == "__main__":
    main()
