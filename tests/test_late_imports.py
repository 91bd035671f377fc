"""What is imported when it is first needed: little at the beginning, and never left half imported by a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

WHEN_SOMETHING_FAILS = (
    *("eegrpc._error_status", "eegrpc._error_rules", "eegrpc._retry_delay", "google.rpc.error_details_pb2", "random"),
    *("eegrpc.transcoding.error_body", "eegrpc.transcoding.error_details", "email.utils", "encodings.idna"),
)


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@needs_fork
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_what_a_failure_needs_is_loaded_by_then_or_before_a_fork(transport: str) -> None:
    program = """
import os, sys
import eegrpc
transport, *late = sys.argv[1:]
client = eegrpc.EarthEngineClient("p", endpoint="http://127.0.0.1:1", transport=transport)
print(sorted(name for name in late if name in sys.modules), flush=True)
if os.fork() == 0:
    print(sorted(name for name in late if name not in sys.modules), flush=True)
    os._exit(0)
os.wait()
"""
    before, missing = run(program, transport, *WHEN_SOMETHING_FAILS).splitlines()
    assert before == "[]"
    wanted = set(WHEN_SOMETHING_FAILS)
    if transport == "grpc":  # which has no use for what speaks HTTP
        wanted -= {"encodings.idna"}
    assert not wanted.intersection(eval(missing))


@needs_fork
def test_a_fork_waits_for_an_import_that_another_thread_is_in(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import __main__\n__main__.begun.set()\n__main__.go_on.wait()\ndone = True\n")
    program = """
import importlib, os, sys, threading
from eegrpc._processes import load_before_forks
sys.path.insert(0, sys.argv[1])
begun, go_on = threading.Event(), threading.Event()
load_before_forks("slow")
threading.Thread(target=importlib.import_module, args=("slow",)).start()
begun.wait()
threading.Thread(target=go_on.set).start()
if os.fork() == 0:
    print(importlib.import_module("slow").done, flush=True)
    os._exit(0)
os.wait()
"""
    assert run(program, tmp_path).split() == ["True"]
