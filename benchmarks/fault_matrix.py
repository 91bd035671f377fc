"""The fault matrix: every script of faults, by every kind of channel, by 20 seeds, over 100 pages of 100 images.

    python benchmarks/fault_matrix.py [--seeds 20] [--scripts TEXT ...] [--kinds KIND ...] [--jobs 2] [--seconds 200]

Each run is one computation against the emulator, whose faults happen to 30% of the replies; what must hold of it stands
in tests/invariants.py. A run that raises goes on with a new pager at `next_page_token`. What a run gave is a line in
build/fault-matrix.ndjson, and runs that are there already are not run again: with --seconds the matrix can be run in
pieces, by the same command again and again. The last of it writes docs/fault-matrix.md, of all that has been run.

Needs `eegrpc[emulator]` and grpcio-status. Exit code 1: an invariant did not hold.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import json
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fault_runs import KINDS, SCRIPTS, Matrix, Run  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RESULTS = ROOT / "build" / "fault-matrix.ndjson"
REPORT = ROOT / "docs" / "fault-matrix.md"
PAGES = PAGE_SIZE = 100
HUNG = 120.0  # seconds after which a run is taken for hung; the slowest takes a few
SEEDS_AT_A_TIME = 5

INTRODUCTION = """\
# The fault matrix

Written by `benchmarks/fault_matrix.py`. Each run asks the emulator for 100 pages of 100 images, with faults on 30% of
the replies: {scripts} scripts of faults, by {kinds} kinds of channel ({names}), by {seeds} seeds. Pagers fetch one
page ahead, as they do by default; every second seed takes image by image, the others page by page. After an error a
new pager goes on at `next_page_token`.

In every run it was checked that each image came once and in order, over all its pagers (I1, I2); that five planted
secrets were in no error, repr or DEBUG log (I3); that sockets, threads, tasks and places at the quota gate were back
to what they had been (I4); that the server got no more requests than pages and faults account for (I5); that errors
came in time (I6); and that the next call was answered (I7). `tests/invariants.py` has the rules, and
`tests/test_fault_matrix.py` runs a little of each script.
"""
COLUMNS = """\
The retry policy is `usual`: the client's own, with 12 attempts and waits of at most 4 ms; or `stubborn`: one of the
caller's own, which sends again whatever failed, also what is final by default. The columns of the kinds have the runs
that were finished by the first pager, of all; then come requests and faults of a run on average. The last three
scripts have an end that no policy can put off. A page that names itself as its successor is handed out, and comes
again when resumed.
"""
ABSENT = """
Not in it: `rst_stream(code='http_1_1_required')`, upon which gRPC's core aborts the process (grpcio 1.85): a server
that sends it has to be used with `transport="rest"`.
"""

_matrix: Matrix


def begin() -> None:
    """Start the emulator of a worker process."""
    global _matrix  # noqa: PLW0603 - a worker has one
    _matrix = Matrix(PAGES, PAGE_SIZE).__enter__()


def work(name: str, kind: str, seeds: list[int]) -> list[Run]:
    """Run a script by one kind of channel, for some seeds."""
    script = next(script for script in SCRIPTS if script.name == name)
    runs = []
    for seed in seeds:
        faulthandler.dump_traceback_later(HUNG, exit=True)
        runs.append(_matrix.run(script, kind, seed))
    faulthandler.cancel_dump_traceback_later()
    return runs


def known() -> dict[tuple[str, str, int], dict[str, Any]]:
    """Return what was run before, of the scripts that there are."""
    names = {script.name for script in SCRIPTS}
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else ()
    runs = (json.loads(line) for line in lines)
    return {(run["script"], run["kind"], run["seed"]): run for run in runs if run["script"] in names}


def pieces(arguments: argparse.Namespace) -> Iterator[tuple[str, str, list[int]]]:
    """Yield what is left to run: seeds first, so that whatever was run is of all scripts."""
    done = known()
    for first in range(0, arguments.seeds, SEEDS_AT_A_TIME):
        for script in SCRIPTS:
            if arguments.scripts and not any(text in script.name for text in arguments.scripts):
                continue
            for kind in arguments.kinds:
                seeds = range(first, min(first + SEEDS_AT_A_TIME, arguments.seeds))
                left = [seed for seed in seeds if (script.name, kind, seed) not in done]
                if left:
                    yield script.name, kind, left


def run(arguments: argparse.Namespace) -> None:
    """Run what is left, as far as time allows."""
    until = time.monotonic() + arguments.seconds
    RESULTS.parent.mkdir(exist_ok=True)
    context = multiprocessing.get_context("spawn")
    left = pieces(arguments)
    with (
        futures.ProcessPoolExecutor(arguments.jobs, mp_context=context, initializer=begin) as pool,
        RESULTS.open("a") as results,
    ):
        waiting: set[futures.Future[list[Run]]] = set()
        while True:
            while len(waiting) < arguments.jobs and time.monotonic() < until:
                piece = next(left, None)
                if piece is None:
                    break
                waiting.add(pool.submit(work, *piece))
            if not waiting:
                return
            done, waiting = futures.wait(waiting, return_when=futures.FIRST_COMPLETED)
            for future in done:
                for each in future.result():
                    results.write(json.dumps(dataclasses.asdict(each)) + "\n")
                    if each.problems:
                        print(f"{each.script}, {each.kind}, seed {each.seed}: {'; '.join(each.problems)}", flush=True)
                results.flush()


def report(runs: Iterable[dict[str, Any]], seeds: int) -> str:
    """Return the matrix as a document."""
    by_script: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in runs:
        by_script[each["script"]].append(each)
    every = [each for group in by_script.values() for each in group]
    finished = sum(each["finished"] for each in every)
    wrong = [each for each in every if each["problems"]]
    planned = len(SCRIPTS) * len(KINDS) * seeds
    requests, faults = sum(each["requests"] for each in every), sum(each["faults"] for each in every)
    resumed = sum(bool(each["errors"]) and not each["problems"] for each in every)
    overshoot = max((each["overshoot"] for each in every), default=0.0)
    figures = {
        "runs": f"{len(every):,} of {planned:,}",
        "finished by the first pager": f"{finished:,} ({100 * finished / max(1, len(every)):.1f}%)",
        "raised a typed error, and resumed to the exact end": f"{resumed:,}",
        "with an invariant that did not hold": f"{len(wrong):,}",
        "requests, of which had a fault": f"{requests:,}, {faults:,}",
        "latest error after its page's deadline": f"{1000 * overshoot:.0f} ms",
    }
    lines = [
        INTRODUCTION.format(scripts=len(SCRIPTS), kinds=len(KINDS), names=", ".join(KINDS), seeds=seeds),
        "| | |",
        "|---|---|",
        *(f"| {name} | {figure} |" for name, figure in figures.items()),
        "",
        COLUMNS,
        f"| {' | '.join(('faults, as the emulator takes them', 'policy', *KINDS, 'requests', 'faults', 'raised'))} |",
        f"|---|---|{'---|' * len(KINDS)}---|---|---|",
    ]
    for script in SCRIPTS:
        group = by_script[script.name]
        cells = []
        for kind in KINDS:
            of_kind = [each for each in group if each["kind"] == kind]
            bad = sum(bool(each["problems"]) for each in of_kind)
            cells.append(
                f"{sum(each['finished'] for each in of_kind)}/{len(of_kind)}" + (f", **{bad} wrong**" if bad else "")
            )
        errors = Counter(error for each in group for error in each["errors"])
        raised = ", ".join(f"{error} ({count})" for error, count in errors.most_common()) or ""
        count = max(1, len(group))
        averages = [f"{sum(each[what] for each in group) / count:.0f}" for what in ("requests", "faults")]
        what = script.name if script.faults == (f"{script.name}:0.3",) else f"{script.name}: {_places(script.faults)}"
        lines.append(
            f"| {what.replace('|', '/')} | {script.policy_name} | {' | '.join((*cells, *averages))} | {raised} |"
        )
    lines.append(ABSENT)
    return "\n".join(lines)


def _places(faults: Iterable[str]) -> str:
    return ", ".join(each.format(middle=PAGES // 2, most=PAGES * 4 // 5) for each in faults)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--scripts", nargs="*", default=(), help="only scripts whose name has one of these in it")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing new after that long")
    arguments = parser.parse_args()
    run(arguments)
    runs = known()
    REPORT.write_text(report(runs.values(), arguments.seeds))
    left = sum(len(seeds) for _, _, seeds in pieces(arguments))
    wrong = sum(bool(each["problems"]) for each in runs.values())
    print(f"{len(runs):,} runs, {left:,} left, {wrong:,} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
