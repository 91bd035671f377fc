"""Reduced runs of the benchmarks of many calls, and many clients: the code is theirs, only the numbers are smaller."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name, *arguments):
    environment = {**os.environ, "GRPC_VERBOSITY": "NONE"}
    return subprocess.run(
        [sys.executable, BENCHMARKS / name, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_htt_22_no_answer_is_crossed_and_no_cancelled_connection_used_again(transport, colour):
    done = run("storm.py", "--calls", 5000, "--transport", transport, "--colour", colour, "--json")
    (found,) = json.loads(done.stdout)
    assert (found["crossed"], found["unexpected"], found["kept"]) == ([], [], 0)
    assert sum(found["ended"].values()) == 5000
    assert 0.1 * 5000 < found["ended"]["CANCELLED"] + found["ended"]["DEADLINE_EXCEEDED"] < 0.22 * 5000
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts what a process holds by /proc")
@pytest.mark.parametrize("transport", ["grpc", "rest", "auto"])
def test_con_14_clients_that_were_closed_leave_nothing_behind(transport, colour):
    done = run("churn.py", "--times", 200, "--transport", transport, "--colour", colour)
    assert done.returncode == 0, done.stdout + done.stderr
