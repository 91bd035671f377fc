"""The document, in Markdown: what was demanded, then ratios, then figures. And the same as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from benchmarks.comparison import acceptance
from benchmarks.comparison.results import Figure
from benchmarks.comparison.run import CONCURRENT
from benchmarks.comparison.work import CALLS, LARGE, ONE, PAGE, PAGE_IMAGES, REQUEST_BYTES
from benchmarks.mapper.report import load, processor
from eegrpc import mapper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.comparison.results import Results
    from benchmarks.comparison.run import Settings

    Facts = Mapping[str, Any]

__all__ = ["document", "facts", "load", "record"]

_BASES = ("eegrpc, grpc", "eegrpc, rest", "raw stub, grpc", "raw urllib3")
_NAMED = ("eegrpc", "grpcio", "protobuf", "urllib3", "aiohttp", "google-api-core", "earthengine-api", "google-auth")
_MB = 1e6


def facts() -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "eegrpc's mapper": mapper.IMPLEMENTATION,
        "load at the start": load(),
        "packages": {each.name: each.version for each in sorted(metadata.distributions(), key=lambda one: one.name)},
    }


def record(facts: Facts, settings: Settings, results: Results) -> dict[str, Any]:
    """Return everything, each sample included, as JSON values."""
    demands = [{**asdict(line), "met": line.met} for line in acceptance.lines(results)]
    return {"facts": facts, "settings": asdict(settings), "acceptance": demands, **results.record()}


def document(facts: Facts, settings: Settings, results: Results, plots: Sequence[str] = ()) -> Iterator[str]:
    """Return the lines.

    Args:
        facts: What the numbers depend on.
        settings: How much was measured.
        results: What came out.
        plots: Names of pictures to show.
    """
    yield "# Clients compared"
    yield ""
    yield "Written by `python -m benchmarks`."
    yield ""
    packages = facts["packages"]
    yield from (f"- {name}: {value}" for name, value in facts.items() if name != "packages")
    yield f"- versions: {', '.join(f'{name} {packages[name]}' for name in _NAMED if name in packages)}"
    yield from (f"- left out: {name}: {why}" for name, why in results.left_out.items())
    yield from (f"- not measured: {name}, {work}: {why}" for (work, name), why in results.unsuited.items())
    yield ""
    yield "Every subject is a process of its own on one core, a new one for each kind of work, and the server is one on"
    yield "the other core; one subject is measured at a time, and they take turns, in"
    yield f"{settings.rounds} rounds where nothing else is said. Figures are medians, with the distance"
    yield "of the quartiles behind ± as a share of the median. CPU is user and system of the client's process. Ratios"
    yield "are taken within each round."
    yield from (f"\n![{name}]({name})" for name in plots)
    yield "\n## Demanded and measured"
    yield from _demands(results)
    yield from _model(results)
    yield from _calls(results)
    yield from _concurrent(results)
    yield from _latency(settings, results)
    yield from _iteration(settings, results)
    yield from _cold_start(results)
    yield from _server(results)


def _demands(results: Results) -> Iterator[str]:
    yield from _head("what", "bound", "measured", "quartiles", "met")
    for line in acceptance.lines(results):
        sign = "≥" if line.at_least else "≤"
        measured = quartiles = "-"
        if line.measured is not None:
            measured = f"{line.measured.median:.2f} {line.unit}"
            quartiles = f"{line.measured.low:.2f} to {line.measured.high:.2f}"
        met = {True: "yes", False: "**no**", None: "not measured"}[line.met]
        yield _row(f"{line.number}. {line.what}", f"{sign} {line.bound:g} {line.unit}", measured, quartiles, met)


def _model(results: Results) -> Iterator[str]:
    """Return what a call costs by what is in it: the differences between pieces of work, shared out."""
    kinds = [(work, 1) for work in (ONE, PAGE, LARGE)]
    if not all(results.batches.get(kind) for kind in kinds):
        return
    yield "\n## Cost model"
    yield ""
    yield "CPU of the client: a call with one image in its answer, each further image, and each 100 kB of the request."
    yield from _head("", "a call, µs", "an image, µs", "100 kB of request, µs")
    for name in results.subjects:
        one, page, large = (results.cpu(kind, name) for kind in kinds)
        if one is None or page is None or large is None:
            continue
        image = (page.median - one.median) / (PAGE_IMAGES - 1)
        request = (large.median - one.median) / (REQUEST_BYTES / 1e5)
        yield _row(name, *(f"{cost * 1e6:,.1f}" for cost in (one.median, image, request)))


def _calls(results: Results) -> Iterator[str]:
    """Return, for each piece of work, the CPU of a call: in multiples, and in microseconds."""
    for work in CALLS:
        kind = work, 1
        if not results.batches.get(kind):
            continue
        yield f"\n## One call: {work}"
        bases = [base for base in _BASES if results.cpu(kind, base)]
        titles = [f"of {base}" for base in bases]
        yield from _head("", *titles, "CPU, µs", "wall, µs", "calls/s per core")
        for name in results.subjects:
            cpu, wall = results.cpu(kind, name), results.wall(kind, name)
            if cpu is None or wall is None:
                continue
            ratios = (_times(results.cpu_ratio(name, base, kind)) for base in bases)
            yield _row(name, *ratios, _micro(cpu), _micro(wall), f"{1 / cpu.median:,.0f}")


def _concurrent(results: Results) -> Iterator[str]:
    for title, callers in CONCURRENT.items():
        kind = ONE, callers
        if not results.batches.get(kind):
            continue
        yield f"\n## {title}: {ONE}"
        bases = [
            base for base in ("eegrpc, grpc, asyncio", "eegrpc, rest, asyncio", *_BASES[:2]) if results.cpu(kind, base)
        ]
        yield from _head("", *(f"of {base}" for base in bases), "CPU, µs", "calls/s", "calls/s per core")
        for name in results.subjects:
            cpu, rate = results.cpu(kind, name), results.rate(kind, name)
            if cpu is None or rate is None:
                continue
            ratios = (_times(results.cpu_ratio(name, base, kind)) for base in bases)
            yield _row(name, *ratios, _micro(cpu), f"{rate.median:,.0f}", f"{1 / cpu.median:,.0f}")


def _latency(settings: Settings, results: Results) -> Iterator[str]:
    if not results.loads:
        return
    yield f"\n## Latency at {settings.rate:g} calls/s: {ONE}"
    yield ""
    yield "From when a call was to begin, whether or not the ones before were answered, to its answer."
    yield from _head("", "p50, ms", "p99, ms", "p99.9, ms", "calls", "client's core")
    for name in results.subjects:
        loads = results.loads.get(name, [])
        values = [results.latency(name, share) for share in (0.5, 0.99, 0.999)]
        if not loads:
            continue
        busy = sum(each.cpu for each in loads) / sum(each.wall for each in loads)
        calls = sum(len(each.latencies) for each in loads)
        yield _row(name, *(f"{(value or 0) * 1e3:.2f}" for value in values), f"{calls:,}", f"{busy:.1%}")


def _iteration(settings: Settings, results: Results) -> Iterator[str]:
    if not results.iterations:
        return
    page = results.page_bytes
    yield f"\n## Going through {settings.pages * 1000:,} images in pages of 1,000"
    yield ""
    message, dictionary = page["message"] / _MB, page["dictionary"] / _MB
    yield f"A decoded page takes {message:.1f} MB as a message, and {dictionary:.1f} MB as a dictionary."
    yield "Peaks are what resident memory rises by, over what it is after one small call."
    yield from _head(
        "", "wall, s", "CPU, s", "of eegrpc, grpc: wall", "CPU", "peak of a page, MB", "peak of all, MB", "in messages"
    )
    for name in results.subjects:
        taken = results.iterations.get(name, [])
        if not taken:
            continue
        columns = ([getattr(each, what) for each in taken] for what in ("wall", "cpu", "page_peak", "peak"))
        wall, cpu, page_peak, peak = (_median(column) for column in columns)
        ratios = [_times(results.iteration_ratio(name, _BASES[0], what)) for what in ("wall", "cpu")]
        pages = f"{peak / page['message']:.1f}" if page["message"] else "-"
        yield _row(name, f"{wall:.2f}", f"{cpu:.2f}", *ratios, f"{page_peak / _MB:.1f}", f"{peak / _MB:.1f}", pages)


def _cold_start(results: Results) -> Iterator[str]:
    if not results.cold_starts:
        return
    yield "\n## Cold start: from a new process's first statement to the first answer"
    yield from _head(
        "", "of eegrpc, grpc: CPU", "wall", "client made, CPU ms", "first answer, CPU ms", "first answer, wall ms"
    )
    for name in results.subjects:
        taken = results.cold_starts.get(name, [])
        if not taken:
            continue
        ratios = [_times(results.cold_start_ratio(name, _BASES[0], what)) for what in ("cpu", "wall")]
        values = (_median([getattr(each, what) for each in taken]) for what in ("opened", "cpu", "wall"))
        yield _row(name, *ratios, *(f"{value * 1e3:.0f}" for value in values))


def _server(results: Results) -> Iterator[str]:
    kinds = [kind for kind in results.server if results.server[kind]]
    if not kinds:
        return
    yield "\n## How much of its core the server used"
    yield from _head("", *(work if callers == 1 else f"{callers} callers" for work, callers in kinds))
    for name in results.subjects:
        shares = (results.server[kind].get(name) for kind in kinds)
        yield _row(name, *(f"{_median(each):.0%}" if each else "-" for each in shares))


def _median(samples: Sequence[float]) -> float:
    figure = Figure.of(samples)
    return figure.median if figure else 0.0


def _times(figure: Figure | None) -> str:
    return f"{figure.median:.2f} x" if figure else "-"


def _micro(figure: Figure) -> str:
    return f"{figure.median * 1e6:,.0f} ± {figure.spread:.0%}"


def _head(*titles: str) -> Iterator[str]:
    yield ""
    yield _row(*titles)
    yield _row("---", *("---:" for _ in titles[1:]))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
