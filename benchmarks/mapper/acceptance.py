"""What the mapper is to reach, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmarks.mapper.whole_path import RATIOS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.mapper.measure import Times

__all__ = ["Line", "lines"]

NATIVE, TO_MESSAGE = "eegrpc native", "eegrpc native + FromString"
PARSE, PRINT, COMPACT = "json_format.Parse", "json_format.MessageToJson", "MessageToDict + json.dumps"
FROM_STRING = "upb FromString (of wire)"
IN, OUT = "from JSON", "to JSON"

# Case, direction, subject, compared with, how many times faster at least (None: told, not demanded).
_FASTER: tuple[tuple[str, str, str, str, float | None], ...] = (
    ("page", IN, NATIVE, PARSE, 60),
    ("page", IN, NATIVE, "json.loads", 4),
    ("page", IN, TO_MESSAGE, PARSE, 25),
    ("page", OUT, NATIVE, PRINT, 60),
    ("page", OUT, NATIVE, COMPACT, None),
    ("small request", IN, NATIVE, PARSE, 40),
    ("small request", OUT, NATIVE, PRINT, 40),
    ("one image", IN, NATIVE, PARSE, 40),
    ("one image", OUT, NATIVE, PRINT, 40),
)
_WHOLE_PATH = 1.5
_FROM_STRING = 2.5
_MEMORY = 2.0


@dataclass(frozen=True)
class Line:
    """One demand: what it is about, what is wanted, what was measured (None: not measured)."""

    about: str
    rule: Literal["at least", "at most", "told"]
    wanted: float
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether it holds; None when that cannot be said."""
        if self.measured is None or self.rule == "told":
            return None
        return self.measured >= self.wanted if self.rule == "at least" else self.measured <= self.wanted

    def __str__(self) -> str:
        wanted = "-" if self.rule == "told" else f"{self.rule} {self.wanted:g} x"
        # Digits enough to tell a miss from a hit.
        measured = "not measured" if self.measured is None else f"{self.measured:.{3 if self.measured < 10 else 1}f} x"
        verdict = {True: "met", False: "NOT MET", None: "-"}[self.met]
        return f"| {self.about} | {wanted} | {measured} | {verdict} |"


def lines(
    results: Mapping[tuple[str, str], Mapping[str, Times]],
    memory: Mapping[tuple[str, str, str], tuple[int, int]],
    whole_path: tuple[str, Mapping[str, Times]] | None,
) -> Iterator[Line]:
    """Return the demands, measured.

    Args:
        results: By case and direction, what each subject took.
        memory: By case, direction and subject, the extra bytes at the peak and the bytes returned.
        whole_path: The implementation of the mapper, and what each call took.
    """
    for case, direction, subject, other, wanted in _FASTER:
        ratio = _ratio(results.get((case, direction), {}), other, subject)
        about = f"{case}, {direction}: {subject}, times faster than {other}"
        yield Line(about, "told" if wanted is None else "at least", wanted or 0, ratio)
    ratio = _ratio(results.get(("page", IN), {}), TO_MESSAGE, FROM_STRING)
    yield Line(f"page, {IN}: {TO_MESSAGE}, CPU of FromString alone", "at most", _FROM_STRING, ratio)
    for direction in (IN, OUT):
        extra, returned = memory.get(("page", direction, NATIVE), (0, 0))
        measured = extra / returned if returned else None
        yield Line(f"page, {direction}: {NATIVE}, peak extra memory, of the output", "at most", _MEMORY, measured)
    implementation, times = whole_path or ("", {})
    for title, name, base in RATIOS:
        zipped = "gzip" in title
        ratio = _ratio(times, name, base) if implementation == "native" else None
        about = f"page, client's CPU for {title} (mapper: {implementation or 'none'})"
        yield Line(about, "told" if zipped else "at most", _WHOLE_PATH, ratio)


def _ratio(times: Mapping[str, Times], slower: str, faster: str) -> float | None:
    """Return the ratio of two medians of CPU time, None when one was not measured."""
    if slower not in times or faster not in times:
        return None
    return times[slower].median / times[faster].median
