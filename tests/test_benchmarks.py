"""The comparison of clients runs, on a little of everything, so that it never rots; what it measures is not judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.comparison.run import MEASURED, kinds
from benchmarks.comparison.subjects import missing_modules, ours, raw

ROOT = Path(__file__).parents[1]
NAMES = [subject.name for subject in (*ours.SUBJECTS, *raw.SUBJECTS)]
HAS_MATPLOTLIB = not missing_modules(["matplotlib"])


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    done = run("--output", folder, "--only", *NAMES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def record(output):
    return json.loads((output / "benchmarks.json").read_text())


pytestmark = pytest.mark.timeout(600)  # less than a minute on a quiet machine


def test_every_subject_does_all_work(record):
    assert (record["left out"], record["unsuited"]) == ({}, [])
    done = {(batch["work"], batch["callers"], batch["subject"]) for batch in record["batches"]}
    assert done == {(*kind, name) for kind in kinds(MEASURED) for name in NAMES}
    for batch in record["batches"]:
        for sample in batch["samples"]:
            assert min(sample.values()) > 0, batch
        assert min(batch["server's core"]) > 0, batch


def test_loads_iterations_and_cold_starts_are_of_every_subject(record):
    assert [load["subject"] for load in record["loads"]] == NAMES
    assert all(min(load["latencies"]) > 0 and len(load["latencies"]) == 20 for load in record["loads"])
    for part in ("iterations", "cold starts"):
        assert list(record[part]) == NAMES
        assert all(min(sample.values()) > 0 for samples in record[part].values() for sample in samples), part
    assert min(record["bytes of a decoded page"].values()) > 0


def test_demands_are_measured_where_their_subjects_are(record):
    for line in record["acceptance"]:
        is_measured = "earthengine-api" not in line["what"] and "GAPIC" not in line["what"]
        assert (line["measured"] is not None, line["met"] is not None) == (is_measured, is_measured), line


def test_every_table_has_every_subject(output):
    text = (output / "benchmarks.md").read_text()
    _, *sections = text.split("\n## ")
    assert len(sections) == 2 + len(MEASURED) + 1  # two before what was measured, one after
    for section in sections[1:]:
        rows = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")]
        assert rows[2:] == NAMES, section


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="matplotlib is not installed: pip install eegrpc[plots]")
def test_pictures_are_shown(output):
    text = (output / "benchmarks.md").read_text()
    for name in ("benchmarks-cpu.svg", "benchmarks-latency.svg", "benchmarks-pages.svg"):
        assert f"![{name}]({name})" in text
        assert "raw urllib3" in (output / name).read_text()


def test_a_subject_that_is_not_known_is_refused():
    done = run("--only", "nobody")
    assert done.returncode == 2
    assert "eegrpc, grpc" in done.stderr


def test_the_parts_of_a_call_are_told_apart() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.layers", "--rounds", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, *rows = done.stdout.splitlines()
    assert len(rows) == 7
    assert all(float(row.split("|")[3]) > 0 for row in rows), done.stdout
