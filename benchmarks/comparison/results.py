"""Everything that one run measured, and the figures that are drawn from it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.comparison.samples import Batch, ColdStart, Iteration, Load

__all__ = ["Figure", "Results", "percentile"]

Kind = tuple[str, int]  # name of a piece of work, and how many callers there are


@dataclass(frozen=True)
class Figure:
    """The median of several samples, and their lower and upper quartiles."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(samples: Sequence[float]) -> Figure | None:
        """Return the figure of some samples; None when there are none."""
        if not samples:
            return None
        if len(samples) == 1:
            return Figure(samples[0], samples[0], samples[0])
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return Figure(median, low, high)

    @property
    def spread(self) -> float:
        """Distance of the quartiles, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


@dataclass
class Results:
    """The samples, in the order of the rounds, so that those of the same place were taken close to each other.

    Attributes:
        subjects: Names of those that were measured, in the order of the tables.
        left_out: The others, and why.
        unsuited: Pieces of work that a subject cannot do: the name of the work and its own, and why.
        batches, loads, iterations, cold_starts: The samples, by subject.
        server: By kind of work and subject, the share of its core that the server used, in each round.
        page_bytes: What a decoded page takes, by its form.
    """

    subjects: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    unsuited: dict[tuple[str, str], str] = field(default_factory=dict)
    batches: dict[Kind, dict[str, list[Batch]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    server: dict[Kind, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    loads: dict[str, list[Load]] = field(default_factory=lambda: defaultdict(list))
    iterations: dict[str, list[Iteration]] = field(default_factory=lambda: defaultdict(list))
    cold_starts: dict[str, list[ColdStart]] = field(default_factory=lambda: defaultdict(list))
    page_bytes: dict[str, int] = field(default_factory=dict)

    def drop(self, subject: str, why: str) -> None:
        """Forget a subject that failed, and say so."""
        self.subjects.remove(subject)
        self.left_out[subject] = why

    # Figures ---------------------------------------------------------------------------------------------------------

    def cpu(self, kind: Kind, subject: str) -> Figure | None:
        """Return the seconds of CPU of a call."""
        return Figure.of(self._cpu_samples(kind, subject))

    def wall(self, kind: Kind, subject: str) -> Figure | None:
        """Return the seconds from one answer to the next of a caller."""
        _, callers = kind
        return Figure.of([each.wall / each.calls * callers for each in self._batches(kind, subject)])

    def rate(self, kind: Kind, subject: str) -> Figure | None:
        """Return the calls in a second of wall time."""
        return Figure.of([each.calls / each.wall for each in self._batches(kind, subject)])

    def cpu_ratio(self, over: str, under: str, kind: Kind, under_kind: Kind | None = None) -> Figure | None:
        """Return how many times as much CPU a call of one subject takes as one of another, each round by itself."""
        return _ratio(self._cpu_samples(kind, over), self._cpu_samples(under_kind or kind, under))

    def iteration_ratio(self, over: str, under: str, what: str) -> Figure | None:
        """Return how many times as much ``cpu`` or ``wall`` going through all pages takes."""
        samples = ([getattr(each, what) for each in self.iterations.get(name, [])] for name in (over, under))
        return _ratio(*samples)

    def cold_start_ratio(self, over: str, under: str, what: str) -> Figure | None:
        """Return how many times as much of ``cpu``, ``wall``, ... it takes from the start to the first answer."""
        samples = ([getattr(each, what) for each in self.cold_starts.get(name, [])] for name in (over, under))
        return _ratio(*samples)

    def latency(self, subject: str, share: float) -> float | None:
        """Return the seconds within which so large a share of the calls on schedule was answered."""
        latencies = sorted(each for load in self.loads.get(subject, []) for each in load.latencies)
        return percentile(latencies, share) if latencies else None

    def record(self) -> dict[str, Any]:
        """Return every sample as JSON values."""
        return {
            "left out": self.left_out,
            "unsuited": [
                {"work": work, "subject": subject, "why": why} for (work, subject), why in self.unsuited.items()
            ],
            "batches": [
                {
                    "work": work,
                    "callers": callers,
                    "subject": subject,
                    "samples": [asdict(each) for each in samples],
                    "server's core": [round(each, 4) for each in self.server[work, callers][subject]],
                }
                for (work, callers), taken in self.batches.items()
                for subject, samples in taken.items()
                if subject in self.subjects
            ],
            "loads": [
                {**asdict(load), "subject": subject, "latencies": [round(each, 6) for each in load.latencies]}
                for subject in self.subjects
                for load in self.loads.get(subject, [])
            ],
            "iterations": self._by_subject(self.iterations),
            "cold starts": self._by_subject(self.cold_starts),
            "bytes of a decoded page": self.page_bytes,
        }

    def _batches(self, kind: Kind, subject: str) -> list[Batch]:
        return self.batches.get(kind, {}).get(subject, []) if subject in self.subjects else []

    def _cpu_samples(self, kind: Kind, subject: str) -> list[float]:
        return [each.cpu / each.calls for each in self._batches(kind, subject)]

    def _by_subject(self, samples: dict[str, list[Any]]) -> dict[str, list[dict[str, Any]]]:
        return {subject: [asdict(each) for each in samples.get(subject, [])] for subject in self.subjects}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of some values, in order, that so large a share of them does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _ratio(over: list[float], under: list[float]) -> Figure | None:
    return Figure.of([each / base for each, base in zip(over, under, strict=False)])
