"""Run protobuf's official conformance suite on the mapper.

    python tests/conformance/run.py [native] [python] [--require] [--test NAME]...

Every test that has JSON at one end or both runs, the recommended ones too; the others (binary to binary, text format)
are reported as skipped. ``failing_native.txt`` and ``failing_python.txt`` hold the tests that are known to fail; a test
of them that passes is a failure as well. Exit code 0: as it should be, or the runner cannot run here (the reason is
printed); 1: not so, or the runner cannot run and --require was given.
"""

# ruff: noqa: T201 (a program that prints)

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from official import VERSION, Unavailable, compile_schema, runner_command

from eegrpc import mapper

HERE = Path(__file__).resolve().parent
JSON_TESTS = 2814
"""How many tests of runner 36.2, up to edition 2023, have JSON at one end or both."""
PATIENCE = 900.0  # seconds; a suite takes a few

SUMMARY = re.compile(r"CONFORMANCE SUITE (\w+): (\d+) successes, (\d+) skipped, (\d+) expected failures, (\d+) unex")


def run_suite(command: list[str], implementation: str, scratch: Path, tests: list[str]) -> tuple[bool, str]:
    """Run the suite on one implementation.

    Args:
        command: The runner.
        implementation: "native" or "python".
        scratch: A folder with the schema, for what the runner writes.
        tests: The names of the only tests to run; all of them if empty.

    Returns:
        Whether all is as it should be, and a report, whose last line is a summary.
    """
    options = ["--enforce_recommended", "--maximum_edition", "2023", "--output_dir", str(scratch)]
    if tests:
        options += [part for name in tests for part in ("--test", name)]
    else:
        options += ["--failure_list", str(HERE / f"failing_{implementation}.txt")]
    testee = [sys.executable, str(HERE / "testee.py"), "--schema", str(scratch / "schema.binpb")]
    testee += ["--implementation", implementation]
    try:
        done = subprocess.run(
            [*command, *options, *testee],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return False, f"{implementation}: FAILED: the suite did not end in {PATIENCE:.0f} s"
    output = done.stdout + done.stderr
    found = SUMMARY.findall(output)
    if not found:
        return False, f"{output[-4000:]}\n{implementation}: FAILED: the runner gave no summary (exit {done.returncode})"
    successes, skipped, expected, unexpected = (sum(int(part[index]) for part in found) for index in range(1, 5))
    ran = successes + expected + unexpected
    passed = done.returncode == 0 and all(part[0] == "PASSED" for part in found)
    report = "" if passed else _failures(output)
    if not tests and ran != JSON_TESTS:
        passed = False
        report += f"{JSON_TESTS} tests have JSON, but {ran} ran: the testee must not skip them\n"
    verdict = "passed" if passed else "FAILED"
    return passed, (
        f"{report}{implementation}: {verdict}: of {ran} conformance tests with JSON, {successes} passed, "
        f"{expected} failed as known, {unexpected} failed otherwise; {skipped} others skipped (runner {VERSION})"
    )


def _failures(output: str) -> str:
    """Return the runner's explanations, without its greeting and the list of what it has explained before."""
    output = output[max(output.find("CONFORMANCE TEST BEGIN"), 0) :]
    output = re.sub(r"^These tests failed\..*\n.*\n\n(?: .*\n)*", "", output, flags=re.MULTILINE)
    lines = [line[:2000] for line in output.splitlines()[1:] if line.strip() and not SUMMARY.match(line)]
    return "".join(f"{line}\n" for line in lines)


def default_cache() -> Path:
    """Return where the runner is kept: in the tox environment, or in the user's cache."""
    if tox := os.environ.get("TOX_ENV_DIR"):
        return Path(tox) / "conformance"
    user = os.environ.get("XDG_CACHE_HOME")
    return (Path(user) if user else Path.home() / ".cache") / "eegrpc" / "conformance"


def main() -> int:
    """Run the suite on what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("implementations", nargs="*", metavar="native|python", help="what to test; all that are built")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where to keep the runner (%(default)s)")
    parser.add_argument("--require", action="store_true", help="what is skipped is a failure")
    parser.add_argument("--test", action="append", default=[], metavar="NAME", help="run this test only, with no list")
    options = parser.parse_args()
    if unknown := set(options.implementations) - {"native", "python"}:
        parser.error(f"no such implementation: {', '.join(sorted(unknown))}")
    failed = False
    implementations = options.implementations or ["native", "python"]
    if not options.implementations and mapper.NATIVE_FAILURE:
        print(f"native: skipped: not built ({mapper.NATIVE_FAILURE})")
        implementations.remove("native")
        failed = options.require
    try:
        command = runner_command(options.cache.resolve())
        with tempfile.TemporaryDirectory() as scratch:
            compile_schema(options.cache.resolve(), Path(scratch) / "schema.binpb")
            for implementation in implementations:
                passed, report = run_suite(command, implementation, Path(scratch), options.test)
                print(report, flush=True)
                failed = failed or not passed
    except Unavailable as reason:
        print(f"protobuf's conformance tests: {'CANNOT RUN' if options.require else 'skipped'}: {reason}")
        failed = failed or options.require
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
