"""The document: what was demanded, then ratios, then times; in Markdown."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.internal import api_implementation

from benchmarks.mapper.acceptance import NATIVE
from benchmarks.mapper.peers import DIRECTIONS
from benchmarks.mapper.whole_path import RATIOS
from eegrpc import mapper
from eegrpc.v1alpha import ComputeImagesResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.mapper.acceptance import Line
    from benchmarks.mapper.inputs import Case
    from benchmarks.mapper.measure import Times
    from benchmarks.mapper.peers import Subject

    Results = Mapping[tuple[str, str], Mapping[str, Times]]
    Peaks = Mapping[tuple[str, str, str], tuple[int, int]]

__all__ = ["document", "facts", "load", "native_build", "processor"]

_VERSIONS = ("eegrpc", "protobuf", "grpcio", "urllib3", "aiohttp", "orjson", "msgspec", "protobuf-py")
_DETAILED = ("page", "one image")


def document(
    facts: Mapping[str, str],
    missing: Mapping[str, str],
    cases: Sequence[Case],
    results: Results,
    peaks: Peaks,
    client: tuple[str, Mapping[str, Times]],
    demands: Iterable[Line],
) -> Iterator[str]:
    """Return the lines of it.

    Args:
        facts: What the numbers depend on.
        missing: The subjects left out, and why.
        cases: The inputs.
        results: By case and direction, what each subject took.
        peaks: By case, direction and subject, the extra bytes at the peak and the bytes returned.
        client: The implementation of the mapper that the channels used, and what each call took.
        demands: What was wanted.
    """
    yield "# The mapper, measured"
    yield ""
    yield from (f"- {name}: {value}" for name, value in facts.items())
    yield from (f"- left out: {name}: {reason}" for name, reason in missing.items())
    yield ""
    yield "Medians of CPU time, user and system, of one process on one core. Subjects take turns; the garbage collector"
    yield "runs between samples and not within them, and what a call returns is freed within its time."
    yield "To JSON, eegrpc starts from wire bytes; the others get their message or objects ready-made. MessageToJson"
    yield "indents, as it does unless told otherwise; MessageToDict with json.dumps prints compactly, as eegrpc does."
    yield "Peak memory is what one call adds to the process at most, what it returns included."
    yield "\n## Wanted and measured"
    yield from _head("", "wanted", "measured", "")
    yield from map(str, demands)
    for direction, those in DIRECTIONS.items():
        yield f"\n## CPU time {direction}, in multiples"
        yield from _ratios(direction, those, results)
    for case in cases:
        for direction, those in DIRECTIONS.items():
            if case.name in _DETAILED and (case.name, direction) in results:
                yield f"\n## {case.name}, {direction}"
                yield from _times(case, direction, those, results[case.name, direction], peaks)
    yield "\n## Whole path: one page, CPU time of the client"
    yield from _whole_path(client)
    yield "\n## Inputs"
    yield from _sizes(cases, results, peaks)


def facts() -> dict[str, str]:
    """Return what the numbers depend on."""
    implementation = mapper.IMPLEMENTATION
    if mapper.NATIVE_FAILURE:
        implementation += f" ({mapper.NATIVE_FAILURE})"
    begin = time.perf_counter()
    mapper.MessageMapper(ComputeImagesResponse.DESCRIPTOR)
    made = time.perf_counter() - begin
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in _VERSIONS),
        "protobuf's implementation": api_implementation.Type(),
        "eegrpc's mapper": f"{implementation}; one for answers is made in {made * 1e3:.2f} ms",
        "native build": native_build(),
        "load at the start": load(),
    }


def native_build() -> str:
    """Return which build of the native mapper is installed now: the beginning of its SHA-256."""
    spec = importlib.util.find_spec("eegrpc.mapper._rust")
    if spec is None or spec.origin is None:
        return "none"
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()[:12]


def load() -> str:
    """Return how many processes wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(none)"


def _ratios(direction: str, subjects: Sequence[Subject], results: Results) -> Iterator[str]:
    """Return the table of how many times longer each subject takes than the native mapper, or else the Python one."""
    measured = {case: taken for (case, way), taken in results.items() if way == direction}
    present = [subject.name for subject in subjects if any(subject.name in taken for taken in measured.values())]
    base = NATIVE if NATIVE in present else "eegrpc python"
    others = [name for name in present if name != base]
    yield from _head("input", f"{base}, ms", *others)
    for case, taken in measured.items():
        own = taken[base].median
        cells = (f"{taken[name].median / own:.2f} x" if name in taken else "-" for name in others)
        yield _row(case, f"{own * 1e3:.4g}", *cells)


def _times(
    case: Case, direction: str, subjects: Sequence[Subject], taken: Mapping[str, Times], peaks: Peaks
) -> Iterator[str]:
    yield from _head("", "gives", "CPU, ms", "spread", "wall, ms", "JSON, MB/s", "peak, MB", "peak, of output")
    for subject in subjects:
        if subject.name not in taken:
            continue
        each = taken[subject.name]
        extra, returned = peaks.get((case.name, direction, subject.name), (0, 0))
        yield _row(
            subject.name,
            subject.gives,
            f"{each.median * 1e3:.4g}",
            f"{each.spread:.0%}",
            f"{statistics.median(each.wall) * 1e3:.4g}",
            f"{len(case.json) / each.median / 1e6:,.0f}",
            f"{extra / 1e6:.1f}" if extra else "-",
            f"{extra / returned:.2f} x" if extra and returned else "-",
        )


def _whole_path(client: tuple[str, Mapping[str, Times]]) -> Iterator[str]:
    implementation, times = client
    bases = {name: base for _, name, base in RATIOS}
    yield from _head(f"mapper: {implementation}", "CPU, ms", "spread", "of gRPC's")
    for name, each in times.items():
        ratio = each.median / times[bases.get(name, name)].median
        yield _row(name, f"{each.median * 1e3:.1f}", f"{each.spread:.0%}", f"{ratio:.2f} x")


def _sizes(cases: Sequence[Case], results: Results, peaks: Peaks) -> Iterator[str]:
    """Return the table of inputs, with the native mapper's throughput and peak memory."""
    yield from _head("input", "what it is", "JSON, bytes", "wire, bytes", "from, MB/s", "to, MB/s", "peaks, of output")
    for case in cases:
        speeds, multiples = [], []
        for direction in DIRECTIONS:
            taken = results.get((case.name, direction), {}).get(NATIVE)
            speeds.append(f"{len(case.json) / taken.median / 1e6:,.0f}" if taken else "-")
            extra, returned = peaks.get((case.name, direction, NATIVE), (0, 0))
            multiples.append(f"{extra / returned:.2f} x" if returned else "-")
        about = f"{case.message_class.DESCRIPTOR.name}: {case.about}"
        yield _row(case.name, about, f"{len(case.json):,}", f"{len(case.wire):,}", *speeds, ", ".join(multiples))


def _head(*titles: str) -> Iterator[str]:
    yield ""
    yield _row(*titles)
    yield _row("---", *("---:" for _ in titles[1:]))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
