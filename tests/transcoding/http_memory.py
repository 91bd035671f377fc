"""How much memory calls take at their worst, measured in a process of their own; run as a program, it is that process.

Each port's first call is answered well: it warms up all there is. The second one is measured: by the most memory the
process has had since, over what it had before.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest


def peak_growth(
    colour: str, ports: list[int], *, cancel_after: float | None = None, **options
) -> list[tuple[str, int]]:
    """Return for each port how the call ended ("CODE REASON"), and by how many bytes memory grew at its worst."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("memory is read from /proc")
    arguments = json.dumps({"colour": colour, "ports": ports, "options": options, "cancel_after": cancel_after})
    directory = Path(__file__).parents[1]
    command = [sys.executable, __file__, arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return [(outcome, int(growth)) for outcome, growth in json.loads(done.stdout)]


def _main(colour: str, ports: list[int], options: dict, cancel_after: float | None) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from callers import Caller

    results = []
    for port in ports:
        caller = Caller(colour, "rest", port, **options)
        assert caller.call().response is not None
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew from the present
        before = _memory("VmRSS")
        outcome = caller.call(timeout=20 if cancel_after is None else cancel_after)
        results.append((f"{outcome.code.name} {outcome.reason}".strip(), _memory("VmHWM") - before))
        assert caller.call().response is not None
        caller.close()
    sys.stdout.write(json.dumps(results))


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


if __name__ == "__main__":
    _main(**json.loads(sys.argv[1]))
