"""What was demanded of eegrpc, and what came out: each line a ratio of two subjects of the same run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison.results import Figure
from benchmarks.comparison.work import ONE, PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.comparison.results import Results

__all__ = ["Line", "lines"]

_GRPC, _REST = "eegrpc, grpc", "eegrpc, rest"
_AIO_GRPC, _AIO_REST = "eegrpc, grpc, asyncio", "eegrpc, rest, asyncio"
_OFFICIAL = "earthengine-api"


@dataclass(frozen=True)
class Line:
    """One demand.

    Attributes:
        number: The point of the list of demands that it is part of.
        what: What is compared.
        bound: What the measured value must not exceed, or, if `at_least`, must reach.
        at_least: Which of these.
        measured: The value; None where it was not measured.
        unit: What the value is counted in.
    """

    number: int
    what: str
    bound: float
    at_least: bool
    measured: Figure | None
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the bound; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured.median >= self.bound if self.at_least else self.measured.median <= self.bound


def lines(results: Results) -> Iterator[Line]:
    """Return all demands."""
    yield from _overhead(results)
    yield from _rest(results)
    yield from _peers(results)
    yield from _iteration(results)
    for what, name in (("cpu", "CPU"), ("wall", "wall time")):
        ratio = results.cold_start_ratio(_OFFICIAL, _GRPC, what)
        yield Line(5, f"{_OFFICIAL} / {_GRPC}, import to first answer, {name}", 3, True, ratio)
        ratio = results.cold_start_ratio(_OFFICIAL, _REST, what)
        yield Line(5, f"{_OFFICIAL} / {_REST}, import to first answer, {name}", 3, True, ratio)


def _overhead(results: Results) -> Iterator[Line]:
    for work, bound in ((ONE, 1.15), (PAGE, 1.03)):
        for colour in ("", ", asyncio"):
            for ours in ("eegrpc stub, grpc", _GRPC):
                yield _cpu(results, 1, ours + colour, f"raw stub, grpc{colour}", work, bound)


def _rest(results: Results) -> Iterator[Line]:
    for ours in ("eegrpc stub, rest", _REST):
        yield _cpu(results, 2, ours, "raw urllib3", ONE, 1.6)
        yield _cpu(results, 2, f"{ours}, asyncio", "raw aiohttp", ONE, 1.6)
    yield _cpu(results, 2, _REST, _GRPC, PAGE, 1.3)
    yield _cpu(results, 2, _AIO_REST, _AIO_GRPC, PAGE, 1.3)


def _peers(results: Results) -> Iterator[Line]:
    yield _cpu(results, 3, _OFFICIAL, _GRPC, ONE, 3.5, at_least=True)
    yield _cpu(results, 3, _OFFICIAL, _REST, ONE, 3, at_least=True)
    for ours in (_AIO_GRPC, _AIO_REST):
        yield _cpu(results, 3, _OFFICIAL, ours, ONE, 6, at_least=True, callers=40)
    yield _cpu(results, 3, _OFFICIAL, _GRPC, PAGE, 6, at_least=True)
    yield _cpu(results, 3, _OFFICIAL, _REST, PAGE, 5, at_least=True)
    yield _cpu(results, 3, "GAPIC, rest", _REST, PAGE, 25, at_least=True)
    yield _cpu(results, 3, "GAPIC, rest", _REST, ONE, 8, at_least=True)
    yield _cpu(results, 3, "GAPIC, grpc", _GRPC, ONE, 1, at_least=True)
    yield _cpu(results, 3, "GAPIC, grpc", _GRPC, PAGE, 1, at_least=True)


def _cpu(
    results: Results,
    number: int,
    over: str,
    under: str,
    work: str,
    bound: float,
    *,
    at_least: bool = False,
    callers: int = 1,
) -> Line:
    what = f"{over} / {under}, {work}" + (f", {callers} callers" if callers > 1 else "")
    return Line(number, what, bound, at_least, results.cpu_ratio(over, under, (work, callers)))


def _iteration(results: Results) -> Iterator[Line]:
    page = results.page_bytes.get("message", 0)
    for ours in (_GRPC, _REST, _AIO_GRPC, _AIO_REST):
        peaks = [each.peak / page for each in results.iterations.get(ours, []) if page and each.peak]
        yield Line(4, f"{ours}: peak memory of going through all pages", 2.5, False, Figure.of(peaks), "pages")
    for ours in (_GRPC, _REST):
        ratio = results.iteration_ratio(_OFFICIAL, ours, "wall")
        yield Line(4, f"{_OFFICIAL} / {ours}, wall time of going through all pages", 6, True, ratio)
