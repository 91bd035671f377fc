"""Time how long `eegrpc emulator` takes until it serves, and until it has gone after SIGTERM.

    python benchmarks/emulator_start.py [--rounds 9]

Prints the medians, and the CPU time of the whole process (user and system). Needs the extras ``cli`` and ``emulator``.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time

COMMAND = [sys.executable, "-m", "eegrpc", "emulator", "--port", "0"]


def measure() -> tuple[float, float, float]:
    """Return the seconds that it takes to start and to stop, and those of CPU."""
    begun = time.perf_counter()
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"export EARTHENGINE_EMULATOR_HOST=")
    serving = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    _, status, used = os.wait4(process.pid, 0)
    gone = time.perf_counter()
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return serving - begun, gone - serving, used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="processes to start (default 9)")
    rounds = parser.parse_args().rounds
    measure()  # writes and warms the byte code
    taken = [measure() for _ in range(rounds)]
    for name, column in zip(
        ("until it serves", "until it has gone", "CPU in all"), zip(*taken, strict=True), strict=True
    ):
        print(f"{name:18} median {statistics.median(column):.2f} s   least {min(column):.2f} s")


if __name__ == "__main__":
    main()
