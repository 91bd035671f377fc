"""The pictures: CPU of a call, latencies, and the cost of many pages; SVG, by matplotlib, the extra ``plots``."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.comparison.work import ONE, PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.comparison.results import Results

__all__ = ["draw"]

_COLOURS = {"eegrpc": "#1b7837", "raw": "#969696", "other": "#2166ac"}
_SHARES = ((0.5, "p50", 1.0), (0.99, "p99", 0.65), (0.999, "p99.9", 0.35))


class _Panel(NamedTuple):
    title: str
    values: dict[str, float]
    scale: str = "log"


def draw(results: Results, folder: Path) -> list[str]:
    """Write the pictures for which there are results; return the names of the files."""
    import matplotlib as mpl

    # The same results give the same files: no date, no random ids; and text stays text.
    with mpl.rc_context({"svg.hashsalt": "eegrpc", "svg.fonttype": "none", "font.size": 9}):
        names = []
        for name, figure in _figures(results):
            figure.savefig(folder / name, format="svg", metadata={"Date": None}, bbox_inches="tight")
            names.append(name)
    return names


def _figures(results: Results) -> Iterator[tuple[str, Any]]:
    panels = [
        _Panel(f"CPU of a call: {work}, ms", {name: figure.median * 1e3 for name, figure in _cpu(results, work)})
        for work in (ONE, PAGE)
        if results.batches.get((work, 1))
    ]
    if panels:
        yield "benchmarks-cpu.svg", _bars(panels)
    if results.loads:
        yield "benchmarks-latency.svg", _latency(results)
    if results.iterations:
        taken = {name: results.iterations[name] for name in results.subjects if results.iterations.get(name)}
        seconds = _Panel(
            "All pages: seconds", {name: median(each.wall for each in samples) for name, samples in taken.items()}
        )
        peaks = {name: median(each.peak for each in samples) / 1e6 for name, samples in taken.items()}
        yield "benchmarks-pages.svg", _bars([seconds, _Panel("All pages: peak of memory, MB", peaks, "linear")])


def _cpu(results: Results, work: str) -> Iterator[tuple[str, Any]]:
    for name in results.subjects:
        figure = results.cpu((work, 1), name)
        if figure is not None:
            yield name, figure


def _bars(panels: list[_Panel]) -> Any:
    """Return panels of horizontal bars, the smallest value at the top."""
    figure, axes = _axes(len(panels), max(len(panel.values) for panel in panels))
    for axis, (title, values, scale) in zip(axes, panels, strict=True):
        names = sorted(values, key=values.__getitem__, reverse=True)
        bars = axis.barh(names, [values[name] for name in names], color=[_colour(name) for name in names])
        axis.bar_label(bars, [f" {_number(values[name])}" for name in names])
        axis.set_title(title)
        axis.set_xscale(scale)
        if scale == "log":
            axis.set_xlim(left=min(values.values()) / 2)
            axis.xaxis.set_minor_formatter("")  # each bar has its number
            axis.xaxis.set_major_formatter("{x:g}")
        axis.margins(x=0.15)
    return figure


def _latency(results: Results) -> Any:
    """Return the percentiles of each subject, the shortest median at the top."""
    from matplotlib.ticker import LogLocator

    latencies = {name: [(results.latency(name, share) or 0) * 1e3 for share, _, _ in _SHARES] for name in results.loads}
    names = sorted(set(latencies).intersection(results.subjects), key=latencies.__getitem__, reverse=True)
    figure, (axis,) = _axes(1, len(names))
    for place, name in enumerate(names):
        axis.plot(latencies[name], [place] * len(_SHARES), color=_colour(name), linewidth=1, zorder=1)
    for column, (_, label, alpha) in enumerate(_SHARES):
        values = [latencies[name][column] for name in names]
        axis.scatter(values, range(len(names)), color="black", alpha=alpha, s=22, label=label, zorder=2)
    axis.set_yticks(range(len(names)), names)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_minor_formatter("")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_title(f"Latency at a fixed rate: {ONE}, ms")
    axis.legend()
    return figure


def _axes(panels: int, rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5 * panels, 1 + 0.28 * rows), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _colour(name: str) -> str:
    return next((colour for start, colour in _COLOURS.items() if name.startswith(start)), _COLOURS["other"])
