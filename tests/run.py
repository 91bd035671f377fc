"""Run the tests two at a time, and those that failed once more, one at a time.

    python tests/run.py [arguments of pytest]

Some rows are bounds in time, for a machine that has nothing else to do: two tests at once are something else. What
fails by itself fails again, and both runs are shown.
"""

from __future__ import annotations

import subprocess
import sys

import pytest


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    tests = [sys.executable, "-m", "pytest", *arguments]
    code = subprocess.run([*tests, "-n", "2", "--dist", "worksteal"], check=False).returncode
    if code == pytest.ExitCode.TESTS_FAILED:
        print("\nThe tests that failed, once more, one at a time:", flush=True)
        code = subprocess.run([*tests, "--last-failed", "--last-failed-no-failures", "none"], check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
