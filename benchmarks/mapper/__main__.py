"""Measure the mapper and its peers, and print tables in Markdown.

    python -m benchmarks.mapper [--rounds 9] [--quick] [--output FILE.json]

All run in one process on one core, taking turns; figures are CPU time, user and system. Needs eegrpc installed; the
peers that are not (pip install orjson msgspec protobuf-py) are named and left out. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:  # python benchmarks/mapper
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.mapper import acceptance, inputs, memory, report, whole_path
from benchmarks.mapper.measure import Times, measure, pin
from benchmarks.mapper.peers import DIRECTIONS, MissingError, UnsuitedError
from eegrpc import mapper

if TYPE_CHECKING:
    from benchmarks.mapper.inputs import Case

LARGE = 100_000  # bytes of wire from which the peak of memory stands out from what a process does anyway

Key = tuple[str, str]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _times(case: Case, direction: str, *, rounds: int, least: float, missing: dict[str, str]) -> dict[str, Times]:
    """Check that each subject gets `case` right, and measure them."""
    calls = {}
    for subject in DIRECTIONS[direction]:
        try:
            calls[subject.name] = subject.make(case)
        except MissingError as error:
            missing.setdefault(subject.name, str(error))
            continue
        except UnsuitedError:
            continue
        subject.check(case, calls[subject.name]())
    return measure(calls, rounds=rounds, least=least)


def _memory(
    cases: list[Case], results: dict[Key, dict[str, Times]], *, quick: bool
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Measure the page with each subject, and the other large inputs with the native mapper."""
    warm_up = next(case for case in cases if case.name == "one image")
    peaks = {}
    for case, direction in _pairs(cases):
        for name in results[case.name, direction]:
            large = len(case.wire) >= LARGE and name == acceptance.NATIVE and not quick
            if not (large or case.name == "page"):
                continue
            _say(f"memory: {case.name}, {direction}, {name}")
            peak = memory.peak(direction, name, case, warm_up)
            if peak is not None:
                peaks[case.name, direction, name] = peak
    return peaks


def _pairs(cases: list[Case]) -> list[tuple[Case, str]]:
    return [(case, direction) for direction in DIRECTIONS for case in cases if case.prints or direction == "from JSON"]


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="samples of each (default 9, quick 3)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter samples")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write every sample there")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (3 if arguments.quick else 9)
    least = 0.02 if arguments.quick else 0.1

    facts = report.facts()
    _say("making the inputs")
    cases = inputs.cases()
    _say("whole path")
    # Before this process is pinned: the server wants a core of its own. Short calls can have more rounds.
    client = whole_path.run(max(20, rounds) if mapper.IMPLEMENTATION == "native" else rounds)
    facts["core"] = str(pin())
    missing: dict[str, str] = {}
    results: dict[Key, dict[str, Times]] = {}
    for case, direction in _pairs(cases):
        _say(f"{case.name}, {direction}")
        results[case.name, direction] = _times(case, direction, rounds=rounds, least=least, missing=missing)
    peaks = _memory(cases, results, quick=arguments.quick)
    demands = list(acceptance.lines(results, peaks, client))
    facts["load at the end"] = report.load()
    if report.native_build() != facts["native build"]:  # memory is measured in processes that load it anew
        facts["not one run"] = "the native mapper was built again meanwhile: parts of this are of another build"

    print("\n".join(report.document(facts, missing, cases, results, peaks, client, demands)))
    if arguments.output:
        arguments.output.write_text(json.dumps(_record(facts, missing, results, peaks, client, demands), indent=1))


def _record(
    facts: dict[str, str],
    missing: dict[str, str],
    results: dict[Key, dict[str, Times]],
    peaks: dict[tuple[str, str, str], tuple[int, int]],
    client: tuple[str, dict[str, Times]],
    demands: list[acceptance.Line],
) -> dict[str, Any]:
    """Return everything that was measured, as JSON values."""
    return {
        "facts": facts,
        "missing": missing,
        "acceptance": [{**asdict(demand), "met": demand.met} for demand in demands],
        "seconds": [
            {"case": case, "direction": direction, "subject": name, **asdict(each)}
            for (case, direction), taken in results.items()
            for name, each in taken.items()
        ],
        "memory": [
            {"case": case, "direction": direction, "subject": name, "extra": extra, "returned": returned}
            for (case, direction, name), (extra, returned) in peaks.items()
        ],
        "whole path": {
            "implementation": client[0],
            "seconds": {name: asdict(each) for name, each in client[1].items()},
        },
    }


if __name__ == "__main__":
    main()
